package kms

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"github.com/slipway-dev/slipway/internal/aws/tag"
	"github.com/slipway-dev/slipway/internal/engine"
)

// TagResource adds or overwrites tags of a key.
func (s *Service) TagResource(ctx context.Context, in *kms.TagResourceInput, _ ...func(*kms.Options)) (*kms.TagResourceOutput, error) {
	more, err := tagsOf(in.Tags)
	if err != nil {
		return nil, err
	}
	return &kms.TagResourceOutput{}, s.change(ctx, in.KeyId, func(_ *engine.Tx, k *key) error {
		all, err := k.Tags.With(more)
		if err != nil {
			return tagError(err)
		}
		k.Tags = all
		return k.alive()
	})
}

// UntagResource removes tags; ones that are not there are no error.
func (s *Service) UntagResource(ctx context.Context, in *kms.UntagResourceInput, _ ...func(*kms.Options)) (*kms.UntagResourceOutput, error) {
	return &kms.UntagResourceOutput{}, s.change(ctx, in.KeyId, func(_ *engine.Tx, k *key) error {
		k.Tags = k.Tags.Without(in.TagKeys)
		return k.alive()
	})
}

// ListResourceTags answers the tags by key, 50 a page and so all of them unless
// Limit says less.
func (s *Service) ListResourceTags(ctx context.Context, in *kms.ListResourceTagsInput, _ ...func(*kms.Options)) (*kms.ListResourceTagsOutput, error) {
	k, err := s.findID(ctx, in.KeyId)
	if err != nil {
		return nil, err
	}
	all := tag.List(k.Tags, func(key, value *string) types.Tag { return types.Tag{TagKey: key, TagValue: value} })
	out := &kms.ListResourceTagsOutput{}
	out.Tags, out.NextMarker, err = part("ListResourceTags/"+k.job(), all, in.Marker, min(limit(in.Limit, tag.Most), tag.Most))
	out.Truncated = out.NextMarker != nil
	return out, err
}
