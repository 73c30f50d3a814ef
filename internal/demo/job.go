package demo

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline"
	cptypes "github.com/aws/aws-sdk-go-v2/service/codepipeline/types"
)

// mainJob is push → build → staging → approval → production; it returns the
// version that then runs.
func (d *Demo) mainJob(ctx context.Context) (version string, err error) {
	var commit, execution string
	err = d.step("git push", func(ctx context.Context) error {
		if err := d.checkout(ctx); err != nil {
			return err
		}
		if d.blueGreen != nil {
			if err := d.blueGreen.files(); err != nil {
				return err
			}
		}
		commit, err = d.push(ctx, "Say hello")
		return err
	}, ctx)
	if err != nil {
		return "", err
	}
	version = commit[:7]
	err = d.step("Source: the push starts the pipeline", func(ctx context.Context) error {
		execution, err = d.executionOf(ctx, commit)
		d.say("   commit %s, execution %s", version, execution)
		return err
	}, ctx)
	if err != nil {
		return "", err
	}
	err = d.step("Build: test, docker build, docker push", func(ctx context.Context) error {
		if _, err := d.follow(ctx, execution); err != nil {
			return err
		}
		return d.finish(ctx, execution, "Build")
	}, ctx)
	if err != nil {
		return "", err
	}
	err = d.step("DeployStaging: new task definition revision, rolling update", func(ctx context.Context) error {
		if err := d.finish(ctx, execution, "DeployStaging"); err != nil {
			return err
		}
		return d.serves(ctx, "staging", version)
	}, ctx)
	if err != nil {
		return "", err
	}
	err = d.step("Approve: a person decides", func(ctx context.Context) error { return d.approve(ctx, execution) }, ctx)
	if err != nil {
		return "", err
	}
	if d.blueGreen != nil {
		err = d.step("DeployProduction: a canary, 10 % → 50 % → 100 %", func(ctx context.Context) error {
			return d.blueGreen.production(ctx, execution, version)
		}, ctx)
		return version, err
	}
	err = d.step("DeployProduction", func(ctx context.Context) error {
		if err := d.finish(ctx, execution, "DeployProduction"); err != nil {
			return err
		}
		return d.serves(ctx, "production", version)
	}, ctx)
	return version, err
}

// approve waits for the approval to open and answers it, unless somebody else
// does so with put-approval-result meanwhile.
func (d *Demo) approve(ctx context.Context, execution string) error {
	var token string
	err := until(ctx, "the approval to open", func() (bool, error) {
		state, err := d.pipeline.GetPipelineState(ctx, &codepipeline.GetPipelineStateInput{Name: aws.String(d.pipelineName)})
		if err != nil {
			return false, err
		}
		for _, s := range state.StageStates {
			if aws.ToString(s.StageName) != "Approve" || s.LatestExecution == nil || aws.ToString(s.LatestExecution.PipelineExecutionId) != execution {
				continue
			}
			for _, a := range s.ActionStates {
				if a.LatestExecution != nil && a.LatestExecution.Status == cptypes.ActionExecutionStatusInProgress {
					token = aws.ToString(a.LatestExecution.Token)
				}
			}
		}
		return token != "", nil
	})
	if err != nil {
		return err
	}
	d.say("   %s", approvalMessage)
	d.say("   %s/v1/repos/%s", d.endpoint(), d.app)
	answer := cptypes.ApprovalResult{Status: cptypes.ApprovalStatusApproved, Summary: aws.String("Approved in the demonstration")}
	if d.Yes {
		d.say("   approved by --yes")
	} else {
		d.say("   or: aws codepipeline put-approval-result --pipeline-name %s --stage-name Approve --action-name Approve --token %s --result status=Approved,summary=fine", d.pipelineName, token)
		if text := d.ask("   Press Enter to approve, or type a reason to reject: "); text != "" {
			answer = cptypes.ApprovalResult{Status: cptypes.ApprovalStatusRejected, Summary: aws.String(text)}
		}
	}
	_, err = d.pipeline.PutApprovalResult(ctx, &codepipeline.PutApprovalResultInput{
		PipelineName: aws.String(d.pipelineName), StageName: aws.String("Approve"), ActionName: aws.String("Approve"),
		Token: aws.String(token), Result: &answer,
	})
	var answered *cptypes.ApprovalAlreadyCompletedException
	if err != nil && !errors.As(err, &answered) {
		return err
	}
	return d.finish(ctx, execution, "Approve")
}

// brokenPush shows that a failing test stops at Build, with the reason, and
// that both stages keep serving the version before.
func (d *Demo) brokenPush(ctx context.Context, good string) error {
	return d.step("A push with a failing test stops at Build", func(ctx context.Context) error {
		if err := d.breakTest(); err != nil {
			return err
		}
		commit, err := d.push(ctx, "Say goodbye")
		if err != nil {
			return err
		}
		start := time.Now()
		execution, err := d.executionOf(ctx, commit)
		if err != nil {
			return err
		}
		lines, err := d.follow(ctx, execution)
		if err != nil {
			return err
		}
		var stopped *failed
		if err := d.finish(ctx, execution, "Build"); !errors.As(err, &stopped) {
			return fmt.Errorf("the broken version was not stopped at Build: %v", err)
		}
		at := slices.IndexFunc(lines, func(l string) bool { return strings.Contains(l, "main_test.go:") })
		if at < 0 {
			return errors.New("the build's log does not show the failing line")
		}
		d.say("   %s after %s", stopped, round(time.Since(start)))
		d.say("   the failing line: %s", strings.TrimSpace(lines[at]))
		for _, cluster := range clusters {
			if err := d.serves(ctx, cluster, good); err != nil {
				return err
			}
		}
		return nil
	}, ctx)
}
