package wire

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/slipway-dev/slipway/internal/aws/model"
)

// xmlEncoder writes XML by model. It does not indent.
type xmlEncoder struct {
	b      []byte
	ec2    bool // lists of <item>
	millis bool // times always with milliseconds, as S3 writes them
}

func (x *xmlEncoder) open(name string, ns model.Namespace) {
	x.b = append(append(x.b, '<'), name...)
	x.namespace(ns)
	x.b = append(x.b, '>')
}

func (x *xmlEncoder) namespace(ns model.Namespace) {
	if ns.URI == "" {
		return
	}
	x.b = append(x.b, " xmlns"...)
	if ns.Prefix != "" {
		x.b = append(append(x.b, ':'), ns.Prefix...)
	}
	x.b = append(append(append(x.b, `="`...), ns.URI...), '"')
}

func (x *xmlEncoder) close(name string) {
	x.b = append(append(append(x.b, "</"...), name...), '>')
}

func (x *xmlEncoder) leaf(name, text string) {
	x.open(name, model.Namespace{})
	x.text(text)
	x.close(name)
}

// text escapes s. What XML 1.0 can not hold becomes U+FFFD.
func (x *xmlEncoder) text(s string) {
	start := 0
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		esc := ""
		switch {
		case r == '&':
			esc = "&amp;"
		case r == '<':
			esc = "&lt;"
		case r == '>':
			esc = "&gt;"
		case r == '"':
			esc = "&quot;"
		case r == '\r':
			esc = "&#xD;"
		case r < ' ' && r != '\t' && r != '\n', r == utf8.RuneError && size == 1, r == 0xFFFE, r == 0xFFFF:
			esc = "\uFFFD"
		}
		if esc != "" {
			x.b = append(append(x.b, s[start:i]...), esc...)
			start = i + size
		}
		i += size
	}
	x.b = append(x.b, s[start:]...)
}

// element writes v, a present value of n, as an element.
func (x *xmlEncoder) element(name string, n *node, v reflect.Value, m *model.Member) error {
	switch n.hold {
	case holdStruct, holdUnion:
		x.b = append(append(x.b, '<'), name...)
		if ns := m.XMLNamespace; ns.URI != "" {
			x.namespace(ns)
		} else {
			x.namespace(n.shape.XMLNamespace)
		}
		if n.hold == holdStruct {
			x.attributes(n, v)
		}
		x.b = append(x.b, '>')
		if err := x.fields(n, v); err != nil {
			return err
		}
		x.close(name)
		return nil
	case holdList, holdStrings:
		return x.list(name, n, v, m)
	case holdMap, holdStringMap:
		return x.dict(name, n, v, m)
	case holdReader, holdDocument, holdEvents:
		return fmt.Errorf("shape %s has no XML form", n.shape.Name)
	}
	x.open(name, m.XMLNamespace)
	x.scalar(n, v, m)
	x.close(name)
	return nil
}

func (x *xmlEncoder) scalar(n *node, v reflect.Value, m *model.Member) {
	if n.hold != holdTime {
		x.text(n.text(v, iso8601))
		return
	}
	format := timeFormat(n, m, iso8601)
	t := timeOf(v)
	if x.millis && format == iso8601 {
		x.b = append(x.b, t.UTC().Truncate(time.Millisecond).Format("2006-01-02T15:04:05.000Z")...)
		return
	}
	x.text(formatTime(t, format))
}

func (x *xmlEncoder) attributes(n *node, v reflect.Value) {
	for i := range n.fields {
		f := &n.fields[i]
		if !f.member.XMLAttribute {
			continue
		}
		if e, ok := f.node.get(v.Field(f.index)); ok {
			x.b = append(append(append(x.b, ' '), f.member.Wire()...), `="`...)
			x.text(f.node.text(e, iso8601))
			x.b = append(x.b, '"')
		}
	}
}

// fields writes the members of a structure that belong in the body.
func (x *xmlEncoder) fields(n *node, v reflect.Value) error {
	if n == nil {
		return nil
	}
	if n.hold == holdUnion {
		u, val, err := n.variant(v)
		if err != nil {
			return err
		}
		if e, ok := u.node.get(val); ok {
			return x.element(u.member.Wire(), u.node, e, u.member)
		}
		return nil
	}
	for i := range n.fields {
		f := &n.fields[i]
		if f.member.Location != "" || f.member.XMLAttribute {
			continue
		}
		e, ok := f.node.get(v.Field(f.index))
		if !ok {
			continue
		}
		if err := x.element(f.member.Wire(), f.node, e, f.member); err != nil {
			return err
		}
	}
	return nil
}

func (x *xmlEncoder) list(name string, n *node, v reflect.Value, m *model.Member) error {
	flat := m.Flattened || n.shape.Flattened
	item := cmp.Or(n.shape.Element.LocationName, "member")
	switch {
	case flat && m.LocationName == "" && n.shape.Element.LocationName != "":
		// keeps the element's name
	case flat:
		item = name
	case x.ec2:
		item = "item"
	}
	if !flat {
		x.open(name, m.XMLNamespace)
	}
	for i := range v.Len() {
		e, ok := n.elem.get(v.Index(i))
		if !ok && n.elem.hold != holdString {
			continue
		}
		if err := x.element(item, n.elem, e, n.shape.Element); err != nil {
			return err
		}
	}
	if !flat {
		x.close(name)
	}
	return nil
}

func (x *xmlEncoder) dict(name string, n *node, v reflect.Value, m *model.Member) error {
	flat := m.Flattened || n.shape.Flattened
	entry := "entry"
	if flat {
		entry = name
	} else {
		x.open(name, m.XMLNamespace)
	}
	key, value := cmp.Or(n.shape.Key.LocationName, "key"), cmp.Or(n.shape.Value.LocationName, "value")
	for _, k := range sortedKeys(v) {
		x.open(entry, model.Namespace{})
		x.leaf(key, k.String())
		if e, ok := n.elem.get(v.MapIndex(k)); ok {
			if err := x.element(value, n.elem, e, n.shape.Value); err != nil {
				return err
			}
		}
		x.close(entry)
	}
	if !flat {
		x.close(name)
	}
	return nil
}

// faultFields writes what a modelled exception or an *Error says beyond its
// code and message.
func (x *xmlEncoder) faultFields(f *fault) {
	if f.node != nil {
		for i := range f.node.fields {
			fd := &f.node.fields[i]
			if e, ok := fd.node.get(f.value.Field(fd.index)); ok && !strings.EqualFold(fd.member.Name, "message") {
				_ = x.element(fd.member.Wire(), fd.node, e, fd.member)
			}
		}
	}
	keys := make([]string, 0, len(f.fields))
	for k := range f.fields {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	for _, k := range keys {
		x.leaf(k, f.fields[k])
	}
}
