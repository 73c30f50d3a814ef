package engine

import (
	"context"
	"sync"

	"github.com/slipway-dev/slipway/internal/store"
)

// maxMemo is how many values a Memo keeps; then it starts afresh.
const maxMemo = 256

// Memo keeps what was made of one table of the store until something in that
// table changes: for answers that are asked for far more often than they
// change. On a store that is not Versioned it keeps nothing. A value is shared
// by all who get it, so it must not be changed.
type Memo[T any] struct {
	table string

	mu      sync.RWMutex
	version uint64 // of the table, of all values
	values  map[string]T
}

// NewMemo is an empty Memo of a table.
func NewMemo[T any](table string) *Memo[T] { return &Memo[T]{table: table} }

// View returns the value of key: the one kept, or else what load makes. load
// must read no other table.
func (m *Memo[T]) View(ctx context.Context, e *Engine, key string, load func(store.Reader) (T, error)) (value T, err error) {
	versions, ok := e.cfg.Store.(store.Versioned)
	var version uint64
	if ok {
		version = versions.Version(m.table)
		if value, ok := m.kept(key, version); ok {
			return value, nil
		}
	}
	err = e.View(ctx, func(r store.Reader) (err error) {
		value, err = load(r)
		return err
	})
	if err == nil && ok {
		m.keep(key, version, value)
	}
	return value, err
}

func (m *Memo[T]) kept(key string, version uint64) (value T, ok bool) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	if m.version == version {
		value, ok = m.values[key]
	}
	return value, ok
}

// keep keeps a value that was read at version or later; if it was later, the
// next to ask finds that out by the version.
func (m *Memo[T]) keep(key string, version uint64, value T) {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case version < m.version:
		return
	case version > m.version, m.values == nil, len(m.values) >= maxMemo:
		m.version, m.values = version, map[string]T{}
	}
	m.values[key] = value
}
