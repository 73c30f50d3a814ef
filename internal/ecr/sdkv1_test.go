package ecr_test

import (
	"errors"
	"testing"

	"github.com/aws/aws-sdk-go/aws"
	"github.com/aws/aws-sdk-go/aws/awserr"
	"github.com/aws/aws-sdk-go/service/ecr"

	"github.com/slipway-dev/slipway/cmd/slipway/apptest"
)

// The older client, through the same story.
func TestOlderClient(t *testing.T) {
	c := ecr.New(apptest.Start(t).Older())
	name := aws.String("app")
	made, err := c.CreateRepository(&ecr.CreateRepositoryInput{RepositoryName: name, Tags: []*ecr.Tag{{Key: aws.String("team"), Value: aws.String("a")}}})
	if err != nil {
		t.Fatal(err)
	}
	read, err := c.DescribeRepositories(&ecr.DescribeRepositoriesInput{RepositoryNames: []*string{name}})
	if err != nil {
		t.Fatal(err)
	}
	if r := read.Repositories[0]; !r.CreatedAt.Equal(*made.Repository.CreatedAt) || *r.ImageTagMutability != "MUTABLE" || *r.ImageScanningConfiguration.ScanOnPush || *r.EncryptionConfiguration.EncryptionType != "AES256" {
		t.Errorf("read %v", r)
	}
	tags, err := c.ListTagsForResource(&ecr.ListTagsForResourceInput{ResourceArn: made.Repository.RepositoryArn})
	if err != nil || len(tags.Tags) != 1 || *tags.Tags[0].Value != "a" {
		t.Errorf("tags %v, %v", tags, err)
	}
	if _, err := c.DeleteRepository(&ecr.DeleteRepositoryInput{RepositoryName: name, Force: aws.Bool(true)}); err != nil {
		t.Error(err)
	}
	var failed awserr.RequestFailure
	if _, err := c.DescribeRepositories(&ecr.DescribeRepositoriesInput{RepositoryNames: []*string{name}}); !errors.As(err, &failed) ||
		failed.Code() != ecr.ErrCodeRepositoryNotFoundException || failed.StatusCode() != 400 {
		t.Errorf("after delete: %v", err)
	}
	if _, err := c.GetLifecyclePolicy(&ecr.GetLifecyclePolicyInput{RepositoryName: name}); !errors.As(err, &failed) || failed.Code() != ecr.ErrCodeRepositoryNotFoundException {
		t.Errorf("policy after delete: %v", err)
	}
}
