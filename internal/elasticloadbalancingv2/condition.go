package elbv2

import (
	"net/netip"
	"regexp"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
)

// mostValues is how many values the conditions of one rule may have in all.
const mostValues = 5

var (
	headerName = regexp.MustCompile("^[a-zA-Z0-9!#$%&'*+.^_`|~-]{1,40}$")
	methodName = regexp.MustCompile(`^[A-Z_-]{1,40}$`)
)

// conditions checks a rule's conditions and completes them as answers have
// them: hosts and paths are shown both ways.
func conditions(list []types.RuleCondition) ([]types.RuleCondition, error) {
	if len(list) == 0 {
		return nil, invalid("At least one condition must be specified")
	}
	out := slices.Clone(list)
	total := 0
	seen := map[string]bool{}
	for i := range out {
		c := &out[i]
		n, err := condition(c)
		if err != nil {
			return nil, err
		}
		if n == 0 {
			return nil, invalid("A condition value must be specified for the field '%s'", aws.ToString(c.Field))
		}
		total += n
		field := *c.Field
		if seen[field] && field != "http-header" && field != "query-string" {
			return nil, invalid("A rule can only have one '%s' condition", field)
		}
		seen[field] = true
	}
	if total > mostValues {
		return nil, invalid("A rule can only have '%d' condition values", mostValues)
	}
	return out, nil
}

// condition completes one condition and counts its values.
func condition(c *types.RuleCondition) (values int, err error) {
	field := aws.ToString(c.Field)
	given := 0
	for _, is := range []bool{c.HostHeaderConfig != nil, c.PathPatternConfig != nil, c.HttpHeaderConfig != nil,
		c.HttpRequestMethodConfig != nil, c.QueryStringConfig != nil, c.SourceIpConfig != nil} {
		if is {
			given++
		}
	}
	if given > 1 || given == 1 && len(c.Values)+len(c.RegexValues) > 0 && field != "host-header" && field != "path-pattern" {
		return 0, invalid("A condition must have the values of one field only")
	}
	wrong := invalid("The condition with the field '%s' must have the configuration of that field", field)
	switch field {
	case "host-header", "path-pattern":
		var inside, regexes []string
		switch {
		case c.HostHeaderConfig != nil && field == "host-header":
			inside, regexes = c.HostHeaderConfig.Values, c.HostHeaderConfig.RegexValues
		case c.PathPatternConfig != nil && field == "path-pattern":
			inside, regexes = c.PathPatternConfig.Values, c.PathPatternConfig.RegexValues
		case given > 0:
			return 0, wrong
		default:
			inside, regexes = c.Values, c.RegexValues
		}
		for _, v := range inside {
			if v == "" || len(v) > 128 || field == "path-pattern" && !strings.HasPrefix(v, "/") && !strings.HasPrefix(v, "*") {
				return 0, invalid("Condition value '%s' is not valid for the field '%s'", v, field)
			}
		}
		c.Values, c.RegexValues = inside, nil
		if field == "host-header" {
			c.HostHeaderConfig = &types.HostHeaderConditionConfig{Values: inside, RegexValues: regexes}
		} else {
			c.PathPatternConfig = &types.PathPatternConditionConfig{Values: inside, RegexValues: regexes}
		}
		return len(inside) + len(regexes), compiles(regexes)
	case "http-header":
		h := c.HttpHeaderConfig
		if h == nil {
			return 0, wrong
		}
		name := aws.ToString(h.HttpHeaderName)
		if !headerName.MatchString(name) || strings.EqualFold(name, "host") {
			return 0, invalid("Condition header name '%s' is not valid", name)
		}
		return len(h.Values) + len(h.RegexValues), compiles(h.RegexValues)
	case "http-request-method":
		m := c.HttpRequestMethodConfig
		if m == nil {
			return 0, wrong
		}
		for _, v := range m.Values {
			if !methodName.MatchString(v) {
				return 0, invalid("Condition value '%s' is not valid for the field 'http-request-method': upper-case letters, hyphens and underscores", v)
			}
		}
		return len(m.Values), nil
	case "query-string":
		q := c.QueryStringConfig
		if q == nil {
			return 0, wrong
		}
		for _, v := range q.Values {
			if aws.ToString(v.Value) == "" {
				return 0, invalid("A condition value must be specified for the field 'query-string'")
			}
		}
		return len(q.Values), nil
	case "source-ip":
		p := c.SourceIpConfig
		if p == nil {
			return 0, wrong
		}
		for _, v := range p.Values {
			if _, err := netip.ParsePrefix(v); err != nil {
				return 0, invalid("Condition value '%s' is not a valid CIDR block", v)
			}
		}
		return len(p.Values), nil
	}
	return 0, invalid("Condition field '%s' must be one of '[path-pattern, host-header, http-header, http-request-method, query-string, source-ip]'", field)
}

// blocks are the CIDR blocks of texts that condition has checked.
func blocks(list []string) []netip.Prefix {
	var out []netip.Prefix
	for _, v := range list {
		if p, err := netip.ParsePrefix(v); err == nil {
			out = append(out, p.Masked())
		}
	}
	return out
}

func compiles(list []string) error {
	for _, x := range list {
		if _, err := regexp.Compile(x); err != nil {
			return invalid("Condition value '%s' is not a valid regular expression", x)
		}
	}
	return nil
}
