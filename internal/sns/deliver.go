package sns

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	metrics "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/store"
)

// jobDeliver brings one message to one subscriber; its ID is MESSAGE/SUBSCRIPTION.
const jobDeliver = "sns.deliver"

// delivery is the payload of jobDeliver.
type delivery struct {
	Region, Topic, Subscription string
	Message                     message
	Tries                       int `json:",omitempty"` // that failed
}

// lanes is how many messages one subscriber gets at once, so that a slow one
// does not keep the others waiting.
const (
	lanes       = 16
	deliverMost = 256 // to all of them
)

// enqueue makes the delivery of a message part of a transition.
func (s *Service) enqueue(tx *engine.Tx, sub *subscription, m message) error {
	return s.again(tx, &delivery{Region: sub.Region, Topic: sub.Topic, Subscription: sub.ID, Message: m}, time.Time{})
}

func (s *Service) again(tx *engine.Tx, d *delivery, at time.Time) error {
	return tx.Enqueue(engine.NewJob{Kind: jobDeliver, ID: d.Message.ID + "/" + d.Subscription, At: at, Payload: d,
		Key: d.Subscription + "/" + string(d.Message.ID[0])})
}

// failure is why a delivery did not succeed.
type failure struct {
	reason  string
	passing bool // it may succeed later
}

func (f *failure) Error() string { return f.reason }

func giveUp(format string, args ...any) error { return &failure{reason: fmt.Sprintf(format, args...)} }

func later(format string, args ...any) error {
	return &failure{reason: fmt.Sprintf(format, args...), passing: true}
}

// deliver makes one attempt. A subscription that is gone by now needs none, nor
// does one that is not confirmed a message, or one that is a confirmation.
func (s *Service) deliver(ctx context.Context, job *engine.Job) error {
	var d delivery
	if err := json.Unmarshal(job.Payload, &d); err != nil {
		return err
	}
	t, sub, err := s.parties(ctx, &d)
	if errors.Is(err, store.ErrNotFound) || err == nil && sub.Pending == (d.Message.Kind == notification) {
		return nil
	}
	if err != nil {
		return err
	}
	if n := pace(t, sub); n > 0 {
		if at := s.throttles.turn(sub.ID, job.ID, n, s.Engine.Now()); !at.IsZero() {
			return engine.RetryAt(at)
		}
	}
	got, err := s.send(ctx, t, sub, &d.Message)
	if ctx.Err() != nil {
		return err // the engine stops: again at the next start
	}
	if err == nil {
		if d.Message.Kind == notification {
			s.count(ctx, t.Region, t.Name, datum("NumberOfNotificationsDelivered", 1, metrics.StandardUnitCount))
		}
		s.tell(ctx, t, sub, &d, got, nil)
		return nil
	}
	d.Tries++
	var f *failure
	if !errors.As(err, &f) || f.passing {
		if wait, ok := s.policy(t, sub).wait(d.Tries); ok {
			return s.Engine.Update(ctx, func(tx *engine.Tx) error { return s.again(tx, &d, tx.Now().Add(wait)) })
		}
	}
	s.Log.Warn("a message was not delivered", "topic", s.topicARN(t), "subscription", s.subscriptionARN(sub), "protocol", sub.Protocol,
		"endpoint", place(sub), "message", d.Message.ID, "type", d.Message.Kind, "attempts", d.Tries, "err", err, "dead-letter queue", deadLetter(sub))
	if d.Message.Kind == notification {
		s.count(ctx, t.Region, t.Name, datum("NumberOfNotificationsFailed", 1, metrics.StandardUnitCount))
	}
	s.tell(ctx, t, sub, &d, got, err)
	return nil
}

// parties are the topic and the subscription of a delivery.
func (s *Service) parties(ctx context.Context, d *delivery) (t *topic, sub *subscription, err error) {
	err = s.Engine.View(ctx, func(r store.Reader) (err error) {
		if t, err = topics.Get(r, d.Region, d.Topic); err == nil {
			sub, err = subscriptions.Get(r, d.Region, d.Topic, d.Subscription)
		}
		return err
	})
	return t, sub, err
}

// answer is what a subscriber said to a message, as far as there was any.
type answer struct {
	status int // of HTTP
	text   string
}

// send brings a message to a subscriber.
func (s *Service) send(ctx context.Context, t *topic, sub *subscription, m *message) (answer, error) {
	switch {
	case isHTTP(sub.Protocol):
		return s.post(ctx, t, sub, m)
	case sub.Protocol == "lambda":
		return answer{status: http.StatusAccepted, text: "accepted by Lambda"}, s.invoke(ctx, t, sub, m)
	}
	return answer{}, giveUp("delivery by %s is not implemented by Slipway", sub.Protocol)
}

// place is a subscriber's address without what may be secret in it.
func place(sub *subscription) string {
	if !isHTTP(sub.Protocol) {
		return sub.Endpoint
	}
	u, err := url.Parse(sub.Endpoint)
	if err != nil {
		return sub.Protocol
	}
	return u.Scheme + "://" + u.Host
}

func deadLetter(sub *subscription) string {
	if sub.Attributes["RedrivePolicy"] == "" {
		return "none"
	}
	return "not implemented by Slipway: " + sub.Attributes["RedrivePolicy"]
}

func datum(name string, value float64, unit metrics.StandardUnit) metrics.MetricDatum {
	return metrics.MetricDatum{MetricName: &name, Value: &value, Unit: unit}
}

// count adds to a topic's metrics. Nothing fails for want of it.
func (s *Service) count(ctx context.Context, region, topic string, data ...metrics.MetricDatum) {
	for i := range data {
		data[i].Dimensions = []metrics.Dimension{{Name: aws.String("TopicName"), Value: &topic}}
	}
	if err := s.Metrics.Record(ctx, region, "AWS/SNS", data); err != nil {
		s.Log.Warn("what a topic does was not counted", "topic", topic, "err", err)
	}
}
