package elbv2

import (
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"

	"github.com/slipway-dev/slipway/internal/aws/arn"
	"github.com/slipway-dev/slipway/internal/aws/tag"
	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/store"
)

// tagged finds a resource of any kind; put writes it with the tags that are
// then in the set.
func (s *Service) tagged(r store.Reader, region, text string) (set *tag.Set, put func(store.Tx) error, err error) {
	a, _ := arn.Parse(text)
	kind, _, _ := strings.Cut(a.Resource, "/")
	switch kind + "/" {
	case balancerARN.prefix:
		d, err := s.balancer(r, region, &text)
		if err != nil {
			return nil, nil, err
		}
		return &d.Tags, func(tx store.Tx) error { return balancers.Put(tx, d, region, d.Path) }, nil
	case listenerARN.prefix:
		d, err := s.listener(r, region, &text)
		if err != nil {
			return nil, nil, err
		}
		return &d.Tags, func(tx store.Tx) error { return listeners.Put(tx, d, region, d.Balancer, d.ID) }, nil
	case ruleARN.prefix:
		d, err := s.rule(r, region, &text)
		if err != nil {
			return nil, nil, err
		}
		return &d.Tags, func(tx store.Tx) error { return rules.Put(tx, d, region, d.Listener, d.ID) }, nil
	case groupARN.prefix:
		d, err := s.group(r, region, &text)
		if err != nil {
			return nil, nil, err
		}
		return &d.Tags, func(tx store.Tx) error { return groups.Put(tx, d, region, d.Path) }, nil
	}
	return nil, nil, invalid("'%s' is not a valid ARN of a load balancer, a listener, a rule or a target group", text)
}

func (s *Service) changeTags(ctx context.Context, arns []string, f func(tag.Set) (tag.Set, error)) error {
	return s.update(ctx, func(tx *engine.Tx, region string) error {
		for _, a := range arns {
			set, put, err := s.tagged(tx, region, a)
			if err != nil {
				return err
			}
			if *set, err = f(*set); err != nil {
				return tagProblem(err)
			}
			if err := put(tx); err != nil {
				return err
			}
		}
		return nil
	})
}

// AddTags adds or overwrites tags of resources: all or none.
func (s *Service) AddTags(ctx context.Context, in *elb.AddTagsInput, _ ...func(*elb.Options)) (*elb.AddTagsOutput, error) {
	more, err := tagSet(in.Tags)
	if err != nil {
		return nil, err
	}
	return &elb.AddTagsOutput{}, s.changeTags(ctx, in.ResourceArns, func(have tag.Set) (tag.Set, error) { return have.With(more) })
}

// RemoveTags removes tags of resources; unknown keys are no error.
func (s *Service) RemoveTags(ctx context.Context, in *elb.RemoveTagsInput, _ ...func(*elb.Options)) (*elb.RemoveTagsOutput, error) {
	return &elb.RemoveTagsOutput{}, s.changeTags(ctx, in.ResourceArns, func(have tag.Set) (tag.Set, error) { return have.Without(in.TagKeys), nil })
}

// DescribeTags lists the tags of up to 20 resources.
func (s *Service) DescribeTags(ctx context.Context, in *elb.DescribeTagsInput, _ ...func(*elb.Options)) (*elb.DescribeTagsOutput, error) {
	if len(in.ResourceArns) > 20 {
		return nil, invalid("Up to 20 resources can be described at once")
	}
	out := &elb.DescribeTagsOutput{TagDescriptions: []types.TagDescription{}}
	return out, s.view(ctx, func(r store.Reader, region string) error {
		for _, a := range in.ResourceArns {
			set, _, err := s.tagged(r, region, a)
			if err != nil {
				return err
			}
			out.TagDescriptions = append(out.TagDescriptions, types.TagDescription{ResourceArn: aws.String(a),
				Tags: tag.List(*set, func(k, v *string) types.Tag { return types.Tag{Key: k, Value: v} })})
		}
		return nil
	})
}
