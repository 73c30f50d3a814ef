package secretsmanager

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/store"
)

const (
	day            = 24 * time.Hour
	shortestWindow = 7  // days
	longestWindow  = 30 // and the default
)

// DeleteSecret marks a secret, which goes when its recovery window of 7 to 30
// days ends, or at once with ForceDeleteWithoutRecovery.
func (s *Service) DeleteSecret(ctx context.Context, in *secretsmanager.DeleteSecretInput, _ ...func(*secretsmanager.Options)) (*secretsmanager.DeleteSecretOutput, error) {
	force := aws.ToBool(in.ForceDeleteWithoutRecovery)
	window := int64(longestWindow)
	if in.RecoveryWindowInDays != nil {
		window = *in.RecoveryWindowInDays
		switch {
		case force:
			return nil, fail("InvalidParameter", "You can't use ForceDeleteWithoutRecovery in conjunction with RecoveryWindowInDays.")
		case window < shortestWindow || window > longestWindow:
			return nil, fail("InvalidParameter", "The RecoveryWindowInDays value must be between %d and %d days (inclusive).", shortestWindow, longestWindow)
		}
	}
	out := &secretsmanager.DeleteSecretOutput{}
	err := s.cfg.Engine.Update(ctx, func(tx *engine.Tx) error {
		x, err := s.find(ctx, tx, in.SecretId)
		if err != nil {
			return err
		}
		now := tx.Now()
		out.ARN, out.Name, out.DeletionDate = &x.ARN, &x.Name, &now
		if force {
			return s.remove(tx, x)
		}
		if !x.Marked.IsZero() {
			return errMarked
		}
		x.Marked, x.Deletion = now, now.Add(time.Duration(window)*day)
		out.DeletionDate = &x.Deletion
		if err := tx.Enqueue(engine.NewJob{Kind: jobDelete, ID: x.ARN, At: x.Deletion, Payload: place{x.Region, x.Name}}); err != nil {
			return err
		}
		return x.put(tx)
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// RestoreSecret takes the mark away; it is no error if there is none.
func (s *Service) RestoreSecret(ctx context.Context, in *secretsmanager.RestoreSecretInput, _ ...func(*secretsmanager.Options)) (*secretsmanager.RestoreSecretOutput, error) {
	out := &secretsmanager.RestoreSecretOutput{}
	err := s.cfg.Engine.Update(ctx, func(tx *engine.Tx) error {
		x, err := s.find(ctx, tx, in.SecretId)
		if err != nil {
			return err
		}
		out.ARN, out.Name = &x.ARN, &x.Name
		x.Marked, x.Deletion = time.Time{}, time.Time{}
		if err := tx.Cancel(jobDelete, x.ARN); err != nil {
			return err
		}
		return x.put(tx)
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// place is where the secret of a job is.
type place struct{ Region, Name string }

// expire removes a secret whose recovery window ended.
func (s *Service) expire(ctx context.Context, job *engine.Job) error {
	var p place
	if err := json.Unmarshal(job.Payload, &p); err != nil {
		return err
	}
	return s.cfg.Engine.Update(ctx, func(tx *engine.Tx) error {
		x, err := secrets.Get(tx, p.Region, p.Name)
		switch {
		case errors.Is(err, store.ErrNotFound):
			return nil
		case err != nil:
			return err
		case x.ARN != job.ID || x.Marked.IsZero() || tx.Now().Before(x.Deletion):
			return nil // restored, or another of the same name
		}
		s.cfg.Log.Info("deleted a secret whose recovery window ended", "secret", x.ARN)
		return s.remove(tx, x)
	})
}

// remove forgets a secret with all its values.
func (s *Service) remove(tx *engine.Tx, x *secret) error {
	for id := range x.Versions {
		if err := values.Delete(tx, x.ARN, id); err != nil {
			return err
		}
	}
	if err := tx.Cancel(jobDelete, x.ARN); err != nil {
		return err
	}
	return secrets.Delete(tx, x.Region, x.Name)
}
