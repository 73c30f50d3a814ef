package s3

import (
	"context"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/slipway-dev/slipway/internal/store"
)

// GetObjectAttributes answers the asked members of a version.
func (s *Service) GetObjectAttributes(ctx context.Context, in *s3.GetObjectAttributesInput, _ ...func(*s3.Options)) (*s3.GetObjectAttributesOutput, error) {
	limit, err := checkLimit("max-parts", in.MaxParts)
	if err != nil {
		return nil, err
	}
	marker, err := partMarker(in.PartNumberMarker)
	if err != nil {
		return nil, err
	}
	asked := func(a types.ObjectAttributes) bool { return slices.Contains(in.ObjectAttributes, a) }
	out := &s3.GetObjectAttributesOutput{}
	err = s.engine.View(ctx, func(r store.Reader) error {
		b, o, _, err := s.lookup(ctx, r, in.Bucket, in.ExpectedBucketOwner, aws.ToString(in.Key), in.VersionId)
		if err != nil {
			return err
		}
		out.LastModified, out.VersionId = o.modified(), o.versionOf(b)
		if asked(types.ObjectAttributesEtag) {
			out.ETag = aws.String(strings.Trim(o.ETag, `"`)) // the one place without quotes
		}
		if asked(types.ObjectAttributesObjectSize) {
			out.ObjectSize = &o.Size
		}
		if asked(types.ObjectAttributesStorageClass) {
			out.StorageClass = o.class()
		}
		if asked(types.ObjectAttributesChecksum) && len(algorithmsOf(&o.Checksum)) > 0 {
			out.Checksum = &o.Checksum
		}
		if asked(types.ObjectAttributesObjectParts) && o.Parts > 0 {
			out.ObjectParts, err = attributeParts(r, o, marker, limit)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

func attributeParts(r store.Reader, o *object, marker int32, limit int) (*types.GetObjectAttributesParts, error) {
	out := &types.GetObjectAttributesParts{TotalPartsCount: &o.Parts}
	if o.Checksum.ChecksumType != types.ChecksumTypeComposite {
		return out, nil // S3 keeps the list only for composite checksums
	}
	some, more, err := pageParts(r, o.Data, marker, limit)
	if err != nil {
		return nil, err
	}
	out.MaxParts, out.PartNumberMarker, out.IsTruncated = aws.Int32(int32(limit)), aws.String(itoa(marker)), &more
	for _, p := range some {
		item := types.ObjectPart{PartNumber: &p.Number, Size: &p.Size}
		copyFields(&item, &p.Checksum)
		out.Parts = append(out.Parts, item)
		out.NextPartNumberMarker = aws.String(itoa(p.Number))
	}
	return out, nil
}
