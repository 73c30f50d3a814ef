package cloudwatch

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"github.com/slipway-dev/slipway/internal/aws/arn"
	"github.com/slipway-dev/slipway/internal/aws/tag"
	"github.com/slipway-dev/slipway/internal/aws/wire"
	"github.com/slipway-dev/slipway/internal/bus"
	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/site"
	"github.com/slipway-dev/slipway/internal/store"
)

// Config is what the service needs; all members are required.
type Config struct {
	Engine *engine.Engine
	Bus    *bus.Bus
	Site   site.Site
	Log    *slog.Logger
	// Functions are those that alarms invoke.
	Functions Functions
}

// Service is CloudWatch.
type Service struct {
	cfg    Config
	topics Topics
}

// New returns the service and registers its jobs.
func New(c Config) *Service {
	s := &Service{cfg: c}
	c.Engine.Handle(jobEvaluate, engine.Options{Concurrency: 8}, s.evaluate)
	c.Engine.Handle(jobRelease, engine.Options{}, s.release)
	c.Engine.Handle(jobInvoke, engine.Options{}, s.invoke)
	c.Engine.Handle(jobCoarsen, engine.Options{Concurrency: 1}, s.coarsen)
	c.Engine.Handle(jobForget, engine.Options{Concurrency: 1}, s.forget)
	return s
}

// Kinds of jobs.
const (
	jobEvaluate = "cloudwatch.evaluate" // an alarm; ID is REGION/NAME
	jobForget   = "cloudwatch.forget"   // data that is too old
)

// alarm is what the store keeps of an alarm of either kind.
type alarm struct {
	Region    string
	Tags      tag.Set               `json:",omitempty"`
	Metric    *types.MetricAlarm    `json:",omitempty"`
	Composite *types.CompositeAlarm `json:",omitempty"`
	Held      *hold                 `json:",omitempty"`
}

const (
	alarms store.Table[alarm] = "cloudwatch.alarm" // region, name
	// parents finds the composite alarms above an alarm: region, name, name of
	// the composite → the latter.
	parents store.Table[string] = "cloudwatch.parent"
	// watchers finds the alarms of a metric: region, metric, name → name.
	watchers store.Table[string] = "cloudwatch.watcher"
	// suppressed finds the composite alarms that an alarm suppresses: region,
	// name, name of the composite → the latter.
	suppressed store.Table[string] = "cloudwatch.suppressed"
)

func (a *alarm) name() string {
	if a.Composite != nil {
		return *a.Composite.AlarmName
	}
	return *a.Metric.AlarmName
}

func (a *alarm) arn() string {
	if a.Composite != nil {
		return *a.Composite.AlarmArn
	}
	return *a.Metric.AlarmArn
}

func (a *alarm) kind() types.AlarmType {
	if a.Composite != nil {
		return types.AlarmTypeCompositeAlarm
	}
	return types.AlarmTypeMetricAlarm
}

func (a *alarm) job() string           { return a.Region + "/" + a.name() }
func (a *alarm) put(tx store.Tx) error { return alarms.Put(tx, a, a.Region, a.name()) }

// state is the part of an alarm that changes by itself.
type state struct {
	value        types.StateValue
	reason, data string
	updated      time.Time
	// by is what suppresses the actions of a composite alarm, "" if nothing does.
	by types.ActionsSuppressedBy
}

func (a *alarm) state() state {
	if c := a.Composite; c != nil {
		return state{c.StateValue, aws.ToString(c.StateReason), aws.ToString(c.StateReasonData), *c.StateUpdatedTimestamp, c.ActionsSuppressedBy}
	}
	m := a.Metric
	return state{m.StateValue, aws.ToString(m.StateReason), aws.ToString(m.StateReasonData), *m.StateUpdatedTimestamp, ""}
}

// setState writes the state; a transition has its own time.
func (a *alarm) setState(st state) {
	transition := a.state().value != st.value
	data := &st.data
	if st.data == "" {
		data = nil
	}
	if c := a.Composite; c != nil {
		c.StateValue, c.StateReason, c.StateReasonData, c.StateUpdatedTimestamp = st.value, &st.reason, data, &st.updated
		c.ActionsSuppressedBy, c.ActionsSuppressedReason = st.by, suppressedReason(st.by)
		if transition {
			c.StateTransitionedTimestamp = &st.updated
		}
		return
	}
	m := a.Metric
	m.StateValue, m.StateReason, m.StateReasonData, m.StateUpdatedTimestamp = st.value, &st.reason, data, &st.updated
	if transition {
		m.StateTransitionedTimestamp = &st.updated
	}
}

// actions are the ARNs to call on a transition into a state, nil if they are
// disabled.
func (a *alarm) actions(to types.StateValue) []string {
	var enabled *bool
	var ok, alarm, insufficient []string
	if c := a.Composite; c != nil {
		enabled, ok, alarm, insufficient = c.ActionsEnabled, c.OKActions, c.AlarmActions, c.InsufficientDataActions
	} else {
		enabled, ok, alarm, insufficient = a.Metric.ActionsEnabled, a.Metric.OKActions, a.Metric.AlarmActions, a.Metric.InsufficientDataActions
	}
	switch {
	case !aws.ToBool(enabled):
		return nil
	case to == types.StateValueOk:
		return ok
	case to == types.StateValueAlarm:
		return alarm
	}
	return insufficient
}

// unchecked is the state of an alarm that was never evaluated.
func unchecked(now time.Time) state {
	return state{value: types.StateValueInsufficientData, reason: "Unchecked: Initial alarm creation", updated: now}
}

func (s *Service) alarmARN(region, name string) string {
	return arn.New("cloudwatch", region, s.cfg.Site.Account, "alarm:"+name)
}

// invalid is the error for what a request must not say.
func invalid(format string, args ...any) error {
	return &wire.Error{Code: "ValidationError", Message: fmt.Sprintf(format, args...)}
}

// get reads an alarm, nil if there is none.
func get(r store.Reader, region, name string) (*alarm, error) {
	a, err := alarms.Get(r, region, name)
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	return a, err
}

func tagsOf(list []types.Tag) (tag.Set, error) {
	set, err := tag.From(list, func(t types.Tag) (*string, *string) { return t.Key, t.Value })
	return set, tagError(err)
}

func tagError(err error) error {
	var p *tag.Problem
	if errors.As(err, &p) {
		return &types.InvalidParameterValueException{Message: aws.String(p.Error())}
	}
	return err
}

// checkSettings refuses names with control characters, and actions that are no
// ARNs.
func checkSettings(name string, lists ...[]string) error {
	if strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return invalid("The alarm name %q must not contain ASCII control characters.", name)
	}
	for _, l := range lists {
		for _, a := range l {
			if _, ok := arn.Parse(a); !ok || strings.Count(a, ":") < 5 {
				return invalid("Invalid arn syntax: %s", a)
			}
		}
	}
	return nil
}
