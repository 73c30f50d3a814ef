package codedeploy

import (
	"context"
	"errors"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/codedeploy/types"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/smithy-go"

	"github.com/slipway-dev/slipway/internal/aws/session"
	"github.com/slipway-dev/slipway/internal/aws/wire"
)

// What a deployment asks of other services: no more than what AWS's managed
// policies for the service role allow. The SDK's clients satisfy these.
type (
	serviceAPI interface {
		DescribeServices(context.Context, *ecs.DescribeServicesInput, ...func(*ecs.Options)) (*ecs.DescribeServicesOutput, error)
		CreateTaskSet(context.Context, *ecs.CreateTaskSetInput, ...func(*ecs.Options)) (*ecs.CreateTaskSetOutput, error)
		UpdateServicePrimaryTaskSet(context.Context, *ecs.UpdateServicePrimaryTaskSetInput, ...func(*ecs.Options)) (*ecs.UpdateServicePrimaryTaskSetOutput, error)
		DeleteTaskSet(context.Context, *ecs.DeleteTaskSetInput, ...func(*ecs.Options)) (*ecs.DeleteTaskSetOutput, error)
	}
	balancerAPI interface {
		DescribeTargetGroups(context.Context, *elb.DescribeTargetGroupsInput, ...func(*elb.Options)) (*elb.DescribeTargetGroupsOutput, error)
		DescribeRules(context.Context, *elb.DescribeRulesInput, ...func(*elb.Options)) (*elb.DescribeRulesOutput, error)
		ModifyListener(context.Context, *elb.ModifyListenerInput, ...func(*elb.Options)) (*elb.ModifyListenerOutput, error)
		ModifyRule(context.Context, *elb.ModifyRuleInput, ...func(*elb.Options)) (*elb.ModifyRuleOutput, error)
	}
	functionAPI interface {
		Invoke(context.Context, *lambda.InvokeInput, ...func(*lambda.Options)) (*lambda.InvokeOutput, error)
		GetAlias(context.Context, *lambda.GetAliasInput, ...func(*lambda.Options)) (*lambda.GetAliasOutput, error)
		UpdateAlias(context.Context, *lambda.UpdateAliasInput, ...func(*lambda.Options)) (*lambda.UpdateAliasOutput, error)
	}
	alarmAPI interface {
		DescribeAlarms(context.Context, *cloudwatch.DescribeAlarmsInput, ...func(*cloudwatch.Options)) (*cloudwatch.DescribeAlarmsOutput, error)
	}
	topicAPI interface {
		Publish(context.Context, *sns.PublishInput, ...func(*sns.Options)) (*sns.PublishOutput, error)
	}
	objectAPI interface {
		GetObject(context.Context, *s3.GetObjectInput, ...func(*s3.Options)) (*s3.GetObjectOutput, error)
	}
)

// clients act in a group's service role.
type clients struct {
	services  serviceAPI
	balancers balancerAPI
	functions functionAPI
	alarms    alarmAPI
	objects   objectAPI
	topics    topicAPI
}

func connect(cfg aws.Config) *clients {
	return &clients{ecs.NewFromConfig(cfg), elb.NewFromConfig(cfg), lambda.NewFromConfig(cfg), cloudwatch.NewFromConfig(cfg),
		s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle = true }), sns.NewFromConfig(cfg)}
}

// open makes the clients of a deployment.
//
// Errors: *failure with IAM_ROLE_MISSING or IAM_ROLE_PERMISSIONS.
func (s *Service) open(ctx context.Context, d *deployment) (*clients, error) {
	as := s.as(d.Region, &d.Role)
	as.Name = d.id()
	_, err := s.Sessions.Credentials(ctx, as)
	var denied *wire.Error
	switch {
	case errors.As(err, &denied) && s.Roles != nil && !s.Roles(ctx, d.Role):
		return nil, failed(types.ErrorCodeIamRoleMissing, "The deployment failed because the service role %s does not exist.", d.Role)
	case errors.As(err, &denied):
		return nil, failed(types.ErrorCodeIamRolePermissions, "CodeDeploy does not have the permissions required to assume the role %s.", d.Role)
	case err != nil:
		return nil, err
	}
	cfg, err := s.Sessions.Config(ctx, as)
	if err != nil {
		return nil, err
	}
	return s.connect(cfg), nil
}

// The names that CodeDeploy's messages have for services.
const (
	amazonECS  = "AmazonECS"
	amazonELB  = "AmazonElasticLoadBalancing"
	awsLambda  = "AWSLambda"
	amazonS3   = "AmazonS3"
	amazonSNS  = "AmazonSNS"
	cloudWatch = "AmazonCloudWatch"
)

// refused turns the refusal of a call into a failure with that code and
// message, which gets the service's own words, or those of a client that does not
// even send the call. What is not a refusal, but trouble that may pass, stays an
// error that is tried again.
func refused(err error, d *deployment, service string, code types.ErrorCode, message string) error {
	var api smithy.APIError
	var already *failure
	unsent, ok := session.Unsent(err)
	switch {
	case err == nil || errors.As(err, &already):
		return err
	case ok:
		return failed(code, "%s%s", message, unsent)
	case !errors.As(err, &api) || api.ErrorFault() == smithy.FaultServer || strings.Contains(api.ErrorCode(), "Throttl"):
		return err
	}
	why := failed(code, "%s%s", message, api.ErrorMessage())
	if denied(err) {
		why = failed(types.ErrorCodeIamRolePermissions, "The IAM role %s does not give you permission to perform operations in the following AWS service: %s. %s", d.Role, service, api.ErrorMessage())
	}
	why.cause = err
	return why
}

func denied(err error) bool {
	var api smithy.APIError
	return errors.As(err, &api) && (strings.HasPrefix(api.ErrorCode(), "AccessDenied") || api.ErrorCode() == "UnauthorizedOperation")
}

// is tells whether an API refused with one of these codes.
func is(err error, codes ...string) bool {
	var api smithy.APIError
	if !errors.As(err, &api) {
		return false
	}
	for _, c := range codes {
		if api.ErrorCode() == c || strings.TrimSuffix(api.ErrorCode(), "Exception") == c {
			return true
		}
	}
	return false
}
