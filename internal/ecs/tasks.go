package ecs

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"github.com/slipway-dev/slipway/internal/aws/identity"
	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/store"
)

// shown is the task as it is described.
func (t *task) shown(tags bool) types.Task {
	out := t.Task
	if !tags {
		out.Tags = []types.Tag{}
	} else {
		out.Tags = tagList(out.Tags)
	}
	return out
}

// StopTask asks a task to stop.
func (s *Service) StopTask(ctx context.Context, in *ecs.StopTaskInput, _ ...func(*ecs.Options)) (*ecs.StopTaskOutput, error) {
	region := identity.Region(ctx)
	out := &ecs.StopTaskOutput{}
	err := s.Engine.Update(ctx, func(tx *engine.Tx) error {
		c, err := activeCluster(tx, region, in.Cluster)
		if err != nil {
			return err
		}
		id, err := inCluster(aws.ToString(in.Task), c.name())
		if err != nil {
			return err
		}
		t, err := tasks.Get(tx, region, c.name(), id)
		if errors.Is(err, store.ErrNotFound) {
			return invalidParameter("The referenced task was not found.")
		}
		if err != nil {
			return err
		}
		if t.status() != statusStopped {
			reason := aws.ToString(in.Reason)
			if reason == "" {
				reason = "Task stopped by user"
			}
			err = s.changed(tx, t, func() error { t.stop(types.TaskStopCodeUserInitiated, reason); return nil })
		}
		shown := t.shown(true)
		out.Task = &shown
		return err
	})
	return out, err
}

// DescribeTasks describes up to 100; unknown ones are failures.
func (s *Service) DescribeTasks(ctx context.Context, in *ecs.DescribeTasksInput, _ ...func(*ecs.Options)) (*ecs.DescribeTasksOutput, error) {
	region := identity.Region(ctx)
	if len(in.Tasks) == 0 {
		return nil, invalidParameter("Tasks cannot be empty.")
	}
	if len(in.Tasks) > 100 {
		return nil, invalidParameter("Tasks cannot contain more than 100 items.")
	}
	tags := slices.Contains(in.Include, types.TaskFieldTags)
	out := &ecs.DescribeTasksOutput{Tasks: []types.Task{}, Failures: []types.Failure{}}
	err := s.Engine.View(ctx, func(r store.Reader) error {
		c, err := activeCluster(r, region, in.Cluster)
		if err != nil {
			return err
		}
		for _, ref := range in.Tasks {
			id, err := inCluster(ref, c.name())
			if err != nil {
				return err
			}
			t, err := tasks.Get(r, region, c.name(), id)
			if errors.Is(err, store.ErrNotFound) {
				out.Failures = append(out.Failures, missing(s.arn(region, "task/"+c.name()+"/"+id)))
				continue
			}
			if err != nil {
				return err
			}
			out.Tasks = append(out.Tasks, t.shown(tags))
		}
		return nil
	})
	return out, err
}

// ListTasks lists ARNs of those whose desired status is RUNNING, unless
// STOPPED is asked for.
func (s *Service) ListTasks(ctx context.Context, in *ecs.ListTasksInput, _ ...func(*ecs.Options)) (*ecs.ListTasksOutput, error) {
	region, want := identity.Region(ctx), string(in.DesiredStatus)
	if want == "" {
		want = statusRunning
	}
	name := lastPart(aws.ToString(in.ServiceName))
	out := &ecs.ListTasksOutput{TaskArns: []string{}}
	if aws.ToString(in.ContainerInstance) != "" {
		return nil, unsupported("Container instances")
	}
	err := s.Engine.View(ctx, func(r store.Reader) error {
		c, err := activeCluster(r, region, in.Cluster)
		if err != nil {
			return err
		}
		if name != "" {
			if _, err := services.Get(r, region, c.name(), name); errors.Is(err, store.ErrNotFound) {
				return noService()
			} else if err != nil {
				return err
			}
		}
		scope := strings.Join([]string{"ListTasks", region, c.name(), want, name, aws.ToString(in.Family), aws.ToString(in.StartedBy), string(in.LaunchType)}, "\x00")
		p, err := newPage(scope, store.Prefix(string(tasks), region, c.name()), in.NextToken, in.MaxResults, 100)
		if err != nil {
			return err
		}
		for t, err := range tasks.Scan(r, p.rng) {
			if err != nil {
				return err
			}
			if aws.ToString(t.DesiredStatus) != want || name != "" && t.Service != name ||
				in.Family != nil && aws.ToString(t.Definition.Family) != *in.Family ||
				in.StartedBy != nil && aws.ToString(t.StartedBy) != *in.StartedBy ||
				in.LaunchType != "" && t.LaunchType != in.LaunchType {
				continue
			}
			if !p.take(tasks.Key(region, c.name(), t.ID)) {
				break
			}
			out.TaskArns = append(out.TaskArns, t.arn())
		}
		out.NextToken = p.next
		return nil
	})
	return out, err
}
