package cloudwatch

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"github.com/slipway-dev/slipway/internal/engine/enginetest"
)

// TestPages reads two metrics, one without data and a list, page by page.
func TestPages(t *testing.T) {
	f := newFixture(t)
	begin := enginetest.Epoch.Truncate(time.Minute)
	for i := range 5 {
		for _, name := range []string{"A", "B"} {
			at := begin.Add(time.Duration(i) * time.Minute)
			if _, err := f.PutMetricData(f.ctx, &cloudwatch.PutMetricDataInput{Namespace: aws.String("App"), MetricData: []types.MetricDatum{{MetricName: &name, Value: aws.Float64(float64(i + 1)), Timestamp: &at}}}); err != nil {
				t.Fatal(err)
			}
		}
	}
	stat := func(id, name string) types.MetricDataQuery {
		return types.MetricDataQuery{Id: &id, MetricStat: &types.MetricStat{Period: aws.Int32(60), Stat: aws.String("Sum"), Metric: &types.Metric{Namespace: aws.String("App"), MetricName: &name}}}
	}
	read := func(most int32) (pages []string) {
		t.Helper()
		in := &cloudwatch.GetMetricDataInput{StartTime: &begin, EndTime: aws.Time(begin.Add(5 * time.Minute)), MaxDatapoints: aws.Int32(most), ScanBy: types.ScanByTimestampAscending,
			MetricDataQueries: []types.MetricDataQuery{stat("n", "None"), stat("a", "A"), {Id: aws.String("all"), Expression: aws.String("METRICS()")}}}
		for {
			out, err := f.GetMetricData(f.ctx, in)
			if err != nil {
				t.Fatal(err)
			}
			page := ""
			for _, r := range out.MetricDataResults {
				page += fmt.Sprintf("%s %s %v %s;", *r.Id, *r.Label, r.Values, r.StatusCode[:1])
				if len(r.Values) != len(r.Timestamps) {
					t.Errorf("%+v", r)
				}
			}
			if pages = append(pages, page); out.NextToken == nil {
				return pages
			}
			in.NextToken = out.NextToken
		}
	}
	for most, want := range map[int32]string{
		100: "n None [] C;a A [1 2 3 4 5] C;all None [] C;all A [1 2 3 4 5] C;",
		3:   "n None [] C;a A [1 2 3] P; | a A [4 5] C;all None [] C;all A [1] P; | all A [2 3 4] P; | all A [5] C;",
		5:   "n None [] C;a A [1 2 3 4 5] C; | all None [] C;all A [1 2 3 4 5] C;",
	} {
		if got := strings.Join(read(most), " | "); got != want {
			t.Errorf("%d a page:\n got %s\nwant %s", most, got, want)
		}
	}
	_, err := f.GetMetricData(f.ctx, &cloudwatch.GetMetricDataInput{StartTime: &begin, EndTime: aws.Time(begin.Add(time.Minute)), NextToken: aws.String("x"), MetricDataQueries: []types.MetricDataQuery{stat("a", "A")}})
	want(t, err, "InvalidNextToken")
	var many []types.MetricDataQuery
	for i := range maxQueries + 1 {
		many = append(many, stat(fmt.Sprint("a", i), "A"))
	}
	_, err = f.GetMetricData(f.ctx, &cloudwatch.GetMetricDataInput{StartTime: &begin, EndTime: aws.Time(begin.Add(time.Minute)), MetricDataQueries: many})
	want(t, err, "ValidationError")
}

func TestLabels(t *testing.T) {
	f := newFixture(t)
	at := enginetest.Epoch.Truncate(time.Hour)
	for i, v := range []float64{2, 7.5, 1} {
		if _, err := f.PutMetricData(f.ctx, &cloudwatch.PutMetricDataInput{Namespace: aws.String("App"), MetricData: []types.MetricDatum{{MetricName: aws.String("Lag"), Value: &v, Timestamp: aws.Time(at.Add(time.Duration(i) * time.Minute)),
			Dimensions: []types.Dimension{{Name: aws.String("Host"), Value: aws.String("web")}}}}}); err != nil {
			t.Fatal(err)
		}
	}
	label := func(text, zone string, metric bool) (string, error) {
		q := types.MetricDataQuery{Id: aws.String("a"), Label: &text, MetricStat: &types.MetricStat{Period: aws.Int32(60), Stat: aws.String("Sum"), Metric: &types.Metric{Namespace: aws.String("App"), MetricName: aws.String("Lag"),
			Dimensions: []types.Dimension{{Name: aws.String("Host"), Value: aws.String("web")}}}}}
		if !metric {
			q.MetricStat.Metric.MetricName = aws.String("None")
		}
		in := &cloudwatch.GetMetricDataInput{StartTime: &at, EndTime: aws.Time(at.Add(time.Hour)), MetricDataQueries: []types.MetricDataQuery{q}}
		if zone != "" {
			in.LabelOptions = &types.LabelOptions{Timezone: &zone}
		}
		out, err := f.GetMetricData(f.ctx, in)
		if err != nil {
			return "", err
		}
		return *out.MetricDataResults[0].Label, nil
	}
	day := at.UTC().Format("2006-01-02")
	for text, want := range map[string]string{
		"Lag": "Lag", "${LABEL} [last: ${LAST}]": "Lag [last: 1]", "${MIN} ${MAX} ${AVG} ${SUM} ${FIRST} ${DATAPOINT_COUNT}": "1 7.5 3.5 10.5 2 3", "${MIN_MAX_RANGE}": "1 - 7.5", "${FIRST_LAST_RANGE}": "2 - 1",
		"${PROP('Dim.Host')} ${PROP('MetricName')} ${PROP('Namespace')} ${PROP('Stat')} ${PROP('Period')} ${PROP('Region')}": "web Lag App Sum 60 us-east-1",
		"${PROP('Dim.Nope')} ${NOPE} $5": "${PROP('Dim.Nope')} ${NOPE} $5", "${MAX_TIME}": day + at.UTC().Format("T15:01:05Z"),
	} {
		if got, err := label(text, "", true); got != want || err != nil {
			t.Errorf("%s: %s, %v; want %s", text, got, err, want)
		}
	}
	if got, _ := label("${LAST} ${DATAPOINT_COUNT} ${LABEL}", "", false); got != "-- 0 None" {
		t.Error(got)
	}
	if got, _ := label("${LAST_TIME}", "+0130", true); !strings.HasSuffix(got, "+01:30") {
		t.Error(got)
	}
	if _, err := label("x", "UTC", true); err == nil || !strings.HasPrefix(err.Error(), "ValidationError") {
		t.Error(err)
	}
}

// TestFewSamples is "Percentile-based alarms and low data samples".
func TestFewSamples(t *testing.T) {
	f := newFixture(t)
	for _, how := range []string{"ignore", "evaluate"} {
		f.alarm(func(in *cloudwatch.PutMetricAlarmInput) {
			in.AlarmName, in.Statistic, in.ExtendedStatistic, in.EvaluateLowSampleCountPercentile = aws.String(how), "", aws.String("p90"), aws.String(how)
		})
	}
	put := func(n float64) {
		t.Helper()
		if _, err := f.PutMetricData(f.ctx, &cloudwatch.PutMetricDataInput{Namespace: aws.String("App"), MetricData: []types.MetricDatum{{MetricName: aws.String("Errors"), Values: []float64{9}, Counts: []float64{n}}}}); err != nil {
			t.Fatal(err)
		}
		f.pass(time.Minute)
	}
	put(99)
	f.is("ignore", isUnsure)
	f.is("evaluate", isAlarm)
	put(100)
	f.is("ignore", isAlarm)
}
