package codeconnections

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/slipway-dev/slipway/internal/bus/source"
	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/git"
	"github.com/slipway-dev/slipway/internal/store"
)

// maxDelivery is how often announcing a webhook is tried while the provider is
// away. What is given up then is found by a look.
const maxDelivery = 8

// deliver announces what a webhook told. Those of one repository run in the
// order in which they came.
func (s *Service) deliver(ctx context.Context, job *engine.Job) error {
	var d delivery
	if err := json.Unmarshal(job.Payload, &d); err != nil {
		return err
	}
	w, err := s.loadWatch(ctx, d.hookRef)
	if err != nil || w == nil {
		return err
	}
	_, r, err := s.open(ctx, w.Connection)
	if known(err) {
		return nil // not AVAILABLE any more
	}
	if err != nil {
		return err
	}
	canonical := w.Canonical
	if canonical == "" {
		canonical = w.Repository
	}
	for _, c := range d.Changes {
		if c.Kind == source.PullRequest {
			err = s.pulled(ctx, w, r, canonical, c)
		} else {
			err = s.pushed(ctx, w, r, canonical, c, false)
		}
		if err != nil && ctx.Err() == nil && job.Attempt >= maxDelivery {
			s.Log.Warn("a change told by a webhook is given up", "connection", w.Connection, "repository", w.Repository, "reason", err)
			continue
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// pull is a pull request as last announced.
type pull struct {
	Action source.Action
	Told   string // the commit as the webhook named it
	At     time.Time
}

const pulls store.Table[pull] = "codeconnections.pull" // a watch's key, id

func (s *Service) pullKey(w *watch, id string) []string {
	return append(s.watchKey(w.Connection, w.Repository), id)
}

// after tells whether an action on a pull request is news after what was
// announced. Providers tell of the same commit again when a title changes.
func (p *pull) after(c *source.Change) bool {
	switch {
	case p == nil:
		return true
	case p.Told != c.CommitID:
		return true
	case c.Action == source.Closed:
		return p.Action != source.Closed
	case c.Action == source.Open:
		return p.Action == source.Closed // reopened
	}
	return false
}

func (s *Service) pullOf(r store.Reader, w *watch, id string) (*pull, error) {
	p, err := pulls.Get(r, s.pullKey(w, id)...)
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	return p, err
}

// pulled announces what happened to a pull request, once.
func (s *Service) pulled(ctx context.Context, w *watch, r *reached, canonical string, c source.Change) error {
	if !git.ValidBranch(c.Branch) || !git.ValidBranch(c.BaseBranch) {
		s.Log.Warn("a pull request of branches with names that git does not take is left out", "connection", w.Connection, "repository", w.Repository)
		return nil
	}
	told := c
	news := func(rd store.Reader) (bool, error) {
		have, err := s.pullOf(rd, w, c.PullRequestID)
		return err == nil && have.after(&told), err
	}
	fresh := false
	err := s.Engine.View(ctx, func(rd store.Reader) (err error) {
		fresh, err = news(rd)
		return err
	})
	if err != nil || !fresh {
		return err
	}
	s.describe(ctx, w, r, canonical, &c)
	return s.announce(ctx, w, &c, func(tx *engine.Tx) (bool, error) {
		if ok, err := news(tx); err != nil || !ok {
			return false, err
		}
		return true, pulls.Put(tx, &pull{c.Action, told.CommitID, tx.Now()}, s.pullKey(w, c.PullRequestID)...)
	})
}

func (s *Service) dropPulls(tx *engine.Tx, watchKey []string) error {
	var gone []string
	for e, err := range tx.Scan(store.Range{Prefix: store.Prefix(append([]string{string(pulls)}, watchKey...)...)}) {
		if err != nil {
			return err
		}
		gone = append(gone, e.Key)
	}
	for _, k := range gone {
		if err := tx.Delete(k); err != nil {
			return err
		}
	}
	return nil
}

const (
	// remembered is how long a webhook that comes again is known.
	remembered = 30 * 24 * time.Hour
	sweepEvery = 24 * time.Hour
	sweepBatch = 1000 // rows in one transaction
)

// sweep forgets webhooks and closed pull requests of long ago, every day.
func (s *Service) sweep(ctx context.Context, _ *engine.Job) error {
	limit := s.Engine.Now().Add(-remembered)
	var old []string
	err := s.Engine.View(ctx, func(r store.Reader) error {
		for e, err := range r.Scan(store.Range{Prefix: store.Prefix(string(seens))}) {
			if err != nil {
				return err
			}
			if v, err := seens.Decode(e.Value); err == nil && v.At.Before(limit) {
				old = append(old, e.Key)
			}
		}
		for e, err := range r.Scan(store.Range{Prefix: store.Prefix(string(pulls))}) {
			if err != nil {
				return err
			}
			if v, err := pulls.Decode(e.Value); err == nil && v.Action == source.Closed && v.At.Before(limit) {
				old = append(old, e.Key)
			}
		}
		return nil
	})
	for len(old) > 0 && err == nil {
		batch := old[:min(len(old), sweepBatch)]
		old = old[len(batch):]
		err = s.Engine.Update(ctx, func(tx *engine.Tx) error {
			for _, k := range batch {
				if err := tx.Delete(k); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err != nil {
		return err
	}
	return engine.RetryAt(s.Engine.Now().Add(sweepEvery))
}
