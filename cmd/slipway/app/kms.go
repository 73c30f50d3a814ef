package app

import "github.com/slipway-dev/slipway/internal/kms"

// addKMS makes KMS, with which other services encrypt.
func addKMS(a *App) error {
	a.kms = kms.New(kms.Config{
		Engine: a.engine, Site: a.site, IDs: a.IDs, Log: a.Log.With("part", "kms"),
		Box: a.keys.For("kms.material"), Authorizer: a.authorizer,
	})
	return a.serve(a.kms.Wire())
}
