package cloudwatch

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"github.com/slipway-dev/slipway/internal/aws/identity"
	"github.com/slipway-dev/slipway/internal/page"
	"github.com/slipway-dev/slipway/internal/store"
)

const maxStatistics = 1440 // data points of one GetMetricStatistics

// GetMetricStatistics answers statistics of one metric, for each unit apart, in
// no particular order.
func (s *Service) GetMetricStatistics(ctx context.Context, in *cloudwatch.GetMetricStatisticsInput, _ ...func(*cloudwatch.Options)) (*cloudwatch.GetMetricStatisticsOutput, error) {
	if err := checkStatistics(in); err != nil {
		return nil, err
	}
	period := time.Duration(*in.Period) * time.Second
	begin, end := in.StartTime.Truncate(period), in.EndTime.Add(period-1).Truncate(period)
	if n := int64(end.Sub(begin) / period); n > maxStatistics {
		return nil, &types.InvalidParameterCombinationException{Message: aws.String(fmt.Sprintf("You have requested up to %d datapoints, which exceeds the limit of %d. You may reduce the datapoints requested by increasing Period, or decreasing the time range.", n, maxStatistics))}
	}
	out := &cloudwatch.GetMetricStatisticsOutput{Label: in.MetricName, Datapoints: []types.Datapoint{}}
	type slot1 struct {
		at   time.Time
		unit types.StandardUnit
	}
	found := map[slot1]*distribution{}
	var order []slot1
	err := s.cfg.Engine.View(ctx, func(r store.Reader) error {
		from := source{region: identity.Region(ctx), id: metricID(*in.Namespace, *in.MetricName, in.Dimensions), unit: in.Unit}
		return from.each(r, begin, end, func(at time.Time, sl *slot) {
			k := slot1{at.Truncate(period), sl.Unit}
			if found[k] == nil {
				found[k] = &distribution{}
				order = append(order, k)
			}
			found[k].add(sl.distribution)
		})
	})
	if err != nil {
		return nil, err
	}
	for _, k := range order {
		out.Datapoints = append(out.Datapoints, datapoint(in, found[k], k.at, k.unit))
	}
	return out, nil
}

func checkStatistics(in *cloudwatch.GetMetricStatisticsInput) error {
	switch {
	case len(in.Statistics)+len(in.ExtendedStatistics) == 0:
		return &types.MissingRequiredParameterException{Message: aws.String("At least one of the parameters Statistics and ExtendedStatistics must be specified.")}
	case !in.StartTime.Before(*in.EndTime):
		return badValue("The parameter StartTime must be less than the parameter EndTime.")
	case !isPeriod(*in.Period):
		return badValue("The parameter Period must be 1, 5, 10, 20, 30 or a multiple of 60.")
	}
	for _, e := range in.ExtendedStatistics {
		if !isExtended(e) {
			return badValue("The value %s for parameter ExtendedStatistics is not supported.", e)
		}
	}
	return nil
}

func datapoint(in *cloudwatch.GetMetricStatisticsInput, d *distribution, at time.Time, unit types.StandardUnit) types.Datapoint {
	p := types.Datapoint{Timestamp: &at, Unit: unit}
	for _, name := range in.Statistics {
		v, ok := d.statistic(string(name))
		if !ok {
			continue
		}
		switch name {
		case types.StatisticSampleCount:
			p.SampleCount = &v
		case types.StatisticAverage:
			p.Average = &v
		case types.StatisticSum:
			p.Sum = &v
		case types.StatisticMinimum:
			p.Minimum = &v
		case types.StatisticMaximum:
			p.Maximum = &v
		}
	}
	for _, name := range in.ExtendedStatistics {
		if v, ok := d.statistic(name); ok {
			if p.ExtendedStatistics == nil {
				p.ExtendedStatistics = map[string]float64{}
			}
			p.ExtendedStatistics[name] = v
		}
	}
	return p
}

const (
	active   = 14 * 24 * time.Hour // longer without data, and ListMetrics leaves a metric out
	recently = 3 * time.Hour
)

// ListMetrics lists metrics that had data in the last two weeks, 500 a page.
func (s *Service) ListMetrics(ctx context.Context, in *cloudwatch.ListMetricsInput, _ ...func(*cloudwatch.Options)) (*cloudwatch.ListMetricsOutput, error) {
	if aws.ToBool(in.IncludeLinkedAccounts) || in.OwningAccount != nil {
		return nil, badValue("Metrics of other accounts are not implemented by Slipway.")
	}
	parts := []string{identity.Region(ctx)}
	if in.Namespace != nil {
		if parts = append(parts, *in.Namespace); in.MetricName != nil {
			parts = append(parts, *in.MetricName)
		}
	}
	since := s.cfg.Engine.Now().Add(-active)
	if in.RecentlyActive != "" {
		since = s.cfg.Engine.Now().Add(-recently)
	}
	scope := []string{"ListMetrics", aws.ToString(in.MetricName), string(in.RecentlyActive)}
	for _, f := range in.Dimensions {
		scope = append(scope, *f.Name, aws.ToString(f.Value))
	}
	out := &cloudwatch.ListMetricsOutput{}
	return out, s.page(ctx, page.Request{Scope: strings.Join(append(scope, parts...), "/"), Token: in.NextToken, Max: 500}, func(r store.Reader, q page.Request) (err error) {
		out.Metrics, out.NextToken, err = page.Of(r, metrics, q, func(m *metric) (types.Metric, bool, error) {
			return m.Metric, (in.MetricName == nil || *in.MetricName == *m.MetricName) && m.Last.After(since) && has(m.Dimensions, in.Dimensions), nil
		}, parts...)
		return err
	})
}

// has tells whether there is a dimension for every filter.
func has(dimensions []types.Dimension, filters []types.DimensionFilter) bool {
	for _, f := range filters {
		if !slices.ContainsFunc(dimensions, func(d types.Dimension) bool {
			return *d.Name == *f.Name && (f.Value == nil || *f.Value == *d.Value)
		}) {
			return false
		}
	}
	return true
}
