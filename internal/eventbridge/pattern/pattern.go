// Package pattern is EventBridge's pattern language: a pattern is compiled once
// and tells of any event, a JSON object, whether it matches.
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html
package pattern

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
)

// Limits of a pattern.
const (
	MaxLength = 4096 // characters, as the API's model has it
	maxDepth  = 50
	maxOr     = 1000 // combinations of all $or together
)

// Pattern is a compiled pattern. It never changes.
type Pattern struct{ root node }

// Compile reads a pattern. The error says what is wrong with it, for AWS's
// "Event pattern is not valid. Reason: …".
func Compile(text string) (*Pattern, error) {
	if len([]rune(text)) > MaxLength {
		return nil, fmt.Errorf("it has more than %d characters", MaxLength)
	}
	return CompileLong(text)
}

// CompileLong is Compile for users of the language with a limit of their own.
func CompileLong(text string) (*Pattern, error) {
	value, err := decode([]byte(text))
	if err != nil {
		return nil, errors.New("Filter is not valid JSON")
	}
	object, ok := value.(map[string]any)
	if !ok {
		return nil, errors.New("Filter is not an object")
	}
	c := &compiler{or: 1}
	root, err := c.object(object, 0)
	if err != nil {
		return nil, err
	}
	return &Pattern{root}, nil
}

// Matches tells whether an event matches; one that is no JSON object does not.
func (p *Pattern) Matches(event []byte) bool {
	value, err := decode(event)
	if err != nil {
		return false
	}
	object, ok := value.(map[string]any)
	return ok && p.root.matches(object, true)
}

// decode keeps numbers as they are written: 300 and 300.0 are not the same to
// EventBridge.
func decode(text []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, err
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, errors.New("more than one value")
	}
	return v, nil
}

// node is a part of a pattern that looks at one value. present is false where
// the event has no such value: then only {"exists": false} matches.
type node interface {
	matches(value any, present bool) bool
}

// object asks for all of its members.
type object struct {
	keys    []string
	members map[string]node
	either  [][]node // of each $or
}

func (o *object) matches(value any, present bool) bool {
	// Members of different objects of a list do not combine to a match.
	if list, ok := value.([]any); ok {
		return slices.ContainsFunc(list, func(v any) bool {
			_, isObject := v.(map[string]any)
			return isObject && o.matches(v, true)
		})
	}
	event, _ := value.(map[string]any)
	if present && event == nil {
		return false
	}
	for _, k := range o.keys {
		v, there := event[k]
		if !o.members[k].matches(v, there) {
			return false
		}
	}
	for _, alternatives := range o.either {
		if !slices.ContainsFunc(alternatives, func(n node) bool { return n.matches(value, present) }) {
			return false
		}
	}
	return true
}

// leaf asks for one of its tests.
type leaf []test

func (l leaf) matches(value any, present bool) bool {
	if !present {
		return slices.ContainsFunc(l, func(t test) bool { return t.absent })
	}
	values := []any{value}
	if list, ok := value.([]any); ok {
		values = list
	}
	leaves := false
	for _, v := range values {
		if _, isObject := v.(map[string]any); isObject {
			continue // only leaves are looked at
		}
		leaves = true
		for _, t := range l {
			if t.of != nil && t.of(v) {
				return true
			}
		}
	}
	return !leaves && l.matches(nil, false)
}

type compiler struct{ or int }

func (c *compiler) object(in map[string]any, depth int) (*object, error) {
	if len(in) == 0 {
		return nil, errors.New("Empty objects are not allowed")
	}
	if depth > maxDepth {
		return nil, errors.New("it is nested too deep")
	}
	out := &object{members: map[string]node{}}
	for _, k := range slices.Sorted(maps.Keys(in)) {
		if list, ok := in[k].([]any); ok && k == "$or" && alternatives(list) {
			if c.or *= len(list); c.or > maxOr {
				return nil, fmt.Errorf("$or has more than %d combinations", maxOr)
			}
			var nodes []node
			for _, a := range list {
				n, err := c.object(a.(map[string]any), depth+1)
				if err != nil {
					return nil, err
				}
				nodes = append(nodes, n)
			}
			out.either = append(out.either, nodes)
			continue
		}
		var n node
		var err error
		switch v := in[k].(type) {
		case map[string]any:
			n, err = c.object(v, depth+1)
		case []any:
			n, err = c.leaf(k, v)
		default:
			err = fmt.Errorf("%q must be an object or an array", k)
		}
		if err != nil {
			return nil, err
		}
		out.keys, out.members[k] = append(out.keys, k), n
	}
	return out, nil
}

// alternatives tells whether the value of $or is one: two objects or more.
func alternatives(list []any) bool {
	return len(list) > 1 && !slices.ContainsFunc(list, func(v any) bool {
		_, isObject := v.(map[string]any)
		return !isObject
	})
}

func (c *compiler) leaf(key string, list []any) (leaf, error) {
	if len(list) == 0 {
		return nil, errors.New("Empty arrays are not allowed")
	}
	var out leaf
	for _, v := range list {
		switch v := v.(type) {
		case map[string]any:
			t, err := operator(v)
			if err != nil {
				return nil, err
			}
			out = append(out, t)
		case []any:
			return nil, fmt.Errorf("Match value of %q must be String, number, true, false, or null", key)
		default:
			out = append(out, test{of: func(have any) bool { return have == v }})
		}
	}
	return out, nil
}
