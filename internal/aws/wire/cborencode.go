package wire

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"net/http"
	"reflect"
	"slices"
	"strings"

	"github.com/slipway-dev/slipway/internal/aws/model"
)

var cborType = []string{"application/cbor"}

// cborProtocol marks answers, as the protocol wants it.
func cborProtocol(h http.Header) { h["smithy-protocol"] = []string{"rpc-v2-cbor"} }

func (c *call) encodeCBOR(w http.ResponseWriter, r *http.Request, v reflect.Value) error {
	setRequestID(r.Context(), w.Header(), CBOR)
	cborProtocol(w.Header())
	return answer(w, http.StatusOK, cborType, func(b []byte) ([]byte, error) {
		if c.plan.output == nil {
			return appendCBORHead(b, cborMap, 0), nil
		}
		return appendCBOR(b, c.plan.output, v)
	})
}

// writeCBORFault writes {"__type":CODE,"message":TEXT, modelled members}.
func writeCBORFault(w http.ResponseWriter, f *fault) {
	cborProtocol(w.Header())
	_ = answer(w, f.status, cborType, func(b []byte) ([]byte, error) { return f.appendCBOR(b), nil })
}

func (f *fault) appendCBOR(b []byte) []byte {
	var members []byte
	count := 0
	if f.node != nil {
		isMessage := func(m *model.Member) bool { return strings.EqualFold(m.Name, "message") }
		if body, n, err := appendCBORFields(nil, f.node, f.value, isMessage); err == nil {
			members, count = body, n
		}
	}
	keys := make([]string, 0, len(f.fields))
	for k := range f.fields {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	b = appendCBORHead(b, cborMap, uint64(2+count+len(keys)))
	b = appendCBORText(appendCBORText(b, "__type"), f.code)
	b = appendCBORText(appendCBORText(b, f.messageName()), f.message)
	b = append(b, members...)
	for _, k := range keys {
		b = appendCBORText(appendCBORText(b, k), f.fields[k])
	}
	return b
}

func appendCBORHead(b []byte, major byte, arg uint64) []byte {
	major <<= 5
	switch {
	case arg < 24:
		return append(b, major|byte(arg))
	case arg <= math.MaxUint8:
		return append(b, major|24, byte(arg))
	case arg <= math.MaxUint16:
		return binary.BigEndian.AppendUint16(append(b, major|25), uint16(arg))
	case arg <= math.MaxUint32:
		return binary.BigEndian.AppendUint32(append(b, major|26), uint32(arg))
	}
	return binary.BigEndian.AppendUint64(append(b, major|27), arg)
}

func appendCBORText(b []byte, s string) []byte {
	s = strings.ToValidUTF8(s, "\uFFFD")
	return append(appendCBORHead(b, cborText, uint64(len(s))), s...)
}

func appendCBORInt(b []byte, i int64) []byte {
	if i < 0 {
		return appendCBORHead(b, cborNegInt, uint64(-1-i))
	}
	return appendCBORHead(b, cborUint, uint64(i))
}

func appendCBORFloat(b []byte, f float64) []byte {
	return binary.BigEndian.AppendUint64(append(b, cborSimple<<5|cborFloat64), math.Float64bits(f))
}

func appendCBORNull(b []byte) []byte { return append(b, cborSimple<<5|cborNull) }

// appendCBOR appends the value v of n, as appendJSON does.
func appendCBOR(b []byte, n *node, v reflect.Value) ([]byte, error) {
	switch n.hold {
	case holdStruct:
		body, count, err := appendCBORFields(nil, n, v, nil)
		return append(appendCBORHead(b, cborMap, uint64(count)), body...), err
	case holdUnion:
		u, val, err := n.variant(v)
		if err != nil {
			return b, err
		}
		inner, ok := u.node.get(val)
		if !ok {
			return appendCBORHead(b, cborMap, 0), nil
		}
		return appendCBOR(appendCBORText(appendCBORHead(b, cborMap, 1), u.member.Wire()), u.node, inner)
	case holdList, holdStrings:
		b = appendCBORHead(b, cborList, uint64(v.Len()))
		for i := range v.Len() {
			e, ok := n.elem.get(v.Index(i))
			if !ok && n.elem.hold != holdString {
				b = appendCBORNull(b)
				continue
			}
			var err error
			if b, err = appendCBOR(b, n.elem, e); err != nil {
				return b, err
			}
		}
		return b, nil
	case holdMap, holdStringMap:
		b = appendCBORHead(b, cborMap, uint64(v.Len()))
		for _, k := range sortedKeys(v) {
			b = appendCBORText(b, k.String())
			e, ok := n.elem.get(v.MapIndex(k))
			if !ok && n.elem.hold != holdString {
				b = appendCBORNull(b)
				continue
			}
			var err error
			if b, err = appendCBOR(b, n.elem, e); err != nil {
				return b, err
			}
		}
		return b, nil
	case holdString:
		return appendCBORText(b, v.String()), nil
	case holdBool:
		if v.Bool() {
			return append(b, cborSimple<<5|cborTrue), nil
		}
		return append(b, cborSimple<<5|cborFalse), nil
	case holdInt:
		return appendCBORInt(b, v.Int()), nil
	case holdFloat:
		return appendCBORFloat(b, v.Float()), nil
	case holdTime:
		b = appendCBORHead(b, cborTag, cborEpoch)
		if ms := timeOf(v).UnixMilli(); ms%1000 != 0 {
			return appendCBORFloat(b, float64(ms)/1000), nil
		}
		return appendCBORInt(b, timeOf(v).Unix()), nil
	case holdBytes:
		return append(appendCBORHead(b, cborBytes, uint64(v.Len())), v.Bytes()...), nil
	case holdReader:
		r, ok := v.Interface().(io.Reader)
		if !ok {
			return b, fmt.Errorf("%s is no reader", v.Type())
		}
		raw, err := io.ReadAll(r)
		return append(appendCBORHead(b, cborBytes, uint64(len(raw))), raw...), err
	}
	return b, fmt.Errorf("shape %s has no CBOR form", n.shape.Name)
}

// appendCBORFields appends the members of a structure without its head, and
// counts them. skip may leave members out.
func appendCBORFields(b []byte, n *node, v reflect.Value, skip func(*model.Member) bool) ([]byte, int, error) {
	count := 0
	for i := range n.fields {
		f := &n.fields[i]
		e, ok := f.node.get(v.Field(f.index))
		if !ok || skip != nil && skip(f.member) {
			continue
		}
		count++
		b = appendCBORText(b, f.member.Wire())
		var err error
		if b, err = appendCBOR(b, f.node, e); err != nil {
			return b, count, err
		}
	}
	return b, count, nil
}
