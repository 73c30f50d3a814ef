package codedeploy_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codedeploy"
	"github.com/aws/aws-sdk-go-v2/service/codedeploy/types"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	ecstypes "github.com/aws/aws-sdk-go-v2/service/ecs/types"
	elbtypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"

	"github.com/slipway-dev/slipway/cmd/slipway/apptest"
)

// blueGreen makes a service that CodeDeploy deploys.
func blueGreen(t *testing.T, srv *apptest.Server, name string) {
	t.Helper()
	client, ctx := ecs.NewFromConfig(srv.Config()), t.Context()
	if _, err := client.CreateCluster(ctx, &ecs.CreateClusterInput{ClusterName: aws.String("c")}); err != nil {
		t.Fatal(err)
	}
	d, err := client.RegisterTaskDefinition(ctx, &ecs.RegisterTaskDefinitionInput{Family: aws.String("f"), ContainerDefinitions: []ecstypes.ContainerDefinition{{
		Name: aws.String("a"), Image: aws.String("x"), Memory: aws.Int32(64), PortMappings: []ecstypes.PortMapping{{ContainerPort: aws.Int32(80)}}}}})
	if err != nil {
		t.Fatal(err)
	}
	in := &ecs.CreateServiceInput{Cluster: aws.String("c"), ServiceName: &name, TaskDefinition: d.TaskDefinition.TaskDefinitionArn, DesiredCount: aws.Int32(0)}
	if name != "rolling" {
		group, _ := apptest.TargetGroup(t, srv, name, elbtypes.TargetTypeEnumInstance)
		in.DeploymentController = &ecstypes.DeploymentController{Type: ecstypes.DeploymentControllerTypeCodeDeploy}
		in.LoadBalancers = []ecstypes.LoadBalancer{{TargetGroupArn: &group, ContainerName: aws.String("a"), ContainerPort: aws.Int32(80)}}
	}
	if _, err := client.CreateService(ctx, in); err != nil {
		t.Fatal(err)
	}
}

func pair() *types.LoadBalancerInfo {
	return &types.LoadBalancerInfo{TargetGroupPairInfoList: []types.TargetGroupPairInfo{{
		TargetGroups:     []types.TargetGroupInfo{{Name: aws.String("blue")}, {Name: aws.String("green")}},
		ProdTrafficRoute: &types.TrafficRoute{ListenerArns: []string{"arn:aws:elasticloadbalancing:us-east-1:000000000000:listener/app/lb/1/2"}},
		TestTrafficRoute: &types.TrafficRoute{ListenerArns: []string{"arn:aws:elasticloadbalancing:us-east-1:000000000000:listener/app/lb/1/3"}},
	}}}
}

// An aws_codedeploy_deployment_group of ECS, blue/green.
func TestBlueGreenGroupStory(t *testing.T) {
	srv, client := server(t)
	ctx := t.Context()
	for _, name := range []string{"web", "rolling"} {
		blueGreen(t, srv, name)
	}
	if _, err := client.CreateApplication(ctx, &codedeploy.CreateApplicationInput{ApplicationName: aws.String("app"), ComputePlatform: types.ComputePlatformEcs}); err != nil {
		t.Fatal(err)
	}
	in := func() *codedeploy.CreateDeploymentGroupInput {
		return &codedeploy.CreateDeploymentGroupInput{
			ApplicationName: aws.String("app"), DeploymentGroupName: aws.String("g"), ServiceRoleArn: aws.String(role),
			DeploymentConfigName: aws.String("CodeDeployDefault.ECSCanary10Percent5Minutes"),
			DeploymentStyle:      &types.DeploymentStyle{DeploymentType: types.DeploymentTypeBlueGreen, DeploymentOption: types.DeploymentOptionWithTrafficControl},
			EcsServices:          []types.ECSService{{ClusterName: aws.String("c"), ServiceName: aws.String("web")}},
			LoadBalancerInfo:     pair(),
			BlueGreenDeploymentConfiguration: &types.BlueGreenDeploymentConfiguration{
				DeploymentReadyOption:                     &types.DeploymentReadyOption{ActionOnTimeout: types.DeploymentReadyActionStopDeployment, WaitTimeInMinutes: 30},
				TerminateBlueInstancesOnDeploymentSuccess: &types.BlueInstanceTerminationOption{Action: types.InstanceActionTerminate, TerminationWaitTimeInMinutes: 5},
			},
			AutoRollbackConfiguration: &types.AutoRollbackConfiguration{Enabled: true, Events: []types.AutoRollbackEvent{types.AutoRollbackEventDeploymentFailure}},
			AlarmConfiguration:        &types.AlarmConfiguration{Enabled: true, Alarms: []types.Alarm{{Name: aws.String("errors")}}},
			TriggerConfigurations: []types.TriggerConfig{{TriggerName: aws.String("all"), TriggerTargetArn: aws.String("arn:aws:sns:us-east-1:000000000000:topic"),
				TriggerEvents: []types.TriggerEventType{types.TriggerEventTypeDeploymentFailure}}},
			Tags: []types.Tag{{Key: aws.String("k"), Value: aws.String("v")}},
		}
	}
	for _, c := range []struct {
		want   string
		change func(*codedeploy.CreateDeploymentGroupInput)
	}{
		{"ApplicationDoesNotExistException", func(i *codedeploy.CreateDeploymentGroupInput) { i.ApplicationName = aws.String("nobody") }},
		{"InvalidDeploymentGroupNameException", func(i *codedeploy.CreateDeploymentGroupInput) { i.DeploymentGroupName = aws.String("a b") }},
		{"InvalidRoleException", func(i *codedeploy.CreateDeploymentGroupInput) {
			i.ServiceRoleArn = aws.String("arn:aws:iam::000000000000:role/nobody")
		}},
		{"InvalidRoleException", func(i *codedeploy.CreateDeploymentGroupInput) { i.ServiceRoleArn = aws.String("deploy") }},
		{"DeploymentConfigDoesNotExistException", func(i *codedeploy.CreateDeploymentGroupInput) { i.DeploymentConfigName = aws.String("nobody") }},
		{"InvalidDeploymentConfigNameException", func(i *codedeploy.CreateDeploymentGroupInput) {
			i.DeploymentConfigName = aws.String("CodeDeployDefault.OneAtATime")
		}},
		{"InvalidDeploymentStyleException", func(i *codedeploy.CreateDeploymentGroupInput) { i.DeploymentStyle = nil }},
		{"InvalidECSServiceException", func(i *codedeploy.CreateDeploymentGroupInput) { i.EcsServices = nil }},
		{"InvalidECSServiceException", func(i *codedeploy.CreateDeploymentGroupInput) { i.EcsServices[0].ServiceName = aws.String("nobody") }},
		{"InvalidECSServiceException", func(i *codedeploy.CreateDeploymentGroupInput) { i.EcsServices[0].ClusterName = aws.String("nobody") }},
		{"InvalidECSServiceException", func(i *codedeploy.CreateDeploymentGroupInput) { i.EcsServices[0].ServiceName = aws.String("rolling") }},
		{"InvalidLoadBalancerInfoException", func(i *codedeploy.CreateDeploymentGroupInput) { i.LoadBalancerInfo = nil }},
		{"InvalidTargetGroupPairException", func(i *codedeploy.CreateDeploymentGroupInput) {
			i.LoadBalancerInfo.TargetGroupPairInfoList[0].TargetGroups = nil
		}},
		{"InvalidTargetGroupPairException", func(i *codedeploy.CreateDeploymentGroupInput) {
			route := i.LoadBalancerInfo.TargetGroupPairInfoList[0].ProdTrafficRoute
			route.ListenerArns = []string{strings.Replace(route.ListenerArns[0], ":listener/", ":listener-rule/", 1) + "/0123456789abcdef"}
		}},
		{"InvalidTrafficRoutingConfigurationException", func(i *codedeploy.CreateDeploymentGroupInput) {
			route := i.LoadBalancerInfo.TargetGroupPairInfoList[0].ProdTrafficRoute
			route.ListenerArns = append(route.ListenerArns, route.ListenerArns[0]+"0")
		}},
		{"InvalidBlueGreenDeploymentConfigurationException", func(i *codedeploy.CreateDeploymentGroupInput) { i.BlueGreenDeploymentConfiguration = nil }},
		{"InvalidBlueGreenDeploymentConfigurationException", func(i *codedeploy.CreateDeploymentGroupInput) {
			i.BlueGreenDeploymentConfiguration.TerminateBlueInstancesOnDeploymentSuccess = &types.BlueInstanceTerminationOption{Action: types.InstanceActionKeepAlive}
		}},
		{"InvalidBlueGreenDeploymentConfigurationException", func(i *codedeploy.CreateDeploymentGroupInput) {
			i.BlueGreenDeploymentConfiguration.GreenFleetProvisioningOption = &types.GreenFleetProvisioningOption{Action: types.GreenFleetProvisioningActionDiscoverExisting}
		}},
		{"InvalidAlarmConfigException", func(i *codedeploy.CreateDeploymentGroupInput) { i.AlarmConfiguration.Alarms = nil }},
		{"InvalidAutoRollbackConfigException", func(i *codedeploy.CreateDeploymentGroupInput) { i.AutoRollbackConfiguration.Events = nil }},
		{"InvalidTriggerConfigException", func(i *codedeploy.CreateDeploymentGroupInput) {
			i.TriggerConfigurations[0].TriggerTargetArn = aws.String("topic")
		}},
		{"InvalidEC2TagException", func(i *codedeploy.CreateDeploymentGroupInput) {
			i.Ec2TagFilters = []types.EC2TagFilter{{Key: aws.String("k")}}
		}},
		{"InvalidTagsToAddException", func(i *codedeploy.CreateDeploymentGroupInput) { i.Tags[0].Key = aws.String("aws:k") }},
	} {
		bad := in()
		c.change(bad)
		if _, err := client.CreateDeploymentGroup(ctx, bad); code(err) != c.want {
			t.Errorf("%v, want %s", err, c.want)
		}
	}
	if list, err := client.ListDeploymentGroups(ctx, &codedeploy.ListDeploymentGroupsInput{ApplicationName: aws.String("app")}); err != nil || len(list.DeploymentGroups) != 0 {
		t.Errorf("half-created: %+v, %v", list, err)
	}
	out, err := client.CreateDeploymentGroup(ctx, in())
	if err != nil {
		t.Fatal(err)
	}
	read := func(name string) *types.DeploymentGroupInfo {
		t.Helper()
		out, err := client.GetDeploymentGroup(ctx, &codedeploy.GetDeploymentGroupInput{ApplicationName: aws.String("app"), DeploymentGroupName: &name})
		if err != nil {
			t.Fatal(err)
		}
		return out.DeploymentGroupInfo
	}
	got := read("g")
	if *got.DeploymentGroupId != *out.DeploymentGroupId || got.ComputePlatform != types.ComputePlatformEcs || *got.ApplicationName != "app" ||
		got.BlueGreenDeploymentConfiguration.DeploymentReadyOption.WaitTimeInMinutes != 30 || got.OutdatedInstancesStrategy != types.OutdatedInstancesStrategyUpdate ||
		got.LoadBalancerInfo.TargetGroupPairInfoList[0].TestTrafficRoute.ListenerArns[0] == "" || !got.AutoRollbackConfiguration.Enabled ||
		*got.TriggerConfigurations[0].TriggerName != "all" || *got.AlarmConfiguration.Alarms[0].Name != "errors" || got.LastAttemptedDeployment != nil {
		t.Errorf("%+v", got)
	}
	second := in()
	second.DeploymentGroupName = aws.String("h")
	second.EcsServices[0].ClusterName = aws.String("arn:aws:ecs:us-east-1:000000000000:cluster/" + *second.EcsServices[0].ClusterName)
	if _, err := client.CreateDeploymentGroup(ctx, second); code(err) != "ECSServiceMappingLimitExceededException" {
		t.Errorf("one service in two groups: %v", err)
	}
	if _, err := client.CreateDeploymentGroup(ctx, in()); code(err) != "DeploymentGroupAlreadyExistsException" {
		t.Errorf("twice: %v", err)
	}
	// What is absent stays; empty lists clear; a new name keeps the id.
	if _, err := client.UpdateDeploymentGroup(ctx, &codedeploy.UpdateDeploymentGroupInput{
		ApplicationName: aws.String("app"), CurrentDeploymentGroupName: aws.String("g"), NewDeploymentGroupName: aws.String("h"),
		TriggerConfigurations: []types.TriggerConfig{}, AlarmConfiguration: &types.AlarmConfiguration{Alarms: []types.Alarm{}},
	}); err != nil {
		t.Fatal(err)
	}
	got = read("h")
	if *got.DeploymentGroupId != *out.DeploymentGroupId || len(got.TriggerConfigurations) != 0 || got.AlarmConfiguration.Enabled || !got.AutoRollbackConfiguration.Enabled || len(got.EcsServices) != 1 {
		t.Errorf("%+v", got)
	}
	batch, err := client.BatchGetDeploymentGroups(ctx, &codedeploy.BatchGetDeploymentGroupsInput{ApplicationName: aws.String("app"), DeploymentGroupNames: []string{"h", "g"}})
	if err != nil || len(batch.DeploymentGroupsInfo) != 1 || aws.ToString(batch.ErrorMessage) != "No Deployment Group found for name: g" {
		t.Errorf("%+v, %v", batch, err)
	}
	tags, err := client.ListTagsForResource(ctx, &codedeploy.ListTagsForResourceInput{ResourceArn: aws.String("arn:aws:codedeploy:us-east-1:000000000000:deploymentgroup:app/h")})
	if err != nil || len(tags.Tags) != 1 {
		t.Errorf("%+v, %v", tags, err)
	}
	for range 2 {
		if _, err := client.DeleteDeploymentGroup(ctx, &codedeploy.DeleteDeploymentGroupInput{ApplicationName: aws.String("app"), DeploymentGroupName: aws.String("h")}); err != nil {
			t.Error(err)
		}
	}
	if _, err := client.GetDeploymentGroup(ctx, &codedeploy.GetDeploymentGroupInput{ApplicationName: aws.String("app"), DeploymentGroupName: aws.String("h")}); code(err) != "DeploymentGroupDoesNotExistException" {
		t.Errorf("after delete: %v", err)
	}
	// The service is free again; the application takes its groups with it.
	if again, err := client.CreateDeploymentGroup(ctx, in()); err != nil || *again.DeploymentGroupId == *out.DeploymentGroupId {
		t.Errorf("%+v, %v", again, err)
	}
	if _, err := client.DeleteApplication(ctx, &codedeploy.DeleteApplicationInput{ApplicationName: aws.String("app")}); err != nil {
		t.Error(err)
	}
	if _, err := client.GetDeploymentGroup(ctx, &codedeploy.GetDeploymentGroupInput{ApplicationName: aws.String("app"), DeploymentGroupName: aws.String("g")}); code(err) != "ApplicationDoesNotExistException" {
		t.Errorf("after delete: %v", err)
	}
}

// Deployment groups of instances: by tags, one way or the other.
func TestServerGroupStory(t *testing.T) {
	_, client := server(t)
	ctx := t.Context()
	if _, err := client.CreateApplication(ctx, &codedeploy.CreateApplicationInput{ApplicationName: aws.String("app")}); err != nil {
		t.Fatal(err)
	}
	filter := []types.EC2TagFilter{{Key: aws.String("Name"), Value: aws.String(""), Type: types.EC2TagFilterTypeKeyOnly}}
	if _, err := client.CreateDeploymentGroup(ctx, &codedeploy.CreateDeploymentGroupInput{ApplicationName: aws.String("app"), DeploymentGroupName: aws.String("g"),
		ServiceRoleArn: aws.String(role), Ec2TagFilters: filter, AutoScalingGroups: []string{"asg"}, TerminationHookEnabled: aws.Bool(true)}); err != nil {
		t.Fatal(err)
	}
	read := func() *types.DeploymentGroupInfo {
		t.Helper()
		out, err := client.GetDeploymentGroup(ctx, &codedeploy.GetDeploymentGroupInput{ApplicationName: aws.String("app"), DeploymentGroupName: aws.String("g")})
		if err != nil {
			t.Fatal(err)
		}
		return out.DeploymentGroupInfo
	}
	got := read()
	if *got.DeploymentConfigName != "CodeDeployDefault.OneAtATime" || got.DeploymentStyle.DeploymentType != types.DeploymentTypeInPlace || len(got.Ec2TagFilters) != 1 ||
		*got.AutoScalingGroups[0].Name != "asg" || got.AutoScalingGroups[0].Hook != nil || !got.TerminationHookEnabled || got.LoadBalancerInfo != nil || got.BlueGreenDeploymentConfiguration != nil {
		t.Errorf("%+v", got)
	}
	update := func(in codedeploy.UpdateDeploymentGroupInput) error {
		in.ApplicationName, in.CurrentDeploymentGroupName = aws.String("app"), aws.String("g")
		_, err := client.UpdateDeploymentGroup(ctx, &in)
		return err
	}
	set := &types.EC2TagSet{Ec2TagSetList: [][]types.EC2TagFilter{filter, {{Key: aws.String("Stage"), Value: aws.String("prod"), Type: types.EC2TagFilterTypeKeyAndValue}}}}
	if err := update(codedeploy.UpdateDeploymentGroupInput{Ec2TagFilters: filter, Ec2TagSet: set}); code(err) != "InvalidEC2TagCombinationException" {
		t.Errorf("both: %v", err)
	}
	if err := update(codedeploy.UpdateDeploymentGroupInput{Ec2TagSet: set, Ec2TagFilters: []types.EC2TagFilter{}, AutoScalingGroups: []string{}}); err != nil {
		t.Fatal(err)
	}
	if got = read(); len(got.Ec2TagFilters) != 0 || len(got.Ec2TagSet.Ec2TagSetList) != 2 || len(got.AutoScalingGroups) != 0 {
		t.Errorf("%+v", got)
	}
	if err := update(codedeploy.UpdateDeploymentGroupInput{Ec2TagFilters: filter}); err != nil {
		t.Fatal(err)
	}
	if got = read(); len(got.Ec2TagFilters) != 1 || got.Ec2TagSet != nil {
		t.Errorf("%+v", got)
	}
	style := &types.DeploymentStyle{DeploymentType: types.DeploymentTypeBlueGreen, DeploymentOption: types.DeploymentOptionWithTrafficControl}
	if err := update(codedeploy.UpdateDeploymentGroupInput{DeploymentStyle: style}); code(err) != "InvalidLoadBalancerInfoException" {
		t.Errorf("traffic control without a load balancer: %v", err)
	}
	if err := update(codedeploy.UpdateDeploymentGroupInput{DeploymentStyle: style, LoadBalancerInfo: &types.LoadBalancerInfo{TargetGroupInfoList: []types.TargetGroupInfo{{Name: aws.String("tg")}}}}); err != nil {
		t.Error(err)
	}
	if err := update(codedeploy.UpdateDeploymentGroupInput{DeploymentConfigName: aws.String("CodeDeployDefault.HalfAtATime"), DeploymentStyle: &types.DeploymentStyle{}, LoadBalancerInfo: &types.LoadBalancerInfo{}}); err != nil {
		t.Error(err)
	}
	if got = read(); got.LoadBalancerInfo != nil || *got.DeploymentConfigName != "CodeDeployDefault.HalfAtATime" {
		t.Errorf("%+v", got)
	}
	if _, err := client.CreateDeploymentConfig(ctx, &codedeploy.CreateDeploymentConfigInput{DeploymentConfigName: aws.String("mine"), MinimumHealthyHosts: &types.MinimumHealthyHosts{Type: types.MinimumHealthyHostsTypeHostCount}}); err != nil {
		t.Fatal(err)
	}
	if err := update(codedeploy.UpdateDeploymentGroupInput{DeploymentConfigName: aws.String("mine")}); err != nil {
		t.Fatal(err)
	}
	if _, err := client.DeleteDeploymentConfig(ctx, &codedeploy.DeleteDeploymentConfigInput{DeploymentConfigName: aws.String("mine")}); code(err) != "DeploymentConfigInUseException" {
		t.Errorf("delete what a group has: %v", err)
	}
}
