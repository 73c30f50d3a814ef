package s3

import (
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/slipway-dev/slipway/internal/aws/arn"
	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/glob"
	"github.com/slipway-dev/slipway/internal/id"
)

// GetBucketNotificationConfiguration answers who wants to hear of the bucket.
func (s *Service) GetBucketNotificationConfiguration(ctx context.Context, in *s3.GetBucketNotificationConfigurationInput, _ ...func(*s3.Options)) (*s3.GetBucketNotificationConfigurationOutput, error) {
	b, err := s.viewBucket(ctx, in.Bucket, in.ExpectedBucketOwner)
	if err != nil {
		return nil, err
	}
	out := &s3.GetBucketNotificationConfigurationOutput{
		TopicConfigurations: b.Topics, QueueConfigurations: b.Queues, LambdaFunctionConfigurations: b.Functions,
	}
	if b.EventBridge {
		out.EventBridgeConfiguration = &types.EventBridgeConfiguration{}
	}
	return out, nil
}

// PutBucketNotificationConfiguration switches events to EventBridge on or off,
// and keeps the topics, queues and functions to notify. Those are not notified.
func (s *Service) PutBucketNotificationConfiguration(ctx context.Context, in *s3.PutBucketNotificationConfigurationInput, _ ...func(*s3.Options)) (*s3.PutBucketNotificationConfigurationOutput, error) {
	c := in.NotificationConfiguration
	err := s.changeBucket(ctx, in.Bucket, in.ExpectedBucketOwner, func(_ *engine.Tx, b *bucket) error {
		all := destinations(c)
		for i := range all {
			if *all[i].id == nil || **all[i].id == "" {
				*all[i].id = aws.String(id.Of(s.ids, id.AlphaNum, 48))
			}
			if err := all[i].check(b); err != nil {
				return err
			}
			for j := range i {
				if **all[i].id == **all[j].id {
					return invalid("Id", **all[i].id, "Same ID used for multiple configurations. IDs must be unique")
				}
				if all[i].overlaps(&all[j]) {
					return say("InvalidArgument", "Configuration is ambiguously defined. Cannot have overlapping suffixes in two rules if the prefixes are overlapping for the same event type.")
				}
			}
		}
		b.EventBridge = c.EventBridgeConfiguration != nil
		b.Topics, b.Queues, b.Functions = c.TopicConfigurations, c.QueueConfigurations, c.LambdaFunctionConfigurations
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &s3.PutBucketNotificationConfigurationOutput{}, nil
}

// destination is what the three kinds of configuration have in common.
type destination struct {
	id      **string
	service string
	arn     *string
	events  []types.Event
	filter  *types.NotificationConfigurationFilter
}

func destinations(c *types.NotificationConfiguration) []destination {
	var all []destination
	for i := range c.TopicConfigurations {
		t := &c.TopicConfigurations[i]
		all = append(all, destination{&t.Id, "sns", t.TopicArn, t.Events, t.Filter})
	}
	for i := range c.QueueConfigurations {
		q := &c.QueueConfigurations[i]
		all = append(all, destination{&q.Id, "sqs", q.QueueArn, q.Events, q.Filter})
	}
	for i := range c.LambdaFunctionConfigurations {
		f := &c.LambdaFunctionConfigurations[i]
		all = append(all, destination{&f.Id, "lambda", f.LambdaFunctionArn, f.Events, f.Filter})
	}
	return all
}

// check applies the rules of
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-how-to-filtering.html
func (d *destination) check(b *bucket) error {
	a, ok := arn.Parse(aws.ToString(d.arn))
	switch {
	case !ok || a.Resource == "":
		return invalid("ARN", aws.ToString(d.arn), "The ARN is not well formed")
	case a.Service != d.service:
		return invalid("ARN", *d.arn, "The ARN is not one of "+d.service)
	case a.Region != b.Region:
		return invalid("ARN", *d.arn, "The notification destination service region is not valid for the bucket location constraint")
	case len(d.events) == 0:
		return fail("MalformedXML")
	}
	if d.filter == nil || d.filter.Key == nil {
		return nil
	}
	seen := map[string]bool{}
	for _, r := range d.filter.Key.FilterRules {
		name := strings.ToLower(string(r.Name))
		switch {
		case name != "prefix" && name != "suffix":
			return invalid("FilterRule.Name", string(r.Name), "filter rule name must be either prefix or suffix")
		case seen[name]:
			return invalid("FilterRule.Name", string(r.Name), "Cannot specify more than one "+name+" rule in a filter.")
		case len(aws.ToString(r.Value)) > 1024:
			return invalid("FilterRule.Value", *r.Value, "Size of filter rule value cannot exceed 1024 bytes in UTF-8 representation")
		}
		seen[name] = true
	}
	return nil
}

func (d *destination) affixes() (prefix, suffix string) {
	if d.filter != nil && d.filter.Key != nil {
		for _, r := range d.filter.Key.FilterRules {
			if strings.EqualFold(string(r.Name), "prefix") {
				prefix = aws.ToString(r.Value)
			} else {
				suffix = aws.ToString(r.Value)
			}
		}
	}
	return prefix, suffix
}

// overlaps tells whether one event on one key would go to both.
func (d *destination) overlaps(other *destination) bool {
	p, s := d.affixes()
	q, t := other.affixes()
	if !strings.HasPrefix(p, q) && !strings.HasPrefix(q, p) || !strings.HasSuffix(s, t) && !strings.HasSuffix(t, s) {
		return false
	}
	for _, e := range d.events {
		for _, f := range other.events {
			if glob.Match(string(e), string(f)) || glob.Match(string(f), string(e)) {
				return true
			}
		}
	}
	return false
}
