package ecs

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
)

// nameForm is that of families, containers, services and clusters.
var nameForm = regexp.MustCompile(`^[A-Za-z0-9_-]{1,255}$`)

// imageForm has the characters that the documentation of containers' images
// names, and the @ of digests.
var imageForm = regexp.MustCompile(`^[A-Za-z0-9_.:/#@-]+$`)

// fargateSizes are the memory sizes (MiB) that each CPU size may have: from,
// to, step. 256 has 512 besides, which is no multiple of its step.
var fargateSizes = map[int]struct{ from, to, step int }{
	256:   {1024, 2048, 1024},
	512:   {1024, 4096, 1024},
	1024:  {2048, 8192, 1024},
	2048:  {4096, 16384, 1024},
	4096:  {8192, 30720, 1024},
	8192:  {16384, 61440, 4096},
	16384: {32768, 122880, 8192},
}

func fargateSize(cpu, memory int) bool {
	if cpu == 256 && memory == 512 {
		return true
	}
	s, ok := fargateSizes[cpu]
	return ok && memory >= s.from && memory <= s.to && (memory-s.from)%s.step == 0
}

// taskCPU reads "256" or ".25 vCPU" as CPU units.
func taskCPU(s string) (int, bool) { return amount(s, "vcpu", 1024) }

// taskMemory reads "512" or "0.5 GB" as MiB.
func taskMemory(s string) (int, bool) { return amount(s, "gb", 1024) }

func amount(s, unit string, factor float64) (int, bool) {
	s = strings.ToLower(strings.TrimSpace(s))
	number, hasUnit := strings.CutSuffix(s, unit)
	if !hasUnit {
		n, err := strconv.Atoi(s)
		return n, err == nil && n > 0
	}
	f, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
	n := f * factor
	return int(n), err == nil && f > 0 && n < 1<<30 && n == float64(int(n))
}

// define checks a registration and writes the defaults that AWS writes back.
func define(in *ecs.RegisterTaskDefinitionInput) (types.TaskDefinition, error) {
	d := types.TaskDefinition{
		Family: in.Family, TaskRoleArn: in.TaskRoleArn, ExecutionRoleArn: in.ExecutionRoleArn,
		NetworkMode: in.NetworkMode, Volumes: in.Volumes, PlacementConstraints: in.PlacementConstraints,
		RequiresCompatibilities: in.RequiresCompatibilities, RuntimePlatform: in.RuntimePlatform,
		EphemeralStorage: in.EphemeralStorage, EnableFaultInjection: in.EnableFaultInjection,
		IpcMode: in.IpcMode, PidMode: in.PidMode, ProxyConfiguration: in.ProxyConfiguration,
		InferenceAccelerators: in.InferenceAccelerators,
		Status:                types.TaskDefinitionStatusActive,
	}
	if !nameForm.MatchString(aws.ToString(in.Family)) {
		return d, clientError("Family contains invalid characters.")
	}
	fargate := slices.Contains(in.RequiresCompatibilities, types.CompatibilityFargate)
	if d.NetworkMode == "" {
		d.NetworkMode = types.NetworkModeBridge
	}
	if err := size(in, &d, fargate); err != nil {
		return d, err
	}
	if fargate && d.NetworkMode != types.NetworkModeAwsvpc {
		return d, clientError("Fargate only supports network mode ‘awsvpc’.")
	}
	if fargate && len(d.PlacementConstraints) > 0 {
		return d, clientError("Fargate does not support placement constraints.")
	}
	if err := modes(&d, fargate); err != nil {
		return d, err
	}
	volumes, err := checkVolumes(in.Volumes, fargate)
	if err != nil {
		return d, err
	}
	if len(in.ContainerDefinitions) == 0 {
		return d, clientError("Container list cannot be empty.")
	}
	for _, c := range in.ContainerDefinitions {
		c, err := defineContainer(c, &d, fargate, volumes)
		if err != nil {
			return d, err
		}
		d.ContainerDefinitions = append(d.ContainerDefinitions, c)
	}
	if err := together(&d, fargate); err != nil {
		return d, err
	}
	d.Compatibilities = []types.Compatibility{types.CompatibilityEc2}
	if d.NetworkMode != types.NetworkModeAwsvpc && len(d.PlacementConstraints) == 0 {
		d.Compatibilities = []types.Compatibility{types.CompatibilityExternal, types.CompatibilityEc2}
	} else if slices.Contains(in.RequiresCompatibilities, types.CompatibilityExternal) {
		return d, clientError("The compatibility EXTERNAL supports neither networkMode=awsvpc nor placement constraints.")
	}
	if fargate || d.NetworkMode == types.NetworkModeAwsvpc && fargateCapable(&d) {
		d.Compatibilities = append(d.Compatibilities, types.CompatibilityFargate)
	}
	if d.Volumes == nil {
		d.Volumes = []types.Volume{}
	}
	if d.PlacementConstraints == nil {
		d.PlacementConstraints = []types.TaskDefinitionPlacementConstraint{}
	}
	d.RequiresAttributes = attributes(&d)
	return d, nil
}

// modes checks what concerns the namespaces that the containers share.
func modes(d *types.TaskDefinition, fargate bool) error {
	switch {
	case fargate && d.PidMode == types.PidModeHost:
		return clientError("Fargate compatible task definitions only support the pidMode task.")
	case fargate && d.IpcMode != "":
		return clientError("Fargate compatible task definitions do not support ipcMode.")
	case fargate && len(d.InferenceAccelerators) > 0:
		return clientError("Fargate compatible task definitions do not support inferenceAccelerators.")
	case d.ProxyConfiguration != nil && d.NetworkMode != types.NetworkModeAwsvpc:
		return clientError("Proxy configuration is only supported when networkMode=awsvpc.")
	}
	return nil
}

// size reads the task's size.
func size(in *ecs.RegisterTaskDefinitionInput, d *types.TaskDefinition, fargate bool) error {
	cpu, memory := 0, 0
	if v := aws.ToString(in.Cpu); v != "" {
		n, ok := taskCPU(v)
		if !ok {
			return clientError("Invalid 'cpu' setting for task.")
		}
		cpu, d.Cpu = n, aws.String(strconv.Itoa(n))
	}
	if v := aws.ToString(in.Memory); v != "" {
		n, ok := taskMemory(v)
		if !ok {
			return clientError("Invalid 'memory' setting for task.")
		}
		memory, d.Memory = n, aws.String(strconv.Itoa(n))
	}
	if !fargate {
		if cpu != 0 && (cpu < 128 || cpu > 196608) {
			return clientError("Invalid 'cpu' setting for task. It must be between 128 and 196608.")
		}
		return nil
	}
	switch {
	case d.Cpu == nil:
		return clientError("Fargate requires that 'cpu' be defined at the task level.")
	case d.Memory == nil:
		return clientError("Fargate requires that 'memory' be defined at the task level.")
	case !fargateSize(cpu, memory):
		return clientError("No Fargate configuration exists for given values: %d CPU, %d memory. See the Amazon ECS documentation for the valid values.", cpu, memory)
	}
	if in.EphemeralStorage != nil && (in.EphemeralStorage.SizeInGiB < 21 || in.EphemeralStorage.SizeInGiB > 200) {
		return clientError("Ephemeral storage must be between 21 and 200 GiB.")
	}
	return nil
}

// together checks what concerns the containers as a group.
func together(d *types.TaskDefinition, fargate bool) error {
	names, essential, sum, cpus := map[string]int{}, false, int32(0), int32(0)
	ports := map[[2]any]string{}
	for i, c := range d.ContainerDefinitions {
		name := aws.ToString(c.Name)
		if _, twice := names[name]; twice {
			return clientError("Container names must be unique within a task definition: %s.", name)
		}
		names[name] = i
		essential = essential || aws.ToBool(c.Essential)
		cpus += c.Cpu
		if c.Memory != nil {
			sum += *c.Memory
		} else {
			sum += aws.ToInt32(c.MemoryReservation)
		}
		for _, p := range c.PortMappings {
			key := [2]any{aws.ToInt32(p.ContainerPort), p.Protocol}
			if other := ports[key]; other != "" && d.NetworkMode == types.NetworkModeAwsvpc {
				return clientError("Containers %s and %s cannot use the same port %d.", other, name, aws.ToInt32(p.ContainerPort))
			}
			ports[key] = name
		}
	}
	if !essential {
		return clientError("A task definition must have at least one essential container.")
	}
	if d.Memory != nil {
		if n, _ := strconv.Atoi(*d.Memory); int(sum) > n {
			return clientError("Invalid setting for container. The total memory of the containers is greater than the task's memory.")
		}
	}
	if d.Cpu != nil {
		if n, _ := strconv.Atoi(*d.Cpu); int(cpus) > n {
			return clientError("Invalid setting for container. The total cpu of the containers is greater than the task's cpu.")
		}
	}
	for _, c := range d.ContainerDefinitions {
		for _, v := range c.VolumesFrom {
			if _, ok := names[aws.ToString(v.SourceContainer)]; !ok || aws.ToString(v.SourceContainer) == aws.ToString(c.Name) {
				return clientError("Unknown volumesFrom container: %s.", aws.ToString(v.SourceContainer))
			}
		}
		for _, dep := range c.DependsOn {
			i, ok := names[aws.ToString(dep.ContainerName)]
			if !ok {
				return clientError("Container %s depends on unknown container %s.", aws.ToString(c.Name), aws.ToString(dep.ContainerName))
			}
			on := d.ContainerDefinitions[i]
			switch {
			case dep.Condition == types.ContainerConditionHealthy && !checked(&on):
				return clientError("Container %s depends on %s being HEALTHY, which has no health check.", aws.ToString(c.Name), aws.ToString(on.Name))
			case (dep.Condition == types.ContainerConditionComplete || dep.Condition == types.ContainerConditionSuccess) && aws.ToBool(on.Essential):
				return clientError("Container %s depends on %s to end, which is essential.", aws.ToString(c.Name), aws.ToString(on.Name))
			}
		}
	}
	if p := d.ProxyConfiguration; p != nil {
		if _, ok := names[aws.ToString(p.ContainerName)]; !ok {
			return clientError("The container %s of the proxy configuration is not in the task definition.", aws.ToString(p.ContainerName))
		}
	}
	if cycle(d.ContainerDefinitions) {
		return clientError("Container dependencies have a cycle.")
	}
	needsRole := false
	for _, c := range d.ContainerDefinitions {
		needsRole = needsRole || c.LogConfiguration != nil && c.LogConfiguration.LogDriver == types.LogDriverAwslogs || len(c.Secrets) > 0
	}
	if fargate && needsRole && aws.ToString(d.ExecutionRoleArn) == "" {
		return clientError("Fargate requires task definition to have execution role ARN to support log driver awslogs, secrets or private images.")
	}
	return nil
}

// checked tells whether a container has a health check.
func checked(c *types.ContainerDefinition) bool {
	return c.HealthCheck != nil && len(c.HealthCheck.Command) > 0 && c.HealthCheck.Command[0] != "NONE"
}

func cycle(cs []types.ContainerDefinition) bool {
	deps := map[string][]types.ContainerDependency{}
	for _, c := range cs {
		deps[aws.ToString(c.Name)] = c.DependsOn
	}
	state := map[string]int{} // 1 on the path, 2 done
	var visit func(string) bool
	visit = func(n string) bool {
		if state[n] != 0 {
			return state[n] == 1
		}
		state[n] = 1
		for _, d := range deps[n] {
			if visit(aws.ToString(d.ContainerName)) {
				return true
			}
		}
		state[n] = 2
		return false
	}
	for n := range deps {
		if visit(n) {
			return true
		}
	}
	return false
}

func fargateCapable(d *types.TaskDefinition) bool {
	if d.Cpu == nil || d.Memory == nil {
		return false
	}
	cpu, _ := strconv.Atoi(*d.Cpu)
	memory, _ := strconv.Atoi(*d.Memory)
	if !fargateSize(cpu, memory) || len(d.PlacementConstraints) > 0 {
		return false
	}
	for _, v := range d.Volumes {
		if v.Host != nil && aws.ToString(v.Host.SourcePath) != "" || v.DockerVolumeConfiguration != nil || v.FsxWindowsFileServerVolumeConfiguration != nil {
			return false
		}
	}
	return !slices.ContainsFunc(d.ContainerDefinitions, func(c types.ContainerDefinition) bool { return aws.ToBool(c.Privileged) })
}

// attributes are what an agent would need for the definition.
func attributes(d *types.TaskDefinition) []types.Attribute {
	names := map[string]bool{"com.amazonaws.ecs.capability.docker-remote-api.1.18": true}
	for _, c := range d.ContainerDefinitions {
		if l := c.LogConfiguration; l != nil {
			names["com.amazonaws.ecs.capability.logging-driver."+string(l.LogDriver)] = true
			names["ecs.capability.execution-role-awslogs"] = l.LogDriver == types.LogDriverAwslogs && d.ExecutionRoleArn != nil
		}
		if checked(&c) {
			names["ecs.capability.container-health-check"] = true
		}
		if len(c.DependsOn) > 0 {
			names["ecs.capability.container-ordering"] = true
		}
	}
	if d.NetworkMode == types.NetworkModeAwsvpc {
		names["ecs.capability.task-eni"] = true
	}
	if d.TaskRoleArn != nil {
		names["com.amazonaws.ecs.capability.task-iam-role"] = true
	}
	var out []types.Attribute
	for n, ok := range names {
		if ok {
			out = append(out, types.Attribute{Name: aws.String(n)})
		}
	}
	slices.SortFunc(out, func(a, b types.Attribute) int { return strings.Compare(*a.Name, *b.Name) })
	return out
}
