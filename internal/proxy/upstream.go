package proxy

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/slipway-dev/slipway/internal/clock"
	"github.com/slipway-dev/slipway/internal/proxy/h1"
)

// upstream is a connection to a target, which one request has at a time.
type upstream struct {
	net.Conn
	reader *h1.Reader
	used   bool      // it has answered before
	last   time.Time // a request was sent, or something came; or it is idle since
	write  time.Time // the deadline that is set

	// quiet is called when nothing came for a second. idle is when that is
	// too long.
	quiet func()
	idle  time.Duration
}

const (
	dialing      = 10 * time.Second // AWS's limit
	upstreamKept = 55 * time.Second // most servers keep connections for a minute or more
	upstreamIdle = 512              // connections of a target
	doubtful     = 100 * time.Millisecond
	recent       = 20 * time.Millisecond // no target ends connections so soon
	shortly      = time.Second
)

// dial connects to a target.
func (p *pool) dial(ctx context.Context, t *target) (*upstream, error) {
	c, err := (&net.Dialer{Timeout: dialing, KeepAlive: 30 * time.Second}).DialContext(ctx, "tcp", t.address)
	if err != nil {
		return nil, err
	}
	c = newDirect(c)
	if p.TLS {
		secure := tls.Client(c, p.transport.TLSClientConfig)
		ctx, cancel := context.WithTimeout(ctx, dialing)
		defer cancel()
		if err := secure.HandshakeContext(ctx); err != nil {
			_ = c.Close()
			return nil, &net.OpError{Op: "dial", Net: "tcp", Err: err}
		}
		c = secure
	}
	u := &upstream{Conn: c}
	u.reader = h1.NewReader(u, 16<<10, 64<<10)
	return u, nil
}

// Read waits for as long as the flight's idle timeout. Deadlines are only moved
// when they pass: most requests are answered long before.
func (u *upstream) Read(b []byte) (int, error) {
	for {
		n, err := u.Conn.Read(b)
		if n > 0 {
			u.last = time.Now()
			return n, nil
		}
		var slow net.Error
		if err == nil || !errors.As(err, &slow) || !slow.Timeout() {
			return n, err
		}
		next := shortly
		if still := time.Since(u.last); still >= u.idle {
			return n, err
		} else if still >= shortly {
			u.quiet()
			next = u.idle
		}
		if err := u.SetReadDeadline(u.last.Add(min(next, u.idle))); err != nil {
			return n, err
		}
	}
}

// come reads what has come already, without waiting, where it can.
func (u *upstream) come(b []byte) int {
	if c, ok := u.Conn.(interface{ come([]byte) int }); ok {
		return c.come(b)
	}
	return 0
}

// begin readies the connection for a request.
func (u *upstream) begin(now time.Time, idle time.Duration, quiet func()) error {
	u.quiet, u.idle = quiet, idle
	if !u.used {
		if err := u.SetReadDeadline(now.Add(min(shortly, idle))); err != nil {
			return err
		}
	}
	u.last = now
	if u.write.Before(now.Add(idle / 2)) {
		u.write = now.Add(idle)
		return u.SetWriteDeadline(u.write)
	}
	return nil
}

// alive tells whether the target has not closed an idle connection, nor sent
// what nobody asked for.
func (u *upstream) alive() bool {
	c := u.Conn
	if s, ok := c.(*tls.Conn); ok {
		c = s.NetConn()
	}
	k, ok := c.(syscall.Conn)
	if !ok {
		return true
	}
	raw, err := k.SyscallConn()
	if err != nil {
		return false
	}
	alive := false
	// Control, not Read: a deadline that has passed does not matter here.
	err = raw.Control(func(fd uintptr) {
		var b [1]byte
		_, _, err := syscall.Recvfrom(int(fd), b[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		alive = errors.Is(err, syscall.EAGAIN)
	})
	return err == nil && alive
}

// idle are a target's connections that nobody uses.
type idle struct {
	mu    sync.Mutex
	conns []*upstream // the one used last is the last
	timer clock.Timer
	gone  bool // the target is
}

// take is an idle connection, nil if there is none. sure is for requests that
// cannot be sent twice: the connection was used a moment ago, and is open. A target
// may close one that is idle for longer at any moment, this one included.
func (i *idle) take(now time.Time, sure bool) *upstream {
	for {
		i.mu.Lock()
		n := len(i.conns)
		if n == 0 {
			i.mu.Unlock()
			return nil
		}
		u := i.conns[n-1]
		i.conns[n-1] = nil
		i.conns = i.conns[:n-1]
		i.mu.Unlock()
		still := now.Sub(u.last)
		switch {
		case sure && still > recent: // and the others are older
			_ = u.Close()
			return nil
		case still < doubtful && !sure || u.alive():
			return u
		}
		_ = u.Close()
	}
}

// give takes a connection back.
func (i *idle) give(u *upstream, c clock.Clock) {
	u.used, u.quiet = true, nil
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.gone || len(i.conns) >= upstreamIdle {
		_ = u.Close()
		return
	}
	i.conns = append(i.conns, u)
	if i.timer == nil {
		i.timer = c.AfterFunc(upstreamKept, func() { i.reap(c) })
	}
}

// reap closes connections that nobody used for long.
func (i *idle) reap(c clock.Clock) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.timer = nil
	now := time.Now()
	i.conns = slices.DeleteFunc(i.conns, func(u *upstream) bool {
		old := now.Sub(u.last) >= upstreamKept
		if old {
			_ = u.Close()
		}
		return old
	})
	if len(i.conns) > 0 {
		i.timer = c.AfterFunc(max(upstreamKept-now.Sub(i.conns[0].last), shortly), func() { i.reap(c) })
	}
}

// end closes all, and those that are given back later.
func (i *idle) end() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.gone = true
	if i.timer != nil {
		i.timer.Stop()
		i.timer = nil
	}
	for _, u := range i.conns {
		_ = u.Close()
	}
	i.conns = nil
}
