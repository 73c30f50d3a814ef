package codestarnotifications

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codestarnotifications"
	"github.com/aws/aws-sdk-go-v2/service/codestarnotifications/types"

	"github.com/slipway-dev/slipway/internal/aws/identity"
	"github.com/slipway-dev/slipway/internal/aws/tag"
	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/store"
)

// addTags adds tags to those a rule has.
//
// Errors: ValidationException, LimitExceededException.
func addTags(have tag.Set, more map[string]string) (tag.Set, error) {
	all, err := have.With(more)
	var p *tag.Problem
	if errors.As(err, &p) {
		if p.Reason == tag.TooMany {
			return nil, &types.LimitExceededException{Message: aws.String(p.Error())}
		}
		return nil, invalid("%s", p.Error())
	}
	return all, err
}

// TagResource adds tags to a rule.
//
// Errors: ResourceNotFoundException, ValidationException, LimitExceededException.
func (s *Service) TagResource(ctx context.Context, in *codestarnotifications.TagResourceInput, _ ...func(*codestarnotifications.Options)) (*codestarnotifications.TagResourceOutput, error) {
	out := &codestarnotifications.TagResourceOutput{}
	err := s.change(ctx, in.Arn, func(_ *engine.Tx, ru *rule) (err error) {
		ru.Tags, err = addTags(ru.Tags, in.Tags)
		out.Tags = ru.Tags
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// UntagResource removes tags from a rule.
//
// Errors: ResourceNotFoundException.
func (s *Service) UntagResource(ctx context.Context, in *codestarnotifications.UntagResourceInput, _ ...func(*codestarnotifications.Options)) (*codestarnotifications.UntagResourceOutput, error) {
	err := s.change(ctx, in.Arn, func(_ *engine.Tx, ru *rule) error {
		ru.Tags = ru.Tags.Without(in.TagKeys)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &codestarnotifications.UntagResourceOutput{}, nil
}

// ListTagsForResource shows the tags of a rule.
//
// Errors: ResourceNotFoundException.
func (s *Service) ListTagsForResource(ctx context.Context, in *codestarnotifications.ListTagsForResourceInput, _ ...func(*codestarnotifications.Options)) (*codestarnotifications.ListTagsForResourceOutput, error) {
	out := &codestarnotifications.ListTagsForResourceOutput{}
	err := s.Engine.View(ctx, func(r store.Reader) error {
		ru, err := s.rule(r, identity.Region(ctx), in.Arn)
		if err != nil {
			return err
		}
		out.Tags = ru.Tags
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}
