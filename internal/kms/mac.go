package kms

import (
	"context"
	"crypto"
	"crypto/hmac"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
)

var macHashes = map[types.MacAlgorithmSpec]crypto.Hash{
	types.MacAlgorithmSpecHmacSha224: crypto.SHA224,
	types.MacAlgorithmSpecHmacSha256: crypto.SHA256,
	types.MacAlgorithmSpecHmacSha384: crypto.SHA384,
	types.MacAlgorithmSpecHmacSha512: crypto.SHA512,
}

// GenerateMac makes a message authentication code.
func (s *Service) GenerateMac(ctx context.Context, in *kms.GenerateMacInput, _ ...func(*kms.Options)) (*kms.GenerateMacOutput, error) {
	k, sum, err := s.mac(ctx, in.KeyId, in.MacAlgorithm, in.Message, in.GrantTokens, in.DryRun)
	if err != nil {
		return nil, err
	}
	return &kms.GenerateMacOutput{KeyId: k.Arn, Mac: sum, MacAlgorithm: in.MacAlgorithm}, nil
}

// VerifyMac checks a code of GenerateMac. A wrong one is an error.
func (s *Service) VerifyMac(ctx context.Context, in *kms.VerifyMacInput, _ ...func(*kms.Options)) (*kms.VerifyMacOutput, error) {
	k, sum, err := s.mac(ctx, in.KeyId, in.MacAlgorithm, in.Message, in.GrantTokens, in.DryRun)
	if err != nil {
		return nil, err
	}
	if !hmac.Equal(sum, in.Mac) {
		return nil, fail("KMSInvalidMac", "The HMAC is not valid.")
	}
	return &kms.VerifyMacOutput{KeyId: k.Arn, MacValid: true, MacAlgorithm: in.MacAlgorithm}, nil
}

func (s *Service) mac(ctx context.Context, keyID *string, algorithm types.MacAlgorithmSpec, message []byte, tokens []string, dryRun *bool) (*key, []byte, error) {
	if err := unsupported(tokens, nil); err != nil {
		return nil, nil, err
	}
	k, err := s.find(ctx, keyID)
	if err == nil {
		err = k.usable(macs)
	}
	if err != nil {
		return nil, nil, err
	}
	if !slices.Contains(k.MacAlgorithms, algorithm) {
		return nil, nil, fail("InvalidKeyUsage", "Algorithm %s is not supported by key %s.", algorithm, *k.Arn)
	}
	if err := dry(dryRun); err != nil {
		return nil, nil, err
	}
	secret, err := s.secret(k, 0)
	if err != nil {
		return nil, nil, err
	}
	h := hmac.New(macHashes[algorithm].New, secret)
	h.Write(message)
	return k, h.Sum(nil), nil
}
