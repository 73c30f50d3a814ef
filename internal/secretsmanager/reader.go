package secretsmanager

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"github.com/slipway-dev/slipway/internal/aws/wire"
)

// Reader is Secrets Manager for services that read secrets in the name of their
// callers: GetSecretValue with the caller's permission.
type Reader struct{ *Service }

// GetSecretValue answers what the caller could have asked for.
func (r Reader) GetSecretValue(ctx context.Context, in *secretsmanager.GetSecretValueInput, opts ...func(*secretsmanager.Options)) (*secretsmanager.GetSecretValueOutput, error) {
	if err := r.cfg.Authorizer.Authorize(ctx, wire.Access{Action: "secretsmanager:GetSecretValue", Resource: r.resource(ctx, in.SecretId)}); err != nil {
		return nil, err
	}
	return r.Service.GetSecretValue(ctx, in, opts...)
}
