package sns

import (
	"context"
	"errors"
	"maps"
	"net/url"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sns/types"

	"github.com/slipway-dev/slipway/internal/aws/identity"
	"github.com/slipway-dev/slipway/internal/aws/wire"
	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/page"
	"github.com/slipway-dev/slipway/internal/store"
)

func isNotFound(err error) bool {
	var e *wire.Error
	return errors.As(err, &e) && e.Code == "NotFound"
}

// Unsubscribe removes a subscription; an unknown one succeeds. One that is not
// confirmed cannot be removed, it goes by itself. Without a signature it is for
// those who came by the UnsubscribeURL of a message, unless the subscription was
// confirmed to be unsubscribed by its owner only.
func (s *Service) Unsubscribe(ctx context.Context, in *sns.UnsubscribeInput, _ ...func(*sns.Options)) (*sns.UnsubscribeOutput, error) {
	if aws.ToString(in.SubscriptionArn) == "" {
		return nil, wrong("SubscriptionArn Reason: no value for required parameter")
	}
	return &sns.UnsubscribeOutput{}, s.Engine.Update(ctx, func(tx *engine.Tx) error {
		sub, err := s.subscriptionOf(ctx, tx, in.SubscriptionArn)
		if isNotFound(err) {
			return nil
		}
		if err != nil {
			return err
		}
		if _, signed := identity.Maybe(ctx); !signed && !sub.Open {
			return &types.AuthorizationErrorException{Message: aws.String("This subscription can be removed only by a request of its owner that is signed")}
		}
		if sub.Pending {
			return wrong("Cannot unsubscribe a subscription that is pending confirmation")
		}
		t, err := topics.Get(tx, sub.Region, sub.Topic)
		if err != nil {
			return err
		}
		t.Confirmed--
		t.Deleted++
		if err := topics.Put(tx, t, t.Region, t.Name); err != nil {
			return err
		}
		return s.drop(tx, sub)
	})
}

// GetSubscriptionAttributes tells what was set and what SNS adds.
func (s *Service) GetSubscriptionAttributes(ctx context.Context, in *sns.GetSubscriptionAttributesInput, _ ...func(*sns.Options)) (*sns.GetSubscriptionAttributesOutput, error) {
	var sub *subscription
	var t *topic
	err := s.Engine.View(ctx, func(r store.Reader) (err error) {
		if sub, err = s.subscriptionOf(ctx, r, in.SubscriptionArn); err != nil {
			return err
		}
		t, err = topics.Get(r, sub.Region, sub.Topic)
		return err
	})
	if err != nil {
		return nil, err
	}
	all := map[string]string{
		"SubscriptionArn":              s.subscriptionARN(sub),
		"TopicArn":                     s.topicARN(t),
		"Owner":                        s.Site.Account,
		"Protocol":                     sub.Protocol,
		"Endpoint":                     masked(sub.Endpoint),
		"PendingConfirmation":          strconv.FormatBool(sub.Pending),
		"ConfirmationWasAuthenticated": strconv.FormatBool(!sub.Pending && !sub.Open),
		"RawMessageDelivery":           "false",
		"SubscriptionPrincipal":        sub.Principal,
	}
	maps.Copy(all, sub.Attributes)
	// A scope without a policy is kept, but not shown.
	switch {
	case all["FilterPolicy"] == "":
		delete(all, "FilterPolicyScope")
	case all["FilterPolicyScope"] == "":
		all["FilterPolicyScope"] = onAttributes
	}
	if sub.Protocol == "http" || sub.Protocol == "https" {
		all["EffectiveDeliveryPolicy"] = effectiveSubscription(t.Attributes["DeliveryPolicy"], sub.Attributes["DeliveryPolicy"])
	}
	return &sns.GetSubscriptionAttributesOutput{Attributes: all}, nil
}

// SetSubscriptionAttributes sets one attribute.
func (s *Service) SetSubscriptionAttributes(ctx context.Context, in *sns.SetSubscriptionAttributesInput, _ ...func(*sns.Options)) (*sns.SetSubscriptionAttributesOutput, error) {
	return &sns.SetSubscriptionAttributesOutput{}, s.Engine.Update(ctx, func(tx *engine.Tx) error {
		sub, err := s.subscriptionOf(ctx, tx, in.SubscriptionArn)
		if err != nil {
			return err
		}
		t, err := topics.Get(tx, sub.Region, sub.Topic)
		if err != nil {
			return err
		}
		if err := s.setSubscription(t, sub, aws.ToString(in.AttributeName), in.AttributeValue); err != nil {
			return err
		}
		return subscriptions.Put(tx, sub, sub.Region, sub.Topic, sub.ID)
	})
}

// masked is an endpoint without the password in it, as SNS shows it.
func masked(endpoint string) string {
	u, err := url.Parse(endpoint)
	if err != nil || u.User == nil {
		return endpoint
	}
	if _, secret := u.User.Password(); !secret {
		return endpoint
	}
	scheme, _, _ := strings.Cut(endpoint, "://")
	_, rest, _ := strings.Cut(endpoint, "@")
	return scheme + "://" + u.User.Username() + ":****@" + rest
}

func (s *Service) listed(sub *subscription) (types.Subscription, bool, error) {
	out := types.Subscription{
		SubscriptionArn: aws.String(s.subscriptionARN(sub)), TopicArn: aws.String(s.topicARN(&topic{Region: sub.Region, Name: sub.Topic})),
		Owner: aws.String(s.Site.Account), Protocol: aws.String(sub.Protocol), Endpoint: aws.String(masked(sub.Endpoint)),
	}
	if sub.Pending {
		out.SubscriptionArn = aws.String("PendingConfirmation")
	}
	return out, true, nil
}

// ListSubscriptions lists all subscriptions of the region, 100 a page.
func (s *Service) ListSubscriptions(ctx context.Context, in *sns.ListSubscriptionsInput, _ ...func(*sns.Options)) (*sns.ListSubscriptionsOutput, error) {
	region := identity.Region(ctx)
	out := &sns.ListSubscriptionsOutput{}
	err := s.Engine.View(ctx, func(r store.Reader) (err error) {
		out.Subscriptions, out.NextToken, err = page.Of(r, subscriptions,
			page.Request{Scope: "sns.ListSubscriptions/" + region, Token: in.NextToken, Max: pageSize}, s.listed, region)
		return err
	})
	return out, badToken(err)
}

// ListSubscriptionsByTopic lists a topic's subscriptions, 100 a page.
func (s *Service) ListSubscriptionsByTopic(ctx context.Context, in *sns.ListSubscriptionsByTopicInput, _ ...func(*sns.Options)) (*sns.ListSubscriptionsByTopicOutput, error) {
	out := &sns.ListSubscriptionsByTopicOutput{}
	err := s.Engine.View(ctx, func(r store.Reader) error {
		t, err := s.topicOf(ctx, r, in.TopicArn)
		if err != nil {
			return err
		}
		out.Subscriptions, out.NextToken, err = page.Of(r, subscriptions,
			page.Request{Scope: "sns.ListSubscriptionsByTopic/" + t.Region + "/" + t.Name, Token: in.NextToken, Max: pageSize}, s.listed, t.Region, t.Name)
		return err
	})
	return out, badToken(err)
}
