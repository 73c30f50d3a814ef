// Package forward carries TCP connections to a unix socket, so that what runs
// in a network namespace of its own reaches the gateway at a local address.
package forward

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"sync"
	"syscall"
	"time"
)

// patience is how long a new connection waits for the socket to answer: a
// server that is being restarted shall not fail the builds and tasks it runs.
const patience = 15 * time.Second

// Listen listens on a TCP address; the caller then knows that it is there.
func Listen(ctx context.Context, addr string) (net.Listener, error) {
	var lc net.ListenConfig
	ln, err := lc.Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("forward: %w", err)
	}
	return ln, nil
}

// Serve forwards every connection of ln to the unix socket until ctx ends; then
// it closes them all, and ln, and returns nil once they are gone.
func Serve(ctx context.Context, ln net.Listener, socketPath string) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(ctx, func() { _ = ln.Close() })()
	var conns sync.WaitGroup
	defer conns.Wait()
	defer cancel() // before the wait
	for {
		c, err := ln.Accept()
		switch {
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, syscall.EMFILE), errors.Is(err, syscall.ENFILE), errors.Is(err, syscall.ECONNABORTED):
			// Others will end and free what is missing.
			if !pause(ctx, 50*time.Millisecond) {
				return nil
			}
		case err != nil:
			return fmt.Errorf("forward: %w", err)
		default:
			conns.Go(func() { carry(ctx, c.(halfCloser), socketPath) })
		}
	}
}

// Endpoint makes a URL of the host's loopback interface answer in this network
// namespace too, through the unix socket, until ctx ends.
func Endpoint(ctx context.Context, endpoint, socketPath string) error {
	u, err := url.Parse(endpoint)
	if err != nil {
		return fmt.Errorf("forward: %w", err)
	}
	ln, err := Listen(ctx, net.JoinHostPort("127.0.0.1", u.Port()))
	if err != nil {
		return err
	}
	go func() { _ = Serve(ctx, ln, socketPath) }()
	return nil
}

// halfCloser is a connection that can end one direction: TCP and unix.
type halfCloser interface {
	net.Conn
	CloseWrite() error
}

// carry pipes both ways until both have ended, one failed, or ctx is done.
func carry(ctx context.Context, in halfCloser, socketPath string) {
	defer in.Close()
	out, err := Dial(ctx, socketPath)
	if err != nil {
		return // the client sees its connection closed
	}
	defer out.Close()
	defer context.AfterFunc(ctx, func() { _ = in.Close(); _ = out.Close() })()

	var back sync.WaitGroup
	back.Go(func() { pipe(in, out) })
	pipe(out, in)
	back.Wait()
}

// pipe copies until the end of src, which it passes on as the end of one
// direction only; a failure ends both.
func pipe(dst, src halfCloser) {
	_, err := io.Copy(dst, src)
	if err == nil {
		err = dst.CloseWrite()
	}
	if err != nil {
		_ = dst.Close()
		_ = src.Close()
	}
}

// Dial connects to the socket, again for up to 15 s if nobody listens there.
func Dial(ctx context.Context, path string) (*net.UnixConn, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var d net.Dialer
	for wait := 10 * time.Millisecond; ; wait = min(2*wait, 500*time.Millisecond) {
		c, err := d.DialContext(ctx, "unix", path)
		if err == nil {
			return c.(*net.UnixConn), nil
		}
		if !absent(err) || !pause(ctx, wait) {
			return nil, err
		}
	}
}

// absent tells whether a server that starts would mend it.
func absent(err error) bool {
	return errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, syscall.ENOENT) || errors.Is(err, syscall.EAGAIN)
}

func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}
