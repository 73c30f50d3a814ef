package filter

import (
	"encoding/json"
	"strconv"
	"strings"
)

// json: { conditions on members of a JSON object }.
func (p *parser) json() (func(string) bool, error) {
	p.take("{")
	l := &logic[any]{parser: p}
	l.compare = p.jsonComparison
	cond, err := l.or()
	if err != nil {
		return nil, err
	}
	if !p.take("}") {
		return nil, invalid("a } is missing before %q", first(p.rest))
	}
	if p.space(); p.rest != "" {
		return nil, invalid("%q after the closing }", p.rest)
	}
	p.of = jsonField
	return func(m string) bool {
		doc, ok := object(m)
		return ok && cond(doc)
	}, nil
}

// object reads a message that is a JSON object and nothing else.
func object(m string) (doc map[string]any, ok bool) {
	m = strings.TrimSpace(m)
	if !strings.HasPrefix(m, "{") {
		return nil, false
	}
	d := json.NewDecoder(strings.NewReader(m))
	d.UseNumber()
	return doc, d.Decode(&doc) == nil && !d.More()
}

// jsonField is the first value that a selector leads to.
func jsonField(message, text string) (value string, ok bool) {
	p := &parser{rest: text}
	sel, err := p.selector()
	if err != nil || p.rest != "" {
		return "", false
	}
	doc, is := object(message)
	return value, is && sel.any(doc, func(v any) bool {
		switch v := v.(type) {
		case string:
			value = v
		case json.Number:
			value = v.String()
		case bool:
			value = strconv.FormatBool(v)
		default:
			return false
		}
		return true
	})
}

// jsonComparison: $.a.b = 1, $.a[0] IS NULL, $.a NOT EXISTS …
func (p *parser) jsonComparison() (predicate[any], error) {
	p.space()
	text := p.rest
	sel, err := p.selector()
	if err != nil {
		return nil, err
	}
	p.selectors = append(p.selectors, text[:len(text)-len(p.rest)])
	switch {
	case p.word("IS"):
		var want any
		switch {
		case p.word("NULL"):
		case p.word("TRUE"):
			want = true
		case p.word("FALSE"):
			want = false
		default:
			return nil, invalid("IS takes NULL, TRUE or FALSE")
		}
		return func(doc any) bool {
			return sel.any(doc, func(v any) bool {
				switch v.(type) {
				case nil, bool:
					return v == want
				}
				return false
			})
		}, nil
	case p.word("NOT"):
		if !p.word("EXISTS") {
			return nil, invalid("NOT takes EXISTS")
		}
		return func(doc any) bool { return !sel.any(doc, func(any) bool { return true }) }, nil
	case p.word("EXISTS"):
		return func(doc any) bool { return sel.any(doc, func(any) bool { return true }) }, nil
	}
	op, err := p.operator()
	if err != nil {
		return nil, err
	}
	o, err := p.operand(" \t\r\n(){}|&\"")
	if err != nil {
		return nil, err
	}
	if err := o.check(op); err != nil {
		return nil, err
	}
	return func(doc any) bool {
		return sel.any(doc, func(v any) bool {
			switch v := v.(type) {
			case string:
				if op != "=" && op != "!=" {
					return false
				}
				return o.matchText(op, v)
			case json.Number:
				if o.quoted {
					return false
				}
				if n, err := v.Float64(); err == nil && o.isNum {
					return o.matchNumber(op, n)
				}
				return (op == "=" || op == "!=") && o.matchText(op, v.String())
			}
			return false // null, booleans, arrays and objects
		})
	}, nil
}

// selector is the path to a member: names, indices and * (any).
type selector []step

type step struct {
	name  string
	index int
	kind  stepKind
}

type stepKind int

const (
	member stepKind = iota
	element
	anyMember
	anyElement
)

// selector consumes $.name, $.name[0], $.list[*].x, $['a name'], $.*.
func (p *parser) selector() (selector, error) {
	if !p.take("$") {
		return nil, invalid("a property selector begins with $, not %q", first(p.rest))
	}
	var s selector
	for {
		switch {
		case strings.HasPrefix(p.rest, ".["):
			p.rest = p.rest[1:] // $.['name'] is $['name']
			fallthrough
		case strings.HasPrefix(p.rest, "["):
			p.rest = p.rest[1:]
			st, err := p.bracket()
			if err != nil {
				return nil, err
			}
			s = append(s, st)
		case strings.HasPrefix(p.rest, ".*"):
			p.rest = p.rest[2:]
			s = append(s, step{kind: anyMember})
		case strings.HasPrefix(p.rest, "."):
			p.rest = p.rest[1:]
			name := p.until(" \t\r\n.[]=!<>&|(){}\"'*%")
			if name == "" {
				return nil, invalid("a name is missing after the point of a property selector")
			}
			s = append(s, step{name: name})
		default:
			if len(s) == 0 {
				return nil, invalid("a property selector names no property")
			}
			return s, nil
		}
	}
}

func (p *parser) bracket() (step, error) {
	var st step
	if p.rest != "" && (p.rest[0] == '\'' || p.rest[0] == '"') {
		quote := p.rest[:1]
		p.rest = p.rest[1:]
		st.name = p.until(quote)
		if !strings.HasPrefix(p.rest, quote) || st.name == "" {
			return st, invalid("a quoted name in [ ] is empty or does not end")
		}
		p.rest = p.rest[1:]
	} else if inside := p.until("]"); inside == "*" {
		st.kind = anyElement
	} else {
		n, err := strconv.Atoi(inside)
		if err != nil || n < 0 {
			return st, invalid("%q is no index of an array", inside)
		}
		st = step{index: n, kind: element}
	}
	if !strings.HasPrefix(p.rest, "]") {
		return st, invalid("a ] is missing")
	}
	p.rest = p.rest[1:]
	return st, nil
}

// any tells whether test holds for a value that the selector leads to.
func (s selector) any(v any, test func(any) bool) bool {
	if len(s) == 0 {
		return test(v)
	}
	rest := s[1:]
	switch v := v.(type) {
	case map[string]any:
		switch s[0].kind {
		case member:
			if m, ok := v[s[0].name]; ok {
				return rest.any(m, test)
			}
		case anyMember:
			for _, m := range v {
				if rest.any(m, test) {
					return true
				}
			}
		}
	case []any:
		switch {
		case s[0].kind == element && s[0].index < len(v):
			return rest.any(v[s[0].index], test)
		case s[0].kind == anyElement:
			for _, m := range v {
				if rest.any(m, test) {
					return true
				}
			}
		}
	}
	return false
}
