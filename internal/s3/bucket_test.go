package s3_test

import (
	"encoding/json"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/slipway-dev/slipway/internal/aws/identity"
)

func TestBuckets(t *testing.T) {
	w := newWorld(t)
	in := func(region string, constraint types.BucketLocationConstraint, name string) string {
		c := &types.CreateBucketConfiguration{LocationConstraint: constraint}
		_, err := w.CreateBucket(identity.WithRegion(w.ctx, region), &sdk.CreateBucketInput{Bucket: &name, CreateBucketConfiguration: c})
		return code(err)
	}
	equal(t, "us-east-1", in("us-east-1", "", "one"), "")
	equal(t, "us-east-1 again", in("us-east-1", "", "one"), "")
	equal(t, "eu-west-1", in("eu-west-1", "eu-west-1", "two"), "")
	equal(t, "eu-west-1 again", in("eu-west-1", "eu-west-1", "two"), "BucketAlreadyOwnedByYou")
	equal(t, "unspecified", in("eu-west-1", "", "three"), "IllegalLocationConstraintException")
	equal(t, "other", in("eu-west-1", "us-west-2", "three"), "IllegalLocationConstraintException")
	equal(t, "named us-east-1", in("us-east-1", "us-east-1", "three"), "InvalidLocationConstraint")
	equal(t, "from us-east-1", in("us-east-1", "EU", "three"), "")
	equal(t, "name", in("us-east-1", "", "Bad_Name"), "InvalidBucketName")

	location := func(name string) types.BucketLocationConstraint {
		out, err := w.GetBucketLocation(w.ctx, &sdk.GetBucketLocationInput{Bucket: &name})
		if err != nil {
			t.Fatal(err)
		}
		return out.LocationConstraint
	}
	equal(t, "location", location("one"), "")
	equal(t, "location", location("two"), "eu-west-1")
	head, err := w.HeadBucket(w.ctx, &sdk.HeadBucketInput{Bucket: aws.String("three")})
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "region", *head.BucketRegion, "eu-west-1")

	list := &sdk.ListBucketsInput{MaxBuckets: aws.Int32(2)}
	var names []string
	for {
		out, err := w.ListBuckets(w.ctx, list)
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range out.Buckets {
			names = append(names, *b.Name)
		}
		if list.ContinuationToken = out.ContinuationToken; list.ContinuationToken == nil {
			break
		}
	}
	equal(t, "names", len(names), 3)
	w.put("one", "k", "")
	_, err = w.DeleteBucket(w.ctx, &sdk.DeleteBucketInput{Bucket: aws.String("one")})
	wantCode(t, err, "BucketNotEmpty")
	w.delete("one", "k", nil)
	w.part("one", "k", w.begin("one", "k", "", ""), 1, "abandoned")
	_, err = w.DeleteBucket(w.ctx, &sdk.DeleteBucketInput{Bucket: aws.String("one")})
	wantCode(t, err, "")
	_, err = w.HeadBucket(w.ctx, &sdk.HeadBucketInput{Bucket: aws.String("one")})
	wantCode(t, err, "NoSuchBucket")
	equal(t, "blobs", w.blobCount(), 0)
}

// What tools read of a bucket nobody configured.
func TestDefaults(t *testing.T) {
	w := newWorld(t)
	w.bucket("bkt", "")
	b := aws.String("bkt")
	for want, ask := range map[string]func() error{
		"NoSuchTagSet":            func() error { _, err := w.GetBucketTagging(w.ctx, &sdk.GetBucketTaggingInput{Bucket: b}); return err },
		"NoSuchBucketPolicy":      func() error { _, err := w.GetBucketPolicy(w.ctx, &sdk.GetBucketPolicyInput{Bucket: b}); return err },
		"NoSuchCORSConfiguration": func() error { _, err := w.GetBucketCors(w.ctx, &sdk.GetBucketCorsInput{Bucket: b}); return err },
		"NoSuchLifecycleConfiguration": func() error {
			_, err := w.GetBucketLifecycleConfiguration(w.ctx, &sdk.GetBucketLifecycleConfigurationInput{Bucket: b})
			return err
		},
		"NoSuchWebsiteConfiguration": func() error { _, err := w.GetBucketWebsite(w.ctx, &sdk.GetBucketWebsiteInput{Bucket: b}); return err },
		"ReplicationConfigurationNotFoundError": func() error {
			_, err := w.GetBucketReplication(w.ctx, &sdk.GetBucketReplicationInput{Bucket: b})
			return err
		},
		"ObjectLockConfigurationNotFoundError": func() error {
			_, err := w.GetObjectLockConfiguration(w.ctx, &sdk.GetObjectLockConfigurationInput{Bucket: b})
			return err
		},
	} {
		wantCode(t, ask(), want)
	}
	enc, err := w.GetBucketEncryption(w.ctx, &sdk.GetBucketEncryptionInput{Bucket: b})
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "encryption", enc.ServerSideEncryptionConfiguration.Rules[0].ApplyServerSideEncryptionByDefault.SSEAlgorithm, types.ServerSideEncryptionAes256)
	block, err := w.GetPublicAccessBlock(w.ctx, &sdk.GetPublicAccessBlockInput{Bucket: b})
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "blocked", *block.PublicAccessBlockConfiguration.BlockPublicPolicy, true)
	own, err := w.GetBucketOwnershipControls(w.ctx, &sdk.GetBucketOwnershipControlsInput{Bucket: b})
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "ownership", own.OwnershipControls.Rules[0].ObjectOwnership, types.ObjectOwnershipBucketOwnerEnforced)
}

func TestBucketPolicy(t *testing.T) {
	w := newWorld(t)
	w.bucket("bkt", "")
	public := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::bkt/*"}]}`
	put := func() error {
		_, err := w.PutBucketPolicy(w.ctx, &sdk.PutBucketPolicyInput{Bucket: aws.String("bkt"), Policy: &public})
		return err
	}
	wantCode(t, put(), "AccessDenied") // by the block on public policies
	_, err := w.DeletePublicAccessBlock(w.ctx, &sdk.DeletePublicAccessBlockInput{Bucket: aws.String("bkt")})
	wantCode(t, err, "")
	wantCode(t, put(), "")
	status, err := w.GetBucketPolicyStatus(w.ctx, &sdk.GetBucketPolicyStatusInput{Bucket: aws.String("bkt")})
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "public", *status.PolicyStatus.IsPublic, true)
	got, err := w.GetBucketPolicy(w.ctx, &sdk.GetBucketPolicyInput{Bucket: aws.String("bkt")})
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "policy", *got.Policy, public)
}

func TestEvents(t *testing.T) {
	w := newWorld(t)
	w.bucket("bkt", "Enabled")
	_, err := w.PutBucketNotificationConfiguration(w.ctx, &sdk.PutBucketNotificationConfigurationInput{Bucket: aws.String("bkt"),
		NotificationConfiguration: &types.NotificationConfiguration{EventBridgeConfiguration: &types.EventBridgeConfiguration{}}})
	wantCode(t, err, "")
	v := w.put("bkt", "k", "four")
	w.delete("bkt", "k", nil)
	w.delete("bkt", "k", v.VersionId)
	w.delete("bkt", "k", v.VersionId) // is gone already
	var got []string
	for _, e := range w.events.events {
		var d struct {
			Object       struct{ Key string }
			Reason       string
			DeletionType string `json:"deletion-type"`
		}
		if err := json.Unmarshal(e.Detail, &d); err != nil {
			t.Fatal(err)
		}
		got = append(got, e.DetailType+" "+d.Object.Key+" "+d.Reason+" "+d.DeletionType)
	}
	want := []string{"Object Created k PutObject ", "Object Deleted k DeleteObject Delete Marker Created", "Object Deleted k DeleteObject Permanently Deleted"}
	for i := range max(len(got), len(want)) {
		if i >= len(got) || i >= len(want) || got[i] != want[i] {
			t.Fatalf("got %q\nwant %q", got, want)
		}
	}
}
