package ecs

import (
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
)

// Who deploys a service.
const (
	rolling    = types.DeploymentControllerTypeEcs
	codeDeploy = types.DeploymentControllerTypeCodeDeploy
	external   = types.DeploymentControllerTypeExternal
)

func controllerOf(c *types.DeploymentController) types.DeploymentControllerType {
	if c == nil || c.Type == "" {
		return rolling
	}
	return c.Type
}

// refuseStrategy names the ways of deploying that Slipway does not have.
func refuseStrategy(d *types.DeploymentConfiguration) error {
	if d != nil && d.EarlySuccessCriteria != nil && d.EarlySuccessCriteria.Enable {
		return unsupported("deploymentConfiguration.earlySuccessCriteria")
	}
	return nil
}

// checkCreate applies the rules of CreateService that need nothing but the
// request.
func checkCreate(in *ecs.CreateServiceInput) error {
	if !nameForm.MatchString(aws.ToString(in.ServiceName)) {
		return invalidParameter("Service name contains invalid characters.")
	}
	if err := refuseStrategy(in.DeploymentConfiguration); err != nil {
		return err
	}
	if err := checkTags(in.Tags); err != nil {
		return err
	}
	controller, daemon := controllerOf(in.DeploymentController), in.SchedulingStrategy == types.SchedulingStrategyDaemon
	switch {
	case daemon && controller != rolling:
		return invalidParameter("The scheduling strategy DAEMON supports only the deployment controller ECS.")
	case daemon && in.LaunchType == types.LaunchTypeFargate:
		return invalidParameter("The scheduling strategy DAEMON is not supported with the launch type FARGATE.")
	case daemon && in.DesiredCount != nil && *in.DesiredCount != 0:
		return invalidParameter("The daemon scheduling strategy does not support a desired count for services. Remove the desired count value and try again.")
	case !daemon && in.DesiredCount == nil && controller != external:
		return invalidParameter("DesiredCount cannot be null.")
	case in.DesiredCount != nil && *in.DesiredCount < 0:
		return invalidParameter("DesiredCount cannot be negative.")
	case aws.ToInt32(in.DesiredCount) > maxDesired:
		return tooMany()
	case in.HealthCheckGracePeriodSeconds != nil && *in.HealthCheckGracePeriodSeconds < 0:
		return invalidParameter("Health check grace period cannot be negative.")
	case controller != external && aws.ToString(in.TaskDefinition) == "":
		return invalidParameter("TaskDefinition cannot be blank.")
	case controller == codeDeploy && len(in.LoadBalancers) == 0:
		return invalidParameter("A load balancer with a target group is required for services with a CODE_DEPLOY deployment controller.")
	}
	if controller != external {
		return nil
	}
	for what, given := range map[string]bool{
		"taskDefinition": in.TaskDefinition != nil, "launchType": in.LaunchType != "", "loadBalancers": len(in.LoadBalancers) > 0,
		"networkConfiguration": in.NetworkConfiguration != nil, "capacityProviderStrategy": len(in.CapacityProviderStrategy) > 0,
		"platformVersion": in.PlatformVersion != nil, "serviceRegistries": len(in.ServiceRegistries) > 0,
		"serviceConnectConfiguration": in.ServiceConnectConfiguration != nil, "volumeConfigurations": len(in.VolumeConfigurations) > 0,
		"role": in.Role != nil, "vpcLatticeConfigurations": len(in.VpcLatticeConfigurations) > 0,
	} {
		if given {
			return invalidParameter("%s belongs to the task sets of a service with an EXTERNAL deployment controller.", what)
		}
	}
	return nil
}

// maxDesired is AWS's quota of tasks per service.
const maxDesired = 5000

func tooMany() error {
	return invalidParameter("DesiredCount cannot be greater than %d, the quota of tasks per service.", maxDesired)
}

// checkUpdate refuses what only a deployer may change.
func checkUpdate(svc *service, in *ecs.UpdateServiceInput) error {
	if err := refuseStrategy(in.DeploymentConfiguration); err != nil {
		return err
	}
	controller := controllerOf(svc.DeploymentController)
	switch {
	case in.DesiredCount != nil && *in.DesiredCount < 0:
		return invalidParameter("DesiredCount cannot be negative.")
	case aws.ToInt32(in.DesiredCount) > maxDesired:
		return tooMany()
	case in.DesiredCount != nil && svc.daemon() && *in.DesiredCount != 0:
		return invalidParameter("The daemon scheduling strategy does not support a desired count for services. Remove the desired count value and try again.")
	case in.HealthCheckGracePeriodSeconds != nil && *in.HealthCheckGracePeriodSeconds < 0:
		return invalidParameter("Health check grace period cannot be negative.")
	case controller == rolling:
		return nil
	case in.ForceNewDeployment && controller == codeDeploy:
		return invalidParameter("Cannot force a new deployment on services with a CODE_DEPLOY deployment controller. Use AWS CodeDeploy to trigger a new deployment.")
	case in.ForceNewDeployment:
		return invalidParameter("Cannot force a new deployment on services with an EXTERNAL deployment controller.")
	}
	advice := "a CODE_DEPLOY deployment controller. Use AWS CodeDeploy to trigger a new deployment."
	if controller == external {
		advice = "an EXTERNAL deployment controller. Create a task set instead."
	}
	for _, f := range []struct {
		given bool
		what  string
	}{
		{in.TaskDefinition != nil, "task definition"},
		{in.NetworkConfiguration != nil, "network parameters"},
		{in.LoadBalancers != nil, "load balancers"},
		{in.PlatformVersion != nil, "platform version"},
		{in.CapacityProviderStrategy != nil, "capacity provider strategy"},
		{in.ServiceRegistries != nil, "service registries"},
		{in.ServiceConnectConfiguration != nil, "service connect configuration"},
		{in.VolumeConfigurations != nil, "volume configurations"},
		{in.VpcLatticeConfigurations != nil, "VPC Lattice configurations"},
		{in.EnableExecuteCommand != nil && *in.EnableExecuteCommand != svc.EnableExecuteCommand, "execute command"},
	} {
		if f.given {
			return invalidParameter("Unable to update %s on services with %s", f.what, advice)
		}
	}
	return nil
}

// deploymentConfiguration is have with changes, defaults filled in.
func deploymentConfiguration(controller types.DeploymentControllerType, daemon bool, have, change *types.DeploymentConfiguration) (*types.DeploymentConfiguration, error) {
	out := types.DeploymentConfiguration{MinimumHealthyPercent: aws.Int32(100), MaximumPercent: aws.Int32(200)}
	if daemon {
		out.MinimumHealthyPercent, out.MaximumPercent = aws.Int32(0), aws.Int32(100)
	}
	if controller == rolling {
		out.Strategy, out.BakeTimeInMinutes = types.DeploymentStrategyRolling, aws.Int32(0)
		out.DeploymentCircuitBreaker = &types.DeploymentCircuitBreaker{}
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
		if c.Alarms != nil {
			out.Alarms = c.Alarms
		}
	}
	if controller == rolling {
		if err := strategyOf(&out, have, change); err != nil {
			return nil, err
		}
	} else if change != nil && (isStaged(change.Strategy) || len(change.LifecycleHooks) > 0) {
		return nil, invalidParameter("Deployment strategies and lifecycle hooks are only supported with ECS deployment controller.")
	}
	lo, hi := *out.MinimumHealthyPercent, *out.MaximumPercent
	switch b := out.DeploymentCircuitBreaker; {
	case lo < 0 || lo > 100:
		return nil, invalidParameter("minimumHealthyPercent must be between 0 and 100.")
	case hi < 100:
		return nil, invalidParameter("maximumPercent must be at least 100.")
	case lo == 100 && hi == 100:
		return nil, invalidParameter("Both maximumPercent and minimumHealthyPercent cannot be 100 as this will block deployments.")
	case controller != rolling && b != nil && (b.Enable || b.Rollback):
		return nil, invalidParameter("Deployment circuit breaker feature is only supported with ECS deployment controller.")
	case controller != rolling && out.Alarms != nil && out.Alarms.Enable:
		return nil, invalidParameter("Deployment alarms are only supported with ECS deployment controller.")
	case out.Alarms != nil && out.Alarms.Enable && len(out.Alarms.AlarmNames) == 0:
		return nil, invalidParameter("Deployment alarms need the name of an alarm.")
	}
	if controller != rolling {
		out.DeploymentCircuitBreaker = nil
	}
	return &out, nil
}

// checkAttachments checks what a deployment connects to against the task
// definition.
func checkAttachments(controller types.DeploymentControllerType, r *rollout, d *definition) error {
	if len(r.LoadBalancers) > 5 {
		return invalidParameter("load balancers can have at most 5 items.")
	}
	if controller != rolling && len(r.LoadBalancers) > 1 {
		return invalidParameter("Services with the deployment controller %s can have one target group in each task set.", controller)
	}
	for _, lb := range r.LoadBalancers {
		classic, first := aws.ToString(lb.LoadBalancerName) != "", aws.ToString(r.LoadBalancers[0].LoadBalancerName) != ""
		switch {
		case classic != first, classic && aws.ToString(lb.TargetGroupArn) != "":
			return invalidParameter("All loadBalancers must be strictly either ELBv1 (defining loadBalancerName) or ELBv2 (defining targetGroupArn)")
		case classic && lb.AdvancedConfiguration != nil:
			return invalidParameter("advancedConfiguration field is not allowed with ELBv1 loadBalancers")
		case classic:
			return unsupported("A classic load balancer (loadBalancerName)")
		case lb.AdvancedConfiguration != nil && controller != rolling:
			return invalidParameter("The advancedConfiguration of a load balancer is only supported with the ECS deployment controller.")
		case aws.ToString(lb.TargetGroupArn) == "":
			return invalidParameter("targetGroupArn should not be null or empty.")
		case aws.ToString(lb.ContainerName) == "" || lb.ContainerPort == nil:
			return invalidParameter("containerName and containerPort of a load balancer should not be null or empty.")
		}
		if err := checkPort(d, *lb.ContainerName, *lb.ContainerPort); err != nil {
			return err
		}
	}
	if len(r.ServiceRegistries) > 1 {
		return invalidParameter("service registries can have at most 1 items.")
	}
	for _, reg := range r.ServiceRegistries {
		if aws.ToString(reg.RegistryArn) == "" {
			return invalidParameter("registryArn should not be null or empty.")
		}
		if n := aws.ToString(reg.ContainerName); n != "" && reg.ContainerPort != nil {
			if err := checkPort(d, n, *reg.ContainerPort); err != nil {
				return err
			}
		}
	}
	names := map[string]bool{}
	for _, c := range d.ContainerDefinitions {
		for _, p := range c.PortMappings {
			names[aws.ToString(p.Name)] = true
		}
	}
	if c := r.ServiceConnectConfiguration; c != nil && c.Enabled {
		for _, s := range c.Services {
			if !names[aws.ToString(s.PortName)] {
				return invalidParameter("The Service Connect port name %s is not a port of the task definition.", aws.ToString(s.PortName))
			}
		}
	}
	for _, l := range r.VpcLatticeConfigurations {
		if !names[aws.ToString(l.PortName)] {
			return invalidParameter("The VPC Lattice port name %s is not a port of the task definition.", aws.ToString(l.PortName))
		}
	}
	for _, v := range r.VolumeConfigurations {
		if !slices.ContainsFunc(d.Volumes, func(have types.Volume) bool {
			return aws.ToString(have.Name) == aws.ToString(v.Name) && aws.ToBool(have.ConfiguredAtLaunch)
		}) {
			return invalidParameter("The volume %s is not one that the task definition leaves to be configured at launch.", aws.ToString(v.Name))
		}
	}
	return nil
}

func checkPort(d *definition, container string, port int32) error {
	for _, c := range d.ContainerDefinitions {
		if aws.ToString(c.Name) != container {
			continue
		}
		if !slices.ContainsFunc(c.PortMappings, func(p types.PortMapping) bool { return aws.ToInt32(p.ContainerPort) == port }) {
			return invalidParameter("The container %s did not have a container port %d defined.", container, port)
		}
		return nil
	}
	return invalidParameter("The container %s does not exist in the task definition.", container)
}

// undone tells, for the service's events, what a deployment was asked for and
// Slipway does not do.
func (s *service) undone(r *rollout, d *definition) []string {
	var all []string
	add := func(format string, args ...any) { all = append(all, fmt.Sprintf(format, args...)) }
	for _, reg := range r.ServiceRegistries {
		add("does not register its tasks in (registry %s): service discovery %s", aws.ToString(reg.RegistryArn), notYet)
	}
	for _, l := range r.VpcLatticeConfigurations {
		add("does not register its tasks in (target-group %s): VPC Lattice %s", aws.ToString(l.TargetGroupArn), notYet)
	}
	if c := r.ServiceConnectConfiguration; c != nil && c.Enabled {
		add("runs without proxies: Service Connect %s", notYet)
	}
	if s.EnableExecuteCommand {
		add("runs without the agent of ExecuteCommand: ExecuteCommand %s", notYet)
	}
	if aws.ToBool(d.EnableFaultInjection) {
		add("runs without endpoints for faults: fault injection %s", notYet)
	}
	if len(s.PlacementConstraints)+len(d.PlacementConstraints) > 0 {
		add("places all its tasks on this machine: placement constraints are not evaluated by Slipway.")
	}
	if p := d.RuntimePlatform; p != nil && p.CpuArchitecture != "" && !strings.EqualFold(string(p.CpuArchitecture), architecture()) {
		add("runs its images for this machine's CPU architecture %s, not for %s.", strings.ToUpper(architecture()), p.CpuArchitecture)
	}
	return all
}

const notYet = "is not implemented by Slipway yet."
