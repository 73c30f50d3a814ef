package codedeploy

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/codedeploy/types"

	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/id"
	"github.com/slipway-dev/slipway/internal/store"
)

const (
	// jobStep looks at a deployment, does what is next and writes down what came
	// of it. There is one of a deployment, whoever wakes it.
	jobStep = "codedeploy.step"
	// jobTimer wakes a deployment that waits for a time.
	jobTimer = "codedeploy.timer"
)

// mostAttempts is how often a call that nobody refused is tried before the
// deployment fails: about two minutes.
const mostAttempts = 10

func timerID(region, id string) string { return region + "/" + id }

// wake lets a deployment look at what is next, after the commit.
func (s *Service) wake(tx *engine.Tx, region, id string) error {
	ref := runningRef{region, id}
	return tx.Enqueue(engine.NewJob{Kind: jobStep, ID: timerID(region, id), Payload: ref})
}

func (s *Service) timer(ctx context.Context, job *engine.Job) error {
	var ref runningRef
	if err := json.Unmarshal(job.Payload, &ref); err != nil {
		return err
	}
	return s.Engine.Update(ctx, func(tx *engine.Tx) error { return s.wake(tx, ref.Region, ref.ID) })
}

// flow is a transition of d now.
func (s *Service) flow(d *deployment, now time.Time) *flow {
	return &flow{d: d, now: now, minutes: s.Site.Minutes, newID: func() string { return id.Of(s.IDs, id.AlphaNum, 64) }}
}

// step is the job of a deployment.
func (s *Service) step(ctx context.Context, job *engine.Job) error {
	var ref runningRef
	if err := json.Unmarshal(job.Payload, &ref); err != nil {
		return err
	}
	var d *deployment
	err := s.Engine.View(ctx, func(r store.Reader) (err error) {
		d, err = deployments.Get(r, ref.Region, ref.ID)
		return err
	})
	if errors.Is(err, store.ErrNotFound) || err == nil && d.ended() {
		return nil
	}
	if err != nil {
		return err
	}
	f := s.flow(d, s.Engine.Now())
	var alarm *failure
	if f.guarded() {
		if alarm, err = s.lookAtAlarms(ctx, d, job.Attempt >= mostAttempts); err != nil {
			return s.again(job, err)
		}
	}
	a, o := f.next(), outcome{}
	if alarm == nil {
		if o, err = s.perform(ctx, d, a); err != nil {
			if ctx.Err() != nil {
				return err
			}
			if !errors.As(err, &o.failure) {
				if job.Attempt < mostAttempts {
					return s.again(job, err)
				}
				o.failure = failed(types.ErrorCodeInternalError, "The deployment failed because of an internal error: %v", err)
			}
		}
	}
	return s.Engine.Update(ctx, func(tx *engine.Tx) error {
		if err := tx.Done(job); err != nil {
			return err
		}
		return s.transition(tx, ref.Region, ref.ID, func(f *flow) error {
			if alarm != nil && f.guarded() {
				f.alarmed(alarm)
				return nil
			}
			if f.apply(a, o); a.do == nothing && !a.until.IsZero() || o.pending {
				return s.sleep(tx, f)
			}
			return nil
		})
	})
}

// again is err, for the engine to try again.
func (s *Service) again(job *engine.Job, err error) error {
	s.Log.Warn("codedeploy: a deployment's step is tried again", "deployment", job.ID, "error", err)
	return err
}

// sleep sets the timer of a deployment that waits.
func (s *Service) sleep(tx *engine.Tx, f *flow) error {
	until := f.next().until
	if until.IsZero() {
		return nil
	}
	ref := runningRef{f.d.Region, f.d.id()}
	return tx.Enqueue(engine.NewJob{Kind: jobTimer, ID: timerID(ref.Region, ref.ID), At: until, Payload: ref})
}

// transition changes a deployment and writes everything down that follows.
func (s *Service) transition(tx *engine.Tx, region, id string, change func(*flow) error) error {
	d, err := deployments.Get(tx, region, id)
	if err != nil {
		return err
	}
	f := s.flow(d, tx.Now())
	if err := change(f); err != nil {
		return err
	}
	for _, state := range f.announce {
		if err := s.announce(tx, d, state); err != nil {
			return err
		}
	}
	if f.began {
		if err := s.watch(tx, d); err != nil {
			return err
		}
	}
	if f.ended {
		if err := s.end(tx, d); err != nil {
			return err
		}
	}
	if f.rollback {
		if err := s.rollBack(tx, f); err != nil {
			return err
		}
	}
	if f.again && !d.ended() {
		if err := s.wake(tx, region, id); err != nil {
			return err
		}
	}
	return deployments.Put(tx, d, region, id)
}

// rollBack begins the deployment that rolls back one that has just ended.
func (s *Service) rollBack(tx *engine.Tx, f *flow) error {
	p, err := progressOf(tx, f.d.Region, f.d.GroupID)
	if err != nil {
		return err
	}
	to := p.Target
	if to == nil {
		if to, err = s.original(tx, f.d); err != nil {
			return err
		}
	}
	next := f.undo(s.newDeploymentID(), to, p.LastSuccessful)
	if err := s.trigger(tx, next, types.TriggerEventTypeDeploymentRollback); err != nil {
		return err
	}
	if err := s.announce(tx, next, "START"); err != nil {
		return err
	}
	return s.begin(tx, next)
}

// Resume looks once at every deployment that was under way when the server
// stopped. Call it after the engine has started.
func (s *Service) Resume(ctx context.Context) error {
	return s.Engine.Update(ctx, func(tx *engine.Tx) error {
		for ref, err := range running.All(tx) {
			if err != nil {
				return err
			}
			if err := s.wake(tx, ref.Region, ref.ID); err != nil {
				return err
			}
		}
		return nil
	})
}
