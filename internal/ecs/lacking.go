package ecs

import (
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
)

// lacking names the first thing that a definition asks of its tasks and that
// Slipway does not do; "" if there is none. Such definitions are registered and
// described like others, and no task of them starts.
func lacking(d *types.TaskDefinition) string {
	switch {
	case len(d.InferenceAccelerators) > 0:
		return "inferenceAccelerators"
	case d.ProxyConfiguration != nil:
		return "proxyConfiguration"
	case d.PidMode != "":
		return "pidMode"
	case d.IpcMode != "":
		return "ipcMode"
	case d.NetworkMode == types.NetworkModeHost, d.NetworkMode == types.NetworkModeNone:
		return "The network mode " + string(d.NetworkMode)
	case d.RuntimePlatform != nil && strings.HasPrefix(string(d.RuntimePlatform.OperatingSystemFamily), "WINDOWS"):
		return "The operating system family " + string(d.RuntimePlatform.OperatingSystemFamily)
	}
	for _, v := range d.Volumes {
		switch {
		case v.EfsVolumeConfiguration != nil:
			return "efsVolumeConfiguration"
		case v.DockerVolumeConfiguration != nil:
			return "dockerVolumeConfiguration"
		case v.FsxWindowsFileServerVolumeConfiguration != nil:
			return "fsxWindowsFileServerVolumeConfiguration"
		case v.S3filesVolumeConfiguration != nil:
			return "s3filesVolumeConfiguration"
		case aws.ToBool(v.ConfiguredAtLaunch):
			return "configuredAtLaunch"
		}
	}
	for _, c := range d.ContainerDefinitions {
		if what := lackingOf(&c); what != "" {
			return what
		}
	}
	return ""
}

func lackingOf(c *types.ContainerDefinition) string {
	switch {
	case c.FirelensConfiguration != nil:
		return "firelensConfiguration"
	case len(c.Links) > 0:
		return "links"
	case len(c.CredentialSpecs) > 0:
		return "credentialSpecs"
	case len(c.ResourceRequirements) > 0:
		return "resourceRequirements"
	case c.RestartPolicy != nil && aws.ToBool(c.RestartPolicy.Enabled):
		return "restartPolicy"
	case aws.ToBool(c.DisableNetworking):
		return "disableNetworking"
	case len(c.DnsServers)+len(c.DnsSearchDomains) > 0:
		return "dnsServers and dnsSearchDomains"
	case len(c.DockerSecurityOptions) > 0:
		return "dockerSecurityOptions"
	case len(c.ExtraHosts) > 0:
		return "extraHosts"
	case aws.ToString(c.Hostname) != "":
		return "hostname"
	case aws.ToBool(c.Interactive), aws.ToBool(c.PseudoTerminal):
		return "interactive and pseudoTerminal"
	case c.LinuxParameters != nil && len(c.LinuxParameters.Devices) > 0:
		return "linuxParameters.devices"
	case c.LinuxParameters != nil && (c.LinuxParameters.MaxSwap != nil || c.LinuxParameters.Swappiness != nil):
		return "linuxParameters.maxSwap and swappiness"
	}
	for _, p := range c.PortMappings {
		if aws.ToString(p.ContainerPortRange) != "" {
			return "containerPortRange"
		}
	}
	return lackingLogs(c.LogConfiguration)
}

// shippedOptions are those of the awslogs driver that are honoured. All lines
// are shipped whatever the mode: a slow log group never makes a container wait.
var shippedOptions = map[string]bool{
	"awslogs-group": true, "awslogs-region": true, "awslogs-stream-prefix": true, "awslogs-create-group": true,
	"mode": true, "max-buffer-size": true,
}

func lackingLogs(l *types.LogConfiguration) string {
	if l == nil {
		return ""
	}
	if l.LogDriver != types.LogDriverAwslogs {
		return "The log driver " + string(l.LogDriver)
	}
	if len(l.SecretOptions) > 0 {
		return "logConfiguration.secretOptions"
	}
	for name := range l.Options {
		if !shippedOptions[name] {
			return "The option " + name + " of the log driver awslogs"
		}
	}
	return ""
}
