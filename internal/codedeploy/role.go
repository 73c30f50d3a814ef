package codedeploy

import (
	"context"
	"errors"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codedeploy"
	"github.com/aws/aws-sdk-go-v2/service/codedeploy/types"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	ecstypes "github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"github.com/aws/smithy-go"

	"github.com/slipway-dev/slipway/internal/aws/arn"
	"github.com/slipway-dev/slipway/internal/aws/session"
	"github.com/slipway-dev/slipway/internal/aws/wire"
	"github.com/slipway-dev/slipway/internal/store"
)

func (s *Service) as(region string, role *string) session.Request {
	return session.Request{RoleARN: aws.ToString(role), Name: "codedeploy", Service: principal, Region: region}
}

// checkRole makes sure that CodeDeploy can act in a group's role.
//
// Errors: RoleRequiredException, InvalidRoleException.
func (s *Service) checkRole(ctx context.Context, region string, role *string) error {
	if aws.ToString(role) == "" {
		return &types.RoleRequiredException{Message: text("A service role must be specified.")}
	}
	if a, ok := arn.Parse(*role); !ok || a.Service != "iam" || !strings.HasPrefix(a.Resource, "role/") {
		return &types.InvalidRoleException{Message: text("The service role is not the ARN of a role: %s", *role)}
	}
	_, err := s.Sessions.Credentials(ctx, s.as(region, role))
	var denied *wire.Error
	if errors.As(err, &denied) {
		return &types.InvalidRoleException{Message: text("AWS CodeDeploy does not have the permissions required to assume the role %s.", *role)}
	}
	return err
}

// checkService makes sure that the service of ECS is one that CodeDeploy
// deploys. It asks in the group's role, as a deployment would.
//
// Errors: InvalidECSServiceException, InvalidRoleException.
func (s *Service) checkService(ctx context.Context, region string, role *string, services []types.ECSService) error {
	if len(services) != 1 || aws.ToString(services[0].ClusterName) == "" || aws.ToString(services[0].ServiceName) == "" {
		return nil // see checkServices
	}
	bad := func(format string, args ...any) error {
		return &types.InvalidECSServiceException{Message: text(format, args...)}
	}
	cluster, name := *services[0].ClusterName, *services[0].ServiceName
	cfg, err := s.Sessions.Config(ctx, s.as(region, role))
	if err != nil {
		return err
	}
	out, err := ecs.NewFromConfig(cfg).DescribeServices(ctx, &ecs.DescribeServicesInput{Cluster: &cluster, Services: []string{name}})
	var api smithy.APIError
	if errors.As(err, &api) {
		if strings.HasPrefix(api.ErrorCode(), "AccessDenied") {
			return &types.InvalidRoleException{Message: text("The role %s does not have the permission ecs:DescribeServices.", *role)}
		}
		return bad("Could not load ECS service information for cluster: %s, service: %s. Cause: %s", cluster, name, api.ErrorMessage())
	}
	if err != nil {
		return err
	}
	switch {
	case len(out.Services) == 0 || aws.ToString(out.Services[0].Status) != "ACTIVE":
		return bad("Could not load ECS service information for cluster: %s, service: %s. Cause: The service does not exist or is not ACTIVE.", cluster, name)
	case out.Services[0].DeploymentController == nil || out.Services[0].DeploymentController.Type != ecstypes.DeploymentControllerTypeCodeDeploy:
		return bad("Deployment group's ECS service must be configured for a CODE_DEPLOY deployment controller.")
	}
	return nil
}

// roleOf is the role that an update leaves a group with.
func (s *Service) roleOf(ctx context.Context, region string, in *codedeploy.UpdateDeploymentGroupInput) (role *string, err error) {
	err = s.Engine.View(ctx, func(r store.Reader) error {
		_, g, err := findGroup(r, region, in.ApplicationName, in.CurrentDeploymentGroupName)
		if err == nil {
			role = g.ServiceRoleArn
		}
		return err
	})
	if in.ServiceRoleArn != nil {
		role = in.ServiceRoleArn
	}
	return role, err
}
