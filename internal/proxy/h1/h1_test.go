package h1

import (
	"errors"
	"io"
	"net/http/httputil"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
)

func TestRequests(t *testing.T) {
	var r Request
	if err := r.Parse("POST /a?b=c HTTP/1.1\r\nHost: x\r\ncontent-LENGTH:\t12 \r\nX-Empty:\r\nCookie: a=b; c=d\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	if n, err := r.Fields.Length(); r.Method != "POST" || r.Target != "/a?b=c" || n != 12 || err != nil {
		t.Errorf("%+v", r)
	}
	if v := r.Fields.Values("cookie"); !slices.Equal(v, []string{"a=b; c=d"}) {
		t.Errorf("cookies %q", v)
	}
	if v, ok := r.Fields.First(Host); v != "x" || !ok || r.Fields.Count(Host) != 1 {
		t.Errorf("host %q", v)
	}
	for _, strange := range []string{
		"GET / HTTP/2.0\r\n\r\n",
		"GET  / HTTP/1.1\r\n\r\n",
		"GET /a b HTTP/1.1\r\n\r\n",
		"GET /\x80 HTTP/1.1\r\n\r\n",
		"G ET / HTTP/1.1\r\n\r\n",
		"GET / HTTP/1.1\n\r\n",
		"GET / HTTP/1.1\r\nHost: x\n\r\n",
		"GET / HTTP/1.1\r\nHost : x\r\n\r\n",
		"GET / HTTP/1.1\r\n Host: x\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: x\r\n folded\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: x\x00\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: x\r\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: x\r\nno colon\r\n\r\n",
		"GET / HTTP/1.1\r\n: x\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: x\r\n\r\nmore",
		"GET / HTTP/1.1\n\n",
	} {
		if err := r.Parse(strange); !errors.Is(err, ErrStrange) {
			t.Errorf("%q is taken for %+v (%v)", strange, r, err)
		}
	}
	if err := r.Parse("GET / HTTP/1.0\r\n\r\n"); !errors.Is(err, ErrVersion) {
		t.Errorf("HTTP/1.0: %v", err)
	}
	for _, strange := range []string{"Content-Length: +1", "Content-Length: 1, 1", "Content-Length: 1\r\nContent-Length: 1", "Content-Length:", "Content-Length: 0x1", "Content-Length: 99999999999999999999"} {
		if err := r.Parse("GET / HTTP/1.1\r\n" + strange + "\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		if n, err := r.Fields.Length(); err == nil {
			t.Errorf("%s is %d", strange, n)
		}
	}
}

func TestResponses(t *testing.T) {
	var r Response
	if err := r.Parse("HTTP/1.0 404 Not there\r\nServer: x\r\n\r\n"); err != nil || r.Status != 404 || r.Reason != "Not there" || !r.Old || r.Fields[0].Kind != Server {
		t.Errorf("%+v %v", r, err)
	}
	if err := r.Parse("HTTP/1.1 200\r\n\r\n"); err != nil || r.Reason != "" || r.Old {
		t.Errorf("%+v %v", r, err)
	}
	for _, strange := range []string{"HTTP/2.0 200 OK\r\n\r\n", "HTTP/1.1 20 OK\r\n\r\n", "HTTP/1.1 -20 OK\r\n\r\n", "HTTP/1.1 2000 OK\r\n\r\n", "HTTP/1.1 200 O\x01K\r\n\r\n", "hello\r\n\r\n", "\n\n"} {
		if err := r.Parse(strange); err == nil {
			t.Errorf("%q is taken for %+v", strange, r)
		}
	}
}

func TestReader(t *testing.T) {
	const one, two = "GET / HTTP/1.1\r\nHost: x\r\n\r\n", "GET /2 HTTP/1.1\n\n"
	r := NewReader(iotest.OneByteReader(strings.NewReader(one+two+strings.Repeat("a", 100))), 16, 64)
	for _, want := range []string{one, two} {
		got, err := r.Head()
		if got != want || err != nil {
			t.Fatalf("%q %v", got, err)
		}
		r.Discard(len(got))
	}
	if err := r.Need(40); err != nil || string(r.Buffered()) != strings.Repeat("a", 40) {
		t.Errorf("%q %v", r.Buffered(), err)
	}
	if _, err := r.Head(); !errors.Is(err, ErrTooLarge) {
		t.Errorf("too large: %v", err)
	}
	if _, err := NewReader(strings.NewReader("GET"), 16, 64).Head(); !errors.Is(err, io.EOF) {
		t.Errorf("cut off: %v", err)
	}
}

func TestChunks(t *testing.T) {
	for _, c := range []struct {
		in   string
		rest int // bytes after the body; -1 if it is strange
	}{
		{"0\r\n\r\n", 0},
		{"5\r\nhello\r\n0\r\n\r\nHTTP", 4},
		{"5;a=b\r\nhello\r\n00\r\nTrailer: x\r\nB: y\r\n\r\n!", 1},
		{"A\r\n0123456789\r\n0\r\n\r\n", 0},
		{"5  \r\nhello\r\n0 ;a\r\n\r\n", 0},
		{"5 0\r\nhello\r\n0\r\n\r\n", -1},
		{"5\nhello\r\n0\r\n\r\n", -1},
		{"\r\n", -1},
		{"g\r\n", -1},
		{"5\r\nhelloo\r\n", -1},
		{"5;a\nb\r\nhello\r\n0\r\n\r\n", -1},
		{"0\r\n bad\r\n\r\n", -1},
		{"0\r\n\n", -1},
		{"ffffffffffffffffffff\r\n", -1},
		{"-5\r\n", -1},
	} {
		for step := 1; step <= len(c.in); step++ {
			var k Chunks
			read, done := 0, false
			var err error
			for read < len(c.in) && !done && err == nil {
				var n int
				n, done, err = k.Scan([]byte(c.in[read:min(read+step, len(c.in))]))
				read += n
			}
			if c.rest < 0 && (err == nil || done) {
				t.Errorf("%q by %d is taken", c.in, step)
			}
			if c.rest >= 0 && (err != nil || !done || len(c.in)-read != c.rest) {
				t.Errorf("%q by %d: %d left, %v %v", c.in, step, len(c.in)-read, done, err)
			}
		}
	}
}

// What Chunks takes for a whole body, net/http reads to its end, too.
func FuzzChunks(f *testing.F) {
	f.Add([]byte("5;a=b\r\nhello\r\n0\r\nTrailer: x\r\n\r\n!"))
	f.Fuzz(func(t *testing.T, b []byte) {
		var k Chunks
		n, done, err := k.Scan(b)
		if err != nil || !done {
			return
		}
		if _, err := io.ReadAll(httputil.NewChunkedReader(strings.NewReader(string(b[:n])))); err != nil {
			t.Errorf("%q: %v", b[:n], err)
		}
	})
}

func BenchmarkRequest(b *testing.B) {
	const text = "GET /some/path?x=y HTTP/1.1\r\nHost: web-0123456789.elb.localhost\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64)\r\nAccept: text/html\r\nAccept-Encoding: gzip\r\nCookie: a=b\r\n\r\n"
	b.ReportAllocs()
	var r Request
	for range b.N {
		if err := r.Parse(text); err != nil {
			b.Fatal(err)
		}
	}
}
