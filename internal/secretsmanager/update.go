package secretsmanager

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"github.com/slipway-dev/slipway/internal/engine"
)

// PutSecretValue adds a version. Without VersionStages it becomes AWSCURRENT.
func (s *Service) PutSecretValue(ctx context.Context, in *secretsmanager.PutSecretValueInput, _ ...func(*secretsmanager.Options)) (*secretsmanager.PutSecretValueOutput, error) {
	c, err := contentOf(in.SecretString, in.SecretBinary)
	switch {
	case err != nil:
		return nil, err
	case c == nil:
		return nil, fail("InvalidRequest", "You must provide either SecretString or SecretBinary.")
	case in.RotationToken != nil:
		return nil, fail("InvalidParameter", "RotationToken is not implemented by Slipway: there is no rotation.")
	}
	token, err := versionID(in.ClientRequestToken)
	if err != nil {
		return nil, err
	}
	x, stages, err := s.write(ctx, in.SecretId, token, c, in.VersionStages, nil)
	if err != nil {
		return nil, err
	}
	return &secretsmanager.PutSecretValueOutput{ARN: &x.ARN, Name: &x.Name, VersionId: &token, VersionStages: stages}, nil
}

// UpdateSecret changes what is said of a secret, its key, and its value. With a
// new key the versions that have AWS's stages are encrypted anew.
func (s *Service) UpdateSecret(ctx context.Context, in *secretsmanager.UpdateSecretInput, _ ...func(*secretsmanager.Options)) (*secretsmanager.UpdateSecretOutput, error) {
	c, err := contentOf(in.SecretString, in.SecretBinary)
	if err != nil {
		return nil, err
	}
	if err := s.checkKey(ctx, aws.ToString(in.KmsKeyId)); err != nil {
		return nil, err
	}
	describe := func(x *secret) {
		if in.Description != nil {
			x.Description = *in.Description
		}
		if in.Type != nil {
			x.Type = *in.Type
		}
	}
	if in.KmsKeyId != nil {
		if err := s.rekey(ctx, in.SecretId, *in.KmsKeyId); err != nil {
			return nil, err
		}
	}
	if c == nil {
		x, err := s.change(ctx, in.SecretId, func(tx *engine.Tx, x *secret) error {
			describe(x)
			x.Changed = tx.Now()
			return nil
		})
		if err != nil {
			return nil, err
		}
		return &secretsmanager.UpdateSecretOutput{ARN: &x.ARN, Name: &x.Name}, nil
	}
	token, err := versionID(in.ClientRequestToken)
	if err != nil {
		return nil, err
	}
	x, _, err := s.write(ctx, in.SecretId, token, c, nil, describe)
	if err != nil {
		return nil, err
	}
	return &secretsmanager.UpdateSecretOutput{ARN: &x.ARN, Name: &x.Name, VersionId: &token}, nil
}

// write adds a version with stages, AWSCURRENT if there are none. A version
// that exists with the same value stays as it is.
func (s *Service) write(ctx context.Context, name *string, token string, c *content, stages []string, also func(*secret)) (_ *secret, _ []string, err error) {
	x, err := s.live(ctx, name)
	if err != nil {
		return nil, nil, err
	}
	if v := x.Versions[token]; v != nil {
		return x, v.Stages, s.same(ctx, x, token, c)
	}
	sealed, err := s.seal(ctx, x, token, c)
	if err != nil {
		return nil, nil, err
	}
	if len(stages) == 0 {
		stages = []string{current}
	}
	arn := x.ARN
	x, err = s.change(ctx, &arn, func(tx *engine.Tx, x *secret) error {
		if x.ARN != arn {
			return errNoSecret // deleted and made again meanwhile
		}
		if x.Versions[token] != nil {
			return fail("ResourceExists", "A version with the ID %s is being written by another request.", token)
		}
		now := tx.Now()
		x.Versions[token] = &version{Created: now, KeyID: x.KeyID}
		for _, stage := range stages {
			x.stage(stage, token)
		}
		if x.holder(current) == "" { // the first version, whatever was asked for
			x.stage(current, token)
		}
		x.Changed = now
		if also != nil {
			also(x)
		}
		for _, id := range x.deprecated(now) {
			delete(x.Versions, id)
			if err := values.Delete(tx, x.ARN, id); err != nil {
				return err
			}
		}
		return values.Put(tx, sealed, x.ARN, token)
	})
	if err != nil {
		return nil, nil, err
	}
	return x, x.Versions[token].Stages, nil
}

// rekey gives a secret another key. Versions that are in use are encrypted
// under it at once; others keep the key that they have.
func (s *Service) rekey(ctx context.Context, name *string, keyID string) error {
	x, err := s.live(ctx, name)
	if err != nil || x.KeyID == keyID {
		return err
	}
	x.KeyID = keyID
	anew := map[string]*value{}
	for _, stage := range []string{current, previous, pending} {
		id := x.holder(stage)
		if id == "" || anew[id] != nil {
			continue
		}
		c, err := s.open(ctx, x, id)
		if err != nil {
			return err
		}
		if anew[id], err = s.seal(ctx, x, id, c); err != nil {
			return err
		}
	}
	_, err = s.change(ctx, &x.ARN, func(tx *engine.Tx, x *secret) error {
		x.KeyID = keyID
		for id, v := range anew {
			if x.Versions[id] == nil {
				continue
			}
			x.Versions[id].KeyID = keyID
			if err := values.Put(tx, v, x.ARN, id); err != nil {
				return err
			}
		}
		return nil
	})
	return err
}

// UpdateSecretVersionStage moves one stage to a version, or takes it away.
func (s *Service) UpdateSecretVersionStage(ctx context.Context, in *secretsmanager.UpdateSecretVersionStageInput, _ ...func(*secretsmanager.Options)) (*secretsmanager.UpdateSecretVersionStageOutput, error) {
	stage, from, to := *in.VersionStage, aws.ToString(in.RemoveFromVersionId), aws.ToString(in.MoveToVersionId)
	x, err := s.change(ctx, in.SecretId, func(tx *engine.Tx, x *secret) error {
		have := x.holder(stage)
		for _, id := range []string{from, to} {
			if id != "" && x.Versions[id] == nil {
				return noVersion("VersionId: " + id)
			}
		}
		switch {
		case from == "" && to == "":
			return fail("InvalidParameter", "You must specify MoveToVersionId, RemoveFromVersionId, or both.")
		case to == "" && stage == current:
			return fail("InvalidParameter", "You can only move staging label %s to a different secret version. It can’t be completely removed.", stage)
		case from != "" && from != have:
			return fail("InvalidParameter", "Staging label %s is not attached to version %s, which RemoveFromVersionId names.", stage, from)
		case have != "" && from == "" && have != to:
			return fail("InvalidParameter", "The parameter RemoveFromVersionId can't be empty. Staging label %s is currently attached to version %s, so you must explicitly reference that version in RemoveFromVersionId.", stage, have)
		case to == "":
			x.unstage(stage)
		case to != have && len(x.Versions[to].Stages) >= maxStages:
			return fail("LimitExceeded", "A version can have at most %d staging labels.", maxStages)
		default:
			x.stage(stage, to)
		}
		x.Changed = tx.Now()
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &secretsmanager.UpdateSecretVersionStageOutput{ARN: &x.ARN, Name: &x.Name}, nil
}
