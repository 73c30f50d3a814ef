package codebuild

import (
	"context"
	"log/slog"
	"net/http"
	"sync"

	logtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"github.com/slipway-dev/slipway/internal/aws/session"
	"github.com/slipway-dev/slipway/internal/bus"
	"github.com/slipway-dev/slipway/internal/compute"
	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/id"
	"github.com/slipway-dev/slipway/internal/seal"
	"github.com/slipway-dev/slipway/internal/site"
)

// Config is what the service needs; members are required unless they say
// otherwise.
type Config struct {
	Engine   *engine.Engine
	Bus      *bus.Bus
	Site     site.Site
	IDs      id.Source
	Log      *slog.Logger
	Sessions session.Source
	Compute  compute.Compute
	// Hosts are names, with the addresses where containers reach them, that
	// builds know: NAME:ADDRESS.
	Hosts func(context.Context) ([]string, error)
	Logs  Logs
	// Connections passes git on to providers.
	Connections Connections
	// Tokens seals the agents' tokens.
	Tokens seal.Box
	// PublicURL is where others than this machine's clients reach the server: git
	// providers with webhooks, readers of badges.
	PublicURL string
	// Secrets seals source credentials and the secrets of webhooks; URLs seals
	// what the addresses of webhooks and badges say.
	Secrets, URLs seal.Box
	// Executable is this program, mounted into build containers.
	Executable string
	// Socket is the gateway's unix socket, alone in its directory.
	Socket string
	// EngineSocket is the container engine's, given to privileged builds; ""
	// means that there is none to give.
	EngineSocket string
	// Dir keeps what is shared with agents, one directory each, and the local
	// caches.
	Dir string
	// Path is PATH of builds that run as plain processes.
	Path string
	// Images maps names of build images to references that the engine has; a
	// name may end in *, the longest match wins.
	Images map[string]string
	// Warm is how many containers wait for builds of each kind; 0 means none.
	Warm int
	// Concurrent is how many builds run at once; others stay queued.
	Concurrent int
}

// Logs takes the lines of builds, within the transition that takes them from
// the agent. It creates the group and the stream where they are missing.
type Logs interface {
	Append(tx *engine.Tx, region, group, stream string, events []logtypes.InputLogEvent) error
}

// Connections are links to git providers. A role that may use one clones a
// repository (owner/name) from its CloneURL, which is on this server, with its
// own credentials. What is not a connection's ARN is an error of the API.
type Connections interface {
	CloneURL(connectionARN, repository string) (string, error)
}

// Service implements CodeBuild's API.
type Service struct {
	Config
	pool    *pool
	ending  context.Context // ends when the service stops
	stopNow context.CancelFunc
	busy    sync.WaitGroup
}

// Kinds of jobs.
const (
	jobDispatch = "codebuild.dispatch" // admits queued builds
	jobRun      = "codebuild.run"      // looks after a build's container
	jobDeadline = "codebuild.deadline" // ends what takes too long
	jobForget   = "codebuild.forget"   // idempotency tokens
	jobRetry    = "codebuild.retry"    // retries builds by themselves
)

// New returns the service and registers its jobs. Start comes after the
// engine's.
func New(c Config) *Service {
	s := &Service{Config: c}
	s.ending, s.stopNow = context.WithCancel(context.Background())
	s.pool = newPool(s)
	c.Engine.Handle(jobDispatch, engine.Options{Concurrency: 1}, s.dispatch)
	c.Engine.Handle(jobRun, engine.Options{}, s.run)
	c.Engine.Handle(jobDeadline, engine.Options{}, s.deadline)
	c.Engine.Handle(jobForget, engine.Options{}, s.forget)
	c.Engine.Handle(jobRetry, engine.Options{}, s.retry)
	return s
}

const principal = "codebuild.amazonaws.com"

// Agents is the handler of agent.PathJob and its neighbours.
func (s *Service) Agents() http.Handler { return http.HandlerFunc(s.agents) }
