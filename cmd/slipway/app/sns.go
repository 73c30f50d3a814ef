package app

import "github.com/slipway-dev/slipway/internal/sns"

// addSNS makes SNS, to whose topics other services publish.
func addSNS(a *App) error {
	a.topics = sns.New(sns.Config{
		Engine: a.engine, Site: a.site, IDs: a.IDs, Log: a.Log.With("part", "sns"),
		Box: a.keys.For("sns"), Authorizer: a.authorizer, Metrics: a.cloudwatch, Functions: functions{a}, Sessions: a.sessions,
	})
	a.cloudwatch.PublishTo(a.topics)
	a.gateway.Mount(sns.CertificatePrefix, a.topics.Certificate())
	return a.serve(a.topics.Wire())
}
