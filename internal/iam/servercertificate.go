package iam

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/slipway-dev/slipway/internal/aws/wire"
	"github.com/slipway-dev/slipway/internal/seal"
	"github.com/slipway-dev/slipway/internal/store"
)

// serverCertificate is a certificate for load balancers with its private key,
// which is sealed and never shown.
type serverCertificate struct {
	types.ServerCertificate
	Key string
}

// serverCertificates are by name, in lower case.
const serverCertificates = store.Table[serverCertificate]("iam.servercertificate")

func loadCertificate(r store.Reader, name *string) (*serverCertificate, error) {
	c, err := serverCertificates.Get(r, strings.ToLower(*name))
	return c, missing(err, "The Server Certificate with name %s cannot be found.", *name)
}

func (c *serverCertificate) name() string { return *c.ServerCertificateMetadata.ServerCertificateName }

func (c *serverCertificate) save(tx store.Tx) error {
	return serverCertificates.Put(tx, c, strings.ToLower(c.name()))
}

func (s *Service) certificateBox() seal.Box { return s.cfg.Keys.For("iam.server-certificate") }

// CertificateUsers adds somebody who uses server certificates: f answers the
// ARN of a resource that uses one, "" if none does. It is called before the
// service answers requests.
func (s *Service) CertificateUsers(f func(r store.Reader, arn string) (user string, err error)) {
	s.certificateUsers = append(s.certificateUsers, f)
}

// ServerCertificate is the chain and the private key, in PEM, of the certificate
// with an ARN; ok is false if there is none.
func (s *Service) ServerCertificate(r store.Reader, arn string) (chain, key []byte, ok bool, err error) {
	c, err := serverCertificates.Get(r, strings.ToLower(arn[strings.LastIndexByte(arn, '/')+1:]))
	if errors.Is(err, store.ErrNotFound) || err == nil && *c.ServerCertificateMetadata.Arn != arn {
		return nil, nil, false, nil
	}
	if err != nil {
		return nil, nil, false, err
	}
	key, err = s.certificateBox().Open(c.Key)
	return []byte(*c.CertificateBody + "\n" + aws.ToString(c.CertificateChain)), key, err == nil, err
}

// UploadServerCertificate keeps a certificate whose private key is its own.
func (s *Service) UploadServerCertificate(ctx context.Context, in *iam.UploadServerCertificateInput, _ ...func(*iam.Options)) (*iam.UploadServerCertificateOutput, error) {
	tags, err := merge(nil, in.Tags)
	if err != nil {
		return nil, err
	}
	leaf, err := readCertificate(in)
	if err != nil {
		return nil, err
	}
	path := in.Path
	if path == nil {
		path = aws.String("/")
	}
	c := &serverCertificate{Key: s.certificateBox().Seal([]byte(*in.PrivateKey))}
	c.ServerCertificateMetadata = &types.ServerCertificateMetadata{
		ServerCertificateName: in.ServerCertificateName, Path: path, Arn: aws.String(s.arn("server-certificate", path, *in.ServerCertificateName)),
		ServerCertificateId: s.unique("ASCA"), UploadDate: s.now(), Expiration: aws.Time(leaf.NotAfter.UTC()),
	}
	c.CertificateBody = aws.String(strings.TrimSpace(*in.CertificateBody))
	if chain := strings.TrimSpace(aws.ToString(in.CertificateChain)); chain != "" {
		c.CertificateChain = &chain
	}
	c.Tags = tags
	return &iam.UploadServerCertificateOutput{ServerCertificateMetadata: c.ServerCertificateMetadata, Tags: tags}, s.update(ctx, func(tx store.Tx) error {
		_, err := loadCertificate(tx, in.ServerCertificateName)
		if err := absent(err, "The Server Certificate", *in.ServerCertificateName); err != nil {
			return err
		}
		return c.save(tx)
	})
}

// readCertificate checks what is uploaded and answers the certificate itself.
func readCertificate(in *iam.UploadServerCertificateInput) (*x509.Certificate, error) {
	malformed := func(text string) error { return &types.MalformedCertificateException{Message: &text} }
	block, rest := pem.Decode([]byte(*in.CertificateBody))
	if block == nil || block.Type != "CERTIFICATE" {
		return nil, malformed("Unable to parse certificate. Please ensure the certificate is in PEM format.")
	}
	if strings.TrimSpace(string(rest)) != "" {
		return nil, malformed("The certificate body must have one certificate only; the others belong to the certificate chain.")
	}
	leaf, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil, malformed("Unable to parse certificate. Please ensure the certificate is in PEM format.")
	}
	if chain := []byte(aws.ToString(in.CertificateChain)); len(chain) > 0 {
		for len(strings.TrimSpace(string(chain))) > 0 {
			if block, chain = pem.Decode(chain); block == nil || block.Type != "CERTIFICATE" {
				return nil, malformed("Unable to parse certificate chain. Please ensure the chain is in PEM format.")
			}
			if _, err := x509.ParseCertificate(block.Bytes); err != nil {
				return nil, malformed("Unable to parse certificate chain. Please ensure the chain is in PEM format.")
			}
		}
	}
	if block, _ = pem.Decode([]byte(*in.PrivateKey)); block == nil || !strings.HasSuffix(block.Type, "PRIVATE KEY") {
		return nil, malformed("Unable to parse key. Please ensure the private key is in PEM format and not encrypted.")
	}
	if _, err := tls.X509KeyPair([]byte(*in.CertificateBody), []byte(*in.PrivateKey)); err != nil {
		return nil, &types.KeyPairMismatchException{Message: aws.String("The certificate and the private key do not match.")}
	}
	return leaf, nil
}

// GetServerCertificate describes a certificate, without its private key.
func (s *Service) GetServerCertificate(ctx context.Context, in *iam.GetServerCertificateInput, _ ...func(*iam.Options)) (*iam.GetServerCertificateOutput, error) {
	out := &iam.GetServerCertificateOutput{}
	return out, s.view(ctx, func(r store.Reader) error {
		c, err := loadCertificate(r, in.ServerCertificateName)
		if err == nil {
			out.ServerCertificate = &c.ServerCertificate
		}
		return err
	})
}

// ListServerCertificates pages certificates below a path.
func (s *Service) ListServerCertificates(ctx context.Context, in *iam.ListServerCertificatesInput, _ ...func(*iam.Options)) (*iam.ListServerCertificatesOutput, error) {
	out := &iam.ListServerCertificatesOutput{}
	return out, s.view(ctx, func(r store.Reader) (err error) {
		p := page{"ListServerCertificates" + aws.ToString(in.PathPrefix), in.Marker, in.MaxItems}
		out.ServerCertificateMetadataList, out.Marker, out.IsTruncated, err = ofTable(p, r, serverCertificates, func(c *serverCertificate) (types.ServerCertificateMetadata, bool) {
			return *c.ServerCertificateMetadata, under(c.ServerCertificateMetadata.Path, in.PathPrefix)
		})
		return err
	})
}

// UpdateServerCertificate changes a certificate's name or path, and with them
// its ARN: one that is in use stays as it is.
func (s *Service) UpdateServerCertificate(ctx context.Context, in *iam.UpdateServerCertificateInput, _ ...func(*iam.Options)) (*iam.UpdateServerCertificateOutput, error) {
	return &iam.UpdateServerCertificateOutput{}, s.update(ctx, func(tx store.Tx) error {
		c, err := loadCertificate(tx, in.ServerCertificateName)
		if err != nil {
			return err
		}
		if in.NewServerCertificateName != nil && !strings.EqualFold(*in.NewServerCertificateName, c.name()) {
			_, err := loadCertificate(tx, in.NewServerCertificateName)
			if err := absent(err, "The Server Certificate", *in.NewServerCertificateName); err != nil {
				return err
			}
		}
		if err := s.certificateUnused(tx, c); err != nil {
			return err
		}
		if err := serverCertificates.Delete(tx, strings.ToLower(c.name())); err != nil {
			return err
		}
		m := c.ServerCertificateMetadata
		if in.NewServerCertificateName != nil {
			m.ServerCertificateName = in.NewServerCertificateName
		}
		if in.NewPath != nil {
			m.Path = in.NewPath
		}
		m.Arn = aws.String(s.arn("server-certificate", m.Path, *m.ServerCertificateName))
		return c.save(tx)
	})
}

// DeleteServerCertificate deletes a certificate that nobody uses.
func (s *Service) DeleteServerCertificate(ctx context.Context, in *iam.DeleteServerCertificateInput, _ ...func(*iam.Options)) (*iam.DeleteServerCertificateOutput, error) {
	return &iam.DeleteServerCertificateOutput{}, s.update(ctx, func(tx store.Tx) error {
		c, err := loadCertificate(tx, in.ServerCertificateName)
		if err != nil {
			return err
		}
		if err := s.certificateUnused(tx, c); err != nil {
			return err
		}
		return serverCertificates.Delete(tx, strings.ToLower(c.name()))
	})
}

func (s *Service) certificateUnused(r store.Reader, c *serverCertificate) error {
	for _, user := range s.certificateUsers {
		arn, err := user(r, *c.ServerCertificateMetadata.Arn)
		if err != nil {
			return err
		}
		if arn != "" {
			return conflict("Certificate: " + *c.ServerCertificateMetadata.ServerCertificateId + " is currently in use by " + arn + ". Please remove it first before deleting it from IAM.")
		}
	}
	return nil
}

func (s *Service) changeCertificate(ctx context.Context, name *string, fn func(*serverCertificate) error) error {
	return s.update(ctx, func(tx store.Tx) error {
		c, err := loadCertificate(tx, name)
		if err != nil {
			return err
		}
		if err := fn(c); err != nil {
			return err
		}
		return c.save(tx)
	})
}

// TagServerCertificate sets tags.
func (s *Service) TagServerCertificate(ctx context.Context, in *iam.TagServerCertificateInput, _ ...func(*iam.Options)) (*iam.TagServerCertificateOutput, error) {
	return &iam.TagServerCertificateOutput{}, s.changeCertificate(ctx, in.ServerCertificateName, func(c *serverCertificate) (err error) {
		c.Tags, err = merge(c.Tags, in.Tags)
		return err
	})
}

// UntagServerCertificate removes tags.
func (s *Service) UntagServerCertificate(ctx context.Context, in *iam.UntagServerCertificateInput, _ ...func(*iam.Options)) (*iam.UntagServerCertificateOutput, error) {
	return &iam.UntagServerCertificateOutput{}, s.changeCertificate(ctx, in.ServerCertificateName, func(c *serverCertificate) error {
		c.Tags = without(c.Tags, in.TagKeys)
		return nil
	})
}

// ListServerCertificateTags pages tags.
func (s *Service) ListServerCertificateTags(ctx context.Context, in *iam.ListServerCertificateTagsInput, _ ...func(*iam.Options)) (*iam.ListServerCertificateTagsOutput, error) {
	out := &iam.ListServerCertificateTagsOutput{}
	return out, s.view(ctx, func(r store.Reader) error {
		c, err := loadCertificate(r, in.ServerCertificateName)
		if err != nil {
			return err
		}
		out.Tags, out.Marker, out.IsTruncated, err = ofSlice(page{"ListServerCertificateTags" + c.name(), in.Marker, in.MaxItems}, c.Tags, tagKey)
		return err
	})
}

func onCertificate[I any](s *Service, name func(*I) *string) func(context.Context, *I) []wire.Access {
	return func(ctx context.Context, in *I) []wire.Access {
		found := s.arn("server-certificate", nil, *name(in))
		_ = s.view(ctx, func(r store.Reader) error {
			c, err := loadCertificate(r, name(in))
			if err == nil {
				found = *c.ServerCertificateMetadata.Arn
			}
			return err
		})
		return wire.On(found)
	}
}

func (s *Service) certificateOperations() []wire.Operation {
	return []wire.Operation{
		wire.Op("iam:UploadServerCertificate", s.UploadServerCertificate, fresh(s, "server-certificate", func(in *iam.UploadServerCertificateInput) (*string, *string) {
			return in.Path, in.ServerCertificateName
		})),
		wire.Op("iam:GetServerCertificate", s.GetServerCertificate, onCertificate(s, func(in *iam.GetServerCertificateInput) *string { return in.ServerCertificateName })),
		wire.Op("iam:ListServerCertificates", s.ListServerCertificates, nil),
		wire.Op("iam:UpdateServerCertificate", s.UpdateServerCertificate, onCertificate(s, func(in *iam.UpdateServerCertificateInput) *string { return in.ServerCertificateName })),
		wire.Op("iam:DeleteServerCertificate", s.DeleteServerCertificate, onCertificate(s, func(in *iam.DeleteServerCertificateInput) *string { return in.ServerCertificateName })),
		wire.Op("iam:TagServerCertificate", s.TagServerCertificate, onCertificate(s, func(in *iam.TagServerCertificateInput) *string { return in.ServerCertificateName })),
		wire.Op("iam:UntagServerCertificate", s.UntagServerCertificate, onCertificate(s, func(in *iam.UntagServerCertificateInput) *string { return in.ServerCertificateName })),
		wire.Op("iam:ListServerCertificateTags", s.ListServerCertificateTags, onCertificate(s, func(in *iam.ListServerCertificateTagsInput) *string { return in.ServerCertificateName })),
	}
}
