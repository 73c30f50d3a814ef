//go:build !linux

package process

import (
	"fmt"
	"os"

	"github.com/slipway-dev/slipway/internal/compute"
)

// Config says where containers are kept.
type Config struct {
	Dir, Installation string
	Supervisor        []string
}

// New fails: the adapter is made of Linux's subreapers.
func New(Config) (compute.Compute, error) {
	return nil, fmt.Errorf("%w: process compute needs Linux", compute.ErrUnsupported)
}

// Main is the supervisor.
func Main([]string) int {
	fmt.Fprintln(os.Stderr, "process-run: needs Linux")
	return 1
}
