package wire

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"unicode/utf8"
)

// The major types of CBOR (RFC 8949), and what it says in their low bits.
const (
	cborUint   = 0
	cborNegInt = 1
	cborBytes  = 2
	cborText   = 3
	cborList   = 4
	cborMap    = 5
	cborTag    = 6
	cborSimple = 7 // booleans, null, floating-point numbers

	cborIndefinite = 31
	cborBreak      = 0xff

	cborFalse     = 20
	cborTrue      = 21
	cborNull      = 22
	cborUndefined = 23
	cborFloat16   = 25
	cborFloat32   = 26
	cborFloat64   = 27

	cborEpoch = 1 // the tag of seconds since 1970
)

// cborScanner reads CBOR from a buffer, item by item.
type cborScanner struct {
	buf []byte
	pos int
}

// cborHead is the beginning of an item.
type cborHead struct {
	major, minor byte
	arg          uint64 // value, length, or the bits of a float
	indefinite   bool
}

func (s *cborScanner) malformed(why string) error {
	return &Error{Code: "SerializationException", Message: fmt.Sprintf("Malformed CBOR: %s (byte %d)", why, s.pos)}
}

// peek is the major type of the next item.
func (s *cborScanner) peek() (major byte, err error) {
	if s.pos >= len(s.buf) {
		return 0, s.malformed("unexpected end of input")
	}
	return s.buf[s.pos] >> 5, nil
}

// head reads the beginning of an item.
func (s *cborScanner) head() (h cborHead, err error) {
	if h.major, err = s.peek(); err != nil {
		return h, err
	}
	h.minor = s.buf[s.pos] & 0x1f
	size := 0
	switch {
	case h.minor < 24:
		h.arg = uint64(h.minor)
	case h.minor <= 27:
		size = 1 << (h.minor - 24)
	case h.minor == cborIndefinite && (h.major >= cborBytes && h.major <= cborMap):
		h.indefinite = true
	default:
		return h, s.malformed("an item of no known kind")
	}
	if len(s.buf)-s.pos-1 < size {
		return h, s.malformed("unexpected end of input")
	}
	raw := s.buf[s.pos+1 : s.pos+1+size]
	switch size {
	case 1:
		h.arg = uint64(raw[0])
	case 2:
		h.arg = uint64(binary.BigEndian.Uint16(raw))
	case 4:
		h.arg = uint64(binary.BigEndian.Uint32(raw))
	case 8:
		h.arg = binary.BigEndian.Uint64(raw)
	}
	s.pos += 1 + size
	return h, nil
}

// null consumes a null, or an undefined, if one is next.
func (s *cborScanner) null() bool {
	if s.pos < len(s.buf) && (s.buf[s.pos] == cborSimple<<5|cborNull || s.buf[s.pos] == cborSimple<<5|cborUndefined) {
		s.pos++
		return true
	}
	return false
}

// ended consumes the end of an item of indefinite length if it is next.
func (s *cborScanner) ended() bool {
	if s.pos < len(s.buf) && s.buf[s.pos] == cborBreak {
		s.pos++
		return true
	}
	return false
}

// take returns n bytes of the buffer.
func (s *cborScanner) take(n uint64) ([]byte, error) {
	if n > uint64(len(s.buf)-s.pos) {
		return nil, s.malformed("unexpected end of input")
	}
	b := s.buf[s.pos : s.pos+int(n)]
	s.pos += int(n)
	return b, nil
}

// raw is the content of a text or byte string whose head was read. It may be
// part of the buffer.
func (s *cborScanner) raw(h cborHead) ([]byte, error) {
	if !h.indefinite {
		b, err := s.take(h.arg)
		return s.text(h, b), err
	}
	var out []byte
	for !s.ended() {
		part, err := s.head()
		if err != nil {
			return nil, err
		}
		if part.major != h.major || part.indefinite {
			return nil, s.malformed("a string in pieces that are none")
		}
		b, err := s.take(part.arg)
		if err != nil {
			return nil, err
		}
		out = append(out, b...)
	}
	return s.text(h, out), nil
}

func (s *cborScanner) text(h cborHead, b []byte) []byte {
	if h.major == cborText && !utf8.Valid(b) {
		return bytes.ToValidUTF8(b, []byte("\uFFFD"))
	}
	return b
}

// each calls item for every element of a list or entry of a map.
func (s *cborScanner) each(h cborHead, depth int, item func(i int) error) error {
	if depth > maxDepth {
		return s.malformed(fmt.Sprintf("nested deeper than %d levels", maxDepth))
	}
	for i := 0; h.indefinite || uint64(i) < h.arg; i++ {
		if h.indefinite && s.ended() {
			return nil
		}
		if err := item(i); err != nil {
			return err
		}
	}
	return nil
}

// entries calls entry for every entry of a map, positioned at its value.
func (s *cborScanner) entries(h cborHead, depth int, entry func(key []byte) error) error {
	return s.each(h, depth, func(int) error {
		k, err := s.head()
		if err != nil {
			return err
		}
		if k.major != cborText {
			return s.malformed("a key that is no text")
		}
		key, err := s.raw(k)
		if err != nil {
			return err
		}
		return entry(key)
	})
}

// skip passes over any item.
func (s *cborScanner) skip(depth int) error {
	h, err := s.head()
	if err != nil {
		return err
	}
	switch h.major {
	case cborBytes, cborText:
		_, err = s.raw(h)
	case cborList:
		err = s.each(h, depth, func(int) error { return s.skip(depth + 1) })
	case cborMap:
		err = s.entries(h, depth, func([]byte) error { return s.skip(depth + 1) })
	case cborTag:
		if depth > maxDepth {
			return s.malformed(fmt.Sprintf("nested deeper than %d levels", maxDepth))
		}
		err = s.skip(depth + 1)
	}
	return err
}

// float is the number in a head, if it is one of any kind.
func (h cborHead) float() (float64, bool) {
	switch {
	case h.major == cborUint:
		return float64(h.arg), true
	case h.major == cborNegInt:
		return -1 - float64(h.arg), true
	case h.major != cborSimple:
		return 0, false
	}
	switch h.minor {
	case cborFloat16:
		return half(uint16(h.arg)), true
	case cborFloat32:
		return float64(math.Float32frombits(uint32(h.arg))), true
	case cborFloat64:
		return math.Float64frombits(h.arg), true
	}
	return 0, false
}

// half is a float of two bytes (RFC 8949, appendix D).
func half(bits uint16) float64 {
	exponent, fraction := int(bits>>10&0x1f), float64(bits&0x3ff)
	var f float64
	switch exponent {
	case 0:
		f = math.Ldexp(fraction, -24)
	case 31:
		f = math.Inf(1)
		if fraction != 0 {
			f = math.NaN()
		}
	default:
		f = math.Ldexp(fraction+1024, exponent-25)
	}
	if bits&0x8000 != 0 {
		return -f
	}
	return f
}
