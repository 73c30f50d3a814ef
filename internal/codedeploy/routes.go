package codedeploy

import (
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codedeploy/types"
	elbtypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
)

// route is one way of a listener to the target groups of a pair: the default
// action, or a rule. A listener's ways to other target groups are not
// CodeDeploy's business and stay as they are.
type route struct {
	// ARN is the rule's; that of the listener for the default action.
	ARN     string
	Default bool
	Actions []elbtypes.Action
}

// groupsOf are the target groups that an action forwards to, with their weights.
func groupsOf(a elbtypes.Action) []elbtypes.TargetGroupTuple {
	switch {
	case a.Type != elbtypes.ActionTypeEnumForward:
		return nil
	case a.ForwardConfig != nil && len(a.ForwardConfig.TargetGroups) > 0:
		return a.ForwardConfig.TargetGroups
	case a.TargetGroupArn != nil:
		return []elbtypes.TargetGroupTuple{{TargetGroupArn: a.TargetGroupArn, Weight: aws.Int32(1)}}
	}
	return nil
}

// weight is what a target group has of an action's traffic, and whether it is
// in the action at all.
func weight(actions []elbtypes.Action, group string) (weight int32, ok bool) {
	for _, a := range actions {
		for _, g := range groupsOf(a) {
			if aws.ToString(g.TargetGroupArn) == group {
				if g.Weight == nil {
					return 1, true
				}
				return *g.Weight, true
			}
		}
	}
	return 0, false
}

// ours are the routes to the pair.
func ours(routes []route, blue, green string) []route {
	return slices.DeleteFunc(slices.Clone(routes), func(r route) bool {
		_, b := weight(r.Actions, blue)
		_, g := weight(r.Actions, green)
		return !b && !g
	})
}

func badRoute(format string, args ...any) error {
	return failed(types.ErrorCodeElasticLoadBalancingInvalid, "The ELB could not be updated due to the following error: "+format, args...)
}

// checkProduction checks that production's traffic is all at blue. The messages
// are AWS's.
func checkProduction(listener string, routes []route, blue, green string) error {
	mine := ours(routes, blue, green)
	if len(mine) == 0 {
		return badRoute("Primary taskset target group must be behind listener %s", listener)
	}
	for _, r := range mine {
		if err := onlyPair(listener, r, blue, green); err != nil {
			return err
		}
		b, _ := weight(r.Actions, blue)
		g, _ := weight(r.Actions, green)
		switch {
		case b == 0:
			return badRoute("Primary taskset target group must be behind listener %s", r.ARN)
		case g > 0:
			return badRoute("Green taskset target group cannot have non-zero weight prior to traffic shifting on listener %s", r.ARN)
		}
	}
	return nil
}

// checkTest checks that the test listener forwards to the pair, no matter to
// which of the two.
func checkTest(listener string, routes []route, blue, green string) error {
	mine := ours(routes, blue, green)
	if len(mine) == 0 {
		return badRoute("Primary taskset target group must be behind listener %s", listener)
	}
	for _, r := range mine {
		if err := onlyPair(listener, r, blue, green); err != nil {
			return err
		}
	}
	return nil
}

func onlyPair(listener string, r route, blue, green string) error {
	for _, a := range r.Actions {
		for _, g := range groupsOf(a) {
			if arn := aws.ToString(g.TargetGroupArn); arn != blue && arn != green {
				return badRoute("Only target group in ECS deployment group (%s, %s) can be set on listener %s.", blue, green, listener)
			}
		}
	}
	return nil
}

// reweighted are the actions of a route with percent of the traffic at green;
// false if they are so already. Other actions, and the stickiness of the target
// groups, stay. A client that stays with a group does so whatever its weight is:
// with alone, a group without weight is no longer there to stay with.
func reweighted(actions []elbtypes.Action, blue, green string, percent int32, alone bool) ([]elbtypes.Action, bool) {
	out, changed := slices.Clone(actions), false
	for i := range out {
		groups := groupsOf(out[i])
		if !slices.ContainsFunc(groups, func(t elbtypes.TargetGroupTuple) bool {
			return aws.ToString(t.TargetGroupArn) == blue || aws.ToString(t.TargetGroupArn) == green
		}) {
			continue
		}
		c := elbtypes.ForwardActionConfig{}
		if old := out[i].ForwardConfig; old != nil {
			c.TargetGroupStickinessConfig = old.TargetGroupStickinessConfig
		}
		sticky := c.TargetGroupStickinessConfig != nil && aws.ToBool(c.TargetGroupStickinessConfig.Enabled)
		for _, g := range []elbtypes.TargetGroupTuple{{TargetGroupArn: aws.String(green), Weight: aws.Int32(percent)}, {TargetGroupArn: aws.String(blue), Weight: aws.Int32(100 - percent)}} {
			if *g.Weight > 0 || !alone || !sticky {
				c.TargetGroups = append(c.TargetGroups, g)
			}
		}
		changed = changed || !slices.EqualFunc(byARN(groups), byARN(c.TargetGroups), func(a, b elbtypes.TargetGroupTuple) bool {
			return aws.ToString(a.TargetGroupArn) == aws.ToString(b.TargetGroupArn) && aws.ToInt32(a.Weight) == aws.ToInt32(b.Weight)
		})
		out[i].ForwardConfig, out[i].TargetGroupArn = &c, nil
	}
	return out, changed
}

func byARN(groups []elbtypes.TargetGroupTuple) []elbtypes.TargetGroupTuple {
	return slices.SortedFunc(slices.Values(groups), func(a, b elbtypes.TargetGroupTuple) int {
		return strings.Compare(aws.ToString(a.TargetGroupArn), aws.ToString(b.TargetGroupArn))
	})
}
