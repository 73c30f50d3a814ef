package lambda

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	metrics "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	bridge "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	topics "github.com/aws/aws-sdk-go-v2/service/sns/types"
	"github.com/aws/smithy-go"

	"github.com/slipway-dev/slipway/internal/aws/arn"
	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/id"
	"github.com/slipway-dev/slipway/internal/store"
)

// How an asynchronous invocation ended.
const (
	conditionSuccess = "Success"
	conditionRetries = "RetriesExhausted"
	conditionAge     = "EventAgeExceeded"
)

// mostTries is how often a record is tried to be delivered when it is not the
// destination that refuses it.
const mostTries = 8

// parcel is the payload of jobParcel: what is sent somewhere because an
// asynchronous invocation has ended.
type parcel struct {
	Name   name
	Target string // ARN
	// Dead says that the target has the event itself, as dead-letter queues have.
	Dead bool `json:",omitempty"`
	// Body is sealed: it has the event in it, and the function's answer.
	Body string
	Info map[string]string `json:",omitempty"` // attributes of a dead letter
	OK   bool
	ID   string // of the request
}

// invocationRecord is what destinations get.
// https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
type invocationRecord struct {
	Version        string `json:"version"`
	Timestamp      string `json:"timestamp"`
	RequestContext struct {
		RequestID   string `json:"requestId"`
		FunctionARN string `json:"functionArn"`
		Condition   string `json:"condition"`
		Count       int    `json:"approximateInvokeCount"`
	} `json:"requestContext"`
	RequestPayload  json.RawMessage  `json:"requestPayload"`
	ResponseContext *responseContext `json:"responseContext,omitempty"`
	ResponsePayload json.RawMessage  `json:"responsePayload,omitempty"`
}

type responseContext struct {
	StatusCode      int    `json:"statusCode"`
	ExecutedVersion string `json:"executedVersion"`
	FunctionError   string `json:"functionError,omitempty"`
}

// conclude sends what is configured for the end of an asynchronous invocation,
// in the transaction that ends its job. r is nil if the last attempt did not
// reach the function.
func (s *Service) conclude(ctx context.Context, job *engine.Job, a *accepted, e *event, rules eventRules, condition string, r *result) error {
	target := rules.onFailure
	if condition == conditionSuccess {
		target = rules.onSuccess
	}
	dead := rules.dead
	if condition == conditionSuccess {
		dead = ""
	}
	if target == "" && dead == "" {
		return nil
	}
	return s.Engine.Update(ctx, func(tx *engine.Tx) error {
		if target != "" {
			body, err := json.Marshal(s.recordOf(tx.Now(), a, e, condition, r))
			if err != nil {
				return err
			}
			p := &parcel{Name: e.Name, Target: target, Body: s.Events.Seal(body), OK: condition == conditionSuccess, ID: a.ID}
			if err := tx.Enqueue(engine.NewJob{Kind: jobParcel, ID: a.ID, Payload: p}); err != nil {
				return err
			}
		}
		if dead != "" {
			p := &parcel{Name: e.Name, Target: dead, Dead: true, Body: s.Events.Seal(e.Payload), Info: deadInfo(a, r), ID: a.ID}
			if err := tx.Enqueue(engine.NewJob{Kind: jobParcel, ID: a.ID + "/dead", Payload: p}); err != nil {
				return err
			}
		}
		return tx.Done(job)
	})
}

func (s *Service) recordOf(now time.Time, a *accepted, e *event, condition string, r *result) *invocationRecord {
	n := e.Name
	if n.Qualifier == "" {
		n.Qualifier = latest
	}
	rec := &invocationRecord{Version: "1.0", Timestamp: now.UTC().Format("2006-01-02T15:04:05.000Z"), RequestPayload: e.Payload}
	rec.RequestContext.RequestID, rec.RequestContext.FunctionARN, rec.RequestContext.Condition = a.ID, s.arnOf(n), condition
	rec.RequestContext.Count = a.Errors
	if condition == conditionSuccess {
		rec.RequestContext.Count++
	}
	if r != nil {
		rec.ResponseContext = &responseContext{StatusCode: 200, ExecutedVersion: r.version}
		if r.failed {
			rec.ResponseContext.FunctionError = "Unhandled"
		}
		rec.ResponsePayload = r.payload
		if !json.Valid(r.payload) {
			rec.ResponsePayload, _ = json.Marshal(string(r.payload)) // a custom runtime may answer anything
		}
	}
	return rec
}

// deadInfo are the attributes of a dead letter.
// https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-dlq.html
func deadInfo(a *accepted, r *result) map[string]string {
	info := map[string]string{"RequestID": a.ID, "ErrorCode": "429", "ErrorMessage": "Rate Exceeded."}
	if r != nil {
		var told struct {
			Message string `json:"errorMessage"`
		}
		_ = json.Unmarshal(r.payload, &told)
		info["ErrorCode"], info["ErrorMessage"] = "200", told.Message
		if told.Message == "" {
			info["ErrorMessage"] = "Unhandled"
		}
	}
	if m := info["ErrorMessage"]; len(m) > 1024 {
		info["ErrorMessage"] = strings.ToValidUTF8(m[:1024], "")
	}
	return info
}

// send delivers a parcel in the function's execution role. What the target
// refuses is not tried again.
func (s *Service) send(ctx context.Context, job *engine.Job) error {
	var p parcel
	if err := json.Unmarshal(job.Payload, &p); err != nil {
		return nil
	}
	body, err := s.Events.Open(p.Body)
	if err != nil {
		return fmt.Errorf("the record of an invocation: %w", err)
	}
	var role *version
	err = s.view(ctx, func(r store.Reader) error {
		at, err := s.find(r, p.Name)
		role = at.version
		return err
	})
	if err == nil {
		var cfg aws.Config
		if cfg, err = s.Sessions.Config(ctx, s.sessionOf(role)); err == nil {
			err = s.deliverTo(ctx, cfg, &p, body)
		}
	}
	if err == nil || ctx.Err() != nil {
		return ctx.Err()
	}
	var api smithy.APIError
	if refused := errors.As(err, &api) && api.ErrorFault() != smithy.FaultServer; !refused && job.Attempt < mostTries {
		return err
	}
	metric := "DestinationDeliveryFailures"
	if p.Dead {
		metric = "DeadLetterErrors"
	}
	s.note(p.Name, "", metric, metrics.StandardUnitCount, 1)
	s.Log.Warn("the end of an asynchronous invocation is not told", "function", p.Name.Function, "request", p.ID, "destination", p.Target, "err", err)
	return nil
}

func (s *Service) deliverTo(ctx context.Context, cfg aws.Config, p *parcel, body []byte) error {
	to, _ := arn.Parse(p.Target)
	if to.Region != "" {
		cfg.Region = to.Region
	}
	switch to.Service {
	case "sns":
		in := &sns.PublishInput{TopicArn: &p.Target, Message: aws.String(string(body))}
		for k, v := range p.Info {
			kind := "String"
			if _, err := strconv.Atoi(v); k == "ErrorCode" && err == nil {
				kind = "Number"
			}
			if in.MessageAttributes == nil {
				in.MessageAttributes = map[string]topics.MessageAttributeValue{}
			}
			in.MessageAttributes[k] = topics.MessageAttributeValue{DataType: aws.String(kind), StringValue: aws.String(v)}
		}
		_, err := sns.NewFromConfig(cfg).Publish(ctx, in)
		return err
	case "lambda":
		_, err := lambda.NewFromConfig(cfg).Invoke(ctx, &lambda.InvokeInput{FunctionName: &p.Target, InvocationType: types.InvocationTypeEvent, Payload: body})
		return err
	case "events":
		how := "Failure"
		if p.OK {
			how = "Success"
		}
		n := p.Name
		if n.Qualifier == "" {
			n.Qualifier = latest
		}
		out, err := eventbridge.NewFromConfig(cfg).PutEvents(ctx, &eventbridge.PutEventsInput{Entries: []bridge.PutEventsRequestEntry{{
			EventBusName: &p.Target, Source: aws.String("lambda"), DetailType: aws.String("Lambda Function Invocation Result - " + how),
			Resources: []string{p.Target, s.arnOf(n)}, Detail: aws.String(string(body))}}})
		if err == nil && out.FailedEntryCount > 0 {
			err = &smithy.GenericAPIError{Code: aws.ToString(out.Entries[0].ErrorCode), Message: aws.ToString(out.Entries[0].ErrorMessage), Fault: smithy.FaultClient}
		}
		return err
	}
	at := s.Clock.Now().UTC()
	key := fmt.Sprintf("aws/lambda/async/%s/%s/%s-%s", p.Name.Function, at.Format("2006/01/02"), at.Format("2006-01-02T15.04.05"), id.UUID(s.IDs))
	_, err := s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle = true }).PutObject(ctx, &s3.PutObjectInput{
		Bucket: aws.String(to.Resource), Key: &key, Body: strings.NewReader(string(body)), ContentType: aws.String("application/json")})
	return err
}

// destination checks where the ends of invocations are to be told.
func (s *Service) destination(what string, target *string, failure bool) error {
	if aws.ToString(target) == "" {
		return nil
	}
	to, ok := arn.Parse(*target)
	switch {
	case ok && to.Service == "sqs":
		return lacking(what + ": queues of SQS are")
	case ok && (to.Service == "sns" || to.Service == "events") && to.Resource != "":
		return nil
	case ok && to.Service == "s3" && failure && to.Resource != "":
		return nil
	case ok && to.Service == "lambda":
		if _, ok := s.parse(to.Region, *target); ok {
			return nil
		}
	}
	return invalid("The provided destination config DestinationConfig is invalid: %s of %s cannot be a destination", what, *target)
}
