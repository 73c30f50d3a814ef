package ecs

import (
	"runtime"
	"slices"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/id"
)

// fargateVersion is the platform version that LATEST stands for.
const fargateVersion = "1.4.0"

// launch is what a new task is made from.
type launch struct {
	cluster             *cluster
	definition          *definition
	launchType          types.LaunchType
	provider            string
	network             *types.NetworkConfiguration
	overrides           *types.TaskOverride
	group, startedBy    string
	service, deployment string
	tags                []types.Tag
	execute             bool
	targets             []membership
	platform            *string           // version, of Fargate's tasks
	images              map[string]string // see rollout.Images
	number              int               // of the task among those that are alike
}

// newTask writes a task down and sets it going.
func (s *Service) newTask(tx *engine.Tx, l launch) (*task, error) {
	region, now := l.cluster.Region, tx.Now()
	def, overrides := overridden(l.definition.TaskDefinition, l.overrides)
	t := &task{
		Region: region, Cluster: l.cluster.name(), ID: id.Hex(s.IDs, 32),
		Service: l.service, Deployment: l.deployment, Definition: def, Secret: id.UUID(s.IDs), Targets: l.targets,
		Boxes: make([]box, len(def.ContainerDefinitions)),
	}
	t.Task = types.Task{
		TaskArn: aws.String(s.arn(region, "task/"+t.Cluster+"/"+t.ID)), ClusterArn: l.cluster.ClusterArn,
		TaskDefinitionArn: def.TaskDefinitionArn, Group: aws.String(l.group), LaunchType: l.launchType,
		LastStatus: aws.String(statusProvisioning), DesiredStatus: aws.String(statusRunning),
		HealthStatus: types.HealthStatusUnknown, CreatedAt: aws.Time(now), Version: 1,
		Cpu: def.Cpu, Memory: def.Memory, Overrides: overrides, Tags: l.tags, EnableExecuteCommand: l.execute,
		AvailabilityZone: aws.String(region + "a"), Attachments: []types.Attachment{},
		Attributes: []types.Attribute{{Name: aws.String("ecs.cpu-architecture"), Value: aws.String(architecture())}},
	}
	if l.startedBy != "" {
		t.StartedBy = aws.String(l.startedBy)
	}
	if l.launchType == types.LaunchTypeFargate {
		t.PlatformVersion, t.PlatformFamily = l.platform, aws.String("Linux")
		t.EphemeralStorage = &types.EphemeralStorage{SizeInGiB: 20}
		if def.EphemeralStorage != nil {
			t.EphemeralStorage = def.EphemeralStorage
		}
	}
	if l.provider != "" {
		t.CapacityProviderName = aws.String(l.provider)
	}
	if t.awsvpc() {
		subnet, zone, err := s.settleIn(tx, region, l.network.AwsvpcConfiguration.Subnets, l.number)
		if err != nil {
			return nil, err
		}
		t.Attachments = []types.Attachment{{
			Id: aws.String(id.UUID(s.IDs)), Type: aws.String("ElasticNetworkInterface"), Status: aws.String("PRECREATED"),
			Details: []types.KeyValuePair{{Name: aws.String("subnetId"), Value: &subnet}},
		}}
		t.AvailabilityZone = &zone
	}
	for i, c := range def.ContainerDefinitions {
		t.Boxes[i].Pinned = l.images[*c.Name]
		out := types.Container{
			ContainerArn: aws.String(s.arn(region, "container/"+t.Cluster+"/"+t.ID+"/"+id.UUID(s.IDs))), TaskArn: t.TaskArn,
			Name: c.Name, Image: c.Image, LastStatus: aws.String(statusPending), HealthStatus: types.HealthStatusUnknown,
			Cpu: aws.String(strconv.Itoa(int(c.Cpu))), NetworkInterfaces: []types.NetworkInterface{},
		}
		if c.Memory != nil {
			out.Memory = aws.String(strconv.Itoa(int(*c.Memory)))
		}
		if c.MemoryReservation != nil {
			out.MemoryReservation = aws.String(strconv.Itoa(int(*c.MemoryReservation)))
		}
		if l.execute {
			out.ManagedAgents = []types.ManagedAgent{{Name: types.ManagedAgentNameExecuteCommandAgent, LastStatus: aws.String(statusStopped),
				Reason: aws.String(notImplemented("ExecuteCommand"))}}
		}
		t.Containers = append(t.Containers, out)
	}
	if err := t.put(tx); err != nil {
		return nil, err
	}
	key := t.key()
	if err := live.Put(tx, &struct{}{}, region, t.Cluster, t.Service, t.ID); err != nil {
		return nil, err
	}
	if err := credentials.Put(tx, &key, t.Secret); err != nil {
		return nil, err
	}
	if err := tx.Enqueue(engine.NewJob{Kind: jobTask, ID: t.ID, Key: t.ID, Payload: key}); err != nil {
		return nil, err
	}
	return t, s.emitTask(tx, t)
}

// architecture is this machine's, in ECS's words.
func architecture() string {
	if runtime.GOARCH == "arm64" {
		return "arm64"
	}
	return "x86_64"
}

// overridden applies overrides; what it returns second is shown on the task.
func overridden(d types.TaskDefinition, o *types.TaskOverride) (types.TaskDefinition, *types.TaskOverride) {
	shown := types.TaskOverride{InferenceAcceleratorOverrides: []types.InferenceAcceleratorOverride{}}
	if o != nil {
		shown = *o
	}
	d.ContainerDefinitions = slices.Clone(d.ContainerDefinitions)
	var all []types.ContainerOverride
	for i := range d.ContainerDefinitions {
		c := &d.ContainerDefinitions[i]
		co := types.ContainerOverride{Name: c.Name}
		for _, given := range shown.ContainerOverrides {
			if aws.ToString(given.Name) != *c.Name {
				continue
			}
			co = given
			if len(co.Command) > 0 {
				c.Command = co.Command
			}
			if co.Cpu != nil {
				c.Cpu = *co.Cpu
			}
			if co.Memory != nil {
				c.Memory = co.Memory
			}
			if co.MemoryReservation != nil {
				c.MemoryReservation = co.MemoryReservation
			}
			env := slices.Clone(c.Environment)
			for _, kv := range co.Environment {
				j := slices.IndexFunc(env, func(have types.KeyValuePair) bool { return aws.ToString(have.Name) == aws.ToString(kv.Name) })
				if j < 0 {
					env = append(env, kv)
				} else {
					env[j] = kv
				}
			}
			c.Environment = env
		}
		all = append(all, co)
	}
	shown.ContainerOverrides = all
	if aws.ToString(shown.TaskRoleArn) != "" {
		d.TaskRoleArn = shown.TaskRoleArn
	}
	if aws.ToString(shown.ExecutionRoleArn) != "" {
		d.ExecutionRoleArn = shown.ExecutionRoleArn
	}
	if n, ok := taskCPU(aws.ToString(shown.Cpu)); ok {
		d.Cpu = aws.String(strconv.Itoa(n))
	}
	if n, ok := taskMemory(aws.ToString(shown.Memory)); ok {
		d.Memory = aws.String(strconv.Itoa(n))
	}
	if shown.EphemeralStorage != nil {
		d.EphemeralStorage = shown.EphemeralStorage
	}
	return d, &shown
}

// platforms are the platform versions that Fargate has had.
var platforms = []string{"LATEST", fargateVersion, "1.3.0", "1.2.0", "1.1.0", "1.0.0"}

// platform is the platform version that was asked for, LATEST by default, and
// the version that it stands for; nothing on EC2.
func platform(lt types.LaunchType, asked string) (string, *string, error) {
	switch {
	case lt != types.LaunchTypeFargate && asked != "":
		return "", nil, invalidParameter("The platform version must be null when specifying an EC2 launch type.")
	case lt != types.LaunchTypeFargate:
		return "", nil, nil
	case asked == "", asked == "LATEST":
		return "LATEST", aws.String(fargateVersion), nil
	case !slices.Contains(platforms, asked):
		return "", nil, &types.PlatformUnknownException{Message: aws.String("The specified platform version does not exist.")}
	}
	return asked, &asked, nil
}

// launchOn decides launch type and capacity provider strategy (the one or the
// other), and checks what they and the definition ask for. EC2 means this
// machine as well.
func launchOn(c *cluster, d *definition, lt types.LaunchType, strategy []types.CapacityProviderStrategyItem, network *types.NetworkConfiguration) (types.LaunchType, []types.CapacityProviderStrategyItem, error) {
	if lt != "" && len(strategy) > 0 {
		return "", nil, invalidParameter("Specifying both a launch type and capacity provider strategy is not supported. Remove one and try again.")
	}
	if err := checkProviders(c.CapacityProviders, strategy); err != nil {
		return "", nil, err
	}
	if lt == "" && len(strategy) == 0 {
		strategy = c.DefaultCapacityProviderStrategy
		if len(strategy) > 0 && weightless(strategy) {
			return "", nil, invalidParameter("There are no capacity providers with a weight value greater than zero defined in the default capacity provider strategy. At least one capacity provider must have a weight value greater than zero specified. Update the cluster's default capacity provider strategy or specify a valid capacity provider strategy and try again.")
		}
	}
	if len(strategy) > 0 {
		lt = types.LaunchTypeFargate
	}
	switch lt {
	case types.LaunchTypeFargate:
		if !slices.Contains(d.Compatibilities, types.CompatibilityFargate) {
			return "", nil, invalidParameter("Task definition does not support launch_type FARGATE.")
		}
	case "":
		lt = types.LaunchTypeEc2
	case types.LaunchTypeExternal:
		return "", nil, unsupported("The launch type EXTERNAL")
	}
	if d.NetworkMode == types.NetworkModeAwsvpc {
		if network == nil || network.AwsvpcConfiguration == nil || len(network.AwsvpcConfiguration.Subnets) == 0 {
			return "", nil, invalidParameter("Network Configuration must be provided when networkMode 'awsvpc' is specified.")
		}
		if len(network.AwsvpcConfiguration.Subnets) > 16 {
			return "", nil, invalidParameter("subnets can have at most 16 items.")
		}
		if len(network.AwsvpcConfiguration.SecurityGroups) > 5 {
			return "", nil, invalidParameter("securityGroups can have at most 5 items.")
		}
	} else if network != nil && network.AwsvpcConfiguration != nil {
		return "", nil, invalidParameter("Network Configuration is not valid for the given networkMode of this task definition.")
	}
	return lt, strategy, nil
}
