package ecs_test

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go/aws"
	"github.com/aws/aws-sdk-go/service/ecs"

	"github.com/slipway-dev/slipway/cmd/slipway/apptest"
)

// The older client, as the Terraform provider of 2024 uses it.
func TestOlderClient(t *testing.T) {
	srv, _ := server(t)
	conn := ecs.New(srv.Older())
	made, err := conn.CreateCluster(&ecs.CreateClusterInput{ClusterName: aws.String("old"),
		Settings: []*ecs.ClusterSetting{{Name: aws.String("containerInsights"), Value: aws.String("enabled")}},
		Tags:     []*ecs.Tag{{Key: aws.String("k"), Value: aws.String("v")}}})
	if err != nil {
		t.Fatal(err)
	}
	arn := made.Cluster.ClusterArn
	clusterNow := func() *ecs.Cluster {
		t.Helper()
		out, err := conn.DescribeClusters(&ecs.DescribeClustersInput{Clusters: []*string{arn}, Include: aws.StringSlice([]string{"TAGS", "CONFIGURATIONS", "SETTINGS"})})
		if err != nil || len(out.Clusters) != 1 {
			t.Fatal(out, err)
		}
		return out.Clusters[0]
	}
	if c := clusterNow(); *c.Status != "ACTIVE" || *c.Settings[0].Value != "enabled" || *c.Tags[0].Value != "v" || c.Configuration != nil {
		t.Errorf("%v", c)
	}
	if _, err := conn.PutClusterCapacityProviders(&ecs.PutClusterCapacityProvidersInput{Cluster: aws.String("old"), CapacityProviders: aws.StringSlice([]string{"FARGATE"}),
		DefaultCapacityProviderStrategy: []*ecs.CapacityProviderStrategyItem{}}); err != nil {
		t.Fatal(err)
	}
	if c := clusterNow(); len(c.CapacityProviders) != 1 || len(c.DefaultCapacityProviderStrategy) != 0 {
		t.Errorf("%v", c)
	}

	defined, err := conn.RegisterTaskDefinition(&ecs.RegisterTaskDefinitionInput{Family: aws.String("old"), NetworkMode: aws.String("awsvpc"), Cpu: aws.String("256"), Memory: aws.String("512"),
		RequiresCompatibilities: aws.StringSlice([]string{"FARGATE"}),
		ContainerDefinitions: []*ecs.ContainerDefinition{{Name: aws.String("app"), Image: aws.String("x"), Essential: aws.Bool(true),
			PortMappings: []*ecs.PortMapping{{ContainerPort: aws.Int64(80)}}}}})
	if err != nil {
		t.Fatal(err)
	}
	td := defined.TaskDefinition
	if c := td.ContainerDefinitions[0]; *c.PortMappings[0].HostPort != 80 || *c.Cpu != 0 || *td.Revision != 1 || td.RegisteredAt.IsZero() {
		t.Errorf("%v", td)
	}

	read := func(arn *string) *ecs.Service {
		t.Helper()
		out, err := conn.DescribeServices(&ecs.DescribeServicesInput{Cluster: made.Cluster.ClusterArn, Services: []*string{arn}, Include: aws.StringSlice([]string{"TAGS"})})
		if err != nil || len(out.Services) != 1 {
			t.Fatal(out, err)
		}
		return out.Services[0]
	}
	remove := func(arn *string) {
		t.Helper()
		if _, err := conn.UpdateService(&ecs.UpdateServiceInput{Cluster: made.Cluster.ClusterArn, Service: arn, DesiredCount: aws.Int64(0)}); err != nil {
			t.Fatal(err)
		}
		if _, err := conn.DeleteService(&ecs.DeleteServiceInput{Cluster: made.Cluster.ClusterArn, Service: arn}); err != nil {
			t.Fatal(err)
		}
		for end := time.Now().Add(time.Minute); *read(arn).Status != "INACTIVE"; time.Sleep(50 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatal("the service does not end")
			}
		}
	}
	svc, err := conn.CreateService(&ecs.CreateServiceInput{Cluster: arn, ServiceName: aws.String("app"), ClientToken: aws.String("t"), TaskDefinition: td.TaskDefinitionArn,
		DesiredCount: aws.Int64(0), LaunchType: aws.String("FARGATE"), SchedulingStrategy: aws.String("REPLICA"),
		DeploymentConfiguration: &ecs.DeploymentConfiguration{MaximumPercent: aws.Int64(200), MinimumHealthyPercent: aws.Int64(100)},
		EnableECSManagedTags:    aws.Bool(false), EnableExecuteCommand: aws.Bool(false), PlacementConstraints: []*ecs.PlacementConstraint{},
		NetworkConfiguration: &ecs.NetworkConfiguration{AwsvpcConfiguration: &ecs.AwsVpcConfiguration{Subnets: aws.StringSlice([]string{apptest.Subnet}),
			SecurityGroups: []*string{}, AssignPublicIp: aws.String("DISABLED")}},
		Tags: []*ecs.Tag{{Key: aws.String("k"), Value: aws.String("v")}}})
	if err != nil {
		t.Fatal(err)
	}
	got := read(svc.Service.ServiceArn)
	if *got.TaskDefinition != *td.TaskDefinitionArn || *got.DeploymentController.Type != "ECS" || *got.PlatformVersion != "LATEST" || got.RoleArn != nil ||
		*got.NetworkConfiguration.AwsvpcConfiguration.AssignPublicIp != "DISABLED" || *got.Tags[0].Value != "v" || got.CreatedAt.IsZero() {
		t.Errorf("%v", got)
	}
	remove(svc.Service.ServiceArn)

	// With EXTERNAL the provider sends an empty launch type.
	svc, err = conn.CreateService(&ecs.CreateServiceInput{Cluster: arn, ServiceName: aws.String("external"), LaunchType: aws.String(""), DesiredCount: aws.Int64(1),
		SchedulingStrategy: aws.String("REPLICA"), DeploymentController: &ecs.DeploymentController{Type: aws.String("EXTERNAL")}, DeploymentConfiguration: &ecs.DeploymentConfiguration{}})
	if err != nil {
		t.Fatal(err)
	}
	if got := read(svc.Service.ServiceArn); got.TaskDefinition != nil || got.NetworkConfiguration != nil || *got.DesiredCount != 1 {
		t.Errorf("%v", got)
	}
	set, err := conn.CreateTaskSet(&ecs.CreateTaskSetInput{Cluster: arn, Service: svc.Service.ServiceArn, TaskDefinition: td.TaskDefinitionArn, ClientToken: aws.String("t"),
		LaunchType: aws.String("FARGATE"), Scale: &ecs.Scale{Unit: aws.String("PERCENT"), Value: aws.Float64(0)}, Tags: []*ecs.Tag{{Key: aws.String("k"), Value: aws.String("v")}},
		NetworkConfiguration: &ecs.NetworkConfiguration{AwsvpcConfiguration: &ecs.AwsVpcConfiguration{Subnets: aws.StringSlice([]string{apptest.Subnet})}}})
	if err != nil {
		t.Fatal(err)
	}
	readSet := func() *ecs.DescribeTaskSetsOutput {
		t.Helper()
		out, err := conn.DescribeTaskSets(&ecs.DescribeTaskSetsInput{Cluster: arn, Service: svc.Service.ServiceArn, TaskSets: []*string{set.TaskSet.Id}, Include: aws.StringSlice([]string{"TAGS"})})
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	for end := time.Now().Add(time.Minute); *readSet().TaskSets[0].StabilityStatus != "STEADY_STATE"; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the task set does not settle")
		}
	}
	if got := readSet().TaskSets[0]; *got.Status != "ACTIVE" || *got.Scale.Value != 0 || *got.Scale.Unit != "PERCENT" || *got.Tags[0].Value != "v" || *got.PlatformVersion != "1.4.0" {
		t.Errorf("%v", got)
	}
	if _, err := conn.UpdateTaskSet(&ecs.UpdateTaskSetInput{Cluster: arn, Service: svc.Service.ServiceArn, TaskSet: set.TaskSet.Id, Scale: &ecs.Scale{Unit: aws.String("PERCENT"), Value: aws.Float64(0)}}); err != nil {
		t.Error(err)
	}
	if _, err := conn.DeleteTaskSet(&ecs.DeleteTaskSetInput{Cluster: arn, Service: svc.Service.ServiceArn, TaskSet: set.TaskSet.Id, Force: aws.Bool(false)}); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(time.Minute); len(readSet().TaskSets) > 0; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the task set does not end")
		}
	}
	if _, err := conn.DeleteTaskSet(&ecs.DeleteTaskSetInput{Cluster: arn, Service: svc.Service.ServiceArn, TaskSet: set.TaskSet.Id}); apptest.Code(err) != ecs.ErrCodeTaskSetNotFoundException {
		t.Error(err)
	}
	remove(svc.Service.ServiceArn)

	if _, err := conn.DeregisterTaskDefinition(&ecs.DeregisterTaskDefinitionInput{TaskDefinition: td.TaskDefinitionArn}); err != nil {
		t.Error(err)
	}
	if out, err := conn.DescribeTaskDefinition(&ecs.DescribeTaskDefinitionInput{TaskDefinition: td.TaskDefinitionArn}); err != nil || *out.TaskDefinition.Status != "INACTIVE" {
		t.Error(out, err)
	}
	if _, err := conn.DeleteCluster(&ecs.DeleteClusterInput{Cluster: arn}); err != nil {
		t.Error(err)
	}
	if c := clusterNow(); *c.Status != "INACTIVE" {
		t.Errorf("after delete: %v", c)
	}
	if _, err := conn.DeleteCluster(&ecs.DeleteClusterInput{Cluster: aws.String("nobody")}); apptest.Code(err) != ecs.ErrCodeClusterNotFoundException {
		t.Error(err)
	}
	if _, err := conn.UpdateService(&ecs.UpdateServiceInput{Cluster: aws.String(cluster), Service: aws.String("nobody")}); apptest.Code(err) != ecs.ErrCodeServiceNotFoundException {
		t.Error(err)
	}
}
