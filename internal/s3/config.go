package s3

import (
	"context"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/slipway-dev/slipway/internal/engine"
)

// GetBucketVersioning answers nothing for buckets that never had versions.
func (s *Service) GetBucketVersioning(ctx context.Context, in *s3.GetBucketVersioningInput, _ ...func(*s3.Options)) (*s3.GetBucketVersioningOutput, error) {
	b, err := s.viewBucket(ctx, in.Bucket, in.ExpectedBucketOwner)
	if err != nil {
		return nil, err
	}
	return &s3.GetBucketVersioningOutput{Status: b.Versioning}, nil
}

// PutBucketVersioning switches versions on or suspends them.
func (s *Service) PutBucketVersioning(ctx context.Context, in *s3.PutBucketVersioningInput, _ ...func(*s3.Options)) (*s3.PutBucketVersioningOutput, error) {
	v := in.VersioningConfiguration
	if v.MFADelete == types.MFADeleteEnabled {
		return nil, notImplemented("MFA delete")
	}
	if v.Status == "" {
		return nil, say("IllegalVersioningConfigurationException", "The Versioning element must be specified")
	}
	err := s.changeBucket(ctx, in.Bucket, in.ExpectedBucketOwner, func(_ *engine.Tx, b *bucket) error {
		b.Versioning = v.Status
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &s3.PutBucketVersioningOutput{}, nil
}

// GetBucketTagging answers NoSuchTagSet for none.
func (s *Service) GetBucketTagging(ctx context.Context, in *s3.GetBucketTaggingInput, _ ...func(*s3.Options)) (*s3.GetBucketTaggingOutput, error) {
	b, err := s.viewBucket(ctx, in.Bucket, in.ExpectedBucketOwner)
	if err != nil {
		return nil, err
	}
	if len(b.Tags) == 0 {
		return nil, fail("NoSuchTagSet", "BucketName", b.Name)
	}
	return &s3.GetBucketTaggingOutput{TagSet: b.Tags}, nil
}

// PutBucketTagging replaces all tags.
func (s *Service) PutBucketTagging(ctx context.Context, in *s3.PutBucketTaggingInput, _ ...func(*s3.Options)) (*s3.PutBucketTaggingOutput, error) {
	if err := checkTags(in.Tagging.TagSet, maxBucketTags); err != nil {
		return nil, err
	}
	err := s.changeBucket(ctx, in.Bucket, in.ExpectedBucketOwner, func(_ *engine.Tx, b *bucket) error {
		b.Tags = in.Tagging.TagSet
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &s3.PutBucketTaggingOutput{}, nil
}

// DeleteBucketTagging removes all tags.
func (s *Service) DeleteBucketTagging(ctx context.Context, in *s3.DeleteBucketTaggingInput, _ ...func(*s3.Options)) (*s3.DeleteBucketTaggingOutput, error) {
	err := s.changeBucket(ctx, in.Bucket, in.ExpectedBucketOwner, func(_ *engine.Tx, b *bucket) error {
		b.Tags = nil
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &s3.DeleteBucketTaggingOutput{}, nil
}

// encryption is the bucket's configuration, or what every bucket has.
func encryption(b *bucket) *types.ServerSideEncryptionConfiguration {
	if b.Encryption != nil {
		return b.Encryption
	}
	return &types.ServerSideEncryptionConfiguration{Rules: []types.ServerSideEncryptionRule{{
		ApplyServerSideEncryptionByDefault: &types.ServerSideEncryptionByDefault{SSEAlgorithm: types.ServerSideEncryptionAes256},
		BucketKeyEnabled:                   aws.Bool(false),
	}}}
}

// GetBucketEncryption answers the default AES256 where nothing else is set, as
// S3 does since January 2023.
func (s *Service) GetBucketEncryption(ctx context.Context, in *s3.GetBucketEncryptionInput, _ ...func(*s3.Options)) (*s3.GetBucketEncryptionOutput, error) {
	b, err := s.viewBucket(ctx, in.Bucket, in.ExpectedBucketOwner)
	if err != nil {
		return nil, err
	}
	return &s3.GetBucketEncryptionOutput{ServerSideEncryptionConfiguration: encryption(b)}, nil
}

// PutBucketEncryption sets what new objects are labelled with.
func (s *Service) PutBucketEncryption(ctx context.Context, in *s3.PutBucketEncryptionInput, _ ...func(*s3.Options)) (*s3.PutBucketEncryptionOutput, error) {
	c := in.ServerSideEncryptionConfiguration
	if len(c.Rules) != 1 {
		return nil, fail("MalformedXML")
	}
	rule := &c.Rules[0]
	if d := rule.ApplyServerSideEncryptionByDefault; d != nil {
		switch d.SSEAlgorithm {
		case types.ServerSideEncryptionAes256:
			if d.KMSMasterKeyID != nil {
				return nil, invalid("ApplyServerSideEncryptionByDefault", *d.KMSMasterKeyID, "a KMSMasterKeyID is not applicable if the default sse algorithm is not aws:kms or aws:kms:dsse")
			}
		case types.ServerSideEncryptionAwsKms, types.ServerSideEncryptionAwsKmsDsse:
		default:
			return nil, fail("MalformedXML")
		}
	}
	if rule.BucketKeyEnabled == nil {
		rule.BucketKeyEnabled = aws.Bool(false)
	}
	err := s.changeBucket(ctx, in.Bucket, in.ExpectedBucketOwner, func(_ *engine.Tx, b *bucket) error {
		b.Encryption = c
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &s3.PutBucketEncryptionOutput{}, nil
}

// DeleteBucketEncryption goes back to the default.
func (s *Service) DeleteBucketEncryption(ctx context.Context, in *s3.DeleteBucketEncryptionInput, _ ...func(*s3.Options)) (*s3.DeleteBucketEncryptionOutput, error) {
	err := s.changeBucket(ctx, in.Bucket, in.ExpectedBucketOwner, func(_ *engine.Tx, b *bucket) error {
		b.Encryption = nil
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &s3.DeleteBucketEncryptionOutput{}, nil
}

// GetBucketCors answers the rules for browsers.
func (s *Service) GetBucketCors(ctx context.Context, in *s3.GetBucketCorsInput, _ ...func(*s3.Options)) (*s3.GetBucketCorsOutput, error) {
	b, err := s.viewBucket(ctx, in.Bucket, in.ExpectedBucketOwner)
	if err != nil {
		return nil, err
	}
	if len(b.CORS) == 0 {
		return nil, fail("NoSuchCORSConfiguration", "BucketName", b.Name)
	}
	return &s3.GetBucketCorsOutput{CORSRules: b.CORS}, nil
}

// PutBucketCors replaces the rules. Nothing applies them.
func (s *Service) PutBucketCors(ctx context.Context, in *s3.PutBucketCorsInput, _ ...func(*s3.Options)) (*s3.PutBucketCorsOutput, error) {
	rules := in.CORSConfiguration.CORSRules
	if len(rules) == 0 || len(rules) > 100 {
		return nil, fail("MalformedXML")
	}
	for _, r := range rules {
		if len(r.AllowedMethods) == 0 || len(r.AllowedOrigins) == 0 {
			return nil, fail("MalformedXML")
		}
		for _, m := range r.AllowedMethods {
			if !slices.Contains([]string{"GET", "PUT", "POST", "DELETE", "HEAD"}, m) {
				return nil, say("InvalidRequest", "Found unsupported HTTP method in CORS config. Unsupported method is "+m)
			}
		}
		if err := oneWildcard("AllowedOrigin", r.AllowedOrigins); err != nil {
			return nil, err
		}
		if err := oneWildcard("AllowedHeader", r.AllowedHeaders); err != nil {
			return nil, err
		}
	}
	err := s.changeBucket(ctx, in.Bucket, in.ExpectedBucketOwner, func(_ *engine.Tx, b *bucket) error {
		b.CORS = rules
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &s3.PutBucketCorsOutput{}, nil
}

func oneWildcard(what string, values []string) error {
	for _, v := range values {
		n := 0
		for _, c := range v {
			if c == '*' {
				n++
			}
		}
		if n > 1 {
			return say("InvalidRequest", what+` "`+v+`" can not have more than one wildcard.`)
		}
	}
	return nil
}

// DeleteBucketCors removes the rules.
func (s *Service) DeleteBucketCors(ctx context.Context, in *s3.DeleteBucketCorsInput, _ ...func(*s3.Options)) (*s3.DeleteBucketCorsOutput, error) {
	err := s.changeBucket(ctx, in.Bucket, in.ExpectedBucketOwner, func(_ *engine.Tx, b *bucket) error {
		b.CORS = nil
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &s3.DeleteBucketCorsOutput{}, nil
}
