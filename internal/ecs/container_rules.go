package ecs

import (
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
)

// defineContainer checks one container of a registration and fills its
// defaults in.
func defineContainer(c types.ContainerDefinition, d *types.TaskDefinition, fargate bool, volumes map[string]bool) (types.ContainerDefinition, error) {
	name := aws.ToString(c.Name)
	if !nameForm.MatchString(name) {
		return c, clientError("Container.name contains invalid characters.")
	}
	switch image := aws.ToString(c.Image); {
	case image == "":
		return c, clientError("Container.image should not be null or empty.")
	case !imageForm.MatchString(image): // such as a placeholder that nobody has filled in
		return c, clientError("Container.image contains invalid characters.")
	}
	if c.Essential == nil {
		c.Essential = aws.Bool(true)
	}
	if c.Cpu < 0 {
		return c, clientError("Invalid 'cpu' setting for container '%s'.", name)
	}
	if err := containerMemory(&c, d, fargate); err != nil {
		return c, err
	}
	if fargate && aws.ToBool(c.Privileged) {
		return c, clientError("Fargate does not support privileged containers.")
	}
	if err := containerPorts(&c, d); err != nil {
		return c, err
	}
	for _, m := range c.MountPoints {
		if !volumes[aws.ToString(m.SourceVolume)] {
			return c, clientError("Unknown volume '%s'.", aws.ToString(m.SourceVolume))
		}
		if !strings.HasPrefix(aws.ToString(m.ContainerPath), "/") {
			return c, clientError("Container path of a mount point must be absolute.")
		}
	}
	if err := containerHealth(&c); err != nil {
		return c, err
	}
	if err := containerTimes(&c, fargate); err != nil {
		return c, err
	}
	if err := containerLogs(&c, fargate); err != nil {
		return c, err
	}
	if err := containerNetwork(&c, d, fargate); err != nil {
		return c, err
	}
	seen := map[string]bool{}
	for _, e := range c.Environment {
		if !variableName(e.Name) {
			return c, clientError("Invalid environment variable name in container '%s'.", name)
		}
		seen[*e.Name] = true
	}
	for _, e := range c.Secrets {
		if !variableName(e.Name) {
			return c, clientError("Invalid secret name in container '%s'.", name)
		}
		if seen[aws.ToString(e.Name)] {
			return c, clientError("The secret name must be unique and not shared with any new or existing environment variables set on the container, such as '%s'.", aws.ToString(e.Name))
		}
	}
	if len(c.EnvironmentFiles) > 10 {
		return c, clientError("A container can have at most 10 environment files.")
	}
	for _, f := range c.EnvironmentFiles {
		if !strings.HasSuffix(aws.ToString(f.Value), ".env") {
			return c, clientError("An environment file must have the suffix .env.")
		}
	}
	for _, u := range c.Ulimits {
		if u.SoftLimit > u.HardLimit && u.HardLimit >= 0 {
			return c, clientError("Ulimit %s: the soft limit is greater than the hard limit.", u.Name)
		}
	}
	// Lists are written back empty rather than absent; clients compare.
	if c.Environment == nil {
		c.Environment = []types.KeyValuePair{}
	}
	if c.MountPoints == nil {
		c.MountPoints = []types.MountPoint{}
	}
	if c.VolumesFrom == nil {
		c.VolumesFrom = []types.VolumeFrom{}
	}
	if c.PortMappings == nil {
		c.PortMappings = []types.PortMapping{}
	}
	if c.SystemControls == nil {
		c.SystemControls = []types.SystemControl{}
	}
	return c, nil
}

// leastMemory is that of a container, in MiB.
const leastMemory = 6

// variableName tells whether a container's environment can have the name.
func variableName(name *string) bool {
	return aws.ToString(name) != "" && !strings.ContainsAny(*name, "=\x00")
}

func containerMemory(c *types.ContainerDefinition, d *types.TaskDefinition, fargate bool) error {
	name := aws.ToString(c.Name)
	if c.Memory == nil && c.MemoryReservation == nil && d.Memory == nil {
		return clientError("Invalid setting for container '%s'. At least one of 'memory' or 'memoryReservation' must be specified.", name)
	}
	if c.Memory != nil && *c.Memory < leastMemory || c.MemoryReservation != nil && *c.MemoryReservation < leastMemory {
		return clientError("Invalid 'memory' setting for container '%s'. It must be at least %d MiB.", name, leastMemory)
	}
	if c.Memory != nil && c.MemoryReservation != nil && *c.Memory <= *c.MemoryReservation {
		return clientError("Invalid setting for container '%s'. 'memory' must be greater than 'memoryReservation'.", name)
	}
	return nil
}

func containerPorts(c *types.ContainerDefinition, d *types.TaskDefinition) error {
	seen := map[int32]bool{}
	mappings := make([]types.PortMapping, 0, len(c.PortMappings))
	for _, p := range c.PortMappings {
		if aws.ToString(p.ContainerPortRange) != "" {
			if p.ContainerPort != nil || p.HostPort != nil {
				return clientError("containerPortRange of container '%s' excludes containerPort and hostPort.", aws.ToString(c.Name))
			}
			mappings = append(mappings, p)
			continue
		}
		port, host := aws.ToInt32(p.ContainerPort), aws.ToInt32(p.HostPort)
		if port < 1 || port > 65535 || host < 0 || host > 65535 {
			return clientError("Invalid port mapping in container '%s': ports are 1 to 65535.", aws.ToString(c.Name))
		}
		if seen[port] {
			return clientError("Duplicate container port %d in container '%s'.", port, aws.ToString(c.Name))
		}
		seen[port] = true
		if p.Protocol == "" {
			p.Protocol = types.TransportProtocolTcp
		}
		if d.NetworkMode == types.NetworkModeAwsvpc || d.NetworkMode == types.NetworkModeHost {
			if host != 0 && host != port {
				return clientError("When networkMode=%s, the host ports and container ports in port mappings must match.", d.NetworkMode)
			}
			host = port
		}
		p.HostPort = aws.Int32(host)
		mappings = append(mappings, p)
	}
	c.PortMappings = mappings
	return nil
}

func containerHealth(c *types.ContainerDefinition) error {
	if c.HealthCheck == nil {
		return nil
	}
	h := *c.HealthCheck
	if len(h.Command) == 0 {
		return clientError("Container.healthCheck.command should not be null or empty.")
	}
	switch kind := h.Command[0]; {
	case kind == "NONE":
	case (kind == "CMD" || kind == "CMD-SHELL") && len(h.Command) > 1:
	default:
		return clientError("The health check of container '%s' must begin with CMD or CMD-SHELL and name a command.", aws.ToString(c.Name))
	}
	for _, f := range []struct {
		value        **int32
		name         string
		min, max, is int32
	}{
		{&h.Interval, "interval", 5, 300, 30},
		{&h.Timeout, "timeout", 2, 60, 5},
		{&h.Retries, "retries", 1, 10, 3},
		{&h.StartPeriod, "startPeriod", 0, 300, -1},
	} {
		if *f.value == nil {
			if f.is >= 0 {
				*f.value = aws.Int32(f.is)
			}
			continue
		}
		if n := **f.value; n < f.min || n > f.max {
			return clientError("Health check %s of container '%s' must be between %d and %d.", f.name, aws.ToString(c.Name), f.min, f.max)
		}
	}
	c.HealthCheck = &h
	return nil
}

func containerTimes(c *types.ContainerDefinition, fargate bool) error {
	name := aws.ToString(c.Name)
	if n := c.StopTimeout; n != nil && (*n < 0 || fargate && *n > 120) {
		return clientError("Invalid stopTimeout of container '%s': on Fargate it is at most 120 seconds.", name)
	}
	if n := c.StartTimeout; n != nil && (*n < 2 || fargate && *n > 120) {
		return clientError("Invalid startTimeout of container '%s': it is 2 to 120 seconds.", name)
	}
	if r := c.RestartPolicy; r != nil && r.RestartAttemptPeriod != nil && (*r.RestartAttemptPeriod < 60 || *r.RestartAttemptPeriod > 1800) {
		return clientError("Invalid restartAttemptPeriod of container '%s': it is 60 to 1800 seconds.", name)
	}
	return nil
}

// logOptions are those of the awslogs driver.
var logOptions = map[string]bool{
	"awslogs-group": true, "awslogs-region": true, "awslogs-stream-prefix": true, "awslogs-create-group": true,
	"awslogs-datetime-format": true, "awslogs-multiline-pattern": true, "awslogs-endpoint": true,
	"mode": true, "max-buffer-size": true,
}

func containerLogs(c *types.ContainerDefinition, fargate bool) error {
	l := c.LogConfiguration
	if l == nil {
		return nil
	}
	switch l.LogDriver {
	case types.LogDriverAwslogs:
	case types.LogDriverSplunk, types.LogDriverAwsfirelens:
		return nil
	default:
		if fargate {
			return clientError("Fargate compatible task definitions only support the log drivers awslogs, splunk and awsfirelens.")
		}
		return nil
	}
	for name := range l.Options {
		if !logOptions[name] {
			return clientError("Log driver awslogs disallows options: %s.", name)
		}
	}
	required := []string{"awslogs-group", "awslogs-region"}
	if fargate {
		required = append(required, "awslogs-stream-prefix")
	}
	for _, name := range required {
		if l.Options[name] == "" {
			return clientError("Log driver awslogs requires options: %s.", name)
		}
	}
	if l.Options["awslogs-datetime-format"] != "" && l.Options["awslogs-multiline-pattern"] != "" {
		return clientError("Log driver awslogs: the options awslogs-datetime-format and awslogs-multiline-pattern exclude each other.")
	}
	return nil
}

// containerNetwork checks what a shared network leaves no room for.
func containerNetwork(c *types.ContainerDefinition, d *types.TaskDefinition, fargate bool) error {
	own := d.NetworkMode == types.NetworkModeAwsvpc
	switch {
	case own && len(c.ExtraHosts) > 0:
		return clientError("Extra hosts are not supported when networkMode=awsvpc.")
	case len(c.Links) > 0 && d.NetworkMode != types.NetworkModeBridge:
		return clientError("Links are not supported when networkMode=%s.", d.NetworkMode)
	case own && aws.ToString(c.Hostname) != "":
		return clientError("Hostname is not supported when networkMode=awsvpc.")
	case d.NetworkMode == types.NetworkModeNone && len(c.PortMappings) > 0:
		return clientError("Port mappings are not supported when networkMode=none.")
	case fargate && len(c.DockerSecurityOptions) > 0:
		return clientError("Fargate compatible task definitions do not support dockerSecurityOptions.")
	case fargate && c.LinuxParameters != nil && len(c.LinuxParameters.Devices) > 0:
		return clientError("Fargate compatible task definitions do not support devices.")
	}
	return nil
}
