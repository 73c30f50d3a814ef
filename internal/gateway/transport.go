package gateway

import (
	"errors"
	"io"
	"net/http"
	"strconv"
	"sync"
)

// Transport is an http.RoundTripper that calls a handler in this process:
// requests of Slipway's own SDK clients need no socket. Bodies stream both ways.
type Transport struct {
	// Handler is set once, before the first request.
	Handler http.Handler
}

// RoundTrip implements http.RoundTripper.
func (t *Transport) RoundTrip(out *http.Request) (*http.Response, error) {
	if t.Handler == nil {
		return nil, errors.New("gateway: not ready for calls")
	}
	ctx := out.Context()
	r := out.Clone(ctx)
	r.RequestURI = out.URL.RequestURI()
	if r.Host == "" {
		r.Host = out.URL.Host
	}
	r.RemoteAddr = "127.0.0.1:0"
	if r.Body == nil {
		r.Body = http.NoBody
	}
	pr, pw := io.Pipe()
	w := &pipeWriter{header: http.Header{}, body: pw, ready: make(chan struct{})}
	go func() {
		defer r.Body.Close()
		defer func() {
			if v := recover(); v != nil { // http.ErrAbortHandler: the gateway recovers the rest
				w.fail()
			}
		}()
		t.Handler.ServeHTTP(w, r)
		w.end(ctx.Err())
	}()
	select {
	case <-w.ready:
	case <-ctx.Done():
		_ = pr.CloseWithError(ctx.Err())
		return nil, ctx.Err()
	}
	if w.status == 0 {
		return nil, errBroken
	}
	// A reader that waits for more learns that its context ended.
	stop := make(chan struct{})
	if ctx.Done() != nil {
		go func() {
			select {
			case <-ctx.Done():
				_ = pr.CloseWithError(ctx.Err())
			case <-stop:
			}
		}()
	}
	length := int64(-1)
	if n, err := strconv.ParseInt(w.sent.Get("Content-Length"), 10, 64); err == nil {
		length = n
	}
	return &http.Response{
		Status:        strconv.Itoa(w.status) + " " + http.StatusText(w.status),
		StatusCode:    w.status,
		Proto:         "HTTP/1.1",
		ProtoMajor:    1,
		ProtoMinor:    1,
		Header:        w.sent,
		Body:          &pipeBody{PipeReader: pr, stop: stop},
		ContentLength: length,
		Request:       out,
	}, nil
}

var errBroken = errors.New("gateway: the answer broke off")

type pipeBody struct {
	*io.PipeReader
	once sync.Once
	stop chan struct{}
}

func (b *pipeBody) Close() error {
	b.once.Do(func() { close(b.stop) })
	return b.PipeReader.Close()
}

// pipeWriter is the handler's end. The headers go out with the first byte.
type pipeWriter struct {
	header http.Header
	body   *io.PipeWriter
	once   sync.Once
	ready  chan struct{}
	status int         // 0 until ready, or if the handler gave up before
	sent   http.Header // set with status
}

func (w *pipeWriter) Header() http.Header { return w.header }

// received are headers as a client reads them off a connection: their names
// are canonical, though the codecs write AWS's spelling.
func received(written http.Header) http.Header {
	h := make(http.Header, len(written))
	for name, values := range written {
		name = http.CanonicalHeaderKey(name)
		h[name] = append(h[name], values...)
	}
	return h
}

func (w *pipeWriter) WriteHeader(status int) {
	if status < 200 {
		return // nobody waits for 100-continue here
	}
	w.once.Do(func() {
		w.status, w.sent = status, received(w.header)
		close(w.ready)
	})
}

func (w *pipeWriter) Write(b []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	return w.body.Write(b)
}

// Flush has nothing to do: the pipe keeps nothing back.
func (w *pipeWriter) Flush() { w.WriteHeader(http.StatusOK) }

// end is that of a handler that returned; with an error, because it had to.
func (w *pipeWriter) end(err error) {
	w.WriteHeader(http.StatusOK)
	_ = w.body.CloseWithError(err) // io.EOF if nil
}

func (w *pipeWriter) fail() {
	w.once.Do(func() { close(w.ready) })
	_ = w.body.CloseWithError(errBroken)
}
