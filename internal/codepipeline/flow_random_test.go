package codepipeline

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline/types"
)

// Whatever happens in whatever order, nobody is lost: every active execution
// waits in one queue or has work that runs, and a stage has one holder.
func TestFlowInvariants(t *testing.T) {
	modes := types.ExecutionMode("").Values()
	for seed := range uint64(60) {
		mode := modes[seed%uint64(len(modes))]
		r := rand.New(rand.NewPCG(seed, 1))
		decl := declare(mode, "A B", "C/D E", "F")
		switch seed / 3 % 3 { // half of them retry or roll back by themselves
		case 1:
			failing(decl, 1, types.ResultRetry, types.StageRetryModeFailedActions)
		case 2:
			if mode != types.ExecutionModeParallel {
				failing(decl, 1, types.ResultRollback, "")
			}
		}
		if seed%2 == 1 {
			decl.Stages[1].BeforeEntry = &types.BeforeEntryConditions{Conditions: condition(types.ResultSkip, even())}
			decl.Stages[2].BeforeEntry = &types.BeforeEntryConditions{Conditions: condition(types.ResultFail, even())}
			decl.Stages[1].OnSuccess = &types.SuccessConditions{Conditions: condition(types.ResultFail, even())}
		}
		if seed%4 == 2 {
			decl.Stages[1].BeforeEntry = &types.BeforeEntryConditions{Conditions: condition(types.ResultSkip, slow("a"), even())}
			decl.Stages[2].OnSuccess = &types.SuccessConditions{Conditions: condition(types.ResultFail, slow("a"), slow("b"))}
			if decl.Stages[1].OnFailure == nil {
				decl.Stages[1].OnFailure = &types.FailureConditions{Conditions: condition(types.ResultFail, slow("a"))}
			}
		}
		w := newWorld(t, decl)
		var script []string
		for n := range 150 {
			command := randomCommand(r, w, n)
			script = append(script, command)
			w.do(command)
			if problem := inconsistency(w.f); problem != "" {
				t.Fatalf("seed %d, %s: %s after %v", seed, mode, problem, script)
			}
		}
	}
}

func randomCommand(r *rand.Rand, w *world, n int) string {
	ids := slices.Sorted(maps.Keys(w.f.executions))
	if len(ids) == 0 || r.IntN(8) == 0 && len(w.f.board.Active) < maxConcurrent {
		return fmt.Sprintf("start e%03d", n)
	}
	id := ids[r.IntN(len(ids))]
	ex := w.f.executions[id]
	stages := w.f.definition().Stages
	stage := aws.ToString(stages[r.IntN(len(stages))].Name)
	switch r.IntN(21) {
	case 20:
		return "override " + id + " " + stage + " " + string([]types.ConditionType{beforeEntry, onSuccess}[r.IntN(2)])
	case 0:
		return "stop " + id
	case 1:
		return "abandon " + id
	case 2:
		return "close " + stage
	case 3, 4:
		return "open " + stage
	case 5, 6:
		return "retry " + id + " " + stage
	case 7:
		return "retry " + id + " " + stage + " all"
	case 8:
		switch r.IntN(8) {
		case 0:
			return "update"
		case 1:
			return "rename"
		}
	}
	if ex.active() && !ex.Waiting {
		run := ex.Stages[aws.ToString(w.f.stage(ex).Name)]
		if c := run.Conditions[run.Pending]; c != nil {
			for _, rule := range c.Rules {
				if rule.Status == types.RuleExecutionStatusInProgress {
					return []string{"met ", "met ", "unmet "}[r.IntN(3)] + id + " " + rule.Name
				}
			}
		}
		for _, name := range slices.Sorted(maps.Keys(run.Actions)) {
			if run.Actions[name].Status == types.ActionExecutionStatusInProgress {
				if r.IntN(5) == 0 {
					return "fail " + id + " " + name
				}
				return "ok " + id + " " + name
			}
		}
	}
	return "open " + stage
}

func inconsistency(f *flow) string {
	queued := map[string]int{}
	for name, row := range f.board.Stages {
		for _, id := range row.Waiting {
			queued[id]++
			if ex := f.executions[id]; aws.ToString(f.stage(ex).Name) != name || !ex.Waiting {
				return id + " waits in a queue that is not its own"
			}
		}
		single := 0
		for _, id := range row.Waiting {
			if !f.executions[id].parallel() {
				single++
			}
		}
		if row.Holder == "" && row.open() && len(row.Waiting) > 0 {
			return name + " is free and has somebody waiting"
		}
		if f.definition().ExecutionMode == types.ExecutionModeSuperseded && single > 1 {
			return name + " has more than one waiting"
		}
		if row.Holder != "" {
			ex := f.executions[row.Holder]
			if !ex.active() || ex.Waiting || aws.ToString(f.stage(ex).Name) != name {
				return name + " is locked by who is not there"
			}
		}
	}
	for _, ex := range f.executions {
		listed := slices.Contains(f.board.Active, ex.ID())
		switch {
		case listed != ex.active():
			return ex.ID() + " is on the board wrongly, or missing"
		case !ex.active():
			continue
		case ex.Waiting && queued[ex.ID()] != 1:
			return ex.ID() + " waits in no queue"
		case ex.Waiting:
			continue
		case len(ex.Stages[aws.ToString(f.stage(ex).Name)].atWork()) == 0:
			return ex.ID() + " is in a stage where nothing runs"
		case ex.Outdated: // its stage may be gone
			continue
		case !ex.parallel() && f.row(aws.ToString(f.stage(ex).Name)).Holder != ex.ID():
			return ex.ID() + " is in a stage without its lock"
		}
	}
	return ""
}
