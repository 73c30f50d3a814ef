package logs

import (
	"context"
	"errors"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"github.com/slipway-dev/slipway/internal/aws/identity"
	"github.com/slipway-dev/slipway/internal/aws/wire"
	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/logs/filter"
	"github.com/slipway-dev/slipway/internal/store"
)

const (
	maxMetricFilters = 100 // of a group
	maxDimensions    = 3
)

// metricFilters: REGION GROUP FILTER.
const metricFilters store.Table[types.MetricFilter] = "logs.metricfilter"

// PutMetricFilter makes or replaces a filter.
func (s *Service) PutMetricFilter(ctx context.Context, in *cloudwatchlogs.PutMetricFilterInput, _ ...func(*cloudwatchlogs.Options)) (*cloudwatchlogs.PutMetricFilterOutput, error) {
	switch {
	case in.ApplyOnTransformedLogs:
		return nil, invalidParameter("applyOnTransformedLogs is not supported by Slipway: there are no transformers.")
	case in.FieldSelectionCriteria != nil || len(in.EmitSystemFieldDimensions) > 0:
		return nil, invalidParameter("fieldSelectionCriteria and emitSystemFieldDimensions are not supported by Slipway.")
	}
	if _, err := filter.Parse(aws.ToString(in.FilterPattern)); err != nil {
		return nil, invalidParameter(err.Error())
	}
	for _, t := range in.MetricTransformations {
		if err := checkTransformation(&t, aws.ToString(in.FilterPattern)); err != nil {
			return nil, err
		}
	}
	return &cloudwatchlogs.PutMetricFilterOutput{}, s.cfg.Engine.Update(ctx, func(tx *engine.Tx) error {
		g, err := getGroup(tx, identity.Region(ctx), aws.ToString(in.LogGroupName))
		if err != nil {
			return err
		}
		f := &types.MetricFilter{
			CreationTime: aws.Int64(tx.Now().UnixMilli()), FilterName: in.FilterName, FilterPattern: in.FilterPattern,
			LogGroupName: g.LogGroupName, MetricTransformations: in.MetricTransformations,
		}
		switch old, err := metricFilters.Get(tx, g.Region, g.name(), *f.FilterName); {
		case err == nil:
			f.CreationTime = old.CreationTime
		case !errors.Is(err, store.ErrNotFound):
			return err
		case *g.MetricFilterCount >= maxMetricFilters:
			return &types.LimitExceededException{Message: aws.String("Resource limit exceeded.")}
		default:
			*g.MetricFilterCount++
		}
		if err := metricFilters.Put(tx, f, g.Region, g.name(), *f.FilterName); err != nil {
			return err
		}
		return g.put(tx)
	})
}

// checkTransformation applies the rules of
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntaxForMetricFilters.html
func checkTransformation(t *types.MetricTransformation, pattern string) error {
	value := aws.ToString(t.MetricValue)
	_, err := strconv.ParseFloat(value, 64)
	structured := strings.HasPrefix(pattern, "{") || strings.HasPrefix(pattern, "[")
	switch {
	case err != nil && !strings.HasPrefix(value, "$"):
		return invalidParameter("Invalid metric transformation: metric value must be a number or a field of the log event ($name): " + value)
	case err != nil && !structured:
		return invalidParameter("Invalid metric transformation: a field as metric value needs a JSON or space-delimited filter pattern: " + value)
	case len(t.Dimensions) > maxDimensions:
		return invalidParameter("Invalid metric transformation: a metric can have no more than 3 dimensions.")
	case len(t.Dimensions) > 0 && t.DefaultValue != nil:
		return invalidParameter("Invalid metric transformation: dimensions and default value are mutually exclusive properties.")
	case len(t.Dimensions) > 0 && !structured:
		return invalidParameter("Invalid metric transformation: dimensions need a JSON or space-delimited filter pattern.")
	}
	return nil
}

// TestMetricFilter tells which messages a pattern finds, and what they have in
// the fields that it names.
func (s *Service) TestMetricFilter(_ context.Context, in *cloudwatchlogs.TestMetricFilterInput, _ ...func(*cloudwatchlogs.Options)) (*cloudwatchlogs.TestMetricFilterOutput, error) {
	p, err := filter.Parse(aws.ToString(in.FilterPattern))
	if err != nil {
		return nil, invalidParameter(err.Error())
	}
	out := &cloudwatchlogs.TestMetricFilterOutput{Matches: []types.MetricFilterMatchRecord{}}
	for i, message := range in.LogEventMessages {
		if !p.Match(message) {
			continue
		}
		m := types.MetricFilterMatchRecord{EventMessage: &message, EventNumber: int64(i + 1), ExtractedValues: map[string]string{}}
		for _, selector := range p.Selectors {
			if v, ok := p.Field(message, selector); ok {
				m.ExtractedValues[selector] = v
			}
		}
		out.Matches = append(out.Matches, m)
	}
	return out, nil
}

// DescribeMetricFilters lists the filters of a group, or of all groups; a prefix
// counts only together with a group, as on AWS.
func (s *Service) DescribeMetricFilters(ctx context.Context, in *cloudwatchlogs.DescribeMetricFiltersInput, _ ...func(*cloudwatchlogs.Options)) (*cloudwatchlogs.DescribeMetricFiltersOutput, error) {
	region, name, prefix := identity.Region(ctx), aws.ToString(in.LogGroupName), aws.ToString(in.FilterNamePrefix)
	if (in.MetricName == nil) != (in.MetricNamespace == nil) {
		return nil, invalidParameter("metricName and metricNamespace must be given together.")
	}
	scope := store.Key("DescribeMetricFilters", region, name, prefix, aws.ToString(in.MetricNamespace), aws.ToString(in.MetricName))
	rg := store.Range{Prefix: store.Prefix(string(metricFilters), region)}
	if in.LogGroupName != nil {
		rg.Prefix = metricFilters.Key(region, name, prefix)
	}
	var err error
	if rg.Start, err = start(scope, in.NextToken); err != nil {
		return nil, err
	}
	limit := intOr(in.Limit, describeLimit)
	out := &cloudwatchlogs.DescribeMetricFiltersOutput{MetricFilters: []types.MetricFilter{}}
	return out, s.cfg.Engine.View(ctx, func(r store.Reader) error {
		if in.LogGroupName != nil {
			if _, err := getGroup(r, region, name); err != nil {
				return err
			}
		}
		for f, err := range metricFilters.Scan(r, rg) {
			switch {
			case err != nil:
				return err
			case in.MetricName != nil && !publishes(f, *in.MetricNamespace, *in.MetricName):
			case len(out.MetricFilters) == limit:
				out.NextToken = aws.String(wire.EncodeToken(scope, metricFilters.Key(region, *f.LogGroupName, *f.FilterName)))
				return nil
			default:
				out.MetricFilters = append(out.MetricFilters, *f)
			}
		}
		return nil
	})
}

func publishes(f *types.MetricFilter, namespace, name string) bool {
	for _, t := range f.MetricTransformations {
		if aws.ToString(t.MetricNamespace) == namespace && aws.ToString(t.MetricName) == name {
			return true
		}
	}
	return false
}

// DeleteMetricFilter deletes a filter.
func (s *Service) DeleteMetricFilter(ctx context.Context, in *cloudwatchlogs.DeleteMetricFilterInput, _ ...func(*cloudwatchlogs.Options)) (*cloudwatchlogs.DeleteMetricFilterOutput, error) {
	return &cloudwatchlogs.DeleteMetricFilterOutput{}, s.cfg.Engine.Update(ctx, func(tx *engine.Tx) error {
		g, err := getGroup(tx, identity.Region(ctx), aws.ToString(in.LogGroupName))
		if err != nil {
			return err
		}
		_, err = metricFilters.Get(tx, g.Region, g.name(), aws.ToString(in.FilterName))
		if errors.Is(err, store.ErrNotFound) {
			return &types.ResourceNotFoundException{Message: aws.String("The specified metric filter does not exist.")}
		}
		if err != nil {
			return err
		}
		*g.MetricFilterCount--
		if err := metricFilters.Delete(tx, g.Region, g.name(), *in.FilterName); err != nil {
			return err
		}
		return g.put(tx)
	})
}

// deleteMetricFilters deletes those of a group that is deleted.
func deleteMetricFilters(tx store.Tx, g *group) error {
	var names []string
	for f, err := range metricFilters.All(tx, g.Region, g.name()) {
		if err != nil {
			return err
		}
		names = append(names, *f.FilterName)
	}
	for _, name := range names {
		if err := metricFilters.Delete(tx, g.Region, g.name(), name); err != nil {
			return err
		}
	}
	return nil
}
