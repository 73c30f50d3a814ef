// Package files keeps blobs as files under a directory:
//
//	DIR/tmp/ID     being written
//	DIR/ab/abcd…   committed; the shard is the id's first two digits
//
// Durability: Commit flushes the file, renames it into its shard and flushes
// the shard's directory, in this order. A committed blob therefore survives
// kill -9 and, as far as the disk tells the truth, loss of power; a name under
// a shard never stands for half a blob. Remove is not flushed: what reappears
// after a power cut has no owner and the keeper's sweep finds it by List.
package files

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/slipway-dev/slipway/internal/blob"
	"github.com/slipway-dev/slipway/internal/id"
)

// idLength is the number of hexadecimal digits of an id.
const idLength = 32

// Store is a blob.Store. One process at a time may have a directory open.
type Store struct {
	dir string
	ids id.Source
}

var _ blob.Store = (*Store)(nil)

// Open makes the directory if it is missing, and removes what earlier
// processes began to write and never committed.
func Open(dir string, ids id.Source) (*Store, error) {
	tmp := filepath.Join(dir, "tmp")
	if err := os.MkdirAll(tmp, 0o700); err != nil {
		return nil, fmt.Errorf("blob files: %w", err)
	}
	left, err := os.ReadDir(tmp)
	if err != nil {
		return nil, fmt.Errorf("blob files: %w", err)
	}
	for _, e := range left {
		// The last writer of a store that was just closed may remove it, too.
		if err := os.Remove(filepath.Join(tmp, e.Name())); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("blob files: %w", err)
		}
	}
	return &Store{dir: dir, ids: ids}, nil
}

// Create begins a blob.
func (s *Store) Create(ctx context.Context) (blob.Writer, error) {
	name := id.Hex(s.ids, idLength)
	f, err := os.OpenFile(filepath.Join(s.dir, "tmp", name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, wrap(err)
	}
	return &writer{store: s, id: name, f: f}, nil
}

// Open reads a range. Reading beyond the blob's end gives io.ErrUnexpectedEOF.
func (s *Store) Open(ctx context.Context, name string, offset, length int64) (io.ReadCloser, error) {
	path, ok := s.path(name)
	if !ok {
		return nil, blob.ErrNotFound
	}
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, blob.ErrNotFound
	}
	if err != nil {
		return nil, wrap(err)
	}
	if length < 0 {
		info, err := f.Stat()
		if err != nil {
			_ = f.Close()
			return nil, wrap(err)
		}
		length = max(0, info.Size()-offset)
	}
	if _, err := f.Seek(offset, io.SeekStart); err != nil {
		_ = f.Close()
		return nil, wrap(err)
	}
	return &reader{rest: io.LimitedReader{R: f, N: length}, f: f}, nil
}

// Remove deletes a blob; readers that have it open go on.
func (s *Store) Remove(ctx context.Context, name string) error {
	path, ok := s.path(name)
	if !ok {
		return nil
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return wrap(err)
	}
	return nil
}

// List yields committed ids, shard by shard, with at most one shard's batch
// in memory.
func (s *Store) List(ctx context.Context, yield func(id string) bool) error {
	shards, err := os.ReadDir(s.dir)
	if err != nil {
		return wrap(err)
	}
	for _, shard := range shards {
		if len(shard.Name()) != 2 || !shard.IsDir() {
			continue
		}
		more, err := s.listShard(ctx, shard.Name(), yield)
		if err != nil || !more {
			return err
		}
	}
	return nil
}

func (s *Store) listShard(ctx context.Context, shard string, yield func(id string) bool) (more bool, err error) {
	d, err := os.Open(filepath.Join(s.dir, shard))
	if err != nil {
		return false, wrap(err)
	}
	defer d.Close()
	for {
		if err := ctx.Err(); err != nil {
			return false, err
		}
		names, err := d.Readdirnames(1024)
		for _, name := range names {
			if _, ok := s.path(name); ok && !yield(name) {
				return false, nil
			}
		}
		if errors.Is(err, io.EOF) {
			return true, nil
		}
		if err != nil {
			return false, wrap(err)
		}
	}
}

// path is where a committed blob lies; ok is false for what Create never made,
// so that an id can never leave the directory.
func (s *Store) path(name string) (path string, ok bool) {
	if len(name) != idLength {
		return "", false
	}
	for _, c := range []byte(name) {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return "", false
		}
	}
	return filepath.Join(s.dir, name[:2], name), true
}

type writer struct {
	store *Store
	id    string
	f     *os.File
	once  sync.Once // ends it
	err   error     // of a failed Write: such a blob must not be committed
}

func (w *writer) Write(p []byte) (int, error) {
	n, err := w.f.Write(p)
	if err != nil {
		w.err = wrap(err)
	}
	return n, w.err
}

func (w *writer) Commit() (string, error) {
	err := errors.New("blob files: already ended")
	w.once.Do(func() {
		if err = w.commit(); err != nil {
			_ = os.Remove(w.f.Name())
		}
	})
	if err != nil {
		return "", err
	}
	return w.id, nil
}

func (w *writer) commit() error {
	err := w.err
	if err == nil {
		err = w.f.Sync()
	}
	if cerr := w.f.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return wrap(err)
	}
	path, _ := w.store.path(w.id)
	shard := filepath.Dir(path)
	if err := os.Rename(w.f.Name(), path); errors.Is(err, fs.ErrNotExist) {
		if err := w.store.makeShard(shard); err != nil {
			return wrap(err)
		}
		if err := os.Rename(w.f.Name(), path); err != nil {
			return wrap(err)
		}
	} else if err != nil {
		return wrap(err)
	}
	if err := syncDir(shard); err != nil {
		_ = os.Remove(path)
		return wrap(err)
	}
	return nil
}

func (w *writer) Abort() {
	w.once.Do(func() {
		_ = w.f.Close()
		_ = os.Remove(w.f.Name())
	})
}

func (s *Store) makeShard(dir string) error {
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return syncDir(s.dir)
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

type reader struct {
	rest io.LimitedReader
	f    *os.File
}

func (r *reader) Read(p []byte) (int, error) {
	n, err := r.rest.Read(p)
	if err == io.EOF && r.rest.N > 0 {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

// WriteTo hands the file itself to the other side, so that a network
// connection can take it from the kernel without a copy.
func (r *reader) WriteTo(w io.Writer) (int64, error) {
	n, err := io.Copy(w, &r.rest)
	if err == nil && r.rest.N > 0 {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

func (r *reader) Close() error { return r.f.Close() }

// wrap names the package, and says ErrNoSpace where the kernel said so.
func wrap(err error) error {
	if errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EDQUOT) {
		return fmt.Errorf("%w: %w", blob.ErrNoSpace, err)
	}
	return fmt.Errorf("blob files: %w", err)
}
