package proxy

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"github.com/slipway-dev/slipway/internal/clock"
	"github.com/slipway-dev/slipway/internal/elasticloadbalancingv2/health"
	"github.com/slipway-dev/slipway/internal/id"
)

// recorder keeps what it is told as "NAME of DIMENSION" → sum.
type recorder struct {
	mu    sync.Mutex
	calls int
	sums  map[string]float64
	at    []time.Time
}

func (r *recorder) Record(_ context.Context, _, namespace string, data []types.MetricDatum) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.calls++
	for _, d := range data {
		key := namespace + " " + *d.MetricName + " of " + *d.Dimensions[0].Value
		if d.Value != nil {
			r.sums[key] += *d.Value
		}
		for i, v := range d.Values {
			r.sums[key] += v * d.Counts[i]
		}
		r.at = append(r.at, *d.Timestamp)
	}
	return nil
}

func (r *recorder) sum(key string) float64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.sums[key]
}

// What was counted is told before an alarm of ten seconds looks, and nothing
// is when nothing happens.
func TestReports(t *testing.T) {
	r := &recorder{sums: map[string]float64{}}
	begin := time.Unix(1700000000, 0).UTC() // 20 seconds into a minute
	now := clock.NewFake(begin)
	port, p := startWith(t, Config{Clock: now, IDs: id.Random, Log: slog.New(slog.DiscardHandler), Metrics: r, Journal: nobody{},
		Probed: func(context.Context, string, string, health.Result) {}}, 90, 10)
	get := func(path string) {
		resp, err := http.Get(fmt.Sprintf("http://127.0.0.1:%d%s", port, path))
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
	}
	for range 10 {
		get("/")
	}
	now.Advance(4400 * time.Millisecond)
	if r.calls != 0 {
		t.Errorf("%d calls early", r.calls)
	}
	now.Advance(200 * time.Millisecond)
	for key, want := range map[string]float64{
		"AWS/ApplicationELB RequestCount of app/lb/1":                          10,
		"AWS/ApplicationELB RequestCount of targetgroup/group0":                9,
		"AWS/ApplicationELB HTTPCode_Target_2XX_Count of targetgroup/group1":   1,
		"AWS/ApplicationELB RequestCountPerTarget of targetgroup/group0":       18, // at both its dimensions
		"AWS/ApplicationELB HealthyHostCount of targetgroup/group1":            1,
		"AWS/ApplicationELB HTTPCode_Target_5XX_Count of targetgroup/group0":   0,
		"AWS/ApplicationELB HTTPCode_ELB_5XX_Count of app/lb/1":                0,
		"AWS/ApplicationELB HTTPCode_Target_5XX_Count of app/lb/1":             0,
		"AWS/ApplicationELB TargetConnectionErrorCount of targetgroup/group0":  0,
		"AWS/ApplicationELB UnHealthyHostCount of targetgroup/group0 and more": 0,
	} {
		if got := r.sum(key); got != want {
			t.Errorf("%s: %v, want %v", key, got, want)
		}
	}
	if r.sum("AWS/ApplicationELB ProcessedBytes of app/lb/1") < 1000 || r.sum("AWS/ApplicationELB TargetResponseTime of app/lb/1") <= 0 {
		t.Errorf("bytes and times: %v", r.sums)
	}
	for _, at := range r.at {
		if !at.Equal(begin) {
			t.Fatalf("a data point of %v", at)
		}
	}
	calls := r.calls
	now.Advance(35 * time.Second)
	if r.calls != calls {
		t.Errorf("%d calls without traffic", r.calls-calls)
	}
	now.Advance(10 * time.Second) // the minute is over: hosts
	if r.calls != calls+1 || r.sum("AWS/ApplicationELB HealthyHostCount of targetgroup/group1") != 2 {
		t.Errorf("hosts each minute: %d calls, %v", r.calls-calls, r.sums)
	}
	get("/") // told at the end
	p.Close()
	if got := r.sum("AWS/ApplicationELB RequestCount of app/lb/1"); got != 11 {
		t.Errorf("after the end: %v requests", got)
	}
}
