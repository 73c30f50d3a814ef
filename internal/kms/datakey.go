package kms

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
)

// GenerateDataKey makes a key for use outside, in clear and encrypted.
func (s *Service) GenerateDataKey(ctx context.Context, in *kms.GenerateDataKeyInput, _ ...func(*kms.Options)) (*kms.GenerateDataKeyOutput, error) {
	if err := unsupported(in.GrantTokens, in.Recipient); err != nil {
		return nil, err
	}
	n, err := dataKeySize(in.KeySpec, in.NumberOfBytes)
	if err != nil {
		return nil, err
	}
	k, err := s.wrapping(ctx, in.KeyId, in.DryRun)
	if err != nil {
		return nil, err
	}
	plain := make([]byte, n)
	_, _ = rand.Read(plain)
	blob, err := s.encrypt(k, plain, in.EncryptionContext)
	if err != nil {
		return nil, err
	}
	return &kms.GenerateDataKeyOutput{KeyId: k.Arn, Plaintext: plain, CiphertextBlob: blob, KeyMaterialId: k.CurrentKeyMaterialId}, nil
}

// GenerateDataKeyWithoutPlaintext is GenerateDataKey for a use to come.
func (s *Service) GenerateDataKeyWithoutPlaintext(ctx context.Context, in *kms.GenerateDataKeyWithoutPlaintextInput, _ ...func(*kms.Options)) (*kms.GenerateDataKeyWithoutPlaintextOutput, error) {
	out, err := s.GenerateDataKey(ctx, &kms.GenerateDataKeyInput{KeyId: in.KeyId, KeySpec: in.KeySpec, NumberOfBytes: in.NumberOfBytes,
		EncryptionContext: in.EncryptionContext, GrantTokens: in.GrantTokens, DryRun: in.DryRun})
	if err != nil {
		return nil, err
	}
	return &kms.GenerateDataKeyWithoutPlaintextOutput{KeyId: out.KeyId, CiphertextBlob: out.CiphertextBlob, KeyMaterialId: out.KeyMaterialId}, nil
}

// GenerateDataKeyPair makes a pair of keys for use outside: the public one in
// clear, the private one in clear and encrypted.
func (s *Service) GenerateDataKeyPair(ctx context.Context, in *kms.GenerateDataKeyPairInput, _ ...func(*kms.Options)) (*kms.GenerateDataKeyPairOutput, error) {
	if err := unsupported(in.GrantTokens, in.Recipient); err != nil {
		return nil, err
	}
	k, err := s.wrapping(ctx, in.KeyId, in.DryRun)
	if err != nil {
		return nil, err
	}
	private, err := newPair(in.KeyPairSpec)
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return nil, err
	}
	public, err := publicDER(private)
	if err != nil {
		return nil, err
	}
	blob, err := s.encrypt(k, der, in.EncryptionContext)
	if err != nil {
		return nil, err
	}
	return &kms.GenerateDataKeyPairOutput{KeyId: k.Arn, KeyPairSpec: in.KeyPairSpec, PrivateKeyPlaintext: der, PrivateKeyCiphertextBlob: blob,
		PublicKey: public, KeyMaterialId: k.CurrentKeyMaterialId}, nil
}

// GenerateDataKeyPairWithoutPlaintext is GenerateDataKeyPair for a use to come.
func (s *Service) GenerateDataKeyPairWithoutPlaintext(ctx context.Context, in *kms.GenerateDataKeyPairWithoutPlaintextInput, _ ...func(*kms.Options)) (*kms.GenerateDataKeyPairWithoutPlaintextOutput, error) {
	out, err := s.GenerateDataKeyPair(ctx, &kms.GenerateDataKeyPairInput{KeyId: in.KeyId, KeyPairSpec: in.KeyPairSpec,
		EncryptionContext: in.EncryptionContext, GrantTokens: in.GrantTokens, DryRun: in.DryRun})
	if err != nil {
		return nil, err
	}
	return &kms.GenerateDataKeyPairWithoutPlaintextOutput{KeyId: out.KeyId, KeyPairSpec: out.KeyPairSpec, PublicKey: out.PublicKey,
		PrivateKeyCiphertextBlob: out.PrivateKeyCiphertextBlob, KeyMaterialId: out.KeyMaterialId}, nil
}

// GenerateRandom answers random bytes.
func (s *Service) GenerateRandom(_ context.Context, in *kms.GenerateRandomInput, _ ...func(*kms.Options)) (*kms.GenerateRandomOutput, error) {
	if err := unsupported(nil, in.Recipient); err != nil {
		return nil, err
	}
	if in.CustomKeyStoreId != nil {
		return nil, fail("UnsupportedOperation", "Custom key stores are not implemented by Slipway.")
	}
	if in.NumberOfBytes == nil {
		return nil, fail("Validation", "NumberOfBytes is required.")
	}
	b := make([]byte, *in.NumberOfBytes)
	_, _ = rand.Read(b)
	return &kms.GenerateRandomOutput{Plaintext: b}, nil
}

// wrapping finds the symmetric key that encrypts a data key.
func (s *Service) wrapping(ctx context.Context, keyID *string, dryRun *bool) (*key, error) {
	k, err := s.find(ctx, keyID)
	if err != nil {
		return nil, err
	}
	if _, err := k.algorithm(symmetricDefault, nil); err != nil {
		return nil, err
	}
	return k, dry(dryRun)
}

func dataKeySize(spec types.DataKeySpec, bytes *int32) (int, error) {
	switch {
	case (spec == "") == (bytes == nil):
		return 0, fail("Validation", "Please specify either number of bytes or key spec.")
	case bytes != nil:
		return int(aws.ToInt32(bytes)), nil
	case spec == types.DataKeySpecAes128:
		return 16, nil
	}
	return 32, nil
}

func newPair(spec types.DataKeyPairSpec) (crypto.PrivateKey, error) {
	switch spec {
	case types.DataKeyPairSpecRsa2048:
		return rsa.GenerateKey(rand.Reader, 2048)
	case types.DataKeyPairSpecRsa3072:
		return rsa.GenerateKey(rand.Reader, 3072)
	case types.DataKeyPairSpecRsa4096:
		return rsa.GenerateKey(rand.Reader, 4096)
	case types.DataKeyPairSpecEccNistP256:
		return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case types.DataKeyPairSpecEccNistP384:
		return ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	case types.DataKeyPairSpecEccNistP521:
		return ecdsa.GenerateKey(elliptic.P521(), rand.Reader)
	case types.DataKeyPairSpecEccNistEdwards25519:
		return newEd25519()
	}
	return nil, fail("UnsupportedOperation", "Key pairs of spec %s are not implemented by Slipway.", spec)
}

// publicDER is the public half in the form of GetPublicKey: X.509's
// SubjectPublicKeyInfo.
func publicDER(private crypto.PrivateKey) ([]byte, error) {
	return x509.MarshalPKIXPublicKey(private.(crypto.Signer).Public())
}
