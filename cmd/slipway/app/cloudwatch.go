package app

import "github.com/slipway-dev/slipway/internal/cloudwatch"

// addCloudWatch makes CloudWatch: metrics and alarms.
func addCloudWatch(a *App) error {
	a.cloudwatch = cloudwatch.New(cloudwatch.Config{Engine: a.engine, Bus: a.bus, Site: a.site, Log: a.Log.With("part", "cloudwatch"), Functions: functions{a}})
	return a.serve(a.cloudwatch.Wire())
}
