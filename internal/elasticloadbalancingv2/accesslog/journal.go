package accesslog

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/slipway-dev/slipway/internal/clock"
)

const (
	deliverEvery = 5 * time.Minute // AWS's
	saveEvery    = time.Second     // what a crash may cost
	bufferSize   = 64 << 10
	largeFile    = 16 << 20         // before compression: it is given away at once
	keptAtMost   = 24 * time.Hour   // what cannot be given away
	failPause    = 10 * time.Second // of writing, when the disk does not let us
)

// Config is what a Journal needs; every member is required.
type Config struct {
	Dir   string // of its own
	Clock clock.Clock
	Log   *slog.Logger
	// Deliver writes a compressed log file whose last line is of end. It is
	// tried again later if it fails.
	Deliver func(ctx context.Context, p Place, end time.Time, body []byte) error
}

// Journal is where logs are until they are given away.
type Journal struct {
	cfg Config

	mu     sync.Mutex
	files  map[Place]*file
	number int
	due    bool // the timer of deliveries runs
	saving bool // the timer of savings runs
	closed bool
	retry  time.Time // no file is made before

	giving sync.Mutex
}

// file is a log that is being written: a line of JSON with its place, then the
// log's lines. Those that wait for their delivery end in .full.
type file struct {
	f    *os.File
	w    *bufio.Writer
	size int
}

// Open opens the journal of a directory. What an earlier process left there is
// given away with the first delivery.
func Open(c Config) (*Journal, error) {
	if err := os.MkdirAll(c.Dir, 0o700); err != nil {
		return nil, err
	}
	j := &Journal{cfg: c, files: map[Place]*file{}}
	names, err := filepath.Glob(filepath.Join(c.Dir, "*.log"))
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		if err := os.Rename(name, strings.TrimSuffix(name, ".log")+"-left.full"); err != nil {
			return nil, err
		}
	}
	if full, _ := j.full(); len(full) > 0 {
		j.schedule()
	}
	return j, nil
}

// Write adds a line to a log.
func (j *Journal) Write(p Place, line []byte) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.closed {
		return
	}
	f := j.files[p]
	if f == nil {
		if !j.retry.IsZero() && j.cfg.Clock.Now().Before(j.retry) {
			return
		}
		var err error
		if f, err = j.create(p); err != nil {
			j.failed(p, err)
			return
		}
		j.files[p] = f
	}
	if _, err := f.w.Write(line); err != nil {
		j.fill(p, f) // what is in it already is as good as before
		return
	}
	f.size += len(line)
	if f.size >= largeFile {
		j.fill(p, f)
		go j.give(context.Background())
	}
	j.schedule()
	if !j.saving {
		j.saving = true
		j.cfg.Clock.AfterFunc(saveEvery, j.save)
	}
}

func (j *Journal) create(p Place) (*file, error) {
	head, err := json.Marshal(p)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(head)
	j.number++
	name := fmt.Sprintf("%x-%s-%d.log", sum[:8], j.cfg.Clock.Now().UTC().Format("20060102T150405.000000000"), j.number)
	f, err := os.OpenFile(filepath.Join(j.cfg.Dir, name), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	w := bufio.NewWriterSize(f, bufferSize)
	_, err = w.Write(append(head, '\n'))
	return &file{f: f, w: w}, err
}

// failed has the next lines left out: requests shall not wait for a disk that is
// full, nor fill it with complaints.
func (j *Journal) failed(p Place, err error) {
	j.retry = j.cfg.Clock.Now().Add(failPause)
	j.cfg.Log.Error("a load balancer's log cannot be written; it lacks what comes next", "balancer", p.Balancer, "for", failPause, "err", err)
}

// schedule has the logs given away at the end of the five minutes.
func (j *Journal) schedule() {
	if j.due || j.closed {
		return
	}
	j.due = true
	now := j.cfg.Clock.Now()
	j.cfg.Clock.AfterFunc(now.Truncate(deliverEvery).Add(deliverEvery).Sub(now), j.tick)
}

func (j *Journal) tick() {
	j.mu.Lock()
	j.due = false
	over := j.closed
	if !over {
		j.fillAll()
	}
	j.mu.Unlock()
	if !over {
		j.give(context.Background())
	}
}

// save writes to the disk what a crash shall not cost.
func (j *Journal) save() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.saving = false
	for p, f := range j.files {
		if f.w.Flush() != nil {
			j.fill(p, f)
		}
	}
}

func (j *Journal) fillAll() {
	for p, f := range j.files {
		j.fill(p, f)
	}
}

// fill ends a file, so that it can be given away.
func (j *Journal) fill(p Place, f *file) {
	delete(j.files, p)
	name := f.f.Name()
	err := errors.Join(f.w.Flush(), f.f.Close(), os.Rename(name, strings.TrimSuffix(name, ".log")+".full"))
	if err != nil {
		j.failed(p, err)
	}
}

func (j *Journal) full() ([]string, error) { return filepath.Glob(filepath.Join(j.cfg.Dir, "*.full")) }

// give gives away the files that are full.
func (j *Journal) give(ctx context.Context) {
	j.giving.Lock()
	defer j.giving.Unlock()
	names, err := j.full()
	if err != nil {
		return
	}
	again := false
	for _, name := range names {
		err := j.giveFile(ctx, name)
		if err == nil {
			continue
		}
		info, statErr := os.Stat(name)
		old := statErr == nil && j.cfg.Clock.Now().Sub(info.ModTime()) > keptAtMost
		j.cfg.Log.Warn("a load balancer's log was not delivered", "file", name, "given up", old, "err", err)
		if old {
			_ = os.Remove(name)
		}
		again = again || !old
	}
	if again {
		j.mu.Lock()
		j.schedule()
		j.mu.Unlock()
	}
}

func (j *Journal) giveFile(ctx context.Context, name string) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	r := bufio.NewReader(f)
	head, err := r.ReadBytes('\n')
	var p Place
	if err != nil || json.Unmarshal(head, &p) != nil { // a crash in its first line
		return os.Remove(name)
	}
	var body bytes.Buffer
	z := gzip.NewWriter(&body)
	n, err := io.Copy(z, r)
	if err := errors.Join(err, z.Close()); err != nil {
		return err
	}
	if n > 0 {
		ctx, cancel := context.WithTimeout(ctx, time.Minute)
		defer cancel()
		if err := j.cfg.Deliver(ctx, p, info.ModTime(), body.Bytes()); err != nil {
			return err
		}
	}
	return os.Remove(name)
}

// Close gives away what there is.
func (j *Journal) Close() {
	j.mu.Lock()
	j.closed = true
	j.fillAll()
	j.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), 15*time.Second)
	defer cancel()
	j.give(ctx)
}
