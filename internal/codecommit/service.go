package codecommit

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codecommit/types"
	"github.com/aws/aws-sdk-go-v2/service/kms"

	"github.com/slipway-dev/slipway/internal/aws/arn"
	"github.com/slipway-dev/slipway/internal/aws/auth"
	"github.com/slipway-dev/slipway/internal/aws/identity"
	"github.com/slipway-dev/slipway/internal/aws/tag"
	"github.com/slipway-dev/slipway/internal/aws/wire"
	"github.com/slipway-dev/slipway/internal/bus"
	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/git"
	"github.com/slipway-dev/slipway/internal/id"
	"github.com/slipway-dev/slipway/internal/site"
	"github.com/slipway-dev/slipway/internal/store"
)

// Config is what the service needs; every member is required.
type Config struct {
	Engine       *engine.Engine
	Bus          *bus.Bus
	Site         site.Site
	IDs          id.Source
	Log          *slog.Logger
	Repositories *git.Repositories
	Keys         auth.Keys
	Authorizer   auth.Authorizer
	// Passwords checks the git credentials that IAM generated.
	Passwords Passwords
	KMS       KMS
}

// KMS tells whether a key is there. Repositories lie on the disk as they are: a
// key is kept and given back, and nothing is encrypted with it.
type KMS interface {
	DescribeKey(ctx context.Context, in *kms.DescribeKeyInput, opts ...func(*kms.Options)) (*kms.DescribeKeyOutput, error)
}

// Passwords is IAM's knowledge of service-specific credentials; ok is false
// for a name and password that do not belong together.
type Passwords interface {
	GitPassword(ctx context.Context, name, password string) (c auth.Credential, ok bool, err error)
}

// Service implements CodeCommit's API.
type Service struct {
	Config
	locks sync.Map // repository id → *sync.Mutex
}

// New returns the service and registers its jobs.
func New(c Config) *Service {
	s := &Service{Config: c}
	c.Engine.Handle(jobRemove, engine.Options{}, s.remove)
	return s
}

// repository is what the store keeps.
type repository struct {
	types.RepositoryMetadata
	Region string
	Tags   tag.Set `json:",omitempty"`
}

func (r *repository) id() string   { return aws.ToString(r.RepositoryId) }
func (r *repository) name() string { return aws.ToString(r.RepositoryName) }

const (
	repositories store.Table[repository]        = "codecommit.repository" // region, name
	byName       store.Table[string]            = "codecommit.name"       // name, region
	refs         store.Table[map[string]string] = "codecommit.refs"       // id
)

func fail(code, format string, args ...any) error {
	return &wire.Error{Code: code + "Exception", Message: fmt.Sprintf(format, args...)}
}

func (s *Service) arn(region, name string) string {
	return arn.New("codecommit", region, s.Site.Account, name)
}

// named reads a repository or answers that there is none.
func named(r store.Reader, region string, name *string) (*repository, error) {
	if aws.ToString(name) == "" {
		return nil, fail("RepositoryNameRequired", "A repository name is required.")
	}
	repo, err := repositories.Get(r, region, *name)
	if errors.Is(err, store.ErrNotFound) {
		return nil, fail("RepositoryDoesNotExist", "%s does not exist", *name)
	}
	return repo, err
}

// find is named in a transaction of its own.
func (s *Service) find(ctx context.Context, name *string) (repo *repository, err error) {
	err = s.Engine.View(ctx, func(r store.Reader) error {
		repo, err = named(r, identity.Region(ctx), name)
		return err
	})
	return repo, err
}

// lock serializes writers of one repository: an API write looks at the tip of
// a branch and moves it, with git processes in between.
func (s *Service) lock(id string) (unlock func()) {
	m, _ := s.locks.LoadOrStore(id, new(sync.Mutex))
	m.(*sync.Mutex).Lock()
	return m.(*sync.Mutex).Unlock
}

// refsOf are the refs as last announced.
func refsOf(r store.Reader, id string) (map[string]string, error) {
	m, err := refs.Get(r, id)
	if errors.Is(err, store.ErrNotFound) {
		return map[string]string{}, nil
	}
	if err != nil {
		return nil, err
	}
	return *m, nil
}

// Archive writes the files of a commit as a zip: what AWS calls an upload
// archive, for the pipelines that have this repository as their source. There
// is no operation to call, so the owner of the credentials is authorized here,
// for codecommit:UploadArchive.
func (s *Service) Archive(ctx context.Context, as aws.CredentialsProvider, region, name, commit string, w io.Writer) error {
	keys, err := as.Retrieve(ctx)
	if err != nil {
		return err
	}
	credential, err := s.Keys.Lookup(ctx, keys.AccessKeyID, keys.SessionToken)
	if err != nil {
		return err
	}
	ctx = identity.WithRegion(identity.WithCaller(ctx, credential.Caller), region)
	if err := s.Authorizer.Authorize(ctx, wire.Access{Action: "codecommit:UploadArchive", Resource: s.arn(region, name)}); err != nil {
		return err
	}
	var repo *repository
	err = s.Engine.View(ctx, func(r store.Reader) (err error) {
		repo, err = named(r, region, &name)
		return err
	})
	if err != nil {
		return err
	}
	if !isCommitID(commit) {
		return fail("InvalidCommitId", "%s is not a full commit id.", commit)
	}
	return s.Repositories.Archive(ctx, repo.id(), commit, w)
}

func isCommitID(s string) bool {
	return len(s) == 40 && strings.Trim(s, "0123456789abcdef") == ""
}
