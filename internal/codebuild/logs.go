package codebuild

import (
	"context"
	"errors"
	"io"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	logtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/aws/aws-sdk-go-v2/service/codebuild/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"

	"github.com/slipway-dev/slipway/internal/agent"
	"github.com/slipway-dev/slipway/internal/agent/job"
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

// openLogs names group, stream and object, when the build is provisioned.
func (s *Service) openLogs(b *build) {
	logs := *b.Logs
	b.Logs = &logs
	if bucket, key := s3Log(b); key != "" {
		logs.S3LogsArn = aws.String("arn:aws:s3:::" + bucket + "/" + key)
		logs.S3DeepLink = aws.String("https://s3.console.aws.amazon.com/s3/object/" + bucket + "/" + key + "?region=" + b.Region)
	}
	c := b.Logs.CloudWatchLogs
	if c.Status == types.LogsConfigStatusTypeDisabled {
		return
	}
	group, stream := aws.ToString(c.GroupName), b.uuid()
	if group == "" {
		group = "/aws/codebuild/" + b.projectName()
	}
	if prefix := aws.ToString(c.StreamName); prefix != "" {
		stream = prefix + "/" + stream
	}
	escaped := func(t string) string {
		return strings.ReplaceAll(url.PathEscape(strings.ReplaceAll(t, "/", "\x00")), "%00", "$252F")
	}
	logs.GroupName, logs.StreamName = aws.String(group), aws.String(stream)
	logs.CloudWatchLogsArn = aws.String("arn:aws:logs:" + b.Region + ":" + s.Site.Account + ":log-group:" + group + ":log-stream:" + stream)
	logs.DeepLink = aws.String("https://console.aws.amazon.com/cloudwatch/home?region=" + b.Region + "#logsV2:log-groups/log-group/" + escaped(group) + "/log-events/" + escaped(stream))
}

// s3Log is where a build's log goes in S3, "" if nowhere.
func s3Log(b *build) (bucket, key string) {
	l := b.Logs.S3Logs
	if l == nil || l.Status != types.LogsConfigStatusTypeEnabled {
		return "", ""
	}
	bucket, prefix, _ := strings.Cut(strings.TrimPrefix(aws.ToString(l.Location), "arn:aws:s3:::"), "/")
	return bucket, path.Join(prefix, b.uuid()+".gz")
}

// keepLog writes the log of a build that was ended from outside to S3, as far
// as its agent came; an agent that ends by itself does that, too.
func (s *Service) keepLog(ctx context.Context, b *build) error {
	bucket, key := s3Log(b)
	journal, err := os.Open(filepath.Join(s.workerDir(b.Worker), agent.JournalName))
	if errors.Is(err, os.ErrNotExist) {
		return nil // the agent never began, or this was done before
	}
	if err != nil {
		return err
	}
	defer journal.Close()
	f, err := os.CreateTemp(s.workerDir(b.Worker), "log")
	if err != nil {
		return err
	}
	defer f.Close()
	if err := job.WriteLog(f, journal); err != nil {
		return err
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return err
	}
	cfg, err := s.Sessions.Config(ctx, s.session(b))
	if err != nil {
		return err
	}
	in := &s3.PutObjectInput{Bucket: &bucket, Key: &key, Body: f}
	if !aws.ToBool(b.Logs.S3Logs.EncryptionDisabled) {
		in.ServerSideEncryption = s3types.ServerSideEncryptionAwsKms
	}
	_, err = s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle = true }).PutObject(ctx, in)
	return err
}
