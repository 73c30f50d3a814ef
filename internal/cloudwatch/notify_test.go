package cloudwatch

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"github.com/slipway-dev/slipway/internal/aws/wire"
	"github.com/slipway-dev/slipway/internal/engine"
)

// topicsFake is SNS: every topic but those called missing.
type topicsFake struct {
	subjects, texts []string
}

func (f *topicsFake) Notify(_ *engine.Tx, who, source, topic, subject, text string) error {
	if who != principal || !strings.Contains(source, ":alarm:") || strings.HasSuffix(topic, ":missing") {
		return &wire.Error{Code: "NotFound", Message: "Topic does not exist"}
	}
	f.subjects, f.texts = append(f.subjects, subject), append(f.texts, text)
	return nil
}

// Invoke is Lambda, with one function.
func (f *topicsFake) Invoke(_ context.Context, who, source, function string, payload []byte) error {
	if who != invoker || !strings.HasSuffix(source, ":alarm:errors") || !strings.HasSuffix(function, ":function:f") {
		return &wire.Error{Code: "ResourceNotFoundException", Message: "Function not found"}
	}
	f.texts = append(f.texts, string(payload))
	return nil
}

const topicARN = "arn:aws:sns:us-east-1:123456789012:"

func TestAlert(t *testing.T) {
	f := newFixture(t)
	f.alarm(func(in *cloudwatch.PutMetricAlarmInput) {
		in.AlarmDescription, in.TreatMissingData, in.DatapointsToAlarm = aws.String("too <many>"), aws.String("notBreaching"), aws.Int32(1)
		in.Dimensions = []types.Dimension{{Name: aws.String("Host"), Value: aws.String("a")}}
		in.AlarmActions = []string{topicARN + "deploys", topicARN + "missing", "arn:aws:automate:us-east-1:ec2:stop"}
		in.InsufficientDataActions = []string{topicARN + "other"}
	})
	f.pass(time.Minute) // to OK
	if _, err := f.SetAlarmState(f.ctx, &cloudwatch.SetAlarmStateInput{AlarmName: aws.String("errors"), StateValue: isAlarm, StateReason: aws.String("looked at it")}); err != nil {
		t.Fatal(err)
	}
	if len(f.topics.texts) != 1 || f.topics.subjects[0] != `ALARM: "errors" in US East (N. Virginia)` {
		t.Fatalf("published %q", f.topics.subjects)
	}
	const want = `{"AlarmName":"errors","AlarmDescription":"too <many>","AWSAccountId":"123456789012","AlarmConfigurationUpdatedTimestamp":"2026-01-02T03:04:05.000+0000",` +
		`"NewStateValue":"ALARM","NewStateReason":"looked at it","StateChangeTime":"2026-01-02T03:05:05.000+0000","Region":"US East (N. Virginia)",` +
		`"AlarmArn":"arn:aws:cloudwatch:us-east-1:123456789012:alarm:errors","OldStateValue":"OK","OKActions":[],` +
		`"AlarmActions":["arn:aws:sns:us-east-1:123456789012:deploys","arn:aws:sns:us-east-1:123456789012:missing","arn:aws:automate:us-east-1:ec2:stop"],"InsufficientDataActions":["arn:aws:sns:us-east-1:123456789012:other"],` +
		`"Trigger":{"MetricName":"Errors","Namespace":"App","StatisticType":"Statistic","Statistic":"SUM","Unit":null,"Dimensions":[{"value":"a","name":"Host"}],"Period":60,` +
		`"EvaluationPeriods":1,"DatapointsToAlarm":1,"ComparisonOperator":"GreaterThanThreshold","Threshold":5,"TreatMissingData":"notBreaching","EvaluateLowSampleCountPercentile":""}}`
	if got := f.topics.texts[0]; got != want {
		t.Errorf("published\n%s\nwant\n%s", got, want)
	}
	h, err := f.DescribeAlarmHistory(f.ctx, &cloudwatch.DescribeAlarmHistoryInput{AlarmName: aws.String("errors"), HistoryItemType: types.HistoryItemTypeAction, ScanBy: types.ScanByTimestampAscending})
	if err != nil || len(h.AlarmHistoryItems) != 3 {
		t.Fatalf("%+v, %v", h, err)
	}
	for i, want := range []string{"Successfully executed action " + topicARN + "deploys", "Failed to execute action " + topicARN + "missing. Topic does not exist",
		"Failed to execute action arn:aws:automate:us-east-1:ec2:stop. calling automate is not implemented by Slipway"} {
		item := h.AlarmHistoryItems[i]
		if *item.HistorySummary != want || !json.Valid([]byte(*item.HistoryData)) || strings.Contains(*item.HistoryData, `"Succeeded"`) != (i == 0) {
			t.Errorf("history: %s with %s", *item.HistorySummary, *item.HistoryData)
		}
	}
	// No change of state, no message.
	if _, err := f.SetAlarmState(f.ctx, &cloudwatch.SetAlarmStateInput{AlarmName: aws.String("errors"), StateValue: isAlarm, StateReason: aws.String("again")}); err != nil || len(f.topics.texts) != 1 {
		t.Errorf("%v, published %q", err, f.topics.texts)
	}
}

func TestAlertOfCompositeAlarms(t *testing.T) {
	f := newFixture(t)
	f.alarm(func(in *cloudwatch.PutMetricAlarmInput) {
		in.MetricName, in.Namespace, in.Statistic, in.Period = nil, nil, "", nil
		in.AlarmActions = []string{topicARN + "deploys"}
		in.Metrics = []types.MetricDataQuery{{Id: aws.String("e1"), Expression: aws.String("m1 * 2"), Label: aws.String("Twice")},
			{Id: aws.String("m1"), ReturnData: aws.Bool(false), MetricStat: &types.MetricStat{Period: aws.Int32(60), Stat: aws.String("p99"), Metric: &types.Metric{Namespace: aws.String("App"), MetricName: aws.String("Errors")}}}}
	})
	if _, err := f.PutCompositeAlarm(f.ctx, &cloudwatch.PutCompositeAlarmInput{AlarmName: aws.String("service"), AlarmRule: aws.String("ALARM(errors)"), AlarmActions: []string{topicARN + "deploys"}}); err != nil {
		t.Fatal(err)
	}
	if _, err := f.SetAlarmState(f.ctx, &cloudwatch.SetAlarmStateInput{AlarmName: aws.String("errors"), StateValue: isAlarm, StateReason: aws.String("test")}); err != nil {
		t.Fatal(err)
	}
	if len(f.topics.texts) != 2 {
		t.Fatalf("published %q", f.topics.texts)
	}
	for i, want := range []string{
		`"Trigger":{"Period":60,"EvaluationPeriods":1,"ComparisonOperator":"GreaterThanThreshold","Threshold":5,"TreatMissingData":"","EvaluateLowSampleCountPercentile":"",` +
			`"Metrics":[{"Expression":"m1 * 2","Id":"e1","Label":"Twice","ReturnData":true},{"Id":"m1","MetricStat":{"Metric":{"Dimensions":[],"MetricName":"Errors","Namespace":"App"},"Period":60,"Stat":"p99"},"ReturnData":false}]}`,
		`"AlarmRule":"ALARM(errors)","TriggeringChildren":[{"Arn":"arn:aws:cloudwatch:us-east-1:123456789012:alarm:errors","State":{"Value":"ALARM","Timestamp":"2026-01-02T03:04:05.000+0000"}}]}`,
	} {
		if !strings.Contains(f.topics.texts[i], want) {
			t.Errorf("published\n%s\nwant\n%s", f.topics.texts[i], want)
		}
	}
	long := &alarm{Region: "eu-west-1", Metric: &types.MetricAlarm{AlarmName: aws.String(strings.Repeat("x", 255))}}
	if got := subject(long, state{value: isUnsure}); len(got) != 100 || !strings.HasSuffix(got, `x" in EU (Ireland)`) {
		t.Errorf("subject %q", got)
	}
}

func TestAlarmsInvokeFunctions(t *testing.T) {
	f := newFixture(t)
	const functions = "arn:aws:lambda:us-east-1:123456789012:function:"
	f.alarm(func(in *cloudwatch.PutMetricAlarmInput) { in.AlarmActions = []string{functions + "f", functions + "g"} })
	if _, err := f.SetAlarmState(f.ctx, &cloudwatch.SetAlarmStateInput{AlarmName: aws.String("errors"), StateValue: isAlarm, StateReason: aws.String("test")}); err != nil {
		t.Fatal(err)
	}
	f.pass(time.Second)
	if len(f.topics.texts) != 1 || !strings.Contains(f.topics.texts[0], `"alarmData":{"alarmName":"errors","configuration":{"metrics":[`) ||
		!strings.Contains(f.topics.texts[0], `"source":"aws.cloudwatch"`) || !strings.Contains(f.topics.texts[0], `"state":{"reason":"test","timestamp":"2026-01-02T03:04:05.000+0000","value":"ALARM"}`) {
		t.Errorf("invoked with %s", f.topics.texts)
	}
	h, err := f.DescribeAlarmHistory(f.ctx, &cloudwatch.DescribeAlarmHistoryInput{AlarmName: aws.String("errors"), HistoryItemType: types.HistoryItemTypeAction})
	if err != nil || len(h.AlarmHistoryItems) != 2 {
		t.Fatalf("%+v, %v", h, err)
	}
	all := *h.AlarmHistoryItems[0].HistorySummary + *h.AlarmHistoryItems[1].HistorySummary
	if !strings.Contains(all, "Successfully executed action "+functions+"f") || !strings.Contains(all, "Failed to execute action "+functions+"g. Function not found") {
		t.Errorf("history %s", all)
	}
}
