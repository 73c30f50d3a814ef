package sqlite

import (
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"

	sqlite3 "modernc.org/sqlite"

	"github.com/slipway-dev/slipway/internal/store"
)

// conn is one connection with its prepared statements. It talks to the driver
// itself: database/sql would add a pool, locks and a goroutine per call to a
// lookup that takes microseconds.
type conn struct {
	driver.Conn
	idle map[string][]driver.Stmt
}

// pragmas of every connection. NORMAL in WAL mode writes each commit to the
// operating system and syncs at checkpoints only: the death of the process
// loses nothing; a power cut may lose the last commits but never breaks the
// file. (A commit costs about 0.2 ms so, against 1.7 ms with FULL.)
var pragmas = []string{
	"busy_timeout(10000)",
	"journal_mode(WAL)",
	"synchronous(NORMAL)",
	"journal_size_limit(67108864)",
	"cache_size(-4000)",
	"temp_store(MEMORY)",
}

func dial(path string, extra ...string) (*conn, error) {
	q := url.Values{"_pragma": append(append([]string(nil), pragmas...), extra...)}
	name := (&url.URL{Scheme: "file", Opaque: (&url.URL{Path: path}).EscapedPath(), RawQuery: q.Encode()}).String()
	c, err := (&sqlite3.Driver{}).Open(name)
	if err != nil {
		return nil, wrap(err)
	}
	return &conn{Conn: c, idle: map[string][]driver.Stmt{}}, nil
}

// take lends a prepared statement; several of one text when scans are nested.
func (c *conn) take(query string) (driver.Stmt, error) {
	if free := c.idle[query]; len(free) > 0 {
		s := free[len(free)-1]
		c.idle[query] = free[:len(free)-1]
		return s, nil
	}
	s, err := c.Prepare(query)
	return s, wrap(err)
}

func (c *conn) give(query string, s driver.Stmt) { c.idle[query] = append(c.idle[query], s) }

func (c *conn) exec(query string, args ...driver.Value) error {
	s, err := c.take(query)
	if err != nil {
		return err
	}
	defer c.give(query, s)
	_, err = s.Exec(args) //nolint:staticcheck // the context form only adds a watcher goroutine
	return wrap(err)
}

// rows calls each with the columns of every row until it returns false.
func (c *conn) rows(query string, args []driver.Value, columns int, each func([]driver.Value) bool) error {
	s, err := c.take(query)
	if err != nil {
		return err
	}
	defer c.give(query, s)
	rows, err := s.Query(args) //nolint:staticcheck // as above
	if err != nil {
		return wrap(err)
	}
	row := make([]driver.Value, columns)
	for err = rows.Next(row); err == nil; err = rows.Next(row) {
		if !each(row) {
			break
		}
	}
	if errors.Is(err, io.EOF) {
		err = nil
	}
	if cerr := rows.Close(); err == nil {
		err = cerr
	}
	return wrap(err)
}

func (c *conn) close() error {
	for _, free := range c.idle {
		for _, s := range free {
			_ = s.Close()
		}
	}
	return c.Conn.Close()
}

// Result codes, https://www.sqlite.org/rescode.html. The I/O errors are those
// that a full disk or quota gives where SQLite does not say FULL itself.
const (
	codeFull          = 13
	codeIOErrWrite    = 10 | 3<<8
	codeIOErrFsync    = 10 | 4<<8
	codeIOErrTruncate = 10 | 6<<8
	codeIOErrShmSize  = 10 | 19<<8
)

func wrap(err error) error {
	var e *sqlite3.Error
	if err == nil || errors.Is(err, store.ErrNoSpace) || strings.HasPrefix(err.Error(), "store: sqlite: ") {
		return err
	}
	if errors.As(err, &e) {
		switch e.Code() {
		case codeFull, codeIOErrWrite, codeIOErrFsync, codeIOErrTruncate, codeIOErrShmSize:
			return fmt.Errorf("%w: %w", store.ErrNoSpace, err)
		}
	}
	return fmt.Errorf("store: sqlite: %w", err)
}
