package codebuild

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/codebuild/types"
)

func TestListing(t *testing.T) {
	// Created in one order, changed in another; two at once are told apart.
	fill := func(l *listing) {
		for i := range 25 {
			created, modified := zero.Add(time.Duration(i/2)*time.Second), zero.Add(-time.Duration(i)*time.Second)
			l.add(fmt.Sprintf("p%02d", (i*7)%25), fmt.Sprintf("item%02d", i), &created, &modified)
		}
	}
	for _, by := range []string{"", "NAME", "CREATED_TIME", "LAST_MODIFIED_TIME"} {
		for _, order := range []types.SortOrderType{"", types.SortOrderTypeAscending, types.SortOrderTypeDescending} {
			var all []string
			var token *string
			pages := 0
			for {
				l := listing{scope: "s", by: by, order: order, token: token, size: 10}
				fill(&l)
				items, next, err := l.page()
				if err != nil {
					t.Fatal(err)
				}
				all, token, pages = append(all, items...), next, pages+1
				if next == nil {
					break
				}
			}
			distinct := slices.Compact(slices.Sorted(slices.Values(all)))
			if len(all) != 25 || len(distinct) != 25 || pages != 3 {
				t.Errorf("%s %s: %d items, %d of them distinct, on %d pages", by, order, len(all), len(distinct), pages)
			}
			first := map[string][2]string{"": {"item00", "item07"}, "NAME": {"item00", "item07"}, "CREATED_TIME": {"item00", "item24"}, "LAST_MODIFIED_TIME": {"item24", "item00"}}[by]
			want := first[0]
			if order == types.SortOrderTypeDescending {
				want = first[1]
			}
			if all[0] != want {
				t.Errorf("%s %s begins with %s, not %s", by, order, all[0], want)
			}
		}
	}
	// A token is good for its own list only.
	l := listing{scope: "s", size: 1}
	fill(&l)
	_, next, _ := l.page()
	other := listing{scope: "s", by: "CREATED_TIME", token: next, size: 1}
	fill(&other)
	if _, _, err := other.page(); err == nil {
		t.Error("a token of another list is taken")
	}
}
