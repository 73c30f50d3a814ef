package codestarnotifications_test

import (
	"testing"

	"github.com/aws/aws-sdk-go/aws"
	"github.com/aws/aws-sdk-go/service/codestarnotifications"

	"github.com/slipway-dev/slipway/cmd/slipway/apptest"
)

// The older generation of clients goes through the same story.
func TestRuleWithVersionOne(t *testing.T) {
	c := codestarnotifications.New(apptest.Start(t).Older())
	made, err := c.CreateNotificationRule(&codestarnotifications.CreateNotificationRuleInput{
		Name: aws.String("web"), Resource: aws.String(pipeline), DetailType: aws.String("BASIC"),
		EventTypeIds: aws.StringSlice([]string{"codepipeline-pipeline-pipeline-execution-failed"}),
		Targets:      []*codestarnotifications.Target{{TargetType: aws.String("SNS"), TargetAddress: aws.String(topic)}},
		Tags:         map[string]*string{"Team": aws.String("web")},
	})
	if err != nil {
		t.Fatal(err)
	}
	rule, err := c.DescribeNotificationRule(&codestarnotifications.DescribeNotificationRuleInput{Arn: made.Arn})
	if err != nil || *rule.Status != "ENABLED" || *rule.Tags["Team"] != "web" || *rule.EventTypes[0].ServiceName != "CodePipeline" {
		t.Fatalf("read back %+v, %v", rule, err)
	}
	if _, err := c.UntagResource(&codestarnotifications.UntagResourceInput{Arn: made.Arn, TagKeys: aws.StringSlice([]string{"Team"})}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.DeleteNotificationRule(&codestarnotifications.DeleteNotificationRuleInput{Arn: made.Arn}); err != nil {
		t.Fatal(err)
	}
	_, err = c.DescribeNotificationRule(&codestarnotifications.DescribeNotificationRuleInput{Arn: made.Arn})
	if apptest.Code(err) != codestarnotifications.ErrCodeResourceNotFoundException {
		t.Errorf("read after delete: %v", err)
	}
}
