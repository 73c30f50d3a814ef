package codecommit

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codecommit"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	kmstypes "github.com/aws/aws-sdk-go-v2/service/kms/types"

	"github.com/slipway-dev/slipway/internal/aws/wire"
)

// key is a repository's key as it was given, or the managed one of CodeCommit
// by its ARN. It must be there and in use.
func (s *Service) key(ctx context.Context, given *string) (string, error) {
	name := aws.ToString(given)
	if name == "" {
		name = "alias/aws/codecommit"
	}
	key, err := s.KMS.DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: &name})
	var refused *wire.Error
	switch {
	case errors.As(err, &refused) && refused.Code == "InvalidArnException":
		return "", fail("EncryptionKeyInvalidId", "%s", refused.Message)
	case errors.As(err, &refused):
		return "", fail("EncryptionKeyNotFound", "%s", refused.Message)
	case err != nil:
		return "", err
	case key.KeyMetadata.KeyState == kmstypes.KeyStateDisabled:
		return "", fail("EncryptionKeyDisabled", "The key %s is disabled.", name)
	case !key.KeyMetadata.Enabled:
		return "", fail("EncryptionKeyUnavailable", "The key %s is %s.", name, key.KeyMetadata.KeyState)
	}
	if aws.ToString(given) == "" {
		name = aws.ToString(key.KeyMetadata.Arn)
	}
	return name, nil
}

// UpdateRepositoryEncryptionKey notes another key.
func (s *Service) UpdateRepositoryEncryptionKey(ctx context.Context, in *codecommit.UpdateRepositoryEncryptionKeyInput, _ ...func(*codecommit.Options)) (*codecommit.UpdateRepositoryEncryptionKeyOutput, error) {
	if _, err := s.find(ctx, in.RepositoryName); err != nil {
		return nil, err
	}
	key, err := s.key(ctx, in.KmsKeyId)
	if err != nil {
		return nil, err
	}
	out := &codecommit.UpdateRepositoryEncryptionKeyOutput{KmsKeyId: &key}
	return out, s.change(ctx, in.RepositoryName, func(repo *repository) error {
		out.RepositoryId, out.OriginalKmsKeyId = repo.RepositoryId, repo.KmsKeyId
		repo.KmsKeyId = &key
		return nil
	})
}
