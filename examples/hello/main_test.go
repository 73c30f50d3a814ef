package main

import (
	"strings"
	"testing"
)

func TestPageSaysHello(t *testing.T) {
	if got := page(); !strings.HasPrefix(got, "Hello") {
		t.Fatalf("the page says %q, want it to begin with Hello", got)
	}
}
