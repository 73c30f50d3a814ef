package s3_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// pages lists in pages of n: keys and prefixes of all pages in order.
func (w *world) pages(bucket, prefix, delimiter string, n int32) []string {
	w.t.Helper()
	var all []string
	in := &sdk.ListObjectsV2Input{Bucket: &bucket, Prefix: &prefix, Delimiter: &delimiter, MaxKeys: &n}
	for {
		out, err := w.ListObjectsV2(w.ctx, in)
		if err != nil {
			w.t.Fatal(err)
		}
		var page []string
		for _, o := range out.Contents {
			page = append(page, *o.Key)
		}
		for _, p := range out.CommonPrefixes {
			page = append(page, *p.Prefix)
		}
		equal(w.t, "key count", int(*out.KeyCount), len(page))
		slices.Sort(page)
		all = append(all, page...)
		if !*out.IsTruncated {
			return all
		}
		in.ContinuationToken = out.NextContinuationToken
	}
}

func TestListObjects(t *testing.T) {
	w := newWorld(t)
	w.bucket("bkt", "")
	w.bucket("bkt2", "") // its keys must not show
	w.put("bkt2", "a", "")
	keys := []string{"a", "a b", "a/1", "a/2", "a/b/3", "a0", "b//x", "c+d", "ä", "ä/1", "日本/x", "😀"}
	for _, k := range keys {
		w.put("bkt", k, "")
	}
	slices.Sort(keys)
	for _, n := range []int32{1, 2, 3, 5, 1000} {
		for _, c := range []struct {
			prefix, delimiter string
			want              []string
		}{
			{"", "", keys},
			{"", "/", []string{"a", "a b", "a/", "a0", "b/", "c+d", "ä", "ä/", "日本/", "😀"}},
			{"a/", "/", []string{"a/1", "a/2", "a/b/"}},
			{"a", "", []string{"a", "a b", "a/1", "a/2", "a/b/3", "a0"}},
			{"b/", "/", []string{"b//"}},
			{"", "b", []string{"a", "a b", "a/1", "a/2", "a/b", "a0", "b", "c+d", "ä", "ä/1", "日本/x", "😀"}},
			{"zzz", "/", nil},
			{"ä", "", []string{"ä", "ä/1"}},
		} {
			if got := w.pages("bkt", c.prefix, c.delimiter, n); !slices.Equal(got, c.want) {
				t.Errorf("prefix %q delimiter %q pages of %d:\n got %q\nwant %q", c.prefix, c.delimiter, n, got, c.want)
			}
		}
	}
	out, err := w.ListObjectsV2(w.ctx, &sdk.ListObjectsV2Input{Bucket: aws.String("bkt"), StartAfter: aws.String("c+d"), EncodingType: types.EncodingTypeUrl})
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "start-after", *out.Contents[0].Key, "%C3%A4")
	equal(t, "echo", *out.StartAfter, "c%2Bd")
	_, err = w.ListObjectsV2(w.ctx, &sdk.ListObjectsV2Input{Bucket: aws.String("bkt"), ContinuationToken: aws.String("nonsense")})
	wantCode(t, err, "InvalidArgument")
	_, err = w.ListObjectsV2(w.ctx, &sdk.ListObjectsV2Input{Bucket: aws.String("bkt"), MaxKeys: aws.Int32(-1)})
	wantCode(t, err, "InvalidArgument")
	one, err := w.ListObjects(w.ctx, &sdk.ListObjectsInput{Bucket: aws.String("bkt"), Delimiter: aws.String("/"), MaxKeys: aws.Int32(3)})
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "next marker", *one.NextMarker, "a/")
	two, err := w.ListObjects(w.ctx, &sdk.ListObjectsInput{Bucket: aws.String("bkt"), Delimiter: aws.String("/"), Marker: one.NextMarker})
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "first of page two", *two.Contents[0].Key, "a0")
	equal(t, "prefixes of page two", len(two.CommonPrefixes), 3)
}

func TestListSkipsWhatAPrefixCovers(t *testing.T) {
	w := newWorld(t)
	w.bucket("bkt", "Enabled")
	for i := range 300 {
		w.put("bkt", fmt.Sprintf("many/%03d", i), "")
	}
	w.put("bkt", "z", "")
	for range 100 {
		w.delete("bkt", "many/000", nil)
	}
	got := w.pages("bkt", "", "/", 1)
	if !slices.Equal(got, []string{"many/", "z"}) {
		t.Errorf("got %q", got)
	}
	out, err := w.ListObjectVersions(w.ctx, &sdk.ListObjectVersionsInput{Bucket: aws.String("bkt"), Delimiter: aws.String("/")})
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "prefixes", len(out.CommonPrefixes), 1)
	equal(t, "versions", len(out.Versions), 1)
}

func TestListVersionsPages(t *testing.T) {
	w := newWorld(t)
	w.bucket("bkt", "")
	w.put("bkt", "b", "null")
	w.versioning("bkt", "Enabled")
	var want []string
	for _, k := range []string{"a", "a/x", "b", "c"} {
		var of []string
		for i := range 3 {
			v := fmt.Sprint(k, i)
			w.put("bkt", k, v)
			of = append([]string{v}, of...)
		}
		want = append(want, of...)
		if k == "b" {
			want = append(want, "null")
		}
	}
	for _, n := range []int32{1, 2, 3, 4, 100} {
		var got []string
		in := &sdk.ListObjectVersionsInput{Bucket: aws.String("bkt"), MaxKeys: &n}
		for {
			out, err := w.ListObjectVersions(w.ctx, in)
			if err != nil {
				t.Fatal(err)
			}
			for _, v := range out.Versions {
				got = append(got, w.get("bkt", *v.Key, v.VersionId))
			}
			if !*out.IsTruncated {
				break
			}
			in.KeyMarker, in.VersionIdMarker = out.NextKeyMarker, out.NextVersionIdMarker
		}
		if !slices.Equal(got, want) {
			t.Errorf("pages of %d:\n got %q\nwant %q", n, got, want)
		}
	}
	out, err := w.ListObjectVersions(w.ctx, &sdk.ListObjectVersionsInput{Bucket: aws.String("bkt"), KeyMarker: aws.String("b"), VersionIdMarker: aws.String("null")})
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "after the null version", strings.Repeat("x", len(out.Versions)), "xxx")
}
