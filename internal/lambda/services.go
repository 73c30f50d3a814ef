package lambda

import (
	"context"

	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/id"
	"github.com/slipway-dev/slipway/internal/store"
)

// Notify accepts an event for a function in the name of a service: principal is
// the service's (events.amazonaws.com), source the ARN of the resource that it
// speaks for. The function's policy must let the service invoke it.
//
// Errors are *wire.Error where the function is the reason: InvalidParameterValue,
// ResourceNotFound, AccessDenied.
func (s *Service) Notify(ctx context.Context, principal, source, functionARN string, payload []byte) error {
	return s.Engine.Update(ctx, func(tx *engine.Tx) error {
		e, err := s.from(tx, principal, source, functionARN, payload, true)
		if err != nil {
			return err
		}
		return s.enqueueNew(tx, e, tx.Now())
	})
}

// Call runs a function in the name of a service and waits for its answer; failed
// says that it is the function's error. Principal, source and errors are as
// Notify's, and TooManyRequests.
func (s *Service) Call(ctx context.Context, principal, source, functionARN string, payload []byte) (answer []byte, failed bool, err error) {
	var e *event
	err = s.view(ctx, func(r store.Reader) (err error) {
		e, err = s.from(r, principal, source, functionARN, payload, false)
		return err
	})
	if err != nil {
		return nil, false, err
	}
	r, err := s.execute(ctx, e)
	if err != nil {
		return nil, false, err
	}
	return r.payload, r.failed, nil
}

func (s *Service) from(r store.Reader, principal, source, functionARN string, payload []byte, async bool) (*event, error) {
	n, ok := s.parse(s.Site.Region, functionARN)
	if !ok {
		return nil, invalid("%s is not the ARN of a function of this account", functionARN)
	}
	if err := s.permit(r, principal, source, n); err != nil {
		return nil, err
	}
	e := &event{ID: id.UUID(s.IDs), Name: n, Payload: payload}
	return e, e.check(async)
}
