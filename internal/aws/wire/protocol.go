package wire

import (
	"cmp"
	"errors"
	"net/http"
)

// Protocol is one of AWS's protocols, spelled as in the models. Errors of
// authentication have different codes in each of them.
type Protocol string

// The protocols that models name.
const (
	JSON     Protocol = "json"      // JSON 1.0 and 1.1: X-Amz-Target
	Query    Protocol = "query"     // form in, XML out
	EC2      Protocol = "ec2"       // Query with flat lists
	RESTXML  Protocol = "rest-xml"  // S3
	RESTJSON Protocol = "rest-json" // Lambda, CodeArtifact

	CBOR Protocol = "smithy-rpc-v2-cbor" // CloudWatch, by newer clients
)

// Bound is a Service bound to its API model: the gateway's view of it. It is
// safe for concurrent use.
//
// A request goes through it in these steps:
//
//	bound, err := wire.Bind(service)          // at wiring, fails for a wrong table
//	call, err := bound.Find(r, body)          // which operation
//	in, err := call.Decode(r, body)           // parse and validate: *CreatePipelineInput
//	… authorize call.Operation.Access(ctx, in) …
//	if call.Operation.Stream != nil {
//		err = call.Operation.Stream(ctx, in, w)
//	} else if out, err = call.Operation.Call(ctx, in); err == nil {
//		err = call.Encode(w, r, out)
//	}
//	… any err: bound.EncodeError(w, r, err) …
//
// The context of r must carry the request id (identity.WithRequestID): it goes
// into every answer's headers and where the protocol wants it into the body.
type Bound struct {
	*bound
}

// Bind binds a service to its model. It fails if the model does not exist, an
// operation is not in it or is there twice, or an IAM action is empty. Whether
// the Go types fit their shapes shows at an operation's first call: start stays
// fast. Check asks for all at once.
func Bind(s Service) (*Bound, error) {
	b, err := bind(s)
	if err != nil {
		return nil, err
	}
	return &Bound{b}, nil
}

// Name is the model's name, e.g. "cloudwatchlogs".
func (b *Bound) Name() string { return b.info.Name }

// SigningName is the service in the credential scope, e.g. "logs".
func (b *Bound) SigningName() string { return b.info.SigningName }

// TargetPrefix is what X-Amz-Target has before the dot, e.g. "Logs_20140328";
// "" for protocols without it.
func (b *Bound) TargetPrefix() string { return b.info.TargetPrefix }

// APIVersion is the version Query requests name, e.g. "2010-05-08".
func (b *Bound) APIVersion() string { return b.info.APIVersion }

// MaxBody is the most bytes of a request's body that the service takes, usual
// if it says nothing.
func (b *Bound) MaxBody(usual int64) int64 { return cmp.Or(b.service.MaxBody, usual) }

// Denied is the service's own code for a caller without permission, or usual.
func (b *Bound) Denied(usual string) string { return cmp.Or(b.service.Denied, usual) }

// Protocol is the one in which r speaks. Most services have only one.
func (b *Bound) Protocol(r *http.Request) Protocol { return b.protocol(r) }

// Buffered tells whether bodies of r must be read before Find and handed to it:
// true for JSON and Query, whose bodies are small and (Query) name the
// operation; false for REST, whose bodies may be streams. For REST, see
// Call.Streaming.
func (b *Bound) Buffered(r *http.Request) bool {
	p := b.protocol(r)
	return p == JSON || p == Query || p == EC2 || p == CBOR
}

// Find tells which operation r asks for. body is the request's body where
// Buffered says so, else nil. The error, for EncodeError, is the protocol's
// unknown-operation error and names the operation: also where the model has the
// operation but the service's table does not.
func (b *Bound) Find(r *http.Request, body []byte) (*Call, error) { return b.find(r, body) }

// Operations lists every operation of the model in alphabetical order, and
// whether the service's table has it: for documentation.
func (b *Bound) Operations() []OperationStatus { return b.operations() }

// OperationStatus says whether an operation of a model exists here.
type OperationStatus struct {
	Name        string
	Action      string // IAM action; "" if not implemented
	Implemented bool
}

// Call is one request's operation.
type Call struct {
	Operation *Operation
	*call
}

// Streaming tells whether the operation's input has a streaming body (S3's
// PutObject, UploadPart): then r.Body goes to the operation unread, and
// the service closes nothing. Otherwise the body may be read into memory first
// (up to the gateway's limit) and given to Decode.
func (c *Call) Streaming() bool { return c.streaming() }

// Decode makes the operation's input, a pointer to Operation.Input, of the
// request and validates it by the model. If body is nil and the protocol is
// REST, the body is read from r.Body (at most 8 MiB unless Streaming). Errors
// are for EncodeError: SerializationException, ValidationException or what
// Service.Invalid makes of it, and their like in other protocols.
func (c *Call) Decode(r *http.Request, body []byte) (any, error) { return c.decode(r, body) }

// Encode writes the answer of a successful operation: headers, status, body.
// out is what Operation.Call returned. It closes a streaming body. If the
// answer broke off after its first byte the error is ErrBroken: end the
// connection (panic(http.ErrAbortHandler)). Before that, EncodeError can answer.
func (c *Call) Encode(w http.ResponseWriter, r *http.Request, out any) error {
	return c.encode(w, r, out)
}

// EncodeError answers r with err: a modelled exception of the SDK's types, an
// *Error, or anything else, which becomes the protocol's internal error without
// its text. The caller logs err if Failure.Internal.
func (b *Bound) EncodeError(w http.ResponseWriter, r *http.Request, err error) Failure {
	return b.encodeError(w, r, err)
}

// ErrBroken marks an answer that ended before its end.
var ErrBroken = errors.New("answer broke off")

// Failure is what a client was told.
type Failure struct {
	Status   int
	Code     string
	Internal bool // the error was none that clients may read
}

// EncodeError answers a request for which no service was found, in the protocol
// the request seems to speak: JSON with X-Amz-Target, Query with a form, else
// S3's XML.
func EncodeError(w http.ResponseWriter, r *http.Request, err error) Failure {
	return encodeUnbound(w, r, GuessProtocol(r), err)
}

// EncodeErrorIn is EncodeError where the protocol is known though the service
// is not there.
func EncodeErrorIn(w http.ResponseWriter, r *http.Request, p Protocol, err error) Failure {
	return encodeUnbound(w, r, p, err)
}
