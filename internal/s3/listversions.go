package s3

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/slipway-dev/slipway/internal/store"
)

// history walks all versions of a bucket: keys in order, in each the newest
// first. The current version of a key comes from one table, the rest from
// another.
type history struct {
	currents, olds       *pager
	currentBase, oldBase string
}

func newHistory(r store.Reader, bucket, prefix string) *history {
	h := &history{currentBase: store.Prefix(string(objects), bucket), oldBase: store.Prefix(string(versions), bucket)}
	h.currents = newPager(r, h.currentBase+prefix, "")
	h.olds = newPager(r, h.oldBase+prefix, "")
	return h
}

// seekKey goes to the first version of a key at or after this one.
func (h *history) seekKey(key string) {
	h.currents.seek(h.currentBase + key)
	h.olds.seek(h.oldBase + key)
}

// peek returns the version at hand and whether it is its key's current one;
// nil after the last.
func (h *history) peek() (*object, bool, error) {
	c, err := h.currents.peek()
	if err != nil {
		return nil, false, err
	}
	o, err := h.olds.peek()
	if err != nil {
		return nil, false, err
	}
	if c == nil && o == nil {
		return nil, false, nil
	}
	// An old version exists only beside a current one of its key.
	current := c != nil && (o == nil || c.Key[len(h.currentBase):] <= oldKey(o.Key[len(h.oldBase):]))
	e := o
	if current {
		e = c
	}
	doc := new(object)
	if err := json.Unmarshal(e.Value, doc); err != nil {
		return nil, false, fmt.Errorf("s3: decode version: %w", err)
	}
	return doc, current, nil
}

func (h *history) pop(current bool) {
	if current {
		h.currents.pop()
	} else {
		h.olds.pop()
	}
}

// oldKey is the object's key in KEY\0VERSION.
func oldKey(raw string) string { return raw[:strings.LastIndex(raw, store.Separator)] }

// ListObjectVersions lists all versions and delete markers.
func (s *Service) ListObjectVersions(ctx context.Context, in *s3.ListObjectVersionsInput, _ ...func(*s3.Options)) (*s3.ListObjectVersionsOutput, error) {
	limit, err := checkLimit("max-keys", in.MaxKeys)
	if err != nil {
		return nil, err
	}
	if aws.ToString(in.VersionIdMarker) != "" {
		if aws.ToString(in.KeyMarker) == "" {
			return nil, invalid("version-id-marker", *in.VersionIdMarker, "A version-id marker cannot be specified without a key marker.")
		}
		if err := checkVersion(in.VersionIdMarker); err != nil {
			return nil, err
		}
	}
	var out *s3.ListObjectVersionsOutput
	err = s.engine.View(ctx, func(r store.Reader) error {
		b, err := s.bucket(ctx, r, in.Bucket, in.ExpectedBucketOwner)
		if err != nil {
			return err
		}
		out, err = listVersions(r, b, in, limit)
		return err
	})
	return out, err
}

func listVersions(r store.Reader, b *bucket, in *s3.ListObjectVersionsInput, limit int) (*s3.ListObjectVersionsOutput, error) {
	prefix, delimiter, marker := aws.ToString(in.Prefix), aws.ToString(in.Delimiter), aws.ToString(in.KeyMarker)
	enc := encoder(in.EncodingType)
	out := &s3.ListObjectVersionsOutput{
		Name: in.Bucket, Prefix: enc(prefix), KeyMarker: enc(marker), VersionIdMarker: aws.String(aws.ToString(in.VersionIdMarker)),
		MaxKeys: aws.Int32(int32(limit)), EncodingType: in.EncodingType, IsTruncated: aws.Bool(false),
	}
	if delimiter != "" {
		out.Delimiter = enc(delimiter)
	}
	if limit == 0 {
		return out, nil
	}
	h := newHistory(r, b.Name, prefix)
	if err := h.after(r, b, prefix, delimiter, marker, in.VersionIdMarker); err != nil {
		return nil, err
	}
	lastKey, lastVersion := "", ""
	for n := 0; ; n++ {
		o, current, err := h.peek()
		if err != nil || o == nil {
			return out, err
		}
		if n == limit {
			out.IsTruncated, out.NextKeyMarker = aws.Bool(true), enc(lastKey)
			out.NextVersionIdMarker = ptr(lastVersion)
			return out, nil
		}
		if cp := commonPrefix(o.Key, prefix, delimiter); cp != "" {
			out.CommonPrefixes = append(out.CommonPrefixes, types.CommonPrefix{Prefix: enc(cp)})
			lastKey, lastVersion = cp, ""
			h.seekKey(cp + beyond)
			continue
		}
		lastKey, lastVersion = o.Key, *o.listedVersion()
		h.pop(current)
		if o.Marker {
			out.DeleteMarkers = append(out.DeleteMarkers, types.DeleteMarkerEntry{
				Key: enc(o.Key), VersionId: o.listedVersion(), IsLatest: &current, LastModified: o.modified(), Owner: owner(b.Account)})
			continue
		}
		out.Versions = append(out.Versions, types.ObjectVersion{
			Key: enc(o.Key), VersionId: o.listedVersion(), IsLatest: &current, LastModified: o.modified(), Owner: owner(b.Account),
			ETag: &o.ETag, Size: &o.Size, StorageClass: types.ObjectVersionStorageClass(o.class()),
			ChecksumAlgorithm: algorithmsOf(&o.Checksum), ChecksumType: o.Checksum.ChecksumType})
	}
}

// after goes behind the markers of a request.
func (h *history) after(r store.Reader, b *bucket, prefix, delimiter, key string, version *string) error {
	switch {
	case key == "":
		return nil
	case strings.HasPrefix(key, prefix) && commonPrefix(key, prefix, delimiter) == key:
		h.seekKey(key + beyond)
		return nil
	case aws.ToString(version) == "":
		h.seekKey(key + store.Separator + beyond) // behind all versions of the key
		return nil
	}
	// Behind one version: the old ones of its key that are older.
	h.currents.seek(h.currentBase + key + store.Separator)
	at := *version
	if at == nullVersion {
		o, _, err := find(r, b, key, version)
		if err != nil {
			return err
		}
		if o == nil {
			h.olds.seek(h.oldBase + key + store.Separator + beyond)
			return nil
		}
		at = o.Version
	}
	h.olds.seek(h.oldBase + key + store.Separator + at + store.Separator)
	return nil
}
