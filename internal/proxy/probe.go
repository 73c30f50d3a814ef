package proxy

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"sync"

	"github.com/slipway-dev/slipway/internal/clock"
	"github.com/slipway-dev/slipway/internal/elasticloadbalancingv2/health"
	"github.com/slipway-dev/slipway/internal/elasticloadbalancingv2/plane"
)

// probe asks one target how it is: at once, and again an interval after each
// beginning.
type probe struct {
	proxy   *Proxy
	group   string
	of      *plane.Group
	target  plane.Target
	check   plane.Check
	address string
	client  *http.Client

	mu    sync.Mutex
	timer clock.Timer
	over  bool
}

// probeAll begins with targets that are new, ends with those that are gone or
// draining, and begins anew where the checks changed.
func (p *Proxy) probeAll(groups map[string]*plane.Group) {
	wanted := map[string]bool{}
	for arn, g := range groups {
		if !g.Check.Enabled {
			continue
		}
		for _, t := range g.Targets {
			if t.Health.State == health.Draining {
				continue
			}
			key := arn + " " + t.Key
			wanted[key] = true
			if old := p.probes[key]; old != nil && old.check == g.Check {
				continue
			} else if old != nil {
				old.end()
			}
			p.probes[key] = p.newProbe(g, t)
		}
	}
	for key, b := range p.probes {
		if !wanted[key] {
			b.end()
			delete(p.probes, key)
		}
	}
}

func (p *Proxy) newProbe(g *plane.Group, t plane.Target) *probe {
	b := &probe{proxy: p, group: g.ARN, of: g, target: t, check: g.Check, address: t.Address}
	if g.Check.Port != 0 {
		host, _, _ := net.SplitHostPort(t.Address)
		b.address = net.JoinHostPort(host, strconv.Itoa(g.Check.Port))
	}
	transport := newTransport(&plane.Group{TLS: g.Check.Protocol == "HTTPS", HTTP2: g.Check.HTTP2 || g.Check.GRPC})
	transport.DisableKeepAlives = !g.Check.HTTP2 && !g.Check.GRPC
	transport.DialContext = (&net.Dialer{Timeout: g.Check.Timeout}).DialContext
	b.client = &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.timer = p.cfg.Clock.AfterFunc(0, b.run)
	return b
}

func (b *probe) end() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.over = true
	if b.timer != nil {
		b.timer.Stop()
	}
	b.client.CloseIdleConnections()
}

func (b *probe) run() {
	b.mu.Lock()
	if b.over {
		b.mu.Unlock()
		return
	}
	b.timer = b.proxy.cfg.Clock.AfterFunc(b.check.Interval, b.run)
	b.mu.Unlock()
	ctx, cancel := context.WithTimeout(b.proxy.ctx, b.check.Timeout)
	r := b.ask(ctx)
	cancel()
	b.mu.Lock()
	over := b.over
	b.mu.Unlock()
	if !over {
		b.proxy.cfg.Probed(b.proxy.ctx, b.group, b.target.Key, r)
	}
}

// Reasons and texts are AWS's.
func failed(err error) health.Result {
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded) {
		return health.Result{Reason: "Target.Timeout", Why: "Request timed out"}
	}
	return health.Result{Reason: "Target.FailedHealthChecks", Why: "Health checks failed"}
}

func mismatch(codes string, code int) health.Result {
	if plane.Accepts(codes, code) {
		return health.Result{OK: true}
	}
	return health.Result{Reason: "Target.ResponseCodeMismatch", Why: fmt.Sprintf("Health checks failed with these codes: [%d]", code)}
}

func (b *probe) ask(ctx context.Context) health.Result {
	if b.target.Function != "" {
		return b.askFunction(ctx)
	}
	if b.check.Protocol == "TCP" {
		c, err := (&net.Dialer{}).DialContext(ctx, "tcp", b.address)
		if err != nil {
			return failed(err)
		}
		_ = c.Close()
		return health.Result{OK: true}
	}
	scheme, method := "http", http.MethodGet
	if b.check.Protocol == "HTTPS" {
		scheme = "https"
	}
	var body io.Reader
	if b.check.GRPC {
		method, body = http.MethodPost, emptyMessage()
	}
	r, err := http.NewRequestWithContext(ctx, method, scheme+"://"+b.address+b.check.Path, body)
	if err != nil {
		return failed(err)
	}
	r.Header.Set("User-Agent", "ELB-HealthChecker/2.0")
	if b.check.GRPC {
		r.Header.Set("Content-Type", "application/grpc")
		r.Header.Set("Te", "trailers")
	}
	resp, err := b.client.Do(r)
	if err != nil {
		return failed(err)
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, io.LimitReader(resp.Body, 1<<20))
	if !b.check.GRPC {
		return mismatch(b.check.Matcher, resp.StatusCode)
	}
	if err != nil {
		return failed(err)
	}
	status := resp.Trailer.Get("Grpc-Status")
	if status == "" {
		status = resp.Header.Get("Grpc-Status") // an answer of trailers only
	}
	code, err := strconv.Atoi(status)
	if err != nil {
		return failed(err)
	}
	return mismatch(b.check.Matcher, code)
}

// emptyMessage is gRPC's frame of a message without fields.
func emptyMessage() io.Reader { return bytes.NewReader(make([]byte, 5)) }
