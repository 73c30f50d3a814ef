package lambda

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/slipway-dev/slipway/internal/clock"
	"github.com/slipway-dev/slipway/internal/compute"
	"github.com/slipway-dev/slipway/internal/id"
	"github.com/slipway-dev/slipway/internal/runtimeapi"
)

// Bounds of an instance's start.
const (
	connectTime = time.Minute      // from the container's creation to its call
	initTime    = 10 * time.Second // from there to the runtime's first question; AWS's
)

// removal is the most time that removing a container may take.
const removal = 30 * time.Second

// instance is a container with a function's runtime. It has one event at a time.
type instance struct {
	s       *Service
	id      string
	fleet   *fleet
	target  *target
	stream  string // of the log
	journal *journal
	named   bool // the runtime has said which it is

	// Of the pool.
	making bool      // its container is not there yet
	since  time.Time // idle
	idling clock.Timer

	attached chan struct{} // the first process has called; conn is set
	asked    chan struct{} // the runtime asks for an event
	dead     chan struct{} // the connection has ended; exit is set
	conn     *runtimeapi.Conn
	expires  time.Time // when its credentials end
	initTook time.Duration
	once     sync.Once // removal

	mu        sync.Mutex
	container string
	ended     bool
	exit      runtimeapi.Frame // how the runtime ended
	initError *runtimeapi.Frame
	memory    int64 // in bytes, when it last asked for an event
	began     bool  // it has had an event
	initTail  tail  // what it wrote before
	current   *running
}

// running is the event that an instance works on.
type running struct {
	id   string
	done chan runtimeapi.Frame
	tail tail
}

func newInstance(s *Service, f *fleet) *instance {
	i := &instance{s: s, id: id.Hex(s.IDs, 32), fleet: f, target: f.target, idling: noTimer{},
		attached: make(chan struct{}), asked: make(chan struct{}, 1), dead: make(chan struct{})}
	i.stream = fmt.Sprintf("%s/[%s]%s", s.Clock.Now().UTC().Format("2006/01/02"), *f.target.Version, i.id)
	i.journal = newJournal(s, f.target, i.stream)
	return i
}

// startError is a start that failed through the function itself.
type startError struct {
	frame runtimeapi.Frame
	at    *instance
}

func (e *startError) Error() string { return "lambda: the runtime did not start: " + e.frame.Text }

// result is what an event gets that was to be the first.
func (e *startError) result(ev *event, t *target) *result {
	r := &result{failed: true, version: *t.Version, payload: e.frame.Body}
	kind := e.frame.ErrorType
	work := &running{id: ev.ID}
	e.at.mu.Lock()
	work.tail.b.WriteString(e.at.initTail.text())
	e.at.mu.Unlock()
	e.at.begins(work, time.Now())
	if e.frame.Kind != runtimeapi.KindInitError {
		r.payload = problem(kind, ev.ID, ended(e.frame))
		e.at.plain(work, "RequestId: "+ev.ID+" Error: "+ended(e.frame)+" "+kind)
	}
	e.at.ends(work, outcome{status: "error", kind: kind})
	r.tail = work.tail.text()
	return r
}

// ended says how a runtime ended, in AWS's words.
func ended(f runtimeapi.Frame) string {
	switch {
	case f.ErrorType != "Runtime.ExitError" && f.ErrorType != "Runtime.OutOfMemory":
		return f.Text
	case f.Text == "exit status 0":
		return "Runtime exited without providing a reason"
	}
	return "Runtime exited with error: " + f.Text
}

// start makes the container and returns when the runtime waits for events.
func (i *instance) start() error {
	ctx, cancel := context.WithTimeout(i.s.ending, connectTime)
	defer cancel()
	begun := i.s.Clock.Now()
	first, err := i.launch(ctx)
	if err != nil {
		return err
	}
	select {
	case <-i.attached:
	case <-i.dead:
		return i.startFailure()
	case <-ctx.Done():
		return fmt.Errorf("%w: the first process of a function's container does not call", compute.ErrUnavailable)
	}
	i.s.pool.called(i)
	if slices.Contains(provided, i.target.Runtime) {
		i.starting(strings.Replace(string(i.target.Runtime), ".", ":", 1))
	}
	called := time.Now()
	if err := i.conn.Send(runtimeapi.Frame{Kind: runtimeapi.KindStart, Start: first}); err != nil {
		return i.startFailure()
	}
	patience := time.NewTimer(max(initTime, i.target.timeout()))
	defer patience.Stop()
	select {
	case <-i.asked:
		i.initTook = time.Since(called)
		i.initialized()
		i.s.Log.Debug("instance is ready", "function", i.target.Function, "version", *i.target.Version, "init", i.initTook, "all", i.s.Clock.Now().Sub(begun))
		return nil
	case <-i.dead:
		return i.startFailure()
	case <-patience.C:
		return &startError{runtimeapi.Frame{Kind: runtimeapi.KindExited, ErrorType: "Sandbox.Timedout",
			Text: fmt.Sprintf("Task timed out after %.2f seconds", max(initTime, i.target.timeout()).Seconds())}, i}
	}
}

func (i *instance) startFailure() error {
	<-i.dead
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.initError != nil {
		return &startError{*i.initError, i}
	}
	return &startError{i.exit, i}
}

// attach takes the connection of the first process and serves it to its end.
func (i *instance) attach(c *runtimeapi.Conn) {
	i.mu.Lock()
	if i.conn != nil || i.ended {
		i.mu.Unlock()
		_ = c.Close()
		return
	}
	i.conn = c
	i.mu.Unlock()
	close(i.attached)
	for {
		f, err := c.Receive()
		if err != nil {
			break
		}
		i.take(f)
	}
	_ = c.Close()
	i.end(runtimeapi.Frame{Kind: runtimeapi.KindExited, ErrorType: "Runtime.ExitError", Text: "signal: killed"})
}

func (i *instance) take(f runtimeapi.Frame) {
	switch f.Kind {
	case runtimeapi.KindLog:
		if version, ok := strings.CutPrefix(f.Text, initLine); ok && managed[i.target.Runtime].kind != "" && !i.named {
			i.named = true
			i.starting(version)
			return
		}
		i.mu.Lock()
		switch {
		case i.current != nil:
			i.current.tail.add(f.Text)
		case !i.began:
			i.initTail.add(f.Text)
		}
		i.mu.Unlock()
		i.journal.add(f.Time, f.Text)
	case runtimeapi.KindReady:
		i.mu.Lock()
		i.memory = f.Memory
		i.mu.Unlock()
		select {
		case i.asked <- struct{}{}:
		default: // a peer that repeats itself
		}
	case runtimeapi.KindInitError:
		i.mu.Lock()
		i.initError = &f
		i.mu.Unlock()
	case runtimeapi.KindExited:
		i.mu.Lock()
		i.exit = f
		i.mu.Unlock()
	case runtimeapi.KindResponse, runtimeapi.KindError:
		i.mu.Lock()
		if r := i.current; r != nil && r.id == f.ID {
			i.current = nil
			r.done <- f
		}
		i.mu.Unlock()
	}
}

// end notes that the instance is gone; how is for when nobody has told.
func (i *instance) end(how runtimeapi.Frame) {
	i.mu.Lock()
	if i.ended {
		i.mu.Unlock()
		return
	}
	i.ended = true
	if i.exit.Kind == "" {
		i.exit = how
	}
	close(i.dead)
	i.mu.Unlock()
	i.s.pool.died(i)
}

// fresh tells whether it may have another event: it lives, and its credentials
// outlive the event.
func (i *instance) fresh(now time.Time) bool {
	select {
	case <-i.dead:
		return false
	default:
		return i.expires.After(now.Add(i.target.timeout() + time.Minute))
	}
}

// invoke gives the runtime an event and waits for the answer, within the
// function's time.
func (i *instance) invoke(e *event) (*result, time.Duration) {
	t := i.target
	r := &running{id: e.ID, done: make(chan runtimeapi.Frame, 1)}
	begun := time.Now()
	i.begins(r, begun)
	i.mu.Lock()
	i.current, i.began = r, true
	i.mu.Unlock()
	timeout := time.NewTimer(t.timeout())
	defer timeout.Stop()
	err := i.conn.Send(runtimeapi.Frame{Kind: runtimeapi.KindInvoke, ID: e.ID, Deadline: begun.Add(t.timeout()).UnixMilli(),
		ARN: i.s.arnOf(e.Name), Trace: trace(e.ID, begun), ClientContext: e.ClientContext, Body: e.Payload})
	out := &result{version: *t.Version}
	o := outcome{status: "success"}
	if err != nil {
		<-i.dead
	}
	select {
	case f := <-r.done:
		out.payload, out.failed, o.memory = f.Body, f.Kind == runtimeapi.KindError, f.Memory
	case <-timeout.C:
		what := fmt.Sprintf("Task timed out after %.2f seconds", t.timeout().Seconds())
		out.payload, out.failed, o.status, o.memory = problem("Sandbox.Timedout", e.ID, what), true, "timeout", i.seen()
		i.plain(r, time.Now().UTC().Format("2006-01-02T15:04:05.000Z")+" "+e.ID+" "+what)
		i.kill()
	case <-i.dead:
		select {
		case f := <-r.done: // it came just before
			out.payload, out.failed, o.memory = f.Body, f.Kind == runtimeapi.KindError, f.Memory
		default:
			what := ended(i.exit)
			if o.memory = i.exit.Memory; i.exit.ErrorType == "Runtime.OutOfMemory" {
				o.memory = int64(*t.MemorySize) << 20
			}
			out.payload, out.failed, o.status, o.kind = problem(i.exit.ErrorType, e.ID, what), true, "failure", i.exit.ErrorType
			i.plain(r, "RequestId: "+e.ID+" Error: "+what+" "+i.exit.ErrorType)
		}
	}
	o.took, o.size = time.Since(begun), len(out.payload)
	if out.failed && o.status == "success" {
		o.status = "error"
	}
	i.ends(r, o)
	i.initTook = 0 // told once
	out.tail = r.tail.text()
	return out, o.took
}

// seen is the memory that the runtime had when its event began.
func (i *instance) seen() int64 {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.memory
}

// kill ends the runtime now.
func (i *instance) kill() {
	_ = i.conn.Close()
	i.end(runtimeapi.Frame{Kind: runtimeapi.KindExited, ErrorType: "Sandbox.Timedout", Text: "signal: killed"})
}

// remove ends the container and takes away what it left.
func (i *instance) remove() {
	i.once.Do(func() {
		i.mu.Lock()
		c, container := i.conn, i.container
		i.mu.Unlock()
		if c != nil {
			_ = c.Close()
		}
		ctx, cancel := context.WithTimeout(context.Background(), removal)
		defer cancel()
		if container != "" {
			if err := i.s.Compute.Remove(ctx, container); err != nil && !errors.Is(err, compute.ErrNotFound) {
				i.s.Log.Warn("a function's container is left", "err", err)
			}
		}
		i.clear()
	})
}

// tailSize is how much of the log Invoke tells, in bytes.
const tailSize = 4096

// tail keeps the last of what is added.
type tail struct{ b strings.Builder }

func (t *tail) add(line string) {
	t.b.WriteString(line)
	t.b.WriteByte('\n')
	if t.b.Len() > 16*tailSize {
		rest := t.text()
		t.b.Reset()
		t.b.WriteString(rest)
	}
}

func (t *tail) text() string {
	s := t.b.String()
	return s[max(0, len(s)-tailSize):]
}

// trace is a trace header's value for an event: nothing is traced here.
// https://docs.aws.amazon.com/xray/latest/devguide/xray-concepts.html
func trace(request string, at time.Time) string {
	hex := strings.ReplaceAll(request, "-", "")
	if len(hex) < 32 {
		return ""
	}
	return fmt.Sprintf("Root=1-%08x-%s;Parent=%s;Sampled=0", at.Unix(), hex[8:32], hex[:16])
}
