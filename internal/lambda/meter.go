package lambda

import (
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	metrics "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
)

// meterTime is how long counts are gathered before CloudWatch has them.
const meterTime = time.Second

// counted is how an event went.
type counted int

const (
	succeeded counted = iota
	failed
	throttled
)

// meter gathers the counts of AWS/Lambda.
type meter struct {
	mu   sync.Mutex
	data map[string][]metrics.MetricDatum // by region
}

// count notes an event for CloudWatch, in its second: AWS has minutes only, but
// here a shift of traffic may be over in one.
// https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html
func (s *Service) count(t *target, n name, how counted, took time.Duration) {
	now := s.Clock.Now()
	var data []metrics.MetricDatum
	for _, d := range dimensions(n, *t.Version) {
		add := func(name string, unit metrics.StandardUnit, value float64) {
			data = append(data, metrics.MetricDatum{MetricName: &name, Dimensions: d, Timestamp: &now, Unit: unit, Value: &value, StorageResolution: aws.Int32(1)})
		}
		if how == throttled {
			add("Throttles", metrics.StandardUnitCount, 1)
			continue
		}
		add("Invocations", metrics.StandardUnitCount, 1)
		add("Errors", metrics.StandardUnitCount, float64(how))
		add("Throttles", metrics.StandardUnitCount, 0)
		if took > 0 {
			add("Duration", metrics.StandardUnitMilliseconds, float64(took.Microseconds())/1000)
		}
	}
	s.gather(t.Region, data)
}

// countOne notes one of a metric that is no attempt's.
func (s *Service) countOne(n name, metric string) {
	now := s.Clock.Now()
	var data []metrics.MetricDatum
	for _, d := range dimensions(n, "") {
		data = append(data, metrics.MetricDatum{MetricName: &metric, Dimensions: d, Timestamp: &now, Unit: metrics.StandardUnitCount, Value: aws.Float64(1), StorageResolution: aws.Int32(1)})
	}
	s.gather(n.Region, data)
}

func (s *Service) gather(region string, data []metrics.MetricDatum) {
	s.meter.mu.Lock()
	defer s.meter.mu.Unlock()
	if s.meter.data == nil {
		s.meter.data = map[string][]metrics.MetricDatum{}
		s.Clock.AfterFunc(meterTime, func() { s.busy.Go(s.flush) })
	}
	s.meter.data[region] = append(s.meter.data[region], data...)
}

// dimensions are the sets that a function's metrics are kept under.
func dimensions(n name, executed string) [][]metrics.Dimension {
	by := [][]metrics.Dimension{nil, {dimension("FunctionName", n.Function)}}
	if n.Qualifier == "" {
		return by
	}
	resource := []metrics.Dimension{dimension("FunctionName", n.Function), dimension("Resource", n.Function+":"+n.Qualifier)}
	by = append(by, resource)
	if executed != "" {
		by = append(by, append(resource[:2:2], dimension("ExecutedVersion", executed)))
	}
	return by
}

func dimension(name, value string) metrics.Dimension {
	return metrics.Dimension{Name: aws.String(name), Value: aws.String(value)}
}

// flush gives CloudWatch what was gathered.
func (s *Service) flush() {
	s.meter.mu.Lock()
	all := s.meter.data
	s.meter.data = nil
	s.meter.mu.Unlock()
	for region, data := range all {
		if err := s.Metrics.Record(s.ending, region, "AWS/Lambda", data); err != nil && s.ending.Err() == nil {
			s.Log.Warn("metrics of functions", "err", err)
		}
	}
}
