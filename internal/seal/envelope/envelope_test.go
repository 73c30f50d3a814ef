package envelope_test

import (
	"bytes"
	"context"
	"errors"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"

	"github.com/slipway-dev/slipway/internal/seal/envelope"
)

var errRefused = errors.New("refused")

// keys is a KMS with one key; off makes it refuse.
type keys struct{ off bool }

func (k *keys) GenerateDataKey(_ context.Context, in *kms.GenerateDataKeyInput, _ ...func(*kms.Options)) (*kms.GenerateDataKeyOutput, error) {
	if k.off {
		return nil, errRefused
	}
	return &kms.GenerateDataKeyOutput{KeyId: aws.String("arn:" + *in.KeyId), Plaintext: bytes.Repeat([]byte{7}, 32), CiphertextBlob: []byte(in.EncryptionContext["of"])}, nil
}

func (k *keys) Decrypt(_ context.Context, in *kms.DecryptInput, _ ...func(*kms.Options)) (*kms.DecryptOutput, error) {
	if k.off || string(in.CiphertextBlob) != in.EncryptionContext["of"] {
		return nil, errRefused
	}
	return &kms.DecryptOutput{Plaintext: bytes.Repeat([]byte{7}, 32)}, nil
}

func TestEnvelope(t *testing.T) {
	k, about, plain := &keys{}, map[string]string{"of": "a"}, bytes.Repeat([]byte("secret"), 20000)
	sealed, err := envelope.Seal(t.Context(), k, "alias/x", about, plain)
	if err != nil || sealed.KeyARN != "arn:alias/x" || bytes.Contains(sealed.Data, []byte("secret")) {
		t.Fatal(sealed.KeyARN, err)
	}
	again, err := envelope.Seal(t.Context(), k, "alias/x", about, plain)
	if err != nil || bytes.Equal(again.Data, sealed.Data) {
		t.Error("the same value is sealed to the same bytes", err)
	}
	if got, err := envelope.Open(t.Context(), k, about, sealed); err != nil || !bytes.Equal(got, plain) {
		t.Error(len(got), err)
	}
	if _, err := envelope.Open(t.Context(), k, map[string]string{"of": "b"}, sealed); !errors.Is(err, errRefused) {
		t.Errorf("in another context: %v", err)
	}
	for name, data := range map[string][]byte{"nothing": nil, "cut": sealed.Data[:len(sealed.Data)-1], "short": sealed.Data[:5], "changed": append(bytes.Clone(sealed.Data[:20]), make([]byte, 40)...)} {
		if _, err := envelope.Open(t.Context(), k, about, envelope.Sealed{Key: sealed.Key, Data: data}); !errors.Is(err, envelope.ErrBroken) {
			t.Errorf("%s: %v", name, err)
		}
	}
	k.off = true
	if _, err := envelope.Seal(t.Context(), k, "alias/x", about, plain); !errors.Is(err, errRefused) {
		t.Error(err)
	}
}
