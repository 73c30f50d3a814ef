package lambda

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/slipway-dev/slipway/internal/aws/wire"
	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/store"
)

// eventConcurrency is how many accepted events are worked on at once.
const eventConcurrency = 256

// Waits between attempts. An error of the function has two more, after one and
// two minutes; where there was no room or the service failed, attempts go on
// until the event is too old.
// https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
const (
	defaultRetries = 2
	defaultAge     = 6 * time.Hour
	firstThrottle  = time.Second
	lastThrottle   = 5 * time.Minute
)

// accepted is the payload of jobEvent.
type accepted struct {
	ID string
	// Event is sealed: events have credentials and secrets in them, those of
	// pipelines for one.
	Event  string
	Since  time.Time
	Errors int `json:",omitempty"` // of the function
	Waits  int `json:",omitempty"` // for room
}

// accept keeps an event to be delivered; whoever called may forget it.
func (s *Service) accept(ctx context.Context, e *event) error {
	return s.Engine.Update(ctx, func(tx *engine.Tx) error {
		if _, err := s.find(tx, e.Name); err != nil {
			return err
		}
		return s.enqueueNew(tx, e, time.Time{})
	})
}

// enqueueNew keeps an event until it is delivered, at a time or now.
func (s *Service) enqueueNew(tx *engine.Tx, e *event, at time.Time) error {
	b, err := json.Marshal(e)
	if err != nil {
		return err
	}
	return s.enqueueEvent(tx, &accepted{ID: e.ID, Event: s.Events.Seal(b), Since: tx.Now()}, at)
}

func (s *Service) enqueueEvent(tx *engine.Tx, a *accepted, at time.Time) error {
	return tx.Enqueue(engine.NewJob{Kind: jobEvent, ID: a.ID, At: at, Payload: a})
}

// deliver invokes a function with an accepted event, and decides what follows.
func (s *Service) deliver(ctx context.Context, job *engine.Job) error {
	var a accepted
	if err := json.Unmarshal(job.Payload, &a); err != nil {
		return nil
	}
	var e event
	if b, err := s.Events.Open(a.Event); err != nil {
		return fmt.Errorf("an accepted event: %w", err)
	} else if err := json.Unmarshal(b, &e); err != nil {
		return fmt.Errorf("an accepted event: %w", err)
	}
	r, err := s.execute(ctx, &e)
	if ctx.Err() != nil {
		return ctx.Err() // the next server tries again
	}
	rules, cerr := s.eventRules(ctx, e.Name)
	if cerr != nil {
		return cerr
	}
	wait, again := next(&a, r, err, rules.retries)
	condition := conditionSuccess
	switch {
	case err == nil && !r.failed:
		return s.conclude(ctx, job, &a, &e, rules, condition, r)
	case !again || rules.stopped:
		condition = conditionRetries
	case s.Engine.Now().Add(wait).Sub(a.Since) > rules.age:
		condition = conditionAge
	}
	if condition != conditionSuccess {
		s.Log.Info("an event is given up", "function", e.Name.Function, "request", a.ID, "errors", a.Errors, "why", condition, "err", err)
		return s.conclude(ctx, job, &a, &e, rules, condition, r)
	}
	return s.Engine.Update(ctx, func(tx *engine.Tx) error {
		// The job is replaced by the next attempt: there is never none.
		return s.enqueueEvent(tx, &a, tx.Now().Add(wait))
	})
}

// next counts an attempt and tells whether, and after what, another follows.
func next(a *accepted, r *result, err error, retries int) (wait time.Duration, again bool) {
	var told *wire.Error
	switch {
	case err == nil && !r.failed:
		return 0, false
	case err == nil:
		a.Errors++
		return time.Duration(a.Errors) * time.Minute, a.Errors <= retries
	case errors.As(err, &told) && told.Status != http.StatusInternalServerError && told.Code != "TooManyRequestsException" && told.Code != "ResourceConflictException":
		return 0, false // no such function any more
	}
	a.Waits++
	return min(firstThrottle<<min(a.Waits-1, 9), lastThrottle), true
}

// throttling is the answer where there is no room for another event.
func throttling(reason string) error {
	return &wire.Error{Code: "TooManyRequestsException", Message: "Rate Exceeded.",
		Fields: map[string]string{"Type": "User", "Reason": reason}, Header: http.Header{"Retry-After": {"1"}}}
}

// eventRules are how a function's accepted events are handled.
type eventRules struct {
	retries int
	age     time.Duration
	stopped bool // by a reservation of nothing: nothing is tried again
	// Where the end is told, "" for nowhere.
	onSuccess, onFailure, dead string
}

// eventRules are a function's own, or AWS's.
func (s *Service) eventRules(ctx context.Context, n name) (eventRules, error) {
	rules := eventRules{retries: defaultRetries, age: defaultAge}
	err := s.view(ctx, func(r store.Reader) error {
		at, err := s.find(r, n)
		var told *wire.Error
		if errors.As(err, &told) {
			return nil // it is gone, and its rules with it
		}
		if err != nil {
			return err
		}
		rules.stopped = at.Reserved != nil && *at.Reserved == 0
		if d := at.version.DeadLetterConfig; d != nil {
			rules.dead = aws.ToString(d.TargetArn)
		}
		if n.Qualifier == "" {
			n.Qualifier = latest
		}
		c, err := eventConfigs.Get(r, n.Region, n.Function, n.Qualifier)
		if errors.Is(err, store.ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		if c.MaximumRetryAttempts != nil {
			rules.retries = int(*c.MaximumRetryAttempts)
		}
		if c.MaximumEventAgeInSeconds != nil {
			rules.age = time.Duration(*c.MaximumEventAgeInSeconds) * time.Second
		}
		if d := c.DestinationConfig; d != nil {
			if d.OnSuccess != nil {
				rules.onSuccess = aws.ToString(d.OnSuccess.Destination)
			}
			if d.OnFailure != nil {
				rules.onFailure = aws.ToString(d.OnFailure.Destination)
			}
		}
		return nil
	})
	return rules, err
}
