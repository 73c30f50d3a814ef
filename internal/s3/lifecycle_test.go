package s3_test

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

func (w *world) lifecycle(bucket string, rules ...types.LifecycleRule) error {
	_, err := w.PutBucketLifecycleConfiguration(w.ctx, &sdk.PutBucketLifecycleConfigurationInput{Bucket: &bucket,
		LifecycleConfiguration: &types.BucketLifecycleConfiguration{Rules: rules}})
	return err
}

func rule(prefix string, change func(*types.LifecycleRule)) types.LifecycleRule {
	r := types.LifecycleRule{ID: aws.String("r" + prefix), Status: types.ExpirationStatusEnabled, Filter: &types.LifecycleRuleFilter{Prefix: &prefix}}
	change(&r)
	return r
}

func days(n int32) *types.LifecycleExpiration { return &types.LifecycleExpiration{Days: &n} }

// pass lets days go by, each with its midnight.
func (w *world) pass(n int) {
	for range n {
		w.clock.Advance(24 * time.Hour)
		w.settle()
	}
}

func TestLifecycleExpires(t *testing.T) {
	w := newWorld(t) // the clock stands at 03:04:05
	w.bucket("bkt", "")
	wantCode(t, w.lifecycle("bkt", rule("logs/", func(r *types.LifecycleRule) {
		r.Expiration = days(2)
		r.AbortIncompleteMultipartUpload = &types.AbortIncompleteMultipartUpload{DaysAfterInitiation: aws.Int32(2)}
	})), "")
	out := w.put("bkt", "logs/a", "x")
	equal(t, "expiration", aws.ToString(out.Expiration), `expiry-date="Mon, 05 Jan 2026 00:00:00 GMT", rule-id="rlogs%2F"`)
	w.put("bkt", "kept", "x")
	w.part("bkt", "logs/u", w.begin("bkt", "logs/u", "", ""), 1, "x")
	w.pass(2)
	equal(t, "after two days", w.get("bkt", "logs/a", nil), "x") // expires at a midnight
	w.pass(1)
	equal(t, "after three days", w.get("bkt", "logs/a", nil), "<NoSuchKey>")
	equal(t, "kept", w.get("bkt", "kept", nil), "x")
	equal(t, "blobs", w.blobCount(), 1)
}

func TestLifecycleOfVersions(t *testing.T) {
	w := newWorld(t)
	w.bucket("bkt", "Enabled")
	for _, data := range []string{"1", "2", "3", "4"} {
		w.put("bkt", "k", data)
	}
	w.put("bkt", "gone", "x")
	w.delete("bkt", "gone", nil)
	wantCode(t, w.lifecycle("bkt", rule("", func(r *types.LifecycleRule) {
		r.NoncurrentVersionExpiration = &types.NoncurrentVersionExpiration{NoncurrentDays: aws.Int32(1), NewerNoncurrentVersions: aws.Int32(1)}
	})), "")
	w.pass(3)
	equal(t, "history", w.history("bkt"), "gone:x k:4* k:3 gone:marker*")
	wantCode(t, w.lifecycle("bkt",
		rule("", func(r *types.LifecycleRule) {
			r.NoncurrentVersionExpiration = &types.NoncurrentVersionExpiration{NoncurrentDays: aws.Int32(1)}
		}),
		rule("g", func(r *types.LifecycleRule) {
			r.Expiration = &types.LifecycleExpiration{ExpiredObjectDeleteMarker: aws.Bool(true)}
		})), "")
	w.pass(2)
	equal(t, "history", w.history("bkt"), "k:4*")
	equal(t, "blobs", w.blobCount(), 1)
}

func TestLifecycleTransitions(t *testing.T) {
	w := newWorld(t)
	w.bucket("bkt", "")
	w.put("bkt", "big", repeat(200<<10))
	w.put("bkt", "small", "x")
	wantCode(t, w.lifecycle("bkt", rule("", func(r *types.LifecycleRule) {
		r.Transitions = []types.Transition{{Days: aws.Int32(0), StorageClass: types.TransitionStorageClassIntelligentTiering}}
	})), "")
	w.pass(1)
	for key, want := range map[string]types.StorageClass{"big": "INTELLIGENT_TIERING", "small": ""} {
		out, err := w.HeadObject(w.ctx, &sdk.HeadObjectInput{Bucket: aws.String("bkt"), Key: &key})
		if err != nil {
			t.Fatal(err)
		}
		equal(t, key, out.StorageClass, want)
	}
}

func TestLifecycleRules(t *testing.T) {
	w := newWorld(t)
	w.bucket("bkt", "")
	for _, c := range []struct {
		name   string
		change func(*types.LifecycleRule)
		want   string
	}{
		{"no action", func(r *types.LifecycleRule) {}, "InvalidRequest"},
		{"zero days", func(r *types.LifecycleRule) { r.Expiration = days(0) }, "InvalidArgument"},
		{"nothing to expire by", func(r *types.LifecycleRule) { r.Expiration = &types.LifecycleExpiration{} }, "MalformedXML"},
		{"not midnight", func(r *types.LifecycleRule) {
			r.Expiration = &types.LifecycleExpiration{Date: aws.Time(time.Date(2030, 1, 1, 1, 0, 0, 0, time.UTC))}
		}, "InvalidArgument"},
		{"filter and prefix", func(r *types.LifecycleRule) { r.Expiration, r.Prefix = days(1), aws.String("x") }, "MalformedXML"},
		{"neither", func(r *types.LifecycleRule) { r.Expiration, r.Filter = days(1), nil }, "MalformedXML"},
		{"infrequent too soon", func(r *types.LifecycleRule) {
			r.Transitions = []types.Transition{{Days: aws.Int32(1), StorageClass: types.TransitionStorageClassStandardIa}}
		}, "InvalidArgument"},
		{"expires before it moves", func(r *types.LifecycleRule) {
			r.Expiration, r.Transitions = days(30), []types.Transition{{Days: aws.Int32(30), StorageClass: "GLACIER"}}
		}, "InvalidArgument"},
		{"days and dates", func(r *types.LifecycleRule) {
			r.Transitions = []types.Transition{{Days: aws.Int32(1), StorageClass: "GLACIER"}, {Date: aws.Time(time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)), StorageClass: "DEEP_ARCHIVE"}}
		}, "InvalidRequest"},
		{"expires in days, moves on a date", func(r *types.LifecycleRule) {
			r.Expiration, r.Transitions = days(1), []types.Transition{{Date: aws.Time(time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)), StorageClass: "GLACIER"}}
		}, "InvalidRequest"},
		{"moves twice to one class", func(r *types.LifecycleRule) {
			r.Transitions = []types.Transition{{Days: aws.Int32(1), StorageClass: "GLACIER"}, {Days: aws.Int32(2), StorageClass: "GLACIER"}}
		}, "InvalidRequest"},
		{"moves back", func(r *types.LifecycleRule) {
			r.Transitions = []types.Transition{{Days: aws.Int32(60), StorageClass: "STANDARD_IA"}, {Days: aws.Int32(30), StorageClass: "GLACIER"}}
		}, "InvalidArgument"},
		{"noncurrent expires before it moves", func(r *types.LifecycleRule) {
			r.NoncurrentVersionTransitions = []types.NoncurrentVersionTransition{{NoncurrentDays: aws.Int32(30), StorageClass: "GLACIER"}}
			r.NoncurrentVersionExpiration = &types.NoncurrentVersionExpiration{NoncurrentDays: aws.Int32(30)}
		}, "InvalidArgument"},
		{"in order", func(r *types.LifecycleRule) {
			r.Expiration = days(400)
			r.Transitions = []types.Transition{{Days: aws.Int32(90), StorageClass: "DEEP_ARCHIVE"}, {Days: aws.Int32(30), StorageClass: "STANDARD_IA"}, {Days: aws.Int32(60), StorageClass: "GLACIER"}}
		}, ""},
		{"abort by tag", func(r *types.LifecycleRule) {
			r.Filter = &types.LifecycleRuleFilter{Tag: &types.Tag{Key: aws.String("a"), Value: aws.String("b")}}
			r.AbortIncompleteMultipartUpload = &types.AbortIncompleteMultipartUpload{DaysAfterInitiation: aws.Int32(1)}
		}, "InvalidRequest"},
		{"good", func(r *types.LifecycleRule) { r.Expiration, r.ID = days(1), nil }, ""},
	} {
		if got := code(w.lifecycle("bkt", rule("", c.change))); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
	out, err := w.GetBucketLifecycleConfiguration(w.ctx, &sdk.GetBucketLifecycleConfigurationInput{Bucket: aws.String("bkt")})
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "an id is made", len(*out.Rules[0].ID), 48)
	twice := rule("", func(r *types.LifecycleRule) { r.Expiration = days(1) })
	wantCode(t, w.lifecycle("bkt", twice, twice), "InvalidArgument")
}
