package s3_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

func topic(arn, prefix, suffix string, events ...types.Event) types.TopicConfiguration {
	t := types.TopicConfiguration{TopicArn: &arn, Events: events}
	var rules []types.FilterRule
	if prefix != "" {
		rules = append(rules, types.FilterRule{Name: types.FilterRuleNamePrefix, Value: &prefix})
	}
	if suffix != "" {
		rules = append(rules, types.FilterRule{Name: types.FilterRuleNameSuffix, Value: &suffix})
	}
	if rules != nil {
		t.Filter = &types.NotificationConfigurationFilter{Key: &types.S3KeyFilter{FilterRules: rules}}
	}
	return t
}

func TestNotification(t *testing.T) {
	w := newWorld(t)
	w.bucket("bkt", "")
	put := func(c types.NotificationConfiguration) string {
		_, err := w.PutBucketNotificationConfiguration(w.ctx, &sdk.PutBucketNotificationConfigurationInput{Bucket: aws.String("bkt"), NotificationConfiguration: &c})
		return code(err)
	}
	const arn, created, put1 = "arn:aws:sns:us-east-1:000000000000:t", types.EventS3ObjectCreated, types.EventS3ObjectCreatedPut
	named := func(id string, t types.TopicConfiguration) types.TopicConfiguration {
		t.Id = &id
		return t
	}
	for _, c := range []struct {
		name   string
		topics []types.TopicConfiguration
		want   string
	}{
		{"no ARN", []types.TopicConfiguration{topic("t", "", "", created)}, "InvalidArgument"},
		{"a queue", []types.TopicConfiguration{topic("arn:aws:sqs:us-east-1:000000000000:q", "", "", created)}, "InvalidArgument"},
		{"other region", []types.TopicConfiguration{topic("arn:aws:sns:eu-west-1:000000000000:t", "", "", created)}, "InvalidArgument"},
		{"no events", []types.TopicConfiguration{topic(arn, "", "")}, "MalformedXML"},
		{"same id", []types.TopicConfiguration{named("a", topic(arn, "a", "", created)), named("a", topic(arn, "b", "", created))}, "InvalidArgument"},
		{"same event", []types.TopicConfiguration{topic(arn, "", "", created), topic(arn, "", "", put1)}, "InvalidArgument"},
		{"nested prefixes", []types.TopicConfiguration{topic(arn, "a", "", created), topic(arn, "ab", "", created)}, "InvalidArgument"},
		{"nested suffixes", []types.TopicConfiguration{topic(arn, "a", ".gz", created), topic(arn, "ab", ".tar.gz", created)}, "InvalidArgument"},
		{"other suffixes", []types.TopicConfiguration{topic(arn, "a", ".gz", created), topic(arn, "ab", ".zip", created)}, ""},
		{"other events", []types.TopicConfiguration{topic(arn, "", "", created), topic(arn, "", "", types.EventS3ObjectRemoved)}, ""},
	} {
		equal(t, c.name, put(types.NotificationConfiguration{TopicConfigurations: c.topics}), c.want)
	}
	read := func() *sdk.GetBucketNotificationConfigurationOutput {
		out, err := w.GetBucketNotificationConfiguration(w.ctx, &sdk.GetBucketNotificationConfigurationInput{Bucket: aws.String("bkt")})
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	equal(t, "an id is made", len(*read().TopicConfigurations[1].Id), 48)
	equal(t, "none", put(types.NotificationConfiguration{}), "")
	equal(t, "topics", len(read().TopicConfigurations), 0)
	equal(t, "EventBridge", read().EventBridgeConfiguration, nil)

	// Rules of EventBridge see events only where the bucket sends them.
	w.put("bkt", "k", "x")
	equal(t, "on", put(types.NotificationConfiguration{EventBridgeConfiguration: &types.EventBridgeConfiguration{}}), "")
	w.put("bkt", "k", "x")
	equal(t, "private", w.events.events[0].Private, true)
	equal(t, "private", w.events.events[1].Private, false)
}

func TestLogging(t *testing.T) {
	w := newWorld(t)
	w.bucket("bkt", "")
	w.bucket("logs", "")
	put := func(l *types.LoggingEnabled) string {
		_, err := w.PutBucketLogging(w.ctx, &sdk.PutBucketLoggingInput{Bucket: aws.String("bkt"), BucketLoggingStatus: &types.BucketLoggingStatus{LoggingEnabled: l}})
		return code(err)
	}
	equal(t, "no target", put(&types.LoggingEnabled{TargetBucket: aws.String("none"), TargetPrefix: aws.String("")}), "InvalidTargetBucketForLogging")
	equal(t, "grants", put(&types.LoggingEnabled{TargetBucket: aws.String("logs"), TargetPrefix: aws.String(""), TargetGrants: []types.TargetGrant{{}}}), "InvalidTargetBucketForLogging")
	equal(t, "no format", put(&types.LoggingEnabled{TargetBucket: aws.String("logs"), TargetPrefix: aws.String(""), TargetObjectKeyFormat: &types.TargetObjectKeyFormat{}}), "MalformedXML")
	equal(t, "logs", put(&types.LoggingEnabled{TargetBucket: aws.String("logs"), TargetPrefix: aws.String("p/")}), "")
	out, err := w.GetBucketLogging(w.ctx, &sdk.GetBucketLoggingInput{Bucket: aws.String("bkt")})
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "target", *out.LoggingEnabled.TargetBucket+*out.LoggingEnabled.TargetPrefix, "logsp/")
	equal(t, "off", put(nil), "")
}
