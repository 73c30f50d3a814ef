package elbv2

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"

	"github.com/slipway-dev/slipway/internal/aws/arn"
	"github.com/slipway-dev/slipway/internal/aws/identity"
	"github.com/slipway-dev/slipway/internal/aws/tag"
	"github.com/slipway-dev/slipway/internal/aws/wire"
	"github.com/slipway-dev/slipway/internal/bus"
	"github.com/slipway-dev/slipway/internal/elasticloadbalancingv2/health"
	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/id"
	"github.com/slipway-dev/slipway/internal/site"
	"github.com/slipway-dev/slipway/internal/store"
)

// Subnet is where a load balancer has a node.
type Subnet struct {
	ID, VPC, Zone string
	CIDR          netip.Prefix
}

// Networks know subnets and security groups.
type Networks interface {
	// Ready is called, outside of transactions, before the others are asked
	// about a region.
	Ready(ctx context.Context, region string) error
	Subnet(r store.Reader, region, id string) (s Subnet, ok bool, err error)
	// Group answers the VPC of a security group.
	Group(r store.Reader, region, id string) (vpc string, ok bool, err error)
	// DefaultGroup is the id of a VPC's own security group.
	DefaultGroup(r store.Reader, region, vpc string) (string, error)
	VPC(r store.Reader, region, id string) (ok bool, err error)
}

// Certificates are IAM's server certificates.
type Certificates interface {
	// ServerCertificate answers a chain and its private key, in PEM; ok is false
	// if there is none of that ARN.
	ServerCertificate(r store.Reader, arn string) (chain, key []byte, ok bool, err error)
}

// Config is what the service needs; every member is required.
type Config struct {
	Engine   *engine.Engine
	Bus      *bus.Bus
	Site     site.Site
	IDs      id.Source
	Log      *slog.Logger
	Networks Networks
	Buckets  Buckets
	// Certificates are IAM's.
	Certificates Certificates
	Plane        Plane
}

// Service implements Elastic Load Balancing's API.
type Service struct {
	Config

	changing atomic.Int64  // changes that the plane may not carry yet
	wanted   atomic.Uint64 // tickets of those who want the plane to carry the store
	carrying sync.Mutex
	carried  uint64        // the last ticket that is served
	closed   map[int]error // ports that could not be opened

	counting sync.Mutex
	runs     map[string]health.Run // by group's ARN and target's key

	parsed sync.Map // certificates by their digest
}

// New returns the service and registers its jobs.
func New(c Config) *Service {
	s := &Service{Config: c, runs: map[string]health.Run{}}
	c.Engine.Handle(jobDrained, engine.Options{}, s.drained)
	return s
}

// The documents. A load balancer's path is app/NAME/ID or net/NAME/ID, a
// listener's has its own id after that, a rule's its own after the listener's.
// A target group's is NAME/ID.
const (
	balancers store.Table[balancer]    = "elb.balancer" // region, path
	listeners store.Table[listener]    = "elb.listener" // region, path of balancer, id
	rules     store.Table[rule]        = "elb.rule"     // region, path of listener, id
	groups    store.Table[targetGroup] = "elb.group"    // region, path
	targets   store.Table[target]      = "elb.target"   // region, path of group, key
)

func fail(code, format string, args ...any) error {
	return &wire.Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

func invalid(format string, args ...any) error { return fail("ValidationError", format, args...) }

// missing is what is not implemented of an operation that is.
func missing(what string) error {
	return fail("InvalidConfigurationRequest", "%s not implemented", what)
}

func isCode(err error, code string) bool {
	var e *wire.Error
	return errors.As(err, &e) && e.Code == code
}

// contains tells whether a block has an address; a text that is none is in no block.
func contains(block netip.Prefix, address string) bool {
	a, err := netip.ParseAddr(address)
	return err == nil && block.Contains(a)
}

// resource is a sort of thing that ARNs name.
type resource struct{ prefix, code, plural string }

var (
	balancerARN = resource{"loadbalancer/", "LoadBalancerNotFound", "load balancers"}
	listenerARN = resource{"listener/", "ListenerNotFound", "listeners"}
	ruleARN     = resource{"listener-rule/", "RuleNotFound", "rules"}
	groupARN    = resource{"targetgroup/", "TargetGroupNotFound", "target groups"}
)

func (k resource) absent() error { return fail(k.code, "One or more %s not found", k.plural) }

// path takes an ARN of the kind apart. What is of another region or account
// is not found; what is no ARN of the kind is invalid.
func (s *Service) path(k resource, region string, text *string) (string, error) {
	a, ok := arn.Parse(aws.ToString(text))
	path, is := strings.CutPrefix(a.Resource, k.prefix)
	if !ok || a.Service != "elasticloadbalancing" || !is || path == "" {
		return "", invalid("'%s' is not a valid %s ARN", aws.ToString(text), strings.TrimSuffix(k.plural, "s"))
	}
	if a.Region != region || a.Account != s.Site.Account {
		return "", k.absent()
	}
	return path, nil
}

func (s *Service) arn(k resource, region, path string) string {
	return arn.New("elasticloadbalancing", region, s.Site.Account, k.prefix+path)
}

// split takes the last part off a path.
func split(path string) (parent, id string) {
	i := strings.LastIndexByte(path, '/')
	if i < 0 {
		return "", path
	}
	return path[:i], path[i+1:]
}

// get reads a document or answers that there is none of its kind.
func get[D any](r store.Reader, t store.Table[D], k resource, key ...string) (*D, error) {
	d, err := t.Get(r, key...)
	if errors.Is(err, store.ErrNotFound) {
		return nil, k.absent()
	}
	return d, err
}

func (s *Service) balancer(r store.Reader, region string, text *string) (*balancer, error) {
	path, err := s.path(balancerARN, region, text)
	if err != nil {
		return nil, err
	}
	return get(r, balancers, balancerARN, region, path)
}

func (s *Service) listener(r store.Reader, region string, text *string) (*listener, error) {
	path, err := s.path(listenerARN, region, text)
	if err != nil {
		return nil, err
	}
	parent, id := split(path)
	return get(r, listeners, listenerARN, region, parent, id)
}

func (s *Service) rule(r store.Reader, region string, text *string) (*rule, error) {
	path, err := s.path(ruleARN, region, text)
	if err != nil {
		return nil, err
	}
	parent, id := split(path)
	return get(r, rules, ruleARN, region, parent, id)
}

func (s *Service) group(r store.Reader, region string, text *string) (*targetGroup, error) {
	path, err := s.path(groupARN, region, text)
	if err != nil {
		return nil, err
	}
	return get(r, groups, groupARN, region, path)
}

// view reads in the request's region.
func (s *Service) view(ctx context.Context, f func(r store.Reader, region string) error) error {
	return s.Engine.View(ctx, func(r store.Reader) error { return f(r, identity.Region(ctx)) })
}

// update changes in the request's region. When it returns, the traffic goes by
// the change.
func (s *Service) update(ctx context.Context, f func(tx *engine.Tx, region string) error) error {
	region := identity.Region(ctx)
	if err := s.Networks.Ready(ctx, region); err != nil {
		return err
	}
	return s.commit(ctx, func(tx *engine.Tx) error { return f(tx, region) })
}

// each calls f for the documents below these parts.
func each[D any](r store.Reader, t store.Table[D], f func(*D) error, parts ...string) error {
	for d, err := range t.All(r, parts...) {
		if err != nil {
			return err
		}
		if err := f(d); err != nil {
			return err
		}
	}
	return nil
}

var nameRule = regexp.MustCompile(`^[a-zA-Z0-9-]+$`)

// checkName holds for load balancers and target groups.
func checkName(noun, name string) error {
	switch {
	case len(name) > 32:
		return invalid("%s name '%s' cannot be longer than '32' characters", noun, name)
	case !nameRule.MatchString(name):
		return invalid("%s name '%s' can only contain characters that are alphanumeric characters and hyphens(-)", noun, name)
	case strings.HasPrefix(name, "-") || strings.HasSuffix(name, "-"):
		return invalid("%s name '%s' cannot begin or end with a hyphen(-)", noun, name)
	}
	return nil
}

func tagSet(list []types.Tag) (tag.Set, error) {
	set, err := tag.From(list, func(t types.Tag) (key, value *string) { return t.Key, t.Value })
	return set, tagProblem(err)
}

// tagProblem is the service's exception for tags that break a rule.
func tagProblem(err error) error {
	var p *tag.Problem
	switch {
	case !errors.As(err, &p):
		return err
	case p.Reason == tag.TooMany:
		return fail("TooManyTags", "%s", p.Error())
	case p.Reason == tag.Duplicate:
		return fail("DuplicateTagKeys", "%s", p.Error())
	}
	return invalid("%s", p.Error())
}
