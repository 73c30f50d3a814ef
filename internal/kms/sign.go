package kms

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	_ "crypto/sha1" // for OAEP
	_ "crypto/sha256"
	_ "crypto/sha512"
	"crypto/x509"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
)

// GetPublicKey answers the public half of an asymmetric key.
func (s *Service) GetPublicKey(ctx context.Context, in *kms.GetPublicKeyInput, _ ...func(*kms.Options)) (*kms.GetPublicKeyOutput, error) {
	if err := unsupported(in.GrantTokens, nil); err != nil {
		return nil, err
	}
	k, err := s.find(ctx, in.KeyId)
	if err != nil {
		return nil, err
	}
	if k.symmetric() || k.KeyUsage == macs {
		return nil, fail("UnsupportedOperation", "%s is of key spec %s, which has no public key.", *k.Arn, k.KeySpec)
	}
	if err := k.usable(k.KeyUsage); err != nil {
		return nil, err
	}
	private, err := s.private(k)
	if err != nil {
		return nil, err
	}
	der, err := publicDER(private)
	if err != nil {
		return nil, err
	}
	return &kms.GetPublicKeyOutput{KeyId: k.Arn, PublicKey: der, KeySpec: k.KeySpec, CustomerMasterKeySpec: k.CustomerMasterKeySpec, KeyUsage: k.KeyUsage,
		EncryptionAlgorithms: k.EncryptionAlgorithms, SigningAlgorithms: k.SigningAlgorithms, KeyAgreementAlgorithms: k.KeyAgreementAlgorithms}, nil
}

// Sign signs a message, or its digest.
func (s *Service) Sign(ctx context.Context, in *kms.SignInput, _ ...func(*kms.Options)) (*kms.SignOutput, error) {
	k, signer, err := s.signer(ctx, in.KeyId, in.GrantTokens)
	if err != nil {
		return nil, err
	}
	input, opts, err := k.signed(in.SigningAlgorithm, in.MessageType, in.Message)
	if err == nil {
		err = dry(in.DryRun)
	}
	if err != nil {
		return nil, err
	}
	signature, err := signer.Sign(rand.Reader, input, opts)
	if err != nil {
		return nil, err
	}
	return &kms.SignOutput{KeyId: k.Arn, Signature: signature, SigningAlgorithm: in.SigningAlgorithm}, nil
}

// Verify checks a signature of Sign. A wrong one is an error.
func (s *Service) Verify(ctx context.Context, in *kms.VerifyInput, _ ...func(*kms.Options)) (*kms.VerifyOutput, error) {
	k, signer, err := s.signer(ctx, in.KeyId, in.GrantTokens)
	if err != nil {
		return nil, err
	}
	input, opts, err := k.signed(in.SigningAlgorithm, in.MessageType, in.Message)
	switch {
	case err != nil:
		return nil, err
	case dry(in.DryRun) != nil:
		return nil, dry(in.DryRun)
	case !verified(signer.Public(), input, in.Signature, opts):
		return nil, fail("KMSInvalidSignature", "The signature is not valid.")
	}
	return &kms.VerifyOutput{KeyId: k.Arn, SignatureValid: true, SigningAlgorithm: in.SigningAlgorithm}, nil
}

// signer finds a key that signs.
func (s *Service) signer(ctx context.Context, keyID *string, grants []string) (*key, crypto.Signer, error) {
	if err := unsupported(grants, nil); err != nil {
		return nil, nil, err
	}
	k, err := s.find(ctx, keyID)
	if err == nil {
		err = k.usable(signs)
	}
	if err != nil {
		return nil, nil, err
	}
	private, err := s.private(k)
	if err != nil {
		return nil, nil, err
	}
	return k, private.(crypto.Signer), nil
}

// signed is what an algorithm signs of a message.
func (k *key) signed(algorithm types.SigningAlgorithmSpec, form types.MessageType, message []byte) (input []byte, opts crypto.SignerOpts, err error) {
	if !slices.Contains(k.SigningAlgorithms, algorithm) {
		return nil, nil, fail("InvalidKeyUsage", "Algorithm %s is not supported by key %s.", algorithm, *k.Arn)
	}
	digest := form == types.MessageTypeDigest
	switch algorithm {
	case types.SigningAlgorithmSpecEd25519Sha512: // signs the message itself
		if digest {
			return nil, nil, fail("Validation", "MessageType DIGEST is not supported with %s.", algorithm)
		}
		return message, &ed25519.Options{}, nil
	case types.SigningAlgorithmSpecEd25519PhSha512:
		if !digest {
			return nil, nil, fail("Validation", "MessageType must be DIGEST with %s.", algorithm)
		}
		opts = &ed25519.Options{Hash: crypto.SHA512}
	default:
		opts = signerOpts(algorithm)
	}
	hash := opts.HashFunc()
	switch {
	case form == types.MessageTypeExternalMu:
		return nil, nil, fail("Validation", "MessageType EXTERNAL_MU is not supported with %s.", algorithm)
	case !digest:
		h := hash.New()
		h.Write(message)
		message = h.Sum(nil)
	case len(message) != hash.Size():
		return nil, nil, fail("Validation", "Digest is invalid length for algorithm %s.", algorithm)
	}
	return message, opts, nil
}

func signerOpts(a types.SigningAlgorithmSpec) crypto.SignerOpts {
	hash := crypto.SHA256
	switch name := string(a); {
	case strings.HasSuffix(name, "384"):
		hash = crypto.SHA384
	case strings.HasSuffix(name, "512"):
		hash = crypto.SHA512
	}
	if strings.HasPrefix(string(a), "RSASSA_PSS") {
		return &rsa.PSSOptions{Hash: hash, SaltLength: rsa.PSSSaltLengthEqualsHash}
	}
	return hash
}

func verified(public crypto.PublicKey, input, signature []byte, opts crypto.SignerOpts) bool {
	switch p := public.(type) {
	case *rsa.PublicKey:
		if pss, ok := opts.(*rsa.PSSOptions); ok {
			return rsa.VerifyPSS(p, pss.Hash, input, signature, pss) == nil
		}
		return rsa.VerifyPKCS1v15(p, opts.HashFunc(), input, signature) == nil
	case *ecdsa.PublicKey:
		return ecdsa.VerifyASN1(p, input, signature)
	case ed25519.PublicKey:
		return ed25519.VerifyWithOptions(p, input, signature, opts.(*ed25519.Options)) == nil
	}
	return false
}

// DeriveSharedSecret is ECDH with someone's public key (SubjectPublicKeyInfo).
func (s *Service) DeriveSharedSecret(ctx context.Context, in *kms.DeriveSharedSecretInput, _ ...func(*kms.Options)) (*kms.DeriveSharedSecretOutput, error) {
	if err := unsupported(in.GrantTokens, in.Recipient); err != nil {
		return nil, err
	}
	k, err := s.find(ctx, in.KeyId)
	if err == nil {
		err = k.usable(agrees)
	}
	if err != nil {
		return nil, err
	}
	private, err := s.private(k)
	if err != nil {
		return nil, err
	}
	mine, err := private.(*ecdsa.PrivateKey).ECDH()
	if err != nil {
		return nil, err
	}
	bad := fail("Validation", "PublicKey is not a DER-encoded public key on the curve of %s.", k.KeySpec)
	parsed, err := x509.ParsePKIXPublicKey(in.PublicKey)
	if err != nil {
		return nil, bad
	}
	point, ok := parsed.(*ecdsa.PublicKey)
	if !ok {
		return nil, bad
	}
	theirs, err := point.ECDH()
	if err != nil || theirs.Curve() != mine.Curve() {
		return nil, bad
	}
	if err := dry(in.DryRun); err != nil {
		return nil, err
	}
	secret, err := mine.ECDH(theirs)
	if err != nil {
		return nil, bad
	}
	return &kms.DeriveSharedSecretOutput{KeyId: k.Arn, SharedSecret: secret, KeyAgreementAlgorithm: in.KeyAgreementAlgorithm, KeyOrigin: k.Origin}, nil
}
