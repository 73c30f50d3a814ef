package gateway

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/slipway-dev/slipway/internal/aws/identity"
	"github.com/slipway-dev/slipway/internal/aws/wire"
	"github.com/slipway-dev/slipway/internal/id"
)

// Signed makes a handler, to be mounted, of an operation of our own that no
// model of AWS's has. Callers sign their POST for a service, as for any of its
// operations, and get errors in its protocol. call gets the body, with caller
// and region in its context, and asks for permissions by itself; what it
// returns is written as JSON.
func (g *Gateway) Signed(service string, call func(ctx context.Context, body []byte) (any, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rec := record{id: id.UUID(g.cfg.IDs), service: service}
		r = r.WithContext(identity.WithRequestID(r.Context(), rec.id))
		b := g.routes.named(service)
		out, err := g.callSigned(b, w, r, &rec, call)
		if err != nil {
			if f := b.EncodeError(w, r, translate(b.Protocol(r), err)); f.Internal {
				g.logFailure(r, &rec, err)
			}
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.Header()["x-amzn-RequestId"] = []string{rec.id}
		_ = json.NewEncoder(w).Encode(out)
	})
}

func (g *Gateway) callSigned(b *wire.Bound, w http.ResponseWriter, r *http.Request, rec *record, call func(context.Context, []byte) (any, error)) (any, error) {
	if r.Method != http.MethodPost {
		return nil, &wire.Error{Code: "UnknownOperationException", Message: "Only POST is answered here", Status: http.StatusMethodNotAllowed}
	}
	body, err := readBody(r, maxBody)
	if err != nil {
		return nil, err
	}
	if r, err = g.authenticate(b, r, rec, body); err != nil {
		return nil, err
	}
	return call(r.Context(), body)
}
