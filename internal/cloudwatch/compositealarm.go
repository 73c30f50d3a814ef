package cloudwatch

import (
	"context"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"github.com/slipway-dev/slipway/internal/aws/identity"
	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/store"
)

const (
	maxChildren = 100 // alarms in one rule
	maxChanges  = 500 // that one change of a state brings in the alarms above
)

// PutCompositeAlarm makes an alarm on the states of others, which must be there,
// or gives it a new configuration. It is evaluated at once.
func (s *Service) PutCompositeAlarm(ctx context.Context, in *cloudwatch.PutCompositeAlarmInput, _ ...func(*cloudwatch.Options)) (*cloudwatch.PutCompositeAlarmOutput, error) {
	tags, err := tagsOf(in.Tags)
	if err == nil {
		err = checkSettings(*in.AlarmName, in.OKActions, in.AlarmActions, in.InsufficientDataActions)
	}
	if err != nil {
		return nil, err
	}
	_, children, err := parseRule(*in.AlarmRule)
	switch {
	case err != nil:
		return nil, invalid("AlarmRule is not valid: %s", err)
	case len(children) > maxChildren:
		return nil, invalid("AlarmRule names %d alarms, and %d is the most.", len(children), maxChildren)
	case in.ActionsSuppressor == nil && (in.ActionsSuppressorWaitPeriod != nil || in.ActionsSuppressorExtensionPeriod != nil):
		return nil, invalid("ActionsSuppressorWaitPeriod and ActionsSuppressorExtensionPeriod need an ActionsSuppressor.")
	case in.ActionsSuppressor != nil && (in.ActionsSuppressorWaitPeriod == nil || in.ActionsSuppressorExtensionPeriod == nil):
		return nil, invalid("An ActionsSuppressor needs ActionsSuppressorWaitPeriod and ActionsSuppressorExtensionPeriod.")
	case in.ActionConfiguration != nil:
		return nil, invalid("ActionConfiguration is not implemented by Slipway.")
	}
	region := identity.Region(ctx)
	return &cloudwatch.PutCompositeAlarmOutput{}, s.cfg.Engine.Update(ctx, func(tx *engine.Tx) error {
		old, err := get(tx, region, *in.AlarmName)
		if err != nil {
			return err
		}
		if old != nil && old.Composite == nil {
			return invalid("The alarm name %s is that of a metric alarm.", *in.AlarmName)
		}
		if slices.Contains(children, *in.AlarmName) {
			return invalid("AlarmRule must not name the alarm itself.")
		}
		if lacking, err := missingOf(tx, region, children); err != nil {
			return err
		} else if len(lacking) > 0 {
			return invalid("Could not save the composite alarm as alarms [%s] in the alarm rule do not exist", strings.Join(lacking, ", "))
		}
		now := tx.Now()
		if err := checkSuppressor(tx, region, in); err != nil {
			return err
		}
		a := &alarm{Region: region, Tags: tags, Composite: s.compositeAlarm(region, in)}
		a.Composite.AlarmConfigurationUpdatedTimestamp = &now
		a.Composite.StateUpdatedTimestamp, a.Composite.StateTransitionedTimestamp = &now, &now
		if old == nil {
			a.setState(unchecked(now))
		} else {
			a.Tags = old.Tags
			a.Composite.StateTransitionedTimestamp, a.Composite.StateValue = old.Composite.StateTransitionedTimestamp, old.Composite.StateValue
			if aws.ToString(old.Composite.ActionsSuppressor) == aws.ToString(in.ActionsSuppressor) {
				a.Held = old.Held
			}
			st := old.state()
			st.by = a.Held.by()
			a.setState(st)
			if err := s.disown(tx, old); err != nil {
				return err
			}
		}
		if n := a.suppressor(); n != "" {
			if err := suppressed.Put(tx, in.AlarmName, region, n, *in.AlarmName); err != nil {
				return err
			}
		}
		for _, c := range children {
			if err := parents.Put(tx, in.AlarmName, region, c, *in.AlarmName); err != nil {
				return err
			}
		}
		if err := s.configured(tx, old.settings(), a); err != nil {
			return err
		}
		if err := a.put(tx); err != nil {
			return err
		}
		return s.compose(tx, a, nil, begin())
	})
}

// missingOf are the names that no alarm has.
func missingOf(r store.Reader, region string, names []string) (lacking []string, err error) {
	for _, n := range names {
		a, err := get(r, region, n)
		if err != nil {
			return nil, err
		}
		if a == nil {
			lacking = append(lacking, n)
		}
	}
	return lacking, nil
}

func (s *Service) compositeAlarm(region string, in *cloudwatch.PutCompositeAlarmInput) *types.CompositeAlarm {
	enabled := in.ActionsEnabled == nil || *in.ActionsEnabled
	return &types.CompositeAlarm{AlarmName: in.AlarmName, AlarmArn: aws.String(s.alarmARN(region, *in.AlarmName)), AlarmDescription: in.AlarmDescription,
		AlarmRule: in.AlarmRule, ActionsEnabled: &enabled, OKActions: list(in.OKActions), AlarmActions: list(in.AlarmActions),
		InsufficientDataActions: list(in.InsufficientDataActions), ActionsSuppressor: in.ActionsSuppressor,
		ActionsSuppressorWaitPeriod: in.ActionsSuppressorWaitPeriod, ActionsSuppressorExtensionPeriod: in.ActionsSuppressorExtensionPeriod}
}

// disown forgets which alarms a composite alarm is above, and which suppresses
// it.
func (s *Service) disown(tx store.Tx, a *alarm) error {
	if n := a.suppressor(); n != "" {
		if err := suppressed.Delete(tx, a.Region, n, a.name()); err != nil {
			return err
		}
	}
	_, children, err := parseRule(*a.Composite.AlarmRule)
	if err != nil {
		return err
	}
	for _, c := range children {
		if err := parents.Delete(tx, a.Region, c, a.name()); err != nil {
			return err
		}
	}
	return nil
}

// above are the names of the composite alarms directly above an alarm.
func above(r store.Reader, region, name string) (names []string, err error) {
	for n, err := range parents.All(r, region, name) {
		if err != nil {
			return nil, err
		}
		names = append(names, *n)
	}
	return names, nil
}

// cascade is the changes that one change of a state brings.
type cascade struct {
	path []string // alarms whose change led here
	left *int     // changes that there may be yet
}

func begin() cascade {
	left := maxChanges
	return cascade{left: &left}
}

// recompose evaluates the composite alarms above one whose state changed. Where
// they are above each other in a circle, evaluation ends, as on AWS.
func (s *Service) recompose(tx *engine.Tx, cause *alarm, c cascade) error {
	if *c.left--; *c.left < 0 || slices.Contains(c.path, cause.name()) {
		return nil
	}
	c.path = append(slices.Clone(c.path), cause.name())
	names, err := above(tx, cause.Region, cause.name())
	if err != nil {
		return err
	}
	for _, n := range names {
		a, err := get(tx, cause.Region, n)
		if err != nil {
			return err
		}
		if a != nil && a.Composite != nil {
			if err := s.compose(tx, a, cause, c); err != nil {
				return err
			}
		}
	}
	return nil
}

// compose evaluates a composite alarm, because of an alarm below it or because
// it is new.
func (s *Service) compose(tx *engine.Tx, a, cause *alarm, c cascade) error {
	r, children, err := parseRule(*a.Composite.AlarmRule)
	if err != nil {
		return err
	}
	states := map[string]types.StateValue{}
	for _, n := range children {
		child, err := get(tx, a.Region, n)
		if err != nil {
			return err
		}
		if child != nil {
			states[n] = child.state().value
		}
	}
	to := types.StateValueOk
	if r.holds(func(n string) types.StateValue { return states[n] }) {
		to = types.StateValueAlarm
	}
	if a.state().value == to {
		return nil
	}
	return s.move(tx, a, composed(a, cause, to, tx.Now()), c)
}
