package demo

import (
	"context"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/slipway-dev/slipway/internal/load"
)

// watcher follows a shift of traffic: what the listener says and what the load
// measures.
type watcher struct {
	b       *blueGreen
	blue    string      // the target group before the shift
	version string      // of green
	weight  int32       // green's, as the listener says
	since   load.Counts // after the last change of the weight
	upto    load.Counts // the latest at which the weight was still there
	steps   []step
	begun   time.Time
	started time.Time // when green was seen to get traffic, which was a moment before
	back    time.Time // when it lost all of it again
}

// step is what was measured at one weight.
type step struct {
	weight int32
	load.Counts
}

func (b *blueGreen) watch(blue, version string) *watcher {
	now := b.load.Counts()
	return &watcher{b: b, blue: blue, version: version, since: now, upto: now, begun: time.Now()}
}

// step is what was counted at the weight that there is now. Requests around a
// change count for neither weight.
func (w *watcher) step() load.Counts { return w.upto.Minus(w.since) }

// look draws the split as it is now, and keeps a step when the weight changes.
func (w *watcher) look(ctx context.Context) error {
	before := w.b.load.Counts()
	weight, err := w.b.greenWeight(ctx, w.blue)
	if err != nil {
		return err
	}
	if weight != w.weight {
		w.end()
		switch now := time.Now(); {
		case w.weight == 0:
			w.started = now
		case weight == 0:
			w.back = now
		}
		w.weight, w.since = weight, w.b.load.Counts()
		w.upto = w.since
		return nil
	}
	w.upto = before
	c := w.step()
	w.b.d.redraw(split(weight, w.green(c), c))
	return nil
}

// fill waits until the last weight, which stays, has answers enough to measure
// it: on a slow machine a deployment may end before.
func (w *watcher) fill(ctx context.Context) error {
	for {
		if err := w.look(ctx); err != nil || w.step().Requests >= enough {
			return err
		}
		if _, err := w.b.load.Next(ctx, enough-w.step().Requests); err != nil {
			return err
		}
	}
}

// end keeps what was measured at the last weight.
func (w *watcher) end() {
	c := w.step()
	w.steps = append(w.steps, step{w.weight, c})
	w.b.d.keep(split(w.weight, w.green(c), c))
}

// check compares what was measured at weights with what was wanted.
func (w *watcher) check(weights ...int32) error {
	for _, weight := range weights {
		seen := false
		for _, s := range w.steps {
			if s.weight != weight || s.Requests < enough {
				continue
			}
			seen = true
			if got := w.green(s.Counts); math.Abs(got-float64(weight)/100) > deviation {
				return fmt.Errorf("at %d %% the new version gave %.1f %% of %d answers", weight, 100*got, s.Requests)
			}
		}
		if !seen {
			return fmt.Errorf("the traffic was not long enough at %d %% to measure it", weight)
		}
	}
	return nil
}

// green is the part of the requests that green got, 0 to 1: all but those that
// somebody else answered, for a failed one does not say who failed it.
func (w *watcher) green(c load.Counts) float64 {
	n := c.Requests
	for page, answers := range c.Versions {
		if !strings.Contains(page, w.version) {
			n -= answers
		}
	}
	return float64(n) / float64(max(c.Requests, 1))
}

// share is the part of the requests that a version answered.
func share(c load.Counts, version string) float64 {
	n := 0
	for page, answers := range c.Versions {
		if strings.Contains(page, version) {
			n += answers
		}
	}
	return float64(n) / float64(max(c.Requests, 1))
}
