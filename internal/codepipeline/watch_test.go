package codepipeline

import (
	"encoding/json"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline/types"

	"github.com/slipway-dev/slipway/internal/bus/source"
	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/engine/enginetest"
)

// tell emits a change of the sample's repository; the connection's ARN has the
// other spelling, the repository other capitals.
func (b *bench) tell(c source.Change) {
	b.t.Helper()
	c.ConnectionARN, c.Repository, c.ProviderType = "arn:aws:codeconnections:us-east-1:000000000000:connection/7f9d", "octo/Site", "GitHub"
	ev, err := c.Event(b.engine.Now())
	if err != nil {
		b.t.Fatal(err)
	}
	if err := b.engine.Update(b.t.Context(), func(tx *engine.Tx) error { return b.bus.Emit(tx, ev) }); err != nil {
		b.t.Fatal(err)
	}
	enginetest.Settle(b.t, b.engine)
}

func TestChangesOfAConnection(t *testing.T) {
	b := newBench(t)
	b.build.do = func(*Work) (*Result, error) {
		return &Result{Done: true, Variables: map[string]string{"VERSION": "v"}}, nil
	}
	b.create(connected())
	push := source.Change{Kind: source.Push, Branch: "main", CommitID: "abc", BeforeCommitID: "b", CommitMessage: "hello", AuthorDisplayName: "Ann"}
	b.tell(push)
	if n := len(b.executions()); n != 2 {
		t.Fatalf("%d executions after a push", n)
	}
	w := b.source.steps[1]
	if *w.Override.RevisionValue != "abc" || w.Change == nil || w.Change.Branch != "main" {
		t.Errorf("the source was told %+v, %+v", w.Override, w.Change)
	}
	trigger := b.executions()[0].Trigger
	if trigger.TriggerType != types.TriggerTypeWebhookV2 {
		t.Errorf("trigger %+v", trigger)
	}
	var detail struct {
		Trigger map[string]string `json:"execution-trigger"`
	}
	for _, ev := range b.events {
		var d struct {
			State string
			ID    string `json:"execution-id"`
		}
		_ = json.Unmarshal(ev.Detail, &d)
		if d.State == "STARTED" && d.ID == *b.executions()[0].PipelineExecutionId && ev.DetailType == "CodePipeline Pipeline Execution State Change" {
			_ = json.Unmarshal(ev.Detail, &detail)
		}
	}
	if detail.Trigger["commit-id"] != "abc" || detail.Trigger["author-display-name"] != "Ann" || detail.Trigger["full-repository-name"] != "octo/Site" {
		t.Errorf("the event says %v", detail.Trigger)
	}
	if _, err := b.StartPipelineExecution(b.ctx, &codepipeline.StartPipelineExecutionInput{Name: aws.String("p")}); err != nil {
		t.Fatal(err)
	}
	enginetest.Settle(t, b.engine)
	if w := b.source.steps[2]; w.Override != nil || w.Change != nil {
		t.Errorf("started by hand, the source was told %+v", w)
	}

	// Triggers take the place of the action's own detection.
	p := connected()
	p.Triggers = triggers("Checkout", "push tags=v*", "pull OPEN branches=main")
	if _, err := b.UpdatePipeline(b.ctx, &codepipeline.UpdatePipelineInput{Pipeline: p}); err != nil {
		t.Fatal(err)
	}
	before := len(b.executions())
	b.tell(push)
	b.tell(source.Change{Kind: source.Push, Tag: "x", CommitID: "t"})
	if n := len(b.executions()); n != before {
		t.Errorf("%d executions that no trigger wants", n-before)
	}
	b.tell(source.Change{Kind: source.Push, Tag: "v1", CommitID: "t"})
	b.tell(source.Change{Kind: source.PullRequest, Action: source.Open, Branch: "topic", BaseBranch: "main", CommitID: "pr", PullRequestID: "7"})
	if n := len(b.executions()); n != before+2 {
		t.Errorf("%d executions by the triggers", n-before)
	}
	if w := b.source.steps[len(b.source.steps)-1]; *w.Override.RevisionValue != "pr" || w.Change.PullRequestID != "7" {
		t.Errorf("the source was told %+v", w)
	}

	// Nobody looks any more.
	p = connected()
	p.Stages[0].Actions[0].Configuration["DetectChanges"] = "false"
	if _, err := b.UpdatePipeline(b.ctx, &codepipeline.UpdatePipelineInput{Pipeline: p}); err != nil {
		t.Fatal(err)
	}
	before = len(b.executions())
	b.tell(push)
	if n := len(b.executions()); n != before {
		t.Error("started though it was told not to look")
	}
	left := 0
	if err := b.engine.Update(t.Context(), func(tx *engine.Tx) error {
		for range sources.All(tx) {
			left++
		}
		return nil
	}); err != nil || left != 0 {
		t.Errorf("%d entries left in the index, %v", left, err)
	}
}
