package iam_test

import (
	"testing"

	"github.com/aws/aws-sdk-go/aws"
	"github.com/aws/aws-sdk-go/service/iam"

	"github.com/slipway-dev/slipway/cmd/slipway/apptest"
)

// The older generation of clients goes through the same story.
func TestRoleWithVersionOne(t *testing.T) {
	c := iam.New(apptest.Start(t).Older())
	name := aws.String("build")
	if _, err := c.CreateRole(&iam.CreateRoleInput{RoleName: name, AssumeRolePolicyDocument: aws.String(trust),
		Tags: []*iam.Tag{{Key: aws.String("Team"), Value: aws.String("web")}}}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.PutRolePolicy(&iam.PutRolePolicyInput{RoleName: name, PolicyName: aws.String("p"), PolicyDocument: aws.String(anything)}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.AttachRolePolicy(&iam.AttachRolePolicyInput{RoleName: name, PolicyArn: aws.String("arn:aws:iam::aws:policy/AdministratorAccess")}); err != nil {
		t.Fatal(err)
	}
	r, err := c.GetRole(&iam.GetRoleInput{RoleName: name})
	if err != nil {
		t.Fatal(err)
	}
	if *r.Role.MaxSessionDuration != 3600 || *r.Role.Path != "/" || len(r.Role.Tags) != 1 || unescaped(t, r.Role.AssumeRolePolicyDocument) != trust || r.Role.CreateDate.IsZero() {
		t.Errorf("read back %+v", r.Role)
	}
	var inline, attached []string
	if err := c.ListRolePoliciesPages(&iam.ListRolePoliciesInput{RoleName: name}, func(page *iam.ListRolePoliciesOutput, _ bool) bool {
		inline = append(inline, aws.StringValueSlice(page.PolicyNames)...)
		return true
	}); err != nil {
		t.Fatal(err)
	}
	if err := c.ListAttachedRolePoliciesPages(&iam.ListAttachedRolePoliciesInput{RoleName: name}, func(page *iam.ListAttachedRolePoliciesOutput, _ bool) bool {
		for _, p := range page.AttachedPolicies {
			attached = append(attached, *p.PolicyName)
		}
		return true
	}); err != nil {
		t.Fatal(err)
	}
	if len(inline) != 1 || inline[0] != "p" || len(attached) != 1 || attached[0] != "AdministratorAccess" {
		t.Errorf("policies %v, %v", inline, attached)
	}
	_, err = c.DeleteRole(&iam.DeleteRoleInput{RoleName: name})
	if apptest.Code(err) != iam.ErrCodeDeleteConflictException {
		t.Errorf("with policies: %v", err)
	}
	if _, err := c.DetachRolePolicy(&iam.DetachRolePolicyInput{RoleName: name, PolicyArn: aws.String("arn:aws:iam::aws:policy/AdministratorAccess")}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.DeleteRolePolicy(&iam.DeleteRolePolicyInput{RoleName: name, PolicyName: aws.String("p")}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.DeleteRole(&iam.DeleteRoleInput{RoleName: name}); err != nil {
		t.Fatal(err)
	}
	_, err = c.GetRole(&iam.GetRoleInput{RoleName: name})
	if apptest.Code(err) != iam.ErrCodeNoSuchEntityException {
		t.Errorf("read after delete: %v", err)
	}
	_, err = c.CreatePolicy(&iam.CreatePolicyInput{PolicyName: aws.String("p"), PolicyDocument: aws.String("{")})
	if apptest.Code(err) != iam.ErrCodeMalformedPolicyDocumentException {
		t.Errorf("no policy: %v", err)
	}
}
