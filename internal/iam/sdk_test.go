package iam_test

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/slipway-dev/slipway/cmd/slipway/apptest"
)

const (
	trust    = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"codebuild.amazonaws.com"},"Action":"sts:AssumeRole"}]}`
	anything = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`
)

var code = apptest.Code

func TestRoles(t *testing.T) {
	ctx := context.Background()
	c := iam.NewFromConfig(apptest.Start(t).Config())
	made, err := c.CreateRole(ctx, &iam.CreateRoleInput{RoleName: aws.String("Build"), Path: aws.String("/ci/"),
		AssumeRolePolicyDocument: aws.String(trust), Tags: []types.Tag{{Key: aws.String("team"), Value: aws.String("a b+c")}}})
	if err != nil {
		t.Fatal(err)
	}
	if *made.Role.Arn != "arn:aws:iam::000000000000:role/ci/Build" || !strings.HasPrefix(*made.Role.RoleId, "AROA") || len(*made.Role.RoleId) != 21 {
		t.Errorf("made %s %s", *made.Role.Arn, *made.Role.RoleId)
	}
	if doc, _ := url.PathUnescape(*made.Role.AssumeRolePolicyDocument); doc != trust || *made.Role.AssumeRolePolicyDocument == trust {
		t.Errorf("trust policy %q", *made.Role.AssumeRolePolicyDocument)
	}
	_, err = c.CreateRole(ctx, &iam.CreateRoleInput{RoleName: aws.String("build"), AssumeRolePolicyDocument: aws.String(trust)})
	if code(err) != "EntityAlreadyExists" {
		t.Errorf("the same name in lower case: %v", err)
	}
	name := aws.String("build") // names are found without regard to case
	for i := range 2 {          // idempotent
		if _, err := c.AttachRolePolicy(ctx, &iam.AttachRolePolicyInput{RoleName: name, PolicyArn: aws.String("arn:aws:iam::aws:policy/ReadOnlyAccess")}); err != nil {
			t.Fatal(i, err)
		}
		if _, err := c.PutRolePolicy(ctx, &iam.PutRolePolicyInput{RoleName: name, PolicyName: aws.String("inline"), PolicyDocument: aws.String(anything)}); err != nil {
			t.Fatal(i, err)
		}
	}
	list, err := c.ListAttachedRolePolicies(ctx, &iam.ListAttachedRolePoliciesInput{RoleName: name})
	if err != nil || len(list.AttachedPolicies) != 1 || *list.AttachedPolicies[0].PolicyName != "ReadOnlyAccess" {
		t.Errorf("attached %+v, %v", list, err)
	}
	inline, err := c.GetRolePolicy(ctx, &iam.GetRolePolicyInput{RoleName: name, PolicyName: aws.String("inline")})
	if err != nil {
		t.Fatal(err)
	}
	if doc, _ := url.PathUnescape(*inline.PolicyDocument); doc != anything {
		t.Errorf("inline %q", *inline.PolicyDocument)
	}
	if _, err := c.DeleteRole(ctx, &iam.DeleteRoleInput{RoleName: name}); code(err) != "DeleteConflict" {
		t.Errorf("with a policy attached: %v", err)
	}
	detach := &iam.DetachRolePolicyInput{RoleName: name, PolicyArn: aws.String("arn:aws:iam::aws:policy/ReadOnlyAccess")}
	if _, err := c.DetachRolePolicy(ctx, detach); err != nil {
		t.Fatal(err)
	}
	if _, err := c.DetachRolePolicy(ctx, detach); code(err) != "NoSuchEntity" {
		t.Errorf("detached twice: %v", err)
	}
	if _, err := c.DeleteRole(ctx, &iam.DeleteRoleInput{RoleName: name}); code(err) != "DeleteConflict" {
		t.Errorf("with an inline policy: %v", err)
	}
	if _, err := c.DeleteRolePolicy(ctx, &iam.DeleteRolePolicyInput{RoleName: name, PolicyName: aws.String("inline")}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.DeleteRole(ctx, &iam.DeleteRoleInput{RoleName: name}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.GetRole(ctx, &iam.GetRoleInput{RoleName: name}); code(err) != "NoSuchEntity" {
		t.Errorf("after deletion: %v", err)
	}
}

func TestRefusals(t *testing.T) {
	ctx := context.Background()
	c := iam.NewFromConfig(apptest.Start(t).Config())
	role := func(name, doc string) error {
		_, err := c.CreateRole(ctx, &iam.CreateRoleInput{RoleName: aws.String(name), AssumeRolePolicyDocument: aws.String(doc)})
		return err
	}
	for _, tt := range []struct {
		name string
		err  error
		code string
	}{
		{"broken policy", role("r", `{"Version"`), "MalformedPolicyDocument"},
		{"missing principal", role("r", strings.Replace(trust, `"Service":"codebuild.amazonaws.com"`, `"AWS":"arn:aws:iam::000000000000:role/nobody"`, 1)), "MalformedPolicyDocument"},
		{"long trust", role("r", strings.Replace(trust, "codebuild", strings.Repeat("x", 2100), 1)), "LimitExceeded"},
		{"bad name", role("a/b", trust), "ValidationError"},
		{"long name", role(strings.Repeat("a", 65), trust), "ValidationError"},
	} {
		if code(tt.err) != tt.code {
			t.Errorf("%s: %v, want %s", tt.name, tt.err, tt.code)
		}
	}
	if _, err := c.GenerateCredentialReport(ctx, &iam.GenerateCredentialReportInput{}); code(err) != "InvalidAction" || !strings.Contains(err.Error(), "GenerateCredentialReport") {
		t.Errorf("an operation that does not exist here: %v", err)
	}
	if _, err := c.ListRoles(ctx, &iam.ListRolesInput{Marker: aws.String("forged")}); code(err) != "ValidationError" {
		t.Errorf("forged marker: %v", err)
	}
}

func TestPaging(t *testing.T) {
	ctx := context.Background()
	c := iam.NewFromConfig(apptest.Start(t).Config())
	for i := range 7 {
		if _, err := c.CreateRole(ctx, &iam.CreateRoleInput{RoleName: aws.String(fmt.Sprintf("r%d", i)), Path: aws.String([]string{"/a/", "/b/"}[i%2]), AssumeRolePolicyDocument: aws.String(trust)}); err != nil {
			t.Fatal(err)
		}
	}
	var names []string
	pages := iam.NewListRolesPaginator(c, &iam.ListRolesInput{MaxItems: aws.Int32(3), PathPrefix: aws.String("/a/")})
	for pages.HasMorePages() {
		p, err := pages.NextPage(ctx)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range p.Roles {
			names = append(names, *r.RoleName)
		}
	}
	if strings.Join(names, " ") != "r0 r2 r4 r6" {
		t.Errorf("roles %v", names)
	}
	count := 0
	all := iam.NewListPoliciesPaginator(c, &iam.ListPoliciesInput{Scope: types.PolicyScopeTypeAws, MaxItems: aws.Int32(10)})
	for all.HasMorePages() {
		p, err := all.NextPage(ctx)
		if err != nil {
			t.Fatal(err)
		}
		count += len(p.Policies)
		for _, m := range p.Policies { // every document must be one that evaluation can read
			if _, err := c.AttachRolePolicy(ctx, &iam.AttachRolePolicyInput{RoleName: aws.String("r0"), PolicyArn: m.Arn}); err != nil {
				t.Fatal(err)
			}
			sim, err := c.SimulatePrincipalPolicy(ctx, &iam.SimulatePrincipalPolicyInput{PolicySourceArn: aws.String("arn:aws:iam::000000000000:role/a/r0"), ActionNames: []string{"x:Y"}})
			if err != nil || len(sim.EvaluationResults) != 1 {
				t.Fatalf("%s: %v", *m.Arn, err)
			}
			if _, err := c.DetachRolePolicy(ctx, &iam.DetachRolePolicyInput{RoleName: aws.String("r0"), PolicyArn: m.Arn}); err != nil {
				t.Fatal(err)
			}
		}
	}
	if count < 50 {
		t.Errorf("%d of AWS's policies", count)
	}
}

func TestManagedPolicyVersions(t *testing.T) {
	ctx := context.Background()
	c := iam.NewFromConfig(apptest.Start(t).Config())
	made, err := c.CreatePolicy(ctx, &iam.CreatePolicyInput{PolicyName: aws.String("p"), PolicyDocument: aws.String(anything)})
	if err != nil {
		t.Fatal(err)
	}
	arn := made.Policy.Arn
	for range 4 {
		if _, err := c.CreatePolicyVersion(ctx, &iam.CreatePolicyVersionInput{PolicyArn: arn, PolicyDocument: aws.String(anything), SetAsDefault: true}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := c.DeletePolicyVersion(ctx, &iam.DeletePolicyVersionInput{PolicyArn: arn, VersionId: aws.String("v5")}); code(err) != "DeleteConflict" {
		t.Errorf("default version deleted: %v", err)
	}
	if _, err := c.DeletePolicy(ctx, &iam.DeletePolicyInput{PolicyArn: arn}); code(err) != "DeleteConflict" {
		t.Errorf("policy with versions deleted: %v", err)
	}
	list, err := c.ListPolicyVersions(ctx, &iam.ListPolicyVersionsInput{PolicyArn: arn})
	if err != nil || len(list.Versions) != 5 || *list.Versions[0].VersionId != "v5" || !list.Versions[0].IsDefaultVersion {
		t.Errorf("versions %+v, %v", list, err)
	}
	if _, err := c.DeletePolicy(ctx, &iam.DeletePolicyInput{PolicyArn: aws.String("arn:aws:iam::aws:policy/ReadOnlyAccess")}); code(err) != "AccessDenied" {
		t.Errorf("AWS's policy deleted: %v", err)
	}
}

// user makes one with a key and returns clients that sign with it.
func user(t *testing.T, srv *apptest.Server, name, policy string) (aws.Config, *types.AccessKey) {
	t.Helper()
	ctx := context.Background()
	c := iam.NewFromConfig(srv.Config())
	if _, err := c.CreateUser(ctx, &iam.CreateUserInput{UserName: &name}); err != nil {
		t.Fatal(err)
	}
	if policy != "" {
		if _, err := c.PutUserPolicy(ctx, &iam.PutUserPolicyInput{UserName: &name, PolicyName: aws.String("p"), PolicyDocument: &policy}); err != nil {
			t.Fatal(err)
		}
	}
	key, err := c.CreateAccessKey(ctx, &iam.CreateAccessKeyInput{UserName: &name})
	if err != nil {
		t.Fatal(err)
	}
	return srv.ConfigFor(aws.Credentials{AccessKeyID: *key.AccessKey.AccessKeyId, SecretAccessKey: *key.AccessKey.SecretAccessKey}), key.AccessKey
}

func TestEnforce(t *testing.T) {
	ctx := context.Background()
	srv := apptest.Start(t, apptest.Enforce)
	root := iam.NewFromConfig(srv.Config())
	cfg, key := user(t, srv, "ann", `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"iam:GetUser","Resource":"arn:aws:iam::*:user/${aws:username}"}}`)
	ann := iam.NewFromConfig(cfg)
	if got, err := ann.GetUser(ctx, &iam.GetUserInput{}); err != nil || *got.User.UserName != "ann" {
		t.Errorf("herself: %v", err)
	}
	_, err := ann.ListRoles(ctx, &iam.ListRolesInput{})
	const want = "User: arn:aws:iam::000000000000:user/ann is not authorized to perform: iam:ListRoles because no identity-based policy allows the iam:ListRoles action"
	if code(err) != "AccessDenied" || !strings.Contains(err.Error(), want) {
		t.Errorf("denial %v", err)
	}
	// A change is effective with the next request.
	if _, err := root.AttachUserPolicy(ctx, &iam.AttachUserPolicyInput{UserName: aws.String("ann"), PolicyArn: aws.String("arn:aws:iam::aws:policy/IAMReadOnlyAccess")}); err != nil {
		t.Fatal(err)
	}
	if _, err := ann.ListRoles(ctx, &iam.ListRolesInput{}); err != nil {
		t.Errorf("after attaching: %v", err)
	}
	if _, err := root.PutUserPermissionsBoundary(ctx, &iam.PutUserPermissionsBoundaryInput{UserName: aws.String("ann"), PermissionsBoundary: aws.String("arn:aws:iam::aws:policy/AmazonS3FullAccess")}); err != nil {
		t.Fatal(err)
	}
	if _, err := ann.ListRoles(ctx, &iam.ListRolesInput{}); code(err) != "AccessDenied" || !strings.Contains(err.Error(), "no permissions boundary allows") {
		t.Errorf("with a boundary: %v", err)
	}
	if _, err := sts.NewFromConfig(cfg).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{}); err != nil {
		t.Errorf("caller identity: %v", err)
	}
	srv.Restart() // keys and policies are kept
	root = iam.NewFromConfig(srv.Config())
	if _, err := iam.NewFromConfig(cfg).ListRoles(ctx, &iam.ListRolesInput{}); code(err) != "AccessDenied" {
		t.Errorf("after a restart: %v", err)
	}
	if _, err := root.UpdateAccessKey(ctx, &iam.UpdateAccessKeyInput{UserName: aws.String("ann"), AccessKeyId: key.AccessKeyId, Status: types.StatusTypeInactive}); err != nil {
		t.Fatal(err)
	}
	if _, err := sts.NewFromConfig(cfg).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{}); code(err) != "InvalidClientTokenId" {
		t.Errorf("inactive key: %v", err)
	}
	if _, err := root.DeleteUser(ctx, &iam.DeleteUserInput{UserName: aws.String("ann")}); code(err) != "DeleteConflict" {
		t.Errorf("user with a key deleted: %v", err)
	}
}

func TestAuditLetsThrough(t *testing.T) {
	srv := apptest.Start(t)
	cfg, _ := user(t, srv, "bob", "")
	if _, err := iam.NewFromConfig(cfg).ListRoles(context.Background(), &iam.ListRolesInput{}); err != nil {
		t.Errorf("denied under audit: %v", err)
	}
}

func TestGroups(t *testing.T) {
	ctx := context.Background()
	srv := apptest.Start(t, apptest.Enforce)
	root := iam.NewFromConfig(srv.Config())
	cfg, _ := user(t, srv, "eve", "")
	if _, err := root.CreateGroup(ctx, &iam.CreateGroupInput{GroupName: aws.String("readers")}); err != nil {
		t.Fatal(err)
	}
	if _, err := root.AttachGroupPolicy(ctx, &iam.AttachGroupPolicyInput{GroupName: aws.String("readers"), PolicyArn: aws.String("arn:aws:iam::aws:policy/IAMReadOnlyAccess")}); err != nil {
		t.Fatal(err)
	}
	if _, err := root.AddUserToGroup(ctx, &iam.AddUserToGroupInput{GroupName: aws.String("readers"), UserName: aws.String("eve")}); err != nil {
		t.Fatal(err)
	}
	if _, err := iam.NewFromConfig(cfg).ListUsers(ctx, &iam.ListUsersInput{}); err != nil {
		t.Errorf("member of a group that may: %v", err)
	}
	g, err := root.GetGroup(ctx, &iam.GetGroupInput{GroupName: aws.String("readers")})
	if err != nil || len(g.Users) != 1 || *g.Users[0].UserName != "eve" {
		t.Errorf("members %+v, %v", g, err)
	}
	who, err := root.ListEntitiesForPolicy(ctx, &iam.ListEntitiesForPolicyInput{PolicyArn: aws.String("arn:aws:iam::aws:policy/IAMReadOnlyAccess")})
	if err != nil || len(who.PolicyGroups) != 1 {
		t.Errorf("entities %+v, %v", who, err)
	}
}

func TestInstanceProfilesAndLinkedRoles(t *testing.T) {
	ctx := context.Background()
	c := iam.NewFromConfig(apptest.Start(t).Config())
	if _, err := c.CreateRole(ctx, &iam.CreateRoleInput{RoleName: aws.String("ec2"), AssumeRolePolicyDocument: aws.String(trust)}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.CreateInstanceProfile(ctx, &iam.CreateInstanceProfileInput{InstanceProfileName: aws.String("p")}); err != nil {
		t.Fatal(err)
	}
	add := &iam.AddRoleToInstanceProfileInput{InstanceProfileName: aws.String("p"), RoleName: aws.String("ec2")}
	if _, err := c.AddRoleToInstanceProfile(ctx, add); err != nil {
		t.Fatal(err)
	}
	if _, err := c.AddRoleToInstanceProfile(ctx, add); code(err) != "LimitExceeded" {
		t.Errorf("two roles: %v", err)
	}
	if _, err := c.DeleteRole(ctx, &iam.DeleteRoleInput{RoleName: aws.String("ec2")}); code(err) != "DeleteConflict" {
		t.Errorf("role in a profile deleted: %v", err)
	}
	of, err := c.ListInstanceProfilesForRole(ctx, &iam.ListInstanceProfilesForRoleInput{RoleName: aws.String("ec2")})
	if err != nil || len(of.InstanceProfiles) != 1 || len(of.InstanceProfiles[0].Roles) != 1 {
		t.Errorf("profiles %+v, %v", of, err)
	}
	linked, err := c.CreateServiceLinkedRole(ctx, &iam.CreateServiceLinkedRoleInput{AWSServiceName: aws.String("ecs.amazonaws.com")})
	if err != nil || *linked.Role.Arn != "arn:aws:iam::000000000000:role/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS" {
		t.Fatalf("linked role %+v, %v", linked, err)
	}
	if _, err := c.DeleteRole(ctx, &iam.DeleteRoleInput{RoleName: linked.Role.RoleName}); code(err) != "UnmodifiableEntity" {
		t.Errorf("linked role deleted: %v", err)
	}
	gone, err := c.DeleteServiceLinkedRole(ctx, &iam.DeleteServiceLinkedRoleInput{RoleName: linked.Role.RoleName})
	if err != nil {
		t.Fatal(err)
	}
	status, err := c.GetServiceLinkedRoleDeletionStatus(ctx, &iam.GetServiceLinkedRoleDeletionStatusInput{DeletionTaskId: gone.DeletionTaskId})
	if err != nil || status.Status != types.DeletionTaskStatusTypeSucceeded {
		t.Errorf("deletion %+v, %v", status, err)
	}
}

func TestGitCredentials(t *testing.T) {
	ctx := context.Background()
	srv := apptest.Start(t)
	c := iam.NewFromConfig(srv.Config())
	user(t, srv, "dev", "")
	var names []string
	for range 2 {
		out, err := c.CreateServiceSpecificCredential(ctx, &iam.CreateServiceSpecificCredentialInput{UserName: aws.String("dev"), ServiceName: aws.String("codecommit.amazonaws.com")})
		if err != nil {
			t.Fatal(err)
		}
		if len(*out.ServiceSpecificCredential.ServicePassword) < 40 {
			t.Error("short password")
		}
		names = append(names, *out.ServiceSpecificCredential.ServiceUserName)
	}
	if strings.Join(names, " ") != "dev-at-000000000000 dev-at-000000000000+1" {
		t.Errorf("names %v", names)
	}
	if _, err := c.CreateServiceSpecificCredential(ctx, &iam.CreateServiceSpecificCredentialInput{UserName: aws.String("dev"), ServiceName: aws.String("codecommit.amazonaws.com")}); code(err) != "LimitExceeded" {
		t.Errorf("third: %v", err)
	}
	list, err := c.ListServiceSpecificCredentials(ctx, &iam.ListServiceSpecificCredentialsInput{UserName: aws.String("dev")})
	if err != nil || len(list.ServiceSpecificCredentials) != 2 {
		t.Errorf("list %+v, %v", list, err)
	}
}
