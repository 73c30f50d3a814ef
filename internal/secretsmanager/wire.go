package secretsmanager

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"github.com/slipway-dev/slipway/internal/aws/identity"
	"github.com/slipway-dev/slipway/internal/aws/wire"
	"github.com/slipway-dev/slipway/internal/store"
)

// Wire is the table of operations that exist.
func (s *Service) Wire() wire.Service {
	on := func(ctx context.Context, name *string) []wire.Access { return wire.On(s.resource(ctx, name)) }
	type c = context.Context
	return wire.Service{Model: "secretsmanager", Operations: []wire.Operation{
		wire.Op("secretsmanager:CreateSecret", s.CreateSecret, func(x c, in *secretsmanager.CreateSecretInput) []wire.Access { return on(x, in.Name) }),
		wire.Op("secretsmanager:DescribeSecret", s.DescribeSecret, func(x c, in *secretsmanager.DescribeSecretInput) []wire.Access { return on(x, in.SecretId) }),
		wire.Op("secretsmanager:GetSecretValue", s.GetSecretValue, func(x c, in *secretsmanager.GetSecretValueInput) []wire.Access { return on(x, in.SecretId) }),
		wire.Op("secretsmanager:BatchGetSecretValue", s.BatchGetSecretValue, nil),
		wire.Op("secretsmanager:ListSecrets", s.ListSecrets, nil),
		wire.Op("secretsmanager:ListSecretVersionIds", s.ListSecretVersionIds, func(x c, in *secretsmanager.ListSecretVersionIdsInput) []wire.Access { return on(x, in.SecretId) }),
		wire.Op("secretsmanager:PutSecretValue", s.PutSecretValue, func(x c, in *secretsmanager.PutSecretValueInput) []wire.Access { return on(x, in.SecretId) }),
		wire.Op("secretsmanager:UpdateSecret", s.UpdateSecret, func(x c, in *secretsmanager.UpdateSecretInput) []wire.Access { return on(x, in.SecretId) }),
		wire.Op("secretsmanager:UpdateSecretVersionStage", s.UpdateSecretVersionStage, func(x c, in *secretsmanager.UpdateSecretVersionStageInput) []wire.Access {
			return on(x, in.SecretId)
		}),
		wire.Op("secretsmanager:DeleteSecret", s.DeleteSecret, func(x c, in *secretsmanager.DeleteSecretInput) []wire.Access { return on(x, in.SecretId) }),
		wire.Op("secretsmanager:RestoreSecret", s.RestoreSecret, func(x c, in *secretsmanager.RestoreSecretInput) []wire.Access { return on(x, in.SecretId) }),
		wire.Op("secretsmanager:GetResourcePolicy", s.GetResourcePolicy, func(x c, in *secretsmanager.GetResourcePolicyInput) []wire.Access { return on(x, in.SecretId) }),
		wire.Op("secretsmanager:PutResourcePolicy", s.PutResourcePolicy, func(x c, in *secretsmanager.PutResourcePolicyInput) []wire.Access { return on(x, in.SecretId) }),
		wire.Op("secretsmanager:DeleteResourcePolicy", s.DeleteResourcePolicy, func(x c, in *secretsmanager.DeleteResourcePolicyInput) []wire.Access { return on(x, in.SecretId) }),
		wire.Op("secretsmanager:ValidateResourcePolicy", s.ValidateResourcePolicy, func(x c, in *secretsmanager.ValidateResourcePolicyInput) []wire.Access {
			if in.SecretId == nil {
				return nil
			}
			return on(x, in.SecretId)
		}),
		wire.Op("secretsmanager:TagResource", s.TagResource, func(x c, in *secretsmanager.TagResourceInput) []wire.Access { return on(x, in.SecretId) }),
		wire.Op("secretsmanager:UntagResource", s.UntagResource, func(x c, in *secretsmanager.UntagResourceInput) []wire.Access { return on(x, in.SecretId) }),
		wire.Op("secretsmanager:GetRandomPassword", s.GetRandomPassword, nil),
	}}
}

// resource is the ARN that policies are asked about. A secret that is not there
// has six characters that a policy's "-??????" matches.
func (s *Service) resource(ctx context.Context, name *string) string {
	found := s.arn(identity.Region(ctx), aws.ToString(name), "------")
	_ = s.cfg.Engine.View(ctx, func(r store.Reader) error {
		if x, err := s.find(ctx, r, name); err == nil {
			found = x.ARN
		}
		return nil
	})
	return found
}
