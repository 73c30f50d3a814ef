// Package docker runs containers on a Docker Engine, local or remote, by its
// HTTP API (1.41 and later).
//
// Containers are put on the engine's default bridge: on Linux its addresses
// are reachable from the host, which is all that a task's address must be, and
// it needs no network of our own to create, name and clean up.
package docker

import (
	"context"
	"fmt"
	"maps"
	"sync"

	"github.com/moby/moby/client"

	"github.com/slipway-dev/slipway/internal/compute"
)

// Config says which engine, and for whom.
type Config struct {
	// Host is the engine's address, unix:///var/run/docker.sock or
	// tcp://host:port. Empty means what DOCKER_HOST and its companions say,
	// else the default socket.
	Host string
	// Installation is the value of compute.LabelInstallation: every container
	// gets it, and List and Watch see no others.
	Installation string
	// Names are names of this machine, which containers with a network of their
	// own find in /etc/hosts; nil for none.
	Names func(context.Context) ([]string, error)
}

// Engine is a compute.Compute and a compute.ImageStore.
type Engine struct {
	cli          *client.Client
	installation string
	names        func(context.Context) ([]string, error)

	mu      sync.Mutex
	facts   *facts  // nil until asked
	address *string // nil until asked; see Address
}

var (
	_ compute.Compute    = (*Engine)(nil)
	_ compute.ImageStore = (*Engine)(nil)
)

// New returns an adapter; it does not talk to the engine yet.
func New(cfg Config) (*Engine, error) {
	opts := []client.Opt{client.FromEnv, client.WithUserAgent("slipway")}
	if cfg.Host != "" {
		opts = append(opts, client.WithHost(cfg.Host))
	}
	cli, err := client.New(opts...)
	if err != nil {
		return nil, fmt.Errorf("docker: %w", err)
	}
	return &Engine{cli: cli, installation: cfg.Installation, names: cfg.Names}, nil
}

// Close ends idle connections.
func (e *Engine) Close() error { return e.cli.Close() }

// Host is the address of the engine, e.g. unix:///var/run/docker.sock.
func (e *Engine) Host() string { return e.cli.DaemonHost() }

// facts are what an engine says of itself.
type facts struct {
	info   compute.Info
	limits limits
}

// ask asks the engine what it is, once: an answer makes it lock all its networks,
// and the engine of Debian 12 stands still for good where that meets the ends of
// many containers.
func (e *Engine) ask(ctx context.Context) (*facts, error) {
	e.mu.Lock()
	known := e.facts
	e.mu.Unlock()
	if known != nil {
		return known, nil
	}
	res, err := e.cli.Info(ctx, client.InfoOptions{})
	if err != nil {
		return nil, e.wrap("info", err)
	}
	i := res.Info
	f := &facts{
		info: compute.Info{
			Name:       "docker",
			Version:    i.ServerVersion,
			Images:     true,
			Privileged: true,
			Isolation:  "containers have their own file system, processes, network and limits; the kernel is shared, and privileged containers are not isolated",
			CPUs:       i.NCPU,
			Memory:     i.MemTotal,
		},
		limits: limits{
			cpus:   i.NCPU,
			quota:  i.CPUCfsPeriod && i.CPUCfsQuota,
			shares: i.CPUShares,
			memory: i.MemoryLimit,
			swap:   i.SwapLimit,
			pids:   i.PidsLimit,
		},
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.facts = f
	return f, nil
}

// Info describes the engine, as it was when it first answered;
// compute.ErrUnavailable if it does not answer now.
func (e *Engine) Info(ctx context.Context) (compute.Info, error) {
	if _, err := e.cli.Ping(ctx, client.PingOptions{}); err != nil {
		return compute.Info{}, e.wrap("ping", err)
	}
	f, err := e.ask(ctx)
	if err != nil {
		return compute.Info{}, err
	}
	return f.info, nil
}

// filters selects our containers that have these labels.
func (e *Engine) filters(labels map[string]string) client.Filters {
	f := client.Filters{}
	for k, v := range e.labels(labels) {
		f = f.Add("label", k+"="+v)
	}
	return f
}

// labels adds ours.
func (e *Engine) labels(labels map[string]string) map[string]string {
	all := maps.Clone(labels)
	if all == nil {
		all = map[string]string{}
	}
	all[compute.LabelInstallation] = e.installation
	return all
}
