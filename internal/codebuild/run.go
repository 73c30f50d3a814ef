package codebuild

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/slipway-dev/slipway/internal/agent"
	"github.com/slipway-dev/slipway/internal/agent/job"
	"github.com/slipway-dev/slipway/internal/compute"
	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/id"
	"github.com/slipway-dev/slipway/internal/store"
)

// run looks at a build and its container and does what is missing: gives it an
// agent, starts that, notices its death, cleans up behind it. It runs whenever
// one of the two may have changed, and after a crash.
func (s *Service) run(ctx context.Context, j *engine.Job) error {
	var r ref
	if err := json.Unmarshal(j.Payload, &r); err != nil {
		return err
	}
	b, err := s.load(ctx, r)
	if err != nil || b == nil {
		return err
	}
	if b.BuildComplete {
		return s.finish(ctx, b)
	}
	if b.Worker == "" {
		if refused, err := s.prepare(ctx, b); err != nil {
			return err
		} else if refused != nil {
			return s.end(ctx, b, *refused)
		}
		if b, err = s.assign(ctx, b); err != nil || b.Worker == "" {
			return err
		}
	}
	return s.ensure(ctx, b)
}

func (s *Service) load(ctx context.Context, r ref) (b *build, err error) {
	err = s.Engine.View(ctx, func(tx store.Reader) error {
		b, err = get(builds, tx, r.Region, r.ID)
		return err
	})
	return b, err
}

// assign gives the build a waiting agent, or the name of one to start.
func (s *Service) assign(ctx context.Context, b *build) (*build, error) {
	var warm string
	if s.takesWarm(b) {
		warm = s.pool.take(s.classOf(b.Environment))
	}
	worker := warm
	if worker == "" {
		worker = id.Hex(s.IDs, 24)
	}
	err := s.Engine.Update(ctx, func(tx *engine.Tx) error {
		fresh, err := get(builds, tx, b.Region, b.id())
		if err != nil || fresh == nil {
			return err
		}
		if b = fresh; b.BuildComplete || b.Worker != "" {
			return nil
		}
		b.Worker = worker
		if err := builds.Put(tx, b, b.Region, b.id()); err != nil {
			return err
		}
		return workers.Put(tx, &ref{Region: b.Region, ID: b.id()}, worker)
	})
	if warm != "" {
		if err != nil || b.Worker != warm {
			s.pool.put(warm)
		} else {
			s.pool.assigned(warm)
		}
	}
	if s.takesWarm(b) { // not before the build has its own
		s.pool.want(s.classOf(b.Environment))
	}
	return b, err
}

// ensure makes the build's container run if it never did.
func (s *Service) ensure(ctx context.Context, b *build) error {
	c, err := s.container(ctx, b.Worker)
	switch {
	case err != nil:
		return err
	case c == nil && b.Acked == 0 && !exists(filepath.Join(s.workerDir(b.Worker), agent.JournalName)):
		return s.launch(ctx, b)
	case c == nil:
		return s.lost(ctx, b, "It was removed.")
	case c.State == compute.Exited:
		return s.lost(ctx, b, exitReason(c.Exit))
	case c.State == compute.Created:
		return s.boot(ctx, b, c.ID)
	}
	return nil
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func exitReason(e compute.Exit) string {
	switch {
	case e.OOMKilled:
		return "It died because it was out of memory."
	case e.Error != "":
		return e.Error
	}
	return fmt.Sprintf("It ended with exit code %d.", e.Code)
}

// launch makes and starts the container of a build.
func (s *Service) launch(ctx context.Context, b *build) error {
	image, err := s.image(ctx, b)
	if err != nil {
		return s.provisionFailed(ctx, b, err)
	}
	cache, err := s.localCache(b)
	if err != nil {
		return err
	}
	spec, err := s.spec(b.Worker, s.classOf(b.Environment), image, cache)
	if err != nil {
		return err
	}
	spec.Name = "slipway-build-" + b.Worker
	spec.Labels[compute.LabelOwner], spec.Labels[compute.LabelRole] = aws.ToString(b.Arn), "build"
	cid, err := s.Compute.Create(ctx, spec)
	if err != nil {
		return s.provisionFailed(ctx, b, err)
	}
	return s.boot(ctx, b, cid)
}

func (s *Service) boot(ctx context.Context, b *build, cid string) error {
	if err := s.Compute.Start(ctx, cid); err != nil {
		return s.provisionFailed(ctx, b, err)
	}
	return nil
}

// provisionFailed records what will not get better by trying again.
func (s *Service) provisionFailed(ctx context.Context, b *build, err error) error {
	if ctx.Err() != nil || errors.Is(err, compute.ErrUnavailable) {
		return err
	}
	f := fail{"CLIENT_ERROR", "Build container could not be started. " + err.Error()}
	switch {
	case errors.Is(err, compute.ErrImage):
		words := strings.TrimPrefix(err.Error(), compute.ErrImage.Error()+": ")
		f = fail{"BUILD_CONTAINER_UNABLE_TO_PULL_IMAGE", "Unable to pull customer's container image. CannotPullContainerError: " + words}
	case errors.Is(err, compute.ErrUnsupported):
		f.message = "This installation cannot run the build. " + strings.TrimPrefix(err.Error(), compute.ErrUnsupported.Error()+": ")
	}
	return s.end(ctx, b, f)
}

func (s *Service) end(ctx context.Context, b *build, c change) error {
	return s.Engine.Update(ctx, func(tx *engine.Tx) error {
		fresh, err := get(builds, tx, b.Region, b.id())
		if err != nil || fresh == nil {
			return err
		}
		return s.change(tx, fresh, c, tx.Now())
	})
}

// lost takes what a dead agent could not send any more from its journal; if
// that has no end, the build has failed.
func (s *Service) lost(ctx context.Context, b *build, reason string) error {
	if err := s.recoverJournal(ctx, b); err != nil {
		s.Log.Warn("journal of a dead agent", "build", b.id(), "err", err)
	}
	return s.end(ctx, b, fail{"CLIENT_ERROR", "Build container found dead before completing the build. " + reason})
}

func (s *Service) recoverJournal(ctx context.Context, b *build) error {
	f, err := os.Open(filepath.Join(s.workerDir(b.Worker), agent.JournalName))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	for offset := b.Acked; ; {
		piece := make([]byte, job.MaxPiece)
		n, err := f.ReadAt(piece, offset)
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		end := strings.LastIndexByte(string(piece[:n]), '\n') + 1
		if end == 0 {
			return nil
		}
		acked, err := s.take(ctx, b.Worker, offset, piece[:end])
		if errors.Is(err, errDismissed) {
			return nil
		}
		if err != nil && !errors.Is(err, errOffset) {
			return err
		}
		offset = acked
	}
}

// finish cleans up behind a build that has ended.
func (s *Service) finish(ctx context.Context, b *build) error {
	if _, key := s3Log(b); key != "" && !b.Reported && b.Worker != "" {
		// The agent writes nothing more once its container is gone.
		if err := s.removeContainer(ctx, b.Worker); err != nil {
			return err
		}
		if err := s.keepLog(ctx, b); ctx.Err() != nil {
			return err
		} else if err != nil {
			s.Log.Warn("the log of a build is not in S3", "build", b.id(), "err", err)
		}
	}
	return s.cleanUp(ctx, b.Worker)
}

// cleanUp removes what a build leaves: its container and its agent's directory.
func (s *Service) cleanUp(ctx context.Context, worker string) error {
	if worker == "" {
		return nil
	}
	if err := s.removeContainer(ctx, worker); err != nil {
		return err
	}
	if err := os.RemoveAll(s.workerDir(worker)); err != nil {
		s.Log.Warn("directory of an agent", "err", err)
	}
	return s.Engine.Update(ctx, func(tx *engine.Tx) error { return workers.Delete(tx, worker) })
}

func (s *Service) removeContainer(ctx context.Context, worker string) error {
	c, err := s.container(ctx, worker)
	if err != nil || c == nil {
		return err
	}
	return s.Compute.Remove(ctx, c.ID)
}
