package cloudwatch

import (
	"math"
	"slices"
	"time"
)

// call reads a function's arguments and applies it.
func (p *mathParser) call(name string) (quantity, error) {
	if p.depth++; p.depth > maxMathDepth {
		return quantity{}, mathFail("the expression is nested deeper than %d levels", maxMathDepth)
	}
	defer func() { p.depth-- }()
	switch name { // these take words, too
	case "FILL":
		return p.fill()
	case "METRICS":
		return p.all()
	case "SEARCH":
		return p.find()
	case "SORT":
		return p.sort()
	}
	if apply := p.function(name); apply != nil {
		args, err := p.arguments(")")
		if err != nil {
			return quantity{}, err
		}
		return apply(args)
	}
	return quantity{}, mathLacks("the function %s of metric math is", name)
}

// function is what applies one, nil if there is no such function.
func (p *mathParser) function(name string) func([]quantity) (quantity, error) {
	one := func(f func(quantity) (quantity, error)) func([]quantity) (quantity, error) {
		return func(args []quantity) (quantity, error) {
			if len(args) != 1 {
				return quantity{}, mathFail("%s takes one argument", name)
			}
			return f(args[0])
		}
	}
	series := func(f func([]float64) []float64) func([]quantity) (quantity, error) {
		return one(func(q quantity) (quantity, error) {
			return q.over(func(q quantity) (quantity, error) {
				if q.series == nil {
					return q, mathFail("%s takes series", name)
				}
				return quantity{series: f(q.series)}, nil
			})
		})
	}
	if f := elementwise[name]; f != nil {
		return one(func(q quantity) (quantity, error) { return q.each(f), nil })
	}
	if f := reductions[name]; f != nil {
		return one(func(q quantity) (quantity, error) { return p.reduce(f, q), nil })
	}
	if f := calendar[name]; f != nil {
		return series(func(v []float64) []float64 { return p.times(v, f) })
	}
	switch name {
	case "IF":
		return p.choose
	case "PERIOD":
		return one(func(quantity) (quantity, error) { return quantity{scalar: p.period}, nil })
	case "TIME_SERIES":
		return one(func(q quantity) (quantity, error) {
			if q.series != nil || q.many != nil {
				return q, mathFail("TIME_SERIES takes a number")
			}
			return quantity{series: slices.Repeat([]float64{q.scalar}, p.count)}, nil
		})
	case "DIFF", "DIFF_TIME", "RATE", "RUNNING_SUM":
		return series(func(v []float64) []float64 { return p.along(name, v) })
	case "METRIC_COUNT":
		return one(func(q quantity) (quantity, error) { return quantity{scalar: float64(len(q.list()))}, nil })
	case "REMOVE_EMPTY":
		return one(func(q quantity) (quantity, error) {
			return quantity{many: slices.DeleteFunc(slices.Clone(q.list()), func(q quantity) bool { return q.series != nil && len(present(q.series)) == 0 })}, nil
		})
	case "FIRST", "LAST":
		return one(func(q quantity) (quantity, error) {
			if len(q.many) == 0 {
				return q, mathFail("%s takes a list of series", name)
			}
			if name == "FIRST" {
				return q.many[0], nil
			}
			return q.many[len(q.many)-1], nil
		})
	case "SLICE":
		return sliceOf
	}
	return nil
}

// list is the series of a list, or the one that q is; never nil.
func (q quantity) list() []quantity {
	if q.many != nil {
		return q.many
	}
	return []quantity{q}
}

var elementwise = map[string]func(float64) float64{
	"ABS": math.Abs, "CEIL": math.Ceil, "FLOOR": math.Floor, "LOG": math.Log, "LOG10": math.Log10,
}

// reductions make one number of several, none of which is missing.
var reductions = map[string]func([]float64) float64{
	"SUM":             total,
	"AVG":             mean,
	"MIN":             func(v []float64) float64 { return slices.Min(v) },
	"MAX":             func(v []float64) float64 { return slices.Max(v) },
	"DATAPOINT_COUNT": func(v []float64) float64 { return float64(len(v)) },
	"STDDEV": func(v []float64) float64 {
		middle, sum := mean(v), 0.0
		for _, x := range v {
			sum += (x - middle) * (x - middle)
		}
		return math.Sqrt(sum / float64(len(v)))
	},
}

func total(v []float64) (sum float64) {
	for _, x := range v {
		sum += x
	}
	return sum
}

func mean(v []float64) float64 { return total(v) / float64(len(v)) }

// calendar tells a part of a time, in UTC.
var calendar = map[string]func(time.Time) int{
	"MINUTE": time.Time.Minute, "HOUR": time.Time.Hour, "DATE": time.Time.Day, "YEAR": time.Time.Year,
	"DAY":   func(t time.Time) int { return (int(t.Weekday())+6)%7 + 1 }, // Monday is 1
	"MONTH": func(t time.Time) int { return int(t.Month()) },
	"EPOCH": func(t time.Time) int { return int(t.Unix()) },
}

// times is a part of the time of every value, of missing ones, too.
func (p *mathParser) times(series []float64, part func(time.Time) int) []float64 {
	out := make([]float64, len(series))
	for i := range out {
		out[i] = float64(part(p.end.UTC().Add(-time.Duration(float64(i+1) * p.period * float64(time.Second)))))
	}
	return out
}

// reduce makes one number of a series, and one series of several.
func (p *mathParser) reduce(f func([]float64) float64, q quantity) quantity {
	if q.many == nil {
		if q.series == nil {
			return q
		}
		if v := present(q.series); len(v) > 0 {
			return quantity{scalar: f(v)}
		}
		return quantity{scalar: math.NaN()}
	}
	out := make([]float64, p.count)
	for i := range out {
		var v []float64
		for _, q := range q.many {
			if x, ok := q.at(i); ok {
				v = append(v, x)
			}
		}
		out[i] = math.NaN()
		if len(v) > 0 {
			out[i] = f(v)
		}
	}
	return quantity{series: out}
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
	for _, a := range args {
		if a.many != nil {
			return a, mathFail("IF takes no lists of series")
		}
	}
	if args[0].series == nil {
		switch c := args[0].scalar; {
		case math.IsNaN(c):
			return quantity{scalar: c}, nil
		case c != 0:
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
func (p *mathParser) along(name string, series []float64) []float64 {
	out := make([]float64, len(series))
	last, lastAt, sum := math.NaN(), 0, 0.0
	for i := len(series) - 1; i >= 0; i-- {
		out[i] = math.NaN()
		v := series[i]
		if math.IsNaN(v) {
			continue
		}
		sum += v
		seconds := float64(lastAt-i) * p.period
		switch {
		case name == "RUNNING_SUM":
			out[i] = sum
		case math.IsNaN(last):
		case name == "DIFF":
			out[i] = v - last
		case name == "DIFF_TIME":
			out[i] = seconds
		default:
			out[i] = (v - last) / seconds
		}
		last, lastAt = v, i
	}
	return out
}
