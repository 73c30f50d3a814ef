package codecommit_test

import (
	"errors"
	"testing"

	"github.com/aws/aws-sdk-go/aws"
	"github.com/aws/aws-sdk-go/aws/awserr"
	"github.com/aws/aws-sdk-go/service/codecommit"

	"github.com/slipway-dev/slipway/cmd/slipway/apptest"
)

// The older client, through the same story.
func TestOlderClient(t *testing.T) {
	c := codecommit.New(apptest.Start(t).Older())
	name := aws.String("site")
	made, err := c.CreateRepository(&codecommit.CreateRepositoryInput{RepositoryName: name, Tags: aws.StringMap(map[string]string{"team": "a"})})
	if err != nil {
		t.Fatal(err)
	}
	read, err := c.GetRepository(&codecommit.GetRepositoryInput{RepositoryName: name})
	if err != nil || !read.RepositoryMetadata.CreationDate.Equal(*made.RepositoryMetadata.CreationDate) || read.RepositoryMetadata.DefaultBranch != nil {
		t.Errorf("read %v %v", read, err)
	}
	if _, err := c.PutRepositoryTriggers(&codecommit.PutRepositoryTriggersInput{RepositoryName: name, Triggers: []*codecommit.RepositoryTrigger{{Name: aws.String("all"),
		DestinationArn: aws.String("arn:aws:sns:us-east-1:000000000000:deploys"), Branches: []*string{}, Events: aws.StringSlice([]string{"all"})}}}); err != nil {
		t.Error(err)
	}
	if _, err := c.CreateApprovalRuleTemplate(&codecommit.CreateApprovalRuleTemplateInput{ApprovalRuleTemplateName: name, ApprovalRuleTemplateContent: aws.String(rule)}); err != nil {
		t.Error(err)
	}
	if _, err := c.DeleteRepository(&codecommit.DeleteRepositoryInput{RepositoryName: name}); err != nil {
		t.Error(err)
	}
	for _, call := range []func() error{
		func() error {
			_, err := c.GetRepository(&codecommit.GetRepositoryInput{RepositoryName: name})
			return err
		},
		func() error {
			_, err := c.GetRepositoryTriggers(&codecommit.GetRepositoryTriggersInput{RepositoryName: name})
			return err
		},
	} {
		var failed awserr.RequestFailure
		if err := call(); !errors.As(err, &failed) || failed.Code() != codecommit.ErrCodeRepositoryDoesNotExistException || failed.StatusCode() != 400 {
			t.Errorf("after delete: %v", err)
		}
	}
}
