package sns_test

import (
	"errors"
	"testing"

	"github.com/aws/aws-sdk-go/aws"
	"github.com/aws/aws-sdk-go/aws/awserr"
	"github.com/aws/aws-sdk-go/service/sns"

	"github.com/slipway-dev/slipway/cmd/slipway/apptest"
)

// The older client, which other tools than Terraform's provider still use.
func TestOlderClient(t *testing.T) {
	c := sns.New(apptest.Start(t).Older())
	topic, err := c.CreateTopic(&sns.CreateTopicInput{Name: aws.String("deploys"), Attributes: map[string]*string{"DisplayName": aws.String("Deploys & more")},
		Tags: []*sns.Tag{{Key: aws.String("team"), Value: aws.String("a")}}})
	if err != nil {
		t.Fatal(err)
	}
	sub, err := c.Subscribe(&sns.SubscribeInput{TopicArn: topic.TopicArn, Protocol: aws.String("lambda"), Endpoint: aws.String("arn:aws:lambda:us-east-1:000000000000:function:f")})
	if err != nil {
		t.Fatal(err)
	}
	read, err := c.GetTopicAttributes(&sns.GetTopicAttributesInput{TopicArn: topic.TopicArn})
	if err != nil || aws.StringValue(read.Attributes["DisplayName"]) != "Deploys & more" || aws.StringValue(read.Attributes["SubscriptionsConfirmed"]) != "1" {
		t.Errorf("read %v, %v", read, err)
	}
	tags, err := c.ListTagsForResource(&sns.ListTagsForResourceInput{ResourceArn: topic.TopicArn})
	if err != nil || len(tags.Tags) != 1 || *tags.Tags[0].Key != "team" {
		t.Errorf("tags %v, %v", tags, err)
	}
	if _, err := c.Unsubscribe(&sns.UnsubscribeInput{SubscriptionArn: sub.SubscriptionArn}); err != nil {
		t.Error(err)
	}
	if _, err := c.DeleteTopic(&sns.DeleteTopicInput{TopicArn: topic.TopicArn}); err != nil {
		t.Error(err)
	}
	var failed awserr.RequestFailure
	if _, err := c.GetTopicAttributes(&sns.GetTopicAttributesInput{TopicArn: topic.TopicArn}); !errors.As(err, &failed) ||
		failed.Code() != sns.ErrCodeNotFoundException || failed.StatusCode() != 404 || failed.RequestID() == "" {
		t.Errorf("after delete: %v", err)
	}
}

// What people's older tools publish, a receiver on the web gets.
func TestOlderClientPublishes(t *testing.T) {
	c, h := sns.New(apptest.Start(t).Older()), newHook(t)
	topic, err := c.CreateTopic(&sns.CreateTopicInput{Name: aws.String("deploys")})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Subscribe(&sns.SubscribeInput{TopicArn: topic.TopicArn, Protocol: aws.String("http"), Endpoint: &h.URL}); err != nil {
		t.Fatal(err)
	}
	h.next(t, "SubscriptionConfirmation")
	sent, err := c.Publish(&sns.PublishInput{TopicArn: topic.TopicArn, Message: aws.String("a & b"), MessageAttributes: map[string]*sns.MessageAttributeValue{
		"raw": {DataType: aws.String("Binary"), BinaryValue: []byte{1, 2}}}})
	if err != nil {
		t.Fatal(err)
	}
	m := h.next(t, "Notification")
	attributes, _ := m["MessageAttributes"].(map[string]any)
	if raw, _ := attributes["raw"].(map[string]any); m["MessageId"] != *sent.MessageId || m["Message"] != "a & b" || raw["Value"] != "AQI=" {
		t.Errorf("got %v", m)
	}
	_, err = c.PublishBatch(&sns.PublishBatchInput{TopicArn: topic.TopicArn, PublishBatchRequestEntries: []*sns.PublishBatchRequestEntry{
		{Id: aws.String("a"), Message: aws.String("1")}, {Id: aws.String("a"), Message: aws.String("2")}}})
	apptest.WantCode(t, err, sns.ErrCodeBatchEntryIdsNotDistinctException)
}
