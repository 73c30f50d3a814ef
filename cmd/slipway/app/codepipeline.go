package app

import (
	"os"

	"github.com/slipway-dev/slipway/internal/codepipeline"
)

// addCodePipeline makes CodePipeline. Its actions call the other services
// through the gateway; only the trees of commits, which have no public API,
// come straight from CodeCommit and from connections.
func addCodePipeline(a *App) error {
	dir, err := a.dir("artifacts")
	if err != nil {
		return err
	}
	if err := empty(dir); err != nil { // what a crash left
		return err
	}
	s := codepipeline.New(codepipeline.Config{
		Engine:      a.engine,
		Events:      a.bus,
		Site:        a.site,
		IDs:         a.IDs,
		Log:         a.Log.With("part", "codepipeline"),
		Sessions:    a.sessions,
		Archives:    a.git,
		Connections: a.connections,
		Secrets:     a.keys.For("codepipeline.secret"),
		TempDir:     dir,
	})
	a.connections.UsedBy(s.ConnectionRepositories)
	a.onStart(s.Resume)
	a.gateway.Mount(codepipeline.WebhookPath, s.Webhooks())
	return a.serve(s.Wire())
}

// empty removes what is in a directory.
func empty(dir string) error {
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	return os.Mkdir(dir, 0o700)
}
