package ecs

import (
	"context"
	"errors"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/slipway-dev/slipway/internal/compute"
	"github.com/slipway-dev/slipway/internal/engine"
)

// firstCheck is how soon a container's health is looked at first. ECS waits
// for the whole interval; one look before that finds most containers healthy.
const firstCheck = time.Second

// checkHealth looks at a container's health once, and again after the interval.
func (s *Service) checkHealth(ctx context.Context, job *engine.Job) error {
	ref, t, err := s.find(ctx, job)
	if err != nil || t == nil || t.stopping() || aws.ToString(t.Containers[ref.Index].LastStatus) != statusRunning {
		return err
	}
	h := t.Definition.ContainerDefinitions[ref.Index].HealthCheck
	command := h.Command[1:]
	if h.Command[0] == "CMD-SHELL" {
		command = append([]string{"/bin/sh", "-c"}, command...)
	}
	inner, cancel := context.WithTimeout(ctx, seconds(h.Timeout))
	code, err := s.Compute.Exec(inner, t.Boxes[ref.Index].EngineID, compute.ExecSpec{Command: command})
	cancel()
	if ctx.Err() != nil || errors.Is(err, compute.ErrUnavailable) {
		return err
	}
	ok := err == nil && code == 0
	err = s.change(ctx, ref.Task, func(tx *engine.Tx, t *task) error {
		before := t.Containers[ref.Index].HealthStatus
		t.checkedHealth(ref.Index, ok, tx.Now())
		if t.Containers[ref.Index].HealthStatus == before {
			return nil
		}
		// Others may wait for it.
		return tx.Enqueue(engine.NewJob{Kind: jobTask, ID: t.ID, Key: t.ID, Payload: t.key()})
	})
	if err != nil {
		return err
	}
	return engine.RetryAt(s.Engine.Now().Add(seconds(h.Interval)))
}
