package codeconnections

import (
	"context"
	"fmt"
	"log/slog"
	"strings"

	"github.com/slipway-dev/slipway/internal/aws/auth"
	"github.com/slipway-dev/slipway/internal/aws/wire"
	"github.com/slipway-dev/slipway/internal/bus"
	"github.com/slipway-dev/slipway/internal/bus/source"
	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/git"
	"github.com/slipway-dev/slipway/internal/id"
	"github.com/slipway-dev/slipway/internal/seal"
	"github.com/slipway-dev/slipway/internal/site"
)

// Config is what the service needs; all members are required.
type Config struct {
	Engine *engine.Engine
	Bus    *bus.Bus
	Site   site.Site
	IDs    id.Source
	Log    *slog.Logger
	// Secrets seals tokens and the secrets of webhooks.
	Secrets    seal.Box
	Keys       auth.Keys
	Authorizer Authorizer
	// Scratch is where repositories are fetched to; nothing in it lasts.
	Scratch *git.Repositories
	// Dir is for the certificates of providers.
	Dir string
	// PublicURL is where providers reach this server: Site.URL, unless
	// something stands between.
	PublicURL string
}

// Authorizer is IAM.
type Authorizer interface {
	auth.Authorizer
	// AuthorizeAny is content with one of the checks.
	AuthorizeAny(ctx context.Context, checks ...wire.Access) error
}

// Users lists the repositories of a connection that somebody wants to know the
// changes of.
type Users func(ctx context.Context, connectionARN string) ([]string, error)

// Service keeps connections and hosts, and looks after the repositories behind
// connections.
type Service struct {
	Config
	users    []Users
	readings chan struct{} // one for each webhook that is in memory
}

// New returns the service and registers its jobs and subscriptions.
func New(c Config) *Service {
	s := &Service{Config: c, readings: make(chan struct{}, maxReadings)}
	c.Engine.Handle(syncJob, engine.Options{}, s.sync)
	c.Engine.Handle(watchJob, engine.Options{Concurrency: 8}, s.look)
	c.Engine.Handle(deliveryJob, engine.Options{Concurrency: 16}, s.deliver)
	c.Engine.Handle(unhookJob, engine.Options{Concurrency: 4}, s.unhook)
	c.Engine.Handle(sweepJob, engine.Options{}, s.sweep)
	c.Bus.Subscribe("codeconnections.declared", source.IsDeclared, s.declared)
	return s
}

// UsedBy adds those who use repositories; before Start.
func (s *Service) UsedBy(u Users) { s.users = append(s.users, u) }

// The prefixes of ARNs and IAM actions of the two APIs.
const (
	newPrefix = "codeconnections"
	oldPrefix = "codestar-connections"
)

// front is one of the two APIs. Their models differ in nothing but names, so
// the types of the newer SDK serve both.
type front struct {
	*Service
	prefix string
}

func fail(code, format string, args ...any) error {
	return &wire.Error{Code: code + "Exception", Message: fmt.Sprintf(format, args...)}
}

func noConnection(arn string) error {
	return fail("ResourceNotFound", "Connection %s not found", arn)
}

func noHost(arn string) error { return fail("ResourceNotFound", "Host %s not found", arn) }

// either are the two names of an action on a connection, that of the
// connection's own prefix first. keys are condition keys without their prefix.
func either(action, connectionARN string, keys map[string]string) []wire.Access {
	prefixes := []string{newPrefix, oldPrefix}
	if strings.HasPrefix(connectionARN, "arn:aws:"+oldPrefix+":") {
		prefixes = []string{oldPrefix, newPrefix}
	}
	var checks []wire.Access
	for _, p := range prefixes {
		a := wire.Access{Action: p + ":" + action, Resource: connectionARN, Context: map[string][]string{}}
		for k, v := range keys {
			if v != "" {
				a.Context[p+":"+k] = []string{v}
			}
		}
		checks = append(checks, a)
	}
	return checks
}
