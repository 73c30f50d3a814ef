package app

import "github.com/slipway-dev/slipway/internal/ec2"

// addEC2 makes the networks that load balancers and tasks name.
func addEC2(a *App) error {
	a.ec2 = ec2.New(ec2.Config{Engine: a.engine, Site: a.site, IDs: a.IDs})
	return a.serve(a.ec2.Wire())
}
