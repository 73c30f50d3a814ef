package ecs

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	elbtypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
)

// Of a load balancer with an advanced configuration a service has two target
// groups, and its revisions take turns: Alternate tells which one a revision's
// tasks join.

// group is where the tasks of a revision are registered.
func (r *rollout) group(lb *types.LoadBalancer) string {
	if r.Alternate && lb.AdvancedConfiguration != nil {
		return aws.ToString(lb.AdvancedConfiguration.AlternateTargetGroupArn)
	}
	return aws.ToString(lb.TargetGroupArn)
}

// shiftTraffic gives the target of a deployment its part of the traffic, in the
// role of each load balancer's configuration.
func (s *Service) shiftTraffic(ctx context.Context, svc *service, e *errand) error {
	target := svc.rollout(svc.Deploy.Target)
	for _, lb := range target.LoadBalancers {
		a := lb.AdvancedConfiguration
		if a == nil {
			continue
		}
		cfg, err := s.Sessions.Config(ctx, s.as(svc.Region, aws.ToString(a.RoleArn), svc))
		if err != nil {
			return told(err, fmt.Sprintf("ECS was unable to manage the ELB resources due to missing permissions on ECS Infrastructure Role '%s'.", aws.ToString(a.RoleArn)))
		}
		t := traffic{elb.NewFromConfig(cfg)}
		if at := svc.Deploy.Stage; e.Do == shift && !svc.Deploy.Back &&
			(at == types.ServiceDeploymentLifecycleStageReconcileService || at == types.ServiceDeploymentLifecycleStageScaleUp) {
			if err := t.checkRoutes(ctx, &lb, svc.Deploy.Reconcile); err != nil {
				return err
			}
		}
		for _, r := range []struct {
			name    string
			rule    *string
			percent float64
		}{{"Production", a.ProductionListenerRule, e.Production}, {"Test", a.TestListenerRule, e.Test}} {
			if r.rule == nil {
				continue
			}
			if !target.Alternate {
				r.percent = 100 - r.percent
			}
			if err := t.weigh(ctx, r.name, *r.rule, weights(aws.ToString(lb.TargetGroupArn), aws.ToString(a.AlternateTargetGroupArn), r.percent), e.Do == part); err != nil {
				return err
			}
		}
	}
	return nil
}

// traffic changes rules and listeners.
type traffic struct{ client *elb.Client }

// route is what forwards: a rule, or a listener's default action.
type route struct {
	rule, listener string
	actions        []elbtypes.Action
}

// place is that of the action that forwards; -1 if there is none.
func (r *route) place() int {
	return slices.IndexFunc(r.actions, func(a elbtypes.Action) bool { return a.Type == elbtypes.ActionTypeEnumForward })
}

// forward is the action that forwards; an empty one if there is none.
func (r *route) forward() elbtypes.Action {
	if i := r.place(); i >= 0 {
		return r.actions[i]
	}
	return elbtypes.Action{}
}

// groups are those that the route forwards to, or would with a weight.
func (r *route) groups() []elbtypes.TargetGroupTuple {
	a := r.forward()
	switch {
	case a.ForwardConfig != nil && len(a.ForwardConfig.TargetGroups) > 0:
		return a.ForwardConfig.TargetGroups
	case a.TargetGroupArn == nil:
		return nil
	}
	return []elbtypes.TargetGroupTuple{{TargetGroupArn: a.TargetGroupArn, Weight: aws.Int32(1)}}
}

// sticky tells whether clients stay with their target group.
func (r *route) sticky() bool {
	c := r.forward().ForwardConfig
	return c != nil && c.TargetGroupStickinessConfig != nil && aws.ToBool(c.TargetGroupStickinessConfig.Enabled)
}

// knows tells whether a target group is among them, or was: from a route with
// sticky clients a deployment takes the one that it has ended.
func (r *route) knows(group string) bool {
	return r.sticky() || slices.ContainsFunc(r.groups(), func(g elbtypes.TargetGroupTuple) bool { return aws.ToString(g.TargetGroupArn) == group })
}

// find reads a route by the ARN of a rule, or of a listener (Network Load
// Balancers have no rules).
func (t traffic) find(ctx context.Context, arn string) (*route, error) {
	if !strings.Contains(arn, ":listener-rule/") {
		out, err := t.client.DescribeListeners(ctx, &elb.DescribeListenersInput{ListenerArns: []string{arn}})
		if err != nil {
			return nil, err
		}
		return &route{listener: arn, actions: out.Listeners[0].DefaultActions}, nil
	}
	out, err := t.client.DescribeRules(ctx, &elb.DescribeRulesInput{RuleArns: []string{arn}})
	if err != nil {
		return nil, err
	}
	r := &route{rule: arn, actions: out.Rules[0].Actions}
	if aws.ToBool(out.Rules[0].IsDefault) { // the listener's own
		r.listener = strings.Replace(arn[:strings.LastIndexByte(arn, '/')], ":listener-rule/", ":listener/", 1)
	}
	return r, nil
}

// checkRoutes makes sure, before traffic is shifted, that both target groups are
// associated with a rule (a Network Load Balancer's listener may have had only
// one), and that one of them has all the production traffic; when the deployment
// begins amid another, both may have some.
func (t traffic) checkRoutes(ctx context.Context, lb *types.LoadBalancer, amid bool) error {
	a := lb.AdvancedConfiguration
	production, err := t.find(ctx, *a.ProductionListenerRule)
	if err != nil {
		return err
	}
	found := []*route{production}
	if a.TestListenerRule != nil {
		test, err := t.find(ctx, *a.TestListenerRule)
		if err != nil {
			return err
		}
		found = append(found, test)
	}
	for _, group := range []*string{lb.TargetGroupArn, a.AlternateTargetGroupArn} {
		if production.rule != "" && !slices.ContainsFunc(found, func(r *route) bool { return r.knows(*group) }) {
			return &hookError{fmt.Sprintf("Target group %s is not associated with either productionListenerRule or testListenerRule.", *group)}
		}
	}
	serving := slices.DeleteFunc(slices.Clone(production.groups()), func(g elbtypes.TargetGroupTuple) bool { return aws.ToInt32(g.Weight) == 0 })
	if len(serving) > 1 && !amid {
		return &hookError{fmt.Sprintf("productionListenerRule %s should have exactly one target group serving traffic but found %d target groups which are serving traffic", *a.ProductionListenerRule, len(serving))}
	}
	return nil
}

// weigh lets a route forward to the two groups of a service. What else its
// actions do stays. A client that stays with a group does so whatever its weight
// is: with alone, one without weight is no longer there to stay with.
func (t traffic) weigh(ctx context.Context, name, arn string, groups []elbtypes.TargetGroupTuple, alone bool) error {
	r, err := t.find(ctx, arn)
	if err != nil {
		return err
	}
	i := r.place()
	if i < 0 {
		return &hookError{fmt.Sprintf("%s does not forward to target groups", arn)}
	}
	forward := elbtypes.ForwardActionConfig{TargetGroups: groups}
	if c := r.actions[i].ForwardConfig; c != nil {
		if alone && r.sticky() {
			forward.TargetGroups = slices.DeleteFunc(slices.Clone(groups), func(g elbtypes.TargetGroupTuple) bool { return *g.Weight == 0 })
		}
		if sameGroups(c.TargetGroups, forward.TargetGroups) {
			return nil
		}
		forward.TargetGroupStickinessConfig = c.TargetGroupStickinessConfig
		for _, g := range c.TargetGroups {
			if aws.ToInt32(g.Weight) > 0 && !slices.ContainsFunc(groups, func(o elbtypes.TargetGroupTuple) bool { return *o.TargetGroupArn == aws.ToString(g.TargetGroupArn) }) {
				return &hookError{fmt.Sprintf("%s listener rule is forwarding traffic to unexpected target group %s. Expected traffic to be forwarded to either targetGroupArn: %s or alternateTargetGroupArn: %s",
					name, aws.ToString(g.TargetGroupArn), *groups[0].TargetGroupArn, *groups[1].TargetGroupArn)}
			}
		}
	}
	actions := slices.Clone(r.actions)
	actions[i].TargetGroupArn, actions[i].ForwardConfig = nil, &forward
	if r.listener != "" {
		_, err = t.client.ModifyListener(ctx, &elb.ModifyListenerInput{ListenerArn: &r.listener, DefaultActions: actions})
	} else {
		_, err = t.client.ModifyRule(ctx, &elb.ModifyRuleInput{RuleArn: &r.rule, Actions: actions})
	}
	return err
}

// weights give per cent of the traffic to the alternate group. They are whole
// numbers up to 999: per cent, or tenths where those matter.
func weights(group, alternate string, percent float64) []elbtypes.TargetGroupTuple {
	part, whole := tenths(percent), 1000
	if part%10 == 0 {
		part, whole = part/10, 100
	}
	return []elbtypes.TargetGroupTuple{
		{TargetGroupArn: &group, Weight: aws.Int32(int32(whole - part))},
		{TargetGroupArn: &alternate, Weight: aws.Int32(int32(part))},
	}
}

func sameGroups(a, b []elbtypes.TargetGroupTuple) bool {
	key := func(t elbtypes.TargetGroupTuple) string {
		return fmt.Sprint(aws.ToString(t.TargetGroupArn), " ", aws.ToInt32(t.Weight))
	}
	return len(a) == len(b) && !slices.ContainsFunc(a, func(x elbtypes.TargetGroupTuple) bool {
		return !slices.ContainsFunc(b, func(y elbtypes.TargetGroupTuple) bool { return key(x) == key(y) })
	})
}

var routeForm = regexp.MustCompile(`^arn:[^:]+:elasticloadbalancing:[^:]+:\d{12}:(listener-rule/app|listener/net)/.+$`)

// checkTraffic makes sure that ECS may look at the routes that load balancers
// name, in the roles that it is given. staged tells that a deployment will shift
// traffic there.
//
// Errors: InvalidParameterException.
func (s *Service) checkTraffic(ctx context.Context, region string, lbs []types.LoadBalancer, staged bool) error {
	var groups []string
	for _, lb := range lbs {
		a, group := lb.AdvancedConfiguration, aws.ToString(lb.TargetGroupArn)
		switch {
		case (a == nil) != (lbs[0].AdvancedConfiguration == nil):
			return invalidParameter("Either all or none of the provided loadBalancers must have advancedConfiguration defined")
		case a == nil:
			continue
		case slices.Contains(groups, group):
			return invalidParameter("Duplicate targetGroupArn found: %s", group)
		}
		groups = append(groups, group)
		for _, f := range []struct {
			name  string
			value *string
		}{{"alternateTargetGroupArn", a.AlternateTargetGroupArn}, {"productionListenerRule", a.ProductionListenerRule}, {"roleArn", a.RoleArn}} {
			if aws.ToString(f.value) == "" {
				return invalidParameter("The advancedConfiguration of a load balancer needs %s.", f.name)
			}
		}
		if aws.ToString(a.AlternateTargetGroupArn) == aws.ToString(lb.TargetGroupArn) {
			return invalidParameter("The targetGroupArn and the alternateTargetGroupArn of a load balancer must not be the same.")
		}
		for _, f := range []struct {
			name  string
			value *string
		}{{"productionListenerRule", a.ProductionListenerRule}, {"testListenerRule", a.TestListenerRule}} {
			if f.value != nil && !routeForm.MatchString(*f.value) {
				return invalidParameter("%s has an invalid ARN format. Must be RuleArn for ALB or ListenerArn for NLB. Got: %s", f.name, *f.value)
			}
		}
		if aws.ToString(a.TestListenerRule) == *a.ProductionListenerRule {
			return invalidParameter("The following rules cannot be used as both production and test listener rules: %s", *a.ProductionListenerRule)
		}
		cfg, err := s.Sessions.Config(ctx, s.as(region, *a.RoleArn, nil))
		if err != nil {
			return invalidParameter("Unable to assume the role %s: %s", *a.RoleArn, said(err))
		}
		t := traffic{elb.NewFromConfig(cfg)}
		var found []*route
		for _, arn := range []string{*a.ProductionListenerRule, aws.ToString(a.TestListenerRule)} {
			if arn == "" {
				continue
			}
			r, err := t.find(ctx, arn)
			if err != nil {
				return invalidParameter("The listener rule %s cannot be used: %s", arn, said(err))
			}
			found = append(found, r)
		}
		if staged && found[0].rule != "" && len(found) == 1 &&
			!(found[0].knows(group) && found[0].knows(*a.AlternateTargetGroupArn)) {
			return invalidParameter("For Application LoadBalancer, testListenerRule is required when productionListenerRule is not associated with both targetGroup and alternateTargetGroup")
		}
	}
	return nil
}
