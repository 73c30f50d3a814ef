// Package envelope encrypts values of any size under a key of KMS: each with a
// data key of its own, which is kept beside it encrypted by KMS.
package envelope

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
)

// ErrBroken is returned by Open for what Seal did not make so.
var ErrBroken = errors.New("envelope: broken or foreign")

// Keys is KMS.
type Keys interface {
	GenerateDataKey(ctx context.Context, in *kms.GenerateDataKeyInput, opts ...func(*kms.Options)) (*kms.GenerateDataKeyOutput, error)
	Decrypt(ctx context.Context, in *kms.DecryptInput, opts ...func(*kms.Options)) (*kms.DecryptOutput, error)
}

// Sealed is an encrypted value, for the database.
type Sealed struct {
	KeyARN string // of the key of KMS
	Key    []byte // the data key, encrypted
	Data   []byte // nonce and AES-256-GCM
}

// Seal encrypts under the key of an ID, ARN or alias. The encryption context
// must be the same in Open. Errors are KMS's.
func Seal(ctx context.Context, keys Keys, keyID string, about map[string]string, plain []byte) (Sealed, error) {
	out, err := keys.GenerateDataKey(ctx, &kms.GenerateDataKeyInput{KeyId: &keyID, KeySpec: types.DataKeySpecAes256, EncryptionContext: about})
	if err != nil {
		return Sealed{}, err
	}
	aead, err := gcm(out.Plaintext)
	if err != nil {
		return Sealed{}, err
	}
	nonce := make([]byte, aead.NonceSize())
	_, _ = rand.Read(nonce) // never fails
	return Sealed{KeyARN: aws.ToString(out.KeyId), Key: out.CiphertextBlob, Data: aead.Seal(nonce, nonce, plain, nil)}, nil
}

// Open reverses Seal. Errors are KMS's, and ErrBroken.
func Open(ctx context.Context, keys Keys, about map[string]string, s Sealed) ([]byte, error) {
	out, err := keys.Decrypt(ctx, &kms.DecryptInput{CiphertextBlob: s.Key, EncryptionContext: about})
	if err != nil {
		return nil, err
	}
	aead, err := gcm(out.Plaintext)
	if err != nil || len(s.Data) < aead.NonceSize() {
		return nil, ErrBroken
	}
	n := aead.NonceSize()
	plain, err := aead.Open(nil, s.Data[:n], s.Data[n:], nil)
	if err != nil {
		return nil, ErrBroken
	}
	return plain, nil
}

func gcm(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}
