package sqlite

import (
	"database/sql/driver"
	"errors"
	"iter"

	"github.com/slipway-dev/slipway/internal/store"
)

const (
	sqlGet     = "SELECT v FROM kv WHERE k=?"
	sqlPut     = "INSERT INTO kv(k,v) VALUES(?,?) ON CONFLICT(k) DO UPDATE SET v=excluded.v"
	sqlDelete  = "DELETE FROM kv WHERE k=?"
	sqlUp      = "SELECT k,v FROM kv WHERE k>=? ORDER BY k"
	sqlUpTo    = "SELECT k,v FROM kv WHERE k>=? AND k<? ORDER BY k"
	sqlDown    = "SELECT k,v FROM kv WHERE k>=? ORDER BY k DESC"
	sqlDownTo  = "SELECT k,v FROM kv WHERE k>=? AND k<? ORDER BY k DESC"
	pageRows   = 256     // rows a scan reads ahead,
	pageBytes  = 1 << 18 // or their size, whichever comes first
	firstRows  = 16      // of the first page: most scans end early
	growthRows = 4
)

// tx is a store.Tx on a connection that is inside a transaction.
type tx struct {
	c       *conn
	written *store.Written // nil in a view
	// err is the first failure of the database itself. It fails the whole
	// transaction even if the caller goes on.
	err error
}

var errEnded = errors.New("store: transaction used after its end")

func (t *tx) Get(key string) (value []byte, err error) {
	if t.err != nil {
		return nil, t.err
	}
	found := false
	err = t.c.rows(sqlGet, []driver.Value{[]byte(key)}, 1, func(row []driver.Value) bool {
		value, found = blob(row[0]), true
		return false
	})
	switch {
	case err != nil:
		return nil, t.fail(err)
	case !found:
		return nil, store.ErrNotFound
	}
	return value, nil
}

func (t *tx) Put(key string, value []byte) error {
	if t.err != nil {
		return t.err
	}
	if key == "" {
		return errors.New("store: empty key")
	}
	if value == nil {
		value = []byte{}
	}
	t.written.Add(key)
	return t.fail(t.c.exec(sqlPut, []byte(key), value))
}

func (t *tx) Delete(key string) error {
	if t.err != nil {
		return t.err
	}
	t.written.Add(key)
	return t.fail(t.c.exec(sqlDelete, []byte(key)))
}

// Scan reads a page, closes the statement, and only then yields: so the body
// of the loop may write, scan again or be slow without holding a cursor.
func (t *tx) Scan(r store.Range) iter.Seq2[store.Entry, error] {
	return func(yield func(store.Entry, error) bool) {
		from, to := r.Bounds()
		left, rows := r.Limit, firstRows
		for {
			if left > 0 && left < rows {
				rows = left
			}
			page, more, err := t.page(from, to, r.Reverse, rows)
			if err != nil {
				yield(store.Entry{}, err)
				return
			}
			for _, e := range page {
				if !yield(e, nil) {
					return
				}
			}
			if left > 0 {
				if left -= len(page); left == 0 {
					return
				}
			}
			if !more {
				return
			}
			if last := page[len(page)-1].Key; r.Reverse {
				to = last
			} else {
				from = last + "\x00"
			}
			rows = min(rows*growthRows, pageRows)
		}
	}
}

// page reads up to rows entries; more tells that it stopped before the end.
func (t *tx) page(from, to string, reverse bool, rows int) (page []store.Entry, more bool, err error) {
	if t.err != nil {
		return nil, false, t.err
	}
	query, args := sqlUp, []driver.Value{[]byte(from)}
	if from == "" {
		args[0] = lowest
	}
	if to != "" {
		query, args = sqlUpTo, append(args, []byte(to))
	}
	if reverse {
		query = map[string]string{sqlUp: sqlDown, sqlUpTo: sqlDownTo}[query]
	}
	size := 0
	err = t.c.rows(query, args, 2, func(row []driver.Value) bool {
		e := store.Entry{Key: string(blob(row[0])), Value: blob(row[1])}
		page = append(page, e)
		size += len(e.Key) + len(e.Value)
		more = len(page) >= rows || size >= pageBytes
		return !more
	})
	return page, more, t.fail(err)
}

// lowest stands for the empty key, which the driver would bind as NULL: a
// text, and SQLite sorts every text before every blob.
const lowest = ""

func (t *tx) fail(err error) error {
	if err != nil && t.err == nil {
		t.err = err
	}
	return err
}

// blob is the column's bytes; the driver reads an empty blob as nil.
func blob(v driver.Value) []byte {
	if b, ok := v.([]byte); ok && b != nil {
		return b
	}
	return []byte{}
}
