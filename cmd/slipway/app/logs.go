package app

import "github.com/slipway-dev/slipway/internal/logs"

// addLogs makes CloudWatch Logs, to which builds and tasks append.
func addLogs(a *App) error {
	a.logs = logs.New(logs.Config{
		Engine: a.engine,
		Site:   a.site,
		Clock:  a.Clock,
		IDs:    a.IDs,
		Log:    a.Log.With("part", "logs"),
		Keys:   a.kms,

		Metrics: a.cloudwatch,
	})
	return a.serve(a.logs.Wire())
}
