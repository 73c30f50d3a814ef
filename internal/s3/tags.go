package s3

import (
	"context"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/store"
)

const (
	maxBucketTags = 50
	maxObjectTags = 10
)

// checkTags applies S3's limits on a set of tags.
func checkTags(tags []types.Tag, most int) error {
	if len(tags) > most {
		if most == maxObjectTags {
			return say("BadRequest", "Object tags cannot be greater than 10")
		}
		return say("BadRequest", "Bucket tag count cannot be greater than 50")
	}
	seen := map[string]bool{}
	for _, t := range tags {
		k, v := aws.ToString(t.Key), aws.ToString(t.Value)
		switch {
		case k == "" || utf8.RuneCountInString(k) > 128:
			return say("InvalidTag", "The TagKey you have provided is invalid", "TagKey", k)
		case utf8.RuneCountInString(v) > 256:
			return say("InvalidTag", "The TagValue you have provided is invalid", "TagKey", k, "TagValue", v)
		case len(k) >= 4 && k[:4] == "aws:":
			return say("InvalidTag", "System tags cannot be added/updated by requester", "TagKey", k)
		case seen[k]:
			return say("InvalidTag", "Cannot provide multiple Tags with the same key", "TagKey", k)
		}
		seen[k] = true
	}
	return nil
}

// PutObjectTagging replaces the tags of a version.
func (s *Service) PutObjectTagging(ctx context.Context, in *s3.PutObjectTaggingInput, _ ...func(*s3.Options)) (*s3.PutObjectTaggingOutput, error) {
	if err := checkTags(in.Tagging.TagSet, maxObjectTags); err != nil {
		return nil, err
	}
	v, err := s.setTags(ctx, in.Bucket, in.ExpectedBucketOwner, in.Key, in.VersionId, in.Tagging.TagSet)
	if err != nil {
		return nil, err
	}
	return &s3.PutObjectTaggingOutput{VersionId: v}, nil
}

// DeleteObjectTagging removes the tags of a version.
func (s *Service) DeleteObjectTagging(ctx context.Context, in *s3.DeleteObjectTaggingInput, _ ...func(*s3.Options)) (*s3.DeleteObjectTaggingOutput, error) {
	v, err := s.setTags(ctx, in.Bucket, in.ExpectedBucketOwner, in.Key, in.VersionId, nil)
	if err != nil {
		return nil, err
	}
	return &s3.DeleteObjectTaggingOutput{VersionId: v}, nil
}

func (s *Service) setTags(ctx context.Context, bucketName, expectedOwner, key, version *string, tags []types.Tag) (shown *string, err error) {
	err = s.engine.Update(ctx, func(tx *engine.Tx) error {
		b, o, current, err := s.lookup(ctx, tx, bucketName, expectedOwner, aws.ToString(key), version)
		if err != nil {
			return err
		}
		o.Tags, shown = tags, o.versionOf(b)
		return update(tx, b, o, current)
	})
	return shown, err
}

// GetObjectTagging answers the tags of a version; none is no error.
func (s *Service) GetObjectTagging(ctx context.Context, in *s3.GetObjectTaggingInput, _ ...func(*s3.Options)) (*s3.GetObjectTaggingOutput, error) {
	out := &s3.GetObjectTaggingOutput{TagSet: []types.Tag{}}
	err := s.engine.View(ctx, func(r store.Reader) error {
		b, o, _, err := s.lookup(ctx, r, in.Bucket, in.ExpectedBucketOwner, aws.ToString(in.Key), in.VersionId)
		if err != nil {
			return err
		}
		out.TagSet, out.VersionId = append(out.TagSet, o.Tags...), o.versionOf(b)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}
