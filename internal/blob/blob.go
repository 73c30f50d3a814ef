// Package blob keeps the bytes of objects: written once, named by the keeper,
// read in any range. What a blob means (bucket, key, version) is the store's.
package blob

import (
	"context"
	"errors"
	"fmt"
	"io"
	"syscall"
)

// ErrNotFound is returned for an id that has no blob.
var ErrNotFound = errors.New("blob: not found")

// ErrNoSpace is returned when the medium is full; nothing is kept. It is a
// syscall.ENOSPC too.
var ErrNoSpace = fmt.Errorf("blob: %w", syscall.ENOSPC)

// Store keeps blobs.
type Store interface {
	// Create begins a blob. Nothing is visible until Commit.
	Create(ctx context.Context) (Writer, error)
	// Open reads length bytes from offset (length < 0: to the end).
	Open(ctx context.Context, id string, offset, length int64) (io.ReadCloser, error)
	// Remove deletes a blob; a missing one is no error.
	Remove(ctx context.Context, id string) error
	// List yields all ids, for sweeping what a crash left without an owner.
	List(ctx context.Context, yield func(id string) bool) error
}

// Writer takes a blob's bytes. Exactly one of Commit and Abort ends it; Abort
// after Commit does nothing.
type Writer interface {
	io.Writer
	// Commit makes the blob durable and returns its id.
	Commit() (id string, err error)
	Abort()
}
