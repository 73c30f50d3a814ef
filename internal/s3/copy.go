package s3

import (
	"context"
	"errors"
	"io"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/store"
)

// source is what x-amz-copy-source names.
type source struct {
	bucket, key string
	version     *string

	b *bucket
	o *object
}

// parseSource reads [/]BUCKET/KEY[?versionId=ID], URL-encoded.
func parseSource(header *string) (*source, error) {
	h := aws.ToString(header)
	wrong := invalid("x-amz-copy-source", h, "Copy Source must mention the source bucket and key: sourcebucket/sourcekey")
	var src source
	path, query, found := strings.Cut(h, "?")
	if found {
		v, ok := strings.CutPrefix(query, "versionId=")
		if !ok {
			return nil, wrong
		}
		src.version = &v
	}
	path, err := url.PathUnescape(path) // '+' stays a plus
	if err != nil {
		return nil, wrong
	}
	if strings.HasPrefix(path, "arn:") {
		return nil, notImplemented("Copying from an access point")
	}
	var ok bool
	src.bucket, src.key, ok = strings.Cut(strings.TrimPrefix(path, "/"), "/")
	if !ok || src.bucket == "" || src.key == "" {
		return nil, wrong
	}
	return &src, nil
}

// sourceOf is the ARN that a copy reads; "*" for a header without sense, which
// the operation refuses by itself.
func sourceOf(header *string) (arn string, version bool) {
	src, err := parseSource(header)
	if err != nil {
		return "*", false
	}
	return bucketARN(src.bucket) + "/" + src.key, src.version != nil
}

// look reads the source's version and checks the conditions on it.
func (s *Service) look(ctx context.Context, r store.Reader, src *source, expectedOwner, ifMatch, ifNoneMatch *string, modifiedSince, unmodifiedSince *time.Time) error {
	b, o, _, err := s.lookup(ctx, r, &src.bucket, expectedOwner, src.key, src.version)
	if err != nil {
		return err
	}
	if err := checkRead(o, ifMatch, ifNoneMatch, modifiedSince, unmodifiedSince); err != nil {
		return fail("PreconditionFailed") // a copy has no 304
	}
	src.b, src.o = b, o
	return o.readable(s.engine.Now())
}

// CopyObject copies a version of at most 5 GiB. Bytes of an object that is one
// blob are shared, not copied.
func (s *Service) CopyObject(ctx context.Context, in *s3.CopyObjectInput, _ ...func(*s3.Options)) (*s3.CopyObjectOutput, error) {
	key := aws.ToString(in.Key)
	if err := checkKey(key); err != nil {
		return nil, err
	}
	if err := refuse(in); err != nil {
		return nil, err
	}
	src, err := parseSource(in.CopySource)
	if err != nil {
		return nil, err
	}
	if in.ChecksumAlgorithm != "" && newChecksum(in.ChecksumAlgorithm) == nil {
		return nil, notImplemented("Checksum algorithm " + string(in.ChecksumAlgorithm))
	}
	tags, err := parseTagging(in.Tagging)
	if err != nil {
		return nil, err
	}
	var b *bucket
	var o *object
	// write is the transition; it makes the object of the source's document.
	write := func(tx *engine.Tx, fill func(*object)) error {
		o = &object{Key: key, Tags: src.o.Tags}
		if in.TaggingDirective == types.TaggingDirectiveReplace {
			o.Tags = tags
		}
		copyAttributes(&o.Attributes, &src.o.Attributes, in)
		if b, err = s.bucket(ctx, tx, in.Bucket, in.ExpectedBucketOwner); err != nil {
			return err
		}
		if err := o.Attributes.complete(b); err != nil {
			return err
		}
		if o.Grants, err = b.objectGrants(in.ACL, in); err != nil {
			return err
		}
		if err := checkWrite(tx, b, key, in.IfMatch, in.IfNoneMatch); err != nil {
			return err
		}
		fill(o)
		if err := s.putVersion(tx, b, o); err != nil {
			return err
		}
		return s.emitCreated(ctx, tx, b, o, "CopyObject")
	}
	var stream bool
	err = s.engine.Update(ctx, func(tx *engine.Tx) error {
		stream = false
		if err := s.look(ctx, tx, src, in.ExpectedSourceBucketOwner, in.CopySourceIfMatch, in.CopySourceIfNoneMatch, in.CopySourceIfModifiedSince, in.CopySourceIfUnmodifiedSince); err != nil {
			return err
		}
		if err := checkCopy(in, src); err != nil {
			return err
		}
		if stream = src.o.Parts > 0 || in.ChecksumAlgorithm != "" && *sum(&src.o.Checksum, in.ChecksumAlgorithm) == nil; stream {
			_, err := s.bucket(ctx, tx, in.Bucket, in.ExpectedBucketOwner)
			return err
		}
		if src.o.Data != "" {
			if err := refer(tx, src.o.Data, +1); err != nil {
				return err
			}
		}
		return write(tx, func(o *object) {
			o.Size, o.ETag, o.Data, o.Checksum = src.o.Size, src.o.ETag, src.o.Data, src.o.Checksum
		})
	})
	if err == nil && stream {
		err = s.copyBytes(ctx, in, src, write)
	}
	if err != nil {
		return nil, err
	}
	out := &s3.CopyObjectOutput{VersionId: o.versionOf(b), CopySourceVersionId: src.o.versionOf(src.b), Expiration: expirationHeader(b, o)}
	copyFields(out, &o.Attributes)
	out.CopyObjectResult = &types.CopyObjectResult{ETag: &o.ETag, LastModified: o.modified()}
	copyFields(out.CopyObjectResult, &o.Checksum)
	return out, nil
}

// copyBytes writes the source's bytes to a blob of their own: because they are
// parts, or because another checksum is wanted.
func (s *Service) copyBytes(ctx context.Context, in *s3.CopyObjectInput, src *source, write func(*engine.Tx, func(*object)) error) error {
	algorithm := in.ChecksumAlgorithm
	if algorithm == "" {
		algorithm = types.ChecksumAlgorithmCrc64nvme
		if have := algorithmsOf(&src.o.Checksum); len(have) > 0 {
			algorithm = have[0]
		}
	}
	got, err := s.receiveSource(ctx, src, 0, src.o.Size, algorithm)
	if err != nil {
		return err
	}
	defer got.w.Abort()
	return s.keep(ctx, got, func(tx *engine.Tx, data string) error {
		return write(tx, func(o *object) { o.Size, o.ETag, o.Data, o.Checksum = got.size, got.etag(), data, got.sums })
	})
}

// receiveSource copies a range of the version that was looked at to a blob of
// its own. If it was replaced meanwhile there is nothing to copy any more. The
// source is let go before it returns: the transition that follows may be the
// one that gives its bytes up, when an object is copied to itself.
func (s *Service) receiveSource(ctx context.Context, src *source, offset, length int64, algorithm types.ChecksumAlgorithm) (*received, error) {
	data, err := s.open(ctx, src.o, offset, length)
	if errors.Is(err, errGone) {
		return nil, fail("NoSuchKey", "Key", src.key)
	}
	if err != nil {
		return nil, err
	}
	defer data.Close()
	return s.receive(ctx, ours{data}, &length, algorithm)
}

// ours marks failures to read what is stored here, which are no client's fault.
type ours struct{ io.Reader }

func (r ours) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	if err != nil && err != io.EOF {
		err = &storedReadError{err}
	}
	return n, err
}

type storedReadError struct{ err error }

func (e *storedReadError) Error() string { return "s3: read stored bytes: " + e.err.Error() }
func (e *storedReadError) Unwrap() error { return e.err }

func checkCopy(in *s3.CopyObjectInput, src *source) error {
	if src.o.Size > maxPut {
		return say("InvalidRequest", "The specified copy source is larger than the maximum allowable size for a copy source: "+itoa(int64(maxPut)))
	}
	same := src.b.Name == aws.ToString(in.Bucket) && src.o.Key == aws.ToString(in.Key) && src.version == nil
	if same && in.MetadataDirective != types.MetadataDirectiveReplace && in.TaggingDirective != types.TaggingDirectiveReplace &&
		in.StorageClass == "" && in.ServerSideEncryption == "" && in.WebsiteRedirectLocation == nil && in.ChecksumAlgorithm == "" {
		return say("InvalidRequest", "This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata, storage class, website redirect location or encryption attributes.")
	}
	return nil
}

// copyAttributes takes the content headers and metadata from the source unless
// they are to be replaced. Storage class, encryption and redirect are always
// the request's.
func copyAttributes(dst, src *attributes, in *s3.CopyObjectInput) {
	copyFields(dst, in)
	if in.MetadataDirective == types.MetadataDirectiveReplace {
		return
	}
	mine := *dst
	*dst = *src
	dst.StorageClass, dst.WebsiteRedirectLocation = mine.StorageClass, mine.WebsiteRedirectLocation
	dst.ServerSideEncryption, dst.SSEKMSKeyId, dst.BucketKeyEnabled = mine.ServerSideEncryption, mine.SSEKMSKeyId, mine.BucketKeyEnabled
}

// UploadPartCopy makes a part of a range of another object.
func (s *Service) UploadPartCopy(ctx context.Context, in *s3.UploadPartCopyInput, _ ...func(*s3.Options)) (*s3.UploadPartCopyOutput, error) {
	if in.SSECustomerAlgorithm != nil || in.CopySourceSSECustomerAlgorithm != nil {
		return nil, notImplemented("Server-side encryption with customer-provided keys")
	}
	if err := checkPartNumber(in.PartNumber); err != nil {
		return nil, err
	}
	src, err := parseSource(in.CopySource)
	if err != nil {
		return nil, err
	}
	var u *upload
	var sp span
	err = s.engine.View(ctx, func(r store.Reader) error {
		if _, u, err = s.upload(ctx, r, in.Bucket, in.ExpectedBucketOwner, in.Key, in.UploadId); err != nil {
			return err
		}
		if err := s.look(ctx, r, src, in.ExpectedSourceBucketOwner, in.CopySourceIfMatch, in.CopySourceIfNoneMatch, in.CopySourceIfModifiedSince, in.CopySourceIfUnmodifiedSince); err != nil {
			return err
		}
		sp, err = copyRange(in.CopySourceRange, src.o.Size)
		return err
	})
	if err != nil {
		return nil, err
	}
	got, err := s.receiveSource(ctx, src, sp.offset, sp.length, u.Algorithm)
	if err != nil {
		return nil, err
	}
	defer got.w.Abort()
	p, err := s.putPart(ctx, in.Bucket, in.ExpectedBucketOwner, in.Key, in.UploadId, *in.PartNumber, got)
	if err != nil {
		return nil, err
	}
	out := &s3.UploadPartCopyOutput{
		CopySourceVersionId:  src.o.versionOf(src.b),
		CopyPartResult:       &types.CopyPartResult{ETag: &p.ETag, LastModified: aws.Time(p.Modified.Truncate(time.Second))},
		ServerSideEncryption: u.Attributes.ServerSideEncryption, SSEKMSKeyId: u.Attributes.SSEKMSKeyId, BucketKeyEnabled: u.Attributes.BucketKeyEnabled,
	}
	if u.Named {
		copyFields(out.CopyPartResult, &p.Checksum)
	}
	return out, nil
}

// copyRange is stricter than Range: first and last byte, both within.
func copyRange(header *string, size int64) (span, error) {
	if header == nil {
		return span{0, size, false}, nil
	}
	sp, err := rangeSpan(*header, size)
	_, last, _ := strings.Cut(*header, "-")
	if err != nil || !sp.partial || strings.HasPrefix(*header, "bytes=-") || itoa(sp.offset+sp.length-1) != last {
		return sp, invalid("x-amz-copy-source-range", *header, "The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the zero-based offsets of the first and last bytes to copy, within a source of "+itoa(size)+" bytes")
	}
	return sp, nil
}
