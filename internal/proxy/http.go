package proxy

import (
	"context"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/slipway-dev/slipway/internal/elasticloadbalancingv2/plane"
)

// flight is one request on its way to a target.
type flight struct {
	proxy    *Proxy
	port     int
	listener *listener
	pool     *pool
	target   *target
	group    string // that the client stays with; "" if it does not
	life     time.Duration
	sent     time.Time
	cancel   context.CancelCauseFunc
}

type flightKey struct{}

func flightOf(ctx context.Context) *flight { return ctx.Value(flightKey{}).(*flight) }

// ServeHTTP implements http.Handler.
func (o *port) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s := o.served.Load()
	q := &plane.Request{Request: r, Host: hostOf(r.Host)}
	if a, err := netip.ParseAddrPort(r.RemoteAddr); err == nil {
		q.Client = a.Addr().Unmap()
	}
	l, x := s.route(q)
	if l != nil {
		tallyOf(r.Context()).of(l.meter)
	}
	switch {
	case l == nil:
		page(w, http.StatusMisdirectedRequest, "Several load balancers listen on this port: name one by its DNS name.")
	case r.Method == http.MethodTrace || r.Method == http.MethodConnect:
		o.answer(w, l, http.StatusMethodNotAllowed)
	case x.Fixed != nil:
		o.fixed(w, r, l, x.Fixed)
	case x.Redirect != nil:
		o.redirect(w, r, l, x.Redirect)
	default:
		o.forward(w, r, l, x)
	}
}

func hostOf(host string) string {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	return strings.ToLower(strings.TrimSuffix(host, "."))
}

// route finds the load balancer and the rule for a request. Where several share
// the port and the host names none of them, it is the one that has a rule for
// the request beside its default.
func (s *served) route(q *plane.Request) (*listener, *rule) {
	secure := q.TLS != nil
	if l := s.find(q.Host, secure); l != nil {
		return l, l.match(q, len(l.rules))
	}
	for _, l := range s.listeners {
		if l.TLS == secure {
			if x := l.match(q, len(l.rules)-1); x != nil {
				return l, x
			}
		}
	}
	return nil, nil
}

// match is the first of n rules that a request meets.
func (l *listener) match(q *plane.Request, n int) *rule {
	for _, x := range l.rules[:n] {
		if x.Matches(q) {
			return x
		}
	}
	return nil
}

// forward sends a request to a target of one of the rule's groups.
func (o *port) forward(w http.ResponseWriter, r *http.Request, l *listener, x *rule) {
	i := -1
	if x.Forward.Sticky > 0 {
		i = x.groupOf(r)
	}
	if i < 0 {
		i = x.wheel.next()
	}
	if i < 0 || x.pools[i] == nil {
		o.answer(w, l, http.StatusServiceUnavailable)
		return
	}
	p := x.pools[i]
	if p.Lambda {
		o.proxy.cfg.Log.Warn("Lambda functions as targets are not implemented", "group", p.ARN)
		o.answer(w, l, http.StatusBadGateway)
		return
	}
	t := p.stayed(r)
	if t == nil {
		t = p.next()
	}
	if t == nil {
		o.answer(w, l, http.StatusServiceUnavailable)
		return
	}
	p.meter.Requests.Add(1)
	o.proxy.counted()
	f := &flight{proxy: o.proxy, port: o.number, listener: l, pool: p, target: t}
	if x.Forward.Sticky > 0 {
		f.group, f.life = groupMark(p.ARN), x.Forward.Sticky
	}
	ctx, cancel := context.WithCancelCause(context.WithValue(r.Context(), flightKey{}, f))
	f.cancel = cancel
	defer cancel(nil)
	t.flying.Add(1)
	defer t.flying.Add(-1)
	reverse.ServeHTTP(w, r.WithContext(ctx))
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
	f := flightOf(p.In.Context())
	out, in, opts := p.Out, p.In, &f.listener.Options
	out.URL.Scheme = "http"
	if f.pool.TLS {
		out.URL.Scheme = "https"
	}
	out.URL.Host = f.target.address
	out.URL.RawQuery = in.URL.RawQuery
	out.Host = in.Host
	for _, name := range []string{"Forwarded", "X-Forwarded-Host"} { // not ours to take
		if v := in.Header[name]; v != nil {
			out.Header[name] = v
		}
	}
	client, port, _ := net.SplitHostPort(in.RemoteAddr)
	if opts.ClientPort {
		client = net.JoinHostPort(client, port)
	}
	switch before := in.Header["X-Forwarded-For"]; opts.ForwardedFor {
	case "remove":
	case "preserve":
		if before != nil {
			out.Header["X-Forwarded-For"] = before
		}
	default:
		if before != nil {
			client = strings.Join(before, ", ") + ", " + client
		}
		out.Header.Set("X-Forwarded-For", client)
	}
	proto := "http"
	if in.TLS != nil {
		proto = "https"
		if opts.TLSHeaders {
			out.Header.Set("X-Amzn-Tls-Version", strings.Replace(tls.VersionName(in.TLS.Version), "TLS ", "TLSv", 1))
			out.Header.Set("X-Amzn-Tls-Cipher-Suite", tls.CipherSuiteName(in.TLS.CipherSuite))
		}
	}
	out.Header.Set("X-Forwarded-Proto", proto)
	out.Header.Set("X-Forwarded-Port", strconv.Itoa(f.port))
	f.trace(out.Header)
	if opts.DropInvalid {
		for name := range out.Header {
			if !plainName(name) {
				delete(out.Header, name)
			}
		}
	}
}

// plainName tells whether a header's name is of letters, digits and hyphens.
func plainName(name string) bool {
	return !strings.ContainsFunc(name, func(c rune) bool {
		return c != '-' && (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z')
	})
}

// trace gives the request an id, or, if it has one, a part of its own.
func (f *flight) trace(h http.Header) {
	var b [12]byte
	f.proxy.cfg.IDs.Bytes(b[:])
	id := fmt.Sprintf("1-%08x-%s", f.proxy.cfg.Clock.Now().Unix(), hex.EncodeToString(b[:]))
	switch have := h.Get("X-Amzn-Trace-Id"); {
	case have == "":
		h.Set("X-Amzn-Trace-Id", "Root="+id)
	case strings.Contains(have, "Root="):
		h.Set("X-Amzn-Trace-Id", "Self="+id+";"+have)
	default:
		h.Set("X-Amzn-Trace-Id", "Root="+id+";"+have)
	}
}

// errIdle ends a request whose target says nothing for too long.
var errIdle = errors.New("idle timeout")

// roundTrip uses the connections of the flight's pool.
type roundTrip struct{}

func (roundTrip) RoundTrip(r *http.Request) (*http.Response, error) {
	f := flightOf(r.Context())
	f.sent = time.Now()
	idle := f.listener.Options.Idle
	timer := time.AfterFunc(idle, func() { f.cancel(errIdle) })
	defer timer.Stop()
	if r.Body != nil && r.Body != http.NoBody {
		r.Body = &lively{r.Body, timer, idle}
	}
	return f.pool.transport.RoundTrip(r)
}

// lively is a body whose client sends: nobody is idle meanwhile.
type lively struct {
	io.ReadCloser
	timer *time.Timer
	idle  time.Duration
}

func (l *lively) Read(b []byte) (int, error) {
	n, err := l.ReadCloser.Read(b)
	if n > 0 {
		l.timer.Reset(l.idle)
	}
	return n, err
}

// finish completes a target's answer.
func finish(resp *http.Response) error {
	f := flightOf(resp.Request.Context())
	f.pool.meter.Answered(resp.StatusCode, time.Since(f.sent))
	if !f.listener.Options.Server {
		resp.Header.Del("Server")
	}
	for name, v := range f.listener.Options.Headers {
		resp.Header.Set(name, v)
	}
	f.cookies(resp)
	return nil
}

// fault answers for a target that did not.
func fault(w http.ResponseWriter, r *http.Request, err error) {
	f := flightOf(r.Context())
	switch cause := context.Cause(r.Context()); {
	case errors.Is(cause, errIdle):
		answer(w, f.listener, http.StatusGatewayTimeout)
	case r.Context().Err() != nil: // the client has gone
		panic(http.ErrAbortHandler)
	default:
		var dial *net.OpError
		if errors.As(err, &dial) && dial.Op == "dial" {
			f.pool.meter.Unreached.Add(1)
		}
		var e net.Error
		if errors.As(err, &e) && e.Timeout() {
			answer(w, f.listener, http.StatusGatewayTimeout)
			return
		}
		answer(w, f.listener, http.StatusBadGateway)
	}
}
