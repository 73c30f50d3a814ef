package agent

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/slipway-dev/slipway/internal/agent/job"
	"github.com/slipway-dev/slipway/internal/buildspec"
)

// download is the phase DOWNLOAD_SOURCE: sources, buildspec, environment, cache.
func (b *running) download(ctx context.Context) error {
	b.log.say("Running on Slipway")
	b.log.say("Phase is DOWNLOAD_SOURCE")
	if err := b.start(); err != nil {
		return err
	}
	if err := b.sources(ctx); err != nil {
		return err
	}
	if err := b.readSpec(ctx); err != nil {
		return err
	}
	b.log.say("Processing environment variables")
	if err := b.environment(ctx); err != nil {
		return err
	}
	if err := b.runtimes(ctx); err != nil {
		return err
	}
	if err := b.share(); err != nil {
		return err
	}
	b.log.say("Moving to directory %s", b.src)
	b.shell.dir = b.src
	b.restoreCache(ctx)
	b.countCommands()
	return nil
}

// share lets the users that run-as names read and execute the source.
func (b *running) share() error {
	asked := b.spec.RunAs != ""
	for _, p := range b.spec.Phases {
		asked = asked || p.RunAs != ""
	}
	if !asked {
		return nil
	}
	return filepath.WalkDir(b.src, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.Type() == fs.ModeSymlink {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		mode := info.Mode().Perm() | 0o044
		if mode&0o100 != 0 {
			mode |= 0o011
		}
		return os.Chmod(path, mode)
	})
}

func (b *running) countCommands() {
	b.log.say("Phases found in YAML: %d", len(b.spec.Phases))
	for _, phase := range []string{install, preBuild, build, postBuild} {
		if p := b.spec.Phases[specName[phase]]; p != nil {
			b.log.say(" %s: %d commands", phase, len(p.Commands)+len(p.Finally))
		}
	}
}

// readSpec finds the buildspec: text of the project or of StartBuild, a path
// in the primary source, an S3 object, or buildspec.yml.
func (b *running) readSpec(ctx context.Context) error {
	given := b.job.Buildspec
	var text []byte
	var err error
	switch {
	case inline(given):
		// Where AWS puts it; builds look at it there.
		location := filepath.Join(b.cfg.Root, "readonly", "buildspec.yml")
		if err := os.MkdirAll(filepath.Dir(location), 0o755); err == nil {
			_ = os.WriteFile(location, []byte(given), 0o644)
		}
		b.log.say("YAML location is %s", location)
		text = []byte(given)
	case strings.HasPrefix(given, "arn:"):
		b.log.say("YAML location is %s", given)
		if text, err = b.s3.read(ctx, given, buildspec.MaxSize+1); err != nil {
			return &failure{codeYAML, "buildspec: " + err.Error()}
		}
	default:
		location := filepath.Join(b.src, "buildspec.yml")
		if given != "" {
			location = filepath.Join(b.src, given)
			if filepath.IsAbs(given) {
				location = given
			}
		}
		b.log.say("YAML location is %s", location)
		if text, err = os.ReadFile(location); err != nil {
			return &failure{codeYAML, strings.Replace(err.Error(), "open ", "stat ", 1)}
		}
	}
	spec, err := buildspec.Parse(text)
	if err != nil {
		return &failure{codeYAML, err.Error()}
	}
	b.spec = spec
	return b.refuse()
}

// inline tells whether a buildspec is text rather than the name of a file.
func inline(given string) bool {
	if strings.Contains(given, "\n") {
		return true
	}
	if strings.HasPrefix(strings.TrimSpace(given), "{") {
		return true
	}
	return strings.HasPrefix(given, "version:")
}

// refuse names what the buildspec asks for and this agent cannot do: it would
// be worse to go on without it.
func (b *running) refuse() error {
	at := func(p buildspec.Position, what string) error {
		e := &buildspec.Error{Position: p, Message: what}
		return &failure{codeYAML, e.Error()}
	}
	s := b.spec
	switch {
	case len(s.Reports) > 0:
		return at(s.Reports[0].Position, "reports are not available in Slipway yet")
	case s.Proxy.Logs || s.Proxy.UploadArtifacts:
		return &failure{codeYAML, "proxy is not available in Slipway yet"}
	}
	switch s.Env.Shell {
	case "bash":
		path, err := lookPath("bash")
		if err != nil {
			return &failure{codeYAML, "env.shell: the image has no bash"}
		}
		b.shell.program = path
	default:
		b.shell.program = "/bin/sh"
	}
	return nil
}

// sources fetches the primary and the secondary sources.
func (b *running) sources(ctx context.Context) error {
	for i, s := range b.job.Sources {
		dir := b.sourceDir(i, s)
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
		if i == 0 {
			b.src = dir
			b.log.say("CODEBUILD_SRC_DIR=%s", dir)
		} else {
			b.dirs[s.Identifier] = dir
			b.log.say("CODEBUILD_SRC_DIR_%s=%s", s.Identifier, dir)
		}
		version, err := b.fetch(ctx, s, dir)
		if err != nil {
			var f *failure
			if errors.As(err, &f) {
				return err
			}
			which := "primary source"
			if i > 0 {
				which = "secondary source " + s.Identifier
			}
			return &failure{codeClient, fmt.Sprintf("%s: %v", which, err)}
		}
		if i == 0 {
			b.resolve(version)
		}
	}
	return nil
}

func (b *running) resolve(version string) {
	if b.job.ResolvedVersion != "" {
		version = b.job.ResolvedVersion
	}
	if b.resolved = version; version != "" {
		b.journal.add(job.Record{Source: &version})
	}
}

// sourceDir is where AWS would put a source. Each has a directory srcNNN of its
// own, but those of a pipeline and of S3 together one.
func (b *running) sourceDir(i int, s job.Source) string {
	base := func(of string) string {
		return filepath.Join(b.cfg.Root, "output", "src"+digits(of), "src")
	}
	stored := func(s job.Source) bool { return s.Type == "S3" || s.Type == "CODEPIPELINE" }
	if stored(s) && stored(b.job.Sources[0]) && len(b.job.Sources) > 1 {
		return filepath.Join(base(b.job.UUID), "s3", fmt.Sprintf("%02d", i))
	}
	dir := base(b.job.UUID)
	if i > 0 {
		dir = base(b.job.UUID + " " + s.Identifier)
	}
	switch {
	case s.Type == "CODECOMMIT":
		return filepath.Join(dir, "git-codecommit."+b.job.Region+".amazonaws.com", "v1", "repos", repositoryName(s.Location))
	case s.Hosted():
		return filepath.Join(dir, hostedPath(s.Location))
	}
	return dir
}

func (b *running) fetch(ctx context.Context, s job.Source, dir string) (version string, err error) {
	switch s.Type {
	case "NO_SOURCE":
		return "", nil
	case "S3", "CODEPIPELINE":
		return "", b.fetchS3(ctx, s, dir)
	}
	if s.Type == "CODECOMMIT" || s.Hosted() {
		return b.clone(ctx, s, dir)
	}
	return "", &failure{codeClient, fmt.Sprintf("source type %s is not available in Slipway yet", s.Type)}
}

// digits makes AWS's srcNNN of a build's id.
func digits(uuid string) string {
	var n uint32
	for _, c := range []byte(uuid) {
		n = n*31 + uint32(c)
	}
	return fmt.Sprintf("%010d", n)
}
