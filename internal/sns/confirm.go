package sns

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/id"
	"github.com/slipway-dev/slipway/internal/store"
)

// token is what a SubscriptionConfirmation proves: whoever has it could read
// what was sent to the endpoint. It travels sealed and is not kept.
type token struct {
	Region, Topic, ID string
	Until             time.Time
}

// ask sends the request to confirm to an endpoint on the web. Nobody can be
// asked by mail here, so that such a subscription stays pending.
func (s *Service) ask(tx *engine.Tx, t *topic, sub *subscription) error {
	if !isHTTP(sub.Protocol) {
		s.Log.Warn("nobody was asked to confirm a subscription: sending mail is not implemented by Slipway",
			"topic", s.topicARN(t), "subscription", s.subscriptionARN(sub), "protocol", sub.Protocol)
		return nil
	}
	text, err := json.Marshal(token{sub.Region, sub.Topic, sub.ID, tx.Now().Add(pendingLife)})
	if err != nil {
		return err
	}
	return s.enqueue(tx, sub, message{ID: id.UUID(s.IDs), Kind: confirmation, Time: tx.Now(), Token: s.Box.Seal(text),
		Text: "You have chosen to subscribe to the topic " + s.topicARN(t) + ".\nTo confirm the subscription, visit the SubscribeURL included in this message."})
}

// ConfirmSubscription makes a pending subscription one that gets messages. It
// needs no signature: the token is the proof.
//
// Errors: InvalidParameter for a token that is not good, or not any more.
func (s *Service) ConfirmSubscription(ctx context.Context, in *sns.ConfirmSubscriptionInput, _ ...func(*sns.Options)) (*sns.ConfirmSubscriptionOutput, error) {
	region, name, err := s.resource(ctx, "TopicArn", in.TopicArn)
	if err != nil {
		return nil, err
	}
	var k token
	plain, err := s.Box.Open(aws.ToString(in.Token))
	if err != nil || json.Unmarshal(plain, &k) != nil || k.Region != region || k.Topic != name || s.Engine.Now().After(k.Until) {
		return nil, wrong("Token")
	}
	var sub *subscription
	err = s.Engine.Update(ctx, func(tx *engine.Tx) (err error) {
		sub, err = subscriptions.Get(tx, k.Region, k.Topic, k.ID)
		if errors.Is(err, store.ErrNotFound) {
			return wrong("Token")
		}
		if err != nil || !sub.Pending {
			return err
		}
		t, err := topics.Get(tx, k.Region, k.Topic)
		if err != nil {
			return err
		}
		t.Pending--
		t.Confirmed++
		if err := topics.Put(tx, t, t.Region, t.Name); err != nil {
			return err
		}
		sub.Pending, sub.Open = false, !strings.EqualFold(aws.ToString(in.AuthenticateOnUnsubscribe), "true")
		if err := tx.Cancel(jobForget, sub.ID); err != nil {
			return err
		}
		return subscriptions.Put(tx, sub, sub.Region, sub.Topic, sub.ID)
	})
	if err != nil {
		return nil, err
	}
	return &sns.ConfirmSubscriptionOutput{SubscriptionArn: aws.String(s.subscriptionARN(sub))}, nil
}
