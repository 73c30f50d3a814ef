package codepipeline_test

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go/aws/session"
	"github.com/aws/smithy-go"

	"github.com/slipway-dev/slipway/cmd/slipway/apptest"
)

const trust = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"codepipeline.amazonaws.com"},"Action":"sts:AssumeRole"}]}`

// everything is a server with a bucket for artifacts, one with a source, one to
// deploy to, and a role.
type everything struct {
	*codepipeline.Client
	t    *testing.T
	s3   *s3.Client
	role string
	url  string
	data string
	// older is for clients of the older SDK.
	older func() *session.Session
	// config is for SDK clients of the root user.
	config func() aws.Config
	// restart kills the server and starts another on its data.
	restart func()
	// as is S3 for other credentials.
	as func(aws.Credentials) *s3.Client
}

var code = apptest.Code

func newEverything(t *testing.T, opts ...apptest.Option) *everything {
	srv := apptest.Start(t, opts...)
	e := &everything{Client: codepipeline.NewFromConfig(srv.Config()), t: t, url: srv.URL, data: srv.Data(),
		s3: s3.NewFromConfig(srv.Config(), func(o *s3.Options) { o.UsePathStyle = true })}
	e.as = func(c aws.Credentials) *s3.Client {
		return s3.NewFromConfig(srv.ConfigFor(c), func(o *s3.Options) { o.UsePathStyle = true })
	}
	e.older = srv.Older
	e.config, e.restart = srv.Config, srv.Restart
	roles := iam.NewFromConfig(srv.Config())
	role, err := roles.CreateRole(t.Context(), &iam.CreateRoleInput{RoleName: aws.String("pipeline"), AssumeRolePolicyDocument: aws.String(trust)})
	e.must(err)
	e.role = *role.Role.Arn
	_, err = roles.PutRolePolicy(t.Context(), &iam.PutRolePolicyInput{RoleName: aws.String("pipeline"), PolicyName: aws.String("p"),
		PolicyDocument: aws.String(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":["arn:aws:s3:::artifacts*","arn:aws:s3:::source*","arn:aws:s3:::site*"]}]}`)})
	e.must(err)
	for _, b := range []string{"artifacts", "source", "site"} {
		_, err := e.s3.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: aws.String(b)})
		e.must(err)
	}
	_, err = e.s3.PutBucketVersioning(t.Context(), &s3.PutBucketVersioningInput{Bucket: aws.String("source"),
		VersioningConfiguration: &s3types.VersioningConfiguration{Status: s3types.BucketVersioningStatusEnabled}})
	e.must(err)
	return e
}

func (e *everything) must(err error) {
	e.t.Helper()
	if err != nil {
		e.t.Fatal(err)
	}
}

func (e *everything) upload(files map[string]string) string {
	e.t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for name, content := range files {
		w, err := z.Create(name)
		e.must(err)
		_, _ = io.WriteString(w, content)
	}
	e.must(z.Close())
	out, err := e.s3.PutObject(e.t.Context(), &s3.PutObjectInput{Bucket: aws.String("source"), Key: aws.String("app.zip"), Body: bytes.NewReader(b.Bytes())})
	e.must(err)
	return *out.VersionId
}

func (e *everything) copy(from, bucket, key string) {
	e.t.Helper()
	_, err := e.s3.CopyObject(e.t.Context(), &s3.CopyObjectInput{CopySource: aws.String(from), Bucket: aws.String(bucket), Key: aws.String(key)})
	e.must(err)
}

func (e *everything) read(bucket, key string) string {
	e.t.Helper()
	out, err := e.s3.GetObject(e.t.Context(), &s3.GetObjectInput{Bucket: aws.String(bucket), Key: aws.String(key)})
	e.must(err)
	b, err := io.ReadAll(out.Body)
	e.must(err)
	return string(b)
}

func kind(c types.ActionCategory, provider string) *types.ActionTypeId {
	return &types.ActionTypeId{Category: c, Owner: types.ActionOwnerAws, Provider: aws.String(provider), Version: aws.String("1")}
}

// pipeline is the sample. It does not look for changes by itself: the event of an
// upload that was before it may come when it is there.
func (e *everything) pipeline() *types.PipelineDeclaration {
	return &types.PipelineDeclaration{
		Name: aws.String("web"), RoleArn: aws.String(e.role), PipelineType: types.PipelineTypeV2,
		ArtifactStore: &types.ArtifactStore{Type: types.ArtifactStoreTypeS3, Location: aws.String("artifacts")},
		Stages: []types.StageDeclaration{
			{Name: aws.String("Source"), Actions: []types.ActionDeclaration{{Name: aws.String("Get"), Namespace: aws.String("src"),
				ActionTypeId: kind(types.ActionCategorySource, "S3"), OutputArtifacts: []types.OutputArtifact{{Name: aws.String("App")}},
				Configuration: map[string]string{"S3Bucket": "source", "S3ObjectKey": "app.zip", "PollForSourceChanges": "false"}}}},
			{Name: aws.String("Review"), Actions: []types.ActionDeclaration{{Name: aws.String("Approve"), ActionTypeId: kind(types.ActionCategoryApproval, "Manual"),
				Configuration: map[string]string{"CustomData": "version #{src.VersionId}"}}}},
			{Name: aws.String("Deploy"), Actions: []types.ActionDeclaration{{Name: aws.String("Publish"), ActionTypeId: kind(types.ActionCategoryDeploy, "S3"),
				InputArtifacts: []types.InputArtifact{{Name: aws.String("App")}},
				Configuration:  map[string]string{"BucketName": "site", "Extract": "true", "ObjectKey": "v/#{src.VersionId}"}}}},
		},
	}
}

// until asks the API until it says what the test waits for.
func (e *everything) until(what string, ok func() bool) {
	e.t.Helper()
	ctx, cancel := context.WithTimeout(e.t.Context(), 20*time.Second)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-ctx.Done():
			e.explain()
			e.t.Fatalf("%s did not happen", what)
		case <-tick.C:
		}
	}
}

// explain logs why actions failed.
func (e *everything) explain() {
	out, err := e.ListActionExecutions(context.Background(), &codepipeline.ListActionExecutionsInput{PipelineName: aws.String("web")})
	if err != nil {
		e.t.Log(err)
		return
	}
	list, _ := e.ListPipelineExecutions(context.Background(), &codepipeline.ListPipelineExecutionsInput{PipelineName: aws.String("web")})
	for _, x := range list.PipelineExecutionSummaries {
		e.t.Log(*x.PipelineExecutionId, x.Status, x.Trigger.TriggerType)
	}
	for _, a := range out.ActionExecutionDetails {
		e.t.Log(*a.ActionName, a.Status)
		if a.Output != nil && a.Output.ExecutionResult.ErrorDetails != nil {
			e.t.Log(*a.Output.ExecutionResult.ErrorDetails.Code, *a.Output.ExecutionResult.ErrorDetails.Message)
		}
	}
}

func (e *everything) token() (token *string) {
	e.t.Helper()
	e.until("the approval", func() bool {
		st, err := e.GetPipelineState(e.t.Context(), &codepipeline.GetPipelineStateInput{Name: aws.String("web")})
		e.must(err)
		if x := st.StageStates[1].ActionStates[0].LatestExecution; x != nil {
			token = x.Token
		}
		return token != nil
	})
	return token
}

func (e *everything) ended(id *string) types.PipelineExecutionStatus {
	e.t.Helper()
	var status types.PipelineExecutionStatus
	e.until("the end of the execution", func() bool {
		out, err := e.GetPipelineExecution(e.t.Context(), &codepipeline.GetPipelineExecutionInput{PipelineName: aws.String("web"), PipelineExecutionId: id})
		e.must(err)
		status = out.PipelineExecution.Status
		return status != types.PipelineExecutionStatusInProgress && status != types.PipelineExecutionStatusStopping
	})
	return status
}

func TestFromObjectToSite(t *testing.T) {
	e := newEverything(t, apptest.Enforce)
	version := e.upload(map[string]string{"index.html": "<h1>one</h1>", "css/site.css": "h1{}"})
	created, err := e.CreatePipeline(t.Context(), &codepipeline.CreatePipelineInput{Pipeline: e.pipeline(), Tags: []types.Tag{{Key: aws.String("team"), Value: aws.String("web")}}})
	e.must(err)
	if *created.Pipeline.Version != 1 || created.Pipeline.ExecutionMode != types.ExecutionModeSuperseded {
		t.Errorf("created %+v", created.Pipeline)
	}
	_, err = e.PutApprovalResult(t.Context(), &codepipeline.PutApprovalResultInput{PipelineName: aws.String("web"), StageName: aws.String("Review"),
		ActionName: aws.String("Approve"), Token: e.token(), Result: &types.ApprovalResult{Status: types.ApprovalStatusApproved, Summary: aws.String("nice")}})
	e.must(err)
	list, err := e.ListPipelineExecutions(t.Context(), &codepipeline.ListPipelineExecutionsInput{PipelineName: aws.String("web")})
	e.must(err)
	id := list.PipelineExecutionSummaries[0].PipelineExecutionId
	if s := e.ended(id); s != types.PipelineExecutionStatusSucceeded {
		e.explain()
		t.Fatalf("ended %s", s)
	}
	for key, want := range map[string]string{"index.html": "<h1>one</h1>", "css/site.css": "h1{}"} {
		out, err := e.s3.GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String("site"), Key: aws.String("v/" + version + "/" + key)})
		e.must(err)
		if b, _ := io.ReadAll(out.Body); string(b) != want {
			t.Errorf("%s: %s", key, b)
		}
	}
	if r := list.PipelineExecutionSummaries[0].SourceRevisions; len(r) != 1 || *r[0].RevisionId != version {
		t.Errorf("source revisions %+v", r)
	}

	// A rejection fails the stage; what the role may not do fails the action.
	again, err := e.StartPipelineExecution(t.Context(), &codepipeline.StartPipelineExecutionInput{Name: aws.String("web")})
	e.must(err)
	_, err = e.PutApprovalResult(t.Context(), &codepipeline.PutApprovalResultInput{PipelineName: aws.String("web"), StageName: aws.String("Review"),
		ActionName: aws.String("Approve"), Token: e.token(), Result: &types.ApprovalResult{Status: types.ApprovalStatusRejected, Summary: aws.String("too plain")}})
	e.must(err)
	if s := e.ended(again.PipelineExecutionId); s != types.PipelineExecutionStatusFailed {
		t.Errorf("a rejected execution ended %s", s)
	}
	p := e.pipeline()
	p.Stages[0].Actions[0].Configuration["S3Bucket"] = "elsewhere"
	_, err = e.UpdatePipeline(t.Context(), &codepipeline.UpdatePipelineInput{Pipeline: p})
	e.must(err)
	denied, err := e.StartPipelineExecution(t.Context(), &codepipeline.StartPipelineExecutionInput{Name: aws.String("web")})
	e.must(err)
	if s := e.ended(denied.PipelineExecutionId); s != types.PipelineExecutionStatusFailed {
		t.Errorf("ended %s", s)
	}
	acts, err := e.ListActionExecutions(t.Context(), &codepipeline.ListActionExecutionsInput{PipelineName: aws.String("web"),
		Filter: &types.ActionExecutionFilter{PipelineExecutionId: denied.PipelineExecutionId}})
	e.must(err)
	if d := acts.ActionExecutionDetails[0].Output.ExecutionResult.ErrorDetails; *d.Code != "PermissionError" ||
		*d.Message != `CodePipeline service role "`+e.role+`" is getting S3 access denied for the S3 bucket "elsewhere"` {
		t.Errorf("refused as %s: %s", *d.Code, *d.Message)
	}
}

func TestErrorsOnTheWire(t *testing.T) {
	e := newEverything(t)
	_, err := e.GetPipeline(t.Context(), &codepipeline.GetPipelineInput{Name: aws.String("nope")})
	var missing *types.PipelineNotFoundException
	if !errors.As(err, &missing) || *missing.Message != "Account '000000000000' does not have a pipeline with name 'nope'" {
		t.Errorf("got %v", err)
	}
	p := e.pipeline()
	p.RoleArn = aws.String("arn:aws:iam::000000000000:role/nobody")
	_, err = e.CreatePipeline(t.Context(), &codepipeline.CreatePipelineInput{Pipeline: p})
	var structure *types.InvalidStructureException
	if !errors.As(err, &structure) {
		t.Errorf("got %v", err)
	}
	_, err = e.PollForThirdPartyJobs(t.Context(), &codepipeline.PollForThirdPartyJobsInput{ActionTypeId: kind(types.ActionCategoryBuild, "X")})
	var api smithy.APIError
	if !errors.As(err, &api) || api.ErrorCode() != "UnknownOperationException" {
		t.Errorf("got %v", err)
	}
	_, err = e.ListPipelines(t.Context(), &codepipeline.ListPipelinesInput{NextToken: aws.String("damaged")})
	var token *types.InvalidNextTokenException
	if !errors.As(err, &token) {
		t.Errorf("got %v", err)
	}
}
