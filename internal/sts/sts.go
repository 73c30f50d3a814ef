// Package sts issues temporary credentials. A session token is a sealed
// description of its session: nothing is stored, and every replica can read it.
package sts

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/slipway-dev/slipway/internal/aws/auth"
	"github.com/slipway-dev/slipway/internal/aws/identity"
	"github.com/slipway-dev/slipway/internal/aws/wire"
	"github.com/slipway-dev/slipway/internal/clock"
	"github.com/slipway-dev/slipway/internal/id"
	"github.com/slipway-dev/slipway/internal/seal"
	"github.com/slipway-dev/slipway/internal/site"
)

// Config is what STS needs; all members are required.
type Config struct {
	Site  site.Site
	Clock clock.Clock
	IDs   id.Source
	// Keys seals session tokens.
	Keys *seal.Key
	// Principals is IAM.
	Principals Principals
	// Transport carries the calls of the clients that sessions are made for.
	Transport http.RoundTripper
}

// Service is STS. It implements auth.Keys and session.Source.
type Service struct {
	cfg Config
	box seal.Box
}

// New returns STS.
func New(cfg Config) *Service {
	return &Service{cfg: cfg, box: cfg.Keys.For("sts.session")}
}

// Principals is what STS asks of IAM.
type Principals interface {
	// AccessKey finds an active long-term key or returns InvalidClientTokenId.
	AccessKey(ctx context.Context, accessKeyID string) (auth.Credential, error)
}

// Wire is the table of operations.
func (s *Service) Wire() wire.Service {
	return wire.Service{Model: "sts", Operations: []wire.Operation{
		wire.Op("-", s.GetCallerIdentity, nil),
	}}
}

// GetCallerIdentity tells who calls; nobody is refused the answer.
func (s *Service) GetCallerIdentity(ctx context.Context, _ *sts.GetCallerIdentityInput, _ ...func(*sts.Options)) (*sts.GetCallerIdentityOutput, error) {
	c := identity.From(ctx)
	return &sts.GetCallerIdentityOutput{
		Account: aws.String(c.Account),
		Arn:     aws.String(c.ARN),
		UserId:  aws.String(c.UserID),
	}, nil
}

// Lookup implements auth.Keys.
func (s *Service) Lookup(ctx context.Context, accessKeyID, token string) (auth.Credential, error) {
	if token == "" && !strings.HasPrefix(accessKeyID, "ASIA") {
		return s.cfg.Principals.AccessKey(ctx, accessKeyID)
	}
	return auth.Credential{}, &wire.Error{Code: "InvalidClientTokenId", Status: http.StatusForbidden,
		Message: "The security token included in the request is invalid."}
}

var _ = time.Now
