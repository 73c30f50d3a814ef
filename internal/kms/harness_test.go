package kms

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"github.com/slipway-dev/slipway/internal/aws/identity"
	"github.com/slipway-dev/slipway/internal/aws/wire"
	"github.com/slipway-dev/slipway/internal/clock"
	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/engine/enginetest"
	"github.com/slipway-dev/slipway/internal/id"
	"github.com/slipway-dev/slipway/internal/seal"
	"github.com/slipway-dev/slipway/internal/site"
)

// permit is an authorizer that notes what it was asked.
type permit struct{ asked []wire.Access }

func (p *permit) Authorize(_ context.Context, checks ...wire.Access) error {
	p.asked = append(p.asked, checks...)
	return nil
}

type fixture struct {
	*Service
	engine *engine.Engine
	clock  *clock.Fake
	asked  *permit
}

const account = "123456789012"

func newFixture(t *testing.T) *fixture {
	t.Helper()
	e, c := enginetest.New(t)
	p := &permit{}
	s := New(Config{Engine: e, Site: site.Site{Account: account, Region: "us-east-1"}, IDs: id.Random, Log: enginetest.Log(t),
		Box: seal.New(make([]byte, 32)).For("kms.material"), Authorizer: p})
	enginetest.Start(t, e)
	return &fixture{s, e, c, p}
}

func (f *fixture) pass(t *testing.T, d time.Duration) {
	t.Helper()
	f.clock.Advance(d)
	enginetest.Settle(t, f.engine)
}

func in(t *testing.T, region string) context.Context {
	return identity.WithRegion(identity.WithCaller(t.Context(), &identity.Caller{Kind: identity.Root, Account: account, ARN: "arn:aws:iam::" + account + ":root"}), region)
}

func here(t *testing.T) context.Context { return in(t, "us-east-1") }

func (f *fixture) create(t *testing.T, spec types.KeySpec, usage types.KeyUsageType) *string {
	t.Helper()
	out, err := f.CreateKey(here(t), &kms.CreateKeyInput{KeySpec: spec, KeyUsage: usage})
	if err != nil {
		t.Fatal(err)
	}
	return out.KeyMetadata.KeyId
}

func want(t *testing.T, err error, code string) {
	t.Helper()
	var e *wire.Error
	got := ""
	if errors.As(err, &e) {
		got = e.Code
	} else if err != nil {
		got = err.Error()
	}
	if got != code {
		t.Helper()
		t.Errorf("got %v, want %q", err, code)
	}
}

func (f *fixture) encrypt1(t *testing.T, key *string, text string, context map[string]string) []byte {
	t.Helper()
	out, err := f.Encrypt(here(t), &kms.EncryptInput{KeyId: key, Plaintext: []byte(text), EncryptionContext: context})
	if err != nil {
		t.Fatal(err)
	}
	return out.CiphertextBlob
}

func (f *fixture) decrypts(t *testing.T, blob []byte, context map[string]string, text string) {
	t.Helper()
	out, err := f.Decrypt(here(t), &kms.DecryptInput{CiphertextBlob: blob, EncryptionContext: context})
	if err != nil {
		t.Errorf("decrypt: %v", err)
	} else if string(out.Plaintext) != text || aws.ToString(out.KeyMaterialId) == "" {
		t.Errorf("decrypted %q", out.Plaintext)
	}
}
