package elbv2_test

import (
	"testing"

	"github.com/aws/aws-sdk-go/aws"
	"github.com/aws/aws-sdk-go/service/elbv2"

	"github.com/slipway-dev/slipway/cmd/slipway/apptest"
)

// The Terraform provider of 2024 in its own order of calls.
func TestFirstGeneration(t *testing.T) {
	c := elbv2.New(apptest.Start(t).Older())
	if _, err := c.DescribeLoadBalancers(&elbv2.DescribeLoadBalancersInput{Names: aws.StringSlice([]string{"lb"})}); apptest.Code(err) != elbv2.ErrCodeLoadBalancerNotFoundException {
		t.Error(err)
	}
	tags := []*elbv2.Tag{{Key: aws.String("Name"), Value: aws.String("x")}}
	lb := must(c.CreateLoadBalancer(&elbv2.CreateLoadBalancerInput{Name: aws.String("lb"), Type: aws.String("application"), Scheme: aws.String("internal"),
		Subnets: aws.StringSlice([]string{zoneA, zoneB}), Tags: tags}))(t).LoadBalancers[0].LoadBalancerArn
	must(c.ModifyLoadBalancerAttributes(&elbv2.ModifyLoadBalancerAttributesInput{LoadBalancerArn: lb, Attributes: []*elbv2.LoadBalancerAttribute{
		{Key: aws.String("access_logs.s3.enabled"), Value: aws.String("false")}, {Key: aws.String("idle_timeout.timeout_seconds"), Value: aws.String("90")},
		{Key: aws.String("routing.http.xff_header_processing.mode"), Value: aws.String("append")}}}))(t)
	if err := c.WaitUntilLoadBalancerAvailable(&elbv2.DescribeLoadBalancersInput{LoadBalancerArns: []*string{lb}}); err != nil {
		t.Error(err)
	}
	if d := must(c.DescribeTags(&elbv2.DescribeTagsInput{ResourceArns: []*string{lb}}))(t).TagDescriptions; len(d) != 1 || *d[0].Tags[0].Value != "x" {
		t.Errorf("tags %v", d)
	}
	group := must(c.CreateTargetGroup(&elbv2.CreateTargetGroupInput{Name: aws.String("g"), Port: aws.Int64(80), Protocol: aws.String("HTTP"), ProtocolVersion: aws.String("HTTP1"),
		VpcId: aws.String(vpc), TargetType: aws.String("ip"), HealthCheckEnabled: aws.Bool(true), HealthCheckIntervalSeconds: aws.Int64(30), HealthyThresholdCount: aws.Int64(3),
		UnhealthyThresholdCount: aws.Int64(3), HealthCheckPort: aws.String("traffic-port"), HealthCheckProtocol: aws.String("HTTP"), Tags: tags}))(t).TargetGroups[0].TargetGroupArn
	must(c.ModifyTargetGroupAttributes(&elbv2.ModifyTargetGroupAttributesInput{TargetGroupArn: group, Attributes: []*elbv2.TargetGroupAttribute{
		{Key: aws.String("stickiness.enabled"), Value: aws.String("true")}, {Key: aws.String("stickiness.type"), Value: aws.String("lb_cookie")},
		{Key: aws.String("stickiness.lb_cookie.duration_seconds"), Value: aws.String("60")}}}))(t)
	listener := must(c.CreateListener(&elbv2.CreateListenerInput{LoadBalancerArn: lb, Port: aws.Int64(18300), Protocol: aws.String("HTTP"), Tags: tags,
		DefaultActions: []*elbv2.Action{{Type: aws.String("forward"), TargetGroupArn: group, Order: aws.Int64(1)}}}))(t).Listeners[0].ListenerArn
	rule := must(c.CreateRule(&elbv2.CreateRuleInput{ListenerArn: listener, Priority: aws.Int64(1),
		Actions: []*elbv2.Action{{Type: aws.String("fixed-response"), Order: aws.Int64(1), FixedResponseConfig: &elbv2.FixedResponseActionConfig{
			ContentType: aws.String("text/plain"), MessageBody: aws.String("no"), StatusCode: aws.String("404")}}},
		Conditions: []*elbv2.RuleCondition{{Field: aws.String("path-pattern"), PathPatternConfig: &elbv2.PathPatternConditionConfig{Values: aws.StringSlice([]string{"/x"})}}}}))(t).Rules[0]
	if *rule.Priority != "1" || *rule.IsDefault || *rule.Conditions[0].Values[0] != "/x" {
		t.Errorf("rule %v", rule)
	}
	must(c.RegisterTargets(&elbv2.RegisterTargetsInput{TargetGroupArn: group, Targets: []*elbv2.TargetDescription{{Id: aws.String("10.0.0.4")}}}))(t)
	if h := must(c.DescribeTargetHealth(&elbv2.DescribeTargetHealthInput{TargetGroupArn: group}))(t).TargetHealthDescriptions; len(h) != 1 || *h[0].TargetHealth.State != "initial" || *h[0].HealthCheckPort != "80" {
		t.Errorf("health %v", h)
	}
	must(c.DeleteRule(&elbv2.DeleteRuleInput{RuleArn: rule.RuleArn}))(t)
	if _, err := c.DescribeRules(&elbv2.DescribeRulesInput{RuleArns: []*string{rule.RuleArn}}); apptest.Code(err) != elbv2.ErrCodeRuleNotFoundException {
		t.Error(err)
	}
	must(c.DeleteListener(&elbv2.DeleteListenerInput{ListenerArn: listener}))(t)
	if _, err := c.DescribeListeners(&elbv2.DescribeListenersInput{ListenerArns: []*string{listener}}); apptest.Code(err) != elbv2.ErrCodeListenerNotFoundException {
		t.Error(err)
	}
	must(c.DeleteTargetGroup(&elbv2.DeleteTargetGroupInput{TargetGroupArn: group}))(t)
	if _, err := c.DescribeTargetHealth(&elbv2.DescribeTargetHealthInput{TargetGroupArn: group}); apptest.Code(err) != elbv2.ErrCodeTargetGroupNotFoundException {
		t.Error(err)
	}
	must(c.DeleteLoadBalancer(&elbv2.DeleteLoadBalancerInput{LoadBalancerArn: lb}))(t)
	if err := c.WaitUntilLoadBalancersDeleted(&elbv2.DescribeLoadBalancersInput{LoadBalancerArns: []*string{lb}}); err != nil {
		t.Error(err)
	}
}
