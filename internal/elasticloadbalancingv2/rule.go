package elbv2

import (
	"cmp"
	"context"
	"slices"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"

	"github.com/slipway-dev/slipway/internal/aws/tag"
	"github.com/slipway-dev/slipway/internal/aws/wire"
	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/id"
	"github.com/slipway-dev/slipway/internal/store"
)

// rule is what the store keeps of a rule. Priority is set when it is shown.
type rule struct {
	types.Rule
	Listener string // path
	ID       string
	At       int32   `json:",omitempty"` // priority; 0 for the default rule
	Tags     tag.Set `json:",omitempty"`
}

// mostRules is AWS's limit for the rules of a load balancer, defaults not
// counted; here of a listener.
const mostRules = 100

// balancer is the path of the load balancer.
func (r *rule) balancer() string {
	b, _ := split(r.Listener)
	return b
}

// groups are the ARNs of the target groups that the rule forwards to.
func (r *rule) groups() []string {
	var out []string
	for _, a := range r.Actions {
		if a.ForwardConfig != nil {
			for _, t := range a.ForwardConfig.TargetGroups {
				out = append(out, *t.TargetGroupArn)
			}
		}
	}
	return out
}

func (r *rule) isDefault() bool { return r.At == 0 }

func (r *rule) shown() types.Rule {
	out := r.Rule
	out.IsDefault, out.Priority = aws.Bool(r.isDefault()), aws.String("default")
	if !r.isDefault() {
		out.Priority = aws.String(strconv.Itoa(int(r.At)))
	}
	return out
}

// ordered are the rules of a listener in the order they are tried.
func ordered(r store.Reader, region, listener string) ([]*rule, error) {
	var out []*rule
	err := each(r, rules, func(x *rule) error {
		out = append(out, x)
		return nil
	}, region, listener)
	slices.SortFunc(out, func(a, b *rule) int {
		if a.isDefault() != b.isDefault() {
			if a.isDefault() {
				return 1
			}
			return -1
		}
		return cmp.Compare(a.At, b.At)
	})
	return out, err
}

// CreateRule adds a rule to a listener of an application load balancer.
func (s *Service) CreateRule(ctx context.Context, in *elb.CreateRuleInput, _ ...func(*elb.Options)) (*elb.CreateRuleOutput, error) {
	tags, err := tagSet(in.Tags)
	if err != nil {
		return nil, err
	}
	if len(in.Transforms) > 0 {
		return nil, missing("Transforms of rules are")
	}
	made, err := conditions(in.Conditions)
	if err != nil {
		return nil, err
	}
	out := &elb.CreateRuleOutput{}
	return out, s.route(ctx, func(tx *engine.Tx, region string) error {
		l, err := s.listener(tx, region, in.ListenerArn)
		if err != nil {
			return err
		}
		if !l.application() {
			return fail("InvalidConfigurationRequest", "Rules can only be added to listeners of application load balancers")
		}
		have, err := ordered(tx, region, l.path())
		if err != nil {
			return err
		}
		for _, o := range have {
			if o.At == *in.Priority {
				return fail("PriorityInUse", "Priority '%d' is currently in use", *in.Priority)
			}
		}
		if len(have) > mostRules {
			return fail("TooManyRules", "The maximum number of rules has been reached")
		}
		r := &rule{Listener: l.path(), ID: id.Hex(s.IDs, 16), At: *in.Priority, Tags: tags, Rule: types.Rule{Conditions: made}}
		r.RuleArn = aws.String(s.arn(ruleARN, region, r.Listener+"/"+r.ID))
		if r.Actions, err = s.actions(tx, region, l, in.Actions); err != nil {
			return err
		}
		out.Rules = []types.Rule{r.shown()}
		return rules.Put(tx, r, region, r.Listener, r.ID)
	})
}

// ModifyRule replaces a rule's conditions, actions or both.
func (s *Service) ModifyRule(ctx context.Context, in *elb.ModifyRuleInput, _ ...func(*elb.Options)) (*elb.ModifyRuleOutput, error) {
	if len(in.Transforms) > 0 {
		return nil, missing("Transforms of rules are")
	}
	out := &elb.ModifyRuleOutput{}
	return out, s.route(ctx, func(tx *engine.Tx, region string) error {
		r, err := s.rule(tx, region, in.RuleArn)
		if err != nil {
			return err
		}
		if r.isDefault() {
			return fail("OperationNotPermitted", "Default rule '%s' cannot be modified", *r.RuleArn)
		}
		parent, id := split(r.Listener)
		l, err := listeners.Get(tx, region, parent, id)
		if err != nil {
			return err
		}
		if len(in.Conditions) > 0 {
			if r.Conditions, err = conditions(in.Conditions); err != nil {
				return err
			}
		}
		if len(in.Actions) > 0 {
			if r.Actions, err = s.actions(tx, region, l, in.Actions); err != nil {
				return err
			}
		}
		out.Rules = []types.Rule{r.shown()}
		return rules.Put(tx, r, region, r.Listener, r.ID)
	})
}

// DeleteRule deletes a rule that is not a default one.
func (s *Service) DeleteRule(ctx context.Context, in *elb.DeleteRuleInput, _ ...func(*elb.Options)) (*elb.DeleteRuleOutput, error) {
	return &elb.DeleteRuleOutput{}, s.route(ctx, func(tx *engine.Tx, region string) error {
		r, err := s.rule(tx, region, in.RuleArn)
		if err != nil {
			return err
		}
		if r.isDefault() {
			return fail("OperationNotPermitted", "Default rule '%s' cannot be deleted", *r.RuleArn)
		}
		return rules.Delete(tx, region, r.Listener, r.ID)
	})
}

// SetRulePriorities changes the priorities of rules of a listener: all or none.
func (s *Service) SetRulePriorities(ctx context.Context, in *elb.SetRulePrioritiesInput, _ ...func(*elb.Options)) (*elb.SetRulePrioritiesOutput, error) {
	out := &elb.SetRulePrioritiesOutput{}
	return out, s.update(ctx, func(tx *engine.Tx, region string) error {
		listener := ""
		news := map[string]int32{} // by id
		for _, p := range in.RulePriorities {
			r, err := s.rule(tx, region, p.RuleArn)
			switch {
			case err != nil:
				return err
			case r.isDefault():
				return fail("OperationNotPermitted", "The priority of the default rule '%s' cannot be changed", *r.RuleArn)
			case p.Priority == nil:
				return invalid("A priority must be specified")
			case listener != "" && listener != r.Listener:
				return invalid("The rules must belong to the same listener")
			}
			if _, twice := news[r.ID]; twice {
				return invalid("The rule '%s' is there more than once", *r.RuleArn)
			}
			listener, news[r.ID] = r.Listener, *p.Priority
		}
		have, err := ordered(tx, region, listener)
		if err != nil {
			return err
		}
		taken := map[int32]bool{}
		for _, r := range have {
			p, changed := news[r.ID]
			if !changed {
				p = r.At
			}
			if taken[p] {
				return fail("PriorityInUse", "Priority '%d' is currently in use", p)
			}
			taken[p] = true
		}
		out.Rules = []types.Rule{}
		for _, r := range have {
			p, changed := news[r.ID]
			if !changed {
				continue
			}
			r.At = p
			if err := rules.Put(tx, r, region, r.Listener, r.ID); err != nil {
				return err
			}
			out.Rules = append(out.Rules, r.shown())
		}
		return nil
	})
}

// DescribeRules describes those that are named, or those of a listener in the
// order they are tried, 400 a page.
func (s *Service) DescribeRules(ctx context.Context, in *elb.DescribeRulesInput, _ ...func(*elb.Options)) (*elb.DescribeRulesOutput, error) {
	out := &elb.DescribeRulesOutput{Rules: []types.Rule{}}
	return out, s.view(ctx, func(r store.Reader, region string) error {
		if (len(in.RuleArns) > 0) == (in.ListenerArn != nil) {
			return invalid("You must specify either listener rule ARNs or a listener ARN")
		}
		for _, a := range in.RuleArns {
			x, err := s.rule(r, region, &a)
			if err != nil {
				return err
			}
			out.Rules = append(out.Rules, x.shown())
		}
		if in.ListenerArn == nil {
			return nil
		}
		l, err := s.listener(r, region, in.ListenerArn)
		if err != nil {
			return err
		}
		have, err := ordered(r, region, l.path())
		if err != nil {
			return err
		}
		scope, from := "elb.rules/"+l.path(), 0
		if in.Marker != nil && *in.Marker != "" {
			last, ok := wire.DecodeToken(scope, *in.Marker)
			if !ok {
				return invalid("The marker is not valid")
			}
			from = slices.IndexFunc(have, func(x *rule) bool { return x.ID == last }) + 1
		}
		most := 400
		if in.PageSize != nil {
			most = int(*in.PageSize)
		}
		for _, x := range have[from:] {
			if len(out.Rules) == most {
				last := out.Rules[most-1]
				_, id := split(*last.RuleArn)
				out.NextMarker = aws.String(wire.EncodeToken(scope, id))
				break
			}
			out.Rules = append(out.Rules, x.shown())
		}
		return nil
	})
}

func portText(l *listener) string { return strconv.Itoa(int(*l.Port)) }
