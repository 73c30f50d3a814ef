package codepipeline_test

import (
	"testing"

	"github.com/aws/aws-sdk-go/aws"
	"github.com/aws/aws-sdk-go/service/codepipeline"

	"github.com/slipway-dev/slipway/cmd/slipway/apptest"
)

// The older generation of clients goes through the story of a pipeline with a
// webhook and a custom action type: create, read, update, delete, read again.
func TestPipelineWithVersionOne(t *testing.T) {
	e := newEverything(t)
	c := codepipeline.New(e.older())
	id := func(category, owner, provider string) *codepipeline.ActionTypeId {
		return &codepipeline.ActionTypeId{Category: aws.String(category), Owner: aws.String(owner), Provider: aws.String(provider), Version: aws.String("1")}
	}
	made, err := c.CreateCustomActionType(&codepipeline.CreateCustomActionTypeInput{Category: aws.String("Test"), Provider: aws.String("Lint"), Version: aws.String("1"),
		InputArtifactDetails:  &codepipeline.ArtifactDetails{MinimumCount: aws.Int64(0), MaximumCount: aws.Int64(1)},
		OutputArtifactDetails: &codepipeline.ArtifactDetails{MinimumCount: aws.Int64(0), MaximumCount: aws.Int64(0)}})
	if err != nil || *made.ActionType.Id.Owner != "Custom" || made.ActionType.Settings == nil {
		t.Fatalf("%+v, %v", made, err)
	}
	p := &codepipeline.PipelineDeclaration{
		Name: aws.String("web"), RoleArn: aws.String(e.role),
		ArtifactStore: &codepipeline.ArtifactStore{Type: aws.String("S3"), Location: aws.String("artifacts"),
			EncryptionKey: &codepipeline.EncryptionKey{Id: aws.String("alias/artifacts"), Type: aws.String("KMS")}},
		Stages: []*codepipeline.StageDeclaration{
			{Name: aws.String("Source"), Actions: []*codepipeline.ActionDeclaration{{Name: aws.String("Get"), ActionTypeId: id("Source", "AWS", "S3"),
				OutputArtifacts: []*codepipeline.OutputArtifact{{Name: aws.String("App")}},
				Configuration:   aws.StringMap(map[string]string{"S3Bucket": "source", "S3ObjectKey": "app.zip"})}}},
			{Name: aws.String("Check"), Actions: []*codepipeline.ActionDeclaration{{Name: aws.String("Lint"), ActionTypeId: id("Test", "Custom", "Lint"),
				InputArtifacts: []*codepipeline.InputArtifact{{Name: aws.String("App")}}}}},
		},
	}
	if _, err := c.CreatePipeline(&codepipeline.CreatePipelineInput{Pipeline: p, Tags: []*codepipeline.Tag{{Key: aws.String("Team"), Value: aws.String("web")}}}); err != nil {
		t.Fatal(err)
	}
	got, err := c.GetPipeline(&codepipeline.GetPipelineInput{Name: aws.String("web")})
	if err != nil {
		t.Fatal(err)
	}
	if q := got.Pipeline; *q.PipelineType != "V1" || *q.ExecutionMode != "SUPERSEDED" || *q.Version != 1 || *q.ArtifactStore.EncryptionKey.Id != "alias/artifacts" ||
		*q.Stages[1].Actions[0].RunOrder != 1 || *got.Metadata.PipelineArn != "arn:aws:codepipeline:us-east-1:000000000000:web" {
		t.Errorf("read back %+v", q)
	}
	p.Stages[0].Actions[0].Configuration["PollForSourceChanges"] = aws.String("false")
	if up, err := c.UpdatePipeline(&codepipeline.UpdatePipelineInput{Pipeline: p}); err != nil || *up.Pipeline.Version != 2 {
		t.Errorf("updated %+v, %v", up, err)
	}
	hook, err := c.PutWebhook(&codepipeline.PutWebhookInput{Webhook: &codepipeline.WebhookDefinition{Name: aws.String("hook"), TargetPipeline: aws.String("web"),
		TargetAction: aws.String("Get"), Authentication: aws.String("UNAUTHENTICATED"), AuthenticationConfiguration: &codepipeline.WebhookAuthConfiguration{},
		Filters: []*codepipeline.WebhookFilterRule{{JsonPath: aws.String("$.ref")}}}})
	if err != nil || *hook.Webhook.Url == "" {
		t.Fatalf("%+v, %v", hook, err)
	}
	tags, err := c.ListTagsForResource(&codepipeline.ListTagsForResourceInput{ResourceArn: got.Metadata.PipelineArn})
	if err != nil || len(tags.Tags) != 1 || *tags.Tags[0].Value != "web" {
		t.Errorf("tags %+v, %v", tags, err)
	}
	if _, err := c.DeleteWebhook(&codepipeline.DeleteWebhookInput{Name: aws.String("hook")}); err != nil {
		t.Error(err)
	}
	if _, err := c.DeletePipeline(&codepipeline.DeletePipelineInput{Name: aws.String("web")}); err != nil {
		t.Error(err)
	}
	_, err = c.GetPipeline(&codepipeline.GetPipelineInput{Name: aws.String("web")})
	if apptest.Code(err) != codepipeline.ErrCodePipelineNotFoundException {
		t.Errorf("read after delete: %v", err)
	}
	if _, err := c.DeleteCustomActionType(&codepipeline.DeleteCustomActionTypeInput{Category: aws.String("Test"), Provider: aws.String("Lint"), Version: aws.String("1")}); err != nil {
		t.Error(err)
	}
}
