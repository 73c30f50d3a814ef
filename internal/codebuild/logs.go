package codebuild

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	logtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/aws/smithy-go"

	"github.com/slipway-dev/slipway/internal/aws/wire"
)

// prepare does what CodeBuild does in the service role before there is a
// container: it opens the build's log stream. The answer is not nil if the role
// does not allow that, or cannot be assumed at all. To do it again is harmless.
func (s *Service) prepare(ctx context.Context, b *build) (*fail, error) {
	role := aws.ToString(b.ServiceRole)
	cfg, err := s.Sessions.Config(ctx, s.session(b))
	var refused *wire.Error
	if errors.As(err, &refused) {
		return &fail{"CLIENT_ERROR", "CodeBuild is not authorized to perform: sts:AssumeRole on " + role}, nil
	}
	if err != nil || b.Logs.GroupName == nil {
		return nil, err
	}
	err = openStream(ctx, cloudwatchlogs.NewFromConfig(cfg), b.Logs.GroupName, b.Logs.StreamName)
	var api smithy.APIError
	if errors.As(err, &api) && api.ErrorCode() == "AccessDeniedException" {
		return &fail{"ACCESS_DENIED", "Service role " + role + " does not allow AWS CodeBuild to create Amazon CloudWatch Logs log streams for build " +
			aws.ToString(b.Arn) + ". Error message: " + api.ErrorMessage()}, nil
	}
	return nil, err
}

func openStream(ctx context.Context, logs *cloudwatchlogs.Client, group, stream *string) error {
	in := &cloudwatchlogs.CreateLogStreamInput{LogGroupName: group, LogStreamName: stream}
	_, err := logs.CreateLogStream(ctx, in)
	var none *logtypes.ResourceNotFoundException
	if errors.As(err, &none) {
		if _, err = logs.CreateLogGroup(ctx, &cloudwatchlogs.CreateLogGroupInput{LogGroupName: group}); err != nil && !exist(err) {
			return err
		}
		_, err = logs.CreateLogStream(ctx, in)
	}
	if exist(err) {
		return nil
	}
	return err
}

func exist(err error) bool {
	var there *logtypes.ResourceAlreadyExistsException
	return errors.As(err, &there)
}
