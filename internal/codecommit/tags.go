package codecommit

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codecommit"

	"github.com/slipway-dev/slipway/internal/aws/arn"
	"github.com/slipway-dev/slipway/internal/aws/identity"
	"github.com/slipway-dev/slipway/internal/aws/tag"
)

func checkTags(tags tag.Set) error { return badTags(tags.Check()) }

func badTags(err error) error {
	var p *tag.Problem
	if !errors.As(err, &p) {
		return err
	}
	switch p.Reason {
	case tag.TooMany:
		return fail("TooManyTags", "%v", p)
	case tag.Reserved:
		return fail("InvalidSystemTagUsage", "%v", p)
	}
	return fail("InvalidTagsMap", "%v", p)
}

func (s *Service) tagged(ctx context.Context, resource *string) (*string, error) {
	a, ok := arn.Parse(aws.ToString(resource))
	if !ok || a.Service != "codecommit" || a.Resource == "" {
		return nil, fail("InvalidResourceArn", "%s is not the ARN of a repository.", aws.ToString(resource))
	}
	if a.Account != s.Site.Account || a.Region != identity.Region(ctx) {
		return nil, fail("RepositoryDoesNotExist", "%s does not exist", a.Resource)
	}
	return &a.Resource, nil
}

// TagResource adds or overwrites tags.
func (s *Service) TagResource(ctx context.Context, in *codecommit.TagResourceInput, _ ...func(*codecommit.Options)) (*codecommit.TagResourceOutput, error) {
	name, err := s.tagged(ctx, in.ResourceArn)
	if err != nil {
		return nil, err
	}
	return &codecommit.TagResourceOutput{}, s.change(ctx, name, func(repo *repository) (err error) {
		repo.Tags, err = repo.Tags.With(in.Tags)
		return badTags(err)
	})
}

// UntagResource removes tags; unknown keys are no error.
func (s *Service) UntagResource(ctx context.Context, in *codecommit.UntagResourceInput, _ ...func(*codecommit.Options)) (*codecommit.UntagResourceOutput, error) {
	name, err := s.tagged(ctx, in.ResourceArn)
	if err != nil {
		return nil, err
	}
	return &codecommit.UntagResourceOutput{}, s.change(ctx, name, func(repo *repository) error {
		repo.Tags = repo.Tags.Without(in.TagKeys)
		return nil
	})
}

// ListTagsForResource returns all tags; there are never enough for two pages.
func (s *Service) ListTagsForResource(ctx context.Context, in *codecommit.ListTagsForResourceInput, _ ...func(*codecommit.Options)) (*codecommit.ListTagsForResourceOutput, error) {
	name, err := s.tagged(ctx, in.ResourceArn)
	if err != nil {
		return nil, err
	}
	repo, err := s.find(ctx, name)
	if err != nil {
		return nil, err
	}
	tags := repo.Tags
	if tags == nil {
		tags = map[string]string{}
	}
	return &codecommit.ListTagsForResourceOutput{Tags: tags}, nil
}
