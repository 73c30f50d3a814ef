package proxy

import (
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/slipway-dev/slipway/internal/elasticloadbalancingv2/plane"
)

// While the configuration changes again and again, no request is lost, and the
// split of unchanged weights stays exact.
func TestChangesLoseNothing(t *testing.T) {
	port, p := start(t, 90, 10)
	config := func() *plane.Config {
		p.mu.Lock()
		defer p.mu.Unlock()
		c := &plane.Config{Groups: map[string]*plane.Group{}}
		for arn, g := range p.pools {
			c.Groups[arn] = g.Group
		}
		for _, l := range p.ports[port].served.Load().listeners {
			c.Listeners = append(c.Listeners, l.Listener)
		}
		return c
	}()
	const n = 8000
	var small, bad, applied atomic.Int64
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 16}}
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			for i := range n / 16 {
				if i%5 == 0 {
					p.Apply(config)
					applied.Add(1)
				}
				resp, err := client.Get(fmt.Sprintf("http://127.0.0.1:%d/", port))
				if err != nil {
					bad.Add(1)
					continue
				}
				body, _ := io.ReadAll(resp.Body)
				_ = resp.Body.Close()
				switch {
				case resp.StatusCode != 200:
					bad.Add(1)
				case string(body) == "group1":
					small.Add(1)
				}
			}
		})
	}
	wg.Wait()
	if bad.Load() > 0 || small.Load() != n/10 {
		t.Errorf("%d of %d requests failed, %d went to the tenth, under %d changes", bad.Load(), n, small.Load(), applied.Load())
	}
}
