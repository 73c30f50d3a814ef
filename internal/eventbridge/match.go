package eventbridge

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"

	"github.com/slipway-dev/slipway/internal/bus"
	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/eventbridge/pattern"
	"github.com/slipway-dev/slipway/internal/store"
)

// jobMatch finds the rules of a bus for one event that a caller put.
const jobMatch = "eventbridge.match"

// put is an event on a bus.
type put struct {
	Region, Bus string
	Event       bus.Event
	Forwarded   bool `json:",omitempty"` // by a rule of another bus
}

// compiled is a rule that can match.
type compiled struct {
	key     ruleKey
	pattern *pattern.Pattern
}

// wanted tells which events of services are looked at.
func (s *Service) wanted(ev *bus.Event) bool {
	_, ok := s.regions.Load(ev.Region)
	return ok && !ev.Private
}

// received matches an event of a service: those are on the default bus.
func (s *Service) received(ctx context.Context, ev bus.Event) error {
	return s.match(ctx, &put{Region: ev.Region, Bus: defaultBus, Event: ev}, nil)
}

func (s *Service) matchJob(ctx context.Context, job *engine.Job) error {
	var p put
	if err := json.Unmarshal(job.Payload, &p); err != nil {
		return err
	}
	return s.match(ctx, &p, job)
}

// match fires the rules of a bus that an event matches, and ends the job that
// brought it, if there is one, with the same transition.
func (s *Service) match(ctx context.Context, p *put, job *engine.Job) error {
	all, err := s.compiled(ctx, p.Region, p.Bus)
	if err != nil {
		return err
	}
	text, err := json.Marshal(p.Event)
	if err != nil {
		return err
	}
	var hit []ruleKey
	for _, c := range all {
		if c.pattern.Matches(text) {
			hit = append(hit, c.key)
		}
	}
	if len(hit) == 0 {
		return nil
	}
	return s.Engine.Update(ctx, func(tx *engine.Tx) error {
		for _, key := range hit {
			ru, err := rules.Get(tx, key.Region, key.Bus, key.Name)
			if errors.Is(err, store.ErrNotFound) {
				continue
			}
			if err != nil {
				return err
			}
			if err := s.fire(tx, ru, p); err != nil {
				return err
			}
		}
		if job != nil {
			return tx.Done(job)
		}
		return nil
	})
}

// compiled are the enabled rules of a bus that have a pattern. They are read
// and compiled again only after a rule has changed.
func (s *Service) compiled(ctx context.Context, region, busName string) ([]compiled, error) {
	return s.memo.View(ctx, s.Engine, region+"/"+busName, func(r store.Reader) ([]compiled, error) {
		var out []compiled
		for ru, err := range rules.All(r, region, busName) {
			if err != nil {
				return nil, err
			}
			if ru.Pattern == nil || ru.State == types.RuleStateDisabled {
				continue
			}
			p, err := pattern.Compile(*ru.Pattern)
			if err != nil {
				return nil, err // PutRule compiled it, too
			}
			out = append(out, compiled{ru.key(), p})
		}
		return out, nil
	})
}
