package codeconnections

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codeconnections"
	"github.com/aws/aws-sdk-go-v2/service/codeconnections/types"

	"github.com/slipway-dev/slipway/internal/aws/tag"
	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/store"
)

func tagsFrom(list []types.Tag) (tag.Set, error) {
	s, err := tag.From(list, func(t types.Tag) (*string, *string) { return t.Key, t.Value })
	return s, tagError(err)
}

func tagList(s tag.Set) []types.Tag {
	return tag.List(s, func(k, v *string) types.Tag { return types.Tag{Key: k, Value: v} })
}

func tagError(err error) error {
	var p *tag.Problem
	switch {
	case !errors.As(err, &p):
		return err
	case p.Reason == tag.TooMany:
		return fail("LimitExceeded", "%s", p)
	}
	return fail("Validation", "%s", p)
}

// retag changes the tags of a connection or host.
func (s *Service) retag(ctx context.Context, resource *string, change func(tag.Set) (tag.Set, error)) error {
	return s.Engine.Update(ctx, func(tx *engine.Tx) error {
		return s.tagged(ctx, tx, aws.ToString(resource), func(tags *tag.Set, save func(*engine.Tx) error) (err error) {
			if *tags, err = change(*tags); err != nil {
				return tagError(err)
			}
			return save(tx)
		})
	})
}

// tagged finds what an ARN names and calls do with its tags.
func (s *Service) tagged(ctx context.Context, r store.Reader, resource string, do func(tags *tag.Set, save func(*engine.Tx) error) error) error {
	none := func(string) error { return fail("ResourceNotFound", "Resource %s not found", resource) }
	if err := here(ctx, resource, none); err != nil {
		return err
	}
	if _, _, ok := s.key(resource, connectionKind); ok {
		c, err := s.connectionOf(r, resource)
		if err != nil {
			return err
		}
		return do(&c.Tags, func(tx *engine.Tx) error { return s.putConnection(tx, c) })
	}
	if _, _, ok := s.key(resource, hostKind); ok {
		h, err := s.hostOf(r, resource)
		if err != nil {
			return err
		}
		return do(&h.Tags, func(tx *engine.Tx) error { return s.putHost(tx, h) })
	}
	return none(resource)
}

// TagResource adds tags to a connection or host, or gives them new values.
func (f front) TagResource(ctx context.Context, in *codeconnections.TagResourceInput, _ ...func(*codeconnections.Options)) (*codeconnections.TagResourceOutput, error) {
	more, err := tagsFrom(in.Tags)
	if err != nil {
		return nil, err
	}
	return &codeconnections.TagResourceOutput{}, f.retag(ctx, in.ResourceArn, func(have tag.Set) (tag.Set, error) { return have.With(more) })
}

// UntagResource removes tags; keys that are not there are no error.
func (f front) UntagResource(ctx context.Context, in *codeconnections.UntagResourceInput, _ ...func(*codeconnections.Options)) (*codeconnections.UntagResourceOutput, error) {
	return &codeconnections.UntagResourceOutput{}, f.retag(ctx, in.ResourceArn, func(have tag.Set) (tag.Set, error) { return have.Without(in.TagKeys), nil })
}

// ListTagsForResource lists the tags of a connection or host.
func (f front) ListTagsForResource(ctx context.Context, in *codeconnections.ListTagsForResourceInput, _ ...func(*codeconnections.Options)) (*codeconnections.ListTagsForResourceOutput, error) {
	out := &codeconnections.ListTagsForResourceOutput{}
	return out, f.Engine.View(ctx, func(r store.Reader) error {
		return f.tagged(ctx, r, aws.ToString(in.ResourceArn), func(tags *tag.Set, _ func(*engine.Tx) error) error {
			out.Tags = tagList(*tags)
			return nil
		})
	})
}
