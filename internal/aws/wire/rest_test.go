package wire

import (
	"net/http/httptest"
	"testing"
)

func TestS3Match(t *testing.T) {
	b, err := Bind(wholeService(t, "s3"))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ method, target, host, header, want, bucket, key string }{
		{"GET", "/", "", "", "ListBuckets", "", ""},
		{"GET", "/b", "", "", "ListObjects", "b", ""},
		{"GET", "/b/", "", "", "ListObjects", "b", ""},
		{"GET", "/b?list-type=2&prefix=x", "", "", "ListObjectsV2", "b", ""},
		{"GET", "/b?versions", "", "", "ListObjectVersions", "b", ""},
		{"GET", "/b?versions=", "", "", "ListObjectVersions", "b", ""},
		{"GET", "/b?location", "", "", "GetBucketLocation", "b", ""},
		{"GET", "/b?policy", "", "", "GetBucketPolicy", "b", ""},
		{"GET", "/b?lifecycle", "", "", "GetBucketLifecycleConfiguration", "b", ""},
		{"PUT", "/b?notification", "", "", "PutBucketNotificationConfiguration", "b", ""},
		{"GET", "/b?analytics", "", "", "ListBucketAnalyticsConfigurations", "b", ""},
		{"GET", "/b?analytics&id=1", "", "", "GetBucketAnalyticsConfiguration", "b", ""},
		{"PUT", "/b?analytics", "", "", "PutBucketAnalyticsConfiguration", "b", ""},
		{"GET", "/b?uploads", "", "", "ListMultipartUploads", "b", ""},
		{"HEAD", "/b", "", "", "HeadBucket", "b", ""},
		{"PUT", "/b", "", "", "CreateBucket", "b", ""},
		{"DELETE", "/b", "", "", "DeleteBucket", "b", ""},
		{"DELETE", "/b?policy", "", "", "DeleteBucketPolicy", "b", ""},
		{"DELETE", "/b?versioning", "", "", "", "", ""},
		{"DELETE", "/b/k?acl", "", "", "", "", ""},
		{"POST", "/b?delete", "", "", "DeleteObjects", "b", ""},
		{"POST", "/b/k?uploads", "", "", "CreateMultipartUpload", "b", "k"},
		{"POST", "/b/k?uploadId=1", "", "", "CompleteMultipartUpload", "b", "k"},
		{"PUT", "/b/k", "", "", "PutObject", "b", "k"},
		{"PUT", "/b/k?x-id=PutObject", "", "", "PutObject", "b", "k"},
		{"PUT", "/b/k", "", "X-Amz-Copy-Source", "CopyObject", "b", "k"},
		{"PUT", "/b/k?partNumber=1&uploadId=2", "", "", "UploadPart", "b", "k"},
		{"PUT", "/b/k?partNumber=1&uploadId=2", "", "X-Amz-Copy-Source", "UploadPartCopy", "b", "k"},
		{"PUT", "/b/k?tagging", "", "", "PutObjectTagging", "b", "k"},
		{"GET", "/b/k", "", "", "GetObject", "b", "k"},
		{"GET", "/b/k?versionId=7", "", "", "GetObject", "b", "k"},
		{"GET", "/b/k?attributes", "", "X-Amz-Object-Attributes", "GetObjectAttributes", "b", "k"},
		{"GET", "/b/k?uploadId=1", "", "", "ListParts", "b", "k"},
		{"HEAD", "/b/k", "", "", "HeadObject", "b", "k"},
		{"DELETE", "/b/k", "", "", "DeleteObject", "b", "k"},
		{"DELETE", "/b/k?uploadId=1", "", "", "AbortMultipartUpload", "b", "k"},
		{"GET", "/b/a+b%20c%2Fd/e%2525", "", "", "GetObject", "b", "a+b c/d/e%25"},
		{"GET", "/b//k", "", "", "GetObject", "b", "/k"},
		{"GET", "/b/dir/", "", "", "GetObject", "b", "dir/"},
		{"GET", "/b/../c", "", "", "GetObject", "b", "../c"},
		{"GET", "/a/b", "pics.s3.localhost:4566", "", "GetObject", "pics", "a/b"},
		{"GET", "/a/b", "my.pics.localhost", "", "GetObject", "my.pics", "a/b"},
		{"PUT", "/", "pics.s3.eu-west-1.localhost:4566", "", "CreateBucket", "pics", ""},
		{"GET", "/", "s3.localhost:4566", "", "ListBuckets", "", ""},
		{"PATCH", "/b/k", "", "", "", "", ""},
	} {
		r := httptest.NewRequest(c.method, c.target, nil)
		if r.Host = "localhost:4566"; c.host != "" {
			r.Host = c.host
		}
		if c.header != "" {
			r.Header.Set(c.header, "x")
		}
		m, err := b.match(r)
		if err != nil {
			if c.want != "" {
				t.Errorf("%s %s: %v", c.method, c.target, err)
			}
			continue
		}
		if m.name != c.want || m.labels["Bucket"] != c.bucket || m.labels["Key"] != c.key {
			t.Errorf("%s %s: %s %v", c.method, c.target, m.name, m.labels)
		}
	}
}

// FuzzMatch: no address breaks the matcher.
func FuzzMatch(f *testing.F) {
	b, err := Bind(wholeService(f, "s3"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add("GET", "/b/k", "versions", "pics.s3.localhost")
	f.Add("PUT", "/b//%2e%2e/+", "uploadId=1&partNumber=%", "")
	f.Fuzz(func(t *testing.T, method, path, query, host string) {
		r := httptest.NewRequest("GET", "/", nil)
		r.Method, r.URL.Path, r.URL.RawPath, r.URL.RawQuery, r.Host = method, path, path, query, host
		if m, err := b.match(r); err == nil && m.name == "" {
			t.Error("matched nothing")
		}
	})
}
