package ssm

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/service/ssm"

	"github.com/slipway-dev/slipway/internal/aws/identity"
	"github.com/slipway-dev/slipway/internal/engine"
)

// DeleteParameter deletes a parameter with all its versions.
func (s *Service) DeleteParameter(ctx context.Context, in *ssm.DeleteParameterInput, _ ...func(*ssm.Options)) (*ssm.DeleteParameterOutput, error) {
	name, err := s.named(ctx, *in.Name)
	if err != nil {
		return nil, err
	}
	return &ssm.DeleteParameterOutput{}, s.cfg.Engine.Update(ctx, func(tx *engine.Tx) error {
		p, err := get(tx, identity.Region(ctx), name)
		if err != nil {
			return err
		}
		return s.remove(tx, p)
	})
}

// DeleteParameters deletes up to 10 parameters, and answers the names of those
// that are not there.
func (s *Service) DeleteParameters(ctx context.Context, in *ssm.DeleteParametersInput, _ ...func(*ssm.Options)) (*ssm.DeleteParametersOutput, error) {
	out := &ssm.DeleteParametersOutput{}
	return out, s.cfg.Engine.Update(ctx, func(tx *engine.Tx) error {
		out.DeletedParameters, out.InvalidParameters = []string{}, []string{}
		for _, text := range in.Names {
			name, err := s.named(ctx, text)
			if err != nil {
				return err
			}
			p, err := get(tx, identity.Region(ctx), name)
			if errors.Is(err, errNotFound) {
				out.InvalidParameters = append(out.InvalidParameters, text)
				continue
			}
			if err != nil {
				return err
			}
			if err := s.remove(tx, p); err != nil {
				return err
			}
			out.DeletedParameters = append(out.DeletedParameters, text)
		}
		return nil
	})
}

func (s *Service) remove(tx *engine.Tx, p *parameter) error {
	for v := p.Oldest; v <= p.Version; v++ {
		if err := revisions.Delete(tx, p.Region, p.Name, number(v)); err != nil {
			return err
		}
	}
	if err := tx.Cancel(jobPolicy, p.job()); err != nil {
		return err
	}
	if err := parameters.Delete(tx, parts(p.Region, p.Name)...); err != nil {
		return err
	}
	return s.announce(tx, p, "Delete")
}
