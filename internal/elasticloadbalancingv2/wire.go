package elbv2

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"

	"github.com/slipway-dev/slipway/internal/aws/identity"
	"github.com/slipway-dev/slipway/internal/aws/wire"
)

// Wire is the table of operations.
func (s *Service) Wire() wire.Service {
	type c = context.Context
	on := func(arns ...*string) []wire.Access {
		out := make([]string, len(arns))
		for i, a := range arns {
			out[i] = aws.ToString(a)
		}
		return wire.On(out...)
	}
	// fresh is what a request creates, whose id nobody knows yet.
	fresh := func(x c, k resource, path string) []wire.Access {
		return wire.On(s.arn(k, identity.Region(x), path+"/*"))
	}
	const p = "elasticloadbalancing:"
	return wire.Service{Model: "elasticloadbalancingv2", Operations: []wire.Operation{
		wire.Op(p+"CreateLoadBalancer", s.CreateLoadBalancer, func(x c, in *elb.CreateLoadBalancerInput) []wire.Access {
			kind := "app/"
			if in.Type == "network" {
				kind = "net/"
			}
			return fresh(x, balancerARN, kind+aws.ToString(in.Name))
		}),
		wire.Op(p+"DeleteLoadBalancer", s.DeleteLoadBalancer, func(_ c, in *elb.DeleteLoadBalancerInput) []wire.Access { return on(in.LoadBalancerArn) }),
		wire.Op(p+"DescribeLoadBalancers", s.DescribeLoadBalancers, nil),
		wire.Op(p+"DescribeLoadBalancerAttributes", s.DescribeLoadBalancerAttributes, nil),
		wire.Op(p+"ModifyLoadBalancerAttributes", s.ModifyLoadBalancerAttributes, func(_ c, in *elb.ModifyLoadBalancerAttributesInput) []wire.Access { return on(in.LoadBalancerArn) }),
		wire.Op(p+"SetSubnets", s.SetSubnets, func(_ c, in *elb.SetSubnetsInput) []wire.Access { return on(in.LoadBalancerArn) }),
		wire.Op(p+"SetSecurityGroups", s.SetSecurityGroups, func(_ c, in *elb.SetSecurityGroupsInput) []wire.Access { return on(in.LoadBalancerArn) }),
		wire.Op(p+"SetIpAddressType", s.SetIpAddressType, func(_ c, in *elb.SetIpAddressTypeInput) []wire.Access { return on(in.LoadBalancerArn) }),
		wire.Op(p+"DescribeCapacityReservation", s.DescribeCapacityReservation, nil),

		wire.Op(p+"CreateListener", s.CreateListener, func(_ c, in *elb.CreateListenerInput) []wire.Access { return on(in.LoadBalancerArn) }),
		wire.Op(p+"ModifyListener", s.ModifyListener, func(_ c, in *elb.ModifyListenerInput) []wire.Access { return on(in.ListenerArn) }),
		wire.Op(p+"DeleteListener", s.DeleteListener, func(_ c, in *elb.DeleteListenerInput) []wire.Access { return on(in.ListenerArn) }),
		wire.Op(p+"DescribeListeners", s.DescribeListeners, nil),
		wire.Op(p+"DescribeListenerAttributes", s.DescribeListenerAttributes, nil),
		wire.Op(p+"ModifyListenerAttributes", s.ModifyListenerAttributes, func(_ c, in *elb.ModifyListenerAttributesInput) []wire.Access { return on(in.ListenerArn) }),
		wire.Op(p+"AddListenerCertificates", s.AddListenerCertificates, func(_ c, in *elb.AddListenerCertificatesInput) []wire.Access { return on(in.ListenerArn) }),
		wire.Op(p+"RemoveListenerCertificates", s.RemoveListenerCertificates, func(_ c, in *elb.RemoveListenerCertificatesInput) []wire.Access { return on(in.ListenerArn) }),
		wire.Op(p+"DescribeListenerCertificates", s.DescribeListenerCertificates, nil),

		wire.Op(p+"CreateRule", s.CreateRule, func(_ c, in *elb.CreateRuleInput) []wire.Access { return on(in.ListenerArn) }),
		wire.Op(p+"ModifyRule", s.ModifyRule, func(_ c, in *elb.ModifyRuleInput) []wire.Access { return on(in.RuleArn) }),
		wire.Op(p+"DeleteRule", s.DeleteRule, func(_ c, in *elb.DeleteRuleInput) []wire.Access { return on(in.RuleArn) }),
		wire.Op(p+"DescribeRules", s.DescribeRules, nil),
		wire.Op(p+"SetRulePriorities", s.SetRulePriorities, func(_ c, in *elb.SetRulePrioritiesInput) []wire.Access {
			var arns []*string
			for _, r := range in.RulePriorities {
				arns = append(arns, r.RuleArn)
			}
			return on(arns...)
		}),

		wire.Op(p+"CreateTargetGroup", s.CreateTargetGroup, func(x c, in *elb.CreateTargetGroupInput) []wire.Access {
			return fresh(x, groupARN, aws.ToString(in.Name))
		}),
		wire.Op(p+"ModifyTargetGroup", s.ModifyTargetGroup, func(_ c, in *elb.ModifyTargetGroupInput) []wire.Access { return on(in.TargetGroupArn) }),
		wire.Op(p+"DeleteTargetGroup", s.DeleteTargetGroup, func(_ c, in *elb.DeleteTargetGroupInput) []wire.Access { return on(in.TargetGroupArn) }),
		wire.Op(p+"DescribeTargetGroups", s.DescribeTargetGroups, nil),
		wire.Op(p+"DescribeTargetGroupAttributes", s.DescribeTargetGroupAttributes, nil),
		wire.Op(p+"ModifyTargetGroupAttributes", s.ModifyTargetGroupAttributes, func(_ c, in *elb.ModifyTargetGroupAttributesInput) []wire.Access { return on(in.TargetGroupArn) }),
		wire.Op(p+"RegisterTargets", s.RegisterTargets, func(_ c, in *elb.RegisterTargetsInput) []wire.Access { return on(in.TargetGroupArn) }),
		wire.Op(p+"DeregisterTargets", s.DeregisterTargets, func(_ c, in *elb.DeregisterTargetsInput) []wire.Access { return on(in.TargetGroupArn) }),
		wire.Op(p+"DescribeTargetHealth", s.DescribeTargetHealth, nil),

		wire.Op(p+"AddTags", s.AddTags, func(_ c, in *elb.AddTagsInput) []wire.Access { return wire.On(in.ResourceArns...) }),
		wire.Op(p+"RemoveTags", s.RemoveTags, func(_ c, in *elb.RemoveTagsInput) []wire.Access { return wire.On(in.ResourceArns...) }),
		wire.Op(p+"DescribeTags", s.DescribeTags, nil),

		wire.Op(p+"DescribeSSLPolicies", s.DescribeSSLPolicies, nil),
		wire.Op(p+"DescribeAccountLimits", s.DescribeAccountLimits, nil),
	}}
}
