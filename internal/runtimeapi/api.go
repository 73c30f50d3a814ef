package runtimeapi

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// maxResponse is the most a function may answer: AWS's 6 MB, and what its own
// limit has above.
const maxResponse = 6291556

const root = "/2018-06-01/runtime/"

// api is the Runtime API.
// https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
type api struct {
	conn *Conn

	mu      sync.Mutex
	runtime *runtime
	asking  bool   // the runtime waits for an event
	current *Frame // what the runtime is working on
	offered chan Frame
}

func newAPI(c *Conn) *api {
	return &api{conn: c, offered: make(chan Frame, 1)}
}

func (a *api) attach(r *runtime) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.runtime = r
}

// offer gives the runtime an event; there is never more than one.
func (a *api) offer(f Frame) { a.offered <- f }

// line sends a line of the runtime's output.
func (a *api) line(text string) {
	_ = a.conn.Send(Frame{Kind: KindLog, Time: time.Now().UnixMilli(), Text: text})
}

// listen serves until ctx ends, in a container at the port that AWS uses.
func (a *api) listen(ctx context.Context, contained bool) (address string, err error) {
	address = "127.0.0.1:0"
	if contained {
		address = "127.0.0.1:9001"
	}
	var lc net.ListenConfig
	ln, err := lc.Listen(ctx, "tcp", address)
	if err != nil {
		return "", err
	}
	srv := &http.Server{Handler: a, ReadHeaderTimeout: time.Minute, BaseContext: func(net.Listener) context.Context { return ctx }}
	context.AfterFunc(ctx, func() { _ = srv.Close() })
	go func() { _ = srv.Serve(ln) }()
	return ln.Addr().String(), nil
}

func (a *api) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	rest, ok := strings.CutPrefix(r.URL.Path, root)
	id, what, _ := strings.Cut(strings.TrimPrefix(rest, "invocation/"), "/")
	switch {
	case !ok:
		refuse(w, http.StatusNotFound, "UnknownPath", "The Runtime API has no "+r.URL.Path+"; extensions are not implemented by Slipway")
	case rest == "invocation/next" && r.Method == http.MethodGet:
		a.next(w, r)
	case rest == "init/error" && r.Method == http.MethodPost:
		a.initError(w, r)
	case what == "response" && r.Method == http.MethodPost:
		a.answer(w, r, id, KindResponse)
	case what == "error" && r.Method == http.MethodPost:
		a.answer(w, r, id, KindError)
	default:
		refuse(w, http.StatusNotFound, "UnknownPath", "The Runtime API has no "+r.Method+" "+r.URL.Path)
	}
}

func refuse(w http.ResponseWriter, status int, kind, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"errorType": kind, "errorMessage": message})
}

func accepted(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusAccepted)
	_, _ = io.WriteString(w, `{"status":"OK"}`)
}

// next gives the runtime its next event when there is one.
func (a *api) next(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	known, busy := a.asking, a.current != nil
	a.asking = a.asking || !busy
	rt := a.runtime
	a.mu.Unlock()
	if busy {
		refuse(w, http.StatusForbidden, "InvalidStateTransition", "The last event has no response and no error yet")
		return
	}
	if !known { // it may ask anew after its client lost patience
		ready := Frame{Kind: KindReady}
		if rt != nil {
			ready.Memory = rt.peak() // for the report, should it not live to tell
		}
		_ = a.conn.Send(ready)
	}
	var f Frame
	select {
	case f = <-a.offered:
	case <-r.Context().Done():
		return
	}
	if r.Context().Err() != nil {
		a.offer(f) // to whom asks next
		return
	}
	a.mu.Lock()
	a.asking, a.current = false, &f
	a.mu.Unlock()
	h := w.Header()
	h.Set("Lambda-Runtime-Aws-Request-Id", f.ID)
	h.Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(f.Deadline, 10))
	h.Set("Lambda-Runtime-Invoked-Function-Arn", f.ARN)
	h.Set("Lambda-Runtime-Trace-Id", f.Trace)
	if f.ClientContext != "" {
		h.Set("Lambda-Runtime-Client-Context", f.ClientContext)
	}
	h.Set("Content-Type", "application/json")
	h.Set("Content-Length", strconv.Itoa(len(f.Body)))
	_, _ = w.Write(f.Body)
}

// answer passes on what the function made of its event.
func (a *api) answer(w http.ResponseWriter, r *http.Request, id string, kind Kind) {
	a.mu.Lock()
	current := a.current
	a.mu.Unlock()
	if current == nil || current.ID != id {
		refuse(w, http.StatusBadRequest, "InvalidRequestID", "Invalid request ID")
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxResponse))
	var large *http.MaxBytesError
	if errors.As(err, &large) {
		body, _ = json.Marshal(map[string]string{"errorType": "Function.ResponseSizeTooLarge",
			"errorMessage": "Response payload size exceeded maximum allowed payload size (" + strconv.Itoa(maxResponse) + " bytes)."})
		a.finish(Frame{Kind: KindError, ID: id, ErrorType: "Function.ResponseSizeTooLarge", Body: body})
		refuse(w, http.StatusRequestEntityTooLarge, "RequestEntityTooLarge", "Exceeded maximum allowed payload size ("+strconv.Itoa(maxResponse)+" bytes).")
		return
	}
	if err != nil {
		return // the runtime has broken off, and will end
	}
	kindOf := r.Header.Get("Lambda-Runtime-Function-Error-Type")
	// A streamed response tells its failure at its end.
	if t := r.Trailer.Get("Lambda-Runtime-Function-Error-Type"); kind == KindResponse && t != "" {
		kind, kindOf = KindError, t
	}
	a.finish(Frame{Kind: kind, ID: id, ErrorType: kindOf, Body: body})
	accepted(w)
}

// finish sends an answer after all lines that were written before it.
func (a *api) finish(f Frame) {
	a.mu.Lock()
	a.current = nil
	r := a.runtime
	a.mu.Unlock()
	if r != nil {
		r.drain()
		f.Memory = r.peak()
	}
	_ = a.conn.Send(f)
}

func (a *api) initError(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxResponse))
	if err != nil {
		return
	}
	a.mu.Lock()
	rt := a.runtime
	a.mu.Unlock()
	if rt != nil {
		rt.drain()
	}
	_ = a.conn.Send(Frame{Kind: KindInitError, ErrorType: r.Header.Get("Lambda-Runtime-Function-Error-Type"), Body: body})
	accepted(w)
}
