package codedeploy_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codedeploy"
	"github.com/aws/aws-sdk-go-v2/service/codedeploy/types"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	ecstypes "github.com/aws/aws-sdk-go-v2/service/ecs/types"
	elbtypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/smithy-go"

	"github.com/slipway-dev/slipway/cmd/slipway/apptest"
)

func TestMain(m *testing.M) { apptest.Main(m) }

const role = "arn:aws:iam::000000000000:role/deploy"

// server is a Slipway with a service role.
func server(t *testing.T) (*apptest.Server, *codedeploy.Client) {
	t.Helper()
	srv := apptest.Start(t)
	_, err := iam.NewFromConfig(srv.Config()).CreateRole(t.Context(), &iam.CreateRoleInput{
		RoleName: aws.String("deploy"),
		AssumeRolePolicyDocument: aws.String(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow",
			"Principal":{"Service":"codedeploy.amazonaws.com"},"Action":"sts:AssumeRole"}]}`),
	})
	if err != nil {
		t.Fatal(err)
	}
	return srv, codedeploy.NewFromConfig(srv.Config())
}

func code(err error) string {
	var e smithy.APIError
	if errors.As(err, &e) {
		return e.ErrorCode()
	}
	return fmt.Sprint(err)
}

// An aws_codedeploy_app, in the provider's calls.
func TestApplicationStory(t *testing.T) {
	_, client := server(t)
	ctx := t.Context()
	out, err := client.CreateApplication(ctx, &codedeploy.CreateApplicationInput{ApplicationName: aws.String("app"), ComputePlatform: types.ComputePlatformEcs,
		Tags: []types.Tag{{Key: aws.String("k"), Value: aws.String("v")}}})
	if err != nil {
		t.Fatal(err)
	}
	read := func(name string) (*types.ApplicationInfo, error) {
		out, err := client.GetApplication(ctx, &codedeploy.GetApplicationInput{ApplicationName: &name})
		if err != nil {
			return nil, err
		}
		return out.Application, nil
	}
	got, err := read("app")
	if err != nil || *got.ApplicationId != *out.ApplicationId || got.ComputePlatform != types.ComputePlatformEcs || got.LinkedToGitHub || time.Since(*got.CreateTime) > time.Minute {
		t.Fatalf("%+v, %v", got, err)
	}
	arn := aws.String("arn:aws:codedeploy:us-east-1:000000000000:application:app")
	tags := func() string {
		t.Helper()
		out, err := client.ListTagsForResource(ctx, &codedeploy.ListTagsForResourceInput{ResourceArn: arn})
		if err != nil {
			t.Fatal(err)
		}
		var all []string
		for _, tag := range out.Tags {
			all = append(all, *tag.Key+"="+*tag.Value)
		}
		return strings.Join(all, " ")
	}
	if _, err := client.TagResource(ctx, &codedeploy.TagResourceInput{ResourceArn: arn, Tags: []types.Tag{{Key: aws.String("l"), Value: aws.String("w")}}}); err != nil {
		t.Fatal(err)
	}
	if got := tags(); got != "k=v l=w" {
		t.Errorf("tags %s", got)
	}
	if _, err := client.UntagResource(ctx, &codedeploy.UntagResourceInput{ResourceArn: arn, TagKeys: []string{"k"}}); err != nil {
		t.Fatal(err)
	}
	if got := tags(); got != "l=w" {
		t.Errorf("tags %s", got)
	}
	if _, err := client.UpdateApplication(ctx, &codedeploy.UpdateApplicationInput{ApplicationName: aws.String("app"), NewApplicationName: aws.String("shop")}); err != nil {
		t.Fatal(err)
	}
	if again, err := read("shop"); err != nil || *again.ApplicationId != *got.ApplicationId {
		t.Errorf("renamed: %+v, %v", again, err)
	}
	_, err = read("app")
	var missing *types.ApplicationDoesNotExistException
	if !errors.As(err, &missing) || missing.ErrorMessage() != "No application found for name: app" {
		t.Errorf("the old name: %v", err)
	}
	for range 2 { // the second is no error
		if _, err := client.DeleteApplication(ctx, &codedeploy.DeleteApplicationInput{ApplicationName: aws.String("shop")}); err != nil {
			t.Error(err)
		}
	}
	if _, err := read("shop"); code(err) != "ApplicationDoesNotExistException" {
		t.Errorf("after delete: %v", err)
	}
}

func TestApplicationRules(t *testing.T) {
	_, client := server(t)
	ctx := t.Context()
	for want, in := range map[string]*codedeploy.CreateApplicationInput{
		"InvalidApplicationNameException":  {ApplicationName: aws.String("a b")},
		"InvalidComputePlatformException":  {ApplicationName: aws.String("a"), ComputePlatform: "Moon"},
		"InvalidTagsToAddException":        {ApplicationName: aws.String("a"), Tags: []types.Tag{{Key: aws.String("aws:x")}}},
		"ApplicationNameRequiredException": {ApplicationName: aws.String("")},
	} {
		if _, err := client.CreateApplication(ctx, in); code(err) != want && !(in.ApplicationName != nil && *in.ApplicationName == "" && code(err) == "InvalidApplicationNameException") {
			t.Errorf("%s: %v", want, err)
		}
	}
	for i := range 105 {
		if _, err := client.CreateApplication(ctx, &codedeploy.CreateApplicationInput{ApplicationName: aws.String(fmt.Sprintf("a%03d", i))}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := client.CreateApplication(ctx, &codedeploy.CreateApplicationInput{ApplicationName: aws.String("a000")}); code(err) != "ApplicationAlreadyExistsException" {
		t.Errorf("twice: %v", err)
	}
	n := 0
	for p := codedeploy.NewListApplicationsPaginator(client, &codedeploy.ListApplicationsInput{}); p.HasMorePages(); {
		page, err := p.NextPage(ctx)
		if err != nil {
			t.Fatal(err)
		}
		n += len(page.Applications)
	}
	if n != 105 {
		t.Errorf("listed %d", n)
	}
	if _, err := client.ListApplications(ctx, &codedeploy.ListApplicationsInput{NextToken: aws.String("x")}); code(err) != "InvalidNextTokenException" {
		t.Errorf("token: %v", err)
	}
	batch, err := client.BatchGetApplications(ctx, &codedeploy.BatchGetApplicationsInput{ApplicationNames: []string{"a001", "a002"}})
	if err != nil || len(batch.ApplicationsInfo) != 2 || batch.ApplicationsInfo[0].ComputePlatform != types.ComputePlatformServer {
		t.Errorf("%+v, %v", batch, err)
	}
	if _, err := client.BatchGetApplications(ctx, &codedeploy.BatchGetApplicationsInput{ApplicationNames: make([]string, 101)}); code(err) != "BatchLimitExceededException" && code(err) != "ApplicationNameRequiredException" {
		t.Errorf("batch: %v", err)
	}
	// What would deploy is not there, and says so.
	for name, err := range map[string]error{
		"CreateDeployment":           second(client.CreateDeployment(ctx, &codedeploy.CreateDeploymentInput{ApplicationName: aws.String("a001")})),
		"RegisterOnPremisesInstance": second(client.RegisterOnPremisesInstance(ctx, &codedeploy.RegisterOnPremisesInstanceInput{InstanceName: aws.String("i")})),
		"GetDeployment":              second(client.GetDeployment(ctx, &codedeploy.GetDeploymentInput{DeploymentId: aws.String("d-123456789")})),
	} {
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for want, arn := range map[string]string{
		"InvalidArnException":                  "app",
		"ArnNotSupportedException":             "arn:aws:codedeploy:us-east-1:000000000000:deploymentconfig:c",
		"DeploymentGroupDoesNotExistException": "arn:aws:codedeploy:us-east-1:000000000000:deploymentgroup:a001/g",
		"ApplicationDoesNotExistException":     "arn:aws:codedeploy:us-east-1:000000000000:application:nobody",
	} {
		if _, err := client.ListTagsForResource(ctx, &codedeploy.ListTagsForResourceInput{ResourceArn: &arn}); code(err) != want {
			t.Errorf("%s: %v", want, err)
		}
	}
}

func second[T any](_ T, err error) error { return err }

// An aws_codedeploy_deployment_config of each platform, and AWS's own.
func TestConfigStory(t *testing.T) {
	_, client := server(t)
	ctx := t.Context()
	own, err := client.ListDeploymentConfigs(ctx, &codedeploy.ListDeploymentConfigsInput{})
	if err != nil || len(own.DeploymentConfigsList) != 17 {
		t.Fatalf("%v, %v", own, err)
	}
	read := func(name string) (*types.DeploymentConfigInfo, error) {
		out, err := client.GetDeploymentConfig(ctx, &codedeploy.GetDeploymentConfigInput{DeploymentConfigName: &name})
		if err != nil {
			return nil, err
		}
		return out.DeploymentConfigInfo, nil
	}
	for _, name := range own.DeploymentConfigsList {
		c, err := read(name)
		if err != nil || *c.DeploymentConfigName != name || (c.ComputePlatform == types.ComputePlatformServer) != (c.MinimumHealthyHosts != nil) {
			t.Errorf("%s: %+v, %v", name, c, err)
		}
	}
	if c, _ := read("CodeDeployDefault.ECSLinear10PercentEvery3Minutes"); c == nil || c.TrafficRoutingConfig.TimeBasedLinear.LinearInterval != 3 {
		t.Errorf("%+v", c)
	}
	for _, in := range []*codedeploy.CreateDeploymentConfigInput{
		{DeploymentConfigName: aws.String("hosts"), MinimumHealthyHosts: &types.MinimumHealthyHosts{Type: types.MinimumHealthyHostsTypeHostCount, Value: 2},
			ZonalConfig: &types.ZonalConfig{MonitorDurationInSeconds: aws.Int64(60), MinimumHealthyHostsPerZone: &types.MinimumHealthyHostsPerZone{Type: types.MinimumHealthyHostsPerZoneTypeFleetPercent, Value: 50}}},
		{DeploymentConfigName: aws.String("canary"), ComputePlatform: types.ComputePlatformEcs, TrafficRoutingConfig: &types.TrafficRoutingConfig{
			Type: types.TrafficRoutingTypeTimeBasedCanary, TimeBasedCanary: &types.TimeBasedCanary{CanaryInterval: 10, CanaryPercentage: 20}}},
		{DeploymentConfigName: aws.String("linear"), ComputePlatform: types.ComputePlatformLambda, TrafficRoutingConfig: &types.TrafficRoutingConfig{
			Type: types.TrafficRoutingTypeTimeBasedLinear, TimeBasedLinear: &types.TimeBasedLinear{LinearInterval: 10, LinearPercentage: 20}}},
		{DeploymentConfigName: aws.String("all"), ComputePlatform: types.ComputePlatformLambda, TrafficRoutingConfig: &types.TrafficRoutingConfig{Type: types.TrafficRoutingTypeAllAtOnce}},
	} {
		out, err := client.CreateDeploymentConfig(ctx, in)
		if err != nil {
			t.Errorf("%s: %v", *in.DeploymentConfigName, err)
			continue
		}
		c, err := read(*in.DeploymentConfigName)
		if err != nil || *c.DeploymentConfigId != *out.DeploymentConfigId || c.CreateTime.IsZero() || in.ComputePlatform != "" && c.ComputePlatform != in.ComputePlatform ||
			fmt.Sprintf("%+v", c.TrafficRoutingConfig) == "" {
			t.Errorf("%+v, %v", c, err)
		}
	}
	if c, _ := read("hosts"); c.MinimumHealthyHosts.Value != 2 || *c.ZonalConfig.MonitorDurationInSeconds != 60 || c.ZonalConfig.MinimumHealthyHostsPerZone.Value != 50 {
		t.Errorf("%+v", c)
	}
	canary := func(percent, minutes int32) *types.TrafficRoutingConfig {
		return &types.TrafficRoutingConfig{Type: types.TrafficRoutingTypeTimeBasedCanary, TimeBasedCanary: &types.TimeBasedCanary{CanaryPercentage: percent, CanaryInterval: minutes}}
	}
	for i, c := range []struct {
		want string
		in   codedeploy.CreateDeploymentConfigInput
	}{
		{"InvalidMinimumHealthyHostValueException", codedeploy.CreateDeploymentConfigInput{}},
		{"InvalidMinimumHealthyHostValueException", codedeploy.CreateDeploymentConfigInput{MinimumHealthyHosts: &types.MinimumHealthyHosts{Type: types.MinimumHealthyHostsTypeFleetPercent, Value: 100}}},
		{"InvalidTrafficRoutingConfigurationException", codedeploy.CreateDeploymentConfigInput{ComputePlatform: types.ComputePlatformEcs}},
		{"InvalidTrafficRoutingConfigurationException", codedeploy.CreateDeploymentConfigInput{ComputePlatform: types.ComputePlatformEcs, TrafficRoutingConfig: canary(100, 5)}},
		{"InvalidTrafficRoutingConfigurationException", codedeploy.CreateDeploymentConfigInput{ComputePlatform: types.ComputePlatformEcs, TrafficRoutingConfig: canary(10, 2881)}},
		{"InvalidZonalDeploymentConfigurationException", codedeploy.CreateDeploymentConfigInput{ComputePlatform: types.ComputePlatformEcs, TrafficRoutingConfig: canary(10, 5), ZonalConfig: &types.ZonalConfig{}}},
	} {
		c.in.DeploymentConfigName = aws.String(fmt.Sprintf("bad%d", i))
		if _, err := client.CreateDeploymentConfig(ctx, &c.in); code(err) != c.want {
			t.Errorf("%d: %v, want %s", i, err, c.want)
		}
	}
	if _, err := client.CreateDeploymentConfig(ctx, &codedeploy.CreateDeploymentConfigInput{DeploymentConfigName: aws.String("CodeDeployDefault.Mine"),
		MinimumHealthyHosts: &types.MinimumHealthyHosts{Type: types.MinimumHealthyHostsTypeHostCount}}); code(err) != "InvalidDeploymentConfigNameException" {
		t.Errorf("AWS's prefix: %v", err)
	}
	if _, err := client.DeleteDeploymentConfig(ctx, &codedeploy.DeleteDeploymentConfigInput{DeploymentConfigName: aws.String("CodeDeployDefault.OneAtATime")}); code(err) != "InvalidOperationException" {
		t.Errorf("delete AWS's own: %v", err)
	}
	if _, err := client.DeleteDeploymentConfig(ctx, &codedeploy.DeleteDeploymentConfigInput{DeploymentConfigName: aws.String("hosts")}); err != nil {
		t.Error(err)
	}
	if _, err := read("hosts"); code(err) != "DeploymentConfigDoesNotExistException" {
		t.Errorf("after delete: %v", err)
	}
}

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
		{"InvalidBlueGreenDeploymentConfigurationException", func(i *codedeploy.CreateDeploymentGroupInput) { i.BlueGreenDeploymentConfiguration = nil }},
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
