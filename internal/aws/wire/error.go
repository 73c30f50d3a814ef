package wire

import (
	"context"
	"errors"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"syscall"

	"github.com/aws/smithy-go"
	"github.com/slipway-dev/slipway/internal/aws/identity"
	"github.com/slipway-dev/slipway/internal/aws/model"
)

// fault is an error ready to be written in any protocol.
type fault struct {
	code     string
	message  string
	status   int
	fields   map[string]string
	header   http.Header
	node     *node         // of a modelled exception, else nil
	value    reflect.Value // its struct
	shape    *model.Shape  // of a modelled error, else nil
	internal bool
}

func (f *fault) failure() Failure {
	return Failure{Status: f.status, Code: f.code, Internal: f.internal}
}

// resolve makes a fault of any error. p says how codes are spelled.
func (b *bound) resolve(err error, p Protocol) *fault {
	var own *Error
	var call *smithy.OperationError
	var api smithy.APIError
	switch {
	case errors.Is(err, syscall.ENOSPC):
		return fullFault(p)
	case errors.As(err, &own):
		f := &fault{code: own.Code, message: own.Message, status: own.Status, fields: own.Fields, header: own.Header}
		if m, merr := b.model(); merr == nil {
			f.shape = errorShape(m, own.Code)
		}
		if f.status == 0 {
			f.status = statusOf(p, f.shape, f.code)
		}
		return f
	case errors.As(err, &call):
		// What another service answered to us is no answer of ours: it would
		// tell the caller of calls that are not theirs.
	case errors.As(err, &api):
		if f := b.modelled(api, p); f != nil {
			return f
		}
	}
	return internalFault(p)
}

func (b *bound) modelled(api smithy.APIError, p Protocol) *fault {
	if generic, ok := api.(*smithy.GenericAPIError); ok {
		f := &fault{code: generic.Code, message: generic.Message, status: http.StatusBadRequest}
		if generic.Fault == smithy.FaultServer {
			f.status = http.StatusInternalServerError
		}
		return f
	}
	m, err := b.model()
	if err != nil {
		return nil
	}
	v := reflect.ValueOf(api)
	if v.Kind() != reflect.Pointer || v.IsNil() || v.Elem().Kind() != reflect.Struct {
		return nil
	}
	t := v.Elem().Type()
	if !strings.HasSuffix(t.PkgPath(), "/service/"+b.info.Name+"/types") {
		return nil
	}
	s := m.Shapes[t.Name()]
	if s == nil || !s.Exception { // S3's NotFound is only in the SDK
		code := api.ErrorCode()
		return &fault{code: code, message: api.ErrorMessage(), status: statusOf(p, nil, code)}
	}
	n, err := b.plans.compile(s, t)
	if err != nil {
		return nil
	}
	f := &fault{code: s.Name, message: api.ErrorMessage(), status: statusOf(p, s, s.Name), node: n, value: v.Elem(), shape: s}
	if p != JSON && p != RESTJSON && p != CBOR && s.ErrorCode != "" {
		f.code = s.ErrorCode
	}
	return f
}

func errorShape(m *model.Service, code string) *model.Shape {
	if s := m.Shapes[code]; s != nil && s.Exception {
		return s
	}
	for _, s := range m.Shapes {
		if s.Exception && s.ErrorCode == code {
			return s
		}
	}
	return nil
}

// statusOf is the HTTP status of an error: the model's, else S3's own, else what
// the code stands for in this protocol. JSON 1.x answers 400 even to strangers.
func statusOf(p Protocol, s *model.Shape, code string) int {
	if s != nil && s.ErrorStatus != 0 {
		return s.ErrorStatus
	}
	if p == RESTXML {
		for status, codes := range s3Statuses {
			if slices.Contains(codes, code) {
				return status
			}
		}
		return http.StatusBadRequest
	}
	switch {
	case s != nil && s.Fault, code == "InternalFailure", code == "InternalServerException":
		return http.StatusInternalServerError
	case code == "ServiceUnavailable" || code == "ServiceUnavailableException":
		return http.StatusServiceUnavailable
	case p != JSON && p != CBOR && slices.Contains(forbidden, strings.TrimSuffix(code, "Exception")):
		return http.StatusForbidden
	}
	return http.StatusBadRequest
}

var forbidden = []string{"AccessDenied", "ExpiredToken", "IncompleteSignature", "InvalidClientTokenId",
	"InvalidSignature", "MissingAuthenticationToken", "OptInRequired", "SignatureDoesNotMatch",
	"UnauthorizedOperation", "UnrecognizedClient"}

// internalFault says nothing: what went wrong is for the log.
func internalFault(p Protocol) *fault {
	f := &fault{code: "InternalFailure", status: http.StatusInternalServerError, internal: true,
		message: "The request processing has failed because of an unknown error, exception or failure."}
	if p == RESTXML {
		f.code, f.message = "InternalError", "We encountered an internal error. Please try again."
	}
	return f
}

// fullFault is of a full disk, which stores wrap as syscall.ENOSPC. Unlike
// other internal errors it says what it is, since whoever calls may well be who
// can make room.
func fullFault(p Protocol) *fault {
	f := &fault{code: "ServiceUnavailable", status: http.StatusServiceUnavailable, internal: true,
		message: "There is no space left on the disk that keeps the data. Nothing was changed; try again when there is room."}
	switch p {
	case JSON, RESTJSON, CBOR:
		f.code = "ServiceUnavailableException"
	case RESTXML:
		f.code, f.status = "InsufficientStorage", http.StatusInsufficientStorage
	}
	return f
}

func (b *bound) encodeError(w http.ResponseWriter, r *http.Request, err error) Failure {
	p := b.protocol(r)
	f := b.resolve(err, p)
	writeFault(w, r, p, &b.info, f)
	return f.failure()
}

func encodeUnbound(w http.ResponseWriter, r *http.Request, p Protocol, err error) Failure {
	b := &bound{model: func() (*model.Service, error) { return nil, errNoService }}
	b.info.JSONVersion = "1.1"
	if strings.HasSuffix(r.Header.Get("Content-Type"), "1.0") {
		b.info.JSONVersion = "1.0"
	}
	f := b.resolve(err, p)
	writeFault(w, r, p, &b.info, f)
	return f.failure()
}

var errNoService = errors.New("no service")

// GuessProtocol is the protocol a request seems to speak, where no service is
// known to ask.
func GuessProtocol(r *http.Request) Protocol {
	ct := r.Header.Get("Content-Type")
	switch {
	case isCBOR(r):
		return CBOR
	case r.Header.Get("X-Amz-Target") != "" || strings.HasPrefix(ct, "application/x-amz-json"):
		return JSON
	case strings.HasPrefix(ct, formType) || r.URL.Query().Has("Action"):
		return Query
	case strings.HasPrefix(ct, "application/json"):
		return RESTJSON
	}
	return RESTXML
}

func writeFault(w http.ResponseWriter, r *http.Request, p Protocol, info *model.Info, f *fault) {
	h := w.Header()
	for k, v := range f.header {
		h[k] = v
	}
	setRequestID(r.Context(), h, p)
	if info.QueryCompat {
		f.queryHeader(h)
	}
	switch p {
	case CBOR:
		writeCBORFault(w, f)
	case JSON, RESTJSON:
		writeJSONFault(w, p, info, f)
	case Query, EC2:
		writeQueryFault(w, r, p, info, f)
	case RESTXML:
		writeS3Fault(w, r, f)
	}
}

// queryHeader tells clients of a service that once spoke Query only how the
// error is called there: they go on by that name.
func (f *fault) queryHeader(h http.Header) {
	code := f.code
	switch {
	case f.shape != nil && f.shape.ErrorCode != "":
		code = f.shape.ErrorCode
	case code == "ValidationException":
		code = "ValidationError"
	}
	blame := "Sender"
	if f.status >= http.StatusInternalServerError {
		blame = "Receiver"
	}
	h["x-amzn-query-error"] = []string{code + ";" + blame}
}

func setRequestID(ctx context.Context, h http.Header, p Protocol) {
	id := identity.RequestID(ctx)
	if id == "" {
		return
	}
	if p == RESTXML {
		h.Set("X-Amz-Request-Id", id)
		h.Set("X-Amz-Id-2", hostID(id))
		return
	}
	// AWS's spelling; Go's would be X-Amzn-Requestid.
	h["x-amzn-RequestId"] = []string{id}
}
