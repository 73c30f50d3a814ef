package codepipeline

import (
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline/types"
)

// The kinds of a stage's conditions; the first two as OverrideStageCondition
// spells them.
const (
	beforeEntry = types.ConditionTypeBeforeEntry
	onSuccess   = types.ConditionTypeOnSuccess
	onFailure   = types.ConditionType("ON_FAILURE")
)

// maxRules is how many rules a condition may have (also in the model).
const maxRules = 5

// conditionOf is a stage's condition of a kind; nil if it has none. There is at
// most one of each.
func conditionOf(s *types.StageDeclaration, kind types.ConditionType) *types.Condition {
	var list []types.Condition
	switch {
	case kind == beforeEntry && s.BeforeEntry != nil:
		list = s.BeforeEntry.Conditions
	case kind == onSuccess && s.OnSuccess != nil:
		list = s.OnSuccess.Conditions
	case kind == onFailure && s.OnFailure != nil:
		list = s.OnFailure.Conditions
	}
	if len(list) == 0 {
		return nil
	}
	return &list[0]
}

// checkConditions checks a stage's conditions, and what it does when it fails.
func checkConditions(p *types.PipelineDeclaration, i int, region string) error {
	s := &p.Stages[i]
	if s.BeforeEntry == nil && s.OnSuccess == nil && s.OnFailure == nil {
		return nil
	}
	if p.PipelineType == types.PipelineTypeV1 {
		return badStructure("Stage conditions, automatic retry and automatic rollback can only be used with V2 pipelines. StageName=[%s]", aws.ToString(s.Name))
	}
	for _, c := range []struct {
		kind    types.ConditionType
		name    string
		allowed []types.Result
	}{
		{beforeEntry, "beforeEntry", []types.Result{types.ResultFail, types.ResultSkip}},
		{onSuccess, "onSuccess", []types.Result{types.ResultFail, types.ResultRollback}},
		{onFailure, "onFailure", []types.Result{types.ResultFail, types.ResultRollback}},
	} {
		condition := conditionOf(s, c.kind)
		if condition == nil {
			continue
		}
		if err := checkResult(p, i, c.name, condition.Result, c.allowed...); err != nil {
			return err
		}
		if err := checkRules(s, condition, region); err != nil {
			return err
		}
	}
	return checkFailure(p, i)
}

// checkFailure checks the result of a failure that no rules decide.
func checkFailure(p *types.PipelineDeclaration, i int) error {
	s := &p.Stages[i]
	f, name := s.OnFailure, aws.ToString(s.Name)
	if f == nil {
		return nil
	}
	if f.RetryConfiguration != nil && f.Result != types.ResultRetry {
		return badStructure("A retryConfiguration can only be used with the result RETRY. StageName=[%s]", name)
	}
	if len(f.Conditions) > 0 && f.Result != "" && f.Result != types.ResultFail {
		return badStructure("The onFailure result %s cannot be used together with conditions. StageName=[%s]", f.Result, name)
	}
	return checkResult(p, i, "onFailure", f.Result, types.ResultFail, types.ResultRetry, types.ResultRollback)
}

// checkResult checks a result; none stands for FAIL.
func checkResult(p *types.PipelineDeclaration, i int, where string, r types.Result, allowed ...types.Result) error {
	name := aws.ToString(p.Stages[i].Name)
	ok := r == ""
	for _, a := range allowed {
		ok = ok || a == r
	}
	switch {
	case !ok:
		return badStructure("The result %s cannot be used in %s. StageName=[%s]", r, where, name)
	case r == types.ResultRollback && i == 0:
		return badStructure("The source stage cannot be rolled back: the result ROLLBACK cannot be used in %s. StageName=[%s]", where, name)
	case r == types.ResultRollback && p.ExecutionMode == types.ExecutionModeParallel:
		return badStructure("The result ROLLBACK cannot be used in the execution mode PARALLEL. StageName=[%s]", name)
	}
	return nil
}

func checkRules(s *types.StageDeclaration, c *types.Condition, region string) error {
	stage, seen := aws.ToString(s.Name), map[string]bool{}
	if len(c.Rules) == 0 || len(c.Rules) > maxRules {
		return badStage("A condition must have 1 to %d rules. StageName=[%s]", maxRules, stage)
	}
	for i := range c.Rules {
		r := &c.Rules[i]
		where := fmt.Sprintf("StageName=[%s], RuleName=[%s]", stage, aws.ToString(r.Name))
		if seen[aws.ToString(r.Name)] {
			return badStage("Rule names must be unique within a condition. %s", where)
		}
		seen[aws.ToString(r.Name)] = true
		if problem := checkRule(r, region); problem != "" {
			return badStage("%s. %s", problem, where)
		}
		if c.Result == types.ResultSkip && !ruleKindOf(r.RuleTypeId).skips {
			return badStage("The result SKIP can be used with the rules LambdaInvoke and VariableCheck only. %s", where)
		}
	}
	return nil
}
