package kms_test

import (
	"testing"

	"github.com/aws/aws-sdk-go/aws"
	"github.com/aws/aws-sdk-go/service/kms"

	"github.com/slipway-dev/slipway/cmd/slipway/apptest"
)

// TestKeyStoryV1 is the story of a provider of 2024, which has the SDK for Go v1.
func TestKeyStoryV1(t *testing.T) {
	c := kms.New(apptest.Start(t).Older())
	key, err := c.CreateKey(&kms.CreateKeyInput{Description: aws.String("old"), KeyUsage: aws.String("ENCRYPT_DECRYPT"), CustomerMasterKeySpec: aws.String("SYMMETRIC_DEFAULT"),
		Tags: []*kms.Tag{{TagKey: aws.String("A"), TagValue: aws.String("1")}}})
	if err != nil {
		t.Fatal(err)
	}
	k := key.KeyMetadata.KeyId
	if _, err := c.EnableKeyRotation(&kms.EnableKeyRotationInput{KeyId: k}); err != nil {
		t.Fatal(err)
	}
	described, err := c.DescribeKey(&kms.DescribeKeyInput{KeyId: k})
	if err != nil || *described.KeyMetadata.CustomerMasterKeySpec != "SYMMETRIC_DEFAULT" || !*described.KeyMetadata.Enabled || described.KeyMetadata.CreationDate.IsZero() {
		t.Fatal(described, err)
	}
	policy, err := c.GetKeyPolicy(&kms.GetKeyPolicyInput{KeyId: k, PolicyName: aws.String("default")})
	if err != nil || *policy.Policy == "" {
		t.Fatal(policy, err)
	}
	if out, err := c.GetKeyRotationStatus(&kms.GetKeyRotationStatusInput{KeyId: k}); err != nil || !*out.KeyRotationEnabled {
		t.Fatal(out, err)
	}
	n := 0
	if err := c.ListResourceTagsPages(&kms.ListResourceTagsInput{KeyId: k}, func(out *kms.ListResourceTagsOutput, _ bool) bool { n += len(out.Tags); return true }); err != nil || n != 1 {
		t.Fatal(n, err)
	}
	if _, err := c.CreateAlias(&kms.CreateAliasInput{AliasName: aws.String("alias/old"), TargetKeyId: k}); err != nil {
		t.Fatal(err)
	}
	blob, err := c.Encrypt(&kms.EncryptInput{KeyId: aws.String("alias/old"), Plaintext: []byte("x"), EncryptionContext: map[string]*string{"a": aws.String("b")}})
	if err != nil {
		t.Fatal(err)
	}
	plain, err := c.Decrypt(&kms.DecryptInput{CiphertextBlob: blob.CiphertextBlob, EncryptionContext: map[string]*string{"a": aws.String("b")}})
	if err != nil || string(plain.Plaintext) != "x" {
		t.Fatal(plain, err)
	}
	if _, err := c.DeleteAlias(&kms.DeleteAliasInput{AliasName: aws.String("alias/old")}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.ScheduleKeyDeletion(&kms.ScheduleKeyDeletionInput{KeyId: k, PendingWindowInDays: aws.Int64(30)}); err != nil {
		t.Fatal(err)
	}
	described, err = c.DescribeKey(&kms.DescribeKeyInput{KeyId: k})
	if err != nil || *described.KeyMetadata.KeyState != kms.KeyStatePendingDeletion {
		t.Fatal(described, err)
	}
	_, err = c.DescribeKey(&kms.DescribeKeyInput{KeyId: aws.String("1234abcd-12ab-34cd-56ef-1234567890ab")})
	if apptest.Code(err) != kms.ErrCodeNotFoundException {
		t.Error(err)
	}
}
