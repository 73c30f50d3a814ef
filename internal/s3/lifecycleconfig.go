package s3

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/id"
)

// GetBucketLifecycleConfiguration answers the rules.
func (s *Service) GetBucketLifecycleConfiguration(ctx context.Context, in *s3.GetBucketLifecycleConfigurationInput, _ ...func(*s3.Options)) (*s3.GetBucketLifecycleConfigurationOutput, error) {
	b, err := s.viewBucket(ctx, in.Bucket, in.ExpectedBucketOwner)
	if err != nil {
		return nil, err
	}
	if len(b.Lifecycle) == 0 {
		return nil, fail("NoSuchLifecycleConfiguration", "BucketName", b.Name)
	}
	return &s3.GetBucketLifecycleConfigurationOutput{Rules: b.Lifecycle, TransitionDefaultMinimumObjectSize: b.MinimumTransition}, nil
}

// PutBucketLifecycleConfiguration replaces the rules and applies them at once;
// then every midnight UTC.
func (s *Service) PutBucketLifecycleConfiguration(ctx context.Context, in *s3.PutBucketLifecycleConfigurationInput, _ ...func(*s3.Options)) (*s3.PutBucketLifecycleConfigurationOutput, error) {
	if in.LifecycleConfiguration == nil {
		return nil, fail("MalformedXML")
	}
	rules := in.LifecycleConfiguration.Rules
	if err := checkRules(rules); err != nil {
		return nil, err
	}
	for i := range rules {
		if aws.ToString(rules[i].ID) == "" {
			rules[i].ID = aws.String(id.Of(s.ids, id.AlphaNum, 48))
		}
	}
	minimum := in.TransitionDefaultMinimumObjectSize
	if minimum == "" {
		minimum = types.TransitionDefaultMinimumObjectSizeAllStorageClasses128k
	}
	err := s.changeBucket(ctx, in.Bucket, in.ExpectedBucketOwner, func(tx *engine.Tx, b *bucket) error {
		b.Lifecycle, b.MinimumTransition = rules, minimum
		return tx.Enqueue(engine.NewJob{Kind: jobLifecycle, ID: b.Name})
	})
	if err != nil {
		return nil, err
	}
	return &s3.PutBucketLifecycleConfigurationOutput{TransitionDefaultMinimumObjectSize: minimum}, nil
}

// DeleteBucketLifecycle removes the rules; none is no error.
func (s *Service) DeleteBucketLifecycle(ctx context.Context, in *s3.DeleteBucketLifecycleInput, _ ...func(*s3.Options)) (*s3.DeleteBucketLifecycleOutput, error) {
	err := s.changeBucket(ctx, in.Bucket, in.ExpectedBucketOwner, func(tx *engine.Tx, b *bucket) error {
		b.Lifecycle, b.MinimumTransition = nil, ""
		return tx.Cancel(jobLifecycle, b.Name)
	})
	if err != nil {
		return nil, err
	}
	return &s3.DeleteBucketLifecycleOutput{}, nil
}

func checkRules(rules []types.LifecycleRule) error {
	if len(rules) == 0 || len(rules) > 1000 {
		return fail("MalformedXML")
	}
	seen := map[string]bool{}
	for i := range rules {
		r := &rules[i]
		name := aws.ToString(r.ID)
		switch {
		case len(name) > 255:
			return invalid("ID", name, "ID length should not exceed allowed limit of 255")
		case name != "" && seen[name]:
			return invalid("ID", name, "Rule ID must be unique. Found same ID for more than one rule")
		}
		seen[name] = true
		if err := checkFilter(r); err != nil {
			return err
		}
		if err := checkActions(r); err != nil {
			return err
		}
	}
	return nil
}

// checkFilter wants exactly one form, and in it one condition or And.
func checkFilter(r *types.LifecycleRule) error {
	if (r.Filter == nil) == (r.Prefix == nil) {
		return fail("MalformedXML")
	}
	f := r.Filter
	if f == nil {
		return nil
	}
	n := 0
	for _, is := range []bool{f.And != nil, f.Prefix != nil, f.Tag != nil, f.ObjectSizeGreaterThan != nil, f.ObjectSizeLessThan != nil} {
		if is {
			n++
		}
	}
	if n > 1 {
		return fail("MalformedXML")
	}
	if f.And != nil {
		n = len(f.And.Tags)
		for _, is := range []bool{f.And.Prefix != nil, f.And.ObjectSizeGreaterThan != nil, f.And.ObjectSizeLessThan != nil} {
			if is {
				n++
			}
		}
		if n < 2 {
			return fail("MalformedXML")
		}
		if a := f.And; a.ObjectSizeGreaterThan != nil && a.ObjectSizeLessThan != nil && *a.ObjectSizeLessThan <= *a.ObjectSizeGreaterThan {
			return say("InvalidRequest", "'ObjectSizeLessThan' has to be a value greater than 'ObjectSizeGreaterThan'.")
		}
	}
	_, tags, _, _ := filter(r)
	return checkTags(tags, maxObjectTags)
}

func checkActions(r *types.LifecycleRule) error {
	if r.Expiration == nil && r.NoncurrentVersionExpiration == nil && r.AbortIncompleteMultipartUpload == nil && len(r.Transitions)+len(r.NoncurrentVersionTransitions) == 0 {
		return say("InvalidRequest", "At least one action needs to be specified in a rule")
	}
	_, tags, over, under := filter(r)
	if err := checkExpiration(r.Expiration, len(tags) > 0); err != nil {
		return err
	}
	if e := r.NoncurrentVersionExpiration; e != nil {
		if e.NoncurrentDays == nil {
			return fail("MalformedXML")
		}
		if *e.NoncurrentDays <= 0 {
			return say("InvalidArgument", "'NoncurrentDays' for NoncurrentVersionExpiration action must be a positive integer")
		}
		if n := e.NewerNoncurrentVersions; n != nil && (*n < 1 || *n > 100) {
			return say("InvalidArgument", "'NewerNoncurrentVersions' for NoncurrentVersionExpiration action must be an integer between 1 and 100")
		}
	}
	if a := r.AbortIncompleteMultipartUpload; a != nil {
		switch {
		case aws.ToInt32(a.DaysAfterInitiation) <= 0:
			return say("InvalidArgument", "'DaysAfterInitiation' for AbortIncompleteMultipartUpload action must be a positive integer")
		case len(tags) > 0:
			return say("InvalidRequest", "AbortIncompleteMultipartUpload cannot be specified with Tags.")
		case over != nil || under != nil:
			return say("InvalidRequest", "AbortIncompleteMultipartUpload cannot be specified with ObjectSize.")
		}
	}
	if err := checkTransitions(r); err != nil {
		return err
	}
	return checkOrder(r)
}

func checkExpiration(e *types.LifecycleExpiration, byTags bool) error {
	if e == nil {
		return nil
	}
	n := 0
	for _, is := range []bool{e.Days != nil, e.Date != nil, e.ExpiredObjectDeleteMarker != nil} {
		if is {
			n++
		}
	}
	switch {
	case n != 1:
		return fail("MalformedXML")
	case e.Days != nil && *e.Days <= 0:
		return say("InvalidArgument", "'Days' for Expiration action must be a positive integer")
	case e.Date != nil && !e.Date.Equal(e.Date.Truncate(day)):
		return say("InvalidArgument", "'Date' must be at midnight GMT")
	case e.ExpiredObjectDeleteMarker != nil && byTags:
		return say("InvalidRequest", "ExpiredObjectDeleteMarker cannot be specified with Tags.")
	}
	return nil
}

func checkTransitions(r *types.LifecycleRule) error {
	check := func(class types.TransitionStorageClass, days *int32, what string) error {
		if err := checkStorageClass(string(class)); err != nil {
			return err
		}
		ia := class == types.TransitionStorageClassStandardIa || class == types.TransitionStorageClassOnezoneIa
		switch {
		case days != nil && *days < 0:
			return say("InvalidArgument", "'"+what+"' in Transition action must be nonnegative")
		case days != nil && ia && *days < 30:
			return say("InvalidArgument", "'"+what+"' in Transition action must be greater than or equal to 30 for storageClass '"+string(class)+"'")
		}
		return nil
	}
	for _, t := range r.Transitions {
		if (t.Days == nil) == (t.Date == nil) {
			return fail("MalformedXML")
		}
		if t.Date != nil && !t.Date.Equal(t.Date.Truncate(day)) {
			return say("InvalidArgument", "'Date' must be at midnight GMT")
		}
		if err := check(t.StorageClass, t.Days, "Days"); err != nil {
			return err
		}
	}
	for _, t := range r.NoncurrentVersionTransitions {
		if t.NoncurrentDays == nil {
			return fail("MalformedXML")
		}
		if err := check(t.StorageClass, t.NoncurrentDays, "NoncurrentDays"); err != nil {
			return err
		}
	}
	return nil
}

// nextMidnight is when rules are applied again.
func nextMidnight(now time.Time) time.Time { return now.UTC().Truncate(day).Add(day) }
