package logs

import (
	"math"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	metrics "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/store"
)

// Metrics is CloudWatch, which gets what metric filters count and what events in
// the embedded metric format say.
type Metrics interface {
	// RecordIn adds data within a transition; it answers how many it refused.
	RecordIn(tx *engine.Tx, region, namespace string, data []metrics.MetricDatum) (refused int, err error)
}

// maxValues is how many different values a datum takes.
const maxValues = 150

// tally gathers the values of a batch of events: however many these are,
// CloudWatch gets a datum for each metric and minute.
type tally map[series]*counts

// series is a metric at a time: the begin of a minute, or of a second if the
// metric has this resolution.
type series struct {
	namespace, name, dimensions string
	unit                        metrics.StandardUnit
	resolution                  int32 // seconds
	at                          int64 // Unix
}

type counts struct {
	dimensions []metrics.Dimension
	values     map[float64]float64 // how often each was there
}

// greatest is the largest value of a metric, of either sign.
var greatest = math.Ldexp(1, 360)

// add adds a value, unless no metric can have it; of has the dimensions by name.
func (t tally) add(k series, of map[string]string, at time.Time, value float64) {
	if math.IsNaN(value) || math.Abs(value) > greatest {
		return
	}
	if k.resolution != 1 {
		k.resolution = 60
	}
	k.at = at.Truncate(time.Duration(k.resolution) * time.Second).Unix()
	var list []metrics.Dimension
	var parts []string
	for name, value := range of {
		list = append(list, metrics.Dimension{Name: aws.String(name), Value: aws.String(value)})
	}
	slices.SortFunc(list, func(a, b metrics.Dimension) int { return strings.Compare(*a.Name, *b.Name) })
	for _, d := range list {
		parts = append(parts, *d.Name, *d.Value)
	}
	k.dimensions = store.Key(parts...)
	if t[k] == nil {
		t[k] = &counts{list, map[float64]float64{}}
	}
	t[k].values[value]++
}

// record gives the values to CloudWatch, namespace by namespace.
func (t tally) record(tx *engine.Tx, region string, to Metrics) (refused int, err error) {
	all := map[string][]metrics.MetricDatum{}
	for k, c := range t {
		d := metrics.MetricDatum{MetricName: aws.String(k.name), Dimensions: c.dimensions, Unit: k.unit,
			StorageResolution: aws.Int32(k.resolution), Timestamp: aws.Time(time.Unix(k.at, 0))}
		for v, n := range c.values {
			if len(d.Values) == maxValues {
				all[k.namespace] = append(all[k.namespace], d)
				d.Values, d.Counts = nil, nil
			}
			d.Values, d.Counts = append(d.Values, v), append(d.Counts, n)
		}
		all[k.namespace] = append(all[k.namespace], d)
	}
	for namespace, data := range all {
		n, err := to.RecordIn(tx, region, namespace, data)
		if err != nil {
			return refused, err
		}
		refused += n
	}
	return refused, nil
}
