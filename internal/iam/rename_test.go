package iam_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/slipway-dev/slipway/cmd/slipway/apptest"
)

// Who gets another name keeps keys, policies, groups and the trust of roles.
func TestRename(t *testing.T) {
	srv := apptest.Start(t, apptest.Enforce)
	root, ctx := iam.NewFromConfig(srv.Config()), t.Context()
	cfg, key := user(t, srv, "ann", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Resource":"*"}]}`)
	name, managed := aws.String("ann"), aws.String("arn:aws:iam::aws:policy/IAMReadOnlyAccess")
	must := func(_ any, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(root.CreateGroup(ctx, &iam.CreateGroupInput{GroupName: aws.String("team")}))
	must(root.AttachGroupPolicy(ctx, &iam.AttachGroupPolicyInput{GroupName: aws.String("team"), PolicyArn: managed}))
	must(root.AddUserToGroup(ctx, &iam.AddUserToGroupInput{GroupName: aws.String("team"), UserName: name}))
	must(root.AttachUserPolicy(ctx, &iam.AttachUserPolicyInput{UserName: name, PolicyArn: managed}))
	must(root.PutUserPermissionsBoundary(ctx, &iam.PutUserPermissionsBoundaryInput{UserName: name, PermissionsBoundary: aws.String("arn:aws:iam::aws:policy/AdministratorAccess")}))
	must(root.CreateServiceSpecificCredential(ctx, &iam.CreateServiceSpecificCredentialInput{UserName: name, ServiceName: aws.String("codecommit.amazonaws.com")}))
	must(root.CreateRole(ctx, &iam.CreateRoleInput{RoleName: aws.String("deploy"),
		AssumeRolePolicyDocument: aws.String(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::000000000000:user/ann"},"Action":"sts:AssumeRole"}]}`)}))
	must(root.CreateUser(ctx, &iam.CreateUserInput{UserName: aws.String("bob")}))

	if _, err := root.UpdateUser(ctx, &iam.UpdateUserInput{UserName: name, NewUserName: aws.String("BOB")}); code(err) != "EntityAlreadyExists" {
		t.Errorf("a name that is taken: %v", err)
	}
	must(root.UpdateUser(ctx, &iam.UpdateUserInput{UserName: name, NewUserName: aws.String("anna"), NewPath: aws.String("/people/")}))
	must(root.UpdateGroup(ctx, &iam.UpdateGroupInput{GroupName: aws.String("team"), NewGroupName: aws.String("crew"), NewPath: aws.String("/people/")}))
	if _, err := root.GetUser(ctx, &iam.GetUserInput{UserName: name}); code(err) != "NoSuchEntity" {
		t.Errorf("the old name: %v", err)
	}
	name = aws.String("anna")

	who, err := sts.NewFromConfig(cfg).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil || *who.Arn != "arn:aws:iam::000000000000:user/people/anna" {
		t.Errorf("by the old key: %+v, %v", who, err)
	}
	must(sts.NewFromConfig(cfg).AssumeRole(ctx, &sts.AssumeRoleInput{RoleArn: aws.String("arn:aws:iam::000000000000:role/deploy"), RoleSessionName: aws.String("s1")}))
	must(iam.NewFromConfig(cfg).ListUsers(ctx, &iam.ListUsersInput{}))
	keys, err := root.ListAccessKeys(ctx, &iam.ListAccessKeysInput{UserName: name})
	if err != nil || len(keys.AccessKeyMetadata) != 1 || *keys.AccessKeyMetadata[0].UserName != "anna" || *keys.AccessKeyMetadata[0].AccessKeyId != *key.AccessKeyId {
		t.Errorf("keys %+v, %v", keys, err)
	}
	credentials, err := root.ListServiceSpecificCredentials(ctx, &iam.ListServiceSpecificCredentialsInput{UserName: name})
	if err != nil || len(credentials.ServiceSpecificCredentials) != 1 || *credentials.ServiceSpecificCredentials[0].UserName != "anna" {
		t.Errorf("git credentials %+v, %v", credentials, err)
	}
	groups, err := root.ListGroupsForUser(ctx, &iam.ListGroupsForUserInput{UserName: name})
	if err != nil || len(groups.Groups) != 1 || *groups.Groups[0].Arn != "arn:aws:iam::000000000000:group/people/crew" {
		t.Errorf("groups %+v, %v", groups, err)
	}
	users, err := root.GetGroup(ctx, &iam.GetGroupInput{GroupName: aws.String("crew")})
	if err != nil || len(users.Users) != 1 || *users.Users[0].UserName != "anna" {
		t.Errorf("members %+v, %v", users, err)
	}
	having, err := root.ListEntitiesForPolicy(ctx, &iam.ListEntitiesForPolicyInput{PolicyArn: managed})
	if err != nil || len(having.PolicyUsers) != 1 || *having.PolicyUsers[0].UserName != "anna" || len(having.PolicyGroups) != 1 || *having.PolicyGroups[0].GroupName != "crew" {
		t.Errorf("attached to %+v, %v", having, err)
	}

	// And nothing is left behind under the old names.
	for _, g := range []string{"crew"} {
		must(root.RemoveUserFromGroup(ctx, &iam.RemoveUserFromGroupInput{GroupName: &g, UserName: name}))
		must(root.DetachGroupPolicy(ctx, &iam.DetachGroupPolicyInput{GroupName: &g, PolicyArn: managed}))
		must(root.DeleteGroup(ctx, &iam.DeleteGroupInput{GroupName: &g}))
	}
	must(root.DetachUserPolicy(ctx, &iam.DetachUserPolicyInput{UserName: name, PolicyArn: managed}))
	must(root.DeleteUserPermissionsBoundary(ctx, &iam.DeleteUserPermissionsBoundaryInput{UserName: name}))
	having, err = root.ListEntitiesForPolicy(ctx, &iam.ListEntitiesForPolicyInput{PolicyArn: managed})
	if err != nil || len(having.PolicyUsers)+len(having.PolicyGroups) != 0 {
		t.Errorf("still attached to %+v, %v", having, err)
	}
}

// A user is deleted with force: everything there could be is asked for.
func TestCleanUpUser(t *testing.T) {
	c, ctx := iam.NewFromConfig(apptest.Start(t).Config()), t.Context()
	name := aws.String("ann")
	if _, err := c.CreateUser(ctx, &iam.CreateUserInput{UserName: name}); err != nil {
		t.Fatal(err)
	}
	keys, err := c.ListSSHPublicKeys(ctx, &iam.ListSSHPublicKeysInput{UserName: name})
	if err != nil || len(keys.SSHPublicKeys) != 0 {
		t.Errorf("SSH keys %+v, %v", keys, err)
	}
	virtual, err := c.ListVirtualMFADevices(ctx, &iam.ListVirtualMFADevicesInput{AssignmentStatus: types.AssignmentStatusTypeAssigned})
	if err != nil || len(virtual.VirtualMFADevices) != 0 {
		t.Errorf("virtual devices %+v, %v", virtual, err)
	}
	devices, err := c.ListMFADevices(ctx, &iam.ListMFADevicesInput{UserName: name})
	if err != nil || len(devices.MFADevices) != 0 {
		t.Errorf("devices %+v, %v", devices, err)
	}
	if _, err := c.DeleteLoginProfile(ctx, &iam.DeleteLoginProfileInput{UserName: name}); code(err) != "NoSuchEntity" {
		t.Errorf("password: %v", err)
	}
	certificates, err := c.ListSigningCertificates(ctx, &iam.ListSigningCertificatesInput{UserName: name})
	if err != nil || len(certificates.Certificates) != 0 {
		t.Errorf("certificates %+v, %v", certificates, err)
	}
	if _, err := c.DeleteUser(ctx, &iam.DeleteUserInput{UserName: name}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.ListMFADevices(ctx, &iam.ListMFADevicesInput{UserName: name}); code(err) != "NoSuchEntity" {
		t.Errorf("devices of nobody: %v", err)
	}
}

func TestAccountAlias(t *testing.T) {
	c, ctx := iam.NewFromConfig(apptest.Start(t).Config()), t.Context()
	list := func() string {
		out, err := c.ListAccountAliases(ctx, &iam.ListAccountAliasesInput{})
		if err != nil {
			t.Fatal(err)
		}
		return strings.Join(out.AccountAliases, " ")
	}
	create := func(alias string) string {
		_, err := c.CreateAccountAlias(ctx, &iam.CreateAccountAliasInput{AccountAlias: &alias})
		return code(err)
	}
	remove := func(alias string) string {
		_, err := c.DeleteAccountAlias(ctx, &iam.DeleteAccountAliasInput{AccountAlias: &alias})
		return code(err)
	}
	steps := []string{list(), create("one"), create("one"), create("two"), list(), remove("one"), remove("two"), list(), create("Bad_Name")}
	want := []string{"", "<nil>", "EntityAlreadyExists", "<nil>", "two", "NoSuchEntity", "<nil>", "", "ValidationError"}
	for i := range steps {
		if steps[i] != want[i] {
			t.Fatalf("got %q\nwant %q", steps, want)
		}
	}
}
