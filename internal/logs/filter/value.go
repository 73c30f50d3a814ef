package filter

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/slipway-dev/slipway/internal/glob"
)

// operand is the right side of a comparison: a quoted or bare text, which *
// turns into a wildcard, a number, or a regular expression.
type operand struct {
	text   string
	quoted bool
	number float64
	isNum  bool
	re     *regexp.Regexp
}

// operand consumes one; bare texts end before any of stop.
func (p *parser) operand(stop string) (operand, error) {
	p.space()
	switch {
	case p.rest == "":
		return operand{}, invalid("a value is missing")
	case p.rest[0] == '"':
		s, err := p.quoted()
		return operand{text: s, quoted: true}, err
	case p.rest[0] == '%':
		re, err := p.regexp()
		return operand{re: re}, err
	}
	s := p.until(stop)
	if s == "" {
		return operand{}, invalid("a value is missing before %q", first(p.rest))
	}
	n, err := strconv.ParseFloat(s, 64)
	return operand{text: s, number: n, isNum: err == nil && isNumeral(s)}, nil
}

// isNumeral leaves out what ParseFloat takes besides: Inf, NaN, 0x1p2, 1_0.
func isNumeral(s string) bool { return strings.Trim(s, "0123456789.+-eE") == "" }

func first(s string) string {
	if s == "" {
		return "the end"
	}
	return s[:1]
}

var operators = []string{"!=", "<=", ">=", "=", "<", ">"} // the longer ones first

func (p *parser) operator() (string, error) {
	for _, op := range operators {
		if p.take(op) {
			return op, nil
		}
	}
	return "", invalid("an operator is missing before %q", first(p.rest))
}

// check refuses comparisons that mean nothing.
func (o operand) check(op string) error {
	if op != "=" && op != "!=" && !o.isNum {
		return invalid("%s compares numbers only", op)
	}
	return nil
}

// text compares a text with the operand.
func (o operand) matchText(op, s string) bool {
	var equal bool
	if o.re != nil {
		equal = o.re.MatchString(s)
	} else {
		equal = glob.Stars(o.text, s)
	}
	return equal == (op == "=")
}

func (o operand) matchNumber(op string, n float64) bool {
	switch op {
	case "=":
		return n == o.number
	case "!=":
		return n != o.number
	case "<":
		return n < o.number
	case "<=":
		return n <= o.number
	case ">":
		return n > o.number
	default:
		return n >= o.number
	}
}
