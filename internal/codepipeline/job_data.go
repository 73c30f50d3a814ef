package codepipeline

import (
	"context"
	"encoding/json"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline/types"

	"github.com/slipway-dev/slipway/internal/store"
)

// jobDataOf is that of the job an action has now.
func (s *Service) jobDataOf(ctx context.Context, p *Pipeline, a *ActionRecord) (*types.JobData, error) {
	var j *workerJob
	err := s.cfg.Engine.View(ctx, func(r store.Reader) (err error) {
		j, err = jobOf(r, &a.Job)
		return err
	})
	if err != nil {
		return nil, err
	}
	return s.jobData(ctx, p, a, j)
}

// jobData is what a worker must know. It has the secrets of the action and
// credentials for its artifacts, for nothing else: workers read them before they
// know whether there are artifacts.
func (s *Service) jobData(ctx context.Context, p *Pipeline, a *ActionRecord, j *workerJob) (*types.JobData, error) {
	configuration, err := s.unseal(a.Input.ResolvedConfiguration)
	if err != nil {
		return nil, err
	}
	home := storeOf(p, a.region())
	data := &types.JobData{
		ActionTypeId:        a.Declaration.ActionTypeId,
		ActionConfiguration: &types.ActionConfiguration{Configuration: configuration},
		PipelineContext: &types.PipelineContext{PipelineName: p.Declaration.Name, PipelineArn: aws.String(s.pipelineARN(p.Region, p.name())),
			PipelineExecutionId: a.PipelineExecutionId, Stage: &types.StageContext{Name: a.StageName},
			Action: &types.ActionContext{Name: a.ActionName, ActionExecutionId: a.ActionExecutionId}},
		InputArtifacts: jobArtifacts(a.Inputs), OutputArtifacts: jobArtifacts(a.Outputs), EncryptionKey: home.EncryptionKey,
	}
	if j.Token != "" {
		data.ContinuationToken = aws.String(j.Token)
	}
	policy, err := artifactPolicy(a, home.EncryptionKey)
	if err != nil {
		return nil, err
	}
	cfg, err := s.session(ctx, p, a, policy)
	if err != nil {
		return nil, err
	}
	c, err := cfg.Credentials.Retrieve(ctx)
	if err != nil {
		return nil, err
	}
	data.ArtifactCredentials = &types.AWSSessionCredentials{AccessKeyId: aws.String(c.AccessKeyID),
		SecretAccessKey: aws.String(c.SecretAccessKey), SessionToken: aws.String(c.SessionToken)}
	return data, nil
}

func jobArtifacts(list []Artifact) []types.Artifact {
	out := []types.Artifact{}
	for _, a := range list {
		ja := types.Artifact{Name: aws.String(a.Name), Location: &types.ArtifactLocation{Type: types.ArtifactLocationTypeS3,
			S3Location: &types.S3ArtifactLocation{BucketName: aws.String(a.Bucket), ObjectKey: aws.String(a.Key)}}}
		if a.Revision != "" {
			ja.Revision = aws.String(a.Revision)
		}
		out = append(out, ja)
	}
	return out
}

// artifactPolicy narrows a session to reading an action's inputs and writing
// its outputs; without any, to nothing.
func artifactPolicy(a *ActionRecord, key *types.EncryptionKey) (string, error) {
	type statement struct {
		Effect   string
		Action   []string
		Resource []string
	}
	arns := func(list []Artifact) (out []string) {
		for _, x := range list {
			out = append(out, "arn:aws:s3:::"+x.Bucket+"/"+x.Key)
		}
		return out
	}
	var list []statement
	if len(a.Inputs) > 0 {
		list = append(list, statement{"Allow", []string{"s3:GetObject", "s3:GetObjectVersion"}, arns(a.Inputs)})
	}
	if len(a.Outputs) > 0 {
		list = append(list, statement{"Allow", []string{"s3:PutObject"}, arns(a.Outputs)})
	}
	if len(list) == 0 {
		list = append(list, statement{"Deny", []string{"*"}, []string{"*"}})
	} else if key != nil {
		list = append(list, statement{"Allow", []string{"kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*"}, []string{"*"}})
	}
	b, err := json.Marshal(map[string]any{"Version": "2012-10-17", "Statement": list})
	return string(b), err
}
