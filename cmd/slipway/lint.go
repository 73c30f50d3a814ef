package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"strings"

	"github.com/slipway-dev/slipway/internal/lint"
)

// lintFiles is `slipway lint`. It exits with 0 if nothing was found, with 1 if
// something was, and with 2 if it could not look.
func lintFiles(ctx context.Context, args []string, out, errs io.Writer) int {
	flags := flag.NewFlagSet("slipway lint", flag.ContinueOnError)
	flags.SetOutput(errs)
	asJSON := flags.Bool("json", false, "print the report as JSON")
	asSARIF := flags.Bool("sarif", false, "print the report as SARIF 2.1.0, for code hosts")
	pipeline := flags.String("pipeline", "", "check the pipeline of this `name` by the API, instead of files")
	data := flags.String("data", "", "data `directory` of the installation to ask (default: the variables that slipway env prints, else ~/.slipway)")
	ignore := flags.String("ignore", "", "do not report these `rules`, separated by commas")
	flags.Usage = func() {
		fmt.Fprint(errs, "slipway lint [flags] [PATH…]\n\nReads buildspecs, appspecs, image definitions, Dockerfiles, task definitions, the\n"+
			"JSON of Terraform plans and states (terraform show -json) and of pipelines (aws\ncodepipeline get-pipeline), in the paths given (default: .), and names mistakes.\n\nRules:\n")
		for _, r := range lint.Rules() {
			fmt.Fprintf(errs, "  %-24s %s\n", r.ID, r.Summary)
		}
		fmt.Fprintln(errs, "\nExit code: 0 nothing found, 1 something found, 2 could not look.\n\nFlags:")
		flags.PrintDefaults()
	}
	// Flags may follow paths.
	var paths []string
	for rest := args; ; {
		if err := flags.Parse(rest); err != nil {
			if err == flag.ErrHelp {
				return 0
			}
			return 2
		}
		if rest = flags.Args(); len(rest) == 0 {
			break
		}
		paths, rest = append(paths, rest[0]), rest[1:]
	}
	o := lint.Options{}
	for id := range strings.SplitSeq(*ignore, ",") {
		if id = strings.TrimSpace(id); id != "" {
			o.Ignore = append(o.Ignore, id)
		}
	}
	report, err := lintReport(ctx, paths, *pipeline, *data, o)
	if err != nil {
		fmt.Fprintln(errs, "slipway lint:", err)
		return 2
	}
	switch {
	case *asSARIF:
		err = report.WriteSARIF(out, version)
	case *asJSON:
		err = report.WriteJSON(out)
	default:
		err = report.WriteText(out)
	}
	switch {
	case err != nil:
		fmt.Fprintln(errs, "slipway lint:", err)
		return 2
	case len(report.Findings) > 0:
		return 1
	}
	return 0
}

func lintReport(ctx context.Context, paths []string, pipeline, data string, o lint.Options) (*lint.Report, error) {
	known := map[string]bool{}
	for _, r := range lint.Rules() {
		known[r.ID] = true
	}
	for _, id := range o.Ignore {
		if !known[id] {
			return nil, fmt.Errorf("no rule %q: slipway lint -h lists them", id)
		}
	}
	if pipeline == "" {
		if len(paths) == 0 {
			paths = []string{"."}
		}
		return lint.Paths(paths, o)
	}
	if len(paths) > 0 {
		return nil, fmt.Errorf("--pipeline and paths exclude each other")
	}
	cfg, err := clientConfig(data)
	if err != nil {
		return nil, err
	}
	return lint.Pipeline(ctx, cfg, pipeline, o)
}
