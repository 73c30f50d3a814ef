// Package engine makes state machines durable. A transition is one database
// transaction that writes the new state, enqueues the jobs that follow from it
// and emits events; after the commit the jobs run at once, in this process,
// without polling. A job that has begun when the process dies runs again.
package engine

import (
	"context"
	"encoding/json"
	"log/slog"
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

// Tx is a store transaction that can also enqueue and cancel jobs.
type Tx struct {
	store.Tx
	engine *Engine
	// unexported: enqueued, cancelled
}

// NewJob asks for work.
type NewJob struct {
	// Kind names the handler, e.g. "codebuild.run".
	Kind string
	// ID makes a job known: a second job of the same Kind and ID replaces the
	// first if that has not begun; if it has begun, it runs once more after.
	// Empty means a fresh ID.
	ID string
	// Key orders: jobs of one Kind with the same non-empty Key run one after
	// another in the order they were enqueued (among those that are due).
	Key string
	// At is when the job may run; zero or past means after the commit.
	At time.Time
	// Payload is kept as JSON.
	Payload any
}

// Job is work to do, as a handler sees it.
type Job struct {
	Kind, ID, Key string
	Payload       json.RawMessage
	// Attempt is 1 the first time, and grows with retries and crashes.
	Attempt int
	At      time.Time
}

// Handler does a job. It must be harmless to run twice. A nil return ends the
// job; an error runs it again later (100 ms doubling to 1 minute), for ever:
// what cannot succeed must be recorded as failed by the handler itself.
// RetryAt(t) as error runs it again at t. ctx ends when the engine stops; then
// the job runs again at the next start, whatever the handler returns.
type Handler func(ctx context.Context, job *Job) error

// Options of a handler.
type Options struct {
	// Concurrency is the most jobs of the kind that run at once; 0 means 64.
	Concurrency int
}

// Engine runs jobs.
type Engine struct{ cfg Config }

// New returns an engine that does nothing before Start.
func New(cfg Config) *Engine { return &Engine{cfg: cfg} }

// Handle registers the handler of a kind; before Start only.
func (e *Engine) Handle(kind string, opts Options, h Handler) { panic("engine: not yet") }

// Start loads what is pending and begins to run it; Stop by cancelling ctx and
// calling Wait.
func (e *Engine) Start(ctx context.Context) error { panic("engine: not yet") }

// Wait returns when all handlers have returned after ctx of Start ended.
func (e *Engine) Wait() { panic("engine: not yet") }

// View reads.
func (e *Engine) View(ctx context.Context, fn func(store.Reader) error) error {
	return e.cfg.Store.View(ctx, fn)
}

// Update is one transition. Jobs become runnable when it has committed.
func (e *Engine) Update(ctx context.Context, fn func(*Tx) error) error { panic("engine: not yet") }

// Now is the clock's time in UTC, to the millisecond as AWS keeps it.
func (e *Engine) Now() time.Time { return e.cfg.Clock.Now().UTC().Truncate(time.Millisecond) }

// Enqueue adds a job to the transition.
func (tx *Tx) Enqueue(j NewJob) error { panic("engine: not yet") }

// Cancel removes a job that has not begun; no error if there is none.
func (tx *Tx) Cancel(kind, id string) error { panic("engine: not yet") }

// RetryAt makes a handler's job run again at t without counting as a failure.
func RetryAt(t time.Time) error { panic("engine: not yet") }
