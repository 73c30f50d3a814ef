package cloudwatch

import (
	"math"
	"slices"
)

// others are the functions that are neither elementwise nor reductions.
var others = []string{"IF", "PERIOD", "DIFF", "RATE", "RUNNING_SUM", "FIRST", "LAST"}

// call reads a function's arguments and applies it.
func (p *mathParser) call(name string) (quantity, error) {
	if name != "FILL" && elementwise[name] == nil && reductions[name] == nil && !slices.Contains(others, name) {
		return quantity{}, mathLacks("the function %s of metric math is", name)
	}
	if name == "FILL" {
		return p.fill()
	}
	args, err := p.arguments(")")
	if err != nil {
		return quantity{}, err
	}
	if f := elementwise[name]; f != nil {
		if len(args) != 1 || args[0].many != nil {
			return quantity{}, mathFail("%s takes one series or number", name)
		}
		return p.each(args[0], f), nil
	}
	if f := reductions[name]; f != nil {
		return p.reduce(name, f, args)
	}
	switch name {
	case "IF":
		return p.choose(args)
	case "PERIOD":
		return quantity{scalar: p.period}, nil
	case "DIFF", "RATE", "RUNNING_SUM":
		if len(args) != 1 || args[0].series == nil {
			return quantity{}, mathFail("%s takes one series", name)
		}
		return p.along(name, args[0].series), nil
	default: // FIRST, LAST
		if len(args) != 1 || len(args[0].many) == 0 {
			return quantity{}, mathFail("%s takes a list of series", name)
		}
		if name == "FIRST" {
			return args[0].many[0], nil
		}
		return args[0].many[len(args[0].many)-1], nil
	}
}

var elementwise = map[string]func(float64) float64{
	"ABS": math.Abs, "CEIL": math.Ceil, "FLOOR": math.Floor, "LOG": math.Log, "LOG10": math.Log10,
}

// reductions make one number of several, none of which is missing.
var reductions = map[string]func([]float64) float64{
	"SUM": func(v []float64) float64 {
		sum := 0.0
		for _, x := range v {
			sum += x
		}
		return sum
	},
	"AVG": func(v []float64) float64 {
		sum := 0.0
		for _, x := range v {
			sum += x
		}
		return sum / float64(len(v))
	},
	"MIN": func(v []float64) float64 { return slices.Min(v) },
	"MAX": func(v []float64) float64 { return slices.Max(v) },
}

// reduce makes one number of a series, and one series of several.
func (p *mathParser) reduce(name string, f func([]float64) float64, args []quantity) (quantity, error) {
	if len(args) != 1 {
		return quantity{}, mathFail("%s takes one series or a list of series", name)
	}
	if args[0].many == nil {
		if args[0].series == nil {
			return args[0], nil
		}
		if v := present(args[0].series); len(v) > 0 {
			return quantity{scalar: f(v)}, nil
		}
		return quantity{scalar: math.NaN()}, nil
	}
	out := make([]float64, p.count)
	for i := range out {
		var v []float64
		for _, q := range args[0].many {
			if x, ok := q.at(i); ok {
				v = append(v, x)
			}
		}
		out[i] = math.NaN()
		if len(v) > 0 {
			out[i] = f(v)
		}
	}
	return quantity{series: out}, nil
}

func present(series []float64) (v []float64) {
	for _, x := range series {
		if !math.IsNaN(x) {
			v = append(v, x)
		}
	}
	return v
}

// choose is IF(condition, then [, else]); without an else there is no data
// point where the condition is false.
func (p *mathParser) choose(args []quantity) (quantity, error) {
	if len(args) != 2 && len(args) != 3 {
		return quantity{}, mathFail("IF takes a condition, a value and perhaps another")
	}
	if len(args) == 2 {
		args = append(args, quantity{scalar: math.NaN()})
	}
	if args[0].series == nil {
		if args[0].scalar != 0 {
			return args[1], nil
		}
		return args[2], nil
	}
	out := make([]float64, p.count)
	for i := range out {
		out[i] = math.NaN()
		condition, ok := args[0].at(i)
		if !ok {
			continue
		}
		chosen := args[2]
		if condition != 0 {
			chosen = args[1]
		}
		if v, ok := chosen.at(i); ok {
			out[i] = v
		}
	}
	return quantity{series: out}, nil
}

// along goes through a series from the oldest to the newest.
func (p *mathParser) along(name string, series []float64) quantity {
	out := make([]float64, len(series))
	last, lastAt, sum := math.NaN(), 0, 0.0
	for i := len(series) - 1; i >= 0; i-- {
		out[i] = math.NaN()
		v := series[i]
		if math.IsNaN(v) {
			continue
		}
		sum += v
		switch {
		case name == "RUNNING_SUM":
			out[i] = sum
		case math.IsNaN(last):
		case name == "DIFF":
			out[i] = v - last
		default:
			out[i] = (v - last) / (float64(lastAt-i) * p.period)
		}
		last, lastAt = v, i
	}
	return quantity{series: out}
}

// fill is FILL(series, number or REPEAT).
func (p *mathParser) fill() (quantity, error) {
	q, err := p.or()
	if err != nil {
		return q, err
	}
	if !p.accept(",") || q.series == nil {
		return q, mathFail("FILL takes a series, and a number or REPEAT")
	}
	repeat, linear := p.accept("REPEAT"), p.accept("LINEAR")
	with := quantity{}
	switch {
	case linear:
		return q, mathLacks("FILL with LINEAR is")
	case !repeat:
		if with, err = p.or(); err != nil {
			return q, err
		}
	}
	if !p.accept(")") {
		return q, p.unexpected("a closing parenthesis")
	}
	out := slices.Clone(q.series)
	for i := len(out) - 1; i >= 0; i-- {
		switch {
		case !math.IsNaN(out[i]):
		case repeat && i+1 < len(out):
			out[i] = out[i+1]
		case !repeat:
			out[i], _ = with.at(i)
		}
	}
	return quantity{series: out}, nil
}
