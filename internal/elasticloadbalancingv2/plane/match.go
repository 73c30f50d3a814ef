package plane

import (
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/slipway-dev/slipway/internal/glob"
)

// Request is what conditions look at.
type Request struct {
	Method string
	Host   string // lower case, without a port
	Path   string // as it was sent, escapes included
	Query  string // likewise, without the question mark
	Secure bool   // it came over TLS
	Client netip.Addr
	Header Fields
}

// Fields are a head's: an http.Header has them.
type Fields interface{ Values(name string) []string }

// Condition is one field that a request must match.
type Condition interface{ Match(r *Request) bool }

// Matches tells whether a request meets all conditions of the rule.
func (x *Rule) Matches(r *Request) bool {
	for _, c := range x.Conditions {
		if !c.Match(r) {
			return false
		}
	}
	return true
}

// Patterns are texts with * and ?, and regular expressions.
type Patterns struct {
	Globs   []string
	Regexes []*regexp.Regexp
}

func (p Patterns) match(text string) bool {
	return slices.ContainsFunc(p.Globs, func(g string) bool { return glob.Match(g, text) }) ||
		slices.ContainsFunc(p.Regexes, func(x *regexp.Regexp) bool { return x.MatchString(text) })
}

// Lower is p for texts in lower case.
func (p Patterns) Lower() Patterns {
	out := Patterns{Regexes: p.Regexes}
	for _, g := range p.Globs {
		out.Globs = append(out.Globs, strings.ToLower(g))
	}
	return out
}

// Host matches the Host header, without regard to case.
type Host struct{ Patterns }

// Match implements Condition.
func (c Host) Match(r *Request) bool { return c.match(r.Host) }

// Path matches the path as it was sent, case and escapes included.
type Path struct{ Patterns }

// Match implements Condition.
func (c Path) Match(r *Request) bool { return c.match(r.Path) }

// Header matches one of a header's values, without regard to case.
type Header struct {
	Name string
	Patterns
}

// Match implements Condition.
func (c Header) Match(r *Request) bool {
	return slices.ContainsFunc(r.Header.Values(c.Name), func(v string) bool { return c.match(strings.ToLower(v)) })
}

// Method matches exactly.
type Method []string

// Match implements Condition.
func (c Method) Match(r *Request) bool { return slices.Contains(c, r.Method) }

// Query matches a parameter, without regard to case; an empty key is any. A
// backslash before * or ? means that character.
type Query []struct{ Key, Value string }

// Match implements Condition.
func (c Query) Match(r *Request) bool {
	values, _ := url.ParseQuery(r.Query) // what can be read of it
	for key, list := range values {
		key = strings.ToLower(key)
		for _, want := range c {
			if want.Key != "" && !glob.Escaped(want.Key, key) {
				continue
			}
			if slices.ContainsFunc(list, func(v string) bool { return glob.Escaped(want.Value, strings.ToLower(v)) }) {
				return true
			}
		}
	}
	return false
}

// Source matches the address of the peer, not of X-Forwarded-For.
type Source []netip.Prefix

// Match implements Condition.
func (c Source) Match(r *Request) bool {
	return slices.ContainsFunc(c, func(p netip.Prefix) bool { return p.Contains(r.Client) })
}

// Accepts tells whether a matcher's text has a code: 200,202-299.
func Accepts(matcher string, code int) bool {
	for part := range strings.SplitSeq(matcher, ",") {
		from, to, isRange := strings.Cut(part, "-")
		low, err := strconv.Atoi(from)
		high := low
		if err == nil && isRange {
			high, err = strconv.Atoi(to)
		}
		if err == nil && low <= code && code <= high {
			return true
		}
	}
	return false
}
