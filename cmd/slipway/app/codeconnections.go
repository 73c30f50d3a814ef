package app

import (
	"github.com/slipway-dev/slipway/internal/codeconnections"
	"github.com/slipway-dev/slipway/internal/codeconnections/handshake"
	"github.com/slipway-dev/slipway/internal/git"
)

// addCodeConnections makes connections, under both of their APIs. Those who use
// them, which come later, add themselves with UsedBy.
func addCodeConnections(a *App) error {
	scratch, err := a.dir("connections/fetched")
	if err != nil {
		return err
	}
	if err := empty(scratch); err != nil { // what a crash left
		return err
	}
	certificates, err := a.dir("connections/certificates")
	if err != nil {
		return err
	}
	repositories, err := git.Open(scratch)
	if err != nil {
		return err
	}
	a.connections = codeconnections.New(codeconnections.Config{
		Engine:     a.engine,
		Bus:        a.bus,
		Site:       a.site,
		IDs:        a.IDs,
		Log:        a.Log.With("part", "codeconnections"),
		Secrets:    a.keys.For("codeconnections"),
		Keys:       a.credentials,
		Authorizer: a.iam,
		Scratch:    repositories,
		Dir:        certificates,
		PublicURL:  a.PublicURL,
	})
	a.onStart(a.connections.Start)
	for _, w := range a.connections.Wire() {
		if err := a.serve(w); err != nil {
			return err
		}
	}
	a.gateway.Mount(handshake.Path, a.gateway.Signed(handshake.Signing, a.connections.Installation))
	a.gateway.Mount(codeconnections.HookPrefix, a.connections.Webhooks())
	a.gateway.Mount(codeconnections.GitPrefix, a.connections.Git())
	return nil
}
