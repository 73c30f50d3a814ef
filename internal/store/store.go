// Package store is the contract between Slipway and its database: an ordered
// map from keys to values with transactions. Rules live in the services; an
// adapter only keeps bytes, in order, durably. Every adapter passes storetest.
package store

import (
	"context"
	"errors"
	"iter"
	"strings"
)

// ErrNotFound is returned by Get for a key without a value.
var ErrNotFound = errors.New("store: not found")

// Store is a database.
type Store interface {
	// View runs fn on a consistent snapshot. Views never wait for writers.
	View(ctx context.Context, fn func(Reader) error) error
	// Update runs fn with all others excluded and commits what it wrote if
	// it returned nil; an error (or panic) undoes everything. fn may run
	// again after a conflict, so it must not have effects of its own. When
	// Update returns nil the writes survive the death of the process.
	Update(ctx context.Context, fn func(Tx) error) error
	Close() error
}

// Reader reads a snapshot; it must not be used after its function returned.
type Reader interface {
	// Get returns the value, which the caller may keep, or ErrNotFound.
	Get(key string) ([]byte, error)
	// Scan yields the entries of r in key order (bytewise), or backwards.
	// An error ends the sequence as its last element.
	Scan(r Range) iter.Seq2[Entry, error]
}

// Tx is a Reader that sees and makes changes.
type Tx interface {
	Reader
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

// Prefix is the beginning of all keys that have these parts and more.
func Prefix(parts ...string) string { return Key(parts...) + Separator }
