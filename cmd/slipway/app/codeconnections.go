package app

import "github.com/slipway-dev/slipway/internal/codeconnections"

// addCodeConnections makes connections, under both of their APIs.
func addCodeConnections(a *App) error {
	s := codeconnections.New(codeconnections.Config{
		Engine: a.engine,
		Site:   a.site,
		IDs:    a.IDs,
		Log:    a.Log.With("part", "codeconnections"),
	})
	for _, w := range s.Wire() {
		if err := a.serve(w); err != nil {
			return err
		}
	}
	return nil
}
