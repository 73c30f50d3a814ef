package s3

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"sync"
	"time"

	"github.com/slipway-dev/slipway/internal/blob"
	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/store"
)

const (
	jobDiscard = "s3.discard"
	jobSweep   = "s3.sweep"
)

// blobRefs counts the documents that refer to a blob: BLOB.
const blobRefs = store.Table[int]("s3.blob")

// refer adds n to a blob's references, and removes the blob at none.
func refer(tx *engine.Tx, name string, n int) error {
	count, err := get(blobRefs, tx, name)
	if err != nil {
		return err
	}
	if n += deref(count); n > 0 {
		return blobRefs.Put(tx, &n, name)
	}
	if err := blobRefs.Delete(tx, name); err != nil {
		return err
	}
	return tx.Enqueue(engine.NewJob{Kind: jobDiscard, ID: name, Payload: discardWork{Blob: name}})
}

// discardWork removes a blob that has no references, or an upload's parts.
type discardWork struct{ Blob, Upload string }

// discard gives up the bytes of a version that the transition removes.
func (s *Service) discard(tx *engine.Tx, o *object) error {
	switch {
	case o.Data == "":
		return nil
	case o.Parts > 0:
		return discardParts(tx, o.Data)
	default:
		return refer(tx, o.Data, -1)
	}
}

// discardParts leaves the parts to a job, since there may be ten thousand.
func discardParts(tx *engine.Tx, upload string) error {
	return tx.Enqueue(engine.NewJob{Kind: jobDiscard, ID: upload, Payload: discardWork{Upload: upload}})
}

func (s *Service) discardJob(ctx context.Context, job *engine.Job) error {
	var w discardWork
	if err := json.Unmarshal(job.Payload, &w); err != nil {
		s.log.Error("s3: job without sense", "job", job.ID, "error", err)
		return nil
	}
	data := w.Blob + w.Upload
	if !s.pins.seize(data) {
		return engine.RetryAt(s.engine.Now().Add(10 * time.Second)) // being read
	}
	defer s.pins.free(data)
	if w.Blob != "" {
		return s.blobs.Remove(ctx, w.Blob)
	}
	return s.removeParts(ctx, w.Upload)
}

// removeParts removes an upload's parts, a few in each transition.
func (s *Service) removeParts(ctx context.Context, upload string) error {
	const batch = 200
	for {
		var some []*part
		err := s.engine.View(ctx, func(r store.Reader) error {
			some = some[:0]
			for p, err := range parts.Scan(r, store.Range{Prefix: store.Prefix(string(parts), upload), Limit: batch}) {
				if err != nil {
					return err
				}
				some = append(some, p)
			}
			return nil
		})
		if err != nil || len(some) == 0 {
			return err
		}
		for _, p := range some {
			if p.Data == "" {
				continue
			}
			if err := s.blobs.Remove(ctx, p.Data); err != nil {
				return err
			}
		}
		err = s.engine.Update(ctx, func(tx *engine.Tx) error {
			for _, p := range some {
				if err := parts.Delete(tx, upload, partKey(p.Number)); err != nil {
					return err
				}
				if err := blobRefs.Delete(tx, p.Data); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
}

// keep commits received bytes and makes the transition that refers to them;
// fn gets the name of the blob, "" for no bytes. If fn fails nothing is kept.
func (s *Service) keep(ctx context.Context, got *received, fn func(tx *engine.Tx, data string) error) error {
	s.commits.RLock()
	defer s.commits.RUnlock()
	data := ""
	if got.size > 0 {
		var err error
		if data, err = got.w.Commit(); err != nil {
			return storageError(err)
		}
	} else {
		got.w.Abort()
	}
	var refused error
	// All bytes are here: who hangs up now has still put the object.
	err := s.engine.Update(context.WithoutCancel(ctx), func(tx *engine.Tx) error {
		refused = nil
		if data != "" {
			if refused = refer(tx, data, +1); refused != nil {
				return refused
			}
		}
		refused = fn(tx, data)
		return refused
	})
	if refused != nil && data != "" {
		// Only then it is certain that nothing refers to the blob; after
		// a failed commit the sweep knows better.
		if rerr := s.blobs.Remove(context.WithoutCancel(ctx), data); rerr != nil {
			s.log.Warn("s3: blob left to the sweep", "blob", data, "error", rerr)
		}
	}
	return err
}

// sweepJob removes blobs that nothing refers to.
func (s *Service) sweepJob(ctx context.Context, _ *engine.Job) error {
	const batch = 1000
	var ids []string
	var removed int
	flush := func() error {
		// Whoever committed a listed blob has ended its transition after this.
		s.commits.Lock()
		s.commits.Unlock() //nolint:staticcheck // a barrier, not a section
		var orphans []string
		err := s.engine.View(ctx, func(r store.Reader) error {
			for _, name := range ids {
				count, err := get(blobRefs, r, name)
				if err != nil {
					return err
				}
				if count == nil {
					orphans = append(orphans, name)
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
		for _, name := range orphans {
			if !s.pins.seize(name) {
				continue // being read, so its removal has a job
			}
			err := s.blobs.Remove(ctx, name)
			s.pins.free(name)
			if err != nil {
				return err
			}
			removed++
		}
		ids = ids[:0]
		return nil
	}
	var ferr error
	err := s.blobs.List(ctx, func(name string) bool {
		if ids = append(ids, name); len(ids) == batch {
			ferr = flush()
		}
		return ferr == nil
	})
	if err = errors.Join(err, ferr); err == nil {
		err = flush()
	}
	if removed > 0 {
		s.log.Info("s3: removed blobs without an owner", "count", removed)
	}
	return err
}

// pins keep an object's bytes while they are being read. The zero value is
// ready.
type pins struct {
	mu sync.Mutex
	m  map[string]int // readers; -1: being removed
}

// acquire reports whether data may be read until release.
func (p *pins) acquire(data string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.m == nil {
		p.m = map[string]int{}
	}
	if p.m[data] < 0 {
		return false
	}
	p.m[data]++
	return true
}

func (p *pins) release(data string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.m[data]--; p.m[data] == 0 {
		delete(p.m, data)
	}
}

// seize reports whether data may be removed until free.
func (p *pins) seize(data string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.m == nil {
		p.m = map[string]int{}
	}
	if p.m[data] != 0 {
		return false
	}
	p.m[data] = -1
	return true
}

func (p *pins) free(data string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.m, data)
}

// segment is a run of bytes of one blob.
type segment struct {
	blob           string
	offset, length int64
}

// errGone means that the bytes were removed after their document was read.
var errGone = errors.New("s3: object was replaced")

// open reads a range of an object. errGone asks for another look at the key.
func (s *Service) open(ctx context.Context, o *object, offset, length int64) (io.ReadCloser, error) {
	if o.Data == "" || length == 0 {
		return emptyBody{}, nil
	}
	if !s.pins.acquire(o.Data) {
		return nil, errGone
	}
	b := &body{ctx: ctx, service: s, pin: o.Data}
	if o.Parts == 0 {
		b.rest = []segment{{o.Data, offset, length}}
	} else {
		var err error
		if b.rest, err = s.segments(ctx, o, offset, length); err != nil {
			_ = b.Close()
			return nil, err
		}
	}
	if err := b.next(); err != nil { // the first is opened now, to be sure
		_ = b.Close()
		if errors.Is(err, blob.ErrNotFound) || err == io.EOF {
			return nil, errGone
		}
		return nil, err
	}
	return b, nil
}

// segments finds a range in the parts of a multipart object.
func (s *Service) segments(ctx context.Context, o *object, offset, length int64) ([]segment, error) {
	var found []segment
	err := s.engine.View(ctx, func(r store.Reader) error {
		for p, err := range parts.All(r, o.Data) {
			if err != nil {
				return err
			}
			if offset >= p.Size {
				offset -= p.Size
				continue
			}
			n := min(length, p.Size-offset)
			found = append(found, segment{p.Data, offset, n})
			offset, length = 0, length-n
			if length == 0 {
				return nil
			}
		}
		return errGone
	})
	return found, err
}

// body reads segments one after another.
type body struct {
	ctx     context.Context
	service *Service
	pin     string
	rest    []segment
	cur     io.ReadCloser
	once    sync.Once
}

// next opens the next segment; io.EOF after the last.
func (b *body) next() error {
	if b.cur != nil {
		_ = b.cur.Close()
		b.cur = nil
	}
	if len(b.rest) == 0 {
		return io.EOF
	}
	seg := b.rest[0]
	b.rest = b.rest[1:]
	var err error
	b.cur, err = b.service.blobs.Open(b.ctx, seg.blob, seg.offset, seg.length)
	return err
}

func (b *body) Read(p []byte) (int, error) {
	for b.cur != nil {
		n, err := b.cur.Read(p)
		if err == io.EOF {
			err = b.next()
			if n == 0 && err == nil {
				continue
			}
		}
		return n, err
	}
	return 0, io.EOF
}

// WriteTo lets each segment choose the fastest way into w.
func (b *body) WriteTo(w io.Writer) (total int64, err error) {
	for b.cur != nil {
		n, err := io.Copy(w, b.cur)
		total += n
		if err != nil {
			return total, err
		}
		if err := b.next(); err != nil && err != io.EOF {
			return total, err
		}
	}
	return total, nil
}

func (b *body) Close() error {
	b.once.Do(func() {
		if b.cur != nil {
			_ = b.cur.Close()
			b.cur = nil
		}
		b.service.pins.release(b.pin)
	})
	return nil
}

type emptyBody struct{}

func (emptyBody) Read([]byte) (int, error) { return 0, io.EOF }
func (emptyBody) Close() error             { return nil }
