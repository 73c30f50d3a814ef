package iam_test

import (
	"net/url"
	"reflect"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/slipway-dev/slipway/cmd/slipway/apptest"
)

// unescaped is a document as clients read it.
func unescaped(t *testing.T, document *string) string {
	t.Helper()
	s, err := url.QueryUnescape(aws.ToString(document))
	if err != nil {
		t.Error(err)
	}
	return s
}

var team = []types.Tag{{Key: aws.String("Empty"), Value: aws.String("")}, {Key: aws.String("Team"), Value: aws.String("web")}}

// The calls that Terraform's aws_iam_role makes, with the resources that hang on
// it, in its order.
func TestTerraformRole(t *testing.T) {
	c, ctx := iam.NewFromConfig(apptest.Start(t).Config()), t.Context()
	name, boundary := aws.String("build"), aws.String("arn:aws:iam::aws:policy/PowerUserAccess")
	must := func(_ any, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(c.CreateRole(ctx, &iam.CreateRoleInput{RoleName: name, Path: aws.String("/service-role/"), Description: aws.String("Builds"), AssumeRolePolicyDocument: aws.String(trust),
		MaxSessionDuration: aws.Int32(7200), PermissionsBoundary: boundary, Tags: team}))
	read := func() *types.Role {
		t.Helper()
		out, err := c.GetRole(ctx, &iam.GetRoleInput{RoleName: name})
		if err != nil {
			t.Fatal(err)
		}
		return out.Role
	}
	r := read()
	if *r.Path != "/service-role/" || *r.Description != "Builds" || *r.MaxSessionDuration != 7200 || *r.Arn != "arn:aws:iam::000000000000:role/service-role/build" ||
		*r.PermissionsBoundary.PermissionsBoundaryArn != *boundary || r.PermissionsBoundary.PermissionsBoundaryType != types.PermissionsBoundaryAttachmentTypePolicy ||
		unescaped(t, r.AssumeRolePolicyDocument) != trust || !reflect.DeepEqual(r.Tags, team) || r.CreateDate == nil || r.RoleId == nil {
		t.Errorf("read back %+v", r)
	}
	inline, err := c.ListRolePolicies(ctx, &iam.ListRolePoliciesInput{RoleName: name})
	if err != nil || len(inline.PolicyNames) != 0 {
		t.Errorf("inline policies of a new role: %+v, %v", inline, err)
	}
	attached, err := c.ListAttachedRolePolicies(ctx, &iam.ListAttachedRolePoliciesInput{RoleName: name})
	if err != nil || len(attached.AttachedPolicies) != 0 {
		t.Errorf("policies of a new role: %+v, %v", attached, err)
	}

	must(c.PutRolePolicy(ctx, &iam.PutRolePolicyInput{RoleName: name, PolicyName: aws.String("p"), PolicyDocument: aws.String(anything)}))
	got, err := c.GetRolePolicy(ctx, &iam.GetRolePolicyInput{RoleName: name, PolicyName: aws.String("p")})
	if err != nil || unescaped(t, got.PolicyDocument) != anything {
		t.Errorf("inline policy %+v, %v", got, err)
	}
	for _, managed := range []string{"AWSCodeBuildDeveloperAccess", "service-role/AmazonECSTaskExecutionRolePolicy", "job-function/ViewOnlyAccess"} {
		must(c.AttachRolePolicy(ctx, &iam.AttachRolePolicyInput{RoleName: name, PolicyArn: aws.String("arn:aws:iam::aws:policy/" + managed)}))
	}
	if _, err := c.AttachRolePolicy(ctx, &iam.AttachRolePolicyInput{RoleName: name, PolicyArn: aws.String("arn:aws:iam::aws:policy/NoSuchThing")}); code(err) != "NoSuchEntity" {
		t.Errorf("a policy that AWS does not have: %v", err)
	}

	// Updates, one call for each argument.
	must(c.UpdateAssumeRolePolicy(ctx, &iam.UpdateAssumeRolePolicyInput{RoleName: name, PolicyDocument: aws.String(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole"}}`)}))
	must(c.UpdateRole(ctx, &iam.UpdateRoleInput{RoleName: name, Description: aws.String(""), MaxSessionDuration: aws.Int32(3600)}))
	must(c.DeleteRolePermissionsBoundary(ctx, &iam.DeleteRolePermissionsBoundaryInput{RoleName: name}))
	must(c.TagRole(ctx, &iam.TagRoleInput{RoleName: name, Tags: []types.Tag{{Key: aws.String("Team"), Value: aws.String("ops")}}}))
	must(c.UntagRole(ctx, &iam.UntagRoleInput{RoleName: name, TagKeys: []string{"Empty"}}))
	r = read()
	if aws.ToString(r.Description) != "" || *r.MaxSessionDuration != 3600 || r.PermissionsBoundary != nil || len(r.Tags) != 1 || *r.Tags[0].Value != "ops" {
		t.Errorf("after the updates %+v", r)
	}

	// An instance profile, as the provider makes it.
	profile := aws.String("runner")
	must(c.CreateInstanceProfile(ctx, &iam.CreateInstanceProfileInput{InstanceProfileName: profile, Path: aws.String("/ci/"), Tags: team}))
	must(c.AddRoleToInstanceProfile(ctx, &iam.AddRoleToInstanceProfileInput{InstanceProfileName: profile, RoleName: name}))
	p, err := c.GetInstanceProfile(ctx, &iam.GetInstanceProfileInput{InstanceProfileName: profile})
	if err != nil || len(p.InstanceProfile.Roles) != 1 || *p.InstanceProfile.Roles[0].RoleName != "build" || !reflect.DeepEqual(p.InstanceProfile.Tags, team) {
		t.Errorf("instance profile %+v, %v", p, err)
	}

	// With force_detach_policies everything goes before the role.
	if _, err := c.DeleteRole(ctx, &iam.DeleteRoleInput{RoleName: name}); code(err) != "DeleteConflict" {
		t.Errorf("a role in use: %v", err)
	}
	list, err := c.ListInstanceProfilesForRole(ctx, &iam.ListInstanceProfilesForRoleInput{RoleName: name})
	if err != nil || len(list.InstanceProfiles) != 1 {
		t.Fatalf("profiles of the role %+v, %v", list, err)
	}
	must(c.RemoveRoleFromInstanceProfile(ctx, &iam.RemoveRoleFromInstanceProfileInput{InstanceProfileName: profile, RoleName: name}))
	must(c.DeleteInstanceProfile(ctx, &iam.DeleteInstanceProfileInput{InstanceProfileName: profile}))
	attached, err = c.ListAttachedRolePolicies(ctx, &iam.ListAttachedRolePoliciesInput{RoleName: name})
	if err != nil || len(attached.AttachedPolicies) != 3 {
		t.Fatalf("attached %+v, %v", attached, err)
	}
	for _, a := range attached.AttachedPolicies {
		must(c.DetachRolePolicy(ctx, &iam.DetachRolePolicyInput{RoleName: name, PolicyArn: a.PolicyArn}))
	}
	must(c.DeleteRolePolicy(ctx, &iam.DeleteRolePolicyInput{RoleName: name, PolicyName: aws.String("p")}))
	must(c.DeleteRole(ctx, &iam.DeleteRoleInput{RoleName: name}))

	_, role := c.GetRole(ctx, &iam.GetRoleInput{RoleName: name})
	_, policy := c.GetRolePolicy(ctx, &iam.GetRolePolicyInput{RoleName: name, PolicyName: aws.String("p")})
	_, attachment := c.ListAttachedRolePolicies(ctx, &iam.ListAttachedRolePoliciesInput{RoleName: name})
	_, instance := c.GetInstanceProfile(ctx, &iam.GetInstanceProfileInput{InstanceProfileName: profile})
	for _, err := range []error{role, policy, attachment, instance} {
		if code(err) != "NoSuchEntity" {
			t.Errorf("read after delete: %v", err)
		}
	}
}

// aws_iam_policy: the provider deletes the oldest version when there are five.
func TestTerraformPolicy(t *testing.T) {
	c, ctx := iam.NewFromConfig(apptest.Start(t).Config()), t.Context()
	made, err := c.CreatePolicy(ctx, &iam.CreatePolicyInput{PolicyName: aws.String("build"), Path: aws.String("/ci/"), Description: aws.String("What builds may"), PolicyDocument: aws.String(anything), Tags: team})
	if err != nil {
		t.Fatal(err)
	}
	arn := made.Policy.Arn
	read := func() (*types.Policy, string) {
		t.Helper()
		p, err := c.GetPolicy(ctx, &iam.GetPolicyInput{PolicyArn: arn})
		if err != nil {
			t.Fatal(err)
		}
		v, err := c.GetPolicyVersion(ctx, &iam.GetPolicyVersionInput{PolicyArn: arn, VersionId: p.Policy.DefaultVersionId})
		if err != nil {
			t.Fatal(err)
		}
		return p.Policy, unescaped(t, v.PolicyVersion.Document)
	}
	p, document := read()
	if *p.Path != "/ci/" || *p.Description != "What builds may" || *p.AttachmentCount != 0 || !reflect.DeepEqual(p.Tags, team) || document != anything {
		t.Errorf("read back %+v %s", p, document)
	}
	for range 7 {
		versions, err := c.ListPolicyVersions(ctx, &iam.ListPolicyVersionsInput{PolicyArn: arn})
		if err != nil {
			t.Fatal(err)
		}
		if n := len(versions.Versions); n >= 5 {
			if _, err := c.DeletePolicyVersion(ctx, &iam.DeletePolicyVersionInput{PolicyArn: arn, VersionId: versions.Versions[n-1].VersionId}); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := c.CreatePolicyVersion(ctx, &iam.CreatePolicyVersionInput{PolicyArn: arn, PolicyDocument: aws.String(anything), SetAsDefault: true}); err != nil {
			t.Fatal(err)
		}
	}
	if p, _ := read(); *p.DefaultVersionId != "v8" {
		t.Errorf("default version %s", *p.DefaultVersionId)
	}
	versions, err := c.ListPolicyVersions(ctx, &iam.ListPolicyVersionsInput{PolicyArn: arn})
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range versions.Versions {
		if v.IsDefaultVersion {
			continue
		}
		if _, err := c.DeletePolicyVersion(ctx, &iam.DeletePolicyVersionInput{PolicyArn: arn, VersionId: v.VersionId}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := c.DeletePolicy(ctx, &iam.DeletePolicyInput{PolicyArn: arn}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.GetPolicy(ctx, &iam.GetPolicyInput{PolicyArn: arn}); code(err) != "NoSuchEntity" {
		t.Errorf("read after delete: %v", err)
	}
}

// aws_iam_user, its policies and its access key.
func TestTerraformUser(t *testing.T) {
	c, ctx := iam.NewFromConfig(apptest.Start(t).Config()), t.Context()
	name := aws.String("robot")
	must := func(_ any, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(c.CreateUser(ctx, &iam.CreateUserInput{UserName: name, Path: aws.String("/bots/"), Tags: team, PermissionsBoundary: aws.String("arn:aws:iam::aws:policy/PowerUserAccess")}))
	u, err := c.GetUser(ctx, &iam.GetUserInput{UserName: name})
	if err != nil || *u.User.Arn != "arn:aws:iam::000000000000:user/bots/robot" || !reflect.DeepEqual(u.User.Tags, team) || u.User.PermissionsBoundary == nil || u.User.PasswordLastUsed != nil {
		t.Errorf("read back %+v, %v", u, err)
	}
	made, err := c.CreateAccessKey(ctx, &iam.CreateAccessKeyInput{UserName: name})
	if err != nil {
		t.Fatal(err)
	}
	must(c.UpdateAccessKey(ctx, &iam.UpdateAccessKeyInput{UserName: name, AccessKeyId: made.AccessKey.AccessKeyId, Status: types.StatusTypeInactive}))
	keys, err := c.ListAccessKeys(ctx, &iam.ListAccessKeysInput{UserName: name})
	if err != nil || len(keys.AccessKeyMetadata) != 1 || keys.AccessKeyMetadata[0].Status != types.StatusTypeInactive || keys.AccessKeyMetadata[0].CreateDate == nil {
		t.Errorf("keys %+v, %v", keys, err)
	}
	must(c.PutUserPolicy(ctx, &iam.PutUserPolicyInput{UserName: name, PolicyName: aws.String("p"), PolicyDocument: aws.String(anything)}))
	got, err := c.GetUserPolicy(ctx, &iam.GetUserPolicyInput{UserName: name, PolicyName: aws.String("p")})
	if err != nil || unescaped(t, got.PolicyDocument) != anything {
		t.Errorf("inline policy %+v, %v", got, err)
	}
	must(c.DeleteUserPolicy(ctx, &iam.DeleteUserPolicyInput{UserName: name, PolicyName: aws.String("p")}))
	must(c.DeleteAccessKey(ctx, &iam.DeleteAccessKeyInput{UserName: name, AccessKeyId: made.AccessKey.AccessKeyId}))
	must(c.DeleteUser(ctx, &iam.DeleteUserInput{UserName: name}))
	_, user := c.GetUser(ctx, &iam.GetUserInput{UserName: name})
	_, policy := c.GetUserPolicy(ctx, &iam.GetUserPolicyInput{UserName: name, PolicyName: aws.String("p")})
	_, list := c.ListAccessKeys(ctx, &iam.ListAccessKeysInput{UserName: name})
	for _, err := range []error{user, policy, list} {
		if code(err) != "NoSuchEntity" {
			t.Errorf("read after delete: %v", err)
		}
	}
}

// A document that is no policy is refused wherever one is given.
func TestMalformedPolicyDocument(t *testing.T) {
	c, ctx := iam.NewFromConfig(apptest.Start(t).Config()), t.Context()
	if _, err := c.CreateRole(ctx, &iam.CreateRoleInput{RoleName: aws.String("r"), AssumeRolePolicyDocument: aws.String(trust)}); err != nil {
		t.Fatal(err)
	}
	for _, doc := range []string{`{`, `x`, `[]`, `""`, `{}`, `{"Version":"2012-10-17"}`, `{"Version":"2012-10-17","Statement":[]}`,
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow"}]}`, `{"Version":"2012-10-17","Statement":[{"Effect":"allow","Action":"*","Resource":"*"}]}`,
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*","Resource":"*"}]}`,
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"bucket"}]}`} {
		_, create := c.CreatePolicy(ctx, &iam.CreatePolicyInput{PolicyName: aws.String("p"), PolicyDocument: &doc})
		_, inline := c.PutRolePolicy(ctx, &iam.PutRolePolicyInput{RoleName: aws.String("r"), PolicyName: aws.String("p"), PolicyDocument: &doc})
		_, trusted := c.UpdateAssumeRolePolicy(ctx, &iam.UpdateAssumeRolePolicyInput{RoleName: aws.String("r"), PolicyDocument: &doc})
		for _, err := range []error{create, inline, trusted} {
			if code(err) != "MalformedPolicyDocument" {
				t.Errorf("%s: %v", doc, err)
			}
		}
	}
	if _, err := c.GetPolicy(ctx, &iam.GetPolicyInput{PolicyArn: aws.String("arn:aws:iam::000000000000:policy/p")}); code(err) != "NoSuchEntity" {
		t.Errorf("half-created: %v", err)
	}
}
