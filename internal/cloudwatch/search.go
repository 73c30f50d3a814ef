package cloudwatch

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
)

// search is the expression of SEARCH ("CloudWatch search expression syntax"):
//
//	search = [ "{" namespace { "," dimension } "}" ] [ or ]
//	or     = and { "OR" and }           and = not { [ "AND" ] not }
//	not    = [ "NOT" ] ( "(" or ")" | [ property "=" ] value )
//
// A schema is met by metrics that have exactly its dimensions. A property is
// MetricName, Namespace or the name of a dimension; a value without one may be
// anywhere. Values in quotes are exact; others are met by their words, in whatever
// case.
type search struct {
	schema []string // the namespace and the names of dimensions; nil for any
	term   searchTerm
}

type searchTerm func(*types.Metric) bool

type searchParser struct {
	scanner
	depth  int
	quoted bool // whether the last word was in quotes
}

func parseSearch(text string) (*search, error) {
	p := &searchParser{scanner: scanner{text: text}}
	s := &search{term: func(*types.Metric) bool { return true }}
	if p.peek() == '{' {
		p.pos++
		for more := true; more; {
			s.schema = append(s.schema, p.word(",}"))
			more = p.peek() == ','
			if more || p.peek() == '}' {
				p.pos++
			} else {
				return nil, errors.New("the schema of the search has no end")
			}
		}
		if slices.Contains(s.schema, "") {
			return nil, errors.New("the schema of the search has an empty name")
		}
	}
	if p.peek() == 0 && s.schema != nil {
		return s, nil
	}
	term, err := p.or()
	if err == nil && p.peek() != 0 {
		err = fmt.Errorf("the search is not understood from character %d on", p.pos+1)
	}
	s.term = term
	return s, err
}

// word reads up to white space or one of some characters, or what is in quotes.
func (p *searchParser) word(until string) string {
	p.quoted = p.peek() == '"'
	rest := p.text[p.pos:]
	if p.quoted {
		if end := strings.IndexByte(rest[1:], '"'); end >= 0 {
			p.pos += end + 2
			return rest[1 : end+1]
		}
	}
	end := strings.IndexAny(rest, until+" \t\r\n")
	if end < 0 {
		end = len(rest)
	}
	p.pos += end
	return rest[:end]
}

func (p *searchParser) accept(word string) bool {
	at := p.pos
	if p.peek(); p.word("()=") == word && !p.quoted {
		return true
	}
	p.pos = at
	return false
}

func (p *searchParser) or() (searchTerm, error) {
	left, err := p.and()
	for err == nil && p.accept("OR") {
		var right searchTerm
		if right, err = p.and(); err == nil {
			a := left
			left = func(m *types.Metric) bool { return a(m) || right(m) }
		}
	}
	return left, err
}

func (p *searchParser) and() (searchTerm, error) {
	left, err := p.not()
	for err == nil {
		at := p.pos
		if p.accept("OR") { // the caller's
			p.pos = at
			break
		}
		if explicit := p.accept("AND"); !explicit && (p.peek() == 0 || p.peek() == ')') {
			break
		}
		var right searchTerm
		if right, err = p.not(); err == nil {
			a := left
			left = func(m *types.Metric) bool { return a(m) && right(m) }
		}
	}
	return left, err
}

func (p *searchParser) not() (searchTerm, error) {
	if p.depth++; p.depth > maxMathDepth {
		return nil, fmt.Errorf("the search is nested deeper than %d levels", maxMathDepth)
	}
	defer func() { p.depth-- }()
	if p.accept("NOT") {
		of, err := p.not()
		return func(m *types.Metric) bool { return !of(m) }, err
	}
	if p.peek() == '(' {
		p.pos++
		of, err := p.or()
		if err == nil && p.peek() != ')' {
			err = errors.New("the search lacks a closing parenthesis")
		}
		if err != nil {
			return nil, err
		}
		p.pos++
		return of, nil
	}
	name, property := p.word("()="), ""
	exact := p.quoted
	if p.peek() == '=' {
		p.pos++
		property = name
		name = p.word("()=")
		exact = p.quoted
	}
	if name == "" {
		return nil, fmt.Errorf("the search lacks a value at character %d", p.pos+1)
	}
	want := words(name)
	return func(m *types.Metric) bool {
		return slices.ContainsFunc(properties(m, property), func(v string) bool {
			return v == name || !exact && hasWords(v, want)
		})
	}, nil
}

// properties are the values of a property, or all texts of a metric.
func properties(m *types.Metric, name string) (list []string) {
	switch name {
	case "MetricName":
		return []string{aws.ToString(m.MetricName)}
	case "Namespace":
		return []string{aws.ToString(m.Namespace)}
	case "":
		list = []string{aws.ToString(m.MetricName), aws.ToString(m.Namespace)}
	}
	for _, d := range m.Dimensions {
		if name == "" || aws.ToString(d.Name) == name {
			list = append(list, aws.ToString(d.Value))
		}
		if name == "" {
			list = append(list, aws.ToString(d.Name))
		}
	}
	return list
}

// hasWords tells whether all words that are wanted are ones of a text.
func hasWords(text string, want []string) bool {
	have := words(text)
	return len(want) > 0 && !slices.ContainsFunc(want, func(w string) bool { return !slices.Contains(have, w) })
}

// words are CPU and Utilization for CPUUtilization, in lower case: a text is cut
// where letters, digits and the rest meet, and before a capital that begins a word.
func words(text string) (list []string) {
	var word []rune
	flush := func() {
		if len(word) > 0 {
			list = append(list, strings.ToLower(string(word)))
		}
		word = nil
	}
	r := []rune(text)
	for i, c := range r {
		switch {
		case !unicode.IsLetter(c) && !unicode.IsDigit(c):
			flush()
			continue
		case len(word) == 0:
		case unicode.IsDigit(c) != unicode.IsDigit(r[i-1]):
			flush()
		case unicode.IsUpper(c) && (unicode.IsLower(r[i-1]) || i+1 < len(r) && unicode.IsLower(r[i+1])):
			flush()
		}
		word = append(word, c)
	}
	flush()
	return list
}

func (s *search) meets(m *types.Metric) bool {
	if s.schema != nil {
		if s.schema[0] != aws.ToString(m.Namespace) || len(m.Dimensions) != len(s.schema)-1 {
			return false
		}
		for _, d := range m.Dimensions {
			if !slices.Contains(s.schema[1:], aws.ToString(d.Name)) {
				return false
			}
		}
	}
	return s.term(m)
}

// maxFound is how many metrics a search answers with.
const maxFound = 100

// found are the series of the metrics that a search finds, by label: those that
// had data in the last two weeks of the time that is asked for.
func (q *querying) found(text, stat string) ([]quantity, error) {
	if q.reader == nil {
		return nil, mathFail("SEARCH is not supported on Metric Alarms")
	}
	s, err := parseSearch(text)
	if err != nil {
		return nil, mathFail("%s", err)
	}
	if !isStatistic(stat) {
		return nil, mathFail("%q is no statistic", stat)
	}
	parts := []string{q.region}
	if s.schema != nil {
		parts = append(parts, s.schema[0])
	}
	var out []quantity
	for m, err := range metrics.All(q.reader, parts...) {
		if err != nil {
			return nil, err
		}
		if m.Last.Before(q.end.Add(-active)) || !s.meets(&m.Metric) {
			continue
		}
		if len(out) == maxFound {
			return nil, mathFail("the search finds more than %d metrics", maxFound)
		}
		v, err := q.measure(&types.MetricStat{Metric: &m.Metric, Stat: &stat, Period: aws.Int32(int32(q.period.Seconds()))})
		if err != nil {
			return nil, err
		}
		v.label = *m.MetricName
		for i := len(m.Dimensions) - 1; i >= 0; i-- {
			v.label = aws.ToString(m.Dimensions[i].Value) + " " + v.label
		}
		out = append(out, v)
	}
	slices.SortFunc(out, func(a, b quantity) int { return strings.Compare(a.label, b.label) })
	return out, nil
}

// searchPeriod finds the period that a SEARCH of an expression names.
var searchPeriod = regexp.MustCompile(`(?i)SEARCH\s*\(\s*(?:'[^']*'|"[^"]*")\s*,\s*(?:'[^']*'|"[^"]*")\s*,\s*(\d{1,6})\s*\)`)
