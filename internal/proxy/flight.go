package proxy

import (
	"encoding/hex"
	"errors"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/slipway-dev/slipway/internal/elasticloadbalancingv2/plane"
)

// flight is one request on its way to a target.
type flight struct {
	proxy    *Proxy
	port     int
	listener *listener
	pool     *pool
	target   *target
	group    string // that the client stays with; "" if it does not
	life     time.Duration
	sent     time.Time
	head     time.Time // the answer's came; zero is not yet
	status   int       // the target's
	trace    string    // X-Amzn-Trace-Id
	reason   string    // why a function gave no response
}

// choose finds the target for a request among those of the rule's groups. A
// status other than 0 is what to answer because there is none.
func (o *port) choose(l *listener, x *rule, h plane.Fields) (f flight, status int) {
	if addresses(h) > mostAddresses {
		return f, tooManyAddresses
	}
	i := -1
	if x.Forward.Sticky > 0 {
		i = x.groupOf(h)
	}
	if i < 0 {
		i = x.wheel.next()
	}
	if i < 0 || x.pools[i] == nil {
		return f, http.StatusServiceUnavailable
	}
	p := x.pools[i]
	f.pool = p
	t := p.stayed(h)
	if t == nil {
		t = p.next()
	}
	if t == nil {
		return f, http.StatusServiceUnavailable
	}
	f = flight{proxy: o.proxy, port: o.number, listener: l, pool: p, target: t}
	if x.Forward.Sticky > 0 {
		f.group, f.life = p.mark, x.Forward.Sticky
	}
	p.meter.Requests.Add(1)
	o.proxy.counted()
	return f, 0
}

// A request may have come through this many others; AWS has a status of its own
// for more.
const (
	mostAddresses    = 30
	tooManyAddresses = 463
)

func addresses(h plane.Fields) (n int) {
	for _, v := range h.Values("X-Forwarded-For") {
		n += 1 + strings.Count(v, ",")
	}
	return n
}

// failed counts a target that did not answer, and is the status for it.
func (f *flight) failed(err error) int {
	var dial *net.OpError
	if errors.As(err, &dial) && dial.Op == "dial" {
		f.pool.meter.Unreached.Add(1)
	}
	var slow net.Error
	if errors.As(err, &slow) && slow.Timeout() {
		return http.StatusGatewayTimeout
	}
	return http.StatusBadGateway
}

// forwardedFor is the value of X-Forwarded-For for a target; "" is none.
func (f *flight) forwardedFor(before []string, host, port string) string {
	opts := &f.listener.Options
	switch opts.ForwardedFor {
	case "remove":
		return ""
	case "preserve":
		return strings.Join(before, ", ")
	}
	if opts.ClientPort {
		host = net.JoinHostPort(host, port)
	}
	if len(before) == 0 {
		return host
	}
	return strings.Join(before, ", ") + ", " + host
}

// plainName tells whether a header's name is of letters, digits and hyphens.
func plainName(name string) bool {
	for i := range len(name) {
		if c := name[i]; c != '-' && (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') {
			return false
		}
	}
	return true
}

// traced is the value of X-Amzn-Trace-Id for a target: an id, or a part of its
// own added to the one that the request has, in the place of another's.
func (f *flight) traced(have string) string {
	f.trace = f.newTrace(have)
	return f.trace
}

func (f *flight) newTrace(have string) string {
	id := f.proxy.traces.next(f.proxy, f.sent)
	switch {
	case have == "":
		return "Root=" + id
	case strings.Contains(have, "Root="):
		if before, self, ok := strings.Cut(have, "Self="); ok {
			_, after, _ := strings.Cut(self, ";")
			have = before + after
		}
		return "Self=" + id + ";" + strings.TrimSuffix(have, ";")
	}
	return "Root=" + id + ";" + have
}

// traces makes ids out of random bytes that it gets many at a time.
type traces struct{ pool sync.Pool }

type randomBytes struct {
	b    [96 * 12]byte
	used int
}

func (t *traces) next(p *Proxy, now time.Time) string {
	r, _ := t.pool.Get().(*randomBytes)
	if r == nil {
		r = &randomBytes{used: len(randomBytes{}.b)}
	}
	if r.used == len(r.b) {
		p.cfg.IDs.Bytes(r.b[:])
		r.used = 0
	}
	var out [2 + 8 + 1 + 24]byte
	copy(out[:], "1-")
	second := uint32(now.Unix())
	hex.Encode(out[2:10], []byte{byte(second >> 24), byte(second >> 16), byte(second >> 8), byte(second)})
	out[10] = '-'
	hex.Encode(out[11:], r.b[r.used:r.used+12])
	r.used += 12
	t.pool.Put(r)
	return string(out[:])
}
