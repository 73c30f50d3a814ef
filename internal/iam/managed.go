package iam

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/slipway-dev/slipway/internal/iam/policy"
	"github.com/slipway-dev/slipway/internal/store"
)

// managed is a policy with its versions, oldest first.
type managed struct {
	types.Policy
	Versions []types.PolicyVersion
	Last     int // number of the last version ever made
}

// findPolicy finds a customer's or one of AWS's managed policies.
func findPolicy(r store.Reader, policyARN *string) (*managed, error) {
	if m := awsPolicy(*policyARN); m != nil {
		return m, nil
	}
	m, err := policies.Get(r, *policyARN)
	if errors.Is(err, store.ErrNotFound) {
		if !strings.HasPrefix(*policyARN, "arn:aws:iam::") || !strings.Contains(*policyARN, ":policy/") {
			return nil, &types.InvalidInputException{Message: aws.String("ARN " + *policyARN + " is not valid.")}
		}
		return nil, noSuch("Policy %s does not exist or is not attachable.", *policyARN)
	}
	return m, err
}

// splitPolicyARN takes path and name out of arn:aws:iam::A:policy/PATH/NAME.
func splitPolicyARN(a string) (path, name string) {
	_, rest, _ := strings.Cut(a, ":policy")
	i := strings.LastIndexByte(rest, '/')
	return rest[:i+1], rest[i+1:]
}

// version returns the one with this id, or nil.
func (m *managed) version(id string) *types.PolicyVersion {
	for i := range m.Versions {
		if *m.Versions[i].VersionId == id {
			return &m.Versions[i]
		}
	}
	return nil
}

func (m *managed) document() *string {
	return m.version(*m.DefaultVersionId).Document
}

// answer is the policy as clients see it, with its counts as they are now.
func (m *managed) answer(r store.Reader) (*types.Policy, error) {
	v := m.Policy
	var used, bounds int32
	for a, err := range attached.All(r, *m.Arn) {
		if err != nil {
			return nil, err
		}
		if a.Boundary {
			bounds++
		} else {
			used++
		}
	}
	v.AttachmentCount, v.PermissionsBoundaryUsageCount = &used, &bounds
	return &v, nil
}

func checkManaged(document *string) error {
	if _, err := parse(document, policy.Identity); err != nil {
		return err
	}
	if size(*document) > maxManaged {
		return quota("PolicySize", maxManaged)
	}
	return nil
}

// CreatePolicy makes a customer managed policy with version v1.
func (s *Service) CreatePolicy(ctx context.Context, in *iam.CreatePolicyInput, _ ...func(*iam.Options)) (*iam.CreatePolicyOutput, error) {
	if err := checkManaged(in.PolicyDocument); err != nil {
		return nil, err
	}
	tags, err := merge(nil, in.Tags)
	if err != nil {
		return nil, err
	}
	path := in.Path
	if path == nil {
		path = aws.String("/")
	}
	now := s.now()
	m := &managed{
		Policy: types.Policy{
			PolicyName:       in.PolicyName,
			Path:             path,
			Arn:              aws.String(s.arn("policy", path, *in.PolicyName)),
			PolicyId:         s.unique("ANPA"),
			Description:      in.Description,
			DefaultVersionId: aws.String("v1"),
			IsAttachable:     true,
			CreateDate:       now,
			UpdateDate:       now,
			Tags:             tags,
		},
		Versions: []types.PolicyVersion{{VersionId: aws.String("v1"), Document: in.PolicyDocument, IsDefaultVersion: true, CreateDate: now}},
		Last:     1,
	}
	out := m.Policy
	out.AttachmentCount, out.PermissionsBoundaryUsageCount = aws.Int32(0), aws.Int32(0)
	return &iam.CreatePolicyOutput{Policy: &out}, s.update(ctx, func(tx store.Tx) error {
		for other, err := range policies.All(tx) {
			if err != nil {
				return err
			}
			if strings.EqualFold(*other.PolicyName, *m.PolicyName) {
				return &types.EntityAlreadyExistsException{Message: aws.String("A policy called " + *m.PolicyName + " already exists. Duplicate names are not allowed.")}
			}
		}
		return policies.Put(tx, m, *m.Arn)
	})
}

func (s *Service) viewPolicy(ctx context.Context, policyARN *string, fn func(store.Reader, *managed) error) error {
	return s.view(ctx, func(r store.Reader) error {
		m, err := findPolicy(r, policyARN)
		if err != nil {
			return err
		}
		return fn(r, m)
	})
}

// changePolicy loads a customer's policy and saves it.
func (s *Service) changePolicy(ctx context.Context, policyARN *string, fn func(store.Tx, *managed) error) error {
	return s.update(ctx, func(tx store.Tx) error {
		if awsPolicy(*policyARN) != nil {
			return denied("Policy is outside your own account.")
		}
		m, err := findPolicy(tx, policyARN)
		if err != nil {
			return err
		}
		if err := fn(tx, m); err != nil {
			return err
		}
		return policies.Put(tx, m, *m.Arn)
	})
}

// GetPolicy describes a policy.
func (s *Service) GetPolicy(ctx context.Context, in *iam.GetPolicyInput, _ ...func(*iam.Options)) (*iam.GetPolicyOutput, error) {
	out := &iam.GetPolicyOutput{}
	return out, s.viewPolicy(ctx, in.PolicyArn, func(r store.Reader, m *managed) (err error) {
		out.Policy, err = m.answer(r)
		return err
	})
}

// ListPolicies pages AWS's and the customer's policies.
func (s *Service) ListPolicies(ctx context.Context, in *iam.ListPoliciesInput, _ ...func(*iam.Options)) (*iam.ListPoliciesOutput, error) {
	out := &iam.ListPoliciesOutput{}
	return out, s.view(ctx, func(r store.Reader) error {
		var all []types.Policy
		add := func(m *managed) error {
			v, err := m.answer(r)
			if err != nil {
				return err
			}
			usage := *v.AttachmentCount + *v.PermissionsBoundaryUsageCount
			switch in.PolicyUsageFilter {
			case types.PolicyUsageTypePermissionsPolicy:
				usage = *v.AttachmentCount
			case types.PolicyUsageTypePermissionsBoundary:
				usage = *v.PermissionsBoundaryUsageCount
			}
			v.Tags, v.Description = nil, nil
			if under(v.Path, in.PathPrefix) && (usage > 0 || !in.OnlyAttached && in.PolicyUsageFilter == "") {
				all = append(all, *v)
			}
			return nil
		}
		if in.Scope != types.PolicyScopeTypeLocal {
			for _, m := range awsPolicies() {
				if err := add(m); err != nil {
					return err
				}
			}
		}
		if in.Scope != types.PolicyScopeTypeAws {
			for m, err := range policies.All(r) {
				if err != nil {
					return err
				}
				if err := add(m); err != nil {
					return err
				}
			}
		}
		slices.SortFunc(all, func(a, b types.Policy) int { return strings.Compare(*a.Arn, *b.Arn) })
		scope := "ListPolicies" + string(in.Scope) + aws.ToString(in.PathPrefix)
		var err error
		out.Policies, out.Marker, out.IsTruncated, err = ofSlice(page{scope, in.Marker, in.MaxItems}, all,
			func(p types.Policy) string { return *p.Arn })
		return err
	})
}

// DeletePolicy deletes a policy that nothing uses and that has one version.
func (s *Service) DeletePolicy(ctx context.Context, in *iam.DeletePolicyInput, _ ...func(*iam.Options)) (*iam.DeletePolicyOutput, error) {
	return &iam.DeletePolicyOutput{}, s.update(ctx, func(tx store.Tx) error {
		if awsPolicy(*in.PolicyArn) != nil {
			return denied("Policy is outside your own account.")
		}
		m, err := findPolicy(tx, in.PolicyArn)
		if err != nil {
			return err
		}
		for _, err := range attached.All(tx, *m.Arn) {
			if err != nil {
				return err
			}
			return conflict("Cannot delete a policy attached to entities.")
		}
		if len(m.Versions) > 1 {
			return conflict("This policy has more than one version. Before you delete a policy, you must delete the policy's versions. The default version is deleted with the policy.")
		}
		return policies.Delete(tx, *m.Arn)
	})
}

// TagPolicy sets tags.
func (s *Service) TagPolicy(ctx context.Context, in *iam.TagPolicyInput, _ ...func(*iam.Options)) (*iam.TagPolicyOutput, error) {
	return &iam.TagPolicyOutput{}, s.changePolicy(ctx, in.PolicyArn, func(_ store.Tx, m *managed) (err error) {
		m.Tags, err = merge(m.Tags, in.Tags)
		return err
	})
}

// UntagPolicy removes tags.
func (s *Service) UntagPolicy(ctx context.Context, in *iam.UntagPolicyInput, _ ...func(*iam.Options)) (*iam.UntagPolicyOutput, error) {
	return &iam.UntagPolicyOutput{}, s.changePolicy(ctx, in.PolicyArn, func(_ store.Tx, m *managed) error {
		m.Tags = without(m.Tags, in.TagKeys)
		return nil
	})
}

// ListPolicyTags pages tags.
func (s *Service) ListPolicyTags(ctx context.Context, in *iam.ListPolicyTagsInput, _ ...func(*iam.Options)) (*iam.ListPolicyTagsOutput, error) {
	out := &iam.ListPolicyTagsOutput{}
	return out, s.viewPolicy(ctx, in.PolicyArn, func(_ store.Reader, m *managed) (err error) {
		out.Tags, out.Marker, out.IsTruncated, err = ofSlice(page{"ListPolicyTags" + *m.Arn, in.Marker, in.MaxItems}, m.Tags, tagKey)
		return err
	})
}

// ListEntitiesForPolicy pages who has a policy.
func (s *Service) ListEntitiesForPolicy(ctx context.Context, in *iam.ListEntitiesForPolicyInput, _ ...func(*iam.Options)) (*iam.ListEntitiesForPolicyOutput, error) {
	out := &iam.ListEntitiesForPolicyOutput{
		PolicyGroups: []types.PolicyGroup{}, PolicyRoles: []types.PolicyRole{}, PolicyUsers: []types.PolicyUser{},
	}
	return out, s.viewPolicy(ctx, in.PolicyArn, func(r store.Reader, m *managed) error {
		var all []attachment
		for a, err := range attached.All(r, *m.Arn) {
			if err != nil {
				return err
			}
			wanted := in.EntityFilter == "" || string(in.EntityFilter) == a.Kind
			switch in.PolicyUsageFilter {
			case types.PolicyUsageTypePermissionsPolicy:
				wanted = wanted && !a.Boundary
			case types.PolicyUsageTypePermissionsBoundary:
				wanted = wanted && a.Boundary
			}
			if wanted {
				all = append(all, *a)
			}
		}
		slices.SortFunc(all, func(a, b attachment) int { return strings.Compare(a.Kind+"/"+a.Name, b.Kind+"/"+b.Name) })
		list, next, more, err := ofSlice(page{"ListEntitiesForPolicy" + *m.Arn, in.Marker, in.MaxItems}, all,
			func(a attachment) string { return a.Kind + "/" + a.Name })
		if err != nil {
			return err
		}
		out.Marker, out.IsTruncated = next, more
		for _, a := range list {
			e, err := load(r, a.Kind, &a.Name)
			if err != nil {
				return err
			}
			switch e := e.(type) {
			case *role:
				if under(e.Path, in.PathPrefix) {
					out.PolicyRoles = append(out.PolicyRoles, types.PolicyRole{RoleId: e.RoleId, RoleName: e.RoleName})
				}
			case *user:
				if under(e.Path, in.PathPrefix) {
					out.PolicyUsers = append(out.PolicyUsers, types.PolicyUser{UserId: e.UserId, UserName: e.UserName})
				}
			case *group:
				if under(e.Path, in.PathPrefix) {
					out.PolicyGroups = append(out.PolicyGroups, types.PolicyGroup{GroupId: e.GroupId, GroupName: e.GroupName})
				}
			}
		}
		return nil
	})
}
