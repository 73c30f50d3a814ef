package wire

import (
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"sync"

	"github.com/slipway-dev/slipway/internal/aws/model"
)

type bound struct {
	info    model.Info
	service Service
	model   func() (*model.Service, error)
	plans   plans
	table   map[string]*bindOp
	routes  func() ([]route, error) // REST
}

// bindOp is an operation of the table; its plan is compiled on first use.
type bindOp struct {
	Operation
	plan func() (*opPlan, error)
}

// opPlan is what the codecs know of an operation.
type opPlan struct {
	op     *model.Operation
	input  *node // nil if the operation takes nothing
	output *node
	rest   *restPlan // REST protocols
}

func bind(s Service) (*bound, error) {
	info, err := model.Lookup(s.Model)
	if err != nil {
		return nil, err
	}
	b := &bound{info: info, service: s, table: make(map[string]*bindOp, len(s.Operations)),
		model: func() (*model.Service, error) { return model.Load(s.Model) }}
	// EC2's Go types are our own, as the SDK's package for it is larger than
	// all others together: they have what is implemented.
	b.plans.partial = b.preferred() == EC2
	for _, op := range s.Operations {
		_, known := slices.BinarySearch(info.OperationNames, op.Name)
		switch {
		case !known:
			return nil, fmt.Errorf("wire: %s has no operation %q", s.Model, op.Name)
		case b.table[op.Name] != nil:
			return nil, fmt.Errorf("wire: %s %s is bound twice", s.Model, op.Name)
		case op.Action == "":
			return nil, fmt.Errorf("wire: %s %s has no IAM action", s.Model, op.Name)
		case op.Call == nil && op.Stream == nil:
			return nil, fmt.Errorf("wire: %s %s has no method", s.Model, op.Name)
		case op.Input == nil || op.Input.Kind() != reflect.Struct:
			return nil, fmt.Errorf("wire: %s %s has no input type", s.Model, op.Name)
		}
		b.table[op.Name] = &bindOp{Operation: op, plan: sync.OnceValues(func() (*opPlan, error) { return b.compile(op) })}
	}
	b.routes = sync.OnceValues(b.compileRoutes)
	return b, nil
}

// compile makes the plan of one operation.
func (b *bound) compile(op Operation) (*opPlan, error) {
	m, err := b.model()
	if err != nil {
		return nil, err
	}
	p := &opPlan{op: m.Operations[op.Name]}
	if p.op == nil {
		return nil, fmt.Errorf("wire: %s has no operation %q", b.info.Name, op.Name)
	}
	if p.op.Input != nil {
		if p.input, err = b.plans.compile(p.op.Input, op.Input); err != nil {
			return nil, fmt.Errorf("wire: %s %s: %w", b.info.Name, op.Name, err)
		}
	}
	if p.op.Output != nil && op.Output != nil {
		if p.output, err = b.plans.compile(p.op.Output, op.Output); err != nil {
			return nil, fmt.Errorf("wire: %s %s: %w", b.info.Name, op.Name, err)
		}
	}
	switch b.preferred() {
	case RESTXML, RESTJSON:
		p.rest = compileREST(p)
	}
	return p, nil
}

func (b *bound) preferred() Protocol {
	if len(b.info.Protocols) == 0 {
		return JSON
	}
	return Protocol(b.info.Protocols[0])
}

// protocol picks among those of the model; CloudWatch alone has several.
func (b *bound) protocol(r *http.Request) Protocol {
	if len(b.info.Protocols) == 1 {
		return Protocol(b.info.Protocols[0])
	}
	switch {
	case isCBOR(r) && slices.Contains(b.info.Protocols, string(CBOR)):
		return CBOR
	case r.Header.Get("X-Amz-Target") != "" && slices.Contains(b.info.Protocols, string(JSON)):
		return JSON
	}
	if slices.Contains(b.info.Protocols, string(Query)) {
		return Query
	}
	return b.preferred()
}

// isCBOR tells whether a request speaks RPC v2 CBOR.
func isCBOR(r *http.Request) bool { return r.Header.Get("Smithy-Protocol") == "rpc-v2-cbor" }

// CBORService is the target prefix of the service in a request's path,
// /service/PREFIX/operation/NAME, "" if r does not speak RPC v2 CBOR.
func CBORService(r *http.Request) string {
	if !isCBOR(r) {
		return ""
	}
	prefix, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/service/"), "/")
	return prefix
}

// cborOperation is the operation in such a path.
func cborOperation(path string) string {
	_, name, _ := strings.Cut(path, "/operation/")
	return name
}

type call struct {
	bound    *bound
	protocol Protocol
	plan     *opPlan
	route    *routeMatch // REST
	form     url.Values  // Query
}

func (b *bound) find(r *http.Request, body []byte) (*Call, error) {
	c := &call{bound: b, protocol: b.protocol(r)}
	var name string
	switch c.protocol {
	case JSON:
		target := r.Header.Get("X-Amz-Target") // some services' names have dots
		name = target[strings.LastIndexByte(target, '.')+1:]
	case CBOR:
		name = cborOperation(r.URL.Path)
	case Query, EC2:
		form, err := parseForm(r, body)
		if err != nil {
			return nil, err
		}
		c.form = form
		name = form.Get("Action")
		if name == "" {
			return nil, &Error{Code: "MissingAction", Message: "The request must contain the parameter Action"}
		}
		if v := form.Get("Version"); v != "" && v != b.info.APIVersion {
			return nil, unknownQuery(name, v)
		}
	default:
		m, err := b.match(r)
		if err != nil {
			return nil, err
		}
		c.route, name = m, m.name
	}
	op := b.table[name]
	if op == nil {
		return nil, b.unknown(name, c.protocol)
	}
	var err error
	if c.plan, err = op.plan(); err != nil {
		return nil, err
	}
	return &Call{Operation: &op.Operation, call: c}, nil
}

func unknownQuery(name, version string) error {
	return &Error{Code: "InvalidAction", Status: http.StatusBadRequest,
		Message: fmt.Sprintf("Could not find operation %s for version %s", clip(name), clip(version))}
}

// unknown is the answer for an operation that does not exist, or not here.
func (b *bound) unknown(name string, p Protocol) error {
	_, known := slices.BinarySearch(b.info.OperationNames, name)
	switch p {
	case Query, EC2:
		return unknownQuery(name, b.info.APIVersion)
	case RESTXML:
		return &Error{Code: "NotImplemented", Status: http.StatusNotImplemented,
			Message: "A header or query you provided implies functionality that is not implemented: " + clip(name)}
	}
	e := &Error{Code: "UnknownOperationException", Status: http.StatusBadRequest}
	switch {
	case known:
		e.Message = fmt.Sprintf("Operation %s is not implemented", name)
	case name == "":
		e.Message = "The request names no operation in X-Amz-Target"
	default:
		e.Message = fmt.Sprintf("Unknown operation %s", clip(name))
	}
	return e
}

// clip bounds what an error repeats of a request.
func clip(s string) string {
	if r := []rune(s); len(r) > 128 {
		return string(r[:128]) + "…"
	}
	return s
}

func (b *bound) operations() []OperationStatus {
	out := make([]OperationStatus, len(b.info.OperationNames))
	for i, name := range b.info.OperationNames {
		out[i].Name = name
		if op := b.table[name]; op != nil {
			out[i].Action, out[i].Implemented = op.Action, true
		}
	}
	return out
}

// Check compiles every operation, as the first call of each would: for tests.
func (b *Bound) Check() error {
	if _, err := b.routes(); err != nil {
		return err
	}
	for _, name := range b.info.OperationNames {
		if op := b.table[name]; op != nil {
			if _, err := op.plan(); err != nil {
				return err
			}
		}
	}
	return nil
}

func (c *call) streaming() bool { return c.plan.rest != nil && c.plan.rest.streamIn }

func (c *call) decode(r *http.Request, body []byte) (any, error) {
	op := c.bound.table[c.plan.op.Name]
	in := reflect.New(op.Input)
	if c.plan.input == nil {
		return in.Interface(), nil
	}
	var err error
	var missing []string
	switch c.protocol {
	case JSON:
		missing, err = decodeJSON(c.plan.input, body, in.Elem())
	case CBOR:
		missing, err = decodeCBOR(c.plan.input, body, in.Elem())
	case Query, EC2:
		err = decodeQuery(c.plan.input, c.form, in.Elem(), c.protocol == EC2)
	default:
		err = c.decodeREST(r, body, in.Elem())
	}
	if err != nil {
		return nil, err
	}
	if v := validate(c.plan.input, in.Elem(), missing); v != nil {
		return nil, c.invalid(*v)
	}
	return in.Interface(), nil
}

// invalid is the error for a broken constraint where the service has none of
// its own.
func (c *call) invalid(v Violation) error {
	if c.bound.service.Invalid != nil {
		if err := c.bound.service.Invalid(v); err != nil {
			return err
		}
	}
	switch c.protocol {
	case Query, EC2:
		return &Error{Code: "ValidationError", Message: v.Message, Status: http.StatusBadRequest}
	case RESTXML:
		return c.invalidS3(v)
	}
	return &Error{Code: "ValidationException", Message: v.Message, Status: http.StatusBadRequest}
}

func (c *call) encode(w http.ResponseWriter, r *http.Request, out any) error {
	v := reflect.ValueOf(out)
	if v.Kind() != reflect.Pointer || v.IsNil() {
		return fmt.Errorf("wire: %s answered nothing", c.plan.op.Name)
	}
	switch c.protocol {
	case JSON:
		return c.encodeJSON(w, r, v.Elem())
	case CBOR:
		return c.encodeCBOR(w, r, v.Elem())
	case Query, EC2:
		return c.encodeQuery(w, r, v.Elem())
	}
	return c.encodeREST(w, r, v.Elem())
}
