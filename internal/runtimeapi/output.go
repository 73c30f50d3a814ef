package runtimeapi

import (
	"bytes"
	"os"
	"sync"
	"syscall"
)

// maxLine is where a line without an end is cut, in bytes: what an event of
// CloudWatch Logs can hold.
const maxLine = 256<<10 - 64

// output turns what a runtime writes into lines. Reading happens under the
// lock, so that drain can say that nothing is under way.
type output struct {
	reader *os.File
	write  *os.File
	line   func(string)
	// joined says that our own bootstrap writes, which ends the lines of one
	// event with \r.
	joined bool

	mu      sync.Mutex
	pending []byte
	buf     []byte
}

func newOutput(line func(string), joined bool) (*output, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	return &output{reader: r, write: w, line: line, joined: joined, buf: make([]byte, 32<<10)}, nil
}

// read follows the pipe until all its writers are gone.
func (o *output) read() {
	raw, err := o.reader.SyscallConn()
	if err != nil {
		return
	}
	for ended := false; !ended; {
		err := raw.Read(func(fd uintptr) bool {
			o.mu.Lock()
			defer o.mu.Unlock()
			var got bool
			got, ended = o.take(int(fd))
			return got || ended
		})
		if err != nil {
			return
		}
	}
}

// take reads what there is now.
func (o *output) take(fd int) (got, ended bool) {
	for {
		n, err := syscall.Read(fd, o.buf)
		switch {
		case err == syscall.EINTR:
			continue
		case err == syscall.EAGAIN:
			return got, false
		case err != nil || n == 0:
			o.flush()
			return got, true
		}
		got = true
		o.add(o.buf[:n])
	}
}

func (o *output) add(b []byte) {
	o.pending = append(o.pending, b...)
	for {
		i := bytes.IndexByte(o.pending, '\n')
		switch {
		case i >= 0:
			o.tell(bytes.TrimSuffix(o.pending[:i], []byte("\r")))
			o.pending = o.pending[i+1:]
		case len(o.pending) >= maxLine:
			o.flush()
		default:
			return
		}
	}
}

func (o *output) flush() {
	if len(o.pending) > 0 {
		o.tell(o.pending)
		o.pending = nil
	}
}

func (o *output) tell(b []byte) {
	if o.joined {
		b = bytes.ReplaceAll(b, []byte("\r"), []byte("\n"))
	}
	o.line(string(b))
}

// drain takes what is in the pipe, and what has no end of line yet.
func (o *output) drain() {
	raw, err := o.reader.SyscallConn()
	if err != nil {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	_ = raw.Control(func(fd uintptr) { o.take(int(fd)) })
	o.flush()
}
