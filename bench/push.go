package main

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codecommit"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
)

const pushRuns = 7

// push measures from the end of `git push` until ListPipelineExecutions shows
// an execution that the push started. The baseline is the push itself.
func push(ctx context.Context, e *environment) ([]row, error) {
	if _, err := exec.LookPath("git"); err != nil {
		return nil, errSkip("git is not installed")
	}
	s, err := e.serve(ctx, "--compute", "process", "--warm", "0")
	if err != nil {
		return nil, err
	}
	defer s.stop()
	name := aws.String("pushed")
	if _, err := codecommit.NewFromConfig(s.cfg).CreateRepository(ctx, &codecommit.CreateRepositoryInput{RepositoryName: name}); err != nil {
		return nil, err
	}
	if err := pipeline(ctx, s.cfg, *name, approval("Approve")); err != nil {
		return nil, err
	}
	git, err := clone(ctx, e, s, *name)
	if err != nil {
		return nil, err
	}
	client := codepipeline.NewFromConfig(s.cfg)
	pushed := func(since time.Time) (bool, error) {
		out, err := client.ListPipelineExecutions(ctx, &codepipeline.ListPipelineExecutionsInput{PipelineName: name, MaxResults: aws.Int32(1)})
		if err != nil || len(out.PipelineExecutionSummaries) == 0 {
			return false, err
		}
		x := out.PipelineExecutionSummaries[0]
		// AWS gives seconds with three decimals.
		return x.Trigger.TriggerType != types.TriggerTypeCreatePipeline && !x.StartTime.Before(since.Truncate(time.Millisecond)), nil
	}
	var delays, pushes []time.Duration
	for i := range pushRuns + 1 {
		if err := git("commit", "--quiet", "--allow-empty", "--message", fmt.Sprint("change ", i)); err != nil {
			return nil, err
		}
		began := time.Now()
		if err := git("push", "--quiet", "origin", "main"); err != nil {
			return nil, err
		}
		end := time.Now()
		if err := await(ctx, 2*time.Millisecond, 30*time.Second, func() (bool, error) { return pushed(began) }); err != nil {
			return nil, err
		}
		if i > 0 { // the first one also makes the branch
			delays, pushes = append(delays, time.Since(end)), append(pushes, end.Sub(began))
		}
	}
	d, b := median(delays), median(pushes)
	return []row{{
		what: "end of git push to execution started", slipway: ms(d), baseline: ms(b), versus: "the push itself",
		ratio: float64(d) / float64(b), aim: "< 100 ms", met: d < 100*time.Millisecond,
	}}, nil
}

// clone makes a repository whose origin is the server's, with git credentials.
func clone(ctx context.Context, e *environment, s *server, name string) (func(...string) error, error) {
	users := iam.NewFromConfig(s.cfg)
	user := aws.String("developer")
	if _, err := users.CreateUser(ctx, &iam.CreateUserInput{UserName: user}); err != nil {
		return nil, err
	}
	if _, err := users.AttachUserPolicy(ctx, &iam.AttachUserPolicyInput{UserName: user, PolicyArn: aws.String("arn:aws:iam::aws:policy/AWSCodeCommitPowerUser")}); err != nil {
		return nil, err
	}
	made, err := users.CreateServiceSpecificCredential(ctx, &iam.CreateServiceSpecificCredentialInput{UserName: user, ServiceName: aws.String("codecommit.amazonaws.com")})
	if err != nil {
		return nil, err
	}
	c := made.ServiceSpecificCredential
	login := (&url.URL{Scheme: "http", Host: s.host(), User: url.UserPassword(*c.ServiceUserName, *c.ServicePassword)}).String()
	dir := filepath.Join(e.dir, "clone")
	file := filepath.Join(e.dir, "git-credentials")
	if err := os.WriteFile(file, []byte(login+"\n"), 0o600); err != nil {
		return nil, err
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		return nil, err
	}
	git := func(args ...string) error {
		cmd := exec.CommandContext(ctx, "git", args...)
		cmd.Dir, cmd.Env = dir, append(os.Environ(), "GIT_TERMINAL_PROMPT=0", "GIT_CONFIG_GLOBAL=/dev/null")
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("git %s: %w: %s", args[0], err, strings.TrimSpace(string(out)))
		}
		return nil
	}
	for _, args := range [][]string{
		{"init", "--quiet", "--initial-branch=main"},
		{"config", "user.name", "Bench"},
		{"config", "user.email", "bench@example.com"},
		{"config", "credential.helper", "store --file=" + file},
		{"remote", "add", "origin", s.url + "/v1/repos/" + name},
	} {
		if err := git(args...); err != nil {
			return nil, err
		}
	}
	return git, nil
}
