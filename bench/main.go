// Command bench prints what Slipway's speed claims rest on: each figure beside
// a baseline that is measured in the same run, on the same machine, because
// only the ratio of the two says something about Slipway.
//
//	scripts/bench                     # all
//	scripts/bench listpipelines push  # some
//
// Load goes to loopback addresses only. docs/benchmarks.md tells how to read
// the table.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"
)

// figure is one measurement.
type figure struct {
	name string
	run  func(ctx context.Context, e *environment) ([]row, error)
}

// figures in the order they run.
var figures = []figure{
	{"start", start},
	{"listpipelines", listPipelines},
	{"transitions", transitions},
	{"push", push},
	{"log", logLine},
	{"build", build},
	{"registry", registry},
	{"balance", balance},
	{"invoke", invoke},
}

// environment is what all figures share.
type environment struct {
	program string // the slipway binary
	dir     string // for everything that is written
	image   string // that builds run in
	docker  bool   // an engine answers
}

// most is how long all figures may take; a quiet machine needs a third of it.
const most = 15 * time.Minute

// errSkip says that the machine lacks what a figure needs.
type errSkip string

func (e errSkip) Error() string { return string(e) }

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	if err := run(ctx); err != nil {
		cancel()
		stop()
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) (err error) {
	e := &environment{}
	flag.StringVar(&e.program, "slipway", "bin/slipway", "the `program` to measure")
	flag.StringVar(&e.image, "image", "slipway/standard:7.0", "`image` of the build figure")
	markdown := flag.Bool("markdown", false, "print the table as Markdown")
	flag.Parse()
	chosen, err := choose(flag.Args())
	if err != nil {
		return err
	}
	if _, err := os.Stat(e.program); err != nil {
		return fmt.Errorf("%w (run `make build` first)", err)
	}
	if e.dir, err = os.MkdirTemp("", "slipway-bench"); err != nil {
		return err
	}
	defer os.RemoveAll(e.dir)
	e.docker = docker(ctx, "version") == nil

	others := loadAverage() // later it is our own
	began := time.Now()
	var rows []row
	var failed []error
	for _, f := range chosen {
		fmt.Fprintf(os.Stderr, "%-14s ", f.name)
		start := time.Now()
		got, err := f.run(ctx, e)
		var skip errSkip
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.As(err, &skip):
			fmt.Fprintln(os.Stderr, "skipped:", skip)
			got = []row{{what: f.name, note: "skipped: " + string(skip)}}
		case err != nil:
			fmt.Fprintln(os.Stderr, "failed:", err)
			failed = append(failed, fmt.Errorf("%s: %w", f.name, err))
			got = []row{{what: f.name, note: "failed"}}
		default:
			fmt.Fprintf(os.Stderr, "%.0f s\n", time.Since(start).Seconds())
		}
		rows = append(rows, got...)
	}
	fmt.Fprintf(os.Stderr, "%d s in all\n\n", int(time.Since(began).Seconds()))
	fmt.Println(machine(ctx, e, others))
	fmt.Println()
	print(os.Stdout, rows, *markdown)
	return errors.Join(failed...)
}

func choose(names []string) ([]figure, error) {
	if len(names) == 0 {
		return figures, nil
	}
	var chosen []figure
	var known []string
	for _, f := range figures {
		known = append(known, f.name)
		if slices.Contains(names, f.name) {
			chosen = append(chosen, f)
		}
	}
	for _, n := range names {
		if !slices.Contains(known, n) {
			return nil, fmt.Errorf("no figure %q; there are %s", n, strings.Join(known, ", "))
		}
	}
	return chosen, nil
}
