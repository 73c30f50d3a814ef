package cloudwatch

import (
	"math"
	"slices"
	"strings"
)

// all is METRICS(), or METRICS("part of an ID").
func (p *mathParser) all() (quantity, error) {
	part, err := p.quoted()
	if err != nil {
		return quantity{}, err
	}
	if !p.accept(")") {
		return quantity{}, p.unexpected("a text in quotes or a closing parenthesis")
	}
	list, err := p.metrics(part)
	return quantity{many: append([]quantity{}, list...)}, err
}

// quoted reads a text in quotes, "" if there is none.
func (p *mathParser) quoted() (string, error) {
	quote := p.peek()
	if quote != '"' && quote != '\'' {
		return "", nil
	}
	end := strings.IndexByte(p.text[p.pos+1:], quote)
	if end < 0 {
		return "", p.unexpected("a closing quote")
	}
	text := p.text[p.pos+1 : p.pos+1+end]
	p.pos += end + 2
	return text, nil
}

// find is SEARCH('what', 'statistic' [, period]); the period is the one of the
// whole expression (see periodOf).
func (p *mathParser) find() (quantity, error) {
	text, err := p.quoted()
	if err != nil {
		return quantity{}, err
	}
	if text == "" || !p.accept(",") {
		return quantity{}, mathFail("SEARCH takes what is searched for and a statistic, both in quotes, and perhaps a period")
	}
	stat, err := p.quoted()
	if err != nil {
		return quantity{}, err
	}
	if p.accept(",") {
		if _, err := p.or(); err != nil {
			return quantity{}, err
		}
	}
	if !p.accept(")") {
		return quantity{}, p.unexpected("a closing parenthesis")
	}
	list, err := p.search(text, stat)
	return quantity{many: append([]quantity{}, list...)}, err
}

// sort is SORT(list, AVG | MIN | MAX | SUM, ASC | DESC [, how many]).
func (p *mathParser) sort() (quantity, error) {
	q, err := p.or()
	if err != nil {
		return q, err
	}
	by, order := "", ""
	if p.accept(",") {
		p.peek()
		if by = strings.ToUpper(p.word()); p.accept(",") {
			p.peek()
			order = strings.ToUpper(p.word())
		}
	}
	f := reductions[by]
	if f == nil || !slices.Contains([]string{"AVG", "MIN", "MAX", "SUM"}, by) || order != "ASC" && order != "DESC" {
		return q, mathFail("SORT takes a list of series, AVG, MIN, MAX or SUM, and ASC or DESC")
	}
	most := quantity{scalar: math.Inf(1)}
	if p.accept(",") {
		if most, err = p.or(); err != nil {
			return q, err
		}
	}
	if !p.accept(")") {
		return q, p.unexpected("a closing parenthesis")
	}
	list := slices.Clone(q.list())
	slices.SortStableFunc(list, func(a, b quantity) int {
		x, y := p.reduce(f, a).scalar, p.reduce(f, b).scalar
		switch { // those without data are the last ones either way
		case math.IsNaN(x) || math.IsNaN(y):
			return int(boolean(math.IsNaN(x)) - boolean(math.IsNaN(y)))
		case x == y:
			return 0
		case (x < y) == (order == "ASC"):
			return -1
		}
		return 1
	})
	return quantity{many: list[:bounded(most.scalar, len(list))]}, nil
}

// sliceOf is SLICE(list, from [, to]).
func sliceOf(args []quantity) (quantity, error) {
	if len(args) != 2 && len(args) != 3 || slices.ContainsFunc(args[1:], func(q quantity) bool { return q.series != nil || q.many != nil }) {
		return quantity{}, mathFail("SLICE takes a list of series, and one or two numbers")
	}
	list := args[0].list()
	to := len(list)
	if len(args) == 3 {
		to = bounded(args[2].scalar, to)
	}
	return quantity{many: list[min(bounded(args[1].scalar, len(list)), to):to]}, nil
}

// bounded is a number as one from 0 to most.
func bounded(v float64, most int) int {
	switch {
	case v >= float64(most):
		return most
	case v > 0:
		return int(v)
	}
	return 0
}
