package kms

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/store"
)

const (
	yearly     = 365 // days; the period where none is asked for
	onDemand   = 25  // rotations of a key that may be asked for
	rotations  = 100 // of a page of ListKeyRotations
	everything = types.IncludeKeyMaterialAllKeyMaterial
)

// EnableKeyRotation rotates a symmetric key every RotationPeriodInDays, 90 to
// 2,560, 365 if not given, counted from now.
func (s *Service) EnableKeyRotation(ctx context.Context, in *kms.EnableKeyRotationInput, _ ...func(*kms.Options)) (*kms.EnableKeyRotationOutput, error) {
	return &kms.EnableKeyRotationOutput{}, s.change(ctx, in.KeyId, func(tx *engine.Tx, k *key) error {
		if err := k.rotatable(); err != nil {
			return err
		}
		period := int32(yearly)
		if in.RotationPeriodInDays != nil {
			period = *in.RotationPeriodInDays
		}
		if k.Period == period {
			return nil
		}
		k.Period, k.Next = period, tx.Now().Add(time.Duration(period)*day)
		return s.planRotation(tx, k)
	})
}

// DisableKeyRotation ends automatic rotation.
func (s *Service) DisableKeyRotation(ctx context.Context, in *kms.DisableKeyRotationInput, _ ...func(*kms.Options)) (*kms.DisableKeyRotationOutput, error) {
	return &kms.DisableKeyRotationOutput{}, s.change(ctx, in.KeyId, func(tx *engine.Tx, k *key) error {
		if err := k.rotatable(); err != nil {
			return err
		}
		k.Period, k.Next = 0, time.Time{}
		return tx.Cancel(jobRotate, k.job())
	})
}

// GetKeyRotationStatus tells of automatic rotation. It is off for keys that
// cannot be rotated, and while a key waits for its deletion.
func (s *Service) GetKeyRotationStatus(ctx context.Context, in *kms.GetKeyRotationStatusInput, _ ...func(*kms.Options)) (*kms.GetKeyRotationStatusOutput, error) {
	k, err := s.findID(ctx, in.KeyId)
	if err != nil {
		return nil, err
	}
	out := &kms.GetKeyRotationStatusOutput{KeyId: k.Arn}
	if k.Period > 0 && k.alive() == nil {
		out.KeyRotationEnabled = true
		out.RotationPeriodInDays, out.NextRotationDate = &k.Period, &k.Next
	}
	return out, nil
}

// RotateKeyOnDemand gives a symmetric key new material now, at most 25 times.
func (s *Service) RotateKeyOnDemand(ctx context.Context, in *kms.RotateKeyOnDemandInput, _ ...func(*kms.Options)) (*kms.RotateKeyOnDemandOutput, error) {
	fresh, err := s.newMaterial(symmetricKind)
	if err != nil {
		return nil, err
	}
	out := &kms.RotateKeyOnDemandOutput{}
	return out, s.change(ctx, in.KeyId, func(tx *engine.Tx, k *key) error {
		if err := k.rotatable(); err != nil {
			return err
		}
		n := 0
		for _, m := range k.Materials {
			if m.Rotated == types.RotationTypeOnDemand {
				n++
			}
		}
		if n >= onDemand {
			return fail("LimitExceeded", "%s was rotated on demand %d times, which is the limit.", *k.Arn, onDemand)
		}
		out.KeyId = k.Arn
		k.rotate(fresh, types.RotationTypeOnDemand, tx.Now())
		return nil
	})
}

// ListKeyRotations lists the material of a key, the oldest first, 100 a page
// (Limit up to 1,000). The first material is there only if asked for.
func (s *Service) ListKeyRotations(ctx context.Context, in *kms.ListKeyRotationsInput, _ ...func(*kms.Options)) (*kms.ListKeyRotationsOutput, error) {
	k, err := s.findID(ctx, in.KeyId)
	if err != nil {
		return nil, err
	}
	if !k.symmetric() {
		return nil, k.cannotRotate()
	}
	all := []types.RotationsListEntry{}
	for i, m := range k.Materials {
		if m.Rotated == "" && in.IncludeKeyMaterial != everything {
			continue
		}
		e := types.RotationsListEntry{KeyId: k.KeyId, KeyMaterialId: aws.String(m.ID), KeyMaterialState: types.KeyMaterialStateNonCurrent}
		if i == len(k.Materials)-1 {
			e.KeyMaterialState = types.KeyMaterialStateCurrent
		}
		if m.Rotated != "" {
			e.RotationType, e.RotationDate = m.Rotated, aws.Time(m.Since)
		}
		all = append(all, e)
	}
	out := &kms.ListKeyRotationsOutput{}
	out.Rotations, out.NextMarker, err = part("ListKeyRotations/"+k.job()+"/"+string(in.IncludeKeyMaterial), all, in.Marker, limit(in.Limit, rotations))
	out.Truncated = out.NextMarker != nil
	return out, err
}

// rotatable refuses keys whose material cannot be rotated, now or ever.
func (k *key) rotatable() error {
	if !k.symmetric() {
		return k.cannotRotate()
	}
	return k.usable(types.KeyUsageTypeEncryptDecrypt)
}

func (k *key) cannotRotate() error {
	return fail("UnsupportedOperation", "%s is of key spec %s, and only symmetric encryption keys rotate.", *k.Arn, k.KeySpec)
}

func (k *key) rotate(m material, how types.RotationType, now time.Time) {
	m.Since, m.Rotated = now, how
	k.Materials = append(k.Materials, m)
	k.CurrentKeyMaterialId = aws.String(m.ID)
}

// planRotation sets the timer of a key that rotates.
func (s *Service) planRotation(tx *engine.Tx, k *key) error {
	if k.Period == 0 {
		return nil
	}
	return tx.Enqueue(engine.NewJob{Kind: jobRotate, ID: k.job(), At: k.Next})
}

// rotateOnTime is automatic rotation. A disabled key is left alone; enabling it
// sets the timer again.
func (s *Service) rotateOnTime(ctx context.Context, job *engine.Job) error {
	region, id, _ := strings.Cut(job.ID, "/")
	fresh, err := s.newMaterial(symmetricKind)
	if err != nil {
		return err
	}
	return s.cfg.Engine.Update(ctx, func(tx *engine.Tx) error {
		k, err := keys.Get(tx, region, id)
		now := tx.Now()
		switch {
		case errors.Is(err, store.ErrNotFound):
			return nil
		case err != nil:
			return err
		case k.Period == 0 || k.KeyState != types.KeyStateEnabled || now.Before(k.Next):
			return nil
		}
		k.rotate(fresh, types.RotationTypeAutomatic, now)
		for !k.Next.After(now) { // the server may have been off for years
			k.Next = k.Next.Add(time.Duration(k.Period) * day)
		}
		if err := k.put(tx); err != nil {
			return err
		}
		return s.planRotation(tx, k)
	})
}
