package secretsmanager

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"

	"github.com/slipway-dev/slipway/internal/aws/tag"
	"github.com/slipway-dev/slipway/internal/aws/wire"
	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/store"
)

// GetSecretValue answers the value of a version, of AWSCURRENT if none is named.
func (s *Service) GetSecretValue(ctx context.Context, in *secretsmanager.GetSecretValueInput, _ ...func(*secretsmanager.Options)) (*secretsmanager.GetSecretValueOutput, error) {
	x, err := s.live(ctx, in.SecretId)
	if err != nil {
		return nil, err
	}
	id, err := x.pick(in.VersionId, in.VersionStage)
	if err != nil {
		return nil, err
	}
	c, err := s.open(ctx, x, id)
	if err != nil {
		return nil, err
	}
	if err := s.touch(ctx, x, id); err != nil {
		return nil, err
	}
	v := x.Versions[id]
	out := &secretsmanager.GetSecretValueOutput{ARN: &x.ARN, Name: &x.Name, VersionId: &id, VersionStages: v.Stages, CreatedDate: &v.Created}
	out.SecretString, out.SecretBinary = c.parts()
	return out, nil
}

// pick finds the version that is meant.
func (x *secret) pick(versionID, stage *string) (string, error) {
	if versionID != nil {
		v := x.Versions[*versionID]
		switch {
		case v == nil:
			return "", noVersion("VersionId: " + *versionID)
		case stage != nil && !slices.Contains(v.Stages, *stage):
			return "", fail("InvalidRequest", "You provided a VersionStage that is not associated to the provided VersionId.")
		}
		return *versionID, nil
	}
	want := current
	if stage != nil {
		want = *stage
	}
	id := x.holder(want)
	if id == "" {
		return "", noVersion("staging label: " + want)
	}
	return id, nil
}

func noVersion(which string) error {
	return fail("ResourceNotFound", "Secrets Manager can't find the specified secret value for %s", which)
}

// touch notes the day on which a version was read; a second read on the same
// day writes nothing.
func (s *Service) touch(ctx context.Context, x *secret, id string) error {
	day := s.cfg.Engine.Now().Truncate(24 * time.Hour)
	if !x.Versions[id].Accessed.Before(day) {
		return nil
	}
	return s.cfg.Engine.Update(ctx, func(tx *engine.Tx) error {
		now, err := secrets.Get(tx, x.Region, x.Name)
		if errors.Is(err, store.ErrNotFound) || err == nil && now.Versions[id] == nil {
			return nil
		}
		if err != nil {
			return err
		}
		now.Accessed, now.Versions[id].Accessed = day, day
		return now.put(tx)
	})
}

// DescribeSecret tells all of a secret but its values. It answers for secrets
// that are marked for deletion, too.
func (s *Service) DescribeSecret(ctx context.Context, in *secretsmanager.DescribeSecretInput, _ ...func(*secretsmanager.Options)) (*secretsmanager.DescribeSecretOutput, error) {
	x, err := s.view(ctx, in.SecretId)
	if err != nil {
		return nil, err
	}
	e := x.entry()
	return &secretsmanager.DescribeSecretOutput{ARN: e.ARN, Name: e.Name, Description: e.Description, KmsKeyId: e.KmsKeyId, Type: e.Type, Tags: e.Tags,
		CreatedDate: e.CreatedDate, LastChangedDate: e.LastChangedDate, LastAccessedDate: e.LastAccessedDate, DeletedDate: e.DeletedDate,
		VersionIdsToStages: e.SecretVersionsToStages}, nil
}

// entry is a secret as lists have it.
func (x *secret) entry() types.SecretListEntry {
	e := types.SecretListEntry{ARN: &x.ARN, Name: &x.Name, CreatedDate: &x.Created, LastChangedDate: &x.Changed,
		Description: given(x.Description), KmsKeyId: given(x.KeyID), Type: given(x.Type), SecretVersionsToStages: x.staged(),
		Tags: tag.List(x.Tags, func(k, v *string) types.Tag { return types.Tag{Key: k, Value: v} })}
	if !x.Accessed.IsZero() {
		e.LastAccessedDate = &x.Accessed
	}
	if !x.Marked.IsZero() {
		e.DeletedDate = &x.Marked
	}
	return e
}

func given(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// ListSecretVersionIds lists versions, the newest first: those with stages,
// others only if asked for.
func (s *Service) ListSecretVersionIds(ctx context.Context, in *secretsmanager.ListSecretVersionIdsInput, _ ...func(*secretsmanager.Options)) (*secretsmanager.ListSecretVersionIdsOutput, error) {
	x, err := s.view(ctx, in.SecretId)
	if err != nil {
		return nil, err
	}
	scope := "secretsmanager.versions/" + x.ARN
	after := ""
	if in.NextToken != nil {
		var ok bool
		if after, ok = wire.DecodeToken(scope, *in.NextToken); !ok || x.Versions[after] == nil {
			return nil, errToken
		}
	}
	out := &secretsmanager.ListSecretVersionIdsOutput{ARN: &x.ARN, Name: &x.Name, Versions: []types.SecretVersionsListEntry{}}
	most := 100
	if in.MaxResults != nil {
		most = int(*in.MaxResults)
	}
	last := ""
	for _, id := range x.newest() {
		v := x.Versions[id]
		switch {
		case after != "":
			if id == after {
				after = ""
			}
			continue
		case len(v.Stages) == 0 && !aws.ToBool(in.IncludeDeprecated):
			continue
		case len(out.Versions) == most:
			out.NextToken = aws.String(wire.EncodeToken(scope, last))
			return out, nil
		}
		key := v.KeyID
		if key == "" {
			key = "DefaultEncryptionKey"
		}
		e := types.SecretVersionsListEntry{VersionId: aws.String(id), VersionStages: v.Stages, CreatedDate: &v.Created, KmsKeyIds: []string{key}}
		if !v.Accessed.IsZero() {
			e.LastAccessedDate = &v.Accessed
		}
		out.Versions, last = append(out.Versions, e), id
	}
	return out, nil
}

var errToken = fail("InvalidNextToken", "The NextToken value is invalid.")
