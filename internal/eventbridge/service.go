package eventbridge

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	metrics "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	logstypes "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"

	"github.com/slipway-dev/slipway/internal/aws/arn"
	"github.com/slipway-dev/slipway/internal/aws/identity"
	"github.com/slipway-dev/slipway/internal/aws/session"
	"github.com/slipway-dev/slipway/internal/aws/tag"
	"github.com/slipway-dev/slipway/internal/aws/wire"
	"github.com/slipway-dev/slipway/internal/bus"
	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/id"
	"github.com/slipway-dev/slipway/internal/site"
	"github.com/slipway-dev/slipway/internal/store"
)

// principal is who assumes the roles of targets.
const principal = "events.amazonaws.com"

// defaultBus is there in every region without having been made.
const defaultBus = "default"

// Logs is what a target that is a log group needs.
type Logs interface {
	// HasGroup tells whether a log group is there.
	HasGroup(r store.Reader, region, group string) (bool, error)
	// Append adds events to a stream in a transition, making what is missing.
	Append(tx *engine.Tx, region, group, stream string, events []logstypes.InputLogEvent) error
}

// Metrics is CloudWatch, which counts what rules do.
type Metrics interface {
	Record(ctx context.Context, region, namespace string, data []metrics.MetricDatum) error
}

// Topics is SNS. An error that is a *wire.Error tells why the topic takes no
// message, and has changed nothing.
type Topics interface {
	Notify(tx *engine.Tx, principal, source, topicARN, subject, text string) error
}

// Functions is Lambda. An error that is a *wire.Error is Lambda's answer.
type Functions interface {
	// Invoke accepts an event for a function, given by its ARN, that the function
	// gets later: from a principal, for the resource that source names.
	Invoke(ctx context.Context, principal, source, function string, payload []byte) error
}

// Config is what the service needs; every member is required.
type Config struct {
	Engine    *engine.Engine
	Bus       *bus.Bus
	Site      site.Site
	IDs       id.Source
	Log       *slog.Logger
	Sessions  session.Source
	Logs      Logs
	Metrics   Metrics
	Topics    Topics
	Functions Functions
}

// Service implements EventBridge's API.
type Service struct {
	Config
	// regions are those that have had a rule: events of others need no look.
	regions sync.Map
	memo    *engine.Memo[[]compiled]
}

// New returns the service and registers its jobs and its subscription. The
// error is of the store.
func New(c Config) (*Service, error) {
	s := &Service{Config: c, memo: engine.NewMemo[[]compiled](string(rules))}
	c.Engine.Handle(jobMatch, engine.Options{}, s.matchJob)
	c.Engine.Handle(jobDeliver, engine.Options{}, s.deliverJob)
	c.Engine.Handle(jobSchedule, engine.Options{}, s.scheduleJob)
	c.Bus.Subscribe("eventbridge", s.wanted, s.received)
	return s, c.Engine.View(context.Background(), func(r store.Reader) error {
		for ru, err := range rules.All(r) {
			if err != nil {
				return err
			}
			s.regions.Store(ru.Region, true)
		}
		return nil
	})
}

// rule is what the store keeps of one.
type rule struct {
	Region, Bus, Name string
	Description       *string         `json:",omitempty"`
	Pattern           *string         `json:",omitempty"`
	Schedule          *string         `json:",omitempty"`
	RoleARN           *string         `json:",omitempty"`
	State             types.RuleState `json:",omitempty"`
	Tags              tag.Set         `json:",omitempty"`
	Since             time.Time       // when the schedule began
	CreatedBy         string          `json:",omitempty"` // account
}

// target is what the store keeps of one.
type target struct {
	Region, Bus, Rule string
	types.Target
}

// eventBus is what the store keeps of one; the default bus has a record only
// once something was set.
type eventBus struct {
	Region, Name    string
	Description     *string                 `json:",omitempty"`
	KmsKey          *string                 `json:",omitempty"`
	DeadLetter      *types.DeadLetterConfig `json:",omitempty"`
	LogConfig       *types.LogConfig        `json:",omitempty"`
	Policy          string                  `json:",omitempty"`
	Tags            tag.Set                 `json:",omitempty"`
	Created, Edited time.Time
}

const (
	rules   store.Table[rule]     = "eventbridge.rule"   // region, bus, name
	targets store.Table[target]   = "eventbridge.target" // region, bus, rule, id
	buses   store.Table[eventBus] = "eventbridge.bus"    // region, name
)

// AWS's quotas.
const (
	maxRules   = 300 // of a bus
	maxTargets = 5   // of a rule
	maxBuses   = 100 // of a region
)

func (s *Service) busARN(region, name string) string {
	return arn.New("events", region, s.Site.Account, "event-bus/"+name)
}

func (s *Service) ruleARN(region, bus, name string) string {
	if bus != defaultBus {
		name = bus + "/" + name
	}
	return arn.New("events", region, s.Site.Account, "rule/"+name)
}

// busName is the name in a name or ARN; nothing is the default bus.
func busName(v *string) string {
	name := aws.ToString(v)
	if a, ok := arn.Parse(name); ok {
		name = strings.TrimPrefix(a.Resource, "event-bus/")
	}
	if name == "" {
		return defaultBus
	}
	return name
}

func invalid(v wire.Violation) error { return validation("%s", v.Message) }

func validation(format string, args ...any) error {
	return &wire.Error{Code: "ValidationException", Message: fmt.Sprintf(format, args...)}
}

func notFound(format string, args ...any) error {
	return &types.ResourceNotFoundException{Message: aws.String(fmt.Sprintf(format, args...))}
}

// findBus returns a bus of the caller's region, which exists.
func (s *Service) findBus(ctx context.Context, r store.Reader, name string) (*eventBus, error) {
	b, err := buses.Get(r, identity.Region(ctx), name)
	if errors.Is(err, store.ErrNotFound) {
		if name == defaultBus {
			return &eventBus{Region: identity.Region(ctx), Name: name}, nil
		}
		return nil, notFound("Event bus %s does not exist.", name)
	}
	return b, err
}

func (s *Service) findRule(ctx context.Context, r store.Reader, bus, name *string) (*rule, error) {
	b := busName(bus)
	if _, err := s.findBus(ctx, r, b); err != nil {
		return nil, err
	}
	ru, err := rules.Get(r, identity.Region(ctx), b, aws.ToString(name))
	if errors.Is(err, store.ErrNotFound) {
		return nil, notFound("Rule %s does not exist on EventBus %s.", aws.ToString(name), b)
	}
	return ru, err
}
