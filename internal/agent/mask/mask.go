// Package mask hides secrets in a stream, also those that arrive in pieces.
package mask

import (
	"bytes"
	"io"
	"slices"
	"strings"
	"sync"
)

// shortest is the length below which a value is not a secret worth hiding:
// masking "1" everywhere would destroy the log.
const shortest = 4

var stars = []byte("***")

// Secrets is a growing set of texts to hide. Safe for concurrent use.
type Secrets struct {
	mu   sync.RWMutex
	list [][]byte // longest first
}

// Add hides these from now on, as a whole and line by line.
func (s *Secrets) Add(secrets ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, secret := range secrets {
		for _, text := range append(strings.Split(secret, "\n"), secret) {
			b := []byte(strings.TrimRight(text, "\r\n"))
			if len(b) < shortest || slices.ContainsFunc(s.list, func(o []byte) bool { return bytes.Equal(o, b) }) {
				continue
			}
			s.list = append(s.list, b)
		}
	}
	slices.SortStableFunc(s.list, func(a, b []byte) int { return len(b) - len(a) })
}

// Text masks a whole text.
func (s *Secrets) Text(text string) string {
	var b bytes.Buffer
	w := NewWriter(&b, s)
	_, _ = w.Write([]byte(text))
	_ = w.Flush()
	return b.String()
}

// mask appends what is decided to out and returns what may be the beginning of
// a secret.
func (s *Secrets) mask(out, in []byte) (done, held []byte) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for len(in) > 0 {
		at, length := s.locate(in)
		// A longer secret may have begun before, and its end be still to come.
		hold := s.hold(in)
		if at < 0 || hold < at {
			return append(out, in[:hold]...), in[hold:]
		}
		if hold == at { // one of them is a whole secret, the other begins there too
			return append(out, in[:at]...), in[at:]
		}
		out = append(append(out, in[:at]...), stars...)
		in = in[at+length:]
	}
	return out, nil
}

func (s *Secrets) find(in []byte) (at, length int) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.locate(in)
}

// locate finds the first secret; of several at one place the longest.
func (s *Secrets) locate(in []byte) (at, length int) {
	at = -1
	for _, secret := range s.list { // longest first
		if i := bytes.Index(in, secret); i >= 0 && (at < 0 || i < at) {
			at, length = i, len(secret)
		}
	}
	return at, length
}

// hold is where the longest suffix begins that is a proper beginning of a secret.
func (s *Secrets) hold(in []byte) int {
	first := len(in)
	for _, secret := range s.list {
		for i := max(0, len(in)-len(secret)+1); i < first; i++ {
			if bytes.HasPrefix(secret, in[i:]) {
				first = i
				break
			}
		}
	}
	return first
}

// Writer passes on what is written to it, masked.
type Writer struct {
	to      io.Writer
	secrets *Secrets
	held    []byte
}

// NewWriter masks what goes to w.
func NewWriter(w io.Writer, s *Secrets) *Writer { return &Writer{to: w, secrets: s} }

// Write keeps back what may be the beginning of a secret.
func (w *Writer) Write(p []byte) (int, error) {
	done, held := w.secrets.mask(nil, append(w.held, p...))
	w.held = bytes.Clone(held)
	if len(done) > 0 {
		if _, err := w.to.Write(done); err != nil {
			return 0, err
		}
	}
	return len(p), nil
}

// Flush writes what was kept back: the stream ends, or pauses, here.
func (w *Writer) Flush() error {
	held := w.held
	w.held = nil
	var out []byte
	for len(held) > 0 { // no more will come: what is whole is decided now
		at, length := w.secrets.find(held)
		if at < 0 {
			out = append(out, held...)
			break
		}
		out = append(append(out, held[:at]...), stars...)
		held = held[at+length:]
	}
	if len(out) == 0 {
		return nil
	}
	_, err := w.to.Write(out)
	return err
}
