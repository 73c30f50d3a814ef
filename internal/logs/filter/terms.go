package filter

import (
	"fmt"
	"strings"
	"unicode"
)

// terms: words, phrases and regular expressions, each with an optional ? or -.
func (p *parser) terms() (func(string) bool, error) {
	type test = func(string) bool
	var all, some, none []test
	for p.space(); p.rest != ""; p.space() {
		sign := p.rest[0]
		if sign == '?' || sign == '-' {
			p.rest = p.rest[1:]
		}
		t, err := p.term()
		if err != nil {
			return nil, err
		}
		switch sign {
		case '?':
			some = append(some, t)
		case '-':
			none = append(none, t)
		default:
			all = append(all, t)
		}
	}
	if len(all)+len(none) > 0 {
		some = nil // AWS ignores ? beside other terms
	}
	return func(m string) bool {
		for _, t := range all {
			if !t(m) {
				return false
			}
		}
		for _, t := range none {
			if t(m) {
				return false
			}
		}
		for _, t := range some {
			if t(m) {
				return true
			}
		}
		return len(some) == 0
	}, nil
}

func (p *parser) term() (func(string) bool, error) {
	if p.rest == "" {
		return nil, invalid("a term is missing")
	}
	switch p.rest[0] {
	case '"':
		s, err := p.quoted()
		if err != nil {
			return nil, err
		}
		if strings.TrimSpace(s) == "" {
			s = ""
		}
		return func(m string) bool { return strings.Contains(m, s) }, nil
	case '%':
		re, err := p.regexp()
		if err != nil {
			return nil, err
		}
		return re.MatchString, nil
	}
	s := p.until(" \t\r\n\"")
	for _, r := range s {
		if !isWord(r) {
			return nil, fmt.Errorf("Invalid character(s) in term '%s'", s) //nolint:staticcheck // AWS's text
		}
	}
	if s == "" {
		return nil, invalid("a term is missing")
	}
	return func(m string) bool { return strings.Contains(m, s) }, nil
}

func isWord(r rune) bool { return r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r) }
