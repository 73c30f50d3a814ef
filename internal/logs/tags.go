package logs

import (
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"github.com/slipway-dev/slipway/internal/aws/identity"
	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/store"
)

const maxTags = 50

func checkTags(tags map[string]string) error {
	for k := range tags {
		if strings.HasPrefix(strings.ToLower(k), "aws:") {
			return invalidParameter("Tag keys starting with aws: are reserved: " + k)
		}
	}
	return nil
}

// TagResource adds tags to the group of an ARN (without ":*").
func (s *Service) TagResource(ctx context.Context, in *cloudwatchlogs.TagResourceInput, _ ...func(*cloudwatchlogs.Options)) (*cloudwatchlogs.TagResourceOutput, error) {
	err := s.retag(ctx, s.ofARN(ctx, in.ResourceArn), in.Tags, nil)
	if err != nil {
		return nil, err
	}
	return &cloudwatchlogs.TagResourceOutput{}, nil
}

// TagLogGroup is the older TagResource.
func (s *Service) TagLogGroup(ctx context.Context, in *cloudwatchlogs.TagLogGroupInput, _ ...func(*cloudwatchlogs.Options)) (*cloudwatchlogs.TagLogGroupOutput, error) {
	err := s.retag(ctx, ofName(ctx, in.LogGroupName), in.Tags, nil)
	if err != nil {
		return nil, err
	}
	return &cloudwatchlogs.TagLogGroupOutput{}, nil
}

// UntagResource removes tags.
func (s *Service) UntagResource(ctx context.Context, in *cloudwatchlogs.UntagResourceInput, _ ...func(*cloudwatchlogs.Options)) (*cloudwatchlogs.UntagResourceOutput, error) {
	err := s.retag(ctx, s.ofARN(ctx, in.ResourceArn), nil, in.TagKeys)
	if err != nil {
		return nil, err
	}
	return &cloudwatchlogs.UntagResourceOutput{}, nil
}

// UntagLogGroup is the older UntagResource.
func (s *Service) UntagLogGroup(ctx context.Context, in *cloudwatchlogs.UntagLogGroupInput, _ ...func(*cloudwatchlogs.Options)) (*cloudwatchlogs.UntagLogGroupOutput, error) {
	err := s.retag(ctx, ofName(ctx, in.LogGroupName), nil, in.Tags)
	if err != nil {
		return nil, err
	}
	return &cloudwatchlogs.UntagLogGroupOutput{}, nil
}

// ListTagsForResource returns the tags of a group.
func (s *Service) ListTagsForResource(ctx context.Context, in *cloudwatchlogs.ListTagsForResourceInput, _ ...func(*cloudwatchlogs.Options)) (*cloudwatchlogs.ListTagsForResourceOutput, error) {
	tags, err := s.tags(ctx, s.ofARN(ctx, in.ResourceArn))
	if err != nil {
		return nil, err
	}
	return &cloudwatchlogs.ListTagsForResourceOutput{Tags: tags}, nil
}

// ListTagsLogGroup is the older ListTagsForResource.
func (s *Service) ListTagsLogGroup(ctx context.Context, in *cloudwatchlogs.ListTagsLogGroupInput, _ ...func(*cloudwatchlogs.Options)) (*cloudwatchlogs.ListTagsLogGroupOutput, error) {
	tags, err := s.tags(ctx, ofName(ctx, in.LogGroupName))
	if err != nil {
		return nil, err
	}
	return &cloudwatchlogs.ListTagsLogGroupOutput{Tags: tags}, nil
}

type finder func(store.Reader) (*group, error)

func ofName(ctx context.Context, name *string) finder {
	return func(r store.Reader) (*group, error) {
		return getGroup(r, identity.Region(ctx), aws.ToString(name))
	}
}

func (s *Service) ofARN(ctx context.Context, resource *string) finder {
	return func(r store.Reader) (*group, error) {
		if !strings.HasPrefix(aws.ToString(resource), "arn:") {
			return nil, invalidParameter("The specified resourceArn is invalid.")
		}
		return s.identified(ctx, r, *resource)
	}
}

func (s *Service) retag(ctx context.Context, find finder, set map[string]string, remove []string) error {
	if err := checkTags(set); err != nil {
		return err
	}
	return s.cfg.Engine.Update(ctx, func(tx *engine.Tx) error {
		g, err := find(tx)
		if err != nil {
			return err
		}
		if g.Tags == nil {
			g.Tags = map[string]string{}
		}
		for k, v := range set {
			g.Tags[k] = v
		}
		for _, k := range remove {
			delete(g.Tags, k)
		}
		if len(g.Tags) > maxTags {
			return &types.TooManyTagsException{
				Message:      aws.String("A resource can have no more than 50 tags."),
				ResourceName: g.LogGroupArn,
			}
		}
		return g.put(tx)
	})
}

func (s *Service) tags(ctx context.Context, find finder) (map[string]string, error) {
	tags := map[string]string{}
	err := s.cfg.Engine.View(ctx, func(r store.Reader) error {
		g, err := find(r)
		if err == nil && g.Tags != nil {
			tags = g.Tags
		}
		return err
	})
	return tags, err
}
