package ecs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/store"
)

// change is one transition of a task: what follows from the difference is
// enqueued and announced in the same transaction. A task that is gone or
// STOPPED is left alone.
func (s *Service) change(ctx context.Context, key taskKey, fn func(tx *engine.Tx, t *task) error) error {
	return s.Engine.Update(ctx, func(tx *engine.Tx) error {
		t, err := tasks.Get(tx, key.Region, key.Cluster, key.ID)
		if errors.Is(err, store.ErrNotFound) || err == nil && t.status() == statusStopped {
			return nil
		}
		if err != nil {
			return err
		}
		return s.changed(tx, t, func() error { return fn(tx, t) })
	})
}

// changed runs fn, which changes t, and does what follows.
func (s *Service) changed(tx *engine.Tx, t *task, fn func() error) error {
	before := outline(t)
	status, stopping, targets := t.status(), t.stopping(), slices.Clone(t.Targets)
	if err := fn(); err != nil {
		return err
	}
	if outline(t) == before {
		if !slices.Equal(targets, t.Targets) {
			if err := s.wakeService(tx, t.Region, t.Cluster, t.Service, time.Time{}); err != nil {
				return err
			}
		}
		return t.put(tx)
	}
	t.Version++
	if t.stopping() && !stopping {
		if err := s.countFailure(tx, t); err != nil {
			return err
		}
		if err := tx.Enqueue(engine.NewJob{Kind: jobTask, ID: t.ID, Key: t.ID, Payload: t.key()}); err != nil {
			return err
		}
		id := t.ID
		tx.AfterCommit(func() { s.interrupt(id) })
	}
	if t.status() == statusStopped && status != statusStopped {
		if err := live.Delete(tx, t.Region, t.Cluster, t.Service, t.ID); err != nil {
			return err
		}
		if err := t.disown(tx); err != nil {
			return err
		}
		if err := credentials.Delete(tx, t.Secret); err != nil {
			return err
		}
		err := tx.Enqueue(engine.NewJob{Kind: jobForget, ID: t.ID, At: tx.Now().Add(s.KeepStopped), Payload: t.key()})
		if err != nil {
			return err
		}
	}
	if err := t.put(tx); err != nil {
		return err
	}
	if t.Service != "" {
		if err := s.wakeService(tx, t.Region, t.Cluster, t.Service, time.Time{}); err != nil {
			return err
		}
	}
	return s.emitTask(tx, t)
}

// outline is what others can see of a task's progress.
func outline(t *task) string {
	b, _ := json.Marshal([]any{t.LastStatus, t.DesiredStatus, t.HealthStatus, t.Containers, t.Attachments})
	return string(b)
}

// countFailure tells the deployment or task set of a task that ended by itself without
// ever having been healthy.
func (s *Service) countFailure(tx *engine.Tx, t *task) error {
	if t.Service == "" || t.WasHealthy ||
		t.StopCode == types.TaskStopCodeServiceSchedulerInitiated || t.StopCode == types.TaskStopCodeUserInitiated {
		return nil
	}
	svc, err := services.Get(tx, t.Region, t.Cluster, t.Service)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	if r := svc.rollout(t.Deployment); r != nil {
		r.fail(tx.Now(), t.failure())
		if t.StopCode == types.TaskStopCodeTaskFailedToStart {
			if err := s.sayUnplaced(tx, svc, t); err != nil {
				return err
			}
		}
	}
	return services.Put(tx, svc, t.Region, t.Cluster, t.Service)
}

// sayUnplaced tells, as AWS does, why a task did not start.
func (s *Service) sayUnplaced(tx *engine.Tx, svc *service, t *task) error {
	why := aws.ToString(t.StoppedReason)
	if err := s.say(tx, svc, svc.who(t.Deployment)+"was unable to place a task. Reason: "+why+"."+troubleshooting); err != nil {
		return err
	}
	return s.emitNotice(tx, svc, notice{Type: "ERROR", Name: "SERVICE_TASK_PLACEMENT_FAILURE", Reason: why, ID: t.Deployment, Set: svc.hasTaskSets()})
}

// failure is why the task ended, with how its essential containers did.
func (t *task) failure() string {
	why := aws.ToString(t.StoppedReason)
	for i, c := range t.Containers {
		if !aws.ToBool(t.Definition.ContainerDefinitions[i].Essential) || c.ExitCode == nil && c.Reason == nil || t.StopCode == types.TaskStopCodeTaskFailedToStart {
			continue
		}
		how := aws.ToString(c.Reason)
		if how == "" {
			how = fmt.Sprintf("exit code %d", *c.ExitCode)
		}
		why += fmt.Sprintf(" (container %s: %s)", aws.ToString(c.Name), how)
	}
	return why
}

// wakeService looks at a service again, at a time or at once.
func (s *Service) wakeService(tx *engine.Tx, region, cluster, name string, at time.Time) error {
	id := region + "/" + cluster + "/" + name
	return tx.Enqueue(engine.NewJob{Kind: jobService, ID: id, Key: id, At: at, Payload: taskKey{region, cluster, name}})
}

// forget drops a task that has been STOPPED for long enough.
func (s *Service) forget(ctx context.Context, job *engine.Job) error {
	var key taskKey
	if err := json.Unmarshal(job.Payload, &key); err != nil {
		return err
	}
	return s.Engine.Update(ctx, func(tx *engine.Tx) error {
		return tasks.Delete(tx, key.Region, key.Cluster, key.ID)
	})
}

// interrupt ends a pull or a start of a task that shall stop.
func (s *Service) interrupt(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if cancel := s.cancel[id]; cancel != nil {
		cancel()
	}
}

// interruptible is ctx until interrupt.
func (s *Service) interruptible(ctx context.Context, id string) (context.Context, func()) {
	ctx, cancel := context.WithCancel(ctx)
	s.mu.Lock()
	s.cancel[id] = cancel
	s.mu.Unlock()
	return ctx, func() {
		s.mu.Lock()
		delete(s.cancel, id)
		s.mu.Unlock()
		cancel()
	}
}

// load reads a task; nil if it is gone.
func (s *Service) load(ctx context.Context, key taskKey) (t *task, err error) {
	err = s.Engine.View(ctx, func(r store.Reader) error {
		t, err = tasks.Get(r, key.Region, key.Cluster, key.ID)
		if errors.Is(err, store.ErrNotFound) {
			t, err = nil, nil
		}
		return err
	})
	return t, err
}
