package eventbridge

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	metrics "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"github.com/slipway-dev/slipway/internal/bus"
	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/store"
)

// jobDeliver calls one target with one event.
const jobDeliver = "eventbridge.deliver"

// delivery is the payload of jobDeliver.
type delivery struct {
	Rule      ruleKey
	Target    string
	Event     bus.Event
	Forwarded bool      `json:",omitempty"` // it came from another bus
	Since     time.Time // when it was matched
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
	if err == nil {
		s.count(ctx, ru, "Invocations")
		return nil
	}
	if ctx.Err() != nil {
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
	s.count(ctx, ru, "FailedInvocations")
	return nil
}

// count adds to a metric of a rule. A delivery does not fail for want of it.
func (s *Service) count(ctx context.Context, ru *rule, metric string) {
	err := s.Metrics.Record(ctx, ru.Region, "AWS/Events", []metrics.MetricDatum{{
		MetricName: &metric, Value: aws.Float64(1), Unit: metrics.StandardUnitCount,
		Dimensions: []metrics.Dimension{{Name: aws.String("RuleName"), Value: &ru.Name}},
	}})
	if err != nil {
		s.Log.Warn("a delivery was not counted", "rule", ru.Name, "metric", metric, "err", err)
	}
}

func deadLetter(t *target) string {
	if t.DeadLetterConfig == nil || t.DeadLetterConfig.Arn == nil {
		return "none"
	}
	return "not implemented by Slipway: " + *t.DeadLetterConfig.Arn
}
