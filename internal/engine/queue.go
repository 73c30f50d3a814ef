package engine

import (
	"cmp"
	"container/heap"
	"slices"
	"time"
)

// state is where a job stands, see doc.go.
type state int

const (
	timed state = iota
	queued
	ready
	running
	held
	gone
)

// entry is a job in memory: its order and state, not its payload.
type entry struct {
	kind, id, key string
	seq           uint64
	at            time.Time
	attempt       int
	state         state
	slot          int    // place in the timer heap; -1 outside
	next          *entry // enqueued while this one ran
	wasHeld       bool
}

func newEntry(w *row) *entry {
	return &entry{kind: w.Kind, id: w.ID, key: w.Key, seq: w.Seq, at: w.At,
		attempt: w.Attempt, wasHeld: w.Held, slot: -1}
}

func (n *entry) rowKey() string { return table.Key(n.kind, n.id) }

// kind is the jobs of one handler.
type kind struct {
	name    string
	handler Handler
	limit   int
	running int
	ready   []*entry // in order; may hold entries that are gone
	keys    map[string]*keyQueue
}

// keyQueue is the jobs of one Key: the owner is ready, running or held.
type keyQueue struct {
	owner   *entry
	waiting seqHeap // may hold entries that are gone
}

// arrive takes in a job that is not in memory; e.mu is held.
func (e *Engine) arrive(n *entry) {
	k := e.kinds[n.kind]
	if k == nil {
		return // enqueued before Start and never registered
	}
	e.index[n.rowKey()] = n
	if n.at.After(e.cfg.Clock.Now()) {
		n.state = timed
		if n.wasHeld && n.key != "" && k.keys[n.key] == nil {
			k.keys[n.key] = &keyQueue{owner: n}
			n.state = held
		}
		heap.Push(&e.timers, n)
		e.arm()
		return
	}
	e.due(k, n)
}

// due lets a job whose time has come queue for its key.
func (e *Engine) due(k *kind, n *entry) {
	if n.key != "" && n.state != held {
		q := k.keys[n.key]
		if q != nil {
			n.state = queued
			heap.Push(&q.waiting, n)
			return
		}
		k.keys[n.key] = &keyQueue{owner: n}
	}
	e.makeReady(k, n)
}

func (e *Engine) makeReady(k *kind, n *entry) {
	n.state = ready
	e.active++
	k.ready = append(k.ready, n)
	e.pump(k)
}

// pump starts what may run.
func (e *Engine) pump(k *kind) {
	for !e.stopped && k.running < k.limit && len(k.ready) > 0 {
		n := k.ready[0]
		k.ready = k.ready[1:]
		if n.state != ready {
			continue
		}
		n.state = running
		k.running++
		e.running.Add(1)
		go e.run(k, n)
	}
}

// leave takes a job out of the queues, whichever it is in, and lets the next
// of its key move up.
func (e *Engine) leave(n *entry) {
	was := n.state
	n.state = gone
	if n.slot >= 0 {
		heap.Remove(&e.timers, n.slot)
	}
	if was == ready || was == running {
		e.active--
	}
	k := e.kinds[n.kind]
	q := k.keys[n.key]
	if n.key == "" || q == nil || q.owner != n {
		return
	}
	for q.waiting.Len() > 0 {
		if next := heap.Pop(&q.waiting).(*entry); next.state == queued {
			q.owner = next
			e.makeReady(k, next)
			return
		}
	}
	delete(k.keys, n.key)
}

// unlock releases e.mu and, if nothing is active, those who wait for that.
func (e *Engine) unlock() {
	if e.active == 0 {
		for _, c := range e.idlers {
			close(c)
		}
		e.idlers = nil
	}
	e.mu.Unlock()
}

// arm sets the clock's timer to the earliest job.
func (e *Engine) arm() {
	if e.stopped || len(e.timers) == 0 {
		return
	}
	at := e.timers[0].at
	if e.timer != nil {
		if !at.Before(e.timerAt) {
			return // fires earlier, and will arm again
		}
		e.timer.Stop()
	}
	e.timerAt = at
	e.timer = e.cfg.Clock.AfterFunc(at.Sub(e.cfg.Clock.Now()), func() { e.ring(at) })
}

// ring makes due what the clock has reached.
func (e *Engine) ring(at time.Time) {
	e.mu.Lock()
	defer e.unlock()
	if e.stopped {
		return
	}
	if e.timerAt.Equal(at) {
		e.timer = nil
	}
	now := e.cfg.Clock.Now()
	var reached []*entry
	for len(e.timers) > 0 && !e.timers[0].at.After(now) {
		reached = append(reached, heap.Pop(&e.timers).(*entry))
	}
	slices.SortFunc(reached, func(a, b *entry) int { return cmp.Compare(a.seq, b.seq) })
	for _, n := range reached {
		e.due(e.kinds[n.kind], n)
	}
	e.arm()
}

func sortBySeq(effects []effect) {
	slices.SortFunc(effects, func(a, b effect) int { return cmp.Compare(a.entry.seq, b.entry.seq) })
}

// timerHeap has the earliest job first.
type timerHeap []*entry

func (h timerHeap) Len() int { return len(h) }
func (h timerHeap) Less(i, j int) bool {
	if h[i].at.Equal(h[j].at) {
		return h[i].seq < h[j].seq
	}
	return h[i].at.Before(h[j].at)
}
func (h timerHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].slot, h[j].slot = i, j
}
func (h *timerHeap) Push(x any) {
	n := x.(*entry)
	n.slot = len(*h)
	*h = append(*h, n)
}
func (h *timerHeap) Pop() any {
	old := *h
	n := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	n.slot = -1
	return n
}

// seqHeap has the job first that was enqueued first.
type seqHeap []*entry

func (h seqHeap) Len() int           { return len(h) }
func (h seqHeap) Less(i, j int) bool { return h[i].seq < h[j].seq }
func (h seqHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *seqHeap) Push(x any)        { *h = append(*h, x.(*entry)) }
func (h *seqHeap) Pop() any {
	old := *h
	n := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	return n
}
