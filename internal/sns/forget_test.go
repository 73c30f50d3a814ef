package sns

import (
	"context"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/sns"

	"github.com/slipway-dev/slipway/internal/aws/identity"
	"github.com/slipway-dev/slipway/internal/engine/enginetest"
	"github.com/slipway-dev/slipway/internal/id"
	"github.com/slipway-dev/slipway/internal/site"
)

// Who does not confirm within two days is not subscribed.
func TestUnconfirmedSubscriptionsGo(t *testing.T) {
	e, clock := enginetest.New(t)
	s := New(Config{Engine: e, IDs: id.Random, Log: enginetest.Log(t), Site: site.Site{Account: "000000000000", Region: "us-east-1"}})
	enginetest.Start(t, e)
	ctx := identity.WithRegion(identity.WithCaller(context.Background(), &identity.Caller{}), "us-east-1")
	topic, err := s.CreateTopic(ctx, &sdk.CreateTopicInput{Name: aws.String("deploys")})
	if err != nil {
		t.Fatal(err)
	}
	for protocol, endpoint := range map[string]string{"email": "ops@example.com", "sqs": "arn:aws:sqs:us-east-1:000000000000:jobs"} {
		if _, err := s.Subscribe(ctx, &sdk.SubscribeInput{TopicArn: topic.TopicArn, Protocol: &protocol, Endpoint: &endpoint}); err != nil {
			t.Fatal(err)
		}
	}
	state := func() string {
		t.Helper()
		enginetest.Settle(t, e)
		out, err := s.GetTopicAttributes(ctx, &sdk.GetTopicAttributesInput{TopicArn: topic.TopicArn})
		if err != nil {
			t.Fatal(err)
		}
		return out.Attributes["SubscriptionsConfirmed"] + out.Attributes["SubscriptionsPending"]
	}
	if clock.Advance(pendingLife - time.Millisecond); state() != "11" {
		t.Errorf("before: %s", state())
	}
	if clock.Advance(time.Millisecond); state() != "10" {
		t.Errorf("after: %s", state())
	}
	// The endpoint may subscribe anew.
	if _, err := s.Subscribe(ctx, &sdk.SubscribeInput{TopicArn: topic.TopicArn, Protocol: aws.String("email"), Endpoint: aws.String("ops@example.com")}); err != nil || state() != "11" {
		t.Errorf("again: %s, %v", state(), err)
	}
}
