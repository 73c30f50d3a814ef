package sqlite

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/slipway-dev/slipway/internal/store"
	"github.com/slipway-dev/slipway/internal/store/storetest"
)

func opened(t testing.TB, dir string, pragmas ...string) *Store {
	t.Helper()
	s, err := open(filepath.Join(dir, "a #?%&=b.db"), pragmas...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func TestStore(t *testing.T) {
	storetest.Run(t, storetest.Opener{
		Open:    func(t testing.TB, dir string) store.Store { return opened(t, dir) },
		Durable: true,
	})
}

func TestOnlyTheOwnerReads(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	if err := os.WriteFile(path, nil, 0o644); err != nil { // made by an earlier version
		t.Fatal(err)
	}
	s, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for _, name := range []string{path, path + "-wal", path + "-shm"} {
		info, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s is %v", name, info.Mode())
		}
	}
}

func TestNewerSchemaIsRefused(t *testing.T) {
	dir := t.TempDir()
	s := opened(t, dir)
	if err := s.conn.exec("PRAGMA user_version=99"); err != nil {
		t.Fatal(err)
	}
	_ = s.Close()
	if _, err := Open(filepath.Join(dir, "a #?%&=b.db")); err == nil || !strings.Contains(err.Error(), "schema 99") {
		t.Errorf("error is %v", err)
	}
}

// A full database fails every transaction of the group or keeps it whole, and
// takes writes again when there is room.
func TestFull(t *testing.T) {
	s := opened(t, t.TempDir(), "max_page_count(200)")
	var full, kept atomic.Int32
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			for i := range 40 {
				key := fmt.Sprintf("%d/%02d", w, i)
				err := s.Update(t.Context(), func(tx store.Tx) error {
					return errors.Join(
						tx.Put(key+"/first", nil),
						tx.Put(key+"/big", bytes.Repeat([]byte("x"), 6000)),
						tx.Put(key+"/last", nil))
				})
				switch {
				case err == nil:
					kept.Add(1)
				case errors.Is(err, store.ErrNoSpace):
					full.Add(1)
				default:
					t.Errorf("%s: %v", key, err)
				}
				n := 0
				_ = s.View(t.Context(), func(r store.Reader) error {
					for range r.Scan(store.Range{Prefix: key + "/"}) {
						n++
					}
					return nil
				})
				if n != 3 && err == nil || n != 0 && err != nil {
					t.Errorf("%s: %d entries after %v", key, n, err)
				}
			}
		})
	}
	wg.Wait()
	if full.Load() == 0 || kept.Load() == 0 {
		t.Fatalf("full %d, kept %d", full.Load(), kept.Load())
	}
	// An error that fn swallows fails the transaction all the same.
	err := s.Update(t.Context(), func(tx store.Tx) error {
		_ = tx.Put("huge", make([]byte, 4<<20))
		_ = tx.Put("small", nil)
		return nil
	})
	if !errors.Is(err, store.ErrNoSpace) {
		t.Errorf("swallowed: %v", err)
	}
	if err := s.Update(t.Context(), func(tx store.Tx) error {
		for e, err := range tx.Scan(store.Range{}) {
			if err != nil {
				return err
			}
			if e.Key == "small" {
				t.Error("half of a failed transaction was kept")
			}
			if err := tx.Delete(e.Key); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if err := s.Update(t.Context(), func(tx store.Tx) error { return tx.Put("a", make([]byte, 6000)) }); err != nil {
		t.Errorf("after making room: %v", err)
	}
}

// The test starts itself, lets it commit for ever, kills it, and looks for
// every write that it said was committed.
func TestKilled(t *testing.T) {
	const env = "SLIPWAY_TEST_SQLITE_CHILD"
	if dir := os.Getenv(env); dir != "" {
		s := opened(t, dir)
		for i := 0; ; i++ {
			if err := s.Update(t.Context(), func(tx store.Tx) error {
				return tx.Put(fmt.Sprintf("%09d", i), bytes.Repeat([]byte("x"), 500))
			}); err != nil {
				t.Fatal(err)
			}
			fmt.Printf("%09d\n", i)
		}
	}
	dir := t.TempDir()
	cmd := exec.Command(os.Args[0], "-test.run=^TestKilled$")
	cmd.Env = append(os.Environ(), env+"="+dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	seen := make([]byte, 30_000) // 3,000 commits
	n := 0
	for n < len(seen) {
		k, err := out.Read(seen[n:])
		if n += k; err != nil {
			t.Fatal(err)
		}
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	s := opened(t, dir)
	err = s.View(t.Context(), func(r store.Reader) error {
		for _, key := range strings.Fields(string(seen)) {
			if len(key) != 9 {
				continue
			}
			if _, err := r.Get(key); err != nil {
				return fmt.Errorf("%s: %w", key, err)
			}
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

func BenchmarkUpdate(b *testing.B) {
	value := bytes.Repeat([]byte("x"), 400)
	for _, workers := range []int{1, 16} {
		b.Run(fmt.Sprintf("%d", workers), func(b *testing.B) {
			s := opened(b, b.TempDir())
			var next atomic.Int64
			var wg sync.WaitGroup
			b.ResetTimer()
			for range workers {
				wg.Go(func() {
					for i := next.Add(1); i <= int64(b.N); i = next.Add(1) {
						if err := s.Update(b.Context(), func(tx store.Tx) error {
							return tx.Put(fmt.Sprintf("%09d", i%10000), value)
						}); err != nil {
							b.Error(err)
						}
					}
				})
			}
			wg.Wait()
		})
	}
}

func BenchmarkGet(b *testing.B) {
	s := opened(b, b.TempDir())
	_ = s.Update(b.Context(), func(tx store.Tx) error {
		for i := range 10000 {
			if err := tx.Put(fmt.Sprintf("%09d", i), bytes.Repeat([]byte("x"), 400)); err != nil {
				return err
			}
		}
		return nil
	})
	b.ResetTimer()
	for i := 0; b.Loop(); i++ {
		if err := s.View(b.Context(), func(r store.Reader) error {
			_, err := r.Get(fmt.Sprintf("%09d", i*7919%10000))
			return err
		}); err != nil {
			b.Fatal(err)
		}
	}
}
