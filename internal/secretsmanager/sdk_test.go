package secretsmanager_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"

	"github.com/slipway-dev/slipway/cmd/slipway/apptest"
)

var code = apptest.WantCode

// TestSecretStory is Terraform's aws_secretsmanager_secret, _version and
// _policy, call by call.
func TestSecretStory(t *testing.T) {
	s := apptest.Start(t)
	c, ctx := secretsmanager.NewFromConfig(s.Config()), context.Background()
	key := apptest.Must(kms.NewFromConfig(s.Config()).CreateKey(ctx, &kms.CreateKeyInput{}))(t).KeyMetadata
	made := apptest.Must(c.CreateSecret(ctx, &secretsmanager.CreateSecretInput{Name: aws.String("prod/db"), Description: aws.String("one"),
		Tags: []types.Tag{{Key: aws.String("A"), Value: aws.String("1")}}}))(t)
	if !strings.HasPrefix(*made.ARN, "arn:aws:secretsmanager:us-east-1:000000000000:secret:prod/db-") || made.VersionId != nil {
		t.Errorf("%+v", made)
	}
	_, err := c.CreateSecret(ctx, &secretsmanager.CreateSecretInput{Name: aws.String("prod/db")})
	code(t, err, "ResourceExistsException")
	d := apptest.Must(c.DescribeSecret(ctx, &secretsmanager.DescribeSecretInput{SecretId: made.ARN}))(t)
	if *d.Description != "one" || len(d.Tags) != 1 || d.KmsKeyId != nil || d.DeletedDate != nil || d.RotationEnabled != nil {
		t.Errorf("%+v", d)
	}
	if p := apptest.Must(c.GetResourcePolicy(ctx, &secretsmanager.GetResourcePolicyInput{SecretId: made.ARN}))(t); p.ResourcePolicy != nil {
		t.Errorf("%+v", p)
	}
	_, err = c.GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: made.ARN})
	code(t, err, "ResourceNotFoundException")

	put := func(text string) string {
		t.Helper()
		return *apptest.Must(c.PutSecretValue(ctx, &secretsmanager.PutSecretValueInput{SecretId: made.ARN, SecretString: &text}))(t).VersionId
	}
	first, second := put("hunter2"), put("hunter3")
	get := func(in *secretsmanager.GetSecretValueInput) string {
		t.Helper()
		return *apptest.Must(c.GetSecretValue(ctx, in))(t).SecretString
	}
	name := aws.String("prod/db")
	partial := aws.String((*made.ARN)[:len(*made.ARN)-7])
	for want, in := range map[string]*secretsmanager.GetSecretValueInput{
		"hunter3": {SecretId: name}, "hunter2": {SecretId: partial, VersionStage: aws.String("AWSPREVIOUS")},
	} {
		if got := get(in); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	if got := get(&secretsmanager.GetSecretValueInput{SecretId: made.ARN, VersionId: &first, VersionStage: aws.String("AWSPREVIOUS")}); got != "hunter2" {
		t.Error(got)
	}
	_, err = c.GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: name, VersionId: &first, VersionStage: aws.String("AWSCURRENT")})
	code(t, err, "InvalidRequestException")
	_, err = c.PutSecretValue(ctx, &secretsmanager.PutSecretValueInput{SecretId: name, SecretString: aws.String("other"), ClientRequestToken: &second})
	code(t, err, "ResourceExistsException")
	apptest.Must(c.PutSecretValue(ctx, &secretsmanager.PutSecretValueInput{SecretId: name, SecretString: aws.String("hunter3"), ClientRequestToken: &second}))(t)

	// Back to the first, as Terraform does it.
	_, err = c.UpdateSecretVersionStage(ctx, &secretsmanager.UpdateSecretVersionStageInput{SecretId: name, VersionStage: aws.String("AWSCURRENT"), MoveToVersionId: &first})
	code(t, err, "InvalidParameterException")
	apptest.Must(c.UpdateSecretVersionStage(ctx, &secretsmanager.UpdateSecretVersionStageInput{SecretId: name,
		VersionStage: aws.String("AWSCURRENT"), MoveToVersionId: &first, RemoveFromVersionId: &second}))(t)
	if got := get(&secretsmanager.GetSecretValueInput{SecretId: name}); got != "hunter2" {
		t.Error(got)
	}
	_, err = c.UpdateSecretVersionStage(ctx, &secretsmanager.UpdateSecretVersionStageInput{SecretId: name, VersionStage: aws.String("AWSCURRENT"), RemoveFromVersionId: &first})
	code(t, err, "InvalidParameterException")
	ids := apptest.Must(c.ListSecretVersionIds(ctx, &secretsmanager.ListSecretVersionIdsInput{SecretId: name, MaxResults: aws.Int32(1)}))(t)
	if len(ids.Versions) != 1 || ids.NextToken == nil {
		t.Errorf("%+v", ids)
	}
	ids = apptest.Must(c.ListSecretVersionIds(ctx, &secretsmanager.ListSecretVersionIdsInput{SecretId: name, NextToken: ids.NextToken}))(t)
	if len(ids.Versions) != 1 || ids.NextToken != nil {
		t.Errorf("%+v", ids)
	}

	// Another key, and what is in use goes under it.
	apptest.Must(c.UpdateSecret(ctx, &secretsmanager.UpdateSecretInput{SecretId: made.ARN, Description: aws.String("two"), KmsKeyId: key.Arn}))(t)
	d = apptest.Must(c.DescribeSecret(ctx, &secretsmanager.DescribeSecretInput{SecretId: made.ARN}))(t)
	if *d.Description != "two" || *d.KmsKeyId != *key.Arn || len(d.VersionIdsToStages) != 2 || d.LastAccessedDate == nil {
		t.Errorf("%+v", d)
	}
	if got := get(&secretsmanager.GetSecretValueInput{SecretId: name}); got != "hunter2" {
		t.Error(got)
	}
	apptest.Must(kms.NewFromConfig(s.Config()).DisableKey(ctx, &kms.DisableKeyInput{KeyId: key.KeyId}))(t)
	_, err = c.GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: name})
	code(t, err, "DecryptionFailure")
	apptest.Must(kms.NewFromConfig(s.Config()).EnableKey(ctx, &kms.EnableKeyInput{KeyId: key.KeyId}))(t)

	const policy = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::000000000000:root"},"Action":"secretsmanager:GetSecretValue","Resource":"*"}]}`
	apptest.Must(c.PutResourcePolicy(ctx, &secretsmanager.PutResourcePolicyInput{SecretId: made.ARN, ResourcePolicy: aws.String(policy), BlockPublicPolicy: aws.Bool(true)}))(t)
	_, err = c.PutResourcePolicy(ctx, &secretsmanager.PutResourcePolicyInput{SecretId: made.ARN, ResourcePolicy: aws.String(strings.Replace(policy, "arn:aws:iam::000000000000:root", "*", 1)), BlockPublicPolicy: aws.Bool(true)})
	code(t, err, "PublicPolicyException")
	_, err = c.PutResourcePolicy(ctx, &secretsmanager.PutResourcePolicyInput{SecretId: made.ARN, ResourcePolicy: aws.String(`{"nothing"}`)})
	code(t, err, "MalformedPolicyDocumentException")
	if p := apptest.Must(c.GetResourcePolicy(ctx, &secretsmanager.GetResourcePolicyInput{SecretId: made.ARN}))(t); *p.ResourcePolicy != policy {
		t.Errorf("%+v", p)
	}
	apptest.Must(c.DeleteResourcePolicy(ctx, &secretsmanager.DeleteResourcePolicyInput{SecretId: made.ARN}))(t)
	apptest.Must(c.TagResource(ctx, &secretsmanager.TagResourceInput{SecretId: made.ARN, Tags: []types.Tag{{Key: aws.String("B"), Value: aws.String("2")}}}))(t)
	apptest.Must(c.UntagResource(ctx, &secretsmanager.UntagResourceInput{SecretId: made.ARN, TagKeys: []string{"A"}}))(t)

	binary := apptest.Must(c.CreateSecret(ctx, &secretsmanager.CreateSecretInput{Name: aws.String("binary"), SecretBinary: []byte{0, 1, 2}, ClientRequestToken: aws.String(strings.Repeat("b", 32))}))(t)
	again := apptest.Must(c.CreateSecret(ctx, &secretsmanager.CreateSecretInput{Name: aws.String("binary"), SecretBinary: []byte{0, 1, 2}, ClientRequestToken: aws.String(strings.Repeat("b", 32))}))(t)
	if *again.ARN != *binary.ARN {
		t.Error("a repeated request made another secret")
	}
	if v := apptest.Must(c.GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: binary.ARN}))(t); !bytes.Equal(v.SecretBinary, []byte{0, 1, 2}) || v.SecretString != nil {
		t.Errorf("%+v", v)
	}
	batch := apptest.Must(c.BatchGetSecretValue(ctx, &secretsmanager.BatchGetSecretValueInput{SecretIdList: []string{"binary", "nothing", *made.ARN}}))(t)
	if len(batch.SecretValues) != 2 || len(batch.Errors) != 1 || *batch.Errors[0].ErrorCode != "ResourceNotFoundException" {
		t.Errorf("%+v", batch)
	}
	list := apptest.Must(c.ListSecrets(ctx, &secretsmanager.ListSecretsInput{Filters: []types.Filter{{Key: "tag-key", Values: []string{"B"}}}}))(t)
	if len(list.SecretList) != 1 || *list.SecretList[0].Name != "prod/db" {
		t.Errorf("%+v", list.SecretList)
	}

	apptest.Must(c.DeleteSecret(ctx, &secretsmanager.DeleteSecretInput{SecretId: made.ARN, RecoveryWindowInDays: aws.Int64(7)}))(t)
	if d := apptest.Must(c.DescribeSecret(ctx, &secretsmanager.DescribeSecretInput{SecretId: made.ARN}))(t); d.DeletedDate == nil {
		t.Errorf("%+v", d)
	}
	_, err = c.GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: name})
	code(t, err, "InvalidRequestException")
	if !strings.Contains(err.Error(), "because it was marked for deletion") {
		t.Error(err)
	}
	apptest.Must(c.DeleteSecret(ctx, &secretsmanager.DeleteSecretInput{SecretId: made.ARN, ForceDeleteWithoutRecovery: aws.Bool(true)}))(t)
	_, err = c.DescribeSecret(ctx, &secretsmanager.DescribeSecretInput{SecretId: made.ARN})
	code(t, err, "ResourceNotFoundException")
	_, err = c.RotateSecret(ctx, &secretsmanager.RotateSecretInput{SecretId: binary.ARN})
	code(t, err, "UnknownOperationException")

	// Nothing of it lies on the disk in clear.
	for _, f := range []string{"slipway.db", "slipway.db-wal"} {
		b, err := os.ReadFile(filepath.Join(s.Data(), f))
		if err == nil && (bytes.Contains(b, []byte("hunter2")) || bytes.Contains(b, []byte("hunter3"))) {
			t.Errorf("%s has a value in clear", f)
		}
	}
}
