package codeconnections

import (
	"fmt"
	"log/slog"

	"github.com/slipway-dev/slipway/internal/aws/wire"
	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/id"
	"github.com/slipway-dev/slipway/internal/site"
)

// Config is what the service needs; all members are required.
type Config struct {
	Engine *engine.Engine
	Site   site.Site
	IDs    id.Source
	Log    *slog.Logger
}

// Service keeps connections and hosts.
type Service struct{ Config }

// New returns the service.
func New(c Config) *Service { return &Service{c} }

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
