package cloudwatch

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"

	"github.com/slipway-dev/slipway/internal/aws/wire"
	"github.com/slipway-dev/slipway/internal/engine"
)

// invoker is who invokes functions for alarms.
const invoker = "lambda.alarms.cloudwatch.amazonaws.com"

// jobInvoke is an alarm's action on a function.
const jobInvoke = "cloudwatch.invoke"

// Functions is Lambda. An error that is a *wire.Error is Lambda's answer.
type Functions interface {
	// Invoke accepts an event for a function, given by its ARN, that the function
	// gets later: from a principal, for the resource that source names.
	Invoke(ctx context.Context, principal, source, function string, payload []byte) error
}

// call is the payload of jobInvoke.
type call struct {
	Region, Alarm, Function string
	Event                   json.RawMessage
	Updated                 int64 // when the state changed, milliseconds
}

// functionEvent is what a function gets of a transition ("Invoke a Lambda
// function from an alarm").
func (s *Service) functionEvent(a *alarm, from, to state) (json.RawMessage, error) {
	return marshal(map[string]any{
		"source": "aws.cloudwatch", "alarmArn": a.arn(), "accountId": s.cfg.Site.Account, "time": to.updated.UTC().Format(stamp), "region": a.Region,
		"alarmData": map[string]any{"alarmName": a.name(), "state": eventState(to), "previousState": eventState(from), "configuration": a.configuration()},
	})
}

// call has a function invoked after the transition.
func (s *Service) call(tx *engine.Tx, a *alarm, from, to state, function string) error {
	event, err := s.functionEvent(a, from, to)
	if err != nil {
		return err
	}
	return tx.Enqueue(engine.NewJob{Kind: jobInvoke, Payload: call{Region: a.Region, Alarm: a.name(), Function: function, Event: event, Updated: to.updated.UnixMilli()}})
}

// invoke calls the function and notes what came of it.
func (s *Service) invoke(ctx context.Context, job *engine.Job) error {
	var c call
	if err := json.Unmarshal(job.Payload, &c); err != nil {
		return err
	}
	why := ""
	err := s.cfg.Functions.Invoke(ctx, invoker, s.alarmARN(c.Region, c.Alarm), c.Function, c.Event)
	var told *wire.Error
	switch {
	case errors.As(err, &told) && told.Status < http.StatusInternalServerError && told.Code != "TooManyRequestsException":
		why = told.Message
	case err != nil:
		return err
	}
	return s.cfg.Engine.Update(ctx, func(tx *engine.Tx) error {
		a, err := get(tx, c.Region, c.Alarm)
		if err != nil {
			return err
		}
		if a != nil {
			if err := s.recordAction(tx, a, c.Function, c.Updated, nil, why); err != nil {
				return err
			}
		}
		return tx.Done(job)
	})
}
