package ssm_test

import (
	"testing"

	"github.com/aws/aws-sdk-go/aws"
	"github.com/aws/aws-sdk-go/service/ssm"

	"github.com/slipway-dev/slipway/cmd/slipway/apptest"
)

// TestParameterStoryV1 is the story of a provider of 2024, which has the SDK
// for Go v1.
func TestParameterStoryV1(t *testing.T) {
	c := ssm.New(apptest.Start(t).Older())
	name := aws.String("/old/list")
	if _, err := c.PutParameter(&ssm.PutParameterInput{Name: name, Type: aws.String("StringList"), Value: aws.String("a,b"), Overwrite: aws.Bool(false),
		AllowedPattern: aws.String(""), Tags: []*ssm.Tag{{Key: aws.String("A"), Value: aws.String("1")}}}); err != nil {
		t.Fatal(err)
	}
	out, err := c.GetParameter(&ssm.GetParameterInput{Name: name, WithDecryption: aws.Bool(true)})
	if err != nil || *out.Parameter.Value != "a,b" || *out.Parameter.Version != 1 || out.Parameter.LastModifiedDate.IsZero() {
		t.Fatal(out, err)
	}
	d, err := c.DescribeParameters(&ssm.DescribeParametersInput{ParameterFilters: []*ssm.ParameterStringFilter{{Key: aws.String("Name"), Option: aws.String("Equals"), Values: []*string{name}}}})
	if err != nil || len(d.Parameters) != 1 || *d.Parameters[0].Tier != "Standard" || d.Parameters[0].KeyId != nil {
		t.Fatal(d, err)
	}
	if _, err := c.PutParameter(&ssm.PutParameterInput{Name: name, Type: aws.String("StringList"), Tier: aws.String("Standard"), Value: aws.String("a,b,c"), Overwrite: aws.Bool(true), AllowedPattern: aws.String("")}); err != nil {
		t.Fatal(err)
	}
	tags, err := c.ListTagsForResource(&ssm.ListTagsForResourceInput{ResourceType: aws.String("Parameter"), ResourceId: name})
	if err != nil || len(tags.TagList) != 1 {
		t.Fatal(tags, err)
	}
	n := 0
	if err := c.GetParametersByPathPages(&ssm.GetParametersByPathInput{Path: aws.String("/old")}, func(p *ssm.GetParametersByPathOutput, _ bool) bool { n += len(p.Parameters); return true }); err != nil || n != 1 {
		t.Fatal(n, err)
	}
	if _, err := c.DeleteParameter(&ssm.DeleteParameterInput{Name: name}); err != nil {
		t.Fatal(err)
	}
	_, err = c.GetParameter(&ssm.GetParameterInput{Name: name})
	if apptest.Code(err) != ssm.ErrCodeParameterNotFound {
		t.Error(err)
	}
}
