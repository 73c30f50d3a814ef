package main

import (
	"bufio"
	"context"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/codebuild"
	"github.com/aws/aws-sdk-go-v2/service/codebuild/types"
)

// logLines is how many lines are timed; each says when it was written.
const logLines = 20

const writeLines = `i=0; while [ $i -lt 20 ]; do echo "at $(date +%s%N)"; i=$((i+1)); sleep 0.15; done`

// logLine measures from a line written by a running build until
// FilterLogEvents shows it. The baseline reads the same lines from a pipe.
func logLine(ctx context.Context, e *environment) ([]row, error) {
	theirs, err := piped(ctx)
	if err != nil {
		return nil, err
	}
	s, err := e.serve(ctx, "--compute", "process", "--warm", "0")
	if err != nil {
		return nil, err
	}
	defer s.stop()
	builds := codebuild.NewFromConfig(s.cfg)
	if err := project(ctx, s.cfg, "log", "aws/codebuild/standard:7.0", strings.ReplaceAll(writeLines, `"`, `\"`)); err != nil {
		return nil, err
	}
	started, err := builds.StartBuild(ctx, &codebuild.StartBuildInput{ProjectName: aws.String("log")})
	if err != nil {
		return nil, err
	}
	client := cloudwatchlogs.NewFromConfig(s.cfg)
	var ours []time.Duration
	var next int64
	seen := map[string]bool{}
	err = await(ctx, 2*time.Millisecond, time.Minute, func() (bool, error) {
		out, err := client.FilterLogEvents(ctx, &cloudwatchlogs.FilterLogEventsInput{
			LogGroupName: aws.String("/aws/codebuild/log"), FilterPattern: aws.String(`"at 1"`), StartTime: &next})
		if err != nil {
			if strings.Contains(err.Error(), "ResourceNotFoundException") {
				return false, nil // the build has not begun
			}
			return false, err
		}
		now := time.Now()
		for _, ev := range out.Events {
			if next = *ev.Timestamp; seen[*ev.EventId] {
				continue
			}
			seen[*ev.EventId] = true
			if at, ok := stamp(*ev.Message); ok {
				ours = append(ours, now.Sub(at))
			}
		}
		return len(ours) >= logLines, nil
	})
	if err != nil {
		return nil, fmt.Errorf("%d of %d lines: %w", len(ours), logLines, err)
	}
	// A build outlives its server: let it end first.
	err = await(ctx, 100*time.Millisecond, time.Minute, func() (bool, error) {
		got, err := builds.BatchGetBuilds(ctx, &codebuild.BatchGetBuildsInput{Ids: []string{*started.Build.Id}})
		return err == nil && len(got.Builds) == 1 && got.Builds[0].BuildComplete, err
	})
	if err != nil {
		return nil, fmt.Errorf("end of the build: %w", err)
	}
	d, b := median(ours), median(theirs)
	return []row{{
		what: "line of a build to FilterLogEvents", slipway: ms(d), baseline: ms(b), versus: "read from a pipe",
		ratio: float64(d) / float64(b), aim: "< 50 ms", met: d < 50*time.Millisecond,
	}}, nil
}

// stamp reads when a line was written.
func stamp(line string) (time.Time, bool) {
	v, ok := strings.CutPrefix(strings.TrimSpace(line), "at ")
	n, err := strconv.ParseInt(v, 10, 64)
	return time.Unix(0, n), ok && err == nil
}

func piped(ctx context.Context) ([]time.Duration, error) {
	cmd := exec.CommandContext(ctx, "sh", "-c", writeLines)
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	var took []time.Duration
	for lines := bufio.NewScanner(out); lines.Scan(); {
		now := time.Now()
		at, ok := stamp(lines.Text())
		if !ok {
			_ = cmd.Wait()
			return nil, errSkip("the date command has no nanoseconds")
		}
		took = append(took, now.Sub(at))
	}
	return took, cmd.Wait()
}

// project makes a build project without a source that runs one command.
func project(ctx context.Context, cfg aws.Config, name, image, command string) error {
	role, _, err := surroundings(ctx, cfg)
	if err != nil {
		return err
	}
	_, err = codebuild.NewFromConfig(cfg).CreateProject(ctx, &codebuild.CreateProjectInput{
		Name: aws.String(name), ServiceRole: aws.String(role),
		Source:    &types.ProjectSource{Type: types.SourceTypeNoSource, Buildspec: aws.String("version: 0.2\nphases:\n  build:\n    commands:\n      - \"" + command + "\"\n")},
		Artifacts: &types.ProjectArtifacts{Type: types.ArtifactsTypeNoArtifacts},
		Environment: &types.ProjectEnvironment{
			Type: types.EnvironmentTypeLinuxContainer, ComputeType: types.ComputeTypeBuildGeneral1Small, Image: aws.String(image),
		},
	})
	return err
}
