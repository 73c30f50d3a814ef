// Package blobtest is the conformance suite of blob stores.
package blobtest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"
	"sync"
	"testing"

	"github.com/slipway-dev/slipway/internal/blob"
)

// Run tests the stores that open makes; each call gives an empty one.
func Run(t *testing.T, open func(t *testing.T) blob.Store) {
	for _, c := range []struct {
		name string
		run  func(*testing.T, blob.Store)
	}{
		{"Ranges", ranges},
		{"Empty", empty},
		{"NothingBeforeCommit", nothingBeforeCommit},
		{"Abort", abort},
		{"EndsOnce", endsOnce},
		{"Remove", remove},
		{"ReadersSurviveRemove", readersSurviveRemove},
		{"NotFound", notFound},
		{"ListStops", listStops},
		{"Concurrent", concurrent},
	} {
		t.Run(c.name, func(t *testing.T) { c.run(t, open(t)) })
	}
}

func ranges(t *testing.T, s blob.Store) {
	name := put(t, s, []byte("0123456789"))
	for _, c := range []struct {
		offset, length int64
		want           string
	}{
		{0, -1, "0123456789"}, {0, 10, "0123456789"}, {3, 4, "3456"}, {9, 1, "9"}, {4, -1, "456789"}, {10, -1, ""}, {5, 0, ""},
	} {
		if got := get(t, s, name, c.offset, c.length); got != c.want {
			t.Errorf("offset %d length %d: %q, want %q", c.offset, c.length, got, c.want)
		}
	}
	// More than there is must not look like success.
	r, err := s.Open(context.Background(), name, 5, 100)
	if err == nil {
		_, err = io.ReadAll(r)
		_ = r.Close()
	}
	if err == nil {
		t.Error("reading beyond the end succeeded")
	}
}

func empty(t *testing.T, s blob.Store) {
	if got := get(t, s, put(t, s, nil), 0, -1); got != "" {
		t.Errorf("got %q", got)
	}
}

func nothingBeforeCommit(t *testing.T, s blob.Store) {
	w := begin(t, s, []byte("x"))
	defer w.Abort()
	if got := list(t, s); len(got) != 0 {
		t.Errorf("listed before commit: %v", got)
	}
}

func abort(t *testing.T, s blob.Store) {
	begin(t, s, []byte("x")).Abort()
	if got := list(t, s); len(got) != 0 {
		t.Errorf("listed after abort: %v", got)
	}
}

func endsOnce(t *testing.T, s blob.Store) {
	w := begin(t, s, []byte("x"))
	name, err := w.Commit()
	if err != nil {
		t.Fatal(err)
	}
	w.Abort()
	if got := get(t, s, name, 0, -1); got != "x" {
		t.Errorf("after Abort after Commit: %q", got)
	}
	w = begin(t, s, []byte("y"))
	w.Abort()
	if _, err := w.Commit(); err == nil {
		t.Error("Commit after Abort succeeded")
	}
}

func remove(t *testing.T, s blob.Store) {
	a, b := put(t, s, []byte("a")), put(t, s, []byte("b"))
	for range 2 { // the second finds nothing, which is no error
		if err := s.Remove(context.Background(), a); err != nil {
			t.Fatal(err)
		}
	}
	if got := list(t, s); !slices.Equal(got, []string{b}) {
		t.Errorf("listed %v, want %v", got, b)
	}
}

func readersSurviveRemove(t *testing.T, s blob.Store) {
	data := bytes.Repeat([]byte("x"), 1<<20)
	name := put(t, s, data)
	r, err := s.Open(context.Background(), name, 0, -1)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if err := s.Remove(context.Background(), name); err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(r)
	if err != nil || len(got) != len(data) {
		t.Errorf("read %d, %v", len(got), err)
	}
}

func notFound(t *testing.T, s blob.Store) {
	name := put(t, s, []byte("x"))
	if err := s.Remove(context.Background(), name); err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{name, "", "nonsense", "../../etc/passwd"} {
		if _, err := s.Open(context.Background(), id, 0, -1); !errors.Is(err, blob.ErrNotFound) {
			t.Errorf("Open(%q) = %v, want ErrNotFound", id, err)
		}
	}
}

func listStops(t *testing.T, s blob.Store) {
	for range 5 {
		put(t, s, []byte("x"))
	}
	n := 0
	if err := s.List(context.Background(), func(string) bool { n++; return n < 3 }); err != nil || n != 3 {
		t.Errorf("yielded %d, %v", n, err)
	}
}

func concurrent(t *testing.T, s blob.Store) {
	var wg sync.WaitGroup
	for i := range 32 {
		wg.Go(func() {
			data := bytes.Repeat([]byte{byte(i)}, 1000)
			w, err := s.Create(context.Background())
			if err != nil {
				t.Error(err)
				return
			}
			if _, err := w.Write(data); err != nil {
				t.Error(err)
			}
			name, err := w.Commit()
			if err != nil {
				t.Error(err)
				return
			}
			r, err := s.Open(context.Background(), name, 0, -1)
			if err != nil {
				t.Error(err)
				return
			}
			defer r.Close()
			if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, data) {
				t.Errorf("blob %d: %d bytes, %v", i, len(got), err)
			}
		})
	}
	wg.Wait()
	if got := list(t, s); len(got) != 32 {
		t.Errorf("listed %d", len(got))
	}
}

func begin(t *testing.T, s blob.Store, data []byte) blob.Writer {
	t.Helper()
	w, err := s.Create(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	return w
}

func put(t *testing.T, s blob.Store, data []byte) string {
	t.Helper()
	name, err := begin(t, s, data).Commit()
	if err != nil {
		t.Fatal(err)
	}
	return name
}

func get(t *testing.T, s blob.Store, name string, offset, length int64) string {
	t.Helper()
	r, err := s.Open(context.Background(), name, offset, length)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func list(t *testing.T, s blob.Store) []string {
	t.Helper()
	var ids []string
	if err := s.List(context.Background(), func(id string) bool { ids = append(ids, id); return true }); err != nil {
		t.Fatal(err)
	}
	slices.Sort(ids)
	return ids
}
