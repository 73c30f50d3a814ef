package kms

import (
	"context"
	"errors"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"github.com/slipway-dev/slipway/internal/aws/identity"
	"github.com/slipway-dev/slipway/internal/aws/wire"
	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/page"
	"github.com/slipway-dev/slipway/internal/store"
)

// DescribeKey describes a key by ID, ARN or alias.
func (s *Service) DescribeKey(ctx context.Context, in *kms.DescribeKeyInput, _ ...func(*kms.Options)) (*kms.DescribeKeyOutput, error) {
	if err := unsupported(in.GrantTokens, nil); err != nil {
		return nil, err
	}
	k, err := s.find(ctx, in.KeyId)
	if err != nil {
		return nil, err
	}
	return &kms.DescribeKeyOutput{KeyMetadata: &k.KeyMetadata}, nil
}

// ListKeys lists all keys of the region, 100 a page (Limit up to 1,000).
func (s *Service) ListKeys(ctx context.Context, in *kms.ListKeysInput, _ ...func(*kms.Options)) (*kms.ListKeysOutput, error) {
	region := identity.Region(ctx)
	out := &kms.ListKeysOutput{}
	return out, s.list(ctx, "ListKeys/"+region, in.Marker, limit(in.Limit, 100), func(r store.Reader, p page.Request) (err error) {
		out.Keys, out.NextMarker, err = page.Of(r, keys, p, func(k *key) (types.KeyListEntry, bool, error) {
			return types.KeyListEntry{KeyArn: k.Arn, KeyId: k.KeyId}, true, nil
		}, region)
		out.Truncated = out.NextMarker != nil
		return err
	})
}

// UpdateKeyDescription replaces the description.
func (s *Service) UpdateKeyDescription(ctx context.Context, in *kms.UpdateKeyDescriptionInput, _ ...func(*kms.Options)) (*kms.UpdateKeyDescriptionOutput, error) {
	return &kms.UpdateKeyDescriptionOutput{}, s.change(ctx, in.KeyId, func(_ *engine.Tx, k *key) error {
		k.Description = in.Description
		return k.alive()
	})
}

// EnableKey lets a key be used again, and rotated if that is overdue.
func (s *Service) EnableKey(ctx context.Context, in *kms.EnableKeyInput, _ ...func(*kms.Options)) (*kms.EnableKeyOutput, error) {
	return &kms.EnableKeyOutput{}, s.change(ctx, in.KeyId, func(tx *engine.Tx, k *key) error {
		if err := k.move(enable); err != nil {
			return err
		}
		return s.planRotation(tx, k)
	})
}

// DisableKey keeps a key from being used.
func (s *Service) DisableKey(ctx context.Context, in *kms.DisableKeyInput, _ ...func(*kms.Options)) (*kms.DisableKeyOutput, error) {
	return &kms.DisableKeyOutput{}, s.change(ctx, in.KeyId, func(_ *engine.Tx, k *key) error { return k.move(disable) })
}

// list reads a page, and renames the error of a marker that is none.
func (s *Service) list(ctx context.Context, scope string, marker *string, size int, read func(store.Reader, page.Request) error) error {
	err := s.cfg.Engine.View(ctx, func(r store.Reader) error {
		return read(r, page.Request{Scope: "kms." + scope, Token: marker, Max: size})
	})
	if errors.Is(err, page.ErrToken) {
		return errMarker
	}
	return err
}

// limit is the size of a page; the model has seen to its bounds.
func limit(asked *int32, otherwise int) int {
	if asked == nil {
		return otherwise
	}
	return int(*asked)
}

// part is a page of a list that lies within one document and is short.
func part[T any](scope string, all []T, marker *string, size int) (items []T, next *string, err error) {
	from := 0
	if marker != nil {
		at, ok := wire.DecodeToken("kms."+scope, *marker)
		if from, err = strconv.Atoi(at); !ok || err != nil || from > len(all) {
			return nil, nil, errMarker
		}
	}
	to := min(from+size, len(all))
	if to < len(all) {
		next = aws.String(wire.EncodeToken("kms."+scope, strconv.Itoa(to)))
	}
	return all[from:to], next, nil
}

var errMarker = fail("InvalidMarker", "The marker is not one of this list.")
