package cloudwatch_test

import (
	"context"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"github.com/slipway-dev/slipway/cmd/slipway/apptest"
)

var code = apptest.WantCode

func must[T any](t *testing.T) func(*T, error) *T {
	return func(out *T, err error) *T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
}

// TestAlarmStory is Terraform's aws_cloudwatch_metric_alarm and
// _composite_alarm, call by call, in CBOR.
func TestAlarmStory(t *testing.T) {
	s := apptest.Start(t)
	c, ctx := cloudwatch.NewFromConfig(s.Config()), context.Background()
	put := func(change func(*cloudwatch.PutMetricAlarmInput)) {
		t.Helper()
		in := &cloudwatch.PutMetricAlarmInput{AlarmName: aws.String("5xx"), AlarmDescription: aws.String("too many errors"), ActionsEnabled: aws.Bool(true),
			AlarmActions: []string{"arn:aws:sns:us-east-1:000000000000:ops"}, ComparisonOperator: "GreaterThanOrEqualToThreshold", EvaluationPeriods: aws.Int32(2), DatapointsToAlarm: aws.Int32(1),
			Namespace: aws.String("AWS/ApplicationELB"), MetricName: aws.String("HTTPCode_Target_5XX_Count"), Statistic: "Sum", Period: aws.Int32(60), Threshold: aws.Float64(0),
			Dimensions: []types.Dimension{{Name: aws.String("LoadBalancer"), Value: aws.String("app/web/1")}}, TreatMissingData: aws.String("notBreaching"), Unit: "Count",
			Tags: []types.Tag{{Key: aws.String("A"), Value: aws.String("1")}}}
		if change != nil {
			change(in)
		}
		must[cloudwatch.PutMetricAlarmOutput](t)(c.PutMetricAlarm(ctx, in))
	}
	get := func(name string) types.MetricAlarm {
		t.Helper()
		out := must[cloudwatch.DescribeAlarmsOutput](t)(c.DescribeAlarms(ctx, &cloudwatch.DescribeAlarmsInput{AlarmNames: []string{name}, AlarmTypes: []types.AlarmType{"MetricAlarm"}}))
		if len(out.MetricAlarms) != 1 {
			t.Fatalf("%+v", out)
		}
		return out.MetricAlarms[0]
	}
	put(nil)
	a := get("5xx")
	if *a.AlarmArn != "arn:aws:cloudwatch:us-east-1:000000000000:alarm:5xx" || *a.Threshold != 0 || *a.DatapointsToAlarm != 1 || !*a.ActionsEnabled || a.Unit != "Count" ||
		*a.TreatMissingData != "notBreaching" || len(a.Dimensions) != 1 || a.ExtendedStatistic != nil || a.StateUpdatedTimestamp == nil {
		t.Errorf("%+v", a)
	}
	if out := must[cloudwatch.ListTagsForResourceOutput](t)(c.ListTagsForResource(ctx, &cloudwatch.ListTagsForResourceInput{ResourceARN: a.AlarmArn})); len(out.Tags) != 1 {
		t.Errorf("%+v", out)
	}
	put(func(in *cloudwatch.PutMetricAlarmInput) { in.Threshold, in.Unit, in.Tags = aws.Float64(2.5), "", nil })
	if a := get("5xx"); *a.Threshold != 2.5 || a.Unit != "" {
		t.Errorf("%+v", a)
	}
	must[cloudwatch.TagResourceOutput](t)(c.TagResource(ctx, &cloudwatch.TagResourceInput{ResourceARN: a.AlarmArn, Tags: []types.Tag{{Key: aws.String("B"), Value: aws.String("2")}}}))
	must[cloudwatch.UntagResourceOutput](t)(c.UntagResource(ctx, &cloudwatch.UntagResourceInput{ResourceARN: a.AlarmArn, TagKeys: []string{"A"}}))
	if out := must[cloudwatch.ListTagsForResourceOutput](t)(c.ListTagsForResource(ctx, &cloudwatch.ListTagsForResourceInput{ResourceARN: a.AlarmArn})); len(out.Tags) != 1 || *out.Tags[0].Key != "B" {
		t.Errorf("%+v", out)
	}
	if out := must[cloudwatch.DescribeAlarmsForMetricOutput](t)(c.DescribeAlarmsForMetric(ctx, &cloudwatch.DescribeAlarmsForMetricInput{Namespace: a.Namespace, MetricName: a.MetricName, Dimensions: a.Dimensions})); len(out.MetricAlarms) != 1 {
		t.Errorf("%+v", out)
	}

	must[cloudwatch.PutCompositeAlarmOutput](t)(c.PutCompositeAlarm(ctx, &cloudwatch.PutCompositeAlarmInput{AlarmName: aws.String("service"), AlarmRule: aws.String(`ALARM("5xx")`),
		ActionsEnabled: aws.Bool(false), ActionsSuppressor: aws.String("5xx"), ActionsSuppressorWaitPeriod: aws.Int32(20), ActionsSuppressorExtensionPeriod: aws.Int32(10)}))
	composite := func() types.CompositeAlarm {
		t.Helper()
		out := must[cloudwatch.DescribeAlarmsOutput](t)(c.DescribeAlarms(ctx, &cloudwatch.DescribeAlarmsInput{AlarmNames: []string{"service"}, AlarmTypes: []types.AlarmType{"CompositeAlarm"}}))
		if len(out.CompositeAlarms) != 1 || len(out.MetricAlarms) != 0 {
			t.Fatalf("%+v", out)
		}
		return out.CompositeAlarms[0]
	}
	if a := composite(); *a.AlarmRule != `ALARM("5xx")` || *a.ActionsEnabled || *a.ActionsSuppressorWaitPeriod != 20 || a.StateValue != "OK" {
		t.Errorf("%+v", a)
	}
	must[cloudwatch.SetAlarmStateOutput](t)(c.SetAlarmState(ctx, &cloudwatch.SetAlarmStateInput{AlarmName: aws.String("5xx"), StateValue: "ALARM", StateReason: aws.String("trying")}))
	if a := composite(); a.StateValue != "ALARM" {
		t.Errorf("%+v", a)
	}
	children := must[cloudwatch.DescribeAlarmsOutput](t)(c.DescribeAlarms(ctx, &cloudwatch.DescribeAlarmsInput{ChildrenOfAlarmName: aws.String("service")}))
	if len(children.MetricAlarms) != 1 {
		t.Errorf("%+v", children)
	}
	h := must[cloudwatch.DescribeAlarmHistoryOutput](t)(c.DescribeAlarmHistory(ctx, &cloudwatch.DescribeAlarmHistoryInput{AlarmName: aws.String("5xx"), HistoryItemType: "StateUpdate"}))
	if len(h.AlarmHistoryItems) == 0 {
		t.Errorf("%+v", h)
	}
	must[cloudwatch.DisableAlarmActionsOutput](t)(c.DisableAlarmActions(ctx, &cloudwatch.DisableAlarmActionsInput{AlarmNames: []string{"5xx"}}))
	if a := get("5xx"); *a.ActionsEnabled {
		t.Errorf("%+v", a)
	}
	_, err := c.SetAlarmState(ctx, &cloudwatch.SetAlarmStateInput{AlarmName: aws.String("none"), StateValue: "OK", StateReason: aws.String("x")})
	code(t, err, "ResourceNotFound")
	_, err = c.PutMetricAlarm(ctx, &cloudwatch.PutMetricAlarmInput{AlarmName: aws.String("bad"), ComparisonOperator: "LessThanThreshold", EvaluationPeriods: aws.Int32(1)})
	code(t, err, "ValidationError")
	_, err = c.DescribeAnomalyDetectors(ctx, &cloudwatch.DescribeAnomalyDetectorsInput{})
	code(t, err, "UnknownOperationException")

	now := time.Now()
	must[cloudwatch.PutMetricDataOutput](t)(c.PutMetricData(ctx, &cloudwatch.PutMetricDataInput{Namespace: aws.String("App"), MetricData: []types.MetricDatum{
		{MetricName: aws.String("Latency"), Values: []float64{1, 2, 3}, Counts: []float64{1, 1, 2}, Unit: "Seconds", Dimensions: []types.Dimension{{Name: aws.String("Host"), Value: aws.String("a")}}}}}))
	stats := must[cloudwatch.GetMetricStatisticsOutput](t)(c.GetMetricStatistics(ctx, &cloudwatch.GetMetricStatisticsInput{Namespace: aws.String("App"), MetricName: aws.String("Latency"), Period: aws.Int32(60),
		Dimensions: []types.Dimension{{Name: aws.String("Host"), Value: aws.String("a")}}, StartTime: aws.Time(now.Add(-time.Hour)), EndTime: aws.Time(now.Add(time.Minute)), Statistics: []types.Statistic{"Sum", "Average"}, ExtendedStatistics: []string{"p90"}}))
	if len(stats.Datapoints) != 1 || *stats.Datapoints[0].Sum != 9 || stats.Datapoints[0].ExtendedStatistics["p90"] != 3 || stats.Datapoints[0].Unit != "Seconds" {
		t.Errorf("%+v", stats)
	}
	if out := must[cloudwatch.ListMetricsOutput](t)(c.ListMetrics(ctx, &cloudwatch.ListMetricsInput{Dimensions: []types.DimensionFilter{{Name: aws.String("Host")}}})); len(out.Metrics) != 1 || *out.Metrics[0].Namespace != "App" {
		t.Errorf("%+v", out)
	}

	_, err = c.DeleteAlarms(ctx, &cloudwatch.DeleteAlarmsInput{AlarmNames: []string{"5xx"}})
	code(t, err, "ValidationError")
	for _, n := range []string{"service", "5xx"} {
		must[cloudwatch.DeleteAlarmsOutput](t)(c.DeleteAlarms(ctx, &cloudwatch.DeleteAlarmsInput{AlarmNames: []string{n}}))
	}
	if out := must[cloudwatch.DescribeAlarmsOutput](t)(c.DescribeAlarms(ctx, &cloudwatch.DescribeAlarmsInput{AlarmNames: []string{"5xx"}})); len(out.MetricAlarms) != 0 {
		t.Errorf("%+v", out)
	}
}

// TestDashboardStory is Terraform's aws_cloudwatch_dashboard, call by call.
func TestDashboardStory(t *testing.T) {
	s := apptest.Start(t)
	c, ctx := cloudwatch.NewFromConfig(s.Config()), context.Background()
	body := `{"widgets":[{"type":"text","x":0,"y":0,"width":3,"height":3,"properties":{"markdown":"<hello>"}}]}`
	put := func(body string) error {
		_, err := c.PutDashboard(ctx, &cloudwatch.PutDashboardInput{DashboardName: aws.String("web"), DashboardBody: &body, Tags: []types.Tag{{Key: aws.String("A"), Value: aws.String("1")}}})
		return err
	}
	if err := put(body); err != nil {
		t.Fatal(err)
	}
	got := must[cloudwatch.GetDashboardOutput](t)(c.GetDashboard(ctx, &cloudwatch.GetDashboardInput{DashboardName: aws.String("web")}))
	if *got.DashboardBody != body || *got.DashboardArn != "arn:aws:cloudwatch::000000000000:dashboard/web" {
		t.Errorf("%s %s", *got.DashboardBody, *got.DashboardArn)
	}
	if err := put(`{"widgets":[]}`); err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{"{", "[]", "{}", `{"widgets":[{"type":"film"}]}`} {
		code(t, put(bad), "InvalidParameterInput")
	}
	list := must[cloudwatch.ListDashboardsOutput](t)(c.ListDashboards(ctx, &cloudwatch.ListDashboardsInput{DashboardNamePrefix: aws.String("w")}))
	if len(list.DashboardEntries) != 1 || *list.DashboardEntries[0].Size != 14 {
		t.Errorf("%+v", list)
	}
	if tags := must[cloudwatch.ListTagsForResourceOutput](t)(c.ListTagsForResource(ctx, &cloudwatch.ListTagsForResourceInput{ResourceARN: got.DashboardArn})); len(tags.Tags) != 1 {
		t.Errorf("%+v", tags)
	}
	_, err := c.DeleteDashboards(ctx, &cloudwatch.DeleteDashboardsInput{DashboardNames: []string{"web", "none"}})
	code(t, err, "ResourceNotFound")
	must[cloudwatch.DeleteDashboardsOutput](t)(c.DeleteDashboards(ctx, &cloudwatch.DeleteDashboardsInput{DashboardNames: []string{"web"}}))
	_, err = c.GetDashboard(ctx, &cloudwatch.GetDashboardInput{DashboardName: aws.String("web")})
	code(t, err, "ResourceNotFound")
}
