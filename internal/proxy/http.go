package proxy

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/slipway-dev/slipway/internal/elasticloadbalancingv2/plane"
)

// What the front does not carry itself is net/http's: HTTP/2, HTTP/1.0, upgrades,
// large and chunked requests, and what is written in an unusual way.

// passage is a flight through net/http.
type passage struct {
	flight
	cancel context.CancelCauseFunc
	broken atomic.Bool // the client's body cannot be read
}

type passageKey struct{}

func passageOf(ctx context.Context) *passage { return ctx.Value(passageKey{}).(*passage) }

// ServeHTTP implements http.Handler.
func (o *port) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	from := originOf(r)
	if from.last {
		w.Header().Set("Connection", "close")
	}
	q := &plane.Request{Method: r.Method, Host: hostOf(r.Host), Path: r.URL.EscapedPath(), Query: r.URL.RawQuery, Secure: from.secure != nil, Header: r.Header}
	if a, err := netip.ParseAddrPort(r.RemoteAddr); err == nil {
		q.Client = a.Addr().Unmap()
	}
	l, x := o.served.Load().route(q)
	if l == nil {
		severalHere.serve(w)
		return
	}
	from.tally.of(l.meter)
	if keep := l.Options.KeepAlive; keep > 0 && time.Since(from.tally.since) > keep {
		w.Header().Set("Connection", "close")
	}
	defer o.proxy.counted()
	n := l.note(q, x)
	if n != nil {
		w = n.record(w, r)
		defer n.noted(o)
	}
	switch {
	case r.Method == http.MethodTrace || r.Method == http.MethodConnect:
		failure(l, http.StatusMethodNotAllowed).serve(w)
	case x.Forward == nil:
		a := o.own(l, x, q)
		n.own(a)
		a.serve(w)
	default:
		f, status := o.choose(l, x, r.Header)
		g := &passage{flight: f}
		n.flies(&g.flight)
		if status != 0 {
			failure(l, status).serve(w)
			return
		}
		switch {
		case !f.pool.understands(r):
			failure(l, incompatible).serve(w)
			return
		case f.target.function != "":
			g.serveFunction(w, r)
			return
		}
		ctx, cancel := context.WithCancelCause(context.WithValue(r.Context(), passageKey{}, g))
		g.cancel = cancel
		defer cancel(nil)
		f.target.flying.Add(1)
		defer f.target.flying.Add(-1)
		w.Header()["Content-Type"] = nil // no guess where the target names none
		reverse.ServeHTTP(w, r.WithContext(ctx))
	}
}

// incompatible is AWS's status for a request of a protocol that is not the
// target group's.
const incompatible = 464

// understands tells whether a request is of the group's protocol version.
func (p *pool) understands(r *http.Request) bool {
	calls := r.ProtoMajor == 2 && strings.HasPrefix(r.Header.Get("Content-Type"), "application/grpc")
	switch {
	case p.Check.GRPC:
		return r.ProtoMajor == 2 && r.Method == http.MethodPost
	case p.HTTP2:
		return r.ProtoMajor == 2
	}
	return !calls
}

// reverse does the copying for all ports.
var reverse = &httputil.ReverseProxy{
	Rewrite: rewrite, Transport: roundTrip{}, ModifyResponse: finish, ErrorHandler: fault, BufferPool: &buffers{}, ErrorLog: discard,
}

type buffers struct{ pool sync.Pool }

func (b *buffers) Get() []byte {
	if x, ok := b.pool.Get().(*[]byte); ok {
		return *x
	}
	return make([]byte, 32<<10)
}

func (b *buffers) Put(x []byte) { b.pool.Put(&x) }

// rewrite makes the target's request of the client's.
func rewrite(p *httputil.ProxyRequest) {
	f := passageOf(p.In.Context())
	out, in, opts := p.Out, p.In, &f.listener.Options
	out.URL.Scheme = "http"
	if f.pool.TLS {
		out.URL.Scheme = "https"
	}
	out.URL.Host = f.target.address
	out.URL.RawQuery = in.URL.RawQuery
	if out.Host = in.Host; out.Host == "" { // of HTTP/1.0
		out.Host = f.listener.Host
	}
	out.Header.Del("Expect")                                                 // net/http says 100 Continue when the body is read, as AWS does
	out.Trailer = in.Trailer                                                 // which is filled when the body has been read
	if strings.Contains(strings.ToLower(out.Header.Get("Upgrade")), "h2c") { // its requests would pass the rules by
		out.Header.Del("Upgrade")
		out.Header.Del("Connection")
	}
	for _, name := range []string{"Forwarded", "X-Forwarded-Host"} { // not ours to take
		if v := in.Header[name]; v != nil {
			out.Header[name] = v
		}
	}
	client, port, _ := net.SplitHostPort(in.RemoteAddr)
	if v := f.forwardedFor(in.Header["X-Forwarded-For"], client, port); v != "" {
		out.Header["X-Forwarded-For"] = []string{v}
	}
	proto := "http"
	if secure := originOf(in).secure; secure != nil {
		proto = "https"
		if opts.TLSVersion != "" {
			out.Header.Set(opts.TLSVersion, tlsVersion(secure))
			out.Header.Set(opts.TLSCipher, plane.CipherName(secure.CipherSuite))
		}
	}
	out.Header.Set("X-Forwarded-Proto", proto)
	out.Header.Set("X-Forwarded-Port", strconv.Itoa(f.port))
	f.sent = time.Now()
	out.Header.Set("X-Amzn-Trace-Id", f.traced(in.Header.Get("X-Amzn-Trace-Id")))
	if opts.DropInvalid {
		for name := range out.Header {
			if !plainName(name) {
				delete(out.Header, name)
			}
		}
	}
}

func tlsVersion(s *tls.ConnectionState) string {
	return strings.Replace(tls.VersionName(s.Version), "TLS ", "TLSv", 1)
}

// errIdle ends a request whose target says nothing for too long.
var errIdle = errors.New("idle timeout")

// roundTrip uses the connections of the passage's pool.
type roundTrip struct{}

func (roundTrip) RoundTrip(r *http.Request) (*http.Response, error) {
	f := passageOf(r.Context())
	f.sent = time.Now()
	idle := f.listener.Options.Idle
	timer := time.AfterFunc(idle, func() { f.cancel(errIdle) })
	defer timer.Stop()
	if r.Body != nil && r.Body != http.NoBody {
		r.Body = &lively{ReadCloser: r.Body, timer: timer, idle: idle, broken: &f.broken}
		if f.pool.HTTP2 {
			b := newRepeatable(r.Body)
			r.Body, r.GetBody = b.part(), b.again
		}
	}
	return f.pool.carrier(r.Method).RoundTrip(r)
}

// finish completes a target's answer.
func finish(resp *http.Response) error {
	f := passageOf(resp.Request.Context())
	f.status, f.head = resp.StatusCode, time.Now()
	f.pool.meter.Answered(f.status, f.head.Sub(f.sent))
	if both, ok := resp.Body.(io.ReadWriteCloser); ok && f.status == http.StatusSwitchingProtocols {
		resp.Body = newUpgraded(both, f.listener.Options.Idle)
	}
	if !f.listener.Options.Server {
		resp.Header.Del("Server")
	}
	for name, v := range f.listener.Options.Headers {
		resp.Header.Set(name, v)
	}
	for _, c := range f.cookies(resp.Header) {
		resp.Header.Add("Set-Cookie", c)
	}
	return nil
}

// fault answers for a target that did not.
func fault(w http.ResponseWriter, r *http.Request, err error) {
	f := passageOf(r.Context())
	cause := context.Cause(r.Context())
	if r.Context().Err() != nil && !errors.Is(cause, errIdle) { // the client has gone
		panic(http.ErrAbortHandler)
	}
	if errors.Is(cause, errIdle) {
		err = os.ErrDeadlineExceeded
	}
	status := f.failed(err)
	if f.broken.Load() && status == http.StatusBadGateway { // the client's fault, not the target's
		status = http.StatusBadRequest
	}
	failure(f.listener, status).serve(w)
}
