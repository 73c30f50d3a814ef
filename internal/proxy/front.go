package proxy

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/slipway-dev/slipway/internal/elasticloadbalancingv2/plane"
	"github.com/slipway-dev/slipway/internal/proxy/h1"
)

// client is a connection of HTTP/1.1 that the front has: one goroutine reads
// requests, sends them on and copies the answers, without net/http. It takes the
// requests that most clients send, and gives the connection to net/http with the
// first one that is anything else.
type client struct {
	net.Conn
	port   *port
	tally  *tally
	secure *tls.ConnectionState
	reader *h1.Reader
	since  time.Time

	host, number string // of the client
	address      netip.Addr

	state atomic.Int32 // waiting, busy, over
	idle  time.Duration
	last  time.Time // something came
	begun time.Time // the first of what is buffered came
	write time.Time // the deadline that is set

	request  h1.Request
	response h1.Response
	query    plane.Request
	out      []byte
	closing  bool // after this answer

	watch watch

	// What the access log wants to know.
	started time.Time // the request's head was whole
	sent    int64     // bytes of the answer
	status  int
}

const (
	waiting = iota // for a request
	busy
	over
)

// Limits of what the front takes; what is larger goes to net/http.
const (
	mostHead   = 64 << 10 // AWS's
	mostLine   = 16 << 10 // AWS's, of the first line and of each field
	mostBuffer = 96 << 10
	mostBody   = 24 << 10
	outSize    = 32 << 10
)

// outs are buffers for heads, and for bodies that come with them.
var outs = sync.Pool{New: func() any { b := make([]byte, 0, outSize); return &b }}

// front serves a connection until it ends or net/http takes it.
func (o *port) front(c net.Conn, t *tally, secure *tls.ConnectionState) {
	now := time.Now()
	k := &client{Conn: c, port: o, tally: t, secure: secure, since: now, last: now, idle: o.served.Load().idle()}
	k.host, k.number, _ = net.SplitHostPort(c.RemoteAddr().String())
	if a, err := netip.ParseAddr(k.host); err == nil {
		k.address = a.Unmap()
	}
	k.reader = h1.NewReader(k, 4<<10, mostBuffer)
	_ = k.SetReadDeadline(now.Add(k.idle))
	if !o.fronts.add(k) {
		_ = c.Close()
		return
	}
	defer o.fronts.remove(k)
	for k.next() {
	}
}

// idle is how long a connection may be silent: the longest of the listeners'.
func (s *served) idle() time.Duration {
	idle := time.Duration(0)
	for _, l := range s.listeners {
		idle = max(idle, l.Options.Idle)
	}
	if idle == 0 {
		idle = time.Minute
	}
	return idle
}

// Read waits for as long as the idle timeout, or for the end of the watch.
func (k *client) Read(b []byte) (int, error) {
	for {
		n, err := k.Conn.Read(b)
		if n > 0 {
			k.last = time.Now()
			if len(k.reader.Buffered()) == 0 {
				k.begun = k.last
			} else if k.state.Load() == waiting && k.last.Sub(k.begun) > handshake {
				return 0, os.ErrDeadlineExceeded
			}
			return n, nil
		}
		var slow net.Error
		if err == nil || !errors.As(err, &slow) || !slow.Timeout() || k.watch.ending.Load() {
			return n, err
		}
		until := k.last.Add(k.idle)
		if k.watch.on {
			until = time.Time{} // the target's silence counts
		} else if !until.After(time.Now()) {
			return n, err
		}
		if err := k.SetReadDeadline(until); err != nil {
			return n, err
		}
	}
}

// next serves a request and tells whether there may be another one.
func (k *client) next() (more bool) {
	text, err := k.reader.Head()
	for strings.HasPrefix(text, "\r\n") { // after a body, from old clients
		k.reader.Discard(2)
		text, err = k.reader.Head()
	}
	if !k.state.CompareAndSwap(waiting, busy) {
		_ = k.Close()
		return false
	}
	if err != nil || len(text) > mostHead {
		switch {
		case err == nil || errors.Is(err, h1.ErrTooLarge):
			k.refuse(http.StatusBadRequest)
		case isTimeout(err) && len(k.reader.Buffered()) > 0:
			k.refuse(http.StatusRequestTimeout)
		}
		_ = k.Close()
		return false
	}
	l, x := (*listener)(nil), (*rule)(nil)
	sort, status := k.sort(text)
	if sort == usual {
		if l, x = k.port.served.Load().route(&k.query); x != nil && x.Forward != nil && !x.plain {
			sort = unusual
		}
	}
	switch sort {
	case unusual, ambiguous:
		k.handOver(sort == ambiguous)
		return false
	case refused:
		k.refuse(status)
		_ = k.Close()
		return false
	}
	if k.serve(l, x, len(text)) {
		k.state.Store(waiting)
		if !k.port.ending() { // if it ends from now on, it finds the connection waiting
			return true
		}
	}
	_ = k.Close()
	return false
}

// Sorts of requests.
const (
	usual     = iota
	unusual   // net/http's
	ambiguous // net/http's, and the connection's last
	refused
)

// sort tells who can serve a request, and reads it; status is why it is
// refused. What others may read in another way is refused as the desync
// mitigation mode says.
func (k *client) sort(text string) (sort, status int) {
	r := &k.request
	switch err := r.Parse(text); {
	case errors.Is(err, h1.ErrVersion):
		return k.port.served.Load().strange(text, unusual)
	case err != nil:
		return k.port.served.Load().strange(text, ambiguous)
	case len(r.Target) > mostLine:
		return refused, http.StatusRequestURITooLong
	}
	if r.Target[0] != '/' || strings.IndexByte(r.Target, '#') >= 0 || r.Method == http.MethodTrace || r.Method == http.MethodConnect {
		return unusual, 0
	}
	hosts := 0
	coded := false
	k.closing = false
	for i := range r.Fields {
		f := &r.Fields[i]
		if len(f.Value) > mostLine {
			return refused, http.StatusBadRequest
		}
		switch f.Kind {
		case h1.Host:
			hosts++
			k.query.Host = hostOf(f.Value)
		case h1.Connection:
			if strings.EqualFold(f.Value, "close") {
				k.closing = true
			} else if !strings.EqualFold(f.Value, "keep-alive") {
				sort = unusual
			}
		case h1.TransferEncoding:
			if !strings.EqualFold(f.Value, "chunked") {
				return refused, http.StatusNotImplemented
			}
			coded = true
			sort = unusual
		case h1.Upgrade, h1.Expect, h1.Trailer, h1.Hop:
			sort = unusual
		}
	}
	length, err := r.Fields.Length()
	switch {
	case hosts != 1 || err != nil || coded && length >= 0:
		return k.port.served.Load().strange(text, ambiguous)
	case sort != usual || length > mostBody:
		return unusual, 0
	}
	q := &k.query
	q.Method, q.Client, q.Secure, q.Header = r.Method, k.address, k.secure != nil, r.Fields
	q.Path, q.Query, _ = strings.Cut(r.Target, "?")
	return usual, 0
}

// handOver gives the connection to net/http, with all that was read.
func (k *client) handOver(last bool) {
	k.port.fronts.remove(k)
	_ = k.SetDeadline(time.Time{})
	k.port.hand(&begun{k.Conn, k.reader, origin{k.tally, k.secure, last}})
}

// serve answers a request whose head is as long as told.
func (k *client) serve(l *listener, x *rule, head int) (more bool) {
	if l == nil {
		k.closing = true
		return k.say(severalHere)
	}
	o := k.port
	k.started, k.sent, k.status = k.last, 0, 0
	n := l.note(&k.query, x)
	if n != nil {
		defer k.noted(n)
	}
	k.tally.of(l.meter)
	k.idle = l.Options.Idle
	defer o.proxy.counted()
	length, _ := k.request.Fields.Length()
	size := head + int(max(length, 0))
	if n != nil {
		n.Received = int64(size)
	}
	if err := k.reader.Need(size); err != nil {
		k.closing = true
		if isTimeout(err) {
			return k.say(failure(l, http.StatusRequestTimeout))
		}
		return k.say(failure(l, http.StatusBadRequest)) // the body is not whole
	}
	if keep := l.Options.KeepAlive; keep > 0 && k.last.Sub(k.since) > keep || k.port.ending() {
		k.closing = true
	}
	if x.Forward == nil {
		a := o.own(l, x, &k.query)
		n.own(a)
		k.reader.Discard(size)
		return k.say(a)
	}
	f, status := o.choose(l, x, k.request.Fields)
	n.flies(&f)
	if status != 0 {
		k.reader.Discard(size)
		return k.say(failure(l, status))
	}
	f.target.flying.Add(1)
	defer f.target.flying.Add(-1)
	out := outs.Get().(*[]byte)
	k.out = *out
	more = k.forward(&f, k.reader.Buffered()[head:size])
	*out = k.out[:0]
	k.out = nil
	outs.Put(out)
	k.unwatch()
	k.reader.Discard(size)
	return more && !k.closing
}

// refuse answers a request that could not be read.
func (k *client) refuse(status int) {
	k.closing = true
	k.started, k.sent = k.last, 0
	k.request = h1.Request{} // nobody knows what it is
	l := k.port.served.Load().find("", k.secure != nil)
	if l == nil { // nor for whom
		k.say(plainly(status))
		return
	}
	k.say(failure(l, status))
	k.noted(l.refusal())
}

// say sends an answer of the load balancer's own.
func (k *client) say(a *answer) (more bool) {
	k.status = a.status
	b := make([]byte, 0, 512+len(a.body))
	b = append(b, "HTTP/1.1 "...)
	b = strconv.AppendInt(b, int64(a.status), 10)
	b = append(b, ' ')
	b = append(b, http.StatusText(a.status)...)
	b = append(b, "\r\nDate: "...)
	b = time.Now().UTC().AppendFormat(b, http.TimeFormat)
	for _, f := range a.header {
		b = append(append(append(append(b, "\r\n"...), f[0]...), ": "...), f[1]...)
	}
	if a.status != http.StatusNoContent {
		b = append(b, "\r\nContent-Length: "...)
		b = strconv.AppendInt(b, int64(len(a.body)), 10)
	}
	if k.closing {
		b = append(b, "\r\nConnection: close"...)
	}
	b = append(b, "\r\n\r\n"...)
	if k.request.Method != http.MethodHead && a.status != http.StatusNoContent && a.status != http.StatusNotModified {
		b = append(b, a.body...)
	}
	return k.send(b, time.Now()) == nil && !k.closing
}

// send writes, for as long as the idle timeout at most.
func (k *client) send(b []byte, now time.Time) error {
	if k.write.Before(now.Add(k.idle / 2)) {
		k.write = now.Add(k.idle)
		if err := k.SetWriteDeadline(k.write); err != nil {
			return err
		}
	}
	n, err := k.Write(b)
	k.sent += int64(n)
	return err
}

// fronts are a port's connections in the front.
type fronts struct {
	mu    sync.Mutex
	all   map[*client]struct{}
	ended bool
	empty chan struct{} // closed when the last one is gone
}

func (f *fronts) add(k *client) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.ended {
		return false
	}
	if f.all == nil {
		f.all = map[*client]struct{}{}
	}
	f.all[k] = struct{}{}
	return true
}

func (f *fronts) remove(k *client) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.all, k)
	if f.empty != nil && len(f.all) == 0 {
		close(f.empty)
		f.empty = nil
	}
}

// end takes no new connections and closes those that wait for a request, or all.
func (f *fronts) end(all bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.ended = true
	for k := range f.all {
		if k.state.CompareAndSwap(waiting, over) || all {
			_ = k.Conn.Close()
		}
	}
}

// wait returns when no connection is left, or ctx has ended.
func (f *fronts) wait(ctx context.Context) {
	f.mu.Lock()
	if len(f.all) == 0 {
		f.mu.Unlock()
		return
	}
	f.empty = make(chan struct{})
	empty := f.empty
	f.mu.Unlock()
	select {
	case <-empty:
	case <-ctx.Done():
	}
}

func (o *port) ending() bool {
	select {
	case <-o.done:
		return true
	default:
		return false
	}
}
