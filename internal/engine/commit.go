package engine

// commit is the effects of one transaction until they are applied. The store
// may commit several transactions together and wake their callers in any
// order; jobs of one key must not overtake each other then. So effects are
// noted inside the transaction and applied strictly in that order, each when
// its outcome, and those of all before it, are known.
type commit struct {
	effects []effect
	load    bool // Start's: jobs run from here on
	state   commitState
	applied chan struct{}
}

type commitState int

const (
	pending commitState = iota
	committed
	undone
)

func (c *commit) settled() bool {
	select {
	case <-c.applied:
		return true
	default:
		return c.state != pending // written by this goroutine only
	}
}

func (e *Engine) note(effects []effect, load bool) *commit {
	c := &commit{effects: effects, load: load, applied: make(chan struct{})}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.commits = append(e.commits, c)
	return c
}

// settle tells the outcome of c and applies all whose turn it is.
func (e *Engine) settle(c *commit, ok bool) {
	e.mu.Lock()
	defer e.unlock()
	c.state = undone
	if ok {
		c.state = committed
	}
	for len(e.commits) > 0 && e.commits[0].state != pending {
		first := e.commits[0]
		e.commits = e.commits[1:]
		if first.state == committed {
			if first.load {
				e.started = true
			}
			for _, f := range first.effects {
				e.apply(f)
			}
		}
		close(first.applied)
	}
}

// apply makes one effect known; e.mu is held.
func (e *Engine) apply(f effect) {
	if !e.started || e.stopped {
		return // Start will find the row, or the next Start
	}
	old := e.index[f.key]
	if f.entry == nil {
		if old != nil && old.seq < f.seq {
			e.forget(f.key, old)
		}
		return
	}
	switch {
	case old == nil:
	case old.state == running:
		old.next = f.entry
		return
	default:
		e.forget(f.key, old)
	}
	e.arrive(f.entry)
}

// forget takes out a job that was cancelled or replaced.
func (e *Engine) forget(key string, old *entry) {
	if old.state == running {
		old.next = nil
		return
	}
	delete(e.index, key)
	e.leave(old)
}
