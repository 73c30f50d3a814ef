package ecs

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"github.com/slipway-dev/slipway/internal/aws/arn"
	"github.com/slipway-dev/slipway/internal/aws/identity"
	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/id"
	"github.com/slipway-dev/slipway/internal/store"
)

func noService() error {
	return &types.ServiceNotFoundException{Message: aws.String("Service not found.")}
}

// getService reads the service of a name or ARN; store.ErrNotFound if there is
// none.
func getService(r store.Reader, c *cluster, ref string) (*service, error) {
	name, err := inCluster(ref, c.name())
	if err != nil {
		return nil, err
	}
	return services.Get(r, c.Region, c.name(), name)
}

// knownService is getService with ECS's exception.
func knownService(r store.Reader, region string, cluster, ref *string) (*cluster, *service, error) {
	c, err := activeCluster(r, region, cluster)
	if err != nil {
		return nil, nil, err
	}
	svc, err := getService(r, c, aws.ToString(ref))
	if errors.Is(err, store.ErrNotFound) {
		err = noService()
	}
	return c, svc, err
}

// maxRollouts bounds what a service's document has. AWS has no such limit: those
// whose targets drain, five minutes by default, stay until they have.
const maxRollouts = 50

// deploy makes a deployment the primary one, begins the service deployment that
// carries it out, and tells what of it Slipway does not do.
func (s *Service) deploy(tx *engine.Tx, svc *service, r rollout, def *definition) error {
	if len(svc.Rollouts) >= maxRollouts {
		return invalidParameter("Unable to update the service: it has %d active deployments.", maxRollouts)
	}
	if err := checkStrategy(svc, svc.DeploymentConfiguration, r.LoadBalancers); err != nil {
		return err
	}
	d := &deployment{ID: s.deploymentID(tx.Now()), Config: *svc.DeploymentConfiguration, Details: svc.HookDetails, Minute: s.Site.Minutes(1),
		Status: types.ServiceDeploymentStatusPending, CreatedAt: tx.Now(), UpdatedAt: tx.Now(), Revisions: map[string]string{}}
	r.Off = d.staged()
	source := svc.source()
	d.Reconcile = d.staged() && (len(svc.Rollouts) > 1 || source == nil && len(svc.Rollouts) > 0)
	if source != nil {
		d.Source = source.id()
		d.Revisions[d.Source] = source.Revision
		r.Alternate = source.Alternate
		if d.staged() && len(r.LoadBalancers) > 0 { // the other group of the two
			r.Alternate = slices.ContainsFunc(source.LoadBalancers, func(lb types.LoadBalancer) bool {
				return source.group(&lb) == aws.ToString(r.LoadBalancers[0].TargetGroupArn)
			})
		}
	}
	if err := s.replace(tx, svc, "another one has begun."); err != nil {
		return err
	}
	for i := range svc.Rollouts {
		if id := svc.Rollouts[i].id(); id != d.Source {
			d.Others = append(d.Others, id)
			d.Revisions[id] = svc.Rollouts[i].Revision
		}
		svc.Rollouts[i].Status = aws.String("ACTIVE")
	}
	r.Id, r.Status = aws.String("ecs-svc/1"+id.Of(s.IDs, id.Digits, 18)), aws.String("PRIMARY")
	r.CreatedAt, r.UpdatedAt = aws.Time(tx.Now()), aws.Time(tx.Now())
	r.RolloutState = types.DeploymentRolloutStateInProgress
	r.RolloutStateReason = aws.String("ECS deployment " + r.id() + " in progress.")
	if err := s.capture(tx, svc, &r, def); err != nil {
		return err
	}
	d.Target, d.Revisions[r.id()] = r.id(), r.Revision
	svc.Rollouts = append([]rollout{r}, svc.Rollouts...)
	svc.Deploy, svc.Steady = d, false
	svc.adopt(&r)
	if err := s.watchAlarms(tx, svc, d, true); err != nil {
		return err
	}
	if !d.staged() && d.Config.Alarms != nil && d.Config.Alarms.Enable {
		d.Errands, d.Errand = 1, &errand{Number: 1, Do: look}
		if err := s.sendErrand(tx, svc, d.Errand); err != nil {
			return err
		}
	}
	for _, message := range svc.undone(&r, def) {
		if err := s.say(tx, svc, "(service "+svc.name()+") "+message); err != nil {
			return err
		}
	}
	return s.emitNotice(tx, svc, notice{Deployment: true, Type: "INFO", Name: "SERVICE_DEPLOYMENT_IN_PROGRESS", Reason: *r.RolloutStateReason, ID: r.id()})
}

// CreateService makes a service and its first deployment; with the deployment
// controller CODE_DEPLOY its first task set, with EXTERNAL nothing that runs.
func (s *Service) CreateService(ctx context.Context, in *ecs.CreateServiceInput, _ ...func(*ecs.Options)) (*ecs.CreateServiceOutput, error) {
	region, name := identity.Region(ctx), aws.ToString(in.ServiceName)
	if err := checkCreate(in); err != nil {
		return nil, err
	}
	controller, daemon := controllerOf(in.DeploymentController), in.SchedulingStrategy == types.SchedulingStrategyDaemon
	configuration, err := deploymentConfiguration(controller, daemon, nil, in.DeploymentConfiguration)
	if err != nil {
		return nil, err
	}
	configuration, details, err := withoutDetails(configuration)
	if err != nil {
		return nil, err
	}
	groups, err := s.targetGroups(ctx, in.LoadBalancers)
	if err != nil {
		return nil, err
	}
	if err := checkAttached(groups, in.LoadBalancers); err != nil {
		return nil, err
	}
	if err := s.checkTraffic(ctx, region, in.LoadBalancers, isStaged(configuration.Strategy)); err != nil {
		return nil, err
	}
	if err := s.checkRole(ctx, region, aws.ToString(in.Role)); err != nil {
		return nil, err
	}
	if err := s.Networks.Ready(ctx, region); err != nil {
		return nil, err
	}
	out := &ecs.CreateServiceOutput{}
	err = s.Engine.Update(ctx, func(tx *engine.Tx) error {
		c, err := activeCluster(tx, region, in.Cluster)
		if err != nil {
			return err
		}
		again, err := s.former(tx, c, in)
		if err != nil {
			return err
		}
		if again != nil {
			out.Service, err = s.describeService(tx, again, true)
			return err
		}
		svc := &service{Region: region, Token: aws.ToString(in.ClientToken), HookDetails: details, Service: types.Service{
			ServiceArn: aws.String(s.arn(region, "service/"+c.name()+"/"+name)), ServiceName: in.ServiceName, ClusterArn: c.ClusterArn,
			Status: aws.String("ACTIVE"), DesiredCount: aws.ToInt32(in.DesiredCount), CreatedAt: aws.Time(tx.Now()), CreatedBy: aws.String(identity.From(ctx).ARN),
			DeploymentConfiguration: configuration, DeploymentController: &types.DeploymentController{Type: controller},
			SchedulingStrategy: types.SchedulingStrategyReplica, EnableECSManagedTags: in.EnableECSManagedTags,
			EnableExecuteCommand: in.EnableExecuteCommand, HealthCheckGracePeriodSeconds: in.HealthCheckGracePeriodSeconds,
			PropagateTags: in.PropagateTags, PlacementConstraints: in.PlacementConstraints, PlacementStrategy: in.PlacementStrategy,
			AvailabilityZoneRebalancing: in.AvailabilityZoneRebalancing, Tags: in.Tags,
		}}
		if daemon {
			// One task on each container instance; this machine is the only one.
			svc.SchedulingStrategy, svc.DesiredCount = types.SchedulingStrategyDaemon, 1
		}
		if svc.AvailabilityZoneRebalancing == "" { // ENABLED where it can be
			svc.AvailabilityZoneRebalancing = types.AvailabilityZoneRebalancingDisabled
			if controller == rolling && !daemon && *configuration.MaximumPercent > 100 {
				svc.AvailabilityZoneRebalancing = types.AvailabilityZoneRebalancingEnabled
			}
		}
		if svc.PropagateTags == "" {
			svc.PropagateTags = types.PropagateTagsNone
		}
		if controller == external {
			return s.saveService(tx, svc, &out.Service)
		}
		d, err := usableDefinition(tx, region, *in.TaskDefinition)
		if err != nil {
			return err
		}
		if svc.RoleArn, err = s.balancerRole(in, d); err != nil {
			return err
		}
		r := rollout{LoadBalancers: in.LoadBalancers, ServiceRegistries: in.ServiceRegistries, Platform: aws.ToString(in.PlatformVersion), Deployment: types.Deployment{
			TaskDefinition: d.TaskDefinitionArn, NetworkConfiguration: network(in.NetworkConfiguration), LaunchType: in.LaunchType,
			CapacityProviderStrategy: in.CapacityProviderStrategy, VolumeConfigurations: in.VolumeConfigurations,
			ServiceConnectConfiguration: connect(in.ServiceConnectConfiguration), VpcLatticeConfigurations: in.VpcLatticeConfigurations,
		}}
		if err := r.place(c, d, controller); err != nil {
			return err
		}
		if err := s.checkNetwork(tx, region, in.NetworkConfiguration); err != nil {
			return err
		}
		if err := checkTargets(groups, d); err != nil {
			return err
		}
		if err := svc.fits(&r, in.HealthCheckGracePeriodSeconds); err != nil {
			return err
		}
		if err := svc.canExecute(d, "created"); err != nil {
			return err
		}
		if daemon && r.LaunchType != types.LaunchTypeEc2 {
			return invalidParameter("The scheduling strategy DAEMON is only supported with the launch type EC2.")
		}
		if controller == codeDeploy {
			r.Status = aws.String(setPrimary)
			_, err = s.addSet(tx, svc, taskSet{rollout: r, Scale: 100}, d)
		} else {
			err = s.deploy(tx, svc, r, d)
		}
		if err != nil {
			return err
		}
		return s.saveService(tx, svc, &out.Service)
	})
	return out, err
}

// former looks for a service of the same name: the one that the request made
// before, if there is one. One that is gone leaves nothing but its deployments.
func (s *Service) former(tx *engine.Tx, c *cluster, in *ecs.CreateServiceInput) (again *service, err error) {
	old, err := services.Get(tx, c.Region, c.name(), *in.ServiceName)
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	switch token := aws.ToString(in.ClientToken); {
	case aws.ToString(old.Status) == "INACTIVE":
		if err := forgetEvents(tx, old); err != nil {
			return nil, err
		}
		return nil, s.replace(tx, old, "the service was deleted.")
	case token != "" && token == old.Token:
		return old, nil
	case aws.ToString(old.Status) == "DRAINING":
		return nil, invalidParameter("Unable to Start a service that is still Draining.")
	}
	return nil, invalidParameter("Creation of service was not idempotent.")
}

// balancerRole is the role in which ECS speaks to load balancers: the caller's,
// or its own service-linked one, which awsvpc and several target groups need.
func (s *Service) balancerRole(in *ecs.CreateServiceInput, d *definition) (*string, error) {
	role := aws.ToString(in.Role)
	switch {
	case len(in.LoadBalancers) == 0 && role != "":
		return nil, invalidParameter("You cannot specify an IAM role for services without a load balancer.")
	case len(in.LoadBalancers) == 0:
		return nil, nil
	case role == "":
		return aws.String(arn.New("iam", "", s.Site.Account, "role/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS")), nil
	case d.NetworkMode == types.NetworkModeAwsvpc || len(in.LoadBalancers) > 1 || len(in.ServiceRegistries) > 0:
		return nil, invalidParameter("You cannot specify an IAM role for services that require a service linked role.")
	}
	return aws.String(s.roleARN(role)), nil
}

// checkRole makes sure that ECS may act in the role that a service gives it for
// its load balancer. The service-linked one needs nobody to make it.
func (s *Service) checkRole(ctx context.Context, region, role string) error {
	if role == "" || strings.Contains(s.roleARN(role), ":role/aws-service-role/") {
		return nil
	}
	if _, err := s.Sessions.Config(ctx, s.as(region, s.roleARN(role), nil)); err != nil {
		return invalidParameter("Unable to assume role and validate the specified targetGroupArn. Please verify that the ECS service role being passed has the proper permissions.")
	}
	return nil
}

// roleARN is the ARN of a role that may be given by name, with its path.
func (s *Service) roleARN(role string) string {
	if _, ok := arn.Parse(role); ok {
		return role
	}
	return arn.New("iam", "", s.Site.Account, "role/"+strings.TrimPrefix(role, "/"))
}

// network has AWS's default written into it.
func network(n *types.NetworkConfiguration) *types.NetworkConfiguration {
	if n == nil || n.AwsvpcConfiguration == nil {
		return n
	}
	c := *n.AwsvpcConfiguration
	if c.AssignPublicIp == "" {
		c.AssignPublicIp = types.AssignPublicIpDisabled
	}
	return &types.NetworkConfiguration{AwsvpcConfiguration: &c}
}

// connect is nil for a configuration that is switched off.
func connect(c *types.ServiceConnectConfiguration) *types.ServiceConnectConfiguration {
	if c == nil || !c.Enabled {
		return nil
	}
	return c
}

// place decides what the deployment's tasks run on, and checks what it asks for
// against the cluster and the task definition.
func (r *rollout) place(c *cluster, d *definition, controller types.DeploymentControllerType) error {
	lt, strategy, err := launchOn(c, d, r.LaunchType, r.CapacityProviderStrategy, r.NetworkConfiguration)
	if err != nil {
		return err
	}
	if err := checkAttachments(controller, r, d); err != nil {
		return err
	}
	if sc := r.ServiceConnectConfiguration; sc != nil && aws.ToString(sc.Namespace) == "" && c.ServiceConnectDefaults == nil {
		return invalidParameter("Service Connect needs a namespace: the cluster has no default one.")
	}
	r.LaunchType, r.CapacityProviderStrategy, r.FixedPorts = lt, strategy, fixedPorts(d)
	if len(strategy) > 0 {
		r.LaunchType = ""
	}
	if r.Platform, r.PlatformVersion, err = platform(lt, r.Platform); err == nil && r.PlatformVersion != nil {
		r.PlatformFamily = aws.String("Linux")
	}
	return err
}

// fits refuses rules about container instances for tasks that have none, and a
// grace period for the health checks of no load balancer. A grace of 0 is none:
// clients send it to take a former one away.
func (s *service) fits(r *rollout, grace *int32) error {
	fargate := r.Platform != ""
	switch {
	case fargate && len(s.PlacementStrategy) > 0:
		return invalidParameter("Placement strategies are not supported with FARGATE launch type.")
	case fargate && len(s.PlacementConstraints) > 0:
		return invalidParameter("Placement constraints are not supported with FARGATE launch type.")
	case aws.ToInt32(grace) > 0 && len(r.LoadBalancers) == 0:
		return invalidParameter("Health check grace period is only valid for services configured to use load balancers")
	}
	return nil
}

// canExecute makes sure that tasks in which commands may be executed have a role,
// which the agent of ExecuteCommand acts in.
func (s *service) canExecute(d *definition, done string) error {
	if s.EnableExecuteCommand && aws.ToString(d.TaskRoleArn) == "" {
		return invalidParameter("The service couldn't be %s because a valid taskRoleArn is not being used. Specify a valid task role in your task definition and try again.", done)
	}
	return nil
}

// fixedPorts tells whether tasks of a definition publish ports of the machine.
func fixedPorts(d *definition) bool {
	return d.NetworkMode != types.NetworkModeAwsvpc && slices.ContainsFunc(d.ContainerDefinitions, func(c types.ContainerDefinition) bool {
		return slices.ContainsFunc(c.PortMappings, func(p types.PortMapping) bool { return aws.ToInt32(p.HostPort) != 0 })
	})
}

// saveService writes a service that an operation changed, sets it going and
// describes it.
func (s *Service) saveService(tx *engine.Tx, svc *service, out **types.Service) error {
	if err := s.putService(tx, svc); err != nil {
		return err
	}
	var err error
	*out, err = s.describeService(tx, svc, true)
	return err
}

// putService writes a service and sets it going.
func (s *Service) putService(tx *engine.Tx, svc *service) error {
	if err := services.Put(tx, svc, svc.Region, svc.cluster(), svc.name()); err != nil {
		return err
	}
	return s.wakeService(tx, svc.Region, svc.cluster(), svc.name(), time.Time{})
}

// beingDeployed tells whether a deployer still has task sets of its own in the
// service: any of an external one, more than the primary of CodeDeploy's.
func (s *service) beingDeployed() bool {
	return slices.ContainsFunc(s.Sets, func(t taskSet) bool {
		return t.is(setActive) || t.is(setPrimary) && controllerOf(s.DeploymentController) == external
	})
}

// DeleteService drains a service, its task sets with it; it is INACTIVE when
// nothing of it runs.
func (s *Service) DeleteService(ctx context.Context, in *ecs.DeleteServiceInput, _ ...func(*ecs.Options)) (*ecs.DeleteServiceOutput, error) {
	region := identity.Region(ctx)
	out := &ecs.DeleteServiceOutput{}
	err := s.Engine.Update(ctx, func(tx *engine.Tx) error {
		_, svc, err := knownService(tx, region, in.Cluster, in.Service)
		if err != nil {
			return err
		}
		if aws.ToString(svc.Status) == "INACTIVE" {
			return notActive()
		}
		if svc.DesiredCount > 0 && !svc.daemon() && !aws.ToBool(in.Force) {
			return invalidParameter("The service cannot be stopped while it is scaled above 0.")
		}
		if svc.beingDeployed() && !aws.ToBool(in.Force) {
			return invalidParameter("The service cannot be stopped while deployments are active.")
		}
		svc.DesiredCount, svc.Status = 0, aws.String("DRAINING")
		return s.saveService(tx, svc, &out.Service)
	})
	return out, err
}
