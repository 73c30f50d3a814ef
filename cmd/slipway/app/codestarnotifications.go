package app

import "github.com/slipway-dev/slipway/internal/codestarnotifications"

// addCodeStarNotifications makes the notification rules, which hear the bus's
// events and publish to topics.
func addCodeStarNotifications(a *App) error {
	return a.serve(codestarnotifications.New(codestarnotifications.Config{
		Engine: a.engine, Bus: a.bus, Site: a.site, IDs: a.IDs, Log: a.Log.With("part", "codestarnotifications"), Topics: a.topics,
	}).Wire())
}
