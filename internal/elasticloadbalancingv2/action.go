package elbv2

import (
	"cmp"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"

	"github.com/slipway-dev/slipway/internal/store"
)

// mostForward is how many target groups one action may forward to.
const mostForward = 5

// actions checks a rule's actions and completes them as answers have them: in
// order, the last one forwarding, redirecting or answering. The order of a single
// action is there if it was given: Ansible's modules compare it.
func (s *Service) actions(r store.Reader, region string, l *listener, list []types.Action) ([]types.Action, error) {
	out := slices.Clone(list)
	if len(out) == 0 {
		return nil, invalid("At least one action must be specified")
	}
	for i := range out {
		a := &out[i]
		switch a.Type {
		case types.ActionTypeEnumAuthenticateOidc, types.ActionTypeEnumAuthenticateCognito, types.ActionTypeEnumJwtValidation:
			return nil, fail("InvalidLoadBalancerAction", "Actions of the type '%s' are not implemented", a.Type)
		}
		if !l.application() && a.Type != types.ActionTypeEnumForward {
			return nil, fail("InvalidLoadBalancerAction", "Actions of the type '%s' are not supported on network load balancers", a.Type)
		}
		if a.Order == nil && len(out) > 1 {
			return nil, invalid("An order must be specified for each of several actions")
		}
		var err error
		switch a.Type {
		case types.ActionTypeEnumForward:
			err = s.forward(r, region, l, a)
		case types.ActionTypeEnumRedirect:
			err = redirect(l, a)
		case types.ActionTypeEnumFixedResponse:
			err = fixed(a)
		}
		if err != nil {
			return nil, err
		}
	}
	slices.SortFunc(out, func(a, b types.Action) int { return cmp.Compare(*a.Order, *b.Order) })
	if len(out) > 1 {
		return nil, fail("InvalidLoadBalancerAction", "A rule must have exactly one of the actions 'forward', 'redirect' and 'fixed-response'")
	}
	return out, nil
}

// forward completes an action that forwards. One group is shown both ways,
// several only as a configuration.
func (s *Service) forward(r store.Reader, region string, l *listener, a *types.Action) error {
	if a.RedirectConfig != nil || a.FixedResponseConfig != nil {
		return invalid("An action of the type 'forward' cannot have the configuration of another type")
	}
	c := types.ForwardActionConfig{}
	if a.ForwardConfig != nil {
		c = *a.ForwardConfig
		c.TargetGroups = slices.Clone(c.TargetGroups)
	}
	switch {
	case a.TargetGroupArn != nil && len(c.TargetGroups) == 0:
		c.TargetGroups = []types.TargetGroupTuple{{TargetGroupArn: a.TargetGroupArn}}
	case a.TargetGroupArn != nil && (len(c.TargetGroups) > 1 || aws.ToString(c.TargetGroups[0].TargetGroupArn) != *a.TargetGroupArn):
		return invalid("You can specify both a target group ARN and a forward configuration only if both name the same single target group")
	case len(c.TargetGroups) == 0:
		return invalid("A target group ARN must be specified")
	case len(c.TargetGroups) > mostForward:
		return fail("TooManyTargetGroups", "An action can forward to at most '%d' target groups", mostForward)
	}
	seen := map[string]bool{}
	for i := range c.TargetGroups {
		t := &c.TargetGroups[i]
		if seen[aws.ToString(t.TargetGroupArn)] {
			return invalid("The target group '%s' is there more than once", *t.TargetGroupArn)
		}
		seen[aws.ToString(t.TargetGroupArn)] = true
		if t.Weight == nil {
			t.Weight = aws.Int32(1)
		}
		if *t.Weight < 0 || *t.Weight > 999 {
			return invalid("Weight '%d' must be between 0 and 999", *t.Weight)
		}
		if err := s.usable(r, region, l, t.TargetGroupArn); err != nil {
			return err
		}
	}
	if k := c.TargetGroupStickinessConfig; k == nil || !aws.ToBool(k.Enabled) {
		if l.application() {
			c.TargetGroupStickinessConfig = &types.TargetGroupStickinessConfig{Enabled: aws.Bool(false)}
			if k != nil {
				c.TargetGroupStickinessConfig.DurationSeconds = k.DurationSeconds
			}
		}
	} else if d := aws.ToInt32(k.DurationSeconds); d < 1 || d > 604800 {
		return invalid("Target group stickiness duration must be between 1 and 604800 seconds")
	}
	a.ForwardConfig = &c
	a.TargetGroupArn = nil
	if len(c.TargetGroups) == 1 {
		a.TargetGroupArn = c.TargetGroups[0].TargetGroupArn
	}
	return nil
}

// usable tells whether a listener may forward to a target group: it is there,
// speaks the listener's protocol, is in the VPC, and no other load balancer's.
func (s *Service) usable(r store.Reader, region string, l *listener, text *string) error {
	g, err := s.group(r, region, text)
	if err != nil {
		if isCode(err, groupARN.code) {
			return fail(groupARN.code, "Target groups '%s' not found", aws.ToString(text))
		}
		return err
	}
	fits := g.http() || g.lambda()
	if !l.application() {
		switch l.Protocol {
		case types.ProtocolEnumUdp, types.ProtocolEnumTcpUdp:
			fits = g.Protocol == l.Protocol || l.Protocol == types.ProtocolEnumUdp && g.Protocol == types.ProtocolEnumTcpUdp
		case types.ProtocolEnumTls:
			fits = g.Protocol == types.ProtocolEnumTcp || g.Protocol == types.ProtocolEnumTls
		default:
			fits = g.Protocol == types.ProtocolEnumTcp || g.Protocol == types.ProtocolEnumTcpUdp
		}
	}
	if !fits {
		return fail("IncompatibleProtocols", "The protocol '%s' of the target group '%s' does not go with the listener's protocol '%s'", g.Protocol, *g.TargetGroupArn, l.Protocol)
	}
	if v := aws.ToString(g.ProtocolVersion); l.Protocol == types.ProtocolEnumHttp && v != "" && v != "HTTP1" {
		return fail("InvalidLoadBalancerAction", "Listener protocol 'HTTP' is not supported with a target group with the protocol-version '%s'", v)
	}
	b, err := balancers.Get(r, region, l.Balancer)
	if err != nil {
		return err
	}
	if g.VpcId != nil && *g.VpcId != *b.VpcId {
		return invalid("The target group '%s' is in the VPC '%s', the load balancer is in '%s'", *g.TargetGroupArn, *g.VpcId, *b.VpcId)
	}
	users, err := s.users(r, region)
	if err != nil {
		return err
	}
	for _, u := range users[*g.TargetGroupArn] {
		if u != *b.LoadBalancerArn {
			return fail("TargetGroupAssociationLimit", "The following target groups cannot be associated with more than one load balancer: %s", *g.TargetGroupArn)
		}
	}
	return nil
}

// redirect completes an action that redirects.
func redirect(l *listener, a *types.Action) error {
	if a.RedirectConfig == nil || a.TargetGroupArn != nil || a.ForwardConfig != nil || a.FixedResponseConfig != nil {
		return invalid("An action of the type 'redirect' must have a redirect configuration and no other")
	}
	c := *a.RedirectConfig
	for _, d := range []struct {
		to      **string
		initial string
	}{{&c.Protocol, "#{protocol}"}, {&c.Host, "#{host}"}, {&c.Port, "#{port}"}, {&c.Path, "/#{path}"}, {&c.Query, "#{query}"}} {
		if *d.to == nil {
			*d.to = aws.String(d.initial)
		}
	}
	if (*c.Path)[0] != '/' {
		return invalid("The redirect path '%s' must begin with a '/' character", *c.Path)
	}
	if *c.Port != "#{port}" && !between(1, 65535)(*c.Port) {
		return invalid("The redirect port '%s' must be '#{port}' or a number between 1 and 65535", *c.Port)
	}
	if *c.Protocol == "HTTP" && l.Protocol == types.ProtocolEnumHttps {
		return fail("InvalidLoadBalancerAction", "The redirect from HTTPS to HTTP is not allowed")
	}
	same := *c.Protocol == "#{protocol}" || *c.Protocol == string(l.Protocol)
	if same && *c.Host == "#{host}" && (*c.Port == "#{port}" || *c.Port == portText(l)) && *c.Path == "/#{path}" { // another query alone is no other place
		return fail("InvalidLoadBalancerAction", "The redirect configuration is not valid because it creates a loop")
	}
	a.RedirectConfig = &c
	return nil
}

// fixed checks an action that answers.
func fixed(a *types.Action) error {
	if a.FixedResponseConfig == nil || a.TargetGroupArn != nil || a.ForwardConfig != nil || a.RedirectConfig != nil {
		return invalid("An action of the type 'fixed-response' must have a fixed response configuration and no other")
	}
	c := a.FixedResponseConfig
	if t := aws.ToString(c.ContentType); !oneOf("", "text/plain", "text/css", "text/html", "application/javascript", "application/json")(t) {
		return fail("InvalidLoadBalancerAction", "The content type '%s' is not supported for fixed responses", t)
	}
	return nil
}
