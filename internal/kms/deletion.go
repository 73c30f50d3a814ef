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
	day           = 24 * time.Hour
	shortestDelay = 7  // days before a key goes
	longestDelay  = 30 // and the default
)

// ScheduleKeyDeletion makes a key unusable at once and removes it for good
// after PendingWindowInDays, 7 to 30 days, 30 if not given.
func (s *Service) ScheduleKeyDeletion(ctx context.Context, in *kms.ScheduleKeyDeletionInput, _ ...func(*kms.Options)) (*kms.ScheduleKeyDeletionOutput, error) {
	days := int32(longestDelay)
	if in.PendingWindowInDays != nil {
		days = *in.PendingWindowInDays
	}
	if days < shortestDelay || days > longestDelay {
		return nil, fail("Validation", "PendingWindowInDays must be between %d and %d, inclusive.", shortestDelay, longestDelay)
	}
	out := &kms.ScheduleKeyDeletionOutput{KeyState: types.KeyStatePendingDeletion, PendingWindowInDays: &days}
	return out, s.change(ctx, in.KeyId, func(tx *engine.Tx, k *key) error {
		if err := k.move(schedule); err != nil {
			return err
		}
		k.DeletionDate = aws.Time(tx.Now().Add(time.Duration(days) * day))
		out.KeyId, out.DeletionDate = k.Arn, k.DeletionDate
		return tx.Enqueue(engine.NewJob{Kind: jobDelete, ID: k.job(), At: *k.DeletionDate})
	})
}

// CancelKeyDeletion keeps a key, which is disabled then.
func (s *Service) CancelKeyDeletion(ctx context.Context, in *kms.CancelKeyDeletionInput, _ ...func(*kms.Options)) (*kms.CancelKeyDeletionOutput, error) {
	out := &kms.CancelKeyDeletionOutput{}
	return out, s.change(ctx, in.KeyId, func(tx *engine.Tx, k *key) error {
		if err := k.move(cancel); err != nil {
			return err
		}
		k.DeletionDate, out.KeyId = nil, k.Arn
		return tx.Cancel(jobDelete, k.job())
	})
}

// expire removes a key on its deletion date.
func (s *Service) expire(ctx context.Context, job *engine.Job) error {
	region, id, _ := strings.Cut(job.ID, "/")
	return s.cfg.Engine.Update(ctx, func(tx *engine.Tx) error {
		k, err := keys.Get(tx, region, id)
		switch {
		case errors.Is(err, store.ErrNotFound):
			return nil
		case err != nil:
			return err
		case k.KeyState != types.KeyStatePendingDeletion || tx.Now().Before(*k.DeletionDate):
			return nil // it was cancelled meanwhile
		}
		for n, err := range targets.All(tx, region, id) {
			if err != nil {
				return err
			}
			if err := aliases.Delete(tx, region, *n); err != nil {
				return err
			}
			if err := targets.Delete(tx, region, id, *n); err != nil {
				return err
			}
		}
		s.cfg.Log.Info("deleted a key as scheduled", "key", *k.Arn)
		return keys.Delete(tx, region, id)
	})
}
