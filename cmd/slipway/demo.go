package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/slipway-dev/slipway/internal/demo"
)

// demonstrate is `slipway demo`: the main job, with live progress.
func demonstrate(ctx context.Context, args []string, out, errs io.Writer) int {
	program, err := os.Executable()
	if err != nil {
		fmt.Fprintln(errs, "slipway demo:", err)
		return 1
	}
	home, err := os.UserHomeDir()
	if err != nil {
		home = os.TempDir()
	}
	flags := flag.NewFlagSet("slipway demo", flag.ContinueOnError)
	flags.SetOutput(errs)
	o := demo.Options{Program: program, In: os.Stdin, Out: out}
	flags.BoolVar(&o.Yes, "yes", false, "approve production without asking")
	flags.BoolVar(&o.Exit, "exit", false, "end after success, with exit code 0 only if every step was verified")
	flags.BoolVar(&o.BlueGreen, "blue-green", false, "production behind a load balancer: a canary moves the traffic, measured by requests all the time")
	flags.BoolVar(&o.Break, "break", false, "with --blue-green: then a version that answers with errors, an alarm, and the way back")
	flags.StringVar(&o.Listen, "listen", "127.0.0.1:4566", "`address` of the server; one is started if none answers there")
	flags.StringVar(&o.Data, "data", filepath.Join(home, ".slipway"), "that server's data `directory`")
	if err := flags.Parse(args); err != nil {
		return 2
	}
	if flags.NArg() > 0 {
		fmt.Fprintf(errs, "slipway demo: unexpected argument %q\n", flags.Arg(0))
		return 2
	}
	if o.Break && !o.BlueGreen {
		fmt.Fprintln(errs, "slipway demo: --break needs --blue-green")
		return 2
	}
	if err := demo.Run(ctx, o); err != nil {
		fmt.Fprintln(errs, "slipway demo:", err)
		return 1
	}
	return 0
}
