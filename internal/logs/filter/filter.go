// Package filter is CloudWatch Logs' filter pattern language: what
// FilterLogEvents, Live Tail, metric filters and subscription filters share.
//
//	ERROR "disk full" -retry            terms: all of them, none with a minus
//	?ERROR ?WARN                        any of them
//	%4[0-9]{2}%                         a regular expression
//	{ $.status >= 500 && $.user = "a*" }    events that are JSON objects
//	[ip, ..., status = 4*, bytes > 1000]    fields between spaces
//
// Everything is case-sensitive. See "Filter pattern syntax" in the CloudWatch
// Logs user guide.
package filter

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Pattern is a parsed filter pattern.
type Pattern struct {
	// Selectors are the fields that the pattern names, in its order: $.a.b of
	// objects, $name of fields between spaces ($3 where it has none).
	Selectors []string

	match func(message string) bool
	field func(message, selector string) (string, bool) // nil if messages have none
}

// MaxLength of a pattern, in characters.
const MaxLength = 1024

// maxRegexps in one pattern.
const maxRegexps = 2

// Parse reads a pattern. The empty one, also in quotes, matches everything.
// The error's text is fit for clients.
func Parse(text string) (*Pattern, error) {
	if utf8.RuneCountInString(text) > MaxLength {
		return nil, fmt.Errorf("Invalid filter pattern: longer than %d characters", MaxLength) //nolint:staticcheck // AWS's style
	}
	p := &parser{rest: strings.TrimSpace(text)}
	var match func(string) bool
	var err error
	switch {
	case p.rest == "":
		match = func(string) bool { return true }
	case p.rest[0] == '{':
		match, err = p.json()
	case p.rest[0] == '[':
		match, err = p.fields()
	default:
		match, err = p.terms()
	}
	if err != nil {
		return nil, err
	}
	return &Pattern{p.selectors, match, p.of}, nil
}

// Field is a member of a message that matches: $.a.b of an object, $name of
// fields between spaces. ok is false where there is none, or no text, number or
// boolean.
func (p *Pattern) Field(message, selector string) (text string, ok bool) {
	if p.field == nil {
		return "", false
	}
	return p.field(message, selector)
}

// Match tells whether a log event's message matches.
func (p *Pattern) Match(message string) bool { return p.match(message) }

// parser consumes a pattern from the left.
type parser struct {
	rest    string
	regexps int
	// of finds the fields of a message, if the pattern is of a kind that has them.
	of        func(message, selector string) (string, bool)
	selectors []string
}

func invalid(format string, args ...any) error {
	return fmt.Errorf("Invalid filter pattern: "+format, args...) //nolint:staticcheck // AWS's style
}

func (p *parser) space() { p.rest = strings.TrimLeft(p.rest, " \t\r\n") }

// take consumes s if it comes next, after spaces.
func (p *parser) take(s string) bool {
	p.space()
	if !strings.HasPrefix(p.rest, s) {
		return false
	}
	p.rest = p.rest[len(s):]
	return true
}

// word consumes a keyword, which no letter may follow.
func (p *parser) word(s string) bool {
	p.space()
	if len(p.rest) < len(s) || !strings.EqualFold(p.rest[:len(s)], s) {
		return false
	}
	if after := p.rest[len(s):]; after != "" && isWord(rune(after[0])) {
		return false
	}
	p.rest = p.rest[len(s):]
	return true
}

// quoted consumes a string in double quotes; \" and \\ stand for " and \.
func (p *parser) quoted() (string, error) {
	var b strings.Builder
	for i := 1; i < len(p.rest); i++ {
		switch c := p.rest[i]; {
		case c == '"':
			p.rest = p.rest[i+1:]
			return b.String(), nil
		case c == '\\' && i+1 < len(p.rest) && (p.rest[i+1] == '"' || p.rest[i+1] == '\\'):
			i++
			b.WriteByte(p.rest[i])
		default:
			b.WriteByte(c)
		}
	}
	return "", invalid("a quotation mark is missing")
}

// until consumes what lies before the first of stop, or everything.
func (p *parser) until(stop string) string {
	i := strings.IndexAny(p.rest, stop)
	if i < 0 {
		i = len(p.rest)
	}
	s := p.rest[:i]
	p.rest = p.rest[i:]
	return s
}
