package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/slipway-dev/slipway/cmd/slipway/app"
)

func server(ctx context.Context, args []string, out, errs io.Writer) int {
	cfg := app.Config{Version: version, Commit: commit, Images: map[string]string{}}
	if cfg.Commit == "" {
		cfg.Commit = buildCommit()
	}
	level := slog.LevelInfo
	flags := flag.NewFlagSet("slipway server", flag.ContinueOnError)
	flags.SetOutput(errs)
	flags.StringVar(&cfg.Listen, "listen", "127.0.0.1:4566", "`address` to listen on")
	flags.StringVar(&cfg.Data, "data", "", "data `directory` (default ~/.slipway)")
	flags.StringVar(&cfg.MasterKey, "master-key-file", "", "`file` with the master key, 32 bytes as they are or in base64\n(default master.key in the data directory)")
	flags.StringVar(&cfg.Database, "database", "", "database `URL` (default SQLite in the data directory)")
	flags.StringVar(&cfg.Compute, "compute", app.Docker, "what runs containers: docker, kubernetes or process")
	flags.StringVar(&cfg.IAM, "iam", app.Audit, "audit records what policies deny, enforce refuses it")
	flags.StringVar(&cfg.Account, "account", "000000000000", "account `number`")
	flags.StringVar(&cfg.PublicURL, "public-url", "", "`URL` at which browsers and git providers reach this server\n(default: the address it listens on)")
	flags.StringVar(&cfg.Region, "region", "us-east-1", "default `region`")
	flags.IntVar(&cfg.Warm, "warm", 1, "`number` of containers that wait for builds")
	flags.DurationVar(&cfg.DeploymentMinute, "deployment-minute", time.Minute, "how long a minute of a traffic shift, bake time or deployment wait lasts;\na shorter `duration` tries a ten-minute canary in seconds")
	flags.Func("image", "`NAME=REF` runs builds that ask for image NAME (may end in *) in REF; repeatable\n(default: the names of AWS's standard images for "+app.StandardImage+")",
		func(s string) error {
			name, ref, ok := strings.Cut(s, "=")
			if !ok || name == "" || ref == "" {
				return errors.New("want NAME=REF")
			}
			cfg.Images[name] = ref
			return nil
		})
	flags.TextVar(&level, "log", level, "least `level` of what is logged: debug, info, warn or error")
	if code, ok := parse(flags, args, errs); !ok {
		return code
	}
	if cfg.Warm == 0 {
		cfg.Warm = -1 // said so, unlike an unset member
	}
	cfg.Log = slog.New(slog.NewTextHandler(errs, &slog.HandlerOptions{Level: level}))
	a, err := app.New(cfg)
	if err != nil {
		return fail(errs, err)
	}
	if err := a.Start(ctx); err != nil {
		_ = a.Close()
		if ctx.Err() != nil {
			return 0 // ended before it was ready, as asked
		}
		return fail(errs, err)
	}
	giveBack()
	fmt.Fprintf(out, "slipway is ready at %s\n", a.URL())
	<-ctx.Done()
	if err := a.Close(); err != nil {
		return fail(errs, err)
	}
	return 0
}

// parse reads flags, and those not given from SLIPWAY_… variables. A list in a
// variable is separated by commas.
func parse(flags *flag.FlagSet, args []string, errs io.Writer) (code int, ok bool) {
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return 0, false
		}
		return 2, false
	}
	if flags.NArg() > 0 {
		fmt.Fprintf(errs, "%s: what is %q?\n", flags.Name(), flags.Arg(0))
		return 2, false
	}
	given := map[string]bool{}
	flags.Visit(func(f *flag.Flag) { given[f.Name] = true })
	ok = true
	flags.VisitAll(func(f *flag.Flag) {
		name := "SLIPWAY_" + strings.ToUpper(strings.ReplaceAll(f.Name, "-", "_"))
		v, set := os.LookupEnv(name)
		if given[f.Name] || !set || !ok {
			return
		}
		values := []string{v}
		if f.Name == "image" {
			values = strings.Split(v, ",")
		}
		for _, v := range values {
			if err := flags.Set(f.Name, v); err != nil {
				fmt.Fprintf(errs, "%s: %s=%q: %v\n", flags.Name(), name, v, err)
				code, ok = 2, false
			}
		}
	})
	return code, ok
}
