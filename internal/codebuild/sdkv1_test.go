package codebuild_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go/aws"
	"github.com/aws/aws-sdk-go/service/codebuild"

	"github.com/slipway-dev/slipway/cmd/slipway/apptest"
)

// The older client tells the same story.
func TestOlderClient(t *testing.T) {
	w := begin(t)
	cb := codebuild.New(w.srv.Older())
	if _, err := cb.ImportSourceCredentials(&codebuild.ImportSourceCredentialsInput{AuthType: aws.String("PERSONAL_ACCESS_TOKEN"), ServerType: aws.String("GITHUB"), Token: aws.String("token")}); err != nil {
		t.Fatal(err)
	}
	out, err := cb.CreateProject(&codebuild.CreateProjectInput{Name: aws.String("old"), ServiceRole: &w.role,
		Artifacts:   &codebuild.ProjectArtifacts{Type: aws.String("NO_ARTIFACTS")},
		Environment: &codebuild.ProjectEnvironment{Type: aws.String("LINUX_CONTAINER"), ComputeType: aws.String("BUILD_GENERAL1_SMALL"), Image: aws.String("aws/codebuild/standard:7.0")},
		Source: &codebuild.ProjectSource{Type: aws.String("GITHUB"), Location: aws.String("https://github.com/o/r"), Buildspec: aws.String(""), GitCloneDepth: aws.Int64(0), InsecureSsl: aws.Bool(false),
			ReportBuildStatus: aws.Bool(false), Auth: &codebuild.SourceAuth{Type: aws.String("OAUTH")}},
		LogsConfig: &codebuild.LogsConfig{CloudWatchLogs: &codebuild.CloudWatchLogsConfig{Status: aws.String("ENABLED")}, S3Logs: &codebuild.S3LogsConfig{Status: aws.String("DISABLED")}},
		Tags:       []*codebuild.Tag{{Key: aws.String("k"), Value: aws.String("v")}}})
	if err != nil {
		t.Fatal(err)
	}
	read := func() *codebuild.Project {
		t.Helper()
		got, err := cb.BatchGetProjects(&codebuild.BatchGetProjectsInput{Names: []*string{out.Project.Arn}})
		if err != nil {
			t.Fatal(err)
		}
		if len(got.Projects) == 0 {
			return nil
		}
		return got.Projects[0]
	}
	p := read()
	if *p.TimeoutInMinutes != 60 || p.Created.IsZero() || len(p.Tags) != 1 || *p.Source.Auth.Type != "OAUTH" || p.VpcConfig != nil || p.BuildBatchConfig != nil || !strings.HasSuffix(*p.EncryptionKey, ":alias/aws/s3") {
		t.Errorf("%+v", p)
	}
	hook, err := cb.CreateWebhook(&codebuild.CreateWebhookInput{ProjectName: p.Name, FilterGroups: [][]*codebuild.WebhookFilter{{{Type: aws.String("EVENT"), Pattern: aws.String("PUSH")}}}})
	if err != nil || aws.StringValue(hook.Webhook.Secret) == "" {
		t.Fatal(hook, err)
	}
	if h := read().Webhook; len(h.FilterGroups) != 1 || *h.FilterGroups[0][0].ExcludeMatchedPattern || h.Secret != nil {
		t.Errorf("%+v", h)
	}
	if _, err := cb.DeleteWebhook(&codebuild.DeleteWebhookInput{ProjectName: p.Name}); err != nil {
		t.Error(err)
	}
	_, err = cb.DeleteWebhook(&codebuild.DeleteWebhookInput{ProjectName: p.Name})
	if apptest.Code(err) != codebuild.ErrCodeResourceNotFoundException {
		t.Errorf("no webhook: %v", err)
	}
	if _, err := cb.UpdateProject(&codebuild.UpdateProjectInput{Name: p.Name, Description: aws.String("d"), Tags: []*codebuild.Tag{}}); err != nil {
		t.Error(err)
	}
	if p := read(); *p.Description != "d" || len(p.Tags) != 0 {
		t.Errorf("%+v", p)
	}
	if _, err := cb.DeleteProject(&codebuild.DeleteProjectInput{Name: out.Project.Arn}); err != nil || read() != nil {
		t.Error("read after delete", err)
	}
}
