package cloudwatch

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"github.com/slipway-dev/slipway/internal/aws/identity"
	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/store"
)

// Limits of PutMetricData.
const (
	maxData   = 1000
	maxValues = 150 // of one datum
	oldest    = 14 * 24 * time.Hour
	newest    = 2 * time.Hour // in the future
)

var greatest = math.Ldexp(1, 360)

// PutMetricData adds data points; metrics come to be by them.
func (s *Service) PutMetricData(ctx context.Context, in *cloudwatch.PutMetricDataInput, _ ...func(*cloudwatch.Options)) (*cloudwatch.PutMetricDataOutput, error) {
	switch {
	case strings.HasPrefix(*in.Namespace, "AWS/"):
		return nil, badValue("The value AWS/ for parameter Namespace is invalid.")
	case len(in.EntityMetricData) > 0:
		return nil, badValue("EntityMetricData is not implemented by Slipway; use MetricData.")
	case len(in.MetricData) == 0:
		return nil, &types.MissingRequiredParameterException{Message: aws.String("The parameter MetricData is required.")}
	case len(in.MetricData) > maxData:
		return nil, badValue("The collection MetricData must not have a size greater than %d.", maxData)
	}
	return &cloudwatch.PutMetricDataOutput{}, s.Record(ctx, identity.Region(ctx), *in.Namespace, in.MetricData)
}

func badValue(format string, args ...any) error {
	return &types.InvalidParameterValueException{Message: aws.String(fmt.Sprintf(format, args...))}
}

// Record is PutMetricData for Slipway's own services, whose namespaces begin
// with AWS/. Alarms on the metrics are evaluated when their minute ends.
func (s *Service) Record(ctx context.Context, region, namespace string, data []types.MetricDatum) error {
	now := s.cfg.Engine.Now()
	points := make([]point, len(data))
	for i := range data {
		var err error
		if m, ok := combined(&data[i], i+1); ok {
			return &types.InvalidParameterCombinationException{Message: &m}
		}
		if points[i], err = read(&data[i], now); err != nil {
			return badDatum(i+1, err)
		}
	}
	return s.cfg.Engine.Update(ctx, func(tx *engine.Tx) error { return s.addAll(tx, region, namespace, points) })
}

// RecordIn is Record within the caller's own transition. Data that PutMetricData
// would refuse is left out: refused says how many.
func (s *Service) RecordIn(tx *engine.Tx, region, namespace string, data []types.MetricDatum) (refused int, err error) {
	var points []point
	for i := range data {
		if p, err := read(&data[i], tx.Now()); err == nil {
			points = append(points, p)
		}
	}
	return len(data) - len(points), s.addAll(tx, region, namespace, points)
}

func (s *Service) addAll(tx *engine.Tx, region, namespace string, points []point) error {
	touched := map[string]bool{}
	for i := range points {
		id, err := s.add(tx, region, namespace, &points[i])
		if err != nil {
			return err
		}
		touched[id] = true
	}
	for id := range touched {
		if err := s.wake(tx, region, id); err != nil {
			return err
		}
	}
	return nil
}

// memberError is what is wrong with one member of a datum.
type memberError struct{ member, text string }

func (e *memberError) Error() string { return e.member + " " + e.text }

// badDatum is the error for a datum that read refuses.
func badDatum(n int, err error) error {
	var e *memberError
	if errors.As(err, &e) {
		return badValue("The parameter MetricData.member.%d.%s %s.", n, e.member, e.text)
	}
	return badValue("The parameter MetricData.member.%d is not valid: %s", n, err)
}

// point is a datum that was read.
type point struct {
	name       string
	dimensions []types.Dimension
	at         time.Time // begin of its minute, or its second
	second     int
	unit       types.StandardUnit
	distribution
}

// read checks a datum. The error is a text.
func read(d *types.MetricDatum, now time.Time) (point, error) {
	p := point{name: *d.MetricName, dimensions: sorted(d.Dimensions), at: now, unit: d.Unit}
	if p.unit == "" {
		p.unit = types.StandardUnitNone
	}
	for i, dim := range p.dimensions {
		if problem := dimensionProblem(p.dimensions, i, dim); problem != "" {
			return p, errors.New(problem)
		}
	}
	if d.Timestamp != nil {
		p.at = *d.Timestamp
	}
	switch {
	case now.Sub(p.at) > oldest:
		return p, &memberError{"Timestamp", "must specify a time within the past two weeks"}
	case p.at.Sub(now) > newest:
		return p, &memberError{"Timestamp", "must specify a time no more than two hours in the future"}
	}
	p.at = p.at.UTC()
	resolution := int32(60)
	if d.StorageResolution != nil {
		resolution = *d.StorageResolution
	}
	switch resolution {
	case 1:
		p.second = p.at.Second()
	case 60:
	default:
		return p, &memberError{"StorageResolution", "must be 1 or 60"}
	}
	var err error
	p.distribution, err = contents(d)
	return p, err
}

// dimensionProblem tells what is wrong with one of sorted dimensions, "" if
// nothing is: names and values are ASCII and have a visible character.
func dimensionProblem(sorted []types.Dimension, i int, d types.Dimension) string {
	name, value := aws.ToString(d.Name), aws.ToString(d.Value)
	switch {
	case strings.TrimSpace(name) == "" || strings.HasPrefix(name, ":") || strings.TrimSpace(value) == "":
		return "a dimension has a name, which does not begin with a colon, and a value"
	case strings.ContainsFunc(name+value, func(r rune) bool { return r < ' ' || r > '~' }):
		return fmt.Sprintf("the dimension %q has characters that are not printable ASCII", name)
	case i > 0 && *sorted[i-1].Name == name:
		return fmt.Sprintf("the dimension %s is there twice", name)
	}
	return ""
}

// combined is the error for a datum whose values are given in two forms.
func combined(d *types.MetricDatum, n int) (message string, is bool) {
	var forms []string
	for _, f := range []struct {
		is   bool
		name string
	}{{d.Value != nil, "Value"}, {len(d.Values) > 0, "Values"}, {d.StatisticValues != nil, "StatisticValues"}} {
		if f.is {
			forms = append(forms, fmt.Sprintf("MetricData.member.%d.%s", n, f.name))
		}
	}
	if len(forms) < 2 {
		return "", false
	}
	return "The parameters " + forms[0] + " and " + forms[1] + " are mutually exclusive and you have specified both.", true
}

// contents are the values of a datum, given in one of three forms.
func contents(d *types.MetricDatum) (out distribution, err error) {
	forms := 0
	for _, is := range []bool{d.Value != nil, d.StatisticValues != nil, len(d.Values) > 0} {
		if is {
			forms++
		}
	}
	switch {
	case forms != 1:
		return out, errors.New("exactly one of Value, Values and StatisticValues must be given")
	case len(d.Values) > maxValues:
		return out, &memberError{"Values", fmt.Sprintf("must have at most %d values", maxValues)}
	case len(d.Counts) > 0 && len(d.Counts) != len(d.Values):
		return out, &memberError{"Counts", "must have one count for each of Values"}
	}
	numbers := append(append([]float64{}, d.Values...), d.Counts...)
	switch {
	case d.Value != nil:
		numbers = append(numbers, *d.Value)
		out = of(*d.Value, 1)
	case d.StatisticValues != nil:
		v := d.StatisticValues
		numbers = append(numbers, *v.SampleCount, *v.Sum, *v.Minimum, *v.Maximum)
		if *v.SampleCount <= 0 || *v.Minimum > *v.Maximum {
			return out, &memberError{"StatisticValues", "must have a positive SampleCount, and a Minimum that is not above its Maximum"}
		}
		out = ofSet(*v)
	default:
		for i, v := range d.Values {
			n := 1.0
			if len(d.Counts) > 0 {
				n = d.Counts[i]
			}
			if n <= 0 {
				return out, &memberError{"Counts", "must be positive"}
			}
			out.add(of(v, n))
		}
	}
	for _, n := range numbers {
		if math.IsNaN(n) || math.Abs(n) > greatest {
			return out, errors.New("values are in the range of -2^360 to 2^360, and NaN and infinity are none")
		}
	}
	return out, nil
}

// add puts a point to its minute, and answers its metric's ID.
func (s *Service) add(tx *engine.Tx, region, namespace string, p *point) (id string, err error) {
	id = metricID(namespace, p.name, p.dimensions)
	m, err := metrics.Get(tx, region, namespace, p.name, id)
	switch {
	case errors.Is(err, store.ErrNotFound):
		m = &metric{ID: id, Metric: types.Metric{Namespace: &namespace, MetricName: &p.name, Dimensions: list(p.dimensions)}}
		if err := tx.Enqueue(engine.NewJob{Kind: jobForget, ID: "all", At: following(tx.Now(), forgetEvery)}); err != nil {
			return "", err
		}
	case err != nil:
		return "", err
	}
	if minute := p.at.Truncate(time.Minute); minute.After(m.Last) {
		m.Last = minute
		if err := metrics.Put(tx, m, region, namespace, p.name, id); err != nil {
			return "", err
		}
	}
	if p.second > 0 {
		if err := s.note(tx, region, id, p.at); err != nil {
			return "", err
		}
	}
	key := tick(p.at, time.Minute)
	sl, err := minutes.Get(tx, region, id, key)
	if errors.Is(err, store.ErrNotFound) {
		sl, err = &slice{}, nil
	}
	if err != nil {
		return "", err
	}
	sl.put(p.second, p.unit, p.distribution)
	return id, minutes.Put(tx, sl, region, id, key)
}
