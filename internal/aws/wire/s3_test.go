package wire_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
	"github.com/slipway-dev/slipway/internal/aws/wire"
)

type options = func(*s3.Options)

// bucket remembers what it was asked and answers with what it is told.
type bucket struct {
	put       *s3.PutObjectInput
	body      []byte
	lifecycle *s3.PutBucketLifecycleConfigurationInput
	tagging   *s3.PutObjectTaggingInput
	deleted   *s3.DeleteObjectsInput
	list      *s3.ListObjectsV2Input
}

func (b *bucket) PutObject(_ context.Context, in *s3.PutObjectInput, _ ...options) (*s3.PutObjectOutput, error) {
	var err error
	b.put = in
	b.body, err = io.ReadAll(in.Body)
	return &s3.PutObjectOutput{ETag: aws.String(`"abc"`), VersionId: aws.String("v1")}, err
}

func (b *bucket) GetObject(_ context.Context, in *s3.GetObjectInput, _ ...options) (*s3.GetObjectOutput, error) {
	if *in.Key == "none" {
		return nil, &types.NoSuchKey{Message: aws.String("The specified key does not exist.")}
	}
	out := &s3.GetObjectOutput{Body: io.NopCloser(bytes.NewReader(b.body)), ContentLength: aws.Int64(int64(len(b.body))),
		Metadata: map[string]string{"who": "me"}, LastModified: aws.Time(time.Unix(1700000000, 0)), ETag: aws.String(`"abc"`)}
	if in.Range != nil {
		out.ContentRange = aws.String("bytes 0-4/5")
	}
	return out, nil
}

func (b *bucket) HeadObject(_ context.Context, in *s3.HeadObjectInput, _ ...options) (*s3.HeadObjectOutput, error) {
	if *in.Key == "none" {
		return nil, &types.NotFound{}
	}
	return &s3.HeadObjectOutput{ContentLength: aws.Int64(1 << 40), ContentType: aws.String("text/plain")}, nil
}

func (b *bucket) ListObjectsV2(_ context.Context, in *s3.ListObjectsV2Input, _ ...options) (*s3.ListObjectsV2Output, error) {
	b.list = in
	return &s3.ListObjectsV2Output{Name: in.Bucket, KeyCount: aws.Int32(2), IsTruncated: aws.Bool(false),
		CommonPrefixes: []types.CommonPrefix{{Prefix: aws.String("p/")}},
		Contents: []types.Object{{Key: aws.String("a&b <c>"), Size: aws.Int64(5), LastModified: aws.Time(time.UnixMilli(1700000000120).UTC()),
			StorageClass: types.ObjectStorageClassStandard}, {Key: aws.String("ü")}}}, nil
}

func (b *bucket) PutBucketLifecycleConfiguration(_ context.Context, in *s3.PutBucketLifecycleConfigurationInput, _ ...options) (*s3.PutBucketLifecycleConfigurationOutput, error) {
	b.lifecycle = in
	return &s3.PutBucketLifecycleConfigurationOutput{}, nil
}

func (b *bucket) GetBucketLifecycleConfiguration(context.Context, *s3.GetBucketLifecycleConfigurationInput, ...options) (*s3.GetBucketLifecycleConfigurationOutput, error) {
	return &s3.GetBucketLifecycleConfigurationOutput{Rules: b.lifecycle.LifecycleConfiguration.Rules}, nil
}

func (b *bucket) PutObjectTagging(_ context.Context, in *s3.PutObjectTaggingInput, _ ...options) (*s3.PutObjectTaggingOutput, error) {
	b.tagging = in
	return &s3.PutObjectTaggingOutput{}, nil
}

func (b *bucket) GetObjectTagging(context.Context, *s3.GetObjectTaggingInput, ...options) (*s3.GetObjectTaggingOutput, error) {
	return &s3.GetObjectTaggingOutput{TagSet: b.tagging.Tagging.TagSet}, nil
}

func (b *bucket) DeleteObjects(_ context.Context, in *s3.DeleteObjectsInput, _ ...options) (*s3.DeleteObjectsOutput, error) {
	b.deleted = in
	return &s3.DeleteObjectsOutput{Deleted: []types.DeletedObject{{Key: in.Delete.Objects[0].Key, DeleteMarker: aws.Bool(true)}},
		Errors: []types.Error{{Key: aws.String("k2"), Code: aws.String("AccessDenied")}}}, nil
}

func (b *bucket) GetBucketLocation(_ context.Context, in *s3.GetBucketLocationInput, _ ...options) (*s3.GetBucketLocationOutput, error) {
	return &s3.GetBucketLocationOutput{LocationConstraint: types.BucketLocationConstraint(strings.TrimPrefix(*in.Bucket, "in-"))}, nil
}

func (b *bucket) GetBucketPolicy(context.Context, *s3.GetBucketPolicyInput, ...options) (*s3.GetBucketPolicyOutput, error) {
	return &s3.GetBucketPolicyOutput{Policy: aws.String(`{"Version":"2012-10-17"}`)}, nil
}

func (b *bucket) CopyObject(_ context.Context, in *s3.CopyObjectInput, _ ...options) (*s3.CopyObjectOutput, error) {
	return &s3.CopyObjectOutput{VersionId: in.CopySource, CopyObjectResult: &types.CopyObjectResult{ETag: aws.String(`"copy"`)}}, nil
}

func (b *bucket) DeleteBucket(context.Context, *s3.DeleteBucketInput, ...options) (*s3.DeleteBucketOutput, error) {
	return nil, &wire.Error{Code: "BucketNotEmpty", Message: "The bucket you tried to delete is not empty", Fields: map[string]string{"BucketName": "b"}}
}

func (b *bucket) Wire() wire.Service {
	return wire.Service{Model: "s3", Operations: []wire.Operation{
		wire.Op("s3:PutObject", b.PutObject, nil),
		wire.Op("s3:GetObject", b.GetObject, nil),
		wire.Op("s3:GetObject", b.HeadObject, nil),
		wire.Op("s3:ListBucket", b.ListObjectsV2, nil),
		wire.Op("s3:PutLifecycleConfiguration", b.PutBucketLifecycleConfiguration, nil),
		wire.Op("s3:GetLifecycleConfiguration", b.GetBucketLifecycleConfiguration, nil),
		wire.Op("s3:PutObjectTagging", b.PutObjectTagging, nil),
		wire.Op("s3:GetObjectTagging", b.GetObjectTagging, nil),
		wire.Op("s3:DeleteObject", b.DeleteObjects, nil),
		wire.Op("s3:GetBucketLocation", b.GetBucketLocation, nil),
		wire.Op("s3:GetBucketPolicy", b.GetBucketPolicy, nil),
		wire.Op("s3:PutObject", b.CopyObject, nil),
		wire.Op("s3:DeleteBucket", b.DeleteBucket, nil),
	}}
}

func s3Client(t *testing.T, b *bucket) *s3.Client {
	return s3.NewFromConfig(serve(t, b.Wire()), func(o *s3.Options) { o.UsePathStyle = true })
}

func TestS3RoundTrip(t *testing.T) {
	b := &bucket{}
	c := s3Client(t, b)
	const key = "dir//a+b c/%25/ü&?#.txt"
	expires := time.Unix(1800000000, 0).UTC()
	put, err := c.PutObject(ctx(t), &s3.PutObjectInput{Bucket: aws.String("b"), Key: aws.String(key), Body: strings.NewReader("hello"),
		Metadata: map[string]string{"Who": "me"}, ContentType: aws.String("text/plain"), Expires: &expires, StorageClass: types.StorageClassStandard})
	if err != nil {
		t.Fatal(err)
	}
	if *put.ETag != `"abc"` || *put.VersionId != "v1" {
		t.Errorf("put: %+v", put)
	}
	if *b.put.Key != key || string(b.body) != "hello" || b.put.Metadata["who"] != "me" || *b.put.ContentLength != 5 || !b.put.Expires.Equal(expires) || b.put.ContentEncoding != nil {
		t.Errorf("got %+v", b.put)
	}
	get, err := c.GetObject(ctx(t), &s3.GetObjectInput{Bucket: aws.String("b"), Key: aws.String(key), Range: aws.String("bytes=0-4")})
	if err != nil {
		t.Fatal(err)
	}
	if body, _ := io.ReadAll(get.Body); string(body) != "hello" || get.Metadata["who"] != "me" || get.LastModified.Unix() != 1700000000 || *get.ContentLength != 5 {
		t.Errorf("got %s %+v", body, get)
	}
	head, err := c.HeadObject(ctx(t), &s3.HeadObjectInput{Bucket: aws.String("b"), Key: aws.String(key)})
	if err != nil || *head.ContentLength != 1<<40 {
		t.Errorf("%v %+v", err, head)
	}
	list, err := c.ListObjectsV2(ctx(t), &s3.ListObjectsV2Input{Bucket: aws.String("b"), Prefix: aws.String("a+b"), MaxKeys: aws.Int32(7), Delimiter: aws.String("")})
	if err != nil {
		t.Fatal(err)
	}
	if *list.Contents[0].Key != "a&b <c>" || list.Contents[0].LastModified.UnixMilli() != 1700000000120 || *list.CommonPrefixes[0].Prefix != "p/" {
		t.Errorf("list: %+v", list)
	}
	if *b.list.Prefix != "a+b" || *b.list.MaxKeys != 7 {
		t.Errorf("asked: %+v", b.list)
	}
	rules := []types.LifecycleRule{{ID: aws.String("r"), Status: types.ExpirationStatusEnabled,
		Filter:     &types.LifecycleRuleFilter{And: &types.LifecycleRuleAndOperator{Prefix: aws.String("x"), Tags: []types.Tag{{Key: aws.String("k"), Value: aws.String("v")}}}},
		Expiration: &types.LifecycleExpiration{Days: aws.Int32(3)}}}
	if _, err := c.PutBucketLifecycleConfiguration(ctx(t), &s3.PutBucketLifecycleConfigurationInput{Bucket: aws.String("b"),
		LifecycleConfiguration: &types.BucketLifecycleConfiguration{Rules: rules}}); err != nil {
		t.Fatal(err)
	}
	if life, err := c.GetBucketLifecycleConfiguration(ctx(t), &s3.GetBucketLifecycleConfigurationInput{Bucket: aws.String("b")}); err != nil || !reflect.DeepEqual(life.Rules, rules) {
		t.Errorf("%v %+v", err, life)
	}
	tags := []types.Tag{{Key: aws.String("k"), Value: aws.String("")}}
	if _, err := c.PutObjectTagging(ctx(t), &s3.PutObjectTaggingInput{Bucket: aws.String("b"), Key: aws.String("k"), Tagging: &types.Tagging{TagSet: tags}}); err != nil {
		t.Fatal(err)
	}
	if got, err := c.GetObjectTagging(ctx(t), &s3.GetObjectTaggingInput{Bucket: aws.String("b"), Key: aws.String("k")}); err != nil || !reflect.DeepEqual(got.TagSet, tags) {
		t.Errorf("%v %+v", err, got)
	}
	del, err := c.DeleteObjects(ctx(t), &s3.DeleteObjectsInput{Bucket: aws.String("b"), Delete: &types.Delete{Quiet: aws.Bool(true),
		Objects: []types.ObjectIdentifier{{Key: aws.String("a\nb")}, {Key: aws.String("k2")}}}})
	if err != nil || len(b.deleted.Delete.Objects) != 2 || !*del.Deleted[0].DeleteMarker || *del.Errors[0].Code != "AccessDenied" {
		t.Errorf("%v %+v", err, del)
	}
	for in, want := range map[string]types.BucketLocationConstraint{"in-": "", "in-eu-west-1": "eu-west-1"} {
		if loc, err := c.GetBucketLocation(ctx(t), &s3.GetBucketLocationInput{Bucket: aws.String(in)}); err != nil || loc.LocationConstraint != want {
			t.Errorf("%v %+v", err, loc)
		}
	}
	if pol, err := c.GetBucketPolicy(ctx(t), &s3.GetBucketPolicyInput{Bucket: aws.String("b")}); err != nil || *pol.Policy != `{"Version":"2012-10-17"}` {
		t.Errorf("%v %+v", err, pol)
	}
	cp, err := c.CopyObject(ctx(t), &s3.CopyObjectInput{Bucket: aws.String("b"), Key: aws.String("k"), CopySource: aws.String("b/k2")})
	if err != nil || *cp.CopyObjectResult.ETag != `"copy"` || *cp.VersionId != "b/k2" {
		t.Errorf("%v %+v", err, cp)
	}
}

func TestS3Errors(t *testing.T) {
	c := s3Client(t, &bucket{})
	_, err := c.GetObject(ctx(t), &s3.GetObjectInput{Bucket: aws.String("b"), Key: aws.String("none")})
	var noKey *types.NoSuchKey
	if !errors.As(err, &noKey) || !strings.Contains(err.Error(), "StatusCode: 404") {
		t.Error(err)
	}
	_, err = c.HeadObject(ctx(t), &s3.HeadObjectInput{Bucket: aws.String("b"), Key: aws.String("none")})
	var notFound *types.NotFound
	if !errors.As(err, &notFound) {
		t.Error(err)
	}
	var api smithy.APIError
	_, err = c.DeleteBucket(ctx(t), &s3.DeleteBucketInput{Bucket: aws.String("b")})
	if !errors.As(err, &api) || api.ErrorCode() != "BucketNotEmpty" || !strings.Contains(err.Error(), "StatusCode: 409") {
		t.Error(err)
	}
	_, err = c.GetBucketWebsite(ctx(t), &s3.GetBucketWebsiteInput{Bucket: aws.String("b")})
	if !errors.As(err, &api) || api.ErrorCode() != "NotImplemented" || !strings.Contains(err.Error(), "GetBucketWebsite") {
		t.Error(err)
	}
	_, err = c.PutBucketLifecycleConfiguration(ctx(t), &s3.PutBucketLifecycleConfigurationInput{Bucket: aws.String("b"),
		LifecycleConfiguration: &types.BucketLifecycleConfiguration{Rules: []types.LifecycleRule{{Status: "Perhaps"}}}})
	if !errors.As(err, &api) || api.ErrorCode() != "MalformedXML" {
		t.Error(err)
	}
	_, err = c.PutObject(ctx(t), &s3.PutObjectInput{Bucket: aws.String("b"), Key: aws.String("k"), StorageClass: "WARM"})
	if !errors.As(err, &api) || api.ErrorCode() != "InvalidArgument" || !strings.Contains(err.Error(), "WARM") {
		t.Error(err)
	}
}

func TestS3AnswerForm(t *testing.T) {
	b := &bucket{body: []byte("hello")}
	bound, err := wire.Bind(b.Wire())
	if err != nil {
		t.Fatal(err)
	}
	do := func(method, target, host string) *http.Response {
		r := httptest.NewRequest(method, target, nil)
		r.Host = host
		w := httptest.NewRecorder()
		handler(t, bound)(w, r)
		return w.Result()
	}
	text := func(r *http.Response) string { b, _ := io.ReadAll(r.Body); return string(b) }

	list := text(do("GET", "/?list-type=2", "pics.s3.localhost:4566"))
	for _, want := range []string{`<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">`, "<Name>pics</Name>", "<Key>a&amp;b &lt;c&gt;</Key>", "<LastModified>2023-11-14T22:13:20.120Z</LastModified>"} {
		if !strings.Contains(list, want) {
			t.Errorf("no %s in %s", want, list)
		}
	}
	if r := do("GET", "/none", "b.localhost"); r.StatusCode != 404 || !strings.Contains(text(r), "<Error><Code>NoSuchKey</Code><Message>The specified key does not exist.</Message><Resource>/none</Resource><RequestId>1111") {
		t.Error(r)
	}
	r := httptest.NewRequest("GET", "/b/k", nil)
	r.Header.Set("Range", "bytes=0-4")
	w := httptest.NewRecorder()
	handler(t, bound)(w, r)
	if w.Code != 206 || w.Header()["x-amz-meta-who"][0] != "me" || w.Header().Get("Last-Modified") != "Tue, 14 Nov 2023 22:13:20 GMT" {
		t.Errorf("%d %v", w.Code, w.Header())
	}
	if r := do("DELETE", "/b?versioning", "localhost"); r.StatusCode != 405 {
		t.Error(r.StatusCode)
	}
}
