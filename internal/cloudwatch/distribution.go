package cloudwatch

import (
	"cmp"
	"math"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
)

// distribution is what is known of values of one time and unit.
type distribution struct {
	Count, Sum, Min, Max float64
	// Values are the single values in order, each with how often it was there.
	// Beyond maxDistinct of them others count as the middle of their cell.
	Values []weighted `json:",omitempty"`
	// Opaque says that the single values are not known, because a statistic set
	// hides them, or not needed.
	Opaque bool `json:",omitempty"`
}

type weighted struct {
	V float64
	N float64
}

const (
	maxDistinct = 200
	// nearness is the width of a cell, in which values are taken together: a
	// percentile is off by at most 1 %.
	nearness = 1.02
)

// of is a value that was there n times.
func of(v, n float64) distribution {
	return distribution{Count: n, Sum: v * n, Min: v, Max: v, Values: []weighted{{v, n}}}
}

// ofSet is a statistic set. That of one value, or of equal ones, hides nothing.
func ofSet(s types.StatisticSet) distribution {
	if *s.Minimum == *s.Maximum {
		d := of(*s.Minimum, *s.SampleCount)
		d.Sum = *s.Sum
		return d
	}
	return distribution{Count: *s.SampleCount, Sum: *s.Sum, Min: *s.Minimum, Max: *s.Maximum, Opaque: true}
}

// add takes another distribution in.
func (d *distribution) add(more distribution) {
	if d.Count == 0 {
		*d = distribution{more.Count, more.Sum, more.Min, more.Max, slices.Clone(more.Values), more.Opaque}
		return
	}
	d.Count += more.Count
	d.Sum += more.Sum
	d.Min, d.Max = min(d.Min, more.Min), max(d.Max, more.Max)
	// Of values below zero there are no percentiles.
	if d.Opaque = d.Opaque || more.Opaque || d.Min < 0; d.Opaque {
		d.Values = nil
		return
	}
	for _, w := range more.Values {
		i, found := d.find(w.V)
		if !found && len(d.Values) >= maxDistinct && w.V > 0 {
			w.V = middle(w.V)
			i, found = d.find(w.V)
		}
		if found {
			d.Values[i].N += w.N
		} else {
			d.Values = slices.Insert(d.Values, i, w)
		}
	}
}

// find looks for a value.
func (d *distribution) find(v float64) (at int, found bool) {
	return slices.BinarySearchFunc(d.Values, v, func(x weighted, v float64) int { return cmp.Compare(x.V, v) })
}

// middle is that of a positive value's cell, in a grid that is the same for all:
// however often values are added to others, they stay where they are.
func middle(v float64) float64 {
	return math.Pow(nearness, math.Round(math.Log(v)/math.Log(nearness)))
}

// statistic is one number of the distribution; ok is false where it has none.
func (d *distribution) statistic(name string) (v float64, ok bool) {
	if d.Count == 0 {
		return 0, false
	}
	switch types.Statistic(name) {
	case types.StatisticSampleCount:
		return d.Count, true
	case types.StatisticAverage:
		return d.Sum / d.Count, true
	case types.StatisticSum:
		return d.Sum, true
	case types.StatisticMinimum:
		return d.Min, true
	case types.StatisticMaximum:
		return d.Max, true
	}
	e, ok := parseExtended(name)
	if !ok || d.Opaque || d.Min < 0 {
		return 0, false
	}
	return d.extended(e)
}
