package elbv2

import (
	"context"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"

	"github.com/slipway-dev/slipway/internal/aws/tag"
	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/id"
	"github.com/slipway-dev/slipway/internal/page"
	"github.com/slipway-dev/slipway/internal/store"
)

// listener is what the store keeps of a listener. DefaultActions are those of
// its default rule.
type listener struct {
	types.Listener
	Balancer   string // path
	ID         string
	Default    string   // id of the default rule
	Extra      []string `json:",omitempty"` // certificates beside the default one
	Attributes map[string]string
	Tags       tag.Set `json:",omitempty"`
}

func (l *listener) path() string { return l.Balancer + "/" + l.ID }

func (l *listener) application() bool { return strings.HasPrefix(l.Balancer, "app/") }

func (l *listener) secure() bool {
	return l.Protocol == types.ProtocolEnumHttps || l.Protocol == types.ProtocolEnumTls
}

func (l *listener) attributes() []attribute {
	switch {
	case !l.application():
		return networkListener
	case l.secure():
		return secureListener
	}
	return applicationListener
}

// CreateListener makes a listener with its default rule.
func (s *Service) CreateListener(ctx context.Context, in *elb.CreateListenerInput, _ ...func(*elb.Options)) (*elb.CreateListenerOutput, error) {
	tags, err := tagSet(in.Tags)
	if err != nil {
		return nil, err
	}
	out := &elb.CreateListenerOutput{}
	return out, s.open(ctx, in.Port, func(tx *engine.Tx, region string) error {
		b, err := s.balancer(tx, region, in.LoadBalancerArn)
		if err != nil {
			return err
		}
		l := &listener{Balancer: b.Path, ID: id.Hex(s.IDs, 16), Default: id.Hex(s.IDs, 16), Attributes: map[string]string{}, Tags: tags}
		l.ListenerArn, l.LoadBalancerArn = aws.String(s.arn(listenerARN, region, l.path())), b.LoadBalancerArn
		if err := s.settle(tx, region, l, &elb.ModifyListenerInput{AlpnPolicy: in.AlpnPolicy, Certificates: in.Certificates,
			MutualAuthentication: in.MutualAuthentication, Port: in.Port, Protocol: in.Protocol, SslPolicy: in.SslPolicy}); err != nil {
			return err
		}
		actions, err := s.actions(tx, region, l, in.DefaultActions)
		if err != nil {
			return err
		}
		r := &rule{Listener: l.path(), ID: l.Default, Rule: types.Rule{Actions: actions, Conditions: []types.RuleCondition{}, IsDefault: aws.Bool(true)}}
		r.RuleArn = aws.String(s.arn(ruleARN, region, r.Listener+"/"+r.ID))
		if err := rules.Put(tx, r, region, r.Listener, r.ID); err != nil {
			return err
		}
		if err := listeners.Put(tx, l, region, l.Balancer, l.ID); err != nil {
			return err
		}
		l.DefaultActions = actions
		out.Listeners = []types.Listener{l.Listener}
		return nil
	})
}

// open is route for a listener, whose port must be free on this machine.
func (s *Service) open(ctx context.Context, port *int32, f func(tx *engine.Tx, region string) error) error {
	return s.route(ctx, func(tx *engine.Tx, region string) error {
		if err := f(tx, region); err != nil {
			return err
		}
		if port == nil {
			return nil
		}
		if err := s.Plane.Open(int(*port)); err != nil {
			return fail("InvalidConfigurationRequest", "The port '%d' of this machine cannot be listened on: %s", *port, err)
		}
		return nil
	})
}

// settle applies what a request says of port, protocol and certificates.
func (s *Service) settle(r store.Reader, region string, l *listener, in *elb.ModifyListenerInput) error {
	if in.Protocol != "" {
		l.Protocol = in.Protocol
	}
	allowed := []types.ProtocolEnum{types.ProtocolEnumHttp, types.ProtocolEnumHttps}
	if !l.application() {
		allowed = []types.ProtocolEnum{types.ProtocolEnumTcp, types.ProtocolEnumTls, types.ProtocolEnumUdp, types.ProtocolEnumTcpUdp}
	}
	switch {
	case l.Protocol == "":
		return invalid("A listener protocol must be specified")
	case !slices.Contains(allowed, l.Protocol):
		var names []string
		for _, p := range allowed {
			names = append(names, string(p))
		}
		return invalid("Listener protocol '%s' must be one of '%s'", l.Protocol, strings.Join(names, ", "))
	}
	if l.Protocol == types.ProtocolEnumUdp || l.Protocol == types.ProtocolEnumTcpUdp {
		return missing("Listeners with the protocol " + string(l.Protocol) + " are")
	}
	if in.Port != nil {
		l.Port = in.Port
	}
	if l.Port == nil {
		return invalid("A listener port must be specified")
	}
	for o, err := range listeners.All(r) {
		if err != nil {
			return err
		}
		switch {
		case *o.Port != *l.Port || o.Balancer == l.Balancer && o.ID == l.ID:
		case o.Balancer == l.Balancer:
			return fail("DuplicateListener", "A listener already exists on this port for this load balancer '%s'", *l.LoadBalancerArn)
		case !o.application() || !l.application():
			// Requests name their load balancer, bytes do not.
			return fail("InvalidConfigurationRequest", "The port '%d' of this machine is taken by the listener '%s', and network load balancers cannot share ports", *l.Port, *o.ListenerArn)
		}
	}
	return s.protect(r, l, in)
}

// protect applies what a request says of TLS.
func (s *Service) protect(r store.Reader, l *listener, in *elb.ModifyListenerInput) error {
	if !l.secure() {
		switch {
		case in.SslPolicy != nil && *in.SslPolicy != "":
			return invalid("An SSL policy cannot be specified for %s listeners", l.Protocol)
		case len(in.Certificates) > 0:
			return invalid("A certificate cannot be specified for %s listeners", l.Protocol)
		case in.MutualAuthentication != nil && aws.ToString(in.MutualAuthentication.Mode) != "off":
			return invalid("Mutual authentication cannot be specified for %s listeners", l.Protocol)
		}
		l.SslPolicy, l.Certificates, l.MutualAuthentication, l.Extra, l.AlpnPolicy = nil, nil, nil, nil, nil
		return nil
	}
	if m := in.MutualAuthentication; m != nil && aws.ToString(m.Mode) != "off" {
		return missing("Mutual authentication is")
	}
	if l.application() {
		l.MutualAuthentication = &types.MutualAuthenticationAttributes{Mode: aws.String("off")}
	}
	if len(in.Certificates) > 1 {
		return fail("TooManyCertificates", "A listener has one default certificate; AddListenerCertificates adds others")
	}
	for _, c := range in.Certificates {
		if err := s.certificate(r, c.CertificateArn); err != nil {
			return err
		}
		l.Certificates = []types.Certificate{{CertificateArn: c.CertificateArn}}
	}
	if len(l.Certificates) == 0 {
		return invalid("A certificate must be specified for %s listeners", l.Protocol)
	}
	if in.SslPolicy != nil && *in.SslPolicy != "" {
		if policy(*in.SslPolicy) == nil {
			return fail("SSLPolicyNotFound", "SSL policy '%s' not found", *in.SslPolicy)
		}
		l.SslPolicy = in.SslPolicy
	}
	if l.SslPolicy == nil {
		l.SslPolicy = aws.String(defaultPolicy)
	}
	if len(in.AlpnPolicy) > 0 {
		if l.Protocol != types.ProtocolEnumTls {
			return invalid("An ALPN policy can only be specified for TLS listeners")
		}
		if len(in.AlpnPolicy) > 1 || !slices.Contains([]string{"HTTP1Only", "HTTP2Only", "HTTP2Optional", "HTTP2Preferred", "None"}, in.AlpnPolicy[0]) {
			return fail("ALPNPolicyNotFound", "ALPN policy '%s' is not supported", strings.Join(in.AlpnPolicy, ", "))
		}
		l.AlpnPolicy = in.AlpnPolicy
	}
	return nil
}

// ModifyListener replaces what the request has of a listener.
func (s *Service) ModifyListener(ctx context.Context, in *elb.ModifyListenerInput, _ ...func(*elb.Options)) (*elb.ModifyListenerOutput, error) {
	out := &elb.ModifyListenerOutput{}
	return out, s.open(ctx, in.Port, func(tx *engine.Tx, region string) error {
		l, err := s.listener(tx, region, in.ListenerArn)
		if err != nil {
			return err
		}
		if err := s.settle(tx, region, l, in); err != nil {
			return err
		}
		r, err := rules.Get(tx, region, l.path(), l.Default)
		if err != nil {
			return err
		}
		if len(in.DefaultActions) > 0 {
			r.Actions = in.DefaultActions
		}
		if r.Actions, err = s.actions(tx, region, l, r.Actions); err != nil { // the old ones may not go with a new protocol
			return err
		}
		if err := rules.Put(tx, r, region, r.Listener, r.ID); err != nil {
			return err
		}
		if err := listeners.Put(tx, l, region, l.Balancer, l.ID); err != nil {
			return err
		}
		l.DefaultActions = r.Actions
		out.Listeners = []types.Listener{l.Listener}
		return nil
	})
}

// DeleteListener deletes a listener with its rules.
func (s *Service) DeleteListener(ctx context.Context, in *elb.DeleteListenerInput, _ ...func(*elb.Options)) (*elb.DeleteListenerOutput, error) {
	return &elb.DeleteListenerOutput{}, s.route(ctx, func(tx *engine.Tx, region string) error {
		l, err := s.listener(tx, region, in.ListenerArn)
		if err != nil {
			return err
		}
		return dropListener(tx, region, l)
	})
}

func dropListener(tx *engine.Tx, region string, l *listener) error {
	if err := each(tx, rules, func(r *rule) error { return rules.Delete(tx, region, r.Listener, r.ID) }, region, l.path()); err != nil {
		return err
	}
	return listeners.Delete(tx, region, l.Balancer, l.ID)
}

// shown is a listener with the actions of its default rule.
func (l *listener) shown(r store.Reader, region string) (types.Listener, error) {
	def, err := rules.Get(r, region, l.path(), l.Default)
	if err != nil {
		return types.Listener{}, err
	}
	l.DefaultActions = def.Actions
	return l.Listener, nil
}

// DescribeListeners describes those that are named, or those of a load
// balancer, 400 a page.
func (s *Service) DescribeListeners(ctx context.Context, in *elb.DescribeListenersInput, _ ...func(*elb.Options)) (*elb.DescribeListenersOutput, error) {
	out := &elb.DescribeListenersOutput{Listeners: []types.Listener{}}
	return out, s.view(ctx, func(r store.Reader, region string) error {
		if (len(in.ListenerArns) > 0) == (in.LoadBalancerArn != nil) {
			return invalid("You must specify either listener ARNs or a load balancer ARN")
		}
		for _, a := range in.ListenerArns {
			l, err := s.listener(r, region, &a)
			if err != nil {
				return err
			}
			shown, err := l.shown(r, region)
			if err != nil {
				return err
			}
			out.Listeners = append(out.Listeners, shown)
		}
		if in.LoadBalancerArn == nil {
			return nil
		}
		b, err := s.balancer(r, region, in.LoadBalancerArn)
		if err != nil {
			return err
		}
		out.Listeners, out.NextMarker, err = page.Of(r, listeners, page.Request{Scope: "elb.listeners/" + b.Path, Token: in.Marker, Max: page.Limit(in.PageSize, 400)},
			func(l *listener) (types.Listener, bool, error) {
				shown, err := l.shown(r, region)
				return shown, true, err
			}, region, b.Path)
		return badMarker(err)
	})
}

// changeListener reads, changes and writes a listener.
func (s *Service) changeListener(ctx context.Context, text *string, f func(r store.Reader, l *listener) error) error {
	return s.update(ctx, func(tx *engine.Tx, region string) error {
		l, err := s.listener(tx, region, text)
		if err != nil {
			return err
		}
		if err := f(tx, l); err != nil {
			return err
		}
		return listeners.Put(tx, l, region, l.Balancer, l.ID)
	})
}

func (l *listener) list() []types.ListenerAttribute {
	var out []types.ListenerAttribute
	for _, a := range all(l.attributes(), l.Attributes) {
		out = append(out, types.ListenerAttribute{Key: aws.String(a[0]), Value: aws.String(a[1])})
	}
	return out
}

// DescribeListenerAttributes lists all attributes of a listener.
func (s *Service) DescribeListenerAttributes(ctx context.Context, in *elb.DescribeListenerAttributesInput, _ ...func(*elb.Options)) (*elb.DescribeListenerAttributesOutput, error) {
	out := &elb.DescribeListenerAttributesOutput{}
	return out, s.view(ctx, func(r store.Reader, region string) error {
		l, err := s.listener(r, region, in.ListenerArn)
		if err != nil {
			return err
		}
		out.Attributes = l.list()
		return nil
	})
}

// ModifyListenerAttributes changes attributes and returns all of them.
func (s *Service) ModifyListenerAttributes(ctx context.Context, in *elb.ModifyListenerAttributesInput, _ ...func(*elb.Options)) (*elb.ModifyListenerAttributesOutput, error) {
	out := &elb.ModifyListenerAttributesOutput{}
	return out, s.changeListener(ctx, in.ListenerArn, func(_ store.Reader, l *listener) (err error) {
		var news [][2]string
		for _, a := range in.Attributes {
			news = append(news, [2]string{aws.ToString(a.Key), aws.ToString(a.Value)})
		}
		l.Attributes, err = change("Listener", l.attributes(), [][]attribute{secureListener, networkListener}, l.Attributes, news)
		out.Attributes = l.list()
		return err
	})
}
