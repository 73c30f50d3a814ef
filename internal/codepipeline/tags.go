package codepipeline

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

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

// holder is something that has tags, with the way to write it back.
type holder struct {
	tags *[]types.Tag
	put  func(store.Tx) error
}

// tagged reads what an ARN names: a pipeline, a webhook or a custom action type.
//
// Errors: InvalidArnException, ResourceNotFoundException.
func (s *Service) tagged(ctx context.Context, r store.Reader, resource string) (*holder, error) {
	a, ok := arn.Parse(resource)
	if !ok || a.Service != "codepipeline" || a.Region != identity.Region(ctx) || a.Account != s.cfg.Site.Account || a.Resource == "" {
		return nil, &types.InvalidArnException{Message: aws.String("The specified resource ARN is invalid: " + resource)}
	}
	kind, name, _ := strings.Cut(a.Resource, ":")
	var h *holder
	var err error
	switch kind {
	case "webhook":
		var w *webhook
		if w, err = webhooks.Get(r, a.Region, name); err == nil {
			h = &holder{&w.Tags, func(tx store.Tx) error { return webhooks.Put(tx, w, w.Region, name) }}
		}
	case "actiontype":
		var t *customType
		key := strings.Split(name, "/")
		if len(key) != 4 || key[0] != string(types.ActionOwnerCustom) {
			err = store.ErrNotFound
		} else if t, err = customTypes.Get(r, append([]string{a.Region}, key[1:]...)...); err == nil && t.Deleted {
			err = store.ErrNotFound
		}
		if err == nil {
			h = &holder{&t.Tags, func(tx store.Tx) error { return customTypes.Put(tx, t, t.key()...) }}
		}
	default:
		var p *Pipeline
		if p, err = pipelines.Get(r, a.Region, a.Resource); err == nil {
			h = &holder{&p.Tags, func(tx store.Tx) error { return pipelines.Put(tx, p, p.Region, p.name()) }}
		}
		kind, name = "pipeline", a.Resource
	}
	if errors.Is(err, store.ErrNotFound) {
		return nil, &types.ResourceNotFoundException{Message: aws.String(fmt.Sprintf(
			"The account with id '%s' does not include a %s with the name '%s'", s.cfg.Site.Account, kind, name))}
	}
	return h, err
}

// TagResource adds tags to a resource or changes their values.
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

// UntagResource removes tags from a resource; missing ones are no error.
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
		h, err := s.tagged(ctx, tx, resource)
		if err != nil {
			return err
		}
		if *h.tags, err = change(*h.tags); err != nil {
			return err
		}
		return h.put(tx)
	})
}

// ListTagsForResource shows the tags of a resource.
//
// Errors: InvalidArnException, ResourceNotFoundException, InvalidNextTokenException.
func (s *Service) ListTagsForResource(ctx context.Context, in *codepipeline.ListTagsForResourceInput, _ ...func(*codepipeline.Options)) (*codepipeline.ListTagsForResourceOutput, error) {
	out := &codepipeline.ListTagsForResourceOutput{Tags: []types.Tag{}}
	err := s.cfg.Engine.View(ctx, func(r store.Reader) error {
		h, err := s.tagged(ctx, r, aws.ToString(in.ResourceArn))
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
		tags := *h.tags
		out.Tags = append(out.Tags, tags[min(from, len(tags)):min(from+n, len(tags))]...)
		if from+n < len(tags) {
			out.NextToken = aws.String(wire.EncodeToken(scope, strconv.Itoa(from+n)))
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}
