package proxy

import (
	"net"
	"strings"

	"github.com/slipway-dev/slipway/internal/elasticloadbalancingv2/meter"
	"github.com/slipway-dev/slipway/internal/elasticloadbalancingv2/plane"
)

// served is what a port carries at the moment: the listeners of one or more
// load balancers.
type served struct {
	listeners  []*listener
	tls, plain bool
	tcp        *listener
}

func (s *served) add(l *listener) {
	s.listeners = append(s.listeners, l)
	switch {
	case l.TCP:
		s.tcp = l
	case l.TLS:
		s.tls = true
	default:
		s.plain = true
	}
}

// find returns the listener that a host name means: the load balancer's of
// that name, or else the only one; nil if there are several.
func (s *served) find(host string, secure bool) *listener {
	var only *listener
	n := 0
	for _, l := range s.listeners {
		if l.TLS != secure {
			continue
		}
		if strings.EqualFold(l.Host, host) {
			return l
		}
		only = l
		n++
	}
	if n > 1 {
		return nil
	}
	return only
}

// meter is that of the port's only load balancer; nil if there are several.
func (s *served) meter() *meter.Balancer {
	var only *meter.Balancer
	for _, l := range s.listeners {
		if only != nil && l.meter != only {
			return nil
		}
		only = l.meter
	}
	return only
}

// route finds the load balancer and the rule for a request. Where several share
// the port and the host names none of them, it is the one that has a rule for
// the request beside its default.
func (s *served) route(q *plane.Request) (*listener, *rule) {
	if l := s.find(q.Host, q.Secure); l != nil {
		return l, l.match(q, len(l.rules))
	}
	for _, l := range s.listeners {
		if l.TLS == q.Secure {
			if x := l.match(q, len(l.rules)-1); x != nil {
				return l, x
			}
		}
	}
	return nil, nil
}

// match is the first of n rules that a request meets.
func (l *listener) match(q *plane.Request, n int) *rule {
	for _, x := range l.rules[:n] {
		if x.Matches(q) {
			return x
		}
	}
	return nil
}

func hostOf(host string) string {
	if strings.IndexByte(host, ':') >= 0 {
		if h, _, err := net.SplitHostPort(host); err == nil {
			host = h
		}
	}
	return strings.ToLower(strings.TrimSuffix(host, "."))
}
