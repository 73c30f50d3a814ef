package cloudwatch

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/store"
)

// queries are what an alarm watches, in the form of the newer API.
func queries(m *types.MetricAlarm) []types.MetricDataQuery {
	if m.MetricName == nil {
		return m.Metrics
	}
	stat := string(m.Statistic)
	if m.ExtendedStatistic != nil {
		stat = *m.ExtendedStatistic
	}
	return []types.MetricDataQuery{{Id: aws.String("m1"), MetricStat: &types.MetricStat{Period: m.Period, Stat: &stat, Unit: m.Unit,
		Metric: &types.Metric{Namespace: m.Namespace, MetricName: m.MetricName, Dimensions: m.Dimensions}}}}
}

// watch lets data of a metric wake the alarms that are on it.
func (s *Service) watch(tx store.Tx, a *alarm) error {
	name := a.name()
	for _, id := range watched(a) {
		if err := watchers.Put(tx, &name, a.Region, id, name); err != nil {
			return err
		}
	}
	return nil
}

func (s *Service) unwatch(tx store.Tx, a *alarm) error {
	for _, id := range watched(a) {
		if err := watchers.Delete(tx, a.Region, id, a.name()); err != nil {
			return err
		}
	}
	return nil
}

func watched(a *alarm) (ids []string) {
	for _, q := range queries(a.Metric) {
		if q.MetricStat != nil {
			m := q.MetricStat.Metric
			ids = append(ids, metricID(*m.Namespace, *m.MetricName, m.Dimensions))
		}
	}
	return ids
}

// wake has the alarms of a metric evaluated when the time that its data is of
// has ended.
func (s *Service) wake(tx *engine.Tx, region, id string) error {
	for name, err := range watchers.All(tx, region, id) {
		if err != nil {
			return err
		}
		a, err := get(tx, region, *name)
		if err != nil {
			return err
		}
		if a == nil || a.Metric == nil {
			continue
		}
		if err := tx.Enqueue(engine.NewJob{Kind: jobEvaluate, ID: a.job(), At: a.boundary(tx.Now())}); err != nil {
			return err
		}
	}
	return nil
}

// period is that of the alarm's data points: the longest of its metrics.
func (a *alarm) period() time.Duration {
	longest := int32(0)
	for _, q := range queries(a.Metric) {
		if q.MetricStat != nil {
			longest = max(longest, *q.MetricStat.Period)
		}
		longest = max(longest, aws.ToInt32(q.Period))
	}
	return time.Duration(max(longest, 10)) * time.Second
}

// rhythm is how often an alarm may be evaluated: every minute, every ten seconds
// if its period is shorter, every hour if it looks back for more than a day, as
// AWS's multi-day alarms are.
func (a *alarm) rhythm() time.Duration {
	switch period := a.period(); {
	case period < time.Minute:
		return 10 * time.Second
	case period*time.Duration(aws.ToInt32(a.Metric.EvaluationPeriods)) > 24*time.Hour:
		return time.Hour
	}
	return time.Minute
}

// boundary is the next time after now at which the alarm is evaluated.
func (a *alarm) boundary(now time.Time) time.Time {
	return now.Truncate(a.rhythm()).Add(a.rhythm())
}

// evaluate is a metric alarm's job. It comes again while there is data that the
// window has yet to pass by.
func (s *Service) evaluate(ctx context.Context, job *engine.Job) error {
	region, name := jobAlarm(job)
	var again time.Time
	err := s.cfg.Engine.Update(ctx, func(tx *engine.Tx) error {
		again = time.Time{}
		a, err := get(tx, region, name)
		if err != nil || a == nil || a.Metric == nil {
			return err
		}
		to, next, err := s.judged(tx, a, tx.Now())
		if err != nil {
			return err
		}
		again = next
		from := a.state()
		if to.value == from.value && a.Metric.EvaluationState == "" && to.reason != "" && !isError(to.reason) {
			return nil
		}
		a.Metric.EvaluationState = ""
		if isError(to.reason) {
			a.Metric.EvaluationState = types.EvaluationStateEvaluationError
		}
		return s.move(tx, a, to, begin())
	})
	if err != nil || again.IsZero() {
		return err
	}
	return engine.RetryAt(again)
}

// jobAlarm is what the ID of a job of an alarm says.
func jobAlarm(job *engine.Job) (region, name string) {
	region, name, _ = strings.Cut(job.ID, "/")
	return region, name
}

// notEvaluated begins the reasons of alarms that cannot be evaluated.
const notEvaluated = "Evaluation error: "

func isError(reason string) bool { return strings.HasPrefix(reason, notEvaluated) }

// judged is the state that an alarm should have now, and when it may have another
// without new data: zero if never.
func (s *Service) judged(r store.Reader, a *alarm, now time.Time) (to state, next time.Time, err error) {
	m := a.Metric
	t := terms{operator: m.ComparisonOperator, threshold: aws.ToFloat64(m.Threshold), n: int(*m.EvaluationPeriods), m: int(*m.EvaluationPeriods), missing: missing}
	if m.DatapointsToAlarm != nil {
		t.m = int(*m.DatapointsToAlarm)
	}
	if m.TreatMissingData != nil {
		t.missing = *m.TreatMissingData
	}
	end := now.Truncate(a.rhythm())
	samples, why, err := s.samples(r, a, end, t.n+moreThan)
	switch {
	case err != nil:
		return to, next, err
	case why != "":
		return state{value: types.StateValueInsufficientData, reason: notEvaluated + why, updated: now}, next, nil
	}
	if slices.ContainsFunc(samples, func(x sample) bool { return x.ok }) {
		next = a.boundary(now)
	} else if next, err = ahead(r, a, end); err != nil {
		return to, next, err
	}
	before := a.state().value
	value, used := judge(t, samples, before)
	if few, err := s.tooFew(r, a, used); err != nil || few {
		return a.state(), next, err
	}
	to = state{value: value, reason: reason(t, used, before, value), updated: now}
	if len(used) > 0 {
		to.data = reasonData(a, t, used, now)
	}
	return to, next, nil
}

// ahead is when the alarm will look at the first data after end, which may be of
// this minute or of the future; zero if there is none.
func ahead(r store.Reader, a *alarm, end time.Time) (next time.Time, err error) {
	for _, id := range watched(a) {
		err := source{region: a.Region, id: id}.each(r, end, end.Add(newest+a.rhythm()), func(at time.Time, _ *slot) {
			if b := a.boundary(at); next.IsZero() || b.Before(next) {
				next = b
			}
		})
		if err != nil {
			return next, err
		}
	}
	return next, nil
}

// samples are the alarm's data points, the newest first. why is the reason for
// which there can be none.
func (s *Service) samples(r store.Reader, a *alarm, end time.Time, count int) (out []sample, why string, err error) {
	period := a.period()
	q := querying{reader: r, region: a.Region, end: end, period: period, count: count, queries: queries(a.Metric)}
	for _, x := range q.queries {
		if x.ReturnData != nil && !*x.ReturnData {
			continue
		}
		v, err := q.value(*x.Id)
		var told *mathError
		if asMath(err, &told) {
			return nil, told.Error(), nil
		}
		switch {
		case err != nil:
			return nil, "", err
		case v.many != nil: // which PutMetricAlarm did not always refuse
			return nil, severalSeries, nil
		}
		out = make([]sample, count)
		for i := range out {
			out[i].at = end.Add(-time.Duration(i+1) * period)
			out[i].value, out[i].ok = v.at(i)
		}
	}
	return out, "", nil
}

// tooFew tells whether a percentile is of too few data points for an alarm that
// ignores such ones, whose state stays then.
func (s *Service) tooFew(r store.Reader, a *alarm, used []sample) (bool, error) {
	m := a.Metric
	need := enough(aws.ToString(m.ExtendedStatistic))
	if aws.ToString(m.EvaluateLowSampleCountPercentile) != ignore || need == 0 {
		return false, nil
	}
	from := source{region: a.Region, id: watched(a)[0], unit: m.Unit}
	for _, x := range used {
		of, err := from.windows(r, x.at.Add(a.period()), a.period(), 1)
		if err != nil || of[0].Count < need {
			return true, err
		}
	}
	return false, nil
}

// reasonData is AWS's JSON beside a reason, within its 4,000 characters.
func reasonData(a *alarm, t terms, used []sample, now time.Time) string {
	const most = 20
	m := map[string]any{"version": "1.0", "queryDate": now.UTC().Format(stamp), "startDate": used[len(used)-1].at.UTC().Format(stamp),
		"period": int(a.period() / time.Second), "threshold": t.threshold}
	if a.Metric.Statistic != "" {
		m["statistic"] = a.Metric.Statistic
	}
	if a.Metric.Unit != "" {
		m["unit"] = a.Metric.Unit
	}
	recent, evaluated := []float64{}, []any{}
	for i := min(len(used), most) - 1; i >= 0; i-- {
		recent = append(recent, used[i].value)
	}
	for _, x := range used[:min(len(used), most)] {
		evaluated = append(evaluated, map[string]any{"timestamp": x.at.UTC().Format(stamp), "value": x.value})
	}
	m["recentDatapoints"], m["evaluatedDatapoints"] = recent, evaluated
	b, err := marshal(m)
	if err != nil { // infinite
		return ""
	}
	return string(b)
}
