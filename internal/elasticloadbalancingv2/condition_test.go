package elbv2_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
)

// What a condition may be is AWS's: RuleCondition in the API's reference.
func TestConditions(t *testing.T) {
	w := newWorld(t)
	l := w.listen(freePort(t), forward(w.group.TargetGroupArn))
	paths := func(values ...string) types.RuleCondition {
		return types.RuleCondition{Field: aws.String("path-pattern"), PathPatternConfig: &types.PathPatternConditionConfig{Values: values}}
	}
	header := func(name string, values ...string) types.RuleCondition {
		return types.RuleCondition{Field: aws.String("http-header"), HttpHeaderConfig: &types.HttpHeaderConditionConfig{HttpHeaderName: &name, Values: values}}
	}
	query := func(key, value string) types.RuleCondition {
		return types.RuleCondition{Field: aws.String("query-string"), QueryStringConfig: &types.QueryStringConditionConfig{Values: []types.QueryStringKeyValuePair{{Key: &key, Value: &value}}}}
	}
	methods := func(values ...string) types.RuleCondition {
		return types.RuleCondition{Field: aws.String("http-request-method"), HttpRequestMethodConfig: &types.HttpRequestMethodConditionConfig{Values: values}}
	}
	sources := func(values ...string) types.RuleCondition {
		return types.RuleCondition{Field: aws.String("source-ip"), SourceIpConfig: &types.SourceIpConditionConfig{Values: values}}
	}
	long := strings.Repeat("a", 129)
	for _, c := range []struct {
		message string // "" is none
		list    []types.RuleCondition
	}{
		{"", []types.RuleCondition{paths("/_-.$/~\"'@:+&*?"), host("*.Example.com", "a-1.b")[0]}},
		{"", []types.RuleCondition{header("X-Any", "Mozilla/5.0 (*)"), query("", "é=\\*"), methods("M-SEARCH"), sources("10.0.0.1/8", "::1/128")}},
		{"", []types.RuleCondition{{Field: aws.String("path-pattern"), PathPatternConfig: &types.PathPatternConditionConfig{RegexValues: []string{"^/(.*)/(.*)/(.*)/.*.*.*$"}}}}},
		{"contains a character that is not valid", host("a.com:80")},
		{"contains a character that is not valid", []types.RuleCondition{paths("/a b")}},
		{"contains a character that is not valid", []types.RuleCondition{paths("/a%20b")}},
		{"contains a character that is not valid", []types.RuleCondition{methods("get")}},
		{"must begin with a '/'", []types.RuleCondition{paths("a")}},
		{"cannot be longer than '128'", []types.RuleCondition{paths("/" + long)}},
		{"cannot be longer than '128'", []types.RuleCondition{header("X", long)}},
		{"cannot be longer than '128'", []types.RuleCondition{query(long, "a")}},
		{"must be specified", []types.RuleCondition{header("X", "")}},
		{"must be specified", []types.RuleCondition{query("a", "")}},
		{"must be specified", []types.RuleCondition{paths()}},
		{"A condition field must be specified", []types.RuleCondition{{Values: []string{"/"}}}},
		{"'5' condition values", []types.RuleCondition{host("a", "b", "c")[0], paths("/1", "/2", "/3")}},
		{"'6' condition wildcards", []types.RuleCondition{host("*.*.?")[0], paths("/*/*/*/?")}},
		{"You cannot provide both Values and 'HostHeaderConfig'", []types.RuleCondition{{Field: aws.String("host-header"), Values: []string{"a"}, HostHeaderConfig: &types.HostHeaderConditionConfig{Values: []string{"a"}}}}},
		{"configuration of that field", []types.RuleCondition{{Field: aws.String("source-ip"), Values: []string{"10.0.0.0/8"}}}},
		{"configuration of that field", []types.RuleCondition{{Field: aws.String("path-pattern"), HostHeaderConfig: &types.HostHeaderConditionConfig{Values: []string{"a"}}}}},
		{"only have one 'path-pattern'", []types.RuleCondition{paths("/a"), paths("/b")}},
		{"header name 'Host'", []types.RuleCondition{header("Host", "a")}},
		{"not a valid CIDR block", []types.RuleCondition{sources("10.0.0.1")}},
	} {
		out, err := w.CreateRule(ctx, &elb.CreateRuleInput{ListenerArn: l.ListenerArn, Priority: aws.Int32(1), Actions: forward(w.group.TargetGroupArn), Conditions: c.list})
		if c.message != "" {
			refused(t, err, "ValidationError", c.message)
			continue
		}
		if err != nil {
			t.Errorf("%+v: %v", c.list, err)
			continue
		}
		must(w.DeleteRule(ctx, &elb.DeleteRuleInput{RuleArn: out.Rules[0].RuleArn}))(t)
	}
}
