package eventbridge

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"

	"github.com/slipway-dev/slipway/internal/aws/identity"
	"github.com/slipway-dev/slipway/internal/aws/wire"
)

// Wire is the service for the gateway.
func (s *Service) Wire() wire.Service {
	onRule := func(ctx context.Context, bus, name *string) []wire.Access {
		return wire.On(s.ruleARN(identity.Region(ctx), busName(bus), aws.ToString(name)))
	}
	onBus := func(ctx context.Context, name *string) []wire.Access {
		return wire.On(s.busARN(identity.Region(ctx), busName(name)))
	}
	passing := func(checks []wire.Access, roles ...*string) []wire.Access {
		for _, r := range roles {
			if aws.ToString(r) != "" {
				checks = append(checks, wire.PassRole(*r, principal))
			}
		}
		return checks
	}
	return wire.Service{Model: "eventbridge", Invalid: invalid, Operations: []wire.Operation{
		wire.Op("events:CreateEventBus", s.CreateEventBus, func(ctx context.Context, in *eventbridge.CreateEventBusInput) []wire.Access {
			return onBus(ctx, in.Name)
		}),
		wire.Op("events:UpdateEventBus", s.UpdateEventBus, func(ctx context.Context, in *eventbridge.UpdateEventBusInput) []wire.Access {
			return onBus(ctx, in.Name)
		}),
		wire.Op("events:DescribeEventBus", s.DescribeEventBus, func(ctx context.Context, in *eventbridge.DescribeEventBusInput) []wire.Access {
			return onBus(ctx, in.Name)
		}),
		wire.Op("events:DeleteEventBus", s.DeleteEventBus, func(ctx context.Context, in *eventbridge.DeleteEventBusInput) []wire.Access {
			return onBus(ctx, in.Name)
		}),
		wire.Op("events:ListEventBuses", s.ListEventBuses, nil),
		wire.Op("events:PutPermission", s.PutPermission, func(ctx context.Context, in *eventbridge.PutPermissionInput) []wire.Access {
			return onBus(ctx, in.EventBusName)
		}),
		wire.Op("events:RemovePermission", s.RemovePermission, func(ctx context.Context, in *eventbridge.RemovePermissionInput) []wire.Access {
			return onBus(ctx, in.EventBusName)
		}),
		wire.Op("events:PutRule", s.PutRule, func(ctx context.Context, in *eventbridge.PutRuleInput) []wire.Access {
			return passing(onRule(ctx, in.EventBusName, in.Name), in.RoleArn)
		}),
		wire.Op("events:DescribeRule", s.DescribeRule, func(ctx context.Context, in *eventbridge.DescribeRuleInput) []wire.Access {
			return onRule(ctx, in.EventBusName, in.Name)
		}),
		wire.Op("events:DeleteRule", s.DeleteRule, func(ctx context.Context, in *eventbridge.DeleteRuleInput) []wire.Access {
			return onRule(ctx, in.EventBusName, in.Name)
		}),
		wire.Op("events:EnableRule", s.EnableRule, func(ctx context.Context, in *eventbridge.EnableRuleInput) []wire.Access {
			return onRule(ctx, in.EventBusName, in.Name)
		}),
		wire.Op("events:DisableRule", s.DisableRule, func(ctx context.Context, in *eventbridge.DisableRuleInput) []wire.Access {
			return onRule(ctx, in.EventBusName, in.Name)
		}),
		wire.Op("events:ListRules", s.ListRules, nil),
		wire.Op("events:ListRuleNamesByTarget", s.ListRuleNamesByTarget, nil),
		wire.Op("events:PutTargets", s.PutTargets, func(ctx context.Context, in *eventbridge.PutTargetsInput) []wire.Access {
			checks := onRule(ctx, in.EventBusName, in.Rule)
			for _, t := range in.Targets {
				checks = passing(checks, t.RoleArn)
			}
			return checks
		}),
		wire.Op("events:RemoveTargets", s.RemoveTargets, func(ctx context.Context, in *eventbridge.RemoveTargetsInput) []wire.Access {
			return onRule(ctx, in.EventBusName, in.Rule)
		}),
		wire.Op("events:ListTargetsByRule", s.ListTargetsByRule, func(ctx context.Context, in *eventbridge.ListTargetsByRuleInput) []wire.Access {
			return onRule(ctx, in.EventBusName, in.Rule)
		}),
		wire.Op("events:PutEvents", s.PutEvents, func(ctx context.Context, in *eventbridge.PutEventsInput) []wire.Access {
			var checks []wire.Access
			for _, e := range in.Entries {
				checks = append(checks, onBus(ctx, e.EventBusName)...)
			}
			return checks
		}),
		wire.Op("events:TestEventPattern", s.TestEventPattern, nil),
		wire.Op("events:TagResource", s.TagResource, func(_ context.Context, in *eventbridge.TagResourceInput) []wire.Access {
			return wire.On(aws.ToString(in.ResourceARN))
		}),
		wire.Op("events:UntagResource", s.UntagResource, func(_ context.Context, in *eventbridge.UntagResourceInput) []wire.Access {
			return wire.On(aws.ToString(in.ResourceARN))
		}),
		wire.Op("events:ListTagsForResource", s.ListTagsForResource, func(_ context.Context, in *eventbridge.ListTagsForResourceInput) []wire.Access {
			return wire.On(aws.ToString(in.ResourceARN))
		}),
	}}
}
