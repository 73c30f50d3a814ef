package kms

import (
	"context"
	"maps"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"

	"github.com/slipway-dev/slipway/internal/aws/identity"
	"github.com/slipway-dev/slipway/internal/aws/wire"
	"github.com/slipway-dev/slipway/internal/store"
)

// Wire is the table of operations that exist.
func (s *Service) Wire() wire.Service {
	type c = context.Context
	return wire.Service{Model: "kms", Operations: []wire.Operation{
		wire.Op("kms:CreateKey", s.CreateKey, nil),
		wire.Op("kms:DescribeKey", s.DescribeKey, func(x c, in *kms.DescribeKeyInput) []wire.Access { return s.on(x, in.KeyId, nil) }),
		wire.Op("kms:ListKeys", s.ListKeys, nil),
		wire.Op("kms:UpdateKeyDescription", s.UpdateKeyDescription, func(x c, in *kms.UpdateKeyDescriptionInput) []wire.Access { return s.on(x, in.KeyId, nil) }),
		wire.Op("kms:EnableKey", s.EnableKey, func(x c, in *kms.EnableKeyInput) []wire.Access { return s.on(x, in.KeyId, nil) }),
		wire.Op("kms:DisableKey", s.DisableKey, func(x c, in *kms.DisableKeyInput) []wire.Access { return s.on(x, in.KeyId, nil) }),
		wire.Op("kms:ScheduleKeyDeletion", s.ScheduleKeyDeletion, func(x c, in *kms.ScheduleKeyDeletionInput) []wire.Access { return s.on(x, in.KeyId, nil) }),
		wire.Op("kms:CancelKeyDeletion", s.CancelKeyDeletion, func(x c, in *kms.CancelKeyDeletionInput) []wire.Access { return s.on(x, in.KeyId, nil) }),

		wire.Op("kms:EnableKeyRotation", s.EnableKeyRotation, func(x c, in *kms.EnableKeyRotationInput) []wire.Access { return s.on(x, in.KeyId, nil) }),
		wire.Op("kms:DisableKeyRotation", s.DisableKeyRotation, func(x c, in *kms.DisableKeyRotationInput) []wire.Access { return s.on(x, in.KeyId, nil) }),
		wire.Op("kms:GetKeyRotationStatus", s.GetKeyRotationStatus, func(x c, in *kms.GetKeyRotationStatusInput) []wire.Access { return s.on(x, in.KeyId, nil) }),
		wire.Op("kms:RotateKeyOnDemand", s.RotateKeyOnDemand, func(x c, in *kms.RotateKeyOnDemandInput) []wire.Access { return s.on(x, in.KeyId, nil) }),
		wire.Op("kms:ListKeyRotations", s.ListKeyRotations, func(x c, in *kms.ListKeyRotationsInput) []wire.Access { return s.on(x, in.KeyId, nil) }),

		wire.Op("kms:GetKeyPolicy", s.GetKeyPolicy, func(x c, in *kms.GetKeyPolicyInput) []wire.Access { return s.on(x, in.KeyId, nil) }),
		wire.Op("kms:PutKeyPolicy", s.PutKeyPolicy, func(x c, in *kms.PutKeyPolicyInput) []wire.Access { return s.on(x, in.KeyId, nil) }),
		wire.Op("kms:ListKeyPolicies", s.ListKeyPolicies, func(x c, in *kms.ListKeyPoliciesInput) []wire.Access { return s.on(x, in.KeyId, nil) }),
		wire.Op("kms:TagResource", s.TagResource, func(x c, in *kms.TagResourceInput) []wire.Access { return s.on(x, in.KeyId, nil) }),
		wire.Op("kms:UntagResource", s.UntagResource, func(x c, in *kms.UntagResourceInput) []wire.Access { return s.on(x, in.KeyId, nil) }),
		wire.Op("kms:ListResourceTags", s.ListResourceTags, func(x c, in *kms.ListResourceTagsInput) []wire.Access { return s.on(x, in.KeyId, nil) }),

		wire.Op("kms:CreateAlias", s.CreateAlias, func(x c, in *kms.CreateAliasInput) []wire.Access { return s.onAlias(x, in.AliasName, in.TargetKeyId) }),
		wire.Op("kms:UpdateAlias", s.UpdateAlias, func(x c, in *kms.UpdateAliasInput) []wire.Access {
			return s.onAlias(x, in.AliasName, in.AliasName, in.TargetKeyId)
		}),
		wire.Op("kms:DeleteAlias", s.DeleteAlias, func(x c, in *kms.DeleteAliasInput) []wire.Access { return s.onAlias(x, in.AliasName, in.AliasName) }),
		wire.Op("kms:ListAliases", s.ListAliases, nil),

		wire.Op("kms:Encrypt", s.Encrypt, func(x c, in *kms.EncryptInput) []wire.Access { return s.on(x, in.KeyId, in.EncryptionContext) }),
		wire.Op("kms:Decrypt", s.Decrypt, func(x c, in *kms.DecryptInput) []wire.Access {
			return s.on(x, ciphertextKey(in.KeyId, in.CiphertextBlob), in.EncryptionContext)
		}),
		wire.Op("kms:ReEncryptFrom", s.ReEncrypt, func(x c, in *kms.ReEncryptInput) []wire.Access {
			to := s.on(x, in.DestinationKeyId, in.DestinationEncryptionContext)
			for i := range to {
				to[i].Action = "kms:ReEncryptTo"
			}
			return append(s.on(x, ciphertextKey(in.SourceKeyId, in.CiphertextBlob), in.SourceEncryptionContext), to...)
		}),
		wire.Op("kms:GenerateDataKey", s.GenerateDataKey, func(x c, in *kms.GenerateDataKeyInput) []wire.Access { return s.on(x, in.KeyId, in.EncryptionContext) }),
		wire.Op("kms:GenerateDataKeyWithoutPlaintext", s.GenerateDataKeyWithoutPlaintext, func(x c, in *kms.GenerateDataKeyWithoutPlaintextInput) []wire.Access {
			return s.on(x, in.KeyId, in.EncryptionContext)
		}),
		wire.Op("kms:GenerateDataKeyPair", s.GenerateDataKeyPair, func(x c, in *kms.GenerateDataKeyPairInput) []wire.Access {
			return s.on(x, in.KeyId, in.EncryptionContext)
		}),
		wire.Op("kms:GenerateDataKeyPairWithoutPlaintext", s.GenerateDataKeyPairWithoutPlaintext, func(x c, in *kms.GenerateDataKeyPairWithoutPlaintextInput) []wire.Access {
			return s.on(x, in.KeyId, in.EncryptionContext)
		}),
		wire.Op("kms:GenerateRandom", s.GenerateRandom, nil),

		wire.Op("kms:GetPublicKey", s.GetPublicKey, func(x c, in *kms.GetPublicKeyInput) []wire.Access { return s.on(x, in.KeyId, nil) }),
		wire.Op("kms:Sign", s.Sign, func(x c, in *kms.SignInput) []wire.Access { return s.on(x, in.KeyId, nil) }),
		wire.Op("kms:Verify", s.Verify, func(x c, in *kms.VerifyInput) []wire.Access { return s.on(x, in.KeyId, nil) }),
		wire.Op("kms:DeriveSharedSecret", s.DeriveSharedSecret, func(x c, in *kms.DeriveSharedSecretInput) []wire.Access { return s.on(x, in.KeyId, nil) }),
		wire.Op("kms:GenerateMac", s.GenerateMac, func(x c, in *kms.GenerateMacInput) []wire.Access { return s.on(x, in.KeyId, nil) }),
		wire.Op("kms:VerifyMac", s.VerifyMac, func(x c, in *kms.VerifyMacInput) []wire.Access { return s.on(x, in.KeyId, nil) }),
	}}
}

// on is the access to a key. Policies name keys by ARN, so an alias is looked
// up; one that is not there is asked for as it is, and found missing later.
func (s *Service) on(ctx context.Context, text *string, encryption map[string]string) []wire.Access {
	resource := ""
	_ = s.cfg.Engine.View(ctx, func(r store.Reader) error {
		k, err := s.byName(ctx, r, text)
		if err == nil {
			resource = *k.Arn
		}
		return nil
	})
	if resource == "" {
		resource = s.keyARN(identity.Region(ctx), aws.ToString(text))
		if n, err := s.parse(identity.Region(ctx), aws.ToString(text)); err == nil && n.alias != "" {
			resource = s.aliasARN(identity.Region(ctx), n.alias)
		}
	}
	facts := contextFacts(encryption)
	facts["kms:CallerAccount"] = []string{s.cfg.Site.Account}
	return []wire.Access{{Resource: resource, Context: facts}}
}

// onAlias is the access to an alias and to the keys that it has or shall have.
func (s *Service) onAlias(ctx context.Context, alias *string, keys ...*string) []wire.Access {
	list := wire.On(s.aliasARN(identity.Region(ctx), aws.ToString(alias)))
	for _, k := range keys {
		list = append(list, s.on(ctx, k, nil)...)
	}
	return list
}

// ciphertextKey is the key that a request to decrypt names, else that of the
// ciphertext.
func ciphertextKey(named *string, blob []byte) *string {
	if named != nil {
		return named
	}
	id, _, _, _ := parseCiphertext(blob)
	return &id
}

// contextFacts are the condition keys of an encryption context.
func contextFacts(encryption map[string]string) map[string][]string {
	facts := map[string][]string{}
	for k, v := range encryption {
		facts["kms:EncryptionContext:"+k] = []string{v}
	}
	if len(encryption) > 0 {
		facts["kms:EncryptionContextKeys"] = slices.Sorted(maps.Keys(encryption))
	}
	return facts
}
