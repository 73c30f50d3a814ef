// Command slipway is AWS's developer tools in one program. `slipway server`
// runs everything, `slipway env` tells AWS's clients how to reach it.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"strings"
	"syscall"

	"github.com/slipway-dev/slipway/cmd/slipway/app"
)

// Set by the linker.
var (
	version = "dev"
	commit  = ""
)

// command is a subcommand; it returns the exit code.
type command struct {
	name, does string // does is "" for those that people do not call
	run        func(ctx context.Context, args []string, out, errs io.Writer) int
}

func commands() []command {
	return []command{
		{"server", "runs everything in the foreground", server},
		{"env", "prints the variables that make AWS's tools talk to it", env},
		{"demo", "shows the main job, from a push to production", demonstrate},
		{"lint", "names the mistakes in a pipeline, its buildspecs and its Terraform", lintFiles},
		{"rotate-key", "replaces the master key of a stopped server", rotateKey},
		{"connections", "completes connections to git providers", connections},
		{"operations", "lists every API operation, implemented or not", operations},
		{"version", "prints version, commit and Go", printVersion},
	}
}

func main() {
	if code, ok := app.Inner(os.Args[1:]); ok {
		os.Exit(code)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

func run(ctx context.Context, args []string, out, errs io.Writer) int {
	if len(args) == 0 {
		usage(errs)
		return 2
	}
	switch args[0] {
	case "help", "-h", "-help", "--help":
		usage(out)
		return 0
	}
	for _, c := range commands() {
		if c.name == args[0] {
			return c.run(ctx, args[1:], out, errs)
		}
	}
	fmt.Fprintf(errs, "slipway: no command %q\n\n", args[0])
	usage(errs)
	return 2
}

func usage(w io.Writer) {
	fmt.Fprintln(w, "slipway: AWS's developer tools in one program\n\nCommands:")
	for _, c := range commands() {
		if c.does != "" {
			fmt.Fprintf(w, "  slipway %-11s %s\n", c.name, c.does)
		}
	}
	fmt.Fprintln(w, "\n`slipway COMMAND -h` lists a command's flags.")
}

func printVersion(_ context.Context, _ []string, out, _ io.Writer) int {
	c := commit
	if c == "" {
		c = buildCommit()
	}
	fmt.Fprintf(out, "slipway %s (commit %s, %s %s/%s)\n", version, c, runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return 0
}

// buildCommit is the commit that the Go command noted.
func buildCommit() string {
	info, ok := debug.ReadBuildInfo()
	if ok {
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				return s.Value[:min(12, len(s.Value))]
			}
		}
	}
	return "unknown"
}

func fail(errs io.Writer, err error) int {
	fmt.Fprintln(errs, "slipway:", strings.TrimPrefix(err.Error(), "slipway: "))
	return 1
}
