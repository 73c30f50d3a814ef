package agent

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/slipway-dev/slipway/internal/agent/job"
	"github.com/slipway-dev/slipway/internal/buildspec"
)

// running is one build.
type running struct {
	cfg     Config
	job     *job.Job
	client  *client
	journal *journal
	log     *buildLog
	creds   *credentials
	serve   *endpoint
	s3      objects
	shell   *shell
	kids    *children

	spec     *buildspec.Spec
	src      string            // CODEBUILD_SRC_DIR
	dirs     map[string]string // source identifier → directory
	resolved string

	succeeding bool
	restored   string // the cache key that was found exactly
	cacheLocks []*os.File
	uploaded   []job.Uploaded
	exported   []job.Variable
}

// runBuild runs all phases and writes the result as the journal's last record.
func runBuild(ctx context.Context, cfg Config, c *client, j *job.Job, journal *journal) {
	log := newBuildLog(journal, time.Now)
	b := &running{cfg: cfg, job: j, client: c, journal: journal, log: log, succeeding: true,
		creds: &credentials{client: c, secrets: log.secrets}, kids: &children{}, dirs: map[string]string{}}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go b.kids.reap(ctx)
	timed, cancelTimed := context.WithDeadline(ctx, j.Deadline)
	defer cancelTimed()
	status := b.phases(timed)
	if status == timedOut { // there was no FINALIZING
		if err := b.keepLog(ctx); err != nil {
			log.say("%v", err)
		}
	}
	if b.serve != nil {
		b.serve.close()
	}
	if b.shell != nil {
		b.shell.out.close()
	}
	journal.add(job.Record{Result: &job.Result{Status: status, Exported: b.exported, Artifacts: b.uploaded}})
}

// phases runs one phase after another and returns the build's status.
func (b *running) phases(ctx context.Context) string {
	overall := succeeded
	for phase := next("", succeeded, ""); phase != ""; {
		b.journal.add(job.Record{Begin: phase})
		status := succeeded
		err := b.phase(ctx, phase)
		end := &job.Phase{Type: phase, Status: status}
		if err != nil {
			end.Status, end.Code, end.Message = b.judge(ctx, err)
		}
		b.log.say("Phase complete: %s State: %s", phase, end.Status)
		b.log.say("Phase context status code: %s Message: %s", end.Code, end.Message)
		end.Message = b.log.secrets.Text(end.Message)
		b.journal.add(job.Record{End: end})
		if end.Status != succeeded && overall == succeeded {
			overall, b.succeeding = end.Status, false
		}
		if end.Status == timedOut || end.Status == stopped {
			overall = end.Status
		}
		phase = next(phase, end.Status, b.onFailure(phase).Action)
	}
	return overall
}

func (b *running) judge(ctx context.Context, err error) (status, code, message string) {
	switch {
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return timedOut, codeTimeout, "Build has timed out. "
	case ctx.Err() != nil:
		return stopped, "", ""
	}
	var f *failure
	if errors.As(err, &f) {
		return failed, f.code, f.message
	}
	return failed, codeClient, err.Error()
}

func (b *running) phase(ctx context.Context, phase string) error {
	switch phase {
	case downloadSource:
		return b.download(ctx)
	case uploadArtifacts:
		return b.upload(ctx)
	case finalizing:
		return b.keepLog(ctx)
	}
	return b.commandPhase(ctx, phase)
}

func (b *running) onFailure(phase string) buildspec.OnFailure {
	if b.spec != nil {
		if p := b.spec.Phases[specName[phase]]; p != nil {
			return p.OnFailure
		}
	}
	return buildspec.OnFailure{}
}

// commandPhase runs the commands of a phase, again if on-failure says so.
func (b *running) commandPhase(ctx context.Context, phase string) error {
	b.log.say("Entering phase %s", phase)
	var err error
	if p := b.spec.Phases[specName[phase]]; p != nil {
		if len(p.Commands)+len(p.Finally) == 0 && len(p.Runtimes) > 0 {
			b.log.say("No commands found for phase name: %s", specName[phase])
		}
		before := b.succeeding
		for attempt := 0; ; attempt++ {
			err = b.attempt(ctx, p)
			var f *failure
			retry := p.OnFailure.Action == buildspec.Retry && attempt < p.OnFailure.Retries && ctx.Err() == nil && errors.As(err, &f) &&
				(p.OnFailure.Match == nil || p.OnFailure.Match.MatchString(f.message))
			if !retry {
				break
			}
			b.log.say("Retrying phase %s (%d of %d)", phase, attempt+1, p.OnFailure.Retries)
			b.succeeding = before
		}
	}
	// Values may be set in any phase; later ones win, and a build that does not
	// get to POST_BUILD exports what it has.
	if ctx.Err() == nil {
		b.export(ctx, phase)
	}
	return err
}

// attempt runs commands until one fails, then finally.
func (b *running) attempt(ctx context.Context, p *buildspec.Phase) error {
	err := b.commands(ctx, p, p.Commands)
	if ctx.Err() != nil {
		return err
	}
	if ferr := b.commands(ctx, p, p.Finally); err == nil {
		err = ferr
	}
	return err
}

func (b *running) commands(ctx context.Context, p *buildspec.Phase, commands []string) error {
	user := p.RunAs
	if user == "" {
		user = b.spec.RunAs
	}
	for _, text := range commands {
		b.log.say("Running command %s", strings.TrimRight(text, "\n"))
		code, err := b.shell.run(ctx, command{text: text, runAs: user, succeeding: b.succeeding})
		if ctx.Err() != nil {
			return ctx.Err()
		}
		reason := fmt.Sprintf("exit status %d", code)
		if err != nil {
			reason = err.Error()
		} else if code == 0 {
			continue
		}
		b.succeeding = false
		b.log.say("Command did not exit successfully %s %s", strings.TrimRight(text, "\n"), reason)
		return &failure{codeCommand, fmt.Sprintf("Error while executing command: %s. Reason: %s", strings.TrimRight(text, "\n"), reason)}
	}
	return nil
}

// export reads the exported variables, after each phase.
func (b *running) export(ctx context.Context, phase string) {
	if len(b.spec.Env.Exported) == 0 || phase == install || phase == preBuild {
		return
	}
	b.exported = nil
	for _, name := range b.spec.Env.Exported {
		if strings.HasPrefix(name, "AWS_") {
			continue
		}
		// "set" tells a variable that is empty from one that is not there.
		out, err := b.shell.capture(ctx, `eval "printf '%s.' \"\${$1+set}\$$1\""`, name)
		value, ok := strings.CutPrefix(strings.TrimSuffix(out, "."), "set")
		if err != nil || !ok {
			if phase == postBuild {
				b.log.say("Exported variable %s is not set", name)
			}
			continue
		}
		b.exported = append(b.exported, job.Variable{Name: name, Value: b.log.secrets.Text(value)})
	}
}

// start makes the directories, the shell and the endpoint for credentials.
func (b *running) start() error {
	var err error
	if b.serve, err = serveCredentials(b.creds); err != nil {
		return err
	}
	b.s3 = newS3(b.cfg, b.job.Region, b.creds)
	tmp := filepath.Join(b.cfg.Root, "output", "tmp")
	// Other users of the image must be able to get at their scripts.
	if err := os.MkdirAll(tmp, 0o755); err != nil {
		return err
	}
	out, err := newOutput(b.log)
	if err != nil {
		return err
	}
	b.shell = &shell{program: "/bin/sh", tmp: tmp, out: out, kids: b.kids}
	return nil
}

// keepLog writes the log to S3, if the project wants it there.
func (b *running) keepLog(ctx context.Context) error {
	to := b.job.Logs
	if to == nil || b.s3.client == nil {
		return nil
	}
	f, err := os.CreateTemp(b.shell.tmp, "log-*.gz")
	if err != nil {
		return err
	}
	defer discard(f)
	if err := job.WriteLog(f, b.journal.reader()); err != nil {
		return err
	}
	if err := b.s3.put(ctx, to.Bucket, to.Key, f.Name(), nil, b.encryption(to.EncryptionDisabled)); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return &failure{codeClient, "Failed to upload logs: " + err.Error()}
	}
	return nil
}
