package app

import "github.com/slipway-dev/slipway/internal/codedeploy"

// addCodeDeploy makes CodeDeploy, which asks ECS about services in the roles of
// its deployment groups.
func addCodeDeploy(a *App) error {
	return a.serve(codedeploy.New(codedeploy.Config{Engine: a.engine, Site: a.site, IDs: a.IDs, Sessions: a.sessions}).Wire())
}
