package logs_test

import (
	"context"
	"crypto/rand"
	"maps"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"

	"github.com/slipway-dev/slipway/internal/aws/wire"
)

// keyring is a KMS of the tests' own: it remembers the data keys it made.
type keyring struct {
	mu      sync.Mutex
	made    map[string]dataKey // by ciphertext
	refuses map[string]bool    // keys that are disabled, or not there
}

type dataKey struct {
	key   string
	plain []byte
	about map[string]string
}

func (k *keyring) refuse(key string, yes bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.refuses == nil {
		k.refuses = map[string]bool{}
	}
	k.refuses[key] = yes
}

func (k *keyring) GenerateDataKey(_ context.Context, in *kms.GenerateDataKeyInput, _ ...func(*kms.Options)) (*kms.GenerateDataKeyOutput, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.refuses[*in.KeyId] {
		return nil, &wire.Error{Code: "DisabledException"}
	}
	plain, blob := make([]byte, 32), make([]byte, 64)
	_, _ = rand.Read(plain)
	_, _ = rand.Read(blob)
	if k.made == nil {
		k.made = map[string]dataKey{}
	}
	k.made[string(blob)] = dataKey{*in.KeyId, plain, in.EncryptionContext}
	return &kms.GenerateDataKeyOutput{KeyId: in.KeyId, Plaintext: plain, CiphertextBlob: blob}, nil
}

func (k *keyring) Decrypt(_ context.Context, in *kms.DecryptInput, _ ...func(*kms.Options)) (*kms.DecryptOutput, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	d, ok := k.made[string(in.CiphertextBlob)]
	if !ok || k.refuses[d.key] || !maps.Equal(d.about, in.EncryptionContext) {
		return nil, &wire.Error{Code: "DisabledException"}
	}
	return &kms.DecryptOutput{KeyId: aws.String(d.key), Plaintext: d.plain}, nil
}
