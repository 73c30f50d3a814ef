package codepipeline

import (
	"context"
	"errors"
	"slices"

	"github.com/slipway-dev/slipway/internal/bus"
	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/store"
)

// wakeKeys are the keys of whoever may wait for an event.
func (s *Service) wakeKeys(ev *bus.Event) (keys []string) {
	for _, p := range s.providers {
		if l, ok := p.(Listener); ok {
			if k := l.Key(ev); k != "" && !slices.Contains(keys, k) {
				keys = append(keys, k)
			}
		}
	}
	return keys
}

func (s *Service) wakesSomebody(ev *bus.Event) bool { return len(s.wakeKeys(ev)) > 0 }

// wake calls the next step of the actions that wait for an event.
func (s *Service) wake(ctx context.Context, ev bus.Event) error {
	keys := s.wakeKeys(&ev)
	var waiting []actionRef
	err := s.cfg.Engine.View(ctx, func(r store.Reader) error {
		for _, k := range keys {
			for ref, err := range wakes.All(r, k) {
				if err != nil {
					return err
				}
				waiting = append(waiting, *ref)
			}
		}
		return nil
	})
	if err != nil || len(waiting) == 0 {
		return err
	}
	return s.cfg.Engine.Update(ctx, func(tx *engine.Tx) error {
		for _, ref := range waiting {
			if _, err := running.Get(tx, ref.ID); errors.Is(err, store.ErrNotFound) {
				continue // ended meanwhile
			} else if err != nil {
				return err
			}
			if err := s.enqueueStep(tx, ref, false); err != nil {
				return err
			}
		}
		return nil
	})
}
