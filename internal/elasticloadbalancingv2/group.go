package elbv2

import (
	"context"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"

	"github.com/slipway-dev/slipway/internal/aws/tag"
	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/id"
	"github.com/slipway-dev/slipway/internal/page"
	"github.com/slipway-dev/slipway/internal/store"
)

// targetGroup is what the store keeps of a target group. LoadBalancerArns is
// found in the rules when it is asked for.
type targetGroup struct {
	types.TargetGroup
	Path       string // NAME/ID
	Attributes map[string]string
	Tags       tag.Set `json:",omitempty"`
}

func (g *targetGroup) http() bool {
	return g.Protocol == types.ProtocolEnumHttp || g.Protocol == types.ProtocolEnumHttps
}

func (g *targetGroup) lambda() bool { return g.TargetType == types.TargetTypeEnumLambda }

func (g *targetGroup) attributes() []attribute {
	switch {
	case g.lambda():
		return lambdaGroup
	case g.http():
		return httpGroup
	}
	return networkGroup(string(g.Protocol), string(g.TargetType))
}

// CreateTargetGroup makes a target group. One of the same name and settings is
// returned as it is.
func (s *Service) CreateTargetGroup(ctx context.Context, in *elb.CreateTargetGroupInput, _ ...func(*elb.Options)) (*elb.CreateTargetGroupOutput, error) {
	name := aws.ToString(in.Name)
	if err := checkName("Target group", name); err != nil {
		return nil, err
	}
	tags, err := tagSet(in.Tags)
	if err != nil {
		return nil, err
	}
	g := &targetGroup{Path: name + "/" + id.Hex(s.IDs, 16), Attributes: map[string]string{}, Tags: tags, TargetGroup: types.TargetGroup{
		TargetGroupName: in.Name, TargetType: in.TargetType, Protocol: in.Protocol, Port: in.Port, VpcId: in.VpcId, ProtocolVersion: in.ProtocolVersion,
		IpAddressType: in.IpAddressType, TargetControlPort: in.TargetControlPort,
	}}
	if err := g.complete(); err != nil {
		return nil, err
	}
	g.defaults()
	if err := g.check(checkOf{in.HealthCheckEnabled, in.HealthCheckIntervalSeconds, in.HealthCheckPath, in.HealthCheckPort, in.HealthCheckProtocol,
		in.HealthCheckTimeoutSeconds, in.HealthyThresholdCount, in.UnhealthyThresholdCount, in.Matcher}); err != nil {
		return nil, err
	}
	err = s.update(ctx, func(tx *engine.Tx, region string) error {
		g.TargetGroupArn = aws.String(s.arn(groupARN, region, g.Path))
		if g.VpcId != nil {
			ok, err := s.Networks.VPC(tx, region, *g.VpcId)
			if err != nil {
				return err
			}
			if !ok {
				return invalid("The VPC ID '%s' is not found", *g.VpcId)
			}
		}
		old, err := groupNamed(tx, region, name)
		switch {
		case err != nil:
			return err
		case old != nil && !old.same(g):
			return fail("DuplicateTargetGroupName", "A target group with the same name '%s' exists, but with different settings", name)
		case old != nil:
			g = old
			return nil
		}
		return groups.Put(tx, g, region, g.Path)
	})
	g.LoadBalancerArns = []string{}
	return &elb.CreateTargetGroupOutput{TargetGroups: []types.TargetGroup{g.TargetGroup}}, err
}

// complete fills in what a new target group has by default and refuses what
// does not go together.
func (g *targetGroup) complete() error {
	if g.TargetType == "" {
		g.TargetType = types.TargetTypeEnumInstance
	}
	if g.lambda() {
		if g.Protocol != "" || g.Port != nil || g.VpcId != nil || aws.ToString(g.ProtocolVersion) != "" {
			return invalid("A target group with a target type of 'lambda' cannot have a protocol, a port or a VPC")
		}
		return nil
	}
	switch {
	case g.Protocol == "":
		return invalid("A protocol must be specified")
	case g.Port == nil:
		return invalid("A port must be specified")
	case g.VpcId == nil:
		return invalid("A VPC ID must be specified")
	case g.IpAddressType == types.TargetGroupIpAddressTypeEnumIpv6:
		return missing("IPv6 targets are")
	case g.TargetControlPort != nil:
		return missing("Target control ports are")
	case g.TargetType == types.TargetTypeEnumAlb && g.Protocol != types.ProtocolEnumTcp:
		return invalid("Target group protocol '%s' is not supported for the target type 'alb': it must be TCP", g.Protocol)
	}
	switch g.Protocol {
	case types.ProtocolEnumHttp, types.ProtocolEnumHttps:
		if aws.ToString(g.ProtocolVersion) == "" {
			g.ProtocolVersion = aws.String("HTTP1")
		}
		if !slices.Contains([]string{"HTTP1", "HTTP2", "GRPC"}, *g.ProtocolVersion) {
			return invalid("Protocol version '%s' must be one of 'HTTP1, HTTP2, GRPC'", *g.ProtocolVersion)
		}
	case types.ProtocolEnumTcp, types.ProtocolEnumTls, types.ProtocolEnumUdp, types.ProtocolEnumTcpUdp:
		if aws.ToString(g.ProtocolVersion) != "" {
			return invalid("A protocol version cannot be specified for the protocol '%s'", g.Protocol)
		}
	default:
		return missing("Target groups with the protocol " + string(g.Protocol) + " are")
	}
	g.IpAddressType = types.TargetGroupIpAddressTypeEnumIpv4
	return nil
}

// same tells whether two target groups were asked for alike.
func (g *targetGroup) same(o *targetGroup) bool {
	p := func(v *int32) int32 { return aws.ToInt32(v) }
	m := func(g *targetGroup) string {
		if g.Matcher == nil {
			return ""
		}
		return aws.ToString(g.Matcher.HttpCode) + "/" + aws.ToString(g.Matcher.GrpcCode)
	}
	return g.TargetType == o.TargetType && g.Protocol == o.Protocol && p(g.Port) == p(o.Port) && aws.ToString(g.VpcId) == aws.ToString(o.VpcId) &&
		aws.ToString(g.ProtocolVersion) == aws.ToString(o.ProtocolVersion) && *g.HealthCheckEnabled == *o.HealthCheckEnabled &&
		p(g.HealthCheckIntervalSeconds) == p(o.HealthCheckIntervalSeconds) && p(g.HealthCheckTimeoutSeconds) == p(o.HealthCheckTimeoutSeconds) &&
		p(g.HealthyThresholdCount) == p(o.HealthyThresholdCount) && p(g.UnhealthyThresholdCount) == p(o.UnhealthyThresholdCount) &&
		g.HealthCheckProtocol == o.HealthCheckProtocol && aws.ToString(g.HealthCheckPort) == aws.ToString(o.HealthCheckPort) &&
		aws.ToString(g.HealthCheckPath) == aws.ToString(o.HealthCheckPath) && m(g) == m(o)
}

func groupNamed(r store.Reader, region, name string) (*targetGroup, error) {
	for g, err := range groups.All(r, region) {
		if err != nil || aws.ToString(g.TargetGroupName) == name {
			return g, err
		}
	}
	return nil, nil
}

// users are the ARNs of the load balancers that have rules with each target
// group, by the target group's ARN.
func (s *Service) users(r store.Reader, region string) (map[string][]string, error) {
	out := map[string][]string{}
	return out, each(r, rules, func(x *rule) error {
		b := s.arn(balancerARN, region, x.balancer())
		for _, g := range x.groups() {
			if !slices.Contains(out[g], b) {
				out[g] = append(out[g], b)
			}
		}
		return nil
	}, region)
}

// DescribeTargetGroups describes those that are named, those of a load
// balancer, or all of them, 400 a page.
func (s *Service) DescribeTargetGroups(ctx context.Context, in *elb.DescribeTargetGroupsInput, _ ...func(*elb.Options)) (*elb.DescribeTargetGroupsOutput, error) {
	out := &elb.DescribeTargetGroupsOutput{TargetGroups: []types.TargetGroup{}}
	return out, s.view(ctx, func(r store.Reader, region string) error {
		ways := 0
		for _, n := range []int{len(in.TargetGroupArns), len(in.Names), len(aws.ToString(in.LoadBalancerArn))} {
			if n > 0 {
				ways++
			}
		}
		if ways > 1 {
			return invalid("Target group ARNs, target group names and a load balancer ARN cannot be specified at the same time")
		}
		users, err := s.users(r, region)
		if err != nil {
			return err
		}
		add := func(g *targetGroup) types.TargetGroup {
			g.LoadBalancerArns = users[*g.TargetGroupArn]
			if g.LoadBalancerArns == nil {
				g.LoadBalancerArns = []string{}
			}
			return g.TargetGroup
		}
		for _, a := range in.TargetGroupArns {
			g, err := s.group(r, region, &a)
			if err != nil {
				return err
			}
			out.TargetGroups = append(out.TargetGroups, add(g))
		}
		for _, n := range in.Names {
			g, err := groupNamed(r, region, n)
			if err != nil {
				return err
			}
			if g == nil {
				return groupARN.absent()
			}
			out.TargetGroups = append(out.TargetGroups, add(g))
		}
		if len(in.TargetGroupArns)+len(in.Names) > 0 {
			return nil
		}
		if in.LoadBalancerArn != nil {
			if _, err := s.balancer(r, region, in.LoadBalancerArn); err != nil {
				return err
			}
		}
		out.TargetGroups, out.NextMarker, err = page.Of(r, groups, page.Request{Scope: "elb.groups/" + region + "/" + aws.ToString(in.LoadBalancerArn), Token: in.Marker, Max: page.Limit(in.PageSize, 400)},
			func(g *targetGroup) (types.TargetGroup, bool, error) {
				return add(g), in.LoadBalancerArn == nil || slices.Contains(g.LoadBalancerArns, *in.LoadBalancerArn), nil
			}, region)
		return badMarker(err)
	})
}

// changeGroup reads, changes and writes a target group.
func (s *Service) changeGroup(ctx context.Context, text *string, f func(tx *engine.Tx, region string, g *targetGroup) error) error {
	return s.update(ctx, func(tx *engine.Tx, region string) error {
		g, err := s.group(tx, region, text)
		if err != nil {
			return err
		}
		if err := f(tx, region, g); err != nil {
			return err
		}
		return groups.Put(tx, g, region, g.Path)
	})
}

// ModifyTargetGroup changes health checks.
func (s *Service) ModifyTargetGroup(ctx context.Context, in *elb.ModifyTargetGroupInput, _ ...func(*elb.Options)) (*elb.ModifyTargetGroupOutput, error) {
	out := &elb.ModifyTargetGroupOutput{}
	return out, s.changeGroup(ctx, in.TargetGroupArn, func(tx *engine.Tx, region string, g *targetGroup) error {
		if err := g.check(checkOf{in.HealthCheckEnabled, in.HealthCheckIntervalSeconds, in.HealthCheckPath, in.HealthCheckPort, in.HealthCheckProtocol,
			in.HealthCheckTimeoutSeconds, in.HealthyThresholdCount, in.UnhealthyThresholdCount, in.Matcher}); err != nil {
			return err
		}
		users, err := s.users(tx, region)
		if err != nil {
			return err
		}
		shown := g.TargetGroup
		shown.LoadBalancerArns = append([]string{}, users[*g.TargetGroupArn]...)
		out.TargetGroups = []types.TargetGroup{shown}
		return nil
	})
}

// DeleteTargetGroup deletes a target group that no rule uses, with its targets.
// One that is not there is no error.
func (s *Service) DeleteTargetGroup(ctx context.Context, in *elb.DeleteTargetGroupInput, _ ...func(*elb.Options)) (*elb.DeleteTargetGroupOutput, error) {
	return &elb.DeleteTargetGroupOutput{}, s.update(ctx, func(tx *engine.Tx, region string) error {
		g, err := s.group(tx, region, in.TargetGroupArn)
		if isCode(err, groupARN.code) {
			return nil
		}
		if err != nil {
			return err
		}
		users, err := s.users(tx, region)
		if err != nil {
			return err
		}
		if len(users[*g.TargetGroupArn]) > 0 {
			return fail("ResourceInUse", "Target group '%s' is currently in use by a listener or a rule", *g.TargetGroupArn)
		}
		if err := each(tx, targets, func(t *target) error {
			key := t.key()
			tx.AfterCommit(func() { s.forget(*g.TargetGroupArn, key) })
			if err := targets.Delete(tx, region, g.Path, key); err != nil {
				return err
			}
			return s.announce(tx, region, t)
		}, region, g.Path); err != nil {
			return err
		}
		return groups.Delete(tx, region, g.Path)
	})
}

func (g *targetGroup) list() []types.TargetGroupAttribute {
	var out []types.TargetGroupAttribute
	for _, a := range all(g.attributes(), g.Attributes) {
		out = append(out, types.TargetGroupAttribute{Key: aws.String(a[0]), Value: aws.String(a[1])})
	}
	return out
}

// DescribeTargetGroupAttributes lists all attributes of a target group.
func (s *Service) DescribeTargetGroupAttributes(ctx context.Context, in *elb.DescribeTargetGroupAttributesInput, _ ...func(*elb.Options)) (*elb.DescribeTargetGroupAttributesOutput, error) {
	out := &elb.DescribeTargetGroupAttributesOutput{}
	return out, s.view(ctx, func(r store.Reader, region string) error {
		g, err := s.group(r, region, in.TargetGroupArn)
		if err != nil {
			return err
		}
		out.Attributes = g.list()
		return nil
	})
}

// ModifyTargetGroupAttributes changes attributes and returns all of them.
func (s *Service) ModifyTargetGroupAttributes(ctx context.Context, in *elb.ModifyTargetGroupAttributesInput, _ ...func(*elb.Options)) (*elb.ModifyTargetGroupAttributesOutput, error) {
	out := &elb.ModifyTargetGroupAttributesOutput{}
	return out, s.changeGroup(ctx, in.TargetGroupArn, func(_ *engine.Tx, _ string, g *targetGroup) (err error) {
		var news [][2]string
		for _, a := range in.Attributes {
			news = append(news, [2]string{aws.ToString(a.Key), aws.ToString(a.Value)})
		}
		list := g.attributes()
		if g.Attributes, err = change("Target group", list, [][]attribute{httpGroup, lambdaGroup, networkGroup("TCP", "ip")}, g.Attributes, news); err != nil {
			return err
		}
		now := func(key string) string { return value(list, g.Attributes, key) }
		switch {
		case now("stickiness.enabled") == "true" && now("stickiness.type") == "app_cookie" && now("stickiness.app_cookie.cookie_name") == "":
			return invalid("The attribute 'stickiness.app_cookie.cookie_name' must be specified for the stickiness type 'app_cookie'")
		case g.http() && now("slow_start.duration_seconds") != "0" && now("load_balancing.algorithm.type") != "round_robin":
			return invalid("Slow start cannot be used with the algorithm '%s'", now("load_balancing.algorithm.type"))
		case now("load_balancing.algorithm.anomaly_mitigation") == "on" && now("load_balancing.algorithm.type") != "weighted_random":
			return invalid("Anomaly mitigation can only be used with the algorithm 'weighted_random'")
		}
		out.Attributes = g.list()
		return nil
	})
}
