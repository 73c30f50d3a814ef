package lint

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/slipway-dev/slipway/internal/buildspec"
)

func (l *linter) buildspec(file string, text []byte) {
	l.checked(file)
	spec, err := buildspec.Parse(text)
	var wrong *buildspec.Error
	if errors.As(err, &wrong) {
		l.report.add(ruleBuildspec, place{file: file, line: wrong.Line, column: wrong.Column}, "CodeBuild cannot read it: "+wrong.Message+".",
			"Correct the key or its value; the reference lists every key of version 0.2.")
		l.loose(file, text)
		return
	}
	if err != nil {
		l.report.add(ruleBuildspec, place{file: file}, "CodeBuild cannot read it: "+err.Error()+".", "Correct the file.")
		return
	}
	for _, v := range spec.Env.Variables {
		l.variable(place{file: file, line: v.Line, column: v.Column, subject: v.Name}, v.Name, v.Value, secretInBuildspec)
	}
	l.downloads(file, text, spec)
}

const secretInBuildspec = "Keep it in Secrets Manager or Parameter Store, and name it under env.secrets-manager or env.parameter-store."

// loose looks for secrets in a buildspec that CodeBuild would not take, as far
// as it is YAML: a mistyped key elsewhere must not hide them.
func (l *linter) loose(file string, text []byte) {
	var spec struct {
		Env struct {
			Variables yaml.Node `yaml:"variables"`
		} `yaml:"env"`
	}
	if len(text) > buildspec.MaxSize || yaml.Unmarshal(text, &spec) != nil || spec.Env.Variables.Kind != yaml.MappingNode {
		return
	}
	pairs := spec.Env.Variables.Content
	for i := 0; i+1 < len(pairs); i += 2 {
		if key, value := pairs[i], pairs[i+1]; value.Kind == yaml.ScalarNode {
			l.variable(place{file: file, line: key.Line, column: key.Column, subject: key.Value}, key.Value, value.Value, secretInBuildspec)
		}
	}
}

// downloaders are the commands that fetch dependencies, and where these are
// kept in CodeBuild's Linux images, whose user is root.
var downloaders = []struct {
	command *regexp.Regexp
	tool    string
	path    string
}{
	{regexp.MustCompile(`\bnpm (ci|i|install)\b`), "npm", "/root/.npm/**/*"},
	{regexp.MustCompile(`\byarn( install)?( --[a-z-]+)*\s*$`), "yarn", "/usr/local/share/.cache/yarn/**/*"},
	{regexp.MustCompile(`\bpnpm (i|install)\b`), "pnpm", "/root/.local/share/pnpm/store/**/*"},
	{regexp.MustCompile(`\bgo (build|test|install|mod download|vet|run)\b`), "go", "/root/go/pkg/mod/**/*"},
	{regexp.MustCompile(`\bpip[0-9.]* install\b`), "pip", "/root/.cache/pip/**/*"},
	{regexp.MustCompile(`\bpoetry install\b`), "poetry", "/root/.cache/pypoetry/**/*"},
	{regexp.MustCompile(`\bmvnw?\b`), "Maven", "/root/.m2/**/*"},
	{regexp.MustCompile(`\bgradlew?\b`), "Gradle", "/root/.gradle/caches/**/*"},
	{regexp.MustCompile(`\bbundle install\b`), "Bundler", "vendor/bundle/**/*"},
	{regexp.MustCompile(`\bcomposer install\b`), "Composer", "/root/.composer/cache/**/*"},
	{regexp.MustCompile(`\bcargo (build|test|fetch)\b`), "Cargo", "/root/.cargo/registry/**/*"},
	{regexp.MustCompile(`\bdotnet restore\b`), "NuGet", "/root/.nuget/packages/**/*"},
}

// downloads finds the first command that fetches dependencies in a buildspec
// that caches nothing.
func (l *linter) downloads(file string, text []byte, spec *buildspec.Spec) {
	if len(spec.Cache.Paths) > 0 {
		return
	}
	for _, name := range buildspec.PhaseNames {
		phase := spec.Phases[name]
		if phase == nil {
			continue
		}
		for _, c := range phase.Commands {
			for line := range strings.Lines(c) {
				line = strings.TrimSpace(line)
				for _, d := range downloaders {
					if d.command.MatchString(line) {
						l.report.add(ruleCache, place{file: file, line: lineOf(text, line), subject: "phases." + string(name)},
							fmt.Sprintf("Every build downloads what %s needs anew: the buildspec has no cache.paths.", d.tool),
							fmt.Sprintf("Add `cache: {paths: ['%s']}`, and give the project a cache of type LOCAL (LOCAL_CUSTOM_CACHE) or S3.", d.path))
						return
					}
				}
			}
		}
	}
}
