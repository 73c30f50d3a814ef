package cloudwatch

import (
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"github.com/slipway-dev/slipway/internal/aws/arn"
	"github.com/slipway-dev/slipway/internal/aws/wire"
	"github.com/slipway-dev/slipway/internal/engine"
)

// principal is who publishes for alarms.
const principal = "cloudwatch.amazonaws.com"

// Topics is SNS. An error that is a *wire.Error tells why the topic takes no
// message, and has changed nothing.
type Topics interface {
	Notify(tx *engine.Tx, principal, source, topicARN, subject, text string) error
}

// PublishTo gives the topics that alarms notify; before the engine starts.
func (s *Service) PublishTo(t Topics) { s.topics = t }

// act does an action of a transition, within it. What came of that is part of
// the alarm's history.
func (s *Service) act(tx *engine.Tx, a *alarm, from, to state, action string) error {
	target, ok := arn.Parse(action)
	why := "it is no ARN"
	if ok {
		why = "calling " + target.Service + " is not implemented by Slipway"
	}
	switch target.Service {
	case "lambda":
		return s.call(tx, a, from, to, action)
	case "sns":
		message := s.message(a, from, to)
		err := s.topics.Notify(tx, principal, a.arn(), action, subject(a, to), message)
		var told *wire.Error
		switch {
		case errors.As(err, &told):
			why = told.Message
		case err != nil:
			return err
		default:
			return s.recordAction(tx, a, action, to.updated.UnixMilli(), &message, "")
		}
	}
	return s.recordAction(tx, a, action, to.updated.UnixMilli(), nil, why)
}

// recordAction writes the history of an action that was done, or was not: why
// says why.
func (s *Service) recordAction(tx *engine.Tx, a *alarm, action string, updated int64, message *string, why string) error {
	done := map[string]any{"actionState": "Succeeded", "notificationResource": action, "stateUpdateTimestamp": updated, "publishedMessage": message}
	summary := "Successfully executed action " + action
	if why != "" {
		s.cfg.Log.Warn("an alarm's action is not done", "alarm", a.arn(), "action", action, "reason", why)
		done["actionState"], done["error"] = "Failed", why
		summary = "Failed to execute action " + action + ". " + why
	}
	data, err := marshal(done)
	if err != nil {
		return err
	}
	return s.record(tx, a, types.HistoryItemTypeAction, clip(summary, 255), data)
}

// subject is the message's: ALARM: "name" in US East (N. Virginia), as far as it
// fits.
func subject(a *alarm, to state) string {
	const most = 100
	before, after := string(to.value)+`: "`, `" in `+regionName(a.Region)
	return before + clip(a.name(), most-len(before)-len(after)) + after
}

// alert is the message to topics, with members in CloudWatch's order. It has
// either what triggers the alarm, or the rule of a composite alarm.
type alert struct {
	AlarmName, AlarmDescription                      string
	AWSAccountID                                     string `json:"AWSAccountId"`
	AlarmConfigurationUpdatedTimestamp               string
	NewStateValue                                    types.StateValue
	NewStateReason, StateChangeTime, Region          string
	AlarmARN                                         string `json:"AlarmArn"`
	OldStateValue                                    types.StateValue
	OKActions, AlarmActions, InsufficientDataActions []string
	Trigger                                          *trigger `json:",omitempty"`
	AlarmRule                                        string   `json:",omitempty"`
	TriggeringChildren                               *[]child `json:",omitempty"`
}

// trigger is what a metric alarm watches.
type trigger struct {
	MetricName                       string          `json:",omitempty"`
	Namespace                        string          `json:",omitempty"`
	StatisticType                    string          `json:",omitempty"`
	Statistic                        string          `json:",omitempty"`
	ExtendedStatistic                string          `json:",omitempty"`
	Unit                             json.RawMessage `json:",omitempty"` // null where a metric has none
	Dimensions                       *[]dimension    `json:",omitempty"`
	Period, EvaluationPeriods        int32
	DatapointsToAlarm                *int32 `json:",omitempty"`
	ComparisonOperator               types.ComparisonOperator
	Threshold                        float64
	TreatMissingData                 string
	EvaluateLowSampleCountPercentile string
	Metrics                          []triggerMetric `json:",omitempty"`
}

type dimension struct {
	Value string `json:"value"`
	Name  string `json:"name"`
}

// triggerMetric is one of a metric math alarm.
type triggerMetric struct {
	Expression *string      `json:",omitempty"`
	ID         string       `json:"Id"`
	Label      *string      `json:",omitempty"`
	MetricStat *triggerStat `json:",omitempty"`
	ReturnData bool
}

type triggerStat struct {
	Metric struct {
		Dimensions            []dimension
		MetricName, Namespace string
	}
	Period int32
	Stat   string
	Unit   types.StandardUnit `json:",omitempty"`
}

// child is an alarm below a composite one.
type child struct {
	ARN   string `json:"Arn"`
	State struct {
		Value     types.StateValue
		Timestamp string
	}
}

// message is the JSON that a topic gets of a transition.
func (s *Service) message(a *alarm, from, to state) string {
	m := alert{
		AlarmName: a.name(), AWSAccountID: s.cfg.Site.Account, NewStateValue: to.value, NewStateReason: to.reason, OldStateValue: from.value,
		StateChangeTime: to.updated.UTC().Format(stamp), Region: regionName(a.Region), AlarmARN: a.arn(),
	}
	if c := a.Composite; c != nil {
		m.AlarmDescription, m.AlarmRule = aws.ToString(c.AlarmDescription), *c.AlarmRule
		m.AlarmConfigurationUpdatedTimestamp = c.AlarmConfigurationUpdatedTimestamp.UTC().Format(stamp)
		m.OKActions, m.AlarmActions, m.InsufficientDataActions = c.OKActions, c.AlarmActions, c.InsufficientDataActions
		m.TriggeringChildren = children(to)
	} else {
		m.AlarmDescription = aws.ToString(a.Metric.AlarmDescription)
		m.AlarmConfigurationUpdatedTimestamp = a.Metric.AlarmConfigurationUpdatedTimestamp.UTC().Format(stamp)
		m.OKActions, m.AlarmActions, m.InsufficientDataActions = a.Metric.OKActions, a.Metric.AlarmActions, a.Metric.InsufficientDataActions
		m.Trigger = triggerOf(a.Metric, a.period())
	}
	for _, list := range []*[]string{&m.OKActions, &m.AlarmActions, &m.InsufficientDataActions} {
		if *list == nil {
			*list = []string{} // never null
		}
	}
	b, err := marshal(m)
	if err != nil {
		panic(err) // of texts and numbers
	}
	return string(b)
}

func triggerOf(m *types.MetricAlarm, period time.Duration) *trigger {
	t := &trigger{
		Period: int32(period.Seconds()), EvaluationPeriods: aws.ToInt32(m.EvaluationPeriods), DatapointsToAlarm: m.DatapointsToAlarm,
		ComparisonOperator: m.ComparisonOperator, Threshold: aws.ToFloat64(m.Threshold), TreatMissingData: aws.ToString(m.TreatMissingData),
		EvaluateLowSampleCountPercentile: aws.ToString(m.EvaluateLowSampleCountPercentile),
	}
	if m.MetricName == nil {
		for _, q := range m.Metrics {
			t.Metrics = append(t.Metrics, triggerMetricOf(q))
		}
		return t
	}
	t.MetricName, t.Namespace = *m.MetricName, aws.ToString(m.Namespace)
	t.StatisticType, t.Statistic = "Statistic", shouted(string(m.Statistic))
	if m.ExtendedStatistic != nil {
		t.StatisticType, t.Statistic, t.ExtendedStatistic = "ExtendedStatistic", "", *m.ExtendedStatistic
	}
	t.Unit = json.RawMessage("null")
	if m.Unit != "" {
		t.Unit = json.RawMessage(`"` + m.Unit + `"`)
	}
	list := dimensions(m.Dimensions)
	t.Dimensions = &list
	return t
}

func triggerMetricOf(q types.MetricDataQuery) triggerMetric {
	out := triggerMetric{Expression: q.Expression, ID: aws.ToString(q.Id), Label: q.Label, ReturnData: q.ReturnData == nil || *q.ReturnData}
	if st := q.MetricStat; st != nil {
		out.MetricStat = &triggerStat{Period: aws.ToInt32(st.Period), Stat: aws.ToString(st.Stat), Unit: st.Unit}
		out.MetricStat.Metric.MetricName, out.MetricStat.Metric.Namespace = aws.ToString(st.Metric.MetricName), aws.ToString(st.Metric.Namespace)
		out.MetricStat.Metric.Dimensions = dimensions(st.Metric.Dimensions)
	}
	return out
}

func dimensions(list []types.Dimension) []dimension {
	out := []dimension{}
	for _, d := range list {
		out = append(out, dimension{Value: aws.ToString(d.Value), Name: aws.ToString(d.Name)})
	}
	return out
}

// shouted is SampleCount as SAMPLE_COUNT.
func shouted(s string) string {
	var b strings.Builder
	for i, r := range s {
		if i > 0 && r >= 'A' && r <= 'Z' {
			b.WriteByte('_')
		}
		b.WriteRune(r)
	}
	return strings.ToUpper(b.String())
}

// children are the alarms that the reason of a composite alarm's state names.
func children(to state) *[]child {
	list := []child{}
	var data struct {
		TriggeringAlarms []struct {
			ARN   string
			State struct{ Value, Timestamp string }
		}
	}
	_ = json.Unmarshal([]byte(to.data), &data) // of SetAlarmState it may be anything
	for _, d := range data.TriggeringAlarms {
		c := child{ARN: d.ARN}
		c.State.Value, c.State.Timestamp = types.StateValue(d.State.Value), d.State.Timestamp
		list = append(list, c)
	}
	return &list
}
