package kms

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"github.com/slipway-dev/slipway/internal/id"
)

// kind is what a key spec and usage make possible.
type kind struct {
	usage      types.KeyUsageType
	encryption []types.EncryptionAlgorithmSpec
	signing    []types.SigningAlgorithmSpec
	mac        []types.MacAlgorithmSpec
	agreement  []types.KeyAgreementAlgorithmSpec
	secret     func() ([]byte, error) // new material
}

const (
	encrypts = types.KeyUsageTypeEncryptDecrypt
	signs    = types.KeyUsageTypeSignVerify
	macs     = types.KeyUsageTypeGenerateVerifyMac
	agrees   = types.KeyUsageTypeKeyAgreement
)

var symmetricKind = &kind{usage: encrypts, secret: random(32),
	encryption: []types.EncryptionAlgorithmSpec{types.EncryptionAlgorithmSpecSymmetricDefault}}

var rsaSigning = []types.SigningAlgorithmSpec{
	types.SigningAlgorithmSpecRsassaPkcs1V15Sha256, types.SigningAlgorithmSpecRsassaPkcs1V15Sha384, types.SigningAlgorithmSpecRsassaPkcs1V15Sha512,
	types.SigningAlgorithmSpecRsassaPssSha256, types.SigningAlgorithmSpecRsassaPssSha384, types.SigningAlgorithmSpecRsassaPssSha512,
}

func rsaKinds(bits int) []*kind {
	secret := pkcs8(func() (crypto.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, bits) })
	return []*kind{
		{usage: encrypts, secret: secret, encryption: []types.EncryptionAlgorithmSpec{types.EncryptionAlgorithmSpecRsaesOaepSha1, types.EncryptionAlgorithmSpecRsaesOaepSha256}},
		{usage: signs, secret: secret, signing: rsaSigning},
	}
}

func curveKinds(c elliptic.Curve, signing types.SigningAlgorithmSpec) []*kind {
	secret := pkcs8(func() (crypto.PrivateKey, error) { return ecdsa.GenerateKey(c, rand.Reader) })
	return []*kind{
		{usage: signs, secret: secret, signing: []types.SigningAlgorithmSpec{signing}},
		{usage: agrees, secret: secret, agreement: []types.KeyAgreementAlgorithmSpec{types.KeyAgreementAlgorithmSpecEcdh}},
	}
}

func macKinds(size int, algorithm types.MacAlgorithmSpec) []*kind {
	return []*kind{{usage: macs, secret: random(size), mac: []types.MacAlgorithmSpec{algorithm}}}
}

// kinds of key. Those without an entry need cryptography that Go's library
// does not have: SM2, secp256k1, ML-DSA, ML-KEM.
var kinds = map[types.KeySpec][]*kind{
	types.KeySpecSymmetricDefault: {symmetricKind},
	types.KeySpecRsa2048:          rsaKinds(2048),
	types.KeySpecRsa3072:          rsaKinds(3072),
	types.KeySpecRsa4096:          rsaKinds(4096),
	types.KeySpecEccNistP256:      curveKinds(elliptic.P256(), types.SigningAlgorithmSpecEcdsaSha256),
	types.KeySpecEccNistP384:      curveKinds(elliptic.P384(), types.SigningAlgorithmSpecEcdsaSha384),
	types.KeySpecEccNistP521:      curveKinds(elliptic.P521(), types.SigningAlgorithmSpecEcdsaSha512),
	types.KeySpecEccNistEdwards25519: {{usage: signs, signing: []types.SigningAlgorithmSpec{types.SigningAlgorithmSpecEd25519PhSha512, types.SigningAlgorithmSpecEd25519Sha512},
		secret: pkcs8(newEd25519)}},
	types.KeySpecHmac224: macKinds(28, types.MacAlgorithmSpecHmacSha224),
	types.KeySpecHmac256: macKinds(32, types.MacAlgorithmSpecHmacSha256),
	types.KeySpecHmac384: macKinds(48, types.MacAlgorithmSpecHmacSha384),
	types.KeySpecHmac512: macKinds(64, types.MacAlgorithmSpecHmacSha512),
}

// kindOf finds the kind of a spec and usage. Only symmetric keys have a usage
// that need not be given, and RSA keys the same one for history's sake.
func kindOf(spec types.KeySpec, usage types.KeyUsageType) (*kind, error) {
	all := kinds[spec]
	if all == nil {
		return nil, fail("UnsupportedOperation", "Keys of spec %s are not implemented by Slipway.", spec)
	}
	if usage == "" {
		usage = encrypts
	}
	i := slices.IndexFunc(all, func(k *kind) bool { return k.usage == usage })
	if i < 0 {
		return nil, fail("Validation", "KeyUsage %s is not compatible with KeySpec %s", usage, spec)
	}
	return all[i], nil
}

func random(n int) func() ([]byte, error) {
	return func() ([]byte, error) {
		b := make([]byte, n)
		_, _ = rand.Read(b) // never fails
		return b, nil
	}
}

func pkcs8(generate func() (crypto.PrivateKey, error)) func() ([]byte, error) {
	return func() ([]byte, error) {
		private, err := generate()
		if err != nil {
			return nil, err
		}
		return x509.MarshalPKCS8PrivateKey(private)
	}
}

func newEd25519() (crypto.PrivateKey, error) {
	_, private, err := ed25519.GenerateKey(rand.Reader)
	return private, err
}

func (s *Service) newMaterial(kd *kind) (material, error) {
	secret, err := kd.secret()
	if err != nil {
		return material{}, err
	}
	return material{ID: id.Hex(s.cfg.IDs, 64), Sealed: s.cfg.Box.Seal(secret)}, nil
}

// secret opens one piece of a key's material.
func (s *Service) secret(k *key, generation int) ([]byte, error) {
	b, err := s.cfg.Box.Open(k.Materials[generation].Sealed)
	if err != nil {
		// The database and the master key do not belong together.
		return nil, fmt.Errorf("material %d of %s: %w", generation, *k.Arn, err)
	}
	return b, nil
}

// private is the private key of an asymmetric key.
func (s *Service) private(k *key) (crypto.PrivateKey, error) {
	b, err := s.secret(k, 0)
	if err != nil {
		return nil, err
	}
	return x509.ParsePKCS8PrivateKey(b)
}
