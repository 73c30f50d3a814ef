package wire

import (
	"bytes"
	"cmp"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"

	"github.com/slipway-dev/slipway/internal/aws/model"
)

// element is parsed XML. Namespaces are left out: clients differ in them.
type element struct {
	name  string
	attrs []xml.Attr
	text  string
	kids  []*element
}

var errXMLDepth = errors.New("nested too deep")

// parseXML reads one document. encoding/xml expands no entities beyond XML's
// five, so a small body stays small.
func parseXML(body []byte) (*element, error) {
	d := xml.NewDecoder(bytes.NewReader(body))
	var root *element
	var stack []*element
	for {
		t, err := d.Token()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, err
		}
		switch t := t.(type) {
		case xml.StartElement:
			e := &element{name: t.Name.Local, attrs: t.Attr}
			switch {
			case len(stack) >= maxDepth:
				return nil, errXMLDepth
			case len(stack) > 0:
				top := stack[len(stack)-1]
				top.kids = append(top.kids, e)
			case root != nil:
				return nil, errors.New("more than one root")
			default:
				root = e
			}
			stack = append(stack, e)
		case xml.EndElement:
			stack = stack[:len(stack)-1]
		case xml.CharData:
			if len(stack) > 0 {
				top := stack[len(stack)-1]
				top.text += string(t)
			}
		}
	}
	if root == nil || len(stack) > 0 {
		return nil, io.ErrUnexpectedEOF
	}
	return root, nil
}

func (e *element) attr(name string) (string, bool) {
	if i := strings.IndexByte(name, ':'); i >= 0 {
		name = name[i+1:]
	}
	for _, a := range e.attrs {
		if a.Name.Local == name {
			return a.Value, true
		}
	}
	return "", false
}

// fromXML sets v, a member m of node n, from its element.
func (n *node) fromXML(e *element, v reflect.Value, m *model.Member) error {
	switch n.hold {
	case holdStruct:
		return n.structFromXML(e, n.set(v))
	case holdUnion:
		for i := range n.variants {
			u := &n.variants[i]
			for _, kid := range e.kids {
				if kid.name == u.member.Wire() {
					val := reflect.New(u.typ)
					v.Set(val)
					return u.node.fromXML(kid, val.Elem().Field(0), u.member)
				}
			}
		}
		return nil
	case holdList, holdStrings:
		name := cmp.Or(n.shape.Element.LocationName, "member")
		out := reflect.MakeSlice(n.typ, 0, len(e.kids))
		for _, kid := range e.kids {
			if kid.name != name {
				continue
			}
			elem := reflect.New(n.typ.Elem()).Elem()
			if err := n.elem.fromXML(kid, elem, n.shape.Element); err != nil {
				return err
			}
			out = reflect.Append(out, elem)
		}
		v.Set(out)
		return nil
	case holdMap, holdStringMap:
		for _, kid := range e.kids {
			if kid.name == "entry" {
				if err := n.entryFromXML(kid, v); err != nil {
					return err
				}
			}
		}
		return nil
	}
	text := e.text
	if n.hold != holdString {
		text = strings.TrimSpace(text)
	}
	if err := n.parseText(v, text); err != nil {
		return fmt.Errorf("%s: %w", e.name, err)
	}
	return nil
}

func (n *node) structFromXML(e *element, v reflect.Value) error {
	for i := range n.fields {
		f := &n.fields[i]
		if !f.member.XMLAttribute {
			continue
		}
		if text, ok := e.attr(f.member.Wire()); ok {
			if err := f.node.parseText(v.Field(f.index), text); err != nil {
				return err
			}
		}
	}
	for _, kid := range e.kids {
		i, ok := n.byName[kid.name]
		if !ok || n.fields[i].member.Location != "" {
			continue
		}
		f := &n.fields[i]
		fv := v.Field(f.index)
		if f.member.Flattened || f.node.shape.Flattened {
			if err := f.node.flatFromXML(kid, fv); err != nil {
				return err
			}
			continue
		}
		if err := f.node.fromXML(kid, fv, f.member); err != nil {
			return err
		}
	}
	return nil
}

// flatFromXML adds one element of a flattened list or map.
func (n *node) flatFromXML(e *element, v reflect.Value) error {
	if n.hold == holdMap || n.hold == holdStringMap {
		return n.entryFromXML(e, v)
	}
	elem := reflect.New(n.typ.Elem()).Elem()
	if err := n.elem.fromXML(e, elem, n.shape.Element); err != nil {
		return err
	}
	v.Set(reflect.Append(v, elem))
	return nil
}

func (n *node) entryFromXML(e *element, v reflect.Value) error {
	if v.IsNil() {
		v.Set(reflect.MakeMap(n.typ))
	}
	key := reflect.New(n.typ.Key()).Elem()
	val := reflect.New(n.typ.Elem()).Elem()
	for _, kid := range e.kids {
		switch kid.name {
		case cmp.Or(n.shape.Key.LocationName, "key"):
			key.SetString(kid.text)
		case cmp.Or(n.shape.Value.LocationName, "value"):
			if err := n.elem.fromXML(kid, val, n.shape.Value); err != nil {
				return err
			}
		}
	}
	v.SetMapIndex(key, val)
	return nil
}
