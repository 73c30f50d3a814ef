package lambda

import (
	"context"
	"errors"
	"io"
	"runtime"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/slipway-dev/slipway/internal/clock"
	"github.com/slipway-dev/slipway/internal/compute"
	"github.com/slipway-dev/slipway/internal/id"
	"github.com/slipway-dev/slipway/internal/runtimeapi"
)

// hall is a pool whose instances are there at once, without containers.
type hall struct {
	*pool
	t     *testing.T
	clock *clock.Fake
}

func newHall(t *testing.T) *hall {
	c := clock.NewFake(time.Unix(0, 0))
	s := &Service{Config: Config{Clock: c, IDs: id.Random, Dir: t.TempDir()}, ending: t.Context()}
	h := &hall{newPool(s), t, c}
	s.pool = h.pool
	t.Cleanup(s.busy.Wait)
	return h
}

func (h *hall) target(name, generation string) *target {
	v := &version{Generation: generation}
	v.Version, v.Timeout = aws.String(latest), aws.Int32(3)
	return &target{version: v, Region: "us-east-1", Function: name}
}

// add makes an idle instance of a fleet.
func (h *hall) add(t *target) *instance {
	key := fleetKey{t.Region, t.Function, *t.Version, t.Generation}
	f := h.fleets[key]
	if f == nil {
		f = &fleet{key: key, target: t, all: map[*instance]bool{}}
		h.fleets[key] = f
	}
	i := &instance{s: h.s, id: id.Hex(id.Random, 8), fleet: f, target: t, idling: noTimer{}, asked: make(chan struct{}, 1), dead: make(chan struct{}), expires: h.clock.Now().Add(time.Hour)}
	h.instances[i.id], f.all[i] = i, true
	h.hand(i)
	return i
}

func (h *hall) take(t *target) *instance {
	h.t.Helper()
	i, err := h.acquire(context.Background(), t)
	if err != nil {
		h.t.Fatal(err)
	}
	return i
}

func TestPool(t *testing.T) {
	h := newHall(t)
	a := h.target("a", "1")
	one, two := h.add(a), h.add(a)
	if h.take(a) != two {
		t.Error("not the last that was used")
	}
	h.release(two)
	h.clock.Advance(idleLife - time.Second)
	if h.take(a) != two {
		t.Error("not the last that was used")
	}
	h.clock.Advance(time.Second) // one has been idle for long enough
	if h.find(one.id) != nil || h.find(two.id) == nil {
		t.Error("the idle one goes on, or the busy one does not")
	}

	// An event that waits gets the instance that becomes free.
	h.limit = 1
	got := make(chan *instance)
	go func() { got <- h.take(a) }()
	for waiting := 0; waiting == 0; {
		h.mu.Lock()
		waiting = len(two.fleet.waiting)
		h.mu.Unlock()
		runtime.Gosched()
	}
	h.release(two)
	if <-got != two {
		t.Error("another instance")
	}

	// What is retired while it is busy ends with its event.
	h.retire("us-east-1", "a", latest, "2")
	if h.find(two.id) == nil {
		t.Error("a busy instance was ended")
	}
	h.release(two)
	if h.find(two.id) != nil || len(h.fleets) != 0 {
		t.Error("a retired instance goes on")
	}

	// Credentials must outlive the next event; a runtime that has ended is none.
	old := h.add(a)
	old.expires = h.clock.Now().Add(time.Minute)
	dead := h.add(a)
	dead.end(dead.exit)
	if h.find(dead.id) != nil {
		t.Error("a dead instance is idle")
	}
	fresh := h.add(a)
	if h.take(a) != fresh {
		t.Error("not the fresh one")
	}
	h.release(fresh)

	// Room is made by the one that has been idle for longest.
	h.mu.Lock()
	made := h.evict()
	h.mu.Unlock()
	if !made || h.find(old.id) != nil || h.find(fresh.id) == nil {
		t.Error("the wrong one was ended")
	}
}

// absent is an engine that does not answer.
type absent struct{ compute.Compute }

func (absent) Info(context.Context) (compute.Info, error) {
	return compute.Info{}, compute.ErrUnavailable
}

// The first instance of a function is made in any case; if there are enough of
// others, one that is idle makes room.
func TestFirstMakesRoom(t *testing.T) {
	h := newHall(t)
	h.s.Compute, h.limit = absent{}, 1
	idle, busy := h.add(h.target("a", "1")), h.add(h.target("b", "1"))
	h.take(busy.target)
	first := h.target("c", "1")
	first.LoggingConfig = logging(nil, "c")
	for range 2 { // with and without one that is idle
		if _, err := h.acquire(t.Context(), first); !errors.Is(err, compute.ErrUnavailable) {
			t.Error(err)
		}
	}
	if h.find(idle.id) != nil || h.find(busy.id) == nil {
		t.Error("the idle one goes on, or the busy one does not")
	}
}

// An instance that has answered is given the next event when its runtime asks,
// and events wait for that a little while; one that ends instead is no more.
func TestSettle(t *testing.T) {
	h := newHall(t)
	a := h.target("a", "1")
	i := h.add(a)
	h.take(a)
	h.answered(i)
	got := make(chan *instance)
	go func() { got <- h.take(a) }()
	i.asked <- struct{}{}
	h.settle(i, time.Minute)
	if <-got != i || len(i.fleet.all) != 1 {
		t.Errorf("%d instances", len(i.fleet.all))
	}
	h.answered(i)
	close(i.dead)
	h.settle(i, time.Minute)
	if h.find(i.id) != nil || i.fleet.coming != 0 {
		t.Error("it has ended, and goes on")
	}

	// One that never asks has what is left of its time.
	slow := h.add(a)
	slow.conn = runtimeapi.NewConn(closed{}, nil)
	h.take(a)
	h.answered(slow)
	h.settle(slow, time.Millisecond)
	if h.find(slow.id) != nil || slow.fleet.coming != 0 {
		t.Error("it has not asked, and goes on")
	}
}

// closed is a connection that nobody is at the other end of.
type closed struct{}

func (closed) Read([]byte) (int, error)    { return 0, io.EOF }
func (closed) Write(b []byte) (int, error) { return len(b), nil }
func (closed) Close() error                { return nil }

func TestReservation(t *testing.T) {
	h := newHall(t)
	a := h.target("a", "1")
	a.Reserved = aws.Int32(1)
	if err := h.enter(a); err != nil {
		t.Fatal(err)
	}
	if err := h.enter(a); err == nil {
		t.Error("more than reserved")
	}
	if err := h.enter(h.target("b", "1")); err != nil {
		t.Error(err)
	}
	h.leave(a)
	if err := h.enter(a); err != nil {
		t.Error(err)
	}
}
