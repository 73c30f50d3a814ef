package codepipeline

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline/types"
)

// declare writes a pipeline as stages of actions: "A B/C" is A and B at once,
// then C.
func declare(mode types.ExecutionMode, stages ...string) *types.PipelineDeclaration {
	p := &types.PipelineDeclaration{Name: aws.String("p"), ExecutionMode: mode, PipelineType: types.PipelineTypeV2, Version: aws.Int32(1)}
	for i, text := range stages {
		st := types.StageDeclaration{Name: aws.String(fmt.Sprint("S", i+1))}
		for order, group := range strings.Split(text, "/") {
			for _, name := range strings.Fields(group) {
				st.Actions = append(st.Actions, types.ActionDeclaration{Name: aws.String(name), RunOrder: aws.Int32(int32(order + 1)),
					ActionTypeId: &types.ActionTypeId{Category: types.ActionCategoryApproval, Provider: aws.String("Manual")}})
			}
		}
		p.Stages = append(p.Stages, st)
	}
	return p
}

// world drives a flow through a script and keeps a log of its effects.
type world struct {
	t   *testing.T
	f   *flow
	ids int
	log []string
}

func newWorld(t *testing.T, p *types.PipelineDeclaration) *world {
	w := &world{t: t}
	w.f = &flow{definitions: map[int32]*types.PipelineDeclaration{1: p}, board: &Board{Version: 1},
		executions: map[string]*Execution{}, now: time.Unix(1700000000, 0)}
	w.f.newID = func() string { w.ids++; return fmt.Sprint("a", w.ids) }
	w.f.find = func(id string) *Execution { return w.f.executions[id] }
	return w
}

func (w *world) take() {
	for _, e := range w.f.effects {
		switch e := e.(type) {
		case startAction:
			w.log = append(w.log, fmt.Sprintf("%s run %s", e.ex.ID(), aws.ToString(e.do.Name)))
		case abandonAction:
			w.log = append(w.log, "abandon")
		case abandonRule:
			w.log = append(w.log, "abandon rule")
		case ruleRan:
			w.log = append(w.log, fmt.Sprintf("%s rule %s %s", e.ex.ID(), aws.ToString(e.rule.Name), e.run.Status))
		case tellPipeline:
			w.log = append(w.log, fmt.Sprintf("%s %s", e.ex.ID(), e.state))
		case tellStage:
			w.log = append(w.log, fmt.Sprintf("%s %s %s", e.ex.ID(), e.stage, e.state))
		}
	}
	w.f.effects, w.f.gone = nil, nil // as from one transition to the next
}

func (w *world) start(id string) {
	w.f.board.Executions++
	p := w.f.definition()
	w.f.begin(&Execution{Number: w.f.board.Executions, PipelineExecution: types.PipelineExecution{
		PipelineExecutionId: aws.String(id), PipelineVersion: aws.Int32(w.f.board.Version),
		ExecutionMode: p.ExecutionMode, ExecutionType: types.ExecutionTypeStandard}})
	w.take()
}

// do runs one command: "start e1", "ok e1 A", "fail e1 A", "stop e1",
// "abandon e1", "retry e1 S2 all", "close S2", "open S2", "update", "rename", "override e1 S2 BEFORE_ENTRY",
// "met e1 alarm", "unmet e1 alarm".
func (w *world) do(command string) {
	w.t.Helper()
	c := append(strings.Fields(command), "", "", "")
	ex := w.f.executions[c[1]]
	var err error
	switch c[0] {
	case "start":
		w.start(c[1])
	case "ok", "fail":
		run := ex.Stages[aws.ToString(w.f.stage(ex).Name)].Actions[c[2]]
		if run == nil {
			w.t.Fatalf("%s: the action has not begun", command)
		}
		s := types.ActionExecutionStatusSucceeded
		if c[0] == "fail" {
			s = types.ActionExecutionStatusFailed
		}
		if !w.f.actionDone(ex, c[2], run.ID, s) {
			w.t.Fatalf("%s: was refused", command)
		}
	case "stop", "abandon":
		err = w.f.stop(ex, c[0] == "abandon", "why")
	case "retry":
		mode := types.StageRetryModeFailedActions
		if c[3] == "all" {
			mode = types.StageRetryModeAllActions
		}
		err = w.f.retry(ex, c[2], mode)
	case "met", "unmet": // of a rule that is at work
		run := ex.Stages[aws.ToString(w.f.stage(ex).Name)]
		var why *Failure
		if c[0] == "unmet" {
			why = &Failure{jobFailed, "because"}
		}
		i := slices.IndexFunc(run.Conditions[run.Pending].Rules, func(r RuleRun) bool { return r.Name == c[2] })
		if !w.f.ruleDone(ex, run.Conditions[run.Pending].Rules[i].ID, why) {
			w.log = append(w.log, "not expected")
		}
	case "override":
		err = w.f.override(ex, c[2], types.ConditionType(c[3]))
	case "close", "open":
		w.f.transition(c[1], c[0] == "open", "busy", "me")
	case "update", "rename": // of the last stage
		v := w.f.board.Version + 1
		next := *w.f.definition()
		next.Version = aws.Int32(v)
		if c[0] == "rename" {
			next.Stages = slices.Clone(next.Stages)
			next.Stages[len(next.Stages)-1].Name = aws.String(fmt.Sprint("R", v))
		}
		w.f.definitions[v] = &next
		w.f.updated(v)
	default:
		w.t.Fatalf("unknown command %q", command)
	}
	if err != nil {
		name := fmt.Sprintf("%T", err)
		w.log = append(w.log, strings.TrimSuffix(name[strings.LastIndex(name, ".")+1:], "Exception"))
	}
	w.take()
}

func TestFlow(t *testing.T) {
	const superseded, queued, parallel = types.ExecutionModeSuperseded, types.ExecutionModeQueued, types.ExecutionModeParallel
	for _, c := range []struct {
		name   string
		mode   types.ExecutionMode
		stages []string
		script string
		want   string // the effects of the last command
		end    string // statuses of executions
	}{
		{"a new execution begins its first stage", superseded, []string{"A", "B"},
			"start e1", "e1 STARTED, e1 S1 STARTED, e1 run A", "e1 InProgress"},
		{"the next stage follows", superseded, []string{"A", "B"},
			"start e1; ok e1 A", "e1 S1 SUCCEEDED, e1 S2 STARTED, e1 run B", "e1 InProgress"},
		{"the last stage ends it", superseded, []string{"A", "B"},
			"start e1; ok e1 A; ok e1 B", "e1 S2 SUCCEEDED, e1 SUCCEEDED", "e1 Succeeded"},
		{"a group starts together", superseded, []string{"A B/C"},
			"start e1", "e1 STARTED, e1 S1 STARTED, e1 run A, e1 run B", "e1 InProgress"},
		{"a group waits for all of the one before", superseded, []string{"A B/C"},
			"start e1; ok e1 B", "", "e1 InProgress"},
		{"then the next group starts", superseded, []string{"A B/C"},
			"start e1; ok e1 B; ok e1 A", "e1 run C", "e1 InProgress"},
		{"a failure lets siblings end", superseded, []string{"A B/C"},
			"start e1; fail e1 A", "", "e1 InProgress"},
		{"then fails the stage", superseded, []string{"A B/C"},
			"start e1; fail e1 A; ok e1 B", "e1 S1 FAILED, e1 FAILED", "e1 Failed"},

		{"a locked stage is waited for", superseded, []string{"A", "B"},
			"start e1; start e2", "e2 STARTED", "e1 InProgress, e2 InProgress"},
		{"a newer one supersedes who waits", superseded, []string{"A", "B"},
			"start e1; start e2; start e3", "e3 STARTED, e2 SUPERSEDED", "e1 InProgress, e2 Superseded, e3 InProgress"},
		{"a free stage is entered by who waits", superseded, []string{"A", "B"},
			"start e1; start e2; ok e1 A", "e1 S1 SUCCEEDED, e1 S2 STARTED, e1 run B, e2 S1 STARTED, e2 run A", ""},
		{"a failed stage is free", superseded, []string{"A", "B"},
			"start e1; start e2; fail e1 A", "e1 S1 FAILED, e1 FAILED, e2 S1 STARTED, e2 run A", ""},
		{"who is inside a stage is never superseded", superseded, []string{"A", "B"},
			"start e1; ok e1 A; start e2; ok e2 A; start e3; ok e3 A", "e3 S1 SUCCEEDED, e2 SUPERSEDED", "e1 InProgress, e2 Superseded, e3 InProgress"},

		{"a queue keeps everyone", queued, []string{"A", "B"},
			"start e1; start e2; start e3; ok e1 A", "e1 S1 SUCCEEDED, e1 S2 STARTED, e1 run B, e2 S1 STARTED, e2 run A", "e1 InProgress, e2 InProgress, e3 InProgress"},
		{"parallel executions do not wait", parallel, []string{"A", "B"},
			"start e1; start e2", "e2 STARTED, e2 S1 STARTED, e2 run A", ""},
		{"at most five actions at once", parallel, []string{"A B C D E F"},
			"start e1; ok e1 C", "e1 run F", ""},
		{"a closed transition holds parallel ones too", parallel, []string{"A", "B"},
			"close S2; start e1; start e2; ok e1 A; ok e2 A; open S2", "e1 S2 STARTED, e1 run B, e2 S2 STARTED, e2 run B", ""},

		{"a closed transition holds", superseded, []string{"A", "B"},
			"close S2; start e1; ok e1 A", "e1 S1 SUCCEEDED", "e1 InProgress"},
		{"in front of it only the newest stays", superseded, []string{"A", "B"},
			"close S2; start e1; ok e1 A; start e2; ok e2 A; open S2", "e2 S2 STARTED, e2 run B", "e1 Superseded, e2 InProgress"},

		{"stop waits for running actions", superseded, []string{"A B", "C"},
			"start e1; stop e1", "e1 STOPPING, e1 S1 STOPPING", "e1 Stopping"},
		{"and ends after them", superseded, []string{"A B", "C"},
			"start e1; stop e1; ok e1 A; ok e1 B", "e1 S1 STOPPED, e1 STOPPED", "e1 Stopped"},
		{"stop twice", superseded, []string{"A", "C"},
			"start e1; stop e1; stop e1", "DuplicatedStopRequest", "e1 Stopping"},
		{"abandon while stopping", superseded, []string{"A", "C"},
			"start e1; stop e1; abandon e1", "abandon, e1 S1 STOPPED, e1 STOPPED", "e1 Stopped"},
		{"abandon at once", superseded, []string{"A", "C"},
			"start e1; start e2; abandon e1", "e1 STOPPING, e1 S1 STOPPING, abandon, e1 S1 STOPPED, e1 STOPPED, e2 S1 STARTED, e2 run A", ""},
		{"stop of who waits", superseded, []string{"A", "C"},
			"start e1; start e2; stop e2", "e2 STOPPING, e2 STOPPED", "e1 InProgress, e2 Stopped"},
		{"stop of what ended", superseded, []string{"A"},
			"start e1; ok e1 A; stop e1", "PipelineExecutionNotStoppable", "e1 Succeeded"},

		{"retry runs failed actions again", superseded, []string{"A B/C"},
			"start e1; fail e1 A; ok e1 B; retry e1 S1", "e1 RESUMED, e1 S1 RESUMED, e1 run A", "e1 InProgress"},
		{"and goes on from there", superseded, []string{"A B/C"},
			"start e1; fail e1 A; ok e1 B; retry e1 S1; ok e1 A", "e1 run C", "e1 InProgress"},
		{"retry of all actions", superseded, []string{"A B/C"},
			"start e1; fail e1 A; ok e1 B; retry e1 S1 all", "e1 RESUMED, e1 S1 RESUMED, e1 run A, e1 run B", "e1 InProgress"},
		{"retry while siblings run", superseded, []string{"A B/C"},
			"start e1; fail e1 A; retry e1 S1", "e1 S1 RESUMED, e1 run A", "e1 InProgress"},
		{"retry of all while siblings run", superseded, []string{"A B/C"},
			"start e1; fail e1 A; retry e1 S1 all", "Conflict", "e1 InProgress"},
		{"retry after a stop", superseded, []string{"A", "B"},
			"start e1; abandon e1; retry e1 S1", "e1 RESUMED, e1 S1 RESUMED, e1 run A", "e1 InProgress"},
		{"retry of what has not failed", superseded, []string{"A", "B"},
			"start e1; retry e1 S1", "StageNotRetryable", "e1 InProgress"},
		{"retry of a stage never entered", superseded, []string{"A", "B"},
			"start e1; fail e1 A; retry e1 S2", "StageNotRetryable", "e1 Failed"},
		{"retry of no stage", superseded, []string{"A", "B"},
			"start e1; fail e1 A; retry e1 S9", "StageNotFound", "e1 Failed"},
		{"retry after another entered", superseded, []string{"A", "B"},
			"start e1; fail e1 A; start e2; retry e1 S1", "NotLatestPipelineExecution", "e1 Failed, e2 InProgress"},
		{"retry after an update", superseded, []string{"A", "B"},
			"start e1; fail e1 A; update; retry e1 S1", "StageNotRetryable", "e1 Failed"},

		{"an update cancels who waits", superseded, []string{"A", "B"},
			"start e1; start e2; update", "e2 CANCELED", "e1 InProgress, e2 Cancelled"},
		{"and who runs, after its actions", superseded, []string{"A", "B"},
			"start e1; update; ok e1 A", "e1 S1 CANCELED, e1 CANCELED", "e1 Cancelled"},
		{"the lock is held until then", superseded, []string{"A", "B"},
			"start e1; update; start e2; ok e1 A", "e1 S1 CANCELED, e1 CANCELED, e2 S1 STARTED, e2 run A", ""},
		{"parallel executions outlive an update", parallel, []string{"A", "B"},
			"start e1; update; ok e1 A", "e1 S1 SUCCEEDED, e1 S2 STARTED, e1 run B", "e1 InProgress"},
		{"also one that takes their stage away", parallel, []string{"A", "B"},
			"start e1; rename; ok e1 A", "e1 S1 SUCCEEDED, e1 S2 STARTED, e1 run B", "e1 InProgress"},
		{"which nobody waits for any more", parallel, []string{"A", "B"},
			"close S2; start e1; ok e1 A; rename", "e1 S2 STARTED, e1 run B", "e1 InProgress"},
		{"a stage that is gone ends what runs in it", superseded, []string{"A", "B"},
			"start e1; ok e1 A; rename; ok e1 B", "e1 S2 CANCELED, e1 CANCELED", "e1 Cancelled"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, declare(c.mode, c.stages...))
			for _, command := range strings.Split(c.script, "; ") {
				w.log = nil
				w.do(command)
			}
			if got := strings.Join(w.log, ", "); got != c.want {
				t.Errorf("effects of the last command:\n got %s\nwant %s", got, c.want)
			}
			if c.end == "" {
				return
			}
			var end []string
			for id, ex := range w.f.executions {
				end = append(end, id+" "+string(ex.Status))
			}
			slices.Sort(end)
			if got := strings.Join(end, ", "); got != c.end {
				t.Errorf("end: got %s, want %s", got, c.end)
			}
		})
	}
}

// A late report of an attempt that was abandoned or retried changes nothing.
func TestLateReport(t *testing.T) {
	w := newWorld(t, declare(types.ExecutionModeSuperseded, "A", "B"))
	w.do("start e1")
	old := w.f.executions["e1"].Stages["S1"].Actions["A"].ID
	w.do("abandon e1")
	w.do("retry e1 S1")
	if w.f.actionDone(w.f.executions["e1"], "A", old, types.ActionExecutionStatusSucceeded) {
		t.Error("the abandoned attempt was taken for the new one")
	}
	if s := w.f.executions["e1"].Stages["S1"].Actions["A"].Status; s != types.ActionExecutionStatusInProgress {
		t.Errorf("the new attempt is %s", s)
	}
}
