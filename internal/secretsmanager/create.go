package secretsmanager

import (
	"context"
	"errors"
	"regexp"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"

	"github.com/slipway-dev/slipway/internal/aws/identity"
	"github.com/slipway-dev/slipway/internal/aws/tag"
	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/id"
	"github.com/slipway-dev/slipway/internal/store"
)

var namePattern = regexp.MustCompile(`^[A-Za-z0-9/_+=.@!-]{1,512}$`)

// CreateSecret makes a secret, and its first version if there is a value.
func (s *Service) CreateSecret(ctx context.Context, in *secretsmanager.CreateSecretInput, _ ...func(*secretsmanager.Options)) (*secretsmanager.CreateSecretOutput, error) {
	region, name := identity.Region(ctx), *in.Name
	if !namePattern.MatchString(name) {
		return nil, fail("Validation", "Invalid name. Must be a valid name containing alphanumeric characters, or any of the following: -/_+=.@!")
	}
	if len(in.AddReplicaRegions) > 0 {
		return nil, fail("InvalidParameter", "AddReplicaRegions is not implemented by Slipway: a secret lives in its region only.")
	}
	tags, err := tagsOf(in.Tags)
	if err != nil {
		return nil, err
	}
	c, err := contentOf(in.SecretString, in.SecretBinary)
	if err != nil {
		return nil, err
	}
	now := s.cfg.Engine.Now()
	x := &secret{ARN: s.arn(region, name, id.Of(s.cfg.IDs, id.AlphaNum, suffix)), Name: name, Region: region, Type: aws.ToString(in.Type),
		Description: aws.ToString(in.Description), KeyID: aws.ToString(in.KmsKeyId), Tags: tags, Versions: map[string]*version{}, Created: now, Changed: now}
	if err := s.checkKey(ctx, x.KeyID); err != nil {
		return nil, err
	}
	token := ""
	var sealed *value
	if c != nil {
		if token, err = versionID(in.ClientRequestToken); err != nil {
			return nil, err
		}
		again, err := s.sameSecret(ctx, name, token, c)
		if err != nil || again != nil {
			return again, err
		}
		if sealed, err = s.seal(ctx, x, token, c); err != nil {
			return nil, err
		}
	}
	err = s.cfg.Engine.Update(ctx, func(tx *engine.Tx) error {
		switch old, err := secrets.Get(tx, region, name); {
		case err == nil && !old.Marked.IsZero():
			return fail("InvalidRequest", "You can't create this secret because a secret with this name is already scheduled for deletion.")
		case err == nil:
			return fail("ResourceExists", "The operation failed because the secret %s already exists.", name)
		case !errors.Is(err, store.ErrNotFound):
			return err
		}
		if sealed != nil {
			x.Versions[token] = &version{Created: now, KeyID: x.KeyID}
			x.stage(current, token)
			if err := values.Put(tx, sealed, x.ARN, token); err != nil {
				return err
			}
		}
		return x.put(tx)
	})
	if err != nil {
		return nil, err
	}
	out := &secretsmanager.CreateSecretOutput{ARN: &x.ARN, Name: &x.Name}
	if token != "" {
		out.VersionId = &token
	}
	return out, nil
}

// sameSecret answers a request that a client sends again because the answer to
// the first was lost; nil if this is the first.
func (s *Service) sameSecret(ctx context.Context, name, token string, c *content) (*secretsmanager.CreateSecretOutput, error) {
	x, err := s.view(ctx, &name)
	if errors.Is(err, errNoSecret) || err == nil && (x.Versions[token] == nil || !x.Marked.IsZero()) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if err := s.same(ctx, x, token, c); err != nil {
		return nil, err
	}
	return &secretsmanager.CreateSecretOutput{ARN: &x.ARN, Name: &x.Name, VersionId: &token}, nil
}

// checkKey refuses a key that is not there or cannot encrypt; "" is no key.
func (s *Service) checkKey(ctx context.Context, keyID string) error {
	if keyID == "" {
		return nil
	}
	out, err := s.cfg.Keys.DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: &keyID})
	if err != nil {
		return fail("InvalidParameter", "The KMS key %s cannot be used: %s", keyID, text(err))
	}
	if k := out.KeyMetadata; k.KeySpec != "SYMMETRIC_DEFAULT" {
		return fail("InvalidParameter", "The KMS key %s is of spec %s: Secrets Manager uses symmetric encryption keys only.", keyID, k.KeySpec)
	}
	return nil
}

func tagsOf(list []types.Tag) (tag.Set, error) {
	set, err := tag.From(list, func(t types.Tag) (*string, *string) { return t.Key, t.Value })
	return set, tagError(err)
}

func tagError(err error) error {
	var p *tag.Problem
	if errors.As(err, &p) {
		return fail("InvalidParameter", "%s", p)
	}
	return err
}
