package logs

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"github.com/slipway-dev/slipway/internal/aws/identity"
	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/iam/policy"
	"github.com/slipway-dev/slipway/internal/page"
	"github.com/slipway-dev/slipway/internal/store"
)

// Resource policies let AWS's other services write to groups. They are kept;
// the services here write without asking.

const maxResourcePolicies = 10 // of a region

// resourcePolicies: REGION NAME.
const resourcePolicies store.Table[types.ResourcePolicy] = "logs.policy"

// PutResourcePolicy makes or replaces a policy of the account.
func (s *Service) PutResourcePolicy(ctx context.Context, in *cloudwatchlogs.PutResourcePolicyInput, _ ...func(*cloudwatchlogs.Options)) (*cloudwatchlogs.PutResourcePolicyOutput, error) {
	switch {
	case in.ResourceArn != nil || in.ExpectedRevisionId != nil:
		return nil, invalidParameter("resourceArn and expectedRevisionId are not supported by Slipway: policies are the account's.")
	case in.PolicyName == nil || in.PolicyDocument == nil:
		return nil, invalidParameter("policyName and policyDocument must be given.")
	}
	if _, err := policy.Parse(*in.PolicyDocument, policy.Resource); err != nil {
		return nil, invalidParameter("MalformedPolicyDocument: " + err.Error())
	}
	region := identity.Region(ctx)
	p := &types.ResourcePolicy{PolicyName: in.PolicyName, PolicyDocument: in.PolicyDocument, PolicyScope: types.PolicyScopeAccount}
	err := s.cfg.Engine.Update(ctx, func(tx *engine.Tx) error {
		p.LastUpdatedTime = aws.Int64(tx.Now().UnixMilli())
		n := 0
		for old, err := range resourcePolicies.All(tx, region) {
			if err != nil {
				return err
			}
			if *old.PolicyName != *p.PolicyName {
				n++
			}
		}
		if n >= maxResourcePolicies {
			return &types.LimitExceededException{Message: aws.String("Resource limit exceeded.")}
		}
		return resourcePolicies.Put(tx, p, region, *p.PolicyName)
	})
	if err != nil {
		return nil, err
	}
	return &cloudwatchlogs.PutResourcePolicyOutput{ResourcePolicy: p}, nil
}

// DescribeResourcePolicies lists the account's policies by name.
func (s *Service) DescribeResourcePolicies(ctx context.Context, in *cloudwatchlogs.DescribeResourcePoliciesInput, _ ...func(*cloudwatchlogs.Options)) (*cloudwatchlogs.DescribeResourcePoliciesOutput, error) {
	if in.ResourceArn != nil || in.PolicyScope == types.PolicyScopeResource {
		return nil, invalidParameter("Policies of single resources are not supported by Slipway.")
	}
	region := identity.Region(ctx)
	out := &cloudwatchlogs.DescribeResourcePoliciesOutput{}
	err := s.cfg.Engine.View(ctx, func(r store.Reader) (err error) {
		out.ResourcePolicies, out.NextToken, err = page.Of(r, resourcePolicies,
			page.Request{Scope: store.Key("DescribeResourcePolicies", region), Token: in.NextToken, Max: intOr(in.Limit, describeLimit)},
			func(p *types.ResourcePolicy) (types.ResourcePolicy, bool, error) { return *p, true, nil }, region)
		return err
	})
	if errors.Is(err, page.ErrToken) {
		return nil, badToken()
	}
	return out, err
}

// DeleteResourcePolicy deletes a policy of the account.
func (s *Service) DeleteResourcePolicy(ctx context.Context, in *cloudwatchlogs.DeleteResourcePolicyInput, _ ...func(*cloudwatchlogs.Options)) (*cloudwatchlogs.DeleteResourcePolicyOutput, error) {
	if in.ResourceArn != nil || in.ExpectedRevisionId != nil || in.PolicyName == nil {
		return nil, invalidParameter("Policies are deleted by their policyName, and by nothing else.")
	}
	region := identity.Region(ctx)
	return &cloudwatchlogs.DeleteResourcePolicyOutput{}, s.cfg.Engine.Update(ctx, func(tx *engine.Tx) error {
		_, err := resourcePolicies.Get(tx, region, *in.PolicyName)
		if errors.Is(err, store.ErrNotFound) {
			return &types.ResourceNotFoundException{Message: aws.String("Policy with name [" + *in.PolicyName + "] does not exist.")}
		}
		if err != nil {
			return err
		}
		return resourcePolicies.Delete(tx, region, *in.PolicyName)
	})
}
