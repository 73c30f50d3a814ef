package meter

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
)

func TestBuckets(t *testing.T) {
	last := -1
	for d := time.Microsecond; d < time.Hour; d += max(d/100, time.Microsecond) {
		i := bucket(d)
		if i < last || i >= buckets {
			t.Fatalf("%v is in bucket %d after %d", d, i, last)
		}
		last = i
		if off := math.Abs(middle(i)/d.Seconds() - 1); d > 32*time.Microsecond && off > 0.017 {
			t.Errorf("%v is told as %v s: off by %.3f", d, middle(i), off)
		}
	}
	for _, d := range []time.Duration{-1, 0, 1 << 62} {
		if i := bucket(d); i < 0 || i >= buckets {
			t.Errorf("%d: bucket %d", d, i)
		}
	}
}

// texts are data as "name dimensions: sum/count".
func texts(list []types.MetricDatum) (out []string) {
	for _, d := range list {
		var at []string
		for _, x := range d.Dimensions {
			at = append(at, *x.Value)
		}
		sum, n := 0.0, 0.0
		if d.Value != nil {
			sum, n = *d.Value, 1
		}
		for i, v := range d.Values {
			sum, n = sum+v*d.Counts[i], n+d.Counts[i]
		}
		out = append(out, fmt.Sprintf("%s %s: %.4g/%g %s", *d.MetricName, strings.Join(at, "+"), sum, n, d.Unit))
	}
	slices.Sort(out)
	return out
}

func TestTake(t *testing.T) {
	b := &Balancer{Region: "r", Path: "app/web/1"}
	blue, green := b.Group("blue/1"), b.Group("green/2")
	if b.Group("blue/1") != blue || blue.Balancer() != b {
		t.Error("a group has one counter")
	}
	if !blue.Hosts(2, 1) || blue.Hosts(2, 1) {
		t.Error("only a change is news")
	}
	b.Opened()
	b.Opened()
	b.Closed()
	b.Bytes.Add(500)
	for range 4 {
		blue.Requests.Add(1)
		blue.Answered(200, 10*time.Millisecond)
	}
	green.Requests.Add(1)
	green.Answered(503, time.Second)
	b.Answered(502)
	b.Answered(404)
	b.Answered(200) // a fixed response of that status is no error
	green.Unreached.Add(1)
	want := []string{
		"ActiveConnectionCount app/web/1: 2/1 Count",
		"HTTPCode_ELB_4XX_Count app/web/1: 1/1 Count",
		"HTTPCode_ELB_502_Count app/web/1: 1/1 Count",
		"HTTPCode_ELB_5XX_Count app/web/1: 1/1 Count",
		"HTTPCode_Target_2XX_Count app/web/1: 4/4 Count",
		"HTTPCode_Target_2XX_Count targetgroup/blue/1+app/web/1: 4/4 Count",
		"HTTPCode_Target_5XX_Count app/web/1: 1/1 Count",
		"HTTPCode_Target_5XX_Count targetgroup/green/2+app/web/1: 1/1 Count",
		"HealthyHostCount targetgroup/blue/1+app/web/1: 2/1 Count",
		"NewConnectionCount app/web/1: 2/2 Count",
		"ProcessedBytes app/web/1: 500/1 Bytes",
		"RequestCount app/web/1: 5/5 Count",
		"RequestCount targetgroup/blue/1+app/web/1: 4/4 Count",
		"RequestCount targetgroup/green/2+app/web/1: 1/1 Count",
		"RequestCountPerTarget targetgroup/blue/1+app/web/1: 2/1 Count",
		"RequestCountPerTarget targetgroup/blue/1: 2/1 Count",
		"TargetConnectionErrorCount app/web/1: 1/1 Count",
		"TargetConnectionErrorCount targetgroup/green/2+app/web/1: 1/1 Count",
		"TargetResponseTime app/web/1: 1.048/5 Seconds",
		"TargetResponseTime targetgroup/blue/1+app/web/1: 0.04045/4 Seconds",
		"TargetResponseTime targetgroup/green/2+app/web/1: 1.008/1 Seconds",
		"UnHealthyHostCount targetgroup/blue/1+app/web/1: 1/1 Count",
	}
	if got := texts(b.Take(1)); !slices.Equal(got, want) {
		t.Errorf("got\n%s", strings.Join(got, "\n"))
	}
	if got := texts(b.Take(1)); got != nil {
		t.Errorf("what did not happen is not reported: %q", got)
	}
	if !blue.Again() || green.Again() {
		t.Error("hosts are reported again while there are any")
	}
	if got := texts(b.Take(2)); len(got) != 3 || got[0] != "ActiveConnectionCount app/web/1: 1/1 Count" {
		t.Errorf("another minute: %q", got)
	}
	b.Keep(func(path string) bool { return path == "green/2" })
	blue.Requests.Add(1)
	if got := b.Take(2); got != nil {
		t.Errorf("forgotten: %q", texts(got))
	}
}

// A zone is a dimension more, of what AWS has by zone.
func TestZone(t *testing.T) {
	b := &Balancer{Path: "app/web/1", Zone: "us-east-1a"}
	g := b.Group("g/1")
	g.Hosts(1, 0)
	g.Requests.Add(1)
	b.Opened()
	b.Bytes.Add(7)
	want := []string{
		"ActiveConnectionCount app/web/1: 1/1 Count",
		"HealthyHostCount targetgroup/g/1+app/web/1: 1/1 Count",
		"HealthyHostCount us-east-1a+targetgroup/g/1+app/web/1: 1/1 Count",
		"NewConnectionCount app/web/1: 1/1 Count",
		"ProcessedBytes app/web/1: 7/1 Bytes",
		"RequestCount app/web/1: 1/1 Count",
		"RequestCount targetgroup/g/1+app/web/1: 1/1 Count",
		"RequestCount us-east-1a+app/web/1: 1/1 Count",
		"RequestCount us-east-1a+targetgroup/g/1+app/web/1: 1/1 Count",
		"RequestCountPerTarget targetgroup/g/1+app/web/1: 1/1 Count",
		"RequestCountPerTarget targetgroup/g/1: 1/1 Count",
		"UnHealthyHostCount targetgroup/g/1+app/web/1: 0/1 Count",
		"UnHealthyHostCount us-east-1a+targetgroup/g/1+app/web/1: 0/1 Count",
	}
	if got := texts(b.Take(1)); !slices.Equal(got, want) {
		t.Errorf("got\n%s", strings.Join(got, "\n"))
	}
}

func TestNetwork(t *testing.T) {
	b := &Balancer{Path: "net/n/1", TCP: true}
	b.Group("g/1").Hosts(0, 1)
	b.Opened()
	b.Bytes.Add(7)
	want := []string{
		"ActiveFlowCount net/n/1: 1/1 Count", "ActiveFlowCount_TCP net/n/1: 1/1 Count",
		"HealthyHostCount targetgroup/g/1+net/n/1: 0/1 Count",
		"NewFlowCount net/n/1: 1/1 Count", "NewFlowCount_TCP net/n/1: 1/1 Count",
		"ProcessedBytes net/n/1: 7/1 Bytes", "ProcessedBytes_TCP net/n/1: 7/1 Bytes",
		"UnHealthyHostCount targetgroup/g/1+net/n/1: 1/1 Count",
	}
	if got := texts(b.Take(1)); !slices.Equal(got, want) || b.Namespace() != "AWS/NetworkELB" {
		t.Errorf("got\n%s", strings.Join(got, "\n"))
	}
}

func BenchmarkAnswered(b *testing.B) {
	g := (&Balancer{}).Group("g")
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			g.Requests.Add(1)
			g.Answered(200, 1234*time.Microsecond)
		}
	})
}
