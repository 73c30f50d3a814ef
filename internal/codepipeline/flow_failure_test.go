package codepipeline

import (
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline/types"
)

// told runs a script and returns the effects of all but its first n commands.
func (w *world) told(n int, script string) string {
	w.t.Helper()
	for i, command := range strings.Split(script, "; ") {
		if i == n {
			w.log = nil
		}
		w.do(command)
	}
	return strings.Join(w.log, ", ")
}

func failing(p *types.PipelineDeclaration, stage int, result types.Result, mode types.StageRetryMode) *types.PipelineDeclaration {
	p.Stages[stage].OnFailure = &types.FailureConditions{Result: result}
	if mode != "" {
		p.Stages[stage].OnFailure.RetryConfiguration = &types.RetryConfiguration{RetryMode: mode}
	}
	return p
}

func TestAutomaticRetry(t *testing.T) {
	for _, c := range []struct {
		name string
		mode types.StageRetryMode
		want string
	}{
		{"of all actions", "", "e1 S1 FAILED, e1 S1 RESUMED, e1 run A, e1 run B, e1 S1 FAILED, e1 FAILED"},
		{"of failed actions", types.StageRetryModeFailedActions, "e1 S1 FAILED, e1 S1 RESUMED, e1 run A, e1 S1 FAILED, e1 FAILED"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, failing(declare(types.ExecutionModeQueued, "A B", "C"), 0, types.ResultRetry, c.mode))
			script := "start e1; fail e1 A; ok e1 B; fail e1 A"
			if c.mode == "" {
				script += "; ok e1 B"
			}
			if got := w.told(2, script); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
			// A retry by hand counts beside it, and is not retried again.
			w.do("retry e1 S1")
			m := w.f.row("S1").Retry
			if *m.AutoStageRetryAttempt != 1 || *m.ManualStageRetryAttempt != 1 || m.LatestRetryTrigger != types.RetryTriggerManualStageRetry {
				t.Errorf("retries %+v", m)
			}
			w.do("fail e1 A")
			if s := w.f.executions["e1"].Status; s != types.PipelineExecutionStatusFailed {
				t.Errorf("ended %s", s)
			}
		})
	}
	// One that is stopping is not retried.
	w := newWorld(t, failing(declare(types.ExecutionModeSuperseded, "A", "C"), 0, types.ResultRetry, ""))
	if got := w.told(2, "start e1; stop e1; fail e1 A"); got != "e1 S1 STOPPED, e1 STOPPED" {
		t.Errorf("got %s", got)
	}
}

func TestAutomaticRollback(t *testing.T) {
	decl := func() *types.PipelineDeclaration {
		return failing(declare(types.ExecutionModeSuperseded, "A", "B", "C"), 1, types.ResultRollback, "")
	}
	w := newWorld(t, decl())
	// Nothing to go back to.
	if got := w.told(2, "start e0; ok e0 A; fail e0 B"); got != "e0 S2 FAILED, e0 FAILED" {
		t.Errorf("got %s", got)
	}
	w.told(0, "start e1; ok e1 A; ok e1 B; ok e1 C; start e2; ok e2 A; start e3; ok e3 A")
	w.f.executions["e1"].Artifacts = map[string]Artifact{"Src": {Name: "Src", Key: "old"}}
	w.log = nil
	w.do("fail e2 B") // e3 waits in front of the stage, and goes on waiting
	back := w.f.executions[w.f.row("S2").Holder]
	id := back.ID()
	want := "e2 S2 FAILED, e2 FAILED, " + id + " STARTED, " + id + " S2 STARTED, " + id + " run B"
	if got := strings.Join(w.log, ", "); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if back.ExecutionType != types.ExecutionTypeRollback || back.Trigger.TriggerType != types.TriggerTypeAutomatedRollback ||
		*back.Trigger.TriggerDetail != `{"FailedPipelineExecutionId":"e2"}` || *back.RollbackMetadata.RollbackTargetPipelineExecutionId != "e1" ||
		back.Artifacts["Src"].Key != "old" || len(w.f.begun) == 0 {
		t.Errorf("the rollback %+v", back)
	}
	if !w.f.executions["e3"].Waiting {
		t.Error("who waited was let in, or superseded")
	}
	w.log = nil
	w.do("fail " + id + " B") // a failed rollback is not rolled back again
	if got := strings.Join(w.log, ", "); got != id+" S2 FAILED, "+id+" FAILED, e3 S2 STARTED, e3 run B" {
		t.Errorf("got %s", got)
	}

	// An update makes the old structure's executions useless.
	w = newWorld(t, decl())
	if got := w.told(6, "start e1; ok e1 A; ok e1 B; ok e1 C; update; start e2; ok e2 A; fail e2 B"); !strings.HasSuffix(got, "e2 S2 FAILED, e2 FAILED") {
		t.Errorf("got %s", got)
	}
}

func TestRollback(t *testing.T) {
	w := newWorld(t, declare(types.ExecutionModeSuperseded, "A", "B"))
	w.told(0, "start e1; ok e1 A; ok e1 B; start e2; ok e2 A; fail e2 B; close S2; start e3; ok e3 A")
	e1 := w.f.executions["e1"]
	e1.Artifacts = map[string]Artifact{"Src": {Name: "Src", Key: "old"}}
	by := types.ExecutionTrigger{TriggerType: types.TriggerTypeManualRollback}
	if _, err := w.f.rollback(e1, "S1", by); err == nil {
		t.Error("the source stage was rolled back")
	}
	if _, err := w.f.rollback(w.f.executions["e2"], "S2", by); err == nil {
		t.Error("rolled back to an execution that failed")
	}
	w.log = nil
	back, err := w.f.rollback(e1, "S2", by)
	if err != nil {
		t.Fatal(err)
	}
	w.take()
	id := back.ID()
	w.do("ok " + id + " B")
	want := []string{id + " STARTED", id + " S2 STARTED", id + " run B", id + " S2 SUCCEEDED", id + " SUCCEEDED"}
	if !slices.Equal(w.log, want) {
		t.Errorf("got %s, want %s", w.log, want)
	}
	if back.Artifacts["Src"].Key != "old" || !w.f.executions["e3"].Waiting {
		t.Error("the rollback does not use the artifacts of its target, or takes the place of who waits")
	}
	if _, err := w.f.rollback(back, "S2", by); err == nil {
		t.Error("rolled back to a rollback")
	}
	if got := aws.ToString(w.f.row("S2").Latest.PipelineExecutionId); got != id {
		t.Errorf("the stage's latest is %s", got)
	}
}
