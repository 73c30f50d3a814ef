package elbv2

import (
	"cmp"
	"context"
	"net"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"

	"github.com/slipway-dev/slipway/internal/aws/arn"
	"github.com/slipway-dev/slipway/internal/elasticloadbalancingv2/accesslog"
	"github.com/slipway-dev/slipway/internal/elasticloadbalancingv2/plane"
	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/store"
)

// Plane carries the traffic. It asks targets how they are and tells Probed.
type Plane interface {
	// Open begins to listen on a port of this machine, for a listener that is
	// about to be. The next Apply without the port closes it.
	Open(port int) error
	// Apply makes c all that is carried, and returns when it is. It answers the
	// ports that could not be opened.
	Apply(c *plane.Config) (closed map[int]error)
	// Busy tells whether requests to a target are on their way, which is known by
	// its group's ARN and its key. They may have begun under an earlier Config.
	Busy(group, key string) bool
}

// Carry makes the plane carry what the store has. It is called at the start,
// and after every change; calls that come together are one.
func (s *Service) Carry(ctx context.Context) error {
	ctx = context.WithoutCancel(ctx) // the change is made, whoever waits for it
	ticket := s.wanted.Add(1)
	s.carrying.Lock()
	defer s.carrying.Unlock()
	if s.carried >= ticket {
		return nil // one that began after the caller's change has done it
	}
	now := s.wanted.Load()
	var c *plane.Config
	if err := s.Engine.View(ctx, func(r store.Reader) (err error) {
		c, err = s.config(r)
		return err
	}); err != nil {
		return err
	}
	closed := s.Plane.Apply(c)
	for port, err := range closed {
		if s.closed[port] == nil {
			s.Log.Error("a listener's port is not open", "port", port, "err", err)
		}
	}
	s.closed, s.carried = closed, now
	return nil
}

// commit is a transition that the plane carries when commit returns.
func (s *Service) commit(ctx context.Context, f func(tx *engine.Tx) error) error {
	s.changing.Add(1)
	defer s.changing.Add(-1)
	if err := s.Engine.Update(ctx, f); err != nil {
		return err
	}
	return s.Carry(ctx)
}

// settled returns when the plane carries what the caller has read of the store.
func (s *Service) settled(ctx context.Context) error {
	if s.changing.Load() == 0 {
		return nil
	}
	return s.Carry(ctx)
}

// impaired is why a load balancer's ports are not all open, "" if they are.
func (s *Service) impaired(port int32) string {
	s.carrying.Lock()
	defer s.carrying.Unlock()
	if err := s.closed[int(port)]; err != nil {
		return err.Error()
	}
	return ""
}

// Names are the DNS names of all load balancers, in every region.
func (s *Service) Names(ctx context.Context) (names []string, err error) {
	err = s.Engine.View(ctx, func(r store.Reader) error {
		return each(r, balancers, func(b *balancer) error {
			names = append(names, *b.DNSName)
			return nil
		})
	})
	return names, err
}

// config is all there is to carry, in every region.
func (s *Service) config(r store.Reader) (*plane.Config, error) {
	c := &plane.Config{Groups: map[string]*plane.Group{}}
	err := each(r, listeners, func(l *listener) error {
		region := regionOf(*l.ListenerArn)
		b, err := balancers.Get(r, region, l.Balancer)
		if err != nil {
			return err
		}
		have, err := ordered(r, region, l.path())
		if err != nil {
			return err
		}
		out := &plane.Listener{ARN: *l.ListenerArn, Region: region, Balancer: b.Path, Zone: *b.AvailabilityZones[0].ZoneName, Host: *b.DNSName, Port: int(*l.Port), TLS: l.secure(), TCP: !l.application(), Options: options(b, l)}
		if len(l.Certificates) > 0 {
			out.Cert = aws.ToString(l.Certificates[0].CertificateArn)
		}
		l.planeTLS(out)
		if out.Certs, err = s.planeCertificates(r, l); err != nil {
			return err
		}
		for _, x := range have {
			out.Rules = append(out.Rules, x.plane())
			for _, g := range x.groups() {
				if c.Groups[g] == nil {
					if c.Groups[g], err = s.planeGroup(r, region, g); err != nil {
						return err
					}
				}
			}
		}
		c.Listeners = append(c.Listeners, out)
		return nil
	})
	return c, err
}

func regionOf(text string) string {
	a, _ := arn.Parse(text)
	return a.Region
}

func options(b *balancer, l *listener) plane.Options {
	of := func(key string) string { return value(b.attributes(), b.Attributes, key) }
	idle, _ := strconv.Atoi(of("idle_timeout.timeout_seconds"))
	if !b.application() {
		idle, _ = strconv.Atoi(value(l.attributes(), l.Attributes, "tcp.idle_timeout.seconds"))
	}
	keep, _ := strconv.Atoi(of("client_keep_alive.seconds"))
	o := plane.Options{
		HTTP2: of("routing.http2.enabled") == "true", DropInvalid: of("routing.http.drop_invalid_header_fields.enabled") == "true",
		ForwardedFor: of("routing.http.xff_header_processing.mode"), ClientPort: of("routing.http.xff_client_port.enabled") == "true",
		Idle:      time.Duration(idle) * time.Second,
		KeepAlive: time.Duration(keep) * time.Second, Desync: of("routing.http.desync_mitigation_mode"),
		Server: value(l.attributes(), l.Attributes, "routing.http.response.server.enabled") != "false",
	}
	if of("routing.http.x_amzn_tls_version_and_cipher_suite.enabled") == "true" {
		o.TLSVersion = cmp.Or(l.Attributes["routing.http.request.x_amzn_tls_version.header_name"], "X-Amzn-Tls-Version")
		o.TLSCipher = cmp.Or(l.Attributes["routing.http.request.x_amzn_tls_cipher_suite.header_name"], "X-Amzn-Tls-Cipher-Suite")
	}
	o.AccessLog, o.ConnectionLog = b.log(accesslog.Access), b.log(accesslog.Connections)
	for key, v := range l.Attributes {
		name, is := strings.CutPrefix(key, "routing.http.response.")
		name, has := strings.CutSuffix(name, ".header_value")
		if is && has && v != "" {
			if o.Headers == nil {
				o.Headers = map[string]string{}
			}
			o.Headers[strings.ReplaceAll(name, "_", "-")] = v
		}
	}
	return o
}

func (r *rule) plane() *plane.Rule {
	out := &plane.Rule{ARN: *r.RuleArn}
	if !r.isDefault() {
		out.Priority = int(r.At)
	}
	for _, c := range r.Conditions {
		out.Conditions = append(out.Conditions, planeCondition(c))
	}
	for _, a := range r.Actions {
		switch {
		case a.ForwardConfig != nil:
			f := &plane.Forward{}
			for _, t := range a.ForwardConfig.TargetGroups {
				f.Groups = append(f.Groups, plane.Weighted{Group: *t.TargetGroupArn, Weight: int(*t.Weight)})
			}
			if k := a.ForwardConfig.TargetGroupStickinessConfig; k != nil && aws.ToBool(k.Enabled) {
				f.Sticky = seconds(k.DurationSeconds)
			}
			out.Forward = f
		case a.RedirectConfig != nil:
			c := a.RedirectConfig
			status, _ := strconv.Atoi(strings.TrimPrefix(string(c.StatusCode), "HTTP_"))
			out.Redirect = &plane.Redirect{Status: status, Protocol: *c.Protocol, Host: *c.Host, Port: *c.Port, Path: *c.Path, Query: *c.Query}
		case a.FixedResponseConfig != nil:
			c := a.FixedResponseConfig
			status, _ := strconv.Atoi(*c.StatusCode)
			out.Fixed = &plane.Fixed{Status: status, ContentType: aws.ToString(c.ContentType), Body: aws.ToString(c.MessageBody)}
		}
	}
	return out
}

func seconds(v *int32) time.Duration { return time.Duration(aws.ToInt32(v)) * time.Second }

func patterns(globs, regexes []string) plane.Patterns {
	p := plane.Patterns{Globs: globs}
	for _, x := range regexes {
		if re, err := regexp.Compile(x); err == nil { // checked when it was kept
			p.Regexes = append(p.Regexes, re)
		}
	}
	return p
}

func planeCondition(c types.RuleCondition) plane.Condition {
	switch *c.Field {
	case "host-header":
		return plane.Host{Patterns: patterns(c.HostHeaderConfig.Values, c.HostHeaderConfig.RegexValues).Lower()}
	case "path-pattern":
		return plane.Path{Patterns: patterns(c.PathPatternConfig.Values, c.PathPatternConfig.RegexValues)}
	case "http-header":
		return plane.Header{Name: *c.HttpHeaderConfig.HttpHeaderName, Patterns: patterns(c.HttpHeaderConfig.Values, c.HttpHeaderConfig.RegexValues).Lower()}
	case "http-request-method":
		return plane.Method(c.HttpRequestMethodConfig.Values)
	case "query-string":
		q := plane.Query{}
		for _, v := range c.QueryStringConfig.Values {
			q = append(q, struct{ Key, Value string }{strings.ToLower(aws.ToString(v.Key)), strings.ToLower(aws.ToString(v.Value))})
		}
		return q
	}
	return plane.Source(blocks(c.SourceIpConfig.Values))
}

// planeGroup is a target group with its targets.
func (s *Service) planeGroup(r store.Reader, region, text string) (*plane.Group, error) {
	g, err := s.group(r, region, &text)
	if err != nil {
		return nil, err
	}
	of := func(key string) string { return value(g.attributes(), g.Attributes, key) }
	duration := func(key string) time.Duration {
		n, _ := strconv.Atoi(of(key))
		return time.Duration(n) * time.Second
	}
	out := &plane.Group{
		ARN: text, Path: g.Path, TLS: g.Protocol == types.ProtocolEnumHttps || g.Protocol == types.ProtocolEnumTls, Lambda: g.lambda(),
		HTTP2:     aws.ToString(g.ProtocolVersion) == "HTTP2" || aws.ToString(g.ProtocolVersion) == "GRPC",
		Algorithm: of("load_balancing.algorithm.type"), SlowStart: duration("slow_start.duration_seconds"), Check: g.planeCheck(),
		ProxyHeader: of("proxy_protocol_v2.enabled") == "true", MultiValue: of("lambda.multi_value_headers.enabled") == "true",
	}
	const unhealthy = "target_group_health.unhealthy_state_routing.minimum_healthy_targets."
	out.MinHealthy, _ = strconv.Atoi(of(unhealthy + "count"))
	out.MinPercent, _ = strconv.Atoi(of(unhealthy + "percentage")) // "off" is 0
	if of("stickiness.enabled") == "true" {
		out.Cookie, out.CookieName = of("stickiness.type"), of("stickiness.app_cookie.cookie_name")
		out.CookieLife = duration("stickiness." + out.Cookie + ".duration_seconds")
	}
	return out, each(r, targets, func(t *target) error {
		if g.lambda() {
			out.Targets = append(out.Targets, plane.Target{Key: t.key(), Function: *t.Id, Health: t.Health})
			return nil
		}
		address := *t.Id
		if g.TargetType == types.TargetTypeEnumAlb || g.TargetType == types.TargetTypeEnumInstance {
			address = "127.0.0.1" // where our own listeners are, and the ports of the only instance
		}
		port := int(aws.ToInt32(t.Port))
		out.Targets = append(out.Targets, plane.Target{Key: t.key(), Address: net.JoinHostPort(address, strconv.Itoa(port)), Port: port, Health: t.Health})
		return nil
	}, region, g.Path)
}

func (g *targetGroup) planeCheck() plane.Check {
	c := plane.Check{
		Enabled: *g.HealthCheckEnabled, Protocol: string(g.HealthCheckProtocol), Path: aws.ToString(g.HealthCheckPath),
		HTTP2: aws.ToString(g.ProtocolVersion) == "HTTP2", GRPC: aws.ToString(g.ProtocolVersion) == "GRPC",
		Interval: seconds(g.HealthCheckIntervalSeconds), Timeout: seconds(g.HealthCheckTimeoutSeconds),
	}
	c.Port, _ = strconv.Atoi(aws.ToString(g.HealthCheckPort))
	if g.Matcher != nil {
		c.Matcher = aws.ToString(g.Matcher.HttpCode) + aws.ToString(g.Matcher.GrpcCode)
	}
	return c
}
