package wire

import (
	"cmp"
	"mime"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/slipway-dev/slipway/internal/aws/identity"
	"github.com/slipway-dev/slipway/internal/aws/model"
)

const formType = "application/x-www-form-urlencoded"

// parseForm reads the parameters of a Query request: the body of a POST and
// the URL's, the body's first.
func parseForm(r *http.Request, body []byte) (url.Values, error) {
	form := url.Values{}
	add := func(s string) error {
		v, err := url.ParseQuery(s)
		if err != nil {
			return &Error{Code: "MalformedQueryString", Message: "The parameters are not form-encoded", Status: http.StatusBadRequest}
		}
		for k, l := range v {
			form[k] = append(form[k], l...)
		}
		return nil
	}
	ct, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if len(body) > 0 && (ct == formType || ct == "") {
		if err := add(string(body)); err != nil {
			return nil, err
		}
	}
	if r.URL.RawQuery != "" {
		if err := add(r.URL.RawQuery); err != nil {
			return nil, err
		}
	}
	return form, nil
}

// param is a tree of parameters: A.member.1.B=x is A → member → 1 → B.
type param struct {
	value string
	given bool
	kids  map[string]*param
}

func paramTree(form url.Values) *param {
	root := &param{}
	for k, v := range form {
		p := root
		parts := strings.Split(k, ".")
		if len(parts) > maxDepth {
			continue
		}
		for _, part := range parts {
			kid := p.kids[part]
			if kid == nil {
				if p.kids == nil {
					p.kids = map[string]*param{}
				}
				kid = &param{}
				p.kids[part] = kid
			}
			p = kid
		}
		p.value, p.given = v[0], true
	}
	return root
}

// numbered are the kids 1, 2, 3 … in order; gaps do not matter.
func (p *param) numbered() []*param {
	type at struct {
		i int
		p *param
	}
	var l []at
	for k, kid := range p.kids {
		if i, err := strconv.Atoi(k); err == nil && i > 0 {
			l = append(l, at{i, kid})
		}
	}
	slices.SortFunc(l, func(a, b at) int { return cmp.Compare(a.i, b.i) })
	out := make([]*param, len(l))
	for i := range l {
		out[i] = l[i].p
	}
	return out
}

type queryDecoder struct {
	ec2  bool
	path []pathPart
}

func decodeQuery(n *node, form url.Values, v reflect.Value, ec2 bool) error {
	d := queryDecoder{ec2: ec2}
	return d.structure(n, paramTree(form), v)
}

func (d *queryDecoder) name(m *model.Member) string {
	name := m.Wire()
	if d.ec2 {
		name = goName(name)
	}
	return name
}

func (d *queryDecoder) at(part pathPart, n *node, p *param, v reflect.Value, m *model.Member) error {
	d.path = append(d.path, part)
	err := d.into(n, p, v, m)
	d.path = d.path[:len(d.path)-1]
	return err
}

func (d *queryDecoder) structure(n *node, p *param, v reflect.Value) error {
	for _, m := range n.absent {
		if p.kids[d.name(m)] != nil {
			d.path = append(d.path, pathPart{name: m.Name})
			return &Error{Code: "UnsupportedOperation", Status: http.StatusBadRequest,
				Message: "The parameter " + pathString(d.path) + " is not implemented"}
		}
	}
	for i := range n.fields {
		f := &n.fields[i]
		kid := p.kids[d.name(f.member)]
		if kid == nil {
			continue
		}
		part := pathPart{name: lowerCamel(f.member.Name)}
		if err := d.at(part, f.node, kid, v.Field(f.index), f.member); err != nil {
			return err
		}
	}
	return nil
}

func (d *queryDecoder) into(n *node, p *param, v reflect.Value, m *model.Member) error {
	switch n.hold {
	case holdStruct:
		return d.structure(n, p, n.set(v))
	case holdUnion:
		for i := range n.variants {
			u := &n.variants[i]
			kid := p.kids[d.name(u.member)]
			if kid == nil {
				continue
			}
			val := reflect.New(u.typ)
			v.Set(val)
			return d.at(pathPart{name: lowerCamel(u.member.Name)}, u.node, kid, val.Elem().Field(0), u.member)
		}
		return nil
	case holdList, holdStrings:
		items := d.items(n, p, m)
		out := reflect.MakeSlice(n.typ, len(items), len(items))
		for i, item := range items {
			if err := d.at(pathPart{index: i}, n.elem, item, out.Index(i), n.shape.Element); err != nil {
				return err
			}
		}
		v.Set(out)
		return nil
	case holdMap, holdStringMap:
		out := reflect.MakeMap(n.typ)
		v.Set(out)
		entries := p
		if e := p.kids["entry"]; e != nil {
			entries = e
		}
		key, value := cmp.Or(n.shape.Key.LocationName, "key"), cmp.Or(n.shape.Value.LocationName, "value")
		for _, e := range entries.numbered() {
			k, val := e.kids[key], e.kids[value]
			if k == nil {
				continue
			}
			elem := reflect.New(n.typ.Elem()).Elem()
			if val != nil {
				if err := d.at(pathPart{name: k.value}, n.elem, val, elem, n.shape.Value); err != nil {
					return err
				}
			}
			out.SetMapIndex(reflect.ValueOf(k.value).Convert(n.typ.Key()), elem)
		}
		return nil
	}
	if !p.given {
		return nil
	}
	// An empty number or time is an absent one; an empty string is a string.
	if p.value == "" && n.hold != holdString && n.hold != holdBytes {
		return nil
	}
	if err := n.parseText(v, p.value); err != nil {
		return &Error{Code: "MalformedInput", Status: http.StatusBadRequest,
			Message: "Parameter " + pathString(d.path) + ": " + err.Error()}
	}
	return nil
}

// items are the elements of a list: under "member" (or the element's own name),
// or directly where it is flattened. Clients mix these up; all are taken.
func (d *queryDecoder) items(n *node, p *param, m *model.Member) []*param {
	for _, name := range []string{n.shape.Element.LocationName, "member"} {
		if kid := p.kids[name]; name != "" && kid != nil {
			return kid.numbered()
		}
	}
	return p.numbered()
}

func (c *call) encodeQuery(w http.ResponseWriter, r *http.Request, v reflect.Value) error {
	setRequestID(r.Context(), w.Header(), Query)
	id := identity.RequestID(r.Context())
	return answer(w, http.StatusOK, xmlQuery, func(b []byte) ([]byte, error) {
		op := c.plan.op
		x := xmlEncoder{b: b}
		root := op.Name + "Response"
		if c.protocol == EC2 {
			x.ec2 = true
			x.open(root, model.Namespace{URI: c.bound.info.XMLNamespace})
			x.leaf("requestId", id)
			err := x.fields(c.plan.output, v)
			x.close(root)
			return x.b, err
		}
		x.open(root, model.Namespace{URI: c.bound.info.XMLNamespace})
		if op.ResultWrapper != "" {
			x.open(op.ResultWrapper, model.Namespace{})
			if err := x.fields(c.plan.output, v); err != nil {
				return x.b, err
			}
			x.close(op.ResultWrapper)
		}
		x.open("ResponseMetadata", model.Namespace{})
		x.leaf("RequestId", id)
		x.close("ResponseMetadata")
		x.close(root)
		return x.b, nil
	})
}

func writeQueryFault(w http.ResponseWriter, r *http.Request, p Protocol, info *model.Info, f *fault) {
	id := identity.RequestID(r.Context())
	_ = answer(w, f.status, xmlQuery, func(b []byte) ([]byte, error) {
		x := xmlEncoder{b: b}
		if p == EC2 {
			x.open("Response", model.Namespace{})
			x.open("Errors", model.Namespace{})
			x.open("Error", model.Namespace{})
			x.leaf("Code", f.code)
			x.leaf("Message", f.message)
			x.close("Error")
			x.close("Errors")
			x.leaf("RequestID", id)
			x.close("Response")
			return x.b, nil
		}
		blame := "Sender"
		if f.status >= 500 {
			blame = "Receiver"
		}
		x.open("ErrorResponse", model.Namespace{URI: info.XMLNamespace})
		x.open("Error", model.Namespace{})
		x.leaf("Type", blame)
		x.leaf("Code", f.code)
		x.leaf("Message", f.message)
		x.faultFields(f)
		x.close("Error")
		x.leaf("RequestId", id)
		x.close("ErrorResponse")
		return x.b, nil
	})
}
