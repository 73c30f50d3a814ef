package s3

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/slipway-dev/slipway/internal/engine"
)

// GetBucketLogging answers where the bucket's owner wants its access logged.
func (s *Service) GetBucketLogging(ctx context.Context, in *s3.GetBucketLoggingInput, _ ...func(*s3.Options)) (*s3.GetBucketLoggingOutput, error) {
	b, err := s.viewBucket(ctx, in.Bucket, in.ExpectedBucketOwner)
	if err != nil {
		return nil, err
	}
	return &s3.GetBucketLoggingOutput{LoggingEnabled: b.Logging}, nil
}

// PutBucketLogging keeps where access is to be logged; no log is delivered.
func (s *Service) PutBucketLogging(ctx context.Context, in *s3.PutBucketLoggingInput, _ ...func(*s3.Options)) (*s3.PutBucketLoggingOutput, error) {
	l := in.BucketLoggingStatus.LoggingEnabled
	err := s.changeBucket(ctx, in.Bucket, in.ExpectedBucketOwner, func(tx *engine.Tx, b *bucket) error {
		if l != nil {
			target, err := get(buckets, tx, aws.ToString(l.TargetBucket))
			if err != nil {
				return err
			}
			if err := b.checkLogging(l, target); err != nil {
				return err
			}
		}
		b.Logging = l
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &s3.PutBucketLoggingOutput{}, nil
}

// https://docs.aws.amazon.com/AmazonS3/latest/userguide/enable-server-access-logging.html
func (b *bucket) checkLogging(l *types.LoggingEnabled, target *bucket) error {
	switch {
	case target == nil:
		return say("InvalidTargetBucketForLogging", "The target bucket for logging does not exist", "TargetBucket", aws.ToString(l.TargetBucket))
	case target.Account != b.Account:
		return say("InvalidTargetBucketForLogging", "The owner for the bucket to be logged and the target bucket must be the same.", "TargetBucket", target.Name)
	case target.Region != b.Region:
		return say("CrossLocationLoggingProhibited", "Cross S3 location logging not allowed.", "TargetBucketLocation", target.Region, "SourceBucketLocation", b.Region)
	case len(l.TargetGrants) > 0 && target.enforced():
		return say("InvalidTargetBucketForLogging", "The target bucket for logging has the BucketOwnerEnforced setting for Object Ownership enabled. Target grants are not supported.", "TargetBucket", target.Name)
	}
	grants := make([]types.Grant, len(l.TargetGrants))
	for i, g := range l.TargetGrants {
		grants[i] = types.Grant{Grantee: g.Grantee, Permission: types.Permission(g.Permission)}
	}
	if err := target.checkGrants(grants); err != nil {
		return err
	}
	if f := l.TargetObjectKeyFormat; f != nil && (f.SimplePrefix == nil) == (f.PartitionedPrefix == nil) {
		return fail("MalformedXML")
	}
	return nil
}
