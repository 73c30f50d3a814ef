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
	"github.com/aws/aws-sdk-go-v2/service/iam"

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

var code = apptest.Code

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
