package lambda

import (
	"context"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/slipway-dev/slipway/internal/clock"
)

// accountConcurrency is how many events may be under way: AWS's default.
const accountConcurrency = 1000

// unreservable is how many of them stay for functions without a reservation.
const unreservable = 100

// idleLife is how long an instance without an event is kept; settleTime, how
// long events wait for one that has answered rather than start another.
const (
	idleLife   = 5 * time.Minute
	settleTime = 100 * time.Millisecond
)

// pool has the instances, in a fleet for each configuration that runs.
type pool struct {
	s *Service
	// Instances at once, and containers being made at once, but for the first of
	// each fleet; other events wait. Often a warm instance is sooner free than
	// another is made.
	limit, breadth int

	mu        sync.Mutex
	closed    bool
	fleets    map[fleetKey]*fleet
	instances map[string]*instance // by id, from before their start to their end
	under     map[string]int32     // events under way, by region/function
	total     int32
	making    int // containers
}

type fleetKey struct{ Region, Function, Version, Generation string }

// fleet is the instances of one version.
type fleet struct {
	key     fleetKey
	target  *target
	all     map[*instance]bool
	idle    []*instance  // the last used at the end
	coming  int          // instances that will soon have no event: they start, or have just answered
	waiting []chan grant // events, in the order they came
	retired bool
}

// grant is an instance for an event that waits, or why there is none.
type grant struct {
	*instance
	error
}

func newPool(s *Service) *pool {
	return &pool{s: s, limit: max(20, 4*runtime.NumCPU()), breadth: max(4, runtime.NumCPU()), fleets: map[fleetKey]*fleet{}, instances: map[string]*instance{}, under: map[string]int32{}}
}

// enter counts an event in, within the function's reservation and the account's
// limit.
func (p *pool) enter(t *target) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	key := t.Region + "/" + t.Function
	switch {
	case t.Reserved != nil && p.under[key] >= *t.Reserved:
		return throttling("ReservedFunctionConcurrentInvocationLimitExceeded")
	case p.total >= accountConcurrency:
		return throttling("ConcurrentInvocationLimitExceeded")
	}
	p.under[key]++
	p.total++
	return nil
}

func (p *pool) leave(t *target) {
	p.mu.Lock()
	defer p.mu.Unlock()
	key := t.Region + "/" + t.Function
	if p.under[key]--; p.under[key] == 0 {
		delete(p.under, key)
	}
	p.total--
}

// acquire returns an instance for one event: one that is idle, or the first that
// becomes so, or a new one.
func (p *pool) acquire(ctx context.Context, t *target) (*instance, error) {
	key := fleetKey{t.Region, t.Function, *t.Version, t.Generation}
	p.mu.Lock()
	f := p.fleets[key]
	if f == nil {
		f = &fleet{key: key, target: t, all: map[*instance]bool{}}
		p.fleets[key] = f
	}
	for len(f.idle) > 0 {
		i := f.idle[len(f.idle)-1]
		f.idle = f.idle[:len(f.idle)-1]
		i.idling.Stop()
		if i.fresh(p.s.Clock.Now()) {
			p.mu.Unlock()
			return i, nil
		}
		p.discard(i)
	}
	c := make(chan grant, 1)
	f.waiting = append(f.waiting, c)
	p.grow()
	p.mu.Unlock()
	select {
	case g := <-c:
		return g.instance, g.error
	case <-ctx.Done():
		p.mu.Lock()
		f.waiting = slices.DeleteFunc(f.waiting, func(w chan grant) bool { return w == c })
		p.mu.Unlock()
		select {
		case g := <-c:
			if g.instance != nil {
				p.release(g.instance)
			}
		default:
		}
		return nil, ctx.Err()
	}
}

// grow starts instances for the events that wait, as many as there is room for,
// and one for each fleet in any case: functions that call others must not have
// taken all the room. The caller holds mu.
func (p *pool) grow() {
	if p.closed {
		return
	}
	for _, f := range p.fleets {
		for f.coming < len(f.waiting) {
			if len(f.all) > 0 && p.making >= p.breadth {
				break
			}
			if len(p.instances) >= p.limit && !p.evict() && len(f.all) > 0 {
				break
			}
			f.coming++
			i := newInstance(p.s, f)
			p.making, i.making = p.making+1, true
			p.instances[i.id] = i
			f.all[i] = true
			p.s.busy.Go(func() { p.started(i, i.start()) })
		}
	}
}

// evict makes room by ending the instance that has been idle for longest.
func (p *pool) evict() bool {
	var oldest *instance
	for _, f := range p.fleets {
		if len(f.idle) > 0 && (oldest == nil || f.idle[0].since.Before(oldest.since)) {
			oldest = f.idle[0]
		}
	}
	if oldest == nil {
		return false
	}
	p.drop(oldest)
	return true
}

// made notes that an instance's container is there, whatever its runtime does
// next. The caller holds mu.
func (p *pool) made(i *instance) {
	if i.making {
		p.making, i.making = p.making-1, false
	}
}

// called is made for an instance whose first process has called.
func (p *pool) called(i *instance) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.made(i)
	p.grow()
}

// started takes in an instance whose start went well, or not.
func (p *pool) started(i *instance, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	i.fleet.coming--
	p.made(i)
	if err == nil {
		p.hand(i)
		return
	}
	p.discard(i)
	if f := i.fleet; len(f.waiting) > 0 {
		f.waiting[0] <- grant{error: err}
		f.waiting = f.waiting[1:]
	}
	p.grow()
}

// release takes an instance back that has no event.
func (p *pool) release(i *instance) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.hand(i)
}

// answered notes that an instance's event is answered: settle follows.
func (p *pool) answered(i *instance) {
	p.mu.Lock()
	defer p.mu.Unlock()
	i.fleet.coming++
}

// settle takes an instance back when its runtime asks for the next event, which
// it has to do before the last one's time is over: until then it may go on with
// what the function began, or end.
func (p *pool) settle(i *instance, within time.Duration) {
	soon := time.NewTimer(settleTime)
	defer soon.Stop()
	select {
	case <-i.asked:
	case <-i.dead:
	case <-soon.C:
		// Events need not wait for it.
		p.late(i)
		end := time.NewTimer(within)
		defer end.Stop()
		select {
		case <-i.asked:
		case <-i.dead:
		case <-end.C:
			i.kill()
		}
		p.release(i)
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	i.fleet.coming--
	p.hand(i)
}

// late notes that an instance that has answered goes on working.
func (p *pool) late(i *instance) {
	p.mu.Lock()
	defer p.mu.Unlock()
	i.fleet.coming--
	p.grow()
}

// hand gives an instance to the next event, keeps it, or ends it.
func (p *pool) hand(i *instance) {
	f, now := i.fleet, p.s.Clock.Now()
	switch {
	case p.closed || f.retired && len(f.waiting) == 0 || !i.fresh(now):
		p.discard(i)
		p.grow()
	case len(f.waiting) > 0:
		f.waiting[0] <- grant{instance: i}
		f.waiting = f.waiting[1:]
	default:
		i.since = now
		i.idling = p.s.Clock.AfterFunc(idleLife, func() { p.expire(i) })
		f.idle = append(f.idle, i)
		p.grow() // another fleet may want its place
	}
}

// expire ends an instance that nobody has used.
func (p *pool) expire(i *instance) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if slices.Contains(i.fleet.idle, i) {
		p.drop(i)
	}
}

// died forgets an instance that ended by itself.
func (p *pool) died(i *instance) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if slices.Contains(i.fleet.idle, i) {
		p.drop(i)
	}
}

// drop ends an idle instance.
func (p *pool) drop(i *instance) {
	i.idling.Stop()
	i.fleet.idle = slices.DeleteFunc(i.fleet.idle, func(o *instance) bool { return o == i })
	p.discard(i)
}

// discard ends an instance that no list has any more. The caller holds mu.
func (p *pool) discard(i *instance) {
	f := i.fleet
	delete(p.instances, i.id)
	delete(f.all, i)
	if len(f.all) == 0 && len(f.waiting) == 0 && p.fleets[f.key] == f {
		delete(p.fleets, f.key)
	}
	p.s.busy.Go(i.remove)
}

// retire ends the instances of a function's version that are not of a
// generation, at once or after their event. version "" is all of them.
func (p *pool) retire(region, function, version, generation string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for key, f := range p.fleets {
		if key.Region != region || key.Function != function || version != "" && key.Version != version || key.Generation == generation {
			continue
		}
		f.retired = true
		for _, i := range slices.Clone(f.idle) {
			p.drop(i)
		}
		if len(f.waiting) == 0 {
			delete(p.fleets, key)
		}
	}
}

// find is the instance of an id that may connect.
func (p *pool) find(id string) *instance {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.instances[id]
}

// close ends all instances.
func (p *pool) close() {
	p.mu.Lock()
	p.closed = true
	all := make([]*instance, 0, len(p.instances))
	for _, i := range p.instances {
		all = append(all, i)
	}
	p.mu.Unlock()
	var wg sync.WaitGroup
	for _, i := range all {
		wg.Go(i.remove)
	}
	wg.Wait()
}

// noTimer is that of an instance that was never idle.
type noTimer struct{}

func (noTimer) Stop() bool { return false }

var _ clock.Timer = noTimer{}
