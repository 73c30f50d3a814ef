package codedeploy

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codedeploy/types"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
)

func (x taskSets) elbRefused(err error, format string, args ...any) error {
	return refused(err, x.d, amazonELB, types.ErrorCodeElasticLoadBalancingInvalid, fmt.Sprintf(format, args...))
}

// pair finds the target groups that the group names.
func (x taskSets) pair(ctx context.Context) (a, b targets, err error) {
	p := x.d.LoadBalancerInfo.TargetGroupPairInfoList[0]
	var found []targets
	for _, g := range p.TargetGroups {
		out, err := x.balancers.DescribeTargetGroups(ctx, &elb.DescribeTargetGroupsInput{Names: []string{*g.Name}})
		if err != nil {
			return a, b, x.elbRefused(err, "The target group %s of the deployment group cannot be read: ", *g.Name)
		}
		if len(out.TargetGroups) == 0 {
			return a, b, failed(types.ErrorCodeElasticLoadBalancingInvalid, "The target group %s of the deployment group does not exist.", *g.Name)
		}
		found = append(found, targets{aws.ToString(out.TargetGroups[0].TargetGroupArn), *g.Name})
	}
	return found[0], found[1], nil
}

// production and test are the listeners of the group's traffic routes; test is
// empty if there is none.
func (d *deployment) production() string {
	return d.LoadBalancerInfo.TargetGroupPairInfoList[0].ProdTrafficRoute.ListenerArns[0]
}

func (d *deployment) test() string {
	if r := d.LoadBalancerInfo.TargetGroupPairInfoList[0].TestTrafficRoute; r != nil && len(r.ListenerArns) > 0 {
		return r.ListenerArns[0]
	}
	return ""
}

// routes are all ways of a listener.
func (x taskSets) routes(ctx context.Context, listener string) ([]route, error) {
	in := &elb.DescribeRulesInput{ListenerArn: &listener}
	var all []route
	for {
		out, err := x.balancers.DescribeRules(ctx, in)
		if err != nil {
			return nil, x.elbRefused(err, "The listener %s cannot be read: ", listener)
		}
		for _, r := range out.Rules {
			arn, first := aws.ToString(r.RuleArn), aws.ToBool(r.IsDefault)
			if first {
				arn = listener
			}
			all = append(all, route{arn, first, r.Actions})
		}
		if aws.ToString(out.NextMarker) == "" {
			return all, nil
		}
		in.Marker = out.NextMarker
	}
}

// weigh gives green its percentage on every route of a listener to the pair.
func (x taskSets) weigh(ctx context.Context, listener string, blue, green targets, percent int32) error {
	all, err := x.routes(ctx, listener)
	if err != nil {
		return err
	}
	mine := ours(all, blue.ARN, green.ARN)
	if len(mine) == 0 {
		return badRoute("Neither of the target groups %s and %s is behind listener %s", blue.Name, green.Name, listener)
	}
	for _, r := range mine {
		actions, changed := reweighted(r.Actions, blue.ARN, green.ARN, percent)
		switch {
		case !changed:
			continue
		case r.Default:
			_, err = x.balancers.ModifyListener(ctx, &elb.ModifyListenerInput{ListenerArn: &r.ARN, DefaultActions: actions})
		default:
			_, err = x.balancers.ModifyRule(ctx, &elb.ModifyRuleInput{RuleArn: &r.ARN, Actions: actions})
		}
		if err != nil {
			return x.elbRefused(err, "The ELB could not be updated due to the following error: ")
		}
	}
	return nil
}
