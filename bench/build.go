package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codebuild"
	"github.com/aws/aws-sdk-go-v2/service/codebuild/types"
)

const (
	buildRuns  = 7
	curated    = "aws/codebuild/standard:7.0"
	smallImage = "slipway/busybox:latest"
)

// build measures a build of `true` from StartBuild to SUCCEEDED with a warm
// pool against `docker run --rm IMAGE true` of the same image.
func build(ctx context.Context, e *environment) ([]row, error) {
	if !e.docker {
		return nil, errSkip("no Docker Engine answers")
	}
	image := e.image
	if docker(ctx, "image", "inspect", image) != nil {
		if image = smallImage; docker(ctx, "image", "inspect", image) != nil {
			return nil, errSkip("the engine has no image " + e.image + " (images/standard/build makes it)")
		}
	}
	// Only curated images are kept warm.
	s, err := e.serve(ctx, "--image", curated+"="+image)
	if err != nil {
		return nil, err
	}
	defer s.stop()
	if err := project(ctx, s.cfg, "true", curated, "true"); err != nil {
		return nil, err
	}
	var ours, theirs []time.Duration
	for i := range buildRuns + 1 {
		took, err := oneBuild(ctx, s.cfg)
		if err != nil {
			return nil, err
		}
		began := time.Now()
		if err := docker(ctx, "run", "--rm", image, "true"); err != nil {
			return nil, err
		}
		if i > 0 { // the first build tells the pool which image is wanted
			ours, theirs = append(ours, took), append(theirs, time.Since(began))
		}
		if err := s.warm(ctx); err != nil {
			return nil, err
		}
	}
	d, b := median(ours), median(theirs)
	return []row{{
		what: "build of `true`, StartBuild to SUCCEEDED", slipway: ms(d), baseline: ms(b), versus: "docker run --rm " + image + " true",
		ratio: float64(d) / float64(b), aim: "≤ 1.0×", met: d <= b,
	}}, nil
}

func oneBuild(ctx context.Context, cfg aws.Config) (took time.Duration, err error) {
	client := codebuild.NewFromConfig(cfg)
	began := time.Now()
	out, err := client.StartBuild(ctx, &codebuild.StartBuildInput{ProjectName: aws.String("true")})
	if err != nil {
		return 0, err
	}
	err = await(ctx, 5*time.Millisecond, time.Minute, func() (bool, error) {
		got, err := client.BatchGetBuilds(ctx, &codebuild.BatchGetBuildsInput{Ids: []string{*out.Build.Id}})
		if err != nil {
			return false, err
		}
		if len(got.Builds) != 1 {
			return false, errors.New("the build is gone")
		}
		took = time.Since(began)
		b := got.Builds[0]
		if b.BuildComplete && b.BuildStatus != types.StatusTypeSucceeded {
			last := b.Phases[len(b.Phases)-1]
			return false, fmt.Errorf("the build is %s: %v", b.BuildStatus, last.Contexts)
		}
		return b.BuildComplete, nil
	})
	return took, err
}

// warm waits until the container of the next build is there and had a moment
// to connect, and that of the last one is gone.
func (s *server) warm(ctx context.Context) error {
	err := await(ctx, 200*time.Millisecond, time.Minute, func() (bool, error) {
		running := len(s.containers("status=running"))
		return running > 0 && running == len(s.containers()), nil
	})
	if err != nil {
		return fmt.Errorf("no warm container: %w", err)
	}
	select {
	case <-time.After(time.Second):
	case <-ctx.Done():
	}
	return ctx.Err()
}
