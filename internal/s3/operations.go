package s3

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/slipway-dev/slipway/internal/aws/wire"
)

// onBucket is the access to the bucket that in names.
func onBucket[I any](name func(*I) *string) func(context.Context, *I) []wire.Access {
	return func(_ context.Context, in *I) []wire.Access { return wire.On(bucketARN(aws.ToString(name(in)))) }
}

func onKey(bucket, key *string) wire.Access {
	return wire.Access{Resource: bucketARN(aws.ToString(bucket)) + "/" + aws.ToString(key)}
}

// onVersion is the access to an object by the action, or by another if the
// request names a version.
func onVersion(bucket, key, version *string, versionAction string) []wire.Access {
	a := onKey(bucket, key)
	if version != nil {
		a.Action = versionAction
		a.Context = map[string][]string{"s3:VersionId": {*version}}
	}
	return []wire.Access{a}
}

// listAccess carries the condition keys that policies narrow listings by.
func listAccess(bucket, prefix, delimiter *string) []wire.Access {
	a := wire.Access{Resource: bucketARN(aws.ToString(bucket)), Context: map[string][]string{"s3:prefix": {aws.ToString(prefix)}}}
	if delimiter != nil {
		a.Context["s3:delimiter"] = []string{*delimiter}
	}
	return []wire.Access{a}
}

// withTagging adds the right to tag for a request that tags.
func withTagging(a []wire.Access, tagging *string) []wire.Access {
	if aws.ToString(tagging) != "" {
		a = append(a, wire.Access{Action: "s3:PutObjectTagging", Resource: a[0].Resource})
	}
	return a
}

// withACL adds the right to give access for a request that gives it.
func withACL[I any](a []wire.Access, canned types.ObjectCannedACL, in *I) []wire.Access {
	var headers struct{ GrantFullControl, GrantRead, GrantReadACP, GrantWriteACP *string }
	copyFields(&headers, in)
	if canned != "" || headers.GrantFullControl != nil || headers.GrantRead != nil || headers.GrantReadACP != nil || headers.GrantWriteACP != nil {
		a = append(a, wire.Access{Action: "s3:PutObjectAcl", Resource: a[0].Resource})
	}
	return a
}

func copyAccess(bucket, key, copySource *string) []wire.Access {
	from, version := sourceOf(copySource)
	action := "s3:GetObject"
	if version {
		action = "s3:GetObjectVersion"
	}
	return []wire.Access{onKey(bucket, key), {Action: action, Resource: from}}
}

func deleteAccess(in *s3.DeleteObjectsInput) []wire.Access {
	var as []wire.Access
	for _, o := range deref(in.Delete).Objects {
		as = append(as, onVersion(in.Bucket, o.Key, o.VersionId, "s3:DeleteObjectVersion")...)
	}
	if as == nil {
		return []wire.Access{{Resource: bucketARN(aws.ToString(in.Bucket)) + "/*"}}
	}
	return as
}

// Wire is the table of operations with their IAM actions, see
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html
func (s *Service) Wire() wire.Service {
	ops := s.bucketOperations()
	ops = append(ops, s.configurationOperations()...)
	ops = append(ops, s.objectOperations()...)
	ops = append(ops, s.uploadOperations()...)
	return wire.Service{Model: "s3", Operations: ops, Invalid: invalidInput}
}

func (s *Service) bucketOperations() []wire.Operation {
	return []wire.Operation{
		wire.Op("s3:CreateBucket", s.CreateBucket, onBucket(func(in *s3.CreateBucketInput) *string { return in.Bucket })),
		wire.Op("s3:DeleteBucket", s.DeleteBucket, onBucket(func(in *s3.DeleteBucketInput) *string { return in.Bucket })),
		wire.Op("s3:ListBucket", s.HeadBucket, onBucket(func(in *s3.HeadBucketInput) *string { return in.Bucket })),
		wire.Op("s3:ListAllMyBuckets", s.ListBuckets, nil),
		wire.Op("s3:GetBucketLocation", s.GetBucketLocation, onBucket(func(in *s3.GetBucketLocationInput) *string { return in.Bucket })),
		wire.Op("s3:ListBucket", s.ListObjects, func(_ context.Context, in *s3.ListObjectsInput) []wire.Access {
			return listAccess(in.Bucket, in.Prefix, in.Delimiter)
		}),
		wire.Op("s3:ListBucket", s.ListObjectsV2, func(_ context.Context, in *s3.ListObjectsV2Input) []wire.Access {
			return listAccess(in.Bucket, in.Prefix, in.Delimiter)
		}),
		wire.Op("s3:ListBucketVersions", s.ListObjectVersions, func(_ context.Context, in *s3.ListObjectVersionsInput) []wire.Access {
			return listAccess(in.Bucket, in.Prefix, in.Delimiter)
		}),
		wire.Op("s3:ListBucketMultipartUploads", s.ListMultipartUploads, onBucket(func(in *s3.ListMultipartUploadsInput) *string { return in.Bucket })),
	}
}

func (s *Service) objectOperations() []wire.Operation {
	return []wire.Operation{
		wire.Op("s3:GetObject", s.GetObject, func(_ context.Context, in *s3.GetObjectInput) []wire.Access {
			return onVersion(in.Bucket, in.Key, in.VersionId, "s3:GetObjectVersion")
		}),
		wire.Op("s3:GetObject", s.HeadObject, func(_ context.Context, in *s3.HeadObjectInput) []wire.Access {
			return onVersion(in.Bucket, in.Key, in.VersionId, "s3:GetObjectVersion")
		}),
		wire.Op("s3:GetObject", s.GetObjectAttributes, func(_ context.Context, in *s3.GetObjectAttributesInput) []wire.Access {
			a := onVersion(in.Bucket, in.Key, in.VersionId, "s3:GetObjectVersion")
			b := onVersion(in.Bucket, in.Key, in.VersionId, "s3:GetObjectVersionAttributes")
			if in.VersionId == nil {
				b[0].Action = "s3:GetObjectAttributes"
			}
			return append(a, b...)
		}),
		wire.Op("s3:PutObject", s.PutObject, func(_ context.Context, in *s3.PutObjectInput) []wire.Access {
			return withACL(withTagging([]wire.Access{onKey(in.Bucket, in.Key)}, in.Tagging), in.ACL, in)
		}),
		wire.Op("s3:PutObject", s.CopyObject, func(_ context.Context, in *s3.CopyObjectInput) []wire.Access {
			return withACL(withTagging(copyAccess(in.Bucket, in.Key, in.CopySource), in.Tagging), in.ACL, in)
		}),
		wire.Op("s3:DeleteObject", s.DeleteObject, func(_ context.Context, in *s3.DeleteObjectInput) []wire.Access {
			return onVersion(in.Bucket, in.Key, in.VersionId, "s3:DeleteObjectVersion")
		}),
		wire.Op("s3:DeleteObject", s.DeleteObjects, func(_ context.Context, in *s3.DeleteObjectsInput) []wire.Access { return deleteAccess(in) }),
		wire.Op("s3:GetObjectTagging", s.GetObjectTagging, func(_ context.Context, in *s3.GetObjectTaggingInput) []wire.Access {
			return onVersion(in.Bucket, in.Key, in.VersionId, "s3:GetObjectVersionTagging")
		}),
		wire.Op("s3:PutObjectTagging", s.PutObjectTagging, func(_ context.Context, in *s3.PutObjectTaggingInput) []wire.Access {
			return onVersion(in.Bucket, in.Key, in.VersionId, "s3:PutObjectVersionTagging")
		}),
		wire.Op("s3:DeleteObjectTagging", s.DeleteObjectTagging, func(_ context.Context, in *s3.DeleteObjectTaggingInput) []wire.Access {
			return onVersion(in.Bucket, in.Key, in.VersionId, "s3:DeleteObjectVersionTagging")
		}),
		wire.Op("s3:GetObjectAcl", s.GetObjectAcl, func(_ context.Context, in *s3.GetObjectAclInput) []wire.Access {
			return onVersion(in.Bucket, in.Key, in.VersionId, "s3:GetObjectVersionAcl")
		}),
		wire.Op("s3:PutObjectAcl", s.PutObjectAcl, func(_ context.Context, in *s3.PutObjectAclInput) []wire.Access {
			return onVersion(in.Bucket, in.Key, in.VersionId, "s3:PutObjectVersionAcl")
		}),
		wire.Op("s3:RestoreObject", s.RestoreObject, func(_ context.Context, in *s3.RestoreObjectInput) []wire.Access {
			return []wire.Access{onKey(in.Bucket, in.Key)}
		}),
		wire.Op("s3:GetObjectLegalHold", s.GetObjectLegalHold, func(_ context.Context, in *s3.GetObjectLegalHoldInput) []wire.Access {
			return []wire.Access{onKey(in.Bucket, in.Key)}
		}),
		wire.Op("s3:GetObjectRetention", s.GetObjectRetention, func(_ context.Context, in *s3.GetObjectRetentionInput) []wire.Access {
			return []wire.Access{onKey(in.Bucket, in.Key)}
		}),
	}
}

func (s *Service) uploadOperations() []wire.Operation {
	return []wire.Operation{
		wire.Op("s3:PutObject", s.CreateMultipartUpload, func(_ context.Context, in *s3.CreateMultipartUploadInput) []wire.Access {
			return withACL(withTagging([]wire.Access{onKey(in.Bucket, in.Key)}, in.Tagging), in.ACL, in)
		}),
		wire.Op("s3:PutObject", s.UploadPart, func(_ context.Context, in *s3.UploadPartInput) []wire.Access {
			return []wire.Access{onKey(in.Bucket, in.Key)}
		}),
		wire.Op("s3:PutObject", s.UploadPartCopy, func(_ context.Context, in *s3.UploadPartCopyInput) []wire.Access {
			return copyAccess(in.Bucket, in.Key, in.CopySource)
		}),
		wire.Op("s3:PutObject", s.CompleteMultipartUpload, func(_ context.Context, in *s3.CompleteMultipartUploadInput) []wire.Access {
			return []wire.Access{onKey(in.Bucket, in.Key)}
		}),
		wire.Op("s3:AbortMultipartUpload", s.AbortMultipartUpload, func(_ context.Context, in *s3.AbortMultipartUploadInput) []wire.Access {
			return []wire.Access{onKey(in.Bucket, in.Key)}
		}),
		wire.Op("s3:ListMultipartUploadParts", s.ListParts, func(_ context.Context, in *s3.ListPartsInput) []wire.Access {
			return []wire.Access{onKey(in.Bucket, in.Key)}
		}),
	}
}

func (s *Service) configurationOperations() []wire.Operation {
	return []wire.Operation{
		wire.Op("s3:GetBucketVersioning", s.GetBucketVersioning, onBucket(func(in *s3.GetBucketVersioningInput) *string { return in.Bucket })),
		wire.Op("s3:PutBucketVersioning", s.PutBucketVersioning, onBucket(func(in *s3.PutBucketVersioningInput) *string { return in.Bucket })),
		wire.Op("s3:GetBucketTagging", s.GetBucketTagging, onBucket(func(in *s3.GetBucketTaggingInput) *string { return in.Bucket })),
		wire.Op("s3:PutBucketTagging", s.PutBucketTagging, onBucket(func(in *s3.PutBucketTaggingInput) *string { return in.Bucket })),
		wire.Op("s3:PutBucketTagging", s.DeleteBucketTagging, onBucket(func(in *s3.DeleteBucketTaggingInput) *string { return in.Bucket })),
		wire.Op("s3:GetBucketPolicy", s.GetBucketPolicy, onBucket(func(in *s3.GetBucketPolicyInput) *string { return in.Bucket })),
		wire.Op("s3:GetBucketPolicyStatus", s.GetBucketPolicyStatus, onBucket(func(in *s3.GetBucketPolicyStatusInput) *string { return in.Bucket })),
		wire.Op("s3:PutBucketPolicy", s.PutBucketPolicy, onBucket(func(in *s3.PutBucketPolicyInput) *string { return in.Bucket })),
		wire.Op("s3:DeleteBucketPolicy", s.DeleteBucketPolicy, onBucket(func(in *s3.DeleteBucketPolicyInput) *string { return in.Bucket })),
		wire.Op("s3:GetBucketPublicAccessBlock", s.GetPublicAccessBlock, onBucket(func(in *s3.GetPublicAccessBlockInput) *string { return in.Bucket })),
		wire.Op("s3:PutBucketPublicAccessBlock", s.PutPublicAccessBlock, onBucket(func(in *s3.PutPublicAccessBlockInput) *string { return in.Bucket })),
		wire.Op("s3:PutBucketPublicAccessBlock", s.DeletePublicAccessBlock, onBucket(func(in *s3.DeletePublicAccessBlockInput) *string { return in.Bucket })),
		wire.Op("s3:GetBucketOwnershipControls", s.GetBucketOwnershipControls, onBucket(func(in *s3.GetBucketOwnershipControlsInput) *string { return in.Bucket })),
		wire.Op("s3:PutBucketOwnershipControls", s.PutBucketOwnershipControls, onBucket(func(in *s3.PutBucketOwnershipControlsInput) *string { return in.Bucket })),
		wire.Op("s3:PutBucketOwnershipControls", s.DeleteBucketOwnershipControls, onBucket(func(in *s3.DeleteBucketOwnershipControlsInput) *string { return in.Bucket })),
		wire.Op("s3:GetEncryptionConfiguration", s.GetBucketEncryption, onBucket(func(in *s3.GetBucketEncryptionInput) *string { return in.Bucket })),
		wire.Op("s3:PutEncryptionConfiguration", s.PutBucketEncryption, onBucket(func(in *s3.PutBucketEncryptionInput) *string { return in.Bucket })),
		wire.Op("s3:PutEncryptionConfiguration", s.DeleteBucketEncryption, onBucket(func(in *s3.DeleteBucketEncryptionInput) *string { return in.Bucket })),
		wire.Op("s3:GetLifecycleConfiguration", s.GetBucketLifecycleConfiguration, onBucket(func(in *s3.GetBucketLifecycleConfigurationInput) *string { return in.Bucket })),
		wire.Op("s3:PutLifecycleConfiguration", s.PutBucketLifecycleConfiguration, onBucket(func(in *s3.PutBucketLifecycleConfigurationInput) *string { return in.Bucket })),
		wire.Op("s3:PutLifecycleConfiguration", s.DeleteBucketLifecycle, onBucket(func(in *s3.DeleteBucketLifecycleInput) *string { return in.Bucket })),
		wire.Op("s3:GetBucketCORS", s.GetBucketCors, onBucket(func(in *s3.GetBucketCorsInput) *string { return in.Bucket })),
		wire.Op("s3:PutBucketCORS", s.PutBucketCors, onBucket(func(in *s3.PutBucketCorsInput) *string { return in.Bucket })),
		wire.Op("s3:PutBucketCORS", s.DeleteBucketCors, onBucket(func(in *s3.DeleteBucketCorsInput) *string { return in.Bucket })),
		wire.Op("s3:GetBucketNotification", s.GetBucketNotificationConfiguration, onBucket(func(in *s3.GetBucketNotificationConfigurationInput) *string { return in.Bucket })),
		wire.Op("s3:PutBucketNotification", s.PutBucketNotificationConfiguration, onBucket(func(in *s3.PutBucketNotificationConfigurationInput) *string { return in.Bucket })),
		wire.Op("s3:GetBucketLogging", s.GetBucketLogging, onBucket(func(in *s3.GetBucketLoggingInput) *string { return in.Bucket })),
		wire.Op("s3:PutBucketLogging", s.PutBucketLogging, onBucket(func(in *s3.PutBucketLoggingInput) *string { return in.Bucket })),
		wire.Op("s3:GetBucketAcl", s.GetBucketAcl, onBucket(func(in *s3.GetBucketAclInput) *string { return in.Bucket })),
		wire.Op("s3:PutBucketAcl", s.PutBucketAcl, onBucket(func(in *s3.PutBucketAclInput) *string { return in.Bucket })),
		wire.Op("s3:GetAccelerateConfiguration", s.GetBucketAccelerateConfiguration, onBucket(func(in *s3.GetBucketAccelerateConfigurationInput) *string { return in.Bucket })),
		wire.Op("s3:GetBucketRequestPayment", s.GetBucketRequestPayment, onBucket(func(in *s3.GetBucketRequestPaymentInput) *string { return in.Bucket })),
		wire.Op("s3:GetBucketAbac", s.GetBucketAbac, onBucket(func(in *s3.GetBucketAbacInput) *string { return in.Bucket })),
		wire.Op("s3:GetBucketWebsite", s.GetBucketWebsite, onBucket(func(in *s3.GetBucketWebsiteInput) *string { return in.Bucket })),
		wire.Op("s3:DeleteBucketWebsite", s.DeleteBucketWebsite, onBucket(func(in *s3.DeleteBucketWebsiteInput) *string { return in.Bucket })),
		wire.Op("s3:GetReplicationConfiguration", s.GetBucketReplication, onBucket(func(in *s3.GetBucketReplicationInput) *string { return in.Bucket })),
		wire.Op("s3:PutReplicationConfiguration", s.DeleteBucketReplication, onBucket(func(in *s3.DeleteBucketReplicationInput) *string { return in.Bucket })),
		wire.Op("s3:GetBucketObjectLockConfiguration", s.GetObjectLockConfiguration, onBucket(func(in *s3.GetObjectLockConfigurationInput) *string { return in.Bucket })),
		wire.Op("s3:GetAnalyticsConfiguration", s.GetBucketAnalyticsConfiguration, onBucket(func(in *s3.GetBucketAnalyticsConfigurationInput) *string { return in.Bucket })),
		wire.Op("s3:GetAnalyticsConfiguration", s.ListBucketAnalyticsConfigurations, onBucket(func(in *s3.ListBucketAnalyticsConfigurationsInput) *string { return in.Bucket })),
		wire.Op("s3:GetIntelligentTieringConfiguration", s.GetBucketIntelligentTieringConfiguration, onBucket(func(in *s3.GetBucketIntelligentTieringConfigurationInput) *string { return in.Bucket })),
		wire.Op("s3:GetIntelligentTieringConfiguration", s.ListBucketIntelligentTieringConfigurations, onBucket(func(in *s3.ListBucketIntelligentTieringConfigurationsInput) *string { return in.Bucket })),
		wire.Op("s3:GetInventoryConfiguration", s.GetBucketInventoryConfiguration, onBucket(func(in *s3.GetBucketInventoryConfigurationInput) *string { return in.Bucket })),
		wire.Op("s3:GetInventoryConfiguration", s.ListBucketInventoryConfigurations, onBucket(func(in *s3.ListBucketInventoryConfigurationsInput) *string { return in.Bucket })),
		wire.Op("s3:GetMetricsConfiguration", s.GetBucketMetricsConfiguration, onBucket(func(in *s3.GetBucketMetricsConfigurationInput) *string { return in.Bucket })),
		wire.Op("s3:GetMetricsConfiguration", s.ListBucketMetricsConfigurations, onBucket(func(in *s3.ListBucketMetricsConfigurationsInput) *string { return in.Bucket })),
	}
}
