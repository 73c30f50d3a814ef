package proxy

import (
	"bufio"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/slipway-dev/slipway/internal/elasticloadbalancingv2/accesslog"
	"github.com/slipway-dev/slipway/internal/elasticloadbalancingv2/plane"
)

// note is what a request leaves in the access log. Methods of nil do nothing:
// most load balancers have none.
type note struct {
	accesslog.Entry
	place  accesslog.Place
	flight *flight
	writer *answered // of net/http
}

// note begins the line of a request, if the load balancer has an access log.
func (l *listener) note(q *plane.Request, x *rule) *note {
	if l.Options.AccessLog == nil {
		return nil
	}
	n := &note{place: *l.Options.AccessLog}
	n.Balancer, n.Priority, n.Waited, n.Took, n.Answered = l.Balancer, x.Priority, -1, -1, -1
	switch {
	case x.Forward != nil:
		n.Actions = "forward"
	case x.Redirect != nil:
		n.Actions = "redirect"
	default:
		n.Actions = "fixed-response"
	}
	n.Method, n.Protocol = q.Method, "HTTP/1.1"
	n.Agent = strings.Join(q.Header.Values("User-Agent"), " ")
	n.Type = "http"
	if q.Secure {
		n.Type, n.Cert = "https", l.Cert
	}
	n.URL = n.Type + "://" + q.Host + ":" + strconv.Itoa(l.Port) + q.Path
	if q.Query != "" {
		n.URL += "?" + q.Query
	}
	return n
}

// refusal is the line of a request that could not be read.
func (l *listener) refusal() *note {
	if l.Options.AccessLog == nil {
		return nil
	}
	n := &note{place: *l.Options.AccessLog}
	n.Balancer, n.Priority, n.Waited, n.Took, n.Answered = l.Balancer, -1, -1, -1, -1
	n.Type = "http"
	if l.TLS {
		n.Type, n.Cert = "https", l.Cert
	}
	n.URL = n.Type + "://" + l.Host + ":" + strconv.Itoa(l.Port) + "-"
	return n
}

func (n *note) secure(s *tls.ConnectionState) {
	if s == nil {
		return
	}
	n.Cipher, n.TLS, n.Domain = plane.CipherName(s.CipherSuite), tlsVersion(s), s.ServerName
	if s.DidResume {
		n.Cert = "session-reused"
	}
}

func (n *note) own(a *answer) {
	if n == nil {
		return
	}
	for _, f := range a.header {
		if f[0] == "Location" {
			n.Redirect = f[1]
		}
	}
}

func (n *note) flies(f *flight) {
	if n != nil {
		n.flight = f
	}
}

// lines are buffers for lines.
var lines = sync.Pool{New: func() any { b := make([]byte, 0, 1<<10); return &b }}

// finish completes the line and gives it to the journal.
func (n *note) finish(p *Proxy) {
	n.Time = time.Now()
	if f := n.flight; f != nil && f.pool != nil {
		n.Group, n.Trace, n.Error = f.pool.ARN, f.trace, f.reason
		if f.target != nil {
			n.Target = f.target.address
		}
		if !f.sent.IsZero() {
			n.Waited = f.sent.Sub(n.Created)
		}
		if !f.head.IsZero() {
			n.Targets, n.Took, n.Answered = f.status, f.head.Sub(f.sent), n.Time.Sub(f.head)
		}
	}
	if n.Trace == "" { // nobody needed one so far
		n.Trace = "Root=" + p.traces.next(p, n.Created)
	}
	b := lines.Get().(*[]byte)
	*b = n.Append((*b)[:0])
	p.cfg.Journal.Write(n.place, *b)
	lines.Put(b)
}

// clientGone is AWS's status for a client that left before its answer.
const clientGone = 460

// noted ends a request of the front.
func (k *client) noted(n *note) {
	if n == nil {
		return
	}
	n.Client, n.Created, n.Sent, n.Status = net.JoinHostPort(k.host, k.number), k.started, k.sent, k.status
	if n.Status == 0 && k.watch.gone.Load() {
		n.Status = clientGone
	}
	n.secure(k.secure)
	n.TraceConn = k.tally.name()
	n.finish(k.port.proxy)
}

// logConnection writes to the connection log, if the load balancer that is
// meant has one.
func (o *port) logConnection(t *tally, secure *tls.ConnectionState, handshake time.Duration) {
	name := ""
	if secure != nil {
		name = secure.ServerName
	}
	l := o.served.Load().find(name, secure != nil)
	if l == nil || l.Options.ConnectionLog == nil {
		return
	}
	c := accesslog.Connection{Time: time.Now(), Listener: o.number, Handshake: handshake, Trace: t.name()}
	c.Address, c.Port, _ = net.SplitHostPort(t.RemoteAddr().String())
	if secure != nil {
		c.TLS, c.Cipher = tlsVersion(secure), plane.CipherName(secure.CipherSuite)
	}
	o.proxy.cfg.Journal.Write(*l.Options.ConnectionLog, c.Append(nil))
}

// answered counts what net/http sends.
type answered struct {
	http.ResponseWriter
	status   int
	sent     int64
	upgraded *hijacked
}

func (r *answered) Unwrap() http.ResponseWriter { return r.ResponseWriter }

func (r *answered) WriteHeader(status int) {
	if status >= 200 || status == http.StatusSwitchingProtocols {
		r.status = status
		r.sent += headSize(len("HTTP/1.1 200 ")+len(http.StatusText(status)), r.Header())
	}
	r.ResponseWriter.WriteHeader(status)
}

func (r *answered) Write(b []byte) (int, error) {
	if r.status == 0 {
		r.WriteHeader(http.StatusOK)
	}
	n, err := r.ResponseWriter.Write(b)
	r.sent += int64(n)
	return n, err
}

// Hijack implements http.Hijacker: what goes over an upgraded connection counts,
// too.
func (r *answered) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	c, b, err := http.NewResponseController(r.ResponseWriter).Hijack()
	if err == nil {
		r.upgraded = &hijacked{Conn: c}
		c = r.upgraded
	}
	return c, b, err
}

// hijacked counts the bytes of a connection that speaks another protocol.
type hijacked struct {
	net.Conn
	received, sent atomic.Int64
}

func (h *hijacked) Read(b []byte) (int, error) {
	n, err := h.Conn.Read(b)
	h.received.Add(int64(n))
	return n, err
}

func (h *hijacked) Write(b []byte) (int, error) {
	n, err := h.Conn.Write(b)
	h.sent.Add(int64(n))
	return n, err
}

// CloseWrite tells the client that there is no more to come.
func (h *hijacked) CloseWrite() error {
	closeWrite(h.Conn)
	return nil
}

// counting is a request's body.
type counting struct {
	io.ReadCloser
	n *note
}

func (c *counting) Read(b []byte) (int, error) {
	n, err := c.ReadCloser.Read(b)
	c.n.Received += int64(n)
	return n, err
}

// headSize is about what a head takes on the wire.
func headSize(first int, h http.Header) int64 {
	n := first + len("\r\n\r\n")
	for name, values := range h {
		for _, v := range values {
			n += len(name) + len(v) + len(": \r\n")
		}
	}
	return int64(n)
}

// record watches a request of net/http.
func (n *note) record(w http.ResponseWriter, r *http.Request) http.ResponseWriter {
	n.Created, n.Client, n.Protocol = time.Now(), r.RemoteAddr, r.Proto
	n.Received = headSize(len(r.Method)+len(r.RequestURI)+len(r.Proto)+2, r.Header)
	from := originOf(r)
	n.secure(from.secure)
	n.TraceConn = from.tally.name()
	upgrade := strings.EqualFold(r.Header.Get("Upgrade"), "websocket")
	switch {
	case upgrade:
		n.Type = map[bool]string{false: "ws", true: "wss"}[from.secure != nil]
	case r.ProtoMajor == 2 && strings.HasPrefix(r.Header.Get("Content-Type"), "application/grpc"):
		n.Type = "grpcs"
	case r.ProtoMajor == 2:
		n.Type = "h2"
	}
	if from.last {
		n.Class = "Ambiguous"
	}
	if r.Body != nil && r.Body != http.NoBody {
		r.Body = &counting{r.Body, n}
	}
	n.writer = &answered{ResponseWriter: w}
	return n.writer
}

// noted ends a request of net/http.
func (n *note) noted(o *port) {
	n.Status, n.Sent = n.writer.status, n.writer.sent
	if up := n.writer.upgraded; up != nil {
		n.Status = http.StatusSwitchingProtocols
		n.Received += up.received.Load()
		n.Sent += headSize(len("HTTP/1.1 101 Switching Protocols"), n.writer.Header()) + up.sent.Load()
	}
	if n.Status == 0 {
		n.Status = clientGone
	}
	n.finish(o.proxy)
}
