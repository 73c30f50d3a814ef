package codestarnotifications

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codestarnotifications"

	"github.com/slipway-dev/slipway/internal/aws/identity"
	"github.com/slipway-dev/slipway/internal/aws/wire"
)

// Wire is the table of operations with their permissions.
func (s *Service) Wire() wire.Service {
	on := func(name *string) []wire.Access { return wire.On(aws.ToString(name)) }
	type c = context.Context
	return wire.Service{Model: "codestarnotifications", Operations: []wire.Operation{
		wire.Op("codestar-notifications:CreateNotificationRule", s.CreateNotificationRule, func(x c, in *codestarnotifications.CreateNotificationRuleInput) []wire.Access {
			access := wire.Access{Resource: s.arn(identity.Region(x), "*"),
				Context: map[string][]string{"codestar-notifications:NotificationsForResource": {aws.ToString(in.Resource)}}}
			return []wire.Access{access}
		}),
		wire.Op("codestar-notifications:DescribeNotificationRule", s.DescribeNotificationRule, func(_ c, in *codestarnotifications.DescribeNotificationRuleInput) []wire.Access {
			return on(in.Arn)
		}),
		wire.Op("codestar-notifications:UpdateNotificationRule", s.UpdateNotificationRule, func(_ c, in *codestarnotifications.UpdateNotificationRuleInput) []wire.Access {
			return on(in.Arn)
		}),
		wire.Op("codestar-notifications:DeleteNotificationRule", s.DeleteNotificationRule, func(_ c, in *codestarnotifications.DeleteNotificationRuleInput) []wire.Access {
			return on(in.Arn)
		}),
		wire.Op("codestar-notifications:Subscribe", s.Subscribe, func(_ c, in *codestarnotifications.SubscribeInput) []wire.Access { return on(in.Arn) }),
		wire.Op("codestar-notifications:Unsubscribe", s.Unsubscribe, func(_ c, in *codestarnotifications.UnsubscribeInput) []wire.Access { return on(in.Arn) }),
		wire.Op("codestar-notifications:TagResource", s.TagResource, func(_ c, in *codestarnotifications.TagResourceInput) []wire.Access { return on(in.Arn) }),
		wire.Op("codestar-notifications:UntagResource", s.UntagResource, func(_ c, in *codestarnotifications.UntagResourceInput) []wire.Access { return on(in.Arn) }),
		wire.Op("codestar-notifications:ListTagsForResource", s.ListTagsForResource, func(_ c, in *codestarnotifications.ListTagsForResourceInput) []wire.Access {
			return on(in.Arn)
		}),
		wire.Op("codestar-notifications:DeleteTarget", s.DeleteTarget, nil),
		wire.Op("codestar-notifications:ListTargets", s.ListTargets, nil),
		wire.Op("codestar-notifications:ListEventTypes", s.ListEventTypes, nil),
		wire.Op("codestar-notifications:ListNotificationRules", s.ListNotificationRules, nil),
	}}
}
