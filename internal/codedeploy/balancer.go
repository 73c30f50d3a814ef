package codedeploy

import (
	"context"
	"errors"
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

// weigh gives green its percentage on every route of a listener to the pair; see
// reweighted for alone.
func (x taskSets) weigh(ctx context.Context, listener string, percent int32, alone bool) error {
	blue, green := x.d.Run.ECS.BlueGroup, x.d.Run.ECS.GreenGroup
	all, err := x.routes(ctx, listener)
	if err != nil {
		return err
	}
	mine := ours(all, blue.ARN, green.ARN)
	if len(mine) == 0 {
		return badRoute("Neither of the target groups %s and %s is behind listener %s", blue.Name, green.Name, listener)
	}
	for _, r := range mine {
		actions, changed := reweighted(r.Actions, blue.ARN, green.ARN, percent, alone)
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

// part makes sure that no client stays with a target group that ends, before it
// does. A listener that is gone or refuses has no clients to care for, or keeps
// them.
func (x taskSets) part(ctx context.Context, percent int32) error {
	for _, listener := range x.listeners() {
		var why *failure
		if err := x.weigh(ctx, listener, percent, true); err != nil && !errors.As(err, &why) {
			return err
		}
	}
	return nil
}

// listeners are those of production and, if there is one, of tests.
func (x taskSets) listeners() []string {
	if test := x.d.test(); test != "" {
		return []string{x.d.production(), test}
	}
	return []string{x.d.production()}
}
