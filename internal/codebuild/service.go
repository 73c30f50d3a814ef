package codebuild

import (
	"context"
	"log/slog"
	"net/http"
	"sync"

	logtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/aws/aws-sdk-go-v2/service/codebuild"
	"github.com/aws/aws-sdk-go-v2/service/codebuild/types"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/slipway-dev/slipway/internal/aws/session"
	"github.com/slipway-dev/slipway/internal/aws/wire"
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
	Logs     Logs
	// Tokens seals the agents' tokens.
	Tokens seal.Box
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
	return s
}

// Wire is the table of operations.
func (s *Service) Wire() wire.Service {
	return wire.Service{
		Model: "codebuild",
		Operations: []wire.Operation{
			wire.Op("codebuild:CreateProject", s.CreateProject, func(ctx context.Context, in *codebuild.CreateProjectInput) []wire.Access {
				return []wire.Access{s.onProject(ctx, in.Name), wire.PassRole(s.roleARN(aws.ToString(in.ServiceRole)), principal)}
			}),
			wire.Op("codebuild:UpdateProject", s.UpdateProject, func(ctx context.Context, in *codebuild.UpdateProjectInput) []wire.Access {
				access := []wire.Access{s.onProject(ctx, in.Name)}
				if in.ServiceRole != nil {
					access = append(access, wire.PassRole(s.roleARN(*in.ServiceRole), principal))
				}
				return access
			}),
			wire.Op("codebuild:DeleteProject", s.DeleteProject, func(ctx context.Context, in *codebuild.DeleteProjectInput) []wire.Access {
				return []wire.Access{s.onProject(ctx, in.Name)}
			}),
			wire.Op("codebuild:BatchGetProjects", s.BatchGetProjects, func(ctx context.Context, in *codebuild.BatchGetProjectsInput) []wire.Access {
				return s.onProjects(ctx, in.Names)
			}),
			wire.Op("codebuild:ListProjects", s.ListProjects, nil),
			wire.Op("codebuild:InvalidateProjectCache", s.InvalidateProjectCache, func(ctx context.Context, in *codebuild.InvalidateProjectCacheInput) []wire.Access {
				return []wire.Access{s.onProject(ctx, in.ProjectName)}
			}),
			wire.Op("codebuild:StartBuild", s.StartBuild, func(ctx context.Context, in *codebuild.StartBuildInput) []wire.Access {
				access := []wire.Access{s.onProject(ctx, in.ProjectName)}
				if in.ServiceRoleOverride != nil {
					access = append(access, wire.PassRole(s.roleARN(*in.ServiceRoleOverride), principal))
				}
				return access
			}),
			wire.Op("codebuild:RetryBuild", s.RetryBuild, func(ctx context.Context, in *codebuild.RetryBuildInput) []wire.Access {
				return []wire.Access{s.onBuild(ctx, aws.ToString(in.Id))}
			}),
			wire.Op("codebuild:StopBuild", s.StopBuild, func(ctx context.Context, in *codebuild.StopBuildInput) []wire.Access {
				return []wire.Access{s.onBuild(ctx, aws.ToString(in.Id))}
			}),
			wire.Op("codebuild:BatchGetBuilds", s.BatchGetBuilds, func(ctx context.Context, in *codebuild.BatchGetBuildsInput) []wire.Access {
				return s.onBuilds(ctx, in.Ids)
			}),
			wire.Op("codebuild:BatchDeleteBuilds", s.BatchDeleteBuilds, func(ctx context.Context, in *codebuild.BatchDeleteBuildsInput) []wire.Access {
				return s.onBuilds(ctx, in.Ids)
			}),
			wire.Op("codebuild:ListBuilds", s.ListBuilds, nil),
			wire.Op("codebuild:ListBuildsForProject", s.ListBuildsForProject, func(ctx context.Context, in *codebuild.ListBuildsForProjectInput) []wire.Access {
				return []wire.Access{s.onProject(ctx, in.ProjectName)}
			}),
			wire.Op("codebuild:ListCuratedEnvironmentImages", s.ListCuratedEnvironmentImages, nil),
		},
		Invalid: func(v wire.Violation) error {
			return &types.InvalidInputException{Message: aws.String(v.Message)}
		},
	}
}

const principal = "codebuild.amazonaws.com"

// Agents is the handler of agent.PathJob and its neighbours.
func (s *Service) Agents() http.Handler { return http.HandlerFunc(s.agents) }
