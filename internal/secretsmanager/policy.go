package secretsmanager

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"

	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/iam/policy"
)

// GetResourcePolicy answers the policy of a secret, if it has one.
func (s *Service) GetResourcePolicy(ctx context.Context, in *secretsmanager.GetResourcePolicyInput, _ ...func(*secretsmanager.Options)) (*secretsmanager.GetResourcePolicyOutput, error) {
	x, err := s.live(ctx, in.SecretId)
	if err != nil {
		return nil, err
	}
	return &secretsmanager.GetResourcePolicyOutput{ARN: &x.ARN, Name: &x.Name, ResourcePolicy: given(x.Policy)}, nil
}

// PutResourcePolicy replaces the policy of a secret.
func (s *Service) PutResourcePolicy(ctx context.Context, in *secretsmanager.PutResourcePolicyInput, _ ...func(*secretsmanager.Options)) (*secretsmanager.PutResourcePolicyOutput, error) {
	p, err := policy.Parse(*in.ResourcePolicy, policy.Resource)
	if err != nil {
		return nil, fail("MalformedPolicyDocument", "This resource policy contains a syntax error. %s", err)
	}
	x, err := s.change(ctx, in.SecretId, func(tx *engine.Tx, x *secret) error {
		if aws.ToBool(in.BlockPublicPolicy) && public(p, x.ARN) {
			return errPublic
		}
		x.Policy, x.Changed = *in.ResourcePolicy, tx.Now()
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &secretsmanager.PutResourcePolicyOutput{ARN: &x.ARN, Name: &x.Name}, nil
}

var errPublic = fail("PublicPolicy", "You can't use this resource policy because it grants public access to the secret.")

// DeleteResourcePolicy removes the policy; none is no error.
func (s *Service) DeleteResourcePolicy(ctx context.Context, in *secretsmanager.DeleteResourcePolicyInput, _ ...func(*secretsmanager.Options)) (*secretsmanager.DeleteResourcePolicyOutput, error) {
	x, err := s.change(ctx, in.SecretId, func(tx *engine.Tx, x *secret) error {
		x.Policy, x.Changed = "", tx.Now()
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &secretsmanager.DeleteResourcePolicyOutput{ARN: &x.ARN, Name: &x.Name}, nil
}

// ValidateResourcePolicy tells whether PutResourcePolicy would take a policy
// that must not be public.
func (s *Service) ValidateResourcePolicy(ctx context.Context, in *secretsmanager.ValidateResourcePolicyInput, _ ...func(*secretsmanager.Options)) (*secretsmanager.ValidateResourcePolicyOutput, error) {
	resource := "*"
	if in.SecretId != nil {
		x, err := s.live(ctx, in.SecretId)
		if err != nil {
			return nil, err
		}
		resource = x.ARN
	}
	p, err := policy.Parse(*in.ResourcePolicy, policy.Resource)
	if err != nil {
		return nil, fail("MalformedPolicyDocument", "This resource policy contains a syntax error. %s", err)
	}
	out := &secretsmanager.ValidateResourcePolicyOutput{PolicyValidationPassed: true, ValidationErrors: []types.ValidationErrorsEntry{}}
	if public(p, resource) {
		out.PolicyValidationPassed = false
		out.ValidationErrors = append(out.ValidationErrors, types.ValidationErrorsEntry{CheckName: aws.String("PUBLIC_POLICY"), ErrorMessage: aws.String(errPublic.Error())})
	}
	return out, nil
}

// public tells whether a policy lets in an account that it cannot know.
func public(p *policy.Policy, resource string) bool {
	effect, _ := p.Evaluate(&policy.Request{Action: "secretsmanager:GetSecretValue", Resource: resource,
		Principal: policy.Principal{Account: "-", ARN: "arn:aws:iam::-:user/-"}})
	return effect == policy.Allow
}
