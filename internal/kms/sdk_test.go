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

const policy = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::000000000000:root"},"Action":"kms:*","Resource":"*"}]}`

// TestKeyStory is Terraform's aws_kms_key and aws_kms_alias, call by call.
func TestKeyStory(t *testing.T) {
	s := apptest.Start(t)
	c, ctx := kms.NewFromConfig(s.Config()), context.Background()
	key := apptest.Must(c.CreateKey(ctx, &kms.CreateKeyInput{Description: aws.String("one"), Policy: aws.String(policy), KeyUsage: "ENCRYPT_DECRYPT",
		KeySpec: "SYMMETRIC_DEFAULT", Tags: []types.Tag{{TagKey: aws.String("A"), TagValue: aws.String("1")}}}))(t).KeyMetadata
	if key.KeyState != types.KeyStateEnabled || !key.Enabled || *key.MultiRegion || key.Origin != "AWS_KMS" || len(key.EncryptionAlgorithms) != 1 || *key.AWSAccountId != "000000000000" {
		t.Errorf("%+v", key)
	}
	apptest.Must(c.EnableKeyRotation(ctx, &kms.EnableKeyRotationInput{KeyId: key.KeyId, RotationPeriodInDays: aws.Int32(180)}))(t)
	status := apptest.Must(c.GetKeyRotationStatus(ctx, &kms.GetKeyRotationStatusInput{KeyId: key.KeyId}))(t)
	if !status.KeyRotationEnabled || *status.RotationPeriodInDays != 180 || status.NextRotationDate == nil {
		t.Errorf("%+v", status)
	}
	if out := apptest.Must(c.DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: key.Arn}))(t); *out.KeyMetadata.Description != "one" {
		t.Errorf("%+v", out.KeyMetadata)
	}
	if out := apptest.Must(c.GetKeyPolicy(ctx, &kms.GetKeyPolicyInput{KeyId: key.KeyId, PolicyName: aws.String("default")}))(t); *out.Policy != policy {
		t.Errorf("policy %s", *out.Policy)
	}
	if out := apptest.Must(c.ListResourceTags(ctx, &kms.ListResourceTagsInput{KeyId: key.KeyId}))(t); len(out.Tags) != 1 || out.Truncated {
		t.Errorf("%+v", out)
	}
	apptest.Must(c.UpdateKeyDescription(ctx, &kms.UpdateKeyDescriptionInput{KeyId: key.KeyId, Description: aws.String("two")}))(t)
	apptest.Must(c.PutKeyPolicy(ctx, &kms.PutKeyPolicyInput{KeyId: key.KeyId, PolicyName: aws.String("default"), Policy: aws.String(policy)}))(t)
	apptest.Must(c.DisableKey(ctx, &kms.DisableKeyInput{KeyId: key.KeyId}))(t)
	apptest.Must(c.EnableKey(ctx, &kms.EnableKeyInput{KeyId: key.KeyId}))(t)
	apptest.Must(c.TagResource(ctx, &kms.TagResourceInput{KeyId: key.KeyId, Tags: []types.Tag{{TagKey: aws.String("B"), TagValue: aws.String("2")}}}))(t)
	apptest.Must(c.UntagResource(ctx, &kms.UntagResourceInput{KeyId: key.KeyId, TagKeys: []string{"A"}}))(t)
	if out := apptest.Must(c.ListResourceTags(ctx, &kms.ListResourceTagsInput{KeyId: key.KeyId}))(t); len(out.Tags) != 1 || *out.Tags[0].TagKey != "B" {
		t.Errorf("%+v", out)
	}
	if out := apptest.Must(c.DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: key.KeyId}))(t); *out.KeyMetadata.Description != "two" || !out.KeyMetadata.Enabled {
		t.Errorf("%+v", out.KeyMetadata)
	}

	apptest.Must(c.CreateAlias(ctx, &kms.CreateAliasInput{AliasName: aws.String("alias/app"), TargetKeyId: key.KeyId}))(t)
	_, err := c.CreateAlias(ctx, &kms.CreateAliasInput{AliasName: aws.String("alias/app"), TargetKeyId: key.KeyId})
	code(t, err, "AlreadyExistsException")
	_, err = c.CreateAlias(ctx, &kms.CreateAliasInput{AliasName: aws.String("app"), TargetKeyId: key.KeyId})
	code(t, err, "ValidationException")
	_, err = c.CreateAlias(ctx, &kms.CreateAliasInput{AliasName: aws.String("alias/aws/app"), TargetKeyId: key.KeyId})
	code(t, err, "NotAuthorizedException")
	names := map[string]string{}
	p := kms.NewListAliasesPaginator(c, &kms.ListAliasesInput{Limit: aws.Int32(2)})
	for p.HasMorePages() {
		for _, a := range apptest.Must(p.NextPage(ctx))(t).Aliases {
			names[*a.AliasName] = aws.ToString(a.TargetKeyId)
		}
	}
	if names["alias/app"] != *key.KeyId {
		t.Errorf("aliases %v", names)
	}
	if target, ok := names["alias/aws/ssm"]; !ok || target != "" {
		t.Errorf("the alias of a service's key: %v", names)
	}
	used := apptest.Must(c.DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: aws.String("alias/aws/ssm")}))(t).KeyMetadata
	if used.KeyManager != types.KeyManagerTypeAws {
		t.Errorf("%+v", used)
	}
	_, err = c.DisableKey(ctx, &kms.DisableKeyInput{KeyId: used.KeyId})
	code(t, err, "AccessDeniedException")
	if out := apptest.Must(c.ListAliases(ctx, &kms.ListAliasesInput{KeyId: used.Arn}))(t); len(out.Aliases) != 1 || *out.Aliases[0].AliasName != "alias/aws/ssm" {
		t.Errorf("%+v", out.Aliases)
	}

	blob := apptest.Must(c.Encrypt(ctx, &kms.EncryptInput{KeyId: aws.String("alias/app"), Plaintext: []byte("s3cr3t")}))(t).CiphertextBlob
	apptest.Must(c.RotateKeyOnDemand(ctx, &kms.RotateKeyOnDemandInput{KeyId: key.KeyId}))(t)
	s.Restart()
	if out := apptest.Must(c.Decrypt(ctx, &kms.DecryptInput{CiphertextBlob: blob}))(t); string(out.Plaintext) != "s3cr3t" || *out.KeyId != *key.Arn {
		t.Errorf("%+v", out)
	}

	other := apptest.Must(c.CreateKey(ctx, &kms.CreateKeyInput{MultiRegion: aws.Bool(true)}))(t).KeyMetadata
	if !strings.HasPrefix(*other.KeyId, "mrk-") || other.MultiRegionConfiguration.MultiRegionKeyType != "PRIMARY" {
		t.Errorf("%+v", other)
	}
	apptest.Must(c.UpdateAlias(ctx, &kms.UpdateAliasInput{AliasName: aws.String("alias/app"), TargetKeyId: other.KeyId}))(t)
	if out := apptest.Must(c.DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: aws.String("alias/app")}))(t); *out.KeyMetadata.KeyId != *other.KeyId {
		t.Errorf("%+v", out.KeyMetadata)
	}
	apptest.Must(c.DeleteAlias(ctx, &kms.DeleteAliasInput{AliasName: aws.String("alias/app")}))(t)
	_, err = c.DeleteAlias(ctx, &kms.DeleteAliasInput{AliasName: aws.String("alias/app")})
	code(t, err, "NotFoundException")

	apptest.Must(c.ScheduleKeyDeletion(ctx, &kms.ScheduleKeyDeletionInput{KeyId: key.KeyId, PendingWindowInDays: aws.Int32(7)}))(t)
	if out := apptest.Must(c.DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: key.KeyId}))(t); out.KeyMetadata.KeyState != types.KeyStatePendingDeletion || out.KeyMetadata.DeletionDate == nil {
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
