package codepipeline

import (
	"context"
	"io"
	"log/slog"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline/types"

	"github.com/slipway-dev/slipway/internal/aws/arn"
	"github.com/slipway-dev/slipway/internal/aws/session"
	"github.com/slipway-dev/slipway/internal/aws/wire"
	"github.com/slipway-dev/slipway/internal/bus"
	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/id"
	"github.com/slipway-dev/slipway/internal/seal"
	"github.com/slipway-dev/slipway/internal/site"
)

// Principal assumes the roles of pipelines and actions.
const Principal = "codepipeline.amazonaws.com"

// Events is the part of the bus that pipelines need.
type Events interface {
	Subscribe(name string, match func(*bus.Event) bool, handle func(context.Context, bus.Event) error)
	Emit(tx *engine.Tx, ev bus.Event) error
}

// Archiver writes the tree of a commit as a zip, without .git, with symbolic
// links and executable modes kept. The caller has checked the permission.
type Archiver interface {
	Archive(ctx context.Context, as aws.CredentialsProvider, region, repository, commit string, w io.Writer) error
}

// Config is what the service needs; all members but the last two are required.
type Config struct {
	Engine   *engine.Engine
	Events   Events
	Site     site.Site
	IDs      id.Source
	Log      *slog.Logger
	Sessions session.Source
	Archives Archiver
	// Secrets seals secret values of configurations.
	Secrets seal.Box
	// Connections reads the repositories behind connections.
	Connections Connections
	// TempDir is where artifacts are spooled; "" is the system's.
	TempDir string
	// Providers replaces action providers, by category and name
	// ("Build/CodeBuild"), for tests.
	Providers map[string]Action
}

// Service is AWS CodePipeline.
type Service struct {
	cfg       Config
	own       *dependencies
	providers map[string]Action
	// lists are the answers of ListPipelines, which consoles and scripts ask
	// for all the time and which seldom change.
	lists *engine.Memo[*codepipeline.ListPipelinesOutput]
}

// New makes the service and registers its jobs and subscriptions, so it must
// be called before the engine and the bus start.
func New(cfg Config) *Service {
	s := &Service{cfg: cfg, lists: engine.NewMemo[*codepipeline.ListPipelinesOutput](string(pipelines))}
	s.own = s.dependencies()
	s.providers = standardProviders(s.own)
	for name, a := range cfg.Providers {
		s.providers[name] = a
	}
	cfg.Engine.Handle(stepJob, engine.Options{}, s.step)
	cfg.Engine.Handle(timeoutJob, engine.Options{}, s.timeout)
	cfg.Engine.Handle(sweepJob, engine.Options{Concurrency: 1}, s.sweep)
	cfg.Engine.Handle(offerJob, engine.Options{}, s.offerAgain)
	cfg.Engine.Handle(answerJob, engine.Options{}, s.unanswered)
	cfg.Engine.Handle(forgetJob, engine.Options{}, s.forgetEnded)
	cfg.Events.Subscribe("codepipeline.sources", isSourceChange, s.sourceChanged)
	cfg.Events.Subscribe("codepipeline.actions", s.wakesSomebody, s.wake)
	return s
}

func (s *Service) pipelineARN(region, name string) string {
	return arn.New("codepipeline", region, s.cfg.Site.Account, name)
}

// scope is the wire access of an operation on one pipeline, one of its stages
// or one of its actions.
func (s *Service) scope(region string, parts ...*string) []wire.Access {
	name := ""
	for i, p := range parts {
		if i > 0 {
			name += "/"
		}
		name += aws.ToString(p)
	}
	return wire.On(s.pipelineARN(region, name))
}

// checkRole makes sure that the pipeline can act in its role.
func (s *Service) checkRole(ctx context.Context, p *types.PipelineDeclaration, region string) error {
	role := aws.ToString(p.RoleArn)
	_, err := s.cfg.Sessions.Credentials(ctx, session.Request{
		RoleARN: role, Name: "CreatePipeline", Service: Principal, Region: region})
	if err != nil {
		if denied(err) || accessDenied(err) {
			return badStructure("CodePipeline is not authorized to perform AssumeRole on role %s", role)
		}
		return err
	}
	return nil
}
