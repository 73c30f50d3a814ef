package codepipeline_test

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/slipway-dev/slipway/cmd/slipway/apptest"
	"github.com/slipway-dev/slipway/internal/clock"
)

func customType(version string) *codepipeline.CreateCustomActionTypeInput {
	prop := func(name string, edit func(*types.ActionConfigurationProperty)) types.ActionConfigurationProperty {
		p := types.ActionConfigurationProperty{Name: aws.String(name), Required: true, Type: types.ActionConfigurationPropertyTypeString}
		edit(&p)
		return p
	}
	return &codepipeline.CreateCustomActionTypeInput{
		Category: types.ActionCategoryBuild, Provider: aws.String("Jenkins"), Version: aws.String(version),
		InputArtifactDetails:  &types.ArtifactDetails{MinimumCount: 0, MaximumCount: 5},
		OutputArtifactDetails: &types.ArtifactDetails{MinimumCount: 0, MaximumCount: 5},
		ConfigurationProperties: []types.ActionConfigurationProperty{
			prop("ProjectName", func(p *types.ActionConfigurationProperty) { p.Queryable, p.Key = true, true }),
			prop("Password", func(p *types.ActionConfigurationProperty) { p.Secret = true }),
			prop("Level", func(p *types.ActionConfigurationProperty) {
				p.Required, p.Type = false, types.ActionConfigurationPropertyTypeNumber
			}),
		},
		Settings: &types.ActionTypeSettings{EntityUrlTemplate: aws.String("http://ci.example/{Config:ProjectName}/"),
			ExecutionUrlTemplate: aws.String("http://ci.example/{Config:ProjectName}/{ExternalExecutionId}")},
		Tags: []types.Tag{{Key: aws.String("Team"), Value: aws.String("web")}},
	}
}

// The calls that Terraform's aws_codepipeline_custom_action_type makes, in its
// order.
func TestCustomActionType(t *testing.T) {
	e := newEverything(t)
	made, err := e.CreateCustomActionType(t.Context(), customType("1"))
	e.must(err)
	if made.ActionType.Id.Owner != types.ActionOwnerCustom || len(made.Tags) != 1 {
		t.Errorf("made %+v", made)
	}
	find := func() *types.ActionType {
		t.Helper()
		out, err := e.ListActionTypes(t.Context(), &codepipeline.ListActionTypesInput{ActionOwnerFilter: types.ActionOwnerCustom})
		e.must(err)
		if len(out.ActionTypes) == 0 {
			return nil
		}
		return &out.ActionTypes[0]
	}
	if a := find(); *a.Id.Provider != "Jenkins" || *a.Id.Version != "1" || len(a.ActionConfigurationProperties) != 3 || !a.ActionConfigurationProperties[1].Secret ||
		a.InputArtifactDetails.MaximumCount != 5 || *a.Settings.EntityUrlTemplate != "http://ci.example/{Config:ProjectName}/" {
		t.Errorf("read back %+v", a)
	}
	const arn = "arn:aws:codepipeline:us-east-1:000000000000:actiontype:Custom/Build/Jenkins/1"
	_, err = e.TagResource(t.Context(), &codepipeline.TagResourceInput{ResourceArn: aws.String(arn), Tags: []types.Tag{{Key: aws.String("Team"), Value: aws.String("x")}}})
	e.must(err)
	tags, err := e.ListTagsForResource(t.Context(), &codepipeline.ListTagsForResourceInput{ResourceArn: aws.String(arn)})
	if err != nil || len(tags.Tags) != 1 || *tags.Tags[0].Value != "x" {
		t.Errorf("tags %+v, %v", tags, err)
	}
	if _, err := e.CreateCustomActionType(t.Context(), customType("1")); code(err) != "ValidationException" {
		t.Errorf("made twice: %v", err)
	}
	for range 2 {
		_, err = e.DeleteCustomActionType(t.Context(), &codepipeline.DeleteCustomActionTypeInput{Category: types.ActionCategoryBuild, Provider: aws.String("Jenkins"), Version: aws.String("1")})
		e.must(err)
	}
	if find() != nil {
		t.Error("still there")
	}
	if _, err := e.ListTagsForResource(t.Context(), &codepipeline.ListTagsForResourceInput{ResourceArn: aws.String(arn)}); code(err) != "ResourceNotFoundException" {
		t.Errorf("tags of what is deleted: %v", err)
	}
	other := customType("1")
	other.Settings = nil
	if _, err := e.CreateCustomActionType(t.Context(), other); code(err) != "ValidationException" {
		t.Errorf("a version that was used before: %v", err)
	}
	_, err = e.CreateCustomActionType(t.Context(), customType("1")) // comes back
	e.must(err)
	if _, err := e.GetActionType(t.Context(), &codepipeline.GetActionTypeInput{Category: types.ActionCategoryBuild, Owner: aws.String("ThirdParty"), Provider: aws.String("X"), Version: aws.String("1")}); code(err) != "ActionTypeNotFoundException" {
		t.Errorf("an action type of the newer model: %v", err)
	}
	for name, edit := range map[string]func(*codepipeline.CreateCustomActionTypeInput){
		"two queryable": func(in *codepipeline.CreateCustomActionTypeInput) {
			in.ConfigurationProperties[2].Queryable, in.ConfigurationProperties[2].Required = true, true
		},
		"a queryable secret": func(in *codepipeline.CreateCustomActionTypeInput) { in.ConfigurationProperties[0].Secret = true },
		"a property twice": func(in *codepipeline.CreateCustomActionTypeInput) {
			in.ConfigurationProperties[2].Name = aws.String("Password")
		},
		"a secret in a link": func(in *codepipeline.CreateCustomActionTypeInput) {
			in.Settings.EntityUrlTemplate = aws.String("http://x/{Config:Password}")
		},
		"an option in a link": func(in *codepipeline.CreateCustomActionTypeInput) {
			in.Settings.EntityUrlTemplate = aws.String("http://x/{Config:Level}")
		},
		"more at least than at most": func(in *codepipeline.CreateCustomActionTypeInput) {
			in.InputArtifactDetails = &types.ArtifactDetails{MinimumCount: 3, MaximumCount: 2}
		},
	} {
		in := customType("2")
		edit(in)
		if _, err := e.CreateCustomActionType(t.Context(), in); code(err) != "ValidationException" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// withWorker is the sample with a custom action in place of the approval.
func (e *everything) withWorker() *types.PipelineDeclaration {
	p := e.pipeline()
	p.Stages[1] = types.StageDeclaration{Name: aws.String("Build"), Actions: []types.ActionDeclaration{{Name: aws.String("Compile"), Namespace: aws.String("build"),
		ActionTypeId:   &types.ActionTypeId{Category: types.ActionCategoryBuild, Owner: types.ActionOwnerCustom, Provider: aws.String("Jenkins"), Version: aws.String("1")},
		InputArtifacts: []types.InputArtifact{{Name: aws.String("App")}}, OutputArtifacts: []types.OutputArtifact{{Name: aws.String("Built")}},
		Configuration: map[string]string{"ProjectName": "site", "Password": "s3cr3t-word", "Level": "3"}}}}
	p.Stages[2].Actions[0].InputArtifacts[0].Name = aws.String("Built")
	p.Stages[2].Actions[0].Configuration["ObjectKey"] = "#{build.VERSION}"
	return p
}

func (e *everything) poll(project string) []types.Job {
	e.t.Helper()
	out, err := e.PollForJobs(e.t.Context(), &codepipeline.PollForJobsInput{MaxBatchSize: aws.Int32(5), QueryParam: map[string]string{"ProjectName": project},
		ActionTypeId: &types.ActionTypeId{Category: types.ActionCategoryBuild, Owner: types.ActionOwnerCustom, Provider: aws.String("Jenkins"), Version: aws.String("1")}})
	e.must(err)
	return out.Jobs
}

// job waits for the next job of the worker.
func (e *everything) job() (job types.Job) {
	e.t.Helper()
	e.until("a job", func() bool {
		if jobs := e.poll("site"); len(jobs) > 0 {
			job = jobs[0]
			return true
		}
		return false
	})
	return job
}

func (e *everything) acknowledge(j types.Job) {
	e.t.Helper()
	out, err := e.AcknowledgeJob(e.t.Context(), &codepipeline.AcknowledgeJobInput{JobId: j.Id, Nonce: j.Nonce})
	e.must(err)
	if out.Status != types.JobStatusInProgress {
		e.t.Errorf("acknowledged as %s", out.Status)
	}
}

func TestWorker(t *testing.T) {
	e := newEverything(t, apptest.Enforce)
	e.upload(map[string]string{"index.html": "hello"})
	_, err := e.CreatePipeline(t.Context(), &codepipeline.CreatePipelineInput{Pipeline: e.withWorker()})
	if code(err) != "InvalidActionDeclarationException" {
		t.Errorf("an action type that is not there: %v", err)
	}
	_, err = e.CreateCustomActionType(t.Context(), customType("1"))
	e.must(err)
	bad := e.withWorker()
	bad.Stages[1].Actions[0].Configuration["Level"] = "high"
	if _, err = e.CreatePipeline(t.Context(), &codepipeline.CreatePipelineInput{Pipeline: bad}); code(err) != "InvalidActionDeclarationException" {
		t.Errorf("a number that is none: %v", err)
	}
	bad.Stages[1].Actions[0].Configuration["Level"], bad.Stages[1].Actions[0].Configuration["Password"] = "1", "****"
	if _, err = e.CreatePipeline(t.Context(), &codepipeline.CreatePipelineInput{Pipeline: bad}); code(err) != "InvalidActionDeclarationException" || !strings.Contains(err.Error(), `secret property "Password"`) {
		t.Errorf("stars on create: %v", err)
	}
	made, err := e.CreatePipeline(t.Context(), &codepipeline.CreatePipelineInput{Pipeline: e.withWorker()})
	e.must(err)
	if v := made.Pipeline.Stages[1].Actions[0].Configuration["Password"]; v != "****" {
		t.Errorf("the password is shown: %s", v)
	}

	j := e.job()
	if len(e.poll("site")) != 0 || len(e.poll("other")) != 0 {
		t.Error("a job was given out twice, or to another's worker")
	}
	d := j.Data
	if d.ActionConfiguration.Configuration["Password"] != "s3cr3t-word" || *d.PipelineContext.PipelineName != "web" || *d.PipelineContext.Action.Name != "Compile" ||
		*d.PipelineContext.PipelineArn != "arn:aws:codepipeline:us-east-1:000000000000:web" || len(d.InputArtifacts) != 1 || *d.InputArtifacts[0].Name != "App" ||
		*d.OutputArtifacts[0].Location.S3Location.BucketName != "artifacts" || d.ContinuationToken != nil {
		t.Errorf("the job %+v", d)
	}
	if _, err := e.AcknowledgeJob(t.Context(), &codepipeline.AcknowledgeJobInput{JobId: j.Id, Nonce: aws.String("1")}); code(err) != "InvalidNonceException" {
		t.Errorf("a wrong nonce: %v", err)
	}
	if _, err := e.PutJobSuccessResult(t.Context(), &codepipeline.PutJobSuccessResultInput{JobId: j.Id}); code(err) != "InvalidJobStateException" {
		t.Errorf("a result before the acknowledgement: %v", err)
	}
	e.acknowledge(j)
	if _, err := e.AcknowledgeJob(t.Context(), &codepipeline.AcknowledgeJobInput{JobId: j.Id, Nonce: j.Nonce}); code(err) != "InvalidNonceException" {
		t.Errorf("a used nonce: %v", err)
	}
	details, err := e.GetJobDetails(t.Context(), &codepipeline.GetJobDetailsInput{JobId: j.Id})
	e.must(err)
	if details.JobDetails.Data.ActionConfiguration.Configuration["Password"] != "s3cr3t-word" {
		t.Error("the details lack the secret")
	}

	// The credentials are good for the artifacts of the job and nothing else.
	c := d.ArtifactCredentials
	mine := e.as(aws.Credentials{AccessKeyID: *c.AccessKeyId, SecretAccessKey: *c.SecretAccessKey, SessionToken: *c.SessionToken})
	at := d.InputArtifacts[0].Location.S3Location
	got, err := mine.GetObject(t.Context(), &s3.GetObjectInput{Bucket: at.BucketName, Key: at.ObjectKey})
	e.must(err)
	artifact, err := io.ReadAll(got.Body)
	e.must(err)
	to := d.OutputArtifacts[0].Location.S3Location
	_, err = mine.PutObject(t.Context(), &s3.PutObjectInput{Bucket: to.BucketName, Key: to.ObjectKey, Body: bytes.NewReader(artifact)})
	e.must(err)
	if _, err := mine.PutObject(t.Context(), &s3.PutObjectInput{Bucket: at.BucketName, Key: at.ObjectKey, Body: strings.NewReader("x")}); code(err) != "AccessDenied" {
		t.Errorf("the input was written: %v", err)
	}
	if _, err := mine.GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String("source"), Key: aws.String("app.zip")}); code(err) != "AccessDenied" {
		t.Errorf("another object was read: %v", err)
	}

	// Long work goes on under a token, in a job of its own.
	_, err = e.PutJobSuccessResult(t.Context(), &codepipeline.PutJobSuccessResultInput{JobId: j.Id, ContinuationToken: aws.String("build-7"), OutputVariables: map[string]string{"A": "b"}})
	if code(err) != "ValidationException" {
		t.Errorf("variables with a token: %v", err)
	}
	_, err = e.PutJobSuccessResult(t.Context(), &codepipeline.PutJobSuccessResultInput{JobId: j.Id, ContinuationToken: aws.String("build-7"),
		ExecutionDetails: &types.ExecutionDetails{Summary: aws.String("half"), ExternalExecutionId: aws.String("7"), PercentComplete: aws.Int32(50)}})
	e.must(err)
	st, err := e.GetPipelineState(t.Context(), &codepipeline.GetPipelineStateInput{Name: aws.String("web")})
	e.must(err)
	as := st.StageStates[1].ActionStates[0]
	if x := as.LatestExecution; x.Status != types.ActionExecutionStatusInProgress || *x.PercentComplete != 50 || *x.Summary != "half" ||
		*x.ExternalExecutionUrl != "http://ci.example/site/7" || *as.EntityUrl != "http://ci.example/site/" {
		t.Errorf("half way %+v %v", x, *as.EntityUrl)
	}
	if _, err := e.PutJobSuccessResult(t.Context(), &codepipeline.PutJobSuccessResultInput{JobId: j.Id}); code(err) != "InvalidJobStateException" {
		t.Errorf("a result of the job before: %v", err)
	}
	next := e.job()
	if *next.Id == *j.Id || aws.ToString(next.Data.ContinuationToken) != "build-7" {
		t.Errorf("the next job %+v", next)
	}
	e.acknowledge(next)
	big := map[string]string{"A": strings.Repeat("x", 122881)}
	if _, err := e.PutJobSuccessResult(t.Context(), &codepipeline.PutJobSuccessResultInput{JobId: next.Id, OutputVariables: big}); code(err) != "OutputVariablesSizeExceededException" {
		t.Errorf("large variables: %v", err)
	}
	_, err = e.PutJobSuccessResult(t.Context(), &codepipeline.PutJobSuccessResultInput{JobId: next.Id, OutputVariables: map[string]string{"VERSION": "v7"}})
	e.must(err)
	if s := e.ended(d.PipelineContext.PipelineExecutionId); s != types.PipelineExecutionStatusSucceeded {
		t.Fatalf("ended %s", s)
	}
	if _, err := e.s3.GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String("site"), Key: aws.String("v7/index.html")}); err != nil {
		t.Errorf("what the worker built was not deployed: %v", err)
	}
	acts, err := e.ListActionExecutions(t.Context(), &codepipeline.ListActionExecutionsInput{PipelineName: aws.String("web")})
	e.must(err)
	if in := acts.ActionExecutionDetails[1].Input; in.Configuration["Password"] != "****" || in.ResolvedConfiguration["Password"] != "****" || in.Configuration["Level"] != "3" {
		t.Errorf("the history shows %+v", in)
	}
	e.searchDatabase("s3cr3t-word")

	// Stars keep the password; a failure of the worker is the action's.
	p := made.Pipeline
	p.Stages[1].Actions[0].Configuration["Level"] = "4"
	_, err = e.UpdatePipeline(t.Context(), &codepipeline.UpdatePipelineInput{Pipeline: p})
	e.must(err)
	second, err := e.StartPipelineExecution(t.Context(), &codepipeline.StartPipelineExecutionInput{Name: aws.String("web")})
	e.must(err)
	j = e.job()
	if c := j.Data.ActionConfiguration.Configuration; c["Password"] != "s3cr3t-word" || c["Level"] != "4" {
		t.Errorf("after the update %v", c)
	}
	e.acknowledge(j)
	_, err = e.PutJobFailureResult(t.Context(), &codepipeline.PutJobFailureResultInput{JobId: j.Id,
		FailureDetails: &types.FailureDetails{Type: types.FailureTypeConfigurationError, Message: aws.String("no such project"), ExternalExecutionId: aws.String("8")}})
	e.must(err)
	if s := e.ended(second.PipelineExecutionId); s != types.PipelineExecutionStatusFailed {
		t.Errorf("ended %s", s)
	}
	if _, err := e.PutJobFailureResult(t.Context(), &codepipeline.PutJobFailureResultInput{JobId: j.Id,
		FailureDetails: &types.FailureDetails{Type: types.FailureTypeJobFailed, Message: aws.String("x")}}); code(err) != "InvalidJobStateException" {
		t.Errorf("a second result: %v", err)
	}
	if _, err := e.GetJobDetails(t.Context(), &codepipeline.GetJobDetailsInput{JobId: j.Id}); code(err) != "JobNotFoundException" {
		t.Errorf("the secrets of a job that has ended: %v", err)
	}

	// An abandoned action's job is not given out; a deleted type's neither.
	_, err = e.RetryStageExecution(t.Context(), &codepipeline.RetryStageExecutionInput{PipelineName: aws.String("web"), StageName: aws.String("Build"),
		PipelineExecutionId: second.PipelineExecutionId, RetryMode: types.StageRetryModeFailedActions})
	e.must(err)
	e.until("the retry", func() bool {
		st, err := e.GetPipelineState(t.Context(), &codepipeline.GetPipelineStateInput{Name: aws.String("web")})
		e.must(err)
		return st.StageStates[1].ActionStates[0].LatestExecution.Status == types.ActionExecutionStatusInProgress
	})
	_, err = e.StopPipelineExecution(t.Context(), &codepipeline.StopPipelineExecutionInput{PipelineName: aws.String("web"), PipelineExecutionId: second.PipelineExecutionId, Abandon: true})
	e.must(err)
	if jobs := e.poll("site"); len(jobs) != 0 {
		t.Errorf("the job of an abandoned action was given out")
	}
	_, err = e.DeleteCustomActionType(t.Context(), &codepipeline.DeleteCustomActionTypeInput{Category: types.ActionCategoryBuild, Provider: aws.String("Jenkins"), Version: aws.String("1")})
	e.must(err)
	_, err = e.PollForJobs(t.Context(), &codepipeline.PollForJobsInput{ActionTypeId: p.Stages[1].Actions[0].ActionTypeId, QueryParam: map[string]string{"ProjectName": "site"}})
	if code(err) != "ActionTypeNotFoundException" {
		t.Errorf("jobs of a deleted type: %v", err)
	}
}

// A worker that dies leaves its job to the next one.
func TestWorkerThatNeverAcknowledges(t *testing.T) {
	c := clock.NewFake(time.Now())
	e := newEverything(t, apptest.Clock(c))
	e.upload(map[string]string{"index.html": "hello"})
	_, err := e.CreateCustomActionType(t.Context(), customType("1"))
	e.must(err)
	_, err = e.CreatePipeline(t.Context(), &codepipeline.CreatePipelineInput{Pipeline: e.withWorker()})
	e.must(err)
	dead := e.job()
	if len(e.poll("site")) != 0 {
		t.Error("given out twice")
	}
	c.Advance(4 * time.Minute)
	if len(e.poll("site")) != 0 {
		t.Error("given out again too early")
	}
	c.Advance(2 * time.Minute)
	j := e.job()
	if *j.Id != *dead.Id || *j.Nonce == *dead.Nonce {
		t.Errorf("offered again as %+v", j)
	}
	if _, err := e.AcknowledgeJob(t.Context(), &codepipeline.AcknowledgeJobInput{JobId: dead.Id, Nonce: dead.Nonce}); code(err) != "InvalidNonceException" {
		t.Errorf("the old nonce: %v", err)
	}
	e.acknowledge(j)
	c.Advance(25 * time.Hour) // the action's timeout
	list, err := e.ListPipelineExecutions(t.Context(), &codepipeline.ListPipelineExecutionsInput{PipelineName: aws.String("web")})
	e.must(err)
	if s := e.ended(list.PipelineExecutionSummaries[0].PipelineExecutionId); s != types.PipelineExecutionStatusFailed {
		t.Errorf("ended %s", s)
	}
}

// A custom source tells of its revisions; each starts the pipeline once.
func TestPutActionRevision(t *testing.T) {
	e := newEverything(t)
	p := e.pipeline()
	_, err := e.CreatePipeline(t.Context(), &codepipeline.CreatePipelineInput{Pipeline: p})
	e.must(err)
	put := func(action, change string) (*codepipeline.PutActionRevisionOutput, error) {
		return e.PutActionRevision(t.Context(), &codepipeline.PutActionRevisionInput{PipelineName: aws.String("web"), StageName: aws.String("Source"), ActionName: aws.String(action),
			ActionRevision: &types.ActionRevision{RevisionId: aws.String("r1"), RevisionChangeId: aws.String(change), Created: aws.Time(time.Now())}})
	}
	one, err := put("Get", "1")
	e.must(err)
	again, err := put("Get", "1")
	e.must(err)
	two, err := put("Get", "2")
	e.must(err)
	if !one.NewRevision || again.NewRevision || *again.PipelineExecutionId != *one.PipelineExecutionId || !two.NewRevision || *two.PipelineExecutionId == *one.PipelineExecutionId {
		t.Errorf("%+v %+v %+v", one, again, two)
	}
	_, err = put("Approve", "3")
	var missing *types.ActionNotFoundException
	if !errors.As(err, &missing) {
		t.Errorf("no source: %v", err)
	}
	list, err := e.ListPipelineExecutions(t.Context(), &codepipeline.ListPipelineExecutionsInput{PipelineName: aws.String("web")})
	e.must(err)
	if n := slices.IndexFunc(list.PipelineExecutionSummaries, func(x types.PipelineExecutionSummary) bool {
		return x.Trigger.TriggerType == types.TriggerTypePutActionRevision
	}); len(list.PipelineExecutionSummaries) != 3 || n != 0 {
		t.Errorf("%d executions", len(list.PipelineExecutionSummaries))
	}
}
