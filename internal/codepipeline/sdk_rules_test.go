package codepipeline_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	alarmtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"github.com/slipway-dev/slipway/cmd/slipway/apptest"
)

// TestAlarmCondition deploys when an alarm lets it: across a crash, and only in
// a role that may look at it.
func TestAlarmCondition(t *testing.T) {
	e := newEverything(t, apptest.Enforce)
	alarms, roles := cloudwatch.NewFromConfig(e.config()), iam.NewFromConfig(e.config())
	set := func(to alarmtypes.StateValue) {
		t.Helper()
		_, err := alarms.SetAlarmState(t.Context(), &cloudwatch.SetAlarmStateInput{AlarmName: aws.String("prod"), StateValue: to, StateReason: aws.String("by hand")})
		e.must(err)
	}
	_, err := alarms.PutMetricAlarm(t.Context(), &cloudwatch.PutMetricAlarmInput{AlarmName: aws.String("prod"), Namespace: aws.String("App"), MetricName: aws.String("Errors"), Statistic: "Sum", Period: aws.Int32(60),
		EvaluationPeriods: aws.Int32(1), Threshold: aws.Float64(1), ComparisonOperator: "GreaterThanThreshold", TreatMissingData: aws.String("ignore")})
	e.must(err)
	set("ALARM")
	e.upload(map[string]string{"index.html": "hello"})
	p := e.pipeline()
	p.Stages = []types.StageDeclaration{p.Stages[0], p.Stages[2]}
	p.Stages[1].BeforeEntry = &types.BeforeEntryConditions{Conditions: []types.Condition{{Result: types.ResultFail, Rules: []types.RuleDeclaration{
		{Name: aws.String("Healthy"), Configuration: map[string]string{"AlarmName": "prod", "WaitTime": "20"},
			RuleTypeId: &types.RuleTypeId{Category: types.RuleCategoryRule, Owner: types.RuleOwnerAws, Provider: aws.String("CloudWatchAlarm"), Version: aws.String("1")}},
		{Name: aws.String("Window"), Configuration: map[string]string{"Cron": "* * * * * ? *", "TimeZone": "America/New_York"},
			RuleTypeId: &types.RuleTypeId{Category: types.RuleCategoryRule, Owner: types.RuleOwnerAws, Provider: aws.String("DeploymentWindow"), Version: aws.String("1")}},
	}}}}
	_, err = e.CreatePipeline(t.Context(), &codepipeline.CreatePipelineInput{Pipeline: p})
	e.must(err)
	list, err := e.ListPipelineExecutions(t.Context(), &codepipeline.ListPipelineExecutionsInput{PipelineName: aws.String("web")})
	e.must(err)
	id := list.PipelineExecutionSummaries[0].PipelineExecutionId
	if s := e.ended(id); s != types.PipelineExecutionStatusFailed {
		t.Fatalf("without the permission: %s", s)
	}
	if x := e.stageState(1).BeforeEntryConditionState.ConditionStates[0].RuleStates[0].LatestExecution; x.ErrorDetails == nil || *x.ErrorDetails.Message == "" {
		t.Errorf("%+v", x)
	}
	_, err = roles.PutRolePolicy(t.Context(), &iam.PutRolePolicyInput{RoleName: aws.String("pipeline"), PolicyName: aws.String("alarms"),
		PolicyDocument: aws.String(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"cloudwatch:DescribeAlarms","Resource":"*"}]}`)})
	e.must(err)
	_, err = e.RetryStageExecution(t.Context(), &codepipeline.RetryStageExecutionInput{PipelineName: aws.String("web"), StageName: aws.String("Deploy"), PipelineExecutionId: id, RetryMode: types.StageRetryModeFailedActions})
	e.must(err)
	e.until("the window's rule", func() bool {
		rules := e.stageState(1).BeforeEntryConditionState.ConditionStates[0].RuleStates
		return rules[0].LatestExecution.Status == types.RuleExecutionStatusInProgress && rules[1].LatestExecution.Status == types.RuleExecutionStatusSucceeded
	})
	e.restart()
	alarms = cloudwatch.NewFromConfig(e.config())
	set("OK")
	if s := e.ended(id); s != types.PipelineExecutionStatusSucceeded {
		t.Errorf("ended %s", s)
	}
	runs, err := e.ListRuleExecutions(t.Context(), &codepipeline.ListRuleExecutionsInput{PipelineName: aws.String("web")})
	e.must(err)
	if n := len(runs.RuleExecutionDetails); n != 4 {
		t.Errorf("%d executions of rules", n)
	}
	for _, d := range runs.RuleExecutionDetails[:2] {
		if d.Status != types.RuleExecutionStatusSucceeded || d.Output.ExecutionResult.ExternalExecutionSummary == nil {
			t.Errorf("%+v", d)
		}
	}
}
