// Package enginetest gives tests an engine on a store in memory and a clock
// that they move.
package enginetest

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/slipway-dev/slipway/internal/clock"
	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/id"
	"github.com/slipway-dev/slipway/internal/store"
	"github.com/slipway-dev/slipway/internal/store/memory"
)

// Epoch is when the clocks of New begin.
var Epoch = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// New returns an engine that is not started yet, so that handlers can be
// registered, and its clock. Identifiers count 1, 2, 3 …
func New(t testing.TB) (*engine.Engine, *clock.Fake) {
	c := clock.NewFake(Epoch)
	return On(t, memory.New(), c), c
}

// On returns an engine on a store of the test's own, e.g. that of an earlier
// engine, to see what happens after a crash.
func On(t testing.TB, s store.Store, c clock.Clock) *engine.Engine {
	return engine.New(engine.Config{Store: s, Clock: c, IDs: &id.Sequence{}, Log: Log(t)})
}

// Start starts the engine until the test ends, or until the function it
// returns is called, which waits for the handlers.
func Start(t testing.TB, e *engine.Engine) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	if err := e.Start(ctx); err != nil {
		cancel()
		t.Fatal(err)
	}
	stop = func() {
		cancel()
		e.Wait()
	}
	t.Cleanup(stop)
	return stop
}

// Settle waits until no job runs or could run at the clock's time.
func Settle(t testing.TB, e *engine.Engine) {
	t.Helper()
	select {
	case <-e.Idle():
	case <-t.Context().Done():
	}
}

// Log writes to the test's log.
func Log(t testing.TB) *slog.Logger {
	return slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelDebug}))
}
