package lambda

import (
	"context"
	"maps"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"github.com/slipway-dev/slipway/internal/aws/identity"
	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/store"
)

// tagged reads the ARN of what has tags here: a function.
func (s *Service) tagged(ctx context.Context, resource *string) (name, error) {
	n, ok := s.parse(identity.Region(ctx), aws.ToString(resource))
	if !ok || s.functionARN(n.Region, n.Function) != aws.ToString(resource) || n.Region != identity.Region(ctx) {
		return n, invalid("%s is not the ARN of a function; tags of other resources of Lambda are not implemented by Slipway", aws.ToString(resource))
	}
	return n, nil
}

// TagResource adds tags to a function.
func (s *Service) TagResource(ctx context.Context, in *lambda.TagResourceInput, _ ...func(*lambda.Options)) (*lambda.TagResourceOutput, error) {
	n, err := s.tagged(ctx, in.Resource)
	if err != nil {
		return nil, err
	}
	return &lambda.TagResourceOutput{}, s.change(ctx, n, func(_ *engine.Tx, f *function) error {
		all, err := f.Tags.With(in.Tags)
		f.Tags = all
		return badTags(err)
	})
}

// UntagResource takes tags away; keys that are not there are no error.
func (s *Service) UntagResource(ctx context.Context, in *lambda.UntagResourceInput, _ ...func(*lambda.Options)) (*lambda.UntagResourceOutput, error) {
	n, err := s.tagged(ctx, in.Resource)
	if err != nil {
		return nil, err
	}
	return &lambda.UntagResourceOutput{}, s.change(ctx, n, func(_ *engine.Tx, f *function) error {
		f.Tags = f.Tags.Without(in.TagKeys)
		return nil
	})
}

// ListTags answers a function's tags.
func (s *Service) ListTags(ctx context.Context, in *lambda.ListTagsInput, _ ...func(*lambda.Options)) (*lambda.ListTagsOutput, error) {
	n, err := s.tagged(ctx, in.Resource)
	if err != nil {
		return nil, err
	}
	out := &lambda.ListTagsOutput{Tags: map[string]string{}}
	return out, s.view(ctx, func(r store.Reader) error {
		f, err := s.load(r, n)
		if err == nil {
			maps.Copy(out.Tags, f.Tags)
		}
		return err
	})
}
