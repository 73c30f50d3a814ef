package sns

import (
	"context"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"github.com/slipway-dev/slipway/internal/aws/identity"
	"github.com/slipway-dev/slipway/internal/aws/wire"
)

// Wire is the table of operations that exist.
func (s *Service) Wire() wire.Service {
	type c = context.Context
	on := func(x c, arn *string) []wire.Access {
		return []wire.Access{{Resource: aws.ToString(arn), Policy: s.policyOf(x, arn)}}
	}
	// A subscription is permitted on its topic.
	onTopic := func(x c, arn *string) []wire.Access {
		text := aws.ToString(arn)
		if i := strings.LastIndex(text, ":"); i > 0 {
			text = text[:i]
		}
		return on(x, &text)
	}
	unsigned := func(op wire.Operation) wire.Operation {
		op.Unsigned = true
		return op
	}
	return wire.Service{Model: "sns", Invalid: invalid, Denied: "AuthorizationError", Operations: []wire.Operation{
		wire.Op("sns:CreateTopic", s.CreateTopic, func(x c, in *sns.CreateTopicInput) []wire.Access {
			list := wire.On(s.topicARN(&topic{Region: identity.Region(x), Name: aws.ToString(in.Name)}))
			if len(in.Tags) > 0 {
				list = append(list, wire.Access{Action: "sns:TagResource", Resource: list[0].Resource})
			}
			return list
		}),
		wire.Op("sns:DeleteTopic", s.DeleteTopic, func(x c, in *sns.DeleteTopicInput) []wire.Access { return on(x, in.TopicArn) }),
		wire.Op("sns:GetTopicAttributes", s.GetTopicAttributes, func(x c, in *sns.GetTopicAttributesInput) []wire.Access { return on(x, in.TopicArn) }),
		wire.Op("sns:SetTopicAttributes", s.SetTopicAttributes, func(x c, in *sns.SetTopicAttributesInput) []wire.Access { return on(x, in.TopicArn) }),
		wire.Op("sns:ListTopics", s.ListTopics, nil),
		wire.Op("sns:AddPermission", s.AddPermission, func(x c, in *sns.AddPermissionInput) []wire.Access { return on(x, in.TopicArn) }),
		wire.Op("sns:RemovePermission", s.RemovePermission, func(x c, in *sns.RemovePermissionInput) []wire.Access { return on(x, in.TopicArn) }),
		wire.Op("sns:Subscribe", s.Subscribe, func(x c, in *sns.SubscribeInput) []wire.Access { return on(x, in.TopicArn) }),
		unsigned(wire.Op("sns:Unsubscribe", s.Unsubscribe, func(x c, in *sns.UnsubscribeInput) []wire.Access { return onTopic(x, in.SubscriptionArn) })),
		wire.Op("sns:GetSubscriptionAttributes", s.GetSubscriptionAttributes, func(x c, in *sns.GetSubscriptionAttributesInput) []wire.Access { return onTopic(x, in.SubscriptionArn) }),
		wire.Op("sns:SetSubscriptionAttributes", s.SetSubscriptionAttributes, func(x c, in *sns.SetSubscriptionAttributesInput) []wire.Access { return onTopic(x, in.SubscriptionArn) }),
		unsigned(wire.Op("sns:ConfirmSubscription", s.ConfirmSubscription, func(x c, in *sns.ConfirmSubscriptionInput) []wire.Access { return on(x, in.TopicArn) })),
		wire.Op("sns:Publish", s.Publish, func(x c, in *sns.PublishInput) []wire.Access {
			if in.TopicArn == nil {
				return on(x, in.TargetArn)
			}
			return on(x, in.TopicArn)
		}),
		wire.Op("sns:Publish", s.PublishBatch, func(x c, in *sns.PublishBatchInput) []wire.Access { return on(x, in.TopicArn) }),
		wire.Op("sns:ListSubscriptions", s.ListSubscriptions, nil),
		wire.Op("sns:ListSubscriptionsByTopic", s.ListSubscriptionsByTopic, func(x c, in *sns.ListSubscriptionsByTopicInput) []wire.Access { return on(x, in.TopicArn) }),
		wire.Op("sns:TagResource", s.TagResource, func(x c, in *sns.TagResourceInput) []wire.Access { return on(x, in.ResourceArn) }),
		wire.Op("sns:UntagResource", s.UntagResource, func(x c, in *sns.UntagResourceInput) []wire.Access { return on(x, in.ResourceArn) }),
		wire.Op("sns:ListTagsForResource", s.ListTagsForResource, func(x c, in *sns.ListTagsForResourceInput) []wire.Access { return on(x, in.ResourceArn) }),
	}}
}
