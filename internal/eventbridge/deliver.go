package eventbridge

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	logstypes "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/aws/aws-sdk-go-v2/service/codebuild"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	ecstypes "github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"github.com/aws/smithy-go"

	"github.com/slipway-dev/slipway/internal/aws/arn"
	"github.com/slipway-dev/slipway/internal/aws/session"
	"github.com/slipway-dev/slipway/internal/aws/wire"
	"github.com/slipway-dev/slipway/internal/bus"
	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/id"
	"github.com/slipway-dev/slipway/internal/store"
)

// jobDeliver calls one target with one event.
const jobDeliver = "eventbridge.deliver"

// delivery is the payload of jobDeliver.
type delivery struct {
	Rule   ruleKey
	Target string
	Event  bus.Event
	Since  time.Time // when it was matched
}

// AWS's retry policy where a target has none.
const (
	defaultAge      = 24 * time.Hour
	defaultAttempts = 185
)

// final is a failure that another attempt would meet again.
type final struct{ reason string }

func (f *final) Error() string { return f.reason }

func giveUp(format string, args ...any) error { return &final{fmt.Sprintf(format, args...)} }

// deliverJob calls the target. A rule or target that is gone by now needs no
// delivery.
func (s *Service) deliverJob(ctx context.Context, job *engine.Job) error {
	var d delivery
	if err := json.Unmarshal(job.Payload, &d); err != nil {
		return err
	}
	var ru *rule
	var t *target
	err := s.Engine.View(ctx, func(r store.Reader) (err error) {
		if ru, err = rules.Get(r, d.Rule.Region, d.Rule.Bus, d.Rule.Name); err == nil {
			t, err = targets.Get(r, d.Rule.Region, d.Rule.Bus, d.Rule.Name, d.Target)
		}
		return err
	})
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	err = s.deliver(ctx, job, ru, t, &d)
	if err == nil || ctx.Err() != nil {
		return err
	}
	age, attempts := defaultAge, defaultAttempts
	if p := t.RetryPolicy; p != nil {
		if p.MaximumEventAgeInSeconds != nil {
			age = time.Duration(*p.MaximumEventAgeInSeconds) * time.Second
		}
		if p.MaximumRetryAttempts != nil {
			attempts = int(*p.MaximumRetryAttempts)
		}
	}
	var f *final
	if !errors.As(err, &f) && job.Attempt <= attempts && s.Engine.Now().Sub(d.Since) < age {
		return err // the engine tries again, later and later
	}
	s.Log.Warn("event was not delivered", "rule", s.ruleARN(ru.Region, ru.Bus, ru.Name), "target", aws.ToString(t.Arn), "target id", d.Target,
		"event", d.Event.ID, "detail-type", d.Event.DetailType, "attempts", job.Attempt, "err", err, "dead-letter queue", deadLetter(t))
	return nil
}

func deadLetter(t *target) string {
	if t.DeadLetterConfig == nil || t.DeadLetterConfig.Arn == nil {
		return "none"
	}
	return "not implemented by Slipway: " + *t.DeadLetterConfig.Arn
}

func (s *Service) deliver(ctx context.Context, job *engine.Job, ru *rule, t *target, d *delivery) error {
	a, ok := arn.Parse(aws.ToString(t.Arn))
	if !ok {
		return giveUp("%s is no ARN", aws.ToString(t.Arn))
	}
	text, err := input(&t.Target, &d.Event, ru, s.ruleARN(ru.Region, ru.Bus, ru.Name), d.Since)
	if err != nil {
		return giveUp("%s", err)
	}
	switch {
	case a.Service == "codepipeline":
		return s.startPipeline(ctx, job, t, a)
	case a.Service == "codebuild" && strings.HasPrefix(a.Resource, "project/"):
		return s.startBuild(ctx, job, t, a, text)
	case a.Service == "ecs" && strings.HasPrefix(a.Resource, "cluster/"):
		return s.runTask(ctx, job, t, a, text)
	case a.Service == "logs" && strings.HasPrefix(a.Resource, "log-group:"):
		return s.appendLog(ctx, job, a, text, d)
	case a.Service == "events" && strings.HasPrefix(a.Resource, "event-bus/"):
		return s.forward(ctx, job, a, d)
	}
	return giveUp("targets of the service %s are not implemented by Slipway", a.Service)
}

// as makes clients that act in the target's role, where the target is.
func (s *Service) as(ctx context.Context, t *target, a arn.ARN) (aws.Config, error) {
	cfg, err := s.Sessions.Config(ctx, session.Request{
		RoleARN: aws.ToString(t.RoleArn), Name: "events-" + t.Rule, Service: principal,
		SourceARN: s.ruleARN(t.Region, t.Bus, t.Rule), Region: a.Region,
	})
	return cfg, classify(err)
}

// classify makes failures final that another attempt would meet again: a
// missing permission, a missing target, a request that is not valid.
func classify(err error) error {
	var own *wire.Error
	if errors.As(err, &own) {
		return &final{own.Error()}
	}
	var api smithy.APIError
	if errors.As(err, &api) && api.ErrorFault() != smithy.FaultServer && !strings.Contains(api.ErrorCode(), "Throttl") &&
		!strings.Contains(api.ErrorCode(), "LimitExceeded") {
		return &final{api.ErrorCode() + ": " + api.ErrorMessage()}
	}
	return err
}

// token is the same for every attempt of a delivery, so that a second one that
// follows a crash does nothing.
func token(job *engine.Job) *string {
	sum := sha256.Sum256([]byte(job.ID))
	return aws.String(fmt.Sprintf("%x-%x-%x-%x-%x", sum[:4], sum[4:6], sum[6:8], sum[8:10], sum[10:16]))
}

func (s *Service) startPipeline(ctx context.Context, job *engine.Job, t *target, a arn.ARN) error {
	cfg, err := s.as(ctx, t, a)
	if err != nil {
		return err
	}
	_, err = codepipeline.NewFromConfig(cfg).StartPipelineExecution(ctx, &codepipeline.StartPipelineExecutionInput{
		Name: &a.Resource, ClientRequestToken: token(job),
	})
	return classify(err)
}

// startBuild takes the input, where the target has one of its own, as the
// parameters of StartBuild.
func (s *Service) startBuild(ctx context.Context, job *engine.Job, t *target, a arn.ARN, text []byte) error {
	in := codebuild.StartBuildInput{}
	if custom(&t.Target) {
		if err := json.Unmarshal(text, &in); err != nil {
			return giveUp("the input is not that of StartBuild: %s", err)
		}
	}
	in.ProjectName, in.IdempotencyToken = aws.String(strings.TrimPrefix(a.Resource, "project/")), token(job)
	cfg, err := s.as(ctx, t, a)
	if err != nil {
		return err
	}
	_, err = codebuild.NewFromConfig(cfg).StartBuild(ctx, &in)
	return classify(err)
}

// runTask takes the input, where the target has one of its own, as the
// overrides of the task.
func (s *Service) runTask(ctx context.Context, job *engine.Job, t *target, a arn.ARN, text []byte) error {
	p := t.EcsParameters
	in := ecs.RunTaskInput{
		Cluster: t.Arn, TaskDefinition: p.TaskDefinitionArn, Count: p.TaskCount, Group: p.Group, LaunchType: ecstypes.LaunchType(p.LaunchType),
		PlatformVersion: p.PlatformVersion, EnableExecuteCommand: p.EnableExecuteCommand, EnableECSManagedTags: p.EnableECSManagedTags,
		ReferenceId: p.ReferenceId, PropagateTags: ecstypes.PropagateTags(p.PropagateTags),
		StartedBy: aws.String("events-rule/" + clipped(t.Rule, 24)), ClientToken: token(job),
	}
	if n := p.NetworkConfiguration; n != nil && n.AwsvpcConfiguration != nil {
		in.NetworkConfiguration = &ecstypes.NetworkConfiguration{AwsvpcConfiguration: &ecstypes.AwsVpcConfiguration{
			Subnets: n.AwsvpcConfiguration.Subnets, SecurityGroups: n.AwsvpcConfiguration.SecurityGroups,
			AssignPublicIp: ecstypes.AssignPublicIp(n.AwsvpcConfiguration.AssignPublicIp),
		}}
	}
	for _, tag := range p.Tags {
		in.Tags = append(in.Tags, ecstypes.Tag{Key: tag.Key, Value: tag.Value})
	}
	if custom(&t.Target) {
		if err := json.Unmarshal(text, &in.Overrides); err != nil {
			return giveUp("the input is not the overrides of a task: %s", err)
		}
	}
	cfg, err := s.as(ctx, t, a)
	if err != nil {
		return err
	}
	out, err := ecs.NewFromConfig(cfg).RunTask(ctx, &in)
	if err != nil {
		return classify(err)
	}
	for _, f := range out.Failures {
		return giveUp("the task was not started: %s", aws.ToString(f.Reason))
	}
	return nil
}

func clipped(s string, n int) string { return s[:min(len(s), n)] }

// appendLog writes the event to a log group: each delivery has a stream of its
// own.
func (s *Service) appendLog(ctx context.Context, job *engine.Job, a arn.ARN, text []byte, d *delivery) error {
	group := strings.TrimSuffix(strings.TrimPrefix(a.Resource, "log-group:"), ":*")
	return s.Engine.Update(ctx, func(tx *engine.Tx) error {
		if err := tx.Done(job); err != nil {
			return err
		}
		return s.Logs.Append(tx, a.Region, group, *token(job), []logstypes.InputLogEvent{{
			Timestamp: aws.Int64(d.Since.UnixMilli()), Message: aws.String(string(text)),
		}})
	})
}

// forward puts the event on another bus. An event does not go round in circles:
// it is forwarded once.
func (s *Service) forward(ctx context.Context, job *engine.Job, a arn.ARN, d *delivery) error {
	name := strings.TrimPrefix(a.Resource, "event-bus/")
	switch {
	case a.Account != s.Site.Account:
		return giveUp("event buses of other accounts are not implemented by Slipway")
	case d.Rule.Bus != defaultBus && name != defaultBus, d.Rule.Region == a.Region && d.Rule.Bus == name:
		return giveUp("an event is forwarded from one bus to another once")
	}
	ev := d.Event
	ev.Region = a.Region
	return s.Engine.Update(ctx, func(tx *engine.Tx) error {
		if _, err := buses.Get(tx, a.Region, name); name != defaultBus && errors.Is(err, store.ErrNotFound) {
			return giveUp("event bus %s does not exist", name)
		} else if err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
		if err := tx.Done(job); err != nil {
			return err
		}
		return tx.Enqueue(engine.NewJob{Kind: jobMatch, ID: id.UUID(s.IDs), Payload: put{name, ev}})
	})
}
