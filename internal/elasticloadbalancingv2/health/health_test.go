package health

import (
	"testing"
	"time"

	"github.com/slipway-dev/slipway/internal/clock"
)

func TestStep(t *testing.T) {
	limits := Thresholds{Healthy: 3, Unhealthy: 2}
	for _, c := range []struct {
		name, results, states string // + success, - failure; the state after each
	}{
		{"one success is enough in the beginning", "+", "h"},
		{"a failure less than the threshold leaves it initial", "-+", "ih"},
		{"never healthy", "--", "iu"},
		{"one failure between successes does not matter", "+-+-+", "hhhhh"},
		{"two failures in a row", "+--", "hhu"},
		{"back after three successes in a row", "+--++-+++", "hhuuuuuuh"},
	} {
		now := clock.NewFake(time.Unix(1700000000, 0))
		h, run := New(now.Now()), Run{}
		for i, r := range c.results {
			now.Advance(30 * time.Second)
			before := h
			h, run = Step(h, run, Result{OK: r == '+', Reason: "Target.Timeout", Why: "Request timed out"}, limits, now.Now())
			if string(h.State)[0] != c.states[i] {
				t.Errorf("%s: after %s it is %s", c.name, c.results[:i+1], h.State)
			}
			if (h.State != before.State) != h.Since.Equal(now.Now()) {
				t.Errorf("%s: since %v at %v", c.name, h.Since, now.Now())
			}
			if (h.State == Healthy) != (h.Reason == "") {
				t.Errorf("%s: %s because of %q", c.name, h.State, h.Reason)
			}
		}
	}
}

func TestDrainingStays(t *testing.T) {
	now := time.Unix(1700000000, 0)
	for _, ok := range []bool{true, false} {
		h, run := Drain(now), Run{}
		for range 5 {
			h, run = Step(h, run, Result{OK: ok}, Thresholds{2, 2}, now.Add(time.Hour))
		}
		if h != Drain(now) {
			t.Errorf("after %v: %+v", ok, h)
		}
	}
}
