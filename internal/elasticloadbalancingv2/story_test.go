package elbv2_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
	"github.com/aws/smithy-go"

	"github.com/slipway-dev/slipway/cmd/slipway/apptest"
)

// The default VPC and its subnets.
const (
	vpc   = "vpc-00000000000000001"
	zoneA = "subnet-00000000000000001"
	zoneB = "subnet-00000000000000002"
)

func refused(t *testing.T, err error, code, message string) {
	t.Helper()
	var api smithy.APIError
	if !errors.As(err, &api) || api.ErrorCode() != code || !strings.Contains(api.ErrorMessage(), message) {
		t.Errorf("want %s %q, got %v", code, message, err)
	}
}

// must is for calls that are not the point of a test.
func must[T any](v T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// world is a server with a load balancer and a target group.
type world struct {
	*elb.Client
	t     *testing.T
	lb    types.LoadBalancer
	group types.TargetGroup
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{Client: elb.NewFromConfig(apptest.Start(t).Config()), t: t}
	w.lb = must(w.CreateLoadBalancer(ctx, &elb.CreateLoadBalancerInput{Name: aws.String("web"), Subnets: []string{zoneA, zoneB}}))(t).LoadBalancers[0]
	w.group = w.target("blue")
	return w
}

var ctx = context.Background()

func (w *world) target(name string) types.TargetGroup {
	w.t.Helper()
	return must(w.CreateTargetGroup(ctx, &elb.CreateTargetGroupInput{Name: &name, Protocol: types.ProtocolEnumHttp, Port: aws.Int32(8080),
		VpcId: aws.String(vpc), TargetType: types.TargetTypeEnumIp}))(w.t).TargetGroups[0]
}

func forward(arn *string) []types.Action {
	return []types.Action{{Type: types.ActionTypeEnumForward, TargetGroupArn: arn}}
}

func (w *world) listen(port int32, actions []types.Action) types.Listener {
	w.t.Helper()
	return must(w.CreateListener(ctx, &elb.CreateListenerInput{LoadBalancerArn: w.lb.LoadBalancerArn, Port: &port, Protocol: types.ProtocolEnumHttp, DefaultActions: actions}))(w.t).Listeners[0]
}

func host(values ...string) []types.RuleCondition {
	return []types.RuleCondition{{Field: aws.String("host-header"), Values: values}}
}

func (w *world) rule(l types.Listener, priority int32, actions []types.Action, c ...types.RuleCondition) types.Rule {
	w.t.Helper()
	return must(w.CreateRule(ctx, &elb.CreateRuleInput{ListenerArn: l.ListenerArn, Priority: &priority, Actions: actions, Conditions: c}))(w.t).Rules[0]
}

func TestLoadBalancerStory(t *testing.T) {
	w := newWorld(t)
	lb := w.lb
	if !strings.HasPrefix(*lb.LoadBalancerArn, "arn:aws:elasticloadbalancing:us-east-1:000000000000:loadbalancer/app/web/") || lb.State.Code != "active" ||
		!strings.HasPrefix(*lb.DNSName, "web-") || !strings.HasSuffix(*lb.DNSName, ".elb.localhost") || *lb.VpcId != vpc ||
		len(lb.AvailabilityZones) != 2 || *lb.AvailabilityZones[0].ZoneName != "us-east-1a" || lb.SecurityGroups[0] != "sg-00000000000000001" || lb.Scheme != "internet-facing" {
		t.Errorf("made %+v", lb)
	}
	again := must(w.CreateLoadBalancer(ctx, &elb.CreateLoadBalancerInput{Name: aws.String("web"), Subnets: []string{zoneB, zoneA}}))(t)
	if *again.LoadBalancers[0].LoadBalancerArn != *lb.LoadBalancerArn {
		t.Error("one of the same name and settings is another")
	}
	for _, c := range []struct {
		in            elb.CreateLoadBalancerInput
		code, message string
	}{
		{elb.CreateLoadBalancerInput{Name: aws.String("web"), Subnets: []string{zoneA, zoneB}, Scheme: "internal"}, "DuplicateLoadBalancerName", "with different settings"},
		{elb.CreateLoadBalancerInput{Name: aws.String("we_b"), Subnets: []string{zoneA, zoneB}}, "ValidationError", "can only contain"},
		{elb.CreateLoadBalancerInput{Name: aws.String("internal-x"), Subnets: []string{zoneA, zoneB}}, "ValidationError", "internal-"},
		{elb.CreateLoadBalancerInput{Name: aws.String(strings.Repeat("x", 33)), Subnets: []string{zoneA, zoneB}}, "ValidationError", "32"},
		{elb.CreateLoadBalancerInput{Name: aws.String("x"), Subnets: []string{zoneA}}, "ValidationError", "At least two subnets in two different Availability Zones"},
		{elb.CreateLoadBalancerInput{Name: aws.String("x"), Subnets: []string{zoneA, zoneA}}, "InvalidConfigurationRequest", "same Availability Zone"},
		{elb.CreateLoadBalancerInput{Name: aws.String("x"), Subnets: []string{zoneA, "subnet-1"}}, "SubnetNotFound", "subnet-1"},
		{elb.CreateLoadBalancerInput{Name: aws.String("x"), Subnets: []string{zoneA, zoneB}, SecurityGroups: []string{"sg-9"}}, "InvalidSecurityGroup", "sg-9"},
		{elb.CreateLoadBalancerInput{Name: aws.String("x"), Subnets: []string{zoneA, zoneB}, IpAddressType: "dualstack"}, "InvalidSubnet", "IPv6"},
		{elb.CreateLoadBalancerInput{Name: aws.String("x"), Subnets: []string{zoneA}, Type: "gateway"}, "InvalidConfigurationRequest", "not implemented"},
	} {
		_, err := w.CreateLoadBalancer(ctx, &c.in)
		refused(t, err, c.code, c.message)
	}
	attributes := func(list []types.LoadBalancerAttribute) map[string]string {
		m := map[string]string{}
		for _, a := range list {
			m[*a.Key] = *a.Value
		}
		return m
	}
	at := attributes(must(w.DescribeLoadBalancerAttributes(ctx, &elb.DescribeLoadBalancerAttributesInput{LoadBalancerArn: lb.LoadBalancerArn}))(t).Attributes)
	if at["idle_timeout.timeout_seconds"] != "60" || at["routing.http2.enabled"] != "true" || at["deletion_protection.enabled"] != "false" {
		t.Errorf("attributes %v", at)
	}
	set := func(k, v string) (map[string]string, error) {
		out, err := w.ModifyLoadBalancerAttributes(ctx, &elb.ModifyLoadBalancerAttributesInput{LoadBalancerArn: lb.LoadBalancerArn, Attributes: []types.LoadBalancerAttribute{{Key: &k, Value: &v}}})
		if err != nil {
			return nil, err
		}
		return attributes(out.Attributes), nil
	}
	_, err := set("no.such", "1")
	refused(t, err, "ValidationError", "attribute key 'no.such' is not recognized")
	_, err = set("dns_record.client_routing_policy", "any_availability_zone")
	refused(t, err, "InvalidConfigurationRequest", "attribute key 'dns_record.client_routing_policy' is not supported")
	_, err = set("idle_timeout.timeout_seconds", "0")
	refused(t, err, "ValidationError", "idle_timeout")
	_, err = set("access_logs.s3.enabled", "true")
	refused(t, err, "InvalidConfigurationRequest", "bucket")
	if at, err = set("deletion_protection.enabled", "true"); err != nil || at["deletion_protection.enabled"] != "true" || len(at) < 20 {
		t.Errorf("%v %v", at, err)
	}
	_, err = w.DeleteLoadBalancer(ctx, &elb.DeleteLoadBalancerInput{LoadBalancerArn: lb.LoadBalancerArn})
	refused(t, err, "OperationNotPermitted", "deletion protection")
	must(set("deletion_protection.enabled", "false"))(t)

	must(w.AddTags(ctx, &elb.AddTagsInput{ResourceArns: []string{*lb.LoadBalancerArn}, Tags: []types.Tag{{Key: aws.String("a"), Value: aws.String("")}, {Key: aws.String("b"), Value: aws.String("2")}}}))(t)
	must(w.RemoveTags(ctx, &elb.RemoveTagsInput{ResourceArns: []string{*lb.LoadBalancerArn}, TagKeys: []string{"b"}}))(t)
	tags := must(w.DescribeTags(ctx, &elb.DescribeTagsInput{ResourceArns: []string{*lb.LoadBalancerArn, *w.group.TargetGroupArn}}))(t).TagDescriptions
	if len(tags) != 2 || len(tags[0].Tags) != 1 || *tags[0].Tags[0].Value != "" || len(tags[1].Tags) != 0 {
		t.Errorf("tags %v", tags)
	}

	w.listen(18199, forward(w.group.TargetGroupArn))
	must(w.DeleteLoadBalancer(ctx, &elb.DeleteLoadBalancerInput{LoadBalancerArn: lb.LoadBalancerArn}))(t)
	must(w.DeleteLoadBalancer(ctx, &elb.DeleteLoadBalancerInput{LoadBalancerArn: lb.LoadBalancerArn}))(t)
	_, err = w.DescribeLoadBalancers(ctx, &elb.DescribeLoadBalancersInput{LoadBalancerArns: []string{*lb.LoadBalancerArn}})
	refused(t, err, "LoadBalancerNotFound", "not found")
	_, err = w.DescribeLoadBalancers(ctx, &elb.DescribeLoadBalancersInput{Names: []string{"web"}})
	refused(t, err, "LoadBalancerNotFound", "web")
	must(w.DeleteTargetGroup(ctx, &elb.DeleteTargetGroupInput{TargetGroupArn: w.group.TargetGroupArn}))(t)
	_, err = w.DescribeTargetGroups(ctx, &elb.DescribeTargetGroupsInput{TargetGroupArns: []string{*w.group.TargetGroupArn}})
	refused(t, err, "TargetGroupNotFound", "not found")
}

func TestListenersAndRules(t *testing.T) {
	w := newWorld(t)
	green := w.target("green")
	l := w.listen(18200, forward(w.group.TargetGroupArn))
	if a := l.DefaultActions[0]; a.Order != nil || *a.TargetGroupArn != *w.group.TargetGroupArn || *a.ForwardConfig.TargetGroups[0].Weight != 1 || *a.ForwardConfig.TargetGroupStickinessConfig.Enabled {
		t.Errorf("one group is shown both ways: %+v", a)
	}
	_, err := w.CreateListener(ctx, &elb.CreateListenerInput{LoadBalancerArn: w.lb.LoadBalancerArn, Port: aws.Int32(18200), Protocol: "HTTP", DefaultActions: forward(green.TargetGroupArn)})
	refused(t, err, "DuplicateListener", "already exists on this port")
	_, err = w.CreateListener(ctx, &elb.CreateListenerInput{LoadBalancerArn: w.lb.LoadBalancerArn, Port: aws.Int32(1), Protocol: "TCP", DefaultActions: forward(green.TargetGroupArn)})
	refused(t, err, "ValidationError", "Listener protocol 'TCP' must be one of 'HTTP, HTTPS'")
	_, err = w.CreateListener(ctx, &elb.CreateListenerInput{LoadBalancerArn: w.lb.LoadBalancerArn, Port: aws.Int32(1), Protocol: "HTTPS", DefaultActions: forward(green.TargetGroupArn)})
	refused(t, err, "ValidationError", "certificate")
	_, err = w.CreateListener(ctx, &elb.CreateListenerInput{LoadBalancerArn: w.lb.LoadBalancerArn, Port: aws.Int32(1), Protocol: "HTTP", DefaultActions: []types.Action{{Type: "authenticate-oidc", Order: aws.Int32(1),
		AuthenticateOidcConfig: &types.AuthenticateOidcActionConfig{Issuer: aws.String("i"), AuthorizationEndpoint: aws.String("a"), TokenEndpoint: aws.String("t"), UserInfoEndpoint: aws.String("u"), ClientId: aws.String("c")}}}})
	refused(t, err, "InvalidLoadBalancerAction", "authenticate-oidc")
	_, err = w.CreateListener(ctx, &elb.CreateListenerInput{LoadBalancerArn: w.lb.LoadBalancerArn, Port: aws.Int32(1), Protocol: "HTTP", DefaultActions: []types.Action{{Type: "redirect",
		RedirectConfig: &types.RedirectActionConfig{StatusCode: "HTTP_301"}}}})
	refused(t, err, "InvalidLoadBalancerAction", "loop")
	if out := must(w.DescribeListeners(ctx, &elb.DescribeListenersInput{LoadBalancerArn: w.lb.LoadBalancerArn}))(t); len(out.Listeners) != 1 {
		t.Errorf("half-made listeners: %v", out.Listeners)
	}

	weighted := []types.Action{{Type: "forward", ForwardConfig: &types.ForwardActionConfig{TargetGroups: []types.TargetGroupTuple{
		{TargetGroupArn: w.group.TargetGroupArn, Weight: aws.Int32(90)}, {TargetGroupArn: green.TargetGroupArn, Weight: aws.Int32(10)}}}}}
	changed := must(w.ModifyListener(ctx, &elb.ModifyListenerInput{ListenerArn: l.ListenerArn, DefaultActions: weighted}))(t).Listeners[0]
	if a := changed.DefaultActions[0]; a.TargetGroupArn != nil || *a.ForwardConfig.TargetGroups[1].Weight != 10 || *changed.Port != 18200 {
		t.Errorf("changed %+v", a)
	}

	low := w.rule(l, 20, forward(green.TargetGroupArn), host("b.example.com")...)
	high := w.rule(l, 10, forward(green.TargetGroupArn), host("a.example.com")...)
	_, err = w.CreateRule(ctx, &elb.CreateRuleInput{ListenerArn: l.ListenerArn, Priority: aws.Int32(10), Actions: weighted, Conditions: host("c")})
	refused(t, err, "PriorityInUse", "Priority '10' is currently in use")
	_, err = w.CreateRule(ctx, &elb.CreateRuleInput{ListenerArn: l.ListenerArn, Priority: aws.Int32(11), Actions: weighted, Conditions: host("1", "2", "3", "4", "5", "6")})
	refused(t, err, "ValidationError", "5")
	_, err = w.CreateRule(ctx, &elb.CreateRuleInput{ListenerArn: l.ListenerArn, Priority: aws.Int32(11), Actions: weighted, Conditions: []types.RuleCondition{{Field: aws.String("moon-phase"), Values: []string{"full"}}}})
	refused(t, err, "ValidationError", "moon-phase")
	if high.Conditions[0].HostHeaderConfig.Values[0] != "a.example.com" || high.Conditions[0].Values[0] != "a.example.com" {
		t.Errorf("conditions %+v", high.Conditions)
	}
	order := func() (out []string) {
		for _, r := range must(w.DescribeRules(ctx, &elb.DescribeRulesInput{ListenerArn: l.ListenerArn}))(t).Rules {
			out = append(out, *r.Priority)
		}
		return out
	}
	if got := order(); !slices.Equal(got, []string{"10", "20", "default"}) {
		t.Error(got)
	}
	must(w.SetRulePriorities(ctx, &elb.SetRulePrioritiesInput{RulePriorities: []types.RulePriorityPair{{RuleArn: high.RuleArn, Priority: aws.Int32(20)}, {RuleArn: low.RuleArn, Priority: aws.Int32(10)}}}))(t)
	_, err = w.SetRulePriorities(ctx, &elb.SetRulePrioritiesInput{RulePriorities: []types.RulePriorityPair{{RuleArn: high.RuleArn, Priority: aws.Int32(10)}}})
	refused(t, err, "PriorityInUse", "10")
	first := must(w.DescribeRules(ctx, &elb.DescribeRulesInput{ListenerArn: l.ListenerArn, PageSize: aws.Int32(1)}))(t)
	if *first.Rules[0].RuleArn != *low.RuleArn || first.NextMarker == nil {
		t.Errorf("first page %+v", first)
	}
	rest := must(w.DescribeRules(ctx, &elb.DescribeRulesInput{ListenerArn: l.ListenerArn, Marker: first.NextMarker}))(t)
	if len(rest.Rules) != 2 || !*rest.Rules[1].IsDefault {
		t.Errorf("rest %+v", rest)
	}
	def := rest.Rules[1].RuleArn
	_, err = w.DeleteRule(ctx, &elb.DeleteRuleInput{RuleArn: def})
	refused(t, err, "OperationNotPermitted", "Default rule")
	_, err = w.ModifyRule(ctx, &elb.ModifyRuleInput{RuleArn: def, Actions: weighted})
	refused(t, err, "OperationNotPermitted", "Default rule")

	// A target group has one load balancer, and goes only when no rule has it.
	other := must(w.CreateLoadBalancer(ctx, &elb.CreateLoadBalancerInput{Name: aws.String("other"), Subnets: []string{zoneA, zoneB}}))(t).LoadBalancers[0]
	_, err = w.CreateListener(ctx, &elb.CreateListenerInput{LoadBalancerArn: other.LoadBalancerArn, Port: aws.Int32(18200), Protocol: "HTTP", DefaultActions: forward(green.TargetGroupArn)})
	refused(t, err, "TargetGroupAssociationLimit", "more than one load balancer")
	_, err = w.DeleteTargetGroup(ctx, &elb.DeleteTargetGroupInput{TargetGroupArn: green.TargetGroupArn})
	refused(t, err, "ResourceInUse", "is currently in use by a listener or a rule")
	if g := must(w.DescribeTargetGroups(ctx, &elb.DescribeTargetGroupsInput{LoadBalancerArn: w.lb.LoadBalancerArn}))(t).TargetGroups; len(g) != 2 || g[0].LoadBalancerArns[0] != *w.lb.LoadBalancerArn {
		t.Errorf("groups of the load balancer: %+v", g)
	}
	must(w.DeleteListener(ctx, &elb.DeleteListenerInput{ListenerArn: l.ListenerArn}))(t)
	_, err = w.DescribeRules(ctx, &elb.DescribeRulesInput{RuleArns: []string{*low.RuleArn}})
	refused(t, err, "RuleNotFound", "not found")
	_, err = w.DescribeListeners(ctx, &elb.DescribeListenersInput{ListenerArns: []string{*l.ListenerArn}})
	refused(t, err, "ListenerNotFound", "not found")
	must(w.DeleteTargetGroup(ctx, &elb.DeleteTargetGroupInput{TargetGroupArn: green.TargetGroupArn}))(t)
}

func TestTargetGroups(t *testing.T) {
	w := newWorld(t)
	g := w.group
	if *g.HealthCheckTimeoutSeconds != 6 || *g.HealthCheckIntervalSeconds != 30 || *g.HealthyThresholdCount != 5 || *g.UnhealthyThresholdCount != 2 || *g.Matcher.HttpCode != "200" || *g.HealthCheckPort != "traffic-port" || *g.ProtocolVersion != "HTTP1" {
		t.Errorf("defaults %+v", g)
	}
	for _, c := range []struct {
		in            elb.CreateTargetGroupInput
		code, message string
	}{
		{elb.CreateTargetGroupInput{Name: aws.String("blue"), Protocol: "HTTP", Port: aws.Int32(1), VpcId: aws.String(vpc), TargetType: "ip"}, "DuplicateTargetGroupName", "different settings"},
		{elb.CreateTargetGroupInput{Name: aws.String("x"), Protocol: "HTTP", Port: aws.Int32(1)}, "ValidationError", "VPC"},
		{elb.CreateTargetGroupInput{Name: aws.String("x"), Protocol: "HTTP", VpcId: aws.String(vpc)}, "ValidationError", "port"},
		{elb.CreateTargetGroupInput{Name: aws.String("x"), Protocol: "HTTP", Port: aws.Int32(1), VpcId: aws.String("vpc-9")}, "ValidationError", "vpc-9"},
		{elb.CreateTargetGroupInput{Name: aws.String("x"), Protocol: "HTTP", Port: aws.Int32(1), VpcId: aws.String(vpc), HealthCheckProtocol: "TCP"}, "ValidationError", "TCP"},
		{elb.CreateTargetGroupInput{Name: aws.String("x"), Protocol: "HTTP", Port: aws.Int32(1), VpcId: aws.String(vpc), HealthCheckPath: aws.String("x")}, "ValidationError", "'/'"},
		{elb.CreateTargetGroupInput{Name: aws.String("x"), Protocol: "HTTP", Port: aws.Int32(1), VpcId: aws.String(vpc), HealthCheckIntervalSeconds: aws.Int32(5), HealthCheckTimeoutSeconds: aws.Int32(5)}, "ValidationError", "smaller than the interval"},
		{elb.CreateTargetGroupInput{Name: aws.String("x"), TargetType: "lambda", Port: aws.Int32(1)}, "ValidationError", "lambda"},
		{elb.CreateTargetGroupInput{Name: aws.String("x"), Protocol: "GENEVE", Port: aws.Int32(6081), VpcId: aws.String(vpc)}, "InvalidConfigurationRequest", "GENEVE"},
	} {
		_, err := w.CreateTargetGroup(ctx, &c.in)
		refused(t, err, c.code, c.message)
	}
	changed := must(w.ModifyTargetGroup(ctx, &elb.ModifyTargetGroupInput{TargetGroupArn: g.TargetGroupArn, HealthCheckPath: aws.String("/up"), Matcher: &types.Matcher{HttpCode: aws.String("200,202-299")}}))(t).TargetGroups[0]
	for _, codes := range []string{"200-99", "99", "200-500", "200-"} {
		if _, err := w.ModifyTargetGroup(ctx, &elb.ModifyTargetGroupInput{TargetGroupArn: g.TargetGroupArn, Matcher: &types.Matcher{HttpCode: &codes}}); err == nil || !strings.Contains(err.Error(), "Health check matcher") {
			t.Errorf("%s: %v", codes, err)
		}
	}
	if *changed.HealthCheckPath != "/up" || *changed.Matcher.HttpCode != "200,202-299" || *changed.HealthCheckTimeoutSeconds != 6 {
		t.Errorf("changed %+v", changed)
	}

	set := func(k, v string) error {
		_, err := w.ModifyTargetGroupAttributes(ctx, &elb.ModifyTargetGroupAttributesInput{TargetGroupArn: g.TargetGroupArn, Attributes: []types.TargetGroupAttribute{{Key: &k, Value: &v}}})
		return err
	}
	refused(t, set("slow_start.duration_seconds", "5"), "ValidationError", "slow_start")
	refused(t, set("proxy_protocol_v2.enabled", "true"), "InvalidConfigurationRequest", "not supported")
	refused(t, set("what", "true"), "ValidationError", "not recognized")
	if err := set("deregistration_delay.timeout_seconds", "5"); err != nil {
		t.Error(err)
	}

	register := func(id string, port *int32) error {
		_, err := w.RegisterTargets(ctx, &elb.RegisterTargetsInput{TargetGroupArn: g.TargetGroupArn, Targets: []types.TargetDescription{{Id: aws.String("10.0.0.9")}, {Id: &id, Port: port}}})
		return err
	}
	refused(t, register("8.8.8.8", nil), "ValidationError", "8.8.8.8")
	refused(t, register("i-123", nil), "ValidationError", "not a valid IPv4 address")
	health := func(in ...types.TargetDescription) []types.TargetHealthDescription {
		return must(w.DescribeTargetHealth(ctx, &elb.DescribeTargetHealthInput{TargetGroupArn: g.TargetGroupArn, Targets: in}))(t).TargetHealthDescriptions
	}
	if h := health(); len(h) != 0 {
		t.Errorf("half-registered: %v", h)
	}
	if err := errors.Join(register("10.0.0.9", aws.Int32(81)), register("10.0.0.9", aws.Int32(81))); err != nil {
		t.Fatal(err)
	}
	h := health()
	if len(h) != 2 || h[0].TargetHealth.State != "unused" || h[0].TargetHealth.Reason != "Target.NotInUse" || *h[1].Target.Port != 81 && *h[0].Target.Port != 81 {
		t.Errorf("not in use: %+v", h)
	}
	if h := health(types.TargetDescription{Id: aws.String("10.1.1.1")}); h[0].TargetHealth.State != "unused" || h[0].TargetHealth.Reason != "Target.NotRegistered" {
		t.Errorf("never registered: %+v", h)
	}
}
