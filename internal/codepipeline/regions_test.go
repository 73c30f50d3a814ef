package codepipeline

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline/types"
)

// Artifacts follow the actions from region to region and back.
func TestActionInAnotherRegion(t *testing.T) {
	b := newBench(t)
	objects := &fakeObjects{objects: map[string]string{}}
	b.own.s3 = func(aws.Config) objectAPI { return objects }
	b.build.do = func(*Work) (*Result, error) {
		return &Result{Done: true, Variables: map[string]string{"VERSION": "v"}, Versions: map[string]string{"Out": "o1"}}, nil
	}
	p := ordered()
	key := types.EncryptionKey{Id: aws.String("arn:aws:kms:eu-west-1:000000000000:key/k"), Type: types.EncryptionKeyTypeKms}
	p.ArtifactStores = map[string]types.ArtifactStore{
		"us-east-1": *p.ArtifactStore,
		"eu-west-1": {Type: types.ArtifactStoreTypeS3, Location: aws.String("there"), EncryptionKey: &key},
	}
	p.ArtifactStore = nil
	p.Stages[1].Actions[0].Region = aws.String("eu-west-1")
	b.create(p)
	if err := b.approve(types.ApprovalStatusApproved); err != nil {
		t.Fatal(err)
	}
	if s := b.executions()[0].Status; s != types.PipelineExecutionStatusSucceeded {
		t.Fatalf("ended %s", s)
	}
	w := b.build.steps[0]
	if len(b.build.steps) != 1 || w.Region != "eu-west-1" || w.Inputs[0].Bucket != "there" || w.Inputs[0].VersionID != "v2" || w.Inputs[0].Revision != "c1" ||
		w.Outputs[0].Bucket != "there" || w.Encryption != &key && *w.Encryption.Id != *key.Id {
		t.Errorf("the build got %+v", w)
	}
	if in := b.deploy.steps[0].Inputs[0]; in.Bucket != "bucket" || b.deploy.steps[0].Region != "us-east-1" {
		t.Errorf("the deployment got %+v", in)
	}
	if n := len(objects.copies); n != 2 || *objects.copies[0].SSEKMSKeyId != *key.Id || !strings.HasPrefix(*objects.copies[0].CopySource, "bucket/p/Src/") ||
		!strings.HasPrefix(*objects.copies[1].CopySource, "there/p/Out/") || !strings.HasSuffix(*objects.copies[1].CopySource, "?versionId=o1") {
		t.Errorf("%d copies: %+v", n, objects.copies)
	}
	list, err := b.ListActionExecutions(b.ctx, &codepipeline.ListActionExecutionsInput{PipelineName: aws.String("p")})
	if err != nil {
		t.Fatal(err)
	}
	if in := list.ActionExecutionDetails[2].Input; *in.Region != "eu-west-1" || *in.InputArtifacts[0].S3location.Bucket != "there" {
		t.Errorf("shown as %+v", in)
	}
}
