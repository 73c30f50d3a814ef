package sns

import (
	"encoding/json"
	"maps"
	"net/netip"
	"slices"
	"strings"
)

// Limits of a filter policy (developer guide, "Filter policy constraints").
const (
	filterKeys         = 5
	filterCombinations = 150
	filterBytes        = 150 << 10
)

// checkFilter refuses what is no filter policy for a scope; the messages are
// SNS's without the place in the text that its parser adds.
func checkFilter(text, scope string) error {
	if text == "" {
		return nil
	}
	var p map[string]any
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	if err := decode(d, &p); err != nil {
		return wrong("FilterPolicy: failed to parse JSON. %v", err)
	}
	if len(text) > filterBytes {
		return wrong("FilterPolicy: Filter policy is too complex")
	}
	if scope != onBody {
		for _, v := range p {
			if _, nested := v.(map[string]any); nested {
				return wrong("Filter policy scope MessageAttributes does not support nested filter policy")
			}
		}
	}
	c := complexity{combinations: 1}
	if err := c.level(p, 1); err != nil {
		return err
	}
	if c.keys > filterKeys {
		return wrong("FilterPolicy: Filter policy can not have more than 5 keys")
	}
	if c.combinations > filterCombinations {
		return wrong("FilterPolicy: Filter policy is too complex")
	}
	return compiles(text)
}

// complexity counts leaf keys, and multiplies the conditions of each by how
// deep it lies.
type complexity struct{ keys, combinations int }

func (c *complexity) level(p map[string]any, depth int) error {
	for _, key := range slices.Sorted(maps.Keys(p)) {
		switch v := p[key].(type) {
		case map[string]any:
			if err := c.level(v, depth+1); err != nil {
				return err
			}
		case []any:
			if key == "$or" && len(v) > 1 && allObjects(v) {
				if err := c.either(v, depth); err != nil {
					return err
				}
				continue
			}
			if len(v) == 0 {
				return wrong("FilterPolicy: Empty arrays are not allowed")
			}
			for _, rule := range v {
				if err := checkRule(rule); err != nil {
					return err
				}
			}
			c.keys++
			c.combinations = min(c.combinations*len(v)*depth, 1<<30)
		default:
			return wrong("FilterPolicy: %q must be an object or an array", key)
		}
	}
	return nil
}

// either adds the combinations of the alternatives of an $or.
func (c *complexity) either(alternatives []any, depth int) error {
	sum := 0
	for _, a := range alternatives {
		part := complexity{combinations: 1}
		if err := part.level(a.(map[string]any), depth); err != nil {
			return err
		}
		c.keys += part.keys
		sum += part.combinations
	}
	c.combinations = min(c.combinations*sum, 1<<30)
	return nil
}

func allObjects(list []any) bool {
	return !slices.ContainsFunc(list, func(v any) bool { _, ok := v.(map[string]any); return !ok })
}

// checkRule judges one condition: a value, or an operator with its operand.
func checkRule(rule any) error {
	operator, ok := rule.(map[string]any)
	if !ok {
		if _, list := rule.([]any); list {
			return wrong("FilterPolicy: Match value must be String, number, true, false, or null")
		}
		return nil
	}
	if len(operator) != 1 {
		return wrong("FilterPolicy: Only one key allowed in match expression")
	}
	for name, operand := range operator {
		switch name {
		case "prefix", "suffix", "equals-ignore-case", "wildcard":
			if _, ok := operand.(string); !ok {
				return wrong("FilterPolicy: %s match pattern must be a string", name)
			}
		case "exists":
			if _, ok := operand.(bool); !ok {
				return wrong("FilterPolicy: exists match pattern must be either true or false.")
			}
		case "cidr":
			text, ok := operand.(string)
			if !ok {
				return wrong("FilterPolicy: prefix match pattern must be a string")
			}
			if _, err := netip.ParsePrefix(text); err != nil {
				return wrong("FilterPolicy: Malformed CIDR: %s", text)
			}
		case "numeric":
			list, _ := operand.([]any)
			return checkNumeric(list)
		case "anything-but":
			return checkAnythingBut(operand)
		default:
			return wrong("FilterPolicy: Unrecognized match type %s", name)
		}
	}
	return nil
}

func checkAnythingBut(operand any) error {
	nested, ok := operand.(map[string]any)
	if !ok {
		return nil // a value, or a list of values
	}
	for name, pattern := range nested {
		if name != "prefix" && name != "suffix" && name != "wildcard" && name != "equals-ignore-case" {
			return wrong("FilterPolicy: Unsupported anything-but pattern: %s", name)
		}
		if _, ok := pattern.(string); !ok {
			return wrong("FilterPolicy: %s match pattern must be a string", name)
		}
	}
	return nil
}

// checkNumeric judges ["=", 1], [">", 1] and [">", 1, "<=", 5].
func checkNumeric(list []any) error {
	var values []float64
	for i := 0; i < len(list); i += 2 {
		operator, ok := list[i].(string)
		if !ok {
			return wrong("FilterPolicy: Invalid member in numeric match: %v", list[i])
		}
		lower, upper := operator == ">" || operator == ">=", operator == "<" || operator == "<="
		switch {
		case !lower && !upper && (operator != "=" || i > 0):
			return wrong("FilterPolicy: Unrecognized numeric range operator: %s", operator)
		case i == 2 && !upper:
			return wrong("FilterPolicy: Bad numeric range operator: %s", operator)
		case i >= 4:
			return wrong("FilterPolicy: Too many terms in numeric range expression")
		case i == 2 && len(values) == 1 && !(list[0] == ">" || list[0] == ">="):
			return wrong("FilterPolicy: Too many elements in numeric expression")
		}
		var n json.Number
		if i+1 < len(list) {
			n, _ = list[i+1].(json.Number)
		}
		f, err := n.Float64()
		if err != nil {
			if operator == "=" {
				operator = "equals"
			}
			return wrong("FilterPolicy: Value of %s must be numeric", operator)
		}
		values = append(values, f)
	}
	switch {
	case len(values) == 0:
		return wrong("FilterPolicy: Invalid member in numeric match: ]")
	case len(values) == 2 && values[0] >= values[1]:
		return wrong("FilterPolicy: Bottom must be less than top")
	}
	return nil
}
