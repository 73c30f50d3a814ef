package agent

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/slipway-dev/slipway/internal/agent/job"
	"github.com/slipway-dev/slipway/internal/forward"
)

// Main is the command `slipway build-agent --config FILE`; it returns the
// process's exit status. Its other forms are for commands of builds:
// `build-agent git-credential get` is git's credential helper, `build-agent
// hash-files PATTERN…` is the command codebuild-hash-files.
func Main(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	if len(args) > 0 && args[0] == "git-credential" {
		if err := gitCredential(ctx, args[1:], stdin, stdout); err != nil {
			fmt.Fprintln(stderr, "slipway build-agent:", err)
			return 1
		}
		return 0
	}
	if len(args) > 0 && args[0] == "hash-files" {
		if err := hashFiles(args[1:], stdout); err != nil {
			fmt.Fprintln(stderr, hashName+":", err)
			return 1
		}
		return 0
	}
	flags := flag.NewFlagSet("build-agent", flag.ContinueOnError)
	flags.SetOutput(stderr)
	config := flags.String("config", "", "file that the service left for this agent")
	if err := flags.Parse(args); err != nil || *config == "" || flags.NArg() > 0 {
		fmt.Fprintln(stderr, "usage: slipway build-agent --config FILE (slipway starts it for builds)")
		return 2
	}
	if err := work(ctx, *config); err != nil {
		fmt.Fprintln(stderr, "slipway build-agent:", err)
		return 1
	}
	return 0
}

// idle is how long an agent without a build waits for a server that is away.
const idle = 10 * time.Minute

// work waits for one build and runs it.
func work(ctx context.Context, path string) error {
	cfg, err := loadConfig(path)
	if err != nil {
		return err
	}
	protect()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if cfg.Forward {
		if err := forward.Endpoint(ctx, cfg.Endpoint, cfg.Socket); err != nil {
			return err
		}
	}
	c := newClient(cfg)
	j, err := await(ctx, c)
	if err != nil {
		return err
	}
	return runJob(ctx, cfg, c, j, journalFile(path))
}

// await returns the first job.
func await(ctx context.Context, c *client) (*job.Job, error) {
	var wait backoff
	for {
		j, err := c.job(ctx)
		switch {
		case err == nil && j != nil:
			return j, nil
		case errors.Is(err, errGone):
			return nil, err
		case err == nil:
			wait = backoff{}
		case !wait.sleep(ctx, idle):
			return nil, fmt.Errorf("no server: %w", err)
		}
	}
}

// runJob runs the build and returns when the service has its whole journal.
func runJob(ctx context.Context, cfg Config, c *client, j *job.Job, path string) error {
	journal, err := openJournal(path, time.Now)
	if err != nil {
		return err
	}
	buildCtx, cancel := context.WithCancel(ctx)
	defer cancel()
	finished := make(chan struct{})
	go func() {
		defer close(finished)
		runBuild(buildCtx, cfg, c, j, journal)
	}()
	// Delivery goes on after the build's end; its own end, when the service has
	// dismissed the build, ends the build.
	err = journal.ship(ctx, c, finished)
	cancel()
	<-finished
	if err == nil {
		_ = os.Remove(path)
	}
	return err
}
