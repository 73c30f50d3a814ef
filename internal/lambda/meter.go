package lambda

import (
	"math"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	metrics "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
)

// meterTime is how long counts are gathered before CloudWatch has them, and
// maxValues how many different ones a datum takes.
const (
	meterTime = time.Second
	maxValues = 150
)

// counted is how an event went.
type counted int

const (
	succeeded counted = iota
	failed
	throttled
)

// meter gathers the counts of AWS/Lambda. However many events there are, what
// CloudWatch gets is a few data of each second, and the next when it has them.
type meter struct {
	mu   sync.Mutex
	data map[series]map[float64]float64 // how often each value was there
	due  bool                           // CloudWatch gets them soon, or is getting some
}

// series is a metric of one second, with the values of its dimensions, "" for
// those that it has not. AWS has minutes only, but here a shift of traffic may be
// over in one.
type series struct {
	region, metric              string
	unit                        metrics.StandardUnit
	second                      int64 // Unix
	function, resource, version string
}

// count notes an event.
// https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html
func (s *Service) count(t *target, n name, how counted, took time.Duration) {
	if how == throttled {
		s.note(n, *t.Version, "Throttles", metrics.StandardUnitCount, 1)
		return
	}
	s.note(n, *t.Version, "Invocations", metrics.StandardUnitCount, 1)
	s.note(n, *t.Version, "Errors", metrics.StandardUnitCount, float64(how))
	s.note(n, *t.Version, "Throttles", metrics.StandardUnitCount, 0)
	if took > 0 {
		s.note(n, *t.Version, "Duration", metrics.StandardUnitMilliseconds, math.Ceil(millis(took)*100)/100)
	}
}

// note adds a value to a metric of an account, of a function and, if the event
// names one, of its qualifier and the version behind that; executed may be "".
func (s *Service) note(n name, executed, metric string, unit metrics.StandardUnit, value float64) {
	at := series{region: n.Region, metric: metric, unit: unit, second: s.Clock.Now().Unix()}
	s.meter.mu.Lock()
	defer s.meter.mu.Unlock()
	if s.meter.data == nil {
		s.meter.data = map[series]map[float64]float64{}
	}
	add := func() {
		if s.meter.data[at] == nil {
			s.meter.data[at] = map[float64]float64{}
		}
		s.meter.data[at][value]++
	}
	add()
	at.function = n.Function
	add()
	if n.Qualifier != "" {
		at.resource = n.Function + ":" + n.Qualifier
		add()
		if at.version = executed; executed != "" {
			add()
		}
	}
	if !s.meter.due {
		s.meter.due = true
		s.later()
	}
}

func (s *Service) later() { s.Clock.AfterFunc(meterTime, func() { s.busy.Go(s.flush) }) }

// flush gives CloudWatch what was gathered.
func (s *Service) flush() {
	s.meter.mu.Lock()
	all := s.meter.data
	s.meter.data = nil
	s.meter.mu.Unlock()
	regions := map[string][]metrics.MetricDatum{}
	for at, values := range all {
		regions[at.region] = append(regions[at.region], at.data(values)...)
	}
	for region, data := range regions {
		if err := s.Metrics.Record(s.ending, region, "AWS/Lambda", data); err != nil && s.ending.Err() == nil {
			s.Log.Warn("metrics of functions", "err", err)
		}
	}
	s.meter.mu.Lock()
	defer s.meter.mu.Unlock()
	if s.meter.due = s.meter.data != nil; s.meter.due {
		s.later()
	}
}

// data are the values of a series, as many in a datum as it takes.
func (at series) data(values map[float64]float64) (list []metrics.MetricDatum) {
	var dimensions []metrics.Dimension
	for _, d := range []struct{ name, value string }{{"FunctionName", at.function}, {"Resource", at.resource}, {"ExecutedVersion", at.version}} {
		if d.value != "" {
			dimensions = append(dimensions, metrics.Dimension{Name: aws.String(d.name), Value: aws.String(d.value)})
		}
	}
	for v, times := range values {
		if len(list) == 0 || len(list[len(list)-1].Values) == maxValues {
			list = append(list, metrics.MetricDatum{MetricName: aws.String(at.metric), Dimensions: dimensions, Unit: at.unit,
				Timestamp: aws.Time(time.Unix(at.second, 0)), StorageResolution: aws.Int32(1)})
		}
		d := &list[len(list)-1]
		d.Values, d.Counts = append(d.Values, v), append(d.Counts, times)
	}
	return list
}
