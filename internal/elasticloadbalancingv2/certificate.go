package elbv2

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"

	"github.com/slipway-dev/slipway/internal/aws/arn"
	"github.com/slipway-dev/slipway/internal/store"
)

// certificate checks the ARN of a certificate: one of IAM's must be there; there
// is no ACM, so one of its may be any.
func (s *Service) certificate(r store.Reader, text *string) error {
	a, ok := arn.Parse(aws.ToString(text))
	if ok = ok && a.Resource != ""; ok {
		switch a.Service {
		case "acm":
			return nil
		case "iam":
			_, _, there, err := s.Certificates.ServerCertificate(r, *text)
			if err != nil {
				return err
			}
			ok = there
		default:
			ok = false
		}
	}
	if !ok {
		return fail("CertificateNotFound", "Certificate '%s' not found", aws.ToString(text))
	}
	return nil
}

// CertificateUser is a load balancer that uses a certificate, "" if none does.
func (s *Service) CertificateUser(r store.Reader, text string) (user string, err error) {
	return user, each(r, listeners, func(l *listener) error {
		if slices.Contains(l.certificates(), text) {
			user = *l.LoadBalancerArn
		}
		return nil
	})
}

// certificates are the ARNs of a listener's, the default one first.
func (l *listener) certificates() (out []string) {
	for _, c := range l.Certificates {
		out = append(out, aws.ToString(c.CertificateArn))
	}
	return append(out, l.Extra...)
}

// planeCertificates are those of IAM's. What is parsed is kept until the PEM is
// another.
func (s *Service) planeCertificates(r store.Reader, l *listener) (out []*tls.Certificate, err error) {
	if !l.secure() {
		return nil, nil
	}
	for i, text := range l.certificates() {
		chain, key, ok, err := s.Certificates.ServerCertificate(r, text)
		if err != nil {
			return nil, err
		}
		if !ok {
			if i == 0 {
				return nil, nil // the default is made up
			}
			continue
		}
		sum := sha256.Sum256(append(chain, key...))
		c, _ := s.parsed.Load(sum)
		if c == nil {
			pair, err := tls.X509KeyPair(chain, key)
			if err != nil {
				return nil, err
			}
			c, _ = s.parsed.LoadOrStore(sum, &pair)
		}
		out = append(out, c.(*tls.Certificate))
	}
	return out, nil
}

// AddListenerCertificates adds certificates beside the default one.
func (s *Service) AddListenerCertificates(ctx context.Context, in *elb.AddListenerCertificatesInput, _ ...func(*elb.Options)) (*elb.AddListenerCertificatesOutput, error) {
	out := &elb.AddListenerCertificatesOutput{}
	return out, s.changeListener(ctx, in.ListenerArn, func(r store.Reader, l *listener) error {
		if !l.secure() {
			return invalid("A certificate cannot be specified for %s listeners", l.Protocol)
		}
		for _, c := range in.Certificates {
			if err := s.certificate(r, c.CertificateArn); err != nil {
				return err
			}
			if aws.ToBool(c.IsDefault) {
				return invalid("IsDefault cannot be set here")
			}
			if !slices.Contains(l.Extra, *c.CertificateArn) {
				l.Extra = append(l.Extra, *c.CertificateArn)
			}
			out.Certificates = append(out.Certificates, types.Certificate{CertificateArn: c.CertificateArn, IsDefault: aws.Bool(false)})
		}
		if len(l.Extra) > 25 {
			return fail("TooManyCertificates", "A listener can have at most 25 certificates beside the default one")
		}
		return nil
	})
}

// RemoveListenerCertificates removes certificates; ones that are not there are
// no error, the default one is.
func (s *Service) RemoveListenerCertificates(ctx context.Context, in *elb.RemoveListenerCertificatesInput, _ ...func(*elb.Options)) (*elb.RemoveListenerCertificatesOutput, error) {
	return &elb.RemoveListenerCertificatesOutput{}, s.changeListener(ctx, in.ListenerArn, func(r store.Reader, l *listener) error {
		for _, c := range in.Certificates {
			if slices.ContainsFunc(l.Certificates, func(d types.Certificate) bool { return *d.CertificateArn == aws.ToString(c.CertificateArn) }) {
				return fail("OperationNotPermitted", "Default certificate cannot be removed from the listener '%s'", *l.ListenerArn)
			}
			l.Extra = slices.DeleteFunc(l.Extra, func(e string) bool { return e == aws.ToString(c.CertificateArn) })
		}
		return nil
	})
}

// DescribeListenerCertificates lists the default certificate and the others,
// all on one page.
func (s *Service) DescribeListenerCertificates(ctx context.Context, in *elb.DescribeListenerCertificatesInput, _ ...func(*elb.Options)) (*elb.DescribeListenerCertificatesOutput, error) {
	out := &elb.DescribeListenerCertificatesOutput{Certificates: []types.Certificate{}}
	return out, s.view(ctx, func(r store.Reader, region string) error {
		l, err := s.listener(r, region, in.ListenerArn)
		if err != nil {
			return err
		}
		for _, c := range l.Certificates {
			out.Certificates = append(out.Certificates, types.Certificate{CertificateArn: c.CertificateArn, IsDefault: aws.Bool(true)})
		}
		for _, e := range l.Extra {
			out.Certificates = append(out.Certificates, types.Certificate{CertificateArn: aws.String(e), IsDefault: aws.Bool(false)})
		}
		return nil
	})
}
