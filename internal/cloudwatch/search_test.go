package cloudwatch

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"github.com/slipway-dev/slipway/internal/engine/enginetest"
)

func TestWords(t *testing.T) {
	for text, want := range map[string]string{
		"CPUUtilization": "cpu utilization", "CustomCount1": "custom count 1", "SDBFailure": "sdb failure", "Project2Trial333": "project 2 trial 333",
		"HTTPCode_Target_5XX_Count": "http code target 5 xx count", "a-b/c d": "a b c d", "": "",
	} {
		if got := strings.Join(words(text), " "); got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}

func TestSearch(t *testing.T) {
	metric := func(namespace, name string, dimensions ...string) *types.Metric {
		m := &types.Metric{Namespace: &namespace, MetricName: &name}
		for i := 0; i < len(dimensions); i += 2 {
			m.Dimensions = append(m.Dimensions, types.Dimension{Name: &dimensions[i], Value: &dimensions[i+1]})
		}
		return m
	}
	all := map[string]*types.Metric{
		"cpu1": metric("AWS/EC2", "CPUUtilization", "InstanceId", "i-1"), "cpu2": metric("AWS/EC2", "CPUUtilization", "InstanceId", "i-2"),
		"group": metric("AWS/EC2", "CPUUtilization", "AutoScalingGroup", "web"), "disk": metric("AWS/EC2", "DiskReadOps", "InstanceId", "i-1"),
		"errors": metric("App", "Errors"), "alb": metric("AWS/ApplicationELB", "RequestCount", "LoadBalancer", "app/web/1", "TargetGroup", "tg/a"),
	}
	for text, want := range map[string]string{
		`{AWS/EC2,InstanceId} MetricName="CPUUtilization"`: "cpu1 cpu2", `{AWS/EC2,InstanceId}`: "cpu1 cpu2 disk", `{"AWS/EC2", "InstanceId"} CPU`: "cpu1 cpu2", `{App}`: "errors", `{AWS/EC2}`: "",
		`{AWS/ApplicationELB,TargetGroup,LoadBalancer} RequestCount`: "alb", `utilization`: "cpu1 cpu2 group", `MetricName=cpu InstanceId="i-2"`: "cpu2", `InstanceId=1 NOT cpu`: "disk",
		`MetricName="cpu"`: "", `Namespace="AWS/EC2" AND (DiskReadOps OR web)`: "disk group", `web`: "alb group", `NOT Namespace=AWS`: "errors", `errors OR request`: "alb errors", `"CPUUtilization" i-1`: "cpu1",
	} {
		s, err := parseSearch(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		var got []string
		for name, m := range all {
			if s.meets(m) {
				got = append(got, name)
			}
		}
		slices.Sort(got)
		if strings.Join(got, " ") != want {
			t.Errorf("%s finds %v, want %s", text, got, want)
		}
	}
	for _, text := range []string{"", "{App", "{}", "{App,} x", "(a", "a)", "NOT", "a OR", "X=", strings.Repeat("(", 5000)} {
		if _, err := parseSearch(text); err == nil {
			t.Errorf("%.20q is a search", text)
		}
	}
}

func TestSearchForData(t *testing.T) {
	f := newFixture(t)
	now := enginetest.Epoch
	for i, host := range []string{"a", "b"} {
		if _, err := f.PutMetricData(f.ctx, &cloudwatch.PutMetricDataInput{Namespace: aws.String("App"), MetricData: []types.MetricDatum{{MetricName: aws.String("Load"), Value: aws.Float64(float64(i + 1)),
			Dimensions: []types.Dimension{{Name: aws.String("Host"), Value: &host}}}}}); err != nil {
			t.Fatal(err)
		}
	}
	read := func(text, label string) string {
		t.Helper()
		q := types.MetricDataQuery{Id: aws.String("s"), Expression: &text}
		if label != "" {
			q.Label = &label
		}
		out, err := f.GetMetricData(f.ctx, &cloudwatch.GetMetricDataInput{StartTime: aws.Time(now.Add(-10 * time.Minute)), EndTime: aws.Time(now.Add(5 * time.Minute)), MetricDataQueries: []types.MetricDataQuery{q}})
		if err != nil {
			return err.Error()
		}
		got := ""
		for _, r := range out.MetricDataResults {
			got += fmt.Sprint(*r.Label, r.Values, " ", r.Timestamps[0].Equal(now.Truncate(5*time.Minute)), "; ")
		}
		return got
	}
	for _, c := range [][3]string{
		{"SEARCH('{App,Host} MetricName=\"Load\"', 'Sum', 300)", "", "a Load[1] true; b Load[2] true; "},
		{"SUM(SEARCH('{App,Host} Load', 'Maximum', 300))", "", "s[3] true; "},
		{"SORT(SEARCH('{App,Host} Load', 'p90', 300), MAX, DESC, 1) * 10", "${PROP('Dim.Host')} ${LABEL} ${LAST}", "b b Load 20[20] true; "},
	} {
		if got := read(c[0], c[1]); got != c[2] {
			t.Errorf("%s: %q, want %q", c[0], got, c[2])
		}
	}
	if got := read("SEARCH('{App', 'Sum', 300)", ""); !strings.Contains(got, "ValidationError") {
		t.Error(got)
	}
	f.clock.Advance(20 * 24 * time.Hour)
	now = f.clock.Now()
	if got := read("SEARCH('{App,Host} Load', 'Sum', 300)", ""); got != "" {
		t.Errorf("after 20 days: %s", got)
	}
}
