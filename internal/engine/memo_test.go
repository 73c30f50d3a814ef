package engine_test

import (
	"testing"

	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/engine/enginetest"
	"github.com/slipway-dev/slipway/internal/store"
)

func TestMemo(t *testing.T) {
	e, _ := enginetest.New(t)
	enginetest.Start(t, e)
	m := engine.NewMemo[string]("table")
	loads := 0
	get := func() string {
		t.Helper()
		v, err := m.View(t.Context(), e, "key", func(r store.Reader) (string, error) {
			loads++
			b, err := r.Get(store.Key("table", "a"))
			if err == store.ErrNotFound {
				return "none", nil
			}
			return string(b), err
		})
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	put := func(table, value string) {
		t.Helper()
		err := e.Update(t.Context(), func(tx *engine.Tx) error { return tx.Put(store.Key(table, "a"), []byte(value)) })
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, step := range []struct {
		do    func()
		value string
		loads int
	}{
		{func() {}, "none", 1},
		{func() {}, "none", 1},
		{func() { put("table", "one") }, "one", 2},
		{func() { put("other", "x") }, "one", 2},
		{func() {
			_ = e.Update(t.Context(), func(tx *engine.Tx) error { return tx.Delete(store.Key("table", "a")) })
		}, "none", 3},
		{func() {}, "none", 3},
	} {
		step.do()
		if v := get(); v != step.value || loads != step.loads {
			t.Fatalf("%q after %d loads, want %q after %d", v, loads, step.value, step.loads)
		}
	}
}
