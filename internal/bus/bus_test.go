package bus_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/slipway-dev/slipway/internal/bus"
	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/engine/enginetest"
	"github.com/slipway-dev/slipway/internal/id"
	"github.com/slipway-dev/slipway/internal/store"
)

func TestBus(t *testing.T) {
	e, c := enginetest.New(t)
	b := bus.New(e, &id.Sequence{})
	var builds []bus.Event
	fails := 1
	b.Subscribe("builds", func(ev *bus.Event) bool { return ev.Source == "aws.codebuild" },
		func(_ context.Context, ev bus.Event) error {
			if fails > 0 {
				fails--
				return errors.New("boom")
			}
			builds = append(builds, ev)
			return nil
		})
	b.Subscribe("nothing", func(*bus.Event) bool { return false },
		func(context.Context, bus.Event) error { t.Error("delivered"); return nil })
	enginetest.Start(t, e)

	emit := func(fail error, evs ...bus.Event) {
		t.Helper()
		if err := e.Update(t.Context(), func(tx *engine.Tx) error {
			for _, ev := range evs {
				if err := b.Emit(tx, ev); err != nil {
					return err
				}
			}
			return fail
		}); !errors.Is(err, fail) {
			t.Fatal(err)
		}
	}
	emit(errors.New("undone"), bus.Event{Source: "aws.codebuild", DetailType: "never"})
	emit(nil,
		bus.Event{Source: "aws.codebuild", DetailType: "one", Resources: []string{"arn:a"}, Detail: []byte(`{"a":1}`)},
		bus.Event{Source: "aws.ecr", DetailType: "for nobody"},
		bus.Event{Source: "aws.codebuild", DetailType: "two", Resources: []string{"arn:a"}})
	enginetest.Settle(t, e)
	if len(builds) != 0 {
		t.Errorf("overtaken by %v", builds)
	}
	c.Advance(time.Second)
	enginetest.Settle(t, e)
	var types []string
	for _, ev := range builds {
		types = append(types, ev.DetailType)
	}
	if !slices.Equal(types, []string{"one", "two"}) {
		t.Errorf("delivered %q", types)
	}
	if ev := builds[0]; ev.ID == "" || ev.Version != "0" || !ev.Time.Equal(enginetest.Epoch) || string(ev.Detail) != `{"a":1}` {
		t.Errorf("event %+v", ev)
	}
	_ = e.View(t.Context(), func(r store.Reader) error {
		for entry := range r.Scan(store.Range{}) {
			t.Errorf("left: %q", entry.Key)
		}
		return nil
	})
}
