package app

import (
	"github.com/slipway-dev/slipway/internal/gateway"
	"github.com/slipway-dev/slipway/internal/iam"
	"github.com/slipway-dev/slipway/internal/sts"
)

// addIdentity makes IAM, STS and the gateway, which needs both.
func addIdentity(a *App) error {
	if err := a.openRoot(); err != nil {
		return err
	}
	a.iam = iam.New(iam.Config{
		Store: a.store,
		Site:  a.site,
		Clock: a.Clock,
		IDs:   a.IDs,
		Log:   a.Log.With("part", "iam"),
		Keys:  a.keys,
		Root:  iam.RootKey{AccessKeyID: a.root.ID, Secret: a.root.Secret},
		Audit: a.IAM == Audit,
	})
	tokens := sts.New(sts.Config{
		Site:       a.site,
		Clock:      a.Clock,
		IDs:        a.IDs,
		Keys:       a.keys,
		Principals: a.iam,
		Transport:  a.inside,
	})
	a.sessions, a.credentials, a.authorizer = tokens, tokens, a.iam
	a.gateway = gateway.New(gateway.Config{
		Keys:    a.credentials,
		Auth:    a.authorizer,
		Clock:   a.Clock,
		IDs:     a.IDs,
		Log:     a.Log.With("part", "gateway"),
		Metrics: a.metrics,
	})
	a.inside.Handler = a.gateway
	if err := a.serve(a.iam.Wire()); err != nil {
		return err
	}
	return a.serve(tokens.Wire())
}
