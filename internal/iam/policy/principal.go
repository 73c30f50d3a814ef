package policy

import (
	"encoding/json"
	"regexp"
	"strings"
)

// principals is a Principal or NotPrincipal element.
type principals struct {
	not       bool
	anyone    bool
	aws       []string // ARNs, accounts, unique ids
	service   []string
	federated []string
}

// Principal is who asks, for policies that name principals.
type Principal struct {
	Account string
	// ARN is the user's or the session's.
	ARN string
	// RoleARN is set for sessions of a role.
	RoleARN string
	// Service is set for service principals: codebuild.amazonaws.com.
	Service string
}

// Naming is how a policy names a principal; it decides what else must agree.
type Naming int

// The namings, in growing strength.
const (
	NotNamed    Naming = iota
	ByAccount          // delegates to the account's own policies
	ByRole             // the role, not the session
	ByPrincipal        // the user, the session, or the service itself
	ByAnyone           // *
)

var (
	accountID = regexp.MustCompile(`^[0-9]{12}$`)
	uniqueID  = regexp.MustCompile(`^A(ID|RO)A[A-Z0-9]{10,}$`)
)

func parsePrincipals(raw json.RawMessage) (*principals, error) {
	p := &principals{}
	var s string
	if json.Unmarshal(raw, &s) == nil {
		if s != "*" {
			return nil, malformed("Invalid principal in policy.")
		}
		p.anyone = true
		return p, nil
	}
	m, err := object(raw)
	if err != nil || len(m) == 0 {
		return nil, malformed("Invalid principal in policy.")
	}
	for kind, raw := range m {
		values, err := stringList(raw)
		if err != nil || len(values) == 0 {
			return nil, malformed("Invalid principal in policy.")
		}
		for _, v := range values {
			bad := malformed("Invalid principal in policy: %q:%q", kind, clip(v))
			switch kind {
			case "AWS":
				switch {
				case v == "*":
					p.anyone = true
				case accountID.MatchString(v), uniqueID.MatchString(v):
				case strings.HasPrefix(v, "arn:aws:iam::"), strings.HasPrefix(v, "arn:aws:sts::"):
					if strings.ContainsAny(v, "*?") {
						return nil, bad
					}
				default:
					return nil, bad
				}
				p.aws = append(p.aws, v)
			case "Service":
				if !strings.Contains(v, ".") || strings.ContainsAny(v, "*? ") {
					return nil, bad
				}
				p.service = append(p.service, v)
			case "Federated":
				p.federated = append(p.federated, v)
			case "CanonicalUser":
				return nil, bad
			default:
				return nil, bad
			}
		}
	}
	return p, nil
}

// Principals lists the ARNs of users and roles that the policy names, so that
// their existence can be checked.
func (p *Policy) Principals() []string {
	var out []string
	for _, s := range p.Statements {
		if s.principals == nil {
			continue
		}
		for _, v := range s.principals.aws {
			if strings.HasPrefix(v, "arn:aws:iam::") && !strings.HasSuffix(v, ":root") {
				out = append(out, v)
			}
		}
	}
	return out
}

// naming tells how p names who.
func (p *principals) naming(who Principal) Naming {
	n := p.positive(who)
	if !p.not {
		return n
	}
	if n == NotNamed {
		return ByAnyone
	}
	return NotNamed
}

func (p *principals) positive(who Principal) Naming {
	if p.anyone {
		return ByAnyone
	}
	if who.Service != "" {
		for _, v := range p.service {
			if v == who.Service {
				return ByPrincipal
			}
		}
		return NotNamed
	}
	best := NotNamed
	for _, v := range p.aws {
		n := NotNamed
		switch v {
		case who.ARN:
			n = ByPrincipal
		case who.RoleARN:
			n = ByRole
		case who.Account, "arn:aws:iam::" + who.Account + ":root":
			n = ByAccount
		}
		if v != "" {
			best = max(best, n)
		}
	}
	return best
}
