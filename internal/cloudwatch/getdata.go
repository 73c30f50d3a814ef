package cloudwatch

import (
	"context"
	"math"
	"regexp"
	"slices"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"github.com/slipway-dev/slipway/internal/aws/identity"
	"github.com/slipway-dev/slipway/internal/aws/wire"
	"github.com/slipway-dev/slipway/internal/store"
)

const (
	maxQueries    = 500       // of one GetMetricData
	maxDatapoints = 100800    // of one page of GetMetricData
	maxWindows    = 2_000_000 // that one GetMetricData looks at
)

var zone = regexp.MustCompile(`^[+-]([01]\d|2[0-3])[0-5]\d$`)

// GetMetricData answers statistics of metrics, and expressions of them, the
// newest first unless ScanBy says otherwise. A page has up to MaxDatapoints data
// points (100,800): a result that goes on in the next page is PartialData.
func (s *Service) GetMetricData(ctx context.Context, in *cloudwatch.GetMetricDataInput, _ ...func(*cloudwatch.Options)) (*cloudwatch.GetMetricDataOutput, error) {
	if !in.StartTime.Before(*in.EndTime) {
		return nil, invalid("The parameter StartTime must be less than the parameter EndTime.")
	}
	if n := len(in.MetricDataQueries); n > maxQueries {
		return nil, invalid("The collection MetricDataQueries must not have a size greater than %d.", maxQueries)
	}
	if err := checkData(in.MetricDataQueries); err != nil {
		return nil, err
	}
	l := labeler{now: s.cfg.Engine.Now(), account: s.cfg.Site.Account, region: identity.Region(ctx), zone: time.UTC}
	if in.LabelOptions != nil && in.LabelOptions.Timezone != nil {
		if !zone.MatchString(*in.LabelOptions.Timezone) {
			return nil, invalid("The value %s for parameter LabelOptions.Timezone must be + or - and four digits.", *in.LabelOptions.Timezone)
		}
		t, _ := time.Parse("-0700", *in.LabelOptions.Timezone) // it has the form
		l.zone = t.Location()
	}
	p := paging{most: int(aws.ToInt32(in.MaxDatapoints)), scope: "cloudwatch.GetMetricData/" + identity.Region(ctx)}
	if p.most <= 0 || p.most > maxDatapoints {
		p.most = maxDatapoints
	}
	if t := aws.ToString(in.NextToken); t != "" {
		at, ok := wire.DecodeToken(p.scope, t)
		n, err := strconv.Atoi(at)
		if !ok || err != nil {
			return nil, badToken()
		}
		p.skip = n
	}
	var results []types.MetricDataResult
	err := s.cfg.Engine.View(ctx, func(r store.Reader) (err error) {
		results, err = compute(r, in, &l)
		return err
	})
	if err != nil {
		return nil, err
	}
	out := &cloudwatch.GetMetricDataOutput{Messages: []types.MessageData{}}
	out.MetricDataResults, out.NextToken = p.of(results)
	return out, nil
}

// compute answers the results of the queries that return data.
func compute(r store.Reader, in *cloudwatch.GetMetricDataInput, l *labeler) (results []types.MetricDataResult, err error) {
	left := maxWindows
	for i := range in.MetricDataQueries {
		x := &in.MetricDataQueries[i]
		if x.ReturnData != nil && !*x.ReturnData {
			continue
		}
		period := periodOf(in.MetricDataQueries, x)
		begin, end := in.StartTime.Truncate(period), in.EndTime.Add(period-1).Truncate(period)
		count := int64(end.Sub(begin) / period)
		if count > int64(left) {
			return nil, invalid("The request asks for more than %d data points. Increase Period or decrease the time range.", maxWindows)
		}
		left -= int(count)
		q := querying{reader: r, region: l.region, end: end, period: period, count: int(count), queries: in.MetricDataQueries}
		v, err := q.value(*x.Id)
		var told *mathError
		if asMath(err, &told) {
			return nil, invalid("Error in expression '%s': %s", *x.Id, told)
		}
		if err != nil {
			return nil, err
		}
		for _, one := range v.list() {
			if v.many == nil {
				one.label = labelOf(x)
			}
			results = append(results, result(x, one, &q, in.ScanBy, l))
		}
	}
	return results, nil
}

func result(x *types.MetricDataQuery, v quantity, q *querying, order types.ScanBy, l *labeler) types.MetricDataResult {
	out := types.MetricDataResult{Id: x.Id, StatusCode: types.StatusCodeComplete, Timestamps: []time.Time{}, Values: []float64{}}
	for i := range q.count {
		n, ok := v.at(i)
		if !ok || math.IsInf(n, 0) {
			continue
		}
		out.Timestamps = append(out.Timestamps, q.end.Add(-time.Duration(i+1)*q.period))
		out.Values = append(out.Values, n)
	}
	label := v.label
	if x.Label != nil && *x.Label != "" {
		label = l.fill(*x.Label, v, q, &out)
	}
	out.Label = &label
	if order == types.ScanByTimestampAscending {
		slices.Reverse(out.Timestamps)
		slices.Reverse(out.Values)
	}
	return out
}

// paging cuts a page out of results: tokens hold how many data points were
// before.
type paging struct {
	scope      string
	skip, most int
}

func (p *paging) of(all []types.MetricDataResult) (page []types.MetricDataResult, next *string) {
	page = []types.MetricDataResult{}
	at := 0
	end := p.skip + p.most
	for _, r := range all {
		n := len(r.Values)
		begins := at
		at += n
		if begins >= end {
			return page, aws.String(wire.EncodeToken(p.scope, strconv.Itoa(end)))
		}
		if begins < p.skip && at <= p.skip { // of an earlier page
			continue
		}
		from, to := max(p.skip-begins, 0), min(n, end-begins)
		r.Timestamps, r.Values = r.Timestamps[from:to], r.Values[from:to]
		if to < n {
			r.StatusCode = types.StatusCodePartialData
			return append(page, r), aws.String(wire.EncodeToken(p.scope, strconv.Itoa(end)))
		}
		page = append(page, r)
	}
	return page, nil
}
