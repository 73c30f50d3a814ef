package codepipeline

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	alarmtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline/types"

	"github.com/slipway-dev/slipway/internal/bus"
	"github.com/slipway-dev/slipway/internal/clock"
	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/engine/enginetest"
	"github.com/slipway-dev/slipway/internal/store"
	"github.com/slipway-dev/slipway/internal/store/memory"
)

// fakeAlarm is CloudWatch with one alarm.
type fakeAlarm struct {
	state alarmtypes.StateValue
	asked int
}

func (f *fakeAlarm) DescribeAlarms(context.Context, *cloudwatch.DescribeAlarmsInput, ...func(*cloudwatch.Options)) (*cloudwatch.DescribeAlarmsOutput, error) {
	f.asked++
	out := &cloudwatch.DescribeAlarmsOutput{}
	if f.state != "" {
		out.MetricAlarms = []alarmtypes.MetricAlarm{{StateValue: f.state, StateReason: aws.String("so it is")}}
	}
	return out, nil
}

// ruled is a pipeline whose stage Deploy has a condition with one rule.
type ruled struct {
	*bench
	alarm    *fakeAlarm
	function *fakeFunction
}

func (r *ruled) on(b *bench) {
	r.bench = b
	d := &dependencies{cloudwatch: func(aws.Config) alarmAPI { return r.alarm }, lambda: func(aws.Config) functionAPI { return r.function }}
	b.providers["Rule/"+alarmCheck], b.providers["Rule/"+functionCheck] = alarmRule{d}, functionInvoke{d}
}

func withRule(t *testing.T, kind types.ConditionType, provider string, state alarmtypes.StateValue, configuration ...string) *ruled {
	r := &ruled{alarm: &fakeAlarm{state: state}, function: &fakeFunction{}}
	r.on(newBench(t))
	r.create(ruledPipeline(kind, provider, configuration...))
	return r
}

func ruledPipeline(kind types.ConditionType, provider string, configuration ...string) *types.PipelineDeclaration {
	p := sample()
	p.Stages[2] = stage("Deploy", action("Out", types.ActionCategoryDeploy, "ECS", "Out", "", "ClusterName=c", "ServiceName=s"))
	rule := types.RuleDeclaration{Name: aws.String("rule"), RuleTypeId: &types.RuleTypeId{Category: types.RuleCategoryRule, Owner: types.RuleOwnerAws, Provider: &provider, Version: aws.String("1")}, Configuration: map[string]string{}}
	for _, c := range configuration {
		k, v, _ := strings.Cut(c, "=")
		rule.Configuration[k] = v
	}
	c := condition(types.ResultFail, rule)
	switch kind {
	case beforeEntry:
		p.Stages[2].BeforeEntry = &types.BeforeEntryConditions{Conditions: c}
	case onSuccess:
		p.Stages[2].OnSuccess = &types.SuccessConditions{Conditions: c}
	}
	return p
}

// turn gives the alarm another state and announces it.
func (r *ruled) turn(state alarmtypes.StateValue) {
	r.t.Helper()
	r.alarm.state = state
	if err := r.engine.Update(r.t.Context(), func(tx *engine.Tx) error {
		return r.bus.Emit(tx, bus.Event{Source: "aws.cloudwatch", DetailType: "CloudWatch Alarm State Change", Region: "us-east-1", Detail: []byte(`{"alarmName":"a"}`)})
	}); err != nil {
		r.t.Fatal(err)
	}
	enginetest.Settle(r.t, r.engine)
}

func (r *ruled) pass(d time.Duration) {
	r.clock.Advance(d)
	enginetest.Settle(r.t, r.engine)
}

// rule is the latest execution of the rule, and what the state of the stage says
// of it, which are the same.
func (r *ruled) rule(kind types.ConditionType) (types.RuleExecutionStatus, string) {
	r.t.Helper()
	list, err := r.ListRuleExecutions(r.ctx, &codepipeline.ListRuleExecutionsInput{PipelineName: aws.String("p")})
	if err != nil || len(list.RuleExecutionDetails) == 0 {
		r.t.Fatalf("%+v %v", list, err)
	}
	d := list.RuleExecutionDetails[0]
	c := r.state()["Deploy"].BeforeEntryConditionState
	if kind == onSuccess {
		c = r.state()["Deploy"].OnSuccessConditionState
	}
	x := c.ConditionStates[0].RuleStates[0].LatestExecution
	if x.Status != d.Status || *x.RuleExecutionId != *d.RuleExecutionId {
		r.t.Errorf("the state says %+v, the history %+v", x, d)
	}
	if e := d.Output.ExecutionResult.ErrorDetails; e != nil {
		return d.Status, *e.Message
	}
	return d.Status, ""
}

func (r *ruled) want(kind types.ConditionType, rule types.RuleExecutionStatus, why string, execution types.PipelineExecutionStatus) {
	r.t.Helper()
	if s, text := r.rule(kind); s != rule || !strings.Contains(text, why) {
		r.t.Errorf("the rule is %s: %s; want %s: %s", s, text, rule, why)
	}
	if s := r.executions()[0].Status; s != execution {
		r.t.Errorf("the execution is %s, want %s", s, execution)
	}
	if s := rule; s != types.RuleExecutionStatusInProgress { // nothing of its work is left
		_ = r.engine.View(r.ctx, func(rd store.Reader) error {
			for _, table := range []string{string(wakes), string(running)} {
				for e := range rd.Scan(store.Range{Prefix: store.Prefix(table)}) {
					r.t.Errorf("left: %q", e.Key)
				}
			}
			return nil
		})
	}
}

const (
	inProgress = types.RuleExecutionStatusInProgress
	ruleOK     = types.RuleExecutionStatusSucceeded
	ruleFailed = types.RuleExecutionStatusFailed
	going      = types.PipelineExecutionStatusInProgress
	good       = types.PipelineExecutionStatusSucceeded
	bad        = types.PipelineExecutionStatusFailed
)

func TestAlarmBeforeStage(t *testing.T) {
	withRule(t, beforeEntry, alarmCheck, "OK", "AlarmName=a", "WaitTime=20").want(beforeEntry, ruleOK, "", good)
	withRule(t, beforeEntry, alarmCheck, "ALARM", "AlarmName=a").want(beforeEntry, ruleFailed, "The alarm a is in the state ALARM: so it is", bad)
	withRule(t, beforeEntry, alarmCheck, "INSUFFICIENT_DATA", "AlarmName=a", "AlarmStates=ALARM, INSUFFICIENT_DATA").want(beforeEntry, ruleFailed, "INSUFFICIENT_DATA", bad)
	withRule(t, beforeEntry, alarmCheck, "", "AlarmName=a").want(beforeEntry, ruleFailed, "cannot be found", bad)

	r := withRule(t, beforeEntry, alarmCheck, "ALARM", "AlarmName=a", "WaitTime=20")
	r.pass(19 * time.Minute)
	r.want(beforeEntry, inProgress, "", going)
	if len(r.deploy.steps) != 0 {
		t.Error("it deploys")
	}
	r.turn("OK")
	r.want(beforeEntry, ruleOK, "", good)

	r = withRule(t, beforeEntry, alarmCheck, "ALARM", "AlarmName=a", "WaitTime=20")
	r.turn("ALARM")
	r.pass(20 * time.Minute)
	r.want(beforeEntry, ruleFailed, "in the state ALARM", bad)
	if r.alarm.asked > 5 {
		t.Errorf("asked %d times", r.alarm.asked)
	}
}

func TestAlarmAfterStage(t *testing.T) {
	withRule(t, onSuccess, alarmCheck, "OK", "AlarmName=a").want(onSuccess, ruleOK, "", good)

	r := withRule(t, onSuccess, alarmCheck, "OK", "AlarmName=a", "WaitTime=60")
	r.pass(30 * time.Minute)
	r.want(onSuccess, inProgress, "", going)
	r.pass(30 * time.Minute)
	r.want(onSuccess, ruleOK, "", good)

	r = withRule(t, onSuccess, alarmCheck, "OK", "AlarmName=a", "WaitTime=60")
	r.pass(30 * time.Minute)
	r.turn("ALARM")
	r.want(onSuccess, ruleFailed, "in the state ALARM", bad)
}

// TestAlarmAcrossRestart stops the server while a rule waits.
func TestAlarmAcrossRestart(t *testing.T) {
	st, c := memory.New(), clock.NewFake(enginetest.Epoch)
	r := &ruled{alarm: &fakeAlarm{state: "ALARM"}}
	r.on(benchOn(t, enginetest.On(t, st, c), c))
	r.create(ruledPipeline(beforeEntry, alarmCheck, "AlarmName=a", "WaitTime=20"))
	r.stop()
	c.Advance(10 * time.Minute)
	r.on(benchOn(t, enginetest.On(t, st, c), c))
	if err := r.Resume(t.Context()); err != nil {
		t.Fatal(err)
	}
	enginetest.Settle(t, r.engine)
	r.want(beforeEntry, inProgress, "", going)
	r.pass(10 * time.Minute)
	r.want(beforeEntry, ruleFailed, "in the state ALARM", bad)
}

func TestWindowRule(t *testing.T) {
	// The clock begins at 2026-01-02 03:04:05, a Friday.
	withRule(t, beforeEntry, deploymentWindow, "", "Cron=* * 3-5 ? * MON-FRI *").want(beforeEntry, ruleOK, "", good)
	withRule(t, beforeEntry, deploymentWindow, "", "Cron=* * * ? * * 2020").want(beforeEntry, ruleFailed, "will never be open", bad)

	r := withRule(t, beforeEntry, deploymentWindow, "", "Cron=* * 9-17 ? * MON-FRI *", "TimeZone=Europe/Berlin")
	r.pass(4*time.Hour + 55*time.Minute) // to 7:59:05 UTC
	r.want(beforeEntry, inProgress, "", going)
	r.pass(time.Minute)
	r.want(beforeEntry, ruleOK, "", good)

	// A stop ends the wait.
	r = withRule(t, beforeEntry, deploymentWindow, "", "Cron=* * 9-17 ? * MON-FRI *")
	if _, err := r.StopPipelineExecution(r.ctx, &codepipeline.StopPipelineExecutionInput{PipelineName: aws.String("p"), PipelineExecutionId: r.executions()[0].PipelineExecutionId}); err != nil {
		t.Fatal(err)
	}
	enginetest.Settle(t, r.engine)
	r.want(beforeEntry, types.RuleExecutionStatusAbandoned, "", types.PipelineExecutionStatusStopped)
}

func TestFunctionRule(t *testing.T) {
	for _, c := range []struct {
		name   string
		answer func(*ruled, string) error
		rule   types.RuleExecutionStatus
		why    string
		end    types.PipelineExecutionStatus
	}{
		{"success", func(r *ruled, id string) error {
			_, err := r.PutJobSuccessResult(r.ctx, &codepipeline.PutJobSuccessResultInput{JobId: &id})
			return err
		}, ruleOK, "", good},
		{"failure", func(r *ruled, id string) error {
			_, err := r.PutJobFailureResult(r.ctx, &codepipeline.PutJobFailureResultInput{JobId: &id, FailureDetails: &types.FailureDetails{Type: types.FailureTypeJobFailed, Message: aws.String("not today")}})
			return err
		}, ruleFailed, "not today", bad},
		{"silence", func(r *ruled, id string) error { r.pass(answerWithin); return nil }, ruleFailed, "failed to return a result", bad},
	} {
		r := withRule(t, beforeEntry, functionCheck, "", "FunctionName=f", "UserParameters=#{codepipeline.PipelineExecutionId}")
		r.want(beforeEntry, inProgress, "", going)
		if len(r.function.invoked) != 1 {
			t.Fatalf("%s: invoked %d times", c.name, len(r.function.invoked))
		}
		var ev jobEvent
		if err := json.Unmarshal(r.function.invoked[0].Payload, &ev); err != nil {
			t.Fatal(err)
		}
		if got := ev.Job.Data.ActionConfiguration.Configuration["UserParameters"]; got != *r.executions()[0].PipelineExecutionId {
			t.Errorf("%s: parameters %q", c.name, got)
		}
		if err := c.answer(r, ev.Job.ID); err != nil {
			t.Fatal(err)
		}
		enginetest.Settle(t, r.engine)
		r.want(beforeEntry, c.rule, c.why, c.end)
	}
}

func TestRuleTimesOut(t *testing.T) {
	r := &ruled{alarm: &fakeAlarm{}}
	r.on(newBench(t))
	p := ruledPipeline(beforeEntry, deploymentWindow, "Cron=* * 9-17 ? * MON-FRI *")
	p.Stages[2].BeforeEntry.Conditions[0].Rules[0].TimeoutInMinutes = aws.Int32(5)
	r.create(p)
	r.pass(5 * time.Minute)
	r.want(beforeEntry, ruleFailed, "The rule failed because it did not finish within 5 minutes", bad)
}

// TestDeleteWithRule deletes a pipeline while a rule waits.
func TestDeleteWithRule(t *testing.T) {
	r := withRule(t, beforeEntry, alarmCheck, "ALARM", "AlarmName=a", "WaitTime=20")
	if _, err := r.DeletePipeline(r.ctx, &codepipeline.DeletePipelineInput{Name: aws.String("p")}); err != nil {
		t.Fatal(err)
	}
	enginetest.Settle(t, r.engine)
	_ = r.engine.View(r.ctx, func(rd store.Reader) error {
		for e := range rd.Scan(store.Range{Prefix: "codepipeline."}) {
			t.Errorf("left: %q", e.Key)
		}
		return nil
	})
}

func TestRuleConfigurations(t *testing.T) {
	for _, c := range []struct {
		provider string
		pairs    string
		want     string
	}{
		{alarmCheck, "", "missing required configuration 'AlarmName'"},
		{alarmCheck, "AlarmName=a;AlarmStates=BAD", "AlarmStates"},
		{alarmCheck, "AlarmName=a;WaitTime=soon", "WaitTime"},
		{alarmCheck, "AlarmName=a;WaitTime=-1", "WaitTime"},
		{alarmCheck, "AlarmName=a;WaitTime=#{variables.Wait}", ""},
		{alarmCheck, "AlarmName=a;AlarmStates=ALARM,OK;WaitTime=1", ""},
		{deploymentWindow, "Cron=* * * * *", "cron expression"},
		{deploymentWindow, "Cron=* * 9-17 ? * MON-FRI *;TimeZone=Mars/Base", "time zone: Mars/Base"},
		{deploymentWindow, "Cron=* * 9-17 ? * MON-FRI *;TimeZone=America/New_York", ""},
		{deploymentWindow, "Cron=0 0/5 9-17 ? * 2#1;TimeZone=UTC+2", ""},
		{deploymentWindow, "Cron=#{variables.Cron}", ""},
		{functionCheck, "UserParameters=x", "missing required configuration 'FunctionName'"},
		{functionCheck, "FunctionName=f;InputArtifact=x", "unknown configuration 'InputArtifact'"},
		{functionCheck, "FunctionName=f", ""},
	} {
		r := types.RuleDeclaration{RuleTypeId: &types.RuleTypeId{Category: types.RuleCategoryRule, Owner: types.RuleOwnerAws, Provider: &c.provider}, Configuration: map[string]string{}}
		for pair := range strings.SplitSeq(c.pairs, ";") {
			if k, v, ok := strings.Cut(pair, "="); ok {
				r.Configuration[k] = v
			}
		}
		if got := checkRule(&r, "us-east-1"); (got == "") != (c.want == "") || !strings.Contains(got, c.want) {
			t.Errorf("%s %s: %q, want %q", c.provider, c.pairs, got, c.want)
		}
	}
}
