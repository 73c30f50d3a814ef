package codebuild

import (
	"context"
	"encoding/json"
	"time"

	"github.com/slipway-dev/slipway/internal/engine"
)

// change makes a transition of a build, in place, with all that follows from it.
func (s *Service) change(tx *engine.Tx, b *build, c change, t time.Time) error {
	was := b.BuildComplete
	after, effects := next(*b, c, t)
	*b = after
	if was {
		return nil
	}
	if err := builds.Put(tx, b, b.Region, b.id()); err != nil {
		return err
	}
	if b.BuildComplete {
		if err := s.completed(tx, b); err != nil {
			return err
		}
	}
	return s.emit(tx, b, effects)
}

// completed gives back what a build held, and has its container removed.
func (s *Service) completed(tx *engine.Tx, b *build) error {
	if err := open.Delete(tx, b.Region, b.projectName(), b.id()); err != nil {
		return err
	}
	if err := queue.Delete(tx, b.startedAt(), b.id()); err != nil {
		return err
	}
	if err := active.Delete(tx, b.id(), b.Region); err != nil {
		return err
	}
	if err := tx.Cancel(jobDeadline, b.id()+"@"+b.Region); err != nil {
		return err
	}
	if b.Worker != "" {
		if err := s.enqueueRun(tx, b); err != nil {
			return err
		}
	}
	if retries(b) {
		if err := tx.Enqueue(engine.NewJob{Kind: jobRetry, ID: b.id() + "@" + b.Region, Payload: ref{Region: b.Region, ID: b.id()}}); err != nil {
			return err
		}
	}
	return tx.Enqueue(engine.NewJob{Kind: jobDispatch, ID: "dispatch"})
}

func (s *Service) enqueueRun(tx *engine.Tx, b *build) error {
	return tx.Enqueue(engine.NewJob{Kind: jobRun, ID: b.id() + "@" + b.Region, Payload: ref{Region: b.Region, ID: b.id()}})
}

// dispatch admits queued builds, the oldest first, while there is room.
func (s *Service) dispatch(ctx context.Context, j *engine.Job) error {
	return s.Engine.Update(ctx, func(tx *engine.Tx) error {
		busy, err := count(active, tx, s.Concurrent)
		if err != nil {
			return err
		}
		var admit []*ref
		if busy < s.Concurrent {
			for r, err := range queue.All(tx) {
				if err != nil {
					return err
				}
				admit = append(admit, r)
				if busy++; busy >= s.Concurrent {
					break
				}
			}
		}
		for _, r := range admit {
			if err := s.admit(tx, r); err != nil {
				return err
			}
		}
		return tx.Done(j)
	})
}

func (s *Service) admit(tx *engine.Tx, r *ref) error {
	b, err := get(builds, tx, r.Region, r.ID)
	if err != nil || b == nil {
		return err
	}
	if err := queue.Delete(tx, b.startedAt(), b.id()); err != nil {
		return err
	}
	if b.BuildComplete {
		return nil
	}
	now := tx.Now()
	deadline := now.Add(minutes(b.TimeoutInMinutes))
	s.openLogs(b)
	if err := active.Put(tx, r, b.id(), b.Region); err != nil {
		return err
	}
	// Replaces the queue's own deadline. The agent keeps the build's; this one is
	// for agents that cannot.
	if err := tx.Enqueue(engine.NewJob{Kind: jobDeadline, ID: b.id() + "@" + b.Region, At: deadline.Add(agentGrace), Payload: r}); err != nil {
		return err
	}
	if err := s.enqueueRun(tx, b); err != nil {
		return err
	}
	return s.change(tx, b, admitted{deadline}, now)
}

// agentGrace is how long an agent has to report a timeout by itself.
const agentGrace = 10 * time.Second

// deadline ends a build that is queued, or runs, for too long.
func (s *Service) deadline(ctx context.Context, j *engine.Job) error {
	var r ref
	if err := json.Unmarshal(j.Payload, &r); err != nil {
		return err
	}
	return s.Engine.Update(ctx, func(tx *engine.Tx) error {
		b, err := get(builds, tx, r.Region, r.ID)
		if err != nil || b == nil {
			return err
		}
		now := tx.Now()
		if !b.Deadline.IsZero() && now.Before(b.Deadline) {
			return nil // admitted just now
		}
		return s.change(tx, b, timeout{}, now)
	})
}
