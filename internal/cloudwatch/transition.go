package cloudwatch

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"github.com/slipway-dev/slipway/internal/aws/identity"
	"github.com/slipway-dev/slipway/internal/bus"
	"github.com/slipway-dev/slipway/internal/engine"
)

// stamp is how CloudWatch writes times in events and reasons.
const stamp = "2006-01-02T15:04:05.000-0700"

// SetAlarmState sets the state until the next evaluation, with everything that
// a transition brings.
func (s *Service) SetAlarmState(ctx context.Context, in *cloudwatch.SetAlarmStateInput, _ ...func(*cloudwatch.Options)) (*cloudwatch.SetAlarmStateOutput, error) {
	if in.StateReasonData != nil && !json.Valid([]byte(*in.StateReasonData)) {
		return nil, &types.InvalidFormatFault{Message: aws.String("TemplateReasonData was not valid JSON")}
	}
	return &cloudwatch.SetAlarmStateOutput{}, s.cfg.Engine.Update(ctx, func(tx *engine.Tx) error {
		a, err := get(tx, identity.Region(ctx), *in.AlarmName)
		if err != nil {
			return err
		}
		if a == nil {
			return noAlarm()
		}
		if a.Metric != nil { // which will find its own state again
			if err := tx.Enqueue(engine.NewJob{Kind: jobEvaluate, ID: a.job(), At: a.boundary(tx.Now())}); err != nil {
				return err
			}
		}
		return s.move(tx, a, state{value: in.StateValue, reason: *in.StateReason, data: aws.ToString(in.StateReasonData), updated: tx.Now()}, begin())
	})
}

func noAlarm() error { return &types.ResourceNotFound{Message: aws.String("Unknown alarm")} }

// move writes a new state. If it is another one, there is history, an event, the
// alarm's actions are done unless they are suppressed, and the composite alarms
// above, and those that it suppresses, are told.
func (s *Service) move(tx *engine.Tx, a *alarm, to state, c cascade) error {
	from := a.state()
	if from.value != to.value {
		if err := s.hold(tx, a, from.value); err != nil {
			return err
		}
	}
	to.by = a.Held.by()
	a.setState(to)
	if err := a.put(tx); err != nil || from.value == to.value {
		return err
	}
	data, err := marshal(map[string]any{"version": "1.0", "oldState": historyState(from), "newState": historyState(to)})
	if err != nil {
		return err
	}
	if err := s.record(tx, a, types.HistoryItemTypeStateUpdate, fmt.Sprintf("Alarm updated from %s to %s", from.value, to.value), data); err != nil {
		return err
	}
	if err := s.announce(tx, a, from, to); err != nil {
		return err
	}
	if a.Held == nil {
		if err := s.actAll(tx, a, from, to); err != nil {
			return err
		}
	}
	if from.value == types.StateValueAlarm || to.value == types.StateValueAlarm {
		if err := s.suppress(tx, a.Region, a.name(), to.value == types.StateValueAlarm); err != nil {
			return err
		}
	}
	return s.recompose(tx, a, c)
}

func (s *Service) actAll(tx *engine.Tx, a *alarm, from, to state) error {
	for _, action := range a.actions(to.value) {
		if err := s.act(tx, a, from, to, action); err != nil {
			return err
		}
	}
	return nil
}

func historyState(st state) map[string]any {
	m := map[string]any{"stateValue": st.value, "stateReason": st.reason}
	if st.by != "" {
		m["actionsSuppressedBy"], m["actionsSuppressedReason"] = st.by, *suppressedReason(st.by)
	}
	if st.data != "" {
		m["stateReasonData"] = json.RawMessage(st.data)
	}
	return m
}

func clip(s string, most int) string {
	if r := []rune(s); len(r) > most {
		return string(r[:most])
	}
	return s
}

// announce emits the event of a transition.
func (s *Service) announce(tx *engine.Tx, a *alarm, from, to state) error {
	return s.emit(tx, a, "CloudWatch Alarm State Change",
		map[string]any{"alarmName": a.name(), "state": eventState(to), "previousState": eventState(from), "configuration": a.configuration()})
}

func (s *Service) emit(tx *engine.Tx, a *alarm, kind string, of map[string]any) error {
	detail, err := marshal(of)
	if err != nil {
		return err
	}
	return s.cfg.Bus.Emit(tx, bus.Event{DetailType: kind, Source: "aws.cloudwatch", Account: s.cfg.Site.Account,
		Region: a.Region, Resources: []string{a.arn()}, Detail: detail})
}

func eventState(st state) map[string]string {
	m := map[string]string{"value": string(st.value), "reason": st.reason, "timestamp": st.updated.UTC().Format(stamp)}
	if st.data != "" {
		m["reasonData"] = st.data
	}
	if st.by != "" {
		m["actionsSuppressedBy"], m["actionsSuppressedReason"] = string(st.by), *suppressedReason(st.by)
	}
	return m
}

// configuration is what an event says of the alarm itself.
func (a *alarm) configuration() map[string]any {
	m := map[string]any{}
	describe := func(d *string) {
		if d != nil {
			m["description"] = *d
		}
	}
	if c := a.Composite; c != nil {
		describe(c.AlarmDescription)
		m["alarmRule"] = *c.AlarmRule
		if c.ActionsSuppressor != nil {
			m["actionsSuppressor"], m["actionsSuppressorWaitPeriod"], m["actionsSuppressorExtensionPeriod"] = *c.ActionsSuppressor, *c.ActionsSuppressorWaitPeriod, *c.ActionsSuppressorExtensionPeriod
		}
		return m
	}
	describe(a.Metric.AlarmDescription)
	metrics := []map[string]any{}
	for _, q := range queries(a.Metric) {
		e := map[string]any{"id": *q.Id, "returnData": q.ReturnData == nil || *q.ReturnData}
		if q.Expression != nil {
			e["expression"] = *q.Expression
		}
		if q.Label != nil {
			e["label"] = *q.Label
		}
		if st := q.MetricStat; st != nil {
			dimensions := map[string]string{}
			for _, d := range st.Metric.Dimensions {
				dimensions[*d.Name] = *d.Value
			}
			stat := map[string]any{"metric": map[string]any{"namespace": *st.Metric.Namespace, "name": *st.Metric.MetricName, "dimensions": dimensions},
				"period": *st.Period, "stat": *st.Stat}
			if st.Unit != "" {
				stat["unit"] = st.Unit
			}
			e["metricStat"] = stat
		}
		metrics = append(metrics, e)
	}
	m["metrics"] = metrics
	return m
}

// composed is the new state of a composite alarm. cause is nil if the alarm
// itself is new.
func composed(a, cause *alarm, to types.StateValue, now time.Time) state {
	if cause == nil {
		return state{value: to, reason: fmt.Sprintf("%s was created and its alarm rule evaluates to %s", a.arn(), to), updated: now}
	}
	st := cause.state()
	data, _ := marshal(map[string]any{"triggeringAlarms": []any{map[string]any{"arn": cause.arn(),
		"state": map[string]string{"value": string(st.value), "timestamp": st.updated.UTC().Format(stamp)}}}})
	return state{value: to, reason: fmt.Sprintf("%s transitioned to %s at %s", cause.arn(), st.value, st.updated.UTC().Format("Monday 02 January, 2006 15:04:05 UTC")), data: string(data), updated: now}
}
