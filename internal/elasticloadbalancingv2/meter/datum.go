package meter

import (
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
)

// data collects what is reported, at the dimensions of a load balancer: all of it
// also by zone, if there is one, but for what AWS has only of the whole.
type data struct {
	at   []types.Dimension
	zone string
	tcp  bool
	list []types.MetricDatum
}

// whole are the metrics of application load balancers that are not by zone.
var whole = map[string]bool{"ActiveConnectionCount": true, "NewConnectionCount": true, "ProcessedBytes": true, "RequestCountPerTarget": true}

func (d *data) add(m types.MetricDatum) {
	m.Dimensions = d.at
	d.list = append(d.list, m)
	if d.zone != "" && (d.tcp || !whole[*m.MetricName]) {
		m.Dimensions = append([]types.Dimension{{Name: aws.String("AvailabilityZone"), Value: &d.zone}}, d.at...)
		d.list = append(d.list, m)
	}
}

// count is a number of things that happened: the Sum of ones, so that Average,
// Minimum and Maximum are 1 as at AWS.
func (d *data) count(name string, n int64) {
	if n > 0 {
		d.add(types.MetricDatum{MetricName: &name, Unit: types.StandardUnitCount, Values: []float64{1}, Counts: []float64{float64(n)}})
	}
}

// total is one number.
func (d *data) total(name string, v float64, unit types.StandardUnit) {
	if v > 0 {
		d.add(types.MetricDatum{MetricName: &name, Unit: unit, Value: &v})
	}
}

// mostValues is how many values one datum may have.
const mostValues = 150

// targets are the metrics that load balancers have of all their targets, and
// target groups of theirs.
func (d *data) targets(t *taken) {
	d.count("RequestCount", t.requests)
	d.count("TargetConnectionErrorCount", t.unreached)
	for class := 2; class < len(t.classes); class++ {
		d.count("HTTPCode_Target_"+strconv.Itoa(class)+"XX_Count", t.classes[class])
	}
	if t.answers == 0 {
		return
	}
	var values, counts []float64
	flush := func() {
		d.add(types.MetricDatum{MetricName: aws.String("TargetResponseTime"), Unit: types.StandardUnitSeconds, Values: values, Counts: counts})
		values, counts = nil, nil
	}
	for i, n := range t.durations {
		if n == 0 {
			continue
		}
		values, counts = append(values, middle(i)), append(counts, float64(n))
		if len(values) == mostValues {
			flush()
		}
	}
	if len(values) > 0 {
		flush()
	}
}

// group are a target group's metrics.
func (d *data) group(g *Group, t *taken) {
	balancer := d.at
	defer func() { d.at = balancer }()
	group := types.Dimension{Name: aws.String("TargetGroup"), Value: aws.String("targetgroup/" + g.Path)}
	d.at = []types.Dimension{group, balancer[0]}
	if t.hosts {
		d.host("HealthyHostCount", t.healthy)
		d.host("UnHealthyHostCount", t.unhealthy)
	}
	if d.tcp {
		return
	}
	d.targets(t)
	if t.requests > 0 && t.healthy > 0 {
		each := float64(t.requests) / float64(t.healthy)
		d.total("RequestCountPerTarget", each, types.StandardUnitCount)
		d.at = []types.Dimension{group}
		d.total("RequestCountPerTarget", each, types.StandardUnitCount)
	}
}

// host is a number of targets, which may be none.
func (d *data) host(name string, n int64) {
	d.add(types.MetricDatum{MetricName: &name, Unit: types.StandardUnitCount, Value: aws.Float64(float64(n))})
}
