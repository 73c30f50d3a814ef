package sns

import (
	"context"
	"encoding/json"
	"errors"
	"net/mail"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"github.com/slipway-dev/slipway/internal/aws/arn"
	"github.com/slipway-dev/slipway/internal/aws/identity"
	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/id"
	"github.com/slipway-dev/slipway/internal/store"
)

// pendingLife is how long a subscription waits to be confirmed (SNS's
// developer guide, "Confirm the subscription").
const pendingLife = 48 * time.Hour

const jobForget = "sns.forget" // a subscription that nobody confirmed

type forgetJob struct{ Region, Topic, ID string }

// Subscribe adds an endpoint to a topic, or returns the subscription that the
// endpoint has if it does not differ in what the request tells.
func (s *Service) Subscribe(ctx context.Context, in *sns.SubscribeInput, _ ...func(*sns.Options)) (*sns.SubscribeOutput, error) {
	var sub *subscription
	err := s.Engine.Update(ctx, func(tx *engine.Tx) error {
		t, err := s.topicOf(ctx, tx, in.TopicArn)
		if err != nil {
			return err
		}
		sub = &subscription{
			Region: t.Region, Topic: t.Name, ID: id.UUID(s.IDs), Protocol: aws.ToString(in.Protocol), Endpoint: aws.ToString(in.Endpoint),
			Principal: identity.From(ctx).ARN, Attributes: map[string]string{},
		}
		if sub.Pending, err = checkEndpoint(t, sub.Protocol, sub.Endpoint); err != nil {
			return err
		}
		if err := s.setAll(t, sub, in.Attributes); err != nil {
			return err
		}
		if sub.Protocol == "firehose" && sub.Attributes["SubscriptionRoleArn"] == "" {
			return wrong("SubscriptionRoleArn Reason: required for Firehose endpoints")
		}
		old, err := endpoints.Get(tx, t.Region, t.Name, sub.Protocol, sub.Endpoint)
		if errors.Is(err, store.ErrNotFound) {
			return s.add(tx, t, sub)
		}
		if err != nil {
			return err
		}
		asked := sub.Attributes
		if sub, err = subscriptions.Get(tx, t.Region, t.Name, *old); err != nil {
			return err
		}
		if !contains(sub.Attributes, asked) {
			return wrong("Attributes Reason: Subscription already exists with different attributes")
		}
		if sub.Pending { // its owner is asked again
			return s.ask(tx, t, sub)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	out := &sns.SubscribeOutput{SubscriptionArn: aws.String(s.subscriptionARN(sub))}
	if sub.Pending && !in.ReturnSubscriptionArn {
		out.SubscriptionArn = aws.String("pending confirmation")
	}
	return out, nil
}

// add writes a new subscription and counts it.
func (s *Service) add(tx *engine.Tx, t *topic, sub *subscription) error {
	if err := subscriptions.Put(tx, sub, sub.Region, sub.Topic, sub.ID); err != nil {
		return err
	}
	if err := endpoints.Put(tx, &sub.ID, sub.Region, sub.Topic, sub.Protocol, sub.Endpoint); err != nil {
		return err
	}
	if !sub.Pending {
		t.Confirmed++
		return topics.Put(tx, t, t.Region, t.Name)
	}
	t.Pending++
	if err := topics.Put(tx, t, t.Region, t.Name); err != nil {
		return err
	}
	if err := s.ask(tx, t, sub); err != nil {
		return err
	}
	return tx.Enqueue(engine.NewJob{Kind: jobForget, ID: sub.ID, At: s.Engine.Now().Add(pendingLife), Payload: forgetJob{sub.Region, sub.Topic, sub.ID}})
}

// drop removes a subscription; its topic's counts are the caller's.
func (s *Service) drop(tx *engine.Tx, sub *subscription) error {
	if err := subscriptions.Delete(tx, sub.Region, sub.Topic, sub.ID); err != nil {
		return err
	}
	if err := endpoints.Delete(tx, sub.Region, sub.Topic, sub.Protocol, sub.Endpoint); err != nil {
		return err
	}
	tx.AfterCommit(func() { s.throttles.forget(sub.ID) })
	if sub.Pending {
		return tx.Cancel(jobForget, sub.ID)
	}
	return nil
}

// forget removes a subscription that was not confirmed in time.
func (s *Service) forget(ctx context.Context, job *engine.Job) error {
	var j forgetJob
	if err := json.Unmarshal(job.Payload, &j); err != nil {
		return err
	}
	return s.Engine.Update(ctx, func(tx *engine.Tx) error {
		sub, err := subscriptions.Get(tx, j.Region, j.Topic, j.ID)
		if errors.Is(err, store.ErrNotFound) || err == nil && !sub.Pending {
			return nil
		}
		if err != nil {
			return err
		}
		t, err := topics.Get(tx, j.Region, j.Topic)
		if err != nil {
			return err
		}
		if err := s.drop(tx, sub); err != nil {
			return err
		}
		t.Pending--
		return topics.Put(tx, t, t.Region, t.Name)
	})
}

var phone = regexp.MustCompile(`^\+?[0-9](?:[-. ]?[0-9]){3,19}$`)

// checkEndpoint refuses what is no endpoint of the protocol. pending tells
// whether its owner must confirm.
func checkEndpoint(t *topic, protocol, endpoint string) (pending bool, err error) {
	if t.fifo() && protocol != "sqs" {
		return false, wrong("Invalid protocol type: %s", protocol)
	}
	a, _ := arn.Parse(endpoint)
	switch protocol {
	case "http", "https":
		u, err := url.Parse(endpoint)
		if err != nil || u.Scheme != protocol || u.Host == "" || len(endpoint) > 2048 {
			return false, wrong("Endpoint must match the specified protocol")
		}
		return true, nil
	case "email", "email-json":
		if m, err := mail.ParseAddress(endpoint); err != nil || m.Address != endpoint {
			return false, wrong("Email address")
		}
		return true, nil
	case "sms":
		if !phone.MatchString(endpoint) {
			return false, smsError(endpoint)
		}
	case "sqs":
		if a.Service != "sqs" || a.Resource == "" || a.Region == "" || a.Account == "" {
			return false, wrong("SQS endpoint ARN")
		}
		if !t.fifo() && strings.HasSuffix(a.Resource, ".fifo") {
			return false, wrong("Invalid parameter: Endpoint Reason: FIFO SQS Queues can not be subscribed to standard SNS topics")
		}
	case "lambda":
		if a.Service != "lambda" || !strings.HasPrefix(a.Resource, "function:") {
			return false, wrong("Lambda endpoint ARN")
		}
	case "firehose":
		if a.Service != "firehose" || !strings.HasPrefix(a.Resource, "deliverystream/") {
			return false, wrong("Firehose endpoint ARN")
		}
	case "application": // there are no platform applications here
		return false, wrong("Endpoint Reason: Endpoint does not exist for endpoint %s", endpoint)
	default:
		return false, wrong("Amazon SNS does not support this protocol string: %s", protocol)
	}
	return false, nil
}
