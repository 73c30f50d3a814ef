package iam

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/iam/types"

	"github.com/slipway-dev/slipway/internal/aws/identity"
	"github.com/slipway-dev/slipway/internal/aws/wire"
	"github.com/slipway-dev/slipway/internal/iam/policy"
)

// Authorize implements auth.Authorizer: the caller must be allowed all checks.
func (s *Service) Authorize(ctx context.Context, checks ...wire.Access) error {
	c := identity.From(ctx)
	if c.Kind == identity.Root && c.SessionPolicies == nil && c.ExpiresAt.IsZero() {
		return nil
	}
	for _, check := range checks {
		d, err := s.Decide(ctx, c, check)
		if err != nil {
			return err
		}
		if !d.Allowed {
			if err := s.Deny(ctx, c, check, d); err != nil {
				return err
			}
		}
	}
	return nil
}

// AuthorizeAny is Authorize where one of the checks is enough: for actions that
// AWS has renamed, which policies may name either way. An explicit denial of
// one denies all; else a denial is of the first.
func (s *Service) AuthorizeAny(ctx context.Context, checks ...wire.Access) error {
	c := identity.From(ctx)
	if c.Kind == identity.Root && c.SessionPolicies == nil && c.ExpiresAt.IsZero() {
		return nil
	}
	allowed := false
	var first policy.Decision
	for i, check := range checks {
		d, err := s.Decide(ctx, c, check)
		if err != nil {
			return err
		}
		if d.Explicit && !d.Allowed {
			return s.Deny(ctx, c, check, d)
		}
		allowed = allowed || d.Allowed
		if i == 0 {
			first = d
		}
	}
	if allowed {
		return nil
	}
	return s.Deny(ctx, c, checks[0], first)
}

// Decide evaluates everything that IAM knows of a caller.
func (s *Service) Decide(ctx context.Context, c *identity.Caller, check wire.Access) (policy.Decision, error) {
	set := policy.Set{}
	var p *principal
	var err error
	switch c.Kind {
	case identity.Root:
		set.Root = true
	case identity.User:
		p, err = s.principal(ctx, "User", c.UserName)
	case identity.AssumedRole:
		p, err = s.rolePrincipal(ctx, c.RoleARN)
	case identity.Service: // has no policies of its own
	default:
		return policy.Decision{Source: policy.FromIdentity}, nil
	}
	var gone *types.NoSuchEntityException
	if errors.As(err, &gone) {
		return policy.Decision{Source: policy.FromIdentity}, nil
	}
	if err != nil {
		return policy.Decision{}, err
	}
	// A session of GetSessionToken made without MFA cannot use IAM.
	if !c.ExpiresAt.IsZero() && c.Kind != identity.AssumedRole && strings.HasPrefix(check.Action, "iam:") && check.Action != "iam:PassRole" {
		return policy.Decision{Source: policy.FromSession}, nil
	}
	if p != nil {
		set.Identity, set.Boundary = p.identity, p.boundary
	}
	if c.SessionPolicies != nil {
		set.Session = []*policy.Policy{}
		for _, doc := range c.SessionPolicies {
			parsed, err := s.audit.parse(doc, policy.Identity)
			if err != nil {
				return policy.Decision{}, err
			}
			set.Session = append(set.Session, parsed)
		}
	}
	if check.Policy != "" {
		if set.Resource, err = s.audit.parse(check.Policy, policy.Resource); err != nil {
			return policy.Decision{}, err
		}
	}
	d := set.Decide(&policy.Request{
		Action:    check.Action,
		Resource:  check.Resource,
		Principal: Principal(c),
		Context:   s.facts(ctx, c, p, check.Context),
	})
	if c.Kind == identity.Service && d.Source == policy.FromIdentity {
		d.Source = policy.FromResource
	}
	return d, nil
}

// Principal is how policies name a caller.
func Principal(c *identity.Caller) policy.Principal {
	if c.Kind == identity.Service {
		return policy.Principal{Service: c.ARN}
	}
	return policy.Principal{Account: c.Account, ARN: c.ARN, RoleARN: c.RoleARN}
}

// facts answers for condition keys: those of the check first, then the global
// ones.
func (s *Service) facts(ctx context.Context, c *identity.Caller, p *principal, own map[string][]string) func(string) []string {
	return func(key string) []string {
		for k, v := range own {
			if strings.EqualFold(k, key) {
				return v
			}
		}
		one := func(v string) []string {
			if v == "" {
				return nil
			}
			return []string{v}
		}
		if tag, ok := strings.CutPrefix(key, "aws:principaltag/"); ok && p != nil {
			if v, ok := p.tags[tag]; ok {
				return []string{v}
			}
			return nil
		}
		now := s.cfg.Clock.Now().UTC()
		switch key {
		case "aws:principalarn":
			if c.RoleARN != "" {
				return one(c.RoleARN)
			}
			return one(c.ARN)
		case "aws:principalaccount":
			return one(c.Account)
		case "aws:principaltype":
			return one(string(c.Kind))
		case "aws:userid":
			return one(c.UserID)
		case "aws:username":
			return one(c.UserName)
		case "aws:requestedregion":
			if region, ok := identity.RegionOf(ctx); ok {
				return one(region)
			}
		case "aws:sourceip":
			return one(identity.SourceIP(ctx))
		case "aws:securetransport":
			return one("false")
		case "aws:currenttime":
			return one(now.Format(time.RFC3339))
		case "aws:epochtime":
			return one(strconv.FormatInt(now.Unix(), 10))
		case "aws:tokenissuetime":
			if !c.ExpiresAt.IsZero() {
				return one(c.IssuedAt.UTC().Format(time.RFC3339))
			}
		case "aws:multifactorauthpresent":
			if !c.ExpiresAt.IsZero() {
				return one("false")
			}
		}
		return nil
	}
}

// denial is what would have been denied.
type denial struct {
	principal, action, resource string
}

// audit remembers denials of the audit mode, and parsed policies of sessions and
// resources.
type audit struct {
	mu     sync.Mutex
	seen   map[denial]bool
	parsed map[document]*policy.Policy
}

// document is the text of a policy and where it is used.
type document struct {
	text string
	kind policy.Kind
}

const (
	maxDenials = 4096 // different ones remembered
	maxParsed  = 1024 // policies remembered
)

// Deny is called for a denial. Under audit it records it, tells once which
// statement would allow it, and returns nil.
func (s *Service) Deny(ctx context.Context, c *identity.Caller, check wire.Access, d policy.Decision) error {
	if !s.cfg.Audit {
		return denied(d.Message(c.ARN, check.Action, check.Resource))
	}
	who := c.ARN
	if c.RoleARN != "" {
		who = c.RoleARN // one line for all sessions of a role
	}
	k := denial{who, check.Action, check.Resource}
	a := &s.audit
	a.mu.Lock()
	if len(a.seen) >= maxDenials {
		a.seen = map[denial]bool{}
	}
	first := !a.seen[k]
	a.seen[k] = true
	a.mu.Unlock()
	if first {
		args := []any{"principal", who, "action", check.Action, "resource", check.Resource,
			"reason", d.Message(c.ARN, check.Action, check.Resource)}
		if !d.Explicit && d.Source == policy.FromIdentity {
			args = append(args, "allow", `{"Effect":"Allow","Action":"`+check.Action+`","Resource":"`+check.Resource+`"}`)
		}
		s.cfg.Log.InfoContext(ctx, "would be denied under --iam enforce", args...)
	}
	return nil
}

// parse remembers policies that come with every request.
func (a *audit) parse(text string, kind policy.Kind) (*policy.Policy, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	key := document{text, kind}
	if p, ok := a.parsed[key]; ok {
		return p, nil
	}
	p, err := policy.Parse(text, kind)
	if err != nil {
		return nil, err
	}
	if a.parsed == nil || len(a.parsed) >= maxParsed {
		a.parsed = map[document]*policy.Policy{}
	}
	a.parsed[key] = p
	return p, nil
}
