package codepipeline

import (
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline/types"
)

// ConditionRun is what came out of a condition in an execution's stage.
type ConditionRun struct {
	Status types.ConditionExecutionStatus
	At     time.Time
	Rules  []RuleRun
}

// RuleRun is one rule of it.
type RuleRun struct {
	ID, Name string
	Status   types.RuleExecutionStatus
	Summary  string `json:",omitempty"`
}

// ruleRan keeps a rule's execution for the history.
type ruleRan struct {
	ex       *Execution
	stage    *types.StageDeclaration
	rule     *types.RuleDeclaration
	resolved map[string]string
	run      RuleRun
}

func (ruleRan) isEffect() {}

// meets evaluates the condition of a kind that the stage of an execution has;
// one that there is not, or that somebody has overridden, is met.
func (f *flow) meets(ex *Execution, kind types.ConditionType) bool {
	stage := f.stage(ex)
	c, run := conditionOf(stage, kind), ex.Stages[aws.ToString(stage.Name)]
	if before := run.Conditions[kind]; c == nil || before != nil && before.Status == types.ConditionExecutionStatusOverridden {
		return true
	}
	result := &ConditionRun{Status: types.ConditionExecutionStatusSucceeded, At: f.now}
	for i := range c.Rules {
		r := &c.Rules[i]
		rr := RuleRun{ID: f.newID(), Name: aws.ToString(r.Name), Status: types.RuleExecutionStatusSucceeded}
		resolved, missing := resolve(r.Configuration, ex)
		ok, why := holds(resolved)
		if missing != "" {
			ok, why = false, "The following variable reference could not be resolved because no action has set it: "+missing
		}
		if !ok {
			rr.Status, rr.Summary = types.RuleExecutionStatusFailed, why
			result.Status = types.ConditionExecutionStatusFailed
		}
		result.Rules = append(result.Rules, rr)
		f.emit(ruleRan{ex, stage, r, resolved, rr})
	}
	if run.Conditions == nil {
		run.Conditions = map[types.ConditionType]*ConditionRun{}
	}
	run.Conditions[kind] = result
	f.touch(ex)
	return result.Status == types.ConditionExecutionStatusSucceeded
}

// refused ends a stage whose condition is not met, by the condition's result.
func (f *flow) refused(ex *Execution, kind types.ConditionType) {
	stage := f.stage(ex)
	ex.StatusSummary = aws.String(fmt.Sprintf("The %s condition of stage %s was not met", kind, aws.ToString(stage.Name)))
	if conditionOf(stage, kind).Result == types.ResultRollback && f.rollBackFrom(ex) {
		return
	}
	f.leave(ex, types.StageExecutionStatusFailed, types.PipelineExecutionStatusFailed, "FAILED")
}

// overridable reports whether a condition that was not met has ended an
// execution in a stage.
func (r *StageRun) overridable(kind types.ConditionType) bool {
	c := r.Conditions[kind]
	return r.Status == types.StageExecutionStatusFailed && c != nil && c.Status == types.ConditionExecutionStatusFailed
}

// override lets an execution pass a condition that it did not meet.
//
// Errors: StageNotFoundException, ConditionNotOverridableException,
// NotLatestPipelineExecutionException,
// ConcurrentPipelineExecutionsLimitExceededException.
func (f *flow) override(ex *Execution, name string, kind types.ConditionType) error {
	_, i := findStage(f.definition(), name)
	if i < 0 {
		return stageNotFound(f.definition(), name)
	}
	run := ex.Stages[name]
	if aws.ToInt32(ex.PipelineVersion) != f.board.Version || ex.At != i || ex.active() || run == nil || !run.overridable(kind) {
		return &types.ConditionNotOverridableException{Message: aws.String(fmt.Sprintf(
			"Unable to override the condition %s of stage %s: it is not what the execution %s failed by", kind, name, ex.ID()))}
	}
	if err := f.latest(ex, name); err != nil {
		return err
	}
	if f.full() {
		return tooMany(f.definition())
	}
	run.Conditions[kind].Status, run.Conditions[kind].At = types.ConditionExecutionStatusOverridden, f.now
	f.comeBack(ex)
	f.advance(ex)
	return nil
}
