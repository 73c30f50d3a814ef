package codedeploy

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codedeploy"
	"github.com/aws/aws-sdk-go-v2/service/codedeploy/types"

	"github.com/slipway-dev/slipway/internal/aws/identity"
	"github.com/slipway-dev/slipway/internal/aws/wire"
	"github.com/slipway-dev/slipway/internal/store"
)

// Wire is the table of operations that exist.
func (s *Service) Wire() wire.Service {
	return wire.Service{Model: "codedeploy", Invalid: invalid, Operations: []wire.Operation{
		wire.Op("codedeploy:CreateApplication", s.CreateApplication, func(ctx context.Context, in *codedeploy.CreateApplicationInput) []wire.Access {
			return s.onApplications(ctx, in.ApplicationName)
		}),
		wire.Op("codedeploy:GetApplication", s.GetApplication, func(ctx context.Context, in *codedeploy.GetApplicationInput) []wire.Access {
			return s.onApplications(ctx, in.ApplicationName)
		}),
		wire.Op("codedeploy:UpdateApplication", s.UpdateApplication, func(ctx context.Context, in *codedeploy.UpdateApplicationInput) []wire.Access {
			return s.onApplications(ctx, in.ApplicationName)
		}),
		wire.Op("codedeploy:DeleteApplication", s.DeleteApplication, func(ctx context.Context, in *codedeploy.DeleteApplicationInput) []wire.Access {
			return s.onApplications(ctx, in.ApplicationName)
		}),
		wire.Op("codedeploy:ListApplications", s.ListApplications, nil),
		wire.Op("codedeploy:BatchGetApplications", s.BatchGetApplications, func(ctx context.Context, in *codedeploy.BatchGetApplicationsInput) []wire.Access {
			return s.onApplications(ctx, aws.StringSlice(in.ApplicationNames)...)
		}),

		wire.Op("codedeploy:CreateDeploymentConfig", s.CreateDeploymentConfig, func(ctx context.Context, in *codedeploy.CreateDeploymentConfigInput) []wire.Access {
			return s.onConfig(ctx, in.DeploymentConfigName)
		}),
		wire.Op("codedeploy:GetDeploymentConfig", s.GetDeploymentConfig, func(ctx context.Context, in *codedeploy.GetDeploymentConfigInput) []wire.Access {
			return s.onConfig(ctx, in.DeploymentConfigName)
		}),
		wire.Op("codedeploy:DeleteDeploymentConfig", s.DeleteDeploymentConfig, func(ctx context.Context, in *codedeploy.DeleteDeploymentConfigInput) []wire.Access {
			return s.onConfig(ctx, in.DeploymentConfigName)
		}),
		wire.Op("codedeploy:ListDeploymentConfigs", s.ListDeploymentConfigs, nil),

		wire.Op("codedeploy:CreateDeploymentGroup", s.CreateDeploymentGroup, func(ctx context.Context, in *codedeploy.CreateDeploymentGroupInput) []wire.Access {
			return append(s.onGroups(ctx, in.ApplicationName, in.DeploymentGroupName), passRole(in.ServiceRoleArn)...)
		}),
		wire.Op("codedeploy:GetDeploymentGroup", s.GetDeploymentGroup, func(ctx context.Context, in *codedeploy.GetDeploymentGroupInput) []wire.Access {
			return s.onGroups(ctx, in.ApplicationName, in.DeploymentGroupName)
		}),
		wire.Op("codedeploy:UpdateDeploymentGroup", s.UpdateDeploymentGroup, func(ctx context.Context, in *codedeploy.UpdateDeploymentGroupInput) []wire.Access {
			return append(s.onGroups(ctx, in.ApplicationName, in.CurrentDeploymentGroupName), passRole(in.ServiceRoleArn)...)
		}),
		wire.Op("codedeploy:DeleteDeploymentGroup", s.DeleteDeploymentGroup, func(ctx context.Context, in *codedeploy.DeleteDeploymentGroupInput) []wire.Access {
			return s.onGroups(ctx, in.ApplicationName, in.DeploymentGroupName)
		}),
		wire.Op("codedeploy:ListDeploymentGroups", s.ListDeploymentGroups, func(ctx context.Context, in *codedeploy.ListDeploymentGroupsInput) []wire.Access {
			return s.onApplications(ctx, in.ApplicationName)
		}),
		wire.Op("codedeploy:BatchGetDeploymentGroups", s.BatchGetDeploymentGroups, func(ctx context.Context, in *codedeploy.BatchGetDeploymentGroupsInput) []wire.Access {
			return s.onGroups(ctx, in.ApplicationName, aws.StringSlice(in.DeploymentGroupNames)...)
		}),

		wire.Op("codedeploy:RegisterApplicationRevision", s.RegisterApplicationRevision, func(ctx context.Context, in *codedeploy.RegisterApplicationRevisionInput) []wire.Access {
			return s.onApplications(ctx, in.ApplicationName)
		}),
		wire.Op("codedeploy:GetApplicationRevision", s.GetApplicationRevision, func(ctx context.Context, in *codedeploy.GetApplicationRevisionInput) []wire.Access {
			return s.onApplications(ctx, in.ApplicationName)
		}),
		wire.Op("codedeploy:BatchGetApplicationRevisions", s.BatchGetApplicationRevisions, func(ctx context.Context, in *codedeploy.BatchGetApplicationRevisionsInput) []wire.Access {
			return s.onApplications(ctx, in.ApplicationName)
		}),
		wire.Op("codedeploy:ListApplicationRevisions", s.ListApplicationRevisions, func(ctx context.Context, in *codedeploy.ListApplicationRevisionsInput) []wire.Access {
			return s.onApplications(ctx, in.ApplicationName)
		}),

		wire.Op("codedeploy:CreateDeployment", s.CreateDeployment, func(ctx context.Context, in *codedeploy.CreateDeploymentInput) []wire.Access {
			all := s.onGroups(ctx, in.ApplicationName, in.DeploymentGroupName)
			if in.OverrideAlarmConfiguration != nil {
				for _, a := range s.onGroups(ctx, in.ApplicationName, in.DeploymentGroupName) {
					a.Action = "codedeploy:UpdateDeploymentGroup"
					all = append(all, a)
				}
			}
			return all
		}),
		wire.Op("codedeploy:ListDeployments", s.ListDeployments, func(ctx context.Context, in *codedeploy.ListDeploymentsInput) []wire.Access {
			return s.onGroups(ctx, in.ApplicationName, in.DeploymentGroupName)
		}),
		wire.Op("codedeploy:BatchGetDeployments", s.BatchGetDeployments, func(ctx context.Context, in *codedeploy.BatchGetDeploymentsInput) []wire.Access {
			return s.onDeployments(ctx, aws.StringSlice(in.DeploymentIds)...)
		}),
		wire.Op("codedeploy:GetDeployment", s.GetDeployment, func(ctx context.Context, in *codedeploy.GetDeploymentInput) []wire.Access {
			return s.onDeployments(ctx, in.DeploymentId)
		}),
		wire.Op("codedeploy:StopDeployment", s.StopDeployment, func(ctx context.Context, in *codedeploy.StopDeploymentInput) []wire.Access {
			return s.onDeployments(ctx, in.DeploymentId)
		}),
		wire.Op("codedeploy:ContinueDeployment", s.ContinueDeployment, func(ctx context.Context, in *codedeploy.ContinueDeploymentInput) []wire.Access {
			return s.onDeployments(ctx, in.DeploymentId)
		}),
		wire.Op("codedeploy:SkipWaitTimeForInstanceTermination", s.SkipWaitTimeForInstanceTermination, func(ctx context.Context, in *codedeploy.SkipWaitTimeForInstanceTerminationInput) []wire.Access {
			return s.onDeployments(ctx, in.DeploymentId)
		}),
		wire.Op("codedeploy:PutLifecycleEventHookExecutionStatus", s.PutLifecycleEventHookExecutionStatus, func(ctx context.Context, in *codedeploy.PutLifecycleEventHookExecutionStatusInput) []wire.Access {
			return s.onDeployments(ctx, in.DeploymentId)
		}),
		wire.Op("codedeploy:ListDeploymentTargets", s.ListDeploymentTargets, func(ctx context.Context, in *codedeploy.ListDeploymentTargetsInput) []wire.Access {
			return s.onDeployments(ctx, in.DeploymentId)
		}),
		wire.Op("codedeploy:GetDeploymentTarget", s.GetDeploymentTarget, func(ctx context.Context, in *codedeploy.GetDeploymentTargetInput) []wire.Access {
			return s.onDeployments(ctx, in.DeploymentId)
		}),
		wire.Op("codedeploy:BatchGetDeploymentTargets", s.BatchGetDeploymentTargets, func(ctx context.Context, in *codedeploy.BatchGetDeploymentTargetsInput) []wire.Access {
			return s.onDeployments(ctx, in.DeploymentId)
		}),
		wire.Op("codedeploy:ListDeploymentInstances", s.ListDeploymentInstances, func(ctx context.Context, in *codedeploy.ListDeploymentInstancesInput) []wire.Access {
			return s.onDeployments(ctx, in.DeploymentId)
		}),
		wire.Op("codedeploy:GetDeploymentInstance", s.GetDeploymentInstance, func(ctx context.Context, in *codedeploy.GetDeploymentInstanceInput) []wire.Access {
			return s.onDeployments(ctx, in.DeploymentId)
		}),
		wire.Op("codedeploy:BatchGetDeploymentInstances", s.BatchGetDeploymentInstances, func(ctx context.Context, in *codedeploy.BatchGetDeploymentInstancesInput) []wire.Access {
			return s.onDeployments(ctx, in.DeploymentId)
		}),

		wire.Op("codedeploy:TagResource", s.TagResource, func(_ context.Context, in *codedeploy.TagResourceInput) []wire.Access {
			return wire.On(aws.ToString(in.ResourceArn))
		}),
		wire.Op("codedeploy:UntagResource", s.UntagResource, func(_ context.Context, in *codedeploy.UntagResourceInput) []wire.Access {
			return wire.On(aws.ToString(in.ResourceArn))
		}),
		wire.Op("codedeploy:ListTagsForResource", s.ListTagsForResource, func(_ context.Context, in *codedeploy.ListTagsForResourceInput) []wire.Access {
			return wire.On(aws.ToString(in.ResourceArn))
		}),
	}}
}

func (s *Service) onApplications(ctx context.Context, names ...*string) []wire.Access {
	var all []string
	for _, n := range names {
		all = append(all, s.arn(identity.Region(ctx), "application:"+aws.ToString(n)))
	}
	return wire.On(all...)
}

func (s *Service) onConfig(ctx context.Context, name *string) []wire.Access {
	return wire.On(s.arn(identity.Region(ctx), "deploymentconfig:"+aws.ToString(name)))
}

func (s *Service) onGroups(ctx context.Context, app *string, names ...*string) []wire.Access {
	var all []string
	for _, n := range names {
		all = append(all, s.arn(identity.Region(ctx), "deploymentgroup:"+aws.ToString(app)+"/"+aws.ToString(n)))
	}
	return wire.On(all...)
}

// onDeployments asks for the groups of deployments. Those that do not exist
// count as any group's, so that nobody learns from a refusal what exists.
func (s *Service) onDeployments(ctx context.Context, ids ...*string) []wire.Access {
	region := identity.Region(ctx)
	groups := map[string]bool{}
	_ = s.Engine.View(ctx, func(r store.Reader) error {
		for _, id := range ids {
			group := "*"
			if d, err := findDeployment(r, region, id); err == nil {
				if shown, err := d.shown(r); err == nil {
					group = aws.ToString(shown.ApplicationName) + "/" + aws.ToString(shown.DeploymentGroupName)
				}
			}
			groups[group] = true
		}
		return nil
	})
	var all []string
	for _, g := range slices.Sorted(maps.Keys(groups)) {
		all = append(all, s.arn(region, "deploymentgroup:"+g))
	}
	return wire.On(all...)
}

func passRole(role *string) []wire.Access {
	if aws.ToString(role) == "" {
		return nil
	}
	return []wire.Access{wire.PassRole(*role, principal)}
}

// invalid finds the exception for what the model forbids: CodeDeploy has one
// for nearly every member.
func invalid(v wire.Violation) error {
	m, required := aws.String(v.Message), v.Rule == "required"
	top, _, _ := strings.Cut(strings.TrimPrefix(v.Path, "."), ".")
	top, _, _ = strings.Cut(top, "[")
	switch {
	case strings.HasSuffix(strings.ToLower(top), "applicationname") && required, top == "applicationNames":
		return &types.ApplicationNameRequiredException{Message: m}
	case strings.HasSuffix(strings.ToLower(top), "applicationname"):
		return &types.InvalidApplicationNameException{Message: m}
	case strings.HasSuffix(strings.ToLower(top), "deploymentgroupname") && required, top == "deploymentGroupNames":
		return &types.DeploymentGroupNameRequiredException{Message: m}
	case strings.HasSuffix(strings.ToLower(top), "deploymentgroupname"):
		return &types.InvalidDeploymentGroupNameException{Message: m}
	}
	switch top {
	case "deploymentConfigName":
		if required {
			return &types.DeploymentConfigNameRequiredException{Message: m}
		}
		return &types.InvalidDeploymentConfigNameException{Message: m}
	case "computePlatform":
		return &types.InvalidComputePlatformException{Message: m}
	case "minimumHealthyHosts":
		return &types.InvalidMinimumHealthyHostValueException{Message: m}
	case "trafficRoutingConfig":
		return &types.InvalidTrafficRoutingConfigurationException{Message: m}
	case "zonalConfig":
		return &types.InvalidZonalDeploymentConfigurationException{Message: m}
	case "serviceRoleArn":
		if required {
			return &types.RoleRequiredException{Message: m}
		}
		return &types.InvalidRoleException{Message: m}
	case "ec2TagFilters", "ec2TagSet":
		return &types.InvalidEC2TagException{Message: m}
	case "onPremisesInstanceTagFilters", "onPremisesTagSet":
		return &types.InvalidTagException{Message: m}
	case "alarmConfiguration":
		return &types.InvalidAlarmConfigException{Message: m}
	case "autoRollbackConfiguration":
		return &types.InvalidAutoRollbackConfigException{Message: m}
	case "triggerConfigurations":
		return &types.InvalidTriggerConfigException{Message: m}
	case "loadBalancerInfo":
		return &types.InvalidLoadBalancerInfoException{Message: m}
	case "blueGreenDeploymentConfiguration":
		return &types.InvalidBlueGreenDeploymentConfigurationException{Message: m}
	case "deploymentStyle":
		return &types.InvalidDeploymentStyleException{Message: m}
	case "deploymentId", "deploymentIds":
		if required {
			return &types.DeploymentIdRequiredException{Message: m}
		}
		return &types.InvalidDeploymentIdException{Message: m}
	case "revision", "revisions":
		if required && top == strings.TrimPrefix(v.Path, ".") {
			return &types.RevisionRequiredException{Message: m}
		}
		return &types.InvalidRevisionException{Message: m}
	case "targetId", "targetIds":
		if required {
			return &types.DeploymentTargetIdRequiredException{Message: m}
		}
		return &types.InvalidDeploymentTargetIdException{Message: m}
	case "instanceId", "instanceIds":
		return &types.InstanceIdRequiredException{Message: m}
	case "overrideAlarmConfiguration":
		return &types.InvalidAlarmConfigException{Message: m}
	case "fileExistsBehavior":
		return &types.InvalidFileExistsBehaviorException{Message: m}
	case "targetInstances":
		return &types.InvalidTargetInstancesException{Message: m}
	case "deploymentWaitType":
		return &types.InvalidDeploymentWaitTypeException{Message: m}
	case "status":
		return &types.InvalidLifecycleEventHookExecutionStatusException{Message: m}
	case "includeOnlyStatuses":
		return &types.InvalidDeploymentStatusException{Message: m}
	case "instanceStatusFilter":
		return &types.InvalidInstanceStatusException{Message: m}
	case "instanceTypeFilter":
		return &types.InvalidInstanceTypeException{Message: m}
	case "targetFilters":
		return &types.InvalidTargetFilterNameException{Message: m}
	case "sortBy":
		return &types.InvalidSortByException{Message: m}
	case "sortOrder":
		return &types.InvalidSortOrderException{Message: m}
	case "deployed":
		return &types.InvalidDeployedStateFilterException{Message: m}
	case "createTimeRange":
		return &types.InvalidTimeRangeException{Message: m}
	case "ResourceArn":
		if required {
			return &types.ResourceArnRequiredException{Message: m}
		}
		return &types.InvalidArnException{Message: m}
	case "Tags", "tags":
		if required {
			return &types.TagRequiredException{Message: m}
		}
		return &types.InvalidTagsToAddException{Message: m}
	case "TagKeys":
		return &types.TagRequiredException{Message: m}
	}
	return &types.InvalidInputException{Message: m}
}
