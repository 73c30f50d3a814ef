package s3_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// An archived object is read only after a restore, and not for longer.
func TestRestore(t *testing.T) {
	w := newWorld(t) // the clock stands at 03:04:05
	w.bucket("bkt", "")
	w.put("bkt", "k", repeat(200<<10))
	w.put("bkt", "small", "x")
	move := func(minimum types.TransitionDefaultMinimumObjectSize) {
		t.Helper()
		_, err := w.PutBucketLifecycleConfiguration(w.ctx, &sdk.PutBucketLifecycleConfigurationInput{Bucket: aws.String("bkt"),
			TransitionDefaultMinimumObjectSize: minimum,
			LifecycleConfiguration: &types.BucketLifecycleConfiguration{Rules: []types.LifecycleRule{rule("", func(r *types.LifecycleRule) {
				r.Transitions = []types.Transition{{Days: aws.Int32(0), StorageClass: types.TransitionStorageClassDeepArchive}}
			})}}})
		wantCode(t, err, "")
	}
	move("")
	w.pass(1)
	equal(t, "archived", w.get("bkt", "k", nil), "<InvalidObjectState>")
	equal(t, "too small", w.get("bkt", "small", nil), "x")
	move(types.TransitionDefaultMinimumObjectSizeVariesByStorageClass)
	w.pass(1)
	equal(t, "archived", w.get("bkt", "small", nil), "<InvalidObjectState>")
	_, err := w.CopyObject(w.ctx, &sdk.CopyObjectInput{Bucket: aws.String("bkt"), Key: aws.String("copy"), CopySource: aws.String("bkt/k")})
	wantCode(t, err, "InvalidObjectState")

	restore := func(key string, r *types.RestoreRequest) string {
		_, err := w.RestoreObject(w.ctx, &sdk.RestoreObjectInput{Bucket: aws.String("bkt"), Key: &key, RestoreRequest: r})
		return code(err)
	}
	head := func() *sdk.HeadObjectOutput {
		out, err := w.HeadObject(w.ctx, &sdk.HeadObjectInput{Bucket: aws.String("bkt"), Key: aws.String("small")})
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	equal(t, "class", head().StorageClass, types.StorageClassDeepArchive)
	equal(t, "restored", head().Restore, nil)
	equal(t, "no days", restore("small", &types.RestoreRequest{}), "MalformedXML")
	equal(t, "in haste", restore("small", &types.RestoreRequest{Days: aws.Int32(1), Tier: types.TierExpedited}), "InvalidArgument")
	equal(t, "select", restore("small", &types.RestoreRequest{Days: aws.Int32(1), Type: types.RestoreRequestTypeSelect}), "NotImplemented")
	equal(t, "restore", restore("small", &types.RestoreRequest{Days: aws.Int32(1), GlacierJobParameters: &types.GlacierJobParameters{Tier: types.TierBulk}}), "")
	equal(t, "restored", w.get("bkt", "small", nil), "x")
	equal(t, "until", aws.ToString(head().Restore), `ongoing-request="false", expiry-date="Tue, 06 Jan 2026 00:00:00 GMT"`)
	list, err := w.ListObjectsV2(w.ctx, &sdk.ListObjectsV2Input{Bucket: aws.String("bkt"), OptionalObjectAttributes: []types.OptionalObjectAttributes{types.OptionalObjectAttributesRestoreStatus}})
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "big's status", list.Contents[0].RestoreStatus, nil)
	equal(t, "small's status", *list.Contents[1].RestoreStatus.IsRestoreInProgress, false)
	_, err = w.CopyObject(w.ctx, &sdk.CopyObjectInput{Bucket: aws.String("bkt"), Key: aws.String("copy"), CopySource: aws.String("bkt/small")})
	wantCode(t, err, "")
	equal(t, "what is not archived", restore("copy", &types.RestoreRequest{Days: aws.Int32(1)}), "InvalidObjectState")
	w.pass(2)
	equal(t, "archived again", w.get("bkt", "small", nil), "<InvalidObjectState>")
	equal(t, "restored", head().Restore, nil)
}
