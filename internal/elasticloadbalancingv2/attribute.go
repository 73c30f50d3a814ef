package elbv2

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// attribute is a setting that is kept as text, with its default and what it
// may be.
type attribute struct {
	key, initial string
	valid        func(string) bool
}

func text(string) bool      { return true }
func boolean(v string) bool { return v == "true" || v == "false" }

func oneOf(values ...string) func(string) bool {
	return func(v string) bool { return slices.Contains(values, v) }
}

func between(from, to int, words ...string) func(string) bool {
	return func(v string) bool {
		n, err := strconv.Atoi(v)
		return err == nil && from <= n && n <= to || slices.Contains(words, v)
	}
}

// header makes the attributes of listeners that name or set a header. What they
// say goes into requests and answers as it is.
func header(keys string) []attribute {
	var out []attribute
	for _, k := range strings.Fields(keys) {
		valid := headerValue
		if strings.HasSuffix(k, ".header_name") {
			valid = renamed.MatchString
		}
		out = append(out, attribute{k, "", valid})
	}
	return out
}

// renamed is what the header of an attribute may be called.
var renamed = regexp.MustCompile(`^[A-Za-z0-9_-]{0,40}$`)

func headerValue(v string) bool {
	return !strings.ContainsFunc(v, unicode.IsControl)
}

// Of every load balancer.
var commonBalancer = []attribute{
	{"deletion_protection.enabled", "false", boolean},
	{"access_logs.s3.enabled", "false", boolean},
	{"access_logs.s3.bucket", "", text},
	{"access_logs.s3.prefix", "", text},
	{"ipv6.deny_all_igw_traffic", "false", boolean},
	{"zonal_shift.config.enabled", "false", boolean},
}

var applicationBalancer = append(slices.Clone(commonBalancer),
	attribute{"load_balancing.cross_zone.enabled", "true", oneOf("true")},
	attribute{"idle_timeout.timeout_seconds", "60", between(1, 4000)},
	attribute{"client_keep_alive.seconds", "3600", between(60, 604800)},
	attribute{"connection_logs.s3.enabled", "false", boolean},
	attribute{"connection_logs.s3.bucket", "", text},
	attribute{"connection_logs.s3.prefix", "", text},
	attribute{"health_check_logs.s3.enabled", "false", boolean},
	attribute{"health_check_logs.s3.bucket", "", text},
	attribute{"health_check_logs.s3.prefix", "", text},
	attribute{"routing.http.desync_mitigation_mode", "defensive", oneOf("monitor", "defensive", "strictest")},
	attribute{"routing.http.drop_invalid_header_fields.enabled", "false", boolean},
	attribute{"routing.http.preserve_host_header.enabled", "false", boolean},
	attribute{"routing.http.x_amzn_tls_version_and_cipher_suite.enabled", "false", boolean},
	attribute{"routing.http.xff_client_port.enabled", "false", boolean},
	attribute{"routing.http.xff_header_processing.mode", "append", oneOf("append", "preserve", "remove")},
	attribute{"routing.http2.enabled", "true", boolean},
	attribute{"waf.fail_open.enabled", "false", boolean},
)

var networkBalancer = append(slices.Clone(commonBalancer),
	attribute{"load_balancing.cross_zone.enabled", "false", boolean},
	attribute{"dns_record.client_routing_policy", "any_availability_zone", oneOf("availability_zone_affinity", "partial_availability_zone_affinity", "any_availability_zone")},
	attribute{"secondary_ips.auto_assigned.per_subnet", "0", between(0, 7)},
)

var applicationListener = append([]attribute{{"routing.http.response.server.enabled", "true", boolean}}, header(`
	routing.http.response.strict_transport_security.header_value
	routing.http.response.access_control_allow_origin.header_value
	routing.http.response.access_control_allow_methods.header_value
	routing.http.response.access_control_allow_headers.header_value
	routing.http.response.access_control_allow_credentials.header_value
	routing.http.response.access_control_expose_headers.header_value
	routing.http.response.access_control_max_age.header_value
	routing.http.response.content_security_policy.header_value
	routing.http.response.x_content_type_options.header_value
	routing.http.response.x_frame_options.header_value`)...)

var secureListener = append(slices.Clone(applicationListener), header(`
	routing.http.request.x_amzn_mtls_clientcert_serial_number.header_name
	routing.http.request.x_amzn_mtls_clientcert_issuer.header_name
	routing.http.request.x_amzn_mtls_clientcert_subject.header_name
	routing.http.request.x_amzn_mtls_clientcert_validity.header_name
	routing.http.request.x_amzn_mtls_clientcert_leaf.header_name
	routing.http.request.x_amzn_mtls_clientcert.header_name
	routing.http.request.x_amzn_tls_version.header_name
	routing.http.request.x_amzn_tls_cipher_suite.header_name`)...)

var networkListener = []attribute{{"tcp.idle_timeout.seconds", "350", between(60, 6000)}}

// Of every target group but lambda's.
var commonGroup = []attribute{
	{"deregistration_delay.timeout_seconds", "300", between(0, 3600)},
	{"stickiness.enabled", "false", boolean},
	{"load_balancing.cross_zone.enabled", "use_load_balancer_configuration", oneOf("true", "false", "use_load_balancer_configuration")},
	{"target_group_health.dns_failover.minimum_healthy_targets.count", "1", between(1, 1000, "off")},
	{"target_group_health.dns_failover.minimum_healthy_targets.percentage", "off", between(1, 100, "off")},
	{"target_group_health.unhealthy_state_routing.minimum_healthy_targets.count", "1", between(1, 1000)},
	{"target_group_health.unhealthy_state_routing.minimum_healthy_targets.percentage", "off", between(1, 100, "off")},
}

var httpGroup = append(slices.Clone(commonGroup),
	attribute{"stickiness.type", "lb_cookie", oneOf("lb_cookie", "app_cookie")},
	attribute{"stickiness.lb_cookie.duration_seconds", "86400", between(1, 604800)},
	attribute{"stickiness.app_cookie.cookie_name", "", appCookie},
	attribute{"stickiness.app_cookie.duration_seconds", "86400", between(1, 604800)},
	attribute{"load_balancing.algorithm.type", "round_robin", oneOf("round_robin", "least_outstanding_requests", "weighted_random")},
	attribute{"load_balancing.algorithm.anomaly_mitigation", "off", oneOf("on", "off")},
	attribute{"slow_start.duration_seconds", "0", slowStart},
)

var lambdaGroup = []attribute{{"lambda.multi_value_headers.enabled", "false", boolean}}

// networkGroup are a network load balancer's, some of which begin differently
// with the protocol and the type of the targets.
func networkGroup(protocol, targetType string) []attribute {
	udp := strings.Contains(protocol, "UDP")
	return append(slices.Clone(commonGroup),
		attribute{"stickiness.type", "source_ip", oneOf("source_ip")},
		attribute{"deregistration_delay.connection_termination.enabled", strconv.FormatBool(udp), boolean},
		attribute{"preserve_client_ip.enabled", strconv.FormatBool(udp || targetType != "ip"), boolean},
		attribute{"proxy_protocol_v2.enabled", "false", boolean},
		attribute{"target_health_state.unhealthy.connection_termination.enabled", strconv.FormatBool(!udp), boolean},
		attribute{"target_health_state.unhealthy.draining_interval_seconds", "0", between(0, 360000)},
	)
}

func slowStart(v string) bool { return v == "0" || between(30, 900)(v) }

// appCookie: names with these beginnings are the load balancer's own.
func appCookie(v string) bool { return !strings.HasPrefix(v, "AWSALB") }

// all are the values of a list of attributes in which set has those that are
// not the default.
func all(list []attribute, set map[string]string) [][2]string {
	out := make([][2]string, len(list))
	for i, a := range list {
		out[i] = [2]string{a.key, value(list, set, a.key)}
	}
	return out
}

func value(list []attribute, set map[string]string, key string) string {
	if v, ok := set[key]; ok {
		return v
	}
	for _, a := range list {
		if a.key == key {
			return a.initial
		}
	}
	return ""
}

// change checks new values and returns set with them. others are known to the
// kind of resource, but not to this one.
func change(noun string, list []attribute, others [][]attribute, set map[string]string, news [][2]string) (map[string]string, error) {
	out := map[string]string{}
	for k, v := range set {
		out[k] = v
	}
	seen := map[string]bool{}
	for _, n := range news {
		key, v := n[0], n[1]
		i := slices.IndexFunc(list, func(a attribute) bool { return a.key == key })
		switch {
		case seen[key]:
			return nil, invalid("%s attribute key '%s' is specified more than once", noun, key)
		case i < 0 && slices.ContainsFunc(others, func(l []attribute) bool {
			return slices.ContainsFunc(l, func(a attribute) bool { return a.key == key })
		}):
			return nil, fail("InvalidConfigurationRequest", "%s attribute key '%s' is not supported on this %s", noun, key, strings.ToLower(noun))
		case i < 0:
			return nil, invalid("%s attribute key '%s' is not recognized", noun, key)
		case !list[i].valid(v):
			return nil, invalid("%s attribute value '%s' is not valid for the key '%s'", noun, v, key)
		}
		seen[key] = true
		out[key] = v
	}
	return out, nil
}
