package s3_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// history lists the versions of a bucket: KEY=LATEST/MARKER …
func (w *world) history(bucket string) string {
	w.t.Helper()
	out, err := w.ListObjectVersions(w.ctx, &sdk.ListObjectVersionsInput{Bucket: &bucket})
	if err != nil {
		w.t.Fatal(err)
	}
	var b strings.Builder
	for _, v := range out.Versions {
		b.WriteString(*v.Key + ":" + w.get(bucket, *v.Key, v.VersionId) + flags(*v.IsLatest, *v.VersionId == "null") + " ")
	}
	for _, v := range out.DeleteMarkers {
		b.WriteString(*v.Key + ":marker" + flags(*v.IsLatest, *v.VersionId == "null") + " ")
	}
	return strings.TrimSpace(b.String())
}

func flags(latest, null bool) string {
	s := ""
	if latest {
		s += "*"
	}
	if null {
		s += "0"
	}
	return s
}

func TestUnversioned(t *testing.T) {
	w := newWorld(t)
	w.bucket("bkt", "")
	equal(t, "version", w.put("bkt", "k", "one").VersionId, nil)
	w.put("bkt", "k", "two")
	equal(t, "history", w.history("bkt"), "k:two*0")
	equal(t, "blobs", w.blobCount(), 1)
	v, marker := w.delete("bkt", "k", nil)
	equal(t, "deleted", v, "")
	equal(t, "marker", marker, false)
	equal(t, "get", w.get("bkt", "k", nil), "<NoSuchKey>")
	equal(t, "blobs", w.blobCount(), 0)
	w.delete("bkt", "k", nil) // of nothing
}

func TestVersions(t *testing.T) {
	w := newWorld(t)
	w.bucket("bkt", "Enabled")
	one := w.put("bkt", "k", "one").VersionId
	two := w.put("bkt", "k", "two").VersionId
	equal(t, "history", w.history("bkt"), "k:two* k:one")
	marker, isMarker := w.delete("bkt", "k", nil)
	equal(t, "marker", isMarker, true)
	equal(t, "get", w.get("bkt", "k", nil), "<NoSuchKey>")
	equal(t, "get marker", w.get("bkt", "k", &marker), "<MethodNotAllowed>")
	equal(t, "get two", w.get("bkt", "k", two), "two")
	equal(t, "history", w.history("bkt"), "k:two k:one k:marker*")
	// Deleting the marker brings the object back.
	v, isMarker := w.delete("bkt", "k", &marker)
	equal(t, "deleted", v, marker)
	equal(t, "was marker", isMarker, true)
	equal(t, "get", w.get("bkt", "k", nil), "two")
	w.delete("bkt", "k", two)
	equal(t, "history", w.history("bkt"), "k:one*")
	w.delete("bkt", "k", one)
	equal(t, "history", w.history("bkt"), "")
	equal(t, "blobs", w.blobCount(), 0)
	equal(t, "get gone", w.get("bkt", "k", one), "<NoSuchVersion>")
	equal(t, "get nonsense", w.get("bkt", "k", aws.String("nonsense")), "<InvalidArgument>")
}

func TestSuspendedVersions(t *testing.T) {
	w := newWorld(t)
	w.bucket("bkt", "")
	w.put("bkt", "k", "before")
	w.versioning("bkt", "Enabled")
	w.put("bkt", "k", "kept")
	equal(t, "history", w.history("bkt"), "k:kept* k:before0")
	equal(t, "get null", w.get("bkt", "k", aws.String("null")), "before")
	w.versioning("bkt", "Suspended")
	equal(t, "version", aws.ToString(w.put("bkt", "k", "null two").VersionId), "null")
	equal(t, "history", w.history("bkt"), "k:null two*0 k:kept")
	w.put("bkt", "k", "null three")
	equal(t, "history", w.history("bkt"), "k:null three*0 k:kept")
	v, marker := w.delete("bkt", "k", nil) // the null version is replaced by a null marker
	equal(t, "deleted", v, "null")
	equal(t, "marker", marker, true)
	equal(t, "history", w.history("bkt"), "k:kept k:marker*0")
	w.versioning("bkt", "Enabled")
	w.put("bkt", "k", "last")
	equal(t, "history", w.history("bkt"), "k:last* k:kept k:marker0")
	w.delete("bkt", "k", aws.String("null"))
	equal(t, "history", w.history("bkt"), "k:last* k:kept")
	equal(t, "blobs", w.blobCount(), 2)
	_, err := w.DeleteBucket(w.ctx, &sdk.DeleteBucketInput{Bucket: aws.String("bkt")})
	wantCode(t, err, "BucketNotEmpty")
}

func TestDeleteObjects(t *testing.T) {
	w := newWorld(t)
	w.bucket("bkt", "Enabled")
	v := w.put("bkt", "a", "x").VersionId
	w.put("bkt", "b", "x")
	out, err := w.DeleteObjects(w.ctx, &sdk.DeleteObjectsInput{Bucket: aws.String("bkt"), Delete: &types.Delete{Objects: []types.ObjectIdentifier{
		{Key: aws.String("a"), VersionId: v}, {Key: aws.String("b")}, {Key: aws.String("c"), VersionId: aws.String("bad")}, {Key: aws.String("never")},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "deleted", len(out.Deleted), 3)
	equal(t, "errors", len(out.Errors), 1)
	equal(t, "code", *out.Errors[0].Code, "InvalidArgument")
	equal(t, "history", w.history("bkt"), "b:x b:marker* never:marker*")
}
