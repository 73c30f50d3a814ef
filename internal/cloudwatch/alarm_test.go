package cloudwatch

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/smithy-go"

	"github.com/slipway-dev/slipway/internal/aws/identity"
	"github.com/slipway-dev/slipway/internal/aws/wire"
	"github.com/slipway-dev/slipway/internal/bus"
	"github.com/slipway-dev/slipway/internal/clock"
	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/engine/enginetest"
	"github.com/slipway-dev/slipway/internal/id"
	"github.com/slipway-dev/slipway/internal/site"
	"github.com/slipway-dev/slipway/internal/store"
)

type fixture struct {
	*Service
	t      *testing.T
	engine *engine.Engine
	clock  *clock.Fake
	ctx    context.Context
	events []bus.Event
	topics topicsFake
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	e, c := enginetest.New(t)
	b := bus.New(e, id.Random)
	f := &fixture{t: t, engine: e, clock: c, ctx: identity.WithRegion(t.Context(), "us-east-1")}
	b.Subscribe("test", func(*bus.Event) bool { return true }, func(_ context.Context, ev bus.Event) error {
		f.events = append(f.events, ev)
		return nil
	})
	f.Service = New(Config{Engine: e, Bus: b, Site: site.Site{Account: "123456789012"}, Log: enginetest.Log(t), Functions: &f.topics})
	f.PublishTo(&f.topics)
	enginetest.Start(t, e)
	return f
}

func (f *fixture) pass(d time.Duration) {
	f.t.Helper()
	for ; d > 0; d -= 10 * time.Second {
		f.clock.Advance(min(d, 10*time.Second))
		enginetest.Settle(f.t, f.engine)
	}
}

func (f *fixture) alarm(change func(*cloudwatch.PutMetricAlarmInput)) {
	f.t.Helper()
	in := &cloudwatch.PutMetricAlarmInput{AlarmName: aws.String("errors"), Namespace: aws.String("App"), MetricName: aws.String("Errors"), Statistic: types.StatisticSum,
		Period: aws.Int32(60), EvaluationPeriods: aws.Int32(1), Threshold: aws.Float64(5), ComparisonOperator: types.ComparisonOperatorGreaterThanThreshold}
	if change != nil {
		change(in)
	}
	if _, err := f.PutMetricAlarm(f.ctx, in); err != nil {
		f.t.Fatal(err)
	}
	enginetest.Settle(f.t, f.engine)
}

func (f *fixture) data(name string, values ...float64) {
	f.t.Helper()
	for _, v := range values {
		if _, err := f.PutMetricData(f.ctx, &cloudwatch.PutMetricDataInput{Namespace: aws.String("App"), MetricData: []types.MetricDatum{{MetricName: &name, Value: &v}}}); err != nil {
			f.t.Fatal(err)
		}
	}
}

func (f *fixture) is(name string, want types.StateValue) {
	f.t.Helper()
	enginetest.Settle(f.t, f.engine)
	out, err := f.DescribeAlarms(f.ctx, &cloudwatch.DescribeAlarmsInput{AlarmNames: []string{name}, AlarmTypes: []types.AlarmType{"MetricAlarm", "CompositeAlarm"}})
	if err != nil {
		f.t.Fatal(err)
	}
	for _, a := range out.MetricAlarms {
		if a.StateValue != want {
			f.t.Errorf("%s is %s (%s), want %s", name, a.StateValue, *a.StateReason, want)
		}
		return
	}
	for _, a := range out.CompositeAlarms {
		if a.StateValue != want {
			f.t.Errorf("%s is %s (%s), want %s", name, a.StateValue, *a.StateReason, want)
		}
		return
	}
	f.t.Errorf("no alarm %s", name)
}

func (f *fixture) jobs() (n int) {
	_ = f.engine.View(f.ctx, func(r store.Reader) error {
		for e := range r.Scan(store.Range{Prefix: store.Prefix("engine.job", jobEvaluate)}) {
			_ = e
			n++
		}
		return nil
	})
	return n
}

func want(t *testing.T, err error, code string) {
	t.Helper()
	var own *wire.Error
	var api smithy.APIError
	got := ""
	switch {
	case errors.As(err, &own):
		got = own.Code
	case errors.As(err, &api):
		got = api.ErrorCode()
	}
	if got != code {
		t.Errorf("got %v, want %q", err, code)
	}
}

func TestAlarmByTheClock(t *testing.T) {
	f := newFixture(t)
	f.alarm(nil)
	f.is("errors", isUnsure)
	if n := f.jobs(); n != 0 {
		t.Errorf("an alarm without data has %d jobs", n)
	}
	f.data("Errors", 3, 4) // at 03:04:05
	f.pass(50 * time.Second)
	f.is("errors", isUnsure)
	f.pass(10 * time.Second)
	f.is("errors", isAlarm)
	f.data("Errors", 1)
	f.pass(time.Minute)
	f.is("errors", isOK)
	f.pass(5 * time.Minute)
	f.is("errors", isUnsure)
	if n := f.jobs(); n != 0 {
		t.Errorf("%d jobs are left when all data has passed by", n)
	}

	var moves []string
	for _, ev := range f.events {
		if ev.DetailType != "CloudWatch Alarm State Change" {
			continue
		}
		var d struct {
			AlarmName     string
			State         struct{ Value, Timestamp string }
			PreviousState struct{ Value string }
			Configuration struct{ Metrics []any }
		}
		if err := json.Unmarshal(ev.Detail, &d); err != nil || ev.Resources[0] != "arn:aws:cloudwatch:us-east-1:123456789012:alarm:errors" || len(d.Configuration.Metrics) != 1 || d.State.Timestamp == "" {
			t.Errorf("%s, %v", ev.Detail, err)
		}
		moves = append(moves, d.PreviousState.Value+">"+d.State.Value)
	}
	if got := strings.Join(moves, " "); got != "INSUFFICIENT_DATA>ALARM ALARM>OK OK>INSUFFICIENT_DATA" {
		t.Errorf("events %s", got)
	}
	h, err := f.DescribeAlarmHistory(f.ctx, &cloudwatch.DescribeAlarmHistoryInput{AlarmName: aws.String("errors"), ScanBy: types.ScanByTimestampAscending})
	if err != nil || len(h.AlarmHistoryItems) != 4 || *h.AlarmHistoryItems[1].HistorySummary != "Alarm updated from INSUFFICIENT_DATA to ALARM" {
		t.Errorf("%+v, %v", h.AlarmHistoryItems, err)
	}
}

func TestFutureAndLateData(t *testing.T) {
	f := newFixture(t)
	f.alarm(func(in *cloudwatch.PutMetricAlarmInput) {
		in.EvaluationPeriods, in.DatapointsToAlarm = aws.Int32(3), aws.Int32(1)
	})
	at := enginetest.Epoch.Add(30 * time.Minute)
	put := func(at time.Time) {
		t.Helper()
		if _, err := f.PutMetricData(f.ctx, &cloudwatch.PutMetricDataInput{Namespace: aws.String("App"), MetricData: []types.MetricDatum{{MetricName: aws.String("Errors"), Value: aws.Float64(9), Timestamp: &at}}}); err != nil {
			t.Fatal(err)
		}
	}
	put(at)
	f.pass(29 * time.Minute)
	f.is("errors", isUnsure)
	f.pass(2 * time.Minute)
	f.is("errors", isAlarm)
	f.pass(20 * time.Minute)
	f.is("errors", isUnsure)
	put(f.engine.Now().Add(-2 * time.Minute)) // late, but within the range
	f.pass(time.Minute)
	f.is("errors", isAlarm)
}

func TestShortPeriods(t *testing.T) {
	f := newFixture(t)
	f.alarm(func(in *cloudwatch.PutMetricAlarmInput) { in.Period = aws.Int32(10) })
	if _, err := f.PutMetricData(f.ctx, &cloudwatch.PutMetricDataInput{Namespace: aws.String("App"), MetricData: []types.MetricDatum{{MetricName: aws.String("Errors"), Value: aws.Float64(9), StorageResolution: aws.Int32(1)}}}); err != nil {
		t.Fatal(err)
	}
	f.pass(10 * time.Second)
	f.is("errors", isAlarm)
}

func TestExpressions(t *testing.T) {
	f := newFixture(t)
	stat := func(id, name string) types.MetricDataQuery {
		return types.MetricDataQuery{Id: &id, ReturnData: aws.Bool(false), MetricStat: &types.MetricStat{Period: aws.Int32(60), Stat: aws.String("Sum"),
			Metric: &types.Metric{Namespace: aws.String("App"), MetricName: &name}}}
	}
	expression := func(text string) func(*cloudwatch.PutMetricAlarmInput) {
		return func(in *cloudwatch.PutMetricAlarmInput) {
			in.Namespace, in.MetricName, in.Statistic, in.Period = nil, nil, "", nil
			in.Metrics = []types.MetricDataQuery{stat("e", "Errors"), stat("r", "Requests"), {Id: aws.String("rate"), Expression: &text}}
		}
	}
	f.alarm(expression("100 * e / r"))
	f.data("Errors", 1)
	f.data("Requests", 10)
	f.pass(time.Minute)
	f.is("errors", isAlarm) // 10 percent
	f.data("Requests", 100)
	f.data("Errors", 1)
	f.pass(time.Minute)
	f.is("errors", isOK)

	for text, want := range map[string]string{
		"e +": "at character 4", "e + nobody": "no metric has the id nobody", "rate * 2": "needs its own value", "[e, r]": "a list of series", "SUM(e, ": "expected",
		"SEARCH('{App} Errors', 'Sum', 60)": "SEARCH is not supported on Metric Alarms", "ANOMALY_DETECTION_BAND(e)": "ANOMALY_DETECTION_BAND of metric math is not implemented",
		`SELECT AVG(Errors) FROM "App"`: "Metrics Insights (SELECT) is not implemented",
	} {
		in := &cloudwatch.PutMetricAlarmInput{AlarmName: aws.String("wrong"), EvaluationPeriods: aws.Int32(1), Threshold: aws.Float64(1),
			ComparisonOperator: types.ComparisonOperatorGreaterThanThreshold}
		expression(text)(in)
		if _, err := f.PutMetricAlarm(f.ctx, in); err == nil || !strings.HasPrefix(err.Error(), "ValidationError") || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestSetStateAndComposites(t *testing.T) {
	f := newFixture(t)
	f.alarm(func(in *cloudwatch.PutMetricAlarmInput) {
		in.AlarmActions = []string{"arn:aws:sns:us-east-1:123456789012:t"}
	})
	f.alarm(func(in *cloudwatch.PutMetricAlarmInput) {
		in.AlarmName = aws.String("other")
		in.TreatMissingData = aws.String(ignore)
	})
	compose := func(name, rule string) error {
		_, err := f.PutCompositeAlarm(f.ctx, &cloudwatch.PutCompositeAlarmInput{AlarmName: &name, AlarmRule: &rule})
		return err
	}
	for name, rule := range map[string]string{"both": "ALARM(errors) AND ALARM(other)", "any": `ALARM("errors") OR ALARM(other)`} {
		if err := compose(name, rule); err != nil {
			t.Fatal(err)
		}
	}
	if err := compose("top", "ALARM(any) AND NOT ALARM(both)"); err != nil {
		t.Fatal(err)
	}
	f.is("both", isOK)
	set := func(name string, to types.StateValue) {
		t.Helper()
		if _, err := f.SetAlarmState(f.ctx, &cloudwatch.SetAlarmStateInput{AlarmName: &name, StateValue: to, StateReason: aws.String("test")}); err != nil {
			t.Fatal(err)
		}
	}
	set("errors", isAlarm)
	f.is("any", isAlarm)
	f.is("both", isOK)
	f.is("top", isAlarm)
	set("other", isAlarm)
	f.is("both", isAlarm)
	f.is("top", isOK)
	f.pass(time.Minute) // errors finds that it has no data; other keeps its state
	f.is("errors", isUnsure)
	f.is("other", isAlarm)
	f.is("both", isOK)

	h, err := f.DescribeAlarmHistory(f.ctx, &cloudwatch.DescribeAlarmHistoryInput{AlarmName: aws.String("errors"), HistoryItemType: types.HistoryItemTypeAction})
	if err != nil || len(h.AlarmHistoryItems) != 1 || !strings.HasPrefix(*h.AlarmHistoryItems[0].HistorySummary, "Successfully executed action arn:aws:sns") {
		t.Errorf("%+v, %v", h, err)
	}
	for _, rule := range []string{"ALARM(nothing)", "ALARM(x", "ALARM(loop)"} {
		want(t, compose("loop", rule), "ValidationError")
	}
	// A circle does not go on for ever.
	if err := compose("any", "NOT ALARM(top)"); err != nil {
		t.Fatal(err)
	}
	_, err = f.DeleteAlarms(f.ctx, &cloudwatch.DeleteAlarmsInput{AlarmNames: []string{"errors"}})
	want(t, err, "ValidationError")
	_, err = f.DeleteAlarms(f.ctx, &cloudwatch.DeleteAlarmsInput{AlarmNames: []string{"nothing"}})
	want(t, err, "ResourceNotFound")
	if err := compose("any", "FALSE"); err != nil {
		t.Fatal(err)
	}
	for _, n := range []string{"top", "any", "both", "errors", "other"} {
		if _, err := f.DeleteAlarms(f.ctx, &cloudwatch.DeleteAlarmsInput{AlarmNames: []string{n, "nothing"}}); err != nil {
			t.Errorf("%s: %v", n, err)
		}
	}
	for _, table := range []string{string(alarms), string(parents), string(watchers)} {
		_ = f.engine.View(f.ctx, func(r store.Reader) error {
			for e := range r.Scan(store.Range{Prefix: store.Prefix(table)}) {
				t.Errorf("left: %q", e.Key)
			}
			return nil
		})
	}
}

func TestAlarmRules(t *testing.T) {
	f := newFixture(t)
	for name, change := range map[string]func(*cloudwatch.PutMetricAlarmInput){
		"no periods":   func(in *cloudwatch.PutMetricAlarmInput) { in.EvaluationPeriods = nil },
		"m above n":    func(in *cloudwatch.PutMetricAlarmInput) { in.DatapointsToAlarm = aws.Int32(2) },
		"no threshold": func(in *cloudwatch.PutMetricAlarmInput) { in.Threshold = nil },
		"no statistic": func(in *cloudwatch.PutMetricAlarmInput) { in.Statistic = "" },
		"both":         func(in *cloudwatch.PutMetricAlarmInput) { in.ExtendedStatistic = aws.String("p99") },
		"odd":          func(in *cloudwatch.PutMetricAlarmInput) { in.Statistic, in.ExtendedStatistic = "", aws.String("q99") },
		"period":       func(in *cloudwatch.PutMetricAlarmInput) { in.Period = aws.Int32(61) },
		"too long":     func(in *cloudwatch.PutMetricAlarmInput) { in.EvaluationPeriods = aws.Int32(1441) },
		"missing":      func(in *cloudwatch.PutMetricAlarmInput) { in.TreatMissingData = aws.String("perhaps") },
		"action":       func(in *cloudwatch.PutMetricAlarmInput) { in.AlarmActions = []string{"topic"} },
		"name":         func(in *cloudwatch.PutMetricAlarmInput) { in.AlarmName = aws.String("a\tb") },
		"namespace":    func(in *cloudwatch.PutMetricAlarmInput) { in.Namespace = nil },
		"metrics too":  func(in *cloudwatch.PutMetricAlarmInput) { in.Metrics = []types.MetricDataQuery{{Id: aws.String("a")}} },
		"not a number": func(in *cloudwatch.PutMetricAlarmInput) { in.Threshold = aws.Float64(math.NaN()) },
		"dimension": func(in *cloudwatch.PutMetricAlarmInput) {
			in.Dimensions = []types.Dimension{{Name: aws.String("a"), Value: aws.String("1")}, {Name: aws.String("a"), Value: aws.String("2")}}
		},
		"statistic": func(in *cloudwatch.PutMetricAlarmInput) { in.Statistic, in.ExtendedStatistic = "", aws.String("pr99") },
		"band": func(in *cloudwatch.PutMetricAlarmInput) {
			in.ComparisonOperator = types.ComparisonOperatorLessThanLowerThreshold
		},
	} {
		in := &cloudwatch.PutMetricAlarmInput{AlarmName: aws.String(name), Namespace: aws.String("App"), MetricName: aws.String("Errors"), Statistic: types.StatisticSum,
			Period: aws.Int32(60), EvaluationPeriods: aws.Int32(1), Threshold: aws.Float64(5), ComparisonOperator: types.ComparisonOperatorGreaterThanThreshold}
		change(in)
		_, err := f.PutMetricAlarm(f.ctx, in)
		if want(t, err, "ValidationError"); err == nil {
			t.Error(name)
		}
	}
}

func TestMetricData(t *testing.T) {
	f := newFixture(t)
	now := enginetest.Epoch
	for i := range 120 {
		f.data("Latency", float64(i%10))
		if i%2 == 0 {
			f.clock.Advance(time.Minute)
		}
	}
	stats, err := f.GetMetricStatistics(f.ctx, &cloudwatch.GetMetricStatisticsInput{Namespace: aws.String("App"), MetricName: aws.String("Latency"), StartTime: &now, EndTime: aws.Time(now.Add(time.Hour)),
		Period: aws.Int32(600), Statistics: []types.Statistic{"Sum", "SampleCount"}, ExtendedStatistics: []string{"p50"}})
	if err != nil || len(stats.Datapoints) != 7 || *stats.Datapoints[1].SampleCount != 20 || stats.Datapoints[1].ExtendedStatistics["p50"] != 4 {
		t.Errorf("%+v %v", stats, err)
	}
	data, err := f.GetMetricData(f.ctx, &cloudwatch.GetMetricDataInput{StartTime: &now, EndTime: aws.Time(now.Add(10 * time.Minute)), ScanBy: types.ScanByTimestampAscending, MetricDataQueries: []types.MetricDataQuery{
		{Id: aws.String("m"), ReturnData: aws.Bool(false), MetricStat: &types.MetricStat{Period: aws.Int32(60), Stat: aws.String("Maximum"), Metric: &types.Metric{Namespace: aws.String("App"), MetricName: aws.String("Latency")}}},
		{Id: aws.String("double"), Expression: aws.String("m * 2"), Label: aws.String("Twice")}}})
	if err != nil || len(data.MetricDataResults) != 1 || len(data.MetricDataResults[0].Values) != 11 || *data.MetricDataResults[0].Label != "Twice" || !data.MetricDataResults[0].Timestamps[0].Equal(now.Truncate(time.Minute)) {
		t.Errorf("%+v %v", data, err)
	}
	_, err = f.GetMetricStatistics(f.ctx, &cloudwatch.GetMetricStatisticsInput{Namespace: aws.String("App"), MetricName: aws.String("Latency"), StartTime: &now, EndTime: aws.Time(now.Add(48 * time.Hour)), Period: aws.Int32(60), Statistics: []types.Statistic{"Sum"}})
	want(t, err, "InvalidParameterCombinationException")

	for name, d := range map[string]types.MetricDatum{
		"nothing": {}, "two forms": {Value: aws.Float64(1), Values: []float64{1}}, "old": {Value: aws.Float64(1), Timestamp: aws.Time(now.Add(-15 * 24 * time.Hour))},
		"future": {Value: aws.Float64(1), Timestamp: aws.Time(now.Add(24 * time.Hour))}, "counts": {Values: []float64{1}, Counts: []float64{1, 2}},
		"resolution": {Value: aws.Float64(1), StorageResolution: aws.Int32(5)}, "large": {Value: aws.Float64(greatest * 2)},
		"set": {StatisticValues: &types.StatisticSet{SampleCount: aws.Float64(0), Sum: aws.Float64(0), Minimum: aws.Float64(0), Maximum: aws.Float64(0)}},
	} {
		d.MetricName = aws.String("Bad")
		_, err := f.PutMetricData(f.ctx, &cloudwatch.PutMetricDataInput{Namespace: aws.String("App"), MetricData: []types.MetricDatum{d}})
		code := "InvalidParameterValueException"
		if name == "two forms" {
			code = "InvalidParameterCombinationException"
		}
		if want(t, err, code); err == nil {
			t.Error(name)
		}
	}
	list, err := f.ListMetrics(f.ctx, &cloudwatch.ListMetricsInput{Namespace: aws.String("App")})
	if err != nil || len(list.Metrics) != 1 {
		t.Errorf("%+v %v", list, err)
	}

	// After 15 days minutes are hours, after 455 days they are gone.
	sum := func(end time.Time) (total float64) {
		t.Helper()
		out, err := f.GetMetricStatistics(f.ctx, &cloudwatch.GetMetricStatisticsInput{Namespace: aws.String("App"), MetricName: aws.String("Latency"), StartTime: aws.Time(now.Add(-time.Hour)), EndTime: &end, Period: aws.Int32(3600), Statistics: []types.Statistic{"Sum"}})
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range out.Datapoints {
			total += *p.Sum
		}
		return total
	}
	before := sum(now.Add(3 * time.Hour))
	for range 17 {
		f.clock.Advance(24 * time.Hour)
		enginetest.Settle(t, f.engine)
	}
	count := func(prefix string) (n int) {
		_ = f.engine.View(f.ctx, func(r store.Reader) error {
			for range r.Scan(store.Range{Prefix: store.Prefix(prefix)}) {
				n++
			}
			return nil
		})
		return n
	}
	if m, h := count(string(minutes)), count(string(hours)); m != 0 || h == 0 || sum(now.Add(3*time.Hour)) != before {
		t.Errorf("%d minutes, %d hours, sum %v, before %v", m, h, sum(now.Add(3*time.Hour)), before)
	}
	f.clock.Advance(460 * 24 * time.Hour)
	enginetest.Settle(t, f.engine)
	if h, m := count(string(hours)), count(string(metrics)); h != 0 || m != 0 {
		t.Errorf("%d hours and %d metrics are left", h, m)
	}
}

func TestHistoryEnds(t *testing.T) {
	f := newFixture(t)
	for i := range 20 {
		f.alarm(func(in *cloudwatch.PutMetricAlarmInput) { in.AlarmDescription = aws.String(fmt.Sprint(i)) })
	}
	f.clock.Advance(31 * 24 * time.Hour)
	f.alarm(nil)
	f.alarm(nil)
	f.alarm(nil)
	h, err := f.DescribeAlarmHistory(f.ctx, &cloudwatch.DescribeAlarmHistoryInput{AlarmTypes: []types.AlarmType{"MetricAlarm"}})
	if err != nil || len(h.AlarmHistoryItems) != 3 {
		t.Errorf("%d items, %v", len(h.AlarmHistoryItems), err)
	}
}
