package proxy

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"time"
)

// A direct connection waits, ends and fails as any other.
func TestDirect(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	pair := func() (c, other net.Conn) {
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		if other, err = l.Accept(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _, _ = c.Close(), other.Close() })
		return newDirect(c), other
	}

	// More than the sockets hold, in one write.
	c, other := pair()
	sent := bytes.Repeat([]byte("0123456789abcdef"), 1<<20)
	wrote := make(chan error, 1)
	go func() {
		n, err := c.Write(sent)
		if n != len(sent) && err == nil {
			err = io.ErrShortWrite
		}
		wrote <- errors.Join(err, c.Close())
	}()
	if got, err := io.ReadAll(other); err != nil || !bytes.Equal(got, sent) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	if err := <-wrote; err != nil {
		t.Error(err)
	}

	// Deadlines, and bytes after one.
	c, other = pair()
	b := make([]byte, 8)
	_ = c.SetReadDeadline(time.Now().Add(10 * time.Millisecond))
	if n, err := c.Read(b); n != 0 || !errors.Is(err, os.ErrDeadlineExceeded) || !isTimeout(err) {
		t.Errorf("%d %v", n, err)
	}
	_ = c.SetReadDeadline(time.Time{})
	if _, err := io.WriteString(other, "late"); err != nil {
		t.Fatal(err)
	}
	if n, err := c.Read(b); string(b[:n]) != "late" || err != nil {
		t.Errorf("%q %v", b[:n], err)
	}
	_ = c.SetWriteDeadline(time.Now().Add(10 * time.Millisecond))
	if n, err := c.Write(sent); n == 0 || n == len(sent) || !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("wrote %d, %v", n, err)
	}

	// The end, by the other side and by this one.
	c, other = pair()
	_ = other.Close()
	if n, err := c.Read(b); n != 0 || err != io.EOF {
		t.Errorf("%d %v", n, err)
	}
	c, _ = pair()
	time.AfterFunc(10*time.Millisecond, func() { _ = c.Close() })
	if _, err := c.Read(b); !errors.Is(err, net.ErrClosed) {
		t.Error(err)
	}
	c, other = pair()
	_ = other.(*net.TCPConn).SetLinger(0)
	_ = other.Close()
	if _, err := c.Read(b); err == nil || err == io.EOF {
		t.Errorf("a reset is %v", err)
	}
}
