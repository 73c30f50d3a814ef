package ecs

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"github.com/slipway-dev/slipway/internal/aws/arn"
	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/store"
)

// checkTags applies the rules that the model does not have.
func checkTags(tags []types.Tag) error {
	seen := map[string]bool{}
	for _, t := range tags {
		key := aws.ToString(t.Key)
		switch {
		case key == "":
			return invalidParameter("Tag keys cannot be empty.")
		case strings.HasPrefix(strings.ToLower(key), "aws:"):
			return invalidParameter("Tag keys cannot begin with aws:, which is reserved.")
		case seen[key]:
			return invalidParameter("Duplicate tag key %s.", key)
		}
		seen[key] = true
	}
	if len(tags) > 50 {
		return invalidParameter("Too many tags. The maximum is 50.")
	}
	return nil
}

// mergeTags is have with changes, in the order of have.
func mergeTags(have, changes []types.Tag) []types.Tag {
	have = slices.Clone(have)
	for _, c := range changes {
		i := slices.IndexFunc(have, func(t types.Tag) bool { return aws.ToString(t.Key) == aws.ToString(c.Key) })
		if i < 0 {
			have = append(have, c)
		} else {
			have[i] = c
		}
	}
	return have
}

// tagged changes (or, with a nil change, reads) the tags of any resource.
func tagged(r store.Reader, tx *engine.Tx, resource string, change func([]types.Tag) []types.Tag) ([]types.Tag, error) {
	a, ok := arn.Parse(resource)
	if !ok || a.Service != "ecs" {
		return nil, invalidParameter("Invalid arn syntax.")
	}
	part := strings.Split(a.Resource, "/")
	none := &types.ResourceNotFoundException{Message: aws.String("The specified resource is not found. Specify a valid resource and try again.")}
	var tags *[]types.Tag
	var save func() error
	var err error
	switch {
	case part[0] == "cluster" && len(part) == 2:
		var c *cluster
		if c, err = clusters.Get(r, a.Region, part[1]); err == nil {
			tags, save = &c.Tags, func() error { return clusters.Put(tx, c, a.Region, part[1]) }
		}
	case part[0] == "service" && len(part) == 3:
		var v *service
		if v, err = services.Get(r, a.Region, part[1], part[2]); err == nil {
			tags, save = &v.Tags, func() error { return services.Put(tx, v, a.Region, part[1], part[2]) }
		}
	case part[0] == "task-set" && len(part) == 5:
		var v *service
		if v, err = services.Get(r, a.Region, part[1], part[2]); err == nil {
			t := v.set(part[3] + "/" + part[4])
			if t == nil {
				return nil, none
			}
			tags, save = &t.Tags, func() error { return services.Put(tx, v, a.Region, part[1], part[2]) }
		}
	case part[0] == "task" && len(part) == 3:
		var t *task
		if t, err = tasks.Get(r, a.Region, part[1], part[2]); err == nil {
			tags, save = &t.Tags, func() error { return t.put(tx) }
		}
	case part[0] == "task-definition" && len(part) == 2:
		family, rev, _ := strings.Cut(part[1], ":")
		n, _ := strconv.Atoi(rev)
		var d *definition
		if d, err = definitions.Get(r, a.Region, family, revisionKey(int32(n))); err == nil {
			tags, save = &d.Tags, func() error { return definitions.Put(tx, d, a.Region, family, revisionKey(d.Revision)) }
		}
	default:
		return nil, none
	}
	if errors.Is(err, store.ErrNotFound) {
		return nil, none
	}
	if err != nil || change == nil {
		if err == nil {
			return *tags, nil
		}
		return nil, err
	}
	*tags = change(*tags)
	if len(*tags) > 50 {
		return nil, invalidParameter("Too many tags. The maximum is 50.")
	}
	return *tags, save()
}

// TagResource adds tags to a cluster, service, task or task definition.
func (s *Service) TagResource(ctx context.Context, in *ecs.TagResourceInput, _ ...func(*ecs.Options)) (*ecs.TagResourceOutput, error) {
	if err := checkTags(in.Tags); err != nil {
		return nil, err
	}
	err := s.Engine.Update(ctx, func(tx *engine.Tx) error {
		_, err := tagged(tx, tx, aws.ToString(in.ResourceArn), func(have []types.Tag) []types.Tag { return mergeTags(have, in.Tags) })
		return err
	})
	return &ecs.TagResourceOutput{}, err
}

// UntagResource removes tags.
func (s *Service) UntagResource(ctx context.Context, in *ecs.UntagResourceInput, _ ...func(*ecs.Options)) (*ecs.UntagResourceOutput, error) {
	err := s.Engine.Update(ctx, func(tx *engine.Tx) error {
		_, err := tagged(tx, tx, aws.ToString(in.ResourceArn), func(have []types.Tag) []types.Tag {
			return slices.DeleteFunc(slices.Clone(have), func(t types.Tag) bool { return slices.Contains(in.TagKeys, aws.ToString(t.Key)) })
		})
		return err
	})
	return &ecs.UntagResourceOutput{}, err
}

// ListTagsForResource lists tags.
func (s *Service) ListTagsForResource(ctx context.Context, in *ecs.ListTagsForResourceInput, _ ...func(*ecs.Options)) (*ecs.ListTagsForResourceOutput, error) {
	out := &ecs.ListTagsForResourceOutput{}
	err := s.Engine.View(ctx, func(r store.Reader) (err error) {
		out.Tags, err = tagged(r, nil, aws.ToString(in.ResourceArn), nil)
		return err
	})
	if out.Tags == nil {
		out.Tags = []types.Tag{}
	}
	return out, err
}
