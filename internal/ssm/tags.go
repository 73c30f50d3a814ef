package ssm

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"github.com/slipway-dev/slipway/internal/aws/identity"
	"github.com/slipway-dev/slipway/internal/aws/tag"
	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/store"
)

// AddTagsToResource adds or overwrites tags of a parameter.
func (s *Service) AddTagsToResource(ctx context.Context, in *ssm.AddTagsToResourceInput, _ ...func(*ssm.Options)) (*ssm.AddTagsToResourceOutput, error) {
	more, err := tagsOf(in.Tags)
	if err != nil {
		return nil, err
	}
	return &ssm.AddTagsToResourceOutput{}, s.retag(ctx, in.ResourceType, *in.ResourceId, func(p *parameter) (err error) {
		p.Tags, err = p.Tags.With(more)
		return tagError(err)
	})
}

// RemoveTagsFromResource removes tags; ones that are not there are no error.
func (s *Service) RemoveTagsFromResource(ctx context.Context, in *ssm.RemoveTagsFromResourceInput, _ ...func(*ssm.Options)) (*ssm.RemoveTagsFromResourceOutput, error) {
	return &ssm.RemoveTagsFromResourceOutput{}, s.retag(ctx, in.ResourceType, *in.ResourceId, func(p *parameter) error {
		p.Tags = p.Tags.Without(in.TagKeys)
		return nil
	})
}

// ListTagsForResource answers the tags of a parameter by key.
func (s *Service) ListTagsForResource(ctx context.Context, in *ssm.ListTagsForResourceInput, _ ...func(*ssm.Options)) (*ssm.ListTagsForResourceOutput, error) {
	out := &ssm.ListTagsForResourceOutput{}
	return out, s.cfg.Engine.View(ctx, func(r store.Reader) error {
		p, err := s.tagged(ctx, r, in.ResourceType, *in.ResourceId)
		if err == nil {
			out.TagList = tag.List(p.Tags, func(k, v *string) types.Tag { return types.Tag{Key: k, Value: v} })
		}
		return err
	})
}

func (s *Service) retag(ctx context.Context, kind types.ResourceTypeForTagging, id string, f func(*parameter) error) error {
	return s.cfg.Engine.Update(ctx, func(tx *engine.Tx) error {
		p, err := s.tagged(ctx, tx, kind, id)
		if err != nil {
			return err
		}
		if err := f(p); err != nil {
			return err
		}
		return p.put(tx)
	})
}

// tagged finds the parameter whose tags are meant: only parameters are there.
func (s *Service) tagged(ctx context.Context, r store.Reader, kind types.ResourceTypeForTagging, id string) (*parameter, error) {
	if kind != types.ResourceTypeForTaggingParameter {
		return nil, fail("InvalidResourceType", "Resources of type %s are not implemented by Slipway.", kind)
	}
	name, err := s.named(ctx, id)
	if err != nil {
		return nil, err
	}
	p, err := get(r, identity.Region(ctx), name)
	if errors.Is(err, errNotFound) {
		return nil, fail("InvalidResourceId", "The resource ID is not valid. Verify that you entered the correct ID and try again.")
	}
	return p, err
}
