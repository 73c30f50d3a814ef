package engine

import (
	"container/heap"
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/slipway-dev/slipway/internal/store"
)

// outcome is what follows an attempt.
type outcome struct {
	again   bool
	at      time.Time // of the next attempt
	attempt int
	held    bool // failed: keeps its key
}

// run makes one attempt at a job.
func (e *Engine) run(k *kind, n *entry) {
	defer e.running.Done()
	o := e.attempt(k, n)

	e.mu.Lock()
	defer e.unlock()
	k.running--
	if e.stopped {
		e.active--
		return
	}
	switch next := n.next; {
	case next != nil:
		delete(e.index, n.rowKey())
		e.leave(n)
		e.arrive(next)
	case o.again && o.held:
		e.active--
		n.state, n.at, n.attempt = held, o.at, o.attempt
		heap.Push(&e.timers, n)
		e.arm()
	case o.again:
		e.leave(n)
		e.arrive(&entry{kind: n.kind, id: n.id, key: n.key, seq: n.seq, at: o.at, attempt: o.attempt, slot: -1})
	default:
		delete(e.index, n.rowKey())
		e.leave(n)
	}
	e.pump(k)
}

// attempt calls the handler and records in the store what came of it.
func (e *Engine) attempt(k *kind, n *entry) outcome {
	// What is recorded after ctx ended is recorded all the same.
	durable := context.WithoutCancel(e.ctx)
	var w *row
	err := e.cfg.Store.View(durable, func(r store.Reader) (err error) {
		w, err = rowIn(r, n.kind, n.id, n.seq)
		return err
	})
	if err != nil {
		e.cfg.Log.Error("cannot read a job", "kind", n.kind, "id", n.id, "error", err)
		return e.failed(n.attempt)
	}
	if w == nil {
		return outcome{} // cancelled or replaced a moment ago
	}
	job := &Job{Kind: w.Kind, ID: w.ID, Key: w.Key, Payload: w.Payload, Attempt: n.attempt, At: w.At, seq: w.Seq}
	err = e.call(k, job)
	if job.done.Load() || e.ctx.Err() != nil {
		return outcome{}
	}

	var o outcome
	if later := (retryAt{}); errors.As(err, &later) {
		o = outcome{again: true, at: later.at, attempt: n.attempt}
	} else if err != nil {
		o = e.failed(n.attempt)
		e.cfg.Log.Warn("job failed, will run again", "kind", n.kind, "id", n.id,
			"attempt", n.attempt, "at", o.at, "error", err)
	}
	err = e.cfg.Store.Update(durable, func(tx store.Tx) error {
		w, err := rowIn(tx, n.kind, n.id, n.seq)
		if err != nil || w == nil {
			return err
		}
		if !o.again {
			return table.Delete(tx, n.kind, n.id)
		}
		w.At, w.Attempt, w.Held = o.at.UTC(), o.attempt, o.held
		return table.Put(tx, w, n.kind, n.id)
	})
	if err != nil && !o.again { // the disk is full: once more, as after a crash
		e.cfg.Log.Error("cannot record the end of a job, it will run again", "kind", n.kind, "id", n.id, "error", err)
		return e.failed(n.attempt)
	}
	return o
}

func (e *Engine) failed(attempt int) outcome {
	return outcome{again: true, held: true, attempt: attempt + 1, at: e.cfg.Clock.Now().Add(backoff(attempt))}
}

// call turns a panic of the handler into its error.
func (e *Engine) call(k *kind, job *Job) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v", r)
			e.cfg.Log.Error("job panicked", "kind", job.Kind, "id", job.ID, "panic", r, "stack", string(debug.Stack()))
		}
	}()
	return k.handler(e.ctx, job)
}
