package proxy

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/slipway-dev/slipway/internal/proxy/h1"
)

// port is one open port of this machine's addresses.
type port struct {
	proxy     *Proxy
	number    int
	served    atomic.Pointer[served]
	server    *http.Server
	listeners []net.Listener
	conns     chan net.Conn // for the server
	tls       *tls.Config
	done      chan struct{}
	ended     sync.Once
	fronts    fronts
}

// listen opens a port on 127.0.0.1, and on ::1 where there is one: names under
// localhost lead to both. In containers the names lead to an address of its own,
// without which the port still serves this machine.
func listen(p *Proxy, number int) (*port, error) {
	v4, err := net.Listen("tcp4", net.JoinHostPort("127.0.0.1", strconv.Itoa(number)))
	if err != nil {
		return nil, explain(err)
	}
	o := &port{proxy: p, number: number, listeners: []net.Listener{v4}, conns: make(chan net.Conn), done: make(chan struct{})}
	o.served.Store(&served{})
	o.tls = o.config()
	if v6, err := net.Listen("tcp6", net.JoinHostPort("::1", strconv.Itoa(number))); err == nil {
		o.listeners = append(o.listeners, v6)
	}
	if l, err := p.outside(number); err != nil {
		p.cfg.Log.Warn("containers do not reach a listener's port", "port", number, "err", err)
	} else if l != nil {
		o.listeners = append(o.listeners, l)
	}
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	protocols.SetHTTP2(true)
	o.server = &http.Server{
		Handler: o, ReadHeaderTimeout: 60 * time.Second, IdleTimeout: time.Hour, MaxHeaderBytes: 64 << 10, Protocols: protocols,
		DisableGeneralOptionsHandler: true, // OPTIONS * is for targets too
		ErrorLog:                     log.New(quiet{p.cfg.Log}, "", 0), ConnContext: withOrigin,
	}
	for _, l := range o.listeners {
		go o.accept(l)
	}
	go func() { _ = o.server.Serve(o) }()
	return o, nil
}

// outside listens where containers reach this machine; nil if they do not.
func (p *Proxy) outside(number int) (net.Listener, error) {
	if p.cfg.Address == nil {
		return nil, nil
	}
	ctx, cancel := context.WithTimeout(p.ctx, 2*time.Second) // an engine that does not answer delays no start
	defer cancel()
	address, err := p.cfg.Address(ctx)
	if err != nil || address == "" {
		return nil, err
	}
	return net.Listen("tcp4", net.JoinHostPort(address, strconv.Itoa(number)))
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
		go o.begin(c)
	}
}

// begin finds out what speaks on a new connection: TLS is told from plain
// requests by the first byte where load balancers of both kinds share the port.
func (o *port) begin(c net.Conn) {
	s := o.served.Load()
	t := newTally(o.proxy, c, s)
	if s.tcp != nil {
		o.carry(s.tcp, t)
		return
	}
	secure := s.tls
	if s.tls && s.plain {
		r := h1.NewReader(t, 1<<10, 1<<10)
		_ = t.SetReadDeadline(time.Now().Add(handshake))
		if r.Need(1) != nil {
			_ = t.Close()
			return
		}
		secure = r.Buffered()[0] == 0x16
		c = &begun{t, r, origin{tally: t}}
	} else {
		c = t
	}
	if !secure {
		o.logConnection(t, nil, -1)
		o.front(c, t, nil)
		return
	}
	k := tls.Server(c, o.tls)
	began := time.Now()
	_ = t.SetDeadline(time.Now().Add(handshake))
	if err := k.Handshake(); err != nil {
		if b := t.meter.Load(); b != nil {
			b.Handshakes.Add(1)
			o.proxy.counted()
		}
		var plain tls.RecordHeaderError
		if errors.As(err, &plain) && plain.Conn != nil && bytes.ContainsAny(plain.RecordHeader[:], " /") {
			_, _ = io.WriteString(plain.Conn, plainHere)
		}
		_ = k.Close()
		return
	}
	_ = t.SetDeadline(time.Time{})
	state := k.ConnectionState()
	o.logConnection(t, &state, time.Since(began))
	if state.NegotiatedProtocol == "h2" {
		o.hand(k)
		return
	}
	o.front(k, t, &state)
}

// plainHere is for a request in clear where only TLS is spoken.
const plainHere = "HTTP/1.1 400 Bad Request\r\nServer: awselb/2.0\r\nContent-Type: text/html\r\nConnection: close\r\n\r\n" +
	"<html>\r\n<head><title>400 The plain HTTP request was sent to HTTPS port</title></head>\r\n<body>\r\n<center><h1>400 Bad Request</h1></center>\r\n" +
	"<center>The plain HTTP request was sent to HTTPS port</center>\r\n</body>\r\n</html>\r\n"

// handshake is how long a client may take to say what it speaks, or to send a
// head.
const handshake = 60 * time.Second

// hand gives a connection to the HTTP server.
func (o *port) hand(c net.Conn) {
	select {
	case o.conns <- c:
	case <-o.done:
		_ = c.Close()
	}
}

// begun is a connection of which something was read before.
type begun struct {
	net.Conn
	reader *h1.Reader
	from   origin
}

func (b *begun) Read(p []byte) (int, error) {
	if have := b.reader.Buffered(); len(have) > 0 {
		n := copy(p, have)
		b.reader.Discard(n)
		return n, nil
	}
	return b.Conn.Read(p)
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
		o.drain(ctx)
	}()
}

// drain lets requests end until ctx does.
func (o *port) drain(ctx context.Context) {
	_ = o.Close()
	o.fronts.end(false)
	if o.server.Shutdown(ctx) != nil {
		_ = o.server.Close()
	}
	o.fronts.wait(ctx)
	o.fronts.end(true)
}

func (o *port) abort() {
	_ = o.Close()
	o.fronts.end(true)
	_ = o.server.Close()
}

func (o *port) String() string { return fmt.Sprintf("port %d", o.number) }
