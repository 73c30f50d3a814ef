package s3_test

import (
	"context"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go/middleware"

	"github.com/slipway-dev/slipway/cmd/slipway/apptest"
)

// same asserts that what is read is what was sent.
func same(t *testing.T, what string, got, want any) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s: got %+v\nwant %+v", what, got, want)
	}
}

// The calls that Terraform makes around aws_s3_bucket, in its order.
func TestTerraformBucket(t *testing.T) {
	c := sdk.NewFromConfig(apptest.Start(t).Config(), pathStyle)
	ctx, b := t.Context(), aws.String("team-artifacts")
	if _, err := c.CreateBucket(ctx, &sdk.CreateBucketInput{Bucket: b, ObjectLockEnabledForBucket: aws.Bool(false)}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.HeadBucket(ctx, &sdk.HeadBucketInput{Bucket: b}); err != nil {
		t.Fatal(err)
	}
	// Everything is read each time; what was never set has its own not-found.
	read := func() map[string]string {
		got := map[string]string{}
		note := func(what string, err error) { got[what] = code(err) }
		_, err := c.GetBucketPolicy(ctx, &sdk.GetBucketPolicyInput{Bucket: b})
		note("policy", err)
		acl, err := c.GetBucketAcl(ctx, &sdk.GetBucketAclInput{Bucket: b})
		note("acl", err)
		equal(t, "grants", len(acl.Grants), 1)
		_, err = c.GetBucketCors(ctx, &sdk.GetBucketCorsInput{Bucket: b})
		note("cors", err)
		_, err = c.GetBucketWebsite(ctx, &sdk.GetBucketWebsiteInput{Bucket: b})
		note("website", err)
		v, err := c.GetBucketVersioning(ctx, &sdk.GetBucketVersioningInput{Bucket: b})
		note("versioning", err)
		equal(t, "versioning", v.Status, "")
		_, err = c.GetBucketAccelerateConfiguration(ctx, &sdk.GetBucketAccelerateConfigurationInput{Bucket: b})
		note("accelerate", err)
		pay, err := c.GetBucketRequestPayment(ctx, &sdk.GetBucketRequestPaymentInput{Bucket: b})
		note("payment", err)
		equal(t, "payer", pay.Payer, types.PayerBucketOwner)
		l, err := c.GetBucketLogging(ctx, &sdk.GetBucketLoggingInput{Bucket: b})
		note("logging", err)
		equal(t, "logging", l.LoggingEnabled, nil)
		_, err = c.GetBucketLifecycleConfiguration(ctx, &sdk.GetBucketLifecycleConfigurationInput{Bucket: b})
		note("lifecycle", err)
		_, err = c.GetBucketReplication(ctx, &sdk.GetBucketReplicationInput{Bucket: b})
		note("replication", err)
		_, err = c.GetBucketEncryption(ctx, &sdk.GetBucketEncryptionInput{Bucket: b})
		note("encryption", err)
		_, err = c.GetObjectLockConfiguration(ctx, &sdk.GetObjectLockConfigurationInput{Bucket: b})
		note("lock", err)
		_, err = c.GetBucketLocation(ctx, &sdk.GetBucketLocationInput{Bucket: b})
		note("location", err)
		_, err = c.GetBucketTagging(ctx, &sdk.GetBucketTaggingInput{Bucket: b})
		note("tags", err)
		return got
	}
	want := map[string]string{
		"policy": "NoSuchBucketPolicy", "acl": "", "cors": "NoSuchCORSConfiguration", "website": "NoSuchWebsiteConfiguration",
		"versioning": "", "accelerate": "", "payment": "", "logging": "", "lifecycle": "NoSuchLifecycleConfiguration",
		"replication": "ReplicationConfigurationNotFoundError", "encryption": "", "lock": "ObjectLockConfigurationNotFoundError",
		"location": "", "tags": "NoSuchTagSet",
	}
	same(t, "a new bucket", read(), want)
	tags := []types.Tag{{Key: aws.String("Name"), Value: aws.String("artifacts")}, {Key: aws.String("empty"), Value: aws.String("")}}
	if _, err := c.PutBucketTagging(ctx, &sdk.PutBucketTaggingInput{Bucket: b, Tagging: &types.Tagging{TagSet: tags}}); err != nil {
		t.Fatal(err)
	}
	got, err := c.GetBucketTagging(ctx, &sdk.GetBucketTaggingInput{Bucket: b})
	if err != nil {
		t.Fatal(err)
	}
	same(t, "tags", got.TagSet, tags)
	if _, err := c.DeleteBucketTagging(ctx, &sdk.DeleteBucketTaggingInput{Bucket: b}); err != nil {
		t.Fatal(err)
	}
	same(t, "without tags", read(), want)
	if _, err := c.DeleteBucket(ctx, &sdk.DeleteBucketInput{Bucket: b}); err != nil {
		t.Fatal(err)
	}
	_, err = c.HeadBucket(ctx, &sdk.HeadBucketInput{Bucket: b})
	equal(t, "after delete", status(err), 404)
	for what, code := range read404(ctx, c, b) {
		equal(t, what+" after delete", code, "NoSuchBucket")
	}
}

func read404(ctx context.Context, c *sdk.Client, b *string) map[string]string {
	_, policy := c.GetBucketPolicy(ctx, &sdk.GetBucketPolicyInput{Bucket: b})
	_, versioning := c.GetBucketVersioning(ctx, &sdk.GetBucketVersioningInput{Bucket: b})
	_, encryption := c.GetBucketEncryption(ctx, &sdk.GetBucketEncryptionInput{Bucket: b})
	_, lifecycle := c.GetBucketLifecycleConfiguration(ctx, &sdk.GetBucketLifecycleConfigurationInput{Bucket: b})
	_, block := c.GetPublicAccessBlock(ctx, &sdk.GetPublicAccessBlockInput{Bucket: b})
	_, ownership := c.GetBucketOwnershipControls(ctx, &sdk.GetBucketOwnershipControlsInput{Bucket: b})
	_, acl := c.GetBucketAcl(ctx, &sdk.GetBucketAclInput{Bucket: b})
	_, logging := c.GetBucketLogging(ctx, &sdk.GetBucketLoggingInput{Bucket: b})
	_, cors := c.GetBucketCors(ctx, &sdk.GetBucketCorsInput{Bucket: b})
	_, notification := c.GetBucketNotificationConfiguration(ctx, &sdk.GetBucketNotificationConfigurationInput{Bucket: b})
	return map[string]string{"policy": code(policy), "versioning": code(versioning), "encryption": code(encryption), "lifecycle": code(lifecycle),
		"block": code(block), "ownership": code(ownership), "acl": code(acl), "logging": code(logging), "cors": code(cors), "notification": code(notification)}
}

// setting is the story of one of the resources around a bucket: put, read,
// delete, and what is read then.
type setting struct {
	name   string
	put    func() error
	get    func() (any, error)
	want   any
	remove func() error
	after  string // code of the read after removal; "" means after2 is read
	after2 any
}

func TestTerraformBucketSettings(t *testing.T) {
	c := sdk.NewFromConfig(apptest.Start(t).Config(), pathStyle)
	ctx, b := t.Context(), aws.String("team-artifacts")
	for _, name := range []string{*b, "team-logs"} {
		if _, err := c.CreateBucket(ctx, &sdk.CreateBucketInput{Bucket: &name}); err != nil {
			t.Fatal(err)
		}
	}
	for _, s := range settings(ctx, c, b) {
		if err := s.put(); err != nil {
			t.Errorf("%s: %v", s.name, err)
			continue
		}
		got, err := s.get()
		if err != nil {
			t.Errorf("%s: read: %v", s.name, err)
			continue
		}
		same(t, s.name, got, s.want)
		if s.remove == nil {
			continue
		}
		if err := s.remove(); err != nil {
			t.Errorf("%s: remove: %v", s.name, err)
		}
		got, err = s.get()
		equal(t, s.name+" after removal", code(err), s.after)
		if s.after == "" {
			same(t, s.name+" after removal", got, s.after2)
		}
		if err := s.remove(); err != nil {
			t.Errorf("%s: remove again: %v", s.name, err)
		}
	}
}

func settings(ctx context.Context, c *sdk.Client, b *string) []setting {
	policy := `{"Version":"2012-10-17","Statement":[{"Sid":"a","Effect":"Deny","Principal":"*","Action":"s3:*","Resource":["arn:aws:s3:::team-artifacts","arn:aws:s3:::team-artifacts/*"],"Condition":{"Bool":{"aws:SecureTransport":"false"}}}]}`
	block := &types.PublicAccessBlockConfiguration{BlockPublicAcls: aws.Bool(true), BlockPublicPolicy: aws.Bool(false), IgnorePublicAcls: aws.Bool(true), RestrictPublicBuckets: aws.Bool(false)}
	kms := &types.ServerSideEncryptionConfiguration{Rules: []types.ServerSideEncryptionRule{{
		ApplyServerSideEncryptionByDefault: &types.ServerSideEncryptionByDefault{SSEAlgorithm: types.ServerSideEncryptionAwsKms, KMSMasterKeyID: aws.String("arn:aws:kms:us-east-1:000000000000:key/k")},
		BucketKeyEnabled:                   aws.Bool(true)}}}
	aes := &types.ServerSideEncryptionConfiguration{Rules: []types.ServerSideEncryptionRule{{
		ApplyServerSideEncryptionByDefault: &types.ServerSideEncryptionByDefault{SSEAlgorithm: types.ServerSideEncryptionAes256}, BucketKeyEnabled: aws.Bool(false)}}}
	cors := []types.CORSRule{{ID: aws.String("a"), AllowedMethods: []string{"GET"}, AllowedOrigins: []string{"https://a.example.com"}, AllowedHeaders: []string{"*"}, ExposeHeaders: []string{"ETag"}, MaxAgeSeconds: aws.Int32(60)},
		{AllowedMethods: []string{"PUT", "POST"}, AllowedOrigins: []string{"*"}}}
	logging := &types.LoggingEnabled{TargetBucket: aws.String("team-logs"), TargetPrefix: aws.String(""), TargetObjectKeyFormat: &types.TargetObjectKeyFormat{SimplePrefix: &types.SimplePrefix{}}}
	notification := &types.NotificationConfiguration{
		EventBridgeConfiguration: &types.EventBridgeConfiguration{},
		QueueConfigurations: []types.QueueConfiguration{{Id: aws.String("tf-s3-queue-1"), QueueArn: aws.String("arn:aws:sqs:us-east-1:000000000000:q"), Events: []types.Event{"s3:ObjectCreated:*", "s3:ObjectRemoved:*"},
			Filter: &types.NotificationConfigurationFilter{Key: &types.S3KeyFilter{FilterRules: []types.FilterRule{{Name: types.FilterRuleNamePrefix, Value: aws.String("in/")}}}}}},
	}
	return []setting{
		{"policy", func() error {
			_, err := c.PutBucketPolicy(ctx, &sdk.PutBucketPolicyInput{Bucket: b, Policy: &policy})
			return err
		}, func() (any, error) {
			out, err := c.GetBucketPolicy(ctx, &sdk.GetBucketPolicyInput{Bucket: b})
			if err != nil {
				return nil, err
			}
			return *out.Policy, nil
		}, policy, func() error {
			_, err := c.DeleteBucketPolicy(ctx, &sdk.DeleteBucketPolicyInput{Bucket: b})
			return err
		}, "NoSuchBucketPolicy", nil},
		{"public access block", func() error {
			_, err := c.PutPublicAccessBlock(ctx, &sdk.PutPublicAccessBlockInput{Bucket: b, PublicAccessBlockConfiguration: block})
			return err
		}, func() (any, error) {
			out, err := c.GetPublicAccessBlock(ctx, &sdk.GetPublicAccessBlockInput{Bucket: b})
			if err != nil {
				return nil, err
			}
			return out.PublicAccessBlockConfiguration, nil
		}, block, func() error {
			_, err := c.DeletePublicAccessBlock(ctx, &sdk.DeletePublicAccessBlockInput{Bucket: b})
			return err
		}, "NoSuchPublicAccessBlockConfiguration", nil},
		{"encryption", func() error {
			_, err := c.PutBucketEncryption(ctx, &sdk.PutBucketEncryptionInput{Bucket: b, ServerSideEncryptionConfiguration: kms})
			return err
		}, func() (any, error) {
			out, err := c.GetBucketEncryption(ctx, &sdk.GetBucketEncryptionInput{Bucket: b})
			if err != nil {
				return nil, err
			}
			return out.ServerSideEncryptionConfiguration, nil
		}, kms, func() error {
			_, err := c.DeleteBucketEncryption(ctx, &sdk.DeleteBucketEncryptionInput{Bucket: b})
			return err
		}, "", aes},
		{"cors", func() error {
			_, err := c.PutBucketCors(ctx, &sdk.PutBucketCorsInput{Bucket: b, CORSConfiguration: &types.CORSConfiguration{CORSRules: cors}})
			return err
		}, func() (any, error) {
			out, err := c.GetBucketCors(ctx, &sdk.GetBucketCorsInput{Bucket: b})
			if err != nil {
				return nil, err
			}
			return out.CORSRules, nil
		}, cors, func() error {
			_, err := c.DeleteBucketCors(ctx, &sdk.DeleteBucketCorsInput{Bucket: b})
			return err
		}, "NoSuchCORSConfiguration", nil},
		{"logging", func() error {
			_, err := c.PutBucketLogging(ctx, &sdk.PutBucketLoggingInput{Bucket: b, BucketLoggingStatus: &types.BucketLoggingStatus{LoggingEnabled: logging}})
			return err
		}, func() (any, error) {
			out, err := c.GetBucketLogging(ctx, &sdk.GetBucketLoggingInput{Bucket: b})
			if err != nil {
				return nil, err
			}
			return out.LoggingEnabled, nil
		}, logging, func() error {
			_, err := c.PutBucketLogging(ctx, &sdk.PutBucketLoggingInput{Bucket: b, BucketLoggingStatus: &types.BucketLoggingStatus{}})
			return err
		}, "", (*types.LoggingEnabled)(nil)},
		{"notification", func() error {
			_, err := c.PutBucketNotificationConfiguration(ctx, &sdk.PutBucketNotificationConfigurationInput{Bucket: b, NotificationConfiguration: notification})
			return err
		}, func() (any, error) {
			out, err := c.GetBucketNotificationConfiguration(ctx, &sdk.GetBucketNotificationConfigurationInput{Bucket: b})
			if err != nil {
				return nil, err
			}
			out.ResultMetadata = middleware.Metadata{}
			return *out, nil
		}, sdk.GetBucketNotificationConfigurationOutput{EventBridgeConfiguration: notification.EventBridgeConfiguration, QueueConfigurations: notification.QueueConfigurations}, func() error {
			_, err := c.PutBucketNotificationConfiguration(ctx, &sdk.PutBucketNotificationConfigurationInput{Bucket: b, NotificationConfiguration: &types.NotificationConfiguration{}})
			return err
		}, "", sdk.GetBucketNotificationConfigurationOutput{}},
		{"ownership", func() error {
			_, err := c.PutBucketOwnershipControls(ctx, &sdk.PutBucketOwnershipControlsInput{Bucket: b, OwnershipControls: &types.OwnershipControls{Rules: []types.OwnershipControlsRule{{ObjectOwnership: types.ObjectOwnershipObjectWriter}}}})
			return err
		}, func() (any, error) {
			out, err := c.GetBucketOwnershipControls(ctx, &sdk.GetBucketOwnershipControlsInput{Bucket: b})
			if err != nil {
				return nil, err
			}
			return out.OwnershipControls.Rules[0].ObjectOwnership, nil
		}, types.ObjectOwnershipObjectWriter, func() error {
			_, err := c.DeleteBucketOwnershipControls(ctx, &sdk.DeleteBucketOwnershipControlsInput{Bucket: b})
			return err
		}, "OwnershipControlsNotFoundError", nil},
		{"acl", func() error {
			_, err := c.PutBucketAcl(ctx, &sdk.PutBucketAclInput{Bucket: b, ACL: "log-delivery-write"})
			return err
		}, func() (any, error) {
			out, err := c.GetBucketAcl(ctx, &sdk.GetBucketAclInput{Bucket: b})
			if err != nil {
				return nil, err
			}
			return shown(out.Grants), nil
		}, "CanonicalUser:FULL_CONTROL LogDelivery:WRITE LogDelivery:READ_ACP", nil, "", nil},
		lifecycleSetting(ctx, c, b),
	}
}

// lifecycleSetting has each form of filter and action: the provider compares
// what it sent with what it reads, pointers and empty texts included.
func lifecycleSetting(ctx context.Context, c *sdk.Client, b *string) setting {
	one := &types.LifecycleExpiration{Days: aws.Int32(1)}
	tag := func(k, v string) types.Tag { return types.Tag{Key: &k, Value: &v} }
	on := types.ExpirationStatusEnabled
	rules := []types.LifecycleRule{
		{ID: aws.String("empty filter"), Status: on, Filter: &types.LifecycleRuleFilter{}, Expiration: one},
		{ID: aws.String("empty prefix"), Status: on, Filter: &types.LifecycleRuleFilter{Prefix: aws.String("")}, Expiration: &types.LifecycleExpiration{Date: aws.Time(time.Date(2040, 1, 1, 0, 0, 0, 0, time.UTC))}},
		{ID: aws.String("old prefix"), Status: on, Prefix: aws.String("a/"), AbortIncompleteMultipartUpload: &types.AbortIncompleteMultipartUpload{DaysAfterInitiation: aws.Int32(7)}},
		{ID: aws.String("tag"), Status: types.ExpirationStatusDisabled, Filter: &types.LifecycleRuleFilter{Tag: &types.Tag{Key: aws.String("k"), Value: aws.String("v")}}, Expiration: one},
		{ID: aws.String("sizes"), Status: on, Filter: &types.LifecycleRuleFilter{And: &types.LifecycleRuleAndOperator{ObjectSizeGreaterThan: aws.Int64(0), ObjectSizeLessThan: aws.Int64(10), Prefix: aws.String(""), Tags: []types.Tag{tag("a", "b"), tag("c", "")}}}, Expiration: one},
		{ID: aws.String("size"), Status: on, Filter: &types.LifecycleRuleFilter{ObjectSizeGreaterThan: aws.Int64(0)},
			Transitions:                  []types.Transition{{Days: aws.Int32(30), StorageClass: "STANDARD_IA"}, {Days: aws.Int32(60), StorageClass: "GLACIER"}},
			NoncurrentVersionTransitions: []types.NoncurrentVersionTransition{{NoncurrentDays: aws.Int32(30), NewerNoncurrentVersions: aws.Int32(2), StorageClass: "DEEP_ARCHIVE"}},
			NoncurrentVersionExpiration:  &types.NoncurrentVersionExpiration{NoncurrentDays: aws.Int32(60), NewerNoncurrentVersions: aws.Int32(3)}},
		{ID: aws.String("marker"), Status: on, Filter: &types.LifecycleRuleFilter{ObjectSizeLessThan: aws.Int64(5)}, Expiration: &types.LifecycleExpiration{ExpiredObjectDeleteMarker: aws.Bool(false)}},
	}
	return setting{"lifecycle", func() error {
		_, err := c.PutBucketLifecycleConfiguration(ctx, &sdk.PutBucketLifecycleConfigurationInput{Bucket: b, LifecycleConfiguration: &types.BucketLifecycleConfiguration{Rules: rules}, TransitionDefaultMinimumObjectSize: "varies_by_storage_class"})
		return err
	}, func() (any, error) {
		out, err := c.GetBucketLifecycleConfiguration(ctx, &sdk.GetBucketLifecycleConfigurationInput{Bucket: b})
		if err != nil {
			return nil, err
		}
		if out.TransitionDefaultMinimumObjectSize != "varies_by_storage_class" {
			return out.TransitionDefaultMinimumObjectSize, nil
		}
		return out.Rules, nil
	}, rules, func() error {
		_, err := c.DeleteBucketLifecycle(ctx, &sdk.DeleteBucketLifecycleInput{Bucket: b})
		return err
	}, "NoSuchLifecycleConfiguration", nil}
}

// The calls around aws_s3_object.
func TestTerraformObject(t *testing.T) {
	c, _ := client(t)
	ctx, b, k := t.Context(), aws.String("bkt"), aws.String("dir/hello world.txt")
	put := func(body, tagging string) {
		t.Helper()
		_, err := c.PutObject(ctx, &sdk.PutObjectInput{Bucket: b, Key: k, Body: strings.NewReader(body), ContentType: aws.String("text/plain"),
			CacheControl: aws.String("no-cache"), ContentLanguage: aws.String("en"), Metadata: map[string]string{"one": "1"}, Tagging: &tagging,
			ServerSideEncryption: types.ServerSideEncryptionAwsKms, SSEKMSKeyId: aws.String("arn:aws:kms:us-east-1:000000000000:key/k"), StorageClass: types.StorageClassStandard})
		if err != nil {
			t.Fatal(err)
		}
	}
	read := func() *sdk.HeadObjectOutput {
		t.Helper()
		out, err := c.HeadObject(ctx, &sdk.HeadObjectInput{Bucket: b, Key: k, ChecksumMode: types.ChecksumModeEnabled})
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	tags := func() []types.Tag {
		t.Helper()
		out, err := c.GetObjectTagging(ctx, &sdk.GetObjectTaggingInput{Bucket: b, Key: k})
		if err != nil {
			t.Fatal(err)
		}
		return out.TagSet
	}
	put("first", "Name=a&Stage=")
	h := read()
	same(t, "metadata", h.Metadata, map[string]string{"one": "1"})
	equal(t, "class", h.StorageClass, "") // STANDARD is not said
	equal(t, "key", *h.SSEKMSKeyId, "arn:aws:kms:us-east-1:000000000000:key/k")
	equal(t, "language", *h.ContentLanguage+*h.CacheControl+*h.ContentType, "enno-cachetext/plain")
	same(t, "tags", tags(), []types.Tag{{Key: aws.String("Name"), Value: aws.String("a")}, {Key: aws.String("Stage"), Value: aws.String("")}})
	if _, err := c.PutObjectTagging(ctx, &sdk.PutObjectTaggingInput{Bucket: b, Key: k, Tagging: &types.Tagging{TagSet: []types.Tag{}}}); err != nil {
		t.Fatal(err)
	}
	same(t, "no tags", len(tags()), 0)
	put("second", "Name=b")
	if read().ETag == h.ETag {
		t.Error("the same ETag for another body")
	}
	if _, err := c.DeleteObject(ctx, &sdk.DeleteObjectInput{Bucket: b, Key: k}); err != nil {
		t.Fatal(err)
	}
	_, err := c.HeadObject(ctx, &sdk.HeadObjectInput{Bucket: b, Key: k})
	equal(t, "after delete", status(err), 404)
	if _, err := c.DeleteObject(ctx, &sdk.DeleteObjectInput{Bucket: b, Key: k}); err != nil {
		t.Errorf("again: %v", err)
	}
}

// What is not a policy is refused before anything changes.
func TestMalformedBucketPolicy(t *testing.T) {
	c, _ := client(t)
	for _, policy := range []string{``, `{`, `x`, `[]`, `"a"`, `{}`, `{"Version":"2012-10-17","Statement":[]}`, `{"Version":"2011-01-01","Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"arn:aws:s3:::bkt"}]}`,
		`{"Statement":{"Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"arn:aws:s3:::other"}}`} {
		_, err := c.PutBucketPolicy(t.Context(), &sdk.PutBucketPolicyInput{Bucket: aws.String("bkt"), Policy: &policy})
		if code(err) != "MalformedPolicy" {
			t.Errorf("%s: %v", policy, err)
		}
	}
	_, err := c.GetBucketPolicy(t.Context(), &sdk.GetBucketPolicyInput{Bucket: aws.String("bkt")})
	wantCode(t, err, "NoSuchBucketPolicy")
}
