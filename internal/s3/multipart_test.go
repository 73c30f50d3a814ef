package s3_test

import (
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

const mib5 = 5 << 20

func (w *world) begin(bucket, key string, algorithm types.ChecksumAlgorithm, kind types.ChecksumType) *string {
	w.t.Helper()
	out, err := w.CreateMultipartUpload(w.ctx, &sdk.CreateMultipartUploadInput{Bucket: &bucket, Key: &key, ChecksumAlgorithm: algorithm, ChecksumType: kind, ContentType: aws.String("text/plain")})
	if err != nil {
		w.t.Fatal(err)
	}
	return out.UploadId
}

func (w *world) part(bucket, key string, upload *string, number int32, data string) types.CompletedPart {
	w.t.Helper()
	out, err := w.UploadPart(w.ctx, &sdk.UploadPartInput{Bucket: &bucket, Key: &key, UploadId: upload, PartNumber: &number, Body: strings.NewReader(data)})
	if err != nil {
		w.t.Fatal(err)
	}
	return types.CompletedPart{PartNumber: &number, ETag: out.ETag, ChecksumSHA256: out.ChecksumSHA256, ChecksumCRC32: out.ChecksumCRC32}
}

func (w *world) complete(bucket, key string, upload *string, parts ...types.CompletedPart) (*sdk.CompleteMultipartUploadOutput, error) {
	return w.CompleteMultipartUpload(w.ctx, &sdk.CompleteMultipartUploadInput{Bucket: &bucket, Key: &key, UploadId: upload,
		MultipartUpload: &types.CompletedMultipartUpload{Parts: parts}})
}

func TestMultipart(t *testing.T) {
	w := newWorld(t)
	w.bucket("bkt", "")
	big := repeat(mib5)
	id := w.begin("bkt", "k", "", "")
	w.part("bkt", "k", id, 1, "overwritten")
	p1 := w.part("bkt", "k", id, 1, big)
	p3 := w.part("bkt", "k", id, 3, big+"x")
	w.part("bkt", "k", id, 4, "not chosen")
	p7 := w.part("bkt", "k", id, 7, "end")
	equal(t, "get", w.get("bkt", "k", nil), "<NoSuchKey>")

	list, err := w.ListParts(w.ctx, &sdk.ListPartsInput{Bucket: aws.String("bkt"), Key: aws.String("k"), UploadId: id, MaxParts: aws.Int32(2), PartNumberMarker: aws.String("1")})
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "parts", len(list.Parts), 2)
	equal(t, "next", *list.NextPartNumberMarker, "4")
	equal(t, "truncated", *list.IsTruncated, true)

	wrong := p3
	wrong.ETag = aws.String(`"00000000000000000000000000000000"`)
	_, err = w.complete("bkt", "k", id, p1, wrong, p7)
	wantCode(t, err, "InvalidPart")
	_, err = w.complete("bkt", "k", id, p3, p1)
	wantCode(t, err, "InvalidPartOrder")
	_, err = w.complete("bkt", "k", id, p7, types.CompletedPart{PartNumber: aws.Int32(9), ETag: p1.ETag})
	wantCode(t, err, "InvalidPart")
	four := w.part("bkt", "k", id, 4, "small")
	_, err = w.complete("bkt", "k", id, p1, p3, four, p7)
	wantCode(t, err, "EntityTooSmall")
	_, err = w.complete("bkt", "other", id, p1)
	wantCode(t, err, "NoSuchUpload")

	out, err := w.complete("bkt", "k", id, p1, p3, p7)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasSuffix(*out.ETag, `-3"`) {
		t.Errorf("etag %s", *out.ETag)
	}
	equal(t, "location", *out.Location, "http://localhost:4566/bkt/k")
	again, err := w.complete("bkt", "k", id, p1, p3, p7)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "etag again", *again.ETag, *out.ETag)
	equal(t, "blobs", w.blobCount(), 3)

	whole := big + big + "x" + "end"
	equal(t, "data", w.get("bkt", "k", nil) == whole, true)
	// The full-object checksum of the parts is the one of the whole.
	single, err := w.PutObject(w.ctx, &sdk.PutObjectInput{Bucket: aws.String("bkt"), Key: aws.String("single"), Body: strings.NewReader(whole)})
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "crc64nvme", aws.ToString(out.ChecksumCRC64NVME), aws.ToString(single.ChecksumCRC64NVME))

	// Ranges across parts, and parts by number.
	r := fmt.Sprintf("bytes=%d-%d", mib5-3, 2*mib5+2)
	got, err := w.GetObject(w.ctx, &sdk.GetObjectInput{Bucket: aws.String("bkt"), Key: aws.String("k"), Range: &r})
	if err != nil {
		t.Fatal(err)
	}
	b, _ := io.ReadAll(got.Body)
	got.Body.Close()
	equal(t, "range", string(b) == whole[mib5-3:2*mib5+3], true)
	head, err := w.HeadObject(w.ctx, &sdk.HeadObjectInput{Bucket: aws.String("bkt"), Key: aws.String("k"), PartNumber: aws.Int32(7)})
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "part", *head.ContentLength, 3)
	equal(t, "parts", *head.PartsCount, 3)
	equal(t, "range", *head.ContentRange, fmt.Sprintf("bytes %d-%d/%d", 2*mib5+1, 2*mib5+3, 2*mib5+4))
	_, err = w.HeadObject(w.ctx, &sdk.HeadObjectInput{Bucket: aws.String("bkt"), Key: aws.String("k"), PartNumber: aws.Int32(2)})
	wantCode(t, err, "InvalidPartNumber")

	// A copy of parts is one blob, with a plain ETag.
	c, err := w.CopyObject(w.ctx, &sdk.CopyObjectInput{Bucket: aws.String("bkt"), Key: aws.String("copy"), CopySource: aws.String("bkt/k")})
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "copy's etag", *c.CopyObjectResult.ETag, *single.ETag)
	for _, k := range []string{"k", "copy", "single"} {
		w.delete("bkt", k, nil)
	}
	equal(t, "blobs", w.blobCount(), 0)
}

func TestMultipartCompositeChecksum(t *testing.T) {
	w := newWorld(t)
	w.bucket("bkt", "")
	id := w.begin("bkt", "k", types.ChecksumAlgorithmSha256, "")
	p := w.part("bkt", "k", id, 1, "123456789")
	bare := p
	bare.ChecksumSHA256 = nil
	_, err := w.complete("bkt", "k", id, bare)
	wantCode(t, err, "InvalidRequest")
	_, err = w.UploadPart(w.ctx, &sdk.UploadPartInput{Bucket: aws.String("bkt"), Key: aws.String("k"), UploadId: id, PartNumber: aws.Int32(1), Body: strings.NewReader("x"), ChecksumAlgorithm: types.ChecksumAlgorithmCrc32})
	wantCode(t, err, "InvalidRequest")
	out, err := w.complete("bkt", "k", id, p)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasSuffix(aws.ToString(out.ChecksumSHA256), "-1") || out.ChecksumType != types.ChecksumTypeComposite {
		t.Errorf("checksum %v %v", aws.ToString(out.ChecksumSHA256), out.ChecksumType)
	}
	a, err := w.GetObjectAttributes(w.ctx, &sdk.GetObjectAttributesInput{Bucket: aws.String("bkt"), Key: aws.String("k"), ObjectAttributes: types.ObjectAttributes("").Values()})
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "parts", *a.ObjectParts.TotalPartsCount, 1)
	equal(t, "part's checksum", aws.ToString(a.ObjectParts.Parts[0].ChecksumSHA256), *p.ChecksumSHA256)
	_, err = w.CreateMultipartUpload(w.ctx, &sdk.CreateMultipartUploadInput{Bucket: aws.String("bkt"), Key: aws.String("k"), ChecksumAlgorithm: types.ChecksumAlgorithmSha1, ChecksumType: types.ChecksumTypeFullObject})
	wantCode(t, err, "InvalidRequest")
}

func TestUploadPartCopyAndAbort(t *testing.T) {
	w := newWorld(t)
	w.bucket("bkt", "Enabled")
	w.put("bkt", "src", "0123456789")
	id := w.begin("bkt", "k", "", "")
	other := w.begin("bkt", "k", "", "")
	w.begin("bkt", "dir/k", "", "")
	copyPart := func(r string) (*sdk.UploadPartCopyOutput, error) {
		return w.UploadPartCopy(w.ctx, &sdk.UploadPartCopyInput{Bucket: aws.String("bkt"), Key: aws.String("k"), UploadId: id, PartNumber: aws.Int32(1), CopySource: aws.String("bkt/src"), CopySourceRange: &r})
	}
	for _, bad := range []string{"bytes=0-10", "bytes=-3", "bytes=3-", "0-3"} {
		if _, err := copyPart(bad); code(err) != "InvalidArgument" && code(err) != "InvalidRange" {
			t.Errorf("range %q: %v", bad, err)
		}
	}
	out, err := copyPart("bytes=2-5")
	if err != nil {
		t.Fatal(err)
	}
	list, err := w.ListMultipartUploads(w.ctx, &sdk.ListMultipartUploadsInput{Bucket: aws.String("bkt"), Delimiter: aws.String("/"), MaxUploads: aws.Int32(2)})
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "prefixes", len(list.CommonPrefixes), 1)
	equal(t, "first", *list.Uploads[0].UploadId, *id) // began first
	equal(t, "truncated", *list.IsTruncated, true)
	list, err = w.ListMultipartUploads(w.ctx, &sdk.ListMultipartUploadsInput{Bucket: aws.String("bkt"), Delimiter: aws.String("/"), KeyMarker: list.NextKeyMarker, UploadIdMarker: list.NextUploadIdMarker})
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "second", *list.Uploads[0].UploadId, *other)
	if _, err := w.complete("bkt", "k", id, types.CompletedPart{PartNumber: aws.Int32(1), ETag: out.CopyPartResult.ETag}); err != nil {
		t.Fatal(err)
	}
	equal(t, "copied", w.get("bkt", "k", nil), "2345")

	w.part("bkt", "k", other, 1, "x")
	equal(t, "blobs", w.blobCount(), 3)
	_, err = w.AbortMultipartUpload(w.ctx, &sdk.AbortMultipartUploadInput{Bucket: aws.String("bkt"), Key: aws.String("k"), UploadId: other})
	wantCode(t, err, "")
	_, err = w.AbortMultipartUpload(w.ctx, &sdk.AbortMultipartUploadInput{Bucket: aws.String("bkt"), Key: aws.String("k"), UploadId: other})
	wantCode(t, err, "NoSuchUpload")
	equal(t, "blobs", w.blobCount(), 2)
}
