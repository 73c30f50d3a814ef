package docker

import (
	"context"
	"errors"
	"math"
	"strings"
	"time"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"

	"github.com/slipway-dev/slipway/internal/compute"
)

// Start starts a created container; one that runs is no error.
func (e *Engine) Start(ctx context.Context, id string) error {
	_, err := e.cli.ContainerStart(ctx, id, client.ContainerStartOptions{})
	return e.wrap("start", err)
}

// Inspect describes a container.
func (e *Engine) Inspect(ctx context.Context, id string) (compute.Container, error) {
	res, err := e.cli.ContainerInspect(ctx, id, client.ContainerInspectOptions{})
	if err != nil {
		return compute.Container{}, e.wrap("inspect", err)
	}
	return describe(res.Container), nil
}

// List returns our containers that have these labels.
func (e *Engine) List(ctx context.Context, labels map[string]string) ([]compute.Container, error) {
	res, err := e.cli.ContainerList(ctx, client.ContainerListOptions{All: true, Filters: e.filters(labels)})
	if err != nil {
		return nil, e.wrap("list", err)
	}
	var all []compute.Container
	for _, s := range res.Items {
		// The engine's list tells neither exit codes nor times.
		c, err := e.Inspect(ctx, s.ID)
		if errors.Is(err, compute.ErrNotFound) {
			continue // removed meanwhile
		}
		if err != nil {
			return nil, err
		}
		all = append(all, c)
	}
	return all, nil
}

// Wait returns how a container ended, when it has.
func (e *Engine) Wait(ctx context.Context, id string) (compute.Exit, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	// The wait is in place before the state is read, so no exit is missed; and
	// it is for the next exit, because a container that was never started
	// counts as "not running".
	wait := e.cli.ContainerWait(ctx, id, client.ContainerWaitOptions{Condition: container.WaitConditionNextExit})
	c, err := e.Inspect(ctx, id)
	if err != nil {
		return compute.Exit{}, err
	}
	if c.State == compute.Exited {
		return c.Exit, nil
	}
	select {
	case err := <-wait.Error:
		return compute.Exit{}, e.wrap("wait", err)
	case res := <-wait.Result:
		exit := compute.Exit{Code: int(res.StatusCode)}
		if res.Error != nil {
			exit.Error = res.Error.Message
		}
		// Only the state tells of OOM; the container may be gone already.
		if c, err := e.Inspect(ctx, id); err == nil && c.State == compute.Exited {
			exit = c.Exit
		}
		return exit, nil
	}
}

// Stop sends the stop signal, and kills after grace, which the engine counts
// in whole seconds (rounded up).
func (e *Engine) Stop(ctx context.Context, id string, grace time.Duration) error {
	seconds := int(math.Ceil(grace.Seconds()))
	_, err := e.cli.ContainerStop(ctx, id, client.ContainerStopOptions{Timeout: &seconds})
	return e.wrap("stop", err)
}

// Kill sends a signal ("" is SIGKILL); a container that has ended is no error.
func (e *Engine) Kill(ctx context.Context, id string, signal string) error {
	_, err := e.cli.ContainerKill(ctx, id, client.ContainerKillOptions{Signal: signal})
	if errdefs.IsConflict(err) {
		return nil // not running
	}
	return e.wrap("kill", err)
}

// Remove kills and removes; a missing container is no error.
func (e *Engine) Remove(ctx context.Context, id string) error {
	_, err := e.cli.ContainerRemove(ctx, id, client.ContainerRemoveOptions{Force: true, RemoveVolumes: true})
	switch {
	case errdefs.IsNotFound(err):
		return nil
	case errdefs.IsConflict(err) && strings.Contains(err.Error(), "already in progress"):
		return e.waitRemoved(ctx, id)
	}
	return e.wrap("remove", err)
}

func (e *Engine) waitRemoved(ctx context.Context, id string) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	wait := e.cli.ContainerWait(ctx, id, client.ContainerWaitOptions{Condition: container.WaitConditionRemoved})
	select {
	case <-wait.Result:
		return nil
	case err := <-wait.Error:
		if errdefs.IsNotFound(err) {
			return nil
		}
		return e.wrap("remove", err)
	}
}

func describe(r container.InspectResponse) compute.Container {
	c := compute.Container{
		ID:        r.ID,
		Name:      strings.TrimPrefix(r.Name, "/"),
		ImageID:   r.Image,
		State:     compute.Created,
		CreatedAt: timeOf(r.Created),
	}
	if r.Config != nil {
		c.Image, c.Labels = r.Config.Image, r.Config.Labels
	}
	if s := r.State; s != nil {
		c.PID = s.Pid
		c.StartedAt, c.ExitedAt = timeOf(s.StartedAt), timeOf(s.FinishedAt)
		c.Exit = compute.Exit{Code: s.ExitCode, OOMKilled: s.OOMKilled, Error: s.Error}
		switch s.Status {
		case container.StateRunning, container.StatePaused, container.StateRestarting:
			c.State = compute.Running
			c.Exit, c.ExitedAt = compute.Exit{}, time.Time{}
		case container.StateExited, container.StateDead, container.StateRemoving:
			c.State = compute.Exited
		}
	}
	if n := r.NetworkSettings; n != nil {
		for _, ep := range n.Networks {
			if ep != nil && ep.IPAddress.IsValid() {
				c.IP = ep.IPAddress.String()
			}
		}
		for port, bindings := range n.Ports {
			for _, b := range bindings {
				c.Ports = append(c.Ports, compute.Port{
					Container: int(port.Num()), Host: atoi(b.HostPort),
					Protocol: string(port.Proto()), HostIP: addr(b.HostIP),
				})
			}
		}
	}
	return c
}
