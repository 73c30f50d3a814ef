package cloudwatch

import (
	"context"
	"math"
	"regexp"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"github.com/slipway-dev/slipway/internal/aws/identity"
	"github.com/slipway-dev/slipway/internal/engine"
)

// PutMetricAlarm makes an alarm on a metric or an expression, or gives it a new
// configuration; its state stays. Tags are of new alarms only.
func (s *Service) PutMetricAlarm(ctx context.Context, in *cloudwatch.PutMetricAlarmInput, _ ...func(*cloudwatch.Options)) (*cloudwatch.PutMetricAlarmOutput, error) {
	tags, err := tagsOf(in.Tags)
	if err == nil {
		err = s.checkMetricAlarm(in)
	}
	if err != nil {
		return nil, err
	}
	region := identity.Region(ctx)
	return &cloudwatch.PutMetricAlarmOutput{}, s.cfg.Engine.Update(ctx, func(tx *engine.Tx) error {
		old, err := get(tx, region, *in.AlarmName)
		if err != nil {
			return err
		}
		if old != nil && old.Metric == nil {
			return invalid("The alarm name %s is that of a composite alarm.", *in.AlarmName)
		}
		now := tx.Now()
		a := &alarm{Region: region, Tags: tags, Metric: s.metricAlarm(region, in)}
		a.Metric.AlarmConfigurationUpdatedTimestamp = &now
		if old == nil {
			st := unchecked(now)
			a.Metric.StateTransitionedTimestamp = &now
			a.Metric.StateUpdatedTimestamp = &now
			a.setState(st)
		} else {
			a.Tags = old.Tags
			a.Metric.StateUpdatedTimestamp, a.Metric.StateTransitionedTimestamp = old.Metric.StateUpdatedTimestamp, old.Metric.StateTransitionedTimestamp
			a.Metric.StateValue = old.Metric.StateValue
			a.setState(old.state())
			if err := s.unwatch(tx, old); err != nil {
				return err
			}
		}
		if err := s.watch(tx, a); err != nil {
			return err
		}
		if err := s.configured(tx, old.settings(), a); err != nil {
			return err
		}
		if err := tx.Enqueue(engine.NewJob{Kind: jobEvaluate, ID: a.job()}); err != nil {
			return err
		}
		return a.put(tx)
	})
}

func (s *Service) metricAlarm(region string, in *cloudwatch.PutMetricAlarmInput) *types.MetricAlarm {
	enabled := in.ActionsEnabled == nil || *in.ActionsEnabled
	return &types.MetricAlarm{AlarmName: in.AlarmName, AlarmArn: aws.String(s.alarmARN(region, *in.AlarmName)), AlarmDescription: in.AlarmDescription,
		ActionsEnabled: &enabled, OKActions: list(in.OKActions), AlarmActions: list(in.AlarmActions), InsufficientDataActions: list(in.InsufficientDataActions),
		MetricName: in.MetricName, Namespace: in.Namespace, Statistic: in.Statistic, ExtendedStatistic: in.ExtendedStatistic, Dimensions: list(in.Dimensions),
		Period: in.Period, Unit: in.Unit, EvaluationPeriods: in.EvaluationPeriods, DatapointsToAlarm: in.DatapointsToAlarm, Threshold: in.Threshold,
		ComparisonOperator: in.ComparisonOperator, TreatMissingData: in.TreatMissingData, EvaluateLowSampleCountPercentile: in.EvaluateLowSampleCountPercentile,
		Metrics: in.Metrics, ThresholdMetricId: in.ThresholdMetricId}
}

// list is never nil: clients index these unchecked.
func list[T any](l []T) []T {
	if l == nil {
		return []T{}
	}
	return l
}

var (
	queryID = regexp.MustCompile(`^[a-z][a-zA-Z0-9_]*$`)
	bands   = []types.ComparisonOperator{types.ComparisonOperatorLessThanLowerOrGreaterThanUpperThreshold, types.ComparisonOperatorLessThanLowerThreshold, types.ComparisonOperatorGreaterThanUpperThreshold}
)

// checkMetricAlarm has the rules of the API reference that the model does not.
func (s *Service) checkMetricAlarm(in *cloudwatch.PutMetricAlarmInput) error {
	switch {
	case in.EvaluationCriteria != nil || in.EvaluationInterval != nil:
		return invalid("PromQL alarms (EvaluationCriteria, EvaluationInterval) are not implemented by Slipway.")
	case in.EvaluationWindow != nil:
		return invalid("EvaluationWindow is not implemented by Slipway: without it the window of an alarm slides.")
	case in.ActionConfiguration != nil || in.WarmUpConfiguration != nil:
		return invalid("ActionConfiguration and WarmUpConfiguration are not implemented by Slipway.")
	case in.ComparisonOperator == "":
		return invalid("The parameter ComparisonOperator is required.")
	case in.EvaluationPeriods == nil || *in.EvaluationPeriods < 1:
		return invalid("EvaluationPeriods must be at least 1.")
	case in.Threshold != nil && (math.IsNaN(*in.Threshold) || math.IsInf(*in.Threshold, 0)):
		return invalid("The value %v for parameter Threshold is invalid.", *in.Threshold)
	case in.DatapointsToAlarm != nil && (*in.DatapointsToAlarm < 1 || *in.DatapointsToAlarm > *in.EvaluationPeriods):
		return invalid("DatapointsToAlarm must be at least 1 and at most EvaluationPeriods.")
	case (in.MetricName == nil) == (len(in.Metrics) == 0):
		return invalid("You must specify either MetricName or Metrics, but not both.")
	case in.ThresholdMetricId != nil || slices.Contains(bands, in.ComparisonOperator):
		return invalid("Anomaly detection (ThresholdMetricId and the comparison operators of bands) is not implemented by Slipway.")
	case in.Threshold == nil:
		return invalid("The parameter Threshold is required.")
	case in.TreatMissingData != nil && !slices.Contains([]string{missing, ignore, breaching, notBreaching}, *in.TreatMissingData):
		return invalid("Option %s is not supported for TreatMissingData parameter. Supported options: [breaching, notBreaching, ignore, missing].", *in.TreatMissingData)
	case in.EvaluateLowSampleCountPercentile != nil && !slices.Contains([]string{"evaluate", ignore}, *in.EvaluateLowSampleCountPercentile):
		return invalid("Option %s is not supported for EvaluateLowSampleCountPercentile parameter. Supported options: [evaluate, ignore].", *in.EvaluateLowSampleCountPercentile)
	}
	if err := checkSettings(*in.AlarmName, in.OKActions, in.AlarmActions, in.InsufficientDataActions); err != nil {
		return err
	}
	if len(in.Metrics) > 0 {
		return s.checkQueries(in)
	}
	switch {
	case in.Namespace == nil:
		return invalid("The parameter Namespace is required.")
	case (in.Statistic == "") == (in.ExtendedStatistic == nil):
		return invalid("Exactly one of Statistic and ExtendedStatistic must be specified.")
	case in.ExtendedStatistic != nil && !isExtended(*in.ExtendedStatistic):
		return invalid("The value %s for parameter ExtendedStatistic is not supported.", *in.ExtendedStatistic)
	case in.Period == nil:
		return invalid("The parameter Period is required.")
	}
	if err := checkDimensions(in.Dimensions); err != nil {
		return err
	}
	return checkSpan(*in.Period, *in.EvaluationPeriods)
}

// checkSpan refuses periods that there are not, and alarms that look back too
// far.
func checkSpan(period, periods int32) error {
	const day, week = 86400, 7 * 86400
	switch span := int64(period) * int64(periods); {
	case period != 10 && period != 20 && period != 30 && (period < 60 || period%60 != 0):
		return invalid("Period must be 10, 20, 30 or a multiple of 60.")
	case period < 3600 && span > day:
		return invalid("Metrics cannot be checked across more than a day (EvaluationPeriods * Period must be <= 86400).")
	case span > week:
		return invalid("Metrics cannot be checked across more than a week (EvaluationPeriods * Period must be <= 604800).")
	}
	return nil
}

// maxOfKind is how many metrics, and how many expressions, an alarm has at most.
const maxOfKind = 10

func (s *Service) checkQueries(in *cloudwatch.PutMetricAlarmInput) error {
	if in.Namespace != nil || len(in.Dimensions) > 0 || in.Period != nil || in.Statistic != "" || in.ExtendedStatistic != nil || in.Unit != "" {
		return invalid("Namespace, Dimensions, Period, Unit, Statistic and ExtendedStatistic must not be specified with Metrics.")
	}
	if err := checkData(in.Metrics); err != nil {
		return err
	}
	metrics, returned := 0, 0
	for _, q := range in.Metrics {
		if q.ReturnData == nil || *q.ReturnData {
			returned++
		}
		if q.AccountId != nil && *q.AccountId != s.cfg.Site.Account {
			return invalid("Metrics of other accounts (AccountId %s) are not implemented by Slipway.", *q.AccountId)
		}
		if m := q.MetricStat; m != nil {
			metrics++
			if err := checkDimensions(m.Metric.Dimensions); err != nil {
				return err
			}
			if err := checkSpan(*m.Period, *in.EvaluationPeriods); err != nil {
				return err
			}
		}
	}
	switch {
	case metrics > maxOfKind || len(in.Metrics)-metrics > maxOfKind:
		return invalid("Metrics has at most %d metrics and at most %d expressions.", maxOfKind, maxOfKind)
	case returned != 1:
		return invalid("Exactly 1 element of Metrics must have ReturnData true, and %d have.", returned)
	}
	return checkExpressions(in.Metrics)
}

// checkExpressions computes the expressions without data, which shows all that
// is wrong with them.
func checkExpressions(list []types.MetricDataQuery) error {
	q := querying{period: time.Minute, count: 1, queries: list, done: map[string]quantity{}}
	for _, x := range list {
		if x.MetricStat != nil {
			q.done[*x.Id] = quantity{series: []float64{math.NaN()}}
		}
	}
	for _, x := range list {
		v, err := q.value(*x.Id)
		var told *mathError
		switch {
		case asMath(err, &told):
			return invalid("Error in expression '%s': %s", *x.Id, told)
		case v.many != nil && (x.ReturnData == nil || *x.ReturnData):
			return invalid("Error in expression '%s': %s", *x.Id, severalSeries)
		}
	}
	return nil
}

// severalSeries is why an alarm cannot watch an expression.
const severalSeries = "the expression is a list of series, and a function like SUM must make one of it"

// checkDimensions has the rules for dimensions that the model does not.
func checkDimensions(list []types.Dimension) error {
	for i, d := range sorted(list) {
		if problem := dimensionProblem(sorted(list), i, d); problem != "" {
			return invalid("A dimension is not valid: %s.", problem)
		}
	}
	return nil
}
