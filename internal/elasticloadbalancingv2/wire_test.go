package elbv2

import (
	"testing"

	"github.com/slipway-dev/slipway/internal/aws/wire"
)

func TestWire(t *testing.T) {
	b, err := wire.Bind((&Service{}).Wire())
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Check(); err != nil {
		t.Error(err)
	}
}
