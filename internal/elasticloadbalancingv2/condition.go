package elbv2

import (
	"net/netip"
	"regexp"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
)

// How many values, and wildcards in them, the conditions of one rule may have
// in all, and how long a value may be.
// https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-limits.html
const (
	mostValues    = 5
	mostWildcards = 6
	longestValue  = 128
)

var (
	// The characters of hosts and paths are listed with RuleCondition.Values.
	hostValue  = regexp.MustCompile(`^[A-Za-z0-9.*?-]+$`)
	pathValue  = regexp.MustCompile(`^[A-Za-z0-9_.$/~"'@:+&*?-]+$`)
	headerName = regexp.MustCompile("^[a-zA-Z0-9!#$%&'*+.^_`|~-]{1,40}$")
	methodName = regexp.MustCompile(`^[A-Z_-]{1,40}$`)
	anything   = regexp.MustCompile("")
)

// conditions checks a rule's conditions and completes them as answers have
// them: hosts and paths are shown both ways.
func conditions(list []types.RuleCondition) ([]types.RuleCondition, error) {
	if len(list) == 0 {
		return nil, invalid("At least one condition must be specified")
	}
	out := slices.Clone(list)
	total, wildcards := 0, 0
	seen := map[string]bool{}
	for i := range out {
		c := &out[i]
		values, regexes, err := condition(c)
		if err != nil {
			return nil, err
		}
		field := *c.Field
		switch {
		case len(values)+len(regexes) == 0:
			return nil, invalid("A condition value must be specified for the field '%s'", field)
		case seen[field] && field != "http-header" && field != "query-string":
			return nil, invalid("A rule can only have one '%s' condition", field)
		}
		seen[field] = true
		total += len(values) + len(regexes)
		for _, v := range values {
			wildcards += strings.Count(v, "*") + strings.Count(v, "?")
		}
		for _, v := range slices.Concat(values, regexes) {
			switch {
			case v == "":
				return nil, invalid("A condition value must be specified for the field '%s'", field)
			case len(v) > longestValue:
				return nil, invalid("Condition value '%s' cannot be longer than '%d' characters", v, longestValue)
			}
		}
	}
	switch {
	case total > mostValues:
		return nil, invalid("A rule can only have '%d' condition values", mostValues)
	case wildcards > mostWildcards:
		return nil, invalid("A rule can only have '%d' condition wildcards", mostWildcards)
	}
	return out, nil
}

// condition completes one condition and lists its values and its regular
// expressions.
func condition(c *types.RuleCondition) (values, regexes []string, err error) {
	field := aws.ToString(c.Field)
	given := 0
	for _, is := range []bool{c.HostHeaderConfig != nil, c.PathPatternConfig != nil, c.HttpHeaderConfig != nil,
		c.HttpRequestMethodConfig != nil, c.QueryStringConfig != nil, c.SourceIpConfig != nil} {
		if is {
			given++
		}
	}
	wrong := invalid("The condition with the field '%s' must have the configuration of that field", field)
	both := len(c.Values)+len(c.RegexValues) > 0
	switch {
	case field == "":
		return nil, nil, invalid("A condition field must be specified")
	case given > 1:
		return nil, nil, invalid("A condition must have the values of one field only")
	}
	switch field {
	case "host-header":
		h := c.HostHeaderConfig
		switch {
		case given > 0 && h == nil:
			return nil, nil, wrong
		case h == nil:
			h = &types.HostHeaderConditionConfig{Values: c.Values, RegexValues: c.RegexValues}
		case both:
			return nil, nil, invalid("You cannot provide both Values and 'HostHeaderConfig' for a condition of type 'host-header'")
		}
		c.HostHeaderConfig, c.Values, c.RegexValues = h, h.Values, nil
		return h.Values, h.RegexValues, formed(hostValue, h.Values, h.RegexValues)
	case "path-pattern":
		p := c.PathPatternConfig
		switch {
		case given > 0 && p == nil:
			return nil, nil, wrong
		case p == nil:
			p = &types.PathPatternConditionConfig{Values: c.Values, RegexValues: c.RegexValues}
		case both:
			return nil, nil, invalid("You cannot provide both Values and 'PathPatternConfig' for a condition of type 'path-pattern'")
		}
		c.PathPatternConfig, c.Values, c.RegexValues = p, p.Values, nil
		for _, v := range p.Values {
			if v != "" && v[0] != '/' && v[0] != '*' {
				return nil, nil, invalid("Condition value '%s' must begin with a '/' or '*' character", v)
			}
		}
		return p.Values, p.RegexValues, formed(pathValue, p.Values, p.RegexValues)
	}
	if both {
		return nil, nil, wrong
	}
	switch field {
	case "http-header":
		h := c.HttpHeaderConfig
		if h == nil {
			return nil, nil, wrong
		}
		if name := aws.ToString(h.HttpHeaderName); !headerName.MatchString(name) || strings.EqualFold(name, "host") {
			return nil, nil, invalid("Condition header name '%s' is not valid", name)
		}
		return h.Values, h.RegexValues, formed(anything, h.Values, h.RegexValues)
	case "http-request-method":
		m := c.HttpRequestMethodConfig
		if m == nil {
			return nil, nil, wrong
		}
		return m.Values, nil, formed(methodName, m.Values, nil)
	case "query-string":
		q := c.QueryStringConfig
		if q == nil {
			return nil, nil, wrong
		}
		for _, v := range q.Values {
			if len(aws.ToString(v.Key)) > longestValue {
				return nil, nil, invalid("Condition value '%s' cannot be longer than '%d' characters", *v.Key, longestValue)
			}
			values = append(values, aws.ToString(v.Value))
		}
		return values, nil, nil
	case "source-ip":
		p := c.SourceIpConfig
		if p == nil {
			return nil, nil, wrong
		}
		for _, v := range p.Values {
			if _, err := netip.ParsePrefix(v); err != nil {
				return nil, nil, invalid("Condition value '%s' is not a valid CIDR block", v)
			}
		}
		return p.Values, nil, nil
	}
	return nil, nil, invalid("Condition field '%s' must be one of '[path-pattern, host-header, http-header, http-request-method, query-string, source-ip]'", field)
}

// formed checks the form of values, and regular expressions.
func formed(form *regexp.Regexp, values, regexes []string) error {
	for _, v := range values {
		if v != "" && !form.MatchString(v) {
			return invalid("Condition value '%s' contains a character that is not valid", v)
		}
	}
	for _, x := range regexes {
		if _, err := regexp.Compile(x); err != nil {
			return invalid("Condition value '%s' is not a valid regular expression", x)
		}
	}
	return nil
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
