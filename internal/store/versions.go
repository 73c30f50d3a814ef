package store

import (
	"slices"
	"sync"
)

// Versions counts commits by table, for adapters that are Versioned.
type Versions struct {
	mu sync.RWMutex
	n  map[string]uint64
}

// Version implements Versioned.
func (v *Versions) Version(table string) uint64 {
	v.mu.RLock()
	defer v.mu.RUnlock()
	return v.n[table]
}

// Committed counts a commit, after it and before anybody is told of it.
func (v *Versions) Committed(w Written) {
	if len(w.tables) == 0 {
		return
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.n == nil {
		v.n = map[string]uint64{}
	}
	for _, t := range w.tables {
		v.n[t]++
	}
}

// Written is the tables that a transaction wrote to; there are few.
type Written struct{ tables []string }

// Add notes a key that was put or deleted.
func (w *Written) Add(key string) {
	if t := TableOf(key); !slices.Contains(w.tables, t) {
		w.tables = append(w.tables, t)
	}
}
