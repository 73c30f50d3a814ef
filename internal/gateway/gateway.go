// Package gateway is the one door of Slipway. It finds the service a request
// is for, verifies its signature, asks for the caller's permissions, and lets
// the service's API model turn the request into a call and the answer into
// bytes. Registry, git server, console and metrics are mounted beside it under
// paths of their own and authenticate by themselves.
package gateway

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/slipway-dev/slipway/internal/aws/auth"
	"github.com/slipway-dev/slipway/internal/aws/identity"
	"github.com/slipway-dev/slipway/internal/aws/sigv4"
	"github.com/slipway-dev/slipway/internal/aws/wire"
	"github.com/slipway-dev/slipway/internal/clock"
	"github.com/slipway-dev/slipway/internal/id"
)

// Limits of requests.
const (
	maxBody = 16 << 20 // bytes, also after decompression; S3's objects excepted
	maxURI  = 16 << 10
)

// Config is what a gateway needs; all members but Metrics are required.
type Config struct {
	Keys    auth.Keys
	Auth    auth.Authorizer
	Clock   clock.Clock
	IDs     id.Source
	Log     *slog.Logger
	Metrics prometheus.Registerer
}

// Gateway is an http.Handler. Register and Mount come before the first request.
type Gateway struct {
	cfg      Config
	routes   routes
	mounts   []mount
	signing  sigv4.Keys
	requests *prometheus.CounterVec
}

type mount struct {
	prefix  string
	handler http.Handler
}

// New returns a gateway without services.
func New(cfg Config) *Gateway {
	g := &Gateway{cfg: cfg, routes: newRoutes()}
	g.requests = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "slipway_requests_total",
		Help: "Answered API requests by service, operation and error code (empty for success).",
	}, []string{"service", "operation", "code"})
	if cfg.Metrics != nil {
		cfg.Metrics.MustRegister(g.requests)
	}
	return g
}

// Register adds a service. Operations without an IAM action, or that its model
// does not have, are refused.
func (g *Gateway) Register(s wire.Service) error {
	b, err := wire.Bind(s)
	if err != nil {
		return fmt.Errorf("gateway: service %s: %w", s.Model, err)
	}
	return g.routes.add(b)
}

// Services lists what is registered, in the order it came.
func (g *Gateway) Services() []*wire.Bound { return g.routes.all }

// Mount gives every request whose path begins with prefix to h, before any
// AWS service is considered. The longest prefix wins.
func (g *Gateway) Mount(prefix string, h http.Handler) {
	g.mounts = append(g.mounts, mount{prefix, h})
}

func (g *Gateway) mounted(path string) http.Handler {
	best := mount{}
	for _, m := range g.mounts {
		if len(m.prefix) > len(best.prefix) && (strings.HasPrefix(path, m.prefix) || path+"/" == m.prefix) {
			best = m
		}
	}
	return best.handler
}

// ServeHTTP implements http.Handler.
func (g *Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	rec := record{start: g.cfg.Clock.Now(), id: id.UUID(g.cfg.IDs)}
	out := &tracker{ResponseWriter: w}
	defer g.recover(out, r, &rec)

	// A bucket may have a name like v2 when it is part of the host name, and
	// a signed S3 request may be for a bucket that is called like a mount; only
	// names that S3 allows in neither way are mounted, except these two.
	if _, virtual := wire.VirtualHostBucket(r.Host); !virtual && !signedFor(r, "s3") {
		if h := g.mounted(r.URL.Path); h != nil {
			h.ServeHTTP(out, r)
			g.log(r, out, &rec)
			return
		}
	}
	g.answer(out, r, &rec)
	g.log(r, out, &rec)
}

// signedFor tells whether r's signature is for a service.
func signedFor(r *http.Request, service string) bool {
	return sigv4.Signed(r) && sigv4.Service(r) == service
}

// record is what is logged of a request.
type record struct {
	start     time.Time
	id        string
	service   string
	operation string
	code      string
	caller    *identity.Caller
}

func (g *Gateway) log(r *http.Request, w *tracker, rec *record) {
	if rec.service != "" {
		g.requests.WithLabelValues(rec.service, rec.operation, rec.code).Inc()
	}
	ctx := r.Context()
	if !g.cfg.Log.Enabled(ctx, slog.LevelDebug) {
		return
	}
	who := ""
	if rec.caller != nil {
		who = rec.caller.ARN
	}
	// Never the query: presigned URLs are secrets.
	g.cfg.Log.DebugContext(ctx, "request", "id", rec.id, "method", r.Method, "path", r.URL.Path,
		"service", rec.service, "operation", rec.operation, "caller", who,
		"status", w.status, "code", rec.code, "took", g.cfg.Clock.Now().Sub(rec.start))
}

// recover answers a panic with the protocol's internal error, without its text.
func (g *Gateway) recover(w *tracker, r *http.Request, rec *record) {
	v := recover()
	if v == nil {
		return
	}
	if err, ok := v.(error); ok && errors.Is(err, http.ErrAbortHandler) {
		panic(v)
	}
	g.cfg.Log.Error("panic", "id", rec.id, "service", rec.service, "operation", rec.operation,
		"panic", fmt.Sprint(v), "stack", string(debug.Stack()))
	if w.status != 0 {
		panic(http.ErrAbortHandler)
	}
	r = r.WithContext(identity.WithRequestID(r.Context(), rec.id))
	if b := g.routes.named(rec.service); b != nil {
		rec.code = b.EncodeError(w, r, errPanic).Code
	} else {
		rec.code = wire.EncodeError(w, r, errPanic).Code
	}
	g.log(r, w, rec)
}

var errPanic = errors.New("panic")

// tracker knows whether an answer has begun.
type tracker struct {
	http.ResponseWriter
	status int
}

func (t *tracker) WriteHeader(status int) {
	if t.status == 0 && status >= 200 {
		t.status = status
	}
	t.ResponseWriter.WriteHeader(status)
}

func (t *tracker) Write(b []byte) (int, error) {
	if t.status == 0 {
		t.status = http.StatusOK
	}
	return t.ResponseWriter.Write(b)
}

// ReadFrom keeps the connection's own copying: sendfile for files.
func (t *tracker) ReadFrom(r io.Reader) (int64, error) {
	if t.status == 0 {
		t.status = http.StatusOK
	}
	return io.Copy(t.ResponseWriter, r)
}

// Unwrap is for http.ResponseController.
func (t *tracker) Unwrap() http.ResponseWriter { return t.ResponseWriter }

// Flush lets handlers that ask for an http.Flusher stream.
func (t *tracker) Flush() {
	if t.status == 0 {
		t.status = http.StatusOK
	}
	_ = http.NewResponseController(t.ResponseWriter).Flush()
}
