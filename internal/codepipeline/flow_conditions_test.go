package codepipeline

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline/types"
)

// check is a rule that compares a value.
func check(name, variable, operator, value string) types.RuleDeclaration {
	return types.RuleDeclaration{Name: aws.String(name), RuleTypeId: &types.RuleTypeId{Category: types.RuleCategoryRule, Owner: types.RuleOwnerAws,
		Provider: aws.String(variableCheck), Version: aws.String("1")},
		Configuration: map[string]string{"Variable": variable, "Operator": operator, "Value": value}}
}

func condition(result types.Result, rules ...types.RuleDeclaration) []types.Condition {
	return []types.Condition{{Result: result, Rules: rules}}
}

// even is met by executions whose id ends in an even digit.
func even() types.RuleDeclaration {
	return check("even", "#{codepipeline.PipelineExecutionId}", "MATCHES", ".*[02468]")
}

// slow is a rule that takes its time.
func slow(name string) types.RuleDeclaration {
	return types.RuleDeclaration{Name: aws.String(name), RuleTypeId: &types.RuleTypeId{Category: types.RuleCategoryRule, Owner: types.RuleOwnerAws, Provider: aws.String(alarmCheck)},
		Configuration: map[string]string{"AlarmName": name}}
}

// conditionCase is a script for a pipeline of three stages that is edited first.
type conditionCase struct {
	name   string
	mode   types.ExecutionMode
	edit   func(*types.PipelineDeclaration)
	script string
	want   string // the effects of the last command
}

func (c conditionCase) run(t *testing.T) {
	p := declare(c.mode, "A", "B", "C")
	c.edit(p)
	w := newWorld(t, p)
	n := strings.Count(c.script, ";")
	if got := w.told(n, c.script); got != c.want {
		t.Errorf("effects of the last command:\n got %s\nwant %s", got, c.want)
	}
	if problem := inconsistency(w.f); problem != "" {
		t.Error(problem)
	}
}

// TestSlowConditions are those that have to be waited for.
func TestSlowConditions(t *testing.T) {
	entry := func(r types.Result, rules ...types.RuleDeclaration) func(*types.PipelineDeclaration) {
		return func(p *types.PipelineDeclaration) {
			p.Stages[1].BeforeEntry = &types.BeforeEntryConditions{Conditions: condition(r, rules...)}
		}
	}
	success := func(p *types.PipelineDeclaration) {
		p.Stages[1].OnSuccess = &types.SuccessConditions{Conditions: condition(types.ResultRollback, slow("a"))}
	}
	failure := func(p *types.PipelineDeclaration) {
		p.Stages[1].OnFailure = &types.FailureConditions{Conditions: condition(types.ResultRollback, slow("a"))}
	}
	const superseded, queued, parallel = types.ExecutionModeSuperseded, types.ExecutionModeQueued, types.ExecutionModeParallel
	for _, c := range []conditionCase{
		{"the stage waits", superseded, entry(types.ResultFail, slow("a")), "start e1; ok e1 A", "e1 S1 SUCCEEDED, e1 rule a InProgress, e1 S2 STARTED"},
		{"and goes on", superseded, entry(types.ResultFail, slow("a")), "start e1; ok e1 A; met e1 a", "e1 run B"},
		{"or fails", superseded, entry(types.ResultFail, slow("a")), "start e1; ok e1 A; unmet e1 a", "e1 S2 FAILED, e1 FAILED"},
		{"or is skipped", superseded, entry(types.ResultSkip, slow("a")), "start e1; ok e1 A; unmet e1 a", "e1 S3 STARTED, e1 run C"},
		{"in parallel", parallel, entry(types.ResultFail, slow("a")), "start e1; ok e1 A; start e2; ok e2 A; unmet e1 a; met e2 a", "e2 run B"},
		{"for all rules", superseded, entry(types.ResultFail, slow("a"), slow("b")), "start e1; ok e1 A; met e1 b", ""},
		{"each of them", superseded, entry(types.ResultFail, slow("a"), slow("b")), "start e1; ok e1 A; met e1 b; met e1 a", "e1 run B"},
		{"one is enough to fail", superseded, entry(types.ResultFail, slow("a"), slow("b")), "start e1; ok e1 A; unmet e1 b", "abandon rule, e1 S2 FAILED, e1 FAILED"},
		{"what is known at once decides", superseded, entry(types.ResultFail, slow("a"), even()), "start e1; ok e1 A", "e1 S1 SUCCEEDED, e1 rule a Abandoned, e1 rule even Failed, e1 S2 STARTED, e1 S2 FAILED, e1 FAILED"},
		{"it holds the stage", queued, entry(types.ResultFail, slow("a")), "start e1; ok e1 A; start e2; ok e2 A; unmet e1 a", "e1 S2 FAILED, e1 FAILED, e2 rule a InProgress, e2 S2 STARTED"},
		{"a stop ends it", superseded, entry(types.ResultFail, slow("a")), "start e1; ok e1 A; stop e1", "e1 STOPPING, e1 S2 STOPPING, abandon rule, e1 S2 STOPPED, e1 STOPPED"},
		{"after that, nothing is expected", superseded, entry(types.ResultFail, slow("a")), "start e1; ok e1 A; met e1 a; stop e1; ok e1 B", "e1 S2 STOPPED, e1 STOPPED"},
		{"a retry asks again", superseded, entry(types.ResultFail, slow("a")), "start e1; ok e1 A; unmet e1 a; retry e1 S2", "e1 RESUMED, e1 S2 RESUMED, e1 rule a InProgress"},
		{"after a stop, too", superseded, entry(types.ResultFail, slow("a")), "start e1; ok e1 A; stop e1; retry e1 S2; met e1 a", "e1 run B"},
		{"there is nothing to retry meanwhile", superseded, entry(types.ResultFail, slow("a")), "start e1; ok e1 A; retry e1 S2", "Conflict"},
		{"an update ends it", superseded, entry(types.ResultFail, slow("a")), "start e1; ok e1 A; update", "abandon rule, e1 S2 CANCELED, e1 CANCELED"},
		{"an update lets parallel ones be", parallel, entry(types.ResultFail, slow("a")), "start e1; ok e1 A; update; met e1 a", "e1 run B"},
		{"it is overridden meanwhile", superseded, entry(types.ResultFail, slow("a")), "start e1; ok e1 A; override e1 S2 BEFORE_ENTRY", "abandon rule, e1 run B"},
		{"another is not", superseded, entry(types.ResultFail, slow("a")), "start e1; ok e1 A; override e1 S2 ON_SUCCESS", "ConditionNotOverridable"},

		{"success waits", superseded, success, "start e1; ok e1 A; ok e1 B", "e1 rule a InProgress"},
		{"success is met", superseded, success, "start e1; ok e1 A; ok e1 B; met e1 a", "e1 S2 SUCCEEDED, e1 S3 STARTED, e1 run C"},
		{"success is not met", superseded, success, "start e1; ok e1 A; ok e1 B; met e1 a; start e2; ok e2 A; ok e2 B; unmet e2 a", "e2 S2 FAILED, e2 FAILED, a8 STARTED, a8 S2 STARTED, a8 run B"},
		{"success is overridden", superseded, success, "start e1; ok e1 A; ok e1 B; override e1 S2 ON_SUCCESS", "abandon rule, e1 S2 SUCCEEDED, e1 S3 STARTED, e1 run C"},
		{"a failure waits", superseded, failure, "start e1; ok e1 A; fail e1 B", "e1 rule a InProgress"},
		{"a failure is met", superseded, failure, "start e1; ok e1 A; fail e1 B; met e1 a", "e1 S2 FAILED, e1 FAILED"},
		{"a failure is not retried meanwhile", superseded, failure, "start e1; ok e1 A; fail e1 B; retry e1 S2", "Conflict"},
	} {
		t.Run(c.name, c.run)
	}
}

func TestConditions(t *testing.T) {
	entry := func(r types.Result) func(*types.PipelineDeclaration) {
		return func(p *types.PipelineDeclaration) {
			p.Stages[1].BeforeEntry = &types.BeforeEntryConditions{Conditions: condition(r, even())}
		}
	}
	success := func(r types.Result) func(*types.PipelineDeclaration) {
		return func(p *types.PipelineDeclaration) {
			p.Stages[1].OnSuccess = &types.SuccessConditions{Conditions: condition(r, even())}
		}
	}
	failure := func(p *types.PipelineDeclaration) {
		p.Stages[1].OnFailure = &types.FailureConditions{Conditions: condition(types.ResultRollback, even())}
	}
	const superseded, queued, parallel = types.ExecutionModeSuperseded, types.ExecutionModeQueued, types.ExecutionModeParallel
	for _, c := range []conditionCase{
		{"met, the stage is entered", superseded, entry(types.ResultFail), "start e2; ok e2 A", "e2 S1 SUCCEEDED, e2 rule even Succeeded, e2 S2 STARTED, e2 run B"},
		{"not met, it fails", superseded, entry(types.ResultFail), "start e1; ok e1 A", "e1 S1 SUCCEEDED, e1 rule even Failed, e1 S2 STARTED, e1 S2 FAILED, e1 FAILED"},
		{"without a result, too", superseded, entry(""), "start e1; ok e1 A", "e1 S1 SUCCEEDED, e1 rule even Failed, e1 S2 STARTED, e1 S2 FAILED, e1 FAILED"},
		{"or is skipped", superseded, entry(types.ResultSkip), "start e1; ok e1 A", "e1 S1 SUCCEEDED, e1 rule even Failed, e1 S3 STARTED, e1 run C"},
		{"in parallel, too", parallel, entry(types.ResultSkip), "start e1; ok e1 A", "e1 S1 SUCCEEDED, e1 rule even Failed, e1 S3 STARTED, e1 run C"},
		{"who waits is let in after one that fails", queued, entry(types.ResultFail), "close S2; start e1; ok e1 A; start e3; ok e3 A; start e2; ok e2 A; start e4; ok e4 A; open S2",
			"e1 rule even Failed, e1 S2 STARTED, e1 S2 FAILED, e1 FAILED, e3 rule even Failed, e3 S2 STARTED, e3 S2 FAILED, e3 FAILED, e2 rule even Succeeded, e2 S2 STARTED, e2 run B"},
		{"a retry looks again", superseded, entry(types.ResultFail), "start e1; ok e1 A; retry e1 S2", "e1 RESUMED, e1 S2 RESUMED, e1 rule even Failed, e1 S2 FAILED, e1 FAILED"},
		{"an override goes on", superseded, entry(types.ResultFail), "start e1; ok e1 A; override e1 S2 BEFORE_ENTRY", "e1 RESUMED, e1 S2 RESUMED, e1 run B"},
		{"a retry after it does not look again", superseded, entry(types.ResultFail), "start e1; ok e1 A; override e1 S2 BEFORE_ENTRY; fail e1 B; retry e1 S2", "e1 RESUMED, e1 S2 RESUMED, e1 run B"},
		{"a skipped stage cannot be overridden", superseded, entry(types.ResultSkip), "start e1; ok e1 A; override e1 S2 BEFORE_ENTRY", "ConditionNotOverridable"},
		{"nor what was met", superseded, entry(types.ResultFail), "start e2; ok e2 A; fail e2 B; override e2 S2 BEFORE_ENTRY", "ConditionNotOverridable"},
		{"nor what another has passed by", superseded, entry(types.ResultFail), "start e1; ok e1 A; start e2; ok e2 A; override e1 S2 BEFORE_ENTRY", "NotLatestPipelineExecution"},
		{"nor after an update", superseded, entry(types.ResultFail), "start e1; ok e1 A; update; override e1 S2 BEFORE_ENTRY", "ConditionNotOverridable"},

		{"success that is met", superseded, success(types.ResultFail), "start e2; ok e2 A; ok e2 B", "e2 rule even Succeeded, e2 S2 SUCCEEDED, e2 S3 STARTED, e2 run C"},
		{"success that is not", superseded, success(types.ResultFail), "start e1; ok e1 A; ok e1 B", "e1 rule even Failed, e1 S2 FAILED, e1 FAILED"},
		{"overridden, it counts", superseded, success(types.ResultFail), "start e1; ok e1 A; ok e1 B; override e1 S2 ON_SUCCESS", "e1 RESUMED, e1 S2 RESUMED, e1 S2 SUCCEEDED, e1 S3 STARTED, e1 run C"},
		{"it goes back to what was good", superseded, success(types.ResultRollback), "start e2; ok e2 A; ok e2 B; start e1; ok e1 A; ok e1 B",
			"e1 rule even Failed, e1 S2 FAILED, e1 FAILED, a8 STARTED, a8 S2 STARTED, a8 run B"},
		{"or fails without", superseded, success(types.ResultRollback), "start e1; ok e1 A; ok e1 B", "e1 rule even Failed, e1 S2 FAILED, e1 FAILED"},

		{"a failure that is met stays one", superseded, failure, "start e2; ok e2 A; ok e2 B; start e4; ok e4 A; fail e4 B", "e4 rule even Succeeded, e4 S2 FAILED, e4 FAILED"},
		{"a failure that is not goes back", superseded, failure, "start e2; ok e2 A; ok e2 B; start e1; ok e1 A; fail e1 B",
			"e1 rule even Failed, e1 S2 FAILED, e1 FAILED, a7 STARTED, a7 S2 STARTED, a7 run B"},
	} {
		t.Run(c.name, c.run)
	}
}

func TestRule(t *testing.T) {
	for _, c := range []struct {
		operator, variable, value string
		want                      bool
	}{
		{"EQ", "a", "a", true}, {"EQ", "a", "b", false},
		{"NE", "a", "b", true}, {"NE", "a", "a", false},
		{"CONTAINS", "an update", "update", true}, {"CONTAINS", "a", "update", false},
		{"MATCHES", "v1.2", `v\d+\.\d+`, true}, {"MATCHES", "xv1.2", `v\d+\.\d+`, false},
		{"MATCHES", "b", "a|b", true}, {"MATCHES", "bc", "a|b", false},
		{"MATCHES", "a", "(", false},
	} {
		ok, why := holds(map[string]string{"Operator": c.operator, "Variable": c.variable, "Value": c.value})
		if ok != c.want || ok == (why != "") {
			t.Errorf("%+v: %v %q", c, ok, why)
		}
	}
	for want, edit := range map[string]func(*types.RuleDeclaration){
		"Provider: 'Commands'":           func(r *types.RuleDeclaration) { r.RuleTypeId.Provider = aws.String("Commands") },
		"is not available":               func(r *types.RuleDeclaration) { r.RuleTypeId.Version = aws.String("2") },
		"unknown configuration 'Nope'":   func(r *types.RuleDeclaration) { r.Configuration["Nope"] = "x" },
		"missing required configuration": func(r *types.RuleDeclaration) { delete(r.Configuration, "Value") },
		"must be one of EQ, NE":          func(r *types.RuleDeclaration) { r.Configuration["Operator"] = "GT" },
		"not a regular expression": func(r *types.RuleDeclaration) {
			r.Configuration["Operator"], r.Configuration["Value"] = "MATCHES", "(?=a)"
		},
		"has no commands":               func(r *types.RuleDeclaration) { r.Commands = []string{"true"} },
		"no input artifacts":            func(r *types.RuleDeclaration) { r.InputArtifacts = []types.InputArtifact{{Name: aws.String("a")}} },
		"in the region of the pipeline": func(r *types.RuleDeclaration) { r.Region = aws.String("eu-west-1") },
	} {
		r := check("r", "#{src.CommitId}", "EQ", "x")
		edit(&r)
		if got := checkRule(&r, "us-east-1"); !strings.Contains(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
