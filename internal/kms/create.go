package kms

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"github.com/slipway-dev/slipway/internal/aws/identity"
	"github.com/slipway-dev/slipway/internal/aws/tag"
	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/id"
)

// CreateKey makes a key. The default is a symmetric one that encrypts.
func (s *Service) CreateKey(ctx context.Context, in *kms.CreateKeyInput, _ ...func(*kms.Options)) (*kms.CreateKeyOutput, error) {
	region := identity.Region(ctx)
	spec := in.KeySpec
	if spec == "" {
		spec = types.KeySpec(in.CustomerMasterKeySpec)
	} else if in.CustomerMasterKeySpec != "" {
		return nil, fail("Validation", "You cannot specify KeySpec and CustomerMasterKeySpec in the same request. CustomerMasterKeySpec is deprecated.")
	}
	if spec == "" {
		spec = types.KeySpecSymmetricDefault
	}
	kind, err := kindOf(spec, in.KeyUsage)
	if err != nil {
		return nil, err
	}
	switch {
	case in.Origin != "" && in.Origin != types.OriginTypeAwsKms:
		return nil, fail("UnsupportedOperation", "Keys of origin %s are not implemented by Slipway; use AWS_KMS.", in.Origin)
	case in.CustomKeyStoreId != nil || in.XksKeyId != nil:
		return nil, fail("UnsupportedOperation", "Custom key stores are not implemented by Slipway.")
	}
	tags, err := tagsOf(in.Tags)
	if err != nil {
		return nil, err
	}
	policy := aws.ToString(in.Policy)
	if in.Policy == nil {
		policy = s.defaultPolicy()
	} else if err := checkPolicy(ctx, policy, in.BypassPolicyLockoutSafetyCheck); err != nil {
		return nil, err
	}
	k, err := s.make(region, spec, kind)
	if err != nil {
		return nil, err
	}
	k.Policy, k.Tags = policy, tags
	k.Description = aws.String(aws.ToString(in.Description))
	if aws.ToBool(in.MultiRegion) {
		k.multiRegion(s, region)
	}
	if err := s.cfg.Engine.Update(ctx, func(tx *engine.Tx) error { return k.put(tx) }); err != nil {
		return nil, err
	}
	return &kms.CreateKeyOutput{KeyMetadata: &k.KeyMetadata}, nil
}

// make makes a customer's key of a kind, with its first material.
func (s *Service) make(region string, spec types.KeySpec, kd *kind) (*key, error) {
	first, err := s.newMaterial(kd)
	if err != nil {
		return nil, err
	}
	now := s.cfg.Engine.Now()
	first.Since = now
	k := &key{Region: region, Materials: []material{first}, KeyMetadata: types.KeyMetadata{
		KeyId: aws.String(id.UUID(s.cfg.IDs)), AWSAccountId: aws.String(s.cfg.Site.Account), CreationDate: &now,
		KeyState: types.KeyStateEnabled, Enabled: true, Origin: types.OriginTypeAwsKms, KeyManager: types.KeyManagerTypeCustomer,
		KeySpec: spec, CustomerMasterKeySpec: types.CustomerMasterKeySpec(spec), KeyUsage: kd.usage, MultiRegion: aws.Bool(false),
		EncryptionAlgorithms: kd.encryption, SigningAlgorithms: kd.signing, MacAlgorithms: kd.mac, KeyAgreementAlgorithms: kd.agreement,
	}}
	k.Arn = aws.String(s.keyARN(region, k.id()))
	if k.symmetric() {
		k.CurrentKeyMaterialId = &first.ID
	}
	return k, nil
}

// multiRegion makes k a primary key without replicas.
func (k *key) multiRegion(s *Service, region string) {
	k.KeyId = aws.String("mrk-" + id.Hex(s.cfg.IDs, 32))
	k.Arn = aws.String(s.keyARN(region, k.id()))
	k.MultiRegion = aws.Bool(true)
	k.MultiRegionConfiguration = &types.MultiRegionConfiguration{
		MultiRegionKeyType: types.MultiRegionKeyTypePrimary,
		PrimaryKey:         &types.MultiRegionKey{Arn: k.Arn, Region: aws.String(region)},
		ReplicaKeys:        []types.MultiRegionKey{},
	}
}

func tagsOf(list []types.Tag) (tag.Set, error) {
	set, err := tag.From(list, func(t types.Tag) (*string, *string) { return t.TagKey, t.TagValue })
	return set, tagError(err)
}

func tagError(err error) error {
	var p *tag.Problem
	switch {
	case !errors.As(err, &p):
		return err
	case p.Reason == tag.TooMany:
		return fail("LimitExceeded", "%s", p)
	}
	return fail("Tag", "%s", p)
}
