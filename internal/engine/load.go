package engine

import (
	"context"
	"errors"

	"github.com/slipway-dev/slipway/internal/store"
)

// load reads all jobs and begins to run them. Those that were due may have
// begun before the process ended, so each counts one attempt more. A full disk
// keeps nobody from starting: then only this process knows of that.
func (e *Engine) load(ctx context.Context) error {
	err := e.loadRows(ctx, true)
	if errors.Is(err, store.ErrNoSpace) {
		e.cfg.Log.Error("the disk is full: what has begun may not end before there is room", "err", err)
		err = e.loadRows(ctx, false)
	}
	return err
}

func (e *Engine) loadRows(ctx context.Context, write bool) error {
	unknown := map[string]int{}
	err := e.update(ctx, true, func(tx *Tx) error {
		clear(unknown)
		if _, err := e.nextSeq(tx); err != nil {
			return err
		}
		now := e.cfg.Clock.Now()
		for w, err := range table.All(tx) {
			if err != nil {
				return err
			}
			if !e.handles(w.Kind) {
				unknown[w.Kind]++
				continue
			}
			if !w.At.After(now) {
				w.Attempt++
				if write {
					if err := table.Put(tx, w, w.Kind, w.ID); err != nil {
						return err
					}
				}
			}
			tx.effects = append(tx.effects, effect{key: table.Key(w.Kind, w.ID), entry: newEntry(w)})
		}
		sortBySeq(tx.effects)
		return nil
	})
	for kind, n := range unknown {
		e.cfg.Log.Warn("jobs of a kind that nothing handles are left alone", "kind", kind, "jobs", n)
	}
	return err
}
