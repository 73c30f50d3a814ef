// Package proxy carries the traffic of load balancers: it listens on this
// machine's loopback addresses, sends requests to targets, and asks targets how
// they are. What it carries is told by plane.Config, as a whole, again and
// again; requests that are on their way when it changes go on as they began.
package proxy

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"github.com/slipway-dev/slipway/internal/clock"
	"github.com/slipway-dev/slipway/internal/elasticloadbalancingv2/accesslog"
	"github.com/slipway-dev/slipway/internal/elasticloadbalancingv2/health"
	"github.com/slipway-dev/slipway/internal/elasticloadbalancingv2/meter"
	"github.com/slipway-dev/slipway/internal/elasticloadbalancingv2/plane"
	"github.com/slipway-dev/slipway/internal/id"
)

// Config is what a Proxy needs; members are required unless they say otherwise.
type Config struct {
	Clock clock.Clock
	IDs   id.Source
	Log   *slog.Logger
	// Probed takes the results of health checks.
	Probed func(ctx context.Context, group, target string, r health.Result)
	// Metrics takes what was counted.
	Metrics Metrics
	// Journal takes the lines of logs.
	Journal Journal
	// Functions are targets of their own kind.
	Functions Functions
	// Address is where containers reach this machine, an address of it besides
	// the loopback ones; "" or nil if they have none.
	Address func(context.Context) (string, error)
}

// Journal keeps logs until they are delivered.
type Journal interface {
	Write(p accesslog.Place, line []byte)
}

// Metrics is CloudWatch.
type Metrics interface {
	Record(ctx context.Context, region, namespace string, data []types.MetricDatum) error
}

// Proxy is the data plane.
type Proxy struct {
	cfg   Config
	certs certificates

	mu     sync.Mutex
	ports  map[int]*port
	pools  map[string]*pool // by the ARN of the target group
	wheels map[string]*wheel
	probes map[string]*probe
	meters map[string]*meter.Balancer // by region and load balancer
	left   map[string]leftTarget
	ctx    context.Context // of probes
	stop   context.CancelFunc

	report report
	traces traces
}

// New returns a Proxy that carries nothing yet.
func New(c Config) *Proxy {
	p := &Proxy{cfg: c, ports: map[int]*port{}, pools: map[string]*pool{}, wheels: map[string]*wheel{}, probes: map[string]*probe{}, meters: map[string]*meter.Balancer{}, left: map[string]leftTarget{}}
	p.ctx, p.stop = context.WithCancel(context.Background())
	return p
}

var errClosed = errors.New("the server is ending")

// Open listens on a port if nobody does yet.
func (p *Proxy) Open(number int) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.open(number)
}

func (p *Proxy) open(number int) error {
	if p.ctx.Err() != nil {
		return errClosed
	}
	if p.ports[number] != nil {
		return nil
	}
	o, err := listen(p, number)
	if err == nil {
		p.ports[number] = o
	}
	return err
}

// Apply makes c all that is carried.
func (p *Proxy) Apply(c *plane.Config) (closed map[int]error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ctx.Err() != nil {
		return nil
	}
	maps.DeleteFunc(p.left, func(_ string, l leftTarget) bool { return l.flying.Load() == 0 && time.Since(l.since) > settling })
	pools := map[string]*pool{}
	for arn, g := range c.Groups {
		old := p.pools[arn]
		pools[arn] = newPool(g, old, p.cfg.Clock)
	}
	wheels := map[string]*wheel{}
	byPort := map[int]*served{}
	for _, l := range c.Listeners {
		s := byPort[l.Port]
		if s == nil {
			s = &served{}
			byPort[l.Port] = s
		}
		s.add(p.route(l, pools, wheels))
	}
	for arn, old := range p.pools {
		if pools[arn] == nil || pools[arn].transport != old.transport {
			old.closeIdle()
		}
		for key, t := range old.targets {
			if pools[arn] == nil || pools[arn].targets[key] != t {
				t.idle.end()
				p.left[arn+" "+key] = leftTarget{t, time.Now()}
			}
		}
	}
	p.pools, p.wheels = pools, wheels
	closed = map[int]error{}
	for number, s := range byPort {
		if err := p.open(number); err != nil {
			closed[number] = err
			continue
		}
		p.ports[number].served.Store(s)
	}
	for number, o := range p.ports {
		if byPort[number] == nil {
			o.close()
			delete(p.ports, number)
		}
	}
	p.countHosts()
	p.probeAll(c.Groups)
	return closed
}

// leftTarget is one that is not carried any more, but may have requests that
// began before.
type leftTarget struct {
	*target
	since time.Time
}

// settling is within which who has chosen a target has begun its request.
const settling = time.Minute

// Busy tells whether requests to a target, which is known by its group's ARN and
// its key, are on their way.
func (p *Proxy) Busy(group, key string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if g := p.pools[group]; g != nil && g.targets[key] != nil && g.targets[key].flying.Load() > 0 {
		return true
	}
	l := p.left[group+" "+key]
	return l.target != nil && l.flying.Load() > 0
}

// route is a listener with what its rules need at hand. The wheels of weighted
// rules turn on where their weights have not changed.
func (p *Proxy) route(l *plane.Listener, pools map[string]*pool, wheels map[string]*wheel) *listener {
	out := &listener{Listener: l, meter: p.meter(l), tls: p.config(l)}
	for _, r := range l.Rules {
		x := &rule{Rule: r}
		if r.Forward != nil {
			for _, w := range r.Forward.Groups {
				if g := pools[w.Group]; g != nil {
					g.meter = out.meter.Group(g.Path)
				}
				x.pools = append(x.pools, pools[w.Group])
			}
			key := wheelKey(r)
			if x.wheel = p.wheels[key]; x.wheel == nil {
				x.wheel = newWheel(r.Forward)
			}
			wheels[key] = x.wheel
		}
		x.plain = !slices.ContainsFunc(x.pools, func(g *pool) bool { return g != nil && (g.HTTP2 || g.Lambda) })
		out.rules = append(out.rules, x)
	}
	return out
}

// leave is how long requests on their way may take when the process ends.
const leave = 3 * time.Second

// Close ends everything: no new requests are taken, and those on their way are
// broken off if they take long.
func (p *Proxy) Close() {
	p.mu.Lock()
	ports := slices.Collect(maps.Values(p.ports))
	p.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), leave)
	defer cancel()
	var wg sync.WaitGroup
	for _, o := range ports {
		wg.Go(func() { o.drain(ctx) })
	}
	wg.Wait()
	p.close()
	p.tell() // the last numbers
}

func (p *Proxy) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stop()
	for _, b := range p.probes {
		b.end()
	}
	for _, o := range p.ports {
		o.abort()
	}
	for _, g := range p.pools {
		g.closeIdle()
		for _, t := range g.targets {
			t.idle.end()
		}
	}
	p.ports, p.probes, p.pools = map[int]*port{}, map[string]*probe{}, map[string]*pool{}
}

// listener and rule are plane's with what serves them.
type listener struct {
	*plane.Listener
	meter *meter.Balancer
	tls   *tls.Config
	rules []*rule
}

type rule struct {
	*plane.Rule
	pools []*pool // of Forward.Groups
	plain bool    // all of them speak HTTP/1.1
	wheel *wheel
}

// quiet is for http.Server, whose log is of clients' mistakes.
type quiet struct{ log *slog.Logger }

func (q quiet) Write(b []byte) (int, error) {
	q.log.Debug("client", "says", string(b))
	return len(b), nil
}
