package docker

import (
	"context"
	"errors"
	"io"
	"strconv"
	"time"

	"github.com/moby/moby/api/types/events"
	"github.com/moby/moby/client"

	"github.com/slipway-dev/slipway/internal/compute"
)

// Watch yields events of our containers with these labels.
func (e *Engine) Watch(ctx context.Context, labels map[string]string, ready func(), yield func(compute.Event)) error {
	return e.watch(ctx, e.filters(labels), ready, func(ev compute.Event) bool { yield(ev); return true })
}

// watch goes on until yield returns false.
func (e *Engine) watch(ctx context.Context, filters client.Filters, ready func(), yield func(compute.Event) bool) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if _, err := e.cli.Ping(ctx, client.PingOptions{}); err != nil {
		return e.wrap("watch", err)
	}
	filters = filters.Add("type", string(events.ContainerEventType)).
		Add("event", string(events.ActionStart), string(events.ActionDie), string(events.ActionDestroy))
	stream := e.cli.Events(ctx, client.EventsListOptions{
		Filters: filters,
		// The engine answers before it subscribes; what happens in between it
		// replays from its buffer.
		Since: stamp(time.Now()),
	})
	if ready != nil {
		ready()
	}
	for {
		select {
		case m := <-stream.Messages:
			if ev, ok := event(m); ok && !yield(ev) {
				return nil
			}
		case err := <-stream.Err:
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			return e.wrap("watch", err)
		}
	}
}

func event(m events.Message) (compute.Event, bool) {
	ev := compute.Event{ID: m.Actor.ID, Labels: m.Actor.Attributes, Time: time.Unix(0, m.TimeNano).UTC()}
	switch m.Action {
	case events.ActionStart:
		ev.Type = compute.Started
	case events.ActionDie:
		ev.Type = compute.Died
		ev.Exit.Code, _ = strconv.Atoi(m.Actor.Attributes["exitCode"])
	case events.ActionDestroy:
		ev.Type = compute.Removed
	default:
		return ev, false
	}
	return ev, true
}

// stamp is a time as the API's since parameters take it.
func stamp(t time.Time) string {
	return strconv.FormatInt(t.Unix(), 10) + "." + nanos(t)
}

func nanos(t time.Time) string {
	s := strconv.Itoa(t.Nanosecond())
	return "000000000"[len(s):] + s
}
