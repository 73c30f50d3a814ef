package sns

import (
	"encoding/json"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/slipway-dev/slipway/internal/aws/arn"
	"github.com/slipway-dev/slipway/internal/aws/wire"
)

// What a filter policy looks at.
const (
	onAttributes = "MessageAttributes"
	onBody       = "MessageBody"
)

// setAll sets the attributes of a Subscribe: the scope first, because it
// decides what the filter policy may be.
func (s *Service) setAll(t *topic, sub *subscription, attributes map[string]string) error {
	for _, scope := range []bool{true, false} {
		for name, value := range attributes {
			if (name == "FilterPolicyScope") != scope {
				continue
			}
			if err := s.setSubscription(t, sub, name, &value); err != nil {
				return wrong("Attributes Reason: %s", reason(err))
			}
		}
	}
	return nil
}

// setSubscription sets an attribute of a subscription by SNS's rules for it.
func (s *Service) setSubscription(t *topic, sub *subscription, name string, given *string) error {
	value := aws.ToString(given)
	switch name {
	case "RawMessageDelivery":
		if !isHTTP(sub.Protocol) && sub.Protocol != "sqs" && sub.Protocol != "firehose" { // whatever the value
			return wrong("Delivery protocol [%s] does not support raw message delivery.", sub.Protocol)
		}
		if value != "true" && value != "false" {
			return wrong("RawMessageDelivery: Invalid value [%s]. Must be true or false.", value)
		}
	case "DeliveryPolicy":
		if err := checkSubscriptionDelivery(value); err != nil {
			return err
		}
	case "FilterPolicyScope":
		if value != onAttributes && value != onBody {
			return wrong("FilterPolicyScope: Invalid value [%s]. Please use either MessageBody or MessageAttributes", value)
		}
		if err := checkFilter(sub.Attributes["FilterPolicy"], value); err != nil {
			return err
		}
	case "FilterPolicy":
		if err := checkFilter(value, sub.Attributes["FilterPolicyScope"]); err != nil {
			return err
		}
		if strings.TrimSpace(value) == "{}" { // which takes it away
			value = ""
		}
	case "RedrivePolicy":
		if err := s.checkRedrive(t, sub, given); err != nil {
			return err
		}
	case "SubscriptionRoleArn":
		if a, ok := arn.Parse(value); !ok || a.Service != "iam" || !strings.HasPrefix(a.Resource, "role/") {
			return wrong("SubscriptionRoleArn: not the ARN of a role")
		}
	case "ReplayPolicy":
		return wrong("ReplayPolicy: replaying archived messages is not implemented by Slipway")
	default:
		return wrong("AttributeName")
	}
	if value == "" {
		delete(sub.Attributes, name)
		return nil
	}
	if sub.Attributes == nil {
		sub.Attributes = map[string]string{}
	}
	sub.Attributes[name] = value
	return nil
}

// checkRedrive wants the dead-letter queue beside the topic; no value at all
// takes the policy away, an empty one is wrong.
func (s *Service) checkRedrive(t *topic, sub *subscription, given *string) error {
	if given == nil {
		return nil
	}
	var p struct {
		Queue string `json:"deadLetterTargetArn"`
	}
	if err := parseJSON(*given, &p); err != nil {
		return wrong("RedrivePolicy: failed to parse JSON. %v", err)
	}
	a, ok := arn.Parse(p.Queue)
	if !ok || a.Service != "sqs" || a.Resource == "" || a.Account == "" || a.Region == "" {
		return wrong("RedrivePolicy: deadLetterTargetArn is an invalid arn")
	}
	if a.Region != t.Region {
		return wrong("RedrivePolicy: deadLetterTargetArn must be a queue of the topic's region")
	}
	target, _ := arn.Parse(sub.Endpoint)
	if t.fifo() && strings.HasSuffix(target.Resource, ".fifo") != strings.HasSuffix(a.Resource, ".fifo") {
		return wrong("RedrivePolicy: must use a FIFO queue as DLQ for a FIFO Subscription to a FIFO Topic.")
	}
	return nil
}

// smsError has no "Invalid parameter:" before it.
func smsError(endpoint string) error {
	return &wire.Error{Code: "InvalidParameter", Message: "Invalid SMS endpoint: " + endpoint}
}

// effectiveSubscription is what holds for one subscription: the topic's
// policy, and over it the subscription's own unless the topic forbids that.
func effectiveSubscription(ofTopic, own string) string {
	var t topicDelivery
	_ = json.Unmarshal([]byte(effectiveDelivery(ofTopic)), &t)
	p := subscriptionDelivery{Guaranteed: aws.Bool(false), Retries: t.HTTP.Retries, Throttle: t.HTTP.Throttle, Request: t.HTTP.Request}
	if own != "" && !t.HTTP.DisableSubscriptions {
		_ = json.Unmarshal([]byte(own), &p) // it was checked when it was set
	}
	return encode(p)
}
