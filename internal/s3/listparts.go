package s3

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/slipway-dev/slipway/internal/aws/identity"
	"github.com/slipway-dev/slipway/internal/store"
)

func caller(ctx context.Context) string { return identity.From(ctx).ARN }

// ListParts lists the parts that came so far.
func (s *Service) ListParts(ctx context.Context, in *s3.ListPartsInput, _ ...func(*s3.Options)) (*s3.ListPartsOutput, error) {
	limit, err := checkLimit("max-parts", in.MaxParts)
	if err != nil {
		return nil, err
	}
	marker, err := partMarker(in.PartNumberMarker)
	if err != nil {
		return nil, err
	}
	var out *s3.ListPartsOutput
	err = s.engine.View(ctx, func(r store.Reader) error {
		b, u, err := s.upload(ctx, r, in.Bucket, in.ExpectedBucketOwner, in.Key, in.UploadId)
		if err != nil {
			return err
		}
		out = &s3.ListPartsOutput{
			Bucket: in.Bucket, Key: in.Key, UploadId: &u.ID, MaxParts: aws.Int32(int32(limit)),
			PartNumberMarker: aws.String(itoa(marker)), Owner: owner(b.Account),
			Initiator:    &types.Initiator{ID: &u.Initiator},
			StorageClass: (&object{Attributes: u.Attributes}).class(),
		}
		if u.Named {
			out.ChecksumAlgorithm, out.ChecksumType = u.Algorithm, u.Type
		}
		if at, rule := abortAt(b.Lifecycle, u); rule != "" {
			out.AbortDate, out.AbortRuleId = &at, &rule
		}
		some, more, err := pageParts(r, u.ID, marker, limit)
		if err != nil {
			return err
		}
		for _, p := range some {
			item := types.Part{PartNumber: &p.Number, ETag: &p.ETag, Size: &p.Size, LastModified: aws.Time(p.Modified.Truncate(time.Second))}
			copyFields(&item, &p.Checksum)
			out.Parts = append(out.Parts, item)
			out.NextPartNumberMarker = aws.String(itoa(p.Number))
		}
		out.IsTruncated = &more
		return nil
	})
	return out, err
}

func partMarker(m *string) (int32, error) {
	if aws.ToString(m) == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(*m, 10, 32)
	if err != nil || n < 0 {
		return 0, invalid("part-number-marker", *m, "Argument part-number-marker must be an integer between 0 and 2147483647")
	}
	return int32(n), nil
}

// pageParts reads at most limit parts after a number.
func pageParts(r store.Reader, upload string, after int32, limit int) (some []*part, more bool, err error) {
	if after >= maxParts || limit == 0 {
		return nil, false, nil
	}
	rg := store.Range{Prefix: store.Prefix(string(parts), upload), Start: parts.Key(upload, partKey(after+1)), Limit: limit + 1}
	for p, err := range parts.Scan(r, rg) {
		if err != nil {
			return nil, false, err
		}
		if len(some) == limit {
			return some, true, nil
		}
		some = append(some, p)
	}
	return some, false, nil
}

// ListMultipartUploads lists uploads in progress by key and beginning.
func (s *Service) ListMultipartUploads(ctx context.Context, in *s3.ListMultipartUploadsInput, _ ...func(*s3.Options)) (*s3.ListMultipartUploadsOutput, error) {
	limit, err := checkLimit("max-uploads", in.MaxUploads)
	if err != nil {
		return nil, err
	}
	var out *s3.ListMultipartUploadsOutput
	err = s.engine.View(ctx, func(r store.Reader) error {
		b, err := s.bucket(ctx, r, in.Bucket, in.ExpectedBucketOwner)
		if err != nil {
			return err
		}
		out, err = listUploads(r, b, in, limit)
		return err
	})
	return out, err
}

func listUploads(r store.Reader, b *bucket, in *s3.ListMultipartUploadsInput, limit int) (*s3.ListMultipartUploadsOutput, error) {
	prefix, delimiter, marker, idMarker := aws.ToString(in.Prefix), aws.ToString(in.Delimiter), aws.ToString(in.KeyMarker), aws.ToString(in.UploadIdMarker)
	enc := encoder(in.EncodingType)
	out := &s3.ListMultipartUploadsOutput{
		Bucket: in.Bucket, KeyMarker: enc(marker), UploadIdMarker: aws.String(idMarker), MaxUploads: aws.Int32(int32(limit)),
		EncodingType: in.EncodingType, IsTruncated: aws.Bool(false), Prefix: enc(prefix),
	}
	if delimiter != "" {
		out.Delimiter = enc(delimiter)
	}
	if limit == 0 {
		return out, nil
	}
	base := store.Prefix(string(uploads), b.Name)
	p := newPager(r, base+prefix, "")
	switch {
	case marker == "":
	case strings.HasPrefix(marker, prefix) && commonPrefix(marker, prefix, delimiter) == marker:
		p.seek(base + marker + beyond)
	case idMarker == "":
		p.seek(base + marker + store.Separator + beyond)
	default:
		p.seek(base + marker + store.Separator + idMarker + store.Separator)
	}
	lastKey, lastID := "", ""
	for n := 0; ; n++ {
		e, err := p.peek()
		if err != nil || e == nil {
			return out, err
		}
		if n == limit {
			out.IsTruncated, out.NextKeyMarker, out.NextUploadIdMarker = aws.Bool(true), enc(lastKey), aws.String(lastID)
			return out, nil
		}
		key := oldKey(e.Key[len(base):])
		if cp := commonPrefix(key, prefix, delimiter); cp != "" {
			out.CommonPrefixes = append(out.CommonPrefixes, types.CommonPrefix{Prefix: enc(cp)})
			lastKey, lastID = cp, ""
			p.seek(base + cp + beyond)
			continue
		}
		u, err := uploads.Get(r, b.Name, key, e.Key[len(base)+len(key)+1:])
		if err != nil {
			return nil, err
		}
		p.pop()
		lastKey, lastID = key, u.ID
		item := types.MultipartUpload{
			Key: enc(key), UploadId: &u.ID, Initiated: aws.Time(u.Initiated.Truncate(time.Second)), Owner: owner(b.Account),
			Initiator: &types.Initiator{ID: &u.Initiator}, StorageClass: (&object{Attributes: u.Attributes}).class(),
		}
		if u.Named {
			item.ChecksumAlgorithm, item.ChecksumType = u.Algorithm, u.Type
		}
		out.Uploads = append(out.Uploads, item)
	}
}
