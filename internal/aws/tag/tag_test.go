package tag_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/slipway-dev/slipway/internal/aws/tag"
)

type pair struct{ k, v *string }

func parts(p pair) (*string, *string) { return p.k, p.v }
func pairOf(k, v *string) pair        { return pair{k, v} }
func of(k, v string) pair             { return pair{&k, &v} }
func reason(err error) (r tag.Reason) { return problem(err).Reason }
func problem(err error) (p tag.Problem) {
	var found *tag.Problem
	if errors.As(err, &found) {
		return *found
	}
	return p
}

func TestFrom(t *testing.T) {
	many := []pair{}
	for i := range tag.Most + 1 {
		many = append(many, of(fmt.Sprint(i), ""))
	}
	for _, tt := range []struct {
		name string
		in   []pair
		want tag.Reason
	}{
		{"none", nil, 0},
		{"two", []pair{of("a", "1"), of("b", "")}, 0},
		{"no value", []pair{{k: of("a", "").k}}, 0},
		{"no key", []pair{{}}, tag.BadKey},
		{"empty key", []pair{of("", "1")}, tag.BadKey},
		{"long key", []pair{of(strings.Repeat("ä", 129), "1")}, tag.BadKey},
		{"long enough", []pair{of(strings.Repeat("ä", 128), strings.Repeat("ä", 256))}, 0},
		{"long value", []pair{of("a", strings.Repeat("x", 257))}, tag.BadValue},
		{"reserved", []pair{of("AWS:x", "1")}, tag.Reserved},
		{"twice", []pair{of("a", "1"), of("a", "2")}, tag.Duplicate},
		{"many", many, tag.TooMany},
	} {
		if _, err := tag.From(tt.in, parts); reason(err) != tt.want {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}

func TestChange(t *testing.T) {
	s, err := tag.Set{"b": "1", "a": "1"}.With(tag.Set{"b": "2", "c": "3"})
	if err != nil {
		t.Fatal(err)
	}
	got := ""
	for _, p := range tag.List(s.Without([]string{"a", "none"}), pairOf) {
		got += *p.k + *p.v
	}
	if got != "b2c3" {
		t.Errorf("tags %s", got)
	}
	if l := tag.List(nil, pairOf); l == nil || len(l) != 0 {
		t.Errorf("of nothing: %v", l)
	}
}
