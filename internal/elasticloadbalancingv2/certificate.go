package elbv2

import (
	"context"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"

	"github.com/slipway-dev/slipway/internal/aws/arn"
	"github.com/slipway-dev/slipway/internal/store"
)

// certificate checks the ARN of a certificate of ACM's or IAM's.
func certificate(text *string) error {
	a, ok := arn.Parse(aws.ToString(text))
	if !ok || a.Service != "acm" && a.Service != "iam" || a.Resource == "" {
		return fail("CertificateNotFound", "Certificate '%s' not found", aws.ToString(text))
	}
	return nil
}

// AddListenerCertificates adds certificates beside the default one.
func (s *Service) AddListenerCertificates(ctx context.Context, in *elb.AddListenerCertificatesInput, _ ...func(*elb.Options)) (*elb.AddListenerCertificatesOutput, error) {
	out := &elb.AddListenerCertificatesOutput{}
	return out, s.changeListener(ctx, in.ListenerArn, func(l *listener) error {
		if !l.secure() {
			return invalid("A certificate cannot be specified for %s listeners", l.Protocol)
		}
		for _, c := range in.Certificates {
			if err := certificate(c.CertificateArn); err != nil {
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
	return &elb.RemoveListenerCertificatesOutput{}, s.changeListener(ctx, in.ListenerArn, func(l *listener) error {
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
