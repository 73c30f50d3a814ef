package cloudwatch

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/store"
)

// hold keeps the actions of a composite alarm back ("Suppressing composite alarm
// actions"):
//
//	transition ─┬─ suppressor in ALARM ─────────▶ Alarm ──────── it leaves ALARM ─▶ ExtensionPeriod ─▶ actions
//	            └─ else ─▶ WaitPeriod ─ it goes into ALARM ──▲ ◀─ back into ALARM ─────────┘
//	                           └─▶ actions
//
// When it ends, the actions of the state that the alarm is in then are done, if
// it is not the one from before the hold.
type hold struct {
	By    types.ActionsSuppressedBy
	Until time.Time        // zero while the suppressor is in ALARM
	From  types.StateValue // the last one whose actions were due
}

// jobRelease ends a hold; ID is REGION/NAME.
const jobRelease = "cloudwatch.release"

func (h *hold) by() types.ActionsSuppressedBy {
	if h == nil {
		return ""
	}
	return h.By
}

func suppressedReason(by types.ActionsSuppressedBy) *string {
	if by == "" {
		return nil
	}
	return aws.String("Actions suppressed by " + string(by))
}

// suppressor is the name of the alarm that suppresses a composite one, "" if
// there is none.
func (a *alarm) suppressor() string {
	if a.Composite == nil {
		return ""
	}
	return alarmName(aws.ToString(a.Composite.ActionsSuppressor))
}

func checkSuppressor(r store.Reader, region string, in *cloudwatch.PutCompositeAlarmInput) error {
	name := alarmName(aws.ToString(in.ActionsSuppressor))
	if in.ActionsSuppressor == nil {
		return nil
	}
	a, err := get(r, region, name)
	switch {
	case err != nil:
		return err
	case name == *in.AlarmName:
		return invalid("ActionsSuppressor must not be the alarm itself.")
	case a == nil:
		return invalid("Could not save the composite alarm as the alarm %s in ActionsSuppressor does not exist", name)
	case *in.ActionsSuppressorWaitPeriod < 0 || *in.ActionsSuppressorExtensionPeriod < 0:
		return invalid("ActionsSuppressorWaitPeriod and ActionsSuppressorExtensionPeriod must not be negative.")
	}
	return nil
}

// hold begins to keep the actions of a transition from a state back, if the
// alarm has a suppressor; a hold that is there goes on.
func (s *Service) hold(tx *engine.Tx, a *alarm, from types.StateValue) error {
	name := a.suppressor()
	if name == "" || a.Held != nil {
		return nil
	}
	suppressor, err := get(tx, a.Region, name)
	if err != nil {
		return err
	}
	if suppressor != nil && suppressor.state().value == types.StateValueAlarm {
		a.Held = &hold{By: types.ActionsSuppressedByAlarm, From: from}
		return nil
	}
	wait := time.Duration(aws.ToInt32(a.Composite.ActionsSuppressorWaitPeriod)) * time.Second
	if wait == 0 {
		return nil
	}
	return s.holdUntil(tx, a, &hold{By: types.ActionsSuppressedByWaitPeriod, Until: tx.Now().Add(wait), From: from})
}

func (s *Service) holdUntil(tx *engine.Tx, a *alarm, h *hold) error {
	a.Held = h
	return tx.Enqueue(engine.NewJob{Kind: jobRelease, ID: a.job(), At: h.Until})
}

// suppress tells the composite alarms that an alarm suppresses that it has gone
// into ALARM, or out of it.
func (s *Service) suppress(tx *engine.Tx, region, name string, inAlarm bool) error {
	var names []string
	for n, err := range suppressed.All(tx, region, name) {
		if err != nil {
			return err
		}
		names = append(names, *n)
	}
	for _, n := range names {
		a, err := get(tx, region, n)
		if err != nil {
			return err
		}
		// Only a hold by the alarm itself ends when it leaves ALARM.
		if a == nil || a.Held == nil || inAlarm == (a.Held.By == types.ActionsSuppressedByAlarm) {
			continue
		}
		st := a.state()
		extension := time.Duration(aws.ToInt32(a.Composite.ActionsSuppressorExtensionPeriod)) * time.Second
		switch {
		case inAlarm:
			a.Held = &hold{By: types.ActionsSuppressedByAlarm, From: a.Held.From}
		case extension == 0:
			if err := s.free(tx, a); err != nil {
				return err
			}
			continue
		default:
			if err := s.holdUntil(tx, a, &hold{By: types.ActionsSuppressedByExtensionPeriod, Until: tx.Now().Add(extension), From: a.Held.From}); err != nil {
				return err
			}
		}
		st.by = a.Held.by()
		a.setState(st)
		if err := a.put(tx); err != nil {
			return err
		}
	}
	return nil
}

// release is the job: the time of a hold is over.
func (s *Service) release(ctx context.Context, job *engine.Job) error {
	var again time.Time
	err := s.cfg.Engine.Update(ctx, func(tx *engine.Tx) error {
		again = time.Time{}
		region, name := jobAlarm(job)
		a, err := get(tx, region, name)
		if err != nil || a == nil || a.Held == nil || a.Held.Until.IsZero() {
			return err
		}
		if a.Held.Until.After(tx.Now()) {
			again = a.Held.Until
			return nil
		}
		return s.free(tx, a)
	})
	if err != nil || again.IsZero() {
		return err
	}
	return engine.RetryAt(again)
}

// free ends a hold.
func (s *Service) free(tx *engine.Tx, a *alarm) error {
	before := a.Held.From
	a.Held = nil
	from := a.state()
	to := from
	to.by = ""
	if to.value != before {
		to.updated = tx.Now()
	}
	a.setState(to)
	if err := a.put(tx); err != nil || to.value == before {
		return err
	}
	if err := s.announce(tx, a, from, to); err != nil {
		return err
	}
	return s.actAll(tx, a, from, to)
}
