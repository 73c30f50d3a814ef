package ecs

import (
	"context"
	"errors"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"github.com/slipway-dev/slipway/internal/aws/arn"
	"github.com/slipway-dev/slipway/internal/aws/identity"
	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/store"
)

// RegisterTaskDefinition makes a new revision.
func (s *Service) RegisterTaskDefinition(ctx context.Context, in *ecs.RegisterTaskDefinitionInput, _ ...func(*ecs.Options)) (*ecs.RegisterTaskDefinitionOutput, error) {
	region := identity.Region(ctx)
	td, err := define(in)
	if err != nil {
		return nil, err
	}
	if err := checkTags(in.Tags); err != nil {
		return nil, err
	}
	name := aws.ToString(in.Family)
	d := &definition{TaskDefinition: td, Tags: in.Tags}
	d.RegisteredAt = aws.Time(s.Engine.Now())
	d.RegisteredBy = aws.String(identity.From(ctx).ARN)
	err = s.Engine.Update(ctx, func(tx *engine.Tx) error {
		f, err := families.Get(tx, region, name)
		if errors.Is(err, store.ErrNotFound) {
			f, err = &family{}, nil
		}
		if err != nil {
			return err
		}
		f.Revision++
		d.Revision = f.Revision
		d.TaskDefinitionArn = aws.String(s.arn(region, "task-definition/"+name+":"+strconv.Itoa(int(f.Revision))))
		if err := families.Put(tx, f, region, name); err != nil {
			return err
		}
		return definitions.Put(tx, d, region, name, revisionKey(d.Revision))
	})
	if err != nil {
		return nil, err
	}
	return &ecs.RegisterTaskDefinitionOutput{TaskDefinition: &d.TaskDefinition, Tags: tagList(in.Tags)}, nil
}

func tagList(tags []types.Tag) []types.Tag {
	if tags == nil {
		return []types.Tag{}
	}
	return tags
}

var referenceForm = regexp.MustCompile(`^([A-Za-z0-9_-]{1,255})(?::([0-9]{1,9}))?$`)

// parseReference takes family, family:revision or an ARN apart; revision 0
// means the latest active one.
func parseReference(ref string) (name string, revision int32, ok bool) {
	if a, isARN := arn.Parse(ref); isARN {
		ref = strings.TrimPrefix(a.Resource, "task-definition/")
	}
	m := referenceForm.FindStringSubmatch(ref)
	if m == nil {
		return "", 0, false
	}
	n, _ := strconv.Atoi(m[2])
	return m[1], int32(n), m[2] == "" || n > 0
}

// findDefinition reads the definition of a reference, or store.ErrNotFound.
func findDefinition(r store.Reader, region, ref string) (*definition, error) {
	name, revision, ok := parseReference(ref)
	if a, isARN := arn.Parse(ref); !ok || isARN && (a.Service != "ecs" || a.Region != region) {
		return nil, store.ErrNotFound
	}
	if revision != 0 {
		return definitions.Get(r, region, name, revisionKey(revision))
	}
	for d, err := range definitions.Reversed(r, region, name) {
		if err != nil || d.Status == types.TaskDefinitionStatusActive {
			return d, err
		}
	}
	return nil, store.ErrNotFound
}

// usableDefinition is findDefinition for new tasks: it must be active.
func usableDefinition(r store.Reader, region, ref string) (*definition, error) {
	d, err := findDefinition(r, region, ref)
	if errors.Is(err, store.ErrNotFound) {
		return nil, clientError("TaskDefinition not found.")
	}
	if err != nil {
		return nil, err
	}
	if d.Status != types.TaskDefinitionStatusActive {
		return nil, clientError("TaskDefinition is inactive")
	}
	return d, nil
}

// DescribeTaskDefinition describes any revision, or the latest active one.
func (s *Service) DescribeTaskDefinition(ctx context.Context, in *ecs.DescribeTaskDefinitionInput, _ ...func(*ecs.Options)) (*ecs.DescribeTaskDefinitionOutput, error) {
	out := &ecs.DescribeTaskDefinitionOutput{}
	err := s.Engine.View(ctx, func(r store.Reader) error {
		d, err := findDefinition(r, identity.Region(ctx), aws.ToString(in.TaskDefinition))
		if errors.Is(err, store.ErrNotFound) {
			return clientError("Unable to describe task definition.")
		}
		if err != nil {
			return err
		}
		out.TaskDefinition = &d.TaskDefinition
		if slices.Contains(in.Include, types.TaskDefinitionFieldTags) {
			out.Tags = tagList(d.Tags)
		}
		return nil
	})
	return out, err
}

// ListTaskDefinitions lists ARNs by family and revision.
func (s *Service) ListTaskDefinitions(ctx context.Context, in *ecs.ListTaskDefinitionsInput, _ ...func(*ecs.Options)) (*ecs.ListTaskDefinitionsOutput, error) {
	region, status := identity.Region(ctx), in.Status
	if status == "" {
		status = types.TaskDefinitionStatusActive
	}
	prefix := store.Prefix(string(definitions), region)
	if f := aws.ToString(in.FamilyPrefix); f != "" {
		// Despite its name it is the full name of a family.
		prefix = store.Prefix(string(definitions), region, f)
	}
	out := &ecs.ListTaskDefinitionsOutput{TaskDefinitionArns: []string{}}
	err := s.Engine.View(ctx, func(r store.Reader) error {
		p, err := newPage(strings.Join([]string{"ListTaskDefinitions", prefix, string(status), string(in.Sort)}, "\x00"), prefix, in.NextToken, in.MaxResults, 100)
		if err != nil {
			return err
		}
		p.rng.Reverse = in.Sort == types.SortOrderDesc
		for d, err := range definitions.Scan(r, p.rng) {
			if err != nil {
				return err
			}
			if d.Status != status {
				continue
			}
			if !p.take(definitions.Key(region, aws.ToString(d.Family), revisionKey(d.Revision))) {
				break
			}
			out.TaskDefinitionArns = append(out.TaskDefinitionArns, aws.ToString(d.TaskDefinitionArn))
		}
		out.NextToken = p.next
		return nil
	})
	return out, err
}

// ListTaskDefinitionFamilies lists families: those with an active revision,
// those with none, or all.
func (s *Service) ListTaskDefinitionFamilies(ctx context.Context, in *ecs.ListTaskDefinitionFamiliesInput, _ ...func(*ecs.Options)) (*ecs.ListTaskDefinitionFamiliesOutput, error) {
	region, status := identity.Region(ctx), in.Status
	prefix := store.Prefix(string(families), region) + aws.ToString(in.FamilyPrefix)
	out := &ecs.ListTaskDefinitionFamiliesOutput{Families: []string{}}
	err := s.Engine.View(ctx, func(r store.Reader) error {
		p, err := newPage("ListTaskDefinitionFamilies\x00"+prefix+"\x00"+string(status), prefix, in.NextToken, in.MaxResults, 100)
		if err != nil {
			return err
		}
		for e, err := range r.Scan(p.rng) {
			if err != nil {
				return err
			}
			name := e.Key[strings.LastIndex(e.Key, store.Separator)+1:]
			_, err := findDefinition(r, region, name)
			if err != nil && !errors.Is(err, store.ErrNotFound) {
				return err
			}
			if active := err == nil; active && status == types.TaskDefinitionFamilyStatusInactive ||
				!active && (status == "" || status == types.TaskDefinitionFamilyStatusActive) {
				continue
			}
			if !p.take(e.Key) {
				break
			}
			out.Families = append(out.Families, name)
		}
		out.NextToken = p.next
		return nil
	})
	return out, err
}

// DeregisterTaskDefinition makes a revision INACTIVE.
func (s *Service) DeregisterTaskDefinition(ctx context.Context, in *ecs.DeregisterTaskDefinitionInput, _ ...func(*ecs.Options)) (*ecs.DeregisterTaskDefinitionOutput, error) {
	region := identity.Region(ctx)
	name, revision, ok := parseReference(aws.ToString(in.TaskDefinition))
	if !ok || revision == 0 {
		return nil, invalidParameter("Invalid revision number. Number: %s", aws.ToString(in.TaskDefinition))
	}
	out := &ecs.DeregisterTaskDefinitionOutput{}
	err := s.Engine.Update(ctx, func(tx *engine.Tx) error {
		d, err := definitions.Get(tx, region, name, revisionKey(revision))
		if errors.Is(err, store.ErrNotFound) {
			return clientError("Unable to describe task definition.")
		}
		if err != nil {
			return err
		}
		if d.Status == types.TaskDefinitionStatusActive {
			d.Status, d.DeregisteredAt = types.TaskDefinitionStatusInactive, aws.Time(tx.Now())
		}
		out.TaskDefinition = &d.TaskDefinition
		return definitions.Put(tx, d, region, name, revisionKey(revision))
	})
	return out, err
}

// DeleteTaskDefinitions marks INACTIVE revisions as DELETE_IN_PROGRESS: they can still
// be described, as at AWS while something refers to them, and nothing new may use them.
func (s *Service) DeleteTaskDefinitions(ctx context.Context, in *ecs.DeleteTaskDefinitionsInput, _ ...func(*ecs.Options)) (*ecs.DeleteTaskDefinitionsOutput, error) {
	region := identity.Region(ctx)
	if len(in.TaskDefinitions) > 10 {
		return nil, invalidParameter("A maximum of 10 task definitions can be deleted at once.")
	}
	out := &ecs.DeleteTaskDefinitionsOutput{TaskDefinitions: []types.TaskDefinition{}, Failures: []types.Failure{}}
	err := s.Engine.Update(ctx, func(tx *engine.Tx) error {
		for _, ref := range in.TaskDefinitions {
			name, revision, ok := parseReference(ref)
			if !ok || revision == 0 {
				out.Failures = append(out.Failures, types.Failure{Arn: aws.String(ref), Reason: aws.String("Invalid identifier for a task definition.")})
				continue
			}
			d, err := definitions.Get(tx, region, name, revisionKey(revision))
			if errors.Is(err, store.ErrNotFound) {
				out.Failures = append(out.Failures, missing(ref))
				continue
			}
			if err != nil {
				return err
			}
			if d.Status == types.TaskDefinitionStatusActive {
				out.Failures = append(out.Failures, types.Failure{Arn: d.TaskDefinitionArn, Reason: aws.String("The specified task definition is still in ACTIVE status. Please deregister the target and try again.")})
				continue
			}
			d.Status, d.DeleteRequestedAt = types.TaskDefinitionStatusDeleteInProgress, aws.Time(tx.Now())
			if err := definitions.Put(tx, d, region, name, revisionKey(revision)); err != nil {
				return err
			}
			out.TaskDefinitions = append(out.TaskDefinitions, d.TaskDefinition)
		}
		return nil
	})
	return out, err
}
