package sns_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sns/types"
	"github.com/aws/smithy-go"

	"github.com/slipway-dev/slipway/cmd/slipway/apptest"
)

func fails(t *testing.T, err error, code, message string) {
	t.Helper()
	var api smithy.APIError
	if !errors.As(err, &api) || api.ErrorCode() != code || !strings.Contains(api.ErrorMessage(), message) {
		t.Errorf("got %v, want %s with %q", err, code, message)
	}
}

// The calls of aws_sns_topic and aws_sns_topic_policy, in their order.
func TestTopic(t *testing.T) {
	ctx := context.Background()
	c := sns.NewFromConfig(apptest.Start(t).Config())
	in := &sns.CreateTopicInput{Name: aws.String("deploys"), Tags: []types.Tag{{Key: aws.String("team"), Value: aws.String("a b")}}}
	topic := apptest.Must(c.CreateTopic(ctx, in))(t).TopicArn
	if *topic != "arn:aws:sns:us-east-1:000000000000:deploys" {
		t.Errorf("made %s", *topic)
	}
	set := func(name, value string) error {
		_, err := c.SetTopicAttributes(ctx, &sns.SetTopicAttributesInput{TopicArn: topic, AttributeName: &name, AttributeValue: &value})
		return err
	}
	get := func() map[string]string {
		t.Helper()
		return apptest.Must(c.GetTopicAttributes(ctx, &sns.GetTopicAttributesInput{TopicArn: topic}))(t).Attributes
	}
	fresh := get()
	for name, want := range map[string]string{"Owner": "000000000000", "TopicArn": *topic, "DisplayName": "", "SubscriptionsConfirmed": "0"} {
		if got, ok := fresh[name]; !ok || got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	for _, absent := range []string{"FifoTopic", "ContentBasedDeduplication", "KmsMasterKeyId", "SignatureVersion", "TracingConfig", "DeliveryPolicy"} {
		if v, ok := fresh[absent]; ok {
			t.Errorf("%s is %q before it was set", absent, v)
		}
	}
	if !strings.Contains(fresh["Policy"], `"Id":"__default_policy_ID"`) || !strings.Contains(fresh["EffectiveDeliveryPolicy"], `"numRetries":3`) {
		t.Errorf("defaults: %s %s", fresh["Policy"], fresh["EffectiveDeliveryPolicy"])
	}
	const role = "arn:aws:iam::000000000000:role/feedback"
	policy := `{"Version":"2012-10-17","Statement":[{"Sid":"events","Effect":"Allow","Principal":{"Service":"events.amazonaws.com"},"Action":"sns:Publish","Resource":"` + *topic + `"}]}`
	sent := map[string]string{
		"DisplayName": "Deploys", "KmsMasterKeyId": "alias/aws/sns", "SignatureVersion": "2", "TracingConfig": "Active", "Policy": policy,
		"DeliveryPolicy":             `{"http":{"defaultHealthyRetryPolicy":{"numRetries":4},"disableSubscriptionOverrides":false}}`,
		"HTTPSuccessFeedbackRoleArn": role, "HTTPSuccessFeedbackSampleRate": "50", "LambdaFailureFeedbackRoleArn": role,
		"SQSSuccessFeedbackSampleRate": "0", "FirehoseSuccessFeedbackSampleRate": "0", "ApplicationSuccessFeedbackSampleRate": "0",
	}
	for name, value := range sent {
		if err := set(name, value); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, got := range get() {
		if want, ok := sent[name]; ok && got != want {
			t.Errorf("%s: sent %s, read %s", name, want, got)
		}
	}
	// Taken away again.
	for _, name := range []string{"KmsMasterKeyId", "DeliveryPolicy", "HTTPSuccessFeedbackRoleArn", "DisplayName"} {
		if err := set(name, ""); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if all := get(); all["KmsMasterKeyId"]+all["DeliveryPolicy"]+all["HTTPSuccessFeedbackRoleArn"]+all["DisplayName"] != "" {
		t.Errorf("still there: %v", all)
	}
	for name, value := range map[string]string{"Colour": "red", "SignatureVersion": "3", "HTTPSuccessFeedbackSampleRate": "101",
		"SQSFailureFeedbackRoleArn": "me", "ContentBasedDeduplication": "true", "Policy": "{", "DeliveryPolicy": "{}}"} {
		fails(t, set(name, value), "InvalidParameter", "Invalid parameter: ")
	}
	if _, err := c.AddPermission(ctx, &sns.AddPermissionInput{TopicArn: topic, Label: aws.String("other"), AWSAccountId: []string{"111122223333"}, ActionName: []string{"Publish"}}); err != nil {
		t.Fatal(err)
	}
	if p := get()["Policy"]; !strings.Contains(p, "arn:aws:iam::111122223333:root") || !strings.Contains(p, `"Sid":"events"`) {
		t.Errorf("policy %s", p)
	}
	if _, err := c.RemovePermission(ctx, &sns.RemovePermissionInput{TopicArn: topic, Label: aws.String("other")}); err != nil || get()["Policy"] != policy {
		t.Errorf("policy %s, %v", get()["Policy"], err)
	}

	// Tags.
	if _, err := c.TagResource(ctx, &sns.TagResourceInput{ResourceArn: topic, Tags: []types.Tag{{Key: aws.String("stage"), Value: aws.String("x")}}}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.UntagResource(ctx, &sns.UntagResourceInput{ResourceArn: topic, TagKeys: []string{"team"}}); err != nil {
		t.Fatal(err)
	}
	tags := apptest.Must(c.ListTagsForResource(ctx, &sns.ListTagsForResourceInput{ResourceArn: topic}))(t).Tags
	if len(tags) != 1 || *tags[0].Key != "stage" || *tags[0].Value != "x" {
		t.Errorf("tags %v", tags)
	}

	// The same again, and not quite the same.
	if again, err := c.CreateTopic(ctx, &sns.CreateTopicInput{Name: in.Name}); err != nil || *again.TopicArn != *topic {
		t.Errorf("again: %v %v", again, err)
	}
	_, err := c.CreateTopic(ctx, in)
	fails(t, err, "InvalidParameter", "Invalid parameter: Tags Reason: Topic already exists with different tags")
	_, err = c.CreateTopic(ctx, &sns.CreateTopicInput{Name: in.Name, Attributes: map[string]string{"DisplayName": "Other"}})
	fails(t, err, "InvalidParameter", "Invalid parameter: Attributes Reason: Topic already exists with different attributes")

	for range 2 {
		if _, err := c.DeleteTopic(ctx, &sns.DeleteTopicInput{TopicArn: topic}); err != nil {
			t.Fatal(err)
		}
	}
	var missing *types.NotFoundException
	if _, err := c.GetTopicAttributes(ctx, &sns.GetTopicAttributesInput{TopicArn: topic}); !errors.As(err, &missing) {
		t.Errorf("after delete: %v", err)
	}
	var gone *types.ResourceNotFoundException
	if _, err := c.ListTagsForResource(ctx, &sns.ListTagsForResourceInput{ResourceArn: topic}); !errors.As(err, &gone) {
		t.Errorf("tags after delete: %v", err)
	}
	_, err = c.GetTopicAttributes(ctx, &sns.GetTopicAttributesInput{TopicArn: aws.String("topic")})
	fails(t, err, "InvalidParameter", "An ARN must have at least 6 elements, not 1")
	_, err = c.GetTopicAttributes(ctx, &sns.GetTopicAttributesInput{TopicArn: aws.String("arn:aws:sns:eu-west-1:000000000000:deploys")})
	fails(t, err, "InvalidParameter", "Invalid parameter: TopicArn")
}

func TestFIFOTopics(t *testing.T) {
	ctx := context.Background()
	c := sns.NewFromConfig(apptest.Start(t).Config())
	fifo := map[string]string{"FifoTopic": "true"}
	for name, attributes := range map[string]map[string]string{"orders": fifo, "orders.fifo": nil, "": nil, "a b": nil, strings.Repeat("x", 257): nil} {
		_, err := c.CreateTopic(ctx, &sns.CreateTopicInput{Name: &name, Attributes: attributes})
		fails(t, err, "InvalidParameter", "Invalid parameter: Topic Name")
	}
	topic := apptest.Must(c.CreateTopic(ctx, &sns.CreateTopicInput{Name: aws.String("orders.fifo"), Attributes: fifo}))(t).TopicArn
	for name, value := range map[string]string{"ContentBasedDeduplication": "true", "FifoThroughputScope": "MessageGroup", "ArchivePolicy": `{"MessageRetentionPeriod":"30"}`} {
		if _, err := c.SetTopicAttributes(ctx, &sns.SetTopicAttributesInput{TopicArn: topic, AttributeName: &name, AttributeValue: &value}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	all := apptest.Must(c.GetTopicAttributes(ctx, &sns.GetTopicAttributesInput{TopicArn: topic}))(t).Attributes
	if all["FifoTopic"] != "true" || all["ContentBasedDeduplication"] != "true" || all["FifoThroughputScope"] != "MessageGroup" || all["BeginningArchiveTime"] == "" {
		t.Errorf("attributes %v", all)
	}
}

// The calls of aws_sns_topic_subscription, in their order.
func TestSubscription(t *testing.T) {
	ctx := context.Background()
	c := sns.NewFromConfig(apptest.Start(t).Config())
	topic := apptest.Must(c.CreateTopic(ctx, &sns.CreateTopicInput{Name: aws.String("deploys")}))(t).TopicArn
	const queue = "arn:aws:sqs:us-east-1:000000000000:jobs"
	in := &sns.SubscribeInput{TopicArn: topic, Protocol: aws.String("sqs"), Endpoint: aws.String(queue), ReturnSubscriptionArn: true,
		Attributes: map[string]string{"FilterPolicy": `{"kind":["deploy"]}`, "RawMessageDelivery": "true"}}
	sub := apptest.Must(c.Subscribe(ctx, in))(t).SubscriptionArn
	get := func() map[string]string {
		t.Helper()
		return apptest.Must(c.GetSubscriptionAttributes(ctx, &sns.GetSubscriptionAttributesInput{SubscriptionArn: sub}))(t).Attributes
	}
	for name, want := range map[string]string{
		"SubscriptionArn": *sub, "TopicArn": *topic, "Protocol": "sqs", "Endpoint": queue, "Owner": "000000000000", "PendingConfirmation": "false",
		"ConfirmationWasAuthenticated": "true", "FilterPolicy": `{"kind":["deploy"]}`, "FilterPolicyScope": "MessageAttributes", "RawMessageDelivery": "true",
	} {
		if got := get()[name]; got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if again := apptest.Must(c.Subscribe(ctx, in))(t).SubscriptionArn; *again != *sub {
		t.Errorf("again: %s", *again)
	}
	in.Attributes["RawMessageDelivery"] = "false"
	_, err := c.Subscribe(ctx, in)
	fails(t, err, "InvalidParameter", "Subscription already exists with different attributes")

	set := func(name string, value *string) error {
		_, err := c.SetSubscriptionAttributes(ctx, &sns.SetSubscriptionAttributesInput{SubscriptionArn: sub, AttributeName: &name, AttributeValue: value})
		return err
	}
	for _, change := range []struct{ name, value string }{
		{"FilterPolicyScope", "MessageBody"}, {"FilterPolicy", `{"a":{"b":["c"]}}`},
		{"RedrivePolicy", `{"deadLetterTargetArn":"` + queue + `-dead"}`}, {"RawMessageDelivery", "false"},
	} {
		if err := set(change.name, &change.value); err != nil {
			t.Errorf("%s: %v", change.name, err)
		}
		if got := get()[change.name]; got != change.value {
			t.Errorf("%s is %s", change.name, got)
		}
	}
	fails(t, set("FilterPolicyScope", aws.String("MessageAttributes")), "InvalidParameter", "does not support nested")
	fails(t, set("RedrivePolicy", aws.String("")), "InvalidParameter", "RedrivePolicy")
	fails(t, set("RedrivePolicy", aws.String(`{"deadLetterTargetArn":"me"}`)), "InvalidParameter", "deadLetterTargetArn is an invalid arn")
	fails(t, set("ReplayPolicy", aws.String(`{}`)), "InvalidParameter", "not implemented")
	fails(t, set("Colour", aws.String("red")), "InvalidParameter", "Invalid parameter: AttributeName")
	if err := errors.Join(set("FilterPolicy", aws.String("{}")), set("RedrivePolicy", nil)); err != nil {
		t.Error(err)
	}
	if all := get(); all["FilterPolicy"]+all["FilterPolicyScope"]+all["RedrivePolicy"] != "" {
		t.Errorf("still there: %v", all)
	}

	// Others must confirm, and by mail nobody is asked.
	mail := &sns.SubscribeInput{TopicArn: topic, Protocol: aws.String("email"), Endpoint: aws.String("ops@example.com")}
	if out := apptest.Must(c.Subscribe(ctx, mail))(t); *out.SubscriptionArn != "pending confirmation" {
		t.Errorf("mail: %s", *out.SubscriptionArn)
	}
	mail.ReturnSubscriptionArn = true
	waiting := apptest.Must(c.Subscribe(ctx, mail))(t).SubscriptionArn
	_, err = c.ConfirmSubscription(ctx, &sns.ConfirmSubscriptionInput{TopicArn: topic, Token: aws.String("t")})
	fails(t, err, "InvalidParameter", "Invalid parameter: Token")
	_, err = c.Unsubscribe(ctx, &sns.UnsubscribeInput{SubscriptionArn: waiting})
	fails(t, err, "InvalidParameter", "Cannot unsubscribe a subscription that is pending confirmation")
	counts := func() string {
		all := apptest.Must(c.GetTopicAttributes(ctx, &sns.GetTopicAttributesInput{TopicArn: topic}))(t).Attributes
		return all["SubscriptionsConfirmed"] + all["SubscriptionsPending"] + all["SubscriptionsDeleted"]
	}
	if got := counts(); got != "110" {
		t.Errorf("subscriptions %s", got)
	}
	list := apptest.Must(c.ListSubscriptionsByTopic(ctx, &sns.ListSubscriptionsByTopicInput{TopicArn: topic}))(t).Subscriptions
	arns := map[string]bool{}
	for _, l := range list {
		arns[*l.SubscriptionArn] = true
	}
	if len(list) != 2 || !arns[*sub] || !arns["PendingConfirmation"] {
		t.Errorf("list %v", arns)
	}

	for range 2 {
		if _, err := c.Unsubscribe(ctx, &sns.UnsubscribeInput{SubscriptionArn: sub}); err != nil {
			t.Fatal(err)
		}
	}
	var missing *types.NotFoundException
	if _, err := c.GetSubscriptionAttributes(ctx, &sns.GetSubscriptionAttributesInput{SubscriptionArn: sub}); !errors.As(err, &missing) {
		t.Errorf("after unsubscribe: %v", err)
	}
	if _, err := c.DeleteTopic(ctx, &sns.DeleteTopicInput{TopicArn: topic}); err != nil {
		t.Fatal(err)
	}
	if l := apptest.Must(c.ListSubscriptions(ctx, &sns.ListSubscriptionsInput{}))(t).Subscriptions; len(l) != 0 {
		t.Errorf("left after the topic went: %v", l)
	}
}

func TestPages(t *testing.T) {
	ctx := context.Background()
	c := sns.NewFromConfig(apptest.Start(t).Config())
	for i := range 103 {
		apptest.Must(c.CreateTopic(ctx, &sns.CreateTopicInput{Name: aws.String(fmt.Sprintf("t%03d", i))}))(t)
	}
	n, pages := 0, 0
	for p := sns.NewListTopicsPaginator(c, &sns.ListTopicsInput{}); p.HasMorePages(); pages++ {
		out, err := p.NextPage(ctx)
		if err != nil {
			t.Fatal(err)
		}
		n += len(out.Topics)
	}
	if n != 103 || pages != 2 {
		t.Errorf("%d topics in %d pages", n, pages)
	}
	_, err := c.ListTopics(ctx, &sns.ListTopicsInput{NextToken: aws.String("nonsense")})
	fails(t, err, "InvalidParameter", "NextToken")
}
