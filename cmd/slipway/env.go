package main

import (
	"context"
	"flag"
	"fmt"
	"io"

	"github.com/slipway-dev/slipway/cmd/slipway/app"
)

func env(_ context.Context, args []string, out, errs io.Writer) int {
	flags := flag.NewFlagSet("slipway env", flag.ContinueOnError)
	flags.SetOutput(errs)
	data := flags.String("data", "", "data `directory` (default ~/.slipway)")
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
	vars, err := app.Environment(*data)
	if err != nil {
		return fail(errs, err)
	}
	for _, v := range vars {
		fmt.Fprintln(out, "export "+v) // no value needs quotes
	}
	return 0
}
