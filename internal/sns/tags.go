package sns

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sns/types"

	"github.com/slipway-dev/slipway/internal/aws/tag"
	"github.com/slipway-dev/slipway/internal/aws/wire"
	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/store"
)

func tagsOf(list []types.Tag) (tag.Set, error) {
	set, err := tag.From(list, func(t types.Tag) (key, value *string) { return t.Key, t.Value })
	return set, badTags(err)
}

func badTags(err error) error {
	var p *tag.Problem
	if !errors.As(err, &p) {
		return err
	}
	switch p.Reason {
	case tag.Duplicate:
		return wrong("Duplicated keys are not allowed.")
	case tag.TooMany:
		return &wire.Error{Code: "TagLimitExceeded", Message: p.Error()}
	}
	return wrong("Tags Reason: %v", p)
}

// gone is what the tag operations say of a topic that is not there.
func gone(err error) error {
	if isNotFound(err) {
		return &wire.Error{Code: "ResourceNotFound", Message: "Resource does not exist"}
	}
	return err
}

// TagResource adds or overwrites tags of a topic.
func (s *Service) TagResource(ctx context.Context, in *sns.TagResourceInput, _ ...func(*sns.Options)) (*sns.TagResourceOutput, error) {
	set, err := tagsOf(in.Tags)
	if err != nil {
		return nil, err
	}
	return &sns.TagResourceOutput{}, gone(s.changeTopic(ctx, in.ResourceArn, func(_ *engine.Tx, t *topic) error {
		all, err := t.Tags.With(set)
		t.Tags = all
		return badTags(err)
	}))
}

// UntagResource removes tags of a topic; unknown keys are no error.
func (s *Service) UntagResource(ctx context.Context, in *sns.UntagResourceInput, _ ...func(*sns.Options)) (*sns.UntagResourceOutput, error) {
	return &sns.UntagResourceOutput{}, gone(s.changeTopic(ctx, in.ResourceArn, func(_ *engine.Tx, t *topic) error {
		t.Tags = t.Tags.Without(in.TagKeys)
		return nil
	}))
}

// ListTagsForResource lists a topic's tags by key.
func (s *Service) ListTagsForResource(ctx context.Context, in *sns.ListTagsForResourceInput, _ ...func(*sns.Options)) (*sns.ListTagsForResourceOutput, error) {
	out := &sns.ListTagsForResourceOutput{}
	return out, gone(s.Engine.View(ctx, func(r store.Reader) error {
		t, err := s.topicOf(ctx, r, in.ResourceArn)
		if err != nil {
			return err
		}
		out.Tags = tag.List(t.Tags, func(k, v *string) types.Tag { return types.Tag{Key: k, Value: v} })
		return nil
	}))
}
