package filter

import (
	"slices"
	"strconv"
	"strings"
)

// fields: [name, name = condition, ..., name]. Each stands for one field of
// the message, ... for any number of them (also none).
func (p *parser) fields() (func(string) bool, error) {
	p.take("[")
	var before, after []predicate[string]
	var names []string // of all of them
	ellipsis := false
	if !p.take("]") {
		for {
			if p.take("...") {
				if ellipsis {
					return nil, invalid("more than one ...")
				}
				ellipsis = true
			} else {
				f, name, err := p.field()
				if err != nil {
					return nil, err
				}
				if name == "" {
					name = strconv.Itoa(len(names) + 1)
				}
				names = append(names, name)
				p.selectors = append(p.selectors, "$"+name)
				if ellipsis {
					after = append(after, f)
				} else {
					before = append(before, f)
				}
			}
			if p.take(",") {
				continue
			}
			if p.take("]") {
				break
			}
			return nil, invalid("a ] is missing before %q", first(p.rest))
		}
	}
	if p.space(); p.rest != "" {
		return nil, invalid("%q after the closing ]", p.rest)
	}
	p.of = func(m, selector string) (string, bool) {
		name, ok := strings.CutPrefix(selector, "$")
		i, have := slices.Index(names, name), split(m)
		if i >= len(before) { // counted from the end
			i += len(have) - len(names)
		}
		if !ok || name == "" || i < 0 || i >= len(have) {
			return "", false
		}
		return have[i], true
	}
	return func(m string) bool {
		have := split(m)
		if n := len(before) + len(after); len(have) < n || len(have) > n && !ellipsis {
			return false
		}
		for i, f := range before {
			if !f(have[i]) {
				return false
			}
		}
		have = have[len(have)-len(after):]
		for i, f := range after {
			if !f(have[i]) {
				return false
			}
		}
		return true
	}, nil
}

const afterField = " \t\r\n,[](){}=!<>&|\"%"

// field: a name, alone or in conditions of its own.
func (p *parser) field() (f predicate[string], name string, err error) {
	p.space()
	if strings.HasPrefix(p.rest, ",") || strings.HasPrefix(p.rest, "]") {
		return func(string) bool { return true }, "", nil // [,,x]: a field without a name
	}
	if !strings.HasPrefix(p.rest, "(") {
		saved := p.rest
		if name = p.until(afterField); name == "" {
			return nil, "", invalid("a field's name is missing before %q", first(p.rest))
		}
		if p.space(); p.rest == "" || strings.HasPrefix(p.rest, ",") || strings.HasPrefix(p.rest, "]") {
			return func(string) bool { return true }, name, nil
		}
		p.rest = saved
	}
	name = ""
	l := &logic[string]{parser: p}
	l.compare = func() (predicate[string], error) {
		p.space()
		switch n := p.until(afterField); {
		case n == "":
			return nil, invalid("a field's name is missing before %q", first(p.rest))
		case name == "":
			name = n
		case n != name:
			return nil, invalid("conditions of the fields %s and %s are mixed", name, n)
		}
		op, err := p.operator()
		if err != nil {
			return nil, err
		}
		o, err := p.operand(" \t\r\n,[]()&|\"")
		if err != nil {
			return nil, err
		}
		if err := o.check(op); err != nil {
			return nil, err
		}
		return func(s string) bool {
			if n, err := strconv.ParseFloat(s, 64); o.isNum && err == nil {
				return o.matchNumber(op, n)
			}
			return (op == "=" || op == "!=") && o.matchText(op, s)
		}, nil
	}
	f, err = l.or()
	return f, name, err
}

// split takes a message apart at spaces; what stands in "…" or […] is one
// field, without its marks.
func split(m string) []string {
	var out []string
	for m = strings.TrimLeft(m, " \t\r\n"); m != ""; m = strings.TrimLeft(m, " \t\r\n") {
		end := byte(0)
		switch m[0] {
		case '"':
			end = '"'
		case '[':
			end = ']'
		}
		if end != 0 {
			if i := strings.IndexByte(m[1:], end); i >= 0 {
				out = append(out, m[1:1+i])
				m = m[i+2:]
				continue
			}
		}
		i := strings.IndexAny(m, " \t\r\n")
		if i < 0 {
			i = len(m)
		}
		out = append(out, m[:i])
		m = m[i:]
	}
	return out
}
