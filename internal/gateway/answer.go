package gateway

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/slipway-dev/slipway/internal/aws/identity"
	"github.com/slipway-dev/slipway/internal/aws/sigv4"
	"github.com/slipway-dev/slipway/internal/aws/wire"
)

// answer takes a request through all its steps. Whatever fails is told in the
// service's protocol.
func (g *Gateway) answer(w *tracker, r *http.Request, rec *record) {
	r = r.WithContext(identity.WithRequestID(r.Context(), rec.id))
	w.Header().Set("Date", g.cfg.Clock.Now().UTC().Format(http.TimeFormat))
	if len(r.RequestURI) > maxURI {
		rec.code = wire.EncodeError(w, r, &wire.Error{Code: "RequestURITooLong", Status: http.StatusRequestURITooLong,
			Message: "The request's URI is too long."}).Code
		return
	}
	b, err := g.routes.find(r)
	if err != nil {
		rec.code = wire.EncodeErrorIn(w, r, spoken(r), err).Code
		return
	}
	rec.service = b.Name()
	err = g.call(b, w, r, rec)
	switch {
	case err == nil:
	case errors.Is(err, wire.ErrBroken):
		panic(http.ErrAbortHandler)
	case w.status != 0: // a stream that failed after its beginning
		g.logFailure(r, rec, err)
		panic(http.ErrAbortHandler)
	default:
		f := b.EncodeError(w, r, err)
		rec.code = f.Code
		if f.Internal {
			g.logFailure(r, rec, err)
		}
	}
}

func (g *Gateway) logFailure(r *http.Request, rec *record, err error) {
	if r.Context().Err() != nil {
		return // the client has gone
	}
	g.cfg.Log.Error("request failed", "id", rec.id, "service", rec.service, "operation", rec.operation, "err", err)
}

func (g *Gateway) call(b *wire.Bound, w *tracker, r *http.Request, rec *record) error {
	var body []byte
	s3 := b.Protocol(r) == wire.RESTXML
	if !s3 {
		var err error
		if body, err = readBody(r, b.MaxBody(maxBody)); err != nil {
			return oversized(b, r, err)
		}
	}
	signed, err := g.authenticate(b, r, rec, body)
	if err != nil {
		// Some operations need no signature. That one of them is not here must not
		// look like a forgotten key.
		if b.Buffered(r) && !sigv4.Signed(r) {
			call, unknown := b.Find(r, body)
			if unknown != nil {
				return unknown
			}
			if call.Operation.Unsigned {
				rec.operation = call.Operation.Name
				in, err := call.Decode(r, body)
				if err != nil {
					return err
				}
				out, err := call.Operation.Call(r.Context(), in)
				if err != nil {
					return err
				}
				return call.Encode(w, r, out)
			}
		}
		return err
	}
	r = signed
	if body, err = inflate(r, body); err != nil {
		return err
	}
	call, err := b.Find(r, body)
	if err != nil {
		return err
	}
	rec.operation = call.Operation.Name
	if !s3 && !b.Buffered(r) {
		r.Body = io.NopCloser(bytes.NewReader(body))
	}
	if s3 && !call.Streaming() {
		// Read it to the end here: only there the payload's hash is known.
		if body, err = readBody(r, maxBody); err != nil {
			return err
		}
		if body == nil {
			body = []byte{}
		}
		if err := checkDigests(r, body); err != nil {
			return err
		}
	}
	in, err := call.Decode(r, body)
	if err != nil {
		return err
	}
	ctx := r.Context()
	if err := g.authorize(ctx, call.Operation, in); err != nil {
		err = translate(b.Protocol(r), err)
		if told := new(wire.Error); errors.As(err, &told) {
			named := *told
			named.Code = b.Denied(told.Code)
			return &named
		}
		return err
	}
	if call.Operation.Stream != nil {
		return call.Operation.Stream(ctx, in, w)
	}
	out, err := call.Operation.Call(ctx, in)
	if err != nil {
		return err
	}
	return call.Encode(w, r, out)
}

// noPermission marks operations that everyone with a key may call.
const noPermission = "-"

func (g *Gateway) authorize(ctx context.Context, op *wire.Operation, in any) error {
	if op.Action == noPermission {
		return nil
	}
	var checks []wire.Access
	if op.Access != nil {
		checks = op.Access(ctx, in)
	}
	if len(checks) == 0 {
		checks = []wire.Access{{}}
	}
	for i := range checks {
		if checks[i].Action == "" {
			checks[i].Action = op.Action
		}
		if checks[i].Resource == "" {
			checks[i].Resource = "*"
		}
	}
	return g.cfg.Auth.Authorize(ctx, checks...)
}

// tooLarge is the answer to a body of more than limit bytes.
func tooLarge(limit int64) error {
	return &wire.Error{Code: "RequestEntityTooLarge", Status: http.StatusRequestEntityTooLarge,
		Message: fmt.Sprintf("The request's body is larger than %d bytes.", limit)}
}

// oversized is tooLarge in the words of REST-JSON, which are Lambda's.
func oversized(b *wire.Bound, r *http.Request, err error) error {
	var told *wire.Error
	if b.Protocol(r) != wire.RESTJSON || !errors.As(err, &told) || told.Status != http.StatusRequestEntityTooLarge {
		return err
	}
	call, unknown := b.Find(r, nil)
	if unknown != nil {
		return unknown
	}
	return &wire.Error{Code: "RequestEntityTooLargeException", Status: told.Status,
		Message: fmt.Sprintf("Request must be smaller than %d bytes for the %s operation", b.MaxBody(maxBody), call.Operation.Name)}
}

// readBody reads a body that must fit into memory.
func readBody(r *http.Request, limit int64) ([]byte, error) {
	if r.Body == nil || r.Body == http.NoBody {
		return nil, nil
	}
	if r.ContentLength > limit {
		return nil, tooLarge(limit)
	}
	var buf bytes.Buffer
	if r.ContentLength > 0 {
		buf.Grow(int(r.ContentLength) + bytes.MinRead) // so that it never grows
	}
	n, err := buf.ReadFrom(io.LimitReader(r.Body, limit+1))
	var told *wire.Error
	switch {
	case errors.As(err, &told):
		return nil, err // of the reader that checks signatures
	case err != nil:
		return nil, &wire.Error{Code: "IncompleteBody", Status: http.StatusBadRequest,
			Message: "The request's body ended before its Content-Length."}
	case n > limit:
		return nil, tooLarge(limit)
	}
	return buf.Bytes(), nil
}

// inflate undoes Content-Encoding: gzip, which the signature covers as sent.
func inflate(r *http.Request, body []byte) ([]byte, error) {
	if body == nil || !strings.EqualFold(r.Header.Get("Content-Encoding"), "gzip") {
		return body, nil
	}
	broken := &wire.Error{Code: "SerializationException", Status: http.StatusBadRequest,
		Message: "The request's body is not well-formed gzip."}
	z, err := gzip.NewReader(bytes.NewReader(body))
	if err != nil {
		return nil, broken
	}
	plain, err := io.ReadAll(io.LimitReader(z, maxBody+1))
	switch {
	case err != nil:
		return nil, broken
	case len(plain) > maxBody:
		return nil, tooLarge(maxBody)
	}
	return plain, nil
}
