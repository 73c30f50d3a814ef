package iam

import (
	"context"

	"github.com/slipway-dev/slipway/internal/aws/identity"
	"github.com/slipway-dev/slipway/internal/aws/wire"
	"github.com/slipway-dev/slipway/internal/iam/policy"
)

// MayAssume decides whether a caller may assume a role that exists. Unlike
// elsewhere the resource's side, the trust policy, must always allow; whether
// the caller's own policies must too depends on how it names the caller.
func (s *Service) MayAssume(ctx context.Context, c *identity.Caller, roleARN string, facts map[string][]string) (policy.Decision, error) {
	role, err := s.rolePrincipal(ctx, roleARN)
	if err != nil {
		return policy.Decision{}, err
	}
	const action = "sts:AssumeRole"
	effect, naming := role.trust.Evaluate(&policy.Request{
		Action:    action,
		Resource:  roleARN,
		Principal: Principal(c),
		Context:   s.facts(ctx, c, nil, facts),
	})
	switch {
	case effect == policy.Deny:
		return policy.Decision{Explicit: true, Source: policy.FromTrust}, nil
	case effect != policy.Allow:
		return policy.Decision{Source: policy.FromTrust}, nil
	case c.Kind == identity.Service:
		return policy.Decision{Allowed: true}, nil
	}
	own, err := s.Decide(ctx, c, wire.Access{Action: action, Resource: roleARN, Context: facts})
	if err != nil || own.Allowed || own.Explicit {
		return own, err
	}
	switch {
	case naming >= policy.ByPrincipal:
		return policy.Decision{Allowed: true}, nil
	case naming == policy.ByRole && own.Source == policy.FromIdentity:
		return policy.Decision{Allowed: true}, nil
	}
	return own, nil
}
