package engine

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/slipway-dev/slipway/internal/clock"
	"github.com/slipway-dev/slipway/internal/id"
	"github.com/slipway-dev/slipway/internal/store"
)

// Config is what an engine needs; all members are required.
type Config struct {
	Store store.Store
	Clock clock.Clock
	IDs   id.Source
	Log   *slog.Logger
}

// Options of a handler.
type Options struct {
	// Concurrency is the most jobs of the kind that run at once; 0 means 64.
	Concurrency int
}

const defaultConcurrency = 64

// Engine runs jobs.
type Engine struct {
	cfg Config

	seqMu sync.Mutex
	seq   uint64 // the last given out; 0 means not yet read from the store

	mu      sync.Mutex
	ctx     context.Context // of Start; nil before
	started bool            // what the store held is loaded
	stopped bool
	kinds   map[string]*kind
	index   map[string]*entry // by row key: every job that waits or runs
	timers  timerHeap
	timer   clock.Timer // for the earliest of timers
	timerAt time.Time
	commits []*commit // in the order of their transactions
	idlers  []chan struct{}
	active  int // jobs that are ready or run
	running sync.WaitGroup
}

// New returns an engine that does nothing before Start.
func New(cfg Config) *Engine {
	return &Engine{cfg: cfg, kinds: map[string]*kind{}, index: map[string]*entry{}}
}

// Handle registers the handler of a kind; before Start only.
func (e *Engine) Handle(name string, opts Options, h Handler) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.ctx != nil {
		panic("engine: Handle after Start: " + name)
	}
	if e.kinds[name] != nil {
		panic("engine: second handler of " + name)
	}
	limit := opts.Concurrency
	if limit == 0 {
		limit = defaultConcurrency
	}
	e.kinds[name] = &kind{name: name, handler: h, limit: limit, keys: map[string]*keyQueue{}}
}

// Start loads what is pending and begins to run it; Stop by cancelling ctx and
// calling Wait.
func (e *Engine) Start(ctx context.Context) error {
	e.mu.Lock()
	if e.ctx != nil {
		e.mu.Unlock()
		panic("engine: started twice")
	}
	e.ctx = ctx
	e.mu.Unlock()
	if err := e.load(ctx); err != nil {
		return err
	}
	context.AfterFunc(ctx, e.stop)
	return nil
}

func (e *Engine) stop() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.stopped = true
	if e.timer != nil {
		e.timer.Stop()
		e.timer = nil
	}
}

// Wait returns when all handlers have returned after ctx of Start ended.
func (e *Engine) Wait() {
	e.mu.Lock()
	ctx := e.ctx
	e.mu.Unlock()
	if ctx == nil {
		return
	}
	<-ctx.Done()
	e.stop() // nothing begins from here on
	e.running.Wait()
}

// Idle is closed when no job runs or could run now; jobs of a later time, and
// failed ones that wait for their next attempt, do not count. It is for tests.
func (e *Engine) Idle() <-chan struct{} {
	e.mu.Lock()
	defer e.mu.Unlock()
	c := make(chan struct{})
	if e.active == 0 {
		close(c)
	} else {
		e.idlers = append(e.idlers, c)
	}
	return c
}

// View reads.
func (e *Engine) View(ctx context.Context, fn func(store.Reader) error) error {
	return e.cfg.Store.View(ctx, fn)
}

// Now is the clock's time in UTC, to the millisecond as AWS keeps it.
func (e *Engine) Now() time.Time { return e.cfg.Clock.Now().UTC().Truncate(time.Millisecond) }
