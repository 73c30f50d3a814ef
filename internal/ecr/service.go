package ecr

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"log/slog"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/aws/aws-sdk-go-v2/service/kms"

	"github.com/slipway-dev/slipway/internal/aws/arn"
	"github.com/slipway-dev/slipway/internal/aws/auth"
	"github.com/slipway-dev/slipway/internal/aws/identity"
	"github.com/slipway-dev/slipway/internal/aws/tag"
	"github.com/slipway-dev/slipway/internal/aws/wire"
	"github.com/slipway-dev/slipway/internal/bus"
	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/id"
	"github.com/slipway-dev/slipway/internal/seal"
	"github.com/slipway-dev/slipway/internal/site"
	"github.com/slipway-dev/slipway/internal/store"
)

// Registry keeps manifests and blobs under repository ids.
type Registry interface {
	PutManifest(ctx context.Context, id, mediaType string, body []byte) (digest string, err error)
	DeleteManifest(ctx context.Context, id, digest string) error
	Blob(ctx context.Context, id, digest string) (size int64, err error)
	Remove(id string) error
	Sweep(ctx context.Context, before time.Time, named func(digest string) bool) (removed int, err error)
}

// KMS tells whether a key is there. The images lie on the disk as they are: a
// repository's key is kept and given back, and nothing is encrypted with it.
type KMS interface {
	DescribeKey(ctx context.Context, in *kms.DescribeKeyInput, opts ...func(*kms.Options)) (*kms.DescribeKeyOutput, error)
}

// Config is what the service needs; every member is required.
type Config struct {
	Engine     *engine.Engine
	Bus        *bus.Bus
	Site       site.Site
	IDs        id.Source
	Log        *slog.Logger
	Registry   Registry
	Tokens     seal.Box // seals registry passwords
	Keys       auth.Keys
	Authorizer auth.Authorizer
	KMS        KMS
}

// Service implements ECR's API.
type Service struct {
	Config
	keeping [64]sync.Mutex // see lock
}

// New returns the service and registers its jobs.
func New(c Config) *Service {
	s := &Service{Config: c}
	c.Engine.Handle(jobRemove, engine.Options{}, s.removeRepository)
	c.Engine.Handle(jobDelete, engine.Options{}, s.deleteManifest)
	c.Engine.Handle(jobLifecycle, engine.Options{Concurrency: 2}, s.expire)
	c.Engine.Handle(jobSweep, engine.Options{Concurrency: 1}, s.sweep)
	return s
}

// Kinds of jobs.
const (
	jobRemove    = "ecr.remove"    // a repository's directory
	jobDelete    = "ecr.delete"    // a manifest in the registry
	jobLifecycle = "ecr.lifecycle" // a repository's expired images
	jobSweep     = "ecr.sweep"     // blobs that nothing names
)

// lock keeps one manifest's coming and going apart: both are steps in the
// registry and in the store.
func (s *Service) lock(repositoryID, digest string) (unlock func()) {
	h := fnv.New32a()
	_, _ = io.WriteString(h, repositoryID+digest)
	m := &s.keeping[h.Sum32()%uint32(len(s.keeping))]
	m.Lock()
	return m.Unlock
}

// repository is what the store keeps.
type repository struct {
	types.Repository
	ID        string // its name in the registry
	Region    string
	Tags      tag.Set `json:",omitempty"`
	Policy    string  `json:",omitempty"`
	Lifecycle string  `json:",omitempty"`
	Evaluated time.Time
}

func (r *repository) name() string { return aws.ToString(r.RepositoryName) }

// image is one manifest of a repository.
type image struct {
	Digest       string
	MediaType    string
	ArtifactType string `json:",omitempty"`
	Size         int64
	Pushed       time.Time
	Pulled       time.Time
	Tags         []string `json:",omitempty"`
	Blobs        []string `json:",omitempty"` // config and layers
	Children     []string `json:",omitempty"` // of an index
	Subject      string   `json:",omitempty"` // digest of the image it is about
}

const (
	repositories store.Table[repository] = "ecr.repository" // region, name
	images       store.Table[image]      = "ecr.image"      // id, digest
	manifests    store.Table[string]     = "ecr.manifest"   // id, digest
	tags         store.Table[string]     = "ecr.tag"        // id, tag → digest
	previews     store.Table[preview]    = "ecr.preview"    // id
)

func fail(code, format string, args ...any) error {
	return &wire.Error{Code: code + "Exception", Message: fmt.Sprintf(format, args...)}
}

func (s *Service) arn(region, name string) string {
	return arn.New("ecr", region, s.Site.Account, "repository/"+name)
}

// uri is the address that docker pulls from. Other regions than the default
// have a prefix, as the registry's host is one for all.
func (s *Service) uri(region, name string) string {
	return s.Site.Host + "/" + s.path(region, name)
}

func (s *Service) path(region, name string) string {
	if region == s.Site.Region {
		return name
	}
	return s.Site.Account + "." + region + "/" + name
}

func (s *Service) registry(id *string) error {
	if v := aws.ToString(id); v != "" && v != s.Site.Account {
		return fail("InvalidParameter", "Invalid parameter at 'registryId': the registry with id '%s' is not here; this one is '%s'", v, s.Site.Account)
	}
	return nil
}

// named reads a repository or answers that there is none.
func (s *Service) named(r store.Reader, region string, name *string) (*repository, error) {
	repo, err := repositories.Get(r, region, aws.ToString(name))
	if errors.Is(err, store.ErrNotFound) {
		return nil, fail("RepositoryNotFound", "The repository with name '%s' does not exist in the registry with id '%s'", aws.ToString(name), s.Site.Account)
	}
	return repo, err
}

// find is named in a transaction of its own.
func (s *Service) find(ctx context.Context, registryID, name *string) (repo *repository, err error) {
	if err := s.registry(registryID); err != nil {
		return nil, err
	}
	err = s.Engine.View(ctx, func(r store.Reader) error {
		repo, err = s.named(r, identity.Region(ctx), name)
		return err
	})
	return repo, err
}

// change reads, changes and writes a repository in one transaction.
func (s *Service) change(ctx context.Context, registryID, name *string, f func(*engine.Tx, *repository) error) error {
	if err := s.registry(registryID); err != nil {
		return err
	}
	return s.Engine.Update(ctx, func(tx *engine.Tx) error {
		repo, err := s.named(tx, identity.Region(ctx), name)
		if err != nil {
			return err
		}
		if err := f(tx, repo); err != nil {
			return err
		}
		return repositories.Put(tx, repo, repo.Region, repo.name())
	})
}

// announce emits an "ECR Image Action", one for each tag.
func (s *Service) announce(tx *engine.Tx, repo *repository, action string, im *image, name string) error {
	detail, err := json.Marshal(map[string]string{
		"result": "SUCCESS", "repository-name": repo.name(), "image-digest": im.Digest, "action-type": action,
		"image-tag": name, "manifest-media-type": im.MediaType,
	})
	if err != nil {
		return err
	}
	return s.Bus.Emit(tx, bus.Event{
		DetailType: "ECR Image Action", Source: "aws.ecr", Account: s.Site.Account, Region: repo.Region,
		Resources: []string{}, Detail: detail,
	})
}

// invalid is ECR's own exception for what the model forbids.
func invalid(v wire.Violation) error {
	return &wire.Error{Code: "InvalidParameterException", Message: fmt.Sprintf("Invalid parameter at '%s' failed to satisfy constraint: '%s'", v.Path, v.Message)}
}
