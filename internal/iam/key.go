package iam

import (
	"context"
	"errors"
	"iter"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/slipway-dev/slipway/internal/aws/identity"
	"github.com/slipway-dev/slipway/internal/aws/wire"
	"github.com/slipway-dev/slipway/internal/id"
	"github.com/slipway-dev/slipway/internal/store"
)

const maxKeys = 2 // access keys of a user

// accessKey is a user's key; the secret is sealed.
type accessKey struct {
	types.AccessKeyMetadata
	Secret string
}

var (
	accessKeys = store.Table[accessKey]("iam.key")  // by key id
	userKeys   = store.Table[string]("iam.userkey") // user, key id
)

var errUnknownKey = &wire.Error{Code: "InvalidClientTokenId", Status: http.StatusForbidden,
	Message: "The security token included in the request is invalid."}

// keysOf yields the ids of a user's keys.
func keysOf(r store.Reader, user string) iter.Seq2[*string, error] { return userKeys.All(r, user) }

// caller is the user named, or the user who calls.
func (s *Service) callerOr(ctx context.Context, name *string) (*string, error) {
	if name != nil {
		return name, nil
	}
	if c := identity.From(ctx); c.Kind == identity.User {
		return aws.String(c.UserName), nil
	}
	return nil, invalid("Must specify userName when calling with non-User credentials")
}

// CreateAccessKey makes a key; its secret is shown this once.
func (s *Service) CreateAccessKey(ctx context.Context, in *iam.CreateAccessKeyInput, _ ...func(*iam.Options)) (*iam.CreateAccessKeyOutput, error) {
	name, err := s.callerOr(ctx, in.UserName)
	if err != nil {
		return nil, err
	}
	secret := id.Of(s.cfg.IDs, id.AlphaNum, 40)
	k := &accessKey{Secret: s.box.Seal([]byte(secret))}
	k.AccessKeyId = aws.String("AKIA" + id.Of(s.cfg.IDs, id.Base32, 16))
	k.Status, k.CreateDate = types.StatusTypeActive, s.now()
	err = s.update(ctx, func(tx store.Tx) error {
		u, err := loadUser(tx, name)
		if err != nil {
			return err
		}
		n := 0
		for _, err := range keysOf(tx, *u.UserName) {
			if err != nil {
				return err
			}
			n++
		}
		if n >= maxKeys {
			return quota("AccessKeysPerUser", maxKeys)
		}
		k.UserName = u.UserName
		if err := userKeys.Put(tx, k.AccessKeyId, *u.UserName, *k.AccessKeyId); err != nil {
			return err
		}
		return accessKeys.Put(tx, k, *k.AccessKeyId)
	})
	return &iam.CreateAccessKeyOutput{AccessKey: &types.AccessKey{
		AccessKeyId: k.AccessKeyId, SecretAccessKey: aws.String(secret), Status: k.Status, UserName: k.UserName, CreateDate: k.CreateDate,
	}}, err
}

// ListAccessKeys pages a user's keys.
func (s *Service) ListAccessKeys(ctx context.Context, in *iam.ListAccessKeysInput, _ ...func(*iam.Options)) (*iam.ListAccessKeysOutput, error) {
	name, err := s.callerOr(ctx, in.UserName)
	if err != nil {
		return nil, err
	}
	out := &iam.ListAccessKeysOutput{}
	return out, s.view(ctx, func(r store.Reader) error {
		u, err := loadUser(r, name)
		if err != nil {
			return err
		}
		var all []types.AccessKeyMetadata
		for keyID, err := range keysOf(r, *u.UserName) {
			if err != nil {
				return err
			}
			k, err := accessKeys.Get(r, *keyID)
			if err != nil {
				return err
			}
			all = append(all, k.AccessKeyMetadata)
		}
		out.AccessKeyMetadata, out.Marker, out.IsTruncated, err = ofSlice(page{"ListAccessKeys" + *u.UserName, in.Marker, in.MaxItems}, all,
			func(k types.AccessKeyMetadata) string { return *k.AccessKeyId })
		return err
	})
}

// ownKey loads a key of a user.
func ownKey(r store.Reader, user, keyID *string) (*accessKey, error) {
	u, err := loadUser(r, user)
	if err != nil {
		return nil, err
	}
	k, err := accessKeys.Get(r, *keyID)
	if errors.Is(err, store.ErrNotFound) || err == nil && *k.UserName != *u.UserName {
		return nil, noSuch("The Access Key with id %s cannot be found.", *keyID)
	}
	return k, err
}

// UpdateAccessKey activates or deactivates a key.
func (s *Service) UpdateAccessKey(ctx context.Context, in *iam.UpdateAccessKeyInput, _ ...func(*iam.Options)) (*iam.UpdateAccessKeyOutput, error) {
	name, err := s.callerOr(ctx, in.UserName)
	if err != nil {
		return nil, err
	}
	return &iam.UpdateAccessKeyOutput{}, s.update(ctx, func(tx store.Tx) error {
		k, err := ownKey(tx, name, in.AccessKeyId)
		if err != nil {
			return err
		}
		k.Status = in.Status
		return accessKeys.Put(tx, k, *k.AccessKeyId)
	})
}

// DeleteAccessKey deletes a key.
func (s *Service) DeleteAccessKey(ctx context.Context, in *iam.DeleteAccessKeyInput, _ ...func(*iam.Options)) (*iam.DeleteAccessKeyOutput, error) {
	name, err := s.callerOr(ctx, in.UserName)
	if err != nil {
		return nil, err
	}
	return &iam.DeleteAccessKeyOutput{}, s.update(ctx, func(tx store.Tx) error {
		k, err := ownKey(tx, name, in.AccessKeyId)
		if err != nil {
			return err
		}
		if err := userKeys.Delete(tx, *k.UserName, *k.AccessKeyId); err != nil {
			return err
		}
		return accessKeys.Delete(tx, *k.AccessKeyId)
	})
}
