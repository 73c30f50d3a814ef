package logs

import (
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	metrics "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/logs/filter"
)

// own is the namespace of what CloudWatch Logs counts itself.
const own = "AWS/Logs"

// measure brings the metrics that events make to CloudWatch, within the
// transition that writes the events. Groups of infrequent access have none.
func (s *Service) measure(tx *engine.Tx, g *group, events []types.InputLogEvent) error {
	if g.LogGroupClass == types.LogGroupClassInfrequentAccess {
		return nil
	}
	t := tally{}
	if aws.ToInt32(g.MetricFilterCount) > 0 {
		for f, err := range metricFilters.All(tx, g.Region, g.name()) {
			if err != nil {
				return err
			}
			t.filter(f, events)
		}
	}
	for _, e := range events {
		if embeds(*e.Message) {
			t.embedded(g.name(), *e.Message, timeOf(&e))
		}
	}
	if len(t) == 0 {
		return nil
	}
	refused, err := t.record(tx, g.Region, s.cfg.Metrics)
	if refused > 0 {
		s.cfg.Log.Warn("metrics of log events are lost: CloudWatch does not take them", "group", g.name(), "data", refused)
	}
	return err
}

func timeOf(e *types.InputLogEvent) time.Time { return time.UnixMilli(*e.Timestamp) }

// filter counts what a metric filter finds. A default value is told once for
// each minute of events in which nothing was found.
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/MonitoringLogData.html
func (t tally) filter(f *types.MetricFilter, events []types.InputLogEvent) {
	pattern, err := filter.Parse(aws.ToString(f.FilterPattern))
	if err != nil {
		return // PutMetricFilter has checked it
	}
	found := map[time.Time]bool{}
	for _, e := range events {
		minute := timeOf(&e).Truncate(time.Minute)
		match := pattern.Match(strings.TrimSuffix(*e.Message, "\n"))
		if found[minute] = found[minute] || match; !match {
			continue
		}
		for i := range f.MetricTransformations {
			t.transform(&f.MetricTransformations[i], pattern, &e)
		}
	}
	for i := range f.MetricTransformations {
		m := &f.MetricTransformations[i]
		for minute, any := range found {
			if !any && m.DefaultValue != nil {
				t.add(seriesOf(m), nil, minute, *m.DefaultValue)
			}
		}
	}
}

func seriesOf(m *types.MetricTransformation) series {
	return series{namespace: *m.MetricNamespace, name: *m.MetricName, unit: metrics.StandardUnit(m.Unit)}
}

// transform adds the value of an event that matches. What lacks a dimension, or a
// number where that is a field, has none.
func (t tally) transform(m *types.MetricTransformation, p *filter.Pattern, e *types.InputLogEvent) {
	text := *m.MetricValue
	if strings.HasPrefix(text, "$") {
		text, _ = p.Field(*e.Message, text)
	}
	value, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return
	}
	dimensions := map[string]string{}
	for name, selector := range m.Dimensions {
		v, ok := p.Field(*e.Message, selector)
		if !ok || v == "" {
			return
		}
		dimensions[name] = v
	}
	t.add(seriesOf(m), dimensions, timeOf(e), value)
}
