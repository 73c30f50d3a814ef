package iam

import (
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"github.com/slipway-dev/slipway/internal/aws/identity"
	"github.com/slipway-dev/slipway/internal/aws/wire"
	"github.com/slipway-dev/slipway/internal/store"
)

// Wire is the table of operations.
func (s *Service) Wire() wire.Service {
	ops := s.roleOperations()
	ops = append(ops, s.userOperations()...)
	ops = append(ops, s.groupOperations()...)
	ops = append(ops, s.policyOperations()...)
	ops = append(ops, s.profileOperations()...)
	ops = append(ops, s.certificateOperations()...)
	ops = append(ops,
		wire.Op("iam:CreateAccountAlias", s.CreateAccountAlias, nil),
		wire.Op("iam:ListAccountAliases", s.ListAccountAliases, nil),
		wire.Op("iam:DeleteAccountAlias", s.DeleteAccountAlias, nil))
	return wire.Service{Model: "iam", Operations: ops}
}

// on makes the Access of an operation on the entity of a kind that name takes
// out of the input. The path is part of the ARN, so it is looked up; for what
// does not exist the ARN has none.
func on[I any](s *Service, kind string, name func(*I) *string) func(context.Context, *I) []wire.Access {
	return func(ctx context.Context, in *I) []wire.Access {
		return wire.On(s.entityARN(ctx, kind, name(in)))
	}
}

func (s *Service) entityARN(ctx context.Context, kind string, name *string) string {
	if name == nil { // the one who calls
		if c := identity.From(ctx); c.Kind == identity.User {
			return c.ARN
		}
		return "*"
	}
	kinds := map[string]string{"Role": "role", "User": "user", "Group": "group"}
	found := s.arn(kinds[kind], nil, *name)
	_ = s.view(ctx, func(r store.Reader) error {
		e, err := load(r, kind, name)
		if err != nil {
			return err
		}
		switch e := e.(type) {
		case *role:
			found = *e.Arn
		case *user:
			found = *e.Arn
		case *group:
			found = *e.Arn
		}
		return nil
	})
	return found
}

// withPolicy adds iam:PolicyARN to the Access of attaching and detaching.
func withPolicy[I any](base func(context.Context, *I) []wire.Access, policy func(*I) *string) func(context.Context, *I) []wire.Access {
	return with(base, "iam:PolicyARN", policy)
}

// with adds a condition key, if it has a value.
func with[I any](base func(context.Context, *I) []wire.Access, key string, value func(*I) *string) func(context.Context, *I) []wire.Access {
	return func(ctx context.Context, in *I) []wire.Access {
		checks := base(ctx, in)
		if v := value(in); v != nil {
			checks[0].Context = map[string][]string{key: {*v}}
		}
		return checks
	}
}

// fresh is the ARN of something that is being made.
func fresh[I any](s *Service, kind string, of func(*I) (path, name *string)) func(context.Context, *I) []wire.Access {
	return func(_ context.Context, in *I) []wire.Access {
		path, name := of(in)
		return wire.On(s.arn(kind, path, aws.ToString(name)))
	}
}

// renaming needs the permission on the old ARN and on the new one.
func (s *Service) renaming(ctx context.Context, kind string, name, newPath, newName *string) []wire.Access {
	old := s.entityARN(ctx, kind, name)
	_, resource, _ := strings.Cut(old, ":"+strings.ToLower(kind))
	i := strings.LastIndexByte(resource, '/') + 1
	path, last := resource[:i], resource[i:]
	if newPath != nil {
		path = *newPath
	}
	if newName != nil {
		last = *newName
	}
	return wire.On(old, s.arn(strings.ToLower(kind), &path, last))
}

func (s *Service) roleOperations() []wire.Operation {
	return []wire.Operation{
		wire.Op("iam:CreateRole", s.CreateRole, with(fresh(s, "role", func(in *iam.CreateRoleInput) (*string, *string) { return in.Path, in.RoleName }),
			"iam:PermissionsBoundary", func(in *iam.CreateRoleInput) *string { return in.PermissionsBoundary })),
		wire.Op("iam:GetRole", s.GetRole, on(s, "Role", func(in *iam.GetRoleInput) *string { return in.RoleName })),
		wire.Op("iam:ListRoles", s.ListRoles, nil),
		wire.Op("iam:UpdateRole", s.UpdateRole, on(s, "Role", func(in *iam.UpdateRoleInput) *string { return in.RoleName })),
		wire.Op("iam:UpdateRoleDescription", s.UpdateRoleDescription, on(s, "Role", func(in *iam.UpdateRoleDescriptionInput) *string { return in.RoleName })),
		wire.Op("iam:UpdateAssumeRolePolicy", s.UpdateAssumeRolePolicy, on(s, "Role", func(in *iam.UpdateAssumeRolePolicyInput) *string { return in.RoleName })),
		wire.Op("iam:DeleteRole", s.DeleteRole, on(s, "Role", func(in *iam.DeleteRoleInput) *string { return in.RoleName })),
		wire.Op("iam:TagRole", s.TagRole, on(s, "Role", func(in *iam.TagRoleInput) *string { return in.RoleName })),
		wire.Op("iam:UntagRole", s.UntagRole, on(s, "Role", func(in *iam.UntagRoleInput) *string { return in.RoleName })),
		wire.Op("iam:ListRoleTags", s.ListRoleTags, on(s, "Role", func(in *iam.ListRoleTagsInput) *string { return in.RoleName })),
		wire.Op("iam:PutRolePermissionsBoundary", s.PutRolePermissionsBoundary, with(on(s, "Role", func(in *iam.PutRolePermissionsBoundaryInput) *string { return in.RoleName }),
			"iam:PermissionsBoundary", func(in *iam.PutRolePermissionsBoundaryInput) *string { return in.PermissionsBoundary })),
		wire.Op("iam:DeleteRolePermissionsBoundary", s.DeleteRolePermissionsBoundary, on(s, "Role", func(in *iam.DeleteRolePermissionsBoundaryInput) *string { return in.RoleName })),
		wire.Op("iam:PutRolePolicy", s.PutRolePolicy, on(s, "Role", func(in *iam.PutRolePolicyInput) *string { return in.RoleName })),
		wire.Op("iam:GetRolePolicy", s.GetRolePolicy, on(s, "Role", func(in *iam.GetRolePolicyInput) *string { return in.RoleName })),
		wire.Op("iam:DeleteRolePolicy", s.DeleteRolePolicy, on(s, "Role", func(in *iam.DeleteRolePolicyInput) *string { return in.RoleName })),
		wire.Op("iam:ListRolePolicies", s.ListRolePolicies, on(s, "Role", func(in *iam.ListRolePoliciesInput) *string { return in.RoleName })),
		wire.Op("iam:AttachRolePolicy", s.AttachRolePolicy, withPolicy(on(s, "Role", func(in *iam.AttachRolePolicyInput) *string { return in.RoleName }),
			func(in *iam.AttachRolePolicyInput) *string { return in.PolicyArn })),
		wire.Op("iam:DetachRolePolicy", s.DetachRolePolicy, withPolicy(on(s, "Role", func(in *iam.DetachRolePolicyInput) *string { return in.RoleName }),
			func(in *iam.DetachRolePolicyInput) *string { return in.PolicyArn })),
		wire.Op("iam:ListAttachedRolePolicies", s.ListAttachedRolePolicies, on(s, "Role", func(in *iam.ListAttachedRolePoliciesInput) *string { return in.RoleName })),
		wire.Op("iam:CreateServiceLinkedRole", s.CreateServiceLinkedRole, func(_ context.Context, in *iam.CreateServiceLinkedRoleInput) []wire.Access {
			return []wire.Access{{
				Resource: s.arn("role", aws.String("/aws-service-role/"+*in.AWSServiceName+"/"), "*"),
				Context:  map[string][]string{"iam:AWSServiceName": {*in.AWSServiceName}},
			}}
		}),
		wire.Op("iam:DeleteServiceLinkedRole", s.DeleteServiceLinkedRole, on(s, "Role", func(in *iam.DeleteServiceLinkedRoleInput) *string { return in.RoleName })),
		wire.Op("iam:GetServiceLinkedRoleDeletionStatus", s.GetServiceLinkedRoleDeletionStatus, nil),
		wire.Op("iam:SimulatePrincipalPolicy", s.SimulatePrincipalPolicy, func(_ context.Context, in *iam.SimulatePrincipalPolicyInput) []wire.Access {
			return wire.On(*in.PolicySourceArn)
		}),
	}
}

func (s *Service) userOperations() []wire.Operation {
	return []wire.Operation{
		wire.Op("iam:CreateUser", s.CreateUser, with(fresh(s, "user", func(in *iam.CreateUserInput) (*string, *string) { return in.Path, in.UserName }),
			"iam:PermissionsBoundary", func(in *iam.CreateUserInput) *string { return in.PermissionsBoundary })),
		wire.Op("iam:GetUser", s.GetUser, on(s, "User", func(in *iam.GetUserInput) *string { return in.UserName })),
		wire.Op("iam:ListUsers", s.ListUsers, nil),
		wire.Op("iam:DeleteUser", s.DeleteUser, on(s, "User", func(in *iam.DeleteUserInput) *string { return in.UserName })),
		wire.Op("iam:TagUser", s.TagUser, on(s, "User", func(in *iam.TagUserInput) *string { return in.UserName })),
		wire.Op("iam:UntagUser", s.UntagUser, on(s, "User", func(in *iam.UntagUserInput) *string { return in.UserName })),
		wire.Op("iam:ListUserTags", s.ListUserTags, on(s, "User", func(in *iam.ListUserTagsInput) *string { return in.UserName })),
		wire.Op("iam:PutUserPermissionsBoundary", s.PutUserPermissionsBoundary, with(on(s, "User", func(in *iam.PutUserPermissionsBoundaryInput) *string { return in.UserName }),
			"iam:PermissionsBoundary", func(in *iam.PutUserPermissionsBoundaryInput) *string { return in.PermissionsBoundary })),
		wire.Op("iam:DeleteUserPermissionsBoundary", s.DeleteUserPermissionsBoundary, on(s, "User", func(in *iam.DeleteUserPermissionsBoundaryInput) *string { return in.UserName })),
		wire.Op("iam:PutUserPolicy", s.PutUserPolicy, on(s, "User", func(in *iam.PutUserPolicyInput) *string { return in.UserName })),
		wire.Op("iam:GetUserPolicy", s.GetUserPolicy, on(s, "User", func(in *iam.GetUserPolicyInput) *string { return in.UserName })),
		wire.Op("iam:DeleteUserPolicy", s.DeleteUserPolicy, on(s, "User", func(in *iam.DeleteUserPolicyInput) *string { return in.UserName })),
		wire.Op("iam:ListUserPolicies", s.ListUserPolicies, on(s, "User", func(in *iam.ListUserPoliciesInput) *string { return in.UserName })),
		wire.Op("iam:AttachUserPolicy", s.AttachUserPolicy, withPolicy(on(s, "User", func(in *iam.AttachUserPolicyInput) *string { return in.UserName }),
			func(in *iam.AttachUserPolicyInput) *string { return in.PolicyArn })),
		wire.Op("iam:DetachUserPolicy", s.DetachUserPolicy, withPolicy(on(s, "User", func(in *iam.DetachUserPolicyInput) *string { return in.UserName }),
			func(in *iam.DetachUserPolicyInput) *string { return in.PolicyArn })),
		wire.Op("iam:ListAttachedUserPolicies", s.ListAttachedUserPolicies, on(s, "User", func(in *iam.ListAttachedUserPoliciesInput) *string { return in.UserName })),
		wire.Op("iam:CreateAccessKey", s.CreateAccessKey, on(s, "User", func(in *iam.CreateAccessKeyInput) *string { return in.UserName })),
		wire.Op("iam:ListAccessKeys", s.ListAccessKeys, on(s, "User", func(in *iam.ListAccessKeysInput) *string { return in.UserName })),
		wire.Op("iam:UpdateAccessKey", s.UpdateAccessKey, on(s, "User", func(in *iam.UpdateAccessKeyInput) *string { return in.UserName })),
		wire.Op("iam:DeleteAccessKey", s.DeleteAccessKey, on(s, "User", func(in *iam.DeleteAccessKeyInput) *string { return in.UserName })),
		wire.Op("iam:CreateServiceSpecificCredential", s.CreateServiceSpecificCredential, on(s, "User", func(in *iam.CreateServiceSpecificCredentialInput) *string { return in.UserName })),
		wire.Op("iam:ListServiceSpecificCredentials", s.ListServiceSpecificCredentials, on(s, "User", func(in *iam.ListServiceSpecificCredentialsInput) *string { return in.UserName })),
		wire.Op("iam:UpdateServiceSpecificCredential", s.UpdateServiceSpecificCredential, on(s, "User", func(in *iam.UpdateServiceSpecificCredentialInput) *string { return in.UserName })),
		wire.Op("iam:ResetServiceSpecificCredential", s.ResetServiceSpecificCredential, on(s, "User", func(in *iam.ResetServiceSpecificCredentialInput) *string { return in.UserName })),
		wire.Op("iam:DeleteServiceSpecificCredential", s.DeleteServiceSpecificCredential, on(s, "User", func(in *iam.DeleteServiceSpecificCredentialInput) *string { return in.UserName })),
		wire.Op("iam:GetLoginProfile", s.GetLoginProfile, on(s, "User", func(in *iam.GetLoginProfileInput) *string { return in.UserName })),
		wire.Op("iam:DeleteLoginProfile", s.DeleteLoginProfile, on(s, "User", func(in *iam.DeleteLoginProfileInput) *string { return in.UserName })),
		wire.Op("iam:ListMFADevices", s.ListMFADevices, on(s, "User", func(in *iam.ListMFADevicesInput) *string { return in.UserName })),
		wire.Op("iam:ListSigningCertificates", s.ListSigningCertificates, on(s, "User", func(in *iam.ListSigningCertificatesInput) *string { return in.UserName })),
		wire.Op("iam:ListSSHPublicKeys", s.ListSSHPublicKeys, on(s, "User", func(in *iam.ListSSHPublicKeysInput) *string { return in.UserName })),
		wire.Op("iam:ListVirtualMFADevices", s.ListVirtualMFADevices, nil),
		wire.Op("iam:UpdateUser", s.UpdateUser, func(ctx context.Context, in *iam.UpdateUserInput) []wire.Access {
			return s.renaming(ctx, "User", in.UserName, in.NewPath, in.NewUserName)
		}),
		wire.Op("iam:ListGroupsForUser", s.ListGroupsForUser, on(s, "User", func(in *iam.ListGroupsForUserInput) *string { return in.UserName })),
	}
}

func (s *Service) groupOperations() []wire.Operation {
	return []wire.Operation{
		wire.Op("iam:CreateGroup", s.CreateGroup, fresh(s, "group", func(in *iam.CreateGroupInput) (*string, *string) { return in.Path, in.GroupName })),
		wire.Op("iam:GetGroup", s.GetGroup, on(s, "Group", func(in *iam.GetGroupInput) *string { return in.GroupName })),
		wire.Op("iam:ListGroups", s.ListGroups, nil),
		wire.Op("iam:UpdateGroup", s.UpdateGroup, func(ctx context.Context, in *iam.UpdateGroupInput) []wire.Access {
			return s.renaming(ctx, "Group", in.GroupName, in.NewPath, in.NewGroupName)
		}),
		wire.Op("iam:DeleteGroup", s.DeleteGroup, on(s, "Group", func(in *iam.DeleteGroupInput) *string { return in.GroupName })),
		wire.Op("iam:AddUserToGroup", s.AddUserToGroup, on(s, "Group", func(in *iam.AddUserToGroupInput) *string { return in.GroupName })),
		wire.Op("iam:RemoveUserFromGroup", s.RemoveUserFromGroup, on(s, "Group", func(in *iam.RemoveUserFromGroupInput) *string { return in.GroupName })),
		wire.Op("iam:PutGroupPolicy", s.PutGroupPolicy, on(s, "Group", func(in *iam.PutGroupPolicyInput) *string { return in.GroupName })),
		wire.Op("iam:GetGroupPolicy", s.GetGroupPolicy, on(s, "Group", func(in *iam.GetGroupPolicyInput) *string { return in.GroupName })),
		wire.Op("iam:DeleteGroupPolicy", s.DeleteGroupPolicy, on(s, "Group", func(in *iam.DeleteGroupPolicyInput) *string { return in.GroupName })),
		wire.Op("iam:ListGroupPolicies", s.ListGroupPolicies, on(s, "Group", func(in *iam.ListGroupPoliciesInput) *string { return in.GroupName })),
		wire.Op("iam:AttachGroupPolicy", s.AttachGroupPolicy, withPolicy(on(s, "Group", func(in *iam.AttachGroupPolicyInput) *string { return in.GroupName }),
			func(in *iam.AttachGroupPolicyInput) *string { return in.PolicyArn })),
		wire.Op("iam:DetachGroupPolicy", s.DetachGroupPolicy, withPolicy(on(s, "Group", func(in *iam.DetachGroupPolicyInput) *string { return in.GroupName }),
			func(in *iam.DetachGroupPolicyInput) *string { return in.PolicyArn })),
		wire.Op("iam:ListAttachedGroupPolicies", s.ListAttachedGroupPolicies, on(s, "Group", func(in *iam.ListAttachedGroupPoliciesInput) *string { return in.GroupName })),
	}
}

// onPolicy is the Access on the policy an input names.
func onPolicy[I any](policy func(*I) *string) func(context.Context, *I) []wire.Access {
	return func(_ context.Context, in *I) []wire.Access { return wire.On(*policy(in)) }
}

func (s *Service) policyOperations() []wire.Operation {
	return []wire.Operation{
		wire.Op("iam:CreatePolicy", s.CreatePolicy, fresh(s, "policy", func(in *iam.CreatePolicyInput) (*string, *string) { return in.Path, in.PolicyName })),
		wire.Op("iam:GetPolicy", s.GetPolicy, onPolicy(func(in *iam.GetPolicyInput) *string { return in.PolicyArn })),
		wire.Op("iam:ListPolicies", s.ListPolicies, nil),
		wire.Op("iam:DeletePolicy", s.DeletePolicy, onPolicy(func(in *iam.DeletePolicyInput) *string { return in.PolicyArn })),
		wire.Op("iam:CreatePolicyVersion", s.CreatePolicyVersion, onPolicy(func(in *iam.CreatePolicyVersionInput) *string { return in.PolicyArn })),
		wire.Op("iam:GetPolicyVersion", s.GetPolicyVersion, onPolicy(func(in *iam.GetPolicyVersionInput) *string { return in.PolicyArn })),
		wire.Op("iam:ListPolicyVersions", s.ListPolicyVersions, onPolicy(func(in *iam.ListPolicyVersionsInput) *string { return in.PolicyArn })),
		wire.Op("iam:DeletePolicyVersion", s.DeletePolicyVersion, onPolicy(func(in *iam.DeletePolicyVersionInput) *string { return in.PolicyArn })),
		wire.Op("iam:SetDefaultPolicyVersion", s.SetDefaultPolicyVersion, onPolicy(func(in *iam.SetDefaultPolicyVersionInput) *string { return in.PolicyArn })),
		wire.Op("iam:TagPolicy", s.TagPolicy, onPolicy(func(in *iam.TagPolicyInput) *string { return in.PolicyArn })),
		wire.Op("iam:UntagPolicy", s.UntagPolicy, onPolicy(func(in *iam.UntagPolicyInput) *string { return in.PolicyArn })),
		wire.Op("iam:ListPolicyTags", s.ListPolicyTags, onPolicy(func(in *iam.ListPolicyTagsInput) *string { return in.PolicyArn })),
		wire.Op("iam:ListEntitiesForPolicy", s.ListEntitiesForPolicy, onPolicy(func(in *iam.ListEntitiesForPolicyInput) *string { return in.PolicyArn })),
	}
}

// onProfile is the Access on the instance profile an input names.
func onProfile[I any](s *Service, name func(*I) *string) func(context.Context, *I) []wire.Access {
	return func(ctx context.Context, in *I) []wire.Access {
		found := s.arn("instance-profile", nil, *name(in))
		_ = s.view(ctx, func(r store.Reader) error {
			p, err := loadProfile(r, name(in))
			if err == nil {
				found = *p.Arn
			}
			return err
		})
		return wire.On(found)
	}
}

func (s *Service) profileOperations() []wire.Operation {
	return []wire.Operation{
		wire.Op("iam:CreateInstanceProfile", s.CreateInstanceProfile, fresh(s, "instance-profile", func(in *iam.CreateInstanceProfileInput) (*string, *string) {
			return in.Path, in.InstanceProfileName
		})),
		wire.Op("iam:GetInstanceProfile", s.GetInstanceProfile, onProfile(s, func(in *iam.GetInstanceProfileInput) *string { return in.InstanceProfileName })),
		wire.Op("iam:ListInstanceProfiles", s.ListInstanceProfiles, nil),
		wire.Op("iam:ListInstanceProfilesForRole", s.ListInstanceProfilesForRole, on(s, "Role", func(in *iam.ListInstanceProfilesForRoleInput) *string { return in.RoleName })),
		wire.Op("iam:AddRoleToInstanceProfile", s.AddRoleToInstanceProfile, func(ctx context.Context, in *iam.AddRoleToInstanceProfileInput) []wire.Access {
			own := onProfile(s, func(in *iam.AddRoleToInstanceProfileInput) *string { return in.InstanceProfileName })(ctx, in)
			return append(own, wire.PassRole(s.entityARN(ctx, "Role", in.RoleName), "ec2.amazonaws.com"))
		}),
		wire.Op("iam:RemoveRoleFromInstanceProfile", s.RemoveRoleFromInstanceProfile, onProfile(s, func(in *iam.RemoveRoleFromInstanceProfileInput) *string { return in.InstanceProfileName })),
		wire.Op("iam:DeleteInstanceProfile", s.DeleteInstanceProfile, onProfile(s, func(in *iam.DeleteInstanceProfileInput) *string { return in.InstanceProfileName })),
		wire.Op("iam:TagInstanceProfile", s.TagInstanceProfile, onProfile(s, func(in *iam.TagInstanceProfileInput) *string { return in.InstanceProfileName })),
		wire.Op("iam:UntagInstanceProfile", s.UntagInstanceProfile, onProfile(s, func(in *iam.UntagInstanceProfileInput) *string { return in.InstanceProfileName })),
		wire.Op("iam:ListInstanceProfileTags", s.ListInstanceProfileTags, onProfile(s, func(in *iam.ListInstanceProfileTagsInput) *string { return in.InstanceProfileName })),
	}
}
