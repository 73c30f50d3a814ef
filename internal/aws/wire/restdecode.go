package wire

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/textproto"
	"reflect"
	"strconv"
	"strings"

	"github.com/slipway-dev/slipway/internal/aws/model"
)

// maxRESTBody bounds a body that is read into memory: DeleteObjects with a
// thousand keys of a thousand bytes has about 2 MiB.
const maxRESTBody = 8 << 20

func (c *call) decodeREST(r *http.Request, body []byte, v reflect.Value) error {
	p, n := c.plan.rest, c.plan.input
	if !p.streamIn && (p.payload != nil || p.bodyIn) {
		if body == nil {
			var err error
			if body, err = readBody(r); err != nil {
				return err
			}
		}
		if err := c.decodeBody(body, v); err != nil {
			return err
		}
	}
	if p.streamIn {
		var stream io.ReadCloser = r.Body
		if body != nil {
			stream = readCloser{bytes.NewReader(body)}
		} else if stream == nil {
			stream = http.NoBody
		}
		v.Field(p.payload.index).Set(reflect.ValueOf(stream))
	}
	for i := range n.fields {
		f := &n.fields[i]
		if f.member.Location == "" {
			continue
		}
		if err := c.located(r, f, v.Field(f.index)); err != nil {
			return c.badArgument(f.member, err)
		}
	}
	return nil
}

func readBody(r *http.Request) ([]byte, error) {
	if r.Body == nil {
		return nil, nil
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxRESTBody+1))
	if err != nil {
		var own *Error
		if errors.As(err, &own) {
			return nil, err // what guards the stream says so: a wrong digest
		}
		return nil, &Error{Code: "IncompleteBody", Status: http.StatusBadRequest,
			Message: "You did not provide the number of bytes specified by the Content-Length HTTP header"}
	}
	if len(body) > maxRESTBody {
		return nil, &Error{Code: "MaxMessageLengthExceeded", Status: http.StatusBadRequest, Message: "Your request was too large."}
	}
	return body, nil
}

// located sets a member from path, query, headers. A member that a JSON body
// set by mistake is cleared first.
func (c *call) located(r *http.Request, f *field, v reflect.Value) error {
	name := f.member.Wire()
	v.SetZero()
	switch f.member.Location {
	case "uri":
		return f.node.parseText(v, c.route.labels[name])
	case "querystring":
		values, ok := c.route.query[name]
		switch {
		case !ok:
			return nil
		case f.node.hold == holdStrings || f.node.hold == holdList:
			return setTexts(f.node, v, values)
		case values[0] == "" && f.node.hold != holdString:
			return nil
		}
		return f.node.parseText(v, values[0])
	case "header":
		return c.header(r, f, v, name)
	case "headers":
		m := map[string]string{}
		prefix := strings.ToLower(name)
		for k, values := range r.Header {
			if rest, ok := strings.CutPrefix(strings.ToLower(k), prefix); ok && rest != "" {
				m[rest] = strings.Join(values, ",")
			}
		}
		if len(m) > 0 && f.node.hold == holdStringMap {
			v.Set(reflect.ValueOf(m))
		}
	}
	return nil
}

func (c *call) header(r *http.Request, f *field, v reflect.Value, name string) error {
	key := textproto.CanonicalMIMEHeaderKey(name)
	values := r.Header[key]
	switch {
	case key == "Content-Length":
		if r.ContentLength >= 0 {
			values = []string{strconv.FormatInt(r.ContentLength, 10)}
		}
	case key == "Content-Encoding":
		values = withoutChunked(values)
	}
	if len(values) == 0 {
		return nil
	}
	if f.node.hold == holdStrings || f.node.hold == holdList {
		var l []string
		for _, part := range strings.Split(strings.Join(values, ","), ",") {
			if part = strings.TrimSpace(part); part != "" {
				l = append(l, part)
			}
		}
		return setTexts(f.node, v, l)
	}
	text := strings.Join(values, ",")
	if text == "" && f.node.hold != holdString {
		return nil
	}
	err := f.node.parseText(v, text)
	if f.node.hold == holdTime && f.node.shape.Kind == model.String {
		return nil // S3 takes any text as Expires
	}
	return err
}

// withoutChunked drops aws-chunked: it is of the transfer, not of the object.
func withoutChunked(values []string) []string {
	var out []string
	for _, part := range strings.Split(strings.Join(values, ","), ",") {
		if part = strings.TrimSpace(part); part != "" && part != "aws-chunked" {
			out = append(out, part)
		}
	}
	return out
}

func setTexts(n *node, v reflect.Value, texts []string) error {
	out := reflect.MakeSlice(n.typ, len(texts), len(texts))
	for i, s := range texts {
		if err := n.elem.parseText(out.Index(i), s); err != nil {
			return err
		}
	}
	v.Set(out)
	return nil
}

func (c *call) decodeBody(body []byte, v reflect.Value) error {
	p, n := c.plan.rest, c.plan.input
	target := n
	var at *field
	if at = p.payload; at != nil {
		target = at.node
		if len(body) == 0 {
			return nil
		}
		v = v.Field(at.index)
	}
	switch target.hold {
	case holdBytes:
		v.SetBytes(body)
		return nil
	case holdString:
		target.setString(v, string(body))
		return nil
	}
	if c.protocol == RESTJSON {
		if target.hold == holdStruct {
			_, err := decodeJSON(target, body, target.set(v))
			return err
		}
		d := jsonDecoder{scanner: scanner{buf: body}}
		return d.into(target, v, 1)
	}
	if len(body) == 0 {
		return nil
	}
	root, err := parseXML(body)
	if err != nil {
		return malformedXML("")
	}
	if !rootFits(root.name, target.shape, at, c.plan.op) {
		return malformedXML("")
	}
	member := &model.Member{}
	if at != nil {
		member = at.member
	}
	if err := target.fromXML(root, v, member); err != nil {
		return malformedXML(err.Error())
	}
	return nil
}

// rootFits tells whether an element may be the body of this shape.
func rootFits(name string, s *model.Shape, at *field, op *model.Operation) bool {
	if at != nil {
		return name == at.member.Wire() || name == s.LocationName || name == s.Name
	}
	return name == op.InputName || name == s.LocationName || name == s.Name
}

func malformedXML(detail string) error {
	msg := "The XML you provided was not well-formed or did not validate against our published schema"
	if detail != "" {
		msg += ": " + detail
	}
	return &Error{Code: "MalformedXML", Status: http.StatusBadRequest, Message: msg}
}

// badArgument is a member of the path, the query or a header that can not be read.
func (c *call) badArgument(m *model.Member, err error) error {
	if c.protocol == RESTXML {
		return &Error{Code: "InvalidArgument", Status: http.StatusBadRequest,
			Message: "Provided " + m.Wire() + " is not valid: " + err.Error(),
			Fields:  map[string]string{"ArgumentName": m.Wire()}}
	}
	return &Error{Code: "SerializationException", Status: http.StatusBadRequest, Message: m.Name + ": " + err.Error()}
}

// invalidS3 says a violation in S3's words: it knows no ValidationException.
func (c *call) invalidS3(v Violation) error {
	m := member(c.plan.op.Input, v.Path)
	switch {
	case m != nil && m.Location == "" && v.Rule == "required" && lowerCamel(m.Name) == v.Path:
		return &Error{Code: "MissingRequestBodyError", Status: http.StatusBadRequest, Message: "Request Body is empty"}
	case m == nil || m.Location == "":
		return malformedXML("")
	}
	fields := map[string]string{"ArgumentName": m.Wire()}
	if v.Value != "" && v.Rule != "required" {
		fields["ArgumentValue"] = v.Value
	}
	return &Error{Code: "InvalidArgument", Status: http.StatusBadRequest, Message: v.Message, Fields: fields}
}
