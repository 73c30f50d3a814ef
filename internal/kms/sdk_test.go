package kms_test

import (
	"context"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

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

const policy = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::000000000000:root"},"Action":"kms:*","Resource":"*"}]}`

// TestKeyStory is Terraform's aws_kms_key and aws_kms_alias, call by call.
func TestKeyStory(t *testing.T) {
	s := apptest.Start(t)
	c, ctx := kms.NewFromConfig(s.Config()), context.Background()
	key := must[kms.CreateKeyOutput](t)(c.CreateKey(ctx, &kms.CreateKeyInput{Description: aws.String("one"), Policy: aws.String(policy), KeyUsage: "ENCRYPT_DECRYPT",
		KeySpec: "SYMMETRIC_DEFAULT", Tags: []types.Tag{{TagKey: aws.String("A"), TagValue: aws.String("1")}}})).KeyMetadata
	if key.KeyState != types.KeyStateEnabled || !key.Enabled || *key.MultiRegion || key.Origin != "AWS_KMS" || len(key.EncryptionAlgorithms) != 1 || *key.AWSAccountId != "000000000000" {
		t.Errorf("%+v", key)
	}
	must[kms.EnableKeyRotationOutput](t)(c.EnableKeyRotation(ctx, &kms.EnableKeyRotationInput{KeyId: key.KeyId, RotationPeriodInDays: aws.Int32(180)}))
	status := must[kms.GetKeyRotationStatusOutput](t)(c.GetKeyRotationStatus(ctx, &kms.GetKeyRotationStatusInput{KeyId: key.KeyId}))
	if !status.KeyRotationEnabled || *status.RotationPeriodInDays != 180 || status.NextRotationDate == nil {
		t.Errorf("%+v", status)
	}
	if out := must[kms.DescribeKeyOutput](t)(c.DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: key.Arn})); *out.KeyMetadata.Description != "one" {
		t.Errorf("%+v", out.KeyMetadata)
	}
	if out := must[kms.GetKeyPolicyOutput](t)(c.GetKeyPolicy(ctx, &kms.GetKeyPolicyInput{KeyId: key.KeyId, PolicyName: aws.String("default")})); *out.Policy != policy {
		t.Errorf("policy %s", *out.Policy)
	}
	if out := must[kms.ListResourceTagsOutput](t)(c.ListResourceTags(ctx, &kms.ListResourceTagsInput{KeyId: key.KeyId})); len(out.Tags) != 1 || out.Truncated {
		t.Errorf("%+v", out)
	}
	must[kms.UpdateKeyDescriptionOutput](t)(c.UpdateKeyDescription(ctx, &kms.UpdateKeyDescriptionInput{KeyId: key.KeyId, Description: aws.String("two")}))
	must[kms.PutKeyPolicyOutput](t)(c.PutKeyPolicy(ctx, &kms.PutKeyPolicyInput{KeyId: key.KeyId, PolicyName: aws.String("default"), Policy: aws.String(policy)}))
	must[kms.DisableKeyOutput](t)(c.DisableKey(ctx, &kms.DisableKeyInput{KeyId: key.KeyId}))
	must[kms.EnableKeyOutput](t)(c.EnableKey(ctx, &kms.EnableKeyInput{KeyId: key.KeyId}))
	must[kms.TagResourceOutput](t)(c.TagResource(ctx, &kms.TagResourceInput{KeyId: key.KeyId, Tags: []types.Tag{{TagKey: aws.String("B"), TagValue: aws.String("2")}}}))
	must[kms.UntagResourceOutput](t)(c.UntagResource(ctx, &kms.UntagResourceInput{KeyId: key.KeyId, TagKeys: []string{"A"}}))
	if out := must[kms.ListResourceTagsOutput](t)(c.ListResourceTags(ctx, &kms.ListResourceTagsInput{KeyId: key.KeyId})); len(out.Tags) != 1 || *out.Tags[0].TagKey != "B" {
		t.Errorf("%+v", out)
	}
	if out := must[kms.DescribeKeyOutput](t)(c.DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: key.KeyId})); *out.KeyMetadata.Description != "two" || !out.KeyMetadata.Enabled {
		t.Errorf("%+v", out.KeyMetadata)
	}

	must[kms.CreateAliasOutput](t)(c.CreateAlias(ctx, &kms.CreateAliasInput{AliasName: aws.String("alias/app"), TargetKeyId: key.KeyId}))
	_, err := c.CreateAlias(ctx, &kms.CreateAliasInput{AliasName: aws.String("alias/app"), TargetKeyId: key.KeyId})
	code(t, err, "AlreadyExistsException")
	_, err = c.CreateAlias(ctx, &kms.CreateAliasInput{AliasName: aws.String("app"), TargetKeyId: key.KeyId})
	code(t, err, "ValidationException")
	_, err = c.CreateAlias(ctx, &kms.CreateAliasInput{AliasName: aws.String("alias/aws/app"), TargetKeyId: key.KeyId})
	code(t, err, "NotAuthorizedException")
	names := map[string]string{}
	p := kms.NewListAliasesPaginator(c, &kms.ListAliasesInput{Limit: aws.Int32(2)})
	for p.HasMorePages() {
		for _, a := range must[kms.ListAliasesOutput](t)(p.NextPage(ctx)).Aliases {
			names[*a.AliasName] = aws.ToString(a.TargetKeyId)
		}
	}
	if names["alias/app"] != *key.KeyId {
		t.Errorf("aliases %v", names)
	}
	if target, ok := names["alias/aws/ssm"]; !ok || target != "" {
		t.Errorf("the alias of a service's key: %v", names)
	}
	used := must[kms.DescribeKeyOutput](t)(c.DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: aws.String("alias/aws/ssm")})).KeyMetadata
	if used.KeyManager != types.KeyManagerTypeAws {
		t.Errorf("%+v", used)
	}
	_, err = c.DisableKey(ctx, &kms.DisableKeyInput{KeyId: used.KeyId})
	code(t, err, "AccessDeniedException")
	if out := must[kms.ListAliasesOutput](t)(c.ListAliases(ctx, &kms.ListAliasesInput{KeyId: used.Arn})); len(out.Aliases) != 1 || *out.Aliases[0].AliasName != "alias/aws/ssm" {
		t.Errorf("%+v", out.Aliases)
	}

	blob := must[kms.EncryptOutput](t)(c.Encrypt(ctx, &kms.EncryptInput{KeyId: aws.String("alias/app"), Plaintext: []byte("s3cr3t")})).CiphertextBlob
	must[kms.RotateKeyOnDemandOutput](t)(c.RotateKeyOnDemand(ctx, &kms.RotateKeyOnDemandInput{KeyId: key.KeyId}))
	s.Restart()
	if out := must[kms.DecryptOutput](t)(c.Decrypt(ctx, &kms.DecryptInput{CiphertextBlob: blob})); string(out.Plaintext) != "s3cr3t" || *out.KeyId != *key.Arn {
		t.Errorf("%+v", out)
	}

	other := must[kms.CreateKeyOutput](t)(c.CreateKey(ctx, &kms.CreateKeyInput{MultiRegion: aws.Bool(true)})).KeyMetadata
	if !strings.HasPrefix(*other.KeyId, "mrk-") || other.MultiRegionConfiguration.MultiRegionKeyType != "PRIMARY" {
		t.Errorf("%+v", other)
	}
	must[kms.UpdateAliasOutput](t)(c.UpdateAlias(ctx, &kms.UpdateAliasInput{AliasName: aws.String("alias/app"), TargetKeyId: other.KeyId}))
	if out := must[kms.DescribeKeyOutput](t)(c.DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: aws.String("alias/app")})); *out.KeyMetadata.KeyId != *other.KeyId {
		t.Errorf("%+v", out.KeyMetadata)
	}
	must[kms.DeleteAliasOutput](t)(c.DeleteAlias(ctx, &kms.DeleteAliasInput{AliasName: aws.String("alias/app")}))
	_, err = c.DeleteAlias(ctx, &kms.DeleteAliasInput{AliasName: aws.String("alias/app")})
	code(t, err, "NotFoundException")

	must[kms.ScheduleKeyDeletionOutput](t)(c.ScheduleKeyDeletion(ctx, &kms.ScheduleKeyDeletionInput{KeyId: key.KeyId, PendingWindowInDays: aws.Int32(7)}))
	if out := must[kms.DescribeKeyOutput](t)(c.DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: key.KeyId})); out.KeyMetadata.KeyState != types.KeyStatePendingDeletion || out.KeyMetadata.DeletionDate == nil {
		t.Errorf("%+v", out.KeyMetadata)
	}
	_, err = c.ScheduleKeyDeletion(ctx, &kms.ScheduleKeyDeletionInput{KeyId: key.KeyId})
	code(t, err, "KMSInvalidStateException")
	if !strings.Contains(err.Error(), "is pending deletion") {
		t.Error(err)
	}
	_, err = c.DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: aws.String("1234abcd-12ab-34cd-56ef-1234567890ab")})
	code(t, err, "NotFoundException")
	_, err = c.DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: aws.String("nonsense")})
	code(t, err, "NotFoundException")
	_, err = c.CreateGrant(ctx, &kms.CreateGrantInput{KeyId: key.KeyId, GranteePrincipal: aws.String("arn:aws:iam::000000000000:root"), Operations: []types.GrantOperation{"Decrypt"}})
	code(t, err, "UnknownOperationException")
}
