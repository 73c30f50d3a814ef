package proxy

import (
	"context"
	"crypto/tls"
	"encoding/hex"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/slipway-dev/slipway/internal/elasticloadbalancingv2/meter"
)

// tally is a client's connection whose bytes are counted. Where several load
// balancers share the port, the first request tells whose it is.
type tally struct {
	net.Conn
	proxy  *Proxy
	meter  atomic.Pointer[meter.Balancer]
	early  atomic.Int64 // bytes before the meter is known
	closed atomic.Bool
	since  time.Time
	naming sync.Once
	id     string
}

func newTally(p *Proxy, c net.Conn, s *served) *tally {
	t := &tally{Conn: newDirect(c), proxy: p, since: time.Now()}
	if b := s.meter(); b != nil {
		t.of(b)
	}
	return t
}

// of says whose connection it is. What is said first counts.
func (t *tally) of(b *meter.Balancer) {
	if t == nil || t.meter.Load() != nil || !t.meter.CompareAndSwap(nil, b) {
		return
	}
	b.Opened()
	b.Bytes.Add(t.early.Swap(0))
	t.proxy.counted()
}

// name is the connection's in logs.
func (t *tally) name() string {
	t.naming.Do(func() {
		var b [16]byte
		t.proxy.cfg.IDs.Bytes(b[:])
		t.id = "TID_" + hex.EncodeToString(b[:])
	})
	return t.id
}

func (t *tally) add(n int) {
	if b := t.meter.Load(); b != nil {
		b.Bytes.Add(int64(n))
		t.proxy.counted()
		return
	}
	t.early.Add(int64(n))
}

func (t *tally) Read(b []byte) (int, error) {
	n, err := t.Conn.Read(b)
	t.add(n)
	return n, err
}

func (t *tally) Write(b []byte) (int, error) {
	n, err := t.Conn.Write(b)
	t.add(n)
	return n, err
}

// CloseWrite tells the client that there is no more to come.
func (t *tally) CloseWrite() error {
	if h, ok := t.Conn.(interface{ CloseWrite() error }); ok {
		return h.CloseWrite()
	}
	return t.Close()
}

func (t *tally) Close() error {
	if !t.closed.Swap(true) {
		if b := t.meter.Load(); b != nil {
			b.Closed()
		}
	}
	return t.Conn.Close()
}

// origin is what is known of the connection that a request came over.
type origin struct {
	tally  *tally
	secure *tls.ConnectionState // nil if it is plain
	last   bool                 // no request may follow the first
}

type originKey struct{}

// withOrigin lets the requests of net/http find their connection.
func withOrigin(ctx context.Context, c net.Conn) context.Context {
	var from origin
	switch c := c.(type) {
	case *begun:
		from = c.from
	case *tls.Conn: // HTTP/2
		state := c.ConnectionState()
		from.secure = &state
		switch under := c.NetConn().(type) {
		case *tally:
			from.tally = under
		case *begun:
			from.tally = under.from.tally
		}
	}
	return context.WithValue(ctx, originKey{}, &from)
}

func originOf(r *http.Request) *origin {
	from, _ := r.Context().Value(originKey{}).(*origin)
	return from
}
