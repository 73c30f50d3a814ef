package glob

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestMatch(t *testing.T) {
	for _, c := range []struct {
		pattern, text string
		want          bool
	}{
		{"", "", true}, {"", "a", false}, {"*", "", true}, {"*", "a/b.c", true}, {"?", "", false}, {"?", "ü", true},
		{"a*b", "ab", true}, {"a*b", "axxb", true}, {"a*b", "axxbc", false}, {"*.example.com", "a.b.example.com", true},
		{"*.example.com", "example.com", false}, {"/img/*", "/img/", true}, {"a*a*a", "aa", false}, {"**x?", "yxz", true}, {"A", "a", false},
		{"a?c*", "abc", true}, {"*a*a*a*a*a*a*a*b", strings.Repeat("a", 32), false},
	} {
		if got := Match(c.pattern, c.text); got != c.want {
			t.Errorf("%q on %q: %v", c.pattern, c.text, got)
		}
	}
}

func FuzzStars(f *testing.F) {
	f.Add("a*b*", "axxb")
	f.Add("?", "a")
	f.Fuzz(func(t *testing.T, pattern, text string) {
		if !strings.Contains(pattern, "*") && Stars(pattern, text) != (pattern == text) {
			t.Errorf("%q on %q", pattern, text)
		}
		if !Stars("*", text) || !Stars(text[:len(text)/2]+"*", text) {
			t.Errorf("%q does not begin itself", text)
		}
		if utf8.ValidString(pattern+"*"+text) && Stars(pattern, text) && !Match(pattern, text) {
			t.Errorf("%q on %q, but only without ?", pattern, text)
		}
	})
}
