package cloudwatch

import (
	"context"
	"math"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"github.com/slipway-dev/slipway/internal/aws/identity"
	"github.com/slipway-dev/slipway/internal/store"
)

// querying computes metrics and expressions that refer to each other, over count
// windows of a period that end at end.
type querying struct {
	reader  store.Reader
	region  string
	end     time.Time
	period  time.Duration
	count   int
	queries []types.MetricDataQuery
	done    map[string]quantity
	open    []string // being computed: an expression must not need itself
}

// value is that of a query's ID; errors for clients are mathErrors.
func (q *querying) value(id string) (quantity, error) {
	if v, ok := q.done[id]; ok {
		return v, nil
	}
	i := slices.IndexFunc(q.queries, func(x types.MetricDataQuery) bool { return *x.Id == id })
	switch {
	case i < 0:
		return quantity{}, mathFail("no metric has the id %s", id)
	case slices.Contains(q.open, id):
		return quantity{}, mathFail("the expression of %s needs its own value", id)
	}
	q.open = append(q.open, id)
	v, err := q.compute(&q.queries[i])
	q.open = q.open[:len(q.open)-1]
	if err != nil {
		return v, err
	}
	if q.done == nil {
		q.done = map[string]quantity{}
	}
	q.done[id] = v
	return v, nil
}

func (q *querying) compute(x *types.MetricDataQuery) (quantity, error) {
	if x.Expression != nil {
		p := mathParser{text: *x.Expression, period: q.period.Seconds(), count: q.count, named: q.value}
		return p.parse()
	}
	st := x.MetricStat
	if !computable(*st.Stat) {
		return quantity{}, mathLacks("the statistic %s is", *st.Stat)
	}
	m := st.Metric
	from := source{region: q.region, id: metricID(*m.Namespace, *m.MetricName, m.Dimensions), unit: st.Unit}
	list, err := from.windows(q.reader, q.end, q.period, q.count)
	if err != nil {
		return quantity{}, err
	}
	out := make([]float64, q.count)
	for i := range list {
		v, ok := list[i].statistic(*st.Stat)
		if out[i] = math.NaN(); ok {
			out[i] = v
		}
	}
	return quantity{series: out}, nil
}

const maxDatapoints = 100800 // of one GetMetricData

// GetMetricData answers statistics of metrics, and expressions of them, the
// newest first unless ScanBy says otherwise.
func (s *Service) GetMetricData(ctx context.Context, in *cloudwatch.GetMetricDataInput, _ ...func(*cloudwatch.Options)) (*cloudwatch.GetMetricDataOutput, error) {
	if !in.StartTime.Before(*in.EndTime) {
		return nil, invalid("The parameter StartTime must be less than the parameter EndTime.")
	}
	if err := checkData(in.MetricDataQueries); err != nil {
		return nil, err
	}
	out := &cloudwatch.GetMetricDataOutput{MetricDataResults: []types.MetricDataResult{}, Messages: []types.MessageData{}}
	return out, s.cfg.Engine.View(ctx, func(r store.Reader) error {
		left := maxDatapoints
		for i := range in.MetricDataQueries {
			x := &in.MetricDataQueries[i]
			if x.ReturnData != nil && !*x.ReturnData {
				continue
			}
			period := periodOf(in.MetricDataQueries, x)
			begin, end := in.StartTime.Truncate(period), in.EndTime.Add(period-1).Truncate(period)
			q := querying{reader: r, region: identity.Region(ctx), end: end, period: period, count: int(end.Sub(begin) / period), queries: in.MetricDataQueries}
			if left -= q.count; left < 0 {
				return invalid("The request asks for more than %d data points. Increase Period or decrease the time range.", maxDatapoints)
			}
			v, err := q.value(*x.Id)
			var told *mathError
			if asMath(err, &told) {
				return invalid("Error in expression '%s': %s", *x.Id, told)
			}
			if err != nil {
				return err
			}
			out.MetricDataResults = append(out.MetricDataResults, result(x, v, &q, in.ScanBy))
		}
		return nil
	})
}

// checkData has the rules for queries that the model does not.
func checkData(list []types.MetricDataQuery) error {
	seen := map[string]bool{}
	for _, x := range list {
		switch {
		case !queryID.MatchString(*x.Id):
			return invalid("The value %s for parameter MetricDataQueries.member.Id is not matching the expected pattern ^[a-z][a-zA-Z0-9_]*$.", *x.Id)
		case seen[*x.Id]:
			return invalid("The id %s is there twice.", *x.Id)
		case (x.MetricStat == nil) == (x.Expression == nil):
			return invalid("The query %s must have either MetricStat or Expression.", *x.Id)
		case x.MetricStat != nil && (x.MetricStat.Metric.Namespace == nil || x.MetricStat.Metric.MetricName == nil):
			return invalid("The metric %s must have a Namespace and a MetricName.", *x.Id)
		case x.MetricStat != nil && !isStatistic(*x.MetricStat.Stat):
			return invalid("The value %s for parameter MetricDataQueries.member.MetricStat.Stat is not a valid statistic.", *x.MetricStat.Stat)
		}
		for _, p := range []*int32{x.Period, statPeriod(x.MetricStat)} {
			if p != nil && !isPeriod(*p) {
				return invalid("Period must be 1, 5, 10, 20, 30 or a multiple of 60.")
			}
		}
		seen[*x.Id] = true
	}
	return nil
}

func statPeriod(s *types.MetricStat) *int32 {
	if s == nil {
		return nil
	}
	return s.Period
}

func isPeriod(p int32) bool {
	return slices.Contains([]int32{1, 5, 10, 20, 30}, p) || p >= 60 && p%60 == 0
}

// periodOf is the period of a query: its own, or of an expression without one
// the longest of all metrics.
func periodOf(all []types.MetricDataQuery, x *types.MetricDataQuery) time.Duration {
	p := aws.ToInt32(x.Period)
	if x.MetricStat != nil {
		p = *x.MetricStat.Period
	}
	if p == 0 {
		for _, other := range all {
			if other.MetricStat != nil {
				p = max(p, *other.MetricStat.Period)
			}
		}
	}
	return time.Duration(max(p, 1)) * time.Second
}

func result(x *types.MetricDataQuery, v quantity, q *querying, order types.ScanBy) types.MetricDataResult {
	label := aws.ToString(x.Label)
	switch {
	case label != "":
	case x.MetricStat != nil:
		label = *x.MetricStat.Metric.MetricName
	default:
		label = *x.Id
	}
	out := types.MetricDataResult{Id: x.Id, Label: &label, StatusCode: types.StatusCodeComplete, Timestamps: []time.Time{}, Values: []float64{}}
	for i := range q.count {
		n, ok := v.at(i)
		if !ok || math.IsInf(n, 0) {
			continue
		}
		out.Timestamps = append(out.Timestamps, q.end.Add(-time.Duration(i+1)*q.period))
		out.Values = append(out.Values, n)
	}
	if order == types.ScanByTimestampAscending {
		slices.Reverse(out.Timestamps)
		slices.Reverse(out.Values)
	}
	return out
}
