package wire

import (
	"bytes"
	"math"
	"reflect"
	"time"
)

// decodeCBOR decodes a body into v, the struct of n, as decodeJSON does. An
// empty body is an empty map.
func decodeCBOR(n *node, body []byte, v reflect.Value) (missing []string, err error) {
	if len(body) == 0 {
		return nil, nil
	}
	d := cborDecoder{cborScanner: cborScanner{buf: body}}
	h, err := d.head()
	if err != nil {
		return nil, err
	}
	if h.major != cborMap {
		return nil, d.mistyped(h, n)
	}
	if err := d.structure(n, v, h, 1); err != nil {
		return nil, err
	}
	if d.pos < len(body) {
		return nil, d.malformed("expected the end of input")
	}
	return d.missing, nil
}

type cborDecoder struct {
	cborScanner
	place
}

// cborNames names CBOR's kinds of item as AWS's messages name JSON's.
var cborNames = [...]string{"NUMBER_VALUE", "NUMBER_VALUE", "BINARY_VALUE", "STRING_VALUE", "START_OBJECT", "START_OBJECT", "TAG_VALUE", "SIMPLE_VALUE"}

func (d *cborDecoder) mistyped(h cborHead, n *node) error {
	if h.major == cborList {
		return d.cannot("START_ARRAY", n)
	}
	return d.cannot(cborNames[h.major], n)
}

func (d *cborDecoder) structure(n *node, v reflect.Value, h cborHead, depth int) error {
	seen := make([]bool, len(n.fields))
	err := d.entries(h, depth, func(key []byte) error {
		i, ok := n.byName[string(key)]
		if !ok {
			return d.skip(depth + 1)
		}
		if d.null() {
			return nil
		}
		seen[i] = true
		f := &n.fields[i]
		fv := v.Field(f.index)
		if !fv.IsZero() {
			fv.SetZero() // given twice
		}
		return d.at(pathPart{name: f.member.Name}, func() error { return d.into(f.node, fv, depth+1) })
	})
	d.absent(n, seen)
	return err
}

// into decodes the next item into v.
func (d *cborDecoder) into(n *node, v reflect.Value, depth int) error {
	if d.null() {
		return nil
	}
	h, err := d.head()
	if err != nil {
		return err
	}
	if h.major == cborTag {
		if n.hold == holdTime && h.arg != cborEpoch {
			return d.cannot("TAG_VALUE", n)
		}
		if h, err = d.head(); err != nil { // of the tagged item
			return err
		}
	}
	want := byte(cborText)
	switch n.hold {
	case holdStruct, holdUnion, holdMap, holdStringMap:
		want = cborMap
	case holdList, holdStrings:
		want = cborList
	case holdBytes, holdReader:
		want = cborBytes
	case holdBool:
		if h.major != cborSimple || h.minor != cborTrue && h.minor != cborFalse {
			return d.mistyped(h, n)
		}
		n.setBool(v, h.minor == cborTrue)
		return nil
	case holdInt:
		return d.integer(n, v, h)
	case holdFloat:
		f, ok := h.float()
		if !ok {
			return d.mistyped(h, n)
		}
		n.setFloat(v, f)
		return nil
	case holdTime:
		return d.timestamp(n, v, h)
	}
	if h.major != want {
		return d.mistyped(h, n)
	}
	switch n.hold {
	case holdStruct:
		return d.structure(n, n.set(v), h, depth)
	case holdUnion:
		return d.union(n, v, h, depth)
	case holdList, holdStrings:
		return d.list(n, v, h, depth)
	case holdMap, holdStringMap:
		return d.dict(n, v, h, depth)
	}
	b, err := d.raw(h)
	if err != nil {
		return err
	}
	switch n.hold {
	case holdString:
		n.setString(v, string(b))
	case holdBytes:
		v.SetBytes(append([]byte{}, b...))
	case holdReader:
		v.Set(reflect.ValueOf(readCloser{bytes.NewReader(bytes.Clone(b))}))
	default:
		return d.mistyped(h, n)
	}
	return nil
}

func (d *cborDecoder) list(n *node, v reflect.Value, h cborHead, depth int) error {
	out := reflect.MakeSlice(n.typ, 0, 4)
	err := d.each(h, depth, func(int) error {
		if d.null() {
			return nil // as in JSON: a null in a list is left out
		}
		elem := reflect.New(n.typ.Elem()).Elem()
		err := d.at(pathPart{index: out.Len()}, func() error { return d.into(n.elem, elem, depth+1) })
		out = reflect.Append(out, elem)
		return err
	})
	v.Set(out)
	return err
}

func (d *cborDecoder) dict(n *node, v reflect.Value, h cborHead, depth int) error {
	out := reflect.MakeMap(n.typ)
	v.Set(out)
	return d.entries(h, depth, func(key []byte) error {
		k := reflect.New(n.typ.Key()).Elem()
		k.SetString(string(key))
		if d.null() {
			return nil
		}
		val := reflect.New(n.typ.Elem()).Elem()
		err := d.at(pathPart{name: k.String()}, func() error { return d.into(n.elem, val, depth+1) })
		out.SetMapIndex(k, val)
		return err
	})
}

func (d *cborDecoder) union(n *node, v reflect.Value, h cborHead, depth int) error {
	return d.entries(h, depth, func(key []byte) error {
		i, ok := n.byName[string(key)]
		if !ok {
			return d.skip(depth + 1)
		}
		if d.null() {
			return nil
		}
		if !v.IsNil() {
			return d.twice()
		}
		u := &n.variants[i]
		val := reflect.New(u.typ)
		v.Set(val)
		return d.at(pathPart{name: u.member.Name}, func() error { return d.into(u.node, val.Elem().Field(0), depth+1) })
	})
}

func (d *cborDecoder) integer(n *node, v reflect.Value, h cborHead) error {
	limit := uint64(1) << (n.typ.Bits() - 1)
	switch {
	case h.major == cborUint && h.arg < limit:
		n.setInt(v, int64(h.arg))
	case h.major == cborNegInt && h.arg < limit:
		n.setInt(v, -1-int64(h.arg))
	default:
		// A float that is whole is an integer, too.
		f, ok := h.float()
		if !ok || f != math.Trunc(f) || f >= float64(limit) || f < -float64(limit) {
			return d.mistyped(h, n)
		}
		n.setInt(v, int64(f))
	}
	return nil
}

func (d *cborDecoder) timestamp(n *node, v reflect.Value, h cborHead) error {
	var t time.Time
	f, ok := h.float()
	switch {
	case ok:
		t, ok = epoch(f)
	case h.major == cborText: // clients do not keep to the model
		b, err := d.raw(h)
		if err != nil {
			return err
		}
		t, ok = parseTime(string(b))
	}
	if !ok {
		return d.mistyped(h, n)
	}
	n.setTime(v, t)
	return nil
}
