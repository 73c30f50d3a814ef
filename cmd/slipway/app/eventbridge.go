package app

import "github.com/slipway-dev/slipway/internal/eventbridge"

// addEventBridge makes EventBridge, whose rules see the bus's events.
func addEventBridge(a *App) error {
	s, err := eventbridge.New(eventbridge.Config{
		Engine: a.engine, Bus: a.bus, Site: a.site, IDs: a.IDs, Log: a.Log.With("part", "eventbridge"),
		Sessions: a.sessions, Logs: a.logs, Metrics: a.cloudwatch, Topics: a.topics, Functions: functions{a},
	})
	if err != nil {
		return err
	}
	return a.serve(s.Wire())
}
