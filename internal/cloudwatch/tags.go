package cloudwatch

import (
	"context"
	"errors"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"github.com/slipway-dev/slipway/internal/aws/arn"
	"github.com/slipway-dev/slipway/internal/aws/identity"
	"github.com/slipway-dev/slipway/internal/aws/tag"
	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/store"
)

// TagResource adds or overwrites tags of an alarm or a dashboard.
func (s *Service) TagResource(ctx context.Context, in *cloudwatch.TagResourceInput, _ ...func(*cloudwatch.Options)) (*cloudwatch.TagResourceOutput, error) {
	more, err := tagsOf(in.Tags)
	if err != nil {
		return nil, err
	}
	return &cloudwatch.TagResourceOutput{}, s.retag(ctx, *in.ResourceARN, func(t tag.Set) (tag.Set, error) { return t.With(more) })
}

// UntagResource removes tags; ones that are not there are no error.
func (s *Service) UntagResource(ctx context.Context, in *cloudwatch.UntagResourceInput, _ ...func(*cloudwatch.Options)) (*cloudwatch.UntagResourceOutput, error) {
	return &cloudwatch.UntagResourceOutput{}, s.retag(ctx, *in.ResourceARN, func(t tag.Set) (tag.Set, error) { return t.Without(in.TagKeys), nil })
}

// ListTagsForResource answers the tags of an alarm or a dashboard by key.
func (s *Service) ListTagsForResource(ctx context.Context, in *cloudwatch.ListTagsForResourceInput, _ ...func(*cloudwatch.Options)) (*cloudwatch.ListTagsForResourceOutput, error) {
	out := &cloudwatch.ListTagsForResourceOutput{}
	return out, s.cfg.Engine.View(ctx, func(r store.Reader) error {
		tags, _, err := s.tagged(ctx, r, *in.ResourceARN)
		if err == nil {
			out.Tags = tag.List(*tags, func(k, v *string) types.Tag { return types.Tag{Key: k, Value: v} })
		}
		return err
	})
}

func (s *Service) retag(ctx context.Context, resource string, f func(tag.Set) (tag.Set, error)) error {
	return s.cfg.Engine.Update(ctx, func(tx *engine.Tx) error {
		tags, put, err := s.tagged(ctx, tx, resource)
		if err != nil {
			return err
		}
		if *tags, err = f(*tags); err != nil {
			return tagError(err)
		}
		return put(tx)
	})
}

// tagged finds the tags of what an ARN names, and how they are written.
func (s *Service) tagged(ctx context.Context, r store.Reader, resource string) (tags *tag.Set, put func(store.Tx) error, err error) {
	p, ok := arn.Parse(resource)
	ok = ok && p.Service == "cloudwatch" && p.Account == s.cfg.Site.Account
	missing := &types.ResourceNotFoundException{ResourceId: &resource, Message: aws.String(resource + " does not exist.")}
	if name, is := strings.CutPrefix(p.Resource, "alarm:"); is && ok {
		a, err := get(r, p.Region, name)
		switch {
		case err != nil:
			return nil, nil, err
		case a == nil || p.Region != identity.Region(ctx):
			missing.ResourceType = aws.String("Alarm")
			return nil, nil, missing
		}
		return &a.Tags, a.put, nil
	}
	if name, is := strings.CutPrefix(p.Resource, "dashboard/"); is && ok {
		d, err := dashboards.Get(r, name)
		if errors.Is(err, store.ErrNotFound) {
			missing.ResourceType = aws.String("Dashboard")
			return nil, nil, missing
		}
		if err != nil {
			return nil, nil, err
		}
		return &d.Tags, func(tx store.Tx) error { return dashboards.Put(tx, d, name) }, nil
	}
	return nil, nil, badValue("The ARN %s is not one of an alarm or a dashboard of this account.", resource)
}
