package cloudwatch_test

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go/aws"
	"github.com/aws/aws-sdk-go/service/cloudwatch"

	"github.com/slipway-dev/slipway/cmd/slipway/apptest"
)

// TestAlarmStoryV1 is the story of an older client, which speaks Query.
func TestAlarmStoryV1(t *testing.T) {
	c := cloudwatch.New(apptest.Start(t).Older())
	if _, err := c.PutMetricAlarm(&cloudwatch.PutMetricAlarmInput{AlarmName: aws.String("old"), ComparisonOperator: aws.String("LessThanThreshold"), EvaluationPeriods: aws.Int64(1),
		Metrics: []*cloudwatch.MetricDataQuery{
			{Id: aws.String("m1"), ReturnData: aws.Bool(false), MetricStat: &cloudwatch.MetricStat{Period: aws.Int64(120), Stat: aws.String("p99"),
				Metric: &cloudwatch.Metric{Namespace: aws.String("App"), MetricName: aws.String("M"), Dimensions: []*cloudwatch.Dimension{{Name: aws.String("d"), Value: aws.String("v")}}}}},
			{Id: aws.String("e1"), Expression: aws.String("m1 * 2"), Label: aws.String("Twice"), ReturnData: aws.Bool(true)}},
		Threshold: aws.Float64(1), Tags: []*cloudwatch.Tag{{Key: aws.String("A"), Value: aws.String("1")}}}); err != nil {
		t.Fatal(err)
	}
	out, err := c.DescribeAlarms(&cloudwatch.DescribeAlarmsInput{AlarmNames: []*string{aws.String("old")}})
	if err != nil || len(out.MetricAlarms) != 1 {
		t.Fatal(out, err)
	}
	a := out.MetricAlarms[0]
	if len(a.Metrics) != 2 || *a.Metrics[0].MetricStat.Stat != "p99" || *a.Metrics[1].Label != "Twice" || *a.StateValue != "INSUFFICIENT_DATA" || a.StateUpdatedTimestamp.IsZero() {
		t.Errorf("%+v", a)
	}
	if _, err := c.PutMetricData(&cloudwatch.PutMetricDataInput{Namespace: aws.String("App"), MetricData: []*cloudwatch.MetricDatum{{MetricName: aws.String("M"), Value: aws.Float64(1.5)}}}); err != nil {
		t.Fatal(err)
	}
	data, err := c.GetMetricData(&cloudwatch.GetMetricDataInput{StartTime: aws.Time(time.Now().Add(-time.Hour)), EndTime: aws.Time(time.Now().Add(time.Minute)), MetricDataQueries: []*cloudwatch.MetricDataQuery{
		{Id: aws.String("m"), MetricStat: &cloudwatch.MetricStat{Period: aws.Int64(60), Stat: aws.String("Sum"), Metric: &cloudwatch.Metric{Namespace: aws.String("App"), MetricName: aws.String("M")}}}}})
	if err != nil || len(data.MetricDataResults) != 1 || len(data.MetricDataResults[0].Values) != 1 || *data.MetricDataResults[0].Values[0] != 1.5 {
		t.Fatal(data, err)
	}
	_, err = c.SetAlarmState(&cloudwatch.SetAlarmStateInput{AlarmName: aws.String("none"), StateValue: aws.String("OK"), StateReason: aws.String("x")})
	if apptest.Code(err) != cloudwatch.ErrCodeResourceNotFound {
		t.Error(err)
	}
	if _, err := c.DeleteAlarms(&cloudwatch.DeleteAlarmsInput{AlarmNames: []*string{aws.String("old")}}); err != nil {
		t.Fatal(err)
	}
}
