package bus

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/id"
)

// Bus delivers events to subscribers by jobs of the engine.
type Bus struct {
	engine      *engine.Engine
	ids         id.Source
	subscribers []subscriber
}

type subscriber struct {
	kind  string
	match func(*Event) bool
}

// New returns a bus without subscribers.
func New(e *engine.Engine, ids id.Source) *Bus { return &Bus{engine: e, ids: ids} }

// Subscribe lets handle have every event that match accepts, at least once,
// and in the order in which events with the same first resource were emitted
// (those without resources in any order). The name identifies the subscriber
// across restarts. match runs inside transactions and must only look at the
// event. An error of handle delivers the event again later, and holds up those
// behind it. Subscribe before the engine starts and before anything is emitted.
func (b *Bus) Subscribe(name string, match func(*Event) bool, handle func(ctx context.Context, ev Event) error) {
	kind := "bus." + name
	b.engine.Handle(kind, engine.Options{}, func(ctx context.Context, job *engine.Job) error {
		var ev Event
		if err := json.Unmarshal(job.Payload, &ev); err != nil {
			return fmt.Errorf("bus: decode event for %s: %w", name, err)
		}
		return handle(ctx, ev)
	})
	b.subscribers = append(b.subscribers, subscriber{kind, match})
}

// Emit publishes ev if the transition commits. It fills ID, Version and Time
// (whole seconds, as EventBridge has it) where they are empty.
func (b *Bus) Emit(tx *engine.Tx, ev Event) error {
	if ev.ID == "" {
		ev.ID = id.UUID(b.ids)
	}
	if ev.Version == "" {
		ev.Version = "0"
	}
	if ev.Time.IsZero() {
		ev.Time = tx.Now().Truncate(time.Second)
	}
	if ev.Resources == nil {
		ev.Resources = []string{} // [] on the wire, never null
	}
	if len(ev.Detail) == 0 {
		ev.Detail = json.RawMessage("{}")
	}
	key := ""
	if len(ev.Resources) > 0 {
		key = ev.Resources[0]
	}
	for _, s := range b.subscribers {
		if !s.match(&ev) {
			continue
		}
		if err := tx.Enqueue(engine.NewJob{Kind: s.kind, ID: ev.ID, Key: key, Payload: ev}); err != nil {
			return err
		}
	}
	return nil
}
