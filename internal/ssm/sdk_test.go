package ssm_test

import (
	"context"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"github.com/slipway-dev/slipway/cmd/slipway/apptest"
)

var code = apptest.WantCode

// TestParameterStory is Terraform's aws_ssm_parameter, call by call.
func TestParameterStory(t *testing.T) {
	s := apptest.Start(t)
	c, ctx := ssm.NewFromConfig(s.Config()), context.Background()
	name := aws.String("/app/password")
	made := apptest.Must(c.PutParameter(ctx, &ssm.PutParameterInput{Name: name, Type: types.ParameterTypeSecureString, Value: aws.String("hunter2"),
		Overwrite: aws.Bool(false), AllowedPattern: aws.String(""), Tags: []types.Tag{{Key: aws.String("A"), Value: aws.String("1")}}}))(t)
	if made.Version != 1 || made.Tier != types.ParameterTierStandard {
		t.Errorf("%+v", made)
	}
	describe := func() types.ParameterMetadata {
		t.Helper()
		out := apptest.Must(c.DescribeParameters(ctx, &ssm.DescribeParametersInput{
			ParameterFilters: []types.ParameterStringFilter{{Key: aws.String("Name"), Option: aws.String("Equals"), Values: []string{*name}}}}))(t)
		if len(out.Parameters) != 1 {
			t.Fatalf("%+v", out)
		}
		return out.Parameters[0]
	}
	get := func(decrypt bool) *types.Parameter {
		t.Helper()
		return apptest.Must(c.GetParameter(ctx, &ssm.GetParameterInput{Name: name, WithDecryption: &decrypt}))(t).Parameter
	}
	if p := get(true); *p.Value != "hunter2" || *p.ARN != "arn:aws:ssm:us-east-1:000000000000:parameter/app/password" || *p.DataType != "text" {
		t.Errorf("%+v", p)
	}
	if d := describe(); *d.KeyId != "alias/aws/ssm" || d.Description != nil || d.AllowedPattern != nil || d.Tier != types.ParameterTierStandard {
		t.Errorf("%+v", d)
	}
	if out := apptest.Must(c.ListTagsForResource(ctx, &ssm.ListTagsForResourceInput{ResourceType: "Parameter", ResourceId: name}))(t); len(out.TagList) != 1 {
		t.Errorf("%+v", out)
	}
	_, err := c.PutParameter(ctx, &ssm.PutParameterInput{Name: name, Type: types.ParameterTypeString, Value: aws.String("x")})
	code(t, err, "ParameterAlreadyExists")

	key := apptest.Must(kms.NewFromConfig(s.Config()).CreateKey(ctx, &kms.CreateKeyInput{}))(t).KeyMetadata
	apptest.Must(c.PutParameter(ctx, &ssm.PutParameterInput{Name: name, Type: types.ParameterTypeSecureString, Value: aws.String("hunter3"),
		Overwrite: aws.Bool(true), AllowedPattern: aws.String("hunter."), Description: aws.String("two"), KeyId: key.Arn, Tier: types.ParameterTierStandard}))(t)
	if d := describe(); *d.KeyId != *key.Arn || *d.Description != "two" || *d.AllowedPattern != "hunter." || d.Version != 2 {
		t.Errorf("%+v", d)
	}
	if p := get(false); *p.Value == "hunter3" {
		t.Error("in clear without WithDecryption")
	}
	apptest.Must(kms.NewFromConfig(s.Config()).DisableKey(ctx, &kms.DisableKeyInput{KeyId: key.KeyId}))(t)
	_, err = c.GetParameter(ctx, &ssm.GetParameterInput{Name: name, WithDecryption: aws.Bool(true)})
	code(t, err, "InvalidKeyId")
	apptest.Must(kms.NewFromConfig(s.Config()).EnableKey(ctx, &kms.EnableKeyInput{KeyId: key.KeyId}))(t)

	apptest.Must(c.AddTagsToResource(ctx, &ssm.AddTagsToResourceInput{ResourceType: "Parameter", ResourceId: name, Tags: []types.Tag{{Key: aws.String("B"), Value: aws.String("2")}}}))(t)
	apptest.Must(c.RemoveTagsFromResource(ctx, &ssm.RemoveTagsFromResourceInput{ResourceType: "Parameter", ResourceId: name, TagKeys: []string{"A"}}))(t)
	if out := apptest.Must(c.ListTagsForResource(ctx, &ssm.ListTagsForResourceInput{ResourceType: "Parameter", ResourceId: name}))(t); len(out.TagList) != 1 || *out.TagList[0].Key != "B" {
		t.Errorf("%+v", out)
	}
	_, err = c.ListTagsForResource(ctx, &ssm.ListTagsForResourceInput{ResourceType: "Document", ResourceId: aws.String("x")})
	code(t, err, "InvalidResourceType")

	h := apptest.Must(c.GetParameterHistory(ctx, &ssm.GetParameterHistoryInput{Name: name, WithDecryption: aws.Bool(true)}))(t)
	if len(h.Parameters) != 2 || *h.Parameters[0].Value != "hunter2" || *h.Parameters[1].LastModifiedUser != "arn:aws:iam::000000000000:root" {
		t.Errorf("%+v", h.Parameters)
	}
	many := apptest.Must(c.GetParameters(ctx, &ssm.GetParametersInput{Names: []string{"/app/password:1", "/nothing", *name}, WithDecryption: aws.Bool(true)}))(t)
	if len(many.Parameters) != 2 || len(many.InvalidParameters) != 1 || *many.Parameters[0].Selector != ":1" {
		t.Errorf("%+v", many)
	}
	apptest.Must(secretsmanager.NewFromConfig(s.Config()).CreateSecret(ctx, &secretsmanager.CreateSecretInput{Name: aws.String("db"), SecretString: aws.String("s3cr3t")}))(t)
	if p := apptest.Must(c.GetParameter(ctx, &ssm.GetParameterInput{Name: aws.String("/aws/reference/secretsmanager/db"), WithDecryption: aws.Bool(true)}))(t).Parameter; *p.Value != "s3cr3t" {
		t.Errorf("%+v", p)
	}

	apptest.Must(c.DeleteParameter(ctx, &ssm.DeleteParameterInput{Name: name}))(t)
	_, err = c.GetParameter(ctx, &ssm.GetParameterInput{Name: name, WithDecryption: aws.Bool(true)})
	code(t, err, "ParameterNotFound")
	_, err = c.DeleteParameter(ctx, &ssm.DeleteParameterInput{Name: name})
	code(t, err, "ParameterNotFound")
	_, err = c.GetParameter(ctx, &ssm.GetParameterInput{Name: aws.String("/aws/service/ecs/optimized-ami")})
	code(t, err, "ParameterNotFound")
	_, err = c.SendCommand(ctx, &ssm.SendCommandInput{DocumentName: aws.String("AWS-RunShellScript")})
	code(t, err, "UnknownOperationException")
}
