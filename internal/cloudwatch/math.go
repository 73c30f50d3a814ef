package cloudwatch

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
)

// Metric math: arithmetic and comparison of series and numbers, and the functions
// that compute (mathfunc.go). What is not there is a mathError that names it.
//
//	or     = and { "||" and }          and   = compare { "&&" compare }
//	compare = sum [ "<" … sum ]        sum   = product { "+" product }
//	product = power { "*" power }      power = unary [ "^" power ]
//	unary  = [ "-" ] atom              atom  = number | id | FUNCTION "(" … ")" | "[" … "]" | "(" or ")"
type mathError struct {
	text  string
	lacks bool // it is Slipway that cannot
}

func (e *mathError) Error() string { return e.text }

func asMath(err error, to **mathError) bool { return errors.As(err, to) }

func mathFail(format string, args ...any) error {
	return &mathError{text: fmt.Sprintf(format, args...)}
}

// mathLacks is for what AWS would compute.
func mathLacks(format string, args ...any) error {
	return &mathError{text: fmt.Sprintf(format, args...) + " not implemented by Slipway", lacks: true}
}

// quantity is a number, a series (the newest first), or several series.
type quantity struct {
	scalar float64
	series []float64 // NaN is missing; nil for a number
	many   []quantity
	// label names a series of several, and stat is what it measures, where they
	// are known.
	label string
	stat  *types.MetricStat
}

func (q quantity) at(i int) (float64, bool) {
	if q.series == nil {
		return q.scalar, !math.IsNaN(q.scalar)
	}
	v := q.series[i]
	return v, !math.IsNaN(v)
}

// mathParser evaluates while it reads: every expression is evaluated once.
type mathParser struct {
	scanner
	depth int
	named func(id string) (quantity, error)
	// metrics are those of the request whose IDs contain a text.
	metrics func(part string) ([]quantity, error)
	// search finds metrics, and measures a statistic of them.
	search func(text, stat string) ([]quantity, error)
	// end is where the newest value's time ends, period in seconds, and count how
	// many values a series has.
	end    time.Time
	period float64
	count  int
}

const maxMathDepth = 50

func (p *mathParser) parse() (quantity, error) {
	q, err := p.or()
	if err == nil && p.peek() != 0 {
		err = p.unexpected("an operator or the end")
	}
	return q, err
}

func (p *mathParser) unexpected(want string) error {
	return mathFail("expected %s at character %d of the expression", want, p.pos+1)
}

// scanner goes through the text of an expression.
type scanner struct {
	text string
	pos  int
}

// peek passes white space and is the character after it, 0 at the end.
func (p *scanner) peek() byte {
	for p.pos < len(p.text) && strings.IndexByte(" \t\r\n", p.text[p.pos]) >= 0 {
		p.pos++
	}
	if p.pos == len(p.text) {
		return 0
	}
	return p.text[p.pos]
}

func (p *mathParser) accept(token string) bool {
	if p.peek(); !strings.HasPrefix(p.text[p.pos:], token) {
		return false
	}
	if after := p.pos + len(token); inWord(token[len(token)-1]) && after < len(p.text) && inWord(p.text[after]) {
		return false // a longer word
	}
	p.pos += len(token)
	return true
}

// inWord tells whether a character is one of a name.
func inWord(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_'
}

// chain reads operands between operators of one level.
func (p *mathParser) chain(operand func() (quantity, error), operators ...string) (quantity, error) {
	left, err := operand()
	for err == nil {
		op := ""
		for _, o := range operators {
			if p.accept(o) {
				op = o
				break
			}
		}
		if op == "" {
			return left, nil
		}
		var right quantity
		if right, err = operand(); err == nil {
			left, err = p.combine(left, right, operations[op])
		}
	}
	return left, err
}

func (p *mathParser) or() (quantity, error)  { return p.chain(p.and, "||", "OR") }
func (p *mathParser) and() (quantity, error) { return p.chain(p.compare, "&&", "AND") }

func (p *mathParser) compare() (quantity, error) {
	return p.chain(p.sum, "<=", ">=", "==", "!=", "<", ">")
}

func (p *mathParser) sum() (quantity, error)     { return p.chain(p.product, "+", "-") }
func (p *mathParser) product() (quantity, error) { return p.chain(p.power, "*", "/") }

func (p *mathParser) power() (quantity, error) {
	base, err := p.unary()
	if err != nil || !p.accept("^") {
		return base, err
	}
	exponent, err := p.power()
	if err != nil {
		return base, err
	}
	return p.combine(base, exponent, math.Pow)
}

func (p *mathParser) unary() (quantity, error) {
	if p.depth++; p.depth > maxMathDepth {
		return quantity{}, mathFail("the expression is nested deeper than %d levels", maxMathDepth)
	}
	defer func() { p.depth-- }()
	if p.accept("-") {
		q, err := p.unary()
		if err != nil {
			return q, err
		}
		return q.each(func(v float64) float64 { return -v }), nil
	}
	return p.atom()
}

func (p *mathParser) atom() (quantity, error) {
	switch c := p.peek(); {
	case p.accept("("):
		q, err := p.or()
		if err == nil && !p.accept(")") {
			err = p.unexpected("a closing parenthesis")
		}
		return q, err
	case p.accept("["):
		list, err := p.arguments("]")
		return quantity{many: list}, err
	case c >= '0' && c <= '9' || c == '.':
		return p.number()
	}
	word := p.word()
	if strings.EqualFold(word, "SELECT") {
		return quantity{}, mathLacks("Metrics Insights (SELECT) is")
	}
	if word == "" {
		return quantity{}, p.unexpected("a number, a metric or a function")
	}
	if p.accept("(") {
		return p.call(strings.ToUpper(word))
	}
	return p.named(word)
}

func (p *mathParser) number() (quantity, error) {
	start := p.pos
	for p.pos < len(p.text) && strings.IndexByte("0123456789.eE", p.text[p.pos]) >= 0 {
		p.pos++
	}
	v, err := strconv.ParseFloat(p.text[start:p.pos], 64)
	if err != nil {
		return quantity{}, mathFail("%q is not a number", p.text[start:p.pos])
	}
	return quantity{scalar: v}, nil
}

func (p *mathParser) word() string {
	start := p.pos
	for p.pos < len(p.text) && inWord(p.text[p.pos]) {
		p.pos++
	}
	return p.text[start:p.pos]
}

// arguments reads up to a closing token.
func (p *mathParser) arguments(end string) (list []quantity, err error) {
	list = []quantity{}
	if p.accept(end) {
		return list, nil
	}
	for {
		q, err := p.or()
		if err != nil {
			return nil, err
		}
		list = append(list, q)
		if p.accept(end) {
			return list, nil
		}
		if !p.accept(",") {
			return nil, p.unexpected("a comma or " + end)
		}
	}
}

func boolean(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

var operations = map[string]func(a, b float64) float64{
	"+": func(a, b float64) float64 { return a + b },
	"-": func(a, b float64) float64 { return a - b },
	"*": func(a, b float64) float64 { return a * b },
	"/": func(a, b float64) float64 {
		if b == 0 {
			return math.NaN() // no data point, as on AWS
		}
		return a / b
	},
	"<":   func(a, b float64) float64 { return boolean(a < b) },
	">":   func(a, b float64) float64 { return boolean(a > b) },
	"<=":  func(a, b float64) float64 { return boolean(a <= b) },
	">=":  func(a, b float64) float64 { return boolean(a >= b) },
	"==":  func(a, b float64) float64 { return boolean(a == b) },
	"!=":  func(a, b float64) float64 { return boolean(a != b) },
	"||":  func(a, b float64) float64 { return boolean(a != 0 || b != 0) },
	"&&":  func(a, b float64) float64 { return boolean(a != 0 && b != 0) },
	"OR":  func(a, b float64) float64 { return boolean(a != 0 || b != 0) },
	"AND": func(a, b float64) float64 { return boolean(a != 0 && b != 0) },
}

// combine applies an operation where both sides have a data point; to each of
// several series if one side is that.
func (p *mathParser) combine(a, b quantity, f func(a, b float64) float64) (quantity, error) {
	switch {
	case a.many != nil && b.many != nil:
		return quantity{}, mathFail("an operator takes at most one list of series")
	case a.many != nil:
		return a.over(func(q quantity) (quantity, error) { return p.combine(q, b, f) })
	case b.many != nil:
		return b.over(func(q quantity) (quantity, error) { return p.combine(a, q, f) })
	case a.series == nil && b.series == nil:
		return quantity{scalar: f(a.scalar, b.scalar)}, nil
	}
	out := make([]float64, p.count)
	for i := range out {
		x, okX := a.at(i)
		y, okY := b.at(i)
		out[i] = math.NaN()
		if okX && okY {
			out[i] = f(x, y)
		}
	}
	return quantity{series: out}, nil
}

// over applies f to each of several series, which keep their labels, or to the
// one that q is.
func (q quantity) over(f func(quantity) (quantity, error)) (quantity, error) {
	if q.many == nil {
		return f(q)
	}
	out := quantity{many: make([]quantity, len(q.many))}
	for i, one := range q.many {
		v, err := f(one)
		if err != nil {
			return out, err
		}
		v.label, v.stat = one.label, one.stat
		out.many[i] = v
	}
	return out, nil
}

// each applies f to every number.
func (q quantity) each(f func(float64) float64) quantity {
	out, _ := q.over(func(q quantity) (quantity, error) {
		if q.series == nil {
			return quantity{scalar: f(q.scalar)}, nil
		}
		series := make([]float64, len(q.series))
		for i, v := range q.series {
			series[i] = f(v) // of NaN is NaN
		}
		return quantity{series: series}, nil
	})
	return out
}
