// Package sqlite keeps a store in one SQLite file: a table of keys and values
// in write-ahead mode.
//
// There is one writer. Concurrent Updates run one after another inside one SQL
// transaction, each in a savepoint, and are committed together (group commit):
//
//	first Update ── BEGIN ── fn ─┐
//	second (was waiting) ─ fn ───┤
//	third (was waiting) ── fn ── COMMIT ── all three return
//
// Whoever finds nobody waiting behind it commits for all. Each fn runs in its
// caller's goroutine. Views use connections of their own and a snapshot that
// no writer blocks.
//
// The death of the process loses nothing that was committed; a power cut may
// lose the last commits, but leaves the file whole (synchronous=NORMAL).
package sqlite

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"database/sql/driver"

	"github.com/slipway-dev/slipway/internal/store"
)

// schemaVersion is kept in the file's user_version.
const schemaVersion = 1

const (
	maxReaders = 8                    // idle connections kept for views
	maxGroup   = 256                  // Updates committed together
	maxDelay   = 5 * time.Millisecond // that the first of a group waits for others
)

// Store is a SQLite database.
type Store struct {
	store.Versions

	path    string
	readers chan *conn
	closed  atomic.Bool
	views   sync.WaitGroup
	viewsMu sync.RWMutex // Close against new views

	waiting atomic.Int32 // Updates that want writer
	writer  sync.Mutex   // guards what follows
	conn    *conn        // nil after a failure, until the next Update
	group   *group       // open transaction, or nil
	pragmas []string     // of the writer; for tests
}

// group is the Updates of one SQL transaction.
type group struct {
	n       int
	since   time.Time
	written store.Written // also by those of it that failed
	done    chan struct{}
	err     error // set before done is closed
}

// private makes the file its owner's alone, whatever the directory allows;
// SQLite gives the log beside it the same mode.
func private(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	switch {
	case err == nil:
		return f.Close()
	case errors.Is(err, fs.ErrExist):
		return os.Chmod(path, 0o600)
	}
	return err
}

// Open opens or makes the database file at path. A file made by a newer
// version of the schema is refused.
func Open(path string) (*Store, error) { return open(path) }

func open(path string, pragmas ...string) (*Store, error) {
	s := &Store{path: path, readers: make(chan *conn, maxReaders), pragmas: pragmas}
	if err := private(path); err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	c, err := dial(path, pragmas...)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	if err := migrate(c); err != nil {
		_ = c.close()
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	s.conn = c
	return s, nil
}

func migrate(c *conn) error {
	if err := c.exec("BEGIN IMMEDIATE"); err != nil {
		return err
	}
	var version int64
	err := c.rows("PRAGMA user_version", nil, 1, func(row []driver.Value) bool {
		version, _ = row[0].(int64)
		return false
	})
	switch {
	case err != nil:
	case version > schemaVersion:
		err = fmt.Errorf("store: schema %d is newer than this program's %d", version, schemaVersion)
	case version == 0:
		if err = c.exec("CREATE TABLE kv(k BLOB PRIMARY KEY, v BLOB) WITHOUT ROWID"); err == nil {
			err = c.exec(fmt.Sprintf("PRAGMA user_version=%d", schemaVersion))
		}
	}
	if err != nil {
		_ = c.exec("ROLLBACK")
		return err
	}
	return c.exec("COMMIT")
}

var errClosed = errors.New("store: closed")

// View implements store.Store.
func (s *Store) View(ctx context.Context, fn func(store.Reader) error) (err error) {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.viewsMu.RLock()
	if s.closed.Load() {
		s.viewsMu.RUnlock()
		return errClosed
	}
	s.views.Add(1)
	s.viewsMu.RUnlock()
	defer s.views.Done()

	var c *conn
	select {
	case c = <-s.readers:
	default:
		if c, err = dial(s.path, "query_only(1)"); err != nil {
			return err
		}
	}
	if err := c.exec("BEGIN"); err != nil {
		_ = c.close()
		return err
	}
	t := &tx{c: c}
	defer func() {
		t.err = errEnded
		if c.exec("COMMIT") != nil {
			_ = c.close()
			return
		}
		select {
		case s.readers <- c:
		default:
			_ = c.close()
		}
	}()
	return fn(reader{t})
}

// reader hides that a tx can write.
type reader struct{ store.Reader }

// Update implements store.Store.
func (s *Store) Update(ctx context.Context, fn func(store.Tx) error) error {
	s.waiting.Add(1)
	s.writer.Lock()
	s.waiting.Add(-1)
	g, err := s.join(ctx, fn)
	if g == nil {
		return err
	}
	<-g.done
	if err == nil {
		err = g.err
	}
	return err
}

// join runs fn in the open group, or a new one, with the writer held, which it
// releases. The caller must wait for the group it returns, if any.
func (s *Store) join(ctx context.Context, fn func(store.Tx) error) (g *group, err error) {
	defer s.writer.Unlock()
	defer func() { // also when fn panics or ends its goroutine
		if g = s.group; g != nil && (s.waiting.Load() == 0 || g.n >= maxGroup || time.Since(g.since) > maxDelay) {
			s.commit()
		}
		if err != nil {
			g = nil // nothing of this one is in the group
		}
	}()
	if s.closed.Load() {
		return nil, errClosed
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if s.group == nil {
		if err := s.begin(); err != nil {
			return nil, err
		}
	}
	s.group.n++
	return nil, s.run(fn)
}

func (s *Store) begin() error {
	if s.conn == nil {
		c, err := dial(s.path, s.pragmas...)
		if err != nil {
			return err
		}
		s.conn = c
	}
	if err := s.conn.exec("BEGIN IMMEDIATE"); err != nil {
		s.drop()
		return err
	}
	s.group = &group{since: time.Now(), done: make(chan struct{})}
	return nil
}

// run calls fn inside a savepoint, except for the first of a group, whose undo
// is the rollback of all that there is.
func (s *Store) run(fn func(store.Tx) error) (err error) {
	first := s.group.n == 1
	if !first {
		if err := s.conn.exec("SAVEPOINT u"); err != nil {
			s.abort(err)
			return err
		}
	}
	t := &tx{c: s.conn, written: &s.group.written}
	ok := false
	defer func() {
		dbErr := t.err
		t.err = errEnded
		switch {
		case ok && first:
		case ok:
			if err = s.conn.exec("RELEASE u"); err != nil {
				s.abort(err)
			}
		case first:
			if s.conn.exec("ROLLBACK") != nil {
				s.drop()
			}
			close(s.group.done) // nobody else is in it
			s.group = nil
		default:
			// SQLite itself rolls everything back after some failures; then
			// the savepoint is gone and the others of the group are lost too.
			if rerr := s.conn.exec("ROLLBACK TO u"); rerr != nil {
				s.abort(errors.Join(dbErr, rerr))
			} else if rerr := s.conn.exec("RELEASE u"); rerr != nil {
				s.abort(rerr)
			}
		}
	}()
	if err = fn(t); err == nil {
		err = t.err
	}
	ok = err == nil
	return err
}

// commit ends the group; all of it is kept or, with an error, nothing.
func (s *Store) commit() {
	if err := s.conn.exec("COMMIT"); err != nil {
		s.abort(err)
		return
	}
	s.Committed(s.group.written)
	close(s.group.done)
	s.group = nil
}

// abort fails the group and starts afresh with a new connection.
func (s *Store) abort(err error) {
	g := s.group
	s.group = nil
	s.drop()
	s.Committed(g.written) // a COMMIT that failed may have gone through
	g.err = err
	close(g.done)
}

// drop closes the writer's connection, which rolls back what is open.
func (s *Store) drop() {
	_ = s.conn.close()
	s.conn = nil
}

// Close waits for views and updates in progress.
func (s *Store) Close() error {
	s.viewsMu.Lock()
	already := s.closed.Swap(true)
	s.viewsMu.Unlock()
	if already {
		return nil
	}
	s.views.Wait()
	s.writer.Lock()
	defer s.writer.Unlock()
	if s.group != nil {
		s.commit()
	}
	var errs []error
	for {
		select {
		case c := <-s.readers:
			errs = append(errs, c.close())
			continue
		default:
		}
		break
	}
	if s.conn != nil {
		errs = append(errs, s.conn.close()) // the last one checkpoints
		s.conn = nil
	}
	return errors.Join(errs...)
}
