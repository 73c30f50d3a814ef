package kms

import (
	"fmt"
	"log/slog"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"github.com/slipway-dev/slipway/internal/aws/arn"
	"github.com/slipway-dev/slipway/internal/aws/auth"
	"github.com/slipway-dev/slipway/internal/aws/tag"
	"github.com/slipway-dev/slipway/internal/aws/wire"
	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/id"
	"github.com/slipway-dev/slipway/internal/seal"
	"github.com/slipway-dev/slipway/internal/site"
	"github.com/slipway-dev/slipway/internal/store"
)

// Config is what the service needs; all members are required.
type Config struct {
	Engine *engine.Engine
	Site   site.Site
	IDs    id.Source
	Log    *slog.Logger
	// Box seals key material.
	Box seal.Box
	// Authorizer decides on what services do with keys for their callers.
	Authorizer auth.Authorizer
}

// Service is KMS.
type Service struct{ cfg Config }

// New returns the service and registers its jobs.
func New(c Config) *Service {
	s := &Service{cfg: c}
	c.Engine.Handle(jobDelete, engine.Options{}, s.expire)
	c.Engine.Handle(jobRotate, engine.Options{}, s.rotateOnTime)
	return s
}

// Kinds of jobs; their ID is REGION/KEYID.
const (
	jobDelete = "kms.delete" // on the deletion date
	jobRotate = "kms.rotate" // on the next date of automatic rotation
)

// key is what the store keeps.
type key struct {
	types.KeyMetadata
	Region    string
	Policy    string
	Tags      tag.Set `json:",omitempty"`
	Materials []material
	// Period is that of automatic rotation in days; 0 means that there is none.
	Period int32 `json:",omitempty"`
	// Next is when automatic rotation is due.
	Next time.Time `json:",omitzero"`
}

// material is one piece of a key's secret.
type material struct {
	ID      string // 64 hexadecimal digits
	Sealed  string
	Since   time.Time
	Rotated types.RotationType `json:",omitempty"` // "" for the first
}

// alias is a name of a key. Those of AWS's services have no target before
// their first use.
type alias struct {
	Name    string // with alias/
	Region  string
	Target  string // key ID
	Created time.Time
	Updated time.Time
}

const (
	keys    store.Table[key]   = "kms.key"   // region, key ID
	aliases store.Table[alias] = "kms.alias" // region, name
	// targets finds a key's aliases: region, key ID, name → name.
	targets store.Table[string] = "kms.target"
)

func (k *key) id() string            { return *k.KeyId }
func (k *key) job() string           { return k.Region + "/" + k.id() }
func (k *key) managed() bool         { return k.KeyManager == types.KeyManagerTypeAws }
func (k *key) symmetric() bool       { return k.KeySpec == types.KeySpecSymmetricDefault }
func (k *key) put(tx store.Tx) error { return keys.Put(tx, k, k.Region, k.id()) }

func (s *Service) keyARN(region, id string) string {
	return arn.New("kms", region, s.cfg.Site.Account, "key/"+id)
}

func (s *Service) aliasARN(region, name string) string {
	return arn.New("kms", region, s.cfg.Site.Account, name)
}

// fail is one of KMS's exceptions; code is without "Exception".
func fail(code, format string, args ...any) error {
	return &wire.Error{Code: code + "Exception", Message: fmt.Sprintf(format, args...)}
}
