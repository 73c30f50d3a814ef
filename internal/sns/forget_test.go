package sns

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/sns"
)

// Who does not confirm within two days is not subscribed.
func TestUnconfirmedSubscriptionsGo(t *testing.T) {
	s := newBench(t)
	ctx, topic := s.ctx, s.topic
	for protocol, endpoint := range map[string]string{"email": "ops@example.com", "sqs": "arn:aws:sqs:us-east-1:000000000000:jobs"} {
		if _, err := s.Subscribe(ctx, &sdk.SubscribeInput{TopicArn: topic, Protocol: &protocol, Endpoint: &endpoint}); err != nil {
			t.Fatal(err)
		}
	}
	state := func() string {
		t.Helper()
		s.settle()
		out, err := s.GetTopicAttributes(ctx, &sdk.GetTopicAttributesInput{TopicArn: topic})
		if err != nil {
			t.Fatal(err)
		}
		return out.Attributes["SubscriptionsConfirmed"] + out.Attributes["SubscriptionsPending"]
	}
	if s.clock.Advance(pendingLife - time.Millisecond); state() != "11" {
		t.Errorf("before: %s", state())
	}
	if s.clock.Advance(time.Millisecond); state() != "10" {
		t.Errorf("after: %s", state())
	}
	// The endpoint may subscribe anew.
	if _, err := s.Subscribe(ctx, &sdk.SubscribeInput{TopicArn: topic, Protocol: aws.String("email"), Endpoint: aws.String("ops@example.com")}); err != nil || state() != "11" {
		t.Errorf("again: %s, %v", state(), err)
	}
}
