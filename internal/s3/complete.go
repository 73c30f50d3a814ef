package s3

import (
	"context"
	"crypto/md5"
	"encoding/base64"
	"encoding/hex"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/store"
)

// CompleteMultipartUpload makes an object of the listed parts, without copying
// them: the object refers to the upload's parts. Completing again what became
// the current version answers the same, for a client that lost the answer.
func (s *Service) CompleteMultipartUpload(ctx context.Context, in *s3.CompleteMultipartUploadInput, _ ...func(*s3.Options)) (*s3.CompleteMultipartUploadOutput, error) {
	key := aws.ToString(in.Key)
	if err := checkKey(key); err != nil {
		return nil, err
	}
	if in.MultipartUpload == nil || len(in.MultipartUpload.Parts) == 0 {
		return nil, say("InvalidRequest", "You must specify at least one part")
	}
	if err := checkPartOrder(in); err != nil {
		return nil, err
	}
	var b *bucket
	var o *object
	err := s.engine.Update(ctx, func(tx *engine.Tx) (err error) {
		if b, err = s.bucket(ctx, tx, in.Bucket, in.ExpectedBucketOwner); err != nil {
			return err
		}
		u, err := get(uploads, tx, b.Name, key, aws.ToString(in.UploadId))
		if err != nil {
			return err
		}
		if u == nil {
			o, err = completed(tx, b, key, aws.ToString(in.UploadId))
			return err
		}
		if err := checkWrite(tx, b, key, in.IfMatch, in.IfNoneMatch); err != nil {
			return err
		}
		chosen, err := chooseParts(tx, u, in.MultipartUpload.Parts)
		if err != nil {
			return err
		}
		if o, err = assemble(u, chosen, in); err != nil {
			return err
		}
		if err := uploads.Delete(tx, b.Name, key, u.ID); err != nil {
			return err
		}
		if err := s.putVersion(tx, b, o); err != nil {
			return err
		}
		return s.emitCreated(ctx, tx, b, o, "CompleteMultipartUpload")
	})
	if err != nil {
		return nil, err
	}
	out := &s3.CompleteMultipartUploadOutput{
		Bucket: in.Bucket, Key: in.Key, ETag: &o.ETag, VersionId: o.versionOf(b), Expiration: expirationHeader(b, o),
		Location: aws.String(s.site.URL + "/" + b.Name + "/" + urlPath(key)),
	}
	copyFields(out, &o.Checksum)
	copyFields(out, &o.Attributes)
	return out, nil
}

// completed is the current version if this upload became it.
func completed(r store.Reader, b *bucket, key, id string) (*object, error) {
	o, err := get(objects, r, b.Name, key)
	if err == nil && (o == nil || o.Upload == "" || o.Upload != id) {
		err = fail("NoSuchUpload", "UploadId", id)
	}
	return o, err
}

func checkPartOrder(in *s3.CompleteMultipartUploadInput) error {
	last := int32(0)
	for _, p := range in.MultipartUpload.Parts {
		n := aws.ToInt32(p.PartNumber)
		if err := checkPartNumber(&n); err != nil {
			return err
		}
		if n <= last {
			return fail("InvalidPartOrder", "UploadId", aws.ToString(in.UploadId))
		}
		last = n
	}
	return nil
}

// chooseParts finds the listed parts and drops the others.
func chooseParts(tx *engine.Tx, u *upload, list []types.CompletedPart) ([]*part, error) {
	var chosen, dropped []*part
	for p, err := range parts.All(tx, u.ID) {
		if err != nil {
			return nil, err
		}
		if len(chosen) < len(list) && aws.ToInt32(list[len(chosen)].PartNumber) == p.Number {
			chosen = append(chosen, p)
		} else {
			dropped = append(dropped, p)
		}
	}
	if len(chosen) < len(list) {
		want := list[len(chosen)]
		return nil, fail("InvalidPart", "UploadId", u.ID, "PartNumber", itoa(aws.ToInt32(want.PartNumber)), "ETag", strings.Trim(aws.ToString(want.ETag), `"`))
	}
	for i, p := range chosen {
		if err := checkPart(u, p, &list[i], i == len(list)-1); err != nil {
			return nil, err
		}
	}
	for _, p := range dropped {
		if err := parts.Delete(tx, u.ID, partKey(p.Number)); err != nil {
			return nil, err
		}
		if p.Data != "" {
			if err := refer(tx, p.Data, -1); err != nil {
				return nil, err
			}
		}
	}
	return chosen, nil
}

// checkPart compares a part with what the client lists.
func checkPart(u *upload, p *part, want *types.CompletedPart, last bool) error {
	invalidPart := fail("InvalidPart", "UploadId", u.ID, "PartNumber", itoa(p.Number), "ETag", strings.Trim(aws.ToString(want.ETag), `"`))
	if strings.Trim(aws.ToString(want.ETag), `"`) != strings.Trim(p.ETag, `"`) {
		return invalidPart
	}
	var said types.Checksum
	copyFields(&said, want)
	for _, a := range algorithmsOf(&said) {
		have := *sum(&p.Checksum, a)
		if have == nil || *have != **sum(&said, a) {
			return invalidPart
		}
	}
	if u.Named && u.Type == types.ChecksumTypeComposite && *sum(&said, u.Algorithm) == nil {
		return say("InvalidRequest", "The upload was created using a "+lower(u.Algorithm)+" checksum. The complete request must include the checksum for each part. It was missing for part "+itoa(p.Number)+" in the request.")
	}
	if !last && p.Size < minPartSize {
		return fail("EntityTooSmall", "ETag", strings.Trim(p.ETag, `"`), "PartNumber", itoa(p.Number), "ProposedSize", itoa(p.Size), "MinSizeAllowed", itoa(minPartSize))
	}
	return nil
}

// assemble makes the object: its ETag is the MD5 of the parts' MD5s and their
// number.
func assemble(u *upload, chosen []*part, in *s3.CompleteMultipartUploadInput) (*object, error) {
	o := &object{Key: u.Key, Data: u.ID, Upload: u.ID, Parts: int32(len(chosen)), Attributes: u.Attributes, Tags: u.Tags, Grants: u.Grants}
	etag, composite := md5.New(), newChecksum(u.Algorithm)
	for _, p := range chosen {
		o.Size += p.Size
		b, err := hex.DecodeString(strings.Trim(p.ETag, `"`))
		if err != nil {
			return nil, err
		}
		etag.Write(b)
		b, err = base64.StdEncoding.DecodeString(aws.ToString(*sum(&p.Checksum, u.Algorithm)))
		if err != nil {
			return nil, err
		}
		composite.Write(b)
	}
	o.ETag = `"` + hex.EncodeToString(etag.Sum(nil)) + "-" + itoa(len(chosen)) + `"`
	o.Checksum.ChecksumType = u.Type
	value := encode(composite.Sum(nil)) + "-" + itoa(len(chosen))
	if u.Type == types.ChecksumTypeFullObject {
		value = combine(u.Algorithm, chosen)
	}
	*sum(&o.Checksum, u.Algorithm) = &value

	if o.Size > maxObject {
		return nil, fail("EntityTooLarge", "ProposedSize", itoa(o.Size), "MaxSizeAllowed", itoa(int64(maxObject)))
	}
	if in.MpuObjectSize != nil && *in.MpuObjectSize != o.Size {
		return nil, say("InvalidRequest", "The provided 'x-amz-mp-object-size' header value "+itoa(*in.MpuObjectSize)+" does not match what was computed: "+itoa(o.Size))
	}
	if in.ChecksumType != "" && in.ChecksumType != u.Type {
		return nil, say("InvalidRequest", "The upload was created using the "+string(u.Type)+" checksum mode. The complete request must use the same checksum mode.")
	}
	var said types.Checksum
	copyFields(&said, in)
	for _, a := range algorithmsOf(&said) {
		want := **sum(&said, a)
		if a != u.Algorithm || want != value && want+"-"+itoa(len(chosen)) != value {
			return nil, say("BadDigest", "The "+lower(a)+" you specified did not match the calculated checksum.")
		}
	}
	return o, nil
}

func lower(a types.ChecksumAlgorithm) string { return strings.ToLower(string(a)) }

// urlPath is a key in the path of a URL.
func urlPath(key string) string { return strings.ReplaceAll(urlEncode(key), "+", "%20") }
