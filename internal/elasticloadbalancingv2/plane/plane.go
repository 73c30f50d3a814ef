// Package plane is what the service tells the carrier of its traffic: the
// listeners that there are to be, where each request goes, and what targets are
// asked how they are. It holds no connection and no clock.
package plane

import (
	"crypto/tls"
	"time"

	"github.com/slipway-dev/slipway/internal/elasticloadbalancingv2/accesslog"
	"github.com/slipway-dev/slipway/internal/elasticloadbalancingv2/health"
)

// Config is all of an installation's load balancing.
type Config struct {
	Listeners []*Listener
	Groups    map[string]*Group // by ARN: those that rules use
}

// Listener is a port of one load balancer.
type Listener struct {
	ARN      string
	Region   string
	Balancer string // its load balancer: app/NAME/ID or net/NAME/ID
	Zone     string // the load balancer's first
	Host     string // the load balancer's DNS name
	Port     int
	TLS      bool
	// TCP is a network load balancer's: bytes, no requests.
	TCP  bool
	Cert string // the default certificate's ARN
	// Certs are the certificates that there are, the default one first; one is
	// made up where there are none.
	Certs []*tls.Certificate
	// MinTLS and MaxTLS are versions as in crypto/tls, Ciphers those of TLS 1.2
	// and before, Protocols what is offered by ALPN.
	MinTLS, MaxTLS uint16
	Ciphers        []uint16
	Protocols      []string
	Rules          []*Rule // in the order they are tried; the last one always matches
	Options        Options
}

// Options are a listener's and its load balancer's attributes.
type Options struct {
	HTTP2        bool
	DropInvalid  bool   // headers with names that are no tokens
	ForwardedFor string // append, preserve, remove
	ClientPort   bool   // in X-Forwarded-For
	// TLSVersion and TLSCipher are the names of the headers that tell targets of a
	// client's TLS; "" is none.
	TLSVersion, TLSCipher string
	Server                bool   // keep the targets' Server header
	Desync                string // mitigation mode: monitor, defensive, strictest
	Idle                  time.Duration
	KeepAlive             time.Duration // how long a client's connection may serve requests
	// AccessLog and ConnectionLog are where they go, nil is nowhere.
	AccessLog, ConnectionLog *accesslog.Place
	// Headers are set on every answer.
	Headers map[string]string
}

// Rule sends the requests that its conditions all match somewhere: one of
// Forward, Redirect and Fixed.
type Rule struct {
	ARN        string
	Priority   int // 0 is the default's
	Conditions []Condition
	Forward    *Forward
	Redirect   *Redirect
	Fixed      *Fixed
}

// Forward shares requests among target groups by weight.
type Forward struct {
	Groups []Weighted
	// Sticky is how long a client stays with its group; 0 is not at all.
	Sticky time.Duration
}

// Weighted is a target group with its weight.
type Weighted struct {
	Group  string // ARN
	Weight int
}

// Redirect is an answer with a Location, whose parts may have placeholders:
// #{host} and so on.
type Redirect struct {
	Status                            int
	Protocol, Host, Port, Path, Query string
}

// Fixed is an answer.
type Fixed struct {
	Status      int
	ContentType string
	Body        string
}

// Algorithms of target groups.
const (
	RoundRobin       = "round_robin"
	LeastOutstanding = "least_outstanding_requests"
	WeightedRandom   = "weighted_random"
)

// Group is a target group.
type Group struct {
	ARN    string
	Path   string // NAME/ID
	TLS    bool   // towards the targets
	HTTP2  bool
	Lambda bool
	// MultiValue gives functions all values of headers and parameters.
	MultiValue bool
	// ProxyHeader begins connections to targets with the addresses of the
	// client's (PROXY protocol, version 2).
	ProxyHeader bool
	Algorithm   string
	// Cookie is how clients stay with a target: lb_cookie, app_cookie, source_ip
	// (of network load balancers), "".
	Cookie     string
	CookieName string // the application's
	CookieLife time.Duration
	SlowStart  time.Duration
	// MinHealthy and MinPercent are how many targets must be healthy, or all of
	// them take requests.
	MinHealthy, MinPercent int
	Check                  Check
	Targets                []Target
}

// Target is where requests of a group go.
type Target struct {
	Key     string // within the group
	Address string // host:port
	// Function is the ARN of one, in groups of them, which have no addresses.
	Function string
	Port     int
	Health   health.Health
}

// Check says how targets are asked how they are.
type Check struct {
	Enabled  bool
	Protocol string // HTTP, HTTPS, TCP
	GRPC     bool
	HTTP2    bool
	Path     string
	Port     int    // 0 is the target's own
	Matcher  string // codes: 200,202-299
	Interval time.Duration
	Timeout  time.Duration
}
