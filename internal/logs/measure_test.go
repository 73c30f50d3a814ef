package logs_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	metrics "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"github.com/slipway-dev/slipway/cmd/slipway/apptest"
)

// TestEventsMakeMetrics has metric filters of all three kinds of patterns, and
// events in the embedded metric format, as people write them.
func TestEventsMakeMetrics(t *testing.T) {
	cfg, ctx := apptest.Start(t).Config(), t.Context()
	c, watch := cloudwatchlogs.NewFromConfig(cfg), cloudwatch.NewFromConfig(cfg)
	group, stream := aws.String("/aws/lambda/shop"), aws.String("s")
	apptest.Must(c.CreateLogGroup(ctx, &cloudwatchlogs.CreateLogGroupInput{LogGroupName: group}))(t)
	apptest.Must(c.CreateLogStream(ctx, &cloudwatchlogs.CreateLogStreamInput{LogGroupName: group, LogStreamName: stream}))(t)
	transform := func(name, value string, more ...func(*types.MetricTransformation)) []types.MetricTransformation {
		m := types.MetricTransformation{MetricNamespace: aws.String("App"), MetricName: &name, MetricValue: &value}
		for _, f := range more {
			f(&m)
		}
		return []types.MetricTransformation{m}
	}
	for pattern, m := range map[string][]types.MetricTransformation{
		"ERROR": transform("Errors", "1"),
		"never": transform("Never", "1", func(m *types.MetricTransformation) { m.DefaultValue = aws.Float64(0) }),
		"{ $.latency = * }": transform("Latency", "$.latency", func(m *types.MetricTransformation) {
			m.Unit, m.Dimensions = types.StandardUnitMilliseconds, map[string]string{"Path": "$.http.path"}
		}),
		"[ip, ..., status = 5*, size]": transform("Bytes", "$size"),
	} {
		apptest.Must(c.PutMetricFilter(ctx, &cloudwatchlogs.PutMetricFilterInput{LogGroupName: group, FilterName: m[0].MetricName, FilterPattern: &pattern, MetricTransformations: m}))(t)
	}
	now := time.Now()
	var events []types.InputLogEvent
	for _, message := range []string{
		"ERROR one\n", "all is well", "ERROR two",
		`{"latency": 12.5, "http": {"path": "/cart"}}`, `{"latency": 7.5, "http": {"path": "/cart"}}`,
		`{"latency": "slow", "http": {"path": "/cart"}}`, `{"latency": 99}`,
		`10.0.0.1 - frank 503 1534`, `10.0.0.1 - frank 200 9`,
		fmt.Sprintf(`{"_aws":{"Timestamp":%d,"CloudWatchMetrics":[{"Namespace":"Shop","Dimensions":[["service","env"],["service"]],"Metrics":[{"Name":"Orders","Unit":"Count"},{"Name":"Fast","StorageResolution":1}]}]},"service":"svc","env":"prod","Orders":[3,5],"Fast":1}`+"\n", now.UnixMilli()),
		`{"_aws":{"CloudWatchMetrics":[{"Namespace":"Shop","Dimensions":[[]],"Metrics":[{"Name":"Bad","Unit":"Sheep"},{"Name":"Text"},{"Name":"Good"}]}]},"Bad":1,"Text":"x","Good":4}`,
		`{"_aws":{"CloudWatchMetrics":[`,
	} {
		events = append(events, types.InputLogEvent{Timestamp: aws.Int64(now.UnixMilli()), Message: &message})
	}
	apptest.Must(c.PutLogEvents(ctx, &cloudwatchlogs.PutLogEventsInput{LogGroupName: group, LogStreamName: stream, LogEvents: events}))(t)

	var got []string
	for _, namespace := range []string{"App", "Shop", "AWS/Logs"} {
		for _, m := range apptest.Must(watch.ListMetrics(ctx, &cloudwatch.ListMetricsInput{Namespace: &namespace}))(t).Metrics {
			out := apptest.Must(watch.GetMetricStatistics(ctx, &cloudwatch.GetMetricStatisticsInput{Namespace: &namespace, MetricName: m.MetricName, Dimensions: m.Dimensions,
				StartTime: aws.Time(now.Add(-time.Hour)), EndTime: aws.Time(now.Add(time.Hour)), Period: aws.Int32(3600 * 2),
				Statistics: []metrics.Statistic{metrics.StatisticSum, metrics.StatisticSampleCount}}))(t)
			text := namespace + " " + *m.MetricName
			for _, d := range m.Dimensions {
				text += fmt.Sprintf(" %s=%s", *d.Name, *d.Value)
			}
			n, sum := 0.0, 0.0
			for _, p := range out.Datapoints {
				n, sum = n+*p.SampleCount, sum+*p.Sum
			}
			got = append(got, fmt.Sprintf("%s: %g of %g %s", text, sum, n, out.Datapoints[0].Unit))
		}
	}
	slices.Sort(got)
	want := []string{
		"AWS/Logs EMFParsingErrors LogGroupName=/aws/lambda/shop: 1 of 1 None",
		"AWS/Logs EMFValidationErrors LogGroupName=/aws/lambda/shop: 1 of 1 None",
		"App Bytes: 1534 of 1 None",
		"App Errors: 2 of 2 None",
		"App Latency Path=/cart: 20 of 2 Milliseconds",
		"App Never: 0 of 1 None",
		"Shop Fast env=prod service=svc: 1 of 1 None",
		"Shop Fast service=svc: 1 of 1 None",
		"Shop Good: 4 of 1 None",
		"Shop Orders env=prod service=svc: 8 of 2 Count",
		"Shop Orders service=svc: 8 of 2 Count",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestTestMetricFilter(t *testing.T) {
	w := start(t)
	for pattern, want := range map[string]string{
		"[ip, , user, ..., status=404, bytes]": "1 map[$2:- $bytes:9 $ip:10.0.0.1 $status:404 $user:frank]; ",
		`{ $.a.b = 1 && $.c EXISTS }`:          "2 map[$.a.b:1 $.c:x]; ",
		"frank":                                "1 map[]; ",
	} {
		out := apptest.Must(w.TestMetricFilter(t.Context(), &cloudwatchlogs.TestMetricFilterInput{FilterPattern: &pattern,
			LogEventMessages: []string{"10.0.0.1 - frank [now] 404 9", `{"a": {"b": 1}, "c": "x"}`}}))(t)
		got := ""
		for _, m := range out.Matches {
			got += fmt.Sprintf("%d %v; ", m.EventNumber, m.ExtractedValues)
		}
		if got != want {
			t.Errorf("%s: %s, want %s", pattern, got, want)
		}
	}
	_, err := w.TestMetricFilter(t.Context(), &cloudwatchlogs.TestMetricFilterInput{FilterPattern: aws.String("{ $.a"), LogEventMessages: []string{"x"}})
	refused(t, err, "InvalidParameterException", "Invalid filter pattern")
}
