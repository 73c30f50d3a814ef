package secretsmanager

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"

	"github.com/slipway-dev/slipway/internal/aws/arn"
	"github.com/slipway-dev/slipway/internal/aws/auth"
	"github.com/slipway-dev/slipway/internal/aws/identity"
	"github.com/slipway-dev/slipway/internal/aws/tag"
	"github.com/slipway-dev/slipway/internal/aws/wire"
	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/id"
	"github.com/slipway-dev/slipway/internal/seal/envelope"
	"github.com/slipway-dev/slipway/internal/site"
	"github.com/slipway-dev/slipway/internal/store"
)

// Keys is KMS in the name of the caller.
type Keys interface {
	envelope.Keys
	DescribeKey(ctx context.Context, in *kms.DescribeKeyInput, opts ...func(*kms.Options)) (*kms.DescribeKeyOutput, error)
}

// Config is what the service needs; all members are required.
type Config struct {
	Engine     *engine.Engine
	Site       site.Site
	IDs        id.Source
	Log        *slog.Logger
	Keys       Keys
	Authorizer auth.Authorizer
}

// Service is Secrets Manager.
type Service struct{ cfg Config }

// New returns the service and registers its job.
func New(c Config) *Service {
	s := &Service{cfg: c}
	c.Engine.Handle(jobDelete, engine.Options{}, s.expire)
	return s
}

// jobDelete removes a marked secret when its recovery window ends. Its ID is
// the secret's ARN.
const jobDelete = "secretsmanager.delete"

// secret is what the store keeps.
type secret struct {
	ARN         string
	Name        string
	Region      string
	Description string              `json:",omitempty"`
	KeyID       string              `json:",omitempty"` // as given; "" is aws/secretsmanager
	Type        string              `json:",omitempty"`
	Tags        tag.Set             `json:",omitempty"`
	Policy      string              `json:",omitempty"`
	Versions    map[string]*version // by ID
	Created     time.Time
	Changed     time.Time
	Accessed    time.Time `json:",omitzero"` // a day
	// Marked is when DeleteSecret was called, Deletion when the secret goes.
	Marked   time.Time `json:",omitzero"`
	Deletion time.Time `json:",omitzero"`
}

// version is what is known of a version; its value is another document.
type version struct {
	Stages   []string `json:",omitempty"`
	KeyID    string   `json:",omitempty"` // as the secret's when it was written
	Created  time.Time
	Accessed time.Time `json:",omitzero"` // a day
}

// value is the encrypted content of a version.
type value struct {
	envelope.Sealed
	Binary bool `json:",omitempty"`
}

const (
	secrets store.Table[secret] = "secretsmanager.secret" // region, name
	values  store.Table[value]  = "secretsmanager.value"  // ARN, version ID
)

const managedKey = "alias/aws/secretsmanager"

func (x *secret) put(tx store.Tx) error { return secrets.Put(tx, x, x.Region, x.Name) }

func (x *secret) key() string {
	if x.KeyID == "" {
		return managedKey
	}
	return x.KeyID
}

// fail is one of the service's exceptions; code is without "Exception".
func fail(code, format string, args ...any) error {
	return &wire.Error{Code: code + "Exception", Message: fmt.Sprintf(format, args...)}
}

var (
	errNoSecret = fail("ResourceNotFound", "Secrets Manager can't find the specified secret.")
	errMarked   = fail("InvalidRequest", "You can't perform this operation on the secret because it was marked for deletion.")
)

const suffix = 6 // random characters behind a name in an ARN

func (s *Service) arn(region, name, random string) string {
	return arn.New("secretsmanager", region, s.cfg.Site.Account, "secret:"+name+"-"+random)
}

// find reads a secret by name, by ARN, or by ARN without the random suffix.
func (s *Service) find(ctx context.Context, r store.Reader, text *string) (*secret, error) {
	region, name := identity.Region(ctx), aws.ToString(text)
	if !strings.HasPrefix(name, "arn:") {
		return named(r, region, name)
	}
	a, ok := arn.Parse(name)
	resource, isSecret := strings.CutPrefix(a.Resource, "secret:")
	if !ok || a.Service != "secretsmanager" || !isSecret {
		return nil, fail("Validation", "Invalid name. Must be a valid name containing alphanumeric characters, or any of the following: -/_+=.@!")
	}
	if a.Region != region || a.Account != s.cfg.Site.Account {
		return nil, errNoSecret
	}
	if i := len(resource) - suffix - 1; i > 0 && resource[i] == '-' {
		x, err := named(r, region, resource[:i])
		if err == nil && x.ARN == name {
			return x, nil
		}
		if err != nil && !errors.Is(err, errNoSecret) {
			return nil, err
		}
	}
	return named(r, region, resource)
}

func named(r store.Reader, region, name string) (*secret, error) {
	x, err := secrets.Get(r, region, name)
	if errors.Is(err, store.ErrNotFound) {
		return nil, errNoSecret
	}
	return x, err
}

// view is find in a transaction of its own.
func (s *Service) view(ctx context.Context, text *string) (x *secret, err error) {
	err = s.cfg.Engine.View(ctx, func(r store.Reader) error {
		x, err = s.find(ctx, r, text)
		return err
	})
	return x, err
}

// live is view of a secret that is not marked for deletion.
func (s *Service) live(ctx context.Context, text *string) (*secret, error) {
	x, err := s.view(ctx, text)
	if err == nil && !x.Marked.IsZero() {
		return nil, errMarked
	}
	return x, err
}

// change reads, changes and writes a secret that is not marked for deletion in
// one transaction.
func (s *Service) change(ctx context.Context, text *string, f func(*engine.Tx, *secret) error) (x *secret, err error) {
	err = s.cfg.Engine.Update(ctx, func(tx *engine.Tx) error {
		if x, err = s.find(ctx, tx, text); err != nil {
			return err
		}
		if !x.Marked.IsZero() {
			return errMarked
		}
		if err := f(tx, x); err != nil {
			return err
		}
		return x.put(tx)
	})
	return x, err
}
