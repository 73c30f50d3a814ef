package ssm

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"github.com/slipway-dev/slipway/internal/engine"
)

// jobPolicy does what a parameter's policies say when the next of them is due.
// Its ID is REGION/NAME.
const jobPolicy = "ssm.policy"

const maxPolicies = 10

// The types of policies, as they are written.
const (
	expiration             = "Expiration"
	expirationNotification = "ExpirationNotification"
	noChangeNotification   = "NoChangeNotification"
)

// policy is one that was read.
type policy struct {
	Text string // as it was given
	Type string
	// At is when an Expiration is due.
	At time.Time `json:",omitzero"`
	// Wait is how long before the expiration (ExpirationNotification) or after
	// the last change (NoChangeNotification) people are told.
	Wait time.Duration `json:",omitempty"`
	Done bool          `json:",omitempty"`
}

func (p *parameter) job() string { return p.Region + "/" + p.Name }

// parsePolicies reads the JSON array of PutParameter; an empty one takes the
// policies away.
func parsePolicies(text string) ([]policy, error) {
	var raw []json.RawMessage
	if strings.TrimSpace(text) == "{}" || json.Unmarshal([]byte(text), &raw) != nil {
		return nil, fail("ValidationException", "Policies must be a JSON array of policies.")
	}
	if len(raw) > maxPolicies {
		return nil, fail("PoliciesLimitExceededException", "You specified more than the maximum number of allowed policies for the parameter. The maximum is %d.", maxPolicies)
	}
	var out []policy
	var expires bool
	for _, r := range raw {
		p, err := parsePolicy(r)
		if err != nil {
			return nil, err
		}
		if p.Type == expiration {
			if expires {
				return nil, fail("IncompatiblePolicyException", "A parameter can have only one policy of type Expiration.")
			}
			expires = true
		}
		out = append(out, p)
	}
	for _, p := range out {
		if p.Type == expirationNotification && !expires {
			return nil, fail("IncompatiblePolicyException", "A policy of type ExpirationNotification needs one of type Expiration.")
		}
	}
	return out, nil
}

func parsePolicy(raw json.RawMessage) (policy, error) {
	var in struct {
		Type, Version string
		Attributes    struct{ Timestamp, Before, After, Unit string }
	}
	if err := json.Unmarshal(raw, &in); err != nil {
		return policy{}, fail("InvalidPolicyAttributeException", "A policy attribute or its value is invalid: attributes are texts.")
	}
	p := policy{Text: string(raw), Type: in.Type}
	bad := func(what string) (policy, error) {
		return policy{}, fail("InvalidPolicyAttributeException", "A policy attribute or its value is invalid: %s of a policy of type %s.", what, in.Type)
	}
	wait := func(text string) (time.Duration, bool) {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > 36500 {
			return 0, false
		}
		switch in.Attributes.Unit {
		case "Days":
			return time.Duration(n) * 24 * time.Hour, true
		case "Hours":
			return time.Duration(n) * time.Hour, true
		}
		return 0, false
	}
	var ok bool
	switch in.Type {
	case expiration:
		at, err := time.Parse(time.RFC3339, in.Attributes.Timestamp)
		if err != nil {
			return bad("Timestamp")
		}
		p.At = at.UTC()
	case expirationNotification:
		if p.Wait, ok = wait(in.Attributes.Before); !ok {
			return bad("Before or Unit")
		}
	case noChangeNotification:
		if p.Wait, ok = wait(in.Attributes.After); !ok {
			return bad("After or Unit")
		}
	default:
		return policy{}, fail("InvalidPolicyTypeException", "The policy type isn't supported: %s. Parameter Store supports the following policy types: Expiration, ExpirationNotification, and NoChangeNotification.", in.Type)
	}
	return p, nil
}

// due is when a policy of a parameter that was last changed then acts.
func (r *revision) due(p policy) time.Time {
	switch p.Type {
	case expiration:
		return p.At
	case noChangeNotification:
		return r.Modified.Add(p.Wait)
	}
	for _, e := range r.Policies {
		if e.Type == expiration {
			return e.At.Add(-p.Wait)
		}
	}
	return time.Time{}
}

// plan sets the timer for the policy that acts next, or none.
func (s *Service) plan(tx *engine.Tx, p *parameter) error {
	var next time.Time
	for _, pol := range p.Policies {
		if at := p.due(pol); !pol.Done && (next.IsZero() || at.Before(next)) {
			next = at
		}
	}
	if next.IsZero() {
		return tx.Cancel(jobPolicy, p.job())
	}
	return tx.Enqueue(engine.NewJob{Kind: jobPolicy, ID: p.job(), At: next})
}

// policyDue lets every policy act whose time has come, once.
func (s *Service) policyDue(ctx context.Context, job *engine.Job) error {
	region, name, _ := strings.Cut(job.ID, "/")
	return s.cfg.Engine.Update(ctx, func(tx *engine.Tx) error {
		p, err := get(tx, region, name)
		if errors.Is(err, errNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		expires := false
		for i := range p.Policies {
			pol := &p.Policies[i]
			if pol.Done || tx.Now().Before(p.due(*pol)) {
				continue
			}
			pol.Done = true
			expires = expires || pol.Type == expiration
			if err := s.tell(tx, p, pol); err != nil {
				return err
			}
		}
		if expires {
			s.cfg.Log.Info("deleted a parameter that expired", "parameter", p.Name, "region", p.Region)
			return s.remove(tx, p)
		}
		if err := p.put(tx); err != nil {
			return err
		}
		return s.plan(tx, p)
	})
}

// tell emits the event of a policy that acts.
func (s *Service) tell(tx *engine.Tx, p *parameter, pol *policy) error {
	detail, err := json.Marshal(map[string]string{"parameter-name": p.Name, "parameter-type": string(p.Type), "policy-type": pol.Type,
		"policy-content": pol.Text, "action-status": "Success"})
	if err != nil {
		return err
	}
	return s.emit(tx, p, "Parameter Store Policy Action", detail)
}

// inline is policies as clients see them; nil for none.
func inline(list []policy) []types.ParameterInlinePolicy {
	var out []types.ParameterInlinePolicy
	for _, p := range list {
		status := "Pending"
		if p.Done {
			status = "Finished"
		}
		out = append(out, types.ParameterInlinePolicy{PolicyText: aws.String(p.Text), PolicyType: aws.String(p.Type), PolicyStatus: &status})
	}
	return out
}
