package codepipeline_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline/types"
)

// inMode is a pipeline whose one stage after the source a worker decides.
func (e *everything) inMode(mode types.ExecutionMode) *types.PipelineDeclaration {
	p := e.withWorker()
	p.ExecutionMode = mode
	p.Variables = []types.PipelineVariableDeclaration{{Name: aws.String("to"), DefaultValue: aws.String("staging")}, {Name: aws.String("ticket")}}
	p.Stages[2].Actions[0].Configuration["ObjectKey"] = "#{variables.to}/#{build.VERSION}/#{variables.ticket}"
	return p
}

func (e *everything) startWith(version string, variables ...string) *string {
	e.t.Helper()
	in := &codepipeline.StartPipelineExecutionInput{Name: aws.String("web")}
	for i := 0; i < len(variables); i += 2 {
		in.Variables = append(in.Variables, types.PipelineVariable{Name: aws.String(variables[i]), Value: aws.String(variables[i+1])})
	}
	if version != "" {
		in.SourceRevisions = []types.SourceRevisionOverride{{ActionName: aws.String("Get"), RevisionType: types.SourceRevisionTypeS3ObjectVersionId, RevisionValue: aws.String(version)}}
	}
	out, err := e.StartPipelineExecution(e.t.Context(), in)
	e.must(err)
	return out.PipelineExecutionId
}

// finish lets the worker end the job of an execution.
func (e *everything) finish(execution *string, failure bool) {
	e.t.Helper()
	j := e.job()
	if *j.Data.PipelineContext.PipelineExecutionId != *execution {
		e.t.Fatalf("the next job is of %s, not of %s", *j.Data.PipelineContext.PipelineExecutionId, *execution)
	}
	e.acknowledge(j)
	if failure {
		_, err := e.PutJobFailureResult(e.t.Context(), &codepipeline.PutJobFailureResultInput{JobId: j.Id,
			FailureDetails: &types.FailureDetails{Type: types.FailureTypeJobFailed, Message: aws.String("no")}})
		e.must(err)
		return
	}
	in, out := j.Data.InputArtifacts[0].Location.S3Location, j.Data.OutputArtifacts[0].Location.S3Location
	e.copy(*in.BucketName+"/"+*in.ObjectKey, *out.BucketName, *out.ObjectKey)
	_, err := e.PutJobSuccessResult(e.t.Context(), &codepipeline.PutJobSuccessResultInput{JobId: j.Id, OutputVariables: map[string]string{"VERSION": "v"}})
	e.must(err)
}

func (e *everything) execution(id *string) *types.PipelineExecution {
	e.t.Helper()
	out, err := e.GetPipelineExecution(e.t.Context(), &codepipeline.GetPipelineExecutionInput{PipelineName: aws.String("web"), PipelineExecutionId: id})
	e.must(err)
	return out.PipelineExecution
}

func (e *everything) stageState(i int) types.StageState {
	e.t.Helper()
	out, err := e.GetPipelineState(e.t.Context(), &codepipeline.GetPipelineStateInput{Name: aws.String("web")})
	e.must(err)
	return out.StageStates[i]
}

func TestQueued(t *testing.T) {
	e := newEverything(t)
	older := e.upload(map[string]string{"index.html": "older"})
	e.upload(map[string]string{"index.html": "newer"})
	_, err := e.CreateCustomActionType(t.Context(), customType("1"))
	e.must(err)
	_, err = e.CreatePipeline(t.Context(), &codepipeline.CreatePipelineInput{Pipeline: e.inMode(types.ExecutionModeQueued)})
	e.must(err)
	if out, err := e.ListPipelineExecutions(t.Context(), &codepipeline.ListPipelineExecutionsInput{PipelineName: aws.String("web")}); err != nil || len(out.PipelineExecutionSummaries) != 0 {
		t.Errorf("started without a value for a variable: %+v, %v", out, err)
	}
	_, err = e.StartPipelineExecution(t.Context(), &codepipeline.StartPipelineExecutionInput{Name: aws.String("web")})
	if code(err) != "ValidationException" {
		t.Errorf("a start without a value: %v", err)
	}
	one := e.startWith(older, "ticket", "T-1")
	e.until("the first job", func() bool { s := e.stageState(1); return s.LatestExecution != nil })
	two := e.startWith("", "ticket", "T-2", "to", "production")
	three := e.startWith("", "ticket", "T-3")
	e.until("the queue", func() bool { return len(e.stageState(1).InboundExecutions) == 2 })
	if s := e.stageState(1); *s.InboundExecutions[0].PipelineExecutionId != *two || *s.InboundExecution.PipelineExecutionId != *three {
		t.Errorf("the queue %+v", s.InboundExecutions)
	}
	for _, id := range []*string{one, two, three} {
		e.finish(id, false)
	}
	for _, id := range []*string{one, two, three} {
		if s := e.ended(id); s != types.PipelineExecutionStatusSucceeded {
			t.Errorf("ended %s", s)
		}
	}
	x := e.execution(two)
	if x.ExecutionMode != types.ExecutionModeQueued || *x.Variables[0].ResolvedValue != "production" || *x.Variables[1].ResolvedValue != "T-2" {
		t.Errorf("the second %+v", x)
	}
	if x := e.execution(one); *x.ArtifactRevisions[0].RevisionId != older || *x.Variables[0].ResolvedValue != "staging" {
		t.Errorf("the first %+v", x)
	}
	if got := e.read("site", "staging/v/T-1/index.html"); got != "older" {
		t.Errorf("the first deployed %q", got)
	}
	if got := e.read("site", "production/v/T-2/index.html"); got != "newer" {
		t.Errorf("the second deployed %q", got)
	}
}

func TestParallel(t *testing.T) {
	e := newEverything(t)
	e.upload(map[string]string{"index.html": "hello"})
	_, err := e.CreateCustomActionType(t.Context(), customType("1"))
	e.must(err)
	_, err = e.CreatePipeline(t.Context(), &codepipeline.CreatePipelineInput{Pipeline: e.inMode(types.ExecutionModeParallel)})
	e.must(err)
	ids := map[string]bool{}
	for _, ticket := range []string{"T-1", "T-2", "T-3"} {
		ids[*e.startWith("", "ticket", ticket)] = true
	}
	var jobs []types.Job
	e.until("three jobs at once", func() bool { jobs = append(jobs, e.poll("site")...); return len(jobs) == 3 })
	for _, j := range jobs {
		if !ids[*j.Data.PipelineContext.PipelineExecutionId] {
			t.Errorf("a job of %s", *j.Data.PipelineContext.PipelineExecutionId)
		}
		delete(ids, *j.Data.PipelineContext.PipelineExecutionId)
	}
	if s := e.stageState(1); s.LatestExecution != nil || s.InboundExecution != nil {
		t.Errorf("the state of a stage is shown: %+v", s)
	}
	// They go on with the structure they began with, whatever comes.
	p := e.inMode(types.ExecutionModeParallel)
	p.Stages[2].Name = aws.String("Renamed")
	_, err = e.UpdatePipeline(t.Context(), &codepipeline.UpdatePipelineInput{Pipeline: p})
	e.must(err)
	for _, j := range jobs {
		e.acknowledge(j)
		in, out := j.Data.InputArtifacts[0].Location.S3Location, j.Data.OutputArtifacts[0].Location.S3Location
		e.copy(*in.BucketName+"/"+*in.ObjectKey, *out.BucketName, *out.ObjectKey)
		_, err := e.PutJobSuccessResult(t.Context(), &codepipeline.PutJobSuccessResultInput{JobId: j.Id, OutputVariables: map[string]string{"VERSION": "v"}})
		e.must(err)
		id := j.Data.PipelineContext.PipelineExecutionId
		if s := e.ended(id); s != types.PipelineExecutionStatusSucceeded || *e.execution(id).PipelineVersion != 1 {
			t.Errorf("ended %s", s)
		}
	}
}

// A stage that failed goes back to what worked, by itself or by hand.
func TestRollbacks(t *testing.T) {
	e := newEverything(t)
	good := e.upload(map[string]string{"index.html": "good"})
	_, err := e.CreateCustomActionType(t.Context(), customType("1"))
	e.must(err)
	p := e.inMode(types.ExecutionModeSuperseded)
	p.Stages[1].OnFailure = &types.FailureConditions{Result: types.ResultRollback}
	_, err = e.CreatePipeline(t.Context(), &codepipeline.CreatePipelineInput{Pipeline: p})
	e.must(err)
	first := e.startWith("", "ticket", "T-1")
	e.finish(first, false)
	if s := e.ended(first); s != types.PipelineExecutionStatusSucceeded {
		t.Fatalf("ended %s", s)
	}
	bad := e.upload(map[string]string{"index.html": "bad"})
	second := e.startWith("", "ticket", "T-2")
	e.finish(second, true)
	if s := e.ended(second); s != types.PipelineExecutionStatusFailed {
		t.Errorf("ended %s", s)
	}
	back := e.stageState(1).LatestExecution
	if back.Type != types.ExecutionTypeRollback {
		t.Fatalf("the stage's latest execution %+v", back)
	}
	x := e.execution(back.PipelineExecutionId)
	if *x.RollbackMetadata.RollbackTargetPipelineExecutionId != *first || x.Trigger.TriggerType != types.TriggerTypeAutomatedRollback ||
		*x.Trigger.TriggerDetail != `{"FailedPipelineExecutionId":"`+*second+`"}` || *x.ArtifactRevisions[0].RevisionId != good || *x.Variables[1].ResolvedValue != "T-1" {
		t.Errorf("the rollback %+v", x)
	}
	j := e.job()
	if v := *j.Data.InputArtifacts[0].Revision; v != good || v == bad {
		t.Errorf("the rollback builds %s", v)
	}
	e.acknowledge(j)
	_, err = e.PutJobSuccessResult(t.Context(), &codepipeline.PutJobSuccessResultInput{JobId: j.Id})
	e.must(err)
	if s := e.ended(back.PipelineExecutionId); s != types.PipelineExecutionStatusSucceeded {
		t.Errorf("ended %s", s)
	}
	list, err := e.ListPipelineExecutions(t.Context(), &codepipeline.ListPipelineExecutionsInput{PipelineName: aws.String("web"),
		Filter: &types.PipelineExecutionFilter{SucceededInStage: &types.SucceededInStageFilter{StageName: aws.String("Build")}}})
	if err != nil || len(list.PipelineExecutionSummaries) != 2 || list.PipelineExecutionSummaries[0].ExecutionType != types.ExecutionTypeRollback {
		t.Errorf("succeeded in the stage: %+v, %v", list, err)
	}
	manual, err := e.RollbackStage(t.Context(), &codepipeline.RollbackStageInput{PipelineName: aws.String("web"), StageName: aws.String("Deploy"), TargetPipelineExecutionId: first})
	e.must(err)
	if s := e.ended(manual.PipelineExecutionId); s != types.PipelineExecutionStatusSucceeded {
		t.Errorf("ended %s", s)
	}
	_, err = e.RollbackStage(t.Context(), &codepipeline.RollbackStageInput{PipelineName: aws.String("web"), StageName: aws.String("Source"), TargetPipelineExecutionId: first})
	if code(err) != "UnableToRollbackStageException" {
		t.Errorf("the source stage: %v", err)
	}
}

// Conditions look at variables; one that is not met can be overridden.
func TestStageConditions(t *testing.T) {
	e := newEverything(t)
	e.upload(map[string]string{"index.html": "hello"})
	p := e.pipeline()
	rule := func(name, variable, operator, value string) types.RuleDeclaration {
		return types.RuleDeclaration{Name: aws.String(name), Configuration: map[string]string{"Variable": variable, "Operator": operator, "Value": value},
			RuleTypeId: &types.RuleTypeId{Category: types.RuleCategoryRule, Owner: types.RuleOwnerAws, Provider: aws.String("VariableCheck"), Version: aws.String("1")}}
	}
	p.Variables = []types.PipelineVariableDeclaration{{Name: aws.String("review"), DefaultValue: aws.String("no")}}
	p.Stages[1].BeforeEntry = &types.BeforeEntryConditions{Conditions: []types.Condition{{Result: types.ResultSkip, Rules: []types.RuleDeclaration{rule("Wanted", "#{variables.review}", "EQ", "yes")}}}}
	p.Stages[2].BeforeEntry = &types.BeforeEntryConditions{Conditions: []types.Condition{{Result: types.ResultFail, Rules: []types.RuleDeclaration{
		rule("Key", "#{src.ObjectKey}", "MATCHES", `.*\.zip`), rule("Bucket", "#{src.BucketName}", "NE", "source")}}}}
	made, err := e.CreatePipeline(t.Context(), &codepipeline.CreatePipelineInput{Pipeline: p})
	e.must(err)
	if c := made.Pipeline.Stages[1].BeforeEntry.Conditions[0]; c.Result != types.ResultSkip || *c.Rules[0].Name != "Wanted" {
		t.Errorf("made %+v", c)
	}
	list, err := e.ListPipelineExecutions(t.Context(), &codepipeline.ListPipelineExecutionsInput{PipelineName: aws.String("web")})
	e.must(err)
	id := list.PipelineExecutionSummaries[0].PipelineExecutionId
	if s := e.ended(id); s != types.PipelineExecutionStatusFailed {
		t.Fatalf("ended %s", s)
	}
	if s := e.stageState(1); s.LatestExecution.Status != types.StageExecutionStatusSkipped || s.BeforeEntryConditionState.LatestExecution.Status != types.ConditionExecutionStatusFailed ||
		s.ActionStates[0].LatestExecution != nil {
		t.Errorf("the review %+v", s)
	}
	s := e.stageState(2)
	rules := s.BeforeEntryConditionState.ConditionStates[0].RuleStates
	if s.LatestExecution.Status != types.StageExecutionStatusFailed || rules[0].LatestExecution.Status != types.RuleExecutionStatusSucceeded ||
		rules[1].LatestExecution.Status != types.RuleExecutionStatusFailed || rules[1].LatestExecution.ErrorDetails == nil {
		t.Errorf("the deployment %+v %+v", s, rules)
	}
	if x := e.execution(id); x.StatusSummary == nil {
		t.Error("nobody says why it failed")
	}
	runs, err := e.ListRuleExecutions(t.Context(), &codepipeline.ListRuleExecutionsInput{PipelineName: aws.String("web"), MaxResults: aws.Int32(2),
		Filter: &types.RuleExecutionFilter{PipelineExecutionId: id}})
	e.must(err)
	if d := runs.RuleExecutionDetails; len(d) != 2 || *d[0].RuleName != "Bucket" || d[0].Status != types.RuleExecutionStatusFailed ||
		d[0].Input.ResolvedConfiguration["Variable"] != "source" || d[0].Input.Configuration["Variable"] != "#{src.BucketName}" || runs.NextToken == nil {
		t.Errorf("rule executions %+v", d)
	}
	rest, err := e.ListRuleExecutions(t.Context(), &codepipeline.ListRuleExecutionsInput{PipelineName: aws.String("web"), MaxResults: aws.Int32(2),
		Filter: &types.RuleExecutionFilter{PipelineExecutionId: id}, NextToken: runs.NextToken})
	if err != nil || len(rest.RuleExecutionDetails) != 1 || rest.NextToken != nil {
		t.Errorf("the second page %+v, %v", rest, err)
	}
	override := func(stage string, kind types.ConditionType) error {
		_, err := e.OverrideStageCondition(t.Context(), &codepipeline.OverrideStageConditionInput{PipelineName: aws.String("web"), StageName: aws.String(stage),
			PipelineExecutionId: id, ConditionType: kind})
		return err
	}
	if err := override("Review", types.ConditionTypeBeforeEntry); code(err) != "ConditionNotOverridableException" {
		t.Errorf("a skipped stage: %v", err)
	}
	if err := override("Nope", types.ConditionTypeBeforeEntry); code(err) != "StageNotFoundException" {
		t.Errorf("no stage: %v", err)
	}
	e.must(override("Deploy", types.ConditionTypeBeforeEntry))
	if s := e.ended(id); s != types.PipelineExecutionStatusSucceeded {
		t.Errorf("ended %s", s)
	}
	if s := e.stageState(2); s.BeforeEntryConditionState.LatestExecution.Status != types.ConditionExecutionStatusOverridden {
		t.Errorf("after the override %+v", s.BeforeEntryConditionState.LatestExecution)
	}
	kinds, err := e.ListRuleTypes(t.Context(), &codepipeline.ListRuleTypesInput{})
	if err != nil || len(kinds.RuleTypes) != 4 || *kinds.RuleTypes[0].Id.Provider != "VariableCheck" {
		t.Errorf("rule types %+v, %v", kinds, err)
	}
}
