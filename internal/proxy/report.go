package proxy

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"github.com/slipway-dev/slipway/internal/elasticloadbalancingv2/meter"
	"github.com/slipway-dev/slipway/internal/elasticloadbalancingv2/plane"
)

// What was counted is told to CloudWatch every five seconds, shortly before an
// alarm with a period of ten seconds looks at it, and as data points of ten
// seconds. Nobody wakes up while nothing happens.
const (
	reportEvery = 5 * time.Second
	before      = 500 * time.Millisecond
	resolution  = 10 * time.Second
)

// report is the timer of what is told.
type report struct {
	due     atomic.Bool // the timer runs
	telling sync.Mutex
	hosts   bool // the minute's timer runs; under the Proxy's mutex
}

// meter is the counter of a listener's load balancer.
func (p *Proxy) meter(l *plane.Listener) *meter.Balancer {
	key := l.Region + " " + l.Balancer
	b := p.meters[key]
	if b == nil {
		b = &meter.Balancer{Region: l.Region, Path: l.Balancer, TCP: l.TCP}
		p.meters[key] = b
	}
	b.Zone = l.Zone
	return b
}

// counted is called after something was counted.
func (p *Proxy) counted() {
	if !p.report.due.Load() {
		p.schedule()
	}
}

func (p *Proxy) schedule() {
	if p.ctx.Err() != nil || !p.report.due.CompareAndSwap(false, true) {
		return
	}
	now := p.cfg.Clock.Now()
	next := now.Add(before).Truncate(reportEvery).Add(reportEvery - before)
	p.cfg.Clock.AfterFunc(next.Sub(now), p.tell)
}

// tell takes the numbers out. What is counted from now on schedules the next.
func (p *Proxy) tell() {
	p.report.due.Store(false)
	p.report.telling.Lock()
	defer p.report.telling.Unlock()
	now := p.cfg.Clock.Now()
	at := now.Truncate(resolution)
	type place struct{ region, namespace string }
	all := map[place][]types.MetricDatum{}
	p.mu.Lock()
	for _, b := range p.meters {
		k := place{b.Region, b.Namespace()}
		all[k] = append(all[k], b.Take(now.Unix()/60)...)
	}
	p.forget()
	p.mu.Unlock()
	for k, data := range all {
		if len(data) == 0 {
			continue
		}
		for i := range data {
			data[i].Timestamp, data[i].StorageResolution = &at, aws.Int32(1)
		}
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		if err := p.cfg.Metrics.Record(ctx, k.region, k.namespace, data); err != nil {
			p.cfg.Log.Warn("metrics of load balancers were not kept", "region", k.region, "err", err)
		}
		cancel()
	}
}

// forget drops the counters, just taken out, of what is not carried any more.
func (p *Proxy) forget() {
	used, groups := map[*meter.Balancer]bool{}, map[string]bool{}
	for _, o := range p.ports {
		for _, l := range o.served.Load().listeners {
			used[l.meter] = true
		}
	}
	for _, g := range p.pools {
		groups[g.Path] = true
	}
	for key, b := range p.meters {
		if !used[b] {
			delete(p.meters, key)
			continue
		}
		b.Keep(func(path string) bool { return groups[path] })
	}
}

// countHosts counts the targets by health: at once where the numbers change,
// and every minute while there are any.
func (p *Proxy) countHosts() {
	any, news := false, false
	for _, g := range p.pools {
		if g.meter == nil {
			continue
		}
		if g.meter.Hosts(g.healthy, g.unhealthy) {
			news = true
		}
		any = any || g.healthy+g.unhealthy > 0
	}
	if news {
		p.counted()
	}
	if any {
		p.eachMinute()
	}
}

func (p *Proxy) eachMinute() {
	if p.report.hosts {
		return
	}
	p.report.hosts = true
	now := p.cfg.Clock.Now()
	p.cfg.Clock.AfterFunc(now.Truncate(time.Minute).Add(time.Minute).Sub(now), p.hostsAgain)
}

func (p *Proxy) hostsAgain() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.report.hosts = false
	if p.ctx.Err() != nil {
		return
	}
	any := false
	for _, g := range p.pools {
		if g.meter != nil && g.meter.Again() {
			any = true
		}
	}
	if any {
		p.counted()
		p.eachMinute()
	}
}
