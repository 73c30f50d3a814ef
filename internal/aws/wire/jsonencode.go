package wire

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"reflect"
	"slices"
	"strconv"
	"unicode/utf8"

	"github.com/aws/smithy-go/document"
	"github.com/slipway-dev/slipway/internal/aws/model"
)

// appendJSON appends the value v of n. Absent members are left out; empty
// collections that are not nil are written as [] and {}.
func appendJSON(b []byte, n *node, v reflect.Value, m *model.Member) ([]byte, error) {
	var err error
	switch n.hold {
	case holdStruct:
		b = append(b, '{')
		if b, err = appendJSONFields(b, n, v, nil); err != nil {
			return b, err
		}
		return append(b, '}'), nil
	case holdUnion:
		u, val, err := n.variant(v)
		if err != nil {
			return b, err
		}
		inner, ok := u.node.get(val)
		if !ok {
			return append(b, "{}"...), nil
		}
		b = append(append(b, '{'), u.key...)
		if b, err = appendJSON(b, u.node, inner, u.member); err != nil {
			return b, err
		}
		return append(b, '}'), nil
	case holdDocument:
		d, ok := v.Interface().(document.Marshaler)
		if !ok {
			return b, fmt.Errorf("%s can not be encoded", v.Type())
		}
		raw, err := d.MarshalSmithyDocument()
		return append(b, raw...), err
	case holdStrings:
		b = append(b, '[')
		for i, s := range *stringsOf(v) {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendJSONString(b, s)
		}
		return append(b, ']'), nil
	case holdList:
		b = append(b, '[')
		for i := range v.Len() {
			if i > 0 {
				b = append(b, ',')
			}
			e, ok := n.elem.get(v.Index(i))
			switch {
			case ok || n.elem.hold == holdString:
				b, err = appendJSON(b, n.elem, e, n.shape.Element)
			default:
				b = append(b, "null"...)
			}
			if err != nil {
				return b, err
			}
		}
		return append(b, ']'), nil
	case holdStringMap:
		m := v.Interface().(map[string]string)
		keys := make([]string, 0, len(m))
		for k := range m {
			keys = append(keys, k)
		}
		slices.Sort(keys)
		b = append(b, '{')
		for i, k := range keys {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(appendJSONString(b, k), ':')
			b = appendJSONString(b, m[k])
		}
		return append(b, '}'), nil
	case holdMap:
		b = append(b, '{')
		for i, k := range sortedKeys(v) {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(appendJSONString(b, k.String()), ':')
			e, ok := n.elem.get(v.MapIndex(k))
			if !ok && n.elem.hold != holdString {
				b = append(b, "null"...)
				continue
			}
			if b, err = appendJSON(b, n.elem, e, n.shape.Value); err != nil {
				return b, err
			}
		}
		return append(b, '}'), nil
	case holdString:
		return appendJSONString(b, v.String()), nil
	case holdBool:
		return strconv.AppendBool(b, v.Bool()), nil
	case holdInt:
		return strconv.AppendInt(b, v.Int(), 10), nil
	case holdFloat:
		return appendJSONFloat(b, v.Float(), n.typ.Bits()), nil
	case holdTime:
		if f := timeFormat(n, m, epochSeconds); f != epochSeconds {
			return appendJSONString(b, formatTime(timeOf(v), f)), nil
		}
		return appendEpoch(b, timeOf(v)), nil
	case holdBytes:
		return appendJSONBytes(b, v.Bytes()), nil
	case holdReader:
		r, ok := v.Interface().(io.Reader)
		if !ok {
			return b, fmt.Errorf("%s is no reader", v.Type())
		}
		raw, err := io.ReadAll(r)
		return appendJSONBytes(b, raw), err
	}
	return b, fmt.Errorf("shape %s has no JSON form", n.shape.Name)
}

// appendJSONFields appends the members of a structure without its braces; only
// those without a location if the structure is also spread over headers. skip
// may leave members out.
func appendJSONFields(b []byte, n *node, v reflect.Value, skip func(*model.Member) bool) ([]byte, error) {
	first := true
	for i := range n.fields {
		f := &n.fields[i]
		e, ok := f.node.get(v.Field(f.index))
		if !ok || skip != nil && skip(f.member) {
			continue
		}
		if !first {
			b = append(b, ',')
		}
		first = false
		b = append(b, f.key...)
		var err error
		if b, err = appendJSON(b, f.node, e, f.member); err != nil {
			return b, err
		}
	}
	return b, nil
}

// variant finds which variant of a union v is.
func (n *node) variant(v reflect.Value) (*variant, reflect.Value, error) {
	p := v.Elem()
	if p.Kind() == reflect.Pointer && !p.IsNil() {
		for i := range n.variants {
			if u := &n.variants[i]; p.Type().Elem() == u.typ {
				return u, p.Elem().Field(0), nil
			}
		}
	}
	return nil, v, fmt.Errorf("%s is no variant of %s", p.Type(), n.shape.Name)
}

func timeFormat(n *node, m *model.Member, protocol string) string {
	if m != nil && m.TimestampFormat != "" {
		return m.TimestampFormat
	}
	if n.shape.TimestampFormat != "" {
		return n.shape.TimestampFormat
	}
	return protocol
}

func stringsOf(v reflect.Value) *[]string {
	if v.CanAddr() {
		return v.Addr().Interface().(*[]string)
	}
	s := v.Interface().([]string)
	return &s
}

func sortedKeys(v reflect.Value) []reflect.Value {
	keys := v.MapKeys()
	slices.SortFunc(keys, func(a, b reflect.Value) int {
		switch a, b := a.String(), b.String(); {
		case a < b:
			return -1
		case a > b:
			return 1
		}
		return 0
	})
	return keys
}

func appendJSONBytes(b, raw []byte) []byte {
	b = append(b, '"')
	b = base64.StdEncoding.AppendEncode(b, raw)
	return append(b, '"')
}

func appendJSONFloat(b []byte, f float64, bits int) []byte {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return appendJSONString(b, formatFloat(f, bits))
	}
	raw, err := json.Marshal(f)
	if bits == 32 {
		raw, err = json.Marshal(float32(f))
	}
	if err != nil {
		return append(b, '0')
	}
	return append(b, raw...)
}

const hexDigits = "0123456789abcdef"

// appendJSONString quotes s. What is not UTF-8 becomes U+FFFD.
func appendJSONString(b []byte, s string) []byte {
	b = append(b, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' && c < utf8.RuneSelf {
			i++
			continue
		}
		if c >= utf8.RuneSelf {
			r, size := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && size == 1 {
				b = append(append(b, s[start:i]...), "\uFFFD"...)
				i++
				start = i
				continue
			}
			i += size
			continue
		}
		b = append(b, s[start:i]...)
		switch c {
		case '"', '\\':
			b = append(b, '\\', c)
		case '\n':
			b = append(b, '\\', 'n')
		case '\r':
			b = append(b, '\\', 'r')
		case '\t':
			b = append(b, '\\', 't')
		default:
			b = append(b, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		}
		i++
		start = i
	}
	return append(append(b, s[start:]...), '"')
}
