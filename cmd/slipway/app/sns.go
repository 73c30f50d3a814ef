package app

import "github.com/slipway-dev/slipway/internal/sns"

func addSNS(a *App) error {
	service := sns.New(sns.Config{Engine: a.engine, Site: a.site, IDs: a.IDs, Log: a.Log.With("part", "sns")})
	return a.serve(service.Wire())
}
