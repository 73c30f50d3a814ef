package ecs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"github.com/slipway-dev/slipway/internal/compute"
	"github.com/slipway-dev/slipway/internal/engine"
)

// runTask carries a task as far as it goes now: it sees what became of its
// containers, and does one action after another until there is none. Whatever
// may change the answer enqueues it again.
func (s *Service) runTask(ctx context.Context, job *engine.Job) error {
	var key taskKey
	if err := json.Unmarshal(job.Payload, &key); err != nil {
		return err
	}
	if err := s.observe(ctx, key); err != nil {
		return err
	}
	if err := s.observeTargets(ctx, key); err != nil {
		return err
	}
	for {
		t, err := s.load(ctx, key)
		if err != nil || t == nil || t.status() == statusStopped {
			return err
		}
		a := next(t, s.Engine.Now())
		if a.do == wait {
			if a.at.IsZero() {
				return nil
			}
			return engine.RetryAt(a.at)
		}
		if err := s.act(ctx, t, a); err != nil {
			return err
		}
	}
}

// act does one action. What the task must answer for ends the task; only what
// may pass (no engine, no database) is an error.
func (s *Service) act(ctx context.Context, t *task, a action) error {
	switch a.do {
	case makeNetwork:
		return s.orFail(ctx, t, noBox, s.makeNetwork)
	case makeContainer:
		return s.orFail(ctx, t, a.boxes[0], func(ctx context.Context, t *task) error { return s.makeContainer(ctx, t, a.boxes[0]) })
	case startContainer:
		return s.orFail(ctx, t, a.boxes[0], func(ctx context.Context, t *task) error { return s.startContainer(ctx, t, a.boxes[0]) })
	case register:
		return s.orFail(ctx, t, noBox, s.register)
	case deregister:
		return s.deregister(ctx, t)
	case stopContainers:
		return s.stopContainers(ctx, t, a.boxes)
	case removeAll:
		return s.removeAll(ctx, t)
	}
	return s.change(ctx, t.key(), func(tx *engine.Tx, t *task) error {
		now := aws.Time(tx.Now())
		switch a.do {
		case activate:
			if t.stopping() {
				return nil
			}
			return s.activate(tx, t)
		case deactivate:
			t.LastStatus = aws.String(statusDeactivating)
		case nowRunning:
			if t.stopping() {
				return nil
			}
			t.LastStatus, t.StartedAt = aws.String(statusRunning), now
		case beginStopping:
			t.LastStatus, t.StoppingAt = aws.String(statusStopping), now
		case deprovision:
			t.LastStatus = aws.String(statusDeprovisioning)
			if t.StoppingAt == nil {
				t.StoppingAt = now
			}
			for i := range t.Containers {
				t.Containers[i].LastStatus = aws.String(statusStopped)
			}
		case giveUp:
			t.stop(a.code, a.why)
		}
		return nil
	})
}

// startError is why a task cannot start, in ECS's words.
type startError struct{ class, detail string }

func (e *startError) Error() string { return e.class + ": " + e.detail }

// noBox says that an action is the whole task's.
const noBox = -1

// failStart stops a task that cannot start. What is wrong with a container
// stands there too, as ECS has it; tools print the one or the other.
func (t *task) failStart(box int, e *startError) {
	if box != noBox && strings.HasPrefix(e.class, "Cannot") {
		t.Containers[box].Reason = aws.String(e.Error())
	}
	t.stop(types.TaskStopCodeTaskFailedToStart, e.Error())
}

// orFail does what may be interrupted by StopTask, and stops the task for what
// cannot be mended by trying again. box is the container that it is about.
func (s *Service) orFail(ctx context.Context, t *task, box int, do func(context.Context, *task) error) error {
	inner, done := s.interruptible(ctx, t.ID)
	err := do(inner, t)
	interrupted := inner.Err() != nil && ctx.Err() == nil
	done()
	var failed *startError
	switch {
	case err == nil || interrupted:
		return nil // the loop looks at the task again
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, compute.ErrUnavailable):
		return err
	case !errors.As(err, &failed):
		failed = &startError{"CannotStartContainerError", err.Error()}
	}
	s.Log.Info("task failed to start", "task", t.arn(), "reason", failed.Error())
	return s.change(ctx, t.key(), func(_ *engine.Tx, t *task) error {
		t.failStart(box, failed)
		return nil
	})
}

// Labels of a task's containers besides the contract's.
const (
	labelKind = "slipway.kind" // "task"
	labelTask = "slipway.task" // its key, as JSON
)

func (t *task) labels(role string) map[string]string {
	key, _ := json.Marshal(t.key())
	return map[string]string{compute.LabelOwner: t.arn(), compute.LabelRole: role, labelKind: "task", labelTask: string(key)}
}

// engineName is a container's name at the engine; suffixes of task containers
// begin with a dash, Slipway's own with a dot, which no container's name has.
func (t *task) engineName(suffix string) string { return "slipway-" + t.ID + suffix }

// existing finds a container that was made before a crash.
func (s *Service) existing(ctx context.Context, t *task, name string) (string, error) {
	list, err := s.Compute.List(ctx, map[string]string{compute.LabelOwner: t.arn()})
	if err != nil {
		return "", err
	}
	for _, c := range list {
		if c.Name == name {
			return c.ID, nil
		}
	}
	return "", nil
}

// create makes a container once.
func (s *Service) create(ctx context.Context, t *task, spec compute.Spec) (string, error) {
	id, err := s.existing(ctx, t, spec.Name)
	if err != nil || id != "" {
		return id, err
	}
	return s.Compute.Create(ctx, spec)
}

// observe notes containers that have ended or vanished.
func (s *Service) observe(ctx context.Context, key taskKey) error {
	t, err := s.load(ctx, key)
	if err != nil || t == nil || t.status() == statusStopped {
		return err
	}
	lost := ""
	if t.Pause != "" && !t.stopping() {
		if c, err := s.Compute.Inspect(ctx, t.Pause); errors.Is(err, compute.ErrNotFound) || err == nil && c.State == compute.Exited {
			lost = "The network of the task was lost"
		} else if err != nil {
			return err
		}
	}
	ends := map[int]compute.Container{}
	for i, b := range t.Boxes {
		if b.StartedAt.IsZero() || aws.ToString(t.Containers[i].LastStatus) == statusStopped {
			continue
		}
		c, err := s.Compute.Inspect(ctx, b.EngineID)
		switch {
		case errors.Is(err, compute.ErrNotFound):
			ends[i] = compute.Container{Exit: compute.Exit{Code: -1}}
		case err != nil:
			return err
		case c.State == compute.Exited:
			ends[i] = c
		}
	}
	if lost == "" && len(ends) == 0 {
		return nil
	}
	return s.change(ctx, key, func(tx *engine.Tx, t *task) error {
		for i, c := range ends {
			t.noteEnd(i, c, tx.Now())
		}
		if lost != "" {
			t.stop(types.TaskStopCodeTaskFailedToStart, lost)
			if t.StartedAt != nil {
				t.StopCode = types.TaskStopCodeEssentialContainerExited
			}
		}
		return nil
	})
}

// noteEnd is ended with what the engine says.
func (t *task) noteEnd(i int, c compute.Container, now time.Time) {
	if aws.ToString(t.Containers[i].LastStatus) == statusStopped {
		return
	}
	code, reason := aws.Int32(int32(c.Exit.Code)), c.Exit.Error
	switch {
	case c.Exit.Code < 0:
		code, reason = nil, "CannotInspectContainerError: the container is gone"
		t.Boxes[i].LogsDone = true
	case c.Exit.OOMKilled:
		reason = "OutOfMemoryError: Container killed due to memory usage"
	}
	t.ended(i, code, reason, now)
}

// stopContainers stops some and notes how they ended.
func (s *Service) stopContainers(ctx context.Context, t *task, boxes []int) error {
	ends, errs := make([]compute.Container, len(boxes)), make([]error, len(boxes))
	var all sync.WaitGroup
	for n, i := range boxes {
		all.Go(func() {
			grace := 30 * time.Second
			if d := t.Definition.ContainerDefinitions[i].StopTimeout; d != nil {
				grace = seconds(d)
			}
			id := t.Boxes[i].EngineID
			errs[n] = s.Compute.Stop(ctx, id, grace)
			if errs[n] == nil {
				ends[n], errs[n] = s.Compute.Inspect(ctx, id)
			}
			if errors.Is(errs[n], compute.ErrNotFound) {
				ends[n], errs[n] = compute.Container{Exit: compute.Exit{Code: -1}}, nil
			}
		})
	}
	all.Wait()
	if err := errors.Join(errs...); err != nil {
		return err
	}
	return s.change(ctx, t.key(), func(tx *engine.Tx, t *task) error {
		for n, i := range boxes {
			t.noteEnd(i, ends[n], tx.Now())
		}
		if t.ExecutionStoppedAt == nil {
			t.ExecutionStoppedAt = aws.Time(tx.Now())
		}
		return nil
	})
}

// removeAll leaves nothing behind.
func (s *Service) removeAll(ctx context.Context, t *task) error {
	list, err := s.Compute.List(ctx, map[string]string{compute.LabelOwner: t.arn()})
	if err != nil {
		return err
	}
	for _, c := range list {
		if c.ID == t.Pause {
			continue // last: others live in its network
		}
		if err := s.Compute.Remove(ctx, c.ID); err != nil {
			return err
		}
	}
	for _, c := range list {
		if err := s.Compute.Remove(ctx, c.ID); err != nil {
			return err
		}
	}
	if err := os.RemoveAll(s.scratch(t)); err != nil {
		s.Log.Warn("scratch volume stays", "task", t.arn(), "err", err)
	}
	return s.change(ctx, t.key(), func(tx *engine.Tx, t *task) error {
		t.LastStatus, t.StoppedAt = aws.String(statusStopped), aws.Time(tx.Now())
		for i := range t.Attachments {
			t.Attachments[i].Status = aws.String("DELETED")
		}
		return nil
	})
}

// scratch is the directory of the task's own volumes.
func (s *Service) scratch(t *task) string { return filepath.Join(s.Scratch, t.ID) }

// watch follows the engine's events for ever. Whenever it begins to, every
// live task is looked at, and what belongs to none is removed.
func (s *Service) watch(ctx context.Context) {
	compute.Follow(ctx, s.Compute, map[string]string{labelKind: "task"}, func() error {
		err := s.adopt(ctx)
		if err != nil && ctx.Err() == nil {
			s.Log.Error("tasks of the former run", "err", err)
		}
		return err
	}, func(ev compute.Event) error {
		var key taskKey
		if ev.Type != compute.Died || json.Unmarshal([]byte(ev.Labels[labelTask]), &key) != nil {
			return nil
		}
		err := s.wakeTask(ctx, key)
		if err != nil && ctx.Err() == nil {
			s.Log.Error("wake task", "task", key.ID, "err", err)
		}
		return err
	}, func(err error) { s.Log.Warn("container engine went away", "err", err) })
}

func (s *Service) wakeTask(ctx context.Context, key taskKey) error {
	return s.Engine.Update(ctx, func(tx *engine.Tx) error {
		return tx.Enqueue(engine.NewJob{Kind: jobTask, ID: key.ID, Key: key.ID, Payload: key})
	})
}

// adopt wakes every live task and removes containers without one.
func (s *Service) adopt(ctx context.Context) error {
	list, err := s.Compute.List(ctx, map[string]string{labelKind: "task"})
	if err != nil {
		return err
	}
	keys := map[string]taskKey{}
	err = s.Engine.Update(ctx, func(tx *engine.Tx) error {
		clear(keys)
		for t, err := range tasks.All(tx) {
			if err != nil {
				return err
			}
			if t.status() != statusStopped {
				keys[t.arn()] = t.key()
				if err := tx.Enqueue(engine.NewJob{Kind: jobTask, ID: t.ID, Key: t.ID, Payload: t.key()}); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, c := range list {
		if _, ok := keys[c.Labels[compute.LabelOwner]]; ok {
			continue
		}
		s.Log.Info("removing a container without a task", "container", c.ID, "task", c.Labels[compute.LabelOwner])
		if err := s.Compute.Remove(ctx, c.ID); err != nil {
			return fmt.Errorf("remove %s: %w", c.ID, err)
		}
	}
	return nil
}

// portOf is the gateway's port, from the endpoint's host.
func portOf(host string) string {
	if i := strings.LastIndexByte(host, ':'); i >= 0 {
		return host[i+1:]
	}
	return "80"
}
