package pattern

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// test looks at one value of an event that is neither a list nor an object.
type test struct {
	of     func(have any) bool // nil: never
	absent bool                // matches where there is no value
}

// maxNumber is what numeric comparisons take, either way.
const maxNumber = 5e9

// operator compiles an object of a leaf, such as {"prefix": "a"}.
func operator(in map[string]any) (test, error) {
	if len(in) != 1 {
		return test{}, errors.New("Only one key allowed in match expression")
	}
	for name, argument := range in {
		if name == "exists" {
			want, ok := argument.(bool)
			if !ok {
				return test{}, errors.New("exists match pattern must be either true or false.")
			}
			if want {
				return test{of: func(any) bool { return true }}, nil
			}
			return test{absent: true}, nil
		}
		of, err := comparison(name, argument)
		return test{of: of}, err
	}
	return test{}, nil // never: there is one
}

func comparison(name string, argument any) (func(any) bool, error) {
	switch name {
	case "prefix", "suffix":
		return ends(name, argument)
	case "equals-ignore-case":
		want, ok := argument.(string)
		if !ok {
			return nil, errors.New("equals-ignore-case match pattern must be a string")
		}
		return text(func(s string) bool { return strings.EqualFold(s, want) }), nil
	case "wildcard":
		want, ok := argument.(string)
		if !ok {
			return nil, errors.New("wildcard match pattern must be a string")
		}
		parts, err := wildcard(want)
		if err != nil {
			return nil, err
		}
		return text(func(s string) bool { return parts.match(s) }), nil
	case "anything-but":
		return anythingBut(argument)
	case "numeric":
		return numeric(argument)
	case "cidr":
		want, ok := argument.(string)
		prefix, err := netip.ParsePrefix(want)
		if !ok || err != nil {
			return nil, errors.New("Malformed CIDR, one '/' required")
		}
		return text(func(s string) bool {
			a, err := netip.ParseAddr(s)
			return err == nil && prefix.Contains(a)
		}), nil
	}
	return nil, fmt.Errorf("Unrecognized match type %s", name)
}

// text makes a test of a text: other values do not match.
func text(f func(string) bool) func(any) bool {
	return func(v any) bool {
		s, ok := v.(string)
		return ok && f(s)
	}
}

func ends(name string, argument any) (func(any) bool, error) {
	fold := false
	if inner, ok := argument.(map[string]any); ok && len(inner) == 1 {
		argument, fold = inner["equals-ignore-case"], true
	}
	want, ok := argument.(string)
	if !ok {
		return nil, fmt.Errorf("%s match pattern must be a string", name)
	}
	return text(func(s string) bool {
		if len(s) < len(want) {
			return false
		}
		part := s[:len(want)]
		if name == "suffix" {
			part = s[len(s)-len(want):]
		}
		return part == want || fold && strings.EqualFold(part, want)
	}), nil
}

// anythingBut is true for values that are there and are none of those.
func anythingBut(argument any) (func(any) bool, error) {
	list, isList := argument.([]any)
	if inner, ok := argument.(map[string]any); ok {
		if len(inner) != 1 {
			return nil, errors.New("Only one key allowed in match expression")
		}
		for name, v := range inner {
			if !slices.Contains([]string{"prefix", "suffix", "wildcard", "equals-ignore-case"}, name) {
				return nil, fmt.Errorf("Unsupported anything-but pattern: %s", name)
			}
			wants, many := v.([]any)
			if !many {
				wants = []any{v}
			}
			var tests []func(any) bool
			for _, w := range wants {
				t, err := comparison(name, w)
				if err != nil {
					return nil, err
				}
				tests = append(tests, t)
			}
			return func(v any) bool {
				return !slices.ContainsFunc(tests, func(t func(any) bool) bool { return t(v) })
			}, nil
		}
	}
	if !isList {
		list = []any{argument}
	}
	if len(list) == 0 {
		return nil, errors.New("anything-but list must not be empty")
	}
	for _, v := range list {
		switch v.(type) {
		case string, json.Number:
		default:
			return nil, errors.New("Value of anything-but must be an array or single string/number value.")
		}
	}
	return func(v any) bool { return !slices.Contains(list, v) }, nil
}

type bound struct {
	operator string
	value    float64
}

// numeric compiles [">", 0, "<=", 5].
func numeric(argument any) (func(any) bool, error) {
	list, ok := argument.([]any)
	if !ok || len(list) < 2 || len(list)%2 != 0 || len(list) > 4 {
		return nil, errors.New("Value of numeric must be an array of operators and numbers.")
	}
	var bounds []bound
	for i := 0; i < len(list); i += 2 {
		op, isText := list[i].(string)
		n, isNumber := list[i+1].(json.Number)
		if !isText || !slices.Contains([]string{"<", "<=", "=", ">=", ">"}, op) {
			return nil, fmt.Errorf("Unrecognized numeric range operator: %v", list[i])
		}
		v, err := n.Float64()
		if !isNumber || err != nil || v > maxNumber || v < -maxNumber {
			return nil, errors.New("Value of numeric operator must be a number between -5.0E9 and 5.0E9")
		}
		bounds = append(bounds, bound{op, v})
	}
	if len(bounds) == 2 {
		low, high := bounds[0], bounds[1]
		switch {
		case low.operator[0] != '>' || high.operator[0] != '<':
			return nil, fmt.Errorf("Bad numeric range operator: %s", high.operator)
		case low.value >= high.value:
			return nil, errors.New("Bottom must be less than top")
		}
	}
	return func(v any) bool {
		n, ok := v.(json.Number)
		if !ok {
			return false
		}
		have, err := strconv.ParseFloat(n.String(), 64)
		if err != nil {
			return false
		}
		for _, b := range bounds {
			holds := false
			switch b.operator {
			case "<":
				holds = have < b.value
			case "<=":
				holds = have <= b.value
			case "=":
				holds = have == b.value
			case ">=":
				holds = have >= b.value
			case ">":
				holds = have > b.value
			}
			if !holds {
				return false
			}
		}
		return true
	}, nil
}

// glob is a wildcard pattern: the texts between its stars.
type glob []string

// wildcard splits a pattern: * is any text, \* a star, \\ a backslash.
func wildcard(in string) (glob, error) {
	parts, part := glob{}, strings.Builder{}
	for i := 0; i < len(in); i++ {
		switch in[i] {
		case '*':
			if i+1 < len(in) && in[i+1] == '*' {
				return nil, errors.New("Consecutive wildcard characters at pos " + strconv.Itoa(i))
			}
			parts = append(parts, part.String())
			part.Reset()
		case '\\':
			if i+1 == len(in) || in[i+1] != '*' && in[i+1] != '\\' {
				return nil, errors.New("Invalid escape character at pos " + strconv.Itoa(i))
			}
			i++
			part.WriteByte(in[i])
		default:
			part.WriteByte(in[i])
		}
	}
	return append(parts, part.String()), nil
}

// match takes each part at its first place, which is enough: it never goes back.
func (g glob) match(s string) bool {
	if len(g) == 1 {
		return s == g[0]
	}
	s, ok := strings.CutPrefix(s, g[0])
	if !ok {
		return false
	}
	for _, part := range g[1 : len(g)-1] {
		_, rest, found := strings.Cut(s, part)
		if !found {
			return false
		}
		s = rest
	}
	return strings.HasSuffix(s, g[len(g)-1])
}
