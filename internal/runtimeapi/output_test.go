package runtimeapi

import (
	"slices"
	"testing"
)

// Lines of our own bootstraps that belong together are one event; those of
// others are as they were written.
func TestOutput(t *testing.T) {
	for joined, want := range map[bool][]string{true: {"a\nb", "c", "d"}, false: {"a\rb", "c", "d"}} {
		var got []string
		o, err := newOutput(func(line string) { got = append(got, line) }, joined)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := o.write.WriteString("a\rb\nc\r\nd"); err != nil {
			t.Fatal(err)
		}
		o.drain()
		if !slices.Equal(got, want) {
			t.Errorf("%v: %q", joined, got)
		}
	}
}
