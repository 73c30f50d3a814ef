package app

import (
	"path/filepath"

	"github.com/slipway-dev/slipway/internal/ecs"
)

// addECS makes ECS, whose tasks are containers of the compute adapter.
func addECS(a *App) error {
	scratch, err := a.dir("tasks")
	if err != nil {
		return err
	}
	s := ecs.New(ecs.Config{
		Engine: a.engine, Bus: a.bus, Site: a.site, IDs: a.IDs, Log: a.Log.With("part", "ecs"),
		Sessions: a.sessions, Compute: a.compute, Logs: a.logs, Balancers: a.balancers, Networks: a.ec2, Alarms: a.cloudwatch,
		Executable: a.Executable, RunDir: filepath.Dir(a.Socket()), Scratch: scratch,
	})
	a.gateway.Mount(ecs.AgentPath, s.Agent())
	a.onStart(s.Start)
	a.onStop(s.Stop)
	return a.serve(s.Wire())
}
