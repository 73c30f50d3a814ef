package codebuild

import (
	"context"
	"os"
	"sync"

	"github.com/slipway-dev/slipway/internal/compute"
	"github.com/slipway-dev/slipway/internal/id"
)

// pool keeps containers whose agents wait for a build, so that one need not be
// started when it comes. It is of this process: what it leaves behind has no
// owner and is removed by the next.
type pool struct {
	s *Service

	mu      sync.Mutex
	workers map[string]*waiting
	wake    map[string]chan struct{} // of agents whose build has been assigned
	recent  []class                  // that were wanted, the latest last
	closed  bool
}

type waiting struct {
	class class
	ready bool // it runs: a build need not wait for the agent's first question
	asked bool // the agent has asked for work
	taken bool // about to be assigned; not counted any more
}

// classes is for how many kinds of build containers wait: plain and privileged.
const classes = 2

func newPool(s *Service) *pool {
	return &pool{s: s, workers: map[string]*waiting{}, wake: map[string]chan struct{}{}}
}

// want sees to it, in the background, that containers of a class wait.
func (p *pool) want(c class) {
	if p.s.Warm <= 0 || !curated(c.Image) {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || p.s.ending.Err() != nil {
		return
	}
	var drop []string
	recent := []class{}
	for _, r := range p.recent {
		if r != c {
			recent = append(recent, r)
		}
	}
	if recent = append(recent, c); len(recent) > classes {
		for worker, w := range p.workers {
			if w.class == recent[0] && !w.taken {
				drop = append(drop, worker)
				delete(p.workers, worker)
			}
		}
		recent = recent[1:]
	}
	p.recent = recent
	n := 0
	for _, w := range p.workers {
		if w.class == c && !w.taken {
			n++
		}
	}
	for ; n < p.s.Warm; n++ {
		worker := id.Hex(p.s.IDs, 24)
		p.workers[worker] = &waiting{class: c}
		p.s.busy.Go(func() { p.launch(worker, c) })
	}
	for _, worker := range drop {
		p.s.busy.Go(func() { p.remove(worker) })
	}
}

func (p *pool) launch(worker string, c class) {
	ctx := p.s.ending
	cid, err := p.create(ctx, worker, c)
	p.mu.Lock()
	w, still := p.workers[worker]
	if still {
		if w.ready = cid != ""; err != nil {
			delete(p.workers, worker)
		}
	}
	p.mu.Unlock()
	if err != nil {
		if ctx.Err() == nil {
			p.s.Log.Warn("no warm container", "image", c.Image, "err", err)
		}
		p.remove(worker)
	}
}

func (p *pool) create(ctx context.Context, worker string, c class) (string, error) {
	info, err := p.s.Compute.Info(ctx)
	if err != nil || !info.Images {
		return "", err // a process starts in no time
	}
	images, ok := p.s.Compute.(compute.ImageStore)
	if !ok {
		return "", compute.ErrUnsupported
	}
	reference := p.s.mapped(c.Image)
	if _, err := images.EnsureImage(ctx, reference, compute.PullMissing, nil); err != nil {
		return "", err
	}
	spec, err := p.s.spec(worker, c, reference, "")
	if err != nil {
		return "", err
	}
	spec.Name = "slipway-warm-" + worker
	spec.Labels[compute.LabelRole] = "warm"
	cid, err := p.s.Compute.Create(ctx, spec)
	if err != nil {
		return "", err
	}
	return cid, p.s.Compute.Start(ctx, cid)
}

// take hands out a container whose agent waits; "" if there is none.
func (p *pool) take(c class) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	for worker, w := range p.workers {
		if w.class == c && w.ready && !w.taken {
			w.taken = true
			return worker
		}
	}
	return ""
}

// put takes back what was not used; it is removed rather than trusted.
func (p *pool) put(worker string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.workers, worker)
	p.s.busy.Go(func() { p.remove(worker) })
}

// assigned wakes the agent that has been given a build.
func (p *pool) assigned(worker string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.workers, worker)
	if c := p.wake[worker]; c != nil {
		close(c)
		delete(p.wake, worker)
	}
}

// wait notes that an agent asks for work. It returns what is closed when there
// is some, and whether the agent belongs to the pool.
func (p *pool) wait(worker string) (<-chan struct{}, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	w, ok := p.workers[worker]
	if ok {
		w.ready, w.asked = true, true
	}
	c := p.wake[worker]
	if c == nil {
		c = make(chan struct{})
		p.wake[worker] = c
	}
	return c, ok
}

// forget ends the bookkeeping of an agent that is not asking any more.
func (p *pool) forget(worker string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.wake, worker)
}

// knows tells whether a container waits here.
func (p *pool) knows(worker string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	_, ok := p.workers[worker]
	return ok
}

// died forgets a container that has ended, and starts another.
func (p *pool) died(worker string) {
	p.mu.Lock()
	w, ok := p.workers[worker]
	if ok && w.taken { // its build will notice
		ok = false
	} else {
		delete(p.workers, worker)
	}
	p.mu.Unlock()
	if ok {
		p.put(worker)
		// Not at once another of what dies by itself.
		if w.asked {
			p.want(w.class)
		}
	}
}

// remove removes a container of the pool with its directory.
func (p *pool) remove(worker string) {
	ctx, cancel := context.WithTimeout(context.Background(), removal)
	defer cancel()
	c, err := p.s.container(ctx, worker)
	if err == nil && c != nil {
		err = p.s.Compute.Remove(ctx, c.ID)
	}
	if err != nil {
		p.s.Log.Warn("warm container is left", "err", err)
	}
	_ = os.RemoveAll(p.s.workerDir(worker))
}

// close removes all containers that wait.
func (p *pool) close() {
	p.mu.Lock()
	p.closed = true
	var all []string
	for worker := range p.workers {
		all = append(all, worker)
	}
	clear(p.workers)
	p.mu.Unlock()
	var wg sync.WaitGroup
	for _, worker := range all {
		wg.Go(func() { p.remove(worker) })
	}
	wg.Wait()
}
