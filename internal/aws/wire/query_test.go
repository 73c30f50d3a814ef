package wire_test

import (
	"context"
	"errors"
	"io"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/smithy-go"
	"github.com/slipway-dev/slipway/internal/aws/wire"
)

// roles is an IAM of one role.
type roles struct{ made *iam.CreateRoleInput }

func (r *roles) CreateRole(_ context.Context, in *iam.CreateRoleInput, _ ...func(*iam.Options)) (*iam.CreateRoleOutput, error) {
	r.made = in
	return &iam.CreateRoleOutput{Role: r.role()}, nil
}

func (r *roles) role() *types.Role {
	return &types.Role{RoleName: r.made.RoleName, Path: aws.String("/"), RoleId: aws.String("AROA"), Tags: r.made.Tags,
		Arn:                      aws.String("arn:aws:iam::000000000000:role/" + *r.made.RoleName),
		CreateDate:               aws.Time(time.Unix(1700000000, 0).UTC()),
		AssumeRolePolicyDocument: r.made.AssumeRolePolicyDocument, MaxSessionDuration: r.made.MaxSessionDuration}
}

func (r *roles) GetRole(_ context.Context, in *iam.GetRoleInput, _ ...func(*iam.Options)) (*iam.GetRoleOutput, error) {
	return nil, &types.NoSuchEntityException{Message: aws.String("The role with name " + *in.RoleName + " cannot be found.")}
}

func (r *roles) ListRoles(context.Context, *iam.ListRolesInput, ...func(*iam.Options)) (*iam.ListRolesOutput, error) {
	return &iam.ListRolesOutput{Roles: []types.Role{*r.role(), {RoleName: aws.String("two <&>")}}, IsTruncated: false}, nil
}

func (r *roles) ListRolePolicies(context.Context, *iam.ListRolePoliciesInput, ...func(*iam.Options)) (*iam.ListRolePoliciesOutput, error) {
	return &iam.ListRolePoliciesOutput{PolicyNames: []string{}}, nil
}

func (r *roles) DeleteRole(context.Context, *iam.DeleteRoleInput, ...func(*iam.Options)) (*iam.DeleteRoleOutput, error) {
	return &iam.DeleteRoleOutput{}, nil
}

func (r *roles) SimulateCustomPolicy(_ context.Context, in *iam.SimulateCustomPolicyInput, _ ...func(*iam.Options)) (*iam.SimulateCustomPolicyOutput, error) {
	e := in.ContextEntries[0]
	return &iam.SimulateCustomPolicyOutput{EvaluationResults: []types.EvaluationResult{{EvalActionName: &in.ActionNames[1],
		EvalDecision: types.PolicyEvaluationDecisionTypeAllowed, MissingContextValues: e.ContextKeyValues,
		EvalDecisionDetails: map[string]types.PolicyEvaluationDecisionType{"b": "allowed", "a": "explicitDeny"}}}}, nil
}

func (r *roles) Wire() wire.Service {
	return wire.Service{Model: "iam", Operations: []wire.Operation{
		wire.Op("iam:CreateRole", r.CreateRole, nil),
		wire.Op("iam:GetRole", r.GetRole, nil),
		wire.Op("iam:ListRoles", r.ListRoles, nil),
		wire.Op("iam:ListRolePolicies", r.ListRolePolicies, nil),
		wire.Op("iam:DeleteRole", r.DeleteRole, nil),
		wire.Op("iam:SimulateCustomPolicy", r.SimulateCustomPolicy, nil),
	}}
}

func TestQueryRoundTrip(t *testing.T) {
	r := &roles{}
	c := iam.NewFromConfig(serve(t, r.Wire()))
	in := &iam.CreateRoleInput{RoleName: aws.String("builder"), AssumeRolePolicyDocument: aws.String("{\"Version\": \"2012-10-17\",\n\"a+b\": \"ü&=%\"}"),
		MaxSessionDuration: aws.Int32(7200), Tags: []types.Tag{{Key: aws.String("k.1"), Value: aws.String("")}, {Key: aws.String("k2"), Value: aws.String("v v")}}}
	out, err := c.CreateRole(ctx(t), in)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(r.made, in) {
		t.Errorf("decoded %+v", r.made)
	}
	if want := r.role(); !reflect.DeepEqual(out.Role, want) {
		t.Errorf("got %+v", out.Role)
	}
	list, err := c.ListRoles(ctx(t), nil)
	if err != nil || len(list.Roles) != 2 || *list.Roles[1].RoleName != "two <&>" {
		t.Errorf("%v %+v", err, list)
	}
	if names, err := c.ListRolePolicies(ctx(t), &iam.ListRolePoliciesInput{RoleName: aws.String("r")}); err != nil || names.PolicyNames == nil {
		t.Errorf("%v %+v", err, names)
	}
	if _, err := c.DeleteRole(ctx(t), &iam.DeleteRoleInput{RoleName: aws.String("r")}); err != nil {
		t.Error(err)
	}
	sim, err := c.SimulateCustomPolicy(ctx(t), &iam.SimulateCustomPolicyInput{ActionNames: []string{"s3:A", "s3:B"}, PolicyInputList: []string{"{}"},
		ContextEntries: []types.ContextEntry{{ContextKeyName: aws.String("aws:x"), ContextKeyValues: []string{"1", "2"}, ContextKeyType: types.ContextKeyTypeEnumStringList}}})
	if err != nil {
		t.Fatal(err)
	}
	if e := sim.EvaluationResults[0]; *e.EvalActionName != "s3:B" || len(e.MissingContextValues) != 2 || e.EvalDecisionDetails["a"] != "explicitDeny" {
		t.Errorf("got %+v", e)
	}

	_, err = c.GetRole(ctx(t), &iam.GetRoleInput{RoleName: aws.String("none")})
	var none *types.NoSuchEntityException
	if !errors.As(err, &none) || !strings.Contains(err.Error(), "StatusCode: 404") {
		t.Error(err)
	}
	var api smithy.APIError
	_, err = c.CreateUser(ctx(t), &iam.CreateUserInput{UserName: aws.String("u")})
	if !errors.As(err, &api) || api.ErrorCode() != "InvalidAction" || api.ErrorMessage() != "Could not find operation CreateUser for version 2010-05-08" {
		t.Error(err)
	}
	_, err = c.GetRole(ctx(t), &iam.GetRoleInput{RoleName: aws.String("a b")})
	if !errors.As(err, &api) || api.ErrorCode() != "ValidationError" || !strings.Contains(err.Error(), "Value 'a b' at 'roleName'") {
		t.Error(err)
	}
}

func TestQueryForm(t *testing.T) {
	bound, err := wire.Bind((&roles{}).Wire())
	if err != nil {
		t.Fatal(err)
	}
	const version = "&Version=2010-05-08"
	for _, c := range []struct {
		body   string
		status int
		want   string
	}{
		{"Action=DeleteRole&RoleName=r" + version, 200, `<DeleteRoleResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><ResponseMetadata><RequestId>11111111-2222-3333-4444-555555555555</RequestId></ResponseMetadata></DeleteRoleResponse>`},
		{"Action=ListRolePolicies&RoleName=r" + version, 200, `<ListRolePoliciesResult><IsTruncated>false</IsTruncated><PolicyNames></PolicyNames></ListRolePoliciesResult>`},
		{"Action=GetRole&RoleName=r" + version, 404, `<ErrorResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><Error><Type>Sender</Type><Code>NoSuchEntity</Code><Message>The role with name r cannot be found.</Message></Error><RequestId>1`},
		{"RoleName=r" + version, 400, "<Code>MissingAction</Code>"},
		{"Action=Explode" + version, 400, "<Code>InvalidAction</Code><Message>Could not find operation Explode for version 2010-05-08<"},
		{"Action=GetRole&RoleName=r&Version=1999-01-01", 400, "Could not find operation GetRole for version 1999-01-01"},
		{"Action=GetRole&RoleName=%zz" + version, 400, "<Code>MalformedQueryString</Code>"},
		{"Action=GetRole" + version, 400, "Value null at &#39;roleName&#39;"},
		{"Action=CreateRole&RoleName=r&AssumeRolePolicyDocument=x&MaxSessionDuration=long" + version, 400, "<Code>MalformedInput</Code><Message>Parameter maxSessionDuration:"},
		{"Action=CreateRole&RoleName=r&AssumeRolePolicyDocument=x&MaxSessionDuration=5" + version, 400, "Member must have value greater than or equal to 3600"},
		{"Action=CreateRole&RoleName=r&AssumeRolePolicyDocument=x&Tags.member.1.Key=a&Tags.member.7.Key=b" + version, 400, "2 validation errors detected: Value null at &#39;tags.1.member.value&#39;"},
	} {
		r := httptest.NewRequest("POST", "/", strings.NewReader(c.body))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
		w := httptest.NewRecorder()
		handler(t, bound)(w, r)
		body, _ := io.ReadAll(w.Body)
		if w.Code != c.status || !strings.Contains(string(body), strings.ReplaceAll(c.want, "&#39;", "'")) || w.Header().Get("Content-Type") != "text/xml" {
			t.Errorf("%s: %d %s", c.body, w.Code, body)
		}
	}
}
