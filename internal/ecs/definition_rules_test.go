package ecs

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
)

func fargateTask() *ecs.RegisterTaskDefinitionInput {
	return &ecs.RegisterTaskDefinitionInput{
		Family: aws.String("web"), Cpu: aws.String("256"), Memory: aws.String("512"), NetworkMode: types.NetworkModeAwsvpc,
		RequiresCompatibilities: []types.Compatibility{types.CompatibilityFargate}, ExecutionRoleArn: aws.String("arn:aws:iam::000000000000:role/x"),
		ContainerDefinitions: []types.ContainerDefinition{
			{Name: aws.String("app"), Image: aws.String("busybox"), PortMappings: []types.PortMapping{{ContainerPort: aws.Int32(80)}}},
			{Name: aws.String("side"), Image: aws.String("busybox"), Essential: aws.Bool(false)},
		},
	}
}

func TestFargateSizes(t *testing.T) {
	for _, c := range []struct {
		cpu, memory int
		ok          bool
	}{
		{256, 512, true}, {256, 1024, true}, {256, 2048, true}, {256, 3072, false}, {256, 768, false},
		{512, 512, false}, {512, 1024, true}, {512, 4096, true}, {512, 5120, false},
		{1024, 2048, true}, {1024, 8192, true}, {1024, 1024, false}, {1024, 2500, false},
		{4096, 30720, true}, {4096, 31744, false}, {8192, 16384, true}, {8192, 20480, true}, {8192, 17408, false},
		{16384, 122880, true}, {16384, 32768, true}, {16384, 36864, false}, {128, 512, false}, {0, 0, false},
	} {
		if got := fargateSize(c.cpu, c.memory); got != c.ok {
			t.Errorf("%d/%d: %v", c.cpu, c.memory, got)
		}
	}
}

func TestAmounts(t *testing.T) {
	for s, want := range map[string]int{"256": 256, ".25 vCPU": 256, "1 vcpu": 1024, "0.5vCPU": 512} {
		if got, ok := taskCPU(s); !ok || got != want {
			t.Errorf("%s: %d, %v", s, got, ok)
		}
	}
	for s, want := range map[string]int{"512": 512, "0.5 GB": 512, "2GB": 2048} {
		if got, ok := taskMemory(s); !ok || got != want {
			t.Errorf("%s: %d, %v", s, got, ok)
		}
	}
	for _, s := range []string{"", "x", "-1", "0", "1e99 GB", "NaN GB", "1 TB"} {
		if got, ok := taskMemory(s); ok {
			t.Errorf("%q: %d", s, got)
		}
	}
}

func TestDefaults(t *testing.T) {
	in := fargateTask()
	in.Cpu, in.Memory = aws.String(".25 vCPU"), aws.String("0.5 GB")
	in.ContainerDefinitions[0].HealthCheck = &types.HealthCheck{Command: []string{"CMD-SHELL", "true"}}
	d, err := define(in)
	if err != nil {
		t.Fatal(err)
	}
	c := d.ContainerDefinitions[0]
	p := c.PortMappings[0]
	if *d.Cpu != "256" || *d.Memory != "512" || !*c.Essential || p.Protocol != types.TransportProtocolTcp || *p.HostPort != 80 ||
		c.Environment == nil || c.MountPoints == nil || c.VolumesFrom == nil || c.SystemControls == nil || d.Volumes == nil ||
		*c.HealthCheck.Interval != 30 || *c.HealthCheck.Timeout != 5 || *c.HealthCheck.Retries != 3 || c.HealthCheck.StartPeriod != nil {
		t.Errorf("%+v", d)
	}
	if len(d.Compatibilities) != 2 || d.PlacementConstraints == nil {
		t.Errorf("compatibilities %v", d.Compatibilities)
	}
	if in.ContainerDefinitions[0].Essential != nil || in.ContainerDefinitions[0].PortMappings[0].HostPort != nil {
		t.Error("the request was changed")
	}
}

func TestRegistrationRules(t *testing.T) {
	type input = ecs.RegisterTaskDefinitionInput
	app := func(in *input) *types.ContainerDefinition { return &in.ContainerDefinitions[0] }
	side := func(in *input) *types.ContainerDefinition { return &in.ContainerDefinitions[1] }
	on := func(name string, c types.ContainerCondition) []types.ContainerDependency {
		return []types.ContainerDependency{{ContainerName: aws.String(name), Condition: c}}
	}
	for want, change := range map[string]func(*input){
		"No Fargate configuration exists":     func(in *input) { in.Memory = aws.String("768") },
		"'cpu' be defined":                    func(in *input) { in.Cpu = nil },
		"only supports network mode ‘awsvpc’": func(in *input) { in.NetworkMode = types.NetworkModeBridge },
		"privileged":                          func(in *input) { app(in).Privileged = aws.Bool(true) },
		"Links are not supported":             func(in *input) { app(in).Links = []string{"x"} },
		"unique within a task definition":     func(in *input) { side(in).Name = aws.String("app") },
		"at least one essential":              func(in *input) { app(in).Essential = aws.Bool(false) },
		"unknown container nobody":            func(in *input) { app(in).DependsOn = on("nobody", types.ContainerConditionStart) },
		"which has no health check":           func(in *input) { app(in).DependsOn = on("side", types.ContainerConditionHealthy) },
		"which is essential":                  func(in *input) { side(in).DependsOn = on("app", types.ContainerConditionSuccess) },
		"have a cycle": func(in *input) {
			app(in).DependsOn = on("side", types.ContainerConditionStart)
			side(in).DependsOn = on("app", types.ContainerConditionStart)
		},
		"ports and container ports in port mappings": func(in *input) { app(in).PortMappings[0].HostPort = aws.Int32(8080) },
		"Unknown volume": func(in *input) {
			app(in).MountPoints = []types.MountPoint{{SourceVolume: aws.String("v"), ContainerPath: aws.String("/v")}}
		},
		"do not support host.sourcePath": func(in *input) {
			in.Volumes = []types.Volume{{Name: aws.String("v"), Host: &types.HostVolumeProperties{SourcePath: aws.String("/etc")}}}
		},
		"Transit encryption must be enabled": func(in *input) {
			in.Volumes = []types.Volume{{Name: aws.String("v"), EfsVolumeConfiguration: &types.EFSVolumeConfiguration{
				FileSystemId: aws.String("fs-1"), AuthorizationConfig: &types.EFSAuthorizationConfig{AccessPointId: aws.String("fsap-1")},
			}}}
		},
		"Only one volume type": func(in *input) {
			in.Volumes = []types.Volume{{Name: aws.String("v"), ConfiguredAtLaunch: aws.Bool(true), EfsVolumeConfiguration: &types.EFSVolumeConfiguration{}}}
		},
		"container nobody of the proxy configuration": func(in *input) {
			in.ProxyConfiguration = &types.ProxyConfiguration{ContainerName: aws.String("nobody")}
		},
		"only support the pidMode task": func(in *input) { in.PidMode = types.PidModeHost },
		"EXTERNAL supports neither": func(in *input) {
			in.RequiresCompatibilities = append(in.RequiresCompatibilities, types.CompatibilityExternal)
		},
		"at least 6 MiB":                   func(in *input) { app(in).Memory = aws.Int32(5) },
		"greater than 'memoryReservation'": func(in *input) { app(in).Memory, app(in).MemoryReservation = aws.Int32(10), aws.Int32(10) },
		"total memory of the containers":   func(in *input) { app(in).Memory, side(in).Memory = aws.Int32(500), aws.Int32(500) },
		"total cpu of the containers":      func(in *input) { app(in).Cpu = 257 },
		"awslogs-stream-prefix": func(in *input) {
			app(in).LogConfiguration = &types.LogConfiguration{LogDriver: types.LogDriverAwslogs, Options: map[string]string{"awslogs-group": "g", "awslogs-region": "r"}}
		},
		"have execution role ARN": func(in *input) {
			in.ExecutionRoleArn = nil
			app(in).Secrets = []types.Secret{{Name: aws.String("S"), ValueFrom: aws.String("x")}}
		},
		"only support the log drivers": func(in *input) { app(in).LogConfiguration = &types.LogConfiguration{LogDriver: types.LogDriverFluentd} },
		"disallows options: colour": func(in *input) {
			app(in).LogConfiguration = &types.LogConfiguration{LogDriver: types.LogDriverAwslogs, Options: map[string]string{"colour": "red"}}
		},
		"must begin with CMD or CMD-SHELL": func(in *input) { app(in).HealthCheck = &types.HealthCheck{Command: []string{"true"}} },
		"Health check interval": func(in *input) {
			app(in).HealthCheck = &types.HealthCheck{Command: []string{"CMD", "true"}, Interval: aws.Int32(1)}
		},
		"stopTimeout": func(in *input) { app(in).StopTimeout = aws.Int32(121) },
		"secret name must be unique": func(in *input) {
			app(in).Environment = []types.KeyValuePair{{Name: aws.String("A")}}
			app(in).Secrets = []types.Secret{{Name: aws.String("A")}}
		},
		"Invalid secret name in container": func(in *input) {
			app(in).Secrets = []types.Secret{{Name: aws.String("A=B"), ValueFrom: aws.String("p")}}
		},
		"Family contains invalid":        func(in *input) { in.Family = aws.String("a b") },
		"Container.image contains":       func(in *input) { app(in).Image = aws.String("<IMAGE1_NAME>") },
		"Container list cannot be empty": func(in *input) { in.ContainerDefinitions = nil },
		"restartAttemptPeriod": func(in *input) {
			app(in).RestartPolicy = &types.ContainerRestartPolicy{Enabled: aws.Bool(true), RestartAttemptPeriod: aws.Int32(1)}
		},
		"Invalid port mapping":        func(in *input) { app(in).PortMappings[0].ContainerPort = aws.Int32(70000) },
		"cannot use the same port 80": func(in *input) { side(in).PortMappings = app(in).PortMappings },
	} {
		in := fargateTask()
		change(in)
		_, err := define(in)
		if err == nil || !strings.Contains(strings.ToLower(err.Error()), strings.ToLower(want)) {
			t.Errorf("%s: %v", want, err)
		}
	}
}

// What Slipway does not do is registered, and named before a task would start.
func TestLacking(t *testing.T) {
	type input = ecs.RegisterTaskDefinitionInput
	app := func(in *input) *types.ContainerDefinition { return &in.ContainerDefinitions[0] }
	for want, change := range map[string]func(*input){
		"": func(*input) {},
		"efsVolumeConfiguration": func(in *input) {
			in.Volumes = []types.Volume{{Name: aws.String("v"), EfsVolumeConfiguration: &types.EFSVolumeConfiguration{FileSystemId: aws.String("fs-1")}}}
		},
		"restartPolicy":         func(in *input) { app(in).RestartPolicy = &types.ContainerRestartPolicy{Enabled: aws.Bool(true)} },
		"The log driver splunk": func(in *input) { app(in).LogConfiguration = &types.LogConfiguration{LogDriver: types.LogDriverSplunk} },
		"proxyConfiguration": func(in *input) {
			in.ProxyConfiguration = &types.ProxyConfiguration{ContainerName: aws.String("app")}
		},
		"pidMode":              func(in *input) { in.PidMode = types.PidModeTask },
		"resourceRequirements": func(in *input) { app(in).ResourceRequirements = []types.ResourceRequirement{{}} },
		"The option awslogs-datetime-format of the log driver awslogs": func(in *input) {
			app(in).LogConfiguration = &types.LogConfiguration{LogDriver: types.LogDriverAwslogs, Options: map[string]string{
				"awslogs-group": "g", "awslogs-region": "r", "awslogs-stream-prefix": "p", "awslogs-datetime-format": "%Y"}}
		},
		"containerPortRange": func(in *input) {
			app(in).PortMappings = []types.PortMapping{{ContainerPortRange: aws.String("1-2")}}
		},
	} {
		in := fargateTask()
		change(in)
		d, err := define(in)
		if err != nil {
			t.Errorf("%s: %v", want, err)
		}
		if got := lacking(&d); got != want {
			t.Errorf("lacking %q, want %q", got, want)
		}
	}
}

func TestReferences(t *testing.T) {
	for ref, want := range map[string]string{
		"web": "web 0", "web:3": "web 3", "arn:aws:ecs:r:000000000000:task-definition/web:12": "web 12",
	} {
		name, revision, ok := parseReference(ref)
		if got := name + " " + string(rune('0'+revision%10)); !ok || revision != 12 && got != want {
			t.Errorf("%s: %s %d %v", ref, name, revision, ok)
		}
	}
	for _, ref := range []string{"", "web:", "web:0", "web:x", "../web", "web:99999999999"} {
		if _, _, ok := parseReference(ref); ok {
			t.Errorf("%q accepted", ref)
		}
	}
}
