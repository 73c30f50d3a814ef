package elbv2

import (
	"context"
	"encoding/json"
	"errors"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/slipway-dev/slipway/internal/elasticloadbalancingv2/health"
	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/store"
)

// Probed takes the result of a target's health check. group is an ARN, key the
// target's in it. Only a change of state is written; how many results were
// alike is kept in memory, and begins anew with the process.
func (s *Service) Probed(ctx context.Context, group, key string, r health.Result) {
	region := regionOf(group)
	path, err := s.path(groupARN, region, &group)
	if err != nil {
		return
	}
	var next health.Health
	var old *target
	err = s.Engine.View(ctx, func(rd store.Reader) error {
		g, err := groups.Get(rd, region, path)
		if err != nil {
			return err
		}
		if old, err = targets.Get(rd, region, path, key); err != nil {
			return err
		}
		s.counting.Lock()
		defer s.counting.Unlock()
		run := s.runs[group+key]
		next, run = health.Step(old.Health, run, r, health.Thresholds{
			Healthy: int(*g.HealthyThresholdCount), Unhealthy: int(*g.UnhealthyThresholdCount)}, s.Engine.Now())
		s.runs[group+key] = run
		return nil
	})
	if err == nil && next != old.Health {
		err = s.commit(ctx, func(tx *engine.Tx) error {
			t, err := targets.Get(tx, region, path, key)
			if err != nil || t.Health != old.Health {
				return err // changed meanwhile: the next result counts
			}
			t.Health = next
			if err := targets.Put(tx, t, region, path, key); err != nil {
				return err
			}
			if t.Health.State == old.Health.State {
				return nil
			}
			return s.announce(tx, region, t)
		})
	}
	if err != nil && !errors.Is(err, store.ErrNotFound) && ctx.Err() == nil {
		s.Log.Error("a target's health was not kept", "group", group, "target", key, "err", err)
	}
}

// forget drops what is counted of a target.
func (s *Service) forget(group, key string) {
	s.counting.Lock()
	defer s.counting.Unlock()
	delete(s.runs, group+key)
}

// drained is the job that ends a deregistration.
type drained struct{ Region, Path, Key string }

func (d drained) id() string { return d.Region + "/" + d.Path + "/" + d.Key }

const jobDrained = "elb.drained"

func (s *Service) drained(ctx context.Context, job *engine.Job) error {
	var d drained
	if err := json.Unmarshal(job.Payload, &d); err != nil {
		return err
	}
	s.forget(s.arn(groupARN, d.Region, d.Path), d.Key)
	return s.commit(ctx, func(tx *engine.Tx) error {
		t, err := targets.Get(tx, d.Region, d.Path, d.Key)
		if errors.Is(err, store.ErrNotFound) || err == nil && t.Health.State != health.Draining {
			return nil
		}
		if err != nil {
			return err
		}
		if err := targets.Delete(tx, d.Region, d.Path, d.Key); err != nil {
			return err
		}
		return s.announce(tx, d.Region, t)
	})
}

// route changes rules. The targets of groups that are in a rule from now on
// begin with their checks; those of groups that are in none stop.
func (s *Service) route(ctx context.Context, f func(tx *engine.Tx, region string) error) error {
	return s.update(ctx, func(tx *engine.Tx, region string) error {
		before, err := s.users(tx, region)
		if err != nil {
			return err
		}
		if err := f(tx, region); err != nil {
			return err
		}
		after, err := s.users(tx, region)
		if err != nil {
			return err
		}
		for group := range before {
			if after[group] != nil {
				continue
			}
			_, path, _ := strings.Cut(group, groupARN.prefix)
			if err := each(tx, targets, func(t *target) error { return s.announce(tx, region, t) }, region, path); err != nil {
				return err
			}
		}
		for group := range after {
			if before[group] != nil {
				continue
			}
			g, err := s.group(tx, region, aws.String(group))
			if err != nil {
				return err
			}
			if err := each(tx, targets, func(t *target) error {
				if t.Health.State == health.Draining {
					return nil
				}
				t.Health = health.New(tx.Now())
				key := t.key()
				tx.AfterCommit(func() { s.forget(group, key) })
				return targets.Put(tx, t, region, g.Path, key)
			}, region, g.Path); err != nil {
				return err
			}
		}
		return nil
	})
}
