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
// or of the action's own role, which the pipeline's role assumes. A policy
// narrows it.
func (s *Service) session(ctx context.Context, p *Pipeline, a *ActionRecord, policy ...string) (aws.Config, error) {
	role, own := aws.ToString(p.Declaration.RoleArn), aws.ToString(a.Declaration.RoleArn)
	chained := own != "" && own != role
	first := session.Request{RoleARN: role, Name: aws.ToString(a.PipelineExecutionId), Service: Principal, Region: a.region()}
	if !chained {
		first.Policies = policy
	}
	cfg, err := s.cfg.Sessions.Config(ctx, first)
	if err != nil {
		if accessDenied(err) {
			return cfg, fail(permissionError, "CodePipeline is not authorized to perform AssumeRole on role %s", role)
		}
		return cfg, err
	}
	if !chained {
		return cfg, nil
	}
	client := sts.NewFromConfig(cfg)
	in := &sts.AssumeRoleInput{RoleArn: aws.String(own), RoleSessionName: a.PipelineExecutionId}
	if len(policy) > 0 {
		in.Policy = aws.String(policy[0])
	}
	cfg.Credentials = aws.NewCredentialsCache(aws.CredentialsProviderFunc(func(ctx context.Context) (aws.Credentials, error) {
		out, err := client.AssumeRole(ctx, in)
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
