package app

import "github.com/slipway-dev/slipway/internal/codestarnotifications"

func addCodeStarNotifications(a *App) error {
	return a.serve(codestarnotifications.New(codestarnotifications.Config{Engine: a.engine, Site: a.site, IDs: a.IDs}).Wire())
}
