package agent

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"sync"
	"time"

	"github.com/slipway-dev/slipway/internal/agent/job"
)

// journal is a file that only grows. Writers append whole records; the shipper
// reads behind them.
type journal struct {
	mu    sync.Mutex
	file  *os.File
	size  int64
	grown chan struct{} // has a token after it has grown
	now   func() time.Time
}

func openJournal(path string, now func() time.Time) (*journal, error) {
	// The service reads it when this agent is dead. The directory is the
	// service's alone, who need not be root like an agent in a container.
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return nil, err
	}
	return &journal{file: f, grown: make(chan struct{}, 1), now: now}, nil
}

// add appends records, all with the time of now.
func (j *journal) add(records ...job.Record) {
	var b []byte
	t := j.now().UnixMilli()
	for _, r := range records {
		r.Time = t
		b = job.Encode(b, r)
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	// A full disk must not stop the build; what cannot be kept is lost whole.
	if n, err := j.file.WriteAt(b, j.size); err == nil {
		j.size += int64(n)
	}
	select {
	case j.grown <- struct{}{}:
	default:
	}
}

// piece reads whole records from offset, at most job.MaxPiece bytes.
func (j *journal) piece(offset int64) ([]byte, error) {
	j.mu.Lock()
	size := j.size
	j.mu.Unlock()
	if offset >= size {
		return nil, nil
	}
	b := make([]byte, min(size-offset, job.MaxPiece))
	if _, err := j.file.ReadAt(b, offset); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	return b[:bytes.LastIndexByte(b, '\n')+1], nil
}

// reader reads what has been written so far.
func (j *journal) reader() io.Reader { return io.NewSectionReader(j.file, 0, j.end()) }

func (j *journal) end() int64 {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.size
}

// patience is how long the agent tries to deliver to a server that is away.
const patience = time.Hour

// ship sends the journal until finished is closed and all of it has arrived.
// It returns errGone when the service does not want it any more.
func (j *journal) ship(ctx context.Context, c *client, finished <-chan struct{}) error {
	var offset int64
	var wait backoff
	for {
		b, err := j.piece(offset)
		if err != nil {
			return err
		}
		if len(b) == 0 {
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-j.grown:
			case <-finished:
				if offset >= j.end() {
					return nil
				}
			}
			continue
		}
		acked, err := c.send(ctx, offset, b)
		switch {
		case errors.Is(err, errGone):
			return err
		case err != nil:
			if !wait.sleep(ctx, patience) {
				return err
			}
		default:
			wait = backoff{}
			offset = acked
		}
	}
}

// backoff waits 20 ms, then twice as long each time, at most a second.
type backoff struct {
	next  time.Duration
	since time.Time
}

// sleep returns false when ctx ended or the limit since the first failure has
// passed.
func (b *backoff) sleep(ctx context.Context, limit time.Duration) bool {
	if b.next == 0 {
		b.next, b.since = 20*time.Millisecond, time.Now()
	}
	if time.Since(b.since) > limit {
		return false
	}
	t := time.NewTimer(b.next)
	defer t.Stop()
	b.next = min(2*b.next, time.Second)
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}
