package iam

import (
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/slipway-dev/slipway/internal/aws/arn"
	"github.com/slipway-dev/slipway/internal/aws/identity"
	"github.com/slipway-dev/slipway/internal/iam/policy"
)

// SimulatePrincipalPolicy tells what a user or role may do. Matched statements
// are not told.
func (s *Service) SimulatePrincipalPolicy(ctx context.Context, in *iam.SimulatePrincipalPolicyInput, _ ...func(*iam.Options)) (*iam.SimulatePrincipalPolicyOutput, error) {
	a, _ := arn.Parse(*in.PolicySourceArn)
	kind, name, _ := strings.Cut(a.Resource, "/")
	name = name[strings.LastIndexByte(name, '/')+1:]
	c := &identity.Caller{Account: s.cfg.Site.Account, ARN: *in.PolicySourceArn}
	var p *principal
	var err error
	switch kind {
	case "user":
		c.Kind, c.UserName = identity.User, name
		p, err = s.principal(ctx, "User", name)
	case "role":
		c.Kind, c.RoleARN = identity.AssumedRole, *in.PolicySourceArn
		p, err = s.rolePrincipal(ctx, *in.PolicySourceArn)
	default:
		return nil, &types.InvalidInputException{Message: aws.String("Invalid Entity Arn: " + *in.PolicySourceArn)}
	}
	if err != nil {
		return nil, err
	}
	if len(in.PolicyExclusionList) > 0 {
		return nil, &types.InvalidInputException{Message: aws.String("PolicyExclusionList is not implemented by Slipway.")}
	}
	set := policy.Set{Identity: p.identity, Boundary: p.boundary}
	for _, d := range in.PolicyInputList {
		extra, err := parse(&d, policy.Identity)
		if err != nil {
			return nil, err
		}
		set.Identity = append(set.Identity[:len(set.Identity):len(set.Identity)], extra)
	}
	for _, d := range in.PermissionsBoundaryPolicyInputList {
		if set.Boundary, err = parse(&d, policy.Identity); err != nil {
			return nil, err
		}
	}
	if in.ResourcePolicy != nil {
		if set.Resource, err = parse(in.ResourcePolicy, policy.Resource); err != nil {
			return nil, err
		}
	}
	own := map[string][]string{}
	for _, e := range in.ContextEntries {
		own[aws.ToString(e.ContextKeyName)] = e.ContextKeyValues
	}
	resources := in.ResourceArns
	if len(resources) == 0 {
		resources = []string{"*"}
	}
	results := []types.EvaluationResult{}
	for _, action := range in.ActionNames {
		for _, resource := range resources {
			d := set.Decide(&policy.Request{Action: action, Resource: resource, Principal: Principal(c), Context: s.facts(ctx, c, p, own)})
			decision := types.PolicyEvaluationDecisionTypeAllowed
			switch {
			case d.Explicit:
				decision = types.PolicyEvaluationDecisionTypeExplicitDeny
			case !d.Allowed:
				decision = types.PolicyEvaluationDecisionTypeImplicitDeny
			}
			results = append(results, types.EvaluationResult{
				EvalActionName: aws.String(action), EvalResourceName: aws.String(resource), EvalDecision: decision,
				MatchedStatements: []types.Statement{}, MissingContextValues: []string{},
			})
		}
	}
	return &iam.SimulatePrincipalPolicyOutput{EvaluationResults: results}, nil
}
