package ecr

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"

	"github.com/slipway-dev/slipway/internal/aws/arn"
	"github.com/slipway-dev/slipway/internal/aws/identity"
	"github.com/slipway-dev/slipway/internal/engine"
)

func tagMap(have map[string]string, add []types.Tag) (map[string]string, error) {
	all := maps.Clone(have)
	if all == nil {
		all = map[string]string{}
	}
	for _, t := range add {
		k := aws.ToString(t.Key)
		if strings.HasPrefix(strings.ToLower(k), "aws:") || k == "" || len(k) > 128 || len(aws.ToString(t.Value)) > 256 {
			return nil, fail("InvalidTagParameter", "The tag with key '%s' is not valid: keys have 1 to 128 characters and do not begin with 'aws:', values have at most 256", k)
		}
		all[k] = aws.ToString(t.Value)
	}
	if len(all) > 50 {
		return nil, fail("TooManyTags", "A repository may have at most 50 tags")
	}
	return all, nil
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
	return &ecr.TagResourceOutput{}, s.change(ctx, nil, name, func(_ *engine.Tx, repo *repository) (err error) {
		repo.Tags, err = tagMap(repo.Tags, in.Tags)
		return err
	})
}

// UntagResource removes tags of a repository; unknown keys are no error.
func (s *Service) UntagResource(ctx context.Context, in *ecr.UntagResourceInput, _ ...func(*ecr.Options)) (*ecr.UntagResourceOutput, error) {
	name, err := s.tagged(ctx, in.ResourceArn)
	if err != nil {
		return nil, err
	}
	return &ecr.UntagResourceOutput{}, s.change(ctx, nil, name, func(_ *engine.Tx, repo *repository) error {
		for _, k := range in.TagKeys {
			delete(repo.Tags, k)
		}
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
	out := &ecr.ListTagsForResourceOutput{Tags: []types.Tag{}}
	for _, k := range slices.Sorted(maps.Keys(repo.Tags)) {
		out.Tags = append(out.Tags, types.Tag{Key: aws.String(k), Value: aws.String(repo.Tags[k])})
	}
	return out, nil
}
