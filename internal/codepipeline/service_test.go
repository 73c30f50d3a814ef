package codepipeline

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline/types"

	"github.com/slipway-dev/slipway/internal/aws/identity"
	"github.com/slipway-dev/slipway/internal/aws/session"
	"github.com/slipway-dev/slipway/internal/aws/wire"
	"github.com/slipway-dev/slipway/internal/bus"
	"github.com/slipway-dev/slipway/internal/clock"
	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/engine/enginetest"
	"github.com/slipway-dev/slipway/internal/id"
	"github.com/slipway-dev/slipway/internal/seal"
	"github.com/slipway-dev/slipway/internal/site"
	"github.com/slipway-dev/slipway/internal/store/memory"
)

// script is an action provider that does what a test tells it to.
type script struct {
	mu    sync.Mutex
	steps []*Work
	do    func(w *Work) (*Result, error)
}

func (s *script) Step(_ context.Context, w *Work) (*Result, error) {
	s.mu.Lock()
	s.steps = append(s.steps, w)
	s.mu.Unlock()
	return s.do(w)
}

// Key wakes by events of source "test".
func (s *script) Key(ev *bus.Event) string {
	if ev.Source == "test" {
		return ev.Resources[0]
	}
	return ""
}

func done(*Work) (*Result, error) { return &Result{Done: true}, nil }

type sessions struct{ err error }

func (s sessions) Credentials(context.Context, session.Request) (aws.Credentials, error) {
	return aws.Credentials{AccessKeyID: "ASIA"}, s.err
}
func (s sessions) Config(context.Context, session.Request) (aws.Config, error) {
	return aws.Config{Credentials: aws.CredentialsProviderFunc(func(ctx context.Context) (aws.Credentials, error) { return s.Credentials(ctx, session.Request{}) })}, s.err
}

type noArchives struct{}

func (noArchives) Archive(context.Context, aws.CredentialsProvider, string, string, string, io.Writer) error {
	return errors.New("no archives here")
}

// bench is a service on an engine with fake providers.
type bench struct {
	*Service
	t      testing.TB
	ctx    context.Context
	engine *engine.Engine
	clock  *clock.Fake
	bus    *bus.Bus
	source *script
	build  *script
	deploy *script
	stop   func()

	mu     sync.Mutex
	events []bus.Event
}

func newBench(t *testing.T) *bench {
	e, c := enginetest.New(t)
	return benchOn(t, e, c)
}

// benchOn is newBench on an engine of the test's own.
func benchOn(t *testing.T, e *engine.Engine, c *clock.Fake) *bench {
	b := &bench{t: t, engine: e, clock: c, bus: bus.New(e, id.Random),
		source: &script{do: func(w *Work) (*Result, error) {
			return &Result{Done: true, Variables: map[string]string{"CommitId": "c1"},
				Revision: &types.ArtifactRevision{RevisionId: aws.String("c1"), RevisionSummary: aws.String("first")}}, nil
		}},
		build: &script{do: done}, deploy: &script{do: done}}
	b.Service = New(Config{Engine: e, Events: b.bus, IDs: id.Random, Log: slog.New(slog.DiscardHandler), Sessions: sessions{}, Archives: noArchives{}, Secrets: seal.New(make([]byte, 32)).For("test"),
		Site:      site.Site{Account: "000000000000", Region: "us-east-1", URL: "http://localhost:4566"},
		Providers: map[string]Action{"Source/CodeCommit": b.source, "Source/" + connectionProvider: b.source, "Build/CodeBuild": b.build, "Deploy/ECS": b.deploy, "Invoke/Lambda": b.deploy}})
	b.bus.Subscribe("test", func(ev *bus.Event) bool { return ev.Source == "aws.codepipeline" }, func(_ context.Context, ev bus.Event) error {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.events = append(b.events, ev)
		return nil
	})
	b.ctx = identity.WithRegion(identity.WithCaller(t.Context(), &identity.Caller{ARN: "arn:aws:iam::000000000000:user/ann"}), "us-east-1")
	b.stop = enginetest.Start(t, e)
	return b
}

func (b *bench) create(p *types.PipelineDeclaration) {
	b.t.Helper()
	if _, err := b.CreatePipeline(b.ctx, &codepipeline.CreatePipelineInput{Pipeline: p}); err != nil {
		b.t.Fatal(err)
	}
	enginetest.Settle(b.t, b.engine)
}

func (b *bench) executions() []types.PipelineExecutionSummary {
	b.t.Helper()
	out, err := b.ListPipelineExecutions(b.ctx, &codepipeline.ListPipelineExecutionsInput{PipelineName: aws.String("p")})
	if err != nil {
		b.t.Fatal(err)
	}
	return out.PipelineExecutionSummaries
}

func (b *bench) state() map[string]types.StageState {
	b.t.Helper()
	out, err := b.GetPipelineState(b.ctx, &codepipeline.GetPipelineStateInput{Name: aws.String("p")})
	if err != nil {
		b.t.Fatal(err)
	}
	m := map[string]types.StageState{}
	for _, s := range out.StageStates {
		m[*s.StageName] = s
	}
	return m
}

func (b *bench) approve(s types.ApprovalStatus) error {
	b.t.Helper()
	token := b.state()["Deploy"].ActionStates[0].LatestExecution.Token
	_, err := b.PutApprovalResult(b.ctx, &codepipeline.PutApprovalResultInput{PipelineName: aws.String("p"), StageName: aws.String("Deploy"),
		ActionName: aws.String("Approve"), Token: token, Result: &types.ApprovalResult{Status: s, Summary: aws.String("fine by me")}})
	enginetest.Settle(b.t, b.engine)
	return err
}

// ordered is the sample with the deployment after the approval.
func ordered() *types.PipelineDeclaration {
	p := sample()
	p.Stages[2].Actions[1].RunOrder = aws.Int32(2)
	return p
}

func TestExecution(t *testing.T) {
	b := newBench(t)
	b.build.do = func(w *Work) (*Result, error) {
		return &Result{Done: true, ExternalID: "p:1", Variables: map[string]string{"VERSION": "v7"}}, nil
	}
	b.create(ordered())

	if got := b.build.steps[0].Configuration["EnvironmentVariables"]; !strings.Contains(got, `"value":"c1"`) {
		t.Errorf("the build's configuration is not resolved: %s", got)
	}
	in := b.build.steps[0].Inputs[0]
	if in.Name != "Src" || in.Revision != "c1" || !strings.HasPrefix(in.Key, "p/Src/") || !strings.HasSuffix(in.Key, ".zip") || in.Bucket != "bucket" {
		t.Errorf("input artifact %+v", in)
	}
	approval := b.state()["Deploy"].ActionStates[0].LatestExecution
	if approval.Status != types.ActionExecutionStatusInProgress || approval.Token == nil {
		t.Fatalf("the approval does not wait: %+v", approval)
	}
	if err := b.approve(types.ApprovalStatusApproved); err != nil {
		t.Fatal(err)
	}
	ex := b.executions()[0]
	if ex.Status != types.PipelineExecutionStatusSucceeded {
		t.Fatalf("ended %s", ex.Status)
	}
	if r := ex.SourceRevisions; len(r) != 1 || *r[0].ActionName != "Checkout" || *r[0].RevisionId != "c1" || *r[0].RevisionSummary != "first" {
		t.Errorf("source revisions %+v", r)
	}
	if got := b.deploy.steps[0].Inputs[0].Name; got != "Out" {
		t.Errorf("the deployment gets %s", got)
	}
	list, err := b.ListActionExecutions(b.ctx, &codepipeline.ListActionExecutionsInput{PipelineName: aws.String("p"), MaxResults: aws.Int32(3)})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, a := range list.ActionExecutionDetails {
		names = append(names, *a.ActionName)
	}
	if want := []string{"Ship", "Approve", "Build"}; !slices.Equal(names, want) || list.NextToken == nil {
		t.Errorf("first page %v, want %v and a token", names, want)
	}
	if got := list.ActionExecutionDetails[1].Input.ResolvedConfiguration["CustomData"]; got != "v7 to test" {
		t.Errorf("the approval's words: %s", got)
	}
	list, err = b.ListActionExecutions(b.ctx, &codepipeline.ListActionExecutionsInput{PipelineName: aws.String("p"), MaxResults: aws.Int32(3), NextToken: list.NextToken})
	if err != nil || len(list.ActionExecutionDetails) != 1 || list.NextToken != nil {
		t.Errorf("second page %+v, %v", list, err)
	}
	var states []string
	for _, ev := range b.events {
		kind := strings.Fields(ev.DetailType)[1]
		_, state, _ := strings.Cut(string(ev.Detail), `"state":"`)
		state, _, _ = strings.Cut(state, `"`)
		states = append(states, kind+" "+state)
	}
	if states[0] != "Pipeline STARTED" || states[len(states)-1] != "Pipeline SUCCEEDED" || len(states) != 2+2*3+2*4 {
		t.Errorf("events: %v", states)
	}
}

func TestApprovalAnswers(t *testing.T) {
	b := newBench(t)
	b.build.do = func(*Work) (*Result, error) {
		return &Result{Done: true, Variables: map[string]string{"VERSION": "v"}}, nil
	}
	b.create(ordered())
	put := func(edit func(*codepipeline.PutApprovalResultInput)) error {
		in := &codepipeline.PutApprovalResultInput{PipelineName: aws.String("p"), StageName: aws.String("Deploy"), ActionName: aws.String("Approve"),
			Token: aws.String("nope"), Result: &types.ApprovalResult{Status: types.ApprovalStatusApproved, Summary: aws.String("")}}
		edit(in)
		_, err := b.PutApprovalResult(b.ctx, in)
		return err
	}
	for want, edit := range map[string]func(*codepipeline.PutApprovalResultInput){
		"*types.PipelineNotFoundException":     func(in *codepipeline.PutApprovalResultInput) { in.PipelineName = aws.String("q") },
		"*types.StageNotFoundException":        func(in *codepipeline.PutApprovalResultInput) { in.StageName = aws.String("q") },
		"*types.ActionNotFoundException":       func(in *codepipeline.PutApprovalResultInput) { in.ActionName = aws.String("Ship") },
		"*types.InvalidApprovalTokenException": func(*codepipeline.PutApprovalResultInput) {},
	} {
		if got := fmt.Sprintf("%T", put(edit)); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	token := b.state()["Deploy"].ActionStates[0].LatestExecution.Token
	if err := b.approve(types.ApprovalStatusRejected); err != nil {
		t.Fatal(err)
	}
	err := put(func(in *codepipeline.PutApprovalResultInput) { in.Token = token })
	if _, ok := err.(*types.ApprovalAlreadyCompletedException); !ok {
		t.Errorf("answered again: %v", err)
	}
	st := b.state()["Deploy"]
	x := st.ActionStates[0].LatestExecution
	if st.LatestExecution.Status != types.StageExecutionStatusFailed || x.Token != nil || *x.Summary != "fine by me" ||
		*x.LastUpdatedBy != "arn:aws:iam::000000000000:user/ann" || *x.ErrorDetails.Code != jobFailed {
		t.Errorf("after the rejection: %+v %+v", st.LatestExecution, x)
	}
	// A retry asks again, with a new token, and expires after seven days.
	if _, err := b.RetryStageExecution(b.ctx, &codepipeline.RetryStageExecutionInput{PipelineName: aws.String("p"), StageName: aws.String("Deploy"),
		PipelineExecutionId: b.executions()[0].PipelineExecutionId, RetryMode: types.StageRetryModeFailedActions}); err != nil {
		t.Fatal(err)
	}
	enginetest.Settle(t, b.engine)
	if again := b.state()["Deploy"].ActionStates[0].LatestExecution.Token; again == nil || *again == *token {
		t.Error("the retry has no token of its own")
	}
	b.clock.Advance(7*24*time.Hour + time.Second)
	enginetest.Settle(t, b.engine)
	if x := b.state()["Deploy"].ActionStates[0].LatestExecution; x.Status != types.ActionExecutionStatusFailed || *x.ErrorDetails.Code != timedOut {
		t.Errorf("after seven days: %+v", x)
	}
}

// An action that waits goes on when its event comes, and only then.
func TestWake(t *testing.T) {
	b := newBench(t)
	finished := false
	b.build.do = func(w *Work) (*Result, error) {
		switch {
		case w.Memo == nil:
			return &Result{Memo: "started", Again: true, Wake: []string{"arn:build"}, ExternalID: "p:1"}, nil
		case finished:
			return &Result{Failure: &Failure{jobFailed, "Build terminated with state: FAILED"}}, nil
		}
		return &Result{Wake: []string{"arn:build"}}, nil
	}
	b.create(ordered())
	if n := len(b.build.steps); n != 2 {
		t.Fatalf("%d steps before the event", n)
	}
	emit := func(resource string) {
		t.Helper()
		if err := b.engine.Update(t.Context(), func(tx *engine.Tx) error {
			return b.bus.Emit(tx, bus.Event{Source: "test", DetailType: "x", Resources: []string{resource}})
		}); err != nil {
			t.Fatal(err)
		}
		enginetest.Settle(t, b.engine)
	}
	emit("arn:other")
	if n := len(b.build.steps); n != 2 {
		t.Fatalf("%d steps after another's event", n)
	}
	if err := b.Resume(t.Context()); err != nil {
		t.Fatal(err)
	}
	enginetest.Settle(t, b.engine)
	if n := len(b.build.steps); n != 3 || !b.build.steps[2].Repeated {
		t.Fatalf("%d steps after a restart", n)
	}
	finished = true
	emit("arn:build")
	emit("arn:build")
	x := b.state()["Build"].ActionStates[0].LatestExecution
	if len(b.build.steps) != 4 || x.Status != types.ActionExecutionStatusFailed || *x.ErrorDetails.Message != "Build terminated with state: FAILED" || *x.ExternalExecutionId != "p:1" {
		t.Errorf("after %d steps: %+v", len(b.build.steps), x)
	}
}

func TestMissingVariable(t *testing.T) {
	b := newBench(t)
	b.create(ordered()) // the build exports no VERSION
	x := b.state()["Deploy"].ActionStates[0].LatestExecution
	if x.Status != types.ActionExecutionStatusFailed || *x.ErrorDetails.Code != configurationError || !strings.Contains(*x.ErrorDetails.Message, "#{build.VERSION}") {
		t.Errorf("got %+v", x)
	}
}

func TestStartTwice(t *testing.T) {
	b := newBench(t)
	b.create(ordered())
	start := func(in *codepipeline.StartPipelineExecutionInput) (string, error) {
		in.Name = aws.String("p")
		out, err := b.StartPipelineExecution(b.ctx, in)
		if err != nil {
			return "", err
		}
		enginetest.Settle(t, b.engine)
		return *out.PipelineExecutionId, nil
	}
	one, err := start(&codepipeline.StartPipelineExecutionInput{ClientRequestToken: aws.String("t")})
	if err != nil {
		t.Fatal(err)
	}
	if two, _ := start(&codepipeline.StartPipelineExecutionInput{ClientRequestToken: aws.String("t")}); one != two {
		t.Error("the same token started two executions")
	}
	// A push, delivered twice, starts one execution; another branch none.
	push := func(eventID, branch string) {
		t.Helper()
		ev := bus.Event{ID: eventID, Source: "aws.codecommit", DetailType: "CodeCommit Repository State Change", Region: "us-east-1",
			Detail: []byte(`{"event":"referenceUpdated","repositoryName":"r","referenceType":"branch","referenceName":"` + branch + `"}`)}
		if !isSourceChange(&ev) {
			t.Fatal("the event is not for pipelines")
		}
		if err := b.sourceChanged(t.Context(), ev); err != nil {
			t.Fatal(err)
		}
		enginetest.Settle(t, b.engine)
	}
	before := len(b.executions())
	push("1", "main")
	push("1", "main")
	push("2", "other")
	if n := len(b.executions()); n != before+1 {
		t.Errorf("%d executions were started", n-before)
	}
	if trigger := b.executions()[0].Trigger; trigger.TriggerType != types.TriggerTypePollForSourceChanges {
		t.Errorf("trigger %+v", trigger)
	}
	for name, in := range map[string]*codepipeline.StartPipelineExecutionInput{
		"an unknown variable": {Variables: []types.PipelineVariable{{Name: aws.String("nope"), Value: aws.String("x")}}},
		"an unknown source":   {SourceRevisions: []types.SourceRevisionOverride{{ActionName: aws.String("Build"), RevisionType: types.SourceRevisionTypeCommitId, RevisionValue: aws.String("c")}}},
		"the wrong revision":  {SourceRevisions: []types.SourceRevisionOverride{{ActionName: aws.String("Checkout"), RevisionType: types.SourceRevisionTypeImageDigest, RevisionValue: aws.String("c")}}},
	} {
		if _, err := start(in); err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
}

func TestLife(t *testing.T) {
	b := newBench(t)
	b.create(ordered())
	if _, err := b.CreatePipeline(b.ctx, &codepipeline.CreatePipelineInput{Pipeline: ordered()}); err == nil {
		t.Error("a name was used twice")
	}
	p := ordered()
	p.Stages[0].Actions[0].Configuration["BranchName"] = "next"
	up, err := b.UpdatePipeline(b.ctx, &codepipeline.UpdatePipelineInput{Pipeline: p})
	if err != nil || *up.Pipeline.Version != 2 {
		t.Fatalf("%+v, %v", up, err)
	}
	for version, branch := range map[int32]string{1: "main", 2: "next"} {
		got, err := b.GetPipeline(b.ctx, &codepipeline.GetPipelineInput{Name: aws.String("p"), Version: aws.Int32(version)})
		if err != nil || got.Pipeline.Stages[0].Actions[0].Configuration["BranchName"] != branch {
			t.Errorf("version %d: %+v, %v", version, got, err)
		}
	}
	if _, err := b.GetPipeline(b.ctx, &codepipeline.GetPipelineInput{Name: aws.String("p"), Version: aws.Int32(3)}); err == nil {
		t.Error("there is no version 3")
	}
	if _, err := b.DeletePipeline(b.ctx, &codepipeline.DeletePipelineInput{Name: aws.String("p")}); err != nil {
		t.Fatal(err)
	}
	enginetest.Settle(t, b.engine)
	if _, err := b.DeletePipeline(b.ctx, &codepipeline.DeletePipelineInput{Name: aws.String("p")}); err != nil {
		t.Errorf("deleting nothing: %v", err)
	}
	b.create(ordered())
	if n := len(b.executions()); n != 1 {
		t.Errorf("the new pipeline has %d executions", n)
	}
}

func TestRoleThatCannotBeAssumed(t *testing.T) {
	b := newBench(t)
	b.cfg.Sessions = sessions{&wire.Error{Code: "AccessDenied", Message: "no"}}
	_, err := b.CreatePipeline(b.ctx, &codepipeline.CreatePipelineInput{Pipeline: ordered()})
	var bad *types.InvalidStructureException
	if !errors.As(err, &bad) || !strings.Contains(*bad.Message, "is not authorized to perform AssumeRole on role arn:aws:iam::000000000000:role/r") {
		t.Errorf("got %v", err)
	}
}

// Executions of more than twelve months ago make place for new ones.
func TestExpiry(t *testing.T) {
	b := newBench(t)
	b.create(ordered())
	old := b.executions()[0]
	b.clock.Advance(8 * 24 * time.Hour) // its approval expires
	enginetest.Settle(t, b.engine)
	b.clock.Advance(366 * 24 * time.Hour)
	if _, err := b.StartPipelineExecution(b.ctx, &codepipeline.StartPipelineExecutionInput{Name: aws.String("p")}); err != nil {
		t.Fatal(err)
	}
	enginetest.Settle(t, b.engine)
	if l := b.executions(); len(l) != 1 || *l[0].PipelineExecutionId == *old.PipelineExecutionId {
		t.Errorf("%d executions", len(l))
	}
	list, err := b.ListActionExecutions(b.ctx, &codepipeline.ListActionExecutionsInput{PipelineName: aws.String("p")})
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range list.ActionExecutionDetails {
		if *a.PipelineExecutionId == *old.PipelineExecutionId {
			t.Errorf("%s of the old execution is still there", *a.ActionName)
		}
	}
}

// A server that ends in the middle of things is followed by one that goes on.
func TestRestart(t *testing.T) {
	st, c := memory.New(), clock.NewFake(enginetest.Epoch)
	b := benchOn(t, enginetest.On(t, st, c), c)
	b.build.do = func(w *Work) (*Result, error) {
		if w.Memo == nil {
			return &Result{Memo: "p:1", Wake: []string{"arn:build"}, Again: true}, nil
		}
		return &Result{Wake: []string{"arn:build"}}, nil
	}
	b.create(ordered())
	b.stop()

	b = benchOn(t, enginetest.On(t, st, c), c)
	b.build.do = func(w *Work) (*Result, error) {
		if string(w.Memo) != `"p:1"` {
			t.Errorf("the build began anew: memo %s", w.Memo)
		}
		return &Result{Done: true, Variables: map[string]string{"VERSION": "v"}}, nil
	}
	if err := b.Resume(t.Context()); err != nil {
		t.Fatal(err)
	}
	enginetest.Settle(t, b.engine)
	if n := len(b.source.steps); n != 0 {
		t.Errorf("the source ran again")
	}
	if err := b.approve(types.ApprovalStatusApproved); err != nil {
		t.Fatal(err)
	}
	if s := b.executions()[0].Status; s != types.PipelineExecutionStatusSucceeded {
		t.Errorf("ended %s", s)
	}
}
