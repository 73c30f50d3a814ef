package proxy

import (
	"testing"
	"time"

	"github.com/slipway-dev/slipway/internal/clock"
	"github.com/slipway-dev/slipway/internal/elasticloadbalancingv2/health"
	"github.com/slipway-dev/slipway/internal/elasticloadbalancingv2/plane"
)

func TestWheel(t *testing.T) {
	for _, weights := range [][]int{{90, 10}, {1, 1, 1}, {999, 1}, {0, 5}, {7, 3, 2}} {
		f, total := &plane.Forward{}, 0
		for _, w := range weights {
			f.Groups = append(f.Groups, plane.Weighted{Weight: w})
			total += w
		}
		w := newWheel(f)
		for round := range 3 {
			got := make([]int, len(weights))
			for range total {
				got[w.next()]++
			}
			for i := range weights {
				if got[i] != weights[i] {
					t.Errorf("%v: round %d is %v", weights, round, got)
					break
				}
			}
		}
	}
	if i := newWheel(&plane.Forward{Groups: []plane.Weighted{{Weight: 0}, {Weight: 0}}}).next(); i != -1 {
		t.Errorf("no weights: %d", i)
	}
	// Spread evenly: of any ten turns of 90 to 10, one is the small one's.
	w := newWheel(&plane.Forward{Groups: []plane.Weighted{{Weight: 90}, {Weight: 10}}})
	for range 20 {
		n := 0
		for range 10 {
			n += w.next()
		}
		if n != 1 {
			t.Fatalf("%d of ten", n)
		}
	}
}

func TestSlowStart(t *testing.T) {
	now := clock.NewFake(time.Unix(1700000000, 0))
	g := &plane.Group{ARN: "g", Algorithm: plane.RoundRobin, SlowStart: 100 * time.Second, Check: plane.Check{Enabled: true}, Targets: []plane.Target{
		{Key: "old", Health: health.Health{State: health.Healthy, Since: now.Now().Add(-time.Hour)}},
		{Key: "new", Health: health.Health{State: health.Healthy, Since: now.Now()}},
	}}
	p := newPool(g, nil, now)
	share := func() (n int) {
		for range 1000 {
			if p.next().key == "new" {
				n++
			}
		}
		return n
	}
	for _, c := range []struct {
		after    time.Duration
		low, top int
	}{{0, 40, 55}, {50 * time.Second, 325, 340}, {60 * time.Second, 495, 505}} {
		now.Advance(c.after)
		if n := share(); n < c.low || n > c.top {
			t.Errorf("%v later: %d of 1000", c.after, n)
		}
	}
}

func TestWhoTakesRequests(t *testing.T) {
	g := func(states ...health.State) *plane.Group {
		g := &plane.Group{Check: plane.Check{Enabled: true}}
		for i, s := range states {
			g.Targets = append(g.Targets, plane.Target{Key: string(rune('a' + i)), Health: health.Health{State: s}})
		}
		return g
	}
	for _, c := range []struct {
		name string
		g    *plane.Group
		want string
	}{
		{"the healthy ones", g("healthy", "unhealthy", "initial", "draining", "healthy"), "ae"},
		{"all unhealthy ones, if there is no other", g("unhealthy", "initial", "draining", "unhealthy"), "ad"},
		{"nobody", g("initial", "draining"), ""},
	} {
		got := ""
		for _, k := range newPool(c.g, nil, clock.System).turns {
			got += k.key
		}
		if got != c.want {
			t.Errorf("%s: %s", c.name, got)
		}
	}
	least := newPool(g("healthy", "healthy"), nil, clock.System)
	least.Algorithm = plane.LeastOutstanding
	least.targets["a"].flying.Add(1)
	for range 4 {
		if k := least.next(); k.key != "b" {
			t.Errorf("the busier one: %s", k.key)
		}
	}
}
