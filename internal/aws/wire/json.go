package wire

import (
	"encoding/json"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/slipway-dev/slipway/internal/aws/model"
)

// buffers are reused by answers. Large ones are left to the collector.
var buffers = sync.Pool{New: func() any { b := make([]byte, 0, 4096); return &b }}

const maxPooled = 1 << 20

// answer writes what build appends.
func answer(w http.ResponseWriter, status int, contentType []string, build func([]byte) ([]byte, error)) error {
	p := buffers.Get().(*[]byte)
	b, err := build((*p)[:0])
	if err == nil {
		h := w.Header()
		if len(contentType) > 0 {
			h["Content-Type"] = contentType
		}
		h["Content-Length"] = []string{strconv.Itoa(len(b))}
		w.WriteHeader(status)
		if _, werr := w.Write(b); werr != nil {
			err = ErrBroken
		}
	}
	if cap(b) <= maxPooled {
		*p = b
		buffers.Put(p)
	}
	return err
}

// The values of Content-Type, shared: handlers do not change them.
var (
	json10   = []string{"application/x-amz-json-1.0"}
	json11   = []string{"application/x-amz-json-1.1"}
	jsonREST = []string{"application/json"}
	xmlQuery = []string{"text/xml"}
	xmlREST  = []string{"application/xml"}
)

func jsonType(info *model.Info, p Protocol) []string {
	switch {
	case p == RESTJSON:
		return jsonREST
	case info.JSONVersion == "1.0":
		return json10
	}
	return json11
}

func (c *call) encodeJSON(w http.ResponseWriter, r *http.Request, v reflect.Value) error {
	setRequestID(r.Context(), w.Header(), JSON)
	return answer(w, http.StatusOK, jsonType(&c.bound.info, JSON), func(b []byte) ([]byte, error) {
		if c.plan.output == nil {
			return append(b, "{}"...), nil
		}
		return appendJSON(b, c.plan.output, v, nil)
	})
}

// writeJSONFault writes {"__type":CODE,"message":TEXT, modelled members}.
func writeJSONFault(w http.ResponseWriter, p Protocol, info *model.Info, f *fault) {
	w.Header()["x-amzn-ErrorType"] = []string{f.code}
	_ = answer(w, f.status, jsonType(info, p), func(b []byte) ([]byte, error) {
		return f.appendJSON(b), nil
	})
}

func (f *fault) appendJSON(b []byte) []byte {
	b = append(b, `{"__type":`...)
	b = appendJSONString(b, f.code)
	b = append(b, ',')
	b = append(appendJSONString(b, f.messageName()), ':')
	b = appendJSONString(b, f.message)
	if f.node != nil {
		body := []byte{','}
		isOther := func(m *model.Member) bool { return strings.EqualFold(m.Name, "message") || m.Location != "" }
		body, err := appendJSONFields(body, f.node, f.value, isOther)
		if err == nil && len(body) > 1 {
			b = append(b, body...)
		}
	}
	keys := make([]string, 0, len(f.fields))
	for k := range f.fields {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	for _, k := range keys {
		v, _ := json.Marshal(f.fields[k])
		b = append(append(appendJSONString(append(b, ','), k), ':'), v...)
	}
	return append(b, '}')
}

// messageName is how the exception spells its message.
func (f *fault) messageName() string {
	if f.shape != nil {
		for _, m := range f.shape.Members {
			if strings.EqualFold(m.Name, "message") {
				return m.Wire()
			}
		}
	}
	return "message"
}
