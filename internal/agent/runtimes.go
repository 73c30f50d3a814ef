package agent

import (
	"context"
	"fmt"
	"strings"
)

// runtimeVersion prints the version of a runtime of the curated image.
var runtimeVersion = map[string]string{
	"golang": "go version",
	"nodejs": "node --version",
	"python": "python3 --version",
}

// known are the runtimes that AWS's images have and ours may lack.
var known = map[string]bool{"java": true, "php": true, "ruby": true, "dotnet": true, "rust": true, "docker": true, "android": true}

// runtimes looks after runtime-versions. The image has one version of each
// runtime, which is used whatever was asked for; the log says so.
func (b *running) runtimes(ctx context.Context) error {
	p := b.spec.Phases["install"]
	if p == nil || len(p.Runtimes) == 0 {
		b.log.say("No runtime version selected in buildspec.")
		return nil
	}
	if !b.job.Curated {
		b.log.say("Skipping install of runtimes. Runtime version selection is not supported by this build image")
		return nil
	}
	for _, r := range p.Runtimes {
		script, ok := runtimeVersion[r.Name]
		if !ok {
			what := "Unknown runtime"
			if known[r.Name] {
				what = "This build image does not have the runtime"
			}
			return &failure{codeYAML, fmt.Sprintf("%s %q at line %d, column %d. This build image has the following runtimes: golang, nodejs, python", what, r.Name, r.Line, r.Column)}
		}
		version, err := b.shell.capture(ctx, script)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			return &failure{codeYAML, fmt.Sprintf("This build image does not have the runtime %q at line %d, column %d", r.Name, r.Line, r.Column)}
		}
		b.log.say("Selecting '%s' runtime version '%s' based on manual selections...", r.Name, r.Value)
		b.log.say("This build image has one version of '%s' and uses it: %s", r.Name, strings.TrimSpace(version))
	}
	return nil
}
