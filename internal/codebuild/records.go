package codebuild

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codebuild/types"

	"github.com/slipway-dev/slipway/internal/store"
)

// project is what the store keeps of one.
type project struct {
	types.Project
	// Builds is the number of the last build.
	Builds int64
	// CacheVersion changes when the cache is invalidated.
	CacheVersion string `json:",omitempty"`
	// PublicAlias stays when a project becomes private and public again.
	PublicAlias string `json:",omitempty"`
	// Hook is the id of the webhook, HookSecret its secret, sealed.
	Hook, HookSecret string `json:",omitempty"`
	// BadgeURL stays when the badge is turned off and on again.
	BadgeURL string `json:",omitempty"`
}

// build is what the store keeps of one.
type build struct {
	types.Build
	Region string
	// Outputs are the effective artifacts, the primary one first.
	Outputs []types.ProjectArtifacts
	// CacheVersion is the project's when the build was started.
	CacheVersion string `json:",omitempty"`
	// Worker is the agent that runs it; "" until one is chosen.
	Worker string `json:",omitempty"`
	// Acked is how much of the agent's journal has been taken in, in bytes.
	Acked int64
	// Reported says that the agent told the end; it does so when all is written.
	Reported bool `json:",omitempty"`
	// Deadline is when the build times out; zero while it is queued.
	Deadline time.Time
}

func (b *build) id() string          { return aws.ToString(b.Id) }
func (b *build) uuid() string        { return b.id()[strings.LastIndexByte(b.id(), ':')+1:] }
func (b *build) projectName() string { return aws.ToString(b.ProjectName) }

// ref finds a build from elsewhere.
type ref struct{ Region, ID, Project string }

// token remembers an idempotency token for five minutes.
type token struct {
	Hash, Build string
	Until       time.Time
}

const (
	projects store.Table[project] = "codebuild.project" // region, name
	builds   store.Table[build]   = "codebuild.build"   // region, id
	numbers  store.Table[string]  = "codebuild.number"  // region, project, number, id → id
	started  store.Table[string]  = "codebuild.started" // region, milliseconds, id → id
	open     store.Table[ref]     = "codebuild.open"    // region, project, id: not complete
	queue    store.Table[ref]     = "codebuild.queue"   // milliseconds, id: waiting
	active   store.Table[ref]     = "codebuild.active"  // id: counted against the account's limit
	workers  store.Table[ref]     = "codebuild.worker"  // worker: until it is cleaned up
	tokens   store.Table[token]   = "codebuild.token"   // region, token
)

func numberKey(n int64) string     { return fmt.Sprintf("%012d", n) }
func timeKey(t time.Time) string   { return fmt.Sprintf("%020d", t.UnixMilli()) }
func (b *build) startedAt() string { return timeKey(aws.ToTime(b.StartTime)) }

// get is Table.Get with nil for what is not there.
func get[T any](t store.Table[T], r store.Reader, key ...string) (*T, error) {
	doc, err := t.Get(r, key...)
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	return doc, err
}

// count is the number of documents below parts, at most limit.
func count[T any](t store.Table[T], r store.Reader, limit int, parts ...string) (int, error) {
	n := 0
	prefix := string(t) + store.Separator
	if len(parts) > 0 {
		prefix = store.Prefix(append([]string{string(t)}, parts...)...)
	}
	for _, err := range r.Scan(store.Range{Prefix: prefix, Limit: limit}) {
		if err != nil {
			return 0, err
		}
		n++
	}
	return n, nil
}

func invalid(format string, args ...any) error {
	return &types.InvalidInputException{Message: aws.String(fmt.Sprintf(format, args...))}
}

func notFound(format string, args ...any) error {
	return &types.ResourceNotFoundException{Message: aws.String(fmt.Sprintf(format, args...))}
}

// notYet names what AWS has and this installation does not.
func notYet(what string) error { return invalid("%s is not available in Slipway yet", what) }
