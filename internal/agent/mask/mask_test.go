package mask

import (
	"bytes"
	"strings"
	"testing"
)

func TestText(t *testing.T) {
	var s Secrets
	s.Add("hunter2", "hunter2-long", "abc", "line one\nline two")
	for in, want := range map[string]string{
		"the hunter2 is":        "the *** is",
		"hunter2-long":          "***",
		"hunter2-lon":           "***-lon",
		"hunter2":               "***",
		"abc is too short":      "abc is too short",
		"a line two b":          "a *** b",
		"line one\nline two":    "***",
		"hunterhunter2hunter2x": "hunter******x",
	} {
		if got := s.Text(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

// Wherever a stream is cut, the result is the same and has no secret in it.
func FuzzWriter(f *testing.F) {
	f.Add("aaaab", "aabbab", "xaaaabaabbabaaaab", 3, 7)
	f.Add("hunter2", "hunter2-long", "a hunter2-long", 9, 4)
	f.Add("abcd", "bcdefg", "abcdefgabcdbcdefg", 5, 1)
	f.Fuzz(func(t *testing.T, one, two, text string, cut1, cut2 int) {
		if strings.Contains(one+two, "*") {
			return
		}
		var s Secrets
		s.Add(one, two)
		whole := s.Text(text)
		for _, secret := range s.list {
			// Stars beside what was around them may not make one again.
			if strings.Contains(whole, string(secret)) {
				t.Fatalf("%q is still in %q", secret, whole)
			}
		}
		var out bytes.Buffer
		w := NewWriter(&out, &s)
		for len(text) > 0 {
			n := min(len(text), 1+abs(cut1)%8)
			cut1, cut2 = cut2, cut1+cut2
			if _, err := w.Write([]byte(text[:n])); err != nil {
				t.Fatal(err)
			}
			text = text[n:]
		}
		if err := w.Flush(); err != nil {
			t.Fatal(err)
		}
		if out.String() != whole {
			t.Fatalf("in pieces %q, at once %q", out.String(), whole)
		}
	})
}

func abs(n int) int {
	if n < 0 {
		return -(n + 1)
	}
	return n
}
