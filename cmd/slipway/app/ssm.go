package app

import "github.com/slipway-dev/slipway/internal/ssm"

// addSSM makes the Parameter Store, which encrypts with KMS and refers to
// Secrets Manager.
func addSSM(a *App) error {
	s := ssm.New(ssm.Config{
		Engine: a.engine, Bus: a.bus, Site: a.site, Log: a.Log.With("part", "ssm"),
		Keys: a.kms.Via("ssm"), Secrets: a.secrets,
	})
	return a.serve(s.Wire())
}
