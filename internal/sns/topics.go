package sns

import (
	"context"
	"errors"
	"maps"
	"regexp"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sns/types"

	"github.com/slipway-dev/slipway/internal/aws/identity"
	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/page"
	"github.com/slipway-dev/slipway/internal/store"
)

var (
	standardName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,256}$`)
	fifoName     = regexp.MustCompile(`^[A-Za-z0-9_-]{1,251}\.fifo$`)
)

// CreateTopic makes a topic, or returns the one of this name if it does not
// differ in what the request tells.
func (s *Service) CreateTopic(ctx context.Context, in *sns.CreateTopicInput, _ ...func(*sns.Options)) (*sns.CreateTopicOutput, error) {
	if aws.ToString(in.DataProtectionPolicy) != "" {
		return nil, wrong("DataProtectionPolicy Reason: message data protection is not implemented by Slipway")
	}
	t := &topic{Region: identity.Region(ctx), Name: aws.ToString(in.Name), Attributes: map[string]string{}}
	fifo := in.Attributes["FifoTopic"]
	if fifo != "" && fifo != "true" && fifo != "false" {
		return nil, wrong("Attributes Reason: FifoTopic: Invalid value [%s]. Must be true or false.", fifo)
	}
	name := standardName
	if fifo == "true" {
		name, t.Attributes["FifoTopic"] = fifoName, "true"
	}
	if !name.MatchString(t.Name) {
		return nil, wrong("Topic Name")
	}
	for attribute, value := range in.Attributes {
		if attribute == "FifoTopic" {
			continue
		}
		if err := s.setTopic(t, attribute, value); err != nil {
			return nil, wrong("Attributes Reason: %s", reason(err))
		}
	}
	var err error
	if t.Tags, err = tagsOf(in.Tags); err != nil {
		return nil, err
	}
	err = s.Engine.Update(ctx, func(tx *engine.Tx) error {
		old, err := topics.Get(tx, t.Region, t.Name)
		switch {
		case errors.Is(err, store.ErrNotFound):
			return topics.Put(tx, t, t.Region, t.Name)
		case err != nil:
			return err
		case !contains(old.Attributes, t.Attributes):
			return wrong("Attributes Reason: Topic already exists with different attributes")
		case !contains(old.Tags, t.Tags):
			return wrong("Tags Reason: Topic already exists with different tags")
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &sns.CreateTopicOutput{TopicArn: aws.String(s.topicARN(t))}, nil
}

// contains tells whether have has all of want.
func contains(have, want map[string]string) bool {
	for k, v := range want {
		if got, ok := have[k]; !ok || got != v {
			return false
		}
	}
	return true
}

// DeleteTopic removes a topic with its subscriptions; an unknown one succeeds.
func (s *Service) DeleteTopic(ctx context.Context, in *sns.DeleteTopicInput, _ ...func(*sns.Options)) (*sns.DeleteTopicOutput, error) {
	return &sns.DeleteTopicOutput{}, s.Engine.Update(ctx, func(tx *engine.Tx) error {
		t, err := s.topicOf(ctx, tx, in.TopicArn)
		if isNotFound(err) {
			return nil
		}
		if err != nil {
			return err
		}
		for sub, err := range subscriptions.All(tx, t.Region, t.Name) {
			if err != nil {
				return err
			}
			if err := s.drop(tx, sub); err != nil {
				return err
			}
		}
		return topics.Delete(tx, t.Region, t.Name)
	})
}

// GetTopicAttributes tells what was set, what SNS adds, and how many subscribe.
func (s *Service) GetTopicAttributes(ctx context.Context, in *sns.GetTopicAttributesInput, _ ...func(*sns.Options)) (*sns.GetTopicAttributesOutput, error) {
	var t *topic
	err := s.Engine.View(ctx, func(r store.Reader) (err error) {
		t, err = s.topicOf(ctx, r, in.TopicArn)
		return err
	})
	if err != nil {
		return nil, err
	}
	all := map[string]string{
		"TopicArn":                s.topicARN(t),
		"Owner":                   s.Site.Account,
		"DisplayName":             "",
		"Policy":                  s.defaultPolicy(t),
		"EffectiveDeliveryPolicy": effectiveDelivery(t.Attributes["DeliveryPolicy"]),
		"SubscriptionsConfirmed":  strconv.Itoa(t.Confirmed),
		"SubscriptionsPending":    strconv.Itoa(t.Pending),
		"SubscriptionsDeleted":    strconv.Itoa(t.Deleted),
	}
	if t.fifo() {
		all["ContentBasedDeduplication"] = "false"
	}
	if t.Attributes["ArchivePolicy"] != "" {
		all["BeginningArchiveTime"] = t.Archived.Format("2006-01-02T15:04:05.000Z")
	}
	maps.Copy(all, t.Attributes)
	return &sns.GetTopicAttributesOutput{Attributes: all}, nil
}

// SetTopicAttributes sets one attribute; an empty value takes it away.
func (s *Service) SetTopicAttributes(ctx context.Context, in *sns.SetTopicAttributesInput, _ ...func(*sns.Options)) (*sns.SetTopicAttributesOutput, error) {
	return &sns.SetTopicAttributesOutput{}, s.changeTopic(ctx, in.TopicArn, func(_ *engine.Tx, t *topic) error {
		return s.setTopic(t, aws.ToString(in.AttributeName), aws.ToString(in.AttributeValue))
	})
}

// pageSize is SNS's, for every list.
const pageSize = 100

// ListTopics lists topics by name, 100 a page.
func (s *Service) ListTopics(ctx context.Context, in *sns.ListTopicsInput, _ ...func(*sns.Options)) (*sns.ListTopicsOutput, error) {
	region := identity.Region(ctx)
	out := &sns.ListTopicsOutput{}
	err := s.Engine.View(ctx, func(r store.Reader) (err error) {
		out.Topics, out.NextToken, err = page.Of(r, topics, page.Request{Scope: "sns.ListTopics/" + region, Token: in.NextToken, Max: pageSize},
			func(t *topic) (types.Topic, bool, error) {
				return types.Topic{TopicArn: aws.String(s.topicARN(t))}, true, nil
			}, region)
		return err
	})
	return out, badToken(err)
}

func badToken(err error) error {
	if errors.Is(err, page.ErrToken) {
		return wrong("NextToken Reason: the token is not of this list")
	}
	return err
}
