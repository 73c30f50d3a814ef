package app

import (
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
		a.compute = e
		return nil
	}
	e, err := docker.New(docker.Config{Installation: a.site.Installation})
	if err != nil {
		return err
	}
	a.compute = e
	a.onStop(func() { _ = e.Close() })
	return nil
}

// addBus makes the bus. Subscribers come with the parts that follow.
func addBus(a *App) error {
	a.bus = bus.New(a.engine, a.IDs)
	return nil
}
