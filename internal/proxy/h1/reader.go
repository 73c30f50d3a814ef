package h1

import (
	"bytes"
	"errors"
	"io"
)

// ErrTooLarge says that a message's head does not fit.
var ErrTooLarge = errors.New("h1: the head is too large")

// Reader is a buffer over a connection.
type Reader struct {
	src      io.Reader
	buf      []byte
	from, to int // what is buffered
	most     int
}

// NewReader reads from src into a buffer of size that grows to most bytes.
func NewReader(src io.Reader, size, most int) *Reader {
	return &Reader{src: src, buf: make([]byte, size), most: most}
}

// Buffered is what was read and not discarded. It is valid until the next read.
func (r *Reader) Buffered() []byte { return r.buf[r.from:r.to] }

// Discard takes n buffered bytes off.
func (r *Reader) Discard(n int) {
	r.from += n
	if r.from == r.to {
		r.from, r.to = 0, 0
	}
}

// Room tells whether Fill can read without moving what is buffered.
func (r *Reader) Room() bool { return r.to < len(r.buf) }

// Fill reads once, making room if there is none.
func (r *Reader) Fill() error {
	if r.to == len(r.buf) {
		switch {
		case r.from > 0:
			r.to = copy(r.buf, r.buf[r.from:r.to])
			r.from = 0
		case len(r.buf) >= r.most:
			return ErrTooLarge
		default:
			larger := make([]byte, min(2*len(r.buf), r.most))
			r.to = copy(larger, r.buf[:r.to])
			r.buf = larger
		}
	}
	n, err := r.src.Read(r.buf[r.to:])
	r.to += n
	if n > 0 {
		return nil
	}
	if err == nil {
		err = io.ErrNoProgress
	}
	return err
}

// Head waits for a whole head and returns it with its empty line. It stays
// buffered.
func (r *Reader) Head() (string, error) {
	seen := 0 // bytes in which there is no end
	for {
		b := r.buf[r.from:r.to]
		start := max(0, seen-3)
		if i := end(b[start:]); i >= 0 {
			return string(b[:start+i]), nil
		}
		seen = len(b)
		if err := r.Fill(); err != nil {
			return "", err
		}
	}
}

var (
	emptyLine = []byte("\n\r\n")
	bareLine  = []byte("\n\n")
)

// end is the length of a head. One that ends otherwise than it should is found
// too, so that nobody waits for more.
func end(b []byte) int {
	i, j := bytes.Index(b, emptyLine), bytes.Index(b, bareLine)
	switch {
	case i >= 0 && (j < 0 || i < j):
		return i + len(emptyLine)
	case j >= 0:
		return j + len(bareLine)
	}
	return -1
}

// Need waits until n bytes are buffered.
func (r *Reader) Need(n int) error {
	for r.to-r.from < n {
		if err := r.Fill(); err != nil {
			return err
		}
	}
	return nil
}
