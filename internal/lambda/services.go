package lambda

import (
	"context"

	"github.com/slipway-dev/slipway/internal/id"
)

// Notify accepts an event for a function, given by its ARN, from a service that
// acts in no role. The function's policy must let it.
func (s *Service) Notify(ctx context.Context, by Source, function string, payload []byte) error {
	e, err := s.from(ctx, by, function, payload, true)
	if err != nil {
		return err
	}
	return s.accept(ctx, e)
}

// Call runs a function, given by its ARN, for a service that acts in no role and
// waits for the answer. failed says that it is the function's error. The
// function's policy must let it.
func (s *Service) Call(ctx context.Context, by Source, function string, payload []byte) (answer []byte, failed bool, err error) {
	e, err := s.from(ctx, by, function, payload, false)
	if err != nil {
		return nil, false, err
	}
	r, err := s.execute(ctx, e)
	if err != nil {
		return nil, false, err
	}
	return r.payload, r.failed, nil
}

func (s *Service) from(ctx context.Context, by Source, function string, payload []byte, async bool) (*event, error) {
	n, ok := s.parse(s.Site.Region, function)
	if !ok {
		return nil, invalid("%s is not the ARN of a function of this account", function)
	}
	if err := s.permit(ctx, by, n); err != nil {
		return nil, err
	}
	e := &event{ID: id.UUID(s.IDs), Name: n, Payload: payload}
	return e, e.check(async)
}
