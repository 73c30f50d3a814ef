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

func must[T any](t *testing.T) func(*T, error) *T {
	return func(out *T, err error) *T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
}

// TestParameterStory is Terraform's aws_ssm_parameter, call by call.
func TestParameterStory(t *testing.T) {
	s := apptest.Start(t)
	c, ctx := ssm.NewFromConfig(s.Config()), context.Background()
	name := aws.String("/app/password")
	made := must[ssm.PutParameterOutput](t)(c.PutParameter(ctx, &ssm.PutParameterInput{Name: name, Type: types.ParameterTypeSecureString, Value: aws.String("hunter2"),
		Overwrite: aws.Bool(false), AllowedPattern: aws.String(""), Tags: []types.Tag{{Key: aws.String("A"), Value: aws.String("1")}}}))
	if made.Version != 1 || made.Tier != types.ParameterTierStandard {
		t.Errorf("%+v", made)
	}
	describe := func() types.ParameterMetadata {
		t.Helper()
		out := must[ssm.DescribeParametersOutput](t)(c.DescribeParameters(ctx, &ssm.DescribeParametersInput{
			ParameterFilters: []types.ParameterStringFilter{{Key: aws.String("Name"), Option: aws.String("Equals"), Values: []string{*name}}}}))
		if len(out.Parameters) != 1 {
			t.Fatalf("%+v", out)
		}
		return out.Parameters[0]
	}
	get := func(decrypt bool) *types.Parameter {
		t.Helper()
		return must[ssm.GetParameterOutput](t)(c.GetParameter(ctx, &ssm.GetParameterInput{Name: name, WithDecryption: &decrypt})).Parameter
	}
	if p := get(true); *p.Value != "hunter2" || *p.ARN != "arn:aws:ssm:us-east-1:000000000000:parameter/app/password" || *p.DataType != "text" {
		t.Errorf("%+v", p)
	}
	if d := describe(); *d.KeyId != "alias/aws/ssm" || d.Description != nil || d.AllowedPattern != nil || d.Tier != types.ParameterTierStandard {
		t.Errorf("%+v", d)
	}
	if out := must[ssm.ListTagsForResourceOutput](t)(c.ListTagsForResource(ctx, &ssm.ListTagsForResourceInput{ResourceType: "Parameter", ResourceId: name})); len(out.TagList) != 1 {
		t.Errorf("%+v", out)
	}
	_, err := c.PutParameter(ctx, &ssm.PutParameterInput{Name: name, Type: types.ParameterTypeString, Value: aws.String("x")})
	code(t, err, "ParameterAlreadyExists")

	key := must[kms.CreateKeyOutput](t)(kms.NewFromConfig(s.Config()).CreateKey(ctx, &kms.CreateKeyInput{})).KeyMetadata
	must[ssm.PutParameterOutput](t)(c.PutParameter(ctx, &ssm.PutParameterInput{Name: name, Type: types.ParameterTypeSecureString, Value: aws.String("hunter3"),
		Overwrite: aws.Bool(true), AllowedPattern: aws.String("hunter."), Description: aws.String("two"), KeyId: key.Arn, Tier: types.ParameterTierStandard}))
	if d := describe(); *d.KeyId != *key.Arn || *d.Description != "two" || *d.AllowedPattern != "hunter." || d.Version != 2 {
		t.Errorf("%+v", d)
	}
	if p := get(false); *p.Value == "hunter3" {
		t.Error("in clear without WithDecryption")
	}
	must[kms.DisableKeyOutput](t)(kms.NewFromConfig(s.Config()).DisableKey(ctx, &kms.DisableKeyInput{KeyId: key.KeyId}))
	_, err = c.GetParameter(ctx, &ssm.GetParameterInput{Name: name, WithDecryption: aws.Bool(true)})
	code(t, err, "InvalidKeyId")
	must[kms.EnableKeyOutput](t)(kms.NewFromConfig(s.Config()).EnableKey(ctx, &kms.EnableKeyInput{KeyId: key.KeyId}))

	must[ssm.AddTagsToResourceOutput](t)(c.AddTagsToResource(ctx, &ssm.AddTagsToResourceInput{ResourceType: "Parameter", ResourceId: name, Tags: []types.Tag{{Key: aws.String("B"), Value: aws.String("2")}}}))
	must[ssm.RemoveTagsFromResourceOutput](t)(c.RemoveTagsFromResource(ctx, &ssm.RemoveTagsFromResourceInput{ResourceType: "Parameter", ResourceId: name, TagKeys: []string{"A"}}))
	if out := must[ssm.ListTagsForResourceOutput](t)(c.ListTagsForResource(ctx, &ssm.ListTagsForResourceInput{ResourceType: "Parameter", ResourceId: name})); len(out.TagList) != 1 || *out.TagList[0].Key != "B" {
		t.Errorf("%+v", out)
	}
	_, err = c.ListTagsForResource(ctx, &ssm.ListTagsForResourceInput{ResourceType: "Document", ResourceId: aws.String("x")})
	code(t, err, "InvalidResourceType")

	h := must[ssm.GetParameterHistoryOutput](t)(c.GetParameterHistory(ctx, &ssm.GetParameterHistoryInput{Name: name, WithDecryption: aws.Bool(true)}))
	if len(h.Parameters) != 2 || *h.Parameters[0].Value != "hunter2" || *h.Parameters[1].LastModifiedUser != "arn:aws:iam::000000000000:root" {
		t.Errorf("%+v", h.Parameters)
	}
	many := must[ssm.GetParametersOutput](t)(c.GetParameters(ctx, &ssm.GetParametersInput{Names: []string{"/app/password:1", "/nothing", *name}, WithDecryption: aws.Bool(true)}))
	if len(many.Parameters) != 2 || len(many.InvalidParameters) != 1 || *many.Parameters[0].Selector != ":1" {
		t.Errorf("%+v", many)
	}
	must[secretsmanager.CreateSecretOutput](t)(secretsmanager.NewFromConfig(s.Config()).CreateSecret(ctx, &secretsmanager.CreateSecretInput{Name: aws.String("db"), SecretString: aws.String("s3cr3t")}))
	if p := must[ssm.GetParameterOutput](t)(c.GetParameter(ctx, &ssm.GetParameterInput{Name: aws.String("/aws/reference/secretsmanager/db"), WithDecryption: aws.Bool(true)})).Parameter; *p.Value != "s3cr3t" {
		t.Errorf("%+v", p)
	}

	must[ssm.DeleteParameterOutput](t)(c.DeleteParameter(ctx, &ssm.DeleteParameterInput{Name: name}))
	_, err = c.GetParameter(ctx, &ssm.GetParameterInput{Name: name, WithDecryption: aws.Bool(true)})
	code(t, err, "ParameterNotFound")
	_, err = c.DeleteParameter(ctx, &ssm.DeleteParameterInput{Name: name})
	code(t, err, "ParameterNotFound")
	_, err = c.GetParameter(ctx, &ssm.GetParameterInput{Name: aws.String("/aws/service/ecs/optimized-ami")})
	code(t, err, "ParameterNotFound")
	_, err = c.SendCommand(ctx, &ssm.SendCommandInput{DocumentName: aws.String("AWS-RunShellScript")})
	code(t, err, "UnknownOperationException")
}
