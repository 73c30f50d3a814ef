package docker

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/moby/moby/client"

	"github.com/slipway-dev/slipway/internal/compute"
)

const (
	// maxLine is the longest piece of a line that is yielded.
	maxLine = 256 << 10
	// slack is how far apart in time the engine may record lines of stdout and
	// stderr that it writes in the other order.
	slack = 2 * time.Second
)

// Logs yields the output lines from those recorded at since or later.
func (e *Engine) Logs(ctx context.Context, id string, since time.Time, follow bool, yield func(compute.Line) bool) error {
	if follow {
		if err := e.waitStarted(ctx, id); err != nil {
			return err
		}
	}
	r := &lineReader{since: since, yield: yield}
	if err := e.readLogs(ctx, id, follow, r); err != nil || r.stopped {
		return err
	}
	if follow {
		// Engines end a followed log when the container ends, not when its
		// last line was sent: read what is left.
		r.again()
		if err := e.readLogs(ctx, id, false, r); err != nil || r.stopped {
			return err
		}
	}
	r.flush()
	return nil
}

func (e *Engine) readLogs(ctx context.Context, id string, follow bool, r *lineReader) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	opts := client.ContainerLogsOptions{ShowStdout: true, ShowStderr: true, Timestamps: true, Follow: follow}
	if from := r.from(); !from.IsZero() {
		opts.Since = stamp(from)
	}
	body, err := e.cli.ContainerLogs(ctx, id, opts)
	if err != nil {
		return e.wrap("logs", err)
	}
	defer body.Close()
	err = r.read(body)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return e.wrap("logs", err)
}

// waitStarted returns when the container is or was running; the engine's
// followed log of one that was never started ends at once.
func (e *Engine) waitStarted(ctx context.Context, id string) error {
	c, err := e.Inspect(ctx, id)
	if err != nil || c.State != compute.Created {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	started := errors.New("started")
	check := func() {
		if c, err := e.Inspect(ctx, id); err != nil {
			cancel(err)
		} else if c.State != compute.Created {
			cancel(started)
		}
	}
	err = e.watch(ctx, client.Filters{}.Add("container", id), check, func(compute.Event) bool { check(); return ctx.Err() == nil })
	if cause := context.Cause(ctx); cause == started { //nolint:errorlint // our own value
		return nil
	} else if cause != nil {
		return cause
	}
	return err
}

// lineReader turns the engine's frames into lines. One frame is one record of
// the log: a time, a space, and a line or, if it was long, a part of one.
type lineReader struct {
	since   time.Time
	yield   func(compute.Line) bool
	stopped bool

	// Where we are: lines at time last that were yielded, in this pass and in
	// the pass before, whose lines are skipped.
	last       time.Time
	count      int
	done       time.Time
	doneCount  int
	latest     time.Time // no time given out is before this
	part       [2][]byte
	partTime   [2]time.Time
	incomplete [2]bool
}

// from is the time to ask the engine for. Times are made to never decrease
// (see emit), which needs the lines shortly before.
func (r *lineReader) from() time.Time {
	from := r.since
	if r.done.After(from) {
		from = r.done
	}
	if from.IsZero() {
		return from
	}
	return from.Add(-slack)
}

// again begins a pass that skips what has been yielded.
func (r *lineReader) again() {
	r.done, r.doneCount = r.last, r.count
	r.last, r.count, r.latest = time.Time{}, 0, time.Time{}
	r.part, r.incomplete = [2][]byte{}, [2]bool{}
}

func (r *lineReader) read(body io.Reader) error {
	in := bufio.NewReaderSize(body, 64<<10)
	var header [8]byte
	var buf bytes.Buffer
	for !r.stopped {
		if _, err := io.ReadFull(in, header[:]); err != nil {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
		size := binary.BigEndian.Uint32(header[4:])
		buf.Reset()
		if _, err := io.CopyN(&buf, in, int64(size)); err != nil {
			return io.ErrUnexpectedEOF
		}
		switch header[0] {
		case 1, 2:
			if err := r.record(int(header[0])-1, buf.Bytes()); err != nil {
				return err
			}
		case 3:
			return errors.New(buf.String())
		}
	}
	return nil
}

func (r *lineReader) record(stream int, b []byte) error {
	stampEnd := bytes.IndexByte(b, ' ')
	if stampEnd < 0 {
		return fmt.Errorf("log record without a time")
	}
	t, err := time.Parse(time.RFC3339Nano, string(b[:stampEnd]))
	if err != nil {
		return fmt.Errorf("log record without a time")
	}
	text := b[stampEnd+1:]
	if !r.incomplete[stream] {
		r.partTime[stream] = t
	}
	line, ended := bytes.CutSuffix(text, []byte("\n"))
	r.part[stream] = append(r.part[stream], line...)
	r.incomplete[stream] = !ended
	for len(r.part[stream]) > maxLine {
		r.emit(stream, r.part[stream][:maxLine])
		r.part[stream] = r.part[stream][maxLine:]
	}
	if ended {
		r.emit(stream, r.part[stream])
		r.part[stream] = nil
	}
	return nil
}

// flush yields a last line that did not end in a newline.
func (r *lineReader) flush() {
	for stream := range r.part {
		if r.incomplete[stream] {
			r.emit(stream, r.part[stream])
		}
	}
}

// emit yields a line unless it is before since or was yielded already.
//
// The engine notes the time of a line before it takes the lock of the log, so
// a line may follow one that is a little younger. A reader that resumes at the
// time of its last line must not lose it: times are raised to the latest so
// far, the same way in every pass because each begins a little earlier.
func (r *lineReader) emit(stream int, text []byte) {
	if r.stopped {
		return
	}
	t := r.partTime[stream]
	if t.Before(r.latest) {
		t = r.latest
	}
	r.latest = t
	if t.Before(r.since) {
		return
	}
	if t.Equal(r.last) {
		r.count++
	} else {
		r.last, r.count = t, 1
	}
	if t.Before(r.done) || t.Equal(r.done) && r.count <= r.doneCount {
		return
	}
	if !r.yield(compute.Line{Time: t, Stderr: stream == 1, Text: string(text)}) {
		r.stopped = true
	}
}
