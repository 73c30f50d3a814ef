package app

import (
	"os"

	"github.com/slipway-dev/slipway/internal/agent"
	"github.com/slipway-dev/slipway/internal/compute/process"
	"github.com/slipway-dev/slipway/internal/pause"
	"github.com/slipway-dev/slipway/internal/runtimeapi"
)

// Inner runs the subcommands that Slipway calls by itself, in containers and
// beside them, if args (the program's, without its name) ask for one. They
// handle signals themselves.
func Inner(args []string) (code int, ok bool) {
	if len(args) == 0 {
		return 0, false
	}
	switch args[0] {
	case "pause":
		return pause.Main(args[1:]), true
	case "build-agent":
		return agent.Main(args[1:], os.Stdin, os.Stdout, os.Stderr), true
	case "lambda-instance":
		return runtimeapi.Main(args[1:]), true
	case "process-run":
		return process.Main(args[1:]), true
	}
	return 0, false
}
