package wire

import (
	"cmp"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"strconv"
	"strings"

	"github.com/slipway-dev/slipway/internal/aws/model"
)

func (c *call) encodeREST(w http.ResponseWriter, r *http.Request, v reflect.Value) error {
	p, n, h := c.plan.rest, c.plan.output, w.Header()
	setRequestID(r.Context(), h, c.protocol)
	status := cmp.Or(c.plan.op.Status, http.StatusOK)
	if n == nil {
		return empty(w, status)
	}
	for i := range n.fields {
		f := &n.fields[i]
		if e, ok := f.node.get(v.Field(f.index)); ok {
			writeHeader(h, f, e)
		}
	}
	if p.outStatus != nil {
		if e, ok := p.outStatus.node.get(v.Field(p.outStatus.index)); ok && e.Int() >= 100 {
			status = int(e.Int())
		}
	}
	if c.protocol == RESTXML && h.Get("Content-Range") != "" {
		status = http.StatusPartialContent // the model does not say so
	}
	switch {
	case p.outPay != nil:
		return c.encodePayload(w, r, status, p.outPay, v.Field(p.outPay.index))
	case !p.bodyOut:
		if c.protocol == RESTJSON && status != http.StatusNoContent {
			return answer(w, status, jsonREST, func(b []byte) ([]byte, error) { return append(b, "{}"...), nil })
		}
		return empty(w, status)
	case c.protocol == RESTJSON:
		return answer(w, status, jsonREST, func(b []byte) ([]byte, error) {
			b, err := appendJSONFields(append(b, '{'), n, v, func(m *model.Member) bool { return m.Location != "" })
			return append(b, '}'), err
		})
	}
	return answer(w, status, xmlREST, func(b []byte) ([]byte, error) { return c.appendS3(b, n, v) })
}

func empty(w http.ResponseWriter, status int) error {
	if h := w.Header(); h.Get("Content-Length") == "" && status != http.StatusNoContent {
		h.Set("Content-Length", "0")
	}
	w.WriteHeader(status)
	return nil
}

// writeHeader writes a member with a place in the headers, spelled as in the
// model: clients read the names of metadata from it.
func writeHeader(h http.Header, f *field, v reflect.Value) {
	name := f.member.Wire()
	switch f.member.Location {
	case "header":
		var text string
		switch f.node.hold {
		case holdList, holdStrings:
			l := make([]string, v.Len())
			for i := range l {
				l[i] = f.node.elem.text(v.Index(i), httpDate)
			}
			text = strings.Join(l, ",")
		default:
			text = f.node.text(v, timeFormat(f.node, f.member, httpDate))
		}
		h[name] = []string{text}
	case "headers":
		if f.node.hold == holdStringMap {
			for k, s := range v.Interface().(map[string]string) {
				h[name+strings.ToLower(k)] = []string{s}
			}
		}
	}
}

func (c *call) encodePayload(w http.ResponseWriter, r *http.Request, status int, f *field, v reflect.Value) error {
	e, ok := f.node.get(v)
	if !ok {
		return empty(w, status)
	}
	switch f.node.hold {
	case holdReader:
		return stream(w, r, status, e.Interface())
	case holdBytes, holdString:
		raw := f.node.raw(e)
		return answer(w, status, contentType(w, c.protocol), func(b []byte) ([]byte, error) { return append(b, raw...), nil })
	}
	if c.protocol == RESTJSON {
		return answer(w, status, jsonREST, func(b []byte) ([]byte, error) { return appendJSON(b, f.node, e, f.member) })
	}
	return answer(w, status, xmlREST, func(b []byte) ([]byte, error) {
		x := xmlEncoder{b: append(b, xmlDeclaration...), millis: true}
		m := *f.member
		m.XMLNamespace = model.Namespace{URI: s3Namespace}
		name := cmp.Or(m.LocationName, f.node.shape.LocationName, m.Name)
		err := x.element(name, f.node, e, &m)
		return x.b, err
	})
}

func (n *node) raw(v reflect.Value) []byte {
	if n.hold == holdBytes {
		return v.Bytes()
	}
	return []byte(v.String())
}

// contentType is what the answer says already, else JSON: a bucket's policy.
func contentType(w http.ResponseWriter, p Protocol) []string {
	if w.Header().Get("Content-Type") != "" {
		return nil
	}
	return jsonREST
}

// stream copies a body to the client and closes it.
func stream(w http.ResponseWriter, r *http.Request, status int, body any) error {
	src, ok := body.(io.Reader)
	if !ok {
		return fmt.Errorf("wire: %T is no reader", body)
	}
	if c, ok := body.(io.Closer); ok {
		defer c.Close()
	}
	h := w.Header()
	if h.Get("Content-Type") == "" {
		h.Set("Content-Type", "binary/octet-stream")
	}
	want, err := strconv.ParseInt(h.Get("Content-Length"), 10, 64)
	if err != nil {
		want = -1
	}
	w.WriteHeader(status)
	if r.Method == http.MethodHead {
		return nil
	}
	n, err := io.Copy(w, src)
	switch {
	case err != nil:
		return fmt.Errorf("%w: %w", ErrBroken, err)
	case want >= 0 && n != want:
		return fmt.Errorf("%w: body of %d bytes instead of %d", ErrBroken, n, want)
	}
	return nil
}
