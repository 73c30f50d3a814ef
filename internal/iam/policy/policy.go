// Package policy reads and evaluates IAM policies. It is pure: whoever calls
// brings the policies that apply and the facts of the request.
//
// The rules are those of "Policy evaluation logic" and "IAM JSON policy
// elements reference" of the IAM User Guide.
package policy

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Kind is where a policy is used; it decides which elements it may have.
type Kind int

// The kinds.
const (
	Identity Kind = iota // of users, groups and roles; boundaries; session policies
	Trust                // of a role: no Resource
	Resource             // of a bucket or repository
)

// Policy is a policy that was read. It never changes.
type Policy struct {
	ID         string
	Statements []Statement
	variables  bool // Version 2012-10-17
}

// Statement is one permission or prohibition.
type Statement struct {
	Sid        string
	Deny       bool
	actions    []string // lower case
	notAction  bool
	resources  []string // nil in trust policies
	notRes     bool
	principals *principals // nil in identity policies
	conditions []condition
}

// ErrMalformed is wrapped by the errors of Parse, whose text is for clients.
type ErrMalformed struct{ Message string }

func (e *ErrMalformed) Error() string { return e.Message }

func malformed(format string, args ...any) error {
	return &ErrMalformed{fmt.Sprintf(format, args...)}
}

var errSyntax = &ErrMalformed{"Syntax errors in policy."}

const maxStatements = 1000

// Parse reads and checks a policy document.
func Parse(document string, kind Kind) (*Policy, error) {
	top, err := object(json.RawMessage(document))
	if err != nil {
		return nil, errSyntax
	}
	p := &Policy{}
	var statements []json.RawMessage
	for name, raw := range top {
		switch name {
		case "Version":
			var v string
			if json.Unmarshal(raw, &v) != nil || v != "2012-10-17" && v != "2008-10-17" {
				return nil, malformed("Policy document must be version 2012-10-17 or greater.")
			}
			p.variables = v == "2012-10-17"
		case "Id":
			if json.Unmarshal(raw, &p.ID) != nil {
				return nil, errSyntax
			}
		case "Statement":
			if statements, err = list(raw); err != nil {
				return nil, errSyntax
			}
		default:
			return nil, errSyntax
		}
	}
	if len(statements) == 0 {
		return nil, malformed("Policy document must contain at least one statement.")
	}
	if len(statements) > maxStatements {
		return nil, errSyntax
	}
	sids := map[string]bool{}
	for _, raw := range statements {
		s, err := p.parseStatement(raw, kind)
		if err != nil {
			return nil, err
		}
		if s.Sid != "" && sids[s.Sid] {
			return nil, malformed("Statement IDs (SID) in a single policy must be unique.")
		}
		sids[s.Sid] = true
		p.Statements = append(p.Statements, s)
	}
	return p, nil
}

func (p *Policy) parseStatement(raw json.RawMessage, kind Kind) (Statement, error) {
	var s Statement
	m, err := object(raw)
	if err != nil {
		return s, errSyntax
	}
	for name, v := range m {
		switch name {
		case "Sid":
			if json.Unmarshal(v, &s.Sid) != nil {
				return s, errSyntax
			}
			if kind != Resource && strings.ContainsFunc(s.Sid, notAlphaNum) {
				return s, malformed("Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular expression [0-9A-Za-z]*")
			}
		case "Effect":
			var effect string
			if json.Unmarshal(v, &effect) != nil {
				return s, errSyntax
			}
			switch effect {
			case "Allow":
			case "Deny":
				s.Deny = true
			default:
				return s, malformed("Invalid effect: %s", clip(effect))
			}
		case "Action", "NotAction":
			if s.actions != nil {
				return s, errSyntax
			}
			if s.actions, err = parseActions(v); err != nil {
				return s, err
			}
			s.notAction = name == "NotAction"
		case "Resource", "NotResource":
			if kind == Trust {
				return s, malformed("Has prohibited field %s", name)
			}
			if s.resources != nil {
				return s, errSyntax
			}
			if s.resources, err = parseResources(v); err != nil {
				return s, err
			}
			s.notRes = name == "NotResource"
		case "Principal", "NotPrincipal":
			if kind == Identity {
				return s, malformed("Policy document should not specify a principal.")
			}
			if kind == Trust && name == "NotPrincipal" {
				return s, malformed("AssumeRolepolicy contained Not Principal")
			}
			if s.principals != nil {
				return s, errSyntax
			}
			if s.principals, err = parsePrincipals(v); err != nil {
				return s, err
			}
			s.principals.not = name == "NotPrincipal"
		case "Condition":
			if s.conditions, err = parseConditions(v); err != nil {
				return s, err
			}
		default:
			return s, errSyntax
		}
	}
	_, effect := m["Effect"]
	switch {
	case !effect:
		return s, malformed("Missing required field Effect")
	case s.actions == nil:
		return s, malformed("Policy statement must contain actions.")
	case s.resources == nil && kind != Trust:
		return s, malformed("Policy statement must contain resources.")
	case s.principals == nil && kind != Identity:
		return s, malformed("Missing required field Principal")
	}
	if kind == Trust {
		for _, a := range s.actions {
			if a != "*" && !strings.HasPrefix(a, "sts:") {
				return s, malformed("AssumeRole policy may only specify STS AssumeRole actions.")
			}
		}
	}
	return s, nil
}

func notAlphaNum(r rune) bool {
	return (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
}

func parseActions(raw json.RawMessage) ([]string, error) {
	actions, err := stringList(raw)
	if err != nil || len(actions) == 0 {
		return nil, errSyntax
	}
	for i, a := range actions {
		if a != "*" {
			service, name, ok := strings.Cut(a, ":")
			if !ok {
				return nil, malformed("Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.")
			}
			if service == "" || name == "" || strings.ContainsAny(service, "*?") && service != "*" {
				return nil, malformed("Vendor %s is not valid", clip(service))
			}
			if strings.ContainsFunc(a, func(r rune) bool { return notAlphaNum(r) && !strings.ContainsRune(":*?-", r) }) {
				return nil, malformed("Invalid action: %s", clip(a))
			}
		}
		actions[i] = strings.ToLower(a)
	}
	return actions, nil
}

func parseResources(raw json.RawMessage) ([]string, error) {
	resources, err := stringList(raw)
	if err != nil || len(resources) == 0 {
		return nil, errSyntax
	}
	for _, r := range resources {
		if r == "*" || strings.HasPrefix(r, "${") {
			continue
		}
		if strings.ContainsFunc(r, func(c rune) bool { return c < ' ' }) {
			return nil, errSyntax
		}
		if strings.Count(r, ":") < 5 {
			return nil, malformed("Resource %s must be in ARN format or \"*\".", clip(r))
		}
		if !strings.HasPrefix(r, "arn:") && !strings.HasPrefix(r, "*:") {
			return nil, malformed("Partition \"%s\" is not valid for resource \"%s\".", clip(strings.Split(r, ":")[0]), clip(r))
		}
	}
	return resources, nil
}

// object reads a JSON object whose names are all different: json.Unmarshal
// would let the last win, and readers of the policy might think otherwise.
func object(raw json.RawMessage) (map[string]json.RawMessage, error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil, errors.New("not an object")
	}
	m := map[string]json.RawMessage{}
	for d.More() {
		t, err := d.Token()
		if err != nil {
			return nil, err
		}
		name, _ := t.(string)
		if _, twice := m[name]; twice {
			return nil, fmt.Errorf("%q is there twice", name)
		}
		var v json.RawMessage
		if err := d.Decode(&v); err != nil {
			return nil, err
		}
		m[name] = v
	}
	if _, err := d.Token(); err != nil {
		return nil, err
	}
	if d.More() {
		return nil, errors.New("more after the object")
	}
	return m, nil
}

// list reads an array, or one value in its place.
func list(raw json.RawMessage) ([]json.RawMessage, error) {
	if raw = bytes.TrimSpace(raw); len(raw) > 0 && raw[0] == '[' {
		var l []json.RawMessage
		err := json.Unmarshal(raw, &l)
		return l, err
	}
	return []json.RawMessage{raw}, nil
}

// stringList reads strings, or one; numbers and booleans count as their text.
func stringList(raw json.RawMessage) ([]string, error) {
	items, err := list(raw)
	if err != nil {
		return nil, err
	}
	out := make([]string, len(items))
	for i, item := range items {
		item = bytes.TrimSpace(item)
		switch {
		case len(item) == 0:
			return nil, errSyntax
		case item[0] == '"':
			if err := json.Unmarshal(item, &out[i]); err != nil {
				return nil, err
			}
		case slices.Contains([]string{"true", "false"}, string(item)), item[0] == '-', '0' <= item[0] && item[0] <= '9':
			out[i] = string(item)
		default:
			return nil, errSyntax
		}
	}
	return out, nil
}

// clip keeps hostile input in messages short.
func clip(s string) string {
	if len(s) > 128 {
		s = s[:128]
	}
	return strings.ToValidUTF8(s, "")
}
