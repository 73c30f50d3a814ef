// Package sts issues temporary credentials. A session token is a sealed
// description of its session: nothing is stored, and every replica can read it.
package sts

import (
	"context"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/slipway-dev/slipway/internal/aws/auth"
	"github.com/slipway-dev/slipway/internal/aws/identity"
	"github.com/slipway-dev/slipway/internal/aws/wire"
	"github.com/slipway-dev/slipway/internal/clock"
	"github.com/slipway-dev/slipway/internal/iam/policy"
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
	cfg  Config
	box  seal.Box
	http *http.Client
}

// New returns STS.
func New(cfg Config) *Service {
	return &Service{cfg: cfg, box: cfg.Keys.For("sts.session"), http: &http.Client{Transport: cfg.Transport}}
}

// Principals is what STS asks of IAM.
type Principals interface {
	// AccessKey finds an active long-term key or returns InvalidClientTokenId.
	AccessKey(ctx context.Context, accessKeyID string) (auth.Credential, error)
	// Role finds a role by its whole ARN, or returns NoSuchEntityException.
	Role(ctx context.Context, roleARN string) (*iamtypes.Role, *policy.Policy, error)
	// MayAssume decides on the role's trust and the caller's own policies.
	MayAssume(ctx context.Context, c *identity.Caller, roleARN string, facts map[string][]string) (policy.Decision, error)
	// Deny records a denial and returns nil, or returns AccessDenied.
	Deny(ctx context.Context, c *identity.Caller, check wire.Access, d policy.Decision) error
	// ManagedPolicy returns a managed policy's document.
	ManagedPolicy(ctx context.Context, policyARN string) (string, error)
}

// Wire is the table of operations. AssumeRole needs no permission of the
// caller where the role's trust names it, so it decides by itself.
func (s *Service) Wire() wire.Service {
	return wire.Service{Model: "sts", Operations: []wire.Operation{
		wire.Op("-", s.GetCallerIdentity, nil),
		wire.Op("-", s.GetSessionToken, nil),
		wire.Op("-", s.AssumeRole, nil),
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

func denied(message string) error {
	return &wire.Error{Code: "AccessDenied", Status: http.StatusForbidden, Message: message}
}

func invalid(message string) error {
	return &wire.Error{Code: "ValidationError", Status: http.StatusBadRequest, Message: message}
}
