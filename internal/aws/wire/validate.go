package wire

import (
	"fmt"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/slipway-dev/slipway/internal/aws/model"
)

// check is one constraint of a shape.
type check struct {
	rule    string // min, max, pattern, enum
	message string // "Member must …"
	limit   float64
	values  map[string]bool
	regexp  func() *regexp.Regexp // compiled on first use; nil if RE2 can not
}

func checksOf(s *model.Shape) []check {
	noun := "length"
	switch s.Kind {
	case model.Integer, model.Long, model.Float, model.Double:
		noun = "value"
	case model.Structure, model.Document, model.Boolean, model.Timestamp:
		return nil
	}
	if s.Streaming {
		return nil
	}
	var out []check
	if s.Max != nil {
		out = append(out, check{rule: "max", limit: *s.Max,
			message: fmt.Sprintf("Member must have %s less than or equal to %s", noun, plain(*s.Max))})
	}
	if s.Min != nil && (noun == "value" || *s.Min > 0) {
		out = append(out, check{rule: "min", limit: *s.Min,
			message: fmt.Sprintf("Member must have %s greater than or equal to %s", noun, plain(*s.Min))})
	}
	if s.Pattern != "" {
		out = append(out, check{rule: "pattern",
			regexp:  sync.OnceValue(func() *regexp.Regexp { return compilePattern(s.Pattern) }),
			message: "Member must satisfy regular expression pattern: " + s.Pattern})
	}
	if len(s.Enum) > 0 {
		c := check{rule: "enum", values: make(map[string]bool, len(s.Enum)),
			message: "Member must satisfy enum value set: [" + strings.Join(s.Enum, ", ") + "]"}
		for _, e := range s.Enum {
			c.values[e] = true
		}
		out = append(out, c)
	}
	return out
}

func plain(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }

// broken tells whether v, a present value of n, breaks the check.
func (c *check) broken(n *node, v reflect.Value) bool {
	switch c.rule {
	case "min", "max":
		size := measure(n, v)
		return c.rule == "min" && size < c.limit || c.rule == "max" && size > c.limit
	case "pattern":
		re := c.regexp()
		return re != nil && !re.MatchString(v.String())
	}
	return !c.values[v.String()]
}

// measure is what min and max limit: characters, bytes, elements, or the value.
func measure(n *node, v reflect.Value) float64 {
	switch n.hold {
	case holdString:
		return float64(utf8.RuneCountInString(v.String()))
	case holdInt:
		return float64(v.Int())
	case holdFloat:
		return v.Float()
	}
	return float64(v.Len())
}

// markDeep finds the nodes below which nothing is checked, so that the
// validator does not walk them.
func markDeep(n *node) bool {
	if n.marked {
		return n.deep
	}
	n.marked, n.deep = true, true // a recursive shape is walked: cheap, and right
	deep := len(n.checks) > 0
	for i := range n.fields {
		f := &n.fields[i]
		below := markDeep(f.node)
		deep = deep || f.member.Required || below
	}
	for i := range n.variants {
		deep = markDeep(n.variants[i].node) || deep
	}
	if n.elem != nil {
		deep = markDeep(n.elem) || deep
	}
	if n.key != nil {
		deep = markDeep(n.key) || deep
	}
	n.deep = deep
	return deep
}

// validate checks a decoded input and returns what it breaks, nil if nothing.
// missing are the paths of required members that the decoder did not see.
func validate(n *node, v reflect.Value, missing []string) *Violation {
	if !n.deep {
		return nil
	}
	w := validator{}
	for _, path := range missing {
		w.failAt(path, "required", " null", "Member must not be null")
	}
	w.value(n, v, false)
	if len(w.messages) == 0 {
		return nil
	}
	out := w.first
	noun := "errors"
	if len(w.messages) == 1 {
		noun = "error"
	}
	out.Message = fmt.Sprintf("%d validation %s detected: %s", len(w.messages), noun, strings.Join(w.messages, "; "))
	return &out
}

// maxViolations bounds an answer about a request that is wrong everywhere.
const maxViolations = 20

type validator struct {
	path     []pathPart
	first    Violation
	messages []string
}

func (w *validator) fail(rule, value, message string) {
	if len(w.messages) < maxViolations {
		w.failAt(pathString(w.path), rule, value, message)
	}
}

// failAt notes a violation. value is as show makes it, or " null".
func (w *validator) failAt(path, rule, value, message string) {
	if len(w.messages) == 0 {
		w.first = Violation{Path: path, Rule: rule, Value: strings.TrimSuffix(strings.TrimPrefix(value, " '"), "'")}
		if rule == "required" {
			w.first.Value = ""
		}
	}
	w.messages = append(w.messages, "Value"+value+" at '"+path+"' failed to satisfy constraint: "+message)
}

// value checks v, a present value. A sensitive one is never shown.
func (w *validator) value(n *node, v reflect.Value, sensitive bool) {
	sensitive = sensitive || n.shape.Sensitive
	for i := range n.checks {
		if c := &n.checks[i]; c.broken(n, v) {
			w.fail(c.rule, show(n, v, sensitive), c.message)
		}
	}
	switch n.hold {
	case holdStruct:
		w.structure(n, v, sensitive)
	case holdUnion:
		u, val, err := n.variant(v)
		if err != nil {
			return
		}
		if val, ok := u.node.get(val); ok && u.node.deep {
			w.path = append(w.path, pathPart{name: lowerCamel(u.member.Name)})
			w.value(u.node, val, sensitive)
			w.path = w.path[:len(w.path)-1]
		}
	case holdList, holdStrings:
		if n.elem.deep {
			w.list(n, v, sensitive)
		}
	case holdMap, holdStringMap:
		w.dict(n, v, sensitive)
	}
}

func (w *validator) structure(n *node, v reflect.Value, sensitive bool) {
	for i := range n.fields {
		f := &n.fields[i]
		if !f.member.Required && !f.node.deep {
			continue
		}
		val, ok := f.node.get(v.Field(f.index))
		if !ok && !f.member.Required || f.node.number() && !f.member.Required && val.IsZero() {
			continue // a zero without a pointer is no value
		}
		w.path = append(w.path, pathPart{name: lowerCamel(f.member.Name)})
		switch {
		case ok && f.node.deep:
			w.value(f.node, val, sensitive)
		case !ok && f.node.hold != holdReader:
			w.fail("required", " null", "Member must not be null")
		}
		w.path = w.path[:len(w.path)-1]
	}
}

// list checks the elements. AWS shows a list of scalars as a whole.
func (w *validator) list(n *node, v reflect.Value, sensitive bool) {
	if scalar(n.elem) {
		for i := range v.Len() {
			if rule := w.element(n.elem, v.Index(i)); rule != "" {
				w.fail(rule, show(n, v, sensitive || n.elem.shape.Sensitive), "Member must satisfy constraint: ["+constraints(n.elem.checks)+"]")
				return
			}
		}
		return
	}
	for i := range v.Len() {
		if e, ok := n.elem.get(v.Index(i)); ok {
			w.path = append(w.path, pathPart{index: i})
			w.value(n.elem, e, sensitive)
			w.path = w.path[:len(w.path)-1]
		}
	}
}

func (w *validator) dict(n *node, v reflect.Value, sensitive bool) {
	keys := n.key
	if len(keys.checks) == 0 && !n.elem.deep {
		return
	}
	for _, k := range sortedKeys(v) {
		if rule := w.element(keys, k); rule != "" {
			w.fail(rule, show(n, v, sensitive || n.elem.shape.Sensitive), "Map keys must satisfy constraint: ["+constraints(keys.checks)+"]")
			return
		}
		if !n.elem.deep {
			continue
		}
		e, ok := n.elem.get(v.MapIndex(k))
		if scalar(n.elem) {
			if rule := w.element(n.elem, e); rule != "" {
				w.fail(rule, show(n, v, sensitive || n.elem.shape.Sensitive), "Map value must satisfy constraint: ["+constraints(n.elem.checks)+"]")
				return
			}
		} else if ok {
			w.path = append(w.path, pathPart{name: k.String()}, pathPart{name: "member"})
			w.value(n.elem, e, sensitive)
			w.path = w.path[:len(w.path)-2]
		}
	}
}

// element returns the rule a scalar breaks.
func (w *validator) element(n *node, v reflect.Value) string {
	for i := range n.checks {
		if n.checks[i].broken(n, v) {
			return n.checks[i].rule
		}
	}
	return ""
}

func scalar(n *node) bool {
	return !n.ptr && (n.hold == holdString || n.hold == holdInt || n.hold == holdFloat)
}

func constraints(checks []check) string {
	l := make([]string, len(checks))
	for i, c := range checks {
		l[i] = c.message
	}
	return strings.Join(l, ", ")
}

// maxShown bounds how much of a value an error repeats, in characters.
const maxShown = 256

// show is " 'value'" as in AWS's messages, "" for what must not be shown.
func show(n *node, v reflect.Value, sensitive bool) string {
	if sensitive {
		return ""
	}
	var s string
	switch n.hold {
	case holdList, holdStrings:
		if !scalar(n.elem) {
			return " '[" + strconv.Itoa(v.Len()) + " elements]'"
		}
		var l []string
		for i := range min(v.Len(), maxShown) {
			l = append(l, n.elem.text(v.Index(i), iso8601))
		}
		s = "[" + strings.Join(l, ", ") + "]"
	case holdMap, holdStringMap:
		if !scalar(n.elem) {
			return " '{" + strconv.Itoa(v.Len()) + " entries}'"
		}
		var l []string
		for _, k := range sortedKeys(v) {
			l = append(l, k.String()+"="+n.elem.text(v.MapIndex(k), iso8601))
		}
		s = "{" + strings.Join(l, ", ") + "}"
	case holdBytes:
		return "" // binary, and perhaps secret
	default:
		s = n.text(v, iso8601)
	}
	if utf8.RuneCountInString(s) > maxShown {
		s = string([]rune(s)[:maxShown]) + "…"
	}
	return " '" + s + "'"
}

func lowerCamel(name string) string {
	if name != "" && name[0] >= 'A' && name[0] <= 'Z' {
		return string(name[0]-'A'+'a') + name[1:]
	}
	return name
}
