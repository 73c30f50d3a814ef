package codedeploy_test

import (
	"testing"

	"github.com/aws/aws-sdk-go/aws"
	"github.com/aws/aws-sdk-go/service/codedeploy"
)

// The older client tells the same story.
func TestOlderClient(t *testing.T) {
	srv, _ := server(t)
	conn := codedeploy.New(srv.Older())
	made, err := conn.CreateApplication(&codedeploy.CreateApplicationInput{ApplicationName: aws.String("app"), ComputePlatform: aws.String("Lambda"),
		Tags: []*codedeploy.Tag{{Key: aws.String("k"), Value: aws.String("v")}}})
	if err != nil {
		t.Fatal(err)
	}
	app, err := conn.GetApplication(&codedeploy.GetApplicationInput{ApplicationName: aws.String("app")})
	if err != nil || *app.Application.ApplicationId != *made.ApplicationId || app.Application.CreateTime.IsZero() || *app.Application.LinkedToGitHub {
		t.Errorf("%v, %v", app, err)
	}
	if _, err := conn.CreateDeploymentConfig(&codedeploy.CreateDeploymentConfigInput{DeploymentConfigName: aws.String("slow"), ComputePlatform: aws.String("Lambda"),
		TrafficRoutingConfig: &codedeploy.TrafficRoutingConfig{Type: aws.String("TimeBasedLinear"), TimeBasedLinear: &codedeploy.TimeBasedLinear{LinearInterval: aws.Int64(5), LinearPercentage: aws.Int64(25)}}}); err != nil {
		t.Fatal(err)
	}
	config, err := conn.GetDeploymentConfig(&codedeploy.GetDeploymentConfigInput{DeploymentConfigName: aws.String("slow")})
	if err != nil || *config.DeploymentConfigInfo.TrafficRoutingConfig.TimeBasedLinear.LinearPercentage != 25 || config.DeploymentConfigInfo.MinimumHealthyHosts != nil {
		t.Errorf("%v, %v", config, err)
	}
	if _, err := conn.CreateDeploymentGroup(&codedeploy.CreateDeploymentGroupInput{ApplicationName: aws.String("app"), DeploymentGroupName: aws.String("g"), ServiceRoleArn: aws.String(role),
		DeploymentConfigName: aws.String("slow"), DeploymentStyle: &codedeploy.DeploymentStyle{DeploymentType: aws.String("BLUE_GREEN"), DeploymentOption: aws.String("WITH_TRAFFIC_CONTROL")}}); err != nil {
		t.Fatal(err)
	}
	group, err := conn.GetDeploymentGroup(&codedeploy.GetDeploymentGroupInput{ApplicationName: aws.String("app"), DeploymentGroupName: aws.String("g")})
	if err != nil || *group.DeploymentGroupInfo.ComputePlatform != "Lambda" || group.DeploymentGroupInfo.BlueGreenDeploymentConfiguration != nil || group.DeploymentGroupInfo.LoadBalancerInfo != nil {
		t.Errorf("%v, %v", group, err)
	}
	if _, err := conn.UpdateDeploymentGroup(&codedeploy.UpdateDeploymentGroupInput{ApplicationName: aws.String("app"), CurrentDeploymentGroupName: aws.String("g"),
		AutoRollbackConfiguration: &codedeploy.AutoRollbackConfiguration{Enabled: aws.Bool(false), Events: []*string{}}}); err != nil {
		t.Error(err)
	}
	deployment, err := conn.CreateDeployment(&codedeploy.CreateDeploymentInput{ApplicationName: aws.String("app"), DeploymentGroupName: aws.String("g"),
		Revision: &codedeploy.RevisionLocation{RevisionType: aws.String("AppSpecContent"), AppSpecContent: &codedeploy.AppSpecContent{Content: aws.String("{}")}}})
	if err != nil {
		t.Fatal(err)
	}
	if err := conn.WaitUntilDeploymentSuccessful(&codedeploy.GetDeploymentInput{DeploymentId: deployment.DeploymentId}); err == nil {
		t.Error("a deployment of nothing was successful")
	}
	info, err := conn.GetDeployment(&codedeploy.GetDeploymentInput{DeploymentId: deployment.DeploymentId})
	if err != nil || *info.DeploymentInfo.ErrorInformation.Code != codedeploy.ErrorCodeInvalidRevision || *info.DeploymentInfo.Creator != "user" {
		t.Errorf("%v, %v", info, err)
	}
	revisions, err := conn.ListApplicationRevisions(&codedeploy.ListApplicationRevisionsInput{ApplicationName: aws.String("app")})
	if err != nil || len(revisions.Revisions) != 1 {
		t.Errorf("%v, %v", revisions, err)
	}
	if _, err := conn.DeleteDeploymentGroup(&codedeploy.DeleteDeploymentGroupInput{ApplicationName: aws.String("app"), DeploymentGroupName: aws.String("g")}); err != nil {
		t.Error(err)
	}
	if _, err := conn.GetDeploymentGroup(&codedeploy.GetDeploymentGroupInput{ApplicationName: aws.String("app"), DeploymentGroupName: aws.String("g")}); code(err) != codedeploy.ErrCodeDeploymentGroupDoesNotExistException {
		t.Error(err)
	}
	if _, err := conn.DeleteDeploymentConfig(&codedeploy.DeleteDeploymentConfigInput{DeploymentConfigName: aws.String("slow")}); err != nil {
		t.Error(err)
	}
	if _, err := conn.DeleteApplication(&codedeploy.DeleteApplicationInput{ApplicationName: aws.String("app")}); err != nil {
		t.Error(err)
	}
	if _, err := conn.GetApplication(&codedeploy.GetApplicationInput{ApplicationName: aws.String("app")}); code(err) != codedeploy.ErrCodeApplicationDoesNotExistException {
		t.Error(err)
	}
}
