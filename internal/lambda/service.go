package lambda

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	metrics "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/slipway-dev/slipway/internal/aws/arn"
	"github.com/slipway-dev/slipway/internal/aws/auth"
	"github.com/slipway-dev/slipway/internal/aws/session"
	"github.com/slipway-dev/slipway/internal/aws/tag"
	"github.com/slipway-dev/slipway/internal/aws/wire"
	"github.com/slipway-dev/slipway/internal/clock"
	"github.com/slipway-dev/slipway/internal/compute"
	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/id"
	"github.com/slipway-dev/slipway/internal/seal"
	"github.com/slipway-dev/slipway/internal/site"
	"github.com/slipway-dev/slipway/internal/store"
)

// Config is what the service needs; all members are required.
type Config struct {
	Engine   *engine.Engine
	Site     site.Site
	Clock    clock.Clock
	IDs      id.Source
	Log      *slog.Logger
	Sessions session.Source
	Compute  compute.Compute
	Metrics  Metrics
	// Objects is S3, for code that lies there. Authorizer asks whether the caller
	// may read it, and whether services may invoke functions.
	Objects    Objects
	Authorizer auth.Authorizer
	// Registry is ECR, for functions of images.
	Registry Registry
	// Secrets seals environment variables, Tokens what instances show, URLs what
	// the addresses of code say.
	Secrets, Tokens, URLs seal.Box
	// Events seals those that were accepted and not yet delivered.
	Events seal.Box
	// Executable is this program, the first process of instances.
	Executable string
	// Socket is the gateway's unix socket, alone in its directory.
	Socket string
	// Dir keeps code and what is shared with instances, one directory each.
	Dir string
	// Image is the reference of the image in which the runtimes run.
	Image string
	// Path is PATH of functions that run as plain processes.
	Path string
}

// Metrics is CloudWatch.
type Metrics interface {
	Record(ctx context.Context, region, namespace string, data []metrics.MetricDatum) error
}

// Objects is S3, called for the caller of ctx.
type Objects interface {
	GetObject(ctx context.Context, in *s3.GetObjectInput, opts ...func(*s3.Options)) (*s3.GetObjectOutput, error)
}

// Service implements Lambda's API.
type Service struct {
	Config
	pool    *pool
	split   splitter
	meter   meter
	codeMu  sync.RWMutex    // held for reading from the unpacking of code to its first use
	ending  context.Context // ends when the service stops
	stopNow context.CancelFunc
	busy    sync.WaitGroup
}

// Kinds of jobs.
const (
	jobSettle = "lambda.settle" // makes what was created or updated ready
	jobEvent  = "lambda.event"  // invokes a function with an accepted event
	jobParcel = "lambda.parcel" // tells the end of such an invocation to a destination
	jobSweep  = "lambda.sweep"  // removes code that no version has any more
)

const principal = "lambda.amazonaws.com"

// New returns the service and registers its jobs. Start comes after the
// engine's.
func New(c Config) *Service {
	s := &Service{Config: c}
	s.ending, s.stopNow = context.WithCancel(context.Background())
	s.pool = newPool(s)
	for _, dir := range []string{"incoming", "instances"} {
		// What the last server left. One that is just ending may still write; the
		// next start takes that away.
		_ = os.RemoveAll(filepath.Join(s.Dir, dir))
	}
	c.Engine.Handle(jobSettle, engine.Options{}, s.settle)
	c.Engine.Handle(jobEvent, engine.Options{Concurrency: eventConcurrency}, s.deliver)
	c.Engine.Handle(jobParcel, engine.Options{}, s.send)
	c.Engine.Handle(jobSweep, engine.Options{}, s.sweep)
	return s
}

// function is what the store keeps of one.
type function struct {
	Region, Name string
	Published    int64   // the number of the last version
	Tags         tag.Set `json:",omitempty"`
	Reserved     *int32  `json:",omitempty"` // concurrency
	Latest       version
	// Serving is what runs as $LATEST while the last update is not ready, or
	// because it failed.
	Serving *version `json:",omitempty"`
}

// version is a configuration with its code. The environment's values are not
// in it but sealed beside it.
type version struct {
	types.FunctionConfiguration
	Sealed string `json:",omitempty"` // environment variables
	Code   code
	Opt    string `json:",omitempty"` // SHA of what its layers have in /opt
	// Generation changes with everything that a running instance has of it.
	Generation string
}

// code is where a version's code is.
type code struct {
	SHA      string `json:",omitempty"` // of the zip, hexadecimal
	Image    string `json:",omitempty"` // as it was asked for
	Resolved string `json:",omitempty"` // with its digest, as it is pulled
	Digest   string `json:",omitempty"` // hexadecimal
}

// alias is what the store keeps of one.
type alias struct {
	Region, Function string
	types.AliasConfiguration
}

const (
	functions store.Table[function] = "lambda.function" // region, name
	versions  store.Table[version]  = "lambda.version"  // region, name, padded number
	aliases   store.Table[alias]    = "lambda.alias"    // region, function, name
	// uses finds who has code: SHA, region, function or layer:NAME, version.
	uses store.Table[string] = "lambda.code"
)

// latest is the name of the version that changes.
const latest = "$LATEST"

// padded makes numbers sort as numbers.
func padded(number string) string { return fmt.Sprintf("%012s", number) }

func (s *Service) functionARN(region, name string) string {
	return arn.New("lambda", region, s.Site.Account, "function:"+name)
}

// fail is one of Lambda's exceptions; code is without "Exception".
func fail(code, format string, args ...any) error {
	return &wire.Error{Code: code + "Exception", Message: fmt.Sprintf(format, args...), Fields: map[string]string{"Type": "User"}}
}

// invalid is Lambda's answer to a parameter that it does not take.
func invalid(format string, args ...any) error { return fail("InvalidParameterValue", format, args...) }

// lacking is the answer where something would have to work that is not here.
func lacking(what string) error { return invalid("%s not implemented by Slipway", what) }

// load reads a function.
func (s *Service) load(r store.Reader, n name) (*function, error) {
	f, err := functions.Get(r, n.Region, n.Function)
	if errors.Is(err, store.ErrNotFound) {
		return nil, s.notFound(n)
	}
	return f, err
}

func (s *Service) notFound(n name) error {
	return fail("ResourceNotFound", "Function not found: %s", s.arnOf(n))
}

// change reads, changes and writes a function in one transaction.
func (s *Service) change(ctx context.Context, n name, do func(*engine.Tx, *function) error) error {
	return s.Engine.Update(ctx, func(tx *engine.Tx) error {
		f, err := s.load(tx, n)
		if err != nil {
			return err
		}
		if err := do(tx, f); err != nil {
			return err
		}
		return functions.Put(tx, f, f.Region, f.Name)
	})
}

// view reads in one snapshot.
func (s *Service) view(ctx context.Context, do func(store.Reader) error) error {
	return s.Engine.View(ctx, do)
}

// modified is how Lambda writes times.
func modified(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000+0000") }
