package proxy

import (
	"fmt"
	"strings"
	"sync"

	"github.com/slipway-dev/slipway/internal/elasticloadbalancingv2/plane"
)

// wheel shares turns by weight, exactly: of any run of as many turns as all
// weights add up to, each has as many as its weight, spread evenly (the smooth
// weighted round-robin that nginx made known).
type wheel struct {
	mu      sync.Mutex
	weights []int
	current []int
}

func newWheel(f *plane.Forward) *wheel {
	w := &wheel{current: make([]int, len(f.Groups))}
	for _, g := range f.Groups {
		w.weights = append(w.weights, g.Weight)
	}
	return w
}

// wheelKey is the same for a rule as long as its weights are.
func wheelKey(r *plane.Rule) string {
	var b strings.Builder
	b.WriteString(r.ARN)
	for _, g := range r.Forward.Groups {
		fmt.Fprintf(&b, " %s=%d", g.Group, g.Weight)
	}
	return b.String()
}

// next is whose turn it is; -1 if all weights are 0.
func (w *wheel) next() int {
	if len(w.weights) == 1 && w.weights[0] > 0 {
		return 0
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	best, total := -1, 0
	for i, weight := range w.weights {
		if weight == 0 {
			continue
		}
		w.current[i] += weight
		total += weight
		if best < 0 || w.current[i] > w.current[best] {
			best = i
		}
	}
	if best >= 0 {
		w.current[best] -= total
	}
	return best
}
