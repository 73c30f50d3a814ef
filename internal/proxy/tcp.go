package proxy

import (
	"context"
	"crypto/tls"
	"encoding/binary"
	"io"
	"net"
	"net/netip"
	"sync/atomic"
	"time"
)

// carry joins a connection with one to a target: a network load balancer.
func (o *port) carry(l *listener, c net.Conn) {
	defer c.Close()
	x := l.rules[len(l.rules)-1]
	i := x.wheel.next()
	if i < 0 || x.pools[i] == nil {
		return
	}
	p := x.pools[i]
	t := p.from(c.RemoteAddr())
	if t == nil {
		return
	}
	if l.TLS {
		k := tls.Server(c, o.tls)
		_ = c.SetDeadline(time.Now().Add(handshake))
		if err := k.Handshake(); err != nil {
			l.meter.Handshakes.Add(1)
			o.proxy.counted()
			return
		}
		_ = c.SetDeadline(time.Time{})
		c = k
	}
	up, err := p.transport.DialContext(o.proxy.ctx, "tcp", t.address)
	if err != nil {
		return
	}
	defer up.Close()
	if p.ProxyHeader {
		if _, err := up.Write(proxyHeader(c)); err != nil {
			return
		}
	}
	if p.TLS {
		up = tls.Client(up, p.transport.TLSClientConfig)
	}
	t.flying.Add(1)
	defer t.flying.Add(-1)
	defer context.AfterFunc(o.proxy.ctx, func() { _, _ = c.Close(), up.Close() })()
	f := &flow{idle: l.Options.Idle}
	f.last.Store(time.Now().UnixNano())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		f.copy(up, c)
	}()
	f.copy(c, up)
	<-ended
}

// flow is two connections that are one, for as long as something comes over
// either within the idle timeout.
type flow struct {
	idle time.Duration
	last atomic.Int64 // something came
}

// copy passes on what comes, and the end.
func (f *flow) copy(to, from net.Conn) {
	b := large.Get().(*[]byte)
	defer large.Put(b)
	for {
		if err := from.SetReadDeadline(time.Unix(0, f.last.Load()).Add(f.idle)); err != nil {
			break
		}
		n, err := from.Read(*b)
		if n > 0 {
			f.last.Store(time.Now().UnixNano())
			if _, err := to.Write((*b)[:n]); err != nil {
				_ = from.Close()
				break
			}
		}
		if err == nil {
			continue
		}
		if !isTimeout(err) {
			break
		}
		if time.Since(time.Unix(0, f.last.Load())) >= f.idle {
			_, _ = to.Close(), from.Close()
			return
		}
	}
	closeWrite(to)
}

// closeWrite tells the other side that there is no more to come.
func closeWrite(c net.Conn) {
	if h, ok := c.(interface{ CloseWrite() error }); ok {
		_ = h.CloseWrite()
		return
	}
	_ = c.Close()
}

// proxyHeader is the PROXY protocol's header, version 2, of a client's
// connection: https://www.haproxy.org/download/2.9/doc/proxy-protocol.txt
func proxyHeader(c net.Conn) []byte {
	b := []byte("\r\n\r\n\x00\r\nQUIT\n\x21")
	from, err1 := netip.ParseAddrPort(c.RemoteAddr().String())
	to, err2 := netip.ParseAddrPort(c.LocalAddr().String())
	if err1 != nil || err2 != nil {
		return append(b, 0, 0, 0) // unspecified
	}
	family := byte(0x21) // TCP over IPv6
	if from.Addr().Is4() && to.Addr().Is4() {
		family = 0x11
	}
	addresses := append(from.Addr().AsSlice(), to.Addr().AsSlice()...)
	b = append(b, family)
	b = binary.BigEndian.AppendUint16(b, uint16(len(addresses)+4))
	b = append(b, addresses...)
	b = binary.BigEndian.AppendUint16(b, from.Port())
	return binary.BigEndian.AppendUint16(b, to.Port())
}

// upgraded is a connection to a target that speaks another protocol from now on,
// for as long as something comes or goes within the idle timeout.
type upgraded struct {
	io.ReadWriteCloser
	timer *time.Timer
	idle  time.Duration
}

func newUpgraded(c io.ReadWriteCloser, idle time.Duration) *upgraded {
	return &upgraded{c, time.AfterFunc(idle, func() { _ = c.Close() }), idle}
}

func (u *upgraded) Read(b []byte) (int, error) {
	n, err := u.ReadWriteCloser.Read(b)
	u.timer.Reset(u.idle)
	return n, err
}

func (u *upgraded) Write(b []byte) (int, error) {
	u.timer.Reset(u.idle)
	return u.ReadWriteCloser.Write(b)
}

// Close ends both.
func (u *upgraded) Close() error {
	u.timer.Stop()
	return u.ReadWriteCloser.Close()
}
