package proxy

import (
	"sync/atomic"
	"time"
)

// watch looks at a client whose target takes long: a client that goes away
// ends the request. It costs a goroutine, so it begins only after a second.
type watch struct {
	on     bool
	ending atomic.Bool
	gone   atomic.Bool
	done   chan struct{}
}

// look begins to watch, and closes u when the client has gone.
func (k *client) look(u *upstream) {
	if k.watch.on || !k.reader.Room() {
		return
	}
	k.watch.on = true
	k.watch.done = make(chan struct{})
	_ = k.SetReadDeadline(time.Time{})
	go func() {
		defer close(k.watch.done)
		// The next request may come before the answer: then the client is there.
		if err := k.reader.Fill(); err != nil && !k.watch.ending.Load() {
			k.watch.gone.Store(true)
			_ = u.Close()
		}
	}()
}

// unwatch ends the watch, if there is one.
func (k *client) unwatch() {
	if !k.watch.on {
		return
	}
	k.watch.ending.Store(true)
	_ = k.SetReadDeadline(time.Unix(1, 0))
	<-k.watch.done
	k.watch.ending.Store(false)
	k.watch.on = false
	k.last = time.Now()
	_ = k.SetReadDeadline(k.last.Add(k.idle))
}
