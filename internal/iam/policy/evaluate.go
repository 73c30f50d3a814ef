package policy

import "strings"

// Request is what somebody wants to do.
type Request struct {
	Action    string
	Resource  string // ARN or *
	Principal Principal
	// Context gives a condition key's values; the key is in lower case. It may
	// be nil.
	Context func(key string) []string

	action string // lower case
}

func (r *Request) lookup(key string) []string {
	if r.Context == nil {
		return nil
	}
	return r.Context(key)
}

// Effect is what one policy says.
type Effect int

// The effects.
const (
	Silent Effect = iota
	Allow
	Deny
)

// Evaluate asks one policy. naming is how its strongest matching Allow names
// the principal, for policies that name any.
func (p *Policy) Evaluate(r *Request) (effect Effect, naming Naming) {
	if r.action == "" {
		r.action = strings.ToLower(r.Action)
	}
	for i := range p.Statements {
		s := &p.Statements[i]
		n, ok := s.matches(r, p.variables)
		if !ok {
			continue
		}
		if s.Deny {
			return Deny, n
		}
		effect, naming = Allow, max(naming, n)
	}
	return effect, naming
}

func (s *Statement) matches(r *Request, variables bool) (naming Naming, ok bool) {
	if s.principals != nil {
		if naming = s.principals.naming(r.Principal); naming == NotNamed {
			return naming, false
		}
	}
	if s.matchesAction(r.action) == s.notAction {
		return naming, false
	}
	if s.resources != nil && s.matchesResource(r, variables) == s.notRes {
		return naming, false
	}
	for i := range s.conditions {
		if !s.conditions[i].holds(r, variables) {
			return naming, false
		}
	}
	return naming, true
}

func (s *Statement) matchesAction(action string) bool {
	for _, a := range s.actions {
		if a == "*" || a == action || glob(a, action) {
			return true
		}
	}
	return false
}

func (s *Statement) matchesResource(r *Request, variables bool) bool {
	for _, pattern := range s.resources {
		if pattern == "*" || pattern == r.Resource {
			return true
		}
		if variables {
			var ok bool
			if pattern, ok = expand(pattern, r); !ok {
				continue
			}
		}
		if globARN(pattern, r.Resource) {
			return true
		}
	}
	return false
}

// Set is every policy that applies to a request inside one account.
type Set struct {
	// Root is the account's root user, who may do everything that no session
	// policy or resource policy forbids.
	Root     bool
	Identity []*Policy
	Boundary *Policy   // nil: none
	Session  []*Policy // nil: none
	Resource *Policy   // nil: none
}

// Decision is the answer.
type Decision struct {
	Allowed bool
	// Explicit: a statement denies; otherwise nothing allows.
	Explicit bool
	// Source is the kind of policy that decided a denial.
	Source string
}

// The kinds of policy as denials name them.
const (
	FromIdentity = "identity-based policy"
	FromBoundary = "permissions boundary"
	FromSession  = "session policy"
	FromResource = "resource-based policy"
	FromTrust    = "role trust policy"
)

// Decide evaluates all policies.
func (s *Set) Decide(r *Request) Decision {
	identity := Silent
	for _, p := range s.Identity {
		e, _ := p.Evaluate(r)
		if e == Deny {
			return Decision{Explicit: true, Source: FromIdentity}
		}
		identity = max(identity, e)
	}
	boundary := Allow
	if s.Boundary != nil {
		if boundary, _ = s.Boundary.Evaluate(r); boundary == Deny {
			return Decision{Explicit: true, Source: FromBoundary}
		}
	}
	session := Allow
	if s.Session != nil {
		session = Silent
		for _, p := range s.Session {
			e, _ := p.Evaluate(r)
			if e == Deny {
				return Decision{Explicit: true, Source: FromSession}
			}
			session = max(session, e)
		}
	}
	naming := NotNamed
	if s.Resource != nil {
		e, n := s.Resource.Evaluate(r)
		switch e {
		case Deny:
			return Decision{Explicit: true, Source: FromResource}
		case Allow:
			naming = n
		}
	}
	switch {
	case naming >= ByPrincipal:
		return Decision{Allowed: true}
	case naming < ByRole && !s.Root && identity != Allow:
		return Decision{Source: FromIdentity}
	case boundary != Allow:
		return Decision{Source: FromBoundary}
	case session != Allow:
		return Decision{Source: FromSession}
	}
	return Decision{Allowed: true}
}

// Message is AWS's text of a denial. resource "*" is left out.
func (d Decision) Message(principal, action, resource string) string {
	var b strings.Builder
	b.WriteString("User: " + principal + " is not authorized to perform: " + action)
	if resource != "*" && resource != "" {
		b.WriteString(" on resource: " + resource)
	}
	article := "a "
	switch d.Source {
	case FromIdentity:
		article = "an "
	case FromTrust:
		article = "the "
	}
	if d.Explicit {
		return b.String() + " with an explicit deny in " + article + d.Source
	}
	return b.String() + " because no " + d.Source + " allows the " + action + " action"
}
