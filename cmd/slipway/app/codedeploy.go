package app

import (
	"context"

	"github.com/slipway-dev/slipway/internal/codedeploy"
)

// addCodeDeploy makes CodeDeploy, which asks the other services through the
// gateway, in the roles of its deployment groups.
func addCodeDeploy(a *App) error {
	s := codedeploy.New(codedeploy.Config{
		Engine: a.engine, Bus: a.bus, Site: a.site, IDs: a.IDs, Log: a.Log.With("part", "codedeploy"), Sessions: a.sessions,
		Roles: func(ctx context.Context, arn string) bool {
			_, _, err := a.iam.Role(ctx, arn)
			return err == nil
		},
	})
	a.onStart(s.Resume)
	return a.serve(s.Wire())
}
