package secretsmanager

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	kmstypes "github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"

	"github.com/slipway-dev/slipway/internal/aws/identity"
	"github.com/slipway-dev/slipway/internal/aws/wire"
	"github.com/slipway-dev/slipway/internal/engine/enginetest"
	"github.com/slipway-dev/slipway/internal/id"
	"github.com/slipway-dev/slipway/internal/site"
	"github.com/slipway-dev/slipway/internal/store"
)

// keyring is a KMS whose data keys are all the same; off makes it refuse.
type keyring struct{ off bool }

func (k *keyring) DescribeKey(context.Context, *kms.DescribeKeyInput, ...func(*kms.Options)) (*kms.DescribeKeyOutput, error) {
	return &kms.DescribeKeyOutput{KeyMetadata: &kmstypes.KeyMetadata{KeySpec: kmstypes.KeySpecSymmetricDefault}}, nil
}

func (k *keyring) GenerateDataKey(_ context.Context, in *kms.GenerateDataKeyInput, _ ...func(*kms.Options)) (*kms.GenerateDataKeyOutput, error) {
	if k.off {
		return nil, &wire.Error{Code: "DisabledException", Message: "the key is disabled."}
	}
	return &kms.GenerateDataKeyOutput{KeyId: in.KeyId, Plaintext: make([]byte, 32), CiphertextBlob: []byte(in.EncryptionContext["SecretVersionId"])}, nil
}

func (k *keyring) Decrypt(_ context.Context, in *kms.DecryptInput, _ ...func(*kms.Options)) (*kms.DecryptOutput, error) {
	switch {
	case k.off:
		return nil, &wire.Error{Code: "AccessDeniedException", Message: "not authorized to perform: kms:Decrypt"}
	case string(in.CiphertextBlob) != in.EncryptionContext["SecretVersionId"]:
		return nil, errors.New("another context")
	}
	return &kms.DecryptOutput{Plaintext: make([]byte, 32)}, nil
}

type allow struct{}

func (allow) Authorize(context.Context, ...wire.Access) error { return nil }

func code(t *testing.T, err error, want string) {
	t.Helper()
	if codeOf(err) != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestRecoveryWindowByTheClock(t *testing.T) {
	e, clock := enginetest.New(t)
	s := New(Config{Engine: e, Site: site.Site{Account: "123456789012"}, IDs: id.Random, Log: enginetest.Log(t), Keys: &keyring{}, Authorizer: allow{}})
	enginetest.Start(t, e)
	ctx := identity.WithRegion(t.Context(), "us-east-1")
	make1 := func(name string) {
		t.Helper()
		if _, err := s.CreateSecret(ctx, &secretsmanager.CreateSecretInput{Name: &name, SecretString: aws.String("x"), ClientRequestToken: aws.String("t1")}); err != nil {
			t.Fatal(err)
		}
		if _, err := s.DeleteSecret(ctx, &secretsmanager.DeleteSecretInput{SecretId: &name, RecoveryWindowInDays: aws.Int64(7)}); err != nil {
			t.Fatal(err)
		}
	}
	make1("kept")
	make1("gone")
	_, err := s.GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: aws.String("kept")})
	code(t, err, "InvalidRequestException")
	_, err = s.CreateSecret(ctx, &secretsmanager.CreateSecretInput{Name: aws.String("gone")})
	code(t, err, "InvalidRequestException")
	clock.Advance(6 * day)
	if _, err := s.RestoreSecret(ctx, &secretsmanager.RestoreSecretInput{SecretId: aws.String("kept")}); err != nil {
		t.Fatal(err)
	}
	clock.Advance(day)
	enginetest.Settle(t, e)
	if _, err := s.GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: aws.String("kept")}); err != nil {
		t.Error(err)
	}
	_, err = s.DescribeSecret(ctx, &secretsmanager.DescribeSecretInput{SecretId: aws.String("gone")})
	code(t, err, "ResourceNotFoundException")
	n := 0
	_ = e.View(ctx, func(r store.Reader) error {
		for range values.All(r) {
			n++
		}
		return nil
	})
	if n != 1 {
		t.Errorf("%d values are left", n)
	}
	clock.Advance(time.Hour)
}

func TestKeyThatRefuses(t *testing.T) {
	e, _ := enginetest.New(t)
	keys := &keyring{}
	s := New(Config{Engine: e, Site: site.Site{Account: "123456789012"}, IDs: id.Random, Log: enginetest.Log(t), Keys: keys, Authorizer: allow{}})
	enginetest.Start(t, e)
	ctx := identity.WithRegion(t.Context(), "us-east-1")
	if _, err := s.CreateSecret(ctx, &secretsmanager.CreateSecretInput{Name: aws.String("a"), SecretString: aws.String("hunter2"), ClientRequestToken: aws.String("t1")}); err != nil {
		t.Fatal(err)
	}
	_ = e.View(ctx, func(r store.Reader) error {
		for entry := range r.Scan(store.Range{}) {
			if strings.Contains(string(entry.Value), "hunter2") {
				t.Errorf("in clear: %s", entry.Value)
			}
		}
		return nil
	})
	keys.off = true
	_, err := s.GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: aws.String("a")})
	code(t, err, "AccessDeniedException")
	_, err = s.PutSecretValue(ctx, &secretsmanager.PutSecretValueInput{SecretId: aws.String("a"), SecretString: aws.String("y"), ClientRequestToken: aws.String("t2")})
	code(t, err, "EncryptionFailure")
}

func TestFilters(t *testing.T) {
	x := &secret{Name: "prod/db", Description: "The Database", Tags: map[string]string{"Team": "blue"}}
	for _, tt := range []struct {
		key    types.FilterNameStringType
		values []string
		want   bool
	}{
		{"name", []string{"prod/"}, true}, {"name", []string{"db"}, false}, {"name", []string{"PROD"}, false}, {"name", []string{"x", "prod"}, true},
		{"name", []string{"!prod"}, false}, {"name", []string{"!test"}, true},
		{"description", []string{"the"}, true}, {"tag-key", []string{"Te"}, true}, {"tag-key", []string{"te"}, false}, {"tag-value", []string{"blue"}, true},
		{"all", []string{"DATABASE blue"}, true}, {"all", []string{"database red"}, false}, {"owning-service", []string{"rds"}, false},
	} {
		if got := x.passes([]types.Filter{{Key: tt.key, Values: tt.values}}); got != tt.want {
			t.Errorf("%s %v: %v", tt.key, tt.values, got)
		}
	}
}

func TestPassword(t *testing.T) {
	s := &Service{}
	for _, tt := range []struct {
		in   secretsmanager.GetRandomPasswordInput
		len  int
		code string
	}{
		{secretsmanager.GetRandomPasswordInput{}, 32, ""},
		{secretsmanager.GetRandomPasswordInput{PasswordLength: aws.Int64(4)}, 4, ""},
		{secretsmanager.GetRandomPasswordInput{PasswordLength: aws.Int64(3)}, 0, "InvalidParameterException"},
		{secretsmanager.GetRandomPasswordInput{PasswordLength: aws.Int64(100), ExcludePunctuation: aws.Bool(true), ExcludeCharacters: aws.String("abc0"), ExcludeUppercase: aws.Bool(true)}, 100, ""},
		{secretsmanager.GetRandomPasswordInput{ExcludePunctuation: aws.Bool(true), ExcludeLowercase: aws.Bool(true), ExcludeUppercase: aws.Bool(true), ExcludeNumbers: aws.Bool(true)}, 0, "InvalidParameterException"},
	} {
		out, err := s.GetRandomPassword(t.Context(), &tt.in)
		code(t, err, tt.code)
		if err == nil && (len(*out.RandomPassword) != tt.len || strings.ContainsAny(*out.RandomPassword, aws.ToString(tt.in.ExcludeCharacters))) {
			t.Errorf("%q", *out.RandomPassword)
		}
	}
}
