package ecr

import (
	"context"
	"errors"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"

	"github.com/slipway-dev/slipway/internal/aws/arn"
	"github.com/slipway-dev/slipway/internal/aws/identity"
	"github.com/slipway-dev/slipway/internal/aws/tag"
	"github.com/slipway-dev/slipway/internal/engine"
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
	if p.Reason == tag.TooMany {
		return fail("TooManyTags", "%v", p)
	}
	return fail("InvalidTagParameter", "%v", p)
}

func (s *Service) tagged(ctx context.Context, resource *string) (*string, error) {
	a, ok := arn.Parse(aws.ToString(resource))
	name, isRepository := strings.CutPrefix(a.Resource, "repository/")
	if !ok || a.Service != "ecr" || !isRepository {
		return nil, fail("InvalidParameter", "Invalid parameter at 'resourceArn' failed to satisfy constraint: 'Invalid ARN'")
	}
	if a.Account != s.Site.Account || a.Region != identity.Region(ctx) {
		return nil, fail("RepositoryNotFound", "The repository with name '%s' does not exist in the registry with id '%s'", name, a.Account)
	}
	return &name, nil
}

// TagResource adds or overwrites tags of a repository.
func (s *Service) TagResource(ctx context.Context, in *ecr.TagResourceInput, _ ...func(*ecr.Options)) (*ecr.TagResourceOutput, error) {
	name, err := s.tagged(ctx, in.ResourceArn)
	if err != nil {
		return nil, err
	}
	set, err := tagsOf(in.Tags)
	if err != nil {
		return nil, err
	}
	return &ecr.TagResourceOutput{}, s.change(ctx, nil, name, func(_ *engine.Tx, repo *repository) (err error) {
		repo.Tags, err = repo.Tags.With(set)
		return badTags(err)
	})
}

// UntagResource removes tags of a repository; unknown keys are no error.
func (s *Service) UntagResource(ctx context.Context, in *ecr.UntagResourceInput, _ ...func(*ecr.Options)) (*ecr.UntagResourceOutput, error) {
	name, err := s.tagged(ctx, in.ResourceArn)
	if err != nil {
		return nil, err
	}
	return &ecr.UntagResourceOutput{}, s.change(ctx, nil, name, func(_ *engine.Tx, repo *repository) error {
		repo.Tags = repo.Tags.Without(in.TagKeys)
		return nil
	})
}

// ListTagsForResource lists a repository's tags by key.
func (s *Service) ListTagsForResource(ctx context.Context, in *ecr.ListTagsForResourceInput, _ ...func(*ecr.Options)) (*ecr.ListTagsForResourceOutput, error) {
	name, err := s.tagged(ctx, in.ResourceArn)
	if err != nil {
		return nil, err
	}
	repo, err := s.find(ctx, nil, name)
	if err != nil {
		return nil, err
	}
	return &ecr.ListTagsForResourceOutput{Tags: tag.List(repo.Tags, func(k, v *string) types.Tag {
		return types.Tag{Key: k, Value: v}
	})}, nil
}
