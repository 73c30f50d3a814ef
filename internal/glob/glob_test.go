package glob

import "testing"

func TestMatch(t *testing.T) {
	for _, c := range []struct {
		pattern, text string
		want          bool
	}{
		{"", "", true}, {"", "a", false}, {"*", "", true}, {"*", "a/b.c", true}, {"?", "", false}, {"?", "ü", true},
		{"a*b", "ab", true}, {"a*b", "axxb", true}, {"a*b", "axxbc", false}, {"*.example.com", "a.b.example.com", true},
		{"*.example.com", "example.com", false}, {"/img/*", "/img/", true}, {"a*a*a", "aa", false}, {"**x?", "yxz", true}, {"A", "a", false},
	} {
		if got := Match(c.pattern, c.text); got != c.want {
			t.Errorf("%q on %q: %v", c.pattern, c.text, got)
		}
	}
}
