package ecs

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"github.com/slipway-dev/slipway/internal/aws/identity"
	"github.com/slipway-dev/slipway/internal/aws/wire"
)

// Wire is the table of operations that exist.
func (s *Service) Wire() wire.Service {
	return wire.Service{Model: "ecs", Invalid: invalid, Operations: []wire.Operation{
		wire.Op("ecs:CreateCluster", s.CreateCluster, nil),
		wire.Op("ecs:DescribeClusters", s.DescribeClusters, func(ctx context.Context, in *ecs.DescribeClustersInput) []wire.Access {
			var all []string
			for _, n := range in.Clusters {
				all = append(all, s.clusterARN(ctx, &n))
			}
			if all == nil {
				all = []string{s.clusterARN(ctx, nil)}
			}
			return wire.On(all...)
		}),
		wire.Op("ecs:ListClusters", s.ListClusters, nil),
		wire.Op("ecs:UpdateCluster", s.UpdateCluster, func(ctx context.Context, in *ecs.UpdateClusterInput) []wire.Access {
			return wire.On(s.clusterARN(ctx, in.Cluster))
		}),
		wire.Op("ecs:UpdateClusterSettings", s.UpdateClusterSettings, func(ctx context.Context, in *ecs.UpdateClusterSettingsInput) []wire.Access {
			return wire.On(s.clusterARN(ctx, in.Cluster))
		}),
		wire.Op("ecs:DeleteCluster", s.DeleteCluster, func(ctx context.Context, in *ecs.DeleteClusterInput) []wire.Access {
			return wire.On(s.clusterARN(ctx, in.Cluster))
		}),
		wire.Op("ecs:PutClusterCapacityProviders", s.PutClusterCapacityProviders, func(ctx context.Context, in *ecs.PutClusterCapacityProvidersInput) []wire.Access {
			return wire.On(s.clusterARN(ctx, in.Cluster))
		}),
		wire.Op("ecs:DescribeCapacityProviders", s.DescribeCapacityProviders, nil),

		wire.Op("ecs:RegisterTaskDefinition", s.RegisterTaskDefinition, func(ctx context.Context, in *ecs.RegisterTaskDefinitionInput) []wire.Access {
			return append(wire.On(s.definitionARN(ctx, aws.ToString(in.Family)+":*")), passRoles(in.TaskRoleArn, in.ExecutionRoleArn)...)
		}),
		wire.Op("ecs:DescribeTaskDefinition", s.DescribeTaskDefinition, nil),
		wire.Op("ecs:ListTaskDefinitions", s.ListTaskDefinitions, nil),
		wire.Op("ecs:ListTaskDefinitionFamilies", s.ListTaskDefinitionFamilies, nil),
		wire.Op("ecs:DeregisterTaskDefinition", s.DeregisterTaskDefinition, nil),
		wire.Op("ecs:DeleteTaskDefinitions", s.DeleteTaskDefinitions, func(ctx context.Context, in *ecs.DeleteTaskDefinitionsInput) []wire.Access {
			var all []string
			for _, ref := range in.TaskDefinitions {
				all = append(all, s.definitionARN(ctx, ref))
			}
			return wire.On(all...)
		}),

		wire.Op("ecs:CreateService", s.CreateService, func(ctx context.Context, in *ecs.CreateServiceInput) []wire.Access {
			all := wire.On(s.serviceARN(ctx, in.Cluster, in.ServiceName))
			if r := aws.ToString(in.Role); r != "" {
				all = append(all, wire.PassRole(s.roleARN(r), "ecs.amazonaws.com"))
			}
			return append(all, passToECS(in.LoadBalancers, in.DeploymentConfiguration)...)
		}),
		wire.Op("ecs:UpdateService", s.UpdateService, func(ctx context.Context, in *ecs.UpdateServiceInput) []wire.Access {
			return append(wire.On(s.serviceARN(ctx, in.Cluster, in.Service)), passToECS(in.LoadBalancers, in.DeploymentConfiguration)...)
		}),
		wire.Op("ecs:DeleteService", s.DeleteService, func(ctx context.Context, in *ecs.DeleteServiceInput) []wire.Access {
			return wire.On(s.serviceARN(ctx, in.Cluster, in.Service))
		}),
		wire.Op("ecs:DescribeServices", s.DescribeServices, func(ctx context.Context, in *ecs.DescribeServicesInput) []wire.Access {
			var all []string
			for _, n := range in.Services {
				all = append(all, s.serviceARN(ctx, in.Cluster, &n))
			}
			return wire.On(all...)
		}),
		wire.Op("ecs:ListServices", s.ListServices, nil),

		wire.Op("ecs:ListServiceDeployments", s.ListServiceDeployments, func(ctx context.Context, in *ecs.ListServiceDeploymentsInput) []wire.Access {
			return wire.On(s.serviceARN(ctx, clusterOf(in.Cluster, in.Service), in.Service))
		}),
		wire.Op("ecs:DescribeServiceDeployments", s.DescribeServiceDeployments, func(_ context.Context, in *ecs.DescribeServiceDeploymentsInput) []wire.Access {
			return wire.On(in.ServiceDeploymentArns...)
		}),
		wire.Op("ecs:StopServiceDeployment", s.StopServiceDeployment, func(_ context.Context, in *ecs.StopServiceDeploymentInput) []wire.Access {
			return wire.On(aws.ToString(in.ServiceDeploymentArn))
		}),
		wire.Op("ecs:ContinueServiceDeployment", s.ContinueServiceDeployment, func(_ context.Context, in *ecs.ContinueServiceDeploymentInput) []wire.Access {
			return wire.On(aws.ToString(in.ServiceDeploymentArn))
		}),
		wire.Op("ecs:DescribeServiceRevisions", s.DescribeServiceRevisions, func(_ context.Context, in *ecs.DescribeServiceRevisionsInput) []wire.Access {
			return wire.On(in.ServiceRevisionArns...)
		}),

		wire.Op("ecs:CreateTaskSet", s.CreateTaskSet, func(ctx context.Context, in *ecs.CreateTaskSetInput) []wire.Access {
			return wire.On(s.taskSetARN(ctx, in.Cluster, in.Service, "*"))
		}),
		wire.Op("ecs:DescribeTaskSets", s.DescribeTaskSets, func(ctx context.Context, in *ecs.DescribeTaskSetsInput) []wire.Access {
			if len(in.TaskSets) == 0 {
				return wire.On(s.taskSetARN(ctx, in.Cluster, in.Service, "*"))
			}
			var all []string
			for _, ref := range in.TaskSets {
				all = append(all, s.taskSetARN(ctx, in.Cluster, in.Service, setID(ref)))
			}
			return wire.On(all...)
		}),
		wire.Op("ecs:UpdateTaskSet", s.UpdateTaskSet, func(ctx context.Context, in *ecs.UpdateTaskSetInput) []wire.Access {
			return wire.On(s.taskSetARN(ctx, in.Cluster, in.Service, setID(aws.ToString(in.TaskSet))))
		}),
		wire.Op("ecs:DeleteTaskSet", s.DeleteTaskSet, func(ctx context.Context, in *ecs.DeleteTaskSetInput) []wire.Access {
			return wire.On(s.taskSetARN(ctx, in.Cluster, in.Service, setID(aws.ToString(in.TaskSet))))
		}),
		wire.Op("ecs:UpdateServicePrimaryTaskSet", s.UpdateServicePrimaryTaskSet, func(ctx context.Context, in *ecs.UpdateServicePrimaryTaskSetInput) []wire.Access {
			return wire.On(s.serviceARN(ctx, in.Cluster, in.Service))
		}),

		wire.Op("ecs:RunTask", s.RunTask, func(ctx context.Context, in *ecs.RunTaskInput) []wire.Access {
			ref := aws.ToString(in.TaskDefinition)
			if _, revision, ok := parseReference(ref); ok && revision == 0 {
				ref += ":*"
			}
			all := wire.On(s.definitionARN(ctx, ref))
			if o := in.Overrides; o != nil {
				all = append(all, passRoles(o.TaskRoleArn, o.ExecutionRoleArn)...)
			}
			return all
		}),
		wire.Op("ecs:StopTask", s.StopTask, func(ctx context.Context, in *ecs.StopTaskInput) []wire.Access {
			return wire.On(s.taskARN(ctx, in.Cluster, aws.ToString(in.Task)))
		}),
		wire.Op("ecs:DescribeTasks", s.DescribeTasks, func(ctx context.Context, in *ecs.DescribeTasksInput) []wire.Access {
			var all []string
			for _, n := range in.Tasks {
				all = append(all, s.taskARN(ctx, in.Cluster, n))
			}
			return wire.On(all...)
		}),
		wire.Op("ecs:ListTasks", s.ListTasks, nil),

		wire.Op("ecs:TagResource", s.TagResource, func(_ context.Context, in *ecs.TagResourceInput) []wire.Access {
			return wire.On(aws.ToString(in.ResourceArn))
		}),
		wire.Op("ecs:UntagResource", s.UntagResource, func(_ context.Context, in *ecs.UntagResourceInput) []wire.Access {
			return wire.On(aws.ToString(in.ResourceArn))
		}),
		wire.Op("ecs:ListTagsForResource", s.ListTagsForResource, func(_ context.Context, in *ecs.ListTagsForResourceInput) []wire.Access {
			return wire.On(aws.ToString(in.ResourceArn))
		}),
	}}
}

// invalid is ECS's exception for what the model forbids.
func invalid(v wire.Violation) error {
	return &types.InvalidParameterException{Message: aws.String(v.Message)}
}

func (s *Service) clusterARN(ctx context.Context, p *string) string {
	return s.arn(identity.Region(ctx), "cluster/"+clusterName(p))
}

func (s *Service) serviceARN(ctx context.Context, cluster, name *string) string {
	return s.arn(identity.Region(ctx), "service/"+clusterName(cluster)+"/"+lastPart(aws.ToString(name)))
}

func (s *Service) taskSetARN(ctx context.Context, cluster, service *string, id string) string {
	return s.arn(identity.Region(ctx), "task-set/"+clusterName(cluster)+"/"+lastPart(aws.ToString(service))+"/"+id)
}

func (s *Service) taskARN(ctx context.Context, cluster *string, ref string) string {
	return s.arn(identity.Region(ctx), "task/"+clusterName(cluster)+"/"+lastPart(ref))
}

func (s *Service) definitionARN(ctx context.Context, ref string) string {
	return s.arn(identity.Region(ctx), "task-definition/"+lastPart(ref))
}

func passRoles(roles ...*string) []wire.Access {
	var all []wire.Access
	for _, r := range roles {
		if aws.ToString(r) != "" {
			all = append(all, wire.PassRole(*r, principal))
		}
	}
	return all
}

// passToECS are the roles that ECS itself is given: to shift traffic, and to
// invoke hooks.
func passToECS(lbs []types.LoadBalancer, c *types.DeploymentConfiguration) []wire.Access {
	var all []wire.Access
	pass := func(role *string) {
		if aws.ToString(role) != "" {
			all = append(all, wire.PassRole(*role, "ecs.amazonaws.com"))
		}
	}
	for _, lb := range lbs {
		if a := lb.AdvancedConfiguration; a != nil {
			pass(a.RoleArn)
		}
	}
	if c != nil {
		for _, h := range c.LifecycleHooks {
			pass(h.RoleArn)
		}
	}
	return all
}
