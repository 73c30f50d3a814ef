package sts_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"

	"github.com/slipway-dev/slipway/cmd/slipway/apptest"
	"github.com/slipway-dev/slipway/internal/clock"
)

var code = apptest.Code

func makeRole(t *testing.T, cfg aws.Config, name, principal string) string {
	t.Helper()
	c := iam.NewFromConfig(cfg)
	out, err := c.CreateRole(context.Background(), &iam.CreateRoleInput{RoleName: &name, Path: aws.String("/p/"),
		AssumeRolePolicyDocument: aws.String(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":` + principal + `,"Action":"sts:AssumeRole"}]}`)})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.AttachRolePolicy(context.Background(), &iam.AttachRolePolicyInput{RoleName: &name, PolicyArn: aws.String("arn:aws:iam::aws:policy/IAMReadOnlyAccess")}); err != nil {
		t.Fatal(err)
	}
	return *out.Role.Arn
}

func makeUser(t *testing.T, srv *apptest.Server, name, policy string) aws.Config {
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
	k, err := c.CreateAccessKey(ctx, &iam.CreateAccessKeyInput{UserName: &name})
	if err != nil {
		t.Fatal(err)
	}
	return srv.ConfigFor(aws.Credentials{AccessKeyID: *k.AccessKey.AccessKeyId, SecretAccessKey: *k.AccessKey.SecretAccessKey})
}

func as(srv *apptest.Server, c *types.Credentials) aws.Config {
	return srv.ConfigFor(aws.Credentials{AccessKeyID: *c.AccessKeyId, SecretAccessKey: *c.SecretAccessKey, SessionToken: *c.SessionToken})
}

func TestAssumeRole(t *testing.T) {
	ctx := context.Background()
	now := clock.NewFake(time.Now())
	srv := apptest.Start(t, apptest.Enforce, apptest.Clock(now))
	ann := makeUser(t, srv, "ann", "")
	role := makeRole(t, srv.Config(), "reader", `{"AWS":"arn:aws:iam::000000000000:user/ann"}`)
	in := &sts.AssumeRoleInput{RoleArn: &role, RoleSessionName: aws.String("s1")}
	out, err := sts.NewFromConfig(ann).AssumeRole(ctx, in)
	if err != nil {
		t.Fatal(err)
	}
	if *out.AssumedRoleUser.Arn != "arn:aws:sts::000000000000:assumed-role/reader/s1" || !strings.HasPrefix(*out.Credentials.AccessKeyId, "ASIA") {
		t.Errorf("session %s %s", *out.AssumedRoleUser.Arn, *out.Credentials.AccessKeyId)
	}
	cfg := as(srv, out.Credentials)
	who, err := sts.NewFromConfig(cfg).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil || *who.Arn != *out.AssumedRoleUser.Arn || *who.UserId != *out.AssumedRoleUser.AssumedRoleId {
		t.Errorf("identity %+v, %v", who, err)
	}
	session := iam.NewFromConfig(cfg)
	if _, err := session.ListUsers(ctx, &iam.ListUsersInput{}); err != nil {
		t.Errorf("what the role may: %v", err)
	}
	if _, err := session.DeleteRole(ctx, &iam.DeleteRoleInput{RoleName: aws.String("reader")}); code(err) != "AccessDenied" ||
		!strings.Contains(err.Error(), "User: arn:aws:sts::000000000000:assumed-role/reader/s1 is not authorized to perform: iam:DeleteRole on resource: arn:aws:iam::000000000000:role/p/reader") {
		t.Errorf("what the role may not: %v", err)
	}

	narrow := *in
	narrow.Policy = aws.String(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"iam:ListRoles","Resource":"*"}}`)
	small, err := sts.NewFromConfig(ann).AssumeRole(ctx, &narrow)
	if err != nil {
		t.Fatal(err)
	}
	limited := iam.NewFromConfig(as(srv, small.Credentials))
	if _, err := limited.ListRoles(ctx, &iam.ListRolesInput{}); err != nil {
		t.Errorf("inside the session policy: %v", err)
	}
	if _, err := limited.ListUsers(ctx, &iam.ListUsersInput{}); code(err) != "AccessDenied" || !strings.Contains(err.Error(), "no session policy allows") {
		t.Errorf("outside the session policy: %v", err)
	}

	forged := *out.Credentials
	forged.SessionToken = aws.String("A" + (*forged.SessionToken)[1:])
	swapped := *out.Credentials
	swapped.SessionToken = small.Credentials.SessionToken
	for name, c := range map[string]*types.Credentials{"forged": &forged, "another session's": &swapped} {
		if _, err := sts.NewFromConfig(as(srv, c)).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{}); code(err) != "InvalidClientTokenId" {
			t.Errorf("%s token: %v", name, err)
		}
	}

	srv.Restart() // tokens outlive the server
	if _, err := sts.NewFromConfig(cfg).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{}); err != nil {
		t.Errorf("after a restart: %v", err)
	}
	root := iam.NewFromConfig(srv.Config())
	if _, err := root.DetachRolePolicy(ctx, &iam.DetachRolePolicyInput{RoleName: aws.String("reader"), PolicyArn: aws.String("arn:aws:iam::aws:policy/IAMReadOnlyAccess")}); err != nil {
		t.Fatal(err)
	}
	if _, err := root.DeleteRole(ctx, &iam.DeleteRoleInput{RoleName: aws.String("reader")}); err != nil {
		t.Fatal(err)
	}
	makeRole(t, srv.Config(), "reader", `{"AWS":"arn:aws:iam::000000000000:user/ann"}`)
	if _, err := sts.NewFromConfig(cfg).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{}); code(err) != "InvalidClientTokenId" {
		t.Errorf("session of a role that was made anew: %v", err)
	}
}

func TestAssumeRoleRefusals(t *testing.T) {
	ctx := context.Background()
	srv := apptest.Start(t, apptest.Enforce)
	ann := sts.NewFromConfig(makeUser(t, srv, "ann", ""))
	bob := sts.NewFromConfig(makeUser(t, srv, "bob", `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"sts:AssumeRole","Resource":"*"}}`))
	byAccount := makeRole(t, srv.Config(), "account", `{"AWS":"arn:aws:iam::000000000000:root"}`)
	byService := makeRole(t, srv.Config(), "service", `{"Service":"codebuild.amazonaws.com"}`)
	nobody := "arn:aws:iam::000000000000:role/nobody"
	for _, tt := range []struct {
		name string
		c    *sts.Client
		in   sts.AssumeRoleInput
		code string
	}{
		{"account trusted, user not allowed", ann, sts.AssumeRoleInput{RoleArn: &byAccount}, "AccessDenied"},
		{"account trusted, user allowed", bob, sts.AssumeRoleInput{RoleArn: &byAccount}, ""},
		{"service trusted", bob, sts.AssumeRoleInput{RoleArn: &byService}, "AccessDenied"},
		{"no such role", bob, sts.AssumeRoleInput{RoleArn: &nobody}, "AccessDenied"},
		{"too long", bob, sts.AssumeRoleInput{RoleArn: &byAccount, DurationSeconds: aws.Int32(7200)}, "ValidationError"},
		{"too short", bob, sts.AssumeRoleInput{RoleArn: &byAccount, DurationSeconds: aws.Int32(60)}, "ValidationError"},
		{"bad policy", bob, sts.AssumeRoleInput{RoleArn: &byAccount, Policy: aws.String("{}")}, "MalformedPolicyDocument"},
		{"tags", bob, sts.AssumeRoleInput{RoleArn: &byAccount, Tags: []types.Tag{{Key: aws.String("a"), Value: aws.String("b")}}}, "ValidationError"},
		{"root", sts.NewFromConfig(srv.Config()), sts.AssumeRoleInput{RoleArn: &byAccount}, "AccessDenied"},
	} {
		tt.in.RoleSessionName = aws.String("s1")
		_, err := tt.c.AssumeRole(ctx, &tt.in)
		if tt.code == "" && err != nil || tt.code != "" && code(err) != tt.code {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.code)
		}
	}
}

func TestGetSessionToken(t *testing.T) {
	ctx := context.Background()
	srv := apptest.Start(t)
	c := sts.NewFromConfig(makeUser(t, srv, "ann", ""))
	out, err := c.GetSessionToken(ctx, &sts.GetSessionTokenInput{DurationSeconds: aws.Int32(900)})
	if err != nil {
		t.Fatal(err)
	}
	session := sts.NewFromConfig(as(srv, out.Credentials))
	who, err := session.GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil || *who.Arn != "arn:aws:iam::000000000000:user/ann" {
		t.Errorf("identity %+v, %v", who, err)
	}
	if _, err := session.GetSessionToken(ctx, &sts.GetSessionTokenInput{}); code(err) != "AccessDenied" {
		t.Errorf("from a session: %v", err)
	}
}
