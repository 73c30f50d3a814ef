package ecs

import (
	"context"
	"reflect"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
	elbtypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"

	"github.com/slipway-dev/slipway/internal/aws/identity"
	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/store"
)

// UpdateService changes a service; what tasks are made from starts a new
// deployment.
func (s *Service) UpdateService(ctx context.Context, in *ecs.UpdateServiceInput, _ ...func(*ecs.Options)) (*ecs.UpdateServiceOutput, error) {
	region := identity.Region(ctx)
	groups, err := s.targetGroups(ctx, in.LoadBalancers)
	if err != nil {
		return nil, err
	}
	if err := checkAttached(groups, in.LoadBalancers); err != nil {
		return nil, err
	}
	staged, err := s.willBeStaged(ctx, in)
	if err != nil {
		return nil, err
	}
	if err := s.checkTraffic(ctx, region, in.LoadBalancers, staged); err != nil {
		return nil, err
	}
	if err := s.Networks.Ready(ctx, region); err != nil {
		return nil, err
	}
	out := &ecs.UpdateServiceOutput{}
	err = s.Engine.Update(ctx, func(tx *engine.Tx) error {
		c, svc, err := knownService(tx, region, in.Cluster, in.Service)
		if err != nil {
			return err
		}
		if aws.ToString(svc.Status) != "ACTIVE" {
			return notActive()
		}
		if err := s.takeOver(tx, svc, in); err != nil {
			return err
		}
		if err := checkUpdate(svc, in); err != nil {
			return err
		}
		controller := controllerOf(svc.DeploymentController)
		before := svc.DeploymentConfiguration.Strategy
		if svc.DeploymentConfiguration, err = deploymentConfiguration(controller, svc.daemon(), svc.DeploymentConfiguration, in.DeploymentConfiguration); err != nil {
			return err
		}
		if c := in.DeploymentConfiguration; c != nil && c.LifecycleHooks != nil {
			if svc.DeploymentConfiguration, svc.HookDetails, err = withoutDetails(svc.DeploymentConfiguration); err != nil {
				return err
			}
		}
		if isStaged(before) != isStaged(svc.DeploymentConfiguration.Strategy) && (svc.Deploy.open() || len(svc.Rollouts) > 1) {
			return invalidParameter("The deployment strategy cannot be changed to %s while the service has more than one active revision.", svc.DeploymentConfiguration.Strategy)
		}
		svc.change(in)
		if err := s.redeploy(tx, c, svc, in, groups); err != nil {
			return err
		}
		return s.saveService(tx, svc, &out.Service)
	})
	return out, err
}

// willBeStaged tells whether the service's deployments shift traffic after an
// update.
func (s *Service) willBeStaged(ctx context.Context, in *ecs.UpdateServiceInput) (staged bool, err error) {
	if c := in.DeploymentConfiguration; c != nil && c.Strategy != "" {
		return isStaged(c.Strategy), nil
	}
	err = s.Engine.View(ctx, func(r store.Reader) error {
		_, svc, err := knownService(r, identity.Region(ctx), in.Cluster, in.Service)
		if err == nil {
			staged = isStaged(svc.DeploymentConfiguration.Strategy)
		}
		return err
	})
	return staged, err
}

// change sets what takes effect without a new deployment: at once, or for the
// tasks that start from now on.
func (s *service) change(in *ecs.UpdateServiceInput) {
	if in.DesiredCount != nil && !s.daemon() {
		s.DesiredCount = *in.DesiredCount
	}
	if in.HealthCheckGracePeriodSeconds != nil {
		s.HealthCheckGracePeriodSeconds = in.HealthCheckGracePeriodSeconds
	}
	if in.AvailabilityZoneRebalancing != "" {
		s.AvailabilityZoneRebalancing = in.AvailabilityZoneRebalancing
	}
	if in.PlacementConstraints != nil {
		s.PlacementConstraints = in.PlacementConstraints
	}
	if in.PlacementStrategy != nil {
		s.PlacementStrategy = in.PlacementStrategy
	}
	if in.PropagateTags != "" {
		s.PropagateTags = in.PropagateTags
	}
	if in.EnableECSManagedTags != nil {
		s.EnableECSManagedTags = *in.EnableECSManagedTags
	}
	if in.EnableExecuteCommand != nil {
		s.EnableExecuteCommand = *in.EnableExecuteCommand
	}
}

// redeploy starts a new deployment if the update asks for one.
func (s *Service) redeploy(tx *engine.Tx, c *cluster, svc *service, in *ecs.UpdateServiceInput, groups []elbtypes.TargetGroup) error {
	if controllerOf(svc.DeploymentController) != rolling {
		return nil
	}
	current := &svc.Rollouts[0]
	next := current.again()
	if err := next.change(in); err != nil {
		return err
	}
	if err := svc.fits(&next, in.HealthCheckGracePeriodSeconds); err != nil {
		return err
	}
	if ref := aws.ToString(in.TaskDefinition); ref != "" {
		d, err := usableDefinition(tx, svc.Region, ref)
		if err != nil {
			return err
		}
		next.TaskDefinition = d.TaskDefinitionArn
	}
	d, err := findDefinition(tx, svc.Region, *next.TaskDefinition)
	if err != nil {
		return err
	}
	if aws.ToBool(in.EnableExecuteCommand) {
		if err := svc.canExecute(d, "updated"); err != nil {
			return err
		}
	}
	if !in.ForceNewDeployment && reflect.DeepEqual(next, current.again()) {
		return nil
	}
	if err := next.place(c, d, rolling); err != nil {
		return err
	}
	if err := s.checkNetwork(tx, svc.Region, in.NetworkConfiguration); err != nil {
		return err
	}
	if err := checkTargets(groups, d); err != nil {
		return err
	}
	return s.deploy(tx, svc, next, d)
}

// again is a deployment that has not begun, with the parameters of r.
func (r *rollout) again() rollout {
	return rollout{LoadBalancers: r.LoadBalancers, ServiceRegistries: r.ServiceRegistries, Platform: r.Platform, FixedPorts: r.FixedPorts, Deployment: types.Deployment{
		TaskDefinition: r.TaskDefinition, NetworkConfiguration: r.NetworkConfiguration, LaunchType: r.LaunchType,
		CapacityProviderStrategy: r.CapacityProviderStrategy, VolumeConfigurations: r.VolumeConfigurations,
		ServiceConnectConfiguration: r.ServiceConnectConfiguration, VpcLatticeConfigurations: r.VpcLatticeConfigurations,
	}}
}

// change sets the parameters that an update gives; an empty list removes.
func (r *rollout) change(in *ecs.UpdateServiceInput) error {
	if in.NetworkConfiguration != nil {
		r.NetworkConfiguration = network(in.NetworkConfiguration)
	}
	if in.PlatformVersion != nil {
		r.Platform = *in.PlatformVersion
	}
	if in.LoadBalancers != nil {
		r.LoadBalancers = orNil(in.LoadBalancers)
	}
	if in.ServiceRegistries != nil {
		r.ServiceRegistries = orNil(in.ServiceRegistries)
	}
	if in.ServiceConnectConfiguration != nil {
		r.ServiceConnectConfiguration = connect(in.ServiceConnectConfiguration)
	}
	if in.VolumeConfigurations != nil {
		r.VolumeConfigurations = orNil(in.VolumeConfigurations)
	}
	if in.VpcLatticeConfigurations != nil {
		r.VpcLatticeConfigurations = orNil(in.VpcLatticeConfigurations)
	}
	if in.CapacityProviderStrategy == nil || slices.Equal(providerKeys(in.CapacityProviderStrategy), providerKeys(r.CapacityProviderStrategy)) {
		return nil
	}
	if !in.ForceNewDeployment {
		return invalidParameter("When switching from launch type to capacity provider strategy on an existing service, or making a change to a capacity provider strategy on a service that is already using one, you must force a new deployment.")
	}
	r.CapacityProviderStrategy, r.LaunchType = orNil(in.CapacityProviderStrategy), ""
	if len(in.CapacityProviderStrategy) == 0 && r.Platform != "" { // back to a launch type
		r.LaunchType = types.LaunchTypeFargate
	}
	return nil
}

// orNil makes an empty list the same as none.
func orNil[T any](list []T) []T {
	if len(list) == 0 {
		return nil
	}
	return list
}

type providerKey struct {
	name         string
	weight, base int32
}

func providerKeys(strategy []types.CapacityProviderStrategyItem) []providerKey {
	var all []providerKey
	for _, i := range strategy {
		all = append(all, providerKey{aws.ToString(i.CapacityProvider), i.Weight, i.Base})
	}
	slices.SortFunc(all, func(a, b providerKey) int {
		if a.name < b.name {
			return -1
		}
		return 1
	})
	return all
}
