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
	on := func(arn *string) []wire.Access { return wire.On(aws.ToString(arn)) }
	// A subscription is permitted on its topic.
	onTopic := func(arn *string) []wire.Access {
		text := aws.ToString(arn)
		if i := strings.LastIndex(text, ":"); i > 0 {
			text = text[:i]
		}
		return wire.On(text)
	}
	return wire.Service{Model: "sns", Invalid: invalid, Operations: []wire.Operation{
		wire.Op("sns:CreateTopic", s.CreateTopic, func(x c, in *sns.CreateTopicInput) []wire.Access {
			list := wire.On(s.topicARN(&topic{Region: identity.Region(x), Name: aws.ToString(in.Name)}))
			if len(in.Tags) > 0 {
				list = append(list, wire.Access{Action: "sns:TagResource", Resource: list[0].Resource})
			}
			return list
		}),
		wire.Op("sns:DeleteTopic", s.DeleteTopic, func(_ c, in *sns.DeleteTopicInput) []wire.Access { return on(in.TopicArn) }),
		wire.Op("sns:GetTopicAttributes", s.GetTopicAttributes, func(_ c, in *sns.GetTopicAttributesInput) []wire.Access { return on(in.TopicArn) }),
		wire.Op("sns:SetTopicAttributes", s.SetTopicAttributes, func(_ c, in *sns.SetTopicAttributesInput) []wire.Access { return on(in.TopicArn) }),
		wire.Op("sns:ListTopics", s.ListTopics, nil),
		wire.Op("sns:AddPermission", s.AddPermission, func(_ c, in *sns.AddPermissionInput) []wire.Access { return on(in.TopicArn) }),
		wire.Op("sns:RemovePermission", s.RemovePermission, func(_ c, in *sns.RemovePermissionInput) []wire.Access { return on(in.TopicArn) }),
		wire.Op("sns:Subscribe", s.Subscribe, func(_ c, in *sns.SubscribeInput) []wire.Access { return on(in.TopicArn) }),
		wire.Op("sns:Unsubscribe", s.Unsubscribe, func(_ c, in *sns.UnsubscribeInput) []wire.Access { return onTopic(in.SubscriptionArn) }),
		wire.Op("sns:GetSubscriptionAttributes", s.GetSubscriptionAttributes, func(_ c, in *sns.GetSubscriptionAttributesInput) []wire.Access { return onTopic(in.SubscriptionArn) }),
		wire.Op("sns:SetSubscriptionAttributes", s.SetSubscriptionAttributes, func(_ c, in *sns.SetSubscriptionAttributesInput) []wire.Access { return onTopic(in.SubscriptionArn) }),
		wire.Op("sns:ListSubscriptions", s.ListSubscriptions, nil),
		wire.Op("sns:ListSubscriptionsByTopic", s.ListSubscriptionsByTopic, func(_ c, in *sns.ListSubscriptionsByTopicInput) []wire.Access { return on(in.TopicArn) }),
		wire.Op("sns:TagResource", s.TagResource, func(_ c, in *sns.TagResourceInput) []wire.Access { return on(in.ResourceArn) }),
		wire.Op("sns:UntagResource", s.UntagResource, func(_ c, in *sns.UntagResourceInput) []wire.Access { return on(in.ResourceArn) }),
		wire.Op("sns:ListTagsForResource", s.ListTagsForResource, func(_ c, in *sns.ListTagsForResourceInput) []wire.Access { return on(in.ResourceArn) }),
	}}
}
