package main

import (
	"context"
	"flag"
	"fmt"
	"io"

	"github.com/slipway-dev/slipway/cmd/slipway/app"
)

func rotateKey(_ context.Context, args []string, out, errs io.Writer) int {
	flags := flag.NewFlagSet("slipway rotate-key", flag.ContinueOnError)
	flags.SetOutput(errs)
	data := flags.String("data", "", "data `directory` (default ~/.slipway)")
	master := flags.String("master-key-file", "", "`file` with the master key in use (default master.key in the data directory)")
	next := flags.String("new-master-key-file", "", "`file` with the master key to use from now on; the other file stays as it is\n(default: a new key is made and takes the old one's place)")
	if code, ok := parse(flags, args, errs); !ok {
		return code
	}
	if *data == "" {
		dir, err := app.DefaultData()
		if err != nil {
			return fail(errs, err)
		}
		*data = dir
	}
	if err := app.RotateMasterKey(*data, *master, *next); err != nil {
		return fail(errs, err)
	}
	if *next != "" {
		fmt.Fprintf(out, "The old master key opens nothing any more. Start the server with --master-key-file %s\n", *next)
		return 0
	}
	fmt.Fprintln(out, "The master key is a new one, and the old one opens nothing any more.")
	return 0
}
