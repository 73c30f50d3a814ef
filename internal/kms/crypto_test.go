package kms

import (
	"bytes"
	"crypto/ecdh"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
)

func TestSymmetric(t *testing.T) {
	f := newFixture(t)
	ctx := here(t)
	a, b := f.create(t, "", ""), f.create(t, "", "")
	about := map[string]string{"purpose": "test", "a": "b"}
	blob := f.encrypt1(t, a, "secret", about)
	if bytes.Contains(blob, []byte("secret")) {
		t.Fatal("not encrypted")
	}
	f.decrypts(t, blob, about, "secret")
	for name, tt := range map[string]struct {
		in   kms.DecryptInput
		code string
	}{
		"no context":    {kms.DecryptInput{CiphertextBlob: blob}, "InvalidCiphertextException"},
		"other context": {kms.DecryptInput{CiphertextBlob: blob, EncryptionContext: map[string]string{"purpose": "test", "a": "c"}}, "InvalidCiphertextException"},
		"other key":     {kms.DecryptInput{CiphertextBlob: blob, KeyId: b, EncryptionContext: about}, "IncorrectKeyException"},
		"flipped":       {kms.DecryptInput{CiphertextBlob: flip(blob, len(blob)-1), EncryptionContext: about}, "InvalidCiphertextException"},
		"generation":    {kms.DecryptInput{CiphertextBlob: flip(blob, 2+36+1), EncryptionContext: about}, "InvalidCiphertextException"},
		"short":         {kms.DecryptInput{CiphertextBlob: blob[:20], EncryptionContext: about}, "InvalidCiphertextException"},
		"RSA":           {kms.DecryptInput{CiphertextBlob: blob, KeyId: a, EncryptionAlgorithm: types.EncryptionAlgorithmSpecRsaesOaepSha256}, "InvalidKeyUsageException"},
		"grant":         {kms.DecryptInput{CiphertextBlob: blob, GrantTokens: []string{"x"}}, "InvalidGrantTokenException"},
		"dry":           {kms.DecryptInput{CiphertextBlob: blob, EncryptionContext: about, DryRun: aws.Bool(true)}, "DryRunOperationException"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := f.Decrypt(ctx, &tt.in)
			want(t, err, tt.code)
		})
	}
	// Keys belong to their region.
	_, err := f.Decrypt(in(t, "eu-west-1"), &kms.DecryptInput{CiphertextBlob: blob, EncryptionContext: about})
	want(t, err, "InvalidCiphertextException")

	re, err := f.ReEncrypt(ctx, &kms.ReEncryptInput{CiphertextBlob: blob, SourceEncryptionContext: about, DestinationKeyId: b})
	if err != nil {
		t.Fatal(err)
	}
	f.decrypts(t, re.CiphertextBlob, nil, "secret")

	data, err := f.GenerateDataKey(ctx, &kms.GenerateDataKeyInput{KeyId: a, KeySpec: types.DataKeySpecAes256, EncryptionContext: about})
	if err != nil || len(data.Plaintext) != 32 {
		t.Fatal(data, err)
	}
	f.decrypts(t, data.CiphertextBlob, about, string(data.Plaintext))
	_, err = f.GenerateDataKey(ctx, &kms.GenerateDataKeyInput{KeyId: a})
	want(t, err, "ValidationException")

	if _, err := f.DisableKey(ctx, &kms.DisableKeyInput{KeyId: a}); err != nil {
		t.Fatal(err)
	}
	_, err = f.Decrypt(ctx, &kms.DecryptInput{CiphertextBlob: blob, EncryptionContext: about})
	want(t, err, "DisabledException")
}

func flip(b []byte, i int) []byte {
	b = bytes.Clone(b)
	b[i] ^= 1
	return b
}

func TestSign(t *testing.T) {
	f := newFixture(t)
	ctx := here(t)
	digest := sha256.Sum256([]byte("message"))
	for spec, algorithms := range map[types.KeySpec][]types.SigningAlgorithmSpec{
		types.KeySpecRsa2048:             rsaSigning,
		types.KeySpecEccNistP256:         {types.SigningAlgorithmSpecEcdsaSha256},
		types.KeySpecEccNistP384:         {types.SigningAlgorithmSpecEcdsaSha384},
		types.KeySpecEccNistP521:         {types.SigningAlgorithmSpecEcdsaSha512},
		types.KeySpecEccNistEdwards25519: {types.SigningAlgorithmSpecEd25519Sha512},
	} {
		k := f.create(t, spec, signs)
		for _, a := range algorithms {
			sig, err := f.Sign(ctx, &kms.SignInput{KeyId: k, SigningAlgorithm: a, Message: []byte("message")})
			if err != nil {
				t.Fatal(spec, a, err)
			}
			if _, err := f.Verify(ctx, &kms.VerifyInput{KeyId: k, SigningAlgorithm: a, Message: []byte("message"), Signature: sig.Signature}); err != nil {
				t.Error(spec, a, err)
			}
			_, err = f.Verify(ctx, &kms.VerifyInput{KeyId: k, SigningAlgorithm: a, Message: []byte("massage"), Signature: sig.Signature})
			want(t, err, "KMSInvalidSignatureException")
			if a == types.SigningAlgorithmSpecEcdsaSha256 || a == types.SigningAlgorithmSpecRsassaPssSha256 {
				if _, err := f.Verify(ctx, &kms.VerifyInput{KeyId: k, SigningAlgorithm: a, MessageType: types.MessageTypeDigest, Message: digest[:], Signature: sig.Signature}); err != nil {
					t.Error("digest:", a, err)
				}
				_, err = f.Sign(ctx, &kms.SignInput{KeyId: k, SigningAlgorithm: a, MessageType: types.MessageTypeDigest, Message: []byte("short")})
				want(t, err, "ValidationException")
			}
		}
		out, err := f.GetPublicKey(ctx, &kms.GetPublicKeyInput{KeyId: k})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := x509.ParsePKIXPublicKey(out.PublicKey); err != nil {
			t.Error(spec, err)
		}
		_, err = f.Encrypt(ctx, &kms.EncryptInput{KeyId: k, Plaintext: []byte("x")})
		want(t, err, "InvalidKeyUsageException")
	}
}

func TestRSAEncryption(t *testing.T) {
	f := newFixture(t)
	ctx := here(t)
	k := f.create(t, types.KeySpecRsa2048, encrypts)
	const a = types.EncryptionAlgorithmSpecRsaesOaepSha256
	out, err := f.Encrypt(ctx, &kms.EncryptInput{KeyId: k, EncryptionAlgorithm: a, Plaintext: []byte("hello")})
	if err != nil {
		t.Fatal(err)
	}
	plain, err := f.Decrypt(ctx, &kms.DecryptInput{KeyId: k, EncryptionAlgorithm: a, CiphertextBlob: out.CiphertextBlob})
	if err != nil || string(plain.Plaintext) != "hello" {
		t.Fatal(plain, err)
	}
	_, err = f.Encrypt(ctx, &kms.EncryptInput{KeyId: k, EncryptionAlgorithm: a, Plaintext: make([]byte, 191)})
	want(t, err, "ValidationException")
	_, err = f.EnableKeyRotation(ctx, &kms.EnableKeyRotationInput{KeyId: k})
	want(t, err, "UnsupportedOperationException")
	if out, err := f.GetKeyRotationStatus(ctx, &kms.GetKeyRotationStatusInput{KeyId: k}); err != nil || out.KeyRotationEnabled {
		t.Error(out, err)
	}
}

func TestMacAndAgreement(t *testing.T) {
	f := newFixture(t)
	ctx := here(t)
	k := f.create(t, types.KeySpecHmac256, macs)
	const a = types.MacAlgorithmSpecHmacSha256
	out, err := f.GenerateMac(ctx, &kms.GenerateMacInput{KeyId: k, MacAlgorithm: a, Message: []byte("m")})
	if err != nil || len(out.Mac) != 32 {
		t.Fatal(out, err)
	}
	if _, err := f.VerifyMac(ctx, &kms.VerifyMacInput{KeyId: k, MacAlgorithm: a, Message: []byte("m"), Mac: out.Mac}); err != nil {
		t.Error(err)
	}
	_, err = f.VerifyMac(ctx, &kms.VerifyMacInput{KeyId: k, MacAlgorithm: a, Message: []byte("n"), Mac: out.Mac})
	want(t, err, "KMSInvalidMacException")

	k = f.create(t, types.KeySpecEccNistP256, agrees)
	public, err := f.GetPublicKey(ctx, &kms.GetPublicKeyInput{KeyId: k})
	if err != nil {
		t.Fatal(err)
	}
	theirs, err := ecdh.P256().GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(theirs.PublicKey())
	if err != nil {
		t.Fatal(err)
	}
	shared, err := f.DeriveSharedSecret(ctx, &kms.DeriveSharedSecretInput{KeyId: k, KeyAgreementAlgorithm: types.KeyAgreementAlgorithmSpecEcdh, PublicKey: der})
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := x509.ParsePKIXPublicKey(public.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	point, err := parsed.(interface {
		ECDH() (*ecdh.PublicKey, error)
	}).ECDH()
	if err != nil {
		t.Fatal(err)
	}
	if mine, err := theirs.ECDH(point); err != nil || !bytes.Equal(mine, shared.SharedSecret) {
		t.Error("the two secrets differ", err)
	}
	_, err = f.DeriveSharedSecret(ctx, &kms.DeriveSharedSecretInput{KeyId: k, PublicKey: []byte("junk")})
	want(t, err, "ValidationException")
}

func TestKindsRefused(t *testing.T) {
	f := newFixture(t)
	for code, in := range map[string]*kms.CreateKeyInput{
		"UnsupportedOperationException":    {KeySpec: types.KeySpecEccSecgP256k1, KeyUsage: signs},
		"ValidationException":              {KeySpec: types.KeySpecEccNistP256},
		"MalformedPolicyDocumentException": {Policy: aws.String(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::123456789012:user/other"},"Action":"kms:*","Resource":"*"}]}`)},
		"TagException":                     {Tags: []types.Tag{{TagKey: aws.String("aws:x"), TagValue: aws.String("")}}},
	} {
		_, err := f.CreateKey(here(t), in)
		want(t, err, code)
	}
	for _, in := range []*kms.CreateKeyInput{{Origin: types.OriginTypeExternal}, {CustomKeyStoreId: aws.String("cks-1")}} {
		_, err := f.CreateKey(here(t), in)
		want(t, err, "UnsupportedOperationException")
	}
}

func TestVia(t *testing.T) {
	f := newFixture(t)
	ctx := here(t)
	v := f.Via("ssm")
	out, err := v.Encrypt(ctx, &kms.EncryptInput{KeyId: aws.String("alias/aws/ssm"), Plaintext: []byte("x")})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := v.Decrypt(ctx, &kms.DecryptInput{CiphertextBlob: out.CiphertextBlob}); err != nil {
		t.Fatal(err)
	}
	if len(f.asked.asked) != 0 {
		t.Errorf("the service's own key needs %+v", f.asked.asked)
	}
	k := f.create(t, "", "")
	if _, err := v.Encrypt(ctx, &kms.EncryptInput{KeyId: k, Plaintext: []byte("x"), EncryptionContext: map[string]string{"a": "b"}}); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Via("s3").Decrypt(ctx, &kms.DecryptInput{CiphertextBlob: out.CiphertextBlob}); err != nil {
		t.Fatal(err)
	}
	if a := f.asked.asked; len(a) != 2 || a[0].Action != "kms:Encrypt" || a[0].Context["kms:ViaService"][0] != "ssm.us-east-1.amazonaws.com" ||
		a[0].Context["kms:EncryptionContext:a"][0] != "b" || a[1].Action != "kms:Decrypt" {
		t.Errorf("asked %+v", a)
	}
}
