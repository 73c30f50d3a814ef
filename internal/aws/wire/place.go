package wire

import (
	"slices"
	"strconv"
	"strings"
)

// place is where a decoder is, for errors, and what it did not find.
type place struct {
	path    []pathPart // member names and list positions
	missing []string   // paths of required members that the Go type cannot tell to be absent
}

type pathPart struct {
	name  string
	index int // used if name is ""
}

func pathString(path []pathPart) string {
	var b strings.Builder
	for i, p := range path {
		if i > 0 {
			b.WriteByte('.')
		}
		if p.name != "" {
			b.WriteString(p.name)
			continue
		}
		b.WriteString(strconv.Itoa(p.index + 1))
		b.WriteString(".member")
	}
	return b.String()
}

func (d *place) at(p pathPart, do func() error) error {
	d.path = append(d.path, p)
	err := do()
	d.path = d.path[:len(d.path)-1]
	return err
}

// cannot is the error of a value that does not fit its shape.
func (d *place) cannot(token string, n *node) error {
	msg := token + " can not be converted to " + kindNames[n.shape.Kind]
	if len(d.path) > 0 {
		msg += " at '" + pathString(d.path) + "'"
	}
	return &Error{Code: "SerializationException", Message: msg}
}

// twice is the error of a union that has two members.
func (d *place) twice() error {
	return &Error{Code: "SerializationException", Message: "More than one member of the union is set at '" + pathString(d.path) + "'"}
}

// absent notes required members of a structure that were not seen.
func (d *place) absent(n *node, seen []bool) {
	for _, i := range n.plain {
		if !seen[i] && len(d.missing) < maxViolations {
			at := append(slices.Clone(d.path), pathPart{name: n.fields[i].member.Name})
			for i := range at {
				at[i].name = lowerCamel(at[i].name)
			}
			d.missing = append(d.missing, pathString(at))
		}
	}
}
