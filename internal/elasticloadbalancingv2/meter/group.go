package meter

import (
	"sync/atomic"
	"time"
)

// Group is what happens between a load balancer and one of its target groups.
type Group struct {
	Path     string // NAME/ID
	balancer *Balancer

	// Requests are those for which there was a target.
	Requests atomic.Int64
	// Unreached are connections to targets that could not be made.
	Unreached atomic.Int64

	classes   [6]atomic.Int64 // targets' answers: [2] is 2XX
	durations durations

	healthy, unhealthy atomic.Int64
	hosts              atomic.Bool // are to be reported
}

// Balancer is the load balancer of the group.
func (g *Group) Balancer() *Balancer { return g.balancer }

// Answered counts an answer of a target that began d after the request was sent.
func (g *Group) Answered(status int, d time.Duration) {
	if class := status / 100; class >= 2 && class < len(g.classes) {
		g.classes[class].Add(1)
	}
	g.durations.add(d)
}

// Hosts says how many targets there are; changed is whether that is news.
func (g *Group) Hosts(healthy, unhealthy int) (changed bool) {
	a := g.healthy.Swap(int64(healthy))
	b := g.unhealthy.Swap(int64(unhealthy))
	changed = a != int64(healthy) || b != int64(unhealthy)
	if changed {
		g.hosts.Store(true)
	}
	return changed
}

// Again has the hosts reported at the next Take, and tells whether there are any.
func (g *Group) Again() bool {
	any := g.healthy.Load()+g.unhealthy.Load() > 0
	g.hosts.Store(any)
	return any
}

// taken is what was taken out of a group, or of several.
type taken struct {
	requests, unreached int64
	classes             [6]int64
	durations           [buckets]int64
	answers             int64
	healthy, unhealthy  int64
	hosts               bool
}

func (g *Group) take() (t taken) {
	t.requests, t.unreached = g.Requests.Swap(0), g.Unreached.Swap(0)
	for i := range g.classes {
		t.classes[i] = g.classes[i].Swap(0)
	}
	t.answers = g.durations.take(&t.durations)
	t.healthy, t.unhealthy = g.healthy.Load(), g.unhealthy.Load()
	t.hosts = g.hosts.Swap(false) && t.healthy+t.unhealthy > 0
	return t
}

func (t *taken) add(o *taken) {
	t.requests += o.requests
	t.unreached += o.unreached
	t.answers += o.answers
	for i := range t.classes {
		t.classes[i] += o.classes[i]
	}
	if o.answers > 0 {
		for i := range t.durations {
			t.durations[i] += o.durations[i]
		}
	}
}
