package proxy

import (
	"crypto/sha256"
	"crypto/tls"
	"encoding/binary"
	"encoding/hex"
	"math/rand/v2"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/slipway-dev/slipway/internal/clock"
	"github.com/slipway-dev/slipway/internal/elasticloadbalancingv2/health"
	"github.com/slipway-dev/slipway/internal/elasticloadbalancingv2/meter"
	"github.com/slipway-dev/slipway/internal/elasticloadbalancingv2/plane"
)

// target is one of a pool, kept from one configuration to the next.
type target struct {
	key     string
	address string
	// function is the ARN of one, which has no address.
	function string
	mark     string // in cookies
	flying   atomic.Int64
	idle     idle
}

// turn is a target that takes requests now.
type turn struct {
	*target
	since   time.Time // it is healthy
	current float64   // of the wheel, under the pool's mutex
}

// pool is a target group at work.
type pool struct {
	*plane.Group
	clock     clock.Clock
	mark      string          // in cookies
	transport *http.Transport // what the front does not carry
	careful   *http.Transport // the same for what cannot be sent twice
	targets   map[string]*target
	turns     []*turn // those that take new requests
	meter     *meter.Group

	healthy, unhealthy int

	counter atomic.Uint64
	mu      sync.Mutex
}

// newPool makes the pool of g, with the targets and connections of the old one.
func newPool(g *plane.Group, old *pool, c clock.Clock) *pool {
	p := &pool{Group: g, clock: c, mark: groupMark(g.ARN), targets: map[string]*target{}}
	if old != nil && old.TLS == g.TLS && old.HTTP2 == g.HTTP2 {
		p.transport, p.careful = old.transport, old.careful
	} else {
		p.transport = newTransport(g)
		p.careful = p.transport
		if !g.HTTP2 {
			p.careful = newTransport(g)
			p.careful.IdleConnTimeout = recent
		}
	}
	if old != nil {
		p.counter.Store(old.counter.Load())
	}
	var healthy, unhealthy []*turn
	for _, t := range g.Targets {
		var k *target
		if old != nil {
			k = old.targets[t.Key]
		}
		if k == nil {
			sum := sha256.Sum256([]byte(g.ARN + " " + t.Key))
			k = &target{key: t.Key, address: t.Address, function: t.Function, mark: hex.EncodeToString(sum[:16])}
		}
		p.targets[t.Key] = k
		switch {
		case t.Health.State == health.Healthy || !g.Check.Enabled && t.Health.State != health.Draining:
			healthy = append(healthy, &turn{target: k, since: t.Health.Since})
		case t.Health.State == health.Unhealthy:
			unhealthy = append(unhealthy, &turn{target: k, since: t.Health.Since})
		}
	}
	p.healthy, p.unhealthy = len(healthy), len(unhealthy)
	p.turns = healthy
	least := max(1, g.MinHealthy, (g.MinPercent*(len(healthy)+len(unhealthy))+99)/100)
	if len(healthy) < least {
		p.turns = append(healthy, unhealthy...) // AWS calls it fail-open
	}
	return p
}

func newTransport(g *plane.Group) *http.Transport {
	t := &http.Transport{
		DialContext:         (&net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
		MaxIdleConnsPerHost: 512, IdleConnTimeout: 55 * time.Second, DisableCompression: true,
		// Load balancers do not verify the certificates of targets; nor does AWS.
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS12},
		ReadBufferSize:  16 << 10, WriteBufferSize: 16 << 10, MaxResponseHeaderBytes: mostAnswerHead,
	}
	t.Protocols = new(http.Protocols)
	switch {
	case g.HTTP2 && g.TLS:
		t.Protocols.SetHTTP2(true)
	case g.HTTP2:
		t.Protocols.SetUnencryptedHTTP2(true)
	default:
		t.Protocols.SetHTTP1(true)
	}
	return t
}

// carrier is what sends a request of a method.
func (p *pool) carrier(method string) *http.Transport {
	if replayable(method) {
		return p.transport
	}
	return p.careful
}

func (p *pool) closeIdle() {
	p.transport.CloseIdleConnections()
	p.careful.CloseIdleConnections()
}

// marked finds the target that a cookie names, if it takes requests.
func (p *pool) marked(mark string) *target {
	for _, t := range p.turns {
		if t.mark == mark {
			return t.target
		}
	}
	return nil
}

// from is the target of a network load balancer's client, always the same if
// clients stay.
func (p *pool) from(c net.Addr) *target {
	host, _, err := net.SplitHostPort(c.String())
	if p.Cookie != "source_ip" || err != nil || len(p.turns) == 0 {
		return p.next()
	}
	sum := sha256.Sum256([]byte(host))
	return p.turns[binary.BigEndian.Uint64(sum[:])%uint64(len(p.turns))].target
}

// next is whose turn it is; nil if nobody takes requests.
func (p *pool) next() *target {
	switch n := len(p.turns); {
	case n == 0:
		return nil
	case n == 1:
		return p.turns[0].target
	case p.Algorithm == plane.LeastOutstanding:
		return p.least()
	case p.Algorithm == plane.WeightedRandom:
		return p.turns[rand.IntN(n)].target
	case p.SlowStart > 0:
		return p.slowly(p.clock.Now())
	default:
		return p.turns[p.counter.Add(1)%uint64(n)].target
	}
}

// least is the target with the fewest requests on their way; of several, the
// one whose turn it is.
func (p *pool) least() *target {
	n := uint64(len(p.turns))
	first := p.counter.Add(1)
	best := p.turns[first%n].target
	for i := uint64(1); i < n; i++ {
		if t := p.turns[(first+i)%n].target; t.flying.Load() < best.flying.Load() {
			best = t
		}
	}
	return best
}

// slowly gives targets that are healthy for less than the slow start a share
// that grows with the time. While all of them are, nobody is held back.
func (p *pool) slowly(now time.Time) *target {
	p.mu.Lock()
	defer p.mu.Unlock()
	var best *turn
	total := 0.0
	for _, t := range p.turns {
		share := 1.0
		if age := now.Sub(t.since); age < p.SlowStart {
			share = max(0.05, float64(age)/float64(p.SlowStart))
		}
		t.current += share
		total += share
		if best == nil || t.current > best.current {
			best = t
		}
	}
	best.current -= total
	return best.target
}
