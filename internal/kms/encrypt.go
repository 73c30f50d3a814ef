package kms

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
)

const symmetricDefault = types.EncryptionAlgorithmSpecSymmetricDefault

// Encrypt encrypts at most 4,096 bytes; with RSA as many as fit the key.
func (s *Service) Encrypt(ctx context.Context, in *kms.EncryptInput, _ ...func(*kms.Options)) (*kms.EncryptOutput, error) {
	if err := unsupported(in.GrantTokens, nil); err != nil {
		return nil, err
	}
	k, err := s.find(ctx, in.KeyId)
	if err != nil {
		return nil, err
	}
	algorithm, err := k.algorithm(in.EncryptionAlgorithm, in.EncryptionContext)
	if err == nil {
		err = dry(in.DryRun)
	}
	if err != nil {
		return nil, err
	}
	blob, err := s.encryptWith(k, algorithm, in.Plaintext, in.EncryptionContext)
	if err != nil {
		return nil, err
	}
	return &kms.EncryptOutput{CiphertextBlob: blob, KeyId: k.Arn, EncryptionAlgorithm: algorithm}, nil
}

// Decrypt decrypts. A symmetric ciphertext names its key by itself.
func (s *Service) Decrypt(ctx context.Context, in *kms.DecryptInput, _ ...func(*kms.Options)) (*kms.DecryptOutput, error) {
	if err := unsupported(in.GrantTokens, in.Recipient); err != nil {
		return nil, err
	}
	if len(in.DryRunModifiers) > 0 {
		return nil, fail("UnsupportedOperation", "DryRunModifiers is not implemented by Slipway.")
	}
	out := &kms.DecryptOutput{}
	k, plain, algorithm, material, err := s.open(ctx, in.KeyId, in.EncryptionAlgorithm, in.CiphertextBlob, in.EncryptionContext)
	if err == nil {
		err = dry(in.DryRun)
	}
	if err != nil {
		return nil, err
	}
	out.KeyId, out.Plaintext, out.EncryptionAlgorithm, out.KeyMaterialId = k.Arn, plain, algorithm, material
	return out, nil
}

// ReEncrypt decrypts and encrypts anew without showing the plaintext.
func (s *Service) ReEncrypt(ctx context.Context, in *kms.ReEncryptInput, _ ...func(*kms.Options)) (*kms.ReEncryptOutput, error) {
	if err := unsupported(in.GrantTokens, nil); err != nil {
		return nil, err
	}
	if len(in.DryRunModifiers) > 0 {
		return nil, fail("UnsupportedOperation", "DryRunModifiers is not implemented by Slipway.")
	}
	from, plain, source, material, err := s.open(ctx, in.SourceKeyId, in.SourceEncryptionAlgorithm, in.CiphertextBlob, in.SourceEncryptionContext)
	if err != nil {
		return nil, err
	}
	to, err := s.find(ctx, in.DestinationKeyId)
	if err != nil {
		return nil, err
	}
	algorithm, err := to.algorithm(in.DestinationEncryptionAlgorithm, in.DestinationEncryptionContext)
	if err == nil {
		err = dry(in.DryRun)
	}
	if err != nil {
		return nil, err
	}
	blob, err := s.encryptWith(to, algorithm, plain, in.DestinationEncryptionContext)
	if err != nil {
		return nil, err
	}
	return &kms.ReEncryptOutput{CiphertextBlob: blob, KeyId: to.Arn, SourceKeyId: from.Arn, SourceEncryptionAlgorithm: source,
		DestinationEncryptionAlgorithm: algorithm, SourceKeyMaterialId: material, DestinationKeyMaterialId: to.CurrentKeyMaterialId}, nil
}

// algorithm is how k encrypts, if it may be used so.
func (k *key) algorithm(asked types.EncryptionAlgorithmSpec, context map[string]string) (types.EncryptionAlgorithmSpec, error) {
	if asked == "" {
		asked = symmetricDefault
	}
	switch err := k.usable(encrypts); {
	case err != nil:
		return "", err
	case !slices.Contains(k.EncryptionAlgorithms, asked):
		return "", fail("InvalidKeyUsage", "Algorithm %s is not supported by key %s.", asked, *k.Arn)
	case asked != symmetricDefault && len(context) > 0:
		return "", fail("Validation", "EncryptionContext is not supported with asymmetric encryption algorithms.")
	}
	return asked, nil
}

func (s *Service) encryptWith(k *key, algorithm types.EncryptionAlgorithmSpec, plain []byte, context map[string]string) ([]byte, error) {
	if algorithm == symmetricDefault {
		return s.encrypt(k, plain, context)
	}
	private, err := s.rsa(k)
	if err != nil {
		return nil, err
	}
	hash := oaepHash(algorithm)
	if most := private.Size() - 2*hash.Size() - 2; len(plain) > most {
		return nil, fail("Validation", "Algorithm %s and key spec %s cannot encrypt data larger than %d bytes.", algorithm, k.KeySpec, most)
	}
	return rsa.EncryptOAEP(hash.New(), rand.Reader, &private.PublicKey, plain, nil)
}

// open finds the key of a ciphertext and decrypts it.
func (s *Service) open(ctx context.Context, keyID *string, asked types.EncryptionAlgorithmSpec, blob []byte, context map[string]string) (
	k *key, plain []byte, algorithm types.EncryptionAlgorithmSpec, material *string, err error) {
	broken := func(err error) (*key, []byte, types.EncryptionAlgorithmSpec, *string, error) {
		return nil, nil, "", nil, err
	}
	symmetric := asked == "" || asked == symmetricDefault
	if keyID == nil && !symmetric {
		return broken(fail("Validation", "The key must be given to decrypt with %s.", asked))
	}
	named := keyID
	if symmetric {
		id, _, _, ok := parseCiphertext(blob)
		if !ok {
			return broken(errCiphertext)
		}
		if keyID == nil {
			named = &id
		}
	}
	if k, err = s.find(ctx, named); err != nil {
		if keyID == nil {
			err = errCiphertext // of a key that is no more, or in another region
		}
		return broken(err)
	}
	if algorithm, err = k.algorithm(asked, context); err != nil {
		return broken(err)
	}
	if algorithm == symmetricDefault {
		if id, _, _, _ := parseCiphertext(blob); id != k.id() {
			return broken(fail("IncorrectKey", "The key ID in the request does not identify a CMK that can perform this operation."))
		}
		var m string
		if plain, m, err = s.decrypt(k, blob, context); err != nil {
			return broken(err)
		}
		return k, plain, algorithm, &m, nil
	}
	private, err := s.rsa(k)
	if err != nil {
		return broken(err)
	}
	if plain, err = rsa.DecryptOAEP(oaepHash(algorithm).New(), nil, private, blob, nil); err != nil {
		return broken(errCiphertext)
	}
	return k, plain, algorithm, nil, nil
}

func (s *Service) rsa(k *key) (*rsa.PrivateKey, error) {
	private, err := s.private(k)
	if err != nil {
		return nil, err
	}
	r, ok := private.(*rsa.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("%s is not an RSA key", aws.ToString(k.Arn))
	}
	return r, nil
}

func oaepHash(a types.EncryptionAlgorithmSpec) crypto.Hash {
	if a == types.EncryptionAlgorithmSpecRsaesOaepSha1 {
		return crypto.SHA1
	}
	return crypto.SHA256
}
