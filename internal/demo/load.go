package demo

import (
	"context"
	"io"
	"maps"
	"net"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"time"
)

// load asks a page all the time, as the users of production would, and counts
// who answered. Every request matters: none is tried again.
type load struct {
	url    string
	client *http.Client
	stop   context.CancelFunc
	done   sync.WaitGroup

	mu     sync.Mutex
	counts counts
}

// counts are those of requests.
type counts struct {
	Total, Failed int
	By            map[string]int // version → answers, failed ones among them
	LastFailure   time.Time
	Failure       string // what the last one was
}

// The load: enough to see a split within a second, little enough for a laptop.
const (
	loadRate    = 250 // requests a second
	loadWorkers = 8
	loadTimeout = 5 * time.Second
	// first is the version of the page that is there before the first push.
	first = "placeholder"
)

var versionInPage = regexp.MustCompile(`version ([0-9a-z]+)`)

func startLoad(ctx context.Context, url string) *load {
	ctx, cancel := context.WithCancel(ctx)
	l := &load{url: url, stop: cancel, counts: counts{By: map[string]int{}}, client: &http.Client{
		Timeout:   loadTimeout,
		Transport: &http.Transport{MaxIdleConnsPerHost: loadWorkers, DialContext: dialLocal},
	}}
	turns := make(chan struct{})
	l.done.Go(func() {
		defer close(turns)
		tick := time.NewTicker(time.Second / loadRate)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			select {
			case turns <- struct{}{}:
			case <-ctx.Done():
				return
			}
		}
	})
	for range loadWorkers {
		l.done.Go(func() {
			for range turns {
				l.ask()
			}
		})
	}
	return l
}

// end stops the load once the requests under way are answered.
func (l *load) end() {
	l.stop()
	l.done.Wait()
	l.client.CloseIdleConnections()
}

func (l *load) ask() {
	version, failure := "", ""
	resp, err := l.client.Get(l.url)
	if err == nil {
		var page []byte
		page, err = io.ReadAll(io.LimitReader(resp.Body, 64<<10))
		_ = resp.Body.Close()
		version = first
		if said := versionInPage.FindStringSubmatch(string(page)); said != nil {
			version = said[1]
		}
		if resp.StatusCode != http.StatusOK {
			failure = resp.Status
		}
	}
	if err != nil {
		failure = err.Error()
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.counts.Total++
	if version != "" {
		l.counts.By[version]++
	}
	if failure != "" {
		l.counts.Failed++
		l.counts.LastFailure, l.counts.Failure = time.Now(), failure
	}
}

// now is what has been counted so far.
func (l *load) now() counts {
	l.mu.Lock()
	defer l.mu.Unlock()
	c := l.counts
	c.By = maps.Clone(c.By)
	return c
}

// since is what was counted after an earlier count.
func (c counts) since(before counts) counts {
	c.Total -= before.Total
	c.Failed -= before.Failed
	c.By = maps.Clone(c.By)
	for v, n := range before.By {
		c.By[v] -= n
	}
	return c
}

// share is the part of the answers that came from a version, 0 to 1.
func (c counts) share(version string) float64 {
	answered := 0
	for _, n := range c.By {
		answered += n
	}
	if answered == 0 {
		return 0
	}
	return float64(c.By[version]) / float64(answered)
}

// dialLocal connects to names under localhost without asking anybody for their
// address, as curl and browsers do (RFC 6761): not every system's resolver knows
// them.
func dialLocal(ctx context.Context, network, address string) (net.Conn, error) {
	if host, port, err := net.SplitHostPort(address); err == nil && strings.HasSuffix(host, ".localhost") {
		address = net.JoinHostPort("127.0.0.1", port)
	}
	var d net.Dialer
	return d.DialContext(ctx, network, address)
}
