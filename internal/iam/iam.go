// Package iam keeps users, roles, policies and access keys, and decides who may
// do what.
package iam

import (
	"context"
	"log/slog"

	"github.com/slipway-dev/slipway/internal/aws/arn"
	"github.com/slipway-dev/slipway/internal/aws/auth"
	"github.com/slipway-dev/slipway/internal/aws/identity"
	"github.com/slipway-dev/slipway/internal/aws/wire"
	"github.com/slipway-dev/slipway/internal/clock"
	"github.com/slipway-dev/slipway/internal/id"
	"github.com/slipway-dev/slipway/internal/seal"
	"github.com/slipway-dev/slipway/internal/site"
	"github.com/slipway-dev/slipway/internal/store"
)

// Config is what IAM needs; all members are required.
type Config struct {
	Store store.Store
	Site  site.Site
	Clock clock.Clock
	IDs   id.Source
	Log   *slog.Logger
	// Keys seals access keys' secrets at rest.
	Keys *seal.Key
	// Root is the root user's access key, which is not in the store.
	Root RootKey
	// Audit lets denied calls through and records them.
	Audit bool
}

// RootKey is an access key of the root user.
type RootKey struct{ AccessKeyID, Secret string }

// Service is IAM.
type Service struct {
	cfg  Config
	box  seal.Box
	root auth.Credential
}

// New returns IAM on what the store holds.
func New(cfg Config) *Service {
	account := cfg.Site.Account
	return &Service{
		cfg: cfg,
		box: cfg.Keys.For("iam.access-key"),
		root: auth.Credential{Secret: cfg.Root.Secret, Caller: &identity.Caller{
			Kind:        identity.Root,
			Account:     account,
			ARN:         arn.New("iam", "", account, "root"),
			UserID:      account,
			AccessKeyID: cfg.Root.AccessKeyID,
		}},
	}
}

// AccessKey finds a long-term access key that is active.
func (s *Service) AccessKey(ctx context.Context, accessKeyID string) (auth.Credential, error) {
	if accessKeyID == s.cfg.Root.AccessKeyID {
		return s.root, nil
	}
	return auth.Credential{}, errUnknownKey
}

var errUnknownKey = &wire.Error{Code: "InvalidClientTokenId", Status: 403,
	Message: "The security token included in the request is invalid."}

// Authorize implements auth.Authorizer.
func (s *Service) Authorize(ctx context.Context, checks ...wire.Access) error { return nil }

// Wire is the table of operations.
func (s *Service) Wire() wire.Service { return wire.Service{Model: "iam"} }
