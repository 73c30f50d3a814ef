package proxy

import (
	"errors"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// lively is a body whose client sends: nobody is idle meanwhile.
type lively struct {
	io.ReadCloser
	timer  *time.Timer
	idle   time.Duration
	broken *atomic.Bool
	closed atomic.Bool
}

func (l *lively) Read(b []byte) (int, error) {
	n, err := l.ReadCloser.Read(b)
	if n > 0 {
		l.timer.Reset(l.idle)
	}
	if err != nil && err != io.EOF && !l.closed.Load() {
		l.broken.Store(true)
	}
	return n, err
}

// Close implements io.Closer.
func (l *lively) Close() error {
	l.closed.Store(true)
	return l.ReadCloser.Close()
}

// repeatable is a body that remembers its beginning. A target of HTTP/2 ends its
// connections with GOAWAY, and refuses requests with it that are on their way:
// these are sent again.
type repeatable struct {
	src io.Reader // ended by who serves the client's request

	mu      sync.Mutex
	more    sync.Cond
	kept    []byte
	dropped int // bytes before those kept
	err     error
	reading bool
	buf     []byte
}

// mostKept is how much of a body may have been read when it is sent again.
const mostKept = 64 << 10

var errLarge = errors.New("the body is too large to be sent again")

func newRepeatable(src io.Reader) *repeatable {
	r := &repeatable{src: src}
	r.more.L = &r.mu
	return r
}

// part is the body for one attempt.
func (r *repeatable) part() io.ReadCloser { return &attempt{of: r} }

// again is http.Request's GetBody.
func (r *repeatable) again() (io.ReadCloser, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.dropped > 0 {
		return nil, errLarge
	}
	return r.part(), nil
}

// read reads once, apart from those who wait: an attempt that ends does not.
func (r *repeatable) read() {
	if r.buf == nil {
		r.buf = make([]byte, 16<<10)
	}
	n, err := r.src.Read(r.buf)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.kept, r.err, r.reading = append(r.kept, r.buf[:n]...), err, false
	r.more.Broadcast()
}

// attempt reads a repeatable from its beginning.
type attempt struct {
	of     *repeatable
	at     int
	closed bool
}

// Read implements io.Reader.
func (a *attempt) Read(b []byte) (int, error) {
	r := a.of
	r.mu.Lock()
	defer r.mu.Unlock()
	for {
		have := r.kept[min(max(a.at-r.dropped, 0), len(r.kept)):]
		switch {
		case a.closed || a.at < r.dropped:
			return 0, http.ErrBodyReadAfterClose
		case len(have) > 0:
			n := copy(b, have)
			if a.at += n; a.at > mostKept {
				r.kept = append(r.kept[:0], have[n:]...)
				r.dropped = a.at
			}
			return n, nil
		case r.err != nil:
			return 0, r.err
		case !r.reading:
			r.reading = true
			go r.read()
		}
		r.more.Wait()
	}
}

// Close implements io.Closer.
func (a *attempt) Close() error {
	a.of.mu.Lock()
	defer a.of.mu.Unlock()
	a.closed = true
	a.of.more.Broadcast()
	return nil
}
