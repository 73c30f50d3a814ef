package codepipeline

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline/types"

	"github.com/slipway-dev/slipway/internal/aws/arn"
	"github.com/slipway-dev/slipway/internal/aws/identity"
	"github.com/slipway-dev/slipway/internal/aws/wire"
	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/store"
)

// maxTagPage is how many tags a page of ListTagsForResource holds at most.
const maxTagPage = 100

// tagged reads the pipeline that an ARN names.
//
// Errors: InvalidArnException, ResourceNotFoundException.
func (s *Service) tagged(ctx context.Context, r store.Reader, resource string) (*Pipeline, error) {
	a, ok := arn.Parse(resource)
	if !ok || a.Service != "codepipeline" || a.Region != identity.Region(ctx) || a.Account != s.cfg.Site.Account || a.Resource == "" {
		return nil, &types.InvalidArnException{Message: aws.String("The specified resource ARN is invalid: " + resource)}
	}
	p, err := pipelines.Get(r, a.Region, a.Resource)
	if errors.Is(err, store.ErrNotFound) {
		return nil, &types.ResourceNotFoundException{Message: aws.String(fmt.Sprintf(
			"The account with id '%s' does not include a pipeline with the name '%s'", s.cfg.Site.Account, a.Resource))}
	}
	return p, err
}

// TagResource adds tags to a pipeline or changes their values.
//
// Errors: InvalidArnException, ResourceNotFoundException, InvalidTagsException,
// TooManyTagsException.
func (s *Service) TagResource(ctx context.Context, in *codepipeline.TagResourceInput, _ ...func(*codepipeline.Options)) (*codepipeline.TagResourceOutput, error) {
	err := s.retag(ctx, aws.ToString(in.ResourceArn), func(have []types.Tag) ([]types.Tag, error) {
		return mergeTags(have, in.Tags, aws.ToString(in.ResourceArn))
	})
	if err != nil {
		return nil, err
	}
	return &codepipeline.TagResourceOutput{}, nil
}

// UntagResource removes tags from a pipeline; missing ones are no error.
//
// Errors: InvalidArnException, ResourceNotFoundException.
func (s *Service) UntagResource(ctx context.Context, in *codepipeline.UntagResourceInput, _ ...func(*codepipeline.Options)) (*codepipeline.UntagResourceOutput, error) {
	err := s.retag(ctx, aws.ToString(in.ResourceArn), func(have []types.Tag) ([]types.Tag, error) {
		return slices.DeleteFunc(have, func(t types.Tag) bool { return slices.Contains(in.TagKeys, aws.ToString(t.Key)) }), nil
	})
	if err != nil {
		return nil, err
	}
	return &codepipeline.UntagResourceOutput{}, nil
}

func (s *Service) retag(ctx context.Context, resource string, change func([]types.Tag) ([]types.Tag, error)) error {
	return s.cfg.Engine.Update(ctx, func(tx *engine.Tx) error {
		p, err := s.tagged(ctx, tx, resource)
		if err != nil {
			return err
		}
		if p.Tags, err = change(p.Tags); err != nil {
			return err
		}
		return pipelines.Put(tx, p, p.Region, p.name())
	})
}

// ListTagsForResource shows the tags of a pipeline.
//
// Errors: InvalidArnException, ResourceNotFoundException, InvalidNextTokenException.
func (s *Service) ListTagsForResource(ctx context.Context, in *codepipeline.ListTagsForResourceInput, _ ...func(*codepipeline.Options)) (*codepipeline.ListTagsForResourceOutput, error) {
	out := &codepipeline.ListTagsForResourceOutput{Tags: []types.Tag{}}
	err := s.cfg.Engine.View(ctx, func(r store.Reader) error {
		p, err := s.tagged(ctx, r, aws.ToString(in.ResourceArn))
		if err != nil {
			return err
		}
		scope, from := "ListTagsForResource/"+aws.ToString(in.ResourceArn), 0
		if in.NextToken != nil {
			key, ok := wire.DecodeToken(scope, *in.NextToken)
			if from, err = strconv.Atoi(key); !ok || err != nil || from < 0 {
				return badToken()
			}
		}
		n := limit(in.MaxResults, maxTagPage)
		out.Tags = append(out.Tags, p.Tags[min(from, len(p.Tags)):min(from+n, len(p.Tags))]...)
		if from+n < len(p.Tags) {
			out.NextToken = aws.String(wire.EncodeToken(scope, strconv.Itoa(from+n)))
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}
