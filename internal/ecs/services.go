package ecs

import (
	"context"
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"github.com/slipway-dev/slipway/internal/aws/identity"
	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/id"
	"github.com/slipway-dev/slipway/internal/store"
)

func noService() error {
	return &types.ServiceNotFoundException{Message: aws.String("Service not found.")}
}

// refuseService names what Slipway's services do not have.
func refuseService(lbs []types.LoadBalancer, registries []types.ServiceRegistry, connect *types.ServiceConnectConfiguration,
	volumes []types.ServiceVolumeConfiguration, lattice []types.VpcLatticeConfiguration, gateways []types.GatewayConnector,
	controller *types.DeploymentController, d *types.DeploymentConfiguration) error {
	switch {
	case len(lbs) > 0:
		return unsupported("loadBalancers")
	case len(registries) > 0:
		return unsupported("serviceRegistries")
	case connect != nil && connect.Enabled:
		return unsupported("serviceConnectConfiguration")
	case len(volumes) > 0:
		return unsupported("volumeConfigurations")
	case len(lattice) > 0:
		return unsupported("vpcLatticeConfigurations")
	case len(gateways) > 0:
		return unsupported("gatewayConnectors")
	case controller != nil && controller.Type != "" && controller.Type != types.DeploymentControllerTypeEcs:
		return unsupported("The deployment controller " + string(controller.Type))
	}
	if d == nil {
		return nil
	}
	switch {
	case d.Strategy != "" && d.Strategy != types.DeploymentStrategyRolling:
		return unsupported("The deployment strategy " + string(d.Strategy))
	case d.Alarms != nil && d.Alarms.Enable:
		return unsupported("deploymentConfiguration.alarms")
	case len(d.LifecycleHooks) > 0:
		return unsupported("deploymentConfiguration.lifecycleHooks")
	case d.EarlySuccessCriteria != nil:
		return unsupported("deploymentConfiguration.earlySuccessCriteria")
	case d.DeploymentCircuitBreaker != nil && d.DeploymentCircuitBreaker.ThresholdConfiguration != nil:
		return unsupported("deploymentCircuitBreaker.thresholdConfiguration")
	}
	return nil
}

// deploymentConfiguration is have with changes, defaults filled in.
func deploymentConfiguration(have, change *types.DeploymentConfiguration) (*types.DeploymentConfiguration, error) {
	out := types.DeploymentConfiguration{
		MinimumHealthyPercent: aws.Int32(100), MaximumPercent: aws.Int32(200),
		Strategy: types.DeploymentStrategyRolling, BakeTimeInMinutes: aws.Int32(0),
		DeploymentCircuitBreaker: &types.DeploymentCircuitBreaker{},
	}
	for _, c := range []*types.DeploymentConfiguration{have, change} {
		if c == nil {
			continue
		}
		if c.MinimumHealthyPercent != nil {
			out.MinimumHealthyPercent = c.MinimumHealthyPercent
		}
		if c.MaximumPercent != nil {
			out.MaximumPercent = c.MaximumPercent
		}
		if c.DeploymentCircuitBreaker != nil {
			out.DeploymentCircuitBreaker = c.DeploymentCircuitBreaker
		}
	}
	lo, hi := *out.MinimumHealthyPercent, *out.MaximumPercent
	switch {
	case lo < 0 || lo > 100:
		return nil, invalidParameter("minimumHealthyPercent must be between 0 and 100.")
	case hi < 100 || hi > 200 || hi < lo:
		return nil, invalidParameter("maximumPercent must be between 100 and 200.")
	case lo == 100 && hi == 100:
		return nil, invalidParameter("Both maximumPercent and minimumHealthyPercent cannot be 100 as this will block deployments.")
	}
	return &out, nil
}

// deploy makes a deployment the primary one.
func (s *Service) deploy(svc *service, d types.Deployment, now time.Time) (notice, error) {
	if len(svc.Rollouts) >= 5 {
		return notice{}, invalidParameter("Unable to update the service: it has 5 active deployments.")
	}
	for i := range svc.Rollouts {
		svc.Rollouts[i].Status = aws.String("ACTIVE")
	}
	number := "1" + id.Of(s.IDs, id.Digits, 18)
	d.Id, d.Status = aws.String("ecs-svc/"+number), aws.String("PRIMARY")
	d.CreatedAt, d.UpdatedAt = aws.Time(now), aws.Time(now)
	d.RolloutState = types.DeploymentRolloutStateInProgress
	d.RolloutStateReason = aws.String("ECS deployment " + *d.Id + " in progress.")
	r := rollout{Deployment: d}
	svc.Rollouts = append([]rollout{r}, svc.Rollouts...)
	svc.Steady, svc.Stuck = false, false
	svc.adopt(&r)
	return notice{Deployment: true, Type: "INFO", Name: "SERVICE_DEPLOYMENT_IN_PROGRESS", Reason: *d.RolloutStateReason, ID: *d.Id}, nil
}

// CreateService makes a service and its first deployment.
func (s *Service) CreateService(ctx context.Context, in *ecs.CreateServiceInput, _ ...func(*ecs.Options)) (*ecs.CreateServiceOutput, error) {
	region, name := identity.Region(ctx), aws.ToString(in.ServiceName)
	if !nameForm.MatchString(name) {
		return nil, invalidParameter("Service name contains invalid characters.")
	}
	if in.SchedulingStrategy == types.SchedulingStrategyDaemon {
		return nil, unsupported("The scheduling strategy DAEMON")
	}
	if err := refuseService(in.LoadBalancers, in.ServiceRegistries, in.ServiceConnectConfiguration, in.VolumeConfigurations,
		in.VpcLatticeConfigurations, in.GatewayConnectors, in.DeploymentController, in.DeploymentConfiguration); err != nil {
		return nil, err
	}
	configuration, err := deploymentConfiguration(nil, in.DeploymentConfiguration)
	if err != nil {
		return nil, err
	}
	if err := checkTags(in.Tags); err != nil {
		return nil, err
	}
	switch {
	case in.DesiredCount == nil:
		return nil, invalidParameter("DesiredCount cannot be null.")
	case *in.DesiredCount < 0:
		return nil, invalidParameter("DesiredCount cannot be negative.")
	case aws.ToString(in.TaskDefinition) == "":
		return nil, invalidParameter("TaskDefinition cannot be blank.")
	}
	out := &ecs.CreateServiceOutput{}
	err = s.Engine.Update(ctx, func(tx *engine.Tx) error {
		c, err := activeCluster(tx, region, in.Cluster)
		if err != nil {
			return err
		}
		old, err := services.Get(tx, region, c.name(), name)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
		messages := int64(0)
		if err == nil && aws.ToString(old.Status) != "INACTIVE" {
			if t := aws.ToString(in.ClientToken); t != "" && t == old.Token {
				out.Service, err = s.describeService(tx, old, true)
				return err
			}
			if aws.ToString(old.Status) == "DRAINING" {
				return invalidParameter("Unable to Start a service that is still Draining.")
			}
			return invalidParameter("Creation of service was not idempotent.")
		} else if err == nil {
			messages = old.Messages
		}
		d, err := usableDefinition(tx, region, *in.TaskDefinition)
		if err != nil {
			return err
		}
		lt, provider, err := launchOn(c, d, in.LaunchType, in.CapacityProviderStrategy, in.NetworkConfiguration)
		if err != nil {
			return err
		}
		strategy := in.CapacityProviderStrategy
		if provider != "" && strategy == nil {
			strategy = c.DefaultCapacityProviderStrategy
		}
		now := tx.Now()
		svc := &service{Region: region, Token: aws.ToString(in.ClientToken), Messages: messages, Service: types.Service{
			ServiceArn: aws.String(s.arn(region, "service/"+c.name()+"/"+name)), ServiceName: in.ServiceName, ClusterArn: c.ClusterArn,
			Status: aws.String("ACTIVE"), DesiredCount: *in.DesiredCount, CreatedAt: aws.Time(now), CreatedBy: aws.String(identity.From(ctx).ARN),
			DeploymentConfiguration: configuration, DeploymentController: &types.DeploymentController{Type: types.DeploymentControllerTypeEcs},
			SchedulingStrategy: types.SchedulingStrategyReplica, EnableECSManagedTags: in.EnableECSManagedTags,
			EnableExecuteCommand: in.EnableExecuteCommand, HealthCheckGracePeriodSeconds: in.HealthCheckGracePeriodSeconds,
			PropagateTags: in.PropagateTags, PlacementConstraints: in.PlacementConstraints, PlacementStrategy: in.PlacementStrategy,
			AvailabilityZoneRebalancing: in.AvailabilityZoneRebalancing, Tags: in.Tags, PlatformVersion: in.PlatformVersion,
		}}
		if svc.AvailabilityZoneRebalancing == "" {
			svc.AvailabilityZoneRebalancing = types.AvailabilityZoneRebalancingDisabled
		}
		if svc.PropagateTags == "" {
			svc.PropagateTags = types.PropagateTagsNone
		}
		dep := types.Deployment{TaskDefinition: d.TaskDefinitionArn, NetworkConfiguration: in.NetworkConfiguration}
		if provider != "" {
			dep.CapacityProviderStrategy = strategy
		} else {
			dep.LaunchType = lt
		}
		if lt == types.LaunchTypeFargate {
			if svc.PlatformVersion == nil {
				svc.PlatformVersion = aws.String("LATEST")
			}
			svc.PlatformFamily = aws.String("Linux")
			dep.PlatformVersion, dep.PlatformFamily = aws.String(fargateVersion), aws.String("Linux")
		}
		n, err := s.deploy(svc, dep, now)
		if err != nil {
			return err
		}
		return s.saveService(tx, svc, n, &out.Service)
	})
	return out, err
}

// saveService writes a service that an operation changed, sets it going and
// describes it.
func (s *Service) saveService(tx *engine.Tx, svc *service, n notice, out **types.Service) error {
	if err := services.Put(tx, svc, svc.Region, svc.cluster(), svc.name()); err != nil {
		return err
	}
	if n.Name != "" {
		if err := s.emitNotice(tx, svc, n); err != nil {
			return err
		}
	}
	if err := s.wakeService(tx, svc.Region, svc.cluster(), svc.name(), time.Time{}); err != nil {
		return err
	}
	var err error
	*out, err = s.describeService(tx, svc, true)
	return err
}

// UpdateService changes a service; what tasks are made from starts a new
// deployment.
func (s *Service) UpdateService(ctx context.Context, in *ecs.UpdateServiceInput, _ ...func(*ecs.Options)) (*ecs.UpdateServiceOutput, error) {
	region := identity.Region(ctx)
	if err := refuseService(in.LoadBalancers, in.ServiceRegistries, in.ServiceConnectConfiguration, in.VolumeConfigurations,
		in.VpcLatticeConfigurations, in.GatewayConnectors, in.DeploymentController, in.DeploymentConfiguration); err != nil {
		return nil, err
	}
	if n := in.DesiredCount; n != nil && *n < 0 {
		return nil, invalidParameter("DesiredCount cannot be negative.")
	}
	out := &ecs.UpdateServiceOutput{}
	err := s.Engine.Update(ctx, func(tx *engine.Tx) error {
		c, err := activeCluster(tx, region, in.Cluster)
		if err != nil {
			return err
		}
		svc, err := services.Get(tx, region, c.name(), lastPart(aws.ToString(in.Service)))
		if errors.Is(err, store.ErrNotFound) {
			return noService()
		}
		if err != nil {
			return err
		}
		if aws.ToString(svc.Status) != "ACTIVE" {
			return &types.ServiceNotActiveException{Message: aws.String("Service was not ACTIVE.")}
		}
		if svc.DeploymentConfiguration, err = deploymentConfiguration(svc.DeploymentConfiguration, in.DeploymentConfiguration); err != nil {
			return err
		}
		if in.DesiredCount != nil {
			svc.DesiredCount = *in.DesiredCount
		}
		if in.HealthCheckGracePeriodSeconds != nil {
			svc.HealthCheckGracePeriodSeconds = in.HealthCheckGracePeriodSeconds
		}
		if in.AvailabilityZoneRebalancing != "" {
			svc.AvailabilityZoneRebalancing = in.AvailabilityZoneRebalancing
		}
		if in.PlacementConstraints != nil {
			svc.PlacementConstraints = in.PlacementConstraints
		}
		if in.PlacementStrategy != nil {
			svc.PlacementStrategy = in.PlacementStrategy
		}
		n, err := s.redeploy(tx, c, svc, in)
		if err != nil {
			return err
		}
		return s.saveService(tx, svc, n, &out.Service)
	})
	return out, err
}

// redeploy starts a new deployment if the update asks for one.
func (s *Service) redeploy(tx *engine.Tx, c *cluster, svc *service, in *ecs.UpdateServiceInput) (notice, error) {
	current := svc.Rollouts[0].Deployment
	next := types.Deployment{
		TaskDefinition: current.TaskDefinition, NetworkConfiguration: current.NetworkConfiguration, LaunchType: current.LaunchType,
		CapacityProviderStrategy: current.CapacityProviderStrategy, PlatformVersion: current.PlatformVersion, PlatformFamily: current.PlatformFamily,
	}
	if in.NetworkConfiguration != nil {
		next.NetworkConfiguration = in.NetworkConfiguration
	}
	if in.CapacityProviderStrategy != nil {
		next.CapacityProviderStrategy, next.LaunchType = in.CapacityProviderStrategy, ""
	}
	changed := in.ForceNewDeployment
	if in.PropagateTags != "" && in.PropagateTags != svc.PropagateTags {
		svc.PropagateTags, changed = in.PropagateTags, true
	}
	if b := in.EnableECSManagedTags; b != nil && *b != svc.EnableECSManagedTags {
		svc.EnableECSManagedTags, changed = *b, true
	}
	if b := in.EnableExecuteCommand; b != nil && *b != svc.EnableExecuteCommand {
		svc.EnableExecuteCommand, changed = *b, true
	}
	if v := aws.ToString(in.PlatformVersion); v != "" && v != aws.ToString(svc.PlatformVersion) {
		svc.PlatformVersion, changed = in.PlatformVersion, true
	}
	ref := aws.ToString(in.TaskDefinition)
	if ref != "" {
		d, err := usableDefinition(tx, svc.Region, ref)
		if err != nil {
			return notice{}, err
		}
		next.TaskDefinition = d.TaskDefinitionArn
	}
	changed = changed || aws.ToString(next.TaskDefinition) != aws.ToString(current.TaskDefinition) ||
		!reflect.DeepEqual(next.NetworkConfiguration, current.NetworkConfiguration) ||
		!reflect.DeepEqual(next.CapacityProviderStrategy, current.CapacityProviderStrategy)
	if !changed {
		return notice{}, nil
	}
	d, err := findDefinition(tx, svc.Region, *next.TaskDefinition)
	if err != nil {
		return notice{}, err
	}
	if _, _, err := launchOn(c, d, next.LaunchType, next.CapacityProviderStrategy, next.NetworkConfiguration); err != nil {
		return notice{}, err
	}
	return s.deploy(svc, next, tx.Now())
}

// DeleteService drains a service; it is INACTIVE when nothing of it runs.
func (s *Service) DeleteService(ctx context.Context, in *ecs.DeleteServiceInput, _ ...func(*ecs.Options)) (*ecs.DeleteServiceOutput, error) {
	region := identity.Region(ctx)
	out := &ecs.DeleteServiceOutput{}
	err := s.Engine.Update(ctx, func(tx *engine.Tx) error {
		c, err := activeCluster(tx, region, in.Cluster)
		if err != nil {
			return err
		}
		svc, err := services.Get(tx, region, c.name(), lastPart(aws.ToString(in.Service)))
		if errors.Is(err, store.ErrNotFound) {
			return noService()
		}
		if err != nil {
			return err
		}
		if aws.ToString(svc.Status) == "INACTIVE" {
			return &types.ServiceNotActiveException{Message: aws.String("Service was not ACTIVE.")}
		}
		if svc.DesiredCount > 0 && !aws.ToBool(in.Force) {
			return invalidParameter("The service cannot be stopped while it is scaled above 0.")
		}
		svc.DesiredCount, svc.Status = 0, aws.String("DRAINING")
		return s.saveService(tx, svc, notice{}, &out.Service)
	})
	return out, err
}

// describeService fills in what changes by itself.
func (s *Service) describeService(r store.Reader, svc *service, tags bool) (*types.Service, error) {
	out := svc.Service
	running, err := liveTasks(r, svc.Region, svc.cluster(), svc.name())
	if err != nil {
		return nil, err
	}
	out.Deployments = []types.Deployment{}
	for i, ro := range svc.Rollouts {
		d := ro.Deployment
		wanted := int32(0)
		for _, t := range running {
			if t.Deployment != ro.id() {
				continue
			}
			if !t.stopping() {
				wanted++
			}
			switch {
			case t.isRunning():
				d.RunningCount++
			case t.isPending():
				d.PendingCount++
			}
		}
		if d.DesiredCount = wanted; i == 0 {
			d.DesiredCount = svc.DesiredCount
		}
		out.RunningCount += d.RunningCount
		out.PendingCount += d.PendingCount
		out.Deployments = append(out.Deployments, d)
	}
	for _, t := range running { // of deployments that are no longer listed
		if !slices.ContainsFunc(svc.Rollouts, func(ro rollout) bool { return ro.id() == t.Deployment }) {
			if t.isRunning() {
				out.RunningCount++
			} else if t.isPending() {
				out.PendingCount++
			}
		}
	}
	out.Events = []types.ServiceEvent{}
	for e, err := range events.All(r, svc.Region, svc.cluster(), svc.name()) {
		if err != nil {
			return nil, err
		}
		if out.Events = append(out.Events, *e); len(out.Events) == maxEvents {
			break
		}
	}
	if !tags {
		out.Tags = nil
	}
	if out.LoadBalancers == nil {
		out.LoadBalancers = []types.LoadBalancer{}
	}
	if out.ServiceRegistries == nil {
		out.ServiceRegistries = []types.ServiceRegistry{}
	}
	if out.PlacementConstraints == nil {
		out.PlacementConstraints = []types.PlacementConstraint{}
	}
	if out.PlacementStrategy == nil {
		out.PlacementStrategy = []types.PlacementStrategy{}
	}
	return &out, nil
}

// maxEvents is how many messages a service keeps.
const maxEvents = 100

// say adds a message to a service's events; the newest come first in the key
// order.
func (s *Service) say(tx *engine.Tx, svc *service, message string) error {
	svc.Messages++
	key := func(n int64) string { return fmt.Sprintf("%019d", math.MaxInt64-n) }
	e := types.ServiceEvent{Id: aws.String(id.UUID(s.IDs)), CreatedAt: aws.Time(tx.Now()), Message: aws.String(message)}
	if err := events.Put(tx, &e, svc.Region, svc.cluster(), svc.name(), key(svc.Messages)); err != nil {
		return err
	}
	return events.Delete(tx, svc.Region, svc.cluster(), svc.name(), key(svc.Messages-maxEvents))
}

// DescribeServices describes up to 10; unknown ones are failures.
func (s *Service) DescribeServices(ctx context.Context, in *ecs.DescribeServicesInput, _ ...func(*ecs.Options)) (*ecs.DescribeServicesOutput, error) {
	region := identity.Region(ctx)
	if len(in.Services) == 0 {
		return nil, invalidParameter("Services cannot be empty.")
	}
	if len(in.Services) > 10 {
		return nil, invalidParameter("Services cannot contain more than 10 items.")
	}
	tags := slices.Contains(in.Include, types.ServiceFieldTags)
	out := &ecs.DescribeServicesOutput{Services: []types.Service{}, Failures: []types.Failure{}}
	err := s.Engine.View(ctx, func(r store.Reader) error {
		c, err := activeCluster(r, region, in.Cluster)
		if err != nil {
			return err
		}
		for _, ref := range in.Services {
			svc, err := services.Get(r, region, c.name(), lastPart(ref))
			if errors.Is(err, store.ErrNotFound) {
				out.Failures = append(out.Failures, missing(s.arn(region, "service/"+c.name()+"/"+lastPart(ref))))
				continue
			}
			if err != nil {
				return err
			}
			d, err := s.describeService(r, svc, tags)
			if err != nil {
				return err
			}
			out.Services = append(out.Services, *d)
		}
		return nil
	})
	return out, err
}

// ListServices lists ARNs of the active ones by name, 10 at a time unless
// asked otherwise.
func (s *Service) ListServices(ctx context.Context, in *ecs.ListServicesInput, _ ...func(*ecs.Options)) (*ecs.ListServicesOutput, error) {
	region := identity.Region(ctx)
	out := &ecs.ListServicesOutput{ServiceArns: []string{}}
	err := s.Engine.View(ctx, func(r store.Reader) error {
		c, err := activeCluster(r, region, in.Cluster)
		if err != nil {
			return err
		}
		scope := strings.Join([]string{"ListServices", region, c.name(), string(in.LaunchType), string(in.SchedulingStrategy)}, "\x00")
		p, err := newPage(scope, store.Prefix(string(services), region, c.name()), in.NextToken, in.MaxResults, 10)
		if err != nil {
			return err
		}
		for svc, err := range services.Scan(r, p.rng) {
			if err != nil {
				return err
			}
			if aws.ToString(svc.Status) != "ACTIVE" || in.LaunchType != "" && svc.LaunchType != in.LaunchType ||
				in.SchedulingStrategy != "" && svc.SchedulingStrategy != in.SchedulingStrategy {
				continue
			}
			if !p.take(services.Key(region, c.name(), svc.name())) {
				break
			}
			out.ServiceArns = append(out.ServiceArns, aws.ToString(svc.ServiceArn))
		}
		out.NextToken = p.next
		return nil
	})
	return out, err
}
