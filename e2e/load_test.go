package e2e

import (
	"context"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/slipway-dev/slipway/internal/load"
)

type loads struct{}

const loadUsage = "usage: load start NAME URL [rate=N] [kept=N] [fresh=N] [header=NAME] | next NAME N | share NAME N VERSION PERCENT | stop NAME"

// loadCommand is
//
//	load start NAME URL [rate=N] [kept=N] [fresh=N] [header=NAME]
//	                      asks the URL from now on: rate requests a second in all (500; 0 is
//	                      as fast as it goes), on kept connections (8) and with fresh ones (2
//	                      clients). An answer's version is the header's value, or the first
//	                      line of the body
//	load next NAME N      waits for N more requests and prints what came of them
//	load share NAME N VERSION PERCENT
//	                      the same, and fails if one failed or if the version's share is not
//	                      within 1 of the percentage
//	load stop NAME        ends it and prints what came of all requests
//
// What is printed is "requests N, failed N", a line "VERSION: N (P %)" for each
// version and "failed by REASON: N" for each reason.
func loadCommand(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) < 2 {
		ts.Fatalf(loadUsage)
	}
	all := ts.Value(loads{}).(map[string]*load.Load)
	name, rest := args[1], args[2:]
	if args[0] == "start" {
		if len(rest) == 0 || all[name] != nil {
			ts.Fatalf(loadUsage)
		}
		c := load.Config{URL: rest[0], Rate: 500}
		for _, option := range rest[1:] {
			key, text, _ := strings.Cut(option, "=")
			if key == "header" {
				c.Header = text
				continue
			}
			n, err := strconv.Atoi(text)
			ts.Check(err)
			switch key {
			case "rate":
				c.Rate = float64(n)
			case "kept":
				c.Kept = n
			case "fresh":
				if c.Fresh = n; n == 0 {
					c.Fresh = -1
				}
			default:
				ts.Fatalf(loadUsage)
			}
		}
		l, err := load.Start(context.Background(), c)
		ts.Check(err)
		all[name] = l
		ts.Defer(func() { l.Stop() })
		return
	}
	l := all[name]
	if l == nil {
		ts.Fatalf("no load %s", name)
	}
	switch {
	case args[0] == "stop" && len(rest) == 0:
		delete(all, name)
		fmt.Fprint(ts.Stdout(), l.Stop())
	case args[0] == "next" && len(rest) == 1, args[0] == "share" && len(rest) == 3:
		n, err := strconv.Atoi(rest[0])
		ts.Check(err)
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
		defer cancel()
		c, err := l.Next(ctx, n)
		fmt.Fprint(ts.Stdout(), c)
		if err != nil {
			ts.Fatalf("waited for %d requests: %v\n%s", n, err, c)
		}
		if args[0] == "next" {
			return
		}
		want, err := strconv.ParseFloat(rest[2], 64)
		ts.Check(err)
		if c.Failed > 0 || math.Abs(c.Share(rest[1])-want) > 1 {
			ts.Fatalf("%s is not %s %% of it:\n%s", rest[1], rest[2], c)
		}
	default:
		ts.Fatalf(loadUsage)
	}
}
