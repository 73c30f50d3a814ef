package cloudwatch

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

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

// metrics are the values of all queries for metrics whose ID contains a text.
func (q *querying) metrics(part string) (out []quantity, err error) {
	for i := range q.queries {
		x := &q.queries[i]
		if x.MetricStat == nil || !strings.Contains(*x.Id, part) {
			continue
		}
		v, err := q.value(*x.Id)
		if err != nil {
			return nil, err
		}
		v.label = labelOf(x)
		out = append(out, v)
	}
	return out, nil
}

func (q *querying) compute(x *types.MetricDataQuery) (quantity, error) {
	if x.Expression != nil {
		p := mathParser{scanner: scanner{text: *x.Expression}, end: q.end, period: q.period.Seconds(), count: q.count, named: q.value, metrics: q.metrics, search: q.found}
		return p.parse()
	}
	return q.measure(x.MetricStat)
}

// measure is a statistic of a metric.
func (q *querying) measure(st *types.MetricStat) (quantity, error) {
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
	return quantity{series: out, stat: st}, nil
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
		case x.MetricStat != nil && (x.MetricStat.Metric == nil || x.MetricStat.Metric.Namespace == nil || x.MetricStat.Metric.MetricName == nil):
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
// that of its search, or the longest of all metrics.
func periodOf(all []types.MetricDataQuery, x *types.MetricDataQuery) time.Duration {
	p := aws.ToInt32(x.Period)
	if x.MetricStat != nil {
		p = *x.MetricStat.Period
	}
	if p == 0 {
		for _, m := range searchPeriod.FindAllStringSubmatch(aws.ToString(x.Expression), -1) {
			n, _ := strconv.Atoi(m[1])
			p = max(p, int32(n))
		}
	}
	if p == 0 {
		for _, other := range all {
			if other.MetricStat != nil {
				p = max(p, *other.MetricStat.Period)
			}
		}
	}
	if p == 0 { // of numbers only
		p = 60
	}
	return time.Duration(p) * time.Second
}
