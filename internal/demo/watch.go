package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/codebuild"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline"
	cptypes "github.com/aws/aws-sdk-go-v2/service/codepipeline/types"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	ecstypes "github.com/aws/aws-sdk-go-v2/service/ecs/types"
)

// pace is how often this client looks again, as any client of AWS would have to.
const pace = 150 * time.Millisecond

// patience bounds every wait: a machine may have to compile a lot first.
const patience = 15 * time.Minute

// until calls look until it is done, fails, or patience ends.
func until(ctx context.Context, what string, look func() (bool, error)) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	tick := time.NewTicker(pace)
	defer tick.Stop()
	for {
		done, err := look()
		if done || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("gave up waiting for %s: %w", what, ctx.Err())
		case <-tick.C:
		}
	}
}

// executionOf waits for the execution that a commit started.
func (d *Demo) executionOf(ctx context.Context, commit string) (id string, err error) {
	err = until(ctx, "the execution of "+commit, func() (bool, error) {
		list, err := d.pipeline.ListPipelineExecutions(ctx, &codepipeline.ListPipelineExecutionsInput{PipelineName: aws.String(d.pipelineName)})
		if err != nil {
			return false, err
		}
		for _, e := range list.PipelineExecutionSummaries {
			for _, r := range e.SourceRevisions {
				if aws.ToString(r.RevisionId) == commit {
					id = aws.ToString(e.PipelineExecutionId)
					return true, nil
				}
			}
		}
		return false, nil
	})
	return id, err
}

// action returns the newest run of a stage's action in an execution, or nil.
func (d *Demo) action(ctx context.Context, execution, stage string) (*cptypes.ActionExecutionDetail, error) {
	list, err := d.pipeline.ListActionExecutions(ctx, &codepipeline.ListActionExecutionsInput{
		PipelineName: aws.String(d.pipelineName), Filter: &cptypes.ActionExecutionFilter{PipelineExecutionId: aws.String(execution)},
	})
	if err != nil {
		return nil, err
	}
	for _, a := range list.ActionExecutionDetails {
		if aws.ToString(a.StageName) == stage {
			return &a, nil
		}
	}
	return nil, nil
}

// failed is an action that ended otherwise than wanted.
type failed struct{ stage, status, message string }

func (f *failed) Error() string { return f.stage + " " + f.status + ": " + f.message }

// finish waits for a stage's action to end.
func (d *Demo) finish(ctx context.Context, execution, stage string) error {
	return until(ctx, stage, func() (bool, error) { return d.ended(ctx, execution, stage) })
}

// ended tells whether a stage's action has succeeded; it is an error if it ended
// otherwise.
func (d *Demo) ended(ctx context.Context, execution, stage string) (bool, error) {
	a, err := d.action(ctx, execution, stage)
	if err != nil || a == nil || a.Status == cptypes.ActionExecutionStatusInProgress {
		return false, err
	}
	if a.Status == cptypes.ActionExecutionStatusSucceeded {
		return true, nil
	}
	return false, failure(stage, a)
}

func failure(stage string, a *cptypes.ActionExecutionDetail) *failed {
	f := &failed{stage: stage, status: string(a.Status)}
	if a.Output != nil && a.Output.ExecutionResult != nil && a.Output.ExecutionResult.ErrorDetails != nil {
		f.message = aws.ToString(a.Output.ExecutionResult.ErrorDetails.Message)
	}
	return f
}

// follow prints a build's log while it grows and returns all of it.
func (d *Demo) follow(ctx context.Context, execution string) (lines []string, err error) {
	var build string
	err = until(ctx, "the build to start", func() (bool, error) {
		a, err := d.action(ctx, execution, "Build")
		if err != nil || a == nil || a.Output == nil || a.Output.ExecutionResult == nil {
			return false, err
		}
		build = aws.ToString(a.Output.ExecutionResult.ExternalExecutionId)
		return build != "", nil
	})
	if err != nil {
		return nil, err
	}
	_, stream, _ := strings.Cut(build, ":")
	var token *string
	ended := false
	err = until(ctx, "the build", func() (bool, error) {
		page, err := d.logs.GetLogEvents(ctx, &cloudwatchlogs.GetLogEventsInput{
			LogGroupName: aws.String("/aws/codebuild/" + d.projectName), LogStreamName: aws.String(stream),
			StartFromHead: aws.Bool(true), NextToken: token,
		})
		if err != nil {
			if strings.Contains(err.Error(), "ResourceNotFoundException") && !ended {
				return false, nil // nothing written yet
			}
			return false, err
		}
		for _, e := range page.Events {
			line := strings.TrimRight(aws.ToString(e.Message), "\n")
			lines = append(lines, line)
			if line != "" {
				d.say("   │ %s", line)
			}
		}
		more := aws.ToString(page.NextForwardToken) != aws.ToString(token)
		token = page.NextForwardToken
		if more || ended {
			return ended && !more, nil
		}
		b, err := d.build.BatchGetBuilds(ctx, &codebuild.BatchGetBuildsInput{Ids: []string{build}})
		if err != nil {
			return false, err
		}
		ended = len(b.Builds) == 1 && b.Builds[0].BuildComplete
		return false, nil
	})
	return lines, err
}

// address is where the running task of a service answers.
func (d *Demo) address(ctx context.Context, cluster string) (string, error) {
	list, err := d.ecs.ListTasks(ctx, &ecs.ListTasksInput{Cluster: aws.String(cluster), ServiceName: aws.String(d.app), DesiredStatus: ecstypes.DesiredStatusRunning})
	if err != nil {
		return "", err
	}
	if len(list.TaskArns) == 0 {
		return "", errors.New("no task is running in " + cluster)
	}
	tasks, err := d.ecs.DescribeTasks(ctx, &ecs.DescribeTasksInput{Cluster: aws.String(cluster), Tasks: list.TaskArns})
	if err != nil {
		return "", err
	}
	for _, t := range tasks.Tasks {
		for _, a := range t.Attachments {
			for _, kv := range a.Details {
				if aws.ToString(kv.Name) == "privateIPv4Address" && aws.ToString(t.LastStatus) == "RUNNING" {
					return fmt.Sprintf("http://%s:%d/", aws.ToString(kv.Value), servicePort), nil
				}
			}
		}
	}
	return "", errors.New("no running task in " + cluster + " has an address")
}

// fetch asks the running task for its page.
func (d *Demo) fetch(ctx context.Context, cluster string) (url, page string, err error) {
	if url, err = d.address(ctx, cluster); err != nil {
		return "", "", err
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return url, "", err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return url, "", err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s answers %s", url, resp.Status)
	}
	return url, strings.TrimSpace(string(b)), err
}

// serves checks that a cluster's service answers with a version.
func (d *Demo) serves(ctx context.Context, cluster, version string) error {
	url, page, err := d.fetch(ctx, cluster)
	if err != nil {
		return err
	}
	if !strings.Contains(page, version) {
		return fmt.Errorf("%s at %s answers %q, not version %s", cluster, url, page, version)
	}
	d.say("   %s at %s: %s", cluster, url, page)
	return nil
}

// quiet stops the services' tasks: containers outlive a server on purpose, and
// this one is about to end.
func (d *Demo) quiet(ctx context.Context) error {
	tasks := map[string][]string{}
	for _, cluster := range clusters {
		list, err := d.ecs.ListTasks(ctx, &ecs.ListTasksInput{Cluster: aws.String(cluster), ServiceName: aws.String(d.app)})
		if err != nil {
			return err
		}
		tasks[cluster] = list.TaskArns
		_, err = d.ecs.UpdateService(ctx, &ecs.UpdateServiceInput{Cluster: aws.String(cluster), Service: aws.String(d.app), DesiredCount: aws.Int32(0)})
		if err != nil {
			return err
		}
	}
	for cluster, arns := range tasks {
		if len(arns) == 0 {
			continue
		}
		err := until(ctx, "the tasks of "+cluster+" to stop", func() (bool, error) {
			out, err := d.ecs.DescribeTasks(ctx, &ecs.DescribeTasksInput{Cluster: aws.String(cluster), Tasks: arns})
			if err != nil {
				return false, err
			}
			for _, t := range out.Tasks {
				if aws.ToString(t.LastStatus) != "STOPPED" {
					return false, nil
				}
			}
			return true, nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}
