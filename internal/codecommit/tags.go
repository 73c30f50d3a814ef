package codecommit

import (
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codecommit"

	"github.com/slipway-dev/slipway/internal/aws/arn"
	"github.com/slipway-dev/slipway/internal/aws/identity"
)

// maxTags is AWS's limit per resource.
const maxTags = 50

func checkTags(tags map[string]string) error {
	if len(tags) > maxTags {
		return fail("TooManyTags", "A repository may have at most %d tags.", maxTags)
	}
	for k, v := range tags {
		switch {
		case strings.HasPrefix(strings.ToLower(k), "aws:"):
			return fail("InvalidSystemTagUsage", "Tag keys that begin with aws: are reserved: %s", k)
		case k == "" || len([]rune(k)) > 128 || len([]rune(v)) > 256:
			return fail("InvalidTagsMap", "Tag keys have 1 to 128 characters and values at most 256.")
		}
	}
	return nil
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
	if err := checkTags(in.Tags); err != nil {
		return nil, err
	}
	return &codecommit.TagResourceOutput{}, s.change(ctx, name, func(repo *repository) error {
		if repo.Tags == nil {
			repo.Tags = map[string]string{}
		}
		for k, v := range in.Tags {
			repo.Tags[k] = v
		}
		return checkTags(repo.Tags)
	})
}

// UntagResource removes tags; unknown keys are no error.
func (s *Service) UntagResource(ctx context.Context, in *codecommit.UntagResourceInput, _ ...func(*codecommit.Options)) (*codecommit.UntagResourceOutput, error) {
	name, err := s.tagged(ctx, in.ResourceArn)
	if err != nil {
		return nil, err
	}
	return &codecommit.UntagResourceOutput{}, s.change(ctx, name, func(repo *repository) error {
		for _, k := range in.TagKeys {
			delete(repo.Tags, k)
		}
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
