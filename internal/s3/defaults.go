package s3

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/slipway-dev/slipway/internal/store"
)

// Tools that manage buckets read every configuration there is. What cannot be
// configured here answers as a bucket of AWS's that never had it.

// GetBucketAccelerateConfiguration answers nothing: never accelerated.
func (s *Service) GetBucketAccelerateConfiguration(ctx context.Context, in *s3.GetBucketAccelerateConfigurationInput, _ ...func(*s3.Options)) (*s3.GetBucketAccelerateConfigurationOutput, error) {
	if _, err := s.viewBucket(ctx, in.Bucket, in.ExpectedBucketOwner); err != nil {
		return nil, err
	}
	return &s3.GetBucketAccelerateConfigurationOutput{}, nil
}

// GetBucketRequestPayment answers that the owner pays.
func (s *Service) GetBucketRequestPayment(ctx context.Context, in *s3.GetBucketRequestPaymentInput, _ ...func(*s3.Options)) (*s3.GetBucketRequestPaymentOutput, error) {
	if _, err := s.viewBucket(ctx, in.Bucket, in.ExpectedBucketOwner); err != nil {
		return nil, err
	}
	return &s3.GetBucketRequestPaymentOutput{Payer: types.PayerBucketOwner}, nil
}

// GetBucketAbac answers that attribute-based access control is off.
func (s *Service) GetBucketAbac(ctx context.Context, in *s3.GetBucketAbacInput, _ ...func(*s3.Options)) (*s3.GetBucketAbacOutput, error) {
	if _, err := s.viewBucket(ctx, in.Bucket, in.ExpectedBucketOwner); err != nil {
		return nil, err
	}
	return &s3.GetBucketAbacOutput{AbacStatus: &types.AbacStatus{Status: types.BucketAbacStatusDisabled}}, nil
}

// missing answers the code of a configuration that the bucket does not have.
func (s *Service) missing(ctx context.Context, name, expectedOwner *string, code string) error {
	b, err := s.viewBucket(ctx, name, expectedOwner)
	if err != nil {
		return err
	}
	return fail(code, "BucketName", b.Name)
}

// GetBucketWebsite answers NoSuchWebsiteConfiguration.
func (s *Service) GetBucketWebsite(ctx context.Context, in *s3.GetBucketWebsiteInput, _ ...func(*s3.Options)) (*s3.GetBucketWebsiteOutput, error) {
	return nil, s.missing(ctx, in.Bucket, in.ExpectedBucketOwner, "NoSuchWebsiteConfiguration")
}

// DeleteBucketWebsite finds nothing to delete, which is no error.
func (s *Service) DeleteBucketWebsite(ctx context.Context, in *s3.DeleteBucketWebsiteInput, _ ...func(*s3.Options)) (*s3.DeleteBucketWebsiteOutput, error) {
	if _, err := s.viewBucket(ctx, in.Bucket, in.ExpectedBucketOwner); err != nil {
		return nil, err
	}
	return &s3.DeleteBucketWebsiteOutput{}, nil
}

// GetBucketReplication answers ReplicationConfigurationNotFoundError.
func (s *Service) GetBucketReplication(ctx context.Context, in *s3.GetBucketReplicationInput, _ ...func(*s3.Options)) (*s3.GetBucketReplicationOutput, error) {
	return nil, s.missing(ctx, in.Bucket, in.ExpectedBucketOwner, "ReplicationConfigurationNotFoundError")
}

// DeleteBucketReplication finds nothing to delete, which is no error.
func (s *Service) DeleteBucketReplication(ctx context.Context, in *s3.DeleteBucketReplicationInput, _ ...func(*s3.Options)) (*s3.DeleteBucketReplicationOutput, error) {
	if _, err := s.viewBucket(ctx, in.Bucket, in.ExpectedBucketOwner); err != nil {
		return nil, err
	}
	return &s3.DeleteBucketReplicationOutput{}, nil
}

// GetObjectLockConfiguration answers ObjectLockConfigurationNotFoundError.
func (s *Service) GetObjectLockConfiguration(ctx context.Context, in *s3.GetObjectLockConfigurationInput, _ ...func(*s3.Options)) (*s3.GetObjectLockConfigurationOutput, error) {
	return nil, s.missing(ctx, in.Bucket, in.ExpectedBucketOwner, "ObjectLockConfigurationNotFoundError")
}

// GetObjectLegalHold answers that the bucket has no locks.
func (s *Service) GetObjectLegalHold(ctx context.Context, in *s3.GetObjectLegalHoldInput, _ ...func(*s3.Options)) (*s3.GetObjectLegalHoldOutput, error) {
	return nil, s.unlocked(ctx, in.Bucket, in.ExpectedBucketOwner, in.Key, in.VersionId)
}

// GetObjectRetention answers that the bucket has no locks.
func (s *Service) GetObjectRetention(ctx context.Context, in *s3.GetObjectRetentionInput, _ ...func(*s3.Options)) (*s3.GetObjectRetentionOutput, error) {
	return nil, s.unlocked(ctx, in.Bucket, in.ExpectedBucketOwner, in.Key, in.VersionId)
}

func (s *Service) unlocked(ctx context.Context, name, expectedOwner, key, version *string) error {
	err := s.engine.View(ctx, func(r store.Reader) error {
		_, _, _, err := s.lookup(ctx, r, name, expectedOwner, aws.ToString(key), version)
		return err
	})
	if err != nil {
		return err
	}
	return say("InvalidRequest", "Bucket is missing Object Lock Configuration")
}

// GetBucketAnalyticsConfiguration answers NoSuchConfiguration.
func (s *Service) GetBucketAnalyticsConfiguration(ctx context.Context, in *s3.GetBucketAnalyticsConfigurationInput, _ ...func(*s3.Options)) (*s3.GetBucketAnalyticsConfigurationOutput, error) {
	return nil, s.missing(ctx, in.Bucket, in.ExpectedBucketOwner, "NoSuchConfiguration")
}

// GetBucketIntelligentTieringConfiguration answers NoSuchConfiguration.
func (s *Service) GetBucketIntelligentTieringConfiguration(ctx context.Context, in *s3.GetBucketIntelligentTieringConfigurationInput, _ ...func(*s3.Options)) (*s3.GetBucketIntelligentTieringConfigurationOutput, error) {
	return nil, s.missing(ctx, in.Bucket, in.ExpectedBucketOwner, "NoSuchConfiguration")
}

// GetBucketInventoryConfiguration answers NoSuchConfiguration.
func (s *Service) GetBucketInventoryConfiguration(ctx context.Context, in *s3.GetBucketInventoryConfigurationInput, _ ...func(*s3.Options)) (*s3.GetBucketInventoryConfigurationOutput, error) {
	return nil, s.missing(ctx, in.Bucket, in.ExpectedBucketOwner, "NoSuchConfiguration")
}

// GetBucketMetricsConfiguration answers NoSuchConfiguration.
func (s *Service) GetBucketMetricsConfiguration(ctx context.Context, in *s3.GetBucketMetricsConfigurationInput, _ ...func(*s3.Options)) (*s3.GetBucketMetricsConfigurationOutput, error) {
	return nil, s.missing(ctx, in.Bucket, in.ExpectedBucketOwner, "NoSuchConfiguration")
}

// ListBucketAnalyticsConfigurations lists none.
func (s *Service) ListBucketAnalyticsConfigurations(ctx context.Context, in *s3.ListBucketAnalyticsConfigurationsInput, _ ...func(*s3.Options)) (*s3.ListBucketAnalyticsConfigurationsOutput, error) {
	if _, err := s.viewBucket(ctx, in.Bucket, in.ExpectedBucketOwner); err != nil {
		return nil, err
	}
	return &s3.ListBucketAnalyticsConfigurationsOutput{IsTruncated: aws.Bool(false)}, nil
}

// ListBucketIntelligentTieringConfigurations lists none.
func (s *Service) ListBucketIntelligentTieringConfigurations(ctx context.Context, in *s3.ListBucketIntelligentTieringConfigurationsInput, _ ...func(*s3.Options)) (*s3.ListBucketIntelligentTieringConfigurationsOutput, error) {
	if _, err := s.viewBucket(ctx, in.Bucket, in.ExpectedBucketOwner); err != nil {
		return nil, err
	}
	return &s3.ListBucketIntelligentTieringConfigurationsOutput{IsTruncated: aws.Bool(false)}, nil
}

// ListBucketInventoryConfigurations lists none.
func (s *Service) ListBucketInventoryConfigurations(ctx context.Context, in *s3.ListBucketInventoryConfigurationsInput, _ ...func(*s3.Options)) (*s3.ListBucketInventoryConfigurationsOutput, error) {
	if _, err := s.viewBucket(ctx, in.Bucket, in.ExpectedBucketOwner); err != nil {
		return nil, err
	}
	return &s3.ListBucketInventoryConfigurationsOutput{IsTruncated: aws.Bool(false)}, nil
}

// ListBucketMetricsConfigurations lists none.
func (s *Service) ListBucketMetricsConfigurations(ctx context.Context, in *s3.ListBucketMetricsConfigurationsInput, _ ...func(*s3.Options)) (*s3.ListBucketMetricsConfigurationsOutput, error) {
	if _, err := s.viewBucket(ctx, in.Bucket, in.ExpectedBucketOwner); err != nil {
		return nil, err
	}
	return &s3.ListBucketMetricsConfigurationsOutput{IsTruncated: aws.Bool(false)}, nil
}
