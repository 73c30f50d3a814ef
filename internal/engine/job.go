package engine

import (
	"context"
	"encoding/json"
	"errors"
	"sync/atomic"
	"time"

	"github.com/slipway-dev/slipway/internal/store"
)

// NewJob asks for work.
type NewJob struct {
	// Kind names the handler, e.g. "codebuild.run".
	Kind string
	// ID makes a job known: a second job of the same Kind and ID replaces the
	// first if that has not begun; if it has begun, it runs once more after.
	// Empty means a fresh ID.
	ID string
	// Key orders: jobs of one Kind with the same non-empty Key run one after
	// another in the order they were enqueued (among those that are due). One
	// that fails holds up the others until it succeeds.
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
	// Attempt is 1 the first time, and grows with retries and crashes. Above 1
	// means that the job may have begun before, not that it did: a job that
	// was due when the process ended counts as begun.
	Attempt int
	At      time.Time

	seq  uint64
	done atomic.Bool // its row is gone, by Tx.Done
}

// Handler does a job. It must be harmless to run twice. A nil return ends the
// job; an error runs it again later (100 ms doubling to 1 minute), for ever:
// what cannot succeed must be recorded as failed by the handler itself. A
// panic is an error too. RetryAt(t) as error runs it again at t. ctx ends when
// the engine stops; then the job runs again at the next start, whatever the
// handler returns.
type Handler func(ctx context.Context, job *Job) error

type retryAt struct{ at time.Time }

func (retryAt) Error() string { return "engine: retry later" }

// RetryAt makes a handler's job run again at t without counting as a failure.
func RetryAt(t time.Time) error { return retryAt{t} }

const (
	firstBackoff = 100 * time.Millisecond
	lastBackoff  = time.Minute
)

// backoff is the wait after an attempt failed, the first being 1.
func backoff(attempt int) time.Duration {
	d := firstBackoff
	for i := 1; i < attempt && d < lastBackoff; i++ {
		d *= 2
	}
	return min(d, lastBackoff)
}

// row is a job as the store keeps it.
type row struct {
	Kind    string
	ID      string
	Key     string `json:",omitempty"`
	Seq     uint64
	At      time.Time
	Attempt int  // of the next run
	Held    bool `json:",omitempty"` // failed, keeps its Key
	Payload json.RawMessage
}

const table store.Table[row] = "engine.job"

// rowIn returns the row of a job if it is still the one numbered seq.
func rowIn(r store.Reader, kind, id string, seq uint64) (*row, error) {
	w, err := table.Get(r, kind, id)
	if errors.Is(err, store.ErrNotFound) || err == nil && w.Seq != seq {
		return nil, nil
	}
	return w, err
}
