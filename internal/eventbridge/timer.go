package eventbridge

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"

	"github.com/slipway-dev/slipway/internal/bus"
	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/eventbridge/schedule"
	"github.com/slipway-dev/slipway/internal/id"
	"github.com/slipway-dev/slipway/internal/store"
)

// jobSchedule fires a rule with a schedule and sets its next timer.
const jobSchedule = "eventbridge.schedule"

type ruleKey struct{ Region, Bus, Name string }

func (ru *rule) key() ruleKey { return ruleKey{ru.Region, ru.Bus, ru.Name} }

// timer is the id of the rule's timer: there is one at most.
func (ru *rule) timer() string { return ru.Region + "/" + ru.Bus + "/" + ru.Name }

// setTimer sets the timer of a rule to its next time, or takes it away.
func (s *Service) setTimer(tx *engine.Tx, ru *rule) error {
	if ru.Schedule == nil || ru.State == types.RuleStateDisabled {
		return tx.Cancel(jobSchedule, ru.timer())
	}
	plan, err := schedule.Parse(*ru.Schedule)
	if err != nil {
		return err
	}
	next := plan.Next(ru.Since, tx.Now())
	if next.IsZero() {
		return tx.Cancel(jobSchedule, ru.timer())
	}
	return tx.Enqueue(engine.NewJob{Kind: jobSchedule, ID: ru.timer(), At: next, Payload: ru.key()})
}

// scheduleJob fires a rule. Times that went by while nothing ran are made up
// for once.
func (s *Service) scheduleJob(ctx context.Context, job *engine.Job) error {
	var key ruleKey
	if err := json.Unmarshal(job.Payload, &key); err != nil {
		return err
	}
	return s.Engine.Update(ctx, func(tx *engine.Tx) error {
		if err := tx.Done(job); err != nil {
			return err
		}
		ru, err := rules.Get(tx, key.Region, key.Bus, key.Name)
		if errors.Is(err, store.ErrNotFound) || err == nil && (ru.Schedule == nil || ru.State == types.RuleStateDisabled) {
			return nil
		}
		if err != nil {
			return err
		}
		ev := bus.Event{
			ID: id.UUID(s.IDs), Version: "0", DetailType: "Scheduled Event", Source: "aws.events", Account: s.Site.Account,
			Time: job.At.UTC().Truncate(time.Second), Region: ru.Region, Resources: []string{s.ruleARN(ru.Region, ru.Bus, ru.Name)},
			Detail: json.RawMessage("{}"),
		}
		if err := s.fire(tx, ru, &put{Event: ev}); err != nil {
			return err
		}
		return s.setTimer(tx, ru)
	})
}

// fire enqueues a delivery to each target of a rule.
func (s *Service) fire(tx *engine.Tx, ru *rule, p *put) error {
	for t, err := range targets.All(tx, ru.Region, ru.Bus, ru.Name) {
		if err != nil {
			return err
		}
		d := delivery{Rule: ru.key(), Target: aws.ToString(t.Id), Event: p.Event, Forwarded: p.Forwarded, Since: tx.Now()}
		if err := tx.Enqueue(engine.NewJob{Kind: jobDeliver, ID: p.Event.ID + "/" + ru.timer() + "/" + d.Target, Payload: d}); err != nil {
			return err
		}
	}
	return nil
}
