package page_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/slipway-dev/slipway/internal/page"
	"github.com/slipway-dev/slipway/internal/store"
	"github.com/slipway-dev/slipway/internal/store/memory"
)

func TestOf(t *testing.T) {
	s := memory.New()
	table := store.Table[int]("numbers")
	if err := s.Update(t.Context(), func(tx store.Tx) error {
		for i := range 7 {
			if err := table.Put(tx, &i, "a", fmt.Sprint(i)); err != nil {
				return err
			}
		}
		other := 100
		return table.Put(tx, &other, "b", "x")
	}); err != nil {
		t.Fatal(err)
	}
	odd := func(n *int) (int, bool, error) { return *n, *n%2 == 1, nil }
	all := func(reverse bool, max int) (got []int, pages int) {
		t.Helper()
		in := page.Request{Scope: "s", Max: max, Reverse: reverse}
		for {
			err := s.View(t.Context(), func(r store.Reader) error {
				items, next, err := page.Of(r, table, in, odd, "a")
				got, in.Token = append(got, items...), next
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			pages++
			if in.Token == nil {
				return got, pages
			}
		}
	}
	if got, n := all(false, 2); !slices.Equal(got, []int{1, 3, 5}) || n != 2 {
		t.Errorf("%v in %d pages", got, n)
	}
	if got, n := all(true, 3); !slices.Equal(got, []int{5, 3, 1}) || n != 1 {
		t.Errorf("backwards: %v in %d pages", got, n)
	}
	_ = s.View(t.Context(), func(r store.Reader) error {
		_, next, err := page.Of(r, table, page.Request{Scope: "s", Max: 1}, odd, "a")
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := page.Of(r, table, page.Request{Scope: "another", Max: 1, Token: next}, odd, "a"); !errors.Is(err, page.ErrToken) {
			t.Errorf("a token of another list: %v", err)
		}
		return nil
	})
}
