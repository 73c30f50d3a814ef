package codedeploy

import (
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codedeploy"
	"github.com/aws/aws-sdk-go-v2/service/codedeploy/types"

	"github.com/slipway-dev/slipway/internal/aws/arn"
	"github.com/slipway-dev/slipway/internal/aws/tag"
	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/store"
)

// newTags is the set of a request's tags.
//
// Errors: InvalidTagsToAddException.
func newTags(list []types.Tag) (tag.Set, error) {
	set, err := tag.From(list, func(t types.Tag) (*string, *string) { return t.Key, t.Value })
	if err != nil {
		return nil, &types.InvalidTagsToAddException{Message: text("%s", err)}
	}
	return set, nil
}

// tagged finds the tags that an ARN names, and how to write them back.
//
// Errors: ResourceArnRequiredException, InvalidArnException,
// ArnNotSupportedException, and those of findGroup.
func (s *Service) tagged(r store.Reader, resource *string) (tags *tag.Set, save func(tx *engine.Tx) error, err error) {
	if aws.ToString(resource) == "" {
		return nil, nil, &types.ResourceArnRequiredException{Message: text("The ARN of a resource must be specified.")}
	}
	a, ok := arn.Parse(*resource)
	kind, name, _ := strings.Cut(a.Resource, ":")
	if !ok || a.Service != "codedeploy" || a.Account != s.Site.Account {
		return nil, nil, &types.InvalidArnException{Message: text("The ARN is not valid: %s", *resource)}
	}
	switch kind {
	case "application":
		app, err := findApplication(r, a.Region, &name)
		if err != nil {
			return nil, nil, err
		}
		return &app.Tags, func(tx *engine.Tx) error { return applications.Put(tx, app, a.Region, app.Name) }, nil
	case "deploymentgroup":
		owner, part, _ := strings.Cut(name, "/")
		app, g, err := findGroup(r, a.Region, &owner, &part)
		if err != nil {
			return nil, nil, err
		}
		return &g.Tags, func(tx *engine.Tx) error { return groups.Put(tx, g, a.Region, app.ID, g.name()) }, nil
	}
	return nil, nil, &types.ArnNotSupportedException{Message: text("Only applications and deployment groups have tags: %s", *resource)}
}

func (s *Service) retag(ctx context.Context, resource *string, change func(tag.Set) (tag.Set, error)) error {
	return s.Engine.Update(ctx, func(tx *engine.Tx) error {
		tags, save, err := s.tagged(tx, resource)
		if err != nil {
			return err
		}
		if *tags, err = change(*tags); err != nil {
			return &types.InvalidTagsToAddException{Message: text("%s", err)}
		}
		return save(tx)
	})
}

// TagResource adds tags to an application or a deployment group.
//
// Errors: those of tagged, TagRequiredException, InvalidTagsToAddException.
func (s *Service) TagResource(ctx context.Context, in *codedeploy.TagResourceInput, _ ...func(*codedeploy.Options)) (*codedeploy.TagResourceOutput, error) {
	if len(in.Tags) == 0 {
		return nil, &types.TagRequiredException{Message: text("A tag must be specified.")}
	}
	more, err := newTags(in.Tags)
	if err != nil {
		return nil, err
	}
	return &codedeploy.TagResourceOutput{}, s.retag(ctx, in.ResourceArn, func(have tag.Set) (tag.Set, error) { return have.With(more) })
}

// UntagResource removes tags.
//
// Errors: those of tagged, TagRequiredException.
func (s *Service) UntagResource(ctx context.Context, in *codedeploy.UntagResourceInput, _ ...func(*codedeploy.Options)) (*codedeploy.UntagResourceOutput, error) {
	if len(in.TagKeys) == 0 {
		return nil, &types.TagRequiredException{Message: text("A tag key must be specified.")}
	}
	return &codedeploy.UntagResourceOutput{}, s.retag(ctx, in.ResourceArn, func(have tag.Set) (tag.Set, error) { return have.Without(in.TagKeys), nil })
}

// ListTagsForResource shows tags.
//
// Errors: those of tagged.
func (s *Service) ListTagsForResource(ctx context.Context, in *codedeploy.ListTagsForResourceInput, _ ...func(*codedeploy.Options)) (*codedeploy.ListTagsForResourceOutput, error) {
	out := &codedeploy.ListTagsForResourceOutput{}
	err := s.Engine.View(ctx, func(r store.Reader) error {
		tags, _, err := s.tagged(r, in.ResourceArn)
		if err == nil {
			out.Tags = tag.List(*tags, func(k, v *string) types.Tag { return types.Tag{Key: k, Value: v} })
		}
		return err
	})
	return out, err
}
