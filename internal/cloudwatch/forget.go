package cloudwatch

import (
	"context"
	"errors"
	"time"

	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/store"
)

const (
	forgetEvery = 24 * time.Hour
	atOnce      = 500 // slices that one transaction looks at
)

// forget turns old minutes into hours and drops what is too old for any
// statistic, once a day.
func (s *Service) forget(ctx context.Context, _ *engine.Job) error {
	now := s.cfg.Engine.Now()
	type place struct{ region, id string }
	var all []place
	err := s.cfg.Engine.View(ctx, func(r store.Reader) error {
		prefix := store.Prefix(string(metrics))
		for e, err := range r.Scan(store.Range{Prefix: prefix}) {
			if err != nil {
				return err
			}
			m, err := metrics.Decode(e.Value)
			if err != nil {
				return err
			}
			all = append(all, place{store.TableOf(e.Key[len(prefix):]), m.ID})
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, p := range all {
		for more := true; more; {
			if more, err = s.condense(ctx, p.region, p.id, now); err != nil {
				return err
			}
		}
	}
	if err := s.dropMetrics(ctx, now); err != nil {
		return err
	}
	if len(all) == 0 {
		return nil // the next metric enqueues the job again
	}
	return engine.RetryAt(now.Add(forgetEvery))
}

// condense moves old minutes of a metric into hours, and deletes old hours;
// more says that it left some for another transaction.
func (s *Service) condense(ctx context.Context, region, id string, now time.Time) (more bool, err error) {
	err = s.cfg.Engine.Update(ctx, func(tx *engine.Tx) error {
		more = false
		seen := 0
		prefix := store.Prefix(string(minutes), region, id)
		for e, err := range tx.Scan(store.Range{Prefix: prefix, Limit: atOnce}) {
			if err != nil {
				return err
			}
			if e.Key[len(prefix):] >= tick(now.Add(-minutesKept), time.Minute) {
				break
			}
			seen++
			old, err := minutes.Decode(e.Value)
			if err != nil {
				return err
			}
			if err := intoHour(tx, region, id, e.Key[len(prefix):], old); err != nil {
				return err
			}
			if err := tx.Delete(e.Key); err != nil {
				return err
			}
		}
		prefix = store.Prefix(string(hours), region, id)
		for e, err := range tx.Scan(store.Range{Prefix: prefix, Limit: atOnce}) {
			if err != nil {
				return err
			}
			if e.Key[len(prefix):] >= tick(now.Add(-hoursKept), time.Hour) {
				break
			}
			seen++
			if err := tx.Delete(e.Key); err != nil {
				return err
			}
		}
		more = seen >= atOnce
		return nil
	})
	return more, err
}

func intoHour(tx *engine.Tx, region, id, minute string, old *slice) error {
	at, err := ticked(minute, time.Minute)
	if err != nil {
		return err
	}
	key := tick(at, time.Hour)
	hour, err := hours.Get(tx, region, id, key)
	if errors.Is(err, store.ErrNotFound) {
		hour, err = &slice{}, nil
	}
	if err != nil {
		return err
	}
	for _, sl := range old.Slots {
		hour.put(0, sl.Unit, sl.distribution)
	}
	return hours.Put(tx, hour, region, id, key)
}

// dropMetrics forgets metrics that have no data any more.
func (s *Service) dropMetrics(ctx context.Context, now time.Time) error {
	return s.cfg.Engine.Update(ctx, func(tx *engine.Tx) error {
		for e, err := range tx.Scan(store.Range{Prefix: store.Prefix(string(metrics))}) {
			if err != nil {
				return err
			}
			m, err := metrics.Decode(e.Value)
			if err != nil {
				return err
			}
			if now.Sub(m.Last) > hoursKept {
				if err := tx.Delete(e.Key); err != nil {
					return err
				}
			}
		}
		return nil
	})
}
