package wire

import (
	"bytes"
	"encoding/base64"
	"io"
	"math"
	"reflect"
	"strconv"
	"time"

	"github.com/slipway-dev/slipway/internal/aws/model"
)

// decodeJSON decodes a body into v, the struct of n. An empty body is an empty
// object. Unknown members are ignored, null is absent, the last of several
// members of one name counts. missing are the paths of required members that are
// absent where the Go type can not tell: validate wants them.
func decodeJSON(n *node, body []byte, v reflect.Value) (missing []string, err error) {
	d := jsonDecoder{scanner: scanner{buf: body}}
	if d.next() == 0 && d.pos == len(body) {
		return nil, nil
	}
	if d.next() != '{' {
		return nil, d.mistyped(n)
	}
	if err := d.structure(n, v, 1); err != nil {
		return nil, err
	}
	if d.next(); d.pos < len(body) {
		return nil, d.syntaxError("the end of input")
	}
	return d.missing, nil
}

type jsonDecoder struct {
	scanner
	place
}

// tokens names JSON's kinds of value as AWS's messages do.
var tokens = map[byte]string{'{': "START_OBJECT", '[': "START_ARRAY", '"': "STRING_VALUE",
	't': "TRUE_VALUE", 'f': "FALSE_VALUE", 'n': "VALUE_NULL"}

var kindNames = map[model.Kind]string{model.Structure: "an object", model.List: "a list",
	model.Map: "a map", model.String: "a String", model.Integer: "an Integer",
	model.Long: "a Long", model.Float: "a Float", model.Double: "a Double",
	model.Boolean: "a Boolean", model.Timestamp: "a Timestamp", model.Blob: "a Blob"}

// mistyped is a value of the wrong kind, or malformed JSON if it is none.
func (d *jsonDecoder) mistyped(n *node) error {
	c := d.next()
	token := tokens[c]
	if token == "" {
		if c != '-' && (c < '0' || c > '9') {
			return d.syntaxError("a value")
		}
		token = "NUMBER_VALUE"
	}
	return d.cannot(token, n)
}

func (d *jsonDecoder) structure(n *node, v reflect.Value, depth int) error {
	if len(n.plain) == 0 {
		return d.members(n, v, depth, nil)
	}
	seen := make([]bool, len(n.fields))
	if err := d.members(n, v, depth, seen); err != nil {
		return err
	}
	d.absent(n, seen)
	return nil
}

func (d *jsonDecoder) members(n *node, v reflect.Value, depth int, seen []bool) error {
	return d.object(depth, func(key []byte) error {
		i, ok := n.byName[string(key)]
		if !ok {
			return d.skip(depth + 1)
		}
		f := &n.fields[i]
		if seen != nil {
			seen[i] = d.next() != 'n'
		}
		fv := v.Field(f.index)
		if !fv.IsZero() {
			fv.SetZero() // given twice
		}
		return d.at(pathPart{name: f.member.Name}, func() error { return d.into(f.node, fv, depth+1) })
	})
}

// into decodes the next value into v.
func (d *jsonDecoder) into(n *node, v reflect.Value, depth int) error {
	if null, err := d.null(); null || err != nil {
		return err
	}
	c := d.next()
	switch n.hold {
	case holdStruct:
		if c != '{' {
			return d.mistyped(n)
		}
		return d.structure(n, n.set(v), depth)
	case holdUnion:
		if c != '{' {
			return d.mistyped(n)
		}
		return d.union(n, v, depth)
	case holdDocument:
		val, err := d.value(depth)
		if err != nil {
			return err
		}
		v.Set(reflect.ValueOf(n.doc(val)))
		return nil
	case holdList, holdStrings:
		if c != '[' {
			return d.mistyped(n)
		}
		return d.list(n, v, depth)
	case holdMap, holdStringMap:
		if c != '{' {
			return d.mistyped(n)
		}
		return d.dict(n, v, depth)
	case holdBool:
		var b bool
		var err error
		switch c {
		case 't':
			b, err = true, d.literal("true")
		case 'f':
			err = d.literal("false")
		default:
			return d.mistyped(n)
		}
		n.setBool(v, b)
		return err
	case holdInt:
		return d.integer(n, v)
	case holdFloat:
		return d.float(n, v)
	case holdTime:
		return d.timestamp(n, v)
	}
	if c != '"' {
		return d.mistyped(n)
	}
	b, err := d.raw()
	if err != nil {
		return err
	}
	switch n.hold {
	case holdString:
		n.setString(v, string(b))
	case holdBytes:
		raw, err := base64.StdEncoding.AppendDecode([]byte{}, b)
		if err != nil {
			return d.cannot("invalid base64 STRING_VALUE", n)
		}
		v.SetBytes(raw)
	case holdReader:
		raw, err := base64.StdEncoding.AppendDecode(nil, b)
		if err != nil {
			return d.cannot("invalid base64 STRING_VALUE", n)
		}
		v.Set(reflect.ValueOf(readCloser{bytes.NewReader(raw)}))
	}
	return nil
}

func (d *jsonDecoder) list(n *node, v reflect.Value, depth int) error {
	if n.hold == holdStrings {
		return d.strings(n, v.Addr().Interface().(*[]string), depth)
	}
	out := reflect.MakeSlice(n.typ, 0, 4)
	err := d.array(depth, func(i int) error {
		if null, err := d.null(); null || err != nil {
			return err // as the SDKs do: a null in a list is left out
		}
		if i = out.Len(); i == out.Cap() {
			bigger := reflect.MakeSlice(n.typ, i, 2*i)
			reflect.Copy(bigger, out)
			out = bigger
		}
		out = out.Slice(0, i+1)
		return d.at(pathPart{index: i}, func() error { return d.into(n.elem, out.Index(i), depth+1) })
	})
	v.Set(out)
	return err
}

func (d *jsonDecoder) strings(n *node, to *[]string, depth int) error {
	out := []string{}
	err := d.array(depth, func(i int) error {
		if null, err := d.null(); null || err != nil {
			return err
		}
		if d.next() != '"' {
			return d.at(pathPart{index: i}, func() error { return d.mistyped(n.elem) })
		}
		b, err := d.raw()
		out = append(out, string(b))
		return err
	})
	*to = out
	return err
}

func (d *jsonDecoder) dict(n *node, v reflect.Value, depth int) error {
	if n.hold == holdStringMap {
		out := map[string]string{}
		v.Set(reflect.ValueOf(out))
		return d.object(depth, func(key []byte) error {
			k := string(key)
			if null, err := d.null(); null || err != nil {
				return err
			}
			if d.next() != '"' {
				return d.at(pathPart{name: k}, func() error { return d.mistyped(n.elem) })
			}
			b, err := d.raw()
			out[k] = string(b)
			return err
		})
	}
	out := reflect.MakeMap(n.typ)
	v.Set(out)
	return d.object(depth, func(key []byte) error {
		k := reflect.New(n.typ.Key()).Elem()
		k.SetString(string(key))
		if null, err := d.null(); null || err != nil {
			return err
		}
		val := reflect.New(n.typ.Elem()).Elem()
		err := d.at(pathPart{name: k.String()}, func() error { return d.into(n.elem, val, depth+1) })
		out.SetMapIndex(k, val)
		return err
	})
}

func (d *jsonDecoder) union(n *node, v reflect.Value, depth int) error {
	return d.object(depth, func(key []byte) error {
		i, ok := n.byName[string(key)]
		if !ok {
			return d.skip(depth + 1)
		}
		if null, err := d.null(); null || err != nil {
			return err
		}
		u := &n.variants[i]
		if !v.IsNil() {
			return d.twice()
		}
		val := reflect.New(u.typ)
		v.Set(val)
		return d.at(pathPart{name: u.member.Name}, func() error { return d.into(u.node, val.Elem().Field(0), depth+1) })
	})
}

func (d *jsonDecoder) isNumber() bool {
	c := d.next()
	return c == '-' || c >= '0' && c <= '9'
}

func (d *jsonDecoder) integer(n *node, v reflect.Value) error {
	if !d.isNumber() {
		return d.mistyped(n)
	}
	b, err := d.number()
	if err != nil {
		return err
	}
	i, err := strconv.ParseInt(string(b), 10, n.typ.Bits())
	if err != nil {
		// 3.0 and 1e3 are integers too; 3.5 and what overflows are none.
		f, ferr := strconv.ParseFloat(string(b), 64)
		limit := math.Ldexp(1, n.typ.Bits()-1)
		if ferr != nil || f != math.Trunc(f) || f >= limit || f < -limit {
			return d.cannot("NUMBER_VALUE "+string(b[:min(len(b), 40)]), n)
		}
		i = int64(f)
	}
	n.setInt(v, i)
	return nil
}

func (d *jsonDecoder) float(n *node, v reflect.Value) error {
	if d.next() == '"' {
		b, err := d.raw()
		if err != nil {
			return err
		}
		switch string(b) {
		case "NaN", "Infinity", "-Infinity":
			f, err := strconv.ParseFloat(string(b), 64)
			n.setFloat(v, f)
			return err
		}
		return d.cannot("STRING_VALUE", n)
	}
	if !d.isNumber() {
		return d.mistyped(n)
	}
	b, err := d.number()
	if err != nil {
		return err
	}
	f, err := strconv.ParseFloat(string(b), n.typ.Bits())
	if err != nil {
		return d.cannot("NUMBER_VALUE "+string(b[:min(len(b), 40)]), n)
	}
	n.setFloat(v, f)
	return nil
}

func (d *jsonDecoder) timestamp(n *node, v reflect.Value) error {
	var t time.Time
	var ok bool
	switch {
	case d.isNumber():
		b, err := d.number()
		if err != nil {
			return err
		}
		t, ok = parseEpoch(string(b))
	case d.next() == '"':
		b, err := d.raw()
		if err != nil {
			return err
		}
		t, ok = parseTime(string(b))
	default:
		return d.mistyped(n)
	}
	if !ok {
		return d.cannot("value", n)
	}
	n.setTime(v, t)
	return nil
}

// readCloser is a body that is in memory.
type readCloser struct{ io.Reader }

func (readCloser) Close() error { return nil }
