package s3

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"hash"
	"io"
	"net/url"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/slipway-dev/slipway/internal/blob"
	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/store"
)

// maxPut is the most bytes of one PutObject, UploadPart or CopyObject.
const maxPut = 5 << 30

// maxMetadata is the most bytes of user metadata, names and values.
const maxMetadata = 2 << 10

// PutObject writes an object. Nothing is kept of a body that is not as long as
// announced or whose checksum is another.
func (s *Service) PutObject(ctx context.Context, in *s3.PutObjectInput, _ ...func(*s3.Options)) (*s3.PutObjectOutput, error) {
	key := aws.ToString(in.Key)
	if err := checkKey(key); err != nil {
		return nil, err
	}
	if in.WriteOffsetBytes != nil {
		return nil, notImplemented("Appending to objects (x-amz-write-offset-bytes)")
	}
	if err := refuse(in); err != nil {
		return nil, err
	}
	c, err := claimed(in, in.ChecksumAlgorithm, in.ContentMD5)
	if err != nil {
		return nil, err
	}
	o := &object{Key: key}
	copyFields(&o.Attributes, in)
	if o.Tags, err = parseTagging(in.Tagging); err != nil {
		return nil, err
	}
	var b *bucket
	// Before reading the body: what can be refused now saves sending it.
	err = s.engine.View(ctx, func(r store.Reader) error {
		if b, err = s.bucket(ctx, r, in.Bucket, in.ExpectedBucketOwner); err != nil {
			return err
		}
		if err := o.Attributes.complete(b); err != nil {
			return err
		}
		if o.Grants, err = b.objectGrants(in.ACL, in); err != nil {
			return err
		}
		return checkWrite(r, b, key, in.IfMatch, in.IfNoneMatch)
	})
	if err != nil {
		return nil, err
	}
	got, err := s.receive(ctx, in.Body, in.ContentLength, c.algorithm)
	if err != nil {
		return nil, err
	}
	defer got.w.Abort()
	if err := c.verify(got); err != nil {
		return nil, err
	}
	o.Size, o.ETag, o.Checksum = got.size, got.etag(), got.sums
	err = s.keep(ctx, got, func(tx *engine.Tx, data string) error {
		if b, err = s.bucket(ctx, tx, in.Bucket, in.ExpectedBucketOwner); err != nil {
			return err
		}
		if err := checkWrite(tx, b, key, in.IfMatch, in.IfNoneMatch); err != nil {
			return err
		}
		o.Data = data
		if err := s.putVersion(tx, b, o); err != nil {
			return err
		}
		return s.emitCreated(ctx, tx, b, o, "PutObject")
	})
	if err != nil {
		return nil, err
	}
	out := &s3.PutObjectOutput{ETag: &o.ETag, VersionId: o.versionOf(b), Expiration: expirationHeader(b, o)}
	copyFields(out, &o.Checksum)
	copyFields(out, &o.Attributes)
	return out, nil
}

// refuse refuses by name the members, common to the operations that write,
// which would promise what is not done.
func refuse(in any) error {
	var r struct {
		ObjectLockMode                                    types.ObjectLockMode
		ObjectLockLegalHoldStatus                         types.ObjectLockLegalHoldStatus
		ObjectLockEventHold                               types.ObjectLockEventHold
		SSECustomerAlgorithm, SSECustomerKey              *string
		CopySourceSSECustomerAlgorithm, SSECustomerKeyMD5 *string
		StorageClass                                      types.StorageClass
		Metadata                                          map[string]string
	}
	copyFields(&r, in)
	size := 0
	for k, v := range r.Metadata {
		size += len(k) + len(v)
	}
	switch {
	case r.ObjectLockMode != "" || r.ObjectLockLegalHoldStatus != "" || r.ObjectLockEventHold != "":
		return say("InvalidRequest", "Bucket is missing Object Lock Configuration")
	case r.SSECustomerAlgorithm != nil || r.SSECustomerKey != nil || r.SSECustomerKeyMD5 != nil || r.CopySourceSSECustomerAlgorithm != nil:
		return notImplemented("Server-side encryption with customer-provided keys")
	case size > maxMetadata:
		return fail("MetadataTooLarge", "Size", itoa(size), "MaxSizeAllowed", itoa(maxMetadata))
	}
	return checkStorageClass(string(r.StorageClass))
}

// checkStorageClass accepts the classes of general buckets.
func checkStorageClass(class string) error {
	switch types.StorageClass(class) {
	case "", types.StorageClassStandard, types.StorageClassReducedRedundancy, types.StorageClassStandardIa,
		types.StorageClassOnezoneIa, types.StorageClassIntelligentTiering, types.StorageClassGlacierIr,
		types.StorageClassGlacier, types.StorageClassDeepArchive:
		return nil
	}
	return fail("InvalidStorageClass", "StorageClassRequested", class)
}

// complete fills in what the bucket decides and S3's defaults.
func (a *attributes) complete(b *bucket) error {
	if a.ContentType == nil {
		a.ContentType = aws.String("binary/octet-stream")
	}
	if a.StorageClass == types.StorageClassStandard {
		a.StorageClass = ""
	}
	switch a.ServerSideEncryption {
	case "":
		if a.SSEKMSKeyId != nil {
			return invalid("x-amz-server-side-encryption", "null", "Server Side Encryption with AWS KMS managed key requires HTTP header x-amz-server-side-encryption : aws:kms")
		}
		a.ServerSideEncryption = types.ServerSideEncryptionAes256
		for _, r := range encryption(b).Rules {
			if d := r.ApplyServerSideEncryptionByDefault; d != nil {
				a.ServerSideEncryption, a.SSEKMSKeyId = d.SSEAlgorithm, d.KMSMasterKeyID
				a.BucketKeyEnabled = ptr(aws.ToBool(r.BucketKeyEnabled))
			}
		}
	case types.ServerSideEncryptionAes256:
		if a.SSEKMSKeyId != nil {
			return invalid("x-amz-server-side-encryption", string(a.ServerSideEncryption), "Server Side Encryption with AWS KMS managed key requires HTTP header x-amz-server-side-encryption : aws:kms")
		}
	case types.ServerSideEncryptionAwsKms, types.ServerSideEncryptionAwsKmsDsse:
	default:
		return invalid("x-amz-server-side-encryption", string(a.ServerSideEncryption), "The encryption method specified is not supported")
	}
	return nil
}

// checkWrite applies If-Match and If-None-Match to the current version.
func checkWrite(r store.Reader, b *bucket, key string, ifMatch, ifNoneMatch *string) error {
	if ifMatch == nil && ifNoneMatch == nil {
		return nil
	}
	if ifNoneMatch != nil && *ifNoneMatch != "*" {
		return notImplemented("If-None-Match with anything but *")
	}
	o, err := get(objects, r, b.Name, key)
	if err != nil {
		return err
	}
	exists := o != nil && !o.Marker
	if ifMatch != nil {
		if !exists {
			return fail("NoSuchKey", "Key", key)
		}
		if !etagMatches(*ifMatch, o.ETag) {
			return fail("PreconditionFailed", "Condition", "If-Match")
		}
	}
	if ifNoneMatch != nil && exists {
		return fail("PreconditionFailed", "Condition", "If-None-Match")
	}
	return nil
}

// received is a body that was written to a blob not yet committed.
type received struct {
	w    blob.Writer
	size int64
	md5  []byte
	sums types.Checksum
}

func (r *received) etag() string { return `"` + hex.EncodeToString(r.md5) + `"` }

var buffers = sync.Pool{New: func() any { b := make([]byte, 256<<10); return &b }}

// receive streams a body to a blob in constant memory, and computes its MD5 and
// these checksums. The caller ends the blob's writer: by keep or Abort.
func (s *Service) receive(ctx context.Context, src io.Reader, length *int64, algorithms ...types.ChecksumAlgorithm) (_ *received, err error) {
	if length != nil && *length > maxPut {
		return nil, fail("EntityTooLarge", "ProposedSize", itoa(*length), "MaxSizeAllowed", itoa(int64(maxPut)))
	}
	w, err := s.blobs.Create(ctx)
	if err != nil {
		return nil, storageError(err)
	}
	defer func() {
		if err != nil {
			w.Abort()
		}
	}()
	got := &received{w: w}
	etag := md5.New()
	hashes, checks := []hash.Hash{etag}, map[types.ChecksumAlgorithm]hash.Hash{}
	for _, a := range algorithms {
		if checks[a] == nil {
			checks[a] = newChecksum(a)
			hashes = append(hashes, checks[a])
		}
	}
	if src != nil {
		buf := buffers.Get().(*[]byte)
		defer buffers.Put(buf)
		if got.size, err = fill(w, src, *buf, hashes...); err != nil {
			return nil, err
		}
	}
	if length != nil && got.size != *length {
		return nil, fail("IncompleteBody", "NumberBytesExpected", itoa(*length), "NumberBytesProvided", itoa(got.size))
	}
	got.md5 = etag.Sum(nil)
	for a, h := range checks {
		*sum(&got.sums, a) = aws.String(encode(h.Sum(nil)))
	}
	got.sums.ChecksumType = types.ChecksumTypeFullObject
	return got, nil
}

// fill copies until src ends, in few large writes; hashes never fail.
func fill(w io.Writer, src io.Reader, buf []byte, hashes ...hash.Hash) (size int64, err error) {
	for {
		n := 0
		var rerr error
		for n < len(buf) && rerr == nil {
			var m int
			m, rerr = src.Read(buf[n:])
			n += m
		}
		if rerr != nil && rerr != io.EOF {
			return size, bodyError(rerr)
		}
		if size += int64(n); size > maxPut {
			return size, fail("EntityTooLarge", "MaxSizeAllowed", itoa(int64(maxPut)))
		}
		for _, h := range hashes {
			_, _ = h.Write(buf[:n])
		}
		if n > 0 {
			if _, err := w.Write(buf[:n]); err != nil {
				return size, storageError(err)
			}
		}
		if rerr == io.EOF {
			return size, nil
		}
	}
}

// parseTagging reads the x-amz-tagging header: a URL query.
func parseTagging(header *string) ([]types.Tag, error) {
	if aws.ToString(header) == "" {
		return nil, nil
	}
	var tags []types.Tag
	for pair := range strings.SplitSeq(*header, "&") {
		k, v, _ := strings.Cut(pair, "=")
		key, kerr := url.QueryUnescape(k)
		value, verr := url.QueryUnescape(v)
		if kerr != nil || verr != nil {
			return nil, invalid("x-amz-tagging", *header, "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters without tag name duplicates.")
		}
		tags = append(tags, types.Tag{Key: &key, Value: &value})
	}
	return tags, checkTags(tags, maxObjectTags)
}
