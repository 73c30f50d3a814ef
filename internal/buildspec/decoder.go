package buildspec

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// load reads exactly one document whose root is a mapping.
func load(text []byte) (*yaml.Node, error) {
	if len(text) > MaxSize {
		return nil, &Error{Message: fmt.Sprintf("the buildspec has %d bytes, at most %d are allowed", len(text), MaxSize)}
	}
	if !utf8.Valid(text) {
		return nil, &Error{Message: "the buildspec is not UTF-8 text"}
	}
	dec := yaml.NewDecoder(bytes.NewReader(text))
	var doc yaml.Node
	if err := dec.Decode(&doc); errors.Is(err, io.EOF) {
		return nil, &Error{Message: "the buildspec is empty"}
	} else if err != nil {
		return nil, syntaxError(text, err)
	}
	var second yaml.Node
	if err := dec.Decode(&second); err == nil {
		return nil, &Error{Position{second.Line, second.Column}, "the buildspec has a second YAML document"}
	} else if !errors.Is(err, io.EOF) {
		return nil, syntaxError(text, err)
	}
	if len(doc.Content) != 1 {
		return nil, &Error{Message: "the buildspec is empty"}
	}
	return doc.Content[0], nil
}

var yamlError = regexp.MustCompile(`^yaml: (?:line (\d+): )?(.*)$`)

// syntaxError turns "yaml: line 3: did not …" into "did not … at line 3, column
// 7". The parser keeps the column to itself, so it is the first character of
// the line, or the tab that YAML does not allow there.
func syntaxError(text []byte, err error) error {
	m := yamlError.FindStringSubmatch(err.Error())
	if m == nil {
		return &Error{Message: err.Error()}
	}
	e := &Error{Message: m[2]}
	e.Line, _ = strconv.Atoi(m[1])
	lines := strings.Split(string(text), "\n")
	if strings.Contains(e.Message, "cannot start any token") || strings.Contains(e.Message, "tab character") {
		// The line in the message is that of the token before, sometimes.
		for i := max(e.Line-2, 0); i < len(lines) && i <= e.Line; i++ {
			indent := lines[i][:len(lines[i])-len(strings.TrimLeft(lines[i], " \t"))]
			if tab := strings.IndexByte(indent, '\t'); tab >= 0 {
				return &Error{Position{i + 1, tab + 1}, "found character that cannot start any token (a tab, indent with blanks)"}
			}
		}
	}
	if e.Line >= 1 && e.Line <= len(lines) {
		line := lines[e.Line-1]
		e.Column = len(line) - len(strings.TrimLeft(line, " \t")) + 1
	}
	return e
}

// decoder walks nodes and keeps the first error.
type decoder struct {
	err   *Error
	nodes int // visited, aliases followed
	depth int
}

type entry struct {
	name       string
	key, value *yaml.Node
}

func (d *decoder) fail(n *yaml.Node, format string, args ...any) {
	if d.err == nil {
		d.err = &Error{Position{n.Line, n.Column}, fmt.Sprintf(format, args...)}
	}
}

func (d *decoder) unknown(e entry, where, known string) {
	d.fail(e.key, "unknown key %q in %s (known: %s)", e.name, where, known)
}

// follow resolves aliases, counting what is visited so that a few lines cannot
// stand for a billion.
func (d *decoder) follow(n *yaml.Node) *yaml.Node {
	if d.err != nil {
		return nil
	}
	if d.nodes++; d.nodes > maxNodes {
		d.fail(n, "the buildspec expands to more than %d values", maxNodes)
		return nil
	}
	if n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}

func (d *decoder) null(n *yaml.Node) bool {
	return n.Kind == yaml.ScalarNode && n.Tag == "!!null"
}

// mapping lists the entries in order, with merge keys (<<) resolved.
func (d *decoder) mapping(n *yaml.Node, where string) []entry {
	n = d.follow(n)
	if n == nil || d.null(n) {
		return nil
	}
	if n.Kind != yaml.MappingNode {
		d.fail(n, "expected keys with values in %s", where)
		return nil
	}
	if d.depth++; d.depth > maxDepth {
		d.fail(n, "the buildspec is nested too deep")
	}
	defer func() { d.depth-- }()
	var out, merged []entry
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := d.follow(n.Content[i]), n.Content[i+1]
		if key == nil {
			return nil
		}
		if key.Kind != yaml.ScalarNode {
			d.fail(key, "expected a name as key in %s", where)
			return nil
		}
		if key.Tag == "!!merge" {
			merged = append(merged, d.merge(value, where)...)
			continue
		}
		if seen[key.Value] {
			d.fail(n.Content[i], "the key %q stands twice in %s", key.Value, where)
			return nil
		}
		seen[key.Value] = true
		out = append(out, entry{key.Value, n.Content[i], value})
	}
	for _, e := range merged {
		if !seen[e.name] {
			seen[e.name] = true
			out = append(out, e)
		}
	}
	if d.err != nil {
		return nil
	}
	return out
}

func (d *decoder) merge(n *yaml.Node, where string) []entry {
	if r := d.follow(n); r != nil && r.Kind == yaml.SequenceNode {
		var out []entry
		for _, c := range r.Content {
			out = append(out, d.mapping(c, where)...)
		}
		return out
	}
	return d.mapping(n, where)
}

// text is a scalar as written; null is "".
func (d *decoder) text(n *yaml.Node, where string) string {
	n = d.follow(n)
	switch {
	case n == nil || d.null(n):
		return ""
	case n.Kind != yaml.ScalarNode:
		d.fail(n, "expected text in %s", where)
		return ""
	}
	return n.Value
}

// list is a sequence of texts; a single text is a list of one.
func (d *decoder) list(n *yaml.Node, where string) []string {
	n = d.follow(n)
	switch {
	case n == nil || d.null(n):
		return nil
	case n.Kind == yaml.ScalarNode:
		return []string{n.Value}
	case n.Kind != yaml.SequenceNode:
		d.fail(n, "expected a list in %s", where)
		return nil
	}
	var out []string
	for _, c := range n.Content {
		out = append(out, d.text(c, where))
	}
	return out
}

// boolean also reads YAML 1.1's yes and no, which AWS's examples use.
func (d *decoder) boolean(n *yaml.Node, where string) bool {
	switch text := strings.ToLower(d.text(n, where)); text {
	case "yes", "true", "on":
		return true
	case "no", "false", "off", "":
	default:
		d.fail(n, "expected yes or no in %s, found %q", where, text)
	}
	return false
}
