// Package store is the contract between Slipway and its database: an ordered
// map from keys to values with transactions. Rules live in the services; an
// adapter only keeps bytes, in order, durably. Every adapter passes storetest.
package store

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"syscall"
)

// ErrNotFound is returned by Get for a key without a value.
var ErrNotFound = errors.New("store: not found")

// ErrNoSpace is wrapped by what Update returns when the disk is full. Nothing
// of the transaction was kept, and the store goes on serving. It is a
// syscall.ENOSPC too, by which those who know no store tell clients.
var ErrNoSpace = fmt.Errorf("store: %w", syscall.ENOSPC)

// Store is a database.
type Store interface {
	// View runs fn on a consistent snapshot. Views never wait for writers.
	View(ctx context.Context, fn func(Reader) error) error
	// Update runs fn with all others excluded and commits what it wrote if
	// it returned nil; an error (or panic) undoes everything. fn may run
	// again after a conflict, so it must not have effects of its own. When
	// Update returns nil the writes survive the death of the process. An
	// Update inside fn would wait for itself.
	Update(ctx context.Context, fn func(Tx) error) error
	Close() error
}

// Versioned is a Store that tells, without a look at the database, whether a
// table (the first part of keys) may have changed. It is an optional ability:
// only a store that sees every write has it.
type Versioned interface {
	// Version grows before an Update that wrote to the table returns. A View
	// that began after Version returned sees at least what that version has.
	Version(table string) uint64
}

// Reader reads a snapshot; it must not be used after its function returned.
type Reader interface {
	// Get returns the value, which the caller may keep, or ErrNotFound.
	Get(key string) ([]byte, error)
	// Scan yields the entries of r in key order (bytewise), or backwards.
	// An error ends the sequence as its last element. The loop's body may
	// read and, in a Tx, write; whether the scan meets what the body writes
	// ahead of it is left open.
	Scan(r Range) iter.Seq2[Entry, error]
}

// Tx is a Reader that sees and makes changes.
type Tx interface {
	Reader
	// Put keeps a copy of value. The empty key is refused.
	Put(key string, value []byte) error
	// Delete of a missing key is no error.
	Delete(key string) error
}

// Entry is one key with its value.
type Entry struct {
	Key   string
	Value []byte
}

// Range selects keys that begin with Prefix.
type Range struct {
	Prefix string
	// Start leaves out keys before it (after it, when Reverse); it is itself
	// included. Empty means from the first (last).
	Start   string
	Reverse bool
	// Limit is the most entries to yield; 0 means no limit.
	Limit int
}

// Bounds tells which keys r selects: from <= key < to, with no upper bound if
// to is "". For adapters.
func (r Range) Bounds() (from, to string) {
	from, to = r.Prefix, successor(r.Prefix)
	switch {
	case r.Start == "":
	case r.Reverse:
		if end := r.Start + "\x00"; to == "" || end < to {
			to = end
		}
	case r.Start > from:
		from = r.Start
	}
	return from, to
}

// successor is the first key after all that begin with prefix, "" if none is.
func successor(prefix string) string {
	b := []byte(prefix)
	for len(b) > 0 {
		if last := len(b) - 1; b[last] < 0xff {
			b[last]++
			return string(b)
		}
		b = b[:len(b)-1]
	}
	return ""
}

// Separator ends every part of a key but the last. No part may contain it.
const Separator = "\x00"

// Key joins parts so that keys sort by their parts in turn. A Separator inside
// a part (no name of AWS's may have one) is replaced rather than trusted.
func Key(parts ...string) string {
	for i, p := range parts {
		if strings.Contains(p, Separator) {
			parts = append([]string(nil), parts...)
			parts[i] = strings.ReplaceAll(p, Separator, "\uFFFD")
			return Key(parts...)
		}
	}
	return strings.Join(parts, Separator)
}

// TableOf is the first part of a key.
func TableOf(key string) string {
	table, _, _ := strings.Cut(key, Separator)
	return table
}

// Prefix is the beginning of all keys that have these parts and more.
func Prefix(parts ...string) string { return Key(parts...) + Separator }
