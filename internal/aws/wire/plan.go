package wire

import (
	"fmt"
	"io"
	"reflect"
	"sync"
	"time"

	"github.com/slipway-dev/slipway/internal/aws/model"
)

// A node says how values of one shape live in one Go type. Nodes are compiled
// once per operation and shared; codecs and the validator walk them, so that no
// request looks a field up by name.
type node struct {
	shape *model.Shape
	typ   reflect.Type // the Go type, without the pointer
	ptr   bool         // the Go value is a *typ
	hold  holder

	fields   []field         // structure
	byName   map[string]int  // structure: JSON and XML name → index of fields
	plain    []int           // structure: required fields whose absence their Go type can not show
	absent   []*model.Member // structure: members that the Go type does not have; see plans.partial
	elem     *node           // list and map
	key      *node           // map
	variants []variant       // union
	doc      func(any) any   // document: wraps a decoded value

	checks []check // by the validator; see validate.go
	deep   bool    // here or below something is checked
	marked bool    // deep is known
}

// holder is what Go type holds a value.
type holder uint8

const (
	holdStruct holder = iota
	holdUnion
	holdDocument
	holdList
	holdStrings // []string
	holdMap
	holdStringMap // map[string]string
	holdString
	holdInt // int32, int64
	holdFloat
	holdBool
	holdTime
	holdBytes
	holdReader // streaming body
	holdEvents // event stream: not part of the Go type
)

type field struct {
	member *model.Member
	index  int
	key    []byte // `"name":`
	node   *node
}

type variant struct {
	member *model.Member
	typ    reflect.Type // struct with the field Value; its pointer implements the union
	node   *node
	key    []byte
}

var (
	timeType      = reflect.TypeFor[time.Time]()
	bytesType     = reflect.TypeFor[[]byte]()
	readerType    = reflect.TypeFor[io.Reader]()
	readCloseType = reflect.TypeFor[io.ReadCloser]()
	stringsType   = reflect.TypeFor[[]string]()
	stringMapType = reflect.TypeFor[map[string]string]()
)

type nodeKey struct {
	shape *model.Shape
	typ   reflect.Type
}

// plans compiles nodes and keeps them; one per bound service.
type plans struct {
	mu    sync.Mutex
	nodes map[nodeKey]*node
	// partial: Go types may lack members of their shapes. A request that has
	// one of those is refused.
	partial bool
}

// compile returns the node of a shape in a Go type.
func (p *plans) compile(s *model.Shape, t reflect.Type) (*node, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.nodes == nil {
		p.nodes = map[nodeKey]*node{}
	}
	n, err := p.node(s, t)
	if err != nil {
		return nil, err
	}
	markDeep(n)
	return n, nil
}

func (p *plans) node(s *model.Shape, t reflect.Type) (*node, error) {
	key := nodeKey{s, t}
	if n := p.nodes[key]; n != nil {
		return n, nil
	}
	n := &node{shape: s, typ: t}
	if t.Kind() == reflect.Pointer {
		n.ptr, n.typ = true, t.Elem()
	}
	p.nodes[key] = n
	if err := p.fill(n); err != nil {
		delete(p.nodes, key)
		return nil, err
	}
	n.checks = checksOf(s)
	return n, nil
}

func (p *plans) fill(n *node) error {
	kind := n.typ.Kind()
	fits := true
	switch n.shape.Kind {
	case model.Structure:
		switch {
		case kind == reflect.Interface:
			return p.union(n)
		case kind == reflect.Struct:
			return p.structure(n)
		}
		fits = false
	case model.Document:
		n.hold, n.doc = holdDocument, documents[n.typ]
		fits = n.doc != nil
	case model.List:
		if kind != reflect.Slice {
			fits = false
			break
		}
		n.hold = holdList
		if n.typ == stringsType {
			n.hold = holdStrings
		}
		return p.element(n, n.shape.Element)
	case model.Map:
		if kind != reflect.Map || n.typ.Key().Kind() != reflect.String {
			fits = false
			break
		}
		n.hold = holdMap
		if n.typ == stringMapType {
			n.hold = holdStringMap
		}
		if err := p.element(n, n.shape.Value); err != nil {
			return err
		}
		var err error
		n.key, err = p.node(n.shape.Key.Shape, n.typ.Key())
		return err
	case model.String:
		n.hold, fits = holdString, kind == reflect.String
		if n.typ == timeType { // S3's Expires: the SDK made it a time
			n.hold, fits = holdTime, true
		}
	case model.Integer, model.Long:
		n.hold, fits = holdInt, kind == reflect.Int32 || kind == reflect.Int64
		if kind == reflect.String { // S3's PartNumberMarker: the SDK made it a string
			n.hold, fits = holdString, true
		}
	case model.Float, model.Double:
		n.hold, fits = holdFloat, kind == reflect.Float32 || kind == reflect.Float64
	case model.Boolean:
		n.hold, fits = holdBool, kind == reflect.Bool
	case model.Timestamp:
		n.hold, fits = holdTime, n.typ == timeType
	case model.Blob:
		n.hold, fits = holdBytes, n.typ == bytesType
		if n.typ == readerType || n.typ == readCloseType {
			n.hold, fits = holdReader, true
		}
	}
	if !fits {
		return fmt.Errorf("%s does not fit shape %s", n.typ, n.shape.Name)
	}
	return nil
}

func (p *plans) element(n *node, m *model.Member) (err error) {
	n.elem, err = p.node(m.Shape, n.typ.Elem())
	return err
}

func (p *plans) structure(n *node) error {
	n.hold = holdStruct
	n.byName = make(map[string]int, len(n.shape.Members))
	for _, m := range n.shape.Members {
		if m.Shape.EventStream {
			continue // the SDK keeps it beside the struct
		}
		f, ok := n.typ.FieldByName(goName(m.Name))
		if !ok && p.partial {
			n.absent = append(n.absent, m)
			continue
		}
		if !ok || len(f.Index) != 1 {
			return fmt.Errorf("%s has no field for %s of shape %s", n.typ, m.Name, n.shape.Name)
		}
		child, err := p.node(m.Shape, f.Type)
		if err != nil {
			return fmt.Errorf("%s.%s: %w", n.typ, f.Name, err)
		}
		n.byName[m.Wire()] = len(n.fields)
		if m.Required && child.number() {
			n.plain = append(n.plain, len(n.fields))
		}
		n.fields = append(n.fields, field{member: m, index: f.Index[0], node: child, key: jsonKey(m)})
	}
	for i := 0; p.partial && i < n.typ.NumField(); i++ {
		if name := n.typ.Field(i).Name; n.shape.Member(name) == nil {
			return fmt.Errorf("%s has the field %s, which shape %s does not have", n.typ, name, n.shape.Name)
		}
	}
	return nil
}

func (p *plans) union(n *node) error {
	n.hold = holdUnion
	n.byName = make(map[string]int, len(n.shape.Members))
	structs := unions[n.typ]
	if structs == nil {
		return fmt.Errorf("union %s is not in the registry", n.typ)
	}
	for _, m := range n.shape.Members {
		t, ok := structs[goName(m.Name)]
		if !ok {
			return fmt.Errorf("union %s has no variant for %s", n.typ, m.Name)
		}
		child, err := p.node(m.Shape, t.Field(0).Type)
		if err != nil {
			return fmt.Errorf("%s: %w", t, err)
		}
		n.byName[m.Wire()] = len(n.variants)
		n.variants = append(n.variants, variant{member: m, typ: t, node: child, key: jsonKey(m)})
	}
	return nil
}

// number tells whether the Go type is a number or boolean without a pointer,
// whose zero may mean that there is none.
func (n *node) number() bool {
	return !n.ptr && (n.hold == holdInt || n.hold == holdFloat || n.hold == holdBool)
}

// goName is the SDK's name of a member. A field named String would hide the
// method of fmt.Stringer; CodeDeploy has one.
func goName(member string) string {
	if member == "string" {
		return "String_"
	}
	if c := member[0]; c >= 'a' && c <= 'z' {
		return string(c-'a'+'A') + member[1:]
	}
	return member
}

func jsonKey(m *model.Member) []byte {
	return append(appendJSONString(nil, m.Wire()), ':')
}

// set returns the place of a value in v, allocating the pointer before it.
func (n *node) set(v reflect.Value) reflect.Value {
	if !n.ptr {
		return v
	}
	if v.IsNil() {
		v.Set(reflect.New(n.typ))
	}
	return v.Elem()
}

// get returns the value in v, and whether there is one. Numbers and booleans
// without a pointer always are: the SDK gives them a default.
func (n *node) get(v reflect.Value) (reflect.Value, bool) {
	if n.ptr {
		if v.IsNil() {
			return v, false
		}
		return v.Elem(), true
	}
	switch n.hold {
	case holdList, holdStrings, holdMap, holdStringMap, holdUnion, holdDocument, holdBytes, holdReader:
		return v, !v.IsNil()
	case holdString:
		return v, v.Len() > 0
	case holdTime:
		return v, !timeOf(v).IsZero()
	}
	return v, true
}
