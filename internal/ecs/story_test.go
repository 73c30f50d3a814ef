package ecs_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	elbtypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"

	"github.com/slipway-dev/slipway/cmd/slipway/apptest"
)

// lost lists what was sent and is not in what was read; what the service adds
// is no loss.
func lost(path string, sent, got any) []string {
	switch s := sent.(type) {
	case map[string]any:
		g, _ := got.(map[string]any)
		var all []string
		for k, v := range s {
			if v != nil && v != "" && !reflect.DeepEqual(v, []any{}) {
				all = append(all, lost(path+"."+k, v, g[k])...)
			}
		}
		return all
	case []any:
		g, _ := got.([]any)
		if len(g) != len(s) {
			return []string{fmt.Sprintf("%s: sent %v, read %v", path, sent, got)}
		}
		var all []string
		for i := range s {
			all = append(all, lost(fmt.Sprintf("%s[%d]", path, i), s[i], g[i])...)
		}
		return all
	}
	if sent != got && sent != false && sent != 0.0 {
		return []string{fmt.Sprintf("%s: sent %v, read %v", path, sent, got)}
	}
	return nil
}

func plain(t *testing.T, v any) (out any) {
	t.Helper()
	b, err := json.Marshal(v)
	if err == nil {
		err = json.Unmarshal(b, &out)
	}
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func noDrift(t *testing.T, what string, sent, got any) {
	t.Helper()
	for _, l := range lost(what, plain(t, sent), plain(t, got)) {
		t.Error(l)
	}
}

// An aws_ecs_cluster with its capacity providers, in the provider's calls.
func TestClusterStory(t *testing.T) {
	_, client := server(t)
	ctx := t.Context()
	all := types.ClusterField("").Values()
	in := &ecs.CreateClusterInput{
		ClusterName: aws.String("full"),
		Configuration: &types.ClusterConfiguration{
			ExecuteCommandConfiguration: &types.ExecuteCommandConfiguration{
				KmsKeyId: aws.String("key"), Logging: types.ExecuteCommandLoggingOverride,
				LogConfiguration: &types.ExecuteCommandLogConfiguration{CloudWatchLogGroupName: aws.String("g"), CloudWatchEncryptionEnabled: true},
			},
			ManagedStorageConfiguration: &types.ManagedStorageConfiguration{FargateEphemeralStorageKmsKeyId: aws.String("key")},
		},
		ServiceConnectDefaults: &types.ClusterServiceConnectDefaultsRequest{Namespace: aws.String("arn:aws:servicediscovery:us-east-1:000000000000:namespace/ns-1")},
		Settings:               []types.ClusterSetting{{Name: types.ClusterSettingNameContainerInsights, Value: aws.String("enhanced")}},
		Tags:                   []types.Tag{{Key: aws.String("k"), Value: aws.String("v")}},
	}
	out, err := client.CreateCluster(ctx, in)
	if err != nil {
		t.Fatal(err)
	}
	arn := *out.Cluster.ClusterArn
	read := func(include ...types.ClusterField) types.Cluster {
		t.Helper()
		out, err := client.DescribeClusters(ctx, &ecs.DescribeClustersInput{Clusters: []string{arn}, Include: include})
		if err != nil || len(out.Clusters) != 1 {
			t.Fatalf("%+v, %v", out, err)
		}
		return out.Clusters[0]
	}
	got := read(all...)
	noDrift(t, "cluster", in, got)
	if *got.Status != "ACTIVE" {
		t.Errorf("status %s", *got.Status)
	}
	if bare := read(); bare.Configuration != nil || len(bare.Settings) != 0 || len(bare.Tags) != 0 {
		t.Errorf("what was not asked for: %+v", bare)
	}

	put := &ecs.PutClusterCapacityProvidersInput{Cluster: aws.String("full"), CapacityProviders: []string{"FARGATE", "FARGATE_SPOT"},
		DefaultCapacityProviderStrategy: []types.CapacityProviderStrategyItem{{CapacityProvider: aws.String("FARGATE"), Base: 1, Weight: 1}}}
	if _, err := client.PutClusterCapacityProviders(ctx, put); err != nil {
		t.Fatal(err)
	}
	noDrift(t, "providers", put.DefaultCapacityProviderStrategy, read(all...).DefaultCapacityProviderStrategy)

	if _, err := client.UpdateCluster(ctx, &ecs.UpdateClusterInput{Cluster: &arn, Settings: []types.ClusterSetting{
		{Name: types.ClusterSettingNameContainerInsights, Value: aws.String("disabled")}}}); err != nil {
		t.Fatal(err)
	}
	if got = read(all...); *got.Settings[0].Value != "disabled" || got.Configuration == nil || got.ServiceConnectDefaults == nil {
		t.Errorf("after the update: %+v", got)
	}
	var invalid *types.InvalidParameterException
	if _, err := client.UpdateCluster(ctx, &ecs.UpdateClusterInput{Cluster: &arn, Settings: []types.ClusterSetting{
		{Name: types.ClusterSettingNameContainerInsights, Value: aws.String("loud")}}}); !errors.As(err, &invalid) {
		t.Errorf("a value that does not exist: %v", err)
	}
	if _, err := client.PutClusterCapacityProviders(ctx, &ecs.PutClusterCapacityProvidersInput{Cluster: &arn, CapacityProviders: []string{"mine"},
		DefaultCapacityProviderStrategy: []types.CapacityProviderStrategyItem{}}); !errors.As(err, &invalid) {
		t.Errorf("a provider that does not exist: %v", err)
	}
	if _, err := client.PutClusterCapacityProviders(ctx, &ecs.PutClusterCapacityProvidersInput{Cluster: &arn, CapacityProviders: []string{},
		DefaultCapacityProviderStrategy: []types.CapacityProviderStrategyItem{}}); err != nil {
		t.Fatal(err)
	}
	if _, err := client.TagResource(ctx, &ecs.TagResourceInput{ResourceArn: &arn, Tags: []types.Tag{{Key: aws.String("k"), Value: aws.String("w")}}}); err != nil {
		t.Fatal(err)
	}
	tags, err := client.ListTagsForResource(ctx, &ecs.ListTagsForResourceInput{ResourceArn: &arn})
	if err != nil || len(tags.Tags) != 1 || *tags.Tags[0].Value != "w" {
		t.Errorf("%+v, %v", tags, err)
	}
	if _, err := client.DeleteCluster(ctx, &ecs.DeleteClusterInput{Cluster: &arn}); err != nil {
		t.Fatal(err)
	}
	if got = read(); *got.Status != "INACTIVE" {
		t.Errorf("after delete: %s", *got.Status)
	}
	var gone *types.ClusterNotFoundException
	if _, err := client.DescribeServices(ctx, &ecs.DescribeServicesInput{Cluster: &arn, Services: []string{"s"}}); !errors.As(err, &gone) {
		t.Errorf("services of a deleted cluster: %v", err)
	}
}

// An aws_ecs_task_definition with what a document can have.
func TestTaskDefinitionStory(t *testing.T) {
	_, client := server(t)
	ctx := t.Context()
	in := &ecs.RegisterTaskDefinitionInput{
		Family: aws.String("full"), NetworkMode: types.NetworkModeAwsvpc, Cpu: aws.String("1024"), Memory: aws.String("2048"),
		TaskRoleArn: aws.String("arn:aws:iam::000000000000:role/task"), ExecutionRoleArn: aws.String("arn:aws:iam::000000000000:role/exec"),
		RequiresCompatibilities: []types.Compatibility{types.CompatibilityFargate}, PidMode: types.PidModeTask,
		RuntimePlatform:      &types.RuntimePlatform{OperatingSystemFamily: types.OSFamilyLinux, CpuArchitecture: types.CPUArchitectureArm64},
		EphemeralStorage:     &types.EphemeralStorage{SizeInGiB: 50},
		EnableFaultInjection: aws.Bool(true),
		ProxyConfiguration: &types.ProxyConfiguration{ContainerName: aws.String("proxy"), Type: types.ProxyConfigurationTypeAppmesh,
			Properties: []types.KeyValuePair{{Name: aws.String("AppPorts"), Value: aws.String("8080")}}},
		Volumes: []types.Volume{{Name: aws.String("files"), EfsVolumeConfiguration: &types.EFSVolumeConfiguration{
			FileSystemId: aws.String("fs-1"), RootDirectory: aws.String("/"), TransitEncryption: types.EFSTransitEncryptionEnabled, TransitEncryptionPort: aws.Int32(2999),
			AuthorizationConfig: &types.EFSAuthorizationConfig{AccessPointId: aws.String("fsap-1"), Iam: types.EFSAuthorizationConfigIAMEnabled}}}},
		ContainerDefinitions: []types.ContainerDefinition{{
			Name: aws.String("app"), Image: aws.String("app"), Command: []string{"run"}, EntryPoint: []string{"/entry"},
			Environment:      []types.KeyValuePair{{Name: aws.String("Z"), Value: aws.String("1")}, {Name: aws.String("A"), Value: aws.String("")}},
			Secrets:          []types.Secret{{Name: aws.String("S"), ValueFrom: aws.String("arn:aws:ssm:us-east-1:000000000000:parameter/s")}},
			EnvironmentFiles: []types.EnvironmentFile{{Type: types.EnvironmentFileTypeS3, Value: aws.String("arn:aws:s3:::b/a.env")}},
			MountPoints:      []types.MountPoint{{SourceVolume: aws.String("files"), ContainerPath: aws.String("/f"), ReadOnly: aws.Bool(true)}},
			PortMappings:     []types.PortMapping{{ContainerPort: aws.Int32(8080), Name: aws.String("http"), AppProtocol: types.ApplicationProtocolHttp}},
			DependsOn:        []types.ContainerDependency{{ContainerName: aws.String("proxy"), Condition: types.ContainerConditionHealthy}},
			DockerLabels:     map[string]string{"a": "b"}, Ulimits: []types.Ulimit{{Name: types.UlimitNameNofile, SoftLimit: 1, HardLimit: 2}},
			LinuxParameters:        &types.LinuxParameters{InitProcessEnabled: aws.Bool(true), Capabilities: &types.KernelCapabilities{Drop: []string{"NET_RAW"}}},
			ReadonlyRootFilesystem: aws.Bool(true), StartTimeout: aws.Int32(10), StopTimeout: aws.Int32(20), User: aws.String("1"), WorkingDirectory: aws.String("/w"),
			LogConfiguration: &types.LogConfiguration{LogDriver: types.LogDriverAwsfirelens, Options: map[string]string{"Name": "x"}},
			RestartPolicy:    &types.ContainerRestartPolicy{Enabled: aws.Bool(true), IgnoredExitCodes: []int32{0}, RestartAttemptPeriod: aws.Int32(60)},
		}, {
			Name: aws.String("proxy"), Image: aws.String("envoy"), HealthCheck: &types.HealthCheck{Command: []string{"CMD", "true"}},
			VersionConsistency: types.VersionConsistencyDisabled,
		}},
		Tags: []types.Tag{{Key: aws.String("k"), Value: aws.String("v")}},
	}
	out, err := client.RegisterTaskDefinition(ctx, in)
	if err != nil {
		t.Fatal(err)
	}
	arn := *out.TaskDefinition.TaskDefinitionArn
	read := func(ref string) *ecs.DescribeTaskDefinitionOutput {
		t.Helper()
		out, err := client.DescribeTaskDefinition(ctx, &ecs.DescribeTaskDefinitionInput{TaskDefinition: &ref, Include: []types.TaskDefinitionField{types.TaskDefinitionFieldTags}})
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	got := read(arn)
	noDrift(t, "tags", in.Tags, got.Tags)
	sent := *in
	sent.Tags = nil
	noDrift(t, "definition", sent, got.TaskDefinition)
	if h := got.TaskDefinition.ContainerDefinitions[1].HealthCheck; *h.Interval != 30 || *h.Retries != 3 || *h.Timeout != 5 {
		t.Errorf("%+v", h)
	}
	// No task of it starts, and it is told why.
	var unsupported *types.UnsupportedFeatureException
	_, err = client.RunTask(ctx, &ecs.RunTaskInput{Cluster: aws.String(cluster), TaskDefinition: &arn, NetworkConfiguration: network})
	if !errors.As(err, &unsupported) || !strings.Contains(unsupported.ErrorMessage(), "proxyConfiguration is not implemented") {
		t.Errorf("run: %v", err)
	}
	if _, err := client.DeregisterTaskDefinition(ctx, &ecs.DeregisterTaskDefinitionInput{TaskDefinition: &arn}); err != nil {
		t.Fatal(err)
	}
	if got = read(arn); got.TaskDefinition.Status != types.TaskDefinitionStatusInactive || got.TaskDefinition.DeregisteredAt == nil {
		t.Errorf("after delete: %+v", got.TaskDefinition.Status)
	}
}

// An aws_ecs_service with what a service can be attached to.
func TestServiceStory(t *testing.T) {
	srv, client := server(t)
	ctx := t.Context()
	group, _ := apptest.TargetGroup(t, srv, "web", elbtypes.TargetTypeEnumIp)
	definition := register(t, client, "x", "1", func(in *ecs.RegisterTaskDefinitionInput) {
		in.TaskRoleArn = aws.String("arn:aws:iam::000000000000:role/task")
		in.EnableFaultInjection = aws.Bool(true)
		in.RuntimePlatform = &types.RuntimePlatform{CpuArchitecture: types.CPUArchitectureArm64}
	})
	in := &ecs.CreateServiceInput{
		Cluster: aws.String(cluster), ServiceName: aws.String("full"), TaskDefinition: &definition, DesiredCount: aws.Int32(0), LaunchType: types.LaunchTypeFargate,
		ClientToken: aws.String("token"), NetworkConfiguration: network, PlatformVersion: aws.String("1.4.0"), EnableECSManagedTags: true, EnableExecuteCommand: true,
		PropagateTags: types.PropagateTagsService, HealthCheckGracePeriodSeconds: aws.Int32(30), AvailabilityZoneRebalancing: types.AvailabilityZoneRebalancingEnabled,
		DeploymentConfiguration: &types.DeploymentConfiguration{MaximumPercent: aws.Int32(150), MinimumHealthyPercent: aws.Int32(50),
			DeploymentCircuitBreaker: &types.DeploymentCircuitBreaker{Enable: true, Rollback: true},
			Alarms:                   &types.DeploymentAlarms{Enable: true, Rollback: true, AlarmNames: []string{"errors"}}},
		DeploymentController: &types.DeploymentController{Type: types.DeploymentControllerTypeEcs},
		LoadBalancers:        []types.LoadBalancer{{TargetGroupArn: &group, ContainerName: aws.String("app"), ContainerPort: aws.Int32(8080)}},
		ServiceRegistries:    []types.ServiceRegistry{{RegistryArn: aws.String("arn:aws:servicediscovery:us-east-1:000000000000:service/srv-1")}},
		Tags:                 []types.Tag{{Key: aws.String("k"), Value: aws.String("v")}},
	}
	created, err := client.CreateService(ctx, in)
	if err != nil {
		t.Fatal(err)
	}
	again, err := client.CreateService(ctx, in) // with the same token
	if err != nil || *again.Service.CreatedAt != *created.Service.CreatedAt {
		t.Errorf("again: %v", err)
	}
	arn := *created.Service.ServiceArn
	if arn != "arn:aws:ecs:us-east-1:000000000000:service/c/full" {
		t.Errorf("arn %s", arn)
	}
	read := func() types.Service {
		t.Helper()
		out, err := client.DescribeServices(ctx, &ecs.DescribeServicesInput{Cluster: aws.String(cluster), Services: []string{arn}, Include: []types.ServiceField{types.ServiceFieldTags}})
		if err != nil || len(out.Services) != 1 {
			t.Fatalf("%+v, %v", out, err)
		}
		return out.Services[0]
	}
	sent := *in
	sent.Cluster, sent.ClientToken = nil, nil
	got := read()
	noDrift(t, "service", sent, got)
	if *got.RoleArn != "arn:aws:iam::000000000000:role/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS" || *got.ClusterArn != "arn:aws:ecs:us-east-1:000000000000:cluster/c" {
		t.Errorf("role %s, cluster %s", *got.RoleArn, *got.ClusterArn)
	}
	said := func(what string) bool {
		for _, e := range read().Events {
			if strings.Contains(*e.Message, what) {
				return true
			}
		}
		return false
	}
	for _, what := range []string{"service discovery is not implemented", "ExecuteCommand is not implemented", "fault injection is not implemented"} {
		if !said(what) {
			t.Errorf("the events do not say: %s", what)
		}
	}
	for end := time.Now().Add(time.Minute); !said("watches alarms that do not exist: errors."); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the events do not say which alarms are not there")
		}
	}
	if runtime.GOARCH == "amd64" && !said("CPU architecture X86_64, not for ARM64") {
		t.Error("the events do not say which images run")
	}
	update := func(u ecs.UpdateServiceInput) types.Service {
		t.Helper()
		u.Cluster, u.Service = aws.String(cluster), &arn
		if _, err := client.UpdateService(ctx, &u); err != nil {
			t.Fatal(err)
		}
		return read()
	}
	id := func(s types.Service) string { return *s.Deployments[0].Id }
	// What tasks are not made from starts no deployment.
	first := id(got)
	got = update(ecs.UpdateServiceInput{PropagateTags: types.PropagateTagsNone, EnableECSManagedTags: aws.Bool(false), HealthCheckGracePeriodSeconds: aws.Int32(5),
		DeploymentConfiguration: &types.DeploymentConfiguration{MaximumPercent: aws.Int32(200)}, NetworkConfiguration: network})
	if id(got) != first || got.PropagateTags != types.PropagateTagsNone || *got.HealthCheckGracePeriodSeconds != 5 ||
		*got.DeploymentConfiguration.MinimumHealthyPercent != 50 || got.DeploymentConfiguration.Alarms == nil {
		t.Errorf("%+v", got)
	}
	if got = update(ecs.UpdateServiceInput{ServiceRegistries: []types.ServiceRegistry{}}); id(got) == first || len(got.ServiceRegistries) != 0 || len(got.LoadBalancers) != 1 {
		t.Errorf("registries removed: %+v", got)
	}
	second := id(got)
	if got = update(ecs.UpdateServiceInput{ForceNewDeployment: true}); id(got) == second {
		t.Error("no new deployment though forced")
	}
	var invalid *types.InvalidParameterException
	_, err = client.DescribeServices(ctx, &ecs.DescribeServicesInput{Services: []string{arn}})
	var noCluster *types.ClusterNotFoundException
	if !errors.As(err, &noCluster) {
		t.Errorf("in the default cluster, which does not exist: %v", err)
	}
	_, err = client.UpdateService(ctx, &ecs.UpdateServiceInput{Cluster: aws.String(cluster), Service: aws.String("arn:aws:ecs:us-east-1:000000000000:service/other/full")})
	if !errors.As(err, &invalid) || invalid.ErrorMessage() != "Invalid identifier: Identifier is for cluster other. Your cluster is c" {
		t.Errorf("another cluster's: %v", err)
	}
	remove(t, client, arn)
	missing, err := client.DescribeServices(ctx, &ecs.DescribeServicesInput{Cluster: aws.String(cluster), Services: []string{"nobody"}})
	if err != nil || len(missing.Failures) != 1 || *missing.Failures[0].Reason != "MISSING" {
		t.Errorf("%+v, %v", missing, err)
	}
}

// remove does what the provider does: to nothing, delete, wait.
func remove(t *testing.T, client *ecs.Client, arn string) {
	t.Helper()
	ctx := t.Context()
	if _, err := client.UpdateService(ctx, &ecs.UpdateServiceInput{Cluster: aws.String(cluster), Service: &arn, DesiredCount: aws.Int32(0)}); err != nil {
		t.Fatal(err)
	}
	if _, err := client.DeleteService(ctx, &ecs.DeleteServiceInput{Cluster: aws.String(cluster), Service: &arn}); err != nil {
		t.Fatal(err)
	}
	w := ecs.NewServicesInactiveWaiter(client, func(o *ecs.ServicesInactiveWaiterOptions) { o.MinDelay, o.MaxDelay = 20*time.Millisecond, time.Second })
	if err := w.Wait(ctx, &ecs.DescribeServicesInput{Cluster: aws.String(cluster), Services: []string{arn}}, time.Minute); err != nil {
		t.Error(err)
	}
}

// Services that others deploy, and one on each machine.
func TestControllers(t *testing.T) {
	srv, client := server(t)
	ctx := t.Context()
	group, _ := apptest.TargetGroup(t, srv, "web", elbtypes.TargetTypeEnumIp)
	definition := register(t, client, "x", "1")
	create := func(in ecs.CreateServiceInput) types.Service {
		t.Helper()
		in.Cluster = aws.String(cluster)
		out, err := client.CreateService(ctx, &in)
		if err != nil {
			t.Fatal(err)
		}
		return *out.Service
	}
	blue := create(ecs.CreateServiceInput{
		ServiceName: aws.String("blue"), TaskDefinition: &definition, DesiredCount: aws.Int32(0), LaunchType: types.LaunchTypeFargate, NetworkConfiguration: network,
		DeploymentController: &types.DeploymentController{Type: types.DeploymentControllerTypeCodeDeploy},
		LoadBalancers:        []types.LoadBalancer{{TargetGroupArn: &group, ContainerName: aws.String("app"), ContainerPort: aws.Int32(8080)}},
	})
	if len(blue.Deployments) != 0 || len(blue.TaskSets) != 1 || *blue.TaskDefinition != definition || blue.DeploymentConfiguration.DeploymentCircuitBreaker != nil {
		t.Errorf("%+v", blue)
	}
	if s := blue.TaskSets[0]; *s.Status != "PRIMARY" || s.Scale.Value != 100 || s.ExternalId != nil || !strings.HasPrefix(*s.TaskSetArn, "arn:aws:ecs:us-east-1:000000000000:task-set/c/blue/ecs-svc/") {
		t.Errorf("%+v", s)
	}
	for want, in := range map[string]*ecs.UpdateServiceInput{
		"Unable to update task definition on services with a CODE_DEPLOY deployment controller. Use AWS CodeDeploy to trigger a new deployment.":    {TaskDefinition: &definition},
		"Unable to update network parameters on services with a CODE_DEPLOY deployment controller. Use AWS CodeDeploy to trigger a new deployment.": {NetworkConfiguration: network},
		"Cannot force a new deployment on services with a CODE_DEPLOY deployment controller. Use AWS CodeDeploy to trigger a new deployment.":       {ForceNewDeployment: true},
	} {
		in.Cluster, in.Service = aws.String(cluster), aws.String("blue")
		var invalid *types.InvalidParameterException
		if _, err := client.UpdateService(ctx, in); !errors.As(err, &invalid) || invalid.ErrorMessage() != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
	// Deploying is not there yet.
	if _, err := client.CreateTaskSet(ctx, &ecs.CreateTaskSetInput{Cluster: aws.String(cluster), Service: aws.String("blue"), TaskDefinition: &definition}); err == nil ||
		!strings.Contains(err.Error(), "CreateTaskSet") {
		t.Errorf("a task set: %v", err)
	}
	remove(t, client, *blue.ServiceArn)

	other := create(ecs.CreateServiceInput{ServiceName: aws.String("external"), DeploymentController: &types.DeploymentController{Type: types.DeploymentControllerTypeExternal}})
	if len(other.Deployments)+len(other.TaskSets) != 0 || other.TaskDefinition != nil {
		t.Errorf("%+v", other)
	}
	remove(t, client, *other.ServiceArn)

	out, err := client.RegisterTaskDefinition(ctx, &ecs.RegisterTaskDefinitionInput{Family: aws.String("each"),
		ContainerDefinitions: []types.ContainerDefinition{{Name: aws.String("a"), Image: aws.String("x"), Memory: aws.Int32(64)}}})
	if err != nil {
		t.Fatal(err)
	}
	each := create(ecs.CreateServiceInput{ServiceName: aws.String("each"), TaskDefinition: out.TaskDefinition.TaskDefinitionArn, SchedulingStrategy: types.SchedulingStrategyDaemon})
	if each.DesiredCount != 1 || *each.DeploymentConfiguration.MaximumPercent != 100 || *each.DeploymentConfiguration.MinimumHealthyPercent != 0 || each.LaunchType != types.LaunchTypeEc2 {
		t.Errorf("%+v", each)
	}
	remove(t, client, *each.ServiceArn)
}

// The target group of a service must exist, be behind a load balancer, and take
// what the tasks are.
func TestTargetGroups(t *testing.T) {
	srv, client := server(t)
	ctx := t.Context()
	definition := register(t, client, "x", "1")
	instances, _ := apptest.TargetGroup(t, srv, "instances", elbtypes.TargetTypeEnumInstance)
	loose, err := elb.NewFromConfig(srv.Config()).CreateTargetGroup(ctx, &elb.CreateTargetGroupInput{Name: aws.String("loose"), Protocol: elbtypes.ProtocolEnumHttp,
		Port: aws.Int32(80), VpcId: aws.String("vpc-00000000000000001"), TargetType: elbtypes.TargetTypeEnumIp})
	if err != nil {
		t.Fatal(err)
	}
	for group, want := range map[string]string{
		*loose.TargetGroups[0].TargetGroupArn: "does not have an associated load balancer.",
		instances:                             "has target type instance, which is incompatible with the awsvpc network mode specified in the task definition.",
		"arn:aws:elasticloadbalancing:us-east-1:000000000000:targetgroup/nobody/0123456789abcdef": "does not exist.",
	} {
		_, err := client.CreateService(ctx, &ecs.CreateServiceInput{Cluster: aws.String(cluster), ServiceName: aws.String("s"), TaskDefinition: &definition,
			DesiredCount: aws.Int32(0), LaunchType: types.LaunchTypeFargate, NetworkConfiguration: network,
			LoadBalancers: []types.LoadBalancer{{TargetGroupArn: &group, ContainerName: aws.String("app"), ContainerPort: aws.Int32(8080)}}})
		var invalid *types.InvalidParameterException
		if !errors.As(err, &invalid) || !strings.HasSuffix(invalid.ErrorMessage(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}
