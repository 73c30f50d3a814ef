package wire

import (
	"bytes"
	"encoding/json"
	"fmt"
	"unicode/utf16"
	"unicode/utf8"
)

// maxDepth bounds the nesting of a request; the deepest AWS shape has 15 levels.
const maxDepth = 100

// scanner reads JSON from a buffer, value by value.
type scanner struct {
	buf []byte
	pos int
}

// syntaxError is malformed JSON; the text is for the client.
func (s *scanner) syntaxError(what string) error {
	line := 1 + bytes.Count(s.buf[:s.pos], []byte("\n"))
	column := s.pos - bytes.LastIndexByte(s.buf[:s.pos], '\n')
	if s.pos >= len(s.buf) {
		return &Error{Code: "SerializationException",
			Message: fmt.Sprintf("Malformed JSON: unexpected end of input, expected %s (line %d, column %d)", what, line, column)}
	}
	found, _ := utf8.DecodeRune(s.buf[s.pos:])
	return &Error{Code: "SerializationException",
		Message: fmt.Sprintf("Malformed JSON: expected %s, found %q (line %d, column %d)", what, found, line, column)}
}

// next skips white space and returns the byte there, 0 at the end.
func (s *scanner) next() byte {
	for s.pos < len(s.buf) {
		switch c := s.buf[s.pos]; c {
		case ' ', '\t', '\n', '\r':
			s.pos++
		default:
			return c
		}
	}
	return 0
}

func (s *scanner) accept(c byte) bool {
	if s.next() != c {
		return false
	}
	s.pos++
	return true
}

func (s *scanner) literal(word string) error {
	if len(s.buf)-s.pos < len(word) || string(s.buf[s.pos:s.pos+len(word)]) != word {
		return s.syntaxError("a value")
	}
	s.pos += len(word)
	return nil
}

// null consumes a null if one is next.
func (s *scanner) null() (bool, error) {
	if s.next() != 'n' {
		return false, nil
	}
	return true, s.literal("null")
}

// raw reads a string and returns its bytes, valid until the buffer changes:
// those of the buffer if it has no escapes.
func (s *scanner) raw() ([]byte, error) {
	if !s.accept('"') {
		return nil, s.syntaxError("a string")
	}
	start := s.pos
	for i := start; i < len(s.buf); i++ {
		switch c := s.buf[i]; {
		case c == '"':
			s.pos = i + 1
			return valid(s.buf[start:i]), nil
		case c == '\\':
			return s.escaped(start, i)
		case c < ' ':
			s.pos = i
			return nil, s.syntaxError("no control character in a string")
		}
	}
	s.pos = len(s.buf)
	return nil, s.syntaxError("the end of a string")
}

func valid(b []byte) []byte {
	if utf8.Valid(b) {
		return b
	}
	return bytes.ToValidUTF8(b, []byte("\uFFFD"))
}

// escaped reads the rest of a string whose first escape is at i.
func (s *scanner) escaped(start, i int) ([]byte, error) {
	out := append(make([]byte, 0, 2*(i-start)+16), s.buf[start:i]...)
	for i < len(s.buf) {
		c := s.buf[i]
		switch {
		case c == '"':
			s.pos = i + 1
			return valid(out), nil
		case c < ' ':
			s.pos = i
			return nil, s.syntaxError("no control character in a string")
		case c != '\\':
			out = append(out, c)
			i++
			continue
		}
		if i++; i >= len(s.buf) {
			break
		}
		switch c := s.buf[i]; c {
		case '"', '\\', '/':
			out = append(out, c)
		case 'b':
			out = append(out, '\b')
		case 'f':
			out = append(out, '\f')
		case 'n':
			out = append(out, '\n')
		case 'r':
			out = append(out, '\r')
		case 't':
			out = append(out, '\t')
		case 'u':
			r := s.hex4(i + 1)
			if r < 0 {
				s.pos = i
				return nil, s.syntaxError(`four hex digits after \u`)
			}
			i += 4
			if utf16.IsSurrogate(r) {
				pair := rune(-1)
				if i+2 < len(s.buf) && s.buf[i+1] == '\\' && s.buf[i+2] == 'u' {
					pair = s.hex4(i + 3)
				}
				if dec := utf16.DecodeRune(r, pair); dec != utf8.RuneError {
					i += 6
					r = dec
				} else {
					r = utf8.RuneError
				}
			}
			out = utf8.AppendRune(out, r)
		default:
			s.pos = i
			return nil, s.syntaxError("an escape")
		}
		i++
	}
	s.pos = len(s.buf)
	return nil, s.syntaxError("the end of a string")
}

func (s *scanner) hex4(i int) rune {
	if i+4 > len(s.buf) {
		return -1
	}
	var r rune
	for _, c := range s.buf[i : i+4] {
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c >= 'a' && c <= 'f':
			c -= 'a' - 10
		case c >= 'A' && c <= 'F':
			c -= 'A' - 10
		default:
			return -1
		}
		r = r<<4 | rune(c)
	}
	return r
}

// number reads a JSON number and returns its text.
func (s *scanner) number() ([]byte, error) {
	s.next()
	start := s.pos
	digits := func() bool {
		from := s.pos
		for s.pos < len(s.buf) && s.buf[s.pos] >= '0' && s.buf[s.pos] <= '9' {
			s.pos++
		}
		return s.pos > from
	}
	at := func(c byte) bool { return s.pos < len(s.buf) && s.buf[s.pos] == c }
	if at('-') {
		s.pos++
	}
	zero := at('0')
	first := s.pos
	if !digits() || zero && s.pos > first+1 {
		return nil, s.syntaxError("a number")
	}
	if at('.') {
		s.pos++
		if !digits() {
			return nil, s.syntaxError("a digit")
		}
	}
	if at('e') || at('E') {
		s.pos++
		if at('+') || at('-') {
			s.pos++
		}
		if !digits() {
			return nil, s.syntaxError("a digit")
		}
	}
	return s.buf[start:s.pos], nil
}

// object calls member for each member of an object, positioned at its value.
func (s *scanner) object(depth int, member func(key []byte) error) error {
	if depth > maxDepth {
		return &Error{Code: "SerializationException", Message: fmt.Sprintf("Malformed JSON: nested deeper than %d levels", maxDepth)}
	}
	if !s.accept('{') {
		return s.syntaxError("an object")
	}
	if s.accept('}') {
		return nil
	}
	for {
		key, err := s.raw()
		if err != nil {
			return err
		}
		if !s.accept(':') {
			return s.syntaxError("a colon")
		}
		if err := member(key); err != nil {
			return err
		}
		if s.accept('}') {
			return nil
		}
		if !s.accept(',') {
			return s.syntaxError("a comma or the end of the object")
		}
	}
}

// array calls element for each element of an array, positioned at it.
func (s *scanner) array(depth int, element func(i int) error) error {
	if depth > maxDepth {
		return &Error{Code: "SerializationException", Message: fmt.Sprintf("Malformed JSON: nested deeper than %d levels", maxDepth)}
	}
	if !s.accept('[') {
		return s.syntaxError("a list")
	}
	if s.accept(']') {
		return nil
	}
	for i := 0; ; i++ {
		if err := element(i); err != nil {
			return err
		}
		if s.accept(']') {
			return nil
		}
		if !s.accept(',') {
			return s.syntaxError("a comma or the end of the list")
		}
	}
}

// skip passes over any value.
func (s *scanner) skip(depth int) error {
	switch c := s.next(); {
	case c == '{':
		return s.object(depth, func([]byte) error { return s.skip(depth + 1) })
	case c == '[':
		return s.array(depth, func(int) error { return s.skip(depth + 1) })
	case c == '"':
		_, err := s.raw()
		return err
	case c == 't':
		return s.literal("true")
	case c == 'f':
		return s.literal("false")
	case c == 'n':
		return s.literal("null")
	case c == '-' || c >= '0' && c <= '9':
		_, err := s.number()
		return err
	}
	return s.syntaxError("a value")
}

// value reads any value into Go's generic types, numbers as json.Number.
func (s *scanner) value(depth int) (any, error) {
	switch s.next() {
	case '{':
		m := map[string]any{}
		return m, s.object(depth, func(key []byte) error {
			k := string(key)
			v, err := s.value(depth + 1)
			m[k] = v
			return err
		})
	case '[':
		l := []any{}
		return l, s.array(depth, func(int) error {
			v, err := s.value(depth + 1)
			l = append(l, v)
			return err
		})
	case '"':
		b, err := s.raw()
		return string(b), err
	case 't':
		return true, s.literal("true")
	case 'f':
		return false, s.literal("false")
	case 'n':
		return nil, s.literal("null")
	}
	b, err := s.number()
	return json.Number(b), err
}
