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

// DeleteAlarms deletes alarms, at most one composite alarm among them. One on
// which a composite alarm depends stays. That a name is of no alarm is an error
// if none is of any.
func (s *Service) DeleteAlarms(ctx context.Context, in *cloudwatch.DeleteAlarmsInput, _ ...func(*cloudwatch.Options)) (*cloudwatch.DeleteAlarmsOutput, error) {
	region := identity.Region(ctx)
	return &cloudwatch.DeleteAlarmsOutput{}, s.cfg.Engine.Update(ctx, func(tx *engine.Tx) error {
		found, composites, needed := 0, 0, []string{}
		for _, name := range in.AlarmNames {
			a, err := get(tx, region, name)
			if err != nil {
				return err
			}
			if a == nil {
				continue
			}
			found++
			if a.Composite != nil {
				composites++
			}
			up, err := above(tx, region, name)
			if err != nil {
				return err
			}
			if slices.ContainsFunc(up, func(n string) bool { return !slices.Contains(in.AlarmNames, n) }) {
				needed = append(needed, name)
			}
		}
		switch {
		case found == 0 && len(in.AlarmNames) > 0:
			return &types.ResourceNotFound{Message: aws.String("Unknown alarm")}
		case composites > 1:
			return invalid("At most one composite alarm can be deleted at a time.")
		case len(needed) == 1:
			return invalid("Cannot delete %s as there are composite alarm(s) depending on it.", needed[0])
		case len(needed) > 1:
			return invalid("Cannot delete %s as there are composite alarm(s) depending on them.", strings.Join(needed, ","))
		}
		for _, name := range in.AlarmNames {
			a, err := get(tx, region, name)
			if err != nil {
				return err
			}
			if a != nil {
				if err := s.remove(tx, a); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

func (s *Service) remove(tx *engine.Tx, a *alarm) error {
	forget := s.unwatch
	if a.Composite != nil {
		forget = func(tx store.Tx, a *alarm) error { return s.disown(tx, a) }
	}
	if err := forget(tx, a); err != nil {
		return err
	}
	if err := tx.Cancel(jobEvaluate, a.job()); err != nil {
		return err
	}
	if err := tx.Cancel(jobRelease, a.job()); err != nil {
		return err
	}
	if err := s.suppress(tx, a.Region, a.name(), false); err != nil { // it cannot be in ALARM any more
		return err
	}
	if err := s.recordChange(tx, a, "deleted", "Delete", nil); err != nil {
		return err
	}
	return alarms.Delete(tx, a.Region, a.name())
}

// EnableAlarmActions lets transitions call actions. Names of no alarm are left
// out, as on AWS.
func (s *Service) EnableAlarmActions(ctx context.Context, in *cloudwatch.EnableAlarmActionsInput, _ ...func(*cloudwatch.Options)) (*cloudwatch.EnableAlarmActionsOutput, error) {
	return &cloudwatch.EnableAlarmActionsOutput{}, s.mute(ctx, in.AlarmNames, false)
}

// DisableAlarmActions keeps transitions from calling actions.
func (s *Service) DisableAlarmActions(ctx context.Context, in *cloudwatch.DisableAlarmActionsInput, _ ...func(*cloudwatch.Options)) (*cloudwatch.DisableAlarmActionsOutput, error) {
	return &cloudwatch.DisableAlarmActionsOutput{}, s.mute(ctx, in.AlarmNames, true)
}

func (s *Service) mute(ctx context.Context, names []string, mute bool) error {
	return s.cfg.Engine.Update(ctx, func(tx *engine.Tx) error {
		for _, n := range names {
			a, err := get(tx, identity.Region(ctx), n)
			if err != nil {
				return err
			}
			if a == nil {
				continue
			}
			enabled, previous := !mute, a.settings()
			if a.Composite != nil {
				a.Composite.ActionsEnabled = &enabled
			} else {
				a.Metric.ActionsEnabled = &enabled
			}
			if err := s.configured(tx, previous, a); err != nil {
				return err
			}
			if err := a.put(tx); err != nil {
				return err
			}
		}
		return nil
	})
}
