package s3

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/slipway-dev/slipway/internal/aws/wire"
	"github.com/slipway-dev/slipway/internal/engine"
)

// maxDelete is the most keys of one DeleteObjects.
const maxDelete = 1000

// DeleteObject deletes a version for good, or puts a delete marker where
// versions are kept. Deleting what is not there succeeds.
func (s *Service) DeleteObject(ctx context.Context, in *s3.DeleteObjectInput, _ ...func(*s3.Options)) (*s3.DeleteObjectOutput, error) {
	if in.IfMatchSize != nil || in.IfMatchLastModifiedTime != nil {
		return nil, notImplemented("Conditional deletes by size or modification time (for directory buckets)")
	}
	item := types.ObjectIdentifier{Key: in.Key, VersionId: in.VersionId, ETag: in.IfMatch}
	var d deletion
	err := s.engine.Update(ctx, func(tx *engine.Tx) error {
		b, err := s.bucket(ctx, tx, in.Bucket, in.ExpectedBucketOwner)
		if err != nil {
			return err
		}
		d, err = s.deleteOne(ctx, tx, b, item, "DeleteObject")
		return err
	})
	if err != nil {
		return nil, err
	}
	return &s3.DeleteObjectOutput{VersionId: d.version, DeleteMarker: ptr(d.marker)}, nil
}

// DeleteObjects deletes many in one transition; each succeeds or fails by itself.
func (s *Service) DeleteObjects(ctx context.Context, in *s3.DeleteObjectsInput, _ ...func(*s3.Options)) (*s3.DeleteObjectsOutput, error) {
	if n := len(in.Delete.Objects); n == 0 || n > maxDelete {
		return nil, fail("MalformedXML")
	}
	for _, item := range in.Delete.Objects {
		if item.Size != nil || item.LastModifiedTime != nil {
			return nil, notImplemented("Conditional deletes by size or modification time (for directory buckets)")
		}
	}
	var out *s3.DeleteObjectsOutput
	err := s.engine.Update(ctx, func(tx *engine.Tx) error {
		out = &s3.DeleteObjectsOutput{}
		b, err := s.bucket(ctx, tx, in.Bucket, in.ExpectedBucketOwner)
		if err != nil {
			return err
		}
		for _, item := range in.Delete.Objects {
			d, err := s.deleteOne(ctx, tx, b, item, "DeleteObjects")
			var refused *wire.Error
			switch {
			case errors.As(err, &refused):
				out.Errors = append(out.Errors, types.Error{Key: item.Key, VersionId: item.VersionId, Code: &refused.Code, Message: &refused.Message})
			case err != nil:
				return err
			case !aws.ToBool(in.Delete.Quiet):
				out.Deleted = append(out.Deleted, deletedObject(item, d))
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

func deletedObject(item types.ObjectIdentifier, d deletion) types.DeletedObject {
	o := types.DeletedObject{Key: item.Key, VersionId: item.VersionId, DeleteMarker: ptr(d.marker)}
	if d.marker {
		o.DeleteMarkerVersionId = d.version
	}
	return o
}

// deleteOne checks before it changes anything, so that a refusal may be
// reported inside a transition that goes on.
func (s *Service) deleteOne(ctx context.Context, tx *engine.Tx, b *bucket, item types.ObjectIdentifier, reason string) (deletion, error) {
	key := aws.ToString(item.Key)
	if err := checkKey(key); err != nil {
		return deletion{}, err
	}
	if err := checkVersion(item.VersionId); err != nil {
		return deletion{}, err
	}
	if item.ETag != nil {
		o, _, err := find(tx, b, key, item.VersionId)
		switch {
		case err != nil:
			return deletion{}, err
		case o == nil || o.Marker:
			return deletion{}, fail("NoSuchKey", "Key", key)
		case !etagMatches(*item.ETag, o.ETag):
			return deletion{}, fail("PreconditionFailed", "Condition", "If-Match")
		}
	}
	var d deletion
	var err error
	if item.VersionId != nil {
		d, err = s.deleteVersion(tx, b, key, *item.VersionId)
	} else {
		d, err = s.deleteKey(tx, b, key)
	}
	if err != nil || !d.found {
		return d, err
	}
	return d, s.emitDeleted(ctx, tx, b, key, d, item.VersionId == nil && d.marker, reason)
}
