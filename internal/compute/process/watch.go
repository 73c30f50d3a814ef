//go:build linux

package process

import (
	"context"
	"maps"
	"sync"
	"time"

	"github.com/slipway-dev/slipway/internal/compute"
)

// watcher receives the events of some containers.
type watcher struct {
	labels map[string]string
	id     string // only this one, if set

	mu    sync.Mutex
	queue []compute.Event
	more  chan struct{}
}

// Watch yields events of the containers with these labels.
func (e *Engine) Watch(ctx context.Context, labels map[string]string, ready func(), yield func(compute.Event)) error {
	w := e.subscribe(&watcher{labels: maps.Clone(labels)})
	defer e.unsubscribe(w)
	if ready != nil {
		ready()
	}
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-w.more:
			for _, ev := range w.take() {
				yield(ev)
			}
		}
	}
}

// waitStarted returns when the container is or was running.
func (e *Engine) waitStarted(ctx context.Context, b *box) error {
	w := e.subscribe(&watcher{id: b.spec.ID})
	defer e.unsubscribe(w)
	for {
		c, err := e.Inspect(ctx, b.spec.ID)
		if err != nil || c.State != compute.Created {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-w.more:
		}
	}
}

func (e *Engine) subscribe(w *watcher) *watcher {
	w.more = make(chan struct{}, 1)
	e.watchMu.Lock()
	defer e.watchMu.Unlock()
	e.watchers[w] = true
	return w
}

func (e *Engine) unsubscribe(w *watcher) {
	e.watchMu.Lock()
	defer e.watchMu.Unlock()
	delete(e.watchers, w)
}

// tell gives an event to whoever watches; it never waits for them.
func (e *Engine) tell(b *box, ev compute.Event) {
	ev.ID, ev.Labels = b.spec.ID, maps.Clone(b.spec.Labels)
	e.watchMu.Lock()
	defer e.watchMu.Unlock()
	for w := range e.watchers {
		if has(ev.Labels, w.labels) && (w.id == "" || w.id == ev.ID) {
			w.put(ev)
		}
	}
}

// followEnd sees to it that the end of a running container is told.
func (e *Engine) followEnd(b *box) {
	told := make(chan struct{})
	e.watchMu.Lock()
	e.endings[b.spec.ID] = told
	e.watchMu.Unlock()
	go func() {
		e.tellEnd(b)
		e.watchMu.Lock()
		delete(e.endings, b.spec.ID)
		e.watchMu.Unlock()
		close(told)
	}()
}

// endTold waits until the end of a container that has ended was told, so that
// its removal is told after it, and what it is told from is still there.
func (e *Engine) endTold(ctx context.Context, b *box) error {
	e.watchMu.Lock()
	told := e.endings[b.spec.ID]
	e.watchMu.Unlock()
	if told == nil {
		return nil
	}
	select {
	case <-told:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// tellEnd tells of the end of a running container, when it comes.
func (e *Engine) tellEnd(b *box) {
	_ = b.waitEnd(context.Background())
	ev := compute.Event{Type: compute.Died, Time: time.Now().UTC()}
	if c, err := b.describe(); err == nil && c.State == compute.Exited {
		ev.Exit, ev.Time = c.Exit, c.ExitedAt
	} else if err != nil {
		return // removed
	}
	e.tell(b, ev)
}

func (w *watcher) put(ev compute.Event) {
	w.mu.Lock()
	w.queue = append(w.queue, ev)
	w.mu.Unlock()
	select {
	case w.more <- struct{}{}:
	default:
	}
}

func (w *watcher) take() []compute.Event {
	w.mu.Lock()
	defer w.mu.Unlock()
	queue := w.queue
	w.queue = nil
	return queue
}
