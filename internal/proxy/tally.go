package proxy

import (
	"context"
	"crypto/tls"
	"net"
	"sync/atomic"

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
}

func newTally(p *Proxy, c net.Conn, s *served) *tally {
	t := &tally{Conn: c, proxy: p}
	if b := s.meter(); b != nil {
		t.of(b)
	}
	return t
}

// meter is that of the port's only load balancer; nil if there are several.
func (s *served) meter() *meter.Balancer {
	var only *meter.Balancer
	for _, l := range s.listeners {
		if only != nil && l.meter != only {
			return nil
		}
		only = l.meter
	}
	return only
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

type tallyKey struct{}

// withTally lets requests find their connection.
func withTally(ctx context.Context, c net.Conn) context.Context {
	if s, ok := c.(*tls.Conn); ok {
		c = s.NetConn()
	}
	if k, ok := c.(*peeked); ok {
		c = k.Conn
	}
	t, _ := c.(*tally)
	return context.WithValue(ctx, tallyKey{}, t)
}

func tallyOf(ctx context.Context) *tally {
	t, _ := ctx.Value(tallyKey{}).(*tally)
	return t
}
