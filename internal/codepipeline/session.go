package codepipeline

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"

	"github.com/slipway-dev/slipway/internal/aws/session"
	"github.com/slipway-dev/slipway/internal/aws/wire"
)

// session is the SDK configuration of an action: that of the pipeline's role,
// or of the action's own role, which the pipeline's role assumes.
func (s *Service) session(ctx context.Context, p *Pipeline, a *ActionRecord) (aws.Config, error) {
	role := aws.ToString(p.Declaration.RoleArn)
	cfg, err := s.cfg.Sessions.Config(ctx, session.Request{
		RoleARN: role, Name: aws.ToString(a.PipelineExecutionId), Service: Principal, Region: a.region()})
	if err != nil {
		if accessDenied(err) {
			return cfg, fail(permissionError, "CodePipeline is not authorized to perform AssumeRole on role %s", role)
		}
		return cfg, err
	}
	own := aws.ToString(a.Declaration.RoleArn)
	if own == "" || own == role {
		return cfg, nil
	}
	client := sts.NewFromConfig(cfg)
	cfg.Credentials = aws.NewCredentialsCache(aws.CredentialsProviderFunc(func(ctx context.Context) (aws.Credentials, error) {
		out, err := client.AssumeRole(ctx, &sts.AssumeRoleInput{RoleArn: aws.String(own), RoleSessionName: a.PipelineExecutionId})
		if err != nil {
			if denied(err) {
				return aws.Credentials{}, fail(permissionError, "The role %s is not authorized to perform AssumeRole on role %s", role, own)
			}
			return aws.Credentials{}, err
		}
		c := out.Credentials
		return aws.Credentials{AccessKeyID: aws.ToString(c.AccessKeyId), SecretAccessKey: aws.ToString(c.SecretAccessKey),
			SessionToken: aws.ToString(c.SessionToken), CanExpire: true, Expires: aws.ToTime(c.Expiration)}, nil
	}))
	return cfg, nil
}

// words are those of an API's answer, which say who lacks which permission.
func words(err error) string {
	var api smithy.APIError
	if errors.As(err, &api) {
		return api.ErrorMessage()
	}
	var e *wire.Error
	if errors.As(err, &e) {
		return e.Message
	}
	return "Access Denied"
}

// accessDenied reports the refusal of a session (see session.Source).
func accessDenied(err error) bool {
	var e *wire.Error
	return errors.As(err, &e) && e.Code == "AccessDenied"
}
