package cloudwatch

import (
	"math"
	"slices"
)

// fill is FILL(series, number, series, REPEAT or LINEAR).
func (p *mathParser) fill() (quantity, error) {
	q, err := p.or()
	if err != nil {
		return q, err
	}
	if !p.accept(",") || q.series == nil && q.many == nil {
		return q, mathFail("FILL takes a series, and a number, a series, REPEAT or LINEAR")
	}
	var with func([]float64)
	switch {
	case p.accept("REPEAT"):
		with = repeat
	case p.accept("LINEAR"):
		with = linear
	default:
		v, err := p.or()
		if err != nil {
			return q, err
		}
		if v.many != nil {
			return q, mathFail("FILL takes no list to fill with")
		}
		with = func(out []float64) {
			for i := range out {
				if math.IsNaN(out[i]) {
					out[i], _ = v.at(i)
				}
			}
		}
	}
	if !p.accept(")") {
		return q, p.unexpected("a closing parenthesis")
	}
	return q.over(func(q quantity) (quantity, error) {
		if q.series == nil {
			return q, mathFail("FILL takes series")
		}
		out := slices.Clone(q.series)
		with(out)
		return quantity{series: out}, nil
	})
}

// repeat fills with the value before.
func repeat(out []float64) {
	for i := len(out) - 2; i >= 0; i-- {
		if math.IsNaN(out[i]) {
			out[i] = out[i+1]
		}
	}
}

// linear fills with what lies between the values on both sides.
func linear(out []float64) {
	last := -1
	for i, v := range out {
		if math.IsNaN(v) {
			continue
		}
		for k := last + 1; last >= 0 && k < i; k++ {
			out[k] = out[last] + (v-out[last])*float64(k-last)/float64(i-last)
		}
		last = i
	}
}
