package runtimeapi

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"sync"
)

// Path is where the server takes connections of instances.
const Path = "/_slipway/lambda/instance"

// Protocol is the name of the connection's protocol in the Upgrade header.
const Protocol = "slipway-lambda"

// Kind says what a frame is.
type Kind string

// The kinds, by who sends them.
const (
	KindStart  Kind = "start"  // server: start the runtime
	KindInvoke Kind = "invoke" // server: an event for the function, in Body

	KindReady     Kind = "ready"     // the runtime asks for an event
	KindLog       Kind = "log"       // a line, in Text
	KindResponse  Kind = "response"  // the function's answer, in Body
	KindError     Kind = "error"     // the function's error, in Body
	KindInitError Kind = "initError" // the runtime cannot start, why is in Body
	KindExited    Kind = "exited"    // the runtime has ended, how is in Text
)

// Frame is one message of the connection.
type Frame struct {
	Kind  Kind
	ID    string `json:",omitempty"` // of the invocation
	Start *Start `json:",omitempty"`

	// Of an invocation.
	Deadline      int64  `json:",omitempty"` // Unix milliseconds
	ARN           string `json:",omitempty"` // as it was invoked
	Trace         string `json:",omitempty"`
	ClientContext string `json:",omitempty"` // JSON

	Time int64  `json:",omitempty"` // of a line, Unix milliseconds
	Text string `json:",omitempty"`
	// ErrorType is what the runtime calls its error.
	ErrorType string `json:",omitempty"`
	// Memory is the most that the runtime has used, in bytes; 0 if unknown.
	Memory int64 `json:",omitempty"`

	Body []byte `json:"-"`
}

// Start tells how the runtime is started.
type Start struct {
	// Command is what to run; "" of a managed runtime is its interpreter with
	// our own bootstrap.
	Command []string
	// Managed is "python" or "node" for functions that are handlers.
	Managed string `json:",omitempty"`
	// Own says that the container is the function's, so that its variables are
	// the function's too. Others are those of an image for builds.
	Own bool `json:",omitempty"`
	Env []string
	Dir string // working directory; "" is the container's
	// Opt is where layers are, "" if there cannot be any.
	Opt string `json:",omitempty"`
}

// Limits of frames, beyond which the peer is broken.
const (
	maxHeader = 1 << 20
	maxBody   = 16 << 20
)

// Conn exchanges frames. Send may be called by several goroutines.
type Conn struct {
	rw io.ReadWriteCloser
	r  *bufio.Reader
	mu sync.Mutex
}

// NewConn makes a connection of rw; r reads from it what was not read yet.
func NewConn(rw io.ReadWriteCloser, r *bufio.Reader) *Conn { return &Conn{rw: rw, r: r} }

// Close ends the connection.
func (c *Conn) Close() error { return c.rw.Close() }

// Send writes a frame with one write.
func (c *Conn) Send(f Frame) error {
	head, err := json.Marshal(f)
	if err != nil {
		return err
	}
	b := make([]byte, 8, 8+len(head)+len(f.Body))
	binary.BigEndian.PutUint32(b, uint32(len(head)))
	binary.BigEndian.PutUint32(b[4:], uint32(len(f.Body)))
	b = append(append(b, head...), f.Body...)
	c.mu.Lock()
	defer c.mu.Unlock()
	_, err = c.rw.Write(b)
	return err
}

// Receive reads the next frame. io.EOF is the end of the connection.
func (c *Conn) Receive() (Frame, error) {
	var f Frame
	var size [8]byte
	if _, err := io.ReadFull(c.r, size[:]); err != nil {
		return f, err
	}
	head, body := binary.BigEndian.Uint32(size[:]), binary.BigEndian.Uint32(size[4:])
	if head > maxHeader || body > maxBody {
		return f, errors.New("runtimeapi: frame is too large")
	}
	b := make([]byte, head+body)
	if _, err := io.ReadFull(c.r, b); err != nil {
		return f, err
	}
	err := json.Unmarshal(b[:head], &f)
	f.Body = b[head:]
	return f, err
}
