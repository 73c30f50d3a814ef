package h1

import (
	"errors"
	"strconv"
	"strings"
)

// ErrStrange says that a head is not written as RFC 9112 says.
var ErrStrange = errors.New("h1: not a head as it should be")

// ErrVersion says that a request is not of HTTP/1.1, but may be of HTTP/1.0.
var ErrVersion = errors.New("h1: not HTTP/1.1")

// Kind of a field, for those that mean something to who passes a message on.
type Kind uint8

// The kinds. Hop is any other field of one connection only.
const (
	Other Kind = iota
	Host
	Connection
	ContentLength
	TransferEncoding
	Upgrade
	Expect
	Trailer
	Hop
	ForwardedFor
	ForwardedProto
	ForwardedPort
	Trace
	Server
	Date
)

var kinds = map[string]Kind{
	"host": Host, "connection": Connection, "content-length": ContentLength, "transfer-encoding": TransferEncoding, "upgrade": Upgrade,
	"expect": Expect, "trailer": Trailer, "te": Hop, "keep-alive": Hop, "proxy-connection": Hop, "proxy-authenticate": Hop, "proxy-authorization": Hop,
	"x-forwarded-for": ForwardedFor, "x-forwarded-proto": ForwardedProto, "x-forwarded-port": ForwardedPort, "x-amzn-trace-id": Trace,
	"server": Server, "date": Date,
}

// byLength are the kinds' names by length: most names are none of them.
var byLength = func() (out [20][]struct {
	name string
	kind Kind
}) {
	for name, k := range kinds {
		out[len(name)] = append(out[len(name)], struct {
			name string
			kind Kind
		}{name, k})
	}
	return out
}()

func kindOf(name string) Kind {
	if len(name) < len(byLength) {
		for _, k := range byLength[len(name)] {
			if strings.EqualFold(name, k.name) {
				return k.kind
			}
		}
	}
	return Other
}

// Field is a line of a head.
type Field struct {
	Name, Value string
	Kind        Kind
}

// Fields are a head's, in order.
type Fields []Field

// Values are those of all fields of a name.
func (f Fields) Values(name string) (out []string) {
	for i := range f {
		if len(f[i].Name) == len(name) && strings.EqualFold(f[i].Name, name) {
			out = append(out, f[i].Value)
		}
	}
	return out
}

// First is the value of the first field of a kind.
func (f Fields) First(k Kind) (string, bool) {
	for i := range f {
		if f[i].Kind == k {
			return f[i].Value, true
		}
	}
	return "", false
}

// Count is how many fields are of a kind.
func (f Fields) Count(k Kind) (n int) {
	for i := range f {
		if f[i].Kind == k {
			n++
		}
	}
	return n
}

// Length is the value of Content-Length: -1 if there is none.
func (f Fields) Length() (int64, error) {
	n := int64(-1)
	for i := range f {
		if f[i].Kind != ContentLength {
			continue
		}
		v := f[i].Value
		if n >= 0 || v == "" || len(v) > 18 {
			return 0, ErrStrange
		}
		n = 0
		for _, c := range []byte(v) {
			if c < '0' || c > '9' {
				return 0, ErrStrange
			}
			n = n*10 + int64(c-'0')
		}
	}
	return n, nil
}

// Request is a request's head.
type Request struct {
	Method, Target string
	Fields         Fields
}

// Parse reads a whole head of a request of HTTP/1.1.
func (r *Request) Parse(text string) (err error) {
	line, rest, ok := strings.Cut(text, "\r\n")
	if !ok {
		return ErrStrange
	}
	if strings.HasSuffix(line, " HTTP/1.0") {
		return ErrVersion
	}
	line, ok = strings.CutSuffix(line, " HTTP/1.1")
	if !ok {
		return ErrStrange
	}
	r.Method, r.Target, ok = strings.Cut(line, " ")
	if !ok || !Name(r.Method) || r.Target == "" {
		return ErrStrange
	}
	for i := range len(r.Target) {
		if c := r.Target[i]; c <= ' ' || c >= 0x7f {
			return ErrStrange
		}
	}
	r.Fields, err = parse(r.Fields[:0], rest)
	return err
}

// Response is a response's head.
type Response struct {
	Status int
	Reason string
	Old    bool // HTTP/1.0
	Fields Fields
}

// Parse reads a whole head of a response.
func (r *Response) Parse(text string) (err error) {
	line, rest, ok := strings.Cut(text, "\r\n")
	if !ok || len(line) < len("HTTP/1.1 200") || !strings.HasPrefix(line, "HTTP/1.") || line[8] != ' ' || line[7] != '0' && line[7] != '1' {
		return ErrStrange
	}
	r.Old = line[7] == '0'
	if r.Status, err = strconv.Atoi(line[9:12]); err != nil || r.Status < 100 {
		return ErrStrange
	}
	r.Reason = ""
	if len(line) > 12 {
		if line[12] != ' ' || !Value(line[12:]) {
			return ErrStrange
		}
		r.Reason = line[13:]
	}
	r.Fields, err = parse(r.Fields[:0], rest)
	return err
}

// parse reads lines up to an empty one, which is the end.
func parse(out Fields, text string) (Fields, error) {
	for {
		i := strings.IndexByte(text, '\n')
		if i < 1 || text[i-1] != '\r' {
			return out, ErrStrange
		}
		line := text[:i-1]
		text = text[i+1:]
		if line == "" {
			if text != "" {
				return out, ErrStrange
			}
			return out, nil
		}
		name, value, ok := strings.Cut(line, ":")
		value = trim(value)
		if !ok || !Name(name) || !Value(value) {
			return out, ErrStrange
		}
		out = append(out, Field{name, value, kindOf(name)})
	}
}

func trim(v string) string {
	for v != "" && (v[0] == ' ' || v[0] == '\t') {
		v = v[1:]
	}
	for v != "" && (v[len(v)-1] == ' ' || v[len(v)-1] == '\t') {
		v = v[:len(v)-1]
	}
	return v
}

// tokens are the characters of names.
var tokens = func() (out [256]bool) {
	for c := range out {
		out[c] = c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || strings.IndexByte("!#$%&'*+-.^_`|~", byte(c)) >= 0
	}
	return out
}()

// Name tells whether a field may have the name, or a request the method.
func Name(s string) bool {
	for i := range len(s) {
		if !tokens[s[i]] {
			return false
		}
	}
	return s != ""
}

// Value tells whether a field may have the value: there are no control
// characters but tabs.
func Value(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' && c != '\t' || c == 0x7f {
			return false
		}
	}
	return true
}
