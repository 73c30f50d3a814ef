package app

import (
	"github.com/slipway-dev/slipway/internal/codecommit"
	"github.com/slipway-dev/slipway/internal/git"
)

func addCodeCommit(a *App) error {
	dir, err := a.dir("git")
	if err != nil {
		return err
	}
	repositories, err := git.Open(dir)
	if err != nil {
		return err
	}
	a.git = codecommit.New(codecommit.Config{
		Engine: a.engine, Bus: a.bus, Site: a.site, IDs: a.IDs, Log: a.Log.With("part", "codecommit"),
		Repositories: repositories, Keys: a.credentials, Authorizer: a.authorizer, Passwords: a.iam, KMS: a.kms,
	})
	a.onStart(a.git.Start)
	a.gateway.Mount(codecommit.Prefix, a.git.Handler())
	return a.serve(a.git.Wire())
}
