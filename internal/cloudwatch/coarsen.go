package cloudwatch

import (
	"context"
	"errors"
	"time"

	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/store"
)

// jobCoarsen takes the seconds out of data of high resolution.
const jobCoarsen = "cloudwatch.coarsen"

const (
	// fineKept is how long data keeps its seconds, as at AWS.
	fineKept     = 3 * time.Hour
	coarsenEvery = time.Hour
)

// span is where data with seconds begins that has not been coarsened yet.
type span struct{ From time.Time }

const spans store.Table[span] = "cloudwatch.fine" // region, ID

// note remembers that a metric has data with seconds.
func (s *Service) note(tx *engine.Tx, region, id string, at time.Time) error {
	_, err := spans.Get(tx, region, id)
	if !errors.Is(err, store.ErrNotFound) {
		return err
	}
	if err := spans.Put(tx, &span{at.Truncate(time.Minute)}, region, id); err != nil {
		return err
	}
	return tx.Enqueue(engine.NewJob{Kind: jobCoarsen, ID: "all", At: following(tx.Now(), coarsenEvery)})
}

// following is the next time of a rhythm: a job that is enqueued again for it is
// not put off.
func following(now time.Time, every time.Duration) time.Time { return now.Truncate(every).Add(every) }

// coarsen is the job: every hour while there is data with seconds.
func (s *Service) coarsen(ctx context.Context, _ *engine.Job) error {
	now := s.cfg.Engine.Now()
	type place struct{ region, id string }
	var all []place
	err := s.cfg.Engine.View(ctx, func(r store.Reader) error {
		prefix := store.Prefix(string(spans))
		for e, err := range r.Scan(store.Range{Prefix: prefix}) {
			if err != nil {
				return err
			}
			region := store.TableOf(e.Key[len(prefix):])
			all = append(all, place{region, e.Key[len(store.Prefix(string(spans), region)):]})
		}
		return nil
	})
	if err != nil {
		return err
	}
	left := false
	for _, p := range all {
		for more := true; more; {
			var stays bool
			if more, stays, err = s.coarsenSome(ctx, p.region, p.id, now.Add(-fineKept).Truncate(time.Minute)); err != nil {
				return err
			}
			left = left || stays
		}
	}
	if !left {
		return nil // the next data with seconds enqueues the job again
	}
	return engine.RetryAt(following(now, coarsenEvery))
}

// coarsenSome coarsens minutes of a metric before until: more says that it left
// some of them, stays that the metric has later ones.
func (s *Service) coarsenSome(ctx context.Context, region, id string, until time.Time) (more, stays bool, err error) {
	err = s.cfg.Engine.Update(ctx, func(tx *engine.Tx) error {
		more, stays = false, false
		from, err := spans.Get(tx, region, id)
		if err != nil {
			return err
		}
		prefix := store.Prefix(string(minutes), region, id)
		end := tick(until, time.Minute)
		next := from.From
		seen := 0
		for e, err := range tx.Scan(store.Range{Prefix: prefix, Start: prefix + tick(from.From, time.Minute), Limit: atOnce + 1}) {
			if err != nil {
				return err
			}
			minute := e.Key[len(prefix):]
			if next, err = ticked(minute, time.Minute); err != nil {
				return err
			}
			if minute >= end {
				stays = true
				break
			}
			if seen++; seen > atOnce {
				more, stays = true, true
				break
			}
			fine, err := minutes.Decode(e.Value)
			if err != nil {
				return err
			}
			if len(fine.Slots) < 2 {
				continue
			}
			coarse := &slice{}
			for _, sl := range fine.Slots {
				coarse.put(0, sl.Unit, sl.distribution)
			}
			if err := minutes.Put(tx, coarse, region, id, minute); err != nil {
				return err
			}
		}
		if !stays {
			return spans.Delete(tx, region, id)
		}
		return spans.Put(tx, &span{next}, region, id)
	})
	return more, stays, err
}
