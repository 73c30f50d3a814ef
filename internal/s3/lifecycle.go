package s3

import (
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// The decisions of lifecycle rules: pure functions of a document and the time.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/intro-lifecycle-rules.html

const day = 24 * time.Hour

// due is days after t, rounded up to the next midnight UTC.
func due(t time.Time, days int32) time.Time {
	return t.UTC().Add(time.Duration(days) * day).Add(day - 1).Truncate(day)
}

// applies tells whether an enabled rule is about an object.
func applies(rule *types.LifecycleRule, o *object) bool {
	if rule.Status != types.ExpirationStatusEnabled {
		return false
	}
	prefix, tags, over, under := filter(rule)
	if !strings.HasPrefix(o.Key, prefix) {
		return false
	}
	if o.Marker {
		return true // has neither tags nor size
	}
	if over != nil && o.Size <= *over || under != nil && o.Size >= *under {
		return false
	}
	for _, t := range tags {
		if !tagged(o, t) {
			return false
		}
	}
	return true
}

func tagged(o *object, want types.Tag) bool {
	for _, t := range o.Tags {
		if *t.Key == *want.Key && aws.ToString(t.Value) == aws.ToString(want.Value) {
			return true
		}
	}
	return false
}

// filter is what a rule selects by, in whichever of S3's forms it is written.
func filter(rule *types.LifecycleRule) (prefix string, tags []types.Tag, over, under *int64) {
	prefix = aws.ToString(rule.Prefix)
	if f := rule.Filter; f != nil {
		if f.Prefix != nil {
			prefix = *f.Prefix
		}
		if f.Tag != nil {
			tags = []types.Tag{*f.Tag}
		}
		over, under = f.ObjectSizeGreaterThan, f.ObjectSizeLessThan
		if f.And != nil {
			prefix, tags, over, under = aws.ToString(f.And.Prefix), f.And.Tags, f.And.ObjectSizeGreaterThan, f.And.ObjectSizeLessThan
		}
	}
	return prefix, tags, over, under
}

// expiry is when a current version expires first, and by which rule ("": never).
func expiry(rules []types.LifecycleRule, o *object) (at time.Time, rule string) {
	for i := range rules {
		r := &rules[i]
		if r.Expiration == nil || o.Marker || !applies(r, o) {
			continue
		}
		var t time.Time
		switch {
		case r.Expiration.Date != nil:
			t = *r.Expiration.Date
		case r.Expiration.Days != nil:
			t = due(o.Modified, *r.Expiration.Days)
		default:
			continue
		}
		if rule == "" || t.Before(at) {
			at, rule = t, aws.ToString(r.ID)
		}
	}
	return at, rule
}

// loneMarkerExpired tells whether a delete marker that is its key's only
// version is to go: by its own setting, or when it is as old as objects get.
func loneMarkerExpired(rules []types.LifecycleRule, o *object, now time.Time) bool {
	for i := range rules {
		e := rules[i].Expiration
		if e == nil || !applies(&rules[i], o) {
			continue
		}
		if _, tags, _, _ := filter(&rules[i]); len(tags) > 0 {
			continue
		}
		if aws.ToBool(e.ExpiredObjectDeleteMarker) || e.Days != nil && !now.Before(due(o.Modified, *e.Days)) {
			return true
		}
	}
	return false
}

// noncurrentExpired decides on a noncurrent version that has so many newer
// noncurrent ones.
func noncurrentExpired(rules []types.LifecycleRule, o *object, newer int, now time.Time) bool {
	for i := range rules {
		e := rules[i].NoncurrentVersionExpiration
		if e == nil || e.NoncurrentDays == nil || !applies(&rules[i], o) {
			continue
		}
		if newer >= int(aws.ToInt32(e.NewerNoncurrentVersions)) && !now.Before(due(o.Superseded, *e.NoncurrentDays)) {
			return true
		}
	}
	return false
}

// transition is the storage class that a version is due for; "" to leave it.
// superseded is zero for current versions.
func transition(rules []types.LifecycleRule, o *object, newer int, minimum types.TransitionDefaultMinimumObjectSize, now time.Time) types.StorageClass {
	var class types.StorageClass
	var latest time.Time
	take := func(at time.Time, c types.TransitionStorageClass) {
		if !now.Before(at) && !at.Before(latest) {
			latest, class = at, types.StorageClass(c)
		}
	}
	for i := range rules {
		r := &rules[i]
		if o.Marker || !applies(r, o) {
			continue
		}
		// Small objects stay, unless the rule itself says a size, or the bucket
		// lets small ones be archived.
		_, _, over, under := filter(r)
		small := over == nil && under == nil && o.Size < 128<<10
		move := func(at time.Time, c types.TransitionStorageClass) {
			if !small || minimum == types.TransitionDefaultMinimumObjectSizeVariesByStorageClass && archives(types.StorageClass(c)) {
				take(at, c)
			}
		}
		if o.Superseded.IsZero() {
			for _, t := range r.Transitions {
				switch {
				case t.Date != nil:
					move(*t.Date, t.StorageClass)
				case t.Days != nil:
					move(due(o.Modified, *t.Days), t.StorageClass)
				}
			}
			continue
		}
		for _, t := range r.NoncurrentVersionTransitions {
			if t.NoncurrentDays != nil && newer >= int(aws.ToInt32(t.NewerNoncurrentVersions)) {
				move(due(o.Superseded, *t.NoncurrentDays), t.StorageClass)
			}
		}
	}
	if class == o.class() {
		return ""
	}
	return class
}

// abortAt is when an upload is given up, and by which rule ("": never).
func abortAt(rules []types.LifecycleRule, u *upload) (at time.Time, rule string) {
	for i := range rules {
		r := &rules[i]
		if r.AbortIncompleteMultipartUpload == nil || !applies(r, &object{Key: u.Key, Marker: true}) {
			continue
		}
		t := due(u.Initiated, aws.ToInt32(r.AbortIncompleteMultipartUpload.DaysAfterInitiation))
		if rule == "" || t.Before(at) {
			at, rule = t, aws.ToString(r.ID)
		}
	}
	return at, rule
}

// expirationHeader is x-amz-expiration: when and by which rule; nil for never.
func expirationHeader(b *bucket, o *object) *string {
	at, rule := expiry(b.Lifecycle, o)
	if rule == "" {
		return nil
	}
	return aws.String(`expiry-date="` + at.UTC().Format("Mon, 02 Jan 2006 15:04:05") + ` GMT", rule-id="` + url.QueryEscape(rule) + `"`)
}
