package proxy

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// served is what a port carries at the moment: the listeners of one or more
// load balancers.
type served struct {
	listeners  []*listener
	tls, plain bool
	tcp        *listener
}

func (s *served) add(l *listener) {
	s.listeners = append(s.listeners, l)
	switch {
	case l.TCP:
		s.tcp = l
	case l.TLS:
		s.tls = true
	default:
		s.plain = true
	}
}

// find returns the listener that a host name means: the load balancer's of
// that name, or else the only one; nil if there are several.
func (s *served) find(host string, secure bool) *listener {
	var only *listener
	n := 0
	for _, l := range s.listeners {
		if l.TLS != secure {
			continue
		}
		if strings.EqualFold(l.Host, host) {
			return l
		}
		only = l
		n++
	}
	if n > 1 {
		return nil
	}
	return only
}

// port is one open port of the loopback addresses.
type port struct {
	proxy     *Proxy
	number    int
	served    atomic.Pointer[served]
	server    *http.Server
	listeners []net.Listener
	conns     chan net.Conn // for the server
	done      chan struct{}
	ended     sync.Once
}

// listen opens a port on 127.0.0.1, and on ::1 where there is one: names under
// localhost lead to both.
func listen(p *Proxy, number int) (*port, error) {
	v4, err := net.Listen("tcp4", net.JoinHostPort("127.0.0.1", strconv.Itoa(number)))
	if err != nil {
		return nil, explain(err)
	}
	o := &port{proxy: p, number: number, listeners: []net.Listener{v4}, conns: make(chan net.Conn), done: make(chan struct{})}
	o.served.Store(&served{})
	if v6, err := net.Listen("tcp6", net.JoinHostPort("::1", strconv.Itoa(number))); err == nil {
		o.listeners = append(o.listeners, v6)
	}
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	protocols.SetHTTP2(true)
	o.server = &http.Server{
		Handler: o, ReadHeaderTimeout: 60 * time.Second, IdleTimeout: time.Hour, MaxHeaderBytes: 64 << 10, Protocols: protocols,
		ErrorLog: log.New(quiet{p.cfg.Log}, "", 0), ConnContext: withTally,
	}
	for _, l := range o.listeners {
		go o.accept(l)
	}
	go func() { _ = o.server.Serve(o) }()
	return o, nil
}

// explain says what to do about a port that cannot be opened.
func explain(err error) error {
	switch {
	case errors.Is(err, syscall.EACCES), errors.Is(err, syscall.EPERM):
		return errors.New("permission denied; ports below 1024 need the server to be root, or sysctl net.ipv4.ip_unprivileged_port_start")
	case errors.Is(err, syscall.EADDRINUSE):
		return errors.New("another program listens on it")
	}
	return err
}

func (o *port) accept(l net.Listener) {
	for {
		c, err := l.Accept()
		if err != nil {
			select {
			case <-o.done:
				return
			default:
			}
			var e net.Error
			if errors.Is(err, net.ErrClosed) || !errors.As(err, &e) {
				return
			}
			time.Sleep(10 * time.Millisecond) // out of file descriptors: the one thing that passes by itself
			continue
		}
		s := o.served.Load()
		c = newTally(o.proxy, c, s)
		switch {
		case s.tcp != nil:
			go o.carry(s.tcp, c)
		case s.tls && s.plain:
			go o.peek(c)
		case s.tls:
			o.hand(o.secure(c))
		default:
			o.hand(c)
		}
	}
}

// hand gives a connection to the HTTP server.
func (o *port) hand(c net.Conn) {
	select {
	case o.conns <- c:
	case <-o.done:
		_ = c.Close()
	}
}

// peek tells TLS from plain requests by the first byte, where load balancers of
// both kinds share the port.
func (o *port) peek(c net.Conn) {
	b := bufio.NewReader(c)
	_ = c.SetReadDeadline(time.Now().Add(60 * time.Second))
	first, err := b.Peek(1)
	_ = c.SetReadDeadline(time.Time{})
	if err != nil {
		_ = c.Close()
		return
	}
	c = &peeked{c, b}
	if first[0] == 0x16 { // a TLS handshake
		c = o.secure(c)
	}
	o.hand(c)
}

type peeked struct {
	net.Conn
	r *bufio.Reader
}

func (p *peeked) Read(b []byte) (int, error) { return p.r.Read(b) }

func (o *port) secure(c net.Conn) *tls.Conn {
	protocols := []string{"http/1.1"}
	for _, l := range o.served.Load().listeners {
		if l.TLS && l.Options.HTTP2 {
			protocols = []string{"h2", "http/1.1"}
		}
	}
	return tls.Server(c, &tls.Config{MinVersion: tls.VersionTLS12, NextProtos: protocols, GetCertificate: func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
		name := hello.ServerName
		if l := o.served.Load().find(name, true); l != nil && name == "" {
			name = l.Host
		}
		return o.proxy.certs.of(name)
	}})
}

// Accept, Close and Addr make the port the server's net.Listener.
func (o *port) Accept() (net.Conn, error) {
	select {
	case c := <-o.conns:
		return c, nil
	case <-o.done:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (o *port) Close() error {
	o.ended.Do(func() {
		close(o.done)
		for _, l := range o.listeners {
			_ = l.Close()
		}
	})
	return nil
}

// Addr implements net.Listener.
func (o *port) Addr() net.Addr { return o.listeners[0].Addr() }

// grace is how long requests on their way may take when a port is closed.
const grace = time.Minute

// close takes no new connections and lets requests end.
func (o *port) close() {
	_ = o.Close()
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), grace)
		defer cancel()
		if o.server.Shutdown(ctx) != nil {
			_ = o.server.Close()
		}
	}()
}

func (o *port) abort() {
	_ = o.Close()
	_ = o.server.Close()
}

func (o *port) String() string { return fmt.Sprintf("port %d", o.number) }
