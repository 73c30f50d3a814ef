package codepipeline

import (
	"encoding/json"
	"errors"
	"strconv"
	"strings"
)

// jsonPath is a path into a JSON document: names, positions and wildcards of
// the Java JsonPath dialect that webhook filters are written in. Filter
// expressions, slices and functions are not among them.
type jsonPath []pathStep

type pathStep struct {
	name  string // of a member, "" for others
	index *int   // of an element; a negative one counts from the end
	any   bool   // every member or element
	deep  bool   // at any depth below
}

var errPath = errors.New("is not a JsonPath of names, positions and wildcards")

// parsePath reads "$.a.b", "$['a'][0].c", "$.a[*]" or "$..a".
func parsePath(text string) (jsonPath, error) {
	rest, ok := strings.CutPrefix(text, "$")
	if !ok {
		return nil, errPath
	}
	var p jsonPath
	for rest != "" {
		var s pathStep
		var err error
		if s, rest, err = nextStep(rest); err != nil {
			return nil, err
		}
		p = append(p, s)
	}
	return p, nil
}

func nextStep(text string) (s pathStep, rest string, err error) {
	if after, ok := strings.CutPrefix(text, ".."); ok {
		s.deep = true
		if text = after; !strings.HasPrefix(text, "[") {
			text = "." + text
		}
	}
	if strings.HasPrefix(text, ".") {
		text = text[1:]
		end := strings.IndexAny(text, ".[")
		if end < 0 {
			end = len(text)
		}
		name := text[:end]
		if name == "" || strings.ContainsAny(name, "()?@'\"]") {
			return s, "", errPath
		}
		s.name, s.any = name, name == "*"
		return s, text[end:], nil
	}
	if !strings.HasPrefix(text, "[") || len(text) < 3 {
		return s, "", errPath
	}
	if q := text[1]; q == '\'' || q == '"' {
		end := strings.Index(text[2:], string(q)+"]")
		if end <= 0 {
			return s, "", errPath
		}
		s.name = text[2 : 2+end]
		return s, text[2+end+2:], nil
	}
	inside, rest, ok := strings.Cut(text[1:], "]")
	if !ok {
		return s, "", errPath
	}
	if inside == "*" {
		s.any = true
		return s, rest, nil
	}
	n, err := strconv.Atoi(inside)
	if err != nil {
		return s, "", errPath
	}
	s.index = &n
	return s, rest, nil
}

// find is what the path selects in a document.
func (p jsonPath) find(doc any) []any {
	found := []any{doc}
	for _, s := range p {
		var next []any
		for _, v := range found {
			next = append(next, s.from(v)...)
		}
		found = next
	}
	return found
}

func (s pathStep) from(v any) (found []any) {
	var children []any
	switch v := v.(type) {
	case map[string]any:
		child, has := v[s.name]
		if has && !s.any {
			found = append(found, child)
		}
		for _, c := range v {
			children = append(children, c)
		}
	case []any:
		children = v
		if s.index != nil {
			i := *s.index
			if i < 0 {
				i += len(v)
			}
			if i >= 0 && i < len(v) {
				found = append(found, v[i])
			}
		}
	}
	if s.any {
		found = append(found, children...)
	}
	if s.deep {
		for _, c := range children {
			found = append(found, s.from(c)...)
		}
	}
	return found
}

// textOf is a JSON value as a filter compares it: strings without quotes.
func textOf(v any) string {
	if s, ok := v.(string); ok {
		return s
	}
	b, _ := json.Marshal(v) // it was decoded from JSON
	return string(b)
}
