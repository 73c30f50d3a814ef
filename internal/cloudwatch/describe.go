package cloudwatch

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"github.com/slipway-dev/slipway/internal/aws/identity"
	"github.com/slipway-dev/slipway/internal/aws/wire"
	"github.com/slipway-dev/slipway/internal/page"
	"github.com/slipway-dev/slipway/internal/store"
)

// DescribeAlarms answers the alarms that are named, or those that filters let
// through, by name, 50 a page (MaxRecords up to 100). Without AlarmTypes it
// answers metric alarms only. Names of no alarm are left out.
func (s *Service) DescribeAlarms(ctx context.Context, in *cloudwatch.DescribeAlarmsInput, _ ...func(*cloudwatch.Options)) (*cloudwatch.DescribeAlarmsOutput, error) {
	region := identity.Region(ctx)
	if in.ChildrenOfAlarmName != nil || in.ParentsOfAlarmName != nil {
		return s.describeRelatives(ctx, in)
	}
	if in.AlarmNamePrefix != nil && len(in.AlarmNames) > 0 {
		return nil, invalid("AlarmNames and AlarmNamePrefix must not be specified together.")
	}
	kinds := in.AlarmTypes
	if len(kinds) == 0 {
		kinds = []types.AlarmType{types.AlarmTypeMetricAlarm}
	}
	passes := func(a *alarm) bool {
		return slices.Contains(kinds, a.kind()) && (in.StateValue == "" || a.state().value == in.StateValue) &&
			strings.HasPrefix(a.name(), aws.ToString(in.AlarmNamePrefix)) && a.calls(aws.ToString(in.ActionPrefix))
	}
	out := &cloudwatch.DescribeAlarmsOutput{MetricAlarms: []types.MetricAlarm{}, CompositeAlarms: []types.CompositeAlarm{}}
	if len(in.AlarmNames) > 0 {
		names := slices.Compact(slices.Sorted(slices.Values(in.AlarmNames)))
		return out, s.cfg.Engine.View(ctx, func(r store.Reader) error {
			for _, n := range names {
				a, err := get(r, region, n)
				if err != nil {
					return err
				}
				if a != nil && passes(a) {
					add(out, a)
				}
			}
			return nil
		})
	}
	most := 50
	if in.MaxRecords != nil {
		most = int(*in.MaxRecords)
	}
	q := page.Request{Scope: fmt.Sprint("DescribeAlarms/", region, kinds, in.StateValue, aws.ToString(in.AlarmNamePrefix), aws.ToString(in.ActionPrefix)),
		Token: in.NextToken, Max: most}
	return out, s.page(ctx, q, func(r store.Reader, q page.Request) error {
		items, next, err := page.Of(r, alarms, q, func(a *alarm) (*alarm, bool, error) { return a, passes(a), nil }, region)
		for _, a := range items {
			add(out, a)
		}
		out.NextToken = next
		return err
	})
}

func add(out *cloudwatch.DescribeAlarmsOutput, a *alarm) {
	if a.Composite != nil {
		out.CompositeAlarms = append(out.CompositeAlarms, *a.Composite)
		return
	}
	out.MetricAlarms = append(out.MetricAlarms, *a.Metric)
}

// calls tells whether an action of the alarm begins with prefix.
func (a *alarm) calls(prefix string) bool {
	if prefix == "" {
		return true
	}
	var lists [][]string
	if c := a.Composite; c != nil {
		lists = [][]string{c.OKActions, c.AlarmActions, c.InsufficientDataActions}
	} else {
		lists = [][]string{a.Metric.OKActions, a.Metric.AlarmActions, a.Metric.InsufficientDataActions}
	}
	return slices.ContainsFunc(slices.Concat(lists...), func(s string) bool { return strings.HasPrefix(s, prefix) })
}

// describeRelatives answers the names and states of the alarms below or above a
// composite alarm, and of them nothing else, as on AWS.
func (s *Service) describeRelatives(ctx context.Context, in *cloudwatch.DescribeAlarmsInput) (*cloudwatch.DescribeAlarmsOutput, error) {
	if in.ChildrenOfAlarmName != nil && in.ParentsOfAlarmName != nil || len(in.AlarmNames) > 0 || len(in.AlarmTypes) > 0 ||
		in.AlarmNamePrefix != nil || in.ActionPrefix != nil || in.StateValue != "" {
		return nil, invalid("ChildrenOfAlarmName and ParentsOfAlarmName must not be specified with other parameters than MaxRecords and NextToken.")
	}
	region := identity.Region(ctx)
	scope := "cloudwatch.relatives/" + region + "/" + aws.ToString(in.ChildrenOfAlarmName) + "/" + aws.ToString(in.ParentsOfAlarmName)
	first := ""
	if t := aws.ToString(in.NextToken); t != "" {
		var ok bool
		if first, ok = wire.DecodeToken(scope, t); !ok {
			return nil, badToken()
		}
	}
	out := &cloudwatch.DescribeAlarmsOutput{MetricAlarms: []types.MetricAlarm{}, CompositeAlarms: []types.CompositeAlarm{}}
	return out, s.cfg.Engine.View(ctx, func(r store.Reader) error {
		names, err := relatives(r, region, in)
		if err != nil {
			return err
		}
		left := page.Limit(in.MaxRecords, 100)
		for _, n := range names { // which are in order
			if n < first {
				continue
			}
			if left == 0 {
				out.NextToken = aws.String(wire.EncodeToken(scope, n))
				return nil
			}
			a, err := get(r, region, n)
			if err != nil {
				return err
			}
			if a != nil {
				left--
			}
			switch {
			case a == nil:
			case a.Composite != nil:
				c := a.Composite
				out.CompositeAlarms = append(out.CompositeAlarms, types.CompositeAlarm{AlarmName: c.AlarmName, AlarmArn: c.AlarmArn, StateValue: c.StateValue, StateUpdatedTimestamp: c.StateUpdatedTimestamp})
			default:
				m := a.Metric
				out.MetricAlarms = append(out.MetricAlarms, types.MetricAlarm{AlarmName: m.AlarmName, AlarmArn: m.AlarmArn, StateValue: m.StateValue, StateUpdatedTimestamp: m.StateUpdatedTimestamp})
			}
		}
		return nil
	})
}

func relatives(r store.Reader, region string, in *cloudwatch.DescribeAlarmsInput) ([]string, error) {
	if in.ParentsOfAlarmName != nil {
		return above(r, region, *in.ParentsOfAlarmName)
	}
	a, err := get(r, region, *in.ChildrenOfAlarmName)
	if err != nil || a == nil || a.Composite == nil {
		return nil, err
	}
	_, names, err := parseRule(*a.Composite.AlarmRule)
	slices.Sort(names)
	return names, err
}

// DescribeAlarmsForMetric answers the alarms on exactly this metric, those of
// expressions excepted.
func (s *Service) DescribeAlarmsForMetric(ctx context.Context, in *cloudwatch.DescribeAlarmsForMetricInput, _ ...func(*cloudwatch.Options)) (*cloudwatch.DescribeAlarmsForMetricOutput, error) {
	region := identity.Region(ctx)
	id := metricID(*in.Namespace, *in.MetricName, in.Dimensions)
	out := &cloudwatch.DescribeAlarmsForMetricOutput{MetricAlarms: []types.MetricAlarm{}}
	return out, s.cfg.Engine.View(ctx, func(r store.Reader) error {
		for name, err := range watchers.All(r, region, id) {
			if err != nil {
				return err
			}
			a, err := get(r, region, *name)
			if err != nil {
				return err
			}
			m := a.Metric
			if m.MetricName == nil || in.Statistic != "" && m.Statistic != in.Statistic || in.Unit != "" && m.Unit != in.Unit ||
				in.ExtendedStatistic != nil && aws.ToString(m.ExtendedStatistic) != *in.ExtendedStatistic || in.Period != nil && *m.Period != *in.Period {
				continue
			}
			out.MetricAlarms = append(out.MetricAlarms, *m)
		}
		return nil
	})
}
