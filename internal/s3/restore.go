package s3

import (
	"context"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/slipway-dev/slipway/internal/engine"
)

// archives tells whether objects of a class must be restored to be read.
func archives(c types.StorageClass) bool {
	return c == types.StorageClassGlacier || c == types.StorageClassDeepArchive
}

// readable is S3's error for an archived object that is not restored.
func (o *object) readable(now time.Time) error {
	if archives(o.class()) && !now.Before(o.Restored) {
		return fail("InvalidObjectState", "StorageClass", string(o.class()))
	}
	return nil
}

// restoreHeader is x-amz-restore; nil unless an archived object is restored.
func (o *object) restoreHeader(now time.Time) *string {
	if !archives(o.class()) || !now.Before(o.Restored) {
		return nil
	}
	return aws.String(`ongoing-request="false", expiry-date="` + o.Restored.UTC().Format("Mon, 02 Jan 2006 15:04:05") + ` GMT"`)
}

// restoreStatus is the same in lists, where it is asked for.
func (o *object) restoreStatus(asked []types.OptionalObjectAttributes, now time.Time) *types.RestoreStatus {
	if o.restoreHeader(now) == nil || !slices.Contains(asked, types.OptionalObjectAttributesRestoreStatus) {
		return nil
	}
	return &types.RestoreStatus{IsRestoreInProgress: aws.Bool(false), RestoreExpiryDate: &o.Restored}
}

// RestoreObject makes an archived version readable for some days, counted to
// the midnight after. What takes AWS minutes to hours is done at once.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/restoring-objects.html
func (s *Service) RestoreObject(ctx context.Context, in *s3.RestoreObjectInput, _ ...func(*s3.Options)) (*s3.RestoreObjectOutput, error) {
	r := in.RestoreRequest
	switch {
	case r == nil:
		return nil, fail("MalformedXML")
	case r.Type != "" || r.OutputLocation != nil || r.SelectParameters != nil:
		return nil, notImplemented("Selecting from archived objects")
	case r.Days == nil || *r.Days < 1:
		return nil, fail("MalformedXML")
	}
	err := s.engine.Update(ctx, func(tx *engine.Tx) error {
		b, o, current, err := s.lookup(ctx, tx, in.Bucket, in.ExpectedBucketOwner, aws.ToString(in.Key), in.VersionId)
		if err != nil {
			return err
		}
		if !archives(o.class()) {
			return say("InvalidObjectState", "Restore is not allowed for the object's current storage class", "StorageClass", string(o.class()))
		}
		tier := r.Tier
		if r.GlacierJobParameters != nil {
			tier = r.GlacierJobParameters.Tier
		}
		if tier == types.TierExpedited && o.class() == types.StorageClassDeepArchive {
			return invalid("Tier", string(tier), "Expedited retrievals are not supported for objects in the DEEP_ARCHIVE storage class")
		}
		o.Restored = due(s.engine.Now(), *r.Days)
		return update(tx, b, o, current)
	})
	if err != nil {
		return nil, err
	}
	return &s3.RestoreObjectOutput{}, nil
}
