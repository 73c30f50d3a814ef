package kms

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/kms"

	"github.com/slipway-dev/slipway/internal/aws/identity"
	"github.com/slipway-dev/slipway/internal/aws/wire"
)

// Via is KMS as another service uses it in the name of its caller. The
// service's own managed key is open to everyone who may use the service; with
// another key the caller needs permission for the key, too (kms:ViaService).
type Via struct {
	kms     *Service
	service string
}

// Via returns KMS for a service by its signing name, e.g. "ssm".
func (s *Service) Via(service string) *Via { return &Via{s, service} }

// DescribeKey finds a key by ID, ARN or alias.
func (v *Via) DescribeKey(ctx context.Context, in *kms.DescribeKeyInput, opts ...func(*kms.Options)) (*kms.DescribeKeyOutput, error) {
	return v.kms.DescribeKey(ctx, in, opts...)
}

// Encrypt encrypts for the service's caller.
func (v *Via) Encrypt(ctx context.Context, in *kms.EncryptInput, opts ...func(*kms.Options)) (*kms.EncryptOutput, error) {
	if err := v.authorize(ctx, "kms:Encrypt", in.KeyId, in.EncryptionContext); err != nil {
		return nil, err
	}
	return v.kms.Encrypt(ctx, in, opts...)
}

// GenerateDataKey makes a data key for the service's caller.
func (v *Via) GenerateDataKey(ctx context.Context, in *kms.GenerateDataKeyInput, opts ...func(*kms.Options)) (*kms.GenerateDataKeyOutput, error) {
	if err := v.authorize(ctx, "kms:GenerateDataKey", in.KeyId, in.EncryptionContext); err != nil {
		return nil, err
	}
	return v.kms.GenerateDataKey(ctx, in, opts...)
}

// Decrypt decrypts for the service's caller.
func (v *Via) Decrypt(ctx context.Context, in *kms.DecryptInput, opts ...func(*kms.Options)) (*kms.DecryptOutput, error) {
	named := in.KeyId
	if named == nil {
		id, _, _, ok := parseCiphertext(in.CiphertextBlob)
		if !ok {
			return nil, errCiphertext
		}
		named = &id
	}
	if err := v.authorize(ctx, "kms:Decrypt", named, in.EncryptionContext); err != nil {
		return nil, err
	}
	return v.kms.Decrypt(ctx, in, opts...)
}

func (v *Via) authorize(ctx context.Context, action string, keyID *string, encryption map[string]string) error {
	k, err := v.kms.find(ctx, keyID)
	if err != nil {
		return err
	}
	own, err := v.kms.ofService(ctx, k, v.service)
	if err != nil || own {
		return err
	}
	facts := contextFacts(encryption)
	facts["kms:ViaService"] = []string{v.service + "." + identity.Region(ctx) + ".amazonaws.com"}
	facts["kms:CallerAccount"] = []string{v.kms.cfg.Site.Account}
	return v.kms.cfg.Authorizer.Authorize(ctx, wire.Access{Action: action, Resource: *k.Arn, Context: facts})
}
