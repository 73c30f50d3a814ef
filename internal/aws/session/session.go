// Package session is how a service acts in a role. The clients it makes are
// the official SDK's, signed and authorized like any other caller's, so an
// action can one day point at AWS itself by swapping the configuration.
package session

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// Request names a role session.
type Request struct {
	RoleARN string
	// Name is the RoleSessionName, e.g. the pipeline execution's id.
	Name string
	// Service is the principal that assumes the role: codebuild.amazonaws.com.
	Service string
	// SourceARN is the resource the service acts for, if trust policies may ask
	// (aws:SourceArn): the project, the pipeline.
	SourceARN string
	Region    string
	// Policies narrow the session further (JSON documents).
	Policies []string
	// Duration defaults to one hour.
	Duration time.Duration
}

// Source makes sessions. A role that does not exist, or (under --iam enforce)
// does not trust the service, gives a *wire.Error of code AccessDenied whose
// message is STS's.
type Source interface {
	Credentials(ctx context.Context, r Request) (aws.Credentials, error)
	// Config is for SDK clients: region, endpoint, and credentials that renew
	// themselves. Calls stay inside the process.
	Config(ctx context.Context, r Request) (aws.Config, error)
}
