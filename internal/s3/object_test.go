package s3_test

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"golang.org/x/sys/unix"

	"github.com/slipway-dev/slipway/internal/aws/wire"
	"github.com/slipway-dev/slipway/internal/blob"
	"github.com/slipway-dev/slipway/internal/clock"
	"github.com/slipway-dev/slipway/internal/engine/enginetest"
	"github.com/slipway-dev/slipway/internal/store/memory"
)

func TestRanges(t *testing.T) {
	w := newWorld(t)
	w.bucket("bkt", "")
	w.put("bkt", "k", "0123456789")
	w.put("bkt", "empty", "")
	for _, c := range []struct{ key, header, body, contentRange string }{
		{"k", "", "0123456789", ""},
		{"k", "bytes=0-3", "0123", "bytes 0-3/10"},
		{"k", "bytes=5-", "56789", "bytes 5-9/10"},
		{"k", "bytes=-2", "89", "bytes 8-9/10"},
		{"k", "bytes=-99", "0123456789", "bytes 0-9/10"},
		{"k", "bytes=8-99", "89", "bytes 8-9/10"},
		{"k", "bytes=9-18446744073709551614", "0123456789", ""}, // not a number S3 could mean
		{"k", "bytes=10-", "<InvalidRange>", ""},
		{"k", "bytes=-0", "<InvalidRange>", ""},
		{"k", "bytes=3-1", "0123456789", ""},
		{"k", "bytes=0-1,3-4", "0123456789", ""},
		{"k", "lines=1-2", "0123456789", ""},
		{"empty", "", "", ""},
		{"empty", "bytes=0-", "<InvalidRange>", ""},
	} {
		out, err := w.GetObject(w.ctx, &sdk.GetObjectInput{Bucket: aws.String("bkt"), Key: &c.key, Range: &c.header})
		if err != nil {
			equal(t, c.header, "<"+code(err)+">", c.body)
			continue
		}
		b, _ := io.ReadAll(out.Body)
		equal(t, c.header, string(b), c.body)
		equal(t, c.header+" length", *out.ContentLength, int64(len(c.body)))
		equal(t, c.header, aws.ToString(out.ContentRange), c.contentRange)
	}
}

func TestConditionalReads(t *testing.T) {
	w := newWorld(t)
	w.bucket("bkt", "")
	etag := w.put("bkt", "k", "x").ETag
	now, before, after := w.clock.Now(), w.clock.Now().Add(-time.Hour), w.clock.Now().Add(time.Hour)
	other := aws.String(`"other"`)
	for _, c := range []struct {
		in   sdk.HeadObjectInput
		want string
	}{
		{sdk.HeadObjectInput{IfMatch: etag}, ""},
		{sdk.HeadObjectInput{IfMatch: other}, "PreconditionFailed"},
		{sdk.HeadObjectInput{IfMatch: aws.String("*")}, ""},
		{sdk.HeadObjectInput{IfNoneMatch: etag}, "NotModified"},
		{sdk.HeadObjectInput{IfNoneMatch: aws.String(strings.Trim(*etag, `"`))}, "NotModified"},
		{sdk.HeadObjectInput{IfNoneMatch: other}, ""},
		{sdk.HeadObjectInput{IfModifiedSince: &now}, "NotModified"},
		{sdk.HeadObjectInput{IfModifiedSince: &before}, ""},
		{sdk.HeadObjectInput{IfUnmodifiedSince: &before}, "PreconditionFailed"},
		{sdk.HeadObjectInput{IfUnmodifiedSince: &after}, ""},
		{sdk.HeadObjectInput{IfMatch: etag, IfUnmodifiedSince: &before}, ""},
		{sdk.HeadObjectInput{IfNoneMatch: etag, IfModifiedSince: &before}, "NotModified"},
	} {
		c.in.Bucket, c.in.Key = aws.String("bkt"), aws.String("k")
		_, err := w.HeadObject(w.ctx, &c.in)
		wantCode(t, err, c.want)
	}
}

func TestConditionalWrites(t *testing.T) {
	w := newWorld(t)
	w.bucket("bkt", "")
	write := func(ifMatch, ifNoneMatch string) string {
		in := &sdk.PutObjectInput{Bucket: aws.String("bkt"), Key: aws.String("k"), Body: strings.NewReader("x")}
		if ifMatch != "" {
			in.IfMatch = &ifMatch
		}
		if ifNoneMatch != "" {
			in.IfNoneMatch = &ifNoneMatch
		}
		_, err := w.PutObject(w.ctx, in)
		return code(err)
	}
	equal(t, "if-match of nothing", write(`"x"`, ""), "NoSuchKey")
	equal(t, "first", write("", "*"), "")
	equal(t, "second", write("", "*"), "PreconditionFailed")
	equal(t, "other", write(`"other"`, ""), "PreconditionFailed")
	equal(t, "same", write(`"9dd4e461268c8034f5c8564e155c67a6"`, ""), "")
	equal(t, "blobs", w.blobCount(), 1)
}

func TestNothingIsKeptOfABrokenBody(t *testing.T) {
	w := newWorld(t)
	w.bucket("bkt", "")
	base := func() *sdk.PutObjectInput {
		return &sdk.PutObjectInput{Bucket: aws.String("bkt"), Key: aws.String("k"), Body: strings.NewReader("hello")}
	}
	for _, c := range []struct {
		name   string
		change func(*sdk.PutObjectInput)
		want   string
	}{
		{"shorter than announced", func(in *sdk.PutObjectInput) { in.ContentLength = aws.Int64(9) }, "IncompleteBody"},
		{"longer than announced", func(in *sdk.PutObjectInput) { in.ContentLength = aws.Int64(2) }, "IncompleteBody"},
		{"broken off", func(in *sdk.PutObjectInput) { in.Body = io.MultiReader(in.Body, iotest.ErrReader(io.ErrUnexpectedEOF)) }, "IncompleteBody"},
		{"not what was signed", func(in *sdk.PutObjectInput) {
			in.Body = io.MultiReader(in.Body, iotest.ErrReader(&wire.Error{Code: "XAmzContentSHA256Mismatch"}))
		}, "XAmzContentSHA256Mismatch"},
		{"other MD5", func(in *sdk.PutObjectInput) { in.ContentMD5 = aws.String("AAAAAAAAAAAAAAAAAAAAAA==") }, "BadDigest"},
		{"no MD5", func(in *sdk.PutObjectInput) { in.ContentMD5 = aws.String("hello") }, "InvalidDigest"},
		{"other CRC32", func(in *sdk.PutObjectInput) { in.ChecksumCRC32 = aws.String("AAAAAA==") }, "BadDigest"},
		{"no CRC32", func(in *sdk.PutObjectInput) { in.ChecksumCRC32 = aws.String("AAAA") }, "InvalidRequest"},
		{"two checksums", func(in *sdk.PutObjectInput) { in.ChecksumCRC32, in.ChecksumSHA1 = aws.String("x"), aws.String("y") }, "InvalidRequest"},
		{"XXHASH3", func(in *sdk.PutObjectInput) { in.ChecksumAlgorithm = types.ChecksumAlgorithmXxhash3 }, "NotImplemented"},
		{"customer key", func(in *sdk.PutObjectInput) { in.SSECustomerAlgorithm = aws.String("AES256") }, "NotImplemented"},
		{"EXPRESS_ONEZONE", func(in *sdk.PutObjectInput) { in.StorageClass = types.StorageClassExpressOnezone }, "InvalidStorageClass"},
		{"public", func(in *sdk.PutObjectInput) { in.ACL = types.ObjectCannedACLPublicRead }, "AccessControlListNotSupported"},
		{"long key", func(in *sdk.PutObjectInput) { in.Key = aws.String(strings.Repeat("k", 1025)) }, "KeyTooLongError"},
		{"much metadata", func(in *sdk.PutObjectInput) { in.Metadata = map[string]string{"a": strings.Repeat("x", 2048)} }, "MetadataTooLarge"},
		{"other owner", func(in *sdk.PutObjectInput) { in.ExpectedBucketOwner = aws.String("111111111111") }, "AccessDenied"},
		{"no bucket", func(in *sdk.PutObjectInput) { in.Bucket = aws.String("none") }, "NoSuchBucket"},
	} {
		in := base()
		c.change(in)
		_, err := w.PutObject(w.ctx, in)
		if got := code(err); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
	equal(t, "get", w.get("bkt", "k", nil), "<NoSuchKey>")
	equal(t, "blobs", w.blobCount(), 0)
}

func TestChecksumsAreStored(t *testing.T) {
	w := newWorld(t)
	w.bucket("bkt", "")
	for _, c := range []struct {
		algorithm types.ChecksumAlgorithm
		want      string
		of        func(*sdk.HeadObjectOutput) *string
	}{ // of "123456789", from the catalogues of check values
		{"", "rosUhgp5mIg=", func(o *sdk.HeadObjectOutput) *string { return o.ChecksumCRC64NVME }},
		{types.ChecksumAlgorithmCrc32, "y/Q5Jg==", func(o *sdk.HeadObjectOutput) *string { return o.ChecksumCRC32 }},
		{types.ChecksumAlgorithmCrc32c, "4waSgw==", func(o *sdk.HeadObjectOutput) *string { return o.ChecksumCRC32C }},
		{types.ChecksumAlgorithmSha1, "98O8HYCOBHMq32eZZczDTKeuNEE=", func(o *sdk.HeadObjectOutput) *string { return o.ChecksumSHA1 }},
	} {
		_, err := w.PutObject(w.ctx, &sdk.PutObjectInput{Bucket: aws.String("bkt"), Key: aws.String("k"), Body: strings.NewReader("123456789"), ChecksumAlgorithm: c.algorithm})
		if err != nil {
			t.Fatal(err)
		}
		out, err := w.HeadObject(w.ctx, &sdk.HeadObjectInput{Bucket: aws.String("bkt"), Key: aws.String("k"), ChecksumMode: types.ChecksumModeEnabled})
		if err != nil {
			t.Fatal(err)
		}
		equal(t, string(c.algorithm), aws.ToString(c.of(out)), c.want)
		equal(t, "type", out.ChecksumType, types.ChecksumTypeFullObject)
	}
}

func TestHeadersComeBack(t *testing.T) {
	w := newWorld(t)
	w.bucket("bkt", "")
	_, err := w.PutObject(w.ctx, &sdk.PutObjectInput{Bucket: aws.String("bkt"), Key: aws.String("k"), Body: strings.NewReader("x"),
		ContentType: aws.String("text/plain"), CacheControl: aws.String("no-store"), Metadata: map[string]string{"a": "b"},
		StorageClass: types.StorageClassStandardIa, Tagging: aws.String("a=1&b=x%20y"), ServerSideEncryption: types.ServerSideEncryptionAwsKms, SSEKMSKeyId: aws.String("key")})
	if err != nil {
		t.Fatal(err)
	}
	out, err := w.GetObject(w.ctx, &sdk.GetObjectInput{Bucket: aws.String("bkt"), Key: aws.String("k"), ResponseContentType: aws.String("text/html")})
	if err != nil {
		t.Fatal(err)
	}
	out.Body.Close()
	equal(t, "type", *out.ContentType, "text/html")
	equal(t, "cache", *out.CacheControl, "no-store")
	equal(t, "metadata", out.Metadata["a"], "b")
	equal(t, "class", out.StorageClass, types.StorageClassStandardIa)
	equal(t, "tags", *out.TagCount, 2)
	equal(t, "encryption", out.ServerSideEncryption, types.ServerSideEncryptionAwsKms)
	tags, err := w.GetObjectTagging(w.ctx, &sdk.GetObjectTaggingInput{Bucket: aws.String("bkt"), Key: aws.String("k")})
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "tag", *tags.TagSet[1].Value, "x y")

	// A copy keeps what is the object's and forgets what is the request's.
	_, err = w.CopyObject(w.ctx, &sdk.CopyObjectInput{Bucket: aws.String("bkt"), Key: aws.String("copy"), CopySource: aws.String("bkt/k")})
	if err != nil {
		t.Fatal(err)
	}
	head, err := w.HeadObject(w.ctx, &sdk.HeadObjectInput{Bucket: aws.String("bkt"), Key: aws.String("copy")})
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "type", *head.ContentType, "text/plain")
	equal(t, "class", head.StorageClass, "")
	equal(t, "encryption", head.ServerSideEncryption, types.ServerSideEncryptionAes256)
	equal(t, "tags", aws.ToInt32(head.TagCount), 2)
}

func TestCopySharesBytes(t *testing.T) {
	w := newWorld(t)
	w.bucket("bkt", "")
	w.put("bkt", "a b+c", "data")
	for range 2 {
		_, err := w.CopyObject(w.ctx, &sdk.CopyObjectInput{Bucket: aws.String("bkt"), Key: aws.String("copy"), CopySource: aws.String("/bkt/a%20b+c")})
		wantCode(t, err, "")
	}
	equal(t, "blobs", w.blobCount(), 1)
	w.delete("bkt", "a b+c", nil)
	equal(t, "blobs", w.blobCount(), 1)
	equal(t, "copy", w.get("bkt", "copy", nil), "data")
	self := &sdk.CopyObjectInput{Bucket: aws.String("bkt"), Key: aws.String("copy"), CopySource: aws.String("bkt/copy")}
	_, err := w.CopyObject(w.ctx, self)
	wantCode(t, err, "InvalidRequest")
	self.MetadataDirective = types.MetadataDirectiveReplace
	_, err = w.CopyObject(w.ctx, self)
	wantCode(t, err, "")
	equal(t, "copy", w.get("bkt", "copy", nil), "data")
	// Another checksum needs the bytes.
	self.ChecksumAlgorithm = types.ChecksumAlgorithmSha256
	out, err := w.CopyObject(w.ctx, self)
	wantCode(t, err, "")
	equal(t, "sha256", aws.ToString(out.CopyObjectResult.ChecksumSHA256), "Om6weQ85rIfJTzhWst0sXREOaBFgImGpqSPTuyOtyLc=")
	w.delete("bkt", "copy", nil)
	equal(t, "blobs", w.blobCount(), 0)
	_, err = w.CopyObject(w.ctx, self)
	wantCode(t, err, "NoSuchKey")
	self.CopySource = aws.String("nonsense")
	_, err = w.CopyObject(w.ctx, self)
	wantCode(t, err, "InvalidArgument")
}

// A reader of an object that is deleted meanwhile goes on.
func TestReadersKeepTheirBytes(t *testing.T) {
	w := newWorld(t)
	w.bucket("bkt", "")
	data := repeat(1 << 20)
	w.put("bkt", "k", data)
	out, err := w.GetObject(w.ctx, &sdk.GetObjectInput{Bucket: aws.String("bkt"), Key: aws.String("k")})
	if err != nil {
		t.Fatal(err)
	}
	w.delete("bkt", "k", nil)
	b, err := io.ReadAll(out.Body)
	if err != nil || string(b) != data {
		t.Errorf("read %d bytes, %v", len(b), err)
	}
	out.Body.Close()
}

// What a crash left between the bytes and their document is swept.
func TestSweep(t *testing.T) {
	w := newWorld(t)
	w.bucket("bkt", "")
	w.put("bkt", "k", "kept")
	orphan, err := w.blobs.Create(w.ctx)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := orphan.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	name, err := orphan.Commit()
	if err != nil {
		t.Fatal(err)
	}
	w.start()
	if _, err := w.blobs.Open(w.ctx, name, 0, -1); !errors.Is(err, blob.ErrNotFound) {
		t.Errorf("orphan: %v", err)
	}
	equal(t, "get", w.get("bkt", "k", nil), "kept")
}

// A tiny tmpfs is a real full disk: the client hears so, and nothing is kept.
func TestFullDisk(t *testing.T) {
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=1m"); err != nil {
		t.Skipf("needs root to mount a small file system: %v", err)
	}
	t.Cleanup(func() { _ = unix.Unmount(dir, unix.MNT_DETACH) })
	w := &world{t: t, store: memory.New(), clock: clock.NewFake(enginetest.Epoch), dir: dir, events: &recorder{}, ctx: newWorld(t).ctx}
	w.start()
	w.bucket("bkt", "")
	w.put("bkt", "k", repeat(400<<10))
	_, err := w.PutObject(w.ctx, &sdk.PutObjectInput{Bucket: aws.String("bkt"), Key: aws.String("k"), Body: strings.NewReader(repeat(2 << 20))})
	wantCode(t, err, "InsufficientStorage")
	id := w.begin("bkt", "m", "", "")
	_, err = w.UploadPart(w.ctx, &sdk.UploadPartInput{Bucket: aws.String("bkt"), Key: aws.String("m"), UploadId: id, PartNumber: aws.Int32(1), Body: strings.NewReader(repeat(2 << 20))})
	wantCode(t, err, "InsufficientStorage")
	equal(t, "the old object", len(w.get("bkt", "k", nil)), 400<<10)
	equal(t, "blobs", w.blobCount(), 1)
	w.put("bkt", "small", repeat(300<<10)) // the room of the failed ones is free again
}
