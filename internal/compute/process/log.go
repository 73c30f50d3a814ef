//go:build linux

package process

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/slipway-dev/slipway/internal/compute"
)

// maxLine is the longest piece of a line that is kept as one.
const maxLine = 256 << 10

// copy writes a stream to the log, line by line.
func (s *supervisor) copy(r io.ReadCloser, stream byte) {
	defer r.Close()
	in := bufio.NewReaderSize(r, maxLine)
	for {
		line, err := in.ReadSlice('\n')
		if len(line) > 0 {
			s.append(stream, bytes.TrimSuffix(line, []byte("\n")))
		}
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			return
		}
	}
}

// append writes one record: nanoseconds since 1970 in 19 digits, the stream, a
// space, and the text. A write is whole or, if the machine dies, the last.
func (s *supervisor) append(stream byte, text []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	if now.Before(s.latest) {
		now = s.latest // the clock was set back
	}
	s.latest = now
	record := make([]byte, 0, len(text)+22)
	record = fmt.Appendf(record, "%019d%c ", now.UnixNano(), stream)
	record = append(append(record, text...), '\n')
	if _, err := s.log.Write(record); err != nil && s.logErr == nil {
		s.logErr = err // the process goes on, as in a container
	}
	for grown := range s.followers {
		select {
		case grown <- struct{}{}:
		default: // told already
		}
	}
}

// Logs yields the output from what was written at since or later.
func (e *Engine) Logs(ctx context.Context, cid string, since time.Time, follow bool, yield func(compute.Line) bool) error {
	b, err := e.open(cid)
	if err != nil {
		return err
	}
	if follow {
		if err := e.waitStarted(ctx, b); err != nil {
			return err
		}
	}
	f, err := os.Open(filepath.Join(b.dir, "log"))
	if err != nil {
		return b.lost(err)
	}
	defer f.Close()
	r := logReader{in: bufio.NewReaderSize(f, 64<<10), since: since, yield: yield}
	if !follow {
		return r.read()
	}
	conn, err := b.control("follow")
	if err != nil {
		return r.read() // it has ended
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	grown := make([]byte, 64)
	for {
		if err := r.read(); err != nil || r.stopped {
			return err
		}
		if _, err := conn.Read(grown); err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return r.read()
		}
	}
}

type logReader struct {
	in      *bufio.Reader
	since   time.Time
	yield   func(compute.Line) bool
	stopped bool
	part    []byte // of a record that is being written
}

// read yields what there is.
func (r *logReader) read() error {
	for !r.stopped {
		chunk, err := r.in.ReadSlice('\n')
		r.part = append(r.part, chunk...)
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return fmt.Errorf("process: log: %w", err)
		}
		line, ok := parseRecord(bytes.TrimSuffix(r.part, []byte("\n")))
		r.part = r.part[:0]
		if ok && !line.Time.Before(r.since) && !r.yield(line) {
			r.stopped = true
		}
	}
	return nil
}

func parseRecord(b []byte) (compute.Line, bool) {
	if len(b) < 21 {
		return compute.Line{}, false // torn by the death of the machine
	}
	n, err := strconv.ParseInt(string(b[:19]), 10, 64)
	if err != nil {
		return compute.Line{}, false
	}
	return compute.Line{Time: time.Unix(0, n).UTC(), Stderr: b[19] == 'e', Text: string(b[21:])}, true
}
