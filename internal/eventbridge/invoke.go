package eventbridge

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	logstypes "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/aws/aws-sdk-go-v2/service/codebuild"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	ecstypes "github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/slipway-dev/slipway/internal/aws/arn"
	"github.com/slipway-dev/slipway/internal/aws/session"
	"github.com/slipway-dev/slipway/internal/aws/wire"
	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/id"
	"github.com/slipway-dev/slipway/internal/store"
)

// deliver does what a target is for.
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
		return s.startPipeline(ctx, t, a, d)
	case a.Service == "codebuild" && strings.HasPrefix(a.Resource, "project/"):
		return s.startBuild(ctx, job, t, a, text)
	case a.Service == "ecs" && strings.HasPrefix(a.Resource, "cluster/"):
		return s.runTask(ctx, job, t, a, text)
	case a.Service == "logs" && strings.HasPrefix(a.Resource, "log-group:"):
		return s.appendLog(ctx, job, a, text, d)
	case a.Service == "lambda" && strings.HasPrefix(a.Resource, "function:"):
		return classify(s.Functions.Invoke(ctx, principal, s.ruleARN(ru.Region, ru.Bus, ru.Name), *t.Arn, text))
	case a.Service == "sns":
		return s.publish(ctx, job, ru, t, a, text)
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
	if errors.As(err, &own) && own.Status < http.StatusInternalServerError && own.Code != "TooManyRequestsException" {
		return &final{own.Error()}
	}
	var api smithy.APIError
	if !errors.As(err, &api) {
		return err
	}
	// By its status: what the model does not have is of unknown fault to the SDK.
	var answer *smithyhttp.ResponseError
	if errors.As(err, &answer) && answer.HTTPStatusCode() >= http.StatusInternalServerError {
		return err
	}
	for _, passing := range []string{"Throttl", "LimitExceeded", "Conflict"} {
		if strings.Contains(api.ErrorCode(), passing) {
			return err
		}
	}
	return &final{api.ErrorCode() + ": " + api.ErrorMessage()}
}

// token is the same for every attempt of a delivery, so that a second one that
// follows a crash does nothing.
func token(job *engine.Job) *string {
	sum := sha256.Sum256([]byte(job.ID))
	return aws.String(fmt.Sprintf("%x-%x-%x-%x-%x", sum[:4], sum[4:6], sum[6:8], sum[8:10], sum[10:16]))
}

// startPipeline starts an execution. The token is the event's id, by which the
// pipeline knows that it has started for this event already: by an earlier
// attempt, by another rule, or because it watches its source by itself.
func (s *Service) startPipeline(ctx context.Context, t *target, a arn.ARN, d *delivery) error {
	cfg, err := s.as(ctx, t, a)
	if err != nil {
		return err
	}
	_, err = codepipeline.NewFromConfig(cfg).StartPipelineExecution(ctx, &codepipeline.StartPipelineExecutionInput{
		Name: &a.Resource, ClientRequestToken: &d.Event.ID,
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

// publish sends the input to a topic, as it is: a text keeps its quotes. Without a
// role the rule's principal publishes, if the topic's policy lets it.
func (s *Service) publish(ctx context.Context, job *engine.Job, ru *rule, t *target, a arn.ARN, text []byte) error {
	if t.RoleArn != nil {
		cfg, err := s.as(ctx, t, a)
		if err != nil {
			return err
		}
		_, err = sns.NewFromConfig(cfg).Publish(ctx, &sns.PublishInput{TopicArn: t.Arn, Message: aws.String(string(text))})
		return classify(err)
	}
	return classify(s.Engine.Update(ctx, func(tx *engine.Tx) error {
		if err := s.Topics.Notify(tx, principal, s.ruleARN(ru.Region, ru.Bus, ru.Name), *t.Arn, "", string(text)); err != nil {
			return err
		}
		return tx.Done(job)
	}))
}

func clipped(s string, n int) string { return s[:min(len(s), n)] }

// appendLog writes the event to a log group, which must be there: each delivery
// has a stream of its own. A transformer makes the event's time and text.
func (s *Service) appendLog(ctx context.Context, job *engine.Job, a arn.ARN, text []byte, d *delivery) error {
	group := strings.TrimSuffix(strings.TrimPrefix(a.Resource, "log-group:"), ":*")
	entry := logEntry(text, d.Since)
	return s.Engine.Update(ctx, func(tx *engine.Tx) error {
		there, err := s.Logs.HasGroup(tx, a.Region, group)
		if err != nil {
			return err
		}
		if !there {
			return giveUp("log group %s does not exist", group)
		}
		if err := tx.Done(job); err != nil {
			return err
		}
		return s.Logs.Append(tx, a.Region, group, *token(job), []logstypes.InputLogEvent{entry})
	})
}

// logEntry is what a target's input says: a JSON object of a timestamp, in
// milliseconds or as in an event, and a message. Any other input is the message.
func logEntry(input []byte, now time.Time) logstypes.InputLogEvent {
	out := logstypes.InputLogEvent{Timestamp: aws.Int64(now.UnixMilli()), Message: aws.String(string(input))}
	var e struct {
		Timestamp json.RawMessage `json:"timestamp"`
		Message   *string         `json:"message"`
	}
	if json.Unmarshal(input, &e) != nil || e.Message == nil || e.Timestamp == nil {
		return out
	}
	var millis *int64
	var at *time.Time
	switch {
	case json.Unmarshal(e.Timestamp, &millis) == nil && millis != nil:
		out.Timestamp = millis
	case json.Unmarshal(e.Timestamp, &at) == nil && at != nil:
		out.Timestamp = aws.Int64(at.UnixMilli())
	default:
		return out
	}
	out.Message = e.Message
	return out
}

// forward puts the event, as it is, on another bus. It is forwarded once: AWS
// does not route it on to a third bus, and so it does not go round in circles.
func (s *Service) forward(ctx context.Context, job *engine.Job, a arn.ARN, d *delivery) error {
	name := strings.TrimPrefix(a.Resource, "event-bus/")
	switch {
	case a.Account != s.Site.Account:
		return giveUp("event buses of other accounts are not implemented by Slipway")
	case d.Forwarded:
		return giveUp("an event that another bus forwarded is not forwarded again")
	case d.Rule.Region == a.Region && d.Rule.Bus == name:
		return giveUp("the event is on that bus already")
	}
	return s.Engine.Update(ctx, func(tx *engine.Tx) error {
		if _, err := buses.Get(tx, a.Region, name); name != defaultBus && errors.Is(err, store.ErrNotFound) {
			return giveUp("event bus %s does not exist", name)
		} else if err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
		if err := tx.Done(job); err != nil {
			return err
		}
		return tx.Enqueue(engine.NewJob{Kind: jobMatch, ID: id.UUID(s.IDs), Payload: put{Region: a.Region, Bus: name, Event: d.Event, Forwarded: true}})
	})
}
