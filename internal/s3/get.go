package s3

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/slipway-dev/slipway/internal/aws/wire"
	"github.com/slipway-dev/slipway/internal/store"
)

// lookup reads the version that a request names. Its error is S3's for keys
// and versions that do not exist and for delete markers.
func (s *Service) lookup(ctx context.Context, r store.Reader, bucketName, expectedOwner *string, key string, version *string) (*bucket, *object, bool, error) {
	if err := checkKey(key); err != nil {
		return nil, nil, false, err
	}
	b, err := s.bucket(ctx, r, bucketName, expectedOwner)
	if err != nil {
		return nil, nil, false, err
	}
	if err := checkVersion(version); err != nil {
		return nil, nil, false, err
	}
	o, current, err := find(r, b, key, version)
	if err != nil {
		return nil, nil, false, err
	}
	switch {
	case o == nil && version != nil:
		return nil, nil, false, fail("NoSuchVersion", "Key", key, "VersionId", *version)
	case o == nil:
		return nil, nil, false, fail("NoSuchKey", "Key", key)
	case o.Marker && version != nil:
		return nil, nil, false, with(fail("MethodNotAllowed", "Method", "GET", "ResourceType", "DeleteMarker"),
			"Allow", "DELETE", "x-amz-delete-marker", "true", "x-amz-version-id", *o.listedVersion(),
			"Last-Modified", o.Modified.Format("Mon, 02 Jan 2006 15:04:05")+" GMT")
	case o.Marker:
		return nil, nil, false, with(fail("NoSuchKey", "Key", key),
			"x-amz-delete-marker", "true", "x-amz-version-id", *o.listedVersion())
	}
	return b, o, current, nil
}

func checkVersion(version *string) error {
	if version != nil && !validVersion(*version) {
		return invalid("versionId", *version, "Invalid version id specified")
	}
	return nil
}

// GetObject streams an object or a range of it. An answer with ContentRange
// goes out with status 206.
func (s *Service) GetObject(ctx context.Context, in *s3.GetObjectInput, _ ...func(*s3.Options)) (*s3.GetObjectOutput, error) {
	for {
		out, o, span, err := s.describe(ctx, in)
		if err != nil {
			return nil, err
		}
		if err := o.readable(s.engine.Now()); err != nil {
			return nil, err
		}
		out.Body, err = s.open(ctx, o, span.offset, span.length)
		if errors.Is(err, errGone) && ctx.Err() == nil {
			continue // replaced since the look: look again
		}
		if err != nil {
			return nil, err
		}
		return out, nil
	}
}

// HeadObject is GetObject without the body.
func (s *Service) HeadObject(ctx context.Context, in *s3.HeadObjectInput, _ ...func(*s3.Options)) (*s3.HeadObjectOutput, error) {
	var ask s3.GetObjectInput
	copyFields(&ask, in)
	got, _, _, err := s.describe(ctx, &ask)
	if err != nil {
		return nil, err
	}
	out := &s3.HeadObjectOutput{}
	copyFields(out, got)
	out.TagCount = got.TagCount
	return out, nil
}

// describe answers all of GetObject but its body.
func (s *Service) describe(ctx context.Context, in *s3.GetObjectInput) (out *s3.GetObjectOutput, o *object, sp span, err error) {
	if in.SSECustomerAlgorithm != nil || in.SSECustomerKey != nil {
		return nil, nil, sp, notImplemented("Server-side encryption with customer-provided keys")
	}
	var b *bucket
	var numbered *part
	err = s.engine.View(ctx, func(r store.Reader) error {
		if b, o, _, err = s.lookup(ctx, r, in.Bucket, in.ExpectedBucketOwner, aws.ToString(in.Key), in.VersionId); err != nil {
			return err
		}
		if err := checkRead(o, in.IfMatch, in.IfNoneMatch, in.IfModifiedSince, in.IfUnmodifiedSince); err != nil {
			return err
		}
		if in.PartNumber != nil {
			sp, numbered, err = partSpan(r, o, *in.PartNumber)
		} else {
			sp, err = rangeSpan(aws.ToString(in.Range), o.Size)
		}
		return err
	})
	if err != nil {
		return nil, nil, sp, err
	}
	if in.PartNumber != nil && in.Range != nil {
		return nil, nil, sp, say("InvalidRequest", "Cannot specify both Range header and partNumber query parameter")
	}
	out = &s3.GetObjectOutput{
		AcceptRanges: aws.String("bytes"), ETag: &o.ETag, LastModified: o.modified(),
		ContentLength: &sp.length, VersionId: o.versionOf(b), Expiration: expirationHeader(b, o),
		TagCount: ptr(int32(len(o.Tags))), Restore: o.restoreHeader(s.engine.Now()),
	}
	copyFields(out, &o.Attributes)
	if sp.partial {
		out.ContentRange = aws.String("bytes " + itoa(sp.offset) + "-" + itoa(sp.offset+sp.length-1) + "/" + itoa(o.Size))
	}
	if in.PartNumber != nil && o.Parts > 0 {
		out.PartsCount = &o.Parts
	}
	if in.ChecksumMode == types.ChecksumModeEnabled {
		switch {
		case numbered != nil:
			copyFields(out, &numbered.Checksum)
			out.ChecksumType = o.Checksum.ChecksumType
		case !sp.partial || sp.length == o.Size:
			copyFields(out, &o.Checksum)
		}
	}
	override(&out.CacheControl, in.ResponseCacheControl)
	override(&out.ContentDisposition, in.ResponseContentDisposition)
	override(&out.ContentEncoding, in.ResponseContentEncoding)
	override(&out.ContentLanguage, in.ResponseContentLanguage)
	override(&out.ContentType, in.ResponseContentType)
	override(&out.Expires, in.ResponseExpires)
	return out, o, sp, nil
}

func override[T any](dst **T, with *T) {
	if with != nil {
		*dst = with
	}
}

// checkRead applies the conditional headers as RFC 9110 orders them.
func checkRead(o *object, ifMatch, ifNoneMatch *string, modifiedSince, unmodifiedSince *time.Time) error {
	modified := *o.modified()
	if ifMatch != nil {
		if !etagMatches(*ifMatch, o.ETag) {
			return fail("PreconditionFailed", "Condition", "If-Match")
		}
	} else if unmodifiedSince != nil && modified.After(*unmodifiedSince) {
		return fail("PreconditionFailed", "Condition", "If-Unmodified-Since")
	}
	if ifNoneMatch != nil {
		if etagMatches(*ifNoneMatch, o.ETag) {
			return notModified(o)
		}
	} else if modifiedSince != nil && !modified.After(*modifiedSince) {
		return notModified(o)
	}
	return nil
}

func notModified(o *object) *wire.Error {
	return with(fail("NotModified"), "ETag", o.ETag, "Last-Modified", o.Modified.Format("Mon, 02 Jan 2006 15:04:05")+" GMT")
}

// etagMatches compares an object's quoted tag with a header's list; clients
// often leave out the quotes.
func etagMatches(header, etag string) bool {
	for want := range strings.SplitSeq(header, ",") {
		want = strings.TrimPrefix(strings.TrimSpace(want), "W/")
		if want == "*" || strings.Trim(want, `"`) == strings.Trim(etag, `"`) {
			return true
		}
	}
	return false
}

// span is a run of an object's bytes.
type span struct {
	offset, length int64
	partial        bool
}

// rangeSpan reads a Range header. What is not one range of bytes is ignored,
// as RFC 9110 allows and S3 does.
func rangeSpan(header string, size int64) (span, error) {
	whole := span{0, size, false}
	spec, ok := strings.CutPrefix(header, "bytes=")
	if !ok || strings.Contains(spec, ",") {
		return whole, nil
	}
	from, to, ok := strings.Cut(strings.TrimSpace(spec), "-")
	if !ok {
		return whole, nil
	}
	unsatisfiable := with(fail("InvalidRange", "RangeRequested", header, "ActualObjectSize", itoa(size)),
		"Content-Range", "bytes */"+itoa(size))
	if from == "" { // the last so many
		n, err := strconv.ParseUint(to, 10, 63)
		if err != nil {
			return whole, nil
		}
		if n == 0 || size == 0 {
			return span{}, unsatisfiable
		}
		length := min(int64(n), size)
		return span{size - length, length, true}, nil
	}
	first, err := strconv.ParseUint(from, 10, 63)
	if err != nil {
		return whole, nil
	}
	last := uint64(size - 1)
	if to != "" {
		n, err := strconv.ParseUint(to, 10, 63)
		if err != nil || n < first {
			return whole, nil
		}
		last = min(last, n)
	}
	if int64(first) >= size {
		return span{}, unsatisfiable
	}
	return span{int64(first), int64(min(last, uint64(size-1))) - int64(first) + 1, true}, nil
}

// partSpan finds a part of a multipart object by its number; other objects are
// their own part 1. The part is nil for them.
func partSpan(r store.Reader, o *object, number int32) (span, *part, error) {
	unsatisfiable := fail("InvalidPartNumber", "PartNumberRequested", itoa(number), "ActualPartCount", itoa(max(o.Parts, 1)))
	if o.Parts == 0 {
		if number != 1 {
			return span{}, nil, unsatisfiable
		}
		return span{0, o.Size, o.Size > 0}, nil, nil
	}
	var offset int64
	for p, err := range parts.All(r, o.Data) {
		if err != nil {
			return span{}, nil, err
		}
		if p.Number == number {
			return span{offset, p.Size, p.Size > 0}, p, nil
		}
		offset += p.Size
	}
	return span{}, nil, unsatisfiable
}
