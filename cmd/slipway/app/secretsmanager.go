package app

import "github.com/slipway-dev/slipway/internal/secretsmanager"

// addSecretsManager makes Secrets Manager, whose values KMS's keys encrypt.
func addSecretsManager(a *App) error {
	s := secretsmanager.New(secretsmanager.Config{
		Engine: a.engine, Site: a.site, IDs: a.IDs, Log: a.Log.With("part", "secretsmanager"),
		Keys: a.kms.Via("secretsmanager"), Authorizer: a.authorizer,
	})
	a.secrets = secretsmanager.Reader{Service: s}
	return a.serve(s.Wire())
}
