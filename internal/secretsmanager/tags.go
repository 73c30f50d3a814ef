package secretsmanager

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"github.com/slipway-dev/slipway/internal/engine"
)

// TagResource adds or overwrites tags of a secret.
func (s *Service) TagResource(ctx context.Context, in *secretsmanager.TagResourceInput, _ ...func(*secretsmanager.Options)) (*secretsmanager.TagResourceOutput, error) {
	more, err := tagsOf(in.Tags)
	if err != nil {
		return nil, err
	}
	_, err = s.change(ctx, in.SecretId, func(_ *engine.Tx, x *secret) (err error) {
		x.Tags, err = x.Tags.With(more)
		return tagError(err)
	})
	return &secretsmanager.TagResourceOutput{}, err
}

// UntagResource removes tags; ones that are not there are no error.
func (s *Service) UntagResource(ctx context.Context, in *secretsmanager.UntagResourceInput, _ ...func(*secretsmanager.Options)) (*secretsmanager.UntagResourceOutput, error) {
	_, err := s.change(ctx, in.SecretId, func(_ *engine.Tx, x *secret) error {
		x.Tags = x.Tags.Without(in.TagKeys)
		return nil
	})
	return &secretsmanager.UntagResourceOutput{}, err
}
