package ecs

import (
	"context"
	"errors"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	elbtypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
	"github.com/aws/smithy-go"

	"github.com/slipway-dev/slipway/internal/aws/wire"
)

// Balancers is Elastic Load Balancing as far as ECS needs it: it looks at the
// target groups of services, and registers tasks there as its service-linked
// role may. AWS's client has the methods, too.
type Balancers interface {
	RegisterTargets(ctx context.Context, in *elb.RegisterTargetsInput, opts ...func(*elb.Options)) (*elb.RegisterTargetsOutput, error)
	DeregisterTargets(ctx context.Context, in *elb.DeregisterTargetsInput, opts ...func(*elb.Options)) (*elb.DeregisterTargetsOutput, error)
	DescribeTargetHealth(ctx context.Context, in *elb.DescribeTargetHealthInput, opts ...func(*elb.Options)) (*elb.DescribeTargetHealthOutput, error)
	DescribeTargetGroups(ctx context.Context, in *elb.DescribeTargetGroupsInput, opts ...func(*elb.Options)) (*elb.DescribeTargetGroupsOutput, error)
}

// targetGroups finds the target groups that a request names.
//
// Errors: InvalidParameterException for one that does not exist.
func (s *Service) targetGroups(ctx context.Context, lbs []types.LoadBalancer) ([]elbtypes.TargetGroup, error) {
	var all []elbtypes.TargetGroup
	var arns []string
	for _, lb := range lbs {
		arns = append(arns, aws.ToString(lb.TargetGroupArn))
		if a := lb.AdvancedConfiguration; a != nil {
			arns = append(arns, aws.ToString(a.AlternateTargetGroupArn))
		}
	}
	for _, arn := range arns {
		if arn == "" {
			continue // see checkAttachments and checkTraffic
		}
		out, err := s.Balancers.DescribeTargetGroups(ctx, &elb.DescribeTargetGroupsInput{TargetGroupArns: []string{arn}})
		switch {
		case notFound(err) || err == nil && len(out.TargetGroups) == 0:
			return nil, invalidParameter("The target group with targetGroupArn %s does not exist.", arn)
		case err != nil:
			return nil, invalidParameter("The target group with targetGroupArn %s cannot be described: %s", arn, said(err))
		}
		all = append(all, out.TargetGroups...)
	}
	return all, nil
}

// checkAttached refuses a target group that no listener forwards to, in words
// that Terraform waits on. CodeDeploy's replacement groups may be such, and
// alternate ones: who deploys makes a listener forward to them.
func checkAttached(groups []elbtypes.TargetGroup, lbs []types.LoadBalancer) error {
	for _, g := range groups {
		named := slices.ContainsFunc(lbs, func(lb types.LoadBalancer) bool {
			return aws.ToString(lb.TargetGroupArn) == aws.ToString(g.TargetGroupArn)
		})
		if named && len(g.LoadBalancerArns) == 0 {
			return invalidParameter("The target group with targetGroupArn %s does not have an associated load balancer.", aws.ToString(g.TargetGroupArn))
		}
	}
	return nil
}

// notFound knows the exception of a client and of the service itself.
func notFound(err error) bool {
	const code = "TargetGroupNotFound"
	var theirs smithy.APIError
	var ours *wire.Error
	return errors.As(err, &theirs) && theirs.ErrorCode() == code || errors.As(err, &ours) && ours.Code == code
}

// checkTargets tells whether tasks of the definition can be targets of the
// groups: with an address of their own they are addresses, else instances.
func checkTargets(groups []elbtypes.TargetGroup, d *definition) error {
	want := elbtypes.TargetTypeEnumInstance
	if d.NetworkMode == types.NetworkModeAwsvpc {
		want = elbtypes.TargetTypeEnumIp
	}
	for _, g := range groups {
		if g.TargetType != want {
			return invalidParameter("The provided target group %s has target type %s, which is incompatible with the %s network mode specified in the task definition.",
				aws.ToString(g.TargetGroupArn), g.TargetType, d.NetworkMode)
		}
	}
	return nil
}
