package storetest

import (
	"errors"
	"testing"

	"github.com/slipway-dev/slipway/internal/store"
)

// versions holds for stores that are Versioned.
func versions(t *testing.T, s store.Store) {
	v, ok := s.(store.Versioned)
	if !ok {
		t.Skip("the store is not Versioned")
	}
	update := func(fn func(store.Tx) error) error { return s.Update(t.Context(), fn) }
	grew := func(what, table string, want bool, fn func(store.Tx) error) {
		t.Helper()
		before := v.Version(table)
		_ = update(fn)
		if got := v.Version(table) > before; got != want {
			t.Errorf("%s: version grew: %v, want %v", what, got, want)
		}
	}
	put := func(parts ...string) func(store.Tx) error {
		return func(tx store.Tx) error { return tx.Put(store.Key(parts...), []byte("x")) }
	}
	grew("put", "a", true, put("a", "1"))
	grew("put again", "a", true, put("a", "1"))
	grew("delete", "a", true, func(tx store.Tx) error { return tx.Delete(store.Key("a", "1")) })
	grew("another table", "a", false, put("ab", "1"))
	grew("a key of one part", "a", true, put("a"))
	grew("only reads", "a", false, func(tx store.Tx) error {
		_, err := tx.Get(store.Key("a"))
		return err
	})
	if n := v.Version("b"); n != 0 {
		t.Errorf("a table never written has version %d", n)
	}
	// What was undone need not count, but what follows must.
	undone := errors.New("undone")
	if err := update(func(tx store.Tx) error { return errors.Join(put("b", "1")(tx), undone) }); !errors.Is(err, undone) {
		t.Fatal(err)
	}
	grew("after a rollback", "b", true, put("b", "1"))
}
