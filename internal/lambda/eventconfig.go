package lambda

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/page"
	"github.com/slipway-dev/slipway/internal/store"
)

// eventConfig is how a function's accepted events are tried again.
type eventConfig struct {
	Region, Function, Qualifier string
	types.FunctionEventInvokeConfig
}

const eventConfigs store.Table[eventConfig] = "lambda.event" // region, function, qualifier

// configured is the name that an event configuration is kept under.
func (s *Service) configured(ctx context.Context, text, qualifier *string) (name, error) {
	n, err := s.named(ctx, text, qualifier)
	if n.Qualifier == "" {
		n.Qualifier = latest
	}
	return n, err
}

// checkDestinations checks where the ends of invocations are told.
func (s *Service) checkDestinations(d *types.DestinationConfig) error {
	if d == nil {
		return nil
	}
	if d.OnSuccess != nil {
		if err := s.destination("OnSuccess", d.OnSuccess.Destination, false); err != nil {
			return err
		}
	}
	if d.OnFailure != nil {
		return s.destination("OnFailure", d.OnFailure.Destination, true)
	}
	return nil
}

// configure writes what is configured for a name.
func (s *Service) configure(ctx context.Context, n name, whole bool, retries, age *int32, d *types.DestinationConfig) (c *eventConfig, err error) {
	if err := s.checkDestinations(d); err != nil {
		return nil, err
	}
	return c, s.Engine.Update(ctx, func(tx *engine.Tx) error {
		if _, err := s.find(tx, n); err != nil {
			return err
		}
		c, err = eventConfigs.Get(tx, n.Region, n.Function, n.Qualifier)
		switch {
		case errors.Is(err, store.ErrNotFound) && !whole:
			return s.noEventConfig(n)
		case err != nil && !errors.Is(err, store.ErrNotFound):
			return err
		case whole:
			c = &eventConfig{Region: n.Region, Function: n.Function, Qualifier: n.Qualifier}
			c.FunctionArn = aws.String(s.arnOf(n))
			c.DestinationConfig = &types.DestinationConfig{OnSuccess: &types.OnSuccess{}, OnFailure: &types.OnFailure{}}
		}
		if retries != nil {
			c.MaximumRetryAttempts = retries
		}
		if age != nil {
			c.MaximumEventAgeInSeconds = age
		}
		if d != nil {
			c.DestinationConfig = d
			if d.OnSuccess == nil {
				d.OnSuccess = &types.OnSuccess{}
			}
			if d.OnFailure == nil {
				d.OnFailure = &types.OnFailure{}
			}
		}
		c.LastModified = aws.Time(tx.Now())
		return eventConfigs.Put(tx, c, n.Region, n.Function, n.Qualifier)
	})
}

func (s *Service) noEventConfig(n name) error {
	return fail("ResourceNotFound", "The function %s doesn't have an EventInvokeConfig", s.arnOf(n))
}

// PutFunctionEventInvokeConfig sets how often and how long events are tried.
func (s *Service) PutFunctionEventInvokeConfig(ctx context.Context, in *lambda.PutFunctionEventInvokeConfigInput, _ ...func(*lambda.Options)) (*lambda.PutFunctionEventInvokeConfigOutput, error) {
	n, err := s.configured(ctx, in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	if in.MaximumRetryAttempts == nil && in.MaximumEventAgeInSeconds == nil && in.DestinationConfig == nil {
		return nil, invalid("You must specify at least one of error handling or destination setting.")
	}
	c, err := s.configure(ctx, n, true, in.MaximumRetryAttempts, in.MaximumEventAgeInSeconds, in.DestinationConfig)
	if err != nil {
		return nil, err
	}
	out := &lambda.PutFunctionEventInvokeConfigOutput{}
	copyMembers(out, &c.FunctionEventInvokeConfig)
	return out, nil
}

// UpdateFunctionEventInvokeConfig changes what it tells.
func (s *Service) UpdateFunctionEventInvokeConfig(ctx context.Context, in *lambda.UpdateFunctionEventInvokeConfigInput, _ ...func(*lambda.Options)) (*lambda.UpdateFunctionEventInvokeConfigOutput, error) {
	n, err := s.configured(ctx, in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	c, err := s.configure(ctx, n, false, in.MaximumRetryAttempts, in.MaximumEventAgeInSeconds, in.DestinationConfig)
	if err != nil {
		return nil, err
	}
	out := &lambda.UpdateFunctionEventInvokeConfigOutput{}
	copyMembers(out, &c.FunctionEventInvokeConfig)
	return out, nil
}

// GetFunctionEventInvokeConfig answers what is configured.
func (s *Service) GetFunctionEventInvokeConfig(ctx context.Context, in *lambda.GetFunctionEventInvokeConfigInput, _ ...func(*lambda.Options)) (*lambda.GetFunctionEventInvokeConfigOutput, error) {
	n, err := s.configured(ctx, in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	out := &lambda.GetFunctionEventInvokeConfigOutput{}
	return out, s.view(ctx, func(r store.Reader) error {
		if _, err := s.find(r, n); err != nil {
			return err
		}
		c, err := eventConfigs.Get(r, n.Region, n.Function, n.Qualifier)
		if errors.Is(err, store.ErrNotFound) {
			return s.noEventConfig(n)
		}
		if err == nil {
			copyMembers(out, &c.FunctionEventInvokeConfig)
		}
		return err
	})
}

// DeleteFunctionEventInvokeConfig goes back to AWS's defaults.
func (s *Service) DeleteFunctionEventInvokeConfig(ctx context.Context, in *lambda.DeleteFunctionEventInvokeConfigInput, _ ...func(*lambda.Options)) (*lambda.DeleteFunctionEventInvokeConfigOutput, error) {
	n, err := s.configured(ctx, in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	return &lambda.DeleteFunctionEventInvokeConfigOutput{}, s.Engine.Update(ctx, func(tx *engine.Tx) error {
		if _, err := s.find(tx, n); err != nil {
			return err
		}
		if _, err := eventConfigs.Get(tx, n.Region, n.Function, n.Qualifier); errors.Is(err, store.ErrNotFound) {
			return s.noEventConfig(n)
		} else if err != nil {
			return err
		}
		return eventConfigs.Delete(tx, n.Region, n.Function, n.Qualifier)
	})
}

// ListFunctionEventInvokeConfigs lists what is configured for a function.
func (s *Service) ListFunctionEventInvokeConfigs(ctx context.Context, in *lambda.ListFunctionEventInvokeConfigsInput, _ ...func(*lambda.Options)) (*lambda.ListFunctionEventInvokeConfigsOutput, error) {
	n, err := s.unversioned(ctx, in.FunctionName)
	if err != nil {
		return nil, err
	}
	out := &lambda.ListFunctionEventInvokeConfigsOutput{}
	req := page.Request{Scope: store.Key("ListFunctionEventInvokeConfigs", n.Region, n.Function), Token: in.Marker, Max: page.Limit(in.MaxItems, maxPage)}
	err = s.view(ctx, func(r store.Reader) error {
		if _, err := s.load(r, n); err != nil {
			return err
		}
		out.FunctionEventInvokeConfigs, out.NextMarker, err = page.Of(r, eventConfigs, req, func(c *eventConfig) (types.FunctionEventInvokeConfig, bool, error) {
			return c.FunctionEventInvokeConfig, true, nil
		}, n.Region, n.Function)
		return err
	})
	return out, badMarker(err)
}

// dropQualified removes what is configured for a qualifier.
func (s *Service) dropQualified(tx *engine.Tx, n name, qualifier string) error {
	if err := policies.Delete(tx, n.Region, n.Function, qualifier); err != nil {
		return err
	}
	return eventConfigs.Delete(tx, n.Region, n.Function, qualifier)
}
