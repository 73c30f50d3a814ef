package forward

import (
	"bytes"
	"context"
	"io"
	"net"
	"path/filepath"
	"testing"
	"time"
)

type fixture struct {
	socket, addr string
	cancel       context.CancelFunc
	ended        chan error
}

func start(t *testing.T) *fixture {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ln, err := Listen(ctx, "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f := &fixture{socket: filepath.Join(t.TempDir(), "s"), addr: ln.Addr().String(), cancel: cancel, ended: make(chan error, 1)}
	go func() { f.ended <- Serve(ctx, ln, f.socket) }()
	t.Cleanup(cancel)
	return f
}

func (f *fixture) listen(t *testing.T, serve func(*net.UnixConn)) {
	t.Helper()
	ln, err := net.Listen("unix", f.socket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ln.Close() })
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			go serve(c.(*net.UnixConn))
		}
	}()
}

func (f *fixture) dial(t *testing.T) *net.TCPConn {
	t.Helper()
	c, err := net.Dial("tcp", f.addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c.(*net.TCPConn)
}

// A server that answers only after the end of the request gets that end, and
// the client all of the answer.
func TestHalfClose(t *testing.T) {
	f := start(t)
	f.listen(t, func(c *net.UnixConn) {
		b, _ := io.ReadAll(c)
		_, _ = c.Write(bytes.ToUpper(b))
		_ = c.Close()
	})
	want := bytes.Repeat([]byte("abc"), 1<<20)
	for range 3 {
		c := f.dial(t)
		go func() { _, _ = c.Write(want); _ = c.CloseWrite() }()
		got, err := io.ReadAll(c)
		if err != nil || !bytes.Equal(got, bytes.ToUpper(want)) {
			t.Fatalf("%d bytes, %v", len(got), err)
		}
	}
	f.cancel()
	if err := <-f.ended; err != nil {
		t.Error(err)
	}
}

// A connection that came while the server was away is served when it is back.
func TestServerAway(t *testing.T) {
	f := start(t)
	c := f.dial(t)
	if _, err := c.Write([]byte("hi")); err != nil {
		t.Fatal(err)
	}
	f.listen(t, func(u *net.UnixConn) { _, _ = io.CopyN(u, u, 2); _ = u.Close() })
	got, err := io.ReadAll(c)
	if err != nil || string(got) != "hi" {
		t.Errorf("%q, %v", got, err)
	}
}

// The end of the context ends open connections and all goroutines.
func TestEnd(t *testing.T) {
	f := start(t)
	accepted := make(chan struct{})
	f.listen(t, func(u *net.UnixConn) { close(accepted); _, _ = io.ReadAll(u) })
	c := f.dial(t)
	<-accepted
	f.cancel()
	if err := <-f.ended; err != nil {
		t.Error(err)
	}
	_ = c.SetReadDeadline(time.Now().Add(time.Minute))
	if _, err := c.Read(make([]byte, 1)); err == nil {
		t.Error("still open")
	}
}

// A server that dies closes the client's connection.
func TestServerDies(t *testing.T) {
	f := start(t)
	f.listen(t, func(u *net.UnixConn) { _ = u.Close() })
	c := f.dial(t)
	if _, err := io.ReadAll(c); err != nil {
		t.Error(err)
	}
}

func TestCannotListen(t *testing.T) {
	if _, err := Listen(t.Context(), "256.0.0.1:1"); err == nil {
		t.Error("no error")
	}
}
