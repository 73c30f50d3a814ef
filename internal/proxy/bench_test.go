package proxy

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"github.com/slipway-dev/slipway/internal/clock"
	"github.com/slipway-dev/slipway/internal/elasticloadbalancingv2/accesslog"
	"github.com/slipway-dev/slipway/internal/elasticloadbalancingv2/health"
	"github.com/slipway-dev/slipway/internal/elasticloadbalancingv2/plane"
	"github.com/slipway-dev/slipway/internal/id"
)

// start is a proxy on a free port with two groups of one target each.
func start(t testing.TB, weights ...int) (port int, p *Proxy) {
	t.Helper()
	return startWith(t, Config{Clock: clock.System, IDs: id.Random, Log: slog.New(slog.DiscardHandler),
		Probed: func(context.Context, string, string, health.Result) {}, Metrics: nobody{}, Journal: nobody{}}, weights...)
}

func startWith(t testing.TB, cfg Config, weights ...int) (port int, p *Proxy) {
	t.Helper()
	p = New(cfg)
	t.Cleanup(p.Close)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port = l.Addr().(*net.TCPAddr).Port
	_ = l.Close()
	f := &plane.Forward{}
	c := &plane.Config{Groups: map[string]*plane.Group{}}
	for i, w := range weights {
		name := fmt.Sprint("group", i)
		b := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, name) }))
		t.Cleanup(b.Close)
		f.Groups = append(f.Groups, plane.Weighted{Group: name, Weight: w})
		c.Groups[name] = &plane.Group{ARN: name, Path: name, Algorithm: plane.RoundRobin, Targets: []plane.Target{
			{Key: "t", Address: b.Listener.Addr().String(), Health: health.Health{State: health.Healthy, Since: time.Now()}}}}
	}
	c.Listeners = []*plane.Listener{{ARN: "l", Balancer: "app/lb/1", Host: "lb.elb.localhost", Port: port, Options: plane.Options{Idle: time.Minute, Server: true},
		Rules: []*plane.Rule{{ARN: "r", Forward: f}}}}
	if closed := p.Apply(c); len(closed) > 0 {
		t.Fatal(closed)
	}
	return port, p
}

type nobody struct{}

func (nobody) Record(context.Context, string, string, []types.MetricDatum) error { return nil }

func (nobody) Write(accesslog.Place, []byte) {}

// BenchmarkForward is a request through the load balancer, and as a baseline
// one that asks the target itself.
func BenchmarkForward(b *testing.B) {
	port, _ := start(b, 90, 10)
	direct := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "direct") }))
	defer direct.Close()
	for name, url := range map[string]string{"direct": direct.URL, "through": fmt.Sprintf("http://127.0.0.1:%d", port)} {
		b.Run(name, func(b *testing.B) {
			client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					resp, err := client.Get(url)
					if err != nil {
						b.Error(err)
						return
					}
					_, _ = io.Copy(io.Discard, resp.Body)
					_ = resp.Body.Close()
				}
			})
		})
	}
}
