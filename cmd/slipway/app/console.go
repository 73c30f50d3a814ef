package app

import "github.com/slipway-dev/slipway/internal/console"

// addConsole mounts the console, which calls the API inside this process.
func addConsole(a *App) error {
	a.gateway.Mount(console.Prefix, console.New(console.Config{
		Site: a.site, PublicURL: a.PublicURL, API: a.inside, Clock: a.Clock,
		Sessions: a.keys.For("console.session"), Log: a.Log.With("part", "console"),
	}))
	return nil
}
