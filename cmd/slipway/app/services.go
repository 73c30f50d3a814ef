package app

import (
	"os"

	"github.com/slipway-dev/slipway/internal/aws/wire"
)

// Services are the services that a server would have, for documentation.
func Services() ([]*wire.Bound, error) {
	dir, err := os.MkdirTemp("", "slipway")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	a, err := New(Config{Listen: "127.0.0.1:0", Data: dir, Compute: Process, Warm: -1})
	if err != nil {
		return nil, err
	}
	defer a.Close()
	return a.gateway.Services(), nil
}
