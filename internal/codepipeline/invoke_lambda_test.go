package codepipeline

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline/types"

	"github.com/slipway-dev/slipway/internal/engine/enginetest"
)

// invoking is a pipeline whose last action is a function's.
func invoking(t *testing.T) (*bench, *fakeFunction) {
	b, function := newBench(t), &fakeFunction{}
	a := functionInvoke{&dependencies{lambda: func(aws.Config) functionAPI { return function }}}
	b.deploy.do = func(w *Work) (*Result, error) { return a.Step(context.Background(), w) }
	p := sample()
	p.Stages[2] = stage("Deploy", action("Call", types.ActionCategoryInvoke, "Lambda", "", "", "FunctionName=f"))
	b.build.do = func(*Work) (*Result, error) {
		return &Result{Done: true, Variables: map[string]string{"VERSION": "v7"}}, nil
	}
	b.create(p)
	return b, function
}

func (f *fakeFunction) job(t *testing.T, n int) (id, token string) {
	t.Helper()
	if len(f.invoked) != n {
		t.Fatalf("invoked %d times, want %d", len(f.invoked), n)
	}
	var ev jobEvent
	if err := json.Unmarshal(f.invoked[n-1].Payload, &ev); err != nil {
		t.Fatal(err)
	}
	// Functions read them before they look for artifacts.
	if c := ev.Job.Data.ArtifactCredentials; c == nil || c.AccessKeyID != "ASIA" {
		t.Errorf("credentials %+v", c)
	}
	return ev.Job.ID, ev.Job.Data.ContinuationToken
}

func (b *bench) deployState(t *testing.T) *types.ActionExecution {
	t.Helper()
	return b.state()["Deploy"].ActionStates[0].LatestExecution
}

func TestFunctionContinuesAndSucceeds(t *testing.T) {
	b, function := invoking(t)
	first, token := function.job(t, 1)
	if token != "" {
		t.Errorf("the first job has the token %q", token)
	}
	_, err := b.PutJobSuccessResult(b.ctx, &codepipeline.PutJobSuccessResultInput{JobId: &first, ContinuationToken: aws.String("half"),
		ExecutionDetails: &types.ExecutionDetails{Summary: aws.String("half of it"), PercentComplete: aws.Int32(50)}})
	if err != nil {
		t.Fatal(err)
	}
	enginetest.Settle(t, b.engine)
	if len(function.invoked) != 1 {
		t.Error("invoked again at once")
	}
	if s := b.deployState(t); s.Status != types.ActionExecutionStatusInProgress || *s.PercentComplete != 50 {
		t.Errorf("state %+v", s)
	}
	b.clock.Advance(continueAfter)
	enginetest.Settle(t, b.engine)
	second, token := function.job(t, 2)
	if second == first || token != "half" {
		t.Errorf("the second job is %s with the token %q", second, token)
	}
	if _, err := b.PutJobSuccessResult(b.ctx, &codepipeline.PutJobSuccessResultInput{JobId: &first}); err == nil {
		t.Error("the first job ends twice")
	}
	// The first job's limit has no meaning for the second.
	b.clock.Advance(answerWithin - continueAfter)
	enginetest.Settle(t, b.engine)
	_, err = b.PutJobSuccessResult(b.ctx, &codepipeline.PutJobSuccessResultInput{JobId: &second, OutputVariables: map[string]string{"Color": "green"}})
	if err != nil {
		t.Fatal(err)
	}
	enginetest.Settle(t, b.engine)
	if s := b.deployState(t); s.Status != types.ActionExecutionStatusSucceeded {
		t.Errorf("state %+v", s)
	}
	out, err := b.ListActionExecutions(b.ctx, &codepipeline.ListActionExecutionsInput{PipelineName: aws.String("p")})
	if err != nil || out.ActionExecutionDetails[0].Output.OutputVariables["Color"] != "green" {
		t.Errorf("%+v, %v", out.ActionExecutionDetails[0].Output, err)
	}
}

func TestFunctionFails(t *testing.T) {
	b, function := invoking(t)
	id, _ := function.job(t, 1)
	_, err := b.PutJobFailureResult(b.ctx, &codepipeline.PutJobFailureResultInput{JobId: &id,
		FailureDetails: &types.FailureDetails{Type: types.FailureTypeJobFailed, Message: aws.String("no green today")}})
	if err != nil {
		t.Fatal(err)
	}
	enginetest.Settle(t, b.engine)
	if s := b.deployState(t); s.Status != types.ActionExecutionStatusFailed || *s.ErrorDetails.Message != "no green today" {
		t.Errorf("state %+v", s)
	}
}

func TestFunctionSaysNothing(t *testing.T) {
	b, _ := invoking(t)
	b.clock.Advance(answerWithin - time.Second)
	enginetest.Settle(t, b.engine)
	if s := b.deployState(t); s.Status != types.ActionExecutionStatusInProgress {
		t.Errorf("state %+v", s)
	}
	b.clock.Advance(time.Second)
	enginetest.Settle(t, b.engine)
	if s := b.deployState(t); s.Status != types.ActionExecutionStatusFailed || !strings.Contains(*s.ErrorDetails.Message, "failed to return a result") {
		t.Errorf("state %+v", s)
	}
}
