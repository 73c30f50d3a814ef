package elbv2

import (
	"context"
	"crypto/tls"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"

	"github.com/slipway-dev/slipway/internal/elasticloadbalancingv2/plane"
)

// defaultPolicy is what a secure listener has that was made by the API without
// naming one.
const defaultPolicy = "ELBSecurityPolicy-2016-08"

// sslPolicy is one of AWS's security policies.
type sslPolicy struct {
	name      string
	protocols string
	ciphers   []string
}

// Families of ciphers, in OpenSSL's names and AWS's order.
var (
	tls13 = strings.Fields("TLS_AES_128_GCM_SHA256 TLS_AES_256_GCM_SHA384 TLS_CHACHA20_POLY1305_SHA256")
	gcm   = strings.Fields("ECDHE-ECDSA-AES128-GCM-SHA256 ECDHE-RSA-AES128-GCM-SHA256 ECDHE-ECDSA-AES256-GCM-SHA384 ECDHE-RSA-AES256-GCM-SHA384")
	cbc2  = strings.Fields("ECDHE-ECDSA-AES128-SHA256 ECDHE-RSA-AES128-SHA256 ECDHE-ECDSA-AES256-SHA384 ECDHE-RSA-AES256-SHA384")
	cbc1  = strings.Fields("ECDHE-ECDSA-AES128-SHA ECDHE-RSA-AES128-SHA ECDHE-RSA-AES256-SHA ECDHE-ECDSA-AES256-SHA")
	rsa2  = strings.Fields("AES128-GCM-SHA256 AES128-SHA256 AES256-GCM-SHA384 AES256-SHA256")
	rsa1  = strings.Fields("AES128-SHA AES256-SHA")
)

var policies = []sslPolicy{
	{"ELBSecurityPolicy-2016-08", "TLSv1 TLSv1.1 TLSv1.2", slices.Concat(gcm, cbc2, cbc1, rsa2, rsa1)},
	{"ELBSecurityPolicy-2015-05", "TLSv1 TLSv1.1 TLSv1.2", slices.Concat(gcm, cbc2, cbc1, rsa2, rsa1)},
	{"ELBSecurityPolicy-TLS-1-0-2015-04", "TLSv1 TLSv1.1 TLSv1.2", slices.Concat(gcm, cbc2, cbc1, rsa2, rsa1)},
	{"ELBSecurityPolicy-TLS-1-1-2017-01", "TLSv1.1 TLSv1.2", slices.Concat(gcm, cbc2, cbc1, rsa2, rsa1)},
	{"ELBSecurityPolicy-TLS-1-2-2017-01", "TLSv1.2", slices.Concat(gcm, cbc2, rsa2)},
	{"ELBSecurityPolicy-TLS-1-2-Ext-2018-06", "TLSv1.2", slices.Concat(gcm, cbc2, cbc1, rsa2, rsa1)},
	{"ELBSecurityPolicy-FS-2018-06", "TLSv1 TLSv1.1 TLSv1.2", slices.Concat(gcm, cbc2, cbc1)},
	{"ELBSecurityPolicy-FS-1-1-2019-08", "TLSv1.1 TLSv1.2", slices.Concat(gcm, cbc2, cbc1)},
	{"ELBSecurityPolicy-FS-1-2-2019-08", "TLSv1.2", slices.Concat(gcm, cbc2, cbc1)},
	{"ELBSecurityPolicy-FS-1-2-Res-2019-08", "TLSv1.2", slices.Concat(gcm, cbc2)},
	{"ELBSecurityPolicy-FS-1-2-Res-2020-10", "TLSv1.2", gcm},
	{"ELBSecurityPolicy-TLS13-1-0-2021-06", "TLSv1 TLSv1.1 TLSv1.2 TLSv1.3", slices.Concat(tls13, gcm, cbc2, cbc1, rsa2, rsa1)},
	{"ELBSecurityPolicy-TLS13-1-1-2021-06", "TLSv1.1 TLSv1.2 TLSv1.3", slices.Concat(tls13, gcm, cbc2, cbc1, rsa2, rsa1)},
	{"ELBSecurityPolicy-TLS13-1-2-2021-06", "TLSv1.2 TLSv1.3", slices.Concat(tls13, gcm, cbc2)},
	{"ELBSecurityPolicy-TLS13-1-2-Res-2021-06", "TLSv1.2 TLSv1.3", slices.Concat(tls13, gcm)},
	{"ELBSecurityPolicy-TLS13-1-2-Ext1-2021-06", "TLSv1.2 TLSv1.3", slices.Concat(tls13, gcm, cbc2, rsa2)},
	{"ELBSecurityPolicy-TLS13-1-2-Ext2-2021-06", "TLSv1.2 TLSv1.3", slices.Concat(tls13, gcm, cbc2, cbc1, rsa2, rsa1)},
	{"ELBSecurityPolicy-TLS13-1-3-2021-06", "TLSv1.3", tls13},
	// With ML-KEM, which every listener here offers.
	{"ELBSecurityPolicy-TLS13-1-2-PQ-2025-09", "TLSv1.2 TLSv1.3", slices.Concat(tls13, gcm, cbc2)},
	{"ELBSecurityPolicy-TLS13-1-2-Res-PQ-2025-09", "TLSv1.2 TLSv1.3", slices.Concat(tls13, gcm)},
	{"ELBSecurityPolicy-TLS13-1-2-Ext1-PQ-2025-09", "TLSv1.2 TLSv1.3", slices.Concat(tls13, gcm, cbc2, rsa2)},
	{"ELBSecurityPolicy-TLS13-1-2-Ext2-PQ-2025-09", "TLSv1.2 TLSv1.3", slices.Concat(tls13, gcm, cbc2, cbc1, rsa2, rsa1)},
	{"ELBSecurityPolicy-TLS13-1-3-PQ-2025-09", "TLSv1.3", tls13},
}

var versions = map[string]uint16{"TLSv1": tls.VersionTLS10, "TLSv1.1": tls.VersionTLS11, "TLSv1.2": tls.VersionTLS12, "TLSv1.3": tls.VersionTLS13}

// planeTLS is what a secure listener's policy means.
func (l *listener) planeTLS(out *plane.Listener) {
	p := policy(aws.ToString(l.SslPolicy))
	if !l.secure() || p == nil {
		return
	}
	names := strings.Fields(p.protocols) // the oldest first
	out.MinTLS, out.MaxTLS = versions[names[0]], versions[names[len(names)-1]]
	for _, c := range p.ciphers {
		if id := plane.Ciphers[c]; id != 0 {
			out.Ciphers = append(out.Ciphers, id)
		}
	}
	switch {
	case l.application() && out.Options.HTTP2:
		out.Protocols = []string{"h2", "http/1.1"}
	case l.application():
		out.Protocols = []string{"http/1.1"}
	case len(l.AlpnPolicy) > 0:
		out.Protocols = map[string][]string{"HTTP1Only": {"http/1.1"}, "HTTP2Only": {"h2"}, "HTTP2Optional": {"http/1.1", "h2"}, "HTTP2Preferred": {"h2", "http/1.1"}}[l.AlpnPolicy[0]]
	}
}

func policy(name string) *sslPolicy {
	for i := range policies {
		if policies[i].name == name {
			return &policies[i]
		}
	}
	return nil
}

// DescribeSSLPolicies lists AWS's security policies, all on one page.
func (s *Service) DescribeSSLPolicies(_ context.Context, in *elb.DescribeSSLPoliciesInput, _ ...func(*elb.Options)) (*elb.DescribeSSLPoliciesOutput, error) {
	for _, n := range in.Names {
		if policy(n) == nil {
			return nil, fail("SSLPolicyNotFound", "One or more SSL policies not found: '%s'", n)
		}
	}
	out := &elb.DescribeSSLPoliciesOutput{SslPolicies: []types.SslPolicy{}}
	for _, p := range policies {
		if len(in.Names) > 0 && !slices.Contains(in.Names, p.name) {
			continue
		}
		shown := types.SslPolicy{Name: aws.String(p.name), SslProtocols: strings.Fields(p.protocols), SupportedLoadBalancerTypes: []string{"application", "network"}}
		for i, c := range p.ciphers {
			shown.Ciphers = append(shown.Ciphers, types.Cipher{Name: aws.String(c), Priority: aws.Int32(int32(i + 1))})
		}
		out.SslPolicies = append(out.SslPolicies, shown)
	}
	return out, nil
}

// DescribeAccountLimits lists AWS's limits; those that are enforced here have
// the same numbers.
func (s *Service) DescribeAccountLimits(_ context.Context, _ *elb.DescribeAccountLimitsInput, _ ...func(*elb.Options)) (*elb.DescribeAccountLimitsOutput, error) {
	out := &elb.DescribeAccountLimitsOutput{}
	for _, l := range [][2]string{
		{"application-load-balancers", "50"}, {"network-load-balancers", "50"}, {"target-groups", "3000"}, {"targets-per-application-load-balancer", "1000"},
		{"targets-per-network-load-balancer", "3000"}, {"listeners-per-application-load-balancer", "50"}, {"listeners-per-network-load-balancer", "50"},
		{"rules-per-application-load-balancer", "100"}, {"condition-values-per-alb-rule", "5"}, {"condition-wildcards-per-alb-rule", "6"},
		{"target-groups-per-action-on-application-load-balancer", "5"}, {"target-groups-per-application-load-balancer", "100"},
		{"target-id-registrations-per-application-load-balancer", "1000"}, {"certificates-per-application-load-balancer", "25"},
	} {
		out.Limits = append(out.Limits, types.Limit{Name: aws.String(l[0]), Max: aws.String(l[1])})
	}
	return out, nil
}
