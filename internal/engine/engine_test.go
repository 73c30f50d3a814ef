package engine_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/slipway-dev/slipway/internal/clock"
	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/engine/enginetest"
	"github.com/slipway-dev/slipway/internal/id"
	"github.com/slipway-dev/slipway/internal/store"
	"github.com/slipway-dev/slipway/internal/store/memory"
	"github.com/slipway-dev/slipway/internal/store/sqlite"
)

// record is what handlers did, in order.
type record struct {
	mu  sync.Mutex
	did []string
}

func (r *record) add(s string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.did = append(r.did, s)
}

func (r *record) want(t *testing.T, did ...string) {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	if !slices.Equal(r.did, did) {
		t.Errorf("did %q, want %q", r.did, did)
	}
	r.did = nil
}

func enqueue(t *testing.T, e *engine.Engine, jobs ...engine.NewJob) {
	t.Helper()
	if err := e.Update(context.Background(), func(tx *engine.Tx) error {
		for _, j := range jobs {
			if err := tx.Enqueue(j); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}

func cancel(t *testing.T, e *engine.Engine, kind, id string) {
	t.Helper()
	if err := e.Update(t.Context(), func(tx *engine.Tx) error { return tx.Cancel(kind, id) }); err != nil {
		t.Fatal(err)
	}
}

// rows counts the jobs in the store.
func rows(t *testing.T, e *engine.Engine) (n int) {
	t.Helper()
	if err := e.View(context.Background(), func(r store.Reader) error {
		for _, err := range r.Scan(store.Range{Prefix: store.Prefix("engine.job")}) {
			if err != nil {
				return err
			}
			n++
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return n
}

func name(j *engine.Job) string {
	var s string
	if err := json.Unmarshal(j.Payload, &s); err != nil {
		return err.Error()
	}
	return fmt.Sprintf("%s#%d", s, j.Attempt)
}

func TestRunsAfterCommit(t *testing.T) {
	e, _ := enginetest.New(t)
	var r record
	e.Handle("k", engine.Options{}, func(_ context.Context, j *engine.Job) error { r.add(name(j)); return nil })
	enginetest.Start(t, e)
	boom := errors.New("boom")
	if err := e.Update(t.Context(), func(tx *engine.Tx) error {
		return errors.Join(tx.Enqueue(engine.NewJob{Kind: "k", Payload: "never"}), boom)
	}); !errors.Is(err, boom) {
		t.Error(err)
	}
	func() {
		defer func() { _ = recover() }()
		_ = e.Update(t.Context(), func(tx *engine.Tx) error {
			_ = tx.Enqueue(engine.NewJob{Kind: "k", Payload: "never"})
			panic("boom")
		})
	}()
	enqueue(t, e, engine.NewJob{Kind: "k", Payload: "a"})
	enginetest.Settle(t, e)
	r.want(t, "a#1")
	if n := rows(t, e); n != 0 {
		t.Errorf("%d rows left", n)
	}
	if err := e.Update(t.Context(), func(tx *engine.Tx) error {
		return tx.Enqueue(engine.NewJob{Kind: "nobody's"})
	}); err == nil || !strings.Contains(err.Error(), "nobody's") {
		t.Errorf("unknown kind: %v", err)
	}
}

func TestTimersAndCancel(t *testing.T) {
	e, c := enginetest.New(t)
	var r record
	e.Handle("k", engine.Options{}, func(_ context.Context, j *engine.Job) error { r.add(name(j)); return nil })
	enginetest.Start(t, e)
	at := func(d time.Duration) time.Time { return enginetest.Epoch.Add(d) }
	enqueue(t, e,
		engine.NewJob{Kind: "k", ID: "late", At: at(3 * time.Second), Payload: "late"},
		engine.NewJob{Kind: "k", ID: "early", At: at(time.Second), Payload: "early"},
		engine.NewJob{Kind: "k", ID: "moved", At: at(time.Second), Payload: "moved"},
		engine.NewJob{Kind: "k", ID: "gone", At: at(2 * time.Second), Payload: "gone"},
		engine.NewJob{Kind: "k", ID: "past", At: at(-time.Hour), Payload: "past"})
	enginetest.Settle(t, e)
	r.want(t, "past#1")
	enqueue(t, e, engine.NewJob{Kind: "k", ID: "moved", At: at(2 * time.Second), Payload: "moved again"})
	cancel(t, e, "k", "gone")
	cancel(t, e, "k", "never there")
	c.Advance(time.Second - time.Nanosecond)
	enginetest.Settle(t, e)
	r.want(t)
	c.Advance(time.Nanosecond)
	enginetest.Settle(t, e)
	r.want(t, "early#1")
	c.Advance(time.Second)
	enginetest.Settle(t, e)
	r.want(t, "moved again#1")
	c.Advance(time.Hour)
	enginetest.Settle(t, e)
	r.want(t, "late#1")
	if n := rows(t, e); n != 0 {
		t.Errorf("%d rows left", n)
	}
}

func TestBackoff(t *testing.T) {
	e, c := enginetest.New(t)
	var r record
	fails := 12
	e.Handle("k", engine.Options{}, func(_ context.Context, j *engine.Job) error {
		r.add(fmt.Sprint(j.Attempt, " ", c.Now().Sub(enginetest.Epoch)))
		switch {
		case j.Attempt == 2:
			panic("boom")
		case j.Attempt <= fails:
			return errors.New("boom")
		}
		return nil
	})
	enginetest.Start(t, e)
	enqueue(t, e, engine.NewJob{Kind: "k", ID: "x"})
	for range 2500 {
		enginetest.Settle(t, e)
		c.Advance(100 * time.Millisecond)
	}
	enginetest.Settle(t, e)
	r.want(t, "1 0s", "2 100ms", "3 300ms", "4 700ms", "5 1.5s", "6 3.1s", "7 6.3s", "8 12.7s",
		"9 25.5s", "10 51.1s", "11 1m42.3s", "12 2m42.3s", "13 3m42.3s")
	if n := rows(t, e); n != 0 {
		t.Errorf("%d rows left", n)
	}
}

func TestRetryAt(t *testing.T) {
	e, c := enginetest.New(t)
	var r record
	e.Handle("k", engine.Options{}, func(_ context.Context, j *engine.Job) error {
		r.add(name(j))
		if c.Now().Before(enginetest.Epoch.Add(time.Minute)) {
			return fmt.Errorf("not yet: %w", engine.RetryAt(enginetest.Epoch.Add(time.Minute)))
		}
		return nil
	})
	enginetest.Start(t, e)
	enqueue(t, e, engine.NewJob{Kind: "k", Payload: "a", Key: "key"})
	enqueue(t, e, engine.NewJob{Kind: "k", Payload: "b", Key: "key"})
	enginetest.Settle(t, e)
	r.want(t, "a#1", "b#1") // a freed its key
	c.Advance(time.Minute)
	enginetest.Settle(t, e)
	r.want(t, "a#1", "b#1")
}

func TestKeysOrder(t *testing.T) {
	e, c := enginetest.New(t)
	var r record
	fail := true
	e.Handle("k", engine.Options{}, func(_ context.Context, j *engine.Job) error {
		r.add(name(j))
		if strings.HasPrefix(name(j), "a1") && fail {
			fail = false
			return errors.New("boom")
		}
		return nil
	})
	enginetest.Start(t, e)
	enqueue(t, e,
		engine.NewJob{Kind: "k", Key: "a", Payload: "a1"},
		engine.NewJob{Kind: "k", Key: "a", ID: "a2", Payload: "a2"},
		engine.NewJob{Kind: "k", Key: "a", Payload: "a3"},
		engine.NewJob{Kind: "k", Key: "a", At: enginetest.Epoch.Add(time.Hour), Payload: "later"})
	enginetest.Settle(t, e)
	r.want(t, "a1#1")
	cancel(t, e, "k", "a2")
	enqueue(t, e, engine.NewJob{Kind: "k", Key: "b", Payload: "b1"})
	enginetest.Settle(t, e)
	r.want(t, "b1#1")
	c.Advance(100 * time.Millisecond)
	enginetest.Settle(t, e)
	r.want(t, "a1#2", "a3#1")
	c.Advance(time.Hour)
	enginetest.Settle(t, e)
	r.want(t, "later#1")
}

// The order in which transactions ran is that of a key's jobs, however many
// writers there are.
func TestOrderUnderGroupCommit(t *testing.T) {
	s, err := sqlite.Open(filepath.Join(t.TempDir(), "db"))
	if err != nil {
		t.Fatal(err)
	}
	e := enginetest.On(t, s, clock.System)
	t.Cleanup(func() { _ = s.Close() })
	var mu sync.Mutex
	var ran, wrote []int
	e.Handle("k", engine.Options{}, func(_ context.Context, j *engine.Job) error {
		var n int
		_ = json.Unmarshal(j.Payload, &n)
		mu.Lock()
		ran = append(ran, n)
		mu.Unlock()
		return nil
	})
	enginetest.Start(t, e)
	var wg sync.WaitGroup
	for w := range 16 {
		wg.Go(func() {
			for i := range 30 {
				if err := e.Update(context.Background(), func(tx *engine.Tx) error {
					wrote = append(wrote, w*100+i)
					return tx.Enqueue(engine.NewJob{Kind: "k", Key: "one", Payload: w*100 + i})
				}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	enginetest.Settle(t, e)
	if !slices.Equal(ran, wrote) {
		t.Errorf("ran  %v\nwrote %v", ran, wrote)
	}
}

func TestSameID(t *testing.T) {
	e, _ := enginetest.New(t)
	var r record
	began, proceed := make(chan bool), make(chan bool)
	e.Handle("k", engine.Options{Concurrency: 1}, func(_ context.Context, j *engine.Job) error {
		r.add(name(j))
		began <- true
		<-proceed
		return nil
	})
	enginetest.Start(t, e)
	enqueue(t, e, engine.NewJob{Kind: "k", ID: "x", Payload: "x1"})
	<-began
	enqueue(t, e, engine.NewJob{Kind: "k", ID: "x", Payload: "x2"}) // begun: once more
	enqueue(t, e, engine.NewJob{Kind: "k", ID: "x", Payload: "x3"}) // but only once
	enqueue(t, e, engine.NewJob{Kind: "k", ID: "y", Payload: "y1"}) // waits for a place
	enqueue(t, e, engine.NewJob{Kind: "k", ID: "y", Payload: "y2"}) // replaced
	enqueue(t, e, engine.NewJob{Kind: "k", ID: "z", Payload: "z"})
	cancel(t, e, "k", "z")
	proceed <- true
	<-began
	proceed <- true
	<-began
	proceed <- true
	enginetest.Settle(t, e)
	r.want(t, "x1#1", "y2#1", "x3#1")
	enqueue(t, e, engine.NewJob{Kind: "k", ID: "x", Payload: "x4"})
	<-began
	enqueue(t, e, engine.NewJob{Kind: "k", ID: "x", Payload: "x5"})
	cancel(t, e, "k", "x")
	proceed <- true
	enginetest.Settle(t, e)
	r.want(t, "x4#1")
	if n := rows(t, e); n != 0 {
		t.Errorf("%d rows left", n)
	}
}

func TestConcurrency(t *testing.T) {
	e, _ := enginetest.New(t)
	var mu sync.Mutex
	now, most := 0, 0
	began, proceed := make(chan bool), make(chan bool)
	e.Handle("k", engine.Options{Concurrency: 3}, func(context.Context, *engine.Job) error {
		mu.Lock()
		now++
		most = max(most, now)
		mu.Unlock()
		began <- true
		<-proceed
		mu.Lock()
		now--
		mu.Unlock()
		return nil
	})
	enginetest.Start(t, e)
	for range 10 {
		enqueue(t, e, engine.NewJob{Kind: "k"})
	}
	for range 3 {
		<-began
	}
	for range 7 {
		proceed <- true
		<-began
	}
	for range 3 {
		proceed <- true
	}
	enginetest.Settle(t, e)
	if most != 3 {
		t.Errorf("%d at once", most)
	}
}

func TestDone(t *testing.T) {
	e, _ := enginetest.New(t)
	var r record
	e.Handle("k", engine.Options{}, func(_ context.Context, j *engine.Job) error {
		r.add(name(j))
		err := e.Update(context.Background(), func(tx *engine.Tx) error {
			if name(j) == "a#1" {
				if err := tx.Enqueue(engine.NewJob{Kind: "k", ID: "b", Payload: "b"}); err != nil {
					return err
				}
			}
			return tx.Done(j)
		})
		if err != nil {
			return err
		}
		return errors.New("too late to matter")
	})
	enginetest.Start(t, e)
	enqueue(t, e, engine.NewJob{Kind: "k", ID: "a", Payload: "a"})
	enginetest.Settle(t, e)
	r.want(t, "a#1", "b#1")
	if n := rows(t, e); n != 0 {
		t.Errorf("%d rows left", n)
	}
}

// A crash is an engine that is dropped while its handler has not returned; the
// next engine on the same store runs the job again, and what was enqueued.
func TestCrash(t *testing.T) {
	s := memory.New()
	c := clock.NewFake(enginetest.Epoch)
	first := enginetest.On(t, s, c)
	began, stuck := make(chan bool), make(chan bool)
	first.Handle("k", engine.Options{Concurrency: 1}, func(context.Context, *engine.Job) error {
		began <- true
		<-stuck
		return nil
	})
	ctx, kill := context.WithCancel(context.Background())
	if err := first.Start(ctx); err != nil {
		t.Fatal(err)
	}
	enqueue(t, first, engine.NewJob{Kind: "k", ID: "begun", Key: "key", Payload: "begun"})
	<-began
	enqueue(t, first, engine.NewJob{Kind: "k", ID: "waiting", Key: "key", Payload: "waiting"})
	enqueue(t, first, engine.NewJob{Kind: "k", ID: "timed", At: c.Now().Add(time.Hour), Payload: "timed"})
	kill()
	enqueue(t, first, engine.NewJob{Kind: "k", ID: "last", Key: "key", Payload: "last"})

	second := enginetest.On(t, s, c)
	var r record
	second.Handle("k", engine.Options{}, func(_ context.Context, j *engine.Job) error { r.add(name(j)); return nil })
	enqueue(t, second, engine.NewJob{Kind: "k", ID: "before start", Key: "key", Payload: "before start"})
	stop := enginetest.Start(t, second)
	enginetest.Settle(t, second)
	r.want(t, "begun#2", "waiting#2", "last#2", "before start#2")
	c.Advance(time.Hour)
	enginetest.Settle(t, second)
	r.want(t, "timed#1")
	if n := rows(t, second); n != 0 {
		t.Errorf("%d rows left", n)
	}
	stop()
	close(stuck)
	first.Wait()
}

// A failed job keeps its key over a restart.
func TestHeldOverRestart(t *testing.T) {
	s := memory.New()
	c := clock.NewFake(enginetest.Epoch)
	var r record
	for round := range 2 {
		e := enginetest.On(t, s, c)
		e.Handle("k", engine.Options{}, func(_ context.Context, j *engine.Job) error {
			r.add(name(j))
			if round == 0 {
				return errors.New("boom")
			}
			return nil
		})
		stop := enginetest.Start(t, e)
		if round == 0 {
			enqueue(t, e, engine.NewJob{Kind: "k", Key: "key", Payload: "a"}, engine.NewJob{Kind: "k", Key: "key", Payload: "b"})
			enginetest.Settle(t, e)
			r.want(t, "a#1")
		} else {
			enginetest.Settle(t, e)
			r.want(t)
			c.Advance(time.Second)
			enginetest.Settle(t, e)
			r.want(t, "a#2", "b#2")
		}
		stop()
	}
}

func TestStop(t *testing.T) {
	e, _ := enginetest.New(t)
	began := make(chan bool)
	e.Handle("k", engine.Options{}, func(ctx context.Context, _ *engine.Job) error {
		began <- true
		<-ctx.Done()
		return nil
	})
	stop := enginetest.Start(t, e)
	enqueue(t, e, engine.NewJob{Kind: "k"})
	<-began
	stop()
	enqueue(t, e, engine.NewJob{Kind: "k"}) // transitions still work; jobs wait
	if n := rows(t, e); n != 2 {
		t.Errorf("%d rows, want both", n)
	}
}

// BenchmarkRunNow is from the commit of an Update to its handler, and on to
// the next one.
func BenchmarkRunNow(b *testing.B) {
	s, err := sqlite.Open(filepath.Join(b.TempDir(), "db"))
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	e := engine.New(engine.Config{Store: s, Clock: clock.System, IDs: id.Random, Log: enginetest.Log(b)})
	ran := make(chan bool)
	e.Handle("k", engine.Options{}, func(context.Context, *engine.Job) error { ran <- true; return nil })
	enginetest.Start(b, e)
	for b.Loop() {
		if err := e.Update(context.Background(), func(tx *engine.Tx) error {
			return tx.Enqueue(engine.NewJob{Kind: "k"})
		}); err != nil {
			b.Fatal(err)
		}
		<-ran
	}
}

// full is a store whose disk is full: it keeps nothing that is written.
type full struct{ store.Store }

type wrote struct {
	store.Tx
	any *bool
}

func (w wrote) Put(key string, value []byte) error { *w.any = true; return w.Tx.Put(key, value) }

func (f full) Update(ctx context.Context, fn func(store.Tx) error) error {
	return f.Store.Update(ctx, func(tx store.Tx) error {
		any := false
		if err := fn(wrote{tx, &any}); err != nil || !any {
			return err
		}
		return store.ErrNoSpace
	})
}

// A full disk keeps nobody from starting, and jobs run.
func TestStartOnFullDisk(t *testing.T) {
	s, c := memory.New(), clock.NewFake(enginetest.Epoch)
	first := enginetest.On(t, s, c)
	enqueue(t, first, engine.NewJob{Kind: "k", Payload: "a"})

	second := enginetest.On(t, full{s}, c)
	var r record
	second.Handle("k", engine.Options{}, func(_ context.Context, j *engine.Job) error { r.add(name(j)); return nil })
	enginetest.Start(t, second)
	enginetest.Settle(t, second)
	r.want(t, "a#2")
}
