package s3

import (
	"context"
	"encoding/json"

	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/store"
)

const jobLifecycle = "s3.lifecycle"

// lifecycleJob applies a bucket's rules and asks for itself at midnight. Each
// batch is read from a snapshot and decided again in its transition, so that
// nothing is removed that was put meanwhile.
func (s *Service) lifecycleJob(ctx context.Context, job *engine.Job) error {
	name := job.ID
	for _, table := range []string{string(objects), string(versions), string(uploads)} {
		if err := s.applyRules(ctx, name, table); err != nil {
			return err
		}
	}
	return s.engine.Update(ctx, func(tx *engine.Tx) error {
		b, err := get(buckets, tx, name)
		if err != nil || b == nil || len(b.Lifecycle) == 0 {
			return err
		}
		return tx.Enqueue(engine.NewJob{Kind: jobLifecycle, ID: name, At: nextMidnight(s.engine.Now())})
	})
}

// applyRules walks one table of a bucket in batches.
func (s *Service) applyRules(ctx context.Context, name, table string) error {
	const batch = 500
	base := store.Prefix(table, name)
	run := &ruleRun{service: s, table: table}
	for start := ""; ; {
		if err := ctx.Err(); err != nil {
			return err
		}
		var due []string
		n := 0
		err := s.engine.View(ctx, func(r store.Reader) error {
			due, n = due[:0], 0
			b, err := get(buckets, r, name)
			if err != nil || b == nil || len(b.Lifecycle) == 0 {
				return err
			}
			for e, err := range r.Scan(store.Range{Prefix: base, Start: start, Limit: batch}) {
				if err != nil {
					return err
				}
				n++
				start = e.Key + store.Separator
				act, err := run.decide(r, b, e.Value)
				if err != nil {
					return err
				}
				if act != nil {
					due = append(due, e.Key)
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
		if err := s.applyTo(ctx, name, run, due); err != nil {
			return err
		}
		run.newerAt = nil
		if n < batch {
			return nil
		}
	}
}

func (s *Service) applyTo(ctx context.Context, name string, run *ruleRun, keys []string) error {
	if len(keys) == 0 {
		return nil
	}
	return s.engine.Update(ctx, func(tx *engine.Tx) error {
		b, err := get(buckets, tx, name)
		if err != nil || b == nil {
			return err
		}
		again := &ruleRun{service: s, table: run.table, newer: run.newerAt}
		for _, key := range keys {
			value, err := tx.Get(key)
			if err == store.ErrNotFound {
				continue
			}
			if err != nil {
				return err
			}
			act, err := again.decide(tx, b, value)
			if err != nil {
				return err
			}
			if act == nil {
				continue
			}
			if err := act(tx); err != nil {
				return err
			}
		}
		return nil
	})
}

// ruleRun decides on the entries of one table in their order.
type ruleRun struct {
	service *Service
	table   string
	// Of noncurrent versions: how many newer noncurrent ones each has. It is
	// counted in the walk and remembered for the transition.
	key     string
	count   int
	newerAt map[string]int // of those that are due, by version
	newer   map[string]int // remembered
}

// decide returns the transition that is due for a document, or nil.
func (run *ruleRun) decide(r store.Reader, b *bucket, value []byte) (func(*engine.Tx) error, error) {
	if run.table == string(uploads) {
		u := new(upload)
		if err := json.Unmarshal(value, u); err != nil {
			return nil, err
		}
		at, rule := abortAt(b.Lifecycle, u)
		if rule == "" || run.service.engine.Now().Before(at) {
			return nil, nil
		}
		return func(tx *engine.Tx) error { return abandon(tx, b, u) }, nil
	}
	o := new(object)
	if err := json.Unmarshal(value, o); err != nil {
		return nil, err
	}
	if run.table == string(objects) {
		return run.decideCurrent(r, b, o)
	}
	return run.decideNoncurrent(b, o), nil
}

func (run *ruleRun) decideCurrent(r store.Reader, b *bucket, o *object) (func(*engine.Tx) error, error) {
	s, now := run.service, run.service.engine.Now()
	if o.Marker {
		if !loneMarkerExpired(b.Lifecycle, o, now) {
			return nil, nil
		}
		older, err := newestNoncurrent(r, b.Name, o.Key)
		if err != nil || older != nil {
			return nil, err
		}
		return func(tx *engine.Tx) error {
			if err := s.dropCurrent(tx, b, o); err != nil {
				return err
			}
			return s.emitExpired(tx, b, o.Key, deletion{version: o.versionOf(b), marker: true}, false)
		}, nil
	}
	if at, rule := expiry(b.Lifecycle, o); rule != "" && !now.Before(at) {
		return func(tx *engine.Tx) error {
			d, err := s.deleteKey(tx, b, o.Key)
			if err != nil {
				return err
			}
			return s.emitExpired(tx, b, o.Key, d, d.marker)
		}, nil
	}
	return run.decideClass(b, o, 0, true), nil
}

func (run *ruleRun) decideNoncurrent(b *bucket, o *object) func(*engine.Tx) error {
	s := run.service
	newer, known := run.newer[o.Version]
	if !known {
		if o.Key != run.key {
			run.key, run.count = o.Key, 0
		}
		newer = run.count
		run.count++
	}
	act := run.decideClass(b, o, newer, false)
	if noncurrentExpired(b.Lifecycle, o, newer, s.engine.Now()) {
		act = func(tx *engine.Tx) error {
			if err := s.dropNoncurrent(tx, b, o); err != nil {
				return err
			}
			return s.emitExpired(tx, b, o.Key, deletion{version: o.versionOf(b)}, false)
		}
	}
	if act != nil {
		if run.newerAt == nil {
			run.newerAt = map[string]int{}
		}
		run.newerAt[o.Version] = newer
	}
	return act
}

func (run *ruleRun) decideClass(b *bucket, o *object, newer int, current bool) func(*engine.Tx) error {
	class := transition(b.Lifecycle, o, newer, b.MinimumTransition, run.service.engine.Now())
	if class == "" {
		return nil
	}
	return func(tx *engine.Tx) error {
		if o.Attributes.StorageClass = class; class == types.StorageClassStandard {
			o.Attributes.StorageClass = ""
		}
		return update(tx, b, o, current)
	}
}
