// Package load is a client that asks a URL again and again and counts who
// answered: for trials and tests of what happens to requests while the servers
// behind the URL change. It sends GET over HTTP/1.1, on connections that are kept
// and on fresh ones side by side, because changes hurt them differently.
package load

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

// Config is what to ask.
type Config struct {
	URL string // http; names under localhost are this machine
	// Kept is on how many connections requests follow one another; 0 is 8.
	Kept int
	// Fresh is how many clients connect anew for each request; 0 is 2, less is
	// none.
	Fresh int
	// Rate is requests per second of all of them; 0 is as fast as they can.
	Rate float64
	// Timeout of one request; 0 is 10 seconds.
	Timeout time.Duration
	// Header names the answer's header that tells the version; "" is the first
	// line of the body.
	Header string
}

// Counts is what came of requests.
type Counts struct {
	Requests, Failed int
	// Retried are requests that were sent again because a kept connection was
	// closed without an answer, as HTTP clients do with GET. They have not failed.
	Retried  int
	Versions map[string]int // of answers with a status of 2xx
	Failures map[string]int // by their reasons
}

// Load is a client at work.
type Load struct {
	cfg    Config
	cancel context.CancelFunc
	wg     sync.WaitGroup
	begun  time.Time

	mu      sync.Mutex
	counts  Counts
	waiting []waiter
}

type waiter struct {
	requests int
	done     chan Counts
}

// Start begins to ask. ctx ends it, as Stop does.
func Start(ctx context.Context, c Config) (*Load, error) {
	u, err := url.Parse(c.URL)
	if err != nil || u.Scheme != "http" || u.Host == "" {
		return nil, fmt.Errorf("%q is no http URL", c.URL)
	}
	if c.Kept == 0 {
		c.Kept = 8
	}
	if c.Fresh == 0 {
		c.Fresh = 2
	}
	c.Fresh = max(c.Fresh, 0)
	if c.Timeout == 0 {
		c.Timeout = 10 * time.Second
	}
	l := &Load{cfg: c, begun: time.Now(), counts: Counts{Versions: map[string]int{}, Failures: map[string]int{}}}
	ctx, l.cancel = context.WithCancel(ctx)
	clients := c.Kept + c.Fresh
	for i := range clients {
		k := newClient(c, u, i >= c.Kept)
		l.wg.Go(func() { l.ask(ctx, k, i, clients) })
	}
	return l, nil
}

// ask sends one client's share of the requests.
func (l *Load) ask(ctx context.Context, k *client, i, clients int) {
	defer k.close()
	every := time.Duration(0)
	next := l.begun
	if l.cfg.Rate > 0 {
		every = time.Duration(float64(clients) / l.cfg.Rate * float64(time.Second))
		next = next.Add(every * time.Duration(i) / time.Duration(clients))
	}
	for ctx.Err() == nil {
		if wait := time.Until(next); every > 0 && wait > 0 {
			select {
			case <-time.After(wait):
			case <-ctx.Done():
				return
			}
		}
		next = next.Add(every)
		version, retried, err := k.get(ctx)
		if err != nil && ctx.Err() != nil {
			return // broken off by the end
		}
		l.count(version, retried, err)
	}
}

func (l *Load) count(version string, retried bool, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.counts.Requests++
	if retried {
		l.counts.Retried++
	}
	if err != nil {
		l.counts.Failed++
		l.counts.Failures[reason(err)]++
	} else {
		l.counts.Versions[version]++
	}
	l.waiting = slices.DeleteFunc(l.waiting, func(w waiter) bool {
		if l.counts.Requests < w.requests {
			return false
		}
		w.done <- l.counts.clone()
		return true
	})
}

// Counts is what came of all requests so far.
func (l *Load) Counts() Counts {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.counts.clone()
}

// Next waits for n more requests and answers what came of them.
func (l *Load) Next(ctx context.Context, n int) (Counts, error) {
	w := waiter{done: make(chan Counts, 1)}
	l.mu.Lock()
	before := l.counts.clone()
	w.requests = before.Requests + n
	l.waiting = append(l.waiting, w)
	l.mu.Unlock()
	select {
	case after := <-w.done:
		return after.Minus(before), nil
	case <-ctx.Done():
		return l.Counts().Minus(before), ctx.Err()
	}
}

// Stop ends the asking, after the requests on their way, and answers what came
// of all.
func (l *Load) Stop() Counts {
	l.cancel()
	l.wg.Wait()
	return l.Counts()
}

func (c Counts) clone() Counts {
	c.Versions, c.Failures = maps.Clone(c.Versions), maps.Clone(c.Failures)
	return c
}

// Minus is what came after an earlier count.
func (c Counts) Minus(o Counts) Counts {
	c = c.clone()
	c.Requests -= o.Requests
	c.Failed -= o.Failed
	c.Retried -= o.Retried
	for _, m := range [][2]map[string]int{{c.Versions, o.Versions}, {c.Failures, o.Failures}} {
		for k, n := range m[1] {
			if m[0][k] -= n; m[0][k] == 0 {
				delete(m[0], k)
			}
		}
	}
	return c
}

// Share is the percentage of a version among the answers that did not fail.
func (c Counts) Share(version string) float64 {
	return 100 * float64(c.Versions[version]) / float64(max(c.Requests-c.Failed, 1))
}

// String is a line of totals, then one for each version and reason.
func (c Counts) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "requests %d, failed %d\n", c.Requests, c.Failed)
	for _, v := range slices.Sorted(maps.Keys(c.Versions)) {
		fmt.Fprintf(&b, "%s: %d (%.1f %%)\n", v, c.Versions[v], c.Share(v))
	}
	for _, r := range slices.Sorted(maps.Keys(c.Failures)) {
		fmt.Fprintf(&b, "failed by %s: %d\n", r, c.Failures[r])
	}
	if c.Retried > 0 {
		fmt.Fprintf(&b, "retried: %d\n", c.Retried)
	}
	return b.String()
}

// reason is an error without what differs from request to request.
func reason(err error) string {
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return err.Error()
		}
		err = inner
	}
}
