package codepipeline

import (
	"fmt"
	"slices"
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
	// Failure is why it failed, if it did.
	Failure *Failure `json:",omitempty"`
}

type (
	// ruleRan keeps a rule's execution for the history, and begins its work if it
	// is in progress.
	ruleRan struct {
		ex       *Execution
		stage    *types.StageDeclaration
		kind     types.ConditionType
		rule     *types.RuleDeclaration
		resolved map[string]string
		run      RuleRun
	}
	// abandonRule ends a rule whose result does not matter any more.
	abandonRule struct{ id string }
)

func (ruleRan) isEffect()     {}
func (abandonRule) isEffect() {}

// verdict is what came of a condition.
type verdict int

const (
	met verdict = iota
	unmet
	pending // rules are at work: concluded is called later
)

// evaluate asks the condition of a kind that the stage of an execution has; one
// that there is not, or that somebody has overridden, is met. Rules that take
// their time are begun, unless others have decided already.
func (f *flow) evaluate(ex *Execution, kind types.ConditionType) verdict {
	stage := f.stage(ex)
	c, run := conditionOf(stage, kind), ex.Stages[aws.ToString(stage.Name)]
	if before := run.Conditions[kind]; c == nil || before != nil && before.Status == types.ConditionExecutionStatusOverridden {
		return met
	}
	result := &ConditionRun{Status: types.ConditionExecutionStatusSucceeded, At: f.now}
	var effects []ruleRan
	for i := range c.Rules {
		r := &c.Rules[i]
		rr := RuleRun{ID: f.newID(), Name: aws.ToString(r.Name), Status: types.RuleExecutionStatusSucceeded}
		resolved, missing := resolve(r.Configuration, ex)
		switch {
		case missing != "":
			rr.Status, rr.Failure = types.RuleExecutionStatusFailed, &Failure{configurationError, "The following variable reference could not be resolved because no action has set it: " + missing}
		case aws.ToString(r.RuleTypeId.Provider) != variableCheck:
			rr.Status = types.RuleExecutionStatusInProgress
		default:
			if ok, why := holds(resolved); !ok {
				rr.Status, rr.Failure = types.RuleExecutionStatusFailed, &Failure{jobFailed, why}
			}
		}
		result.Rules = append(result.Rules, rr)
		effects = append(effects, ruleRan{ex, stage, kind, r, resolved, rr})
	}
	switch {
	case result.count(types.RuleExecutionStatusFailed) > 0:
		result.Status = types.ConditionExecutionStatusFailed
		for i := range result.Rules {
			if r := &result.Rules[i]; r.Status == types.RuleExecutionStatusInProgress {
				r.Status = types.RuleExecutionStatusAbandoned
			}
		}
	case result.count(types.RuleExecutionStatusInProgress) > 0:
		result.Status, run.Pending = types.ConditionExecutionStatusInProgress, kind
	}
	for i, e := range effects {
		e.run = result.Rules[i]
		f.emit(e)
	}
	if run.Conditions == nil {
		run.Conditions = map[types.ConditionType]*ConditionRun{}
	}
	run.Conditions[kind] = result
	f.touch(ex)
	switch result.Status {
	case types.ConditionExecutionStatusSucceeded:
		return met
	case types.ConditionExecutionStatusInProgress:
		return pending
	}
	return unmet
}

func (c *ConditionRun) count(s types.RuleExecutionStatus) (n int) {
	for _, r := range c.Rules {
		if r.Status == s {
			n++
		}
	}
	return n
}

// ruleDone records what came of a rule, nil for its success; it reports false,
// changing nothing, if nobody waits for that rule.
func (f *flow) ruleDone(ex *Execution, id string, why *Failure) bool {
	if !ex.active() || ex.Waiting {
		return false
	}
	run := ex.Stages[aws.ToString(f.stage(ex).Name)]
	kind := run.Pending
	c := run.Conditions[kind]
	if kind == "" || c == nil {
		return false
	}
	i := slices.IndexFunc(c.Rules, func(r RuleRun) bool { return r.ID == id && r.Status == types.RuleExecutionStatusInProgress })
	if i < 0 {
		return false
	}
	f.touch(ex)
	c.Rules[i].Status, c.Rules[i].Failure = types.RuleExecutionStatusSucceeded, why
	switch {
	case why != nil: // which decides, whatever the others find
		c.Rules[i].Status = types.RuleExecutionStatusFailed
		f.abandonRules(run)
		c.Status = types.ConditionExecutionStatusFailed
	case c.count(types.RuleExecutionStatusInProgress) > 0:
		return true
	default:
		run.Pending, c.Status = "", types.ConditionExecutionStatusSucceeded
	}
	c.At = f.now
	f.concluded(ex, kind, why == nil)
	return true
}

// abandonRules ends the rules that a stage waits for.
func (f *flow) abandonRules(run *StageRun) {
	c := run.Conditions[run.Pending]
	run.Pending = ""
	c.Status, c.At = types.ConditionExecutionStatusAbandoned, f.now
	for i := range c.Rules {
		if r := &c.Rules[i]; r.Status == types.RuleExecutionStatusInProgress {
			r.Status = types.RuleExecutionStatusAbandoned
			f.emit(abandonRule{r.ID})
		}
	}
}

// concluded goes on after a condition that had to be waited for.
func (f *flow) concluded(ex *Execution, kind types.ConditionType, isMet bool) {
	switch {
	case kind == onFailure:
		f.failed(ex, isMet)
	case kind == beforeEntry && !isMet && conditionOf(f.stage(ex), kind).Result == types.ResultSkip:
		f.pass(ex, types.StageExecutionStatusSkipped)
	case !isMet:
		f.refused(ex, kind)
	case kind == onSuccess:
		f.pass(ex, types.StageExecutionStatusSucceeded)
	default:
		f.advance(ex)
	}
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

// override lets an execution pass a condition that it did not meet, or that it
// waits for.
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
	if ex.At == i && ex.Status == types.PipelineExecutionStatusInProgress && !ex.Outdated && run != nil && run.Pending == kind {
		f.abandonRules(run)
		run.Conditions[kind].Status = types.ConditionExecutionStatusOverridden
		f.touch(ex)
		f.advance(ex)
		return nil
	}
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
