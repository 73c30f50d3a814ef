package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/slipway-dev/slipway/cmd/slipway/app"
	"github.com/slipway-dev/slipway/internal/aws/wire"
)

// operations prints what every service's table has, from the tables themselves.
func operations(_ context.Context, args []string, out, errs io.Writer) int {
	flags := flag.NewFlagSet("slipway operations", flag.ContinueOnError)
	flags.SetOutput(errs)
	markdown := flags.String("markdown", "", "write a page for each service into this `directory`")
	if code, ok := parse(flags, args, errs); !ok {
		return code
	}
	services, err := app.Services()
	if err != nil {
		return fail(errs, err)
	}
	for _, s := range services {
		if *markdown == "" {
			for _, o := range s.Operations() {
				state := "-"
				if o.Implemented {
					state = "implemented"
				}
				fmt.Fprintf(out, "%s\t%s\t%s\n", s.Name(), o.Name, state)
			}
			continue
		}
		if err := writePage(*markdown, s); err != nil {
			return fail(errs, err)
		}
	}
	return 0
}

func writePage(dir string, s *wire.Bound) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	var b bytes.Buffer
	done := 0
	for _, o := range s.Operations() {
		if o.Implemented {
			done++
		}
	}
	fmt.Fprintf(&b, "# %s\n\nMade by `make docs` from the registration table. %d of %d operations are implemented; "+
		"every other one answers an error that names it.\n\n| Operation | | IAM action |\n|---|---|---|\n",
		s.Name(), done, len(s.Operations()))
	for _, o := range s.Operations() {
		state, action := "not implemented", ""
		if o.Implemented {
			state, action = "**implemented**", "none needed"
			if o.Action != "-" {
				action = "`" + o.Action + "`"
			}
		}
		fmt.Fprintf(&b, "| %s | %s | %s |\n", o.Name, state, action)
	}
	return os.WriteFile(filepath.Join(dir, s.Name()+".md"), b.Bytes(), 0o644)
}
