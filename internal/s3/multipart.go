package s3

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/id"
	"github.com/slipway-dev/slipway/internal/store"
)

const (
	maxParts    = 10000
	minPartSize = 5 << 20 // of all but the last
	maxObject   = 50 << 40
)

// upload is a multipart upload in progress.
type upload struct {
	ID        string
	Key       string
	Seq       int64 // nanoseconds, made to grow with each upload of the key
	Initiated time.Time
	Initiator string // ARN

	Attributes attributes
	Tags       []types.Tag   `json:",omitempty"`
	Grants     []types.Grant `json:",omitempty"`
	// Algorithm and Type of the object's checksum. Named tells that the client
	// chose the algorithm, and so must say the parts' values when completing
	// a composite one.
	Algorithm types.ChecksumAlgorithm
	Type      types.ChecksumType
	Named     bool
}

// part is a part of an upload and, later, of the object that it became.
type part struct {
	Number   int32
	Size     int64
	ETag     string
	Data     string // blob; "" for no bytes
	Modified time.Time
	Checksum types.Checksum
}

const (
	uploads = store.Table[upload]("s3.upload") // BUCKET KEY UPLOAD
	parts   = store.Table[part]("s3.part")     // UPLOAD NUMBER
)

func partKey(number int32) string { return fmt.Sprintf("%05d", number) }

// uploadID makes an id that sorts after those of all smaller seq.
func uploadID(ids id.Source, seq int64) string {
	return ordered(uint64(seq)) + id.Of(ids, id.AlphaNum, 53)
}

// nextUpload is the Seq of an upload of the key that begins now: S3 lists the
// uploads of a key by their beginning, also those of the same instant.
func nextUpload(r store.Reader, bucket, key string, now time.Time) (int64, error) {
	seq := now.UnixNano()
	newest := store.Range{Prefix: store.Prefix(string(uploads), bucket, key), Reverse: true, Limit: 1}
	for u, err := range uploads.Scan(r, newest) {
		if err != nil {
			return 0, err
		}
		seq = max(seq, u.Seq+1)
	}
	return seq, nil
}

// upload reads the upload that a request names.
func (s *Service) upload(ctx context.Context, r store.Reader, bucketName, expectedOwner, key, uploadID *string) (*bucket, *upload, error) {
	if err := checkKey(aws.ToString(key)); err != nil {
		return nil, nil, err
	}
	b, err := s.bucket(ctx, r, bucketName, expectedOwner)
	if err != nil {
		return nil, nil, err
	}
	u, err := get(uploads, r, b.Name, *key, aws.ToString(uploadID))
	if err == nil && u == nil {
		err = fail("NoSuchUpload", "UploadId", aws.ToString(uploadID))
	}
	return b, u, err
}

// CreateMultipartUpload begins an upload.
func (s *Service) CreateMultipartUpload(ctx context.Context, in *s3.CreateMultipartUploadInput, _ ...func(*s3.Options)) (*s3.CreateMultipartUploadOutput, error) {
	key := aws.ToString(in.Key)
	if err := checkKey(key); err != nil {
		return nil, err
	}
	if err := refuse(in); err != nil {
		return nil, err
	}
	now := s.engine.Now()
	u := &upload{Key: key, Initiated: now, Initiator: caller(ctx), Algorithm: in.ChecksumAlgorithm, Type: in.ChecksumType, Named: in.ChecksumAlgorithm != ""}
	if err := u.completeChecksum(); err != nil {
		return nil, err
	}
	var err error
	if u.Tags, err = parseTagging(in.Tagging); err != nil {
		return nil, err
	}
	out := &s3.CreateMultipartUploadOutput{Bucket: in.Bucket, Key: in.Key, UploadId: &u.ID}
	err = s.engine.Update(ctx, func(tx *engine.Tx) error {
		b, err := s.bucket(ctx, tx, in.Bucket, in.ExpectedBucketOwner)
		if err != nil {
			return err
		}
		copyFields(&u.Attributes, in)
		if err := u.Attributes.complete(b); err != nil {
			return err
		}
		if u.Grants, err = b.objectGrants(in.ACL, in); err != nil {
			return err
		}
		if at, rule := abortAt(b.Lifecycle, u); rule != "" {
			out.AbortDate, out.AbortRuleId = &at, &rule
		}
		if u.Seq, err = nextUpload(tx, b.Name, key, now); err != nil {
			return err
		}
		u.ID = uploadID(s.ids, u.Seq)
		return uploads.Put(tx, u, b.Name, key, u.ID)
	})
	if err != nil {
		return nil, err
	}
	copyFields(out, &u.Attributes)
	if u.Named {
		out.ChecksumAlgorithm, out.ChecksumType = u.Algorithm, u.Type
	}
	return out, nil
}

// completeChecksum fills in S3's defaults and refuses what it refuses:
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html
func (u *upload) completeChecksum() error {
	if u.Algorithm == "" {
		if u.Type != "" {
			return say("InvalidRequest", "The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header.")
		}
		u.Algorithm = types.ChecksumAlgorithmCrc64nvme
	}
	if newChecksum(u.Algorithm) == nil {
		return notImplemented("Checksum algorithm " + string(u.Algorithm))
	}
	whole := combinable(u.Algorithm)
	only := u.Algorithm == types.ChecksumAlgorithmCrc64nvme // has no composite form
	switch {
	case u.Type == "" && only:
		u.Type = types.ChecksumTypeFullObject
	case u.Type == "":
		u.Type = types.ChecksumTypeComposite
	case u.Type == types.ChecksumTypeFullObject && !whole, u.Type == types.ChecksumTypeComposite && only:
		return say("InvalidRequest", "The "+string(u.Type)+" checksum type cannot be used with the "+string(u.Algorithm)+" checksum algorithm.")
	}
	return nil
}

// UploadPart writes a part, replacing an earlier one of its number.
func (s *Service) UploadPart(ctx context.Context, in *s3.UploadPartInput, _ ...func(*s3.Options)) (*s3.UploadPartOutput, error) {
	if in.SSECustomerAlgorithm != nil || in.SSECustomerKey != nil {
		return nil, notImplemented("Server-side encryption with customer-provided keys")
	}
	if err := checkPartNumber(in.PartNumber); err != nil {
		return nil, err
	}
	var u *upload
	err := s.engine.View(ctx, func(r store.Reader) (err error) {
		_, u, err = s.upload(ctx, r, in.Bucket, in.ExpectedBucketOwner, in.Key, in.UploadId)
		return err
	})
	if err != nil {
		return nil, err
	}
	named := in.ChecksumAlgorithm
	if named == "" {
		named = u.Algorithm
	}
	c, err := claimed(in, named, in.ContentMD5)
	if err != nil {
		return nil, err
	}
	if c.algorithm != u.Algorithm && u.Named {
		return nil, say("InvalidRequest", "Checksum Type mismatch occurred, expected checksum Type: "+lower(u.Algorithm)+", actual checksum Type: "+lower(c.algorithm))
	}
	got, err := s.receive(ctx, in.Body, in.ContentLength, c.algorithm, u.Algorithm)
	if err != nil {
		return nil, err
	}
	defer got.w.Abort()
	if err := c.verify(got); err != nil {
		return nil, err
	}
	p, err := s.putPart(ctx, in.Bucket, in.ExpectedBucketOwner, in.Key, in.UploadId, *in.PartNumber, got)
	if err != nil {
		return nil, err
	}
	out := &s3.UploadPartOutput{ETag: &p.ETag}
	var answer types.Checksum // only what was asked for
	*sum(&answer, c.algorithm) = *sum(&got.sums, c.algorithm)
	copyFields(out, &answer)
	out.ServerSideEncryption, out.SSEKMSKeyId, out.BucketKeyEnabled = u.Attributes.ServerSideEncryption, u.Attributes.SSEKMSKeyId, u.Attributes.BucketKeyEnabled
	return out, nil
}

func checkPartNumber(n *int32) error {
	if n == nil || *n < 1 || *n > maxParts {
		return invalid("partNumber", itoa(aws.ToInt32(n)), "Part number must be an integer between 1 and 10000, inclusive")
	}
	return nil
}

// putPart is the transition that adds received bytes to an upload.
func (s *Service) putPart(ctx context.Context, bucketName, expectedOwner, key, id *string, number int32, got *received) (*part, error) {
	p := &part{Number: number, Size: got.size, ETag: got.etag(), Modified: s.engine.Now(), Checksum: got.sums}
	p.Checksum.ChecksumType = "" // is the whole object's affair
	err := s.keep(ctx, got, func(tx *engine.Tx, data string) error {
		_, u, err := s.upload(ctx, tx, bucketName, expectedOwner, key, id)
		if err != nil {
			return err
		}
		old, err := get(parts, tx, u.ID, partKey(number))
		if err != nil {
			return err
		}
		if old != nil && old.Data != "" {
			if err := refer(tx, old.Data, -1); err != nil {
				return err
			}
		}
		p.Data = data
		return parts.Put(tx, p, u.ID, partKey(number))
	})
	return p, err
}

// AbortMultipartUpload gives an upload up; its parts are removed by a job.
func (s *Service) AbortMultipartUpload(ctx context.Context, in *s3.AbortMultipartUploadInput, _ ...func(*s3.Options)) (*s3.AbortMultipartUploadOutput, error) {
	err := s.engine.Update(ctx, func(tx *engine.Tx) error {
		b, u, err := s.upload(ctx, tx, in.Bucket, in.ExpectedBucketOwner, in.Key, in.UploadId)
		if err != nil {
			return err
		}
		if in.IfMatchInitiatedTime != nil && !in.IfMatchInitiatedTime.Equal(u.Initiated.Truncate(time.Second)) {
			return fail("PreconditionFailed", "Condition", "x-amz-if-match-initiated-time")
		}
		return abandon(tx, b, u)
	})
	if err != nil {
		return nil, err
	}
	return &s3.AbortMultipartUploadOutput{}, nil
}

func abandon(tx *engine.Tx, b *bucket, u *upload) error {
	if err := uploads.Delete(tx, b.Name, u.Key, u.ID); err != nil {
		return err
	}
	return discardParts(tx, u.ID)
}

// abandonUploads gives up all uploads of a bucket that is being deleted.
func (s *Service) abandonUploads(tx *engine.Tx, bucketName string) error {
	var all []*upload
	for u, err := range uploads.All(tx, bucketName) {
		if err != nil {
			return err
		}
		all = append(all, u)
	}
	for _, u := range all {
		if err := abandon(tx, &bucket{Name: bucketName}, u); err != nil {
			return err
		}
	}
	return nil
}
