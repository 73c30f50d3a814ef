package demo

import (
	"context"
	"fmt"
	"math"
	"time"
)

// watcher follows a shift of traffic: what the listener says and what the load
// measures.
type watcher struct {
	b       *blueGreen
	blue    string // the target group before the shift
	version string // of green
	weight  int32  // green's, as the listener says
	since   counts // at the last change of the weight
	steps   []step
	started time.Time // when green got traffic
	back    time.Time // when it lost all of it again
}

// step is what was measured at one weight.
type step struct {
	weight int32
	counts
}

func (b *blueGreen) watch(blue, version string) *watcher {
	return &watcher{b: b, blue: blue, version: version, since: b.load.now()}
}

// step is what was counted at the weight that there is now.
func (w *watcher) step() counts { return w.b.load.now().since(w.since) }

// look draws the split as it is now, and keeps a step when the weight changes.
func (w *watcher) look(ctx context.Context) error {
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
		w.weight, w.since = weight, w.b.load.now()
		return nil
	}
	c := w.step()
	w.b.d.redraw(split(weight, c.share(w.version), c))
	return nil
}

// end keeps what was measured at the last weight.
func (w *watcher) end() {
	c := w.step()
	w.steps = append(w.steps, step{w.weight, c})
	w.b.d.keep(split(w.weight, c.share(w.version), c))
}

// check compares what was measured at weights with what was wanted.
func (w *watcher) check(weights ...int32) error {
	for _, weight := range weights {
		seen := false
		for _, s := range w.steps {
			if s.weight != weight || s.Total < enough {
				continue
			}
			seen = true
			if got := s.share(w.version); math.Abs(got-float64(weight)/100) > deviation {
				return fmt.Errorf("at %d %% the new version gave %.1f %% of %d answers", weight, 100*got, s.Total)
			}
		}
		if !seen {
			return fmt.Errorf("the traffic was not long enough at %d %% to measure it", weight)
		}
	}
	return nil
}
