// Package storetest is the suite that every adapter of package store passes.
package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/slipway-dev/slipway/internal/store"
)

// Opener opens the store that lives in dir, made if need be. An adapter that
// forgets (Durable false) may ignore dir.
type Opener struct {
	Open    func(t testing.TB, dir string) store.Store
	Durable bool
}

// Run runs the suite.
func Run(t *testing.T, o Opener) {
	for name, test := range map[string]func(*testing.T, store.Store){
		"get, put and delete":         getPutDelete,
		"keys and values of any byte": anyBytes,
		"order and ranges":            ranges,
		"scan of many pages":          manyPages,
		"writes while scanning":       writesWhileScanning,
		"reads its own writes":        ownWrites,
		"values are copies":           copies,
		"rollback on error":           rollbackOnError,
		"rollback on panic":           rollbackOnPanic,
		"rollback on Goexit":          rollbackOnGoexit,
		"ended context":               endedContext,
		"snapshots are isolated":      isolation,
		"views do not wait":           viewsDoNotWait,
		"nested views":                nestedViews,
		"concurrent updates":          concurrentUpdates,
		"failures amid a group":       failuresAmidGroup,
		"large values":                largeValues,
		"like a sorted map":           likeSortedMap,
		"versions of tables":          versions,
	} {
		t.Run(name, func(t *testing.T) {
			s := o.Open(t, t.TempDir())
			t.Cleanup(func() { _ = s.Close() })
			test(t, s)
		})
	}
	t.Run("closed", func(t *testing.T) {
		s := o.Open(t, t.TempDir())
		must(t, s.Close())
		must(t, s.Close()) // twice is harmless
		if s.View(t.Context(), func(store.Reader) error { return nil }) == nil {
			t.Error("View of a closed store succeeded")
		}
		if s.Update(t.Context(), func(store.Tx) error { return nil }) == nil {
			t.Error("Update of a closed store succeeded")
		}
	})
	if o.Durable {
		t.Run("survives reopening", func(t *testing.T) { reopen(t, o) })
	}
}

func getPutDelete(t *testing.T, s store.Store) {
	if _, err := get(t, s, "a"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("Get of nothing: %v", err)
	}
	put(t, s, "a", "1", "b", "2")
	put(t, s, "a", "3")
	want(t, s, store.Range{}, "a=3", "b=2")
	update(t, s, func(tx store.Tx) error {
		return errors.Join(tx.Delete("a"), tx.Delete("never there"))
	})
	want(t, s, store.Range{}, "b=2")
	if err := s.Update(t.Context(), func(tx store.Tx) error { return tx.Put("", []byte("x")) }); err == nil {
		t.Error("the empty key was accepted")
	}
	want(t, s, store.Range{}, "b=2")
}

func anyBytes(t *testing.T, s store.Store) {
	var all []byte
	for i := range 256 {
		all = append(all, byte(i))
	}
	var expect []string
	for i := range 256 {
		k := string([]byte{byte(i)})
		put(t, s, k, string(all[i:]))
		expect = append(expect, k+"="+string(all[i:]))
	}
	put(t, s, string(all), "", "\xff\xff\xfe", "")
	expect = slices.Insert(expect, 1, string(all)+"=")
	want(t, s, store.Range{}, append(expect, "\xff\xff\xfe=")...)
	want(t, s, store.Range{Prefix: "\xff\xff"}, "\xff\xff\xfe=")
	want(t, s, store.Range{Prefix: "\xff", Reverse: true}, "\xff\xff\xfe=", "\xff=\xff")
	if v, err := get(t, s, "\xff\xff\xfe"); err != nil || v == nil || len(v) != 0 {
		t.Errorf("empty value: %v, %v", v, err)
	}
}

func ranges(t *testing.T, s store.Store) {
	put(t, s, "b/2", "", "a/1", "", "b/10", "", "b", "", "b/1", "", "c", "", "b0", "")
	for _, c := range []struct {
		r    store.Range
		want string
	}{
		{store.Range{}, "a/1 b b/1 b/10 b/2 b0 c"},
		{store.Range{Reverse: true}, "c b0 b/2 b/10 b/1 b a/1"},
		{store.Range{Prefix: "b/"}, "b/1 b/10 b/2"},
		{store.Range{Prefix: "b/", Reverse: true}, "b/2 b/10 b/1"},
		{store.Range{Prefix: "b/", Limit: 2}, "b/1 b/10"},
		{store.Range{Prefix: "b/", Limit: 2, Reverse: true}, "b/2 b/10"},
		{store.Range{Prefix: "b/", Limit: 3}, "b/1 b/10 b/2"},
		{store.Range{Prefix: "b/", Limit: 9}, "b/1 b/10 b/2"},
		{store.Range{Prefix: "b/", Start: "b/10"}, "b/10 b/2"},
		{store.Range{Prefix: "b/", Start: "b/10\x00"}, "b/2"},
		{store.Range{Prefix: "b/", Start: "b/10", Reverse: true}, "b/10 b/1"},
		{store.Range{Prefix: "b/", Start: "b/11", Reverse: true}, "b/10 b/1"},
		{store.Range{Prefix: "b/", Start: "a"}, "b/1 b/10 b/2"},
		{store.Range{Prefix: "b/", Start: "z"}, ""},
		{store.Range{Prefix: "b/", Start: "a", Reverse: true}, ""},
		{store.Range{Prefix: "b/", Start: "z", Reverse: true}, "b/2 b/10 b/1"},
		{store.Range{Start: "b/2", Limit: 2}, "b/2 b0"},
		{store.Range{Start: "b/2", Limit: 2, Reverse: true}, "b/2 b/10"},
		{store.Range{Prefix: "x"}, ""},
	} {
		var keys []string
		for _, e := range scan(t, s, c.r) {
			keys = append(keys, e.Key)
		}
		if got := strings.Join(keys, " "); got != c.want {
			t.Errorf("%+v: %q, want %q", c.r, got, c.want)
		}
	}
}

func manyPages(t *testing.T, s store.Store) {
	const n = 3000
	update(t, s, func(tx store.Tx) error {
		for i := range n {
			if err := tx.Put(fmt.Sprintf("k%06d", i), bytes.Repeat([]byte{'x'}, i%700)); err != nil {
				return err
			}
		}
		return nil
	})
	for _, reverse := range []bool{false, true} {
		for _, limit := range []int{0, 1, 16, 17, 300, n - 1, n, n + 1} {
			got := scan(t, s, store.Range{Prefix: "k", Reverse: reverse, Limit: limit})
			expect := limit
			if limit == 0 || limit > n {
				expect = n
			}
			if len(got) != expect {
				t.Fatalf("limit %d reverse %v: %d entries", limit, reverse, len(got))
			}
			for i, e := range got {
				at := i
				if reverse {
					at = n - 1 - i
				}
				if e.Key != fmt.Sprintf("k%06d", at) || len(e.Value) != at%700 {
					t.Fatalf("limit %d reverse %v: entry %d is %q", limit, reverse, i, e.Key)
				}
			}
		}
	}
}

func writesWhileScanning(t *testing.T, s store.Store) {
	const n = 1000
	for i := range n {
		put(t, s, fmt.Sprintf("k%06d", i), "v")
	}
	update(t, s, func(tx store.Tx) error {
		seen := 0
		for e, err := range tx.Scan(store.Range{Prefix: "k"}) {
			if err != nil {
				return err
			}
			seen++
			if err := errors.Join(tx.Delete(e.Key), tx.Put("moved"+e.Key, e.Value)); err != nil {
				return err
			}
			for range tx.Scan(store.Range{Prefix: "moved", Limit: 1}) { // nested
				break
			}
		}
		if seen != n {
			t.Errorf("saw %d of %d", seen, n)
		}
		return nil
	})
	if got := len(scan(t, s, store.Range{Prefix: "k"})); got != 0 {
		t.Errorf("%d entries left", got)
	}
	if got := len(scan(t, s, store.Range{Prefix: "moved"})); got != n {
		t.Errorf("%d entries moved", got)
	}
}

func ownWrites(t *testing.T, s store.Store) {
	put(t, s, "a", "1")
	update(t, s, func(tx store.Tx) error {
		must(t, tx.Put("b", []byte("2")))
		must(t, tx.Delete("a"))
		if v, err := tx.Get("b"); string(v) != "2" || err != nil {
			t.Errorf("b = %q, %v", v, err)
		}
		if _, err := tx.Get("a"); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("a: %v", err)
		}
		for e, err := range tx.Scan(store.Range{}) {
			if err != nil || e.Key != "b" {
				t.Errorf("scan: %q, %v", e.Key, err)
			}
		}
		return nil
	})
}

func copies(t *testing.T, s store.Store) {
	mine := []byte("value")
	update(t, s, func(tx store.Tx) error {
		err := tx.Put("a", mine)
		copy(mine, "XXXXX")
		return err
	})
	v, err := get(t, s, "a")
	must(t, err)
	copy(v, "YYYYY")
	want(t, s, store.Range{}, "a=value")
}

func rollbackOnError(t *testing.T, s store.Store) {
	put(t, s, "a", "1")
	boom := errors.New("boom")
	err := s.Update(t.Context(), func(tx store.Tx) error {
		must(t, tx.Put("a", []byte("2")))
		must(t, tx.Put("b", []byte("2")))
		return boom
	})
	if !errors.Is(err, boom) {
		t.Errorf("error is %v", err)
	}
	want(t, s, store.Range{}, "a=1")
	put(t, s, "c", "3")
	want(t, s, store.Range{}, "a=1", "c=3")
	err = s.View(t.Context(), func(store.Reader) error { return boom })
	if !errors.Is(err, boom) {
		t.Errorf("error of View is %v", err)
	}
}

func rollbackOnPanic(t *testing.T, s store.Store) {
	func() {
		defer func() {
			if r := recover(); r != "boom" {
				t.Errorf("recovered %v", r)
			}
		}()
		_ = s.Update(t.Context(), func(tx store.Tx) error {
			must(t, tx.Put("a", []byte("1")))
			panic("boom")
		})
	}()
	put(t, s, "b", "2")
	want(t, s, store.Range{}, "b=2")
	func() {
		defer func() { _ = recover() }()
		_ = s.View(t.Context(), func(store.Reader) error { panic("boom") })
	}()
	want(t, s, store.Range{}, "b=2")
}

// A test that calls t.FailNow inside an Update ends its goroutine there.
func rollbackOnGoexit(t *testing.T, s store.Store) {
	t.Run("skipped within", func(t *testing.T) {
		_ = s.Update(t.Context(), func(tx store.Tx) error {
			must(t, tx.Put("a", []byte("1")))
			t.SkipNow()
			return nil
		})
	})
	put(t, s, "b", "2")
	want(t, s, store.Range{}, "b=2")
}

func endedContext(t *testing.T, s store.Store) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.View(ctx, func(store.Reader) error { return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("View: %v", err)
	}
	if err := s.Update(ctx, func(store.Tx) error { t.Error("ran"); return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("Update: %v", err)
	}
	put(t, s, "a", "1")
}

func isolation(t *testing.T, s store.Store) {
	put(t, s, "a", "1", "b", "1")
	must(t, s.View(t.Context(), func(r store.Reader) error {
		if v, err := r.Get("a"); string(v) != "1" || err != nil {
			t.Errorf("before: %q, %v", v, err)
		}
		put(t, s, "a", "2", "b", "2", "c", "2")
		if v, err := r.Get("b"); string(v) != "1" || err != nil {
			t.Errorf("after: %q, %v", v, err)
		}
		n := 0
		for range r.Scan(store.Range{}) {
			n++
		}
		if n != 2 {
			t.Errorf("%d entries in the snapshot", n)
		}
		return nil
	}))
	want(t, s, store.Range{}, "a=2", "b=2", "c=2")
}

func viewsDoNotWait(t *testing.T, s store.Store) {
	put(t, s, "a", "1")
	update(t, s, func(tx store.Tx) error {
		must(t, tx.Put("a", []byte("2")))
		done := make(chan string)
		go func() {
			v, _ := get(t, s, "a")
			done <- string(v)
		}()
		if v := <-done; v != "1" {
			t.Errorf("a view saw %q before the commit", v)
		}
		return nil
	})
	want(t, s, store.Range{}, "a=2")
}

func nestedViews(t *testing.T, s store.Store) {
	var nest func(depth int)
	nest = func(depth int) {
		must(t, s.View(t.Context(), func(r store.Reader) error {
			if _, err := r.Get("x"); !errors.Is(err, store.ErrNotFound) {
				t.Error(err)
			}
			if depth > 0 {
				nest(depth - 1)
			}
			return nil
		}))
	}
	nest(20)
}

func concurrentUpdates(t *testing.T, s store.Store) {
	const workers, each = 16, 100
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for i := range each {
				err := s.Update(t.Context(), func(tx store.Tx) error {
					n := 0
					if v, err := tx.Get("counter"); err == nil {
						n, _ = strconv.Atoi(string(v))
					} else if !errors.Is(err, store.ErrNotFound) {
						return err
					}
					return errors.Join(
						tx.Put("counter", []byte(strconv.Itoa(n+1))),
						tx.Put(fmt.Sprintf("w%02d/%03d", w, i), nil))
				})
				if err != nil {
					t.Error(err)
					return
				}
				// What Update returned for is there for everybody.
				if _, err := get(t, s, fmt.Sprintf("w%02d/%03d", w, i)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	want(t, s, store.Range{Prefix: "counter"}, fmt.Sprintf("counter=%d", workers*each))
	if got := len(scan(t, s, store.Range{Prefix: "w"})); got != workers*each {
		t.Errorf("%d writes of %d", got, workers*each)
	}
}

func failuresAmidGroup(t *testing.T, s store.Store) {
	var wg sync.WaitGroup
	boom := errors.New("boom")
	for w := range 32 {
		wg.Go(func() {
			for i := range 50 {
				key := fmt.Sprintf("w%02d/%03d", w, i)
				fails := (w+i)%3 == 0
				err := func() (err error) {
					defer func() {
						if recover() != nil {
							err = boom
						}
					}()
					return s.Update(t.Context(), func(tx store.Tx) error {
						must(t, tx.Put(key, nil))
						if fails && i%2 == 0 {
							return boom
						} else if fails {
							panic(boom)
						}
						return nil
					})
				}()
				if fails != errors.Is(err, boom) {
					t.Errorf("%s: %v", key, err)
				}
				_, err = get(t, s, key)
				if fails != errors.Is(err, store.ErrNotFound) {
					t.Errorf("%s after: %v", key, err)
				}
			}
		})
	}
	wg.Wait()
}

func largeValues(t *testing.T, s store.Store) {
	for _, size := range []int{4095, 4096, 65537, 1 << 20, 9 << 20} {
		big := bytes.Repeat([]byte("0123456789abcdef"), size/16+1)[:size]
		key := fmt.Sprintf("big%d", size)
		put(t, s, key, string(big))
		if v, err := get(t, s, key); err != nil || !bytes.Equal(v, big) {
			t.Errorf("%d bytes: %d bytes, %v", size, len(v), err)
		}
	}
	if n := len(scan(t, s, store.Range{Prefix: "big"})); n != 5 {
		t.Errorf("%d of 5", n)
	}
}

// likeSortedMap compares random operations with a model.
func likeSortedMap(t *testing.T, s store.Store) {
	rnd := rand.New(rand.NewPCG(1, 2))
	model := map[string]string{}
	key := func() string {
		b := make([]byte, 1+rnd.IntN(3))
		for i := range b {
			b[i] = "\x00\x01a\xfe\xff"[rnd.IntN(5)]
		}
		return string(b)
	}
	for range 300 {
		update(t, s, func(tx store.Tx) error {
			for range rnd.IntN(5) {
				k := key()
				if rnd.IntN(3) == 0 {
					must(t, tx.Delete(k))
					delete(model, k)
				} else {
					v := strconv.Itoa(rnd.IntN(1000))
					must(t, tx.Put(k, []byte(v)))
					model[k] = v
				}
			}
			return nil
		})
		r := store.Range{Reverse: rnd.IntN(2) == 0, Limit: rnd.IntN(4)}
		if rnd.IntN(2) == 0 {
			r.Prefix = key()
		}
		if rnd.IntN(2) == 0 {
			r.Start = key()
		}
		var expect []string
		for k, v := range model {
			if strings.HasPrefix(k, r.Prefix) &&
				(r.Start == "" || r.Reverse && k <= r.Start || !r.Reverse && k >= r.Start) {
				expect = append(expect, k+"\x02"+v)
			}
		}
		slices.SortFunc(expect, func(a, b string) int {
			ka, _, _ := strings.Cut(a, "\x02")
			kb, _, _ := strings.Cut(b, "\x02")
			if r.Reverse {
				ka, kb = kb, ka
			}
			return strings.Compare(ka, kb)
		})
		if r.Limit > 0 && len(expect) > r.Limit {
			expect = expect[:r.Limit]
		}
		var got []string
		for _, e := range scan(t, s, r) {
			got = append(got, e.Key+"\x02"+string(e.Value))
		}
		if !slices.Equal(got, expect) {
			t.Fatalf("%+v: %q, want %q", r, got, expect)
		}
	}
}

func reopen(t *testing.T, o Opener) {
	dir := t.TempDir()
	s := o.Open(t, dir)
	put(t, s, "a", "1", "b\x00\xff", "2")
	_ = s.Update(t.Context(), func(tx store.Tx) error {
		must(t, tx.Put("c", nil))
		return errors.New("no")
	})
	must(t, s.Close())
	s = o.Open(t, dir)
	want(t, s, store.Range{}, "a=1", "b\x00\xff=2")
	must(t, s.Close())
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func update(t testing.TB, s store.Store, fn func(store.Tx) error) {
	t.Helper()
	must(t, s.Update(t.Context(), fn))
}

func put(t testing.TB, s store.Store, pairs ...string) {
	t.Helper()
	update(t, s, func(tx store.Tx) error {
		for i := 0; i < len(pairs); i += 2 {
			if err := tx.Put(pairs[i], []byte(pairs[i+1])); err != nil {
				return err
			}
		}
		return nil
	})
}

func get(t testing.TB, s store.Store, key string) (v []byte, err error) {
	verr := s.View(t.Context(), func(r store.Reader) error {
		v, err = r.Get(key)
		return nil
	})
	return v, errors.Join(err, verr)
}

func scan(t testing.TB, s store.Store, r store.Range) (all []store.Entry) {
	t.Helper()
	must(t, s.View(t.Context(), func(rd store.Reader) error {
		for e, err := range rd.Scan(r) {
			if err != nil {
				return err
			}
			all = append(all, e)
		}
		return nil
	}))
	return all
}

func want(t testing.TB, s store.Store, r store.Range, pairs ...string) {
	t.Helper()
	var got []string
	for _, e := range scan(t, s, r) {
		got = append(got, e.Key+"="+string(e.Value))
	}
	if !slices.Equal(got, pairs) {
		t.Errorf("%+v: %q, want %q", r, got, pairs)
	}
}
