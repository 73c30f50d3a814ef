package logs

import (
	"context"
	"log/slog"
	"reflect"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"github.com/slipway-dev/slipway/internal/aws/arn"
	"github.com/slipway-dev/slipway/internal/aws/identity"
	"github.com/slipway-dev/slipway/internal/aws/wire"
	"github.com/slipway-dev/slipway/internal/clock"
	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/id"
	"github.com/slipway-dev/slipway/internal/seal/envelope"
	"github.com/slipway-dev/slipway/internal/site"
	"github.com/slipway-dev/slipway/internal/store"
)

// Config is what the service needs; all members are required.
type Config struct {
	Engine *engine.Engine
	Site   site.Site
	Clock  clock.Clock
	IDs    id.Source
	Log    *slog.Logger
	// Keys is KMS, for groups with a key of their own.
	Keys envelope.Keys
	// Metrics is CloudWatch, for metric filters and embedded metrics.
	Metrics Metrics
}

// Service is CloudWatch Logs.
type Service struct {
	cfg       Config
	followers followers
	opened    opened
}

// New registers the service's jobs with the engine, so before its Start.
func New(cfg Config) *Service {
	s := &Service{cfg: cfg}
	s.handleRetention()
	s.handleErase()
	return s
}

// Wire is the table of operations.
func (s *Service) Wire() wire.Service {
	return wire.Service{
		Model: "cloudwatchlogs",
		Invalid: func(v wire.Violation) error {
			return &types.InvalidParameterException{Message: aws.String(v.Message)}
		},
		Operations: []wire.Operation{
			wire.Op("logs:CreateLogGroup", s.CreateLogGroup, func(ctx context.Context, in *cloudwatchlogs.CreateLogGroupInput) []wire.Access {
				return s.onGroup(ctx, in.LogGroupName, nil)
			}),
			wire.Op("logs:DeleteLogGroup", s.DeleteLogGroup, func(ctx context.Context, in *cloudwatchlogs.DeleteLogGroupInput) []wire.Access {
				return s.onGroup(ctx, in.LogGroupName, nil)
			}),
			wire.Op("logs:DescribeLogGroups", s.DescribeLogGroups, func(ctx context.Context, _ *cloudwatchlogs.DescribeLogGroupsInput) []wire.Access {
				return s.onGroup(ctx, nil, nil)
			}),
			wire.Op("logs:ListLogGroups", s.ListLogGroups, func(ctx context.Context, _ *cloudwatchlogs.ListLogGroupsInput) []wire.Access {
				return s.onGroup(ctx, nil, nil)
			}),
			wire.Op("logs:PutLogGroupDeletionProtection", s.PutLogGroupDeletionProtection, func(ctx context.Context, in *cloudwatchlogs.PutLogGroupDeletionProtectionInput) []wire.Access {
				return s.onGroup(ctx, nil, in.LogGroupIdentifier)
			}),
			wire.Op("logs:PutRetentionPolicy", s.PutRetentionPolicy, func(ctx context.Context, in *cloudwatchlogs.PutRetentionPolicyInput) []wire.Access {
				return s.onGroup(ctx, in.LogGroupName, nil)
			}),
			wire.Op("logs:DeleteRetentionPolicy", s.DeleteRetentionPolicy, func(ctx context.Context, in *cloudwatchlogs.DeleteRetentionPolicyInput) []wire.Access {
				return s.onGroup(ctx, in.LogGroupName, nil)
			}),
			wire.Op("logs:CreateLogStream", s.CreateLogStream, func(ctx context.Context, in *cloudwatchlogs.CreateLogStreamInput) []wire.Access {
				return s.onStream(ctx, in.LogGroupName, nil, in.LogStreamName)
			}),
			wire.Op("logs:DeleteLogStream", s.DeleteLogStream, func(ctx context.Context, in *cloudwatchlogs.DeleteLogStreamInput) []wire.Access {
				return s.onStream(ctx, in.LogGroupName, nil, in.LogStreamName)
			}),
			wire.Op("logs:DescribeLogStreams", s.DescribeLogStreams, func(ctx context.Context, in *cloudwatchlogs.DescribeLogStreamsInput) []wire.Access {
				return s.onGroup(ctx, in.LogGroupName, in.LogGroupIdentifier)
			}),
			wire.Op("logs:PutLogEvents", s.PutLogEvents, func(ctx context.Context, in *cloudwatchlogs.PutLogEventsInput) []wire.Access {
				return s.onStream(ctx, in.LogGroupName, nil, in.LogStreamName)
			}),
			wire.Op("logs:GetLogEvents", s.GetLogEvents, func(ctx context.Context, in *cloudwatchlogs.GetLogEventsInput) []wire.Access {
				return s.onStream(ctx, in.LogGroupName, in.LogGroupIdentifier, in.LogStreamName)
			}),
			wire.Op("logs:FilterLogEvents", s.FilterLogEvents, func(ctx context.Context, in *cloudwatchlogs.FilterLogEventsInput) []wire.Access {
				return s.onGroup(ctx, in.LogGroupName, in.LogGroupIdentifier)
			}),
			wire.Op("logs:TagResource", s.TagResource, func(_ context.Context, in *cloudwatchlogs.TagResourceInput) []wire.Access {
				return wire.On(aws.ToString(in.ResourceArn))
			}),
			wire.Op("logs:UntagResource", s.UntagResource, func(_ context.Context, in *cloudwatchlogs.UntagResourceInput) []wire.Access {
				return wire.On(aws.ToString(in.ResourceArn))
			}),
			wire.Op("logs:ListTagsForResource", s.ListTagsForResource, func(_ context.Context, in *cloudwatchlogs.ListTagsForResourceInput) []wire.Access {
				return wire.On(aws.ToString(in.ResourceArn))
			}),
			wire.Op("logs:TagLogGroup", s.TagLogGroup, func(ctx context.Context, in *cloudwatchlogs.TagLogGroupInput) []wire.Access {
				return s.onGroup(ctx, in.LogGroupName, nil)
			}),
			wire.Op("logs:UntagLogGroup", s.UntagLogGroup, func(ctx context.Context, in *cloudwatchlogs.UntagLogGroupInput) []wire.Access {
				return s.onGroup(ctx, in.LogGroupName, nil)
			}),
			wire.Op("logs:ListTagsLogGroup", s.ListTagsLogGroup, func(ctx context.Context, in *cloudwatchlogs.ListTagsLogGroupInput) []wire.Access {
				return s.onGroup(ctx, in.LogGroupName, nil)
			}),
			wire.Op("logs:AssociateKmsKey", s.AssociateKmsKey, func(ctx context.Context, in *cloudwatchlogs.AssociateKmsKeyInput) []wire.Access {
				return s.onGroup(ctx, in.LogGroupName, in.ResourceIdentifier)
			}),
			wire.Op("logs:DisassociateKmsKey", s.DisassociateKmsKey, func(ctx context.Context, in *cloudwatchlogs.DisassociateKmsKeyInput) []wire.Access {
				return s.onGroup(ctx, in.LogGroupName, in.ResourceIdentifier)
			}),
			wire.Op("logs:PutMetricFilter", s.PutMetricFilter, func(ctx context.Context, in *cloudwatchlogs.PutMetricFilterInput) []wire.Access {
				return s.onGroup(ctx, in.LogGroupName, nil)
			}),
			wire.Op("logs:DescribeMetricFilters", s.DescribeMetricFilters, func(ctx context.Context, in *cloudwatchlogs.DescribeMetricFiltersInput) []wire.Access {
				return s.onGroup(ctx, in.LogGroupName, nil)
			}),
			wire.Op("logs:DeleteMetricFilter", s.DeleteMetricFilter, func(ctx context.Context, in *cloudwatchlogs.DeleteMetricFilterInput) []wire.Access {
				return s.onGroup(ctx, in.LogGroupName, nil)
			}),
			wire.Op("logs:TestMetricFilter", s.TestMetricFilter, nil),
			wire.Op("logs:PutResourcePolicy", s.PutResourcePolicy, nil),
			wire.Op("logs:DescribeResourcePolicies", s.DescribeResourcePolicies, nil),
			wire.Op("logs:DeleteResourcePolicy", s.DeleteResourcePolicy, nil),
			{
				Name:   "StartLiveTail",
				Action: "logs:StartLiveTail",
				Input:  reflect.TypeFor[cloudwatchlogs.StartLiveTailInput](),
				Output: reflect.TypeFor[cloudwatchlogs.StartLiveTailOutput](),
				Access: func(_ context.Context, in any) []wire.Access {
					return wire.On(in.(*cloudwatchlogs.StartLiveTailInput).LogGroupIdentifiers...)
				},
				Stream: s.startLiveTail,
			},
		},
	}
}

// onGroup is the access to a group. AWS checks the group's streams, of no name:
// "…:log-group:NAME:log-stream:", as its denials show.
func (s *Service) onGroup(ctx context.Context, name, identifier *string) []wire.Access {
	return s.onStream(ctx, name, identifier, nil)
}

func (s *Service) onStream(ctx context.Context, name, identifier, stream *string) []wire.Access {
	group := aws.ToString(name)
	if group == "" {
		group = aws.ToString(identifier)
		if a, ok := arn.Parse(group); ok {
			group = strings.TrimPrefix(a.Resource, "log-group:")
		}
	}
	return wire.On(s.groupARN(identity.Region(ctx), group) + ":log-stream:" + aws.ToString(stream))
}

// groupARN is the ARN without ":*".
func (s *Service) groupARN(region, name string) string {
	return arn.New("logs", region, s.cfg.Site.Account, "log-group:"+name)
}

// group finds the group of an operation that takes a name or an identifier.
func (s *Service) group(ctx context.Context, r store.Reader, name, identifier *string) (*group, error) {
	switch {
	case name != nil && identifier != nil:
		return nil, invalidParameter("LogGroup name and LogGroup identifier are mutually exclusive parameters.")
	case name != nil:
		return getGroup(r, identity.Region(ctx), *name)
	case identifier != nil:
		return s.identified(ctx, r, *identifier)
	}
	return nil, invalidParameter("Either LogGroup name or LogGroup identifier must be provided.")
}

// identified finds a group by name or by ARN, which must not end in ":*".
func (s *Service) identified(ctx context.Context, r store.Reader, identifier string) (*group, error) {
	a, ok := arn.Parse(identifier)
	if !ok {
		return getGroup(r, identity.Region(ctx), identifier)
	}
	name, ok := strings.CutPrefix(a.Resource, "log-group:")
	if !ok || a.Service != "logs" || strings.Contains(name, ":") {
		return nil, invalidParameter("The specified log group ARN is invalid: " + identifier)
	}
	if a.Region != identity.Region(ctx) || a.Account != s.cfg.Site.Account {
		return nil, noGroup()
	}
	return getGroup(r, a.Region, name)
}

func invalidParameter(message string) error {
	return &types.InvalidParameterException{Message: aws.String(message)}
}

func noGroup() error {
	return &types.ResourceNotFoundException{Message: aws.String("The specified log group does not exist.")}
}

func noStream() error {
	return &types.ResourceNotFoundException{Message: aws.String("The specified log stream does not exist.")}
}
