package proxy

import (
	"crypto/tls"
	"encoding/binary"
	"io"
	"net"
	"net/netip"
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
	t := p.next()
	if t == nil {
		return
	}
	if l.TLS {
		c = o.secure(c)
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
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_, _ = io.Copy(up, c)
		closeWrite(up)
	}()
	_, _ = io.Copy(c, up)
	closeWrite(c)
	<-ended
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
