package proxy

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/slipway-dev/slipway/internal/clock"
	"github.com/slipway-dev/slipway/internal/elasticloadbalancingv2/health"
	"github.com/slipway-dev/slipway/internal/elasticloadbalancingv2/plane"
	"github.com/slipway-dev/slipway/internal/id"
)

// script is a target that says what it is told to, connection by connection and
// request by request.
type script struct {
	net.Listener
	t *testing.T

	mu    sync.Mutex
	heads []string // that came
	conns int
}

// newScript answers each request by answer, which may close the connection by
// returning false. The body of a request is what comes with its head.
func newScript(t *testing.T, answer func(c net.Conn, n int, request string) bool) *script {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &script{Listener: l, t: t}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			s.mu.Lock()
			s.conns++
			s.mu.Unlock()
			go func() {
				defer c.Close()
				buf := make([]byte, 64<<10)
				for {
					n, err := c.Read(buf)
					if err != nil {
						return
					}
					s.mu.Lock()
					s.heads = append(s.heads, string(buf[:n]))
					i := len(s.heads)
					s.mu.Unlock()
					if !answer(c, i, string(buf[:n])) {
						return
					}
				}
			}()
		}
	}()
	return s
}

func (s *script) last() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.heads) == 0 {
		return ""
	}
	return s.heads[len(s.heads)-1]
}

func (s *script) connections() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.conns
}

// balance is a load balancer before one target, whose options may be changed.
func balance(t *testing.T, target net.Listener, change func(l *plane.Listener, g *plane.Group)) (address string, p *Proxy) {
	t.Helper()
	p = New(Config{Clock: clock.System, IDs: id.Random, Log: slog.New(slog.DiscardHandler), Metrics: nobody{}, Journal: nobody{},
		Probed: func(context.Context, string, string, health.Result) {}})
	t.Cleanup(p.Close)
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address = free.Addr().String()
	_ = free.Close()
	g := &plane.Group{ARN: "g", Path: "g/1", Algorithm: plane.RoundRobin, Targets: []plane.Target{
		{Key: "t", Address: target.Addr().String(), Health: health.Health{State: health.Healthy}}}}
	l := &plane.Listener{ARN: "l", Balancer: "app/lb/1", Host: "lb.elb.localhost", Port: free.Addr().(*net.TCPAddr).Port,
		Options: plane.Options{Idle: time.Minute, Server: true},
		Rules:   []*plane.Rule{{ARN: "r", Forward: &plane.Forward{Groups: []plane.Weighted{{Group: "g", Weight: 1}}}}}}
	if change != nil {
		change(l, g)
	}
	if closed := p.Apply(&plane.Config{Listeners: []*plane.Listener{l}, Groups: map[string]*plane.Group{"g": g}}); len(closed) > 0 {
		t.Fatal(closed)
	}
	return address, p
}

// wire is a client that writes bytes.
type wire struct {
	net.Conn
	r *bufio.Reader
	t *testing.T
}

func dialWire(t *testing.T, address string) *wire {
	t.Helper()
	c, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	_ = c.SetDeadline(time.Now().Add(10 * time.Second))
	return &wire{c, bufio.NewReader(c), t}
}

func (w *wire) send(text string) {
	w.t.Helper()
	if _, err := io.WriteString(w, text); err != nil {
		w.t.Fatal(err)
	}
}

// answer reads one, to a request of a method.
func (w *wire) answer(method string) (status int, body string, resp *http.Response) {
	w.t.Helper()
	resp, err := http.ReadResponse(w.r, &http.Request{Method: method})
	if err != nil {
		w.t.Fatal(err)
	}
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		return resp.StatusCode, err.Error(), resp
	}
	return resp.StatusCode, string(b), resp
}

// closed tells whether there is nothing more to read.
func (w *wire) closed() bool {
	_, err := w.r.ReadByte()
	return errors.Is(err, io.EOF) || errors.Is(err, net.ErrClosed) || err != nil && strings.Contains(err.Error(), "reset")
}

func say(text string) func(net.Conn, int, string) bool {
	return func(c net.Conn, _ int, _ string) bool {
		_, _ = io.WriteString(c, text)
		return true
	}
}

// Answers of every form reach the client, and the connection serves the next
// request.
func TestAnswers(t *testing.T) {
	for _, c := range []struct {
		name, method, answer string
		last                 bool // the target closes after it
		status               int
		body                 string
		keeps                bool // the target's connection
	}{
		{"by length", "GET", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", false, 200, "hello", true},
		{"nothing", "GET", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", false, 200, "", true},
		{"no reason", "GET", "HTTP/1.1 299\r\nContent-Length: 0\r\n\r\n", false, 299, "", true},
		{"in chunks", "GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6;x=y\r\n world\r\n0\r\n\r\n", false, 200, "hello world", true},
		{"until it closes", "GET", "HTTP/1.1 200 OK\r\n\r\nhello", true, 200, "hello", false},
		{"old", "GET", "HTTP/1.0 200 OK\r\n\r\nhello", true, 200, "hello", false},
		{"said to be the last", "GET", "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello", false, 200, "hello", false},
		{"of HEAD", "HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", false, 200, "", true},
		{"of HEAD, in chunks", "HEAD", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", false, 200, "", true},
		{"no content", "GET", "HTTP/1.1 204 No Content\r\n\r\n", false, 204, "", true},
		{"not modified", "GET", "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", false, 304, "", true},
		{"an early one", "GET", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", false, 200, "hello", true},
		{"more than was said", "GET", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhelloHTTP/1.1 200 OK\r\n\r\n", false, 200, "hello", false},
		{"no HTTP", "GET", "hello\r\n\r\n", false, 502, "", false},
		{"two lengths", "GET", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello", false, 502, "", false},
		{"an unknown coding", "GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", false, 502, "", false},
		{"a switch that nobody asked for", "GET", "HTTP/1.1 101 Switching Protocols\r\n\r\n", false, 502, "", false},
		{"a split head", "GET", "HTTP/1.1 200 OK\r\nX: a\r\n b\r\n\r\n", false, 502, "", false},
		{"none", "GET", "", true, 502, "", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newScript(t, func(k net.Conn, _ int, _ string) bool {
				_, _ = io.WriteString(k, c.answer)
				return !c.last
			})
			address, _ := balance(t, s, nil)
			w := dialWire(t, address)
			for range 2 {
				w.send(c.method + " / HTTP/1.1\r\nHost: x\r\n\r\n")
				status, body, resp := w.answer(c.method)
				if status != c.status || status != 502 && body != c.body {
					t.Fatalf("%d %q", status, body)
				}
				if resp.Header.Get("Date") == "" {
					t.Error("no date")
				}
			}
			if kept := s.connections() == 1; kept != c.keeps {
				t.Errorf("the target had %d connections", s.connections())
			}
		})
	}
}

// What a client sends in an unusual way is served as well, or refused; never
// taken for more requests than it is.
func TestUnusualRequests(t *testing.T) {
	var served atomic.Int64
	target := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		served.Add(1)
		b, _ := io.ReadAll(r.Body)
		w.Header()["Content-Type"] = nil
		if r.URL.Path == "/huge" {
			w.Header().Set("X-Huge", strings.Repeat("a", 33<<10))
		}
		fmt.Fprintf(w, "%s %s %d %s%s", r.Method, r.URL.Path, len(b), r.Header.Get("X-Test")+r.Trailer.Get("X-Test"), r.Header.Get("Upgrade"))
		if r.URL.Path == "/host" {
			_, _ = io.WriteString(w, r.Host)
		}
	}))
	target.Config.DisableGeneralOptionsHandler = true
	target.Start()
	defer target.Close()
	address, _ := balance(t, target.Listener, nil)
	large := strings.Repeat("a", 100<<10)
	for _, c := range []struct {
		name, request string
		status        int
		body          string
		served        int64
	}{
		{"small body", "POST /p HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello", 200, "POST /p 5 ", 1},
		{"large body", "POST /p HTTP/1.1\r\nHost: x\r\nContent-Length: 102400\r\n\r\n" + large, 200, "POST /p 102400 ", 1},
		{"in chunks", "POST /p HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", 200, "POST /p 5 ", 1},
		{"in chunks with a trailer", "POST /p HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nTrailer: X-Test\r\n\r\n5\r\nhello\r\n0\r\nX-Test: sum\r\n\r\n", 200, "POST /p 5 sum", 1},
		{"old", "GET /host HTTP/1.0\r\n\r\n", 200, "GET /host 0 lb.elb.localhost", 1},
		{"empty lines before", "\r\n\r\nGET /p HTTP/1.1\r\nHost: x\r\n\r\n", 200, "GET /p 0 ", 1},
		{"many addresses", "GET /p HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 1.2.3.4" + strings.Repeat(", 1.2.3.4", 29) + "\r\n\r\n", 200, "GET /p 0 ", 1},
		{"too many addresses", "GET /p HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 1.2.3.4" + strings.Repeat(", 1.2.3.4", 30) + "\r\n\r\n", 463, "", 0},
		{"a large answer's head", "GET /huge HTTP/1.1\r\nHost: x\r\n\r\n", 502, "", 1},
		{"a long address", "GET /" + large[:17<<10] + " HTTP/1.1\r\nHost: x\r\n\r\n", 414, "", 0},
		{"a large field", "GET /p HTTP/1.1\r\nHost: x\r\nX-Test: " + large[:17<<10] + "\r\n\r\n", 400, "", 0},
		{"HTTP/3", "GET /p HTTP/3.0\r\nHost: x\r\n\r\n", 505, "", 0},
		{"older still", "GET /p\r\n\r\n", 400, "", 0},
		{"a length and a coding of HTTP/1.0", "POST /p HTTP/1.0\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400, "", 0},
		{"absolute", "GET http://x/p HTTP/1.1\r\nHost: x\r\n\r\n", 200, "GET /p 0 ", 1},
		{"expects", "POST /p HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\nhello", 100, "", 1},
		{"names a field", "GET /p HTTP/1.1\r\nHost: x\r\nConnection: X-Test\r\nX-Test: secret\r\n\r\n", 200, "GET /p 0 ", 1},
		{"a field", "GET /p HTTP/1.1\r\nHost: x\r\nX-Test: kept\r\n\r\n", 200, "GET /p 0 kept", 1},
		{"no host", "GET /p HTTP/1.1\r\n\r\n", 400, "", 0},
		{"two hosts", "GET /p HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", 400, "", 0},
		{"a blank before the colon", "GET /p HTTP/1.1\r\nHost: x\r\nX-Test : a\r\n\r\n", 400, "", 0},
		{"two lengths", "POST /p HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello", 400, "", 0},
		{"a length that is none", "POST /p HTTP/1.1\r\nHost: x\r\nContent-Length: +5\r\n\r\nhello", 400, "", 0},
		{"an unknown coding", "POST /p HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 501, "", 0},
		{"a folded line", "GET /p HTTP/1.1\r\nHost: x\r\nX-Test: a\r\n\x0b b\r\n\r\n", 400, "", 0},
		{"a zero byte", "GET /p HTTP/1.1\r\nHost: x\r\nX-Test: a\x00b\r\n\r\n", 400, "", 0},
		{"options of all", "OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", 200, "OPTIONS * 0 ", 1},
		{"HTTP/2 in clear", "GET /p HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n", 200, "GET /p 0 ", 1},
		{"trace", "TRACE /p HTTP/1.1\r\nHost: x\r\n\r\n", 405, "", 0},
		{"a large head", "GET /p HTTP/1.1\r\nHost: x\r\nX-Test: " + large + "\r\n\r\n", 400, "", 0},
		{"HTTP/2 without asking", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400, "", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			served.Store(0)
			w := dialWire(t, address)
			_, _ = io.WriteString(w, c.request) // the answer may come before the end
			status, body, resp := w.answer("GET")
			if kind := resp.Header.Get("Content-Type"); kind != "" && status == 200 {
				t.Errorf("the kind of the answer is a guess: %s", kind)
			}
			if status != c.status || c.body != "" && body != c.body {
				t.Errorf("%d %q", status, body)
			}
			if status >= 400 && resp.Header.Get("Server") != "awselb/2.0" {
				t.Errorf("another than the load balancer answered: %v", resp.Header)
			}
			if status == 100 {
				status, body, _ = w.answer("POST")
				if status != 200 || body != "POST /p 5 " {
					t.Errorf("after it %d %q", status, body)
				}
			}
			if n := served.Load(); n != c.served {
				t.Errorf("the target had %d requests", n)
			}
		})
	}
	// A length and a coding are no request, and no other is taken after it.
	t.Run("a length and a coding", func(t *testing.T) {
		served.Store(0)
		w := dialWire(t, address)
		w.send("POST /p HTTP/1.1\r\nHost: x\r\nContent-Length: 40\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n")
		if status, _, _ := w.answer("POST"); status != 400 {
			t.Errorf("%d", status)
		}
		if !w.closed() || served.Load() != 0 {
			t.Errorf("it went on: %d requests", served.Load())
		}
	})
}

// A request that is never whole is the client's mistake.
func TestUnfinished(t *testing.T) {
	address, _ := balance(t, newScript(t, say("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")), func(l *plane.Listener, _ *plane.Group) { l.Options.Idle = 200 * time.Millisecond })
	for _, c := range []struct {
		text   string
		half   bool
		status int
	}{
		{"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nhello", true, 400},
		{"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nhello", false, 408},
		{"POST / HTTP/1.1\r\nHo", false, 408},
	} {
		w := dialWire(t, address)
		w.send(c.text)
		if c.half {
			_ = w.Conn.(*net.TCPConn).CloseWrite()
		}
		if status, _, _ := w.answer("POST"); status != c.status || !w.closed() {
			t.Errorf("%q: %d", c.text, status)
		}
	}
	if w := dialWire(t, address); !w.closed() {
		t.Error("an answer to nothing")
	}
}

// Chunks that cannot be read are the client's mistake, not the target's.
func TestBrokenChunks(t *testing.T) {
	target := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
	}))
	defer target.Close()
	address, _ := balance(t, target.Listener, nil)
	for _, body := range []string{"zz\r\nhello\r\n0\r\n\r\n", "0x5\r\nhello\r\n0\r\n\r\n", "2\r\nhello\r\n0\r\n\r\n"} {
		w := dialWire(t, address)
		w.send("POST /p HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + body)
		if status, _, _ := w.answer("POST"); status != 400 || !w.closed() {
			t.Errorf("%q: %d", body, status)
		}
	}
}

// Several requests at once are answered in order.
func TestPipelining(t *testing.T) {
	target := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		fmt.Fprint(w, r.URL.Path, string(b))
	}))
	defer target.Close()
	address, _ := balance(t, target.Listener, nil)
	w := dialWire(t, address)
	w.send("GET /1 HTTP/1.1\r\nHost: x\r\n\r\nPOST /2 HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabcGET /3 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
	for _, want := range []string{"/1", "/2abc", "/3"} {
		if status, body, _ := w.answer("GET"); status != 200 || body != want {
			t.Errorf("%d %q, want %q", status, body, want)
		}
	}
	if !w.closed() {
		t.Error("it did not close")
	}
}

// A large body passes, and one that is cut off does not look whole.
func TestBodies(t *testing.T) {
	big := bytes.Repeat([]byte("0123456789abcdef"), 1<<16) // 1 MiB
	target := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/length":
			w.Header().Set("Content-Length", fmt.Sprint(len(big)))
			_, _ = w.Write(big)
		case "/chunks":
			w.Header().Set("Trailer", "X-Sum")
			for i := 0; i < len(big); i += 1000 {
				_, _ = w.Write(big[i:min(i+1000, len(big))])
			}
			w.Header().Set("X-Sum", "whole")
		case "/cut":
			w.Header().Set("Content-Length", fmt.Sprint(len(big)))
			_, _ = w.Write(big[:10000])
			panic(http.ErrAbortHandler)
		case "/cut-chunks":
			_, _ = w.Write(big[:5000])
			w.(http.Flusher).Flush()
			panic(http.ErrAbortHandler)
		}
	}))
	defer target.Close()
	address, _ := balance(t, target.Listener, nil)
	for _, path := range []string{"/length", "/chunks"} {
		resp, err := http.Get("http://" + address + path)
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if err != nil || !bytes.Equal(b, big) {
			t.Errorf("%s: %d bytes, %v", path, len(b), err)
		}
		if path == "/chunks" && resp.Trailer.Get("X-Sum") != "whole" {
			t.Errorf("trailers: %v", resp.Trailer)
		}
	}
	for _, path := range []string{"/cut", "/cut-chunks"} {
		resp, err := http.Get("http://" + address + path)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadAll(resp.Body); err == nil {
			t.Errorf("%s looks whole", path)
		}
		_ = resp.Body.Close()
	}
}

// A kept connection that the target closes is replaced, without harm.
func TestStaleConnections(t *testing.T) {
	s := newScript(t, func(c net.Conn, n int, _ string) bool {
		_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
		return n%3 != 0 // closes without saying so
	})
	address, _ := balance(t, s, nil)
	w := dialWire(t, address)
	for i := range 30 {
		w.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
		if status, body, _ := w.answer("GET"); status != 200 || body != "ok" {
			t.Fatalf("request %d: %d %q", i, status, body)
		}
	}
}

// The target hears when a client that waits for its answer goes away; and a
// client that stays gets the answer of a slow target.
func TestGone(t *testing.T) {
	began, ended := make(chan bool, 2), make(chan bool, 2)
	target := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow" {
			time.Sleep(1300 * time.Millisecond)
			fmt.Fprint(w, "at last")
			return
		}
		began <- true
		<-r.Context().Done()
		ended <- true
	}))
	defer target.Close()
	address, _ := balance(t, target.Listener, nil)
	w := dialWire(t, address)
	w.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	<-began
	_ = w.Close()
	select {
	case <-ended:
	case <-time.After(10 * time.Second):
		t.Error("the target does not know")
	}
	w = dialWire(t, address)
	w.send("GET /slow HTTP/1.1\r\nHost: x\r\n\r\n")
	time.Sleep(1100 * time.Millisecond) // it is being watched
	w.send("GET /slow HTTP/1.1\r\nHost: x\r\n\r\n")
	for range 2 {
		if status, body, _ := w.answer("GET"); status != 200 || body != "at last" {
			t.Errorf("%d %q", status, body)
		}
	}
}

// A target that says nothing for the idle timeout is answered for, and a client
// that says nothing is left.
func TestIdle(t *testing.T) {
	s := newScript(t, func(net.Conn, int, string) bool { return true })
	address, _ := balance(t, s, func(l *plane.Listener, _ *plane.Group) { l.Options.Idle = 300 * time.Millisecond })
	w := dialWire(t, address)
	w.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	if status, _, _ := w.answer("GET"); status != 504 {
		t.Errorf("%d", status)
	}
	if !w.closed() {
		t.Error("it stays")
	}
}

// The head that a target gets.
func TestRequestHead(t *testing.T) {
	s := newScript(t, say("HTTP/1.1 200 OK\r\nServer: me\r\nConnection: X-Mine\r\nX-Mine: 1\r\nX-Frame-Options: a\r\nContent-Length: 0\r\n\r\n"))
	address, _ := balance(t, s, func(l *plane.Listener, _ *plane.Group) {
		l.Options.DropInvalid, l.Options.ClientPort, l.Options.Server = true, true, false
		l.Options.Headers = map[string]string{"X-Frame-Options": "DENY"}
	})
	w := dialWire(t, address)
	w.send("GET /a%2Fb?x=%zz HTTP/1.1\r\nHost: x:80\r\nAccept: a\r\nmy_header: b\r\nX-Forwarded-For: 1.2.3.4\r\nX-Forwarded-Proto: https\r\nX-Amzn-Trace-Id: Root=1-2-3\r\nConnection: keep-alive\r\n\r\n")
	_, _, resp := w.answer("GET")
	got := strings.Split(s.last(), "\r\n")
	client := w.LocalAddr().String()
	_, port, _ := net.SplitHostPort(address)
	want := []string{"GET /a%2Fb?x=%zz HTTP/1.1", "Host: x:80", "Accept: a", "X-Forwarded-For: 1.2.3.4, " + client, "X-Forwarded-Proto: http", "X-Forwarded-Port: " + port}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("%q, want %q", got[i], want[i])
		}
	}
	if !strings.HasPrefix(got[6], "X-Amzn-Trace-Id: Self=1-") || !strings.HasSuffix(got[6], ";Root=1-2-3") || got[7] != "" {
		t.Errorf("%q", got[6:])
	}
	if h := resp.Header; h.Get("Server") != "" || h.Get("X-Mine") != "" || len(h["X-Frame-Options"]) != 1 || h.Get("X-Frame-Options") != "DENY" {
		t.Errorf("the client gets %v", h)
	}
}

// A port that closes lets requests end and takes no more.
func TestClosing(t *testing.T) {
	release := make(chan bool)
	began := make(chan bool, 1)
	target := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		began <- true
		<-release
		fmt.Fprint(w, "ok")
	}))
	defer target.Close()
	address, p := balance(t, target.Listener, nil)
	idle, busy := dialWire(t, address), dialWire(t, address)
	busy.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	<-began
	p.Apply(&plane.Config{})
	if !idle.closed() {
		t.Error("the idle connection stays")
	}
	close(release)
	if status, body, _ := busy.answer("GET"); status != 200 || body != "ok" {
		t.Errorf("%d %q", status, body)
	}
	if !busy.closed() {
		t.Error("the busy connection stays")
	}
}

// The end of the process waits for requests on their way, but not for long.
func TestEndWaits(t *testing.T) {
	began := make(chan bool, 2)
	target := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began <- true
		time.Sleep(200 * time.Millisecond)
		fmt.Fprint(w, "ok")
	}))
	defer target.Close()
	address, p := balance(t, target.Listener, nil)
	w := dialWire(t, address)
	w.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	<-began
	p.Close()
	if status, body, _ := w.answer("GET"); status != 200 || body != "ok" {
		t.Errorf("%d %q", status, body)
	}
}

// A connection does not serve requests for longer than it may.
func TestKeepAliveEnds(t *testing.T) {
	s := newScript(t, say("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"))
	address, _ := balance(t, s, func(l *plane.Listener, _ *plane.Group) { l.Options.KeepAlive = time.Millisecond })
	w := dialWire(t, address)
	time.Sleep(5 * time.Millisecond)
	w.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	if status, _, resp := w.answer("GET"); status != 200 || !resp.Close || !w.closed() {
		t.Errorf("%d, said %v", status, resp.Close)
	}
}

// A connection that speaks another protocol ends when neither side says
// anything.
func TestUpgradedIdle(t *testing.T) {
	s := newScript(t, func(c net.Conn, n int, request string) bool {
		if n == 1 {
			_, _ = io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
			return true
		}
		_, _ = io.WriteString(c, request)
		return true
	})
	address, _ := balance(t, s, func(l *plane.Listener, _ *plane.Group) { l.Options.Idle = 400 * time.Millisecond })
	w := dialWire(t, address)
	w.send("GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
	resp, err := http.ReadResponse(w.r, nil)
	if err != nil || resp.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("%v %v", resp, err)
	}
	for range 4 { // longer than the idle timeout, but not silent
		time.Sleep(200 * time.Millisecond)
		w.send("hello\n")
		if line, err := w.r.ReadString('\n'); line != "hello\n" {
			t.Fatalf("%q %v", line, err)
		}
	}
	if !w.closed() {
		t.Error("it stays")
	}
}

// A request that cannot be sent twice does not meet a connection that the target
// closes: neither one that was closed already, nor one that has been idle for
// about as long as the target lets it be.
func TestStaleForPost(t *testing.T) {
	s := newScript(t, func(c net.Conn, n int, _ string) bool {
		_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
		if n%2 == 0 { // closes when the next request comes, at the latest
			_, _ = c.Read(make([]byte, 1))
		}
		return false
	})
	address, _ := balance(t, s, nil)
	w := dialWire(t, address)
	ask := func(head, body string) {
		t.Helper()
		w.send("POST / HTTP/1.1\r\nHost: x\r\n" + head + "\r\n\r\n" + body)
		if status, body, _ := w.answer("POST"); status != 200 || body != "ok" {
			t.Fatalf("%d %q", status, body)
		}
	}
	for range 10 {
		ask("Content-Length: 2", "hi")
		time.Sleep(2 * recent)
	}
	w.send("GET / HTTP/1.1\r\nHost: x\r\nConnection: x\r\n\r\n") // from here on through net/http
	w.answer("GET")
	for range 10 {
		ask("Transfer-Encoding: chunked", "2\r\nhi\r\n0\r\n\r\n")
		time.Sleep(2 * recent)
	}
}

// A target of HTTP/2 that ends its connections loses no request: what it has
// refused to take is sent again.
func TestGoingAway(t *testing.T) {
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true)
	var n atomic.Int64
	target := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if n.Add(1)%5 == 0 {
			w.Header().Set("Connection", "close")
		}
		_, _ = io.Copy(w, r.Body)
	}))
	target.Config.Protocols = protocols
	target.Start()
	defer target.Close()
	address, _ := balance(t, target.Listener, func(l *plane.Listener, g *plane.Group) { l.TLS, l.Protocols, g.HTTP2 = true, []string{"h2"}, true })
	client := &http.Client{Transport: &http.Transport{ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}, Timeout: time.Minute}
	defer client.CloseIdleConnections()
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 50 {
				resp, err := client.Post("https://"+address, "application/octet-stream", strings.NewReader("hello"))
				if err != nil {
					t.Error(err)
					return
				}
				b, err := io.ReadAll(resp.Body)
				_ = resp.Body.Close()
				if err != nil || string(b) != "hello" {
					t.Errorf("%d %q %v", resp.StatusCode, b, err)
				}
			}
		})
	}
	wg.Wait()
}

// A body that comes apart from its head, or in parts, is the same body; and a
// head waits for no body.
func TestBodyInParts(t *testing.T) {
	parts := []string{"a", strings.Repeat("b", 9_000), strings.Repeat("c", 40_000), "d"}
	whole := strings.Join(parts, "")
	seen := make(chan struct{})
	s := newScript(t, func(c net.Conn, n int, _ string) bool {
		fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", len(whole))
		if n == 1 {
			<-seen
		}
		for _, p := range parts {
			_, _ = io.WriteString(c, p)
		}
		return true
	})
	address, _ := balance(t, s, nil)
	w := dialWire(t, address)
	for i := range 20 {
		w.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
		resp, err := http.ReadResponse(w.r, nil)
		if err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			close(seen)
		}
		if b, err := io.ReadAll(resp.Body); err != nil || string(b) != whole {
			t.Fatalf("answer %d: %d bytes, %v", i, len(b), err)
		}
	}
	if n := s.connections(); n != 1 {
		t.Errorf("%d connections", n)
	}
}

// The load balancer's part of a trace takes the place of the last one's.
func TestTrace(t *testing.T) {
	f := flight{proxy: &Proxy{cfg: Config{IDs: id.Random}}, sent: time.Unix(0x67891233, 0)}
	for have, want := range map[string]string{
		"":                            "Root=*",
		"foo=bar":                     "Root=*;foo=bar",
		"Root=1-2-3":                  "Self=*;Root=1-2-3",
		"Self=1-1-1;Root=1-2-3;App=x": "Self=*;Root=1-2-3;App=x",
		"Root=1-2-3;Self=1-1-1":       "Self=*;Root=1-2-3",
	} {
		got := f.traced(have)
		_, id, _ := strings.Cut(strings.Split(got, ";")[0], "=")
		if strings.Replace(got, id, "*", 1) != want || !strings.HasPrefix(id, "1-67891233-") || len(id) != 35 {
			t.Errorf("%q becomes %q", have, got)
		}
	}
}
