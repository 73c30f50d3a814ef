package app

import (
	"context"

	"github.com/slipway-dev/slipway/internal/bus"
	"github.com/slipway-dev/slipway/internal/compute/docker"
	"github.com/slipway-dev/slipway/internal/compute/process"
)

// addCompute makes what runs containers, without talking to it yet.
func addCompute(a *App) error {
	if a.Compute == Process {
		dir, err := a.dir("process")
		if err != nil {
			return err
		}
		cfg := process.Config{Dir: dir, Installation: a.site.Installation}
		if a.supervised {
			cfg.Supervisor = []string{a.Executable, "process-run"}
		}
		e, err := process.New(cfg)
		if err != nil {
			return err
		}
		a.compute, a.bridge = e, noBridge{}
		return nil
	}
	e, err := docker.New(docker.Config{Installation: a.site.Installation, Names: a.names})
	if err != nil {
		return err
	}
	a.compute, a.bridge = e, e
	a.onStop(func() { _ = e.Close() })
	return nil
}

// bridge is how containers reach this machine.
type bridge interface {
	// Address is at what address; "" if at none.
	Address(context.Context) (string, error)
	// Hosts are lines of compute.Network.ExtraHosts.
	Hosts(context.Context) ([]string, error)
}

// noBridge is for processes, which are on this machine.
type noBridge struct{}

func (noBridge) Address(context.Context) (string, error) { return "", nil }
func (noBridge) Hosts(context.Context) ([]string, error) { return nil, nil }

// names are those by which containers reach this machine: of load balancers,
// which are made later than the engine that asks.
func (a *App) names(ctx context.Context) ([]string, error) { return a.balancers.Names(ctx) }

// addBus makes the bus. Subscribers come with the parts that follow.
func addBus(a *App) error {
	a.bus = bus.New(a.engine, a.IDs)
	return nil
}
