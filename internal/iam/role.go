package iam

import (
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/slipway-dev/slipway/internal/iam/policy"
	"github.com/slipway-dev/slipway/internal/store"
)

const (
	defaultSession = 3600  // seconds
	maxSession     = 43200 // seconds
)

// CreateRole makes a role.
func (s *Service) CreateRole(ctx context.Context, in *iam.CreateRoleInput, _ ...func(*iam.Options)) (*iam.CreateRoleOutput, error) {
	if strings.HasPrefix(aws.ToString(in.Path), "/aws-service-role/") {
		return nil, invalid("The path /aws-service-role/ is reserved for service-linked roles.")
	}
	r := &role{Role: types.Role{
		RoleName:                 in.RoleName,
		Path:                     in.Path,
		Description:              in.Description,
		AssumeRolePolicyDocument: in.AssumeRolePolicyDocument,
		MaxSessionDuration:       in.MaxSessionDuration,
	}}
	if err := s.createRole(ctx, r, in.Tags, in.PermissionsBoundary); err != nil {
		return nil, err
	}
	return &iam.CreateRoleOutput{Role: r.answer()}, nil
}

// createRole fills in and keeps a role.
func (s *Service) createRole(ctx context.Context, r *role, tags []types.Tag, boundary *string) error {
	trust, err := parse(r.AssumeRolePolicyDocument, policy.Trust)
	if err != nil {
		return err
	}
	if size(*r.AssumeRolePolicyDocument) > maxTrust {
		return quota("ACLSizePerRole", maxTrust)
	}
	if r.Tags, err = merge(nil, tags); err != nil {
		return err
	}
	if r.Path == nil {
		r.Path = aws.String("/")
	}
	if r.MaxSessionDuration == nil {
		r.MaxSessionDuration = aws.Int32(defaultSession)
	}
	if err := checkSession(r.MaxSessionDuration); err != nil {
		return err
	}
	r.RoleId, r.CreateDate = s.unique("AROA"), s.now()
	r.Arn = aws.String(s.arn("role", r.Path, *r.RoleName))
	return s.update(ctx, func(tx store.Tx) error {
		_, err := loadRole(tx, r.RoleName)
		if err := absent(err, "Role", *r.RoleName); err != nil {
			return err
		}
		if err := s.checkPrincipals(tx, trust); err != nil {
			return err
		}
		if r.PermissionsBoundary, err = putBoundary(tx, r, boundary); err != nil {
			return err
		}
		return r.save(tx)
	})
}

func checkSession(seconds *int32) error {
	if n := aws.ToInt32(seconds); n < defaultSession || n > maxSession {
		return invalid("MaxSessionDuration must be between 3600 and 43200 seconds.")
	}
	return nil
}

// checkPrincipals makes sure that users and roles of this account that a trust
// policy names exist.
func (s *Service) checkPrincipals(r store.Reader, trust *policy.Policy) error {
	mine := "arn:aws:iam::" + s.cfg.Site.Account + ":"
	for _, a := range trust.Principals() {
		rest, ok := strings.CutPrefix(a, mine)
		if !ok {
			continue
		}
		kind, name, _ := strings.Cut(rest, "/")
		name = name[strings.LastIndexByte(name, '/')+1:]
		found := false
		switch kind {
		case "role":
			v, err := loadRole(r, &name)
			found = err == nil && *v.Arn == a
		case "user":
			v, err := loadUser(r, &name)
			found = err == nil && *v.Arn == a
		}
		if !found {
			return &types.MalformedPolicyDocumentException{Message: aws.String(`Invalid principal in policy: "AWS":"` + a + `"`)}
		}
	}
	return nil
}

// answer is the role as clients see it.
func (r *role) answer() *types.Role {
	v := r.Role
	v.AssumeRolePolicyDocument = encoded(v.AssumeRolePolicyDocument)
	return &v
}

// GetRole describes a role.
func (s *Service) GetRole(ctx context.Context, in *iam.GetRoleInput, _ ...func(*iam.Options)) (*iam.GetRoleOutput, error) {
	out := &iam.GetRoleOutput{}
	return out, s.view(ctx, func(rd store.Reader) error {
		r, err := loadRole(rd, in.RoleName)
		if err != nil {
			return err
		}
		out.Role = r.answer()
		out.Role.RoleLastUsed = &types.RoleLastUsed{} // present, and empty until there is something to tell
		return nil
	})
}

// ListRoles pages roles below a path. Like AWS it leaves out tags and boundary.
func (s *Service) ListRoles(ctx context.Context, in *iam.ListRolesInput, _ ...func(*iam.Options)) (*iam.ListRolesOutput, error) {
	out := &iam.ListRolesOutput{}
	return out, s.view(ctx, func(rd store.Reader) (err error) {
		p := page{"ListRoles" + aws.ToString(in.PathPrefix), in.Marker, in.MaxItems}
		out.Roles, out.Marker, out.IsTruncated, err = ofTable(p, rd, roles, func(r *role) (types.Role, bool) {
			v := *r.answer()
			v.Tags, v.PermissionsBoundary = nil, nil
			return v, under(r.Path, in.PathPrefix)
		})
		return err
	})
}

// changeRole loads a role that users may change, and saves it.
func (s *Service) changeRole(ctx context.Context, name *string, fn func(store.Tx, *role) error) error {
	return s.update(ctx, func(tx store.Tx) error {
		r, err := loadRole(tx, name)
		if err != nil {
			return err
		}
		if err := fn(tx, r); err != nil {
			return err
		}
		return r.save(tx)
	})
}

// UpdateRole sets description and session duration; what is not given stays.
func (s *Service) UpdateRole(ctx context.Context, in *iam.UpdateRoleInput, _ ...func(*iam.Options)) (*iam.UpdateRoleOutput, error) {
	return &iam.UpdateRoleOutput{}, s.changeRole(ctx, in.RoleName, func(_ store.Tx, r *role) error {
		if in.MaxSessionDuration != nil {
			if err := changeable(r); err != nil {
				return err
			}
			if err := checkSession(in.MaxSessionDuration); err != nil {
				return err
			}
			r.MaxSessionDuration = in.MaxSessionDuration
		}
		if in.Description != nil {
			r.Description = in.Description
		}
		return nil
	})
}

// UpdateRoleDescription sets the description.
func (s *Service) UpdateRoleDescription(ctx context.Context, in *iam.UpdateRoleDescriptionInput, _ ...func(*iam.Options)) (*iam.UpdateRoleDescriptionOutput, error) {
	out := &iam.UpdateRoleDescriptionOutput{}
	return out, s.changeRole(ctx, in.RoleName, func(_ store.Tx, r *role) error {
		r.Description = in.Description
		out.Role = r.answer()
		return nil
	})
}

// UpdateAssumeRolePolicy replaces who may assume a role.
func (s *Service) UpdateAssumeRolePolicy(ctx context.Context, in *iam.UpdateAssumeRolePolicyInput, _ ...func(*iam.Options)) (*iam.UpdateAssumeRolePolicyOutput, error) {
	trust, err := parse(in.PolicyDocument, policy.Trust)
	if err != nil {
		return nil, err
	}
	if size(*in.PolicyDocument) > maxTrust {
		return nil, quota("ACLSizePerRole", maxTrust)
	}
	return &iam.UpdateAssumeRolePolicyOutput{}, s.changeRole(ctx, in.RoleName, func(tx store.Tx, r *role) error {
		if err := changeable(r); err != nil {
			return err
		}
		if err := s.checkPrincipals(tx, trust); err != nil {
			return err
		}
		r.AssumeRolePolicyDocument = in.PolicyDocument
		return nil
	})
}

// DeleteRole deletes a role without policies and instance profiles.
func (s *Service) DeleteRole(ctx context.Context, in *iam.DeleteRoleInput, _ ...func(*iam.Options)) (*iam.DeleteRoleOutput, error) {
	return &iam.DeleteRoleOutput{}, s.update(ctx, func(tx store.Tx) error {
		r, err := loadRole(tx, in.RoleName)
		if err != nil {
			return err
		}
		if err := changeable(r); err != nil {
			return err
		}
		used, err := profilesOf(tx, *r.RoleName)
		if err != nil {
			return err
		}
		if len(used) > 0 {
			return conflict("Cannot delete entity, must remove roles from instance profile first.")
		}
		if err := bare(r); err != nil {
			return err
		}
		if err := dropBoundary(tx, r); err != nil {
			return err
		}
		return roles.Delete(tx, strings.ToLower(*r.RoleName))
	})
}

// TagRole sets tags.
func (s *Service) TagRole(ctx context.Context, in *iam.TagRoleInput, _ ...func(*iam.Options)) (*iam.TagRoleOutput, error) {
	return &iam.TagRoleOutput{}, s.changeRole(ctx, in.RoleName, func(_ store.Tx, r *role) (err error) {
		r.Tags, err = merge(r.Tags, in.Tags)
		return err
	})
}

// UntagRole removes tags.
func (s *Service) UntagRole(ctx context.Context, in *iam.UntagRoleInput, _ ...func(*iam.Options)) (*iam.UntagRoleOutput, error) {
	return &iam.UntagRoleOutput{}, s.changeRole(ctx, in.RoleName, func(_ store.Tx, r *role) error {
		r.Tags = without(r.Tags, in.TagKeys)
		return nil
	})
}

// ListRoleTags pages tags.
func (s *Service) ListRoleTags(ctx context.Context, in *iam.ListRoleTagsInput, _ ...func(*iam.Options)) (*iam.ListRoleTagsOutput, error) {
	out := &iam.ListRoleTagsOutput{}
	return out, s.view(ctx, func(rd store.Reader) error {
		r, err := loadRole(rd, in.RoleName)
		if err != nil {
			return err
		}
		out.Tags, out.Marker, out.IsTruncated, err = ofSlice(page{"ListRoleTags" + *r.RoleName, in.Marker, in.MaxItems}, r.Tags, tagKey)
		return err
	})
}

// PutRolePermissionsBoundary sets the boundary.
func (s *Service) PutRolePermissionsBoundary(ctx context.Context, in *iam.PutRolePermissionsBoundaryInput, _ ...func(*iam.Options)) (*iam.PutRolePermissionsBoundaryOutput, error) {
	return &iam.PutRolePermissionsBoundaryOutput{}, s.setBoundary(ctx, "Role", in.RoleName, in.PermissionsBoundary)
}

// DeleteRolePermissionsBoundary removes the boundary.
func (s *Service) DeleteRolePermissionsBoundary(ctx context.Context, in *iam.DeleteRolePermissionsBoundaryInput, _ ...func(*iam.Options)) (*iam.DeleteRolePermissionsBoundaryOutput, error) {
	return &iam.DeleteRolePermissionsBoundaryOutput{}, s.setBoundary(ctx, "Role", in.RoleName, nil)
}
