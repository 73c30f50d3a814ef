package engine

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/slipway-dev/slipway/internal/id"
	"github.com/slipway-dev/slipway/internal/store"
)

// Tx is a store transaction that can also enqueue and cancel jobs.
type Tx struct {
	store.Tx
	engine  *Engine
	effects []effect
	done    []*Job
	after   []func()
}

// effect is what a transaction does to the jobs in memory.
type effect struct {
	key   string // of the row
	entry *entry // nil cancels
	seq   uint64 // of a cancellation: jobs up to it
}

// Update is one transition. Jobs become runnable when it has committed.
func (e *Engine) Update(ctx context.Context, fn func(*Tx) error) error {
	return e.update(ctx, false, fn)
}

func (e *Engine) update(ctx context.Context, load bool, fn func(*Tx) error) error {
	var tx *Tx
	var c *commit
	defer func() { // a panic passes by here
		if c != nil && !c.settled() {
			e.settle(c, false)
		}
	}()
	err := e.cfg.Store.Update(ctx, func(stx store.Tx) error {
		if c != nil { // the store runs fn again: what the first run did is void
			e.settle(c, false)
			c = nil
		}
		tx = &Tx{Tx: stx, engine: e}
		if err := fn(tx); err != nil {
			return err
		}
		if load || len(tx.effects) > 0 {
			// Still inside the transaction, so that commits are in its order.
			c = e.note(tx.effects, load)
		}
		return nil
	})
	if c != nil {
		e.settle(c, err == nil)
		<-c.applied
	}
	if err != nil {
		return err
	}
	for _, job := range tx.done {
		job.done.Store(true)
	}
	for _, f := range tx.after {
		f()
	}
	return nil
}

// Enqueue adds a job to the transition.
func (tx *Tx) Enqueue(j NewJob) error {
	e := tx.engine
	if !e.handles(j.Kind) {
		return fmt.Errorf("engine: no handler for jobs of kind %q", j.Kind)
	}
	payload, err := json.Marshal(j.Payload)
	if err != nil {
		return fmt.Errorf("engine: payload of %s: %w", j.Kind, err)
	}
	if j.ID == "" {
		j.ID = id.UUID(e.cfg.IDs)
	}
	now := e.cfg.Clock.Now()
	if j.At.Before(now) {
		j.At = now
	}
	w := &row{Kind: j.Kind, ID: j.ID, Key: j.Key, At: j.At.UTC(), Attempt: 1, Payload: payload}
	if w.Seq, err = e.nextSeq(tx); err != nil {
		return err
	}
	if err := table.Put(tx, w, w.Kind, w.ID); err != nil {
		return err
	}
	tx.effects = append(tx.effects, effect{key: table.Key(w.Kind, w.ID), entry: newEntry(w)})
	return nil
}

// Cancel removes a job; no error if there is none. One that has begun is not
// interrupted, but will not run again.
func (tx *Tx) Cancel(kind, id string) error {
	if err := table.Delete(tx, kind, id); err != nil {
		return err
	}
	seq, err := tx.engine.nextSeq(tx)
	tx.effects = append(tx.effects, effect{key: table.Key(kind, id), seq: seq})
	return err
}

// Done ends a handler's job within the handler's own last transition: both
// happen or neither, and the end needs no transaction of its own. What the
// handler returns then has no effect. If the job was enqueued anew meanwhile,
// it runs once more.
func (tx *Tx) Done(job *Job) error {
	w, err := rowIn(tx, job.Kind, job.ID, job.seq)
	if err != nil || w == nil {
		return err
	}
	tx.done = append(tx.done, job)
	return table.Delete(tx, job.Kind, job.ID)
}

// AfterCommit runs f when the transition has committed, before Update returns.
// It is for wake-ups within this process: a crash may come first.
func (tx *Tx) AfterCommit(f func()) { tx.after = append(tx.after, f) }

// Now is the engine's Now.
func (tx *Tx) Now() time.Time { return tx.engine.Now() }

// nextSeq numbers a job. It is called inside transactions only, which run one
// after another, so numbers are in their order.
func (e *Engine) nextSeq(r store.Reader) (uint64, error) {
	e.seqMu.Lock()
	defer e.seqMu.Unlock()
	if e.seq == 0 {
		for w, err := range table.All(r) {
			if err != nil {
				return 0, err
			}
			e.seq = max(e.seq, w.Seq)
		}
	}
	e.seq++
	return e.seq, nil
}

func (e *Engine) handles(kind string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.kinds[kind] != nil || e.ctx == nil // it may yet be registered
}
