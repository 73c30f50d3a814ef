package elbv2

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
)

// defaults are AWS's for health checks.
func (g *targetGroup) defaults() {
	g.HealthCheckEnabled = aws.Bool(!g.lambda())
	g.HealthCheckIntervalSeconds, g.HealthCheckTimeoutSeconds = aws.Int32(30), aws.Int32(10)
	g.HealthyThresholdCount, g.UnhealthyThresholdCount = aws.Int32(5), aws.Int32(2)
	switch {
	case g.lambda():
		g.HealthCheckIntervalSeconds, g.HealthCheckTimeoutSeconds, g.UnhealthyThresholdCount = aws.Int32(35), aws.Int32(30), aws.Int32(5)
		g.HealthCheckPath, g.Matcher = aws.String("/"), &types.Matcher{HttpCode: aws.String("200")}
		return
	case g.http():
		g.HealthCheckProtocol = types.ProtocolEnumHttp
		if g.Protocol == types.ProtocolEnumHttp {
			g.HealthCheckTimeoutSeconds = aws.Int32(6)
		}
	case g.TargetType == types.TargetTypeEnumAlb:
		g.HealthCheckProtocol = types.ProtocolEnumHttp
		g.HealthCheckTimeoutSeconds = aws.Int32(6)
	default:
		g.HealthCheckProtocol = types.ProtocolEnumTcp
	}
	g.HealthCheckPort = aws.String("traffic-port")
	g.paths()
}

// paths are the defaults that come with the protocol of health checks.
func (g *targetGroup) paths() {
	if g.HealthCheckProtocol != types.ProtocolEnumHttp && g.HealthCheckProtocol != types.ProtocolEnumHttps {
		g.HealthCheckPath, g.Matcher = nil, nil
		return
	}
	if g.HealthCheckPath == nil {
		g.HealthCheckPath = aws.String("/")
		if aws.ToString(g.ProtocolVersion) == "GRPC" {
			g.HealthCheckPath = aws.String("/AWS.ALB/healthcheck")
		}
	}
	switch {
	case g.Matcher != nil:
	case aws.ToString(g.ProtocolVersion) == "GRPC":
		g.Matcher = &types.Matcher{GrpcCode: aws.String("12")}
	case g.http():
		g.Matcher = &types.Matcher{HttpCode: aws.String("200")}
	default:
		g.Matcher = &types.Matcher{HttpCode: aws.String("200-399")}
	}
}

// checkOf is what a request says of health checks.
type checkOf struct {
	enabled            *bool
	interval           *int32
	path, port         *string
	protocol           types.ProtocolEnum
	timeout            *int32
	healthy, unhealthy *int32
	matcher            *types.Matcher
}

var codes = regexp.MustCompile(`^\d{1,3}(-\d{1,3})?(,\d{1,3}(-\d{1,3})?)*$`)

// check changes the health checks of g and refuses what does not go together.
func (g *targetGroup) check(c checkOf) error {
	set := func(to **int32, v *int32) {
		if v != nil {
			*to = v
		}
	}
	set(&g.HealthCheckIntervalSeconds, c.interval)
	set(&g.HealthCheckTimeoutSeconds, c.timeout)
	set(&g.HealthyThresholdCount, c.healthy)
	set(&g.UnhealthyThresholdCount, c.unhealthy)
	if c.enabled != nil {
		if !*c.enabled && !g.lambda() {
			return invalid("Health check enabled must be true for target groups with target type '%s'", g.TargetType)
		}
		g.HealthCheckEnabled = c.enabled
	}
	if c.protocol != "" && c.protocol != g.HealthCheckProtocol {
		switch c.protocol {
		case types.ProtocolEnumHttp, types.ProtocolEnumHttps:
		case types.ProtocolEnumTcp:
			if g.http() || g.TargetType == types.TargetTypeEnumAlb {
				return invalid("Health check protocol 'TCP' is not supported for target groups with the protocol '%s'", g.Protocol)
			}
		default:
			return invalid("Health check protocol '%s' must be one of 'HTTP, HTTPS, TCP'", c.protocol)
		}
		g.HealthCheckProtocol = c.protocol
		g.paths()
	}
	if c.port != nil {
		if n, err := strconv.Atoi(*c.port); *c.port != "traffic-port" && (err != nil || n < 1 || n > 65535) {
			return invalid("Health check port '%s' must be 'traffic-port' or a number between 1 and 65535", *c.port)
		}
		g.HealthCheckPort = c.port
	}
	if c.path != nil {
		if g.HealthCheckPath == nil {
			return invalid("Health check path is not supported for health checks with the protocol 'TCP'")
		}
		if !strings.HasPrefix(*c.path, "/") {
			return invalid("Health check path '%s' must begin with a '/' character", *c.path)
		}
		g.HealthCheckPath = c.path
	}
	if c.matcher != nil && (c.matcher.HttpCode != nil || c.matcher.GrpcCode != nil) {
		if g.Matcher == nil {
			return invalid("Health check matcher is not supported for health checks with the protocol 'TCP'")
		}
		if c.matcher.HttpCode != nil && c.matcher.GrpcCode != nil || (c.matcher.GrpcCode != nil) != (aws.ToString(g.ProtocolVersion) == "GRPC") {
			return invalid("Health check matcher must have gRPC codes for the protocol version 'GRPC', and HTTP codes for any other")
		}
		if !codes.MatchString(aws.ToString(c.matcher.HttpCode) + aws.ToString(c.matcher.GrpcCode)) {
			return invalid("Health check matcher HTTP code '%s' must be codes and ranges of codes, such as '200,202-299'", aws.ToString(c.matcher.HttpCode)+aws.ToString(c.matcher.GrpcCode))
		}
		kind, text, low, high := "HTTP", aws.ToString(c.matcher.HttpCode), 200, 499
		switch {
		case c.matcher.GrpcCode != nil:
			kind, text, low, high = "gRPC", *c.matcher.GrpcCode, 0, 99
		case !g.http() && !g.lambda(): // of a network load balancer
			high = 599
		}
		for n := range strings.FieldsFuncSeq(text, func(r rune) bool { return r == ',' || r == '-' }) {
			if code, _ := strconv.Atoi(n); code < low || code > high {
				return invalid("Health check matcher %s code '%s' must be within '%d-%d' inclusive", kind, text, low, high)
			}
		}
		g.Matcher = c.matcher
	}
	if *g.HealthCheckIntervalSeconds <= *g.HealthCheckTimeoutSeconds && (g.http() || g.lambda()) {
		return invalid("Health check timeout '%d' must be smaller than the interval '%d'", *g.HealthCheckTimeoutSeconds, *g.HealthCheckIntervalSeconds)
	}
	return nil
}
