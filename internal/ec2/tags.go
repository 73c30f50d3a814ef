package ec2

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/slipway-dev/slipway/internal/aws/tag"
	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/store"
)

// tagProblem is EC2's error for tags that break a rule.
func tagProblem(err error) error {
	var p *tag.Problem
	switch {
	case !errors.As(err, &p):
		return err
	case p.Reason == tag.TooMany:
		return fail("TagLimitExceeded", "The maximum number of Tags for a resource has been reached.")
	case p.Reason == tag.Reserved:
		return fail("InvalidParameterValue", "Tag keys starting with 'aws:' are reserved for internal use")
	case p.Reason == tag.Duplicate:
		return fail("InvalidParameterValue", "Duplicate tag key '%s' specified.", p.Key)
	}
	return fail("InvalidParameterValue", "%s", p.Error())
}

func tagSet(list []Tag) (tag.Set, error) {
	set, err := tag.From(list, func(t Tag) (key, value *string) { return &t.Key, t.Value })
	return set, tagProblem(err)
}

// tagsFor are the tags that a request gives to what it creates.
func tagsFor(specs []TagSpecification, k kind) (tag.Set, error) {
	var all []Tag
	for _, spec := range specs {
		if spec.ResourceType != k.name {
			return nil, fail("InvalidParameterValue", "'%s' is not a valid taggable resource type for this operation.", spec.ResourceType)
		}
		all = append(all, spec.Tags...)
	}
	return tagSet(all)
}

// change applies a change to the tags of one document.
func change[D any](tx store.Tx, t store.Table[D], k kind, region, id string, tags func(*D) *tag.Set, f func(tag.Set) (tag.Set, error)) error {
	d, err := get(tx, t, k, region, id)
	if err != nil {
		return err
	}
	set := tags(d)
	if *set, err = f(*set); err != nil {
		return err
	}
	return t.Put(tx, d, region, id)
}

// changeTags changes the tags of the resources with these ids: all or none.
func (s *Service) changeTags(ctx context.Context, ids []string, f func(tag.Set) (tag.Set, error)) error {
	return s.update(ctx, func(tx *engine.Tx, region string) error {
		for _, id := range ids {
			if err := changeOne(tx, region, id, f); err != nil {
				return err
			}
		}
		return nil
	})
}

func changeOne(tx store.Tx, region, id string, f func(tag.Set) (tag.Set, error)) error {
	prefix, _, _ := strings.Cut(id, "-")
	switch prefix {
	case vpcKind.prefix:
		return change(tx, vpcs, vpcKind, region, id, func(d *vpc) *tag.Set { return &d.Tags }, f)
	case subnetKind.prefix:
		return change(tx, subnets, subnetKind, region, id, func(d *subnet) *tag.Set { return &d.Tags }, f)
	case groupKind.prefix:
		return change(tx, groups, groupKind, region, id, func(d *group) *tag.Set { return &d.Tags }, f)
	case tableKind.prefix:
		return change(tx, tables, tableKind, region, id, func(d *routeTable) *tag.Set { return &d.Tags }, f)
	case aclKind.prefix:
		return change(tx, acls, aclKind, region, id, func(d *networkACL) *tag.Set { return &d.Tags }, f)
	case gatewayKind.prefix:
		return change(tx, gateways, gatewayKind, region, id, func(d *internetGateway) *tag.Set { return &d.Tags }, f)
	case addressKind.prefix:
		return change(tx, addresses, addressKind, region, id, func(d *address) *tag.Set { return &d.Tags }, f)
	case natKind.prefix:
		return change(tx, nats, natKind, region, id, func(d *natGateway) *tag.Set { return &d.Tags }, f)
	case ruleKind.prefix:
		return taggedRule(tx, region, id, f)
	}
	return fail("InvalidID", "The ID '%s' is not valid", id)
}

// CreateTagsInput adds tags to resources.
type CreateTagsInput struct {
	DryRun    bool
	Resources []string
	Tags      []Tag
}

// CreateTagsOutput is empty.
type CreateTagsOutput struct{}

// CreateTags adds or overwrites tags of resources: all or none.
func (s *Service) CreateTags(ctx context.Context, in *CreateTagsInput) (*CreateTagsOutput, error) {
	more, err := tagSet(in.Tags)
	if err != nil {
		return nil, err
	}
	return &CreateTagsOutput{}, s.changeTags(ctx, in.Resources, func(have tag.Set) (tag.Set, error) {
		all, err := have.With(more)
		return all, tagProblem(err)
	})
}

// DeleteTagsInput removes tags from resources.
type DeleteTagsInput struct {
	DryRun    bool
	Resources []string
	Tags      []Tag
}

// DeleteTagsOutput is empty.
type DeleteTagsOutput struct{}

// DeleteTags removes tags from resources: those of a key, and of a value where
// the request has one; all where it names no tags.
func (s *Service) DeleteTags(ctx context.Context, in *DeleteTagsInput) (*DeleteTagsOutput, error) {
	return &DeleteTagsOutput{}, s.changeTags(ctx, in.Resources, func(have tag.Set) (tag.Set, error) {
		if len(in.Tags) == 0 {
			return nil, nil
		}
		var keys []string
		for _, t := range in.Tags {
			if v, ok := have[t.Key]; ok && (t.Value == nil || *t.Value == v) {
				keys = append(keys, t.Key)
			}
		}
		return have.Without(keys), nil
	})
}

// TagDescription is a tag with its resource.
type TagDescription struct {
	Key          string
	ResourceId   string
	ResourceType string
	Value        *string
}

// DescribeTagsInput selects tags.
type DescribeTagsInput struct {
	DryRun     bool
	Filters    []Filter
	MaxResults *int32
	NextToken  string
}

// DescribeTagsOutput lists tags.
type DescribeTagsOutput struct {
	NextToken string
	Tags      []TagDescription
}

// DescribeTags lists the tags of the region's resources, all on one page.
func (s *Service) DescribeTags(ctx context.Context, in *DescribeTagsInput) (*DescribeTagsOutput, error) {
	if in.NextToken != "" {
		return nil, fail("InvalidNextToken", "The token '%s' is invalid", in.NextToken)
	}
	of := func(t TagDescription) facts {
		return func(name string) ([]string, bool) {
			switch name {
			case "key":
				return one(t.Key)
			case "value":
				if t.Value == nil {
					return nil, true
				}
				return one(*t.Value)
			case "resource-id":
				return one(t.ResourceId)
			case "resource-type":
				return one(t.ResourceType)
			}
			return nil, false
		}
	}
	if err := checkFilters(in.Filters, of(TagDescription{})); err != nil {
		return nil, err
	}
	out := &DescribeTagsOutput{Tags: []TagDescription{}}
	return out, s.view(ctx, func(r store.Reader, region string) error {
		add := func(k kind, id string, set tag.Set) {
			for _, t := range wireTags(set) {
				d := TagDescription{t.Key, id, k.name, t.Value}
				own := tag.Set{}
				if t.Value != nil {
					own[t.Key] = *t.Value
				}
				if matches(in.Filters, own, of(d)) {
					out.Tags = append(out.Tags, d)
				}
			}
		}
		err := errors.Join(
			each(r, vpcs, region, func(d *vpc) { add(vpcKind, d.ID, d.Tags) }),
			each(r, subnets, region, func(d *subnet) { add(subnetKind, d.ID, d.Tags) }),
			each(r, groups, region, func(d *group) {
				add(groupKind, d.ID, d.Tags)
				for _, x := range d.Rules {
					add(ruleKind, x.ID, x.Tags)
				}
			}),
			each(r, tables, region, func(d *routeTable) { add(tableKind, d.ID, d.Tags) }),
			each(r, acls, region, func(d *networkACL) { add(aclKind, d.ID, d.Tags) }),
			each(r, gateways, region, func(d *internetGateway) { add(gatewayKind, d.ID, d.Tags) }),
			each(r, addresses, region, func(d *address) { add(addressKind, d.ID, d.Tags) }),
			each(r, nats, region, func(d *natGateway) { add(natKind, d.ID, d.Tags) }),
		)
		slices.SortStableFunc(out.Tags, func(a, b TagDescription) int { return strings.Compare(a.ResourceId, b.ResourceId) })
		return err
	})
}

func each[D any](r store.Reader, t store.Table[D], region string, f func(*D)) error {
	for d, err := range t.All(r, region) {
		if err != nil {
			return err
		}
		f(d)
	}
	return nil
}
