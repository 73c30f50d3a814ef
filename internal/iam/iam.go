// Package iam keeps users, groups, roles, policies, access keys and git
// credentials, and decides who may do what.
//
// Documents are in the store; what requests need at every call (keys, parsed
// policies) is remembered in memory and forgotten as a whole when anything of
// IAM changes, so that a change is effective with the next request.
package iam

import (
	"context"
	"log/slog"
	"net/http"
	"time"

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
	cfg       Config
	box       seal.Box
	root      auth.Credential
	directory directory
	audit     audit
	// certificateUsers answer who uses a server certificate.
	certificateUsers []func(r store.Reader, arn string) (user string, err error)
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
		audit: audit{seen: map[denial]bool{}},
	}
}

func (s *Service) view(ctx context.Context, fn func(store.Reader) error) error {
	return s.cfg.Store.View(ctx, fn)
}

// update is one change of IAM. It takes effect with the next request.
func (s *Service) update(ctx context.Context, fn func(store.Tx) error) error {
	defer s.directory.forget()
	return s.cfg.Store.Update(ctx, fn)
}

// now is the time as IAM keeps it, to the second.
func (s *Service) now() *time.Time {
	t := s.cfg.Clock.Now().UTC().Truncate(time.Second)
	return &t
}

// unique is an identifier like AROA… .
func (s *Service) unique(prefix string) *string {
	v := prefix + id.Of(s.cfg.IDs, id.Base32, 17)
	return &v
}

// arn is that of something with a path, e.g. role/service/name.
func (s *Service) arn(kind string, path *string, name string) string {
	p := "/"
	if path != nil && *path != "" {
		p = *path
	}
	return arn.New("iam", "", s.cfg.Site.Account, kind+p+name)
}

func denied(message string) error {
	return &wire.Error{Code: "AccessDenied", Status: http.StatusForbidden, Message: message}
}

func invalid(message string) error {
	return &wire.Error{Code: "ValidationError", Status: http.StatusBadRequest, Message: message}
}
