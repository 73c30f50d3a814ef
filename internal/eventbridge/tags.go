package eventbridge

import (
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"

	"github.com/slipway-dev/slipway/internal/aws/arn"
	"github.com/slipway-dev/slipway/internal/aws/identity"
	"github.com/slipway-dev/slipway/internal/aws/tag"
	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/store"
)

func tagSet(list []types.Tag) (tag.Set, error) {
	set, err := tag.From(list, func(t types.Tag) (*string, *string) { return t.Key, t.Value })
	if err != nil {
		return nil, validation("%s", err)
	}
	return set, nil
}

// tagged finds the rule or bus of an ARN; save writes what was changed of it.
func (s *Service) tagged(ctx context.Context, r store.Reader, resource *string) (tags *tag.Set, save func(*engine.Tx) error, err error) {
	a, ok := arn.Parse(aws.ToString(resource))
	if !ok || a.Service != "events" || a.Account != s.Site.Account || a.Region != identity.Region(ctx) {
		return nil, nil, notFound("%s does not exist.", aws.ToString(resource))
	}
	if name, ok := strings.CutPrefix(a.Resource, "event-bus/"); ok {
		b, err := s.findBus(ctx, r, name)
		if err != nil {
			return nil, nil, err
		}
		return &b.Tags, func(tx *engine.Tx) error { return buses.Put(tx, b, b.Region, b.Name) }, nil
	}
	name, isRule := strings.CutPrefix(a.Resource, "rule/")
	bus := defaultBus
	if b, rest, ok := strings.Cut(name, "/"); ok {
		bus, name = b, rest
	}
	if !isRule {
		return nil, nil, notFound("%s does not exist.", aws.ToString(resource))
	}
	ru, err := s.findRule(ctx, r, &bus, &name)
	if err != nil {
		return nil, nil, err
	}
	return &ru.Tags, func(tx *engine.Tx) error { return rules.Put(tx, ru, ru.Region, ru.Bus, ru.Name) }, nil
}

// TagResource adds or overwrites tags of a rule or bus.
func (s *Service) TagResource(ctx context.Context, in *eventbridge.TagResourceInput, _ ...func(*eventbridge.Options)) (*eventbridge.TagResourceOutput, error) {
	add, err := tagSet(in.Tags)
	if err != nil {
		return nil, err
	}
	return &eventbridge.TagResourceOutput{}, s.Engine.Update(ctx, func(tx *engine.Tx) error {
		tags, save, err := s.tagged(ctx, tx, in.ResourceARN)
		if err != nil {
			return err
		}
		if *tags, err = tags.With(add); err != nil {
			return validation("%s", err)
		}
		return save(tx)
	})
}

// UntagResource removes tags; keys that are not there are no error.
func (s *Service) UntagResource(ctx context.Context, in *eventbridge.UntagResourceInput, _ ...func(*eventbridge.Options)) (*eventbridge.UntagResourceOutput, error) {
	return &eventbridge.UntagResourceOutput{}, s.Engine.Update(ctx, func(tx *engine.Tx) error {
		tags, save, err := s.tagged(ctx, tx, in.ResourceARN)
		if err != nil {
			return err
		}
		*tags = tags.Without(in.TagKeys)
		return save(tx)
	})
}

// ListTagsForResource lists the tags of a rule or bus.
func (s *Service) ListTagsForResource(ctx context.Context, in *eventbridge.ListTagsForResourceInput, _ ...func(*eventbridge.Options)) (*eventbridge.ListTagsForResourceOutput, error) {
	out := &eventbridge.ListTagsForResourceOutput{}
	return out, s.Engine.View(ctx, func(r store.Reader) error {
		tags, _, err := s.tagged(ctx, r, in.ResourceARN)
		if err == nil {
			out.Tags = tag.List(*tags, func(k, v *string) types.Tag { return types.Tag{Key: k, Value: v} })
		}
		return err
	})
}
