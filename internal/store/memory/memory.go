// Package memory is a store that forgets: the contract of package store on an
// immutable tree, for tests that want a store at once and need no disk.
package memory

import (
	"bytes"
	"context"
	"errors"
	"iter"
	"sync"
	"sync/atomic"

	"github.com/slipway-dev/slipway/internal/store"
)

var errClosed = errors.New("store: closed")

// Store keeps everything in memory.
type Store struct {
	store.Versions

	writer sync.Mutex
	root   atomic.Pointer[node]
	closed atomic.Bool
}

// New returns an empty store.
func New() *Store { return &Store{} }

// View implements store.Store.
func (s *Store) View(ctx context.Context, fn func(store.Reader) error) error {
	if err := s.usable(ctx); err != nil {
		return err
	}
	return fn(&tx{root: s.root.Load()})
}

// Update implements store.Store.
func (s *Store) Update(ctx context.Context, fn func(store.Tx) error) error {
	s.writer.Lock()
	defer s.writer.Unlock()
	if err := s.usable(ctx); err != nil {
		return err
	}
	t := &tx{root: s.root.Load()}
	if err := fn(t); err != nil {
		return err
	}
	s.root.Store(t.root)
	s.Committed(t.written)
	return nil
}

// Close makes the store unusable.
func (s *Store) Close() error {
	s.closed.Store(true)
	return nil
}

func (s *Store) usable(ctx context.Context) error {
	if s.closed.Load() {
		return errClosed
	}
	return ctx.Err()
}

// tx is a snapshot that an Update may move on from.
type tx struct {
	root    *node
	written store.Written
}

func (t *tx) Get(key string) ([]byte, error) {
	n := t.root.find(key)
	if n == nil {
		return nil, store.ErrNotFound
	}
	return bytes.Clone(n.value), nil
}

func (t *tx) Put(key string, value []byte) error {
	if key == "" {
		return errors.New("store: empty key")
	}
	t.written.Add(key)
	t.root = t.root.put(key, append([]byte{}, value...))
	return nil
}

func (t *tx) Delete(key string) error {
	if t.root.find(key) != nil {
		t.written.Add(key)
		t.root = t.root.remove(key)
	}
	return nil
}

func (t *tx) Scan(r store.Range) iter.Seq2[store.Entry, error] {
	root := t.root // what the loop's body writes is not met
	return func(yield func(store.Entry, error) bool) {
		from, to := r.Bounds()
		n := 0
		root.walk(from, to, r.Reverse, func(e *node) bool {
			n++
			return yield(store.Entry{Key: e.key, Value: bytes.Clone(e.value)}, nil) &&
				(r.Limit == 0 || n < r.Limit)
		})
	}
}
