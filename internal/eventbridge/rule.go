package eventbridge

import (
	"context"
	"errors"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"

	"github.com/slipway-dev/slipway/internal/aws/identity"
	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/eventbridge/pattern"
	"github.com/slipway-dev/slipway/internal/eventbridge/schedule"
	"github.com/slipway-dev/slipway/internal/page"
	"github.com/slipway-dev/slipway/internal/store"
)

const maxPage = 100

// PutRule makes a rule or replaces it: what is not given is no more. Tags are
// those of the first time.
//
// Errors: InvalidEventPatternException, LimitExceededException,
// ResourceNotFoundException, ValidationException.
func (s *Service) PutRule(ctx context.Context, in *eventbridge.PutRuleInput, _ ...func(*eventbridge.Options)) (*eventbridge.PutRuleOutput, error) {
	region, busName := identity.Region(ctx), busName(in.EventBusName)
	if err := checkRule(in, busName); err != nil {
		return nil, err
	}
	tags, err := tagSet(in.Tags)
	if err != nil {
		return nil, err
	}
	name := aws.ToString(in.Name)
	err = s.Engine.Update(ctx, func(tx *engine.Tx) error {
		if _, err := s.findBus(ctx, tx, busName); err != nil {
			return err
		}
		before, err := rules.Get(tx, region, busName, name)
		ru := &rule{Region: region, Bus: busName, Name: name, Since: tx.Now(), CreatedBy: s.Site.Account, Tags: tags}
		switch {
		case err == nil:
			ru.Tags = before.Tags
			if aws.ToString(before.Schedule) == aws.ToString(in.ScheduleExpression) && before.State == types.RuleStateEnabled {
				ru.Since = before.Since
			}
		case !errors.Is(err, store.ErrNotFound):
			return err
		default:
			if err := s.roomForRule(tx, region, busName); err != nil {
				return err
			}
		}
		ru.Description, ru.Pattern, ru.Schedule, ru.RoleARN = in.Description, in.EventPattern, in.ScheduleExpression, in.RoleArn
		if ru.State = in.State; ru.State == "" {
			ru.State = types.RuleStateEnabled
		}
		return s.keep(tx, ru)
	})
	if err != nil {
		return nil, err
	}
	return &eventbridge.PutRuleOutput{RuleArn: aws.String(s.ruleARN(region, busName, name))}, nil
}

func checkRule(in *eventbridge.PutRuleInput, bus string) error {
	text, expression := aws.ToString(in.EventPattern), aws.ToString(in.ScheduleExpression)
	switch {
	case text == "" && expression == "":
		return validation("Parameter(s) EventPattern or ScheduleExpression must be specified.")
	case expression != "" && bus != defaultBus:
		return validation("ScheduleExpression is supported only on the default event bus.")
	}
	if text != "" {
		if _, err := pattern.Compile(text); err != nil {
			return badPattern(err)
		}
	}
	if expression != "" {
		if _, err := schedule.Parse(expression); err != nil {
			return validation("%s", err)
		}
	}
	return nil
}

func badPattern(err error) error {
	return &types.InvalidEventPatternException{Message: aws.String("Event pattern is not valid. Reason: " + err.Error())}
}

func (s *Service) roomForRule(tx *engine.Tx, region, bus string) error {
	n := 0
	for _, err := range rules.All(tx, region, bus) {
		if err != nil {
			return err
		}
		if n++; n >= maxRules {
			return &types.LimitExceededException{Message: aws.String("The requested resource exceeds the maximum number allowed.")}
		}
	}
	return nil
}

// keep writes a rule and sets its timer.
func (s *Service) keep(tx *engine.Tx, ru *rule) error {
	// Before the commit: an event that follows it must find the region.
	s.regions.Store(ru.Region, true)
	if err := rules.Put(tx, ru, ru.Region, ru.Bus, ru.Name); err != nil {
		return err
	}
	return s.setTimer(tx, ru)
}

func (s *Service) output(ru *rule) types.Rule {
	return types.Rule{
		Arn: aws.String(s.ruleARN(ru.Region, ru.Bus, ru.Name)), Name: &ru.Name, EventBusName: &ru.Bus, Description: ru.Description,
		EventPattern: ru.Pattern, ScheduleExpression: ru.Schedule, RoleArn: ru.RoleARN, State: ru.State,
	}
}

// DescribeRule returns a rule.
func (s *Service) DescribeRule(ctx context.Context, in *eventbridge.DescribeRuleInput, _ ...func(*eventbridge.Options)) (*eventbridge.DescribeRuleOutput, error) {
	var ru *rule
	err := s.Engine.View(ctx, func(r store.Reader) (err error) {
		ru, err = s.findRule(ctx, r, in.EventBusName, in.Name)
		return err
	})
	if err != nil {
		return nil, err
	}
	o := s.output(ru)
	return &eventbridge.DescribeRuleOutput{Arn: o.Arn, Name: o.Name, EventBusName: o.EventBusName, Description: o.Description,
		EventPattern: o.EventPattern, ScheduleExpression: o.ScheduleExpression, RoleArn: o.RoleArn, State: o.State, CreatedBy: &ru.CreatedBy}, nil
}

// ListRules lists the rules of a bus by name.
func (s *Service) ListRules(ctx context.Context, in *eventbridge.ListRulesInput, _ ...func(*eventbridge.Options)) (*eventbridge.ListRulesOutput, error) {
	region, name, prefix := identity.Region(ctx), busName(in.EventBusName), aws.ToString(in.NamePrefix)
	out := &eventbridge.ListRulesOutput{}
	err := s.Engine.View(ctx, func(r store.Reader) (err error) {
		if _, err := s.findBus(ctx, r, name); err != nil {
			return err
		}
		req := page.Request{Scope: store.Key("ListRules", region, name, prefix), Token: in.NextToken, Max: page.Limit(in.Limit, maxPage)}
		out.Rules, out.NextToken, err = page.Of(r, rules, req, func(ru *rule) (types.Rule, bool, error) {
			return s.output(ru), strings.HasPrefix(ru.Name, prefix), nil
		}, region, name)
		return badToken(err)
	})
	return out, err
}

func badToken(err error) error {
	if errors.Is(err, page.ErrToken) {
		return validation("Token is not valid")
	}
	return err
}

// ListRuleNamesByTarget lists the rules of a bus that have a target.
func (s *Service) ListRuleNamesByTarget(ctx context.Context, in *eventbridge.ListRuleNamesByTargetInput, _ ...func(*eventbridge.Options)) (*eventbridge.ListRuleNamesByTargetOutput, error) {
	region, name := identity.Region(ctx), busName(in.EventBusName)
	out := &eventbridge.ListRuleNamesByTargetOutput{}
	err := s.Engine.View(ctx, func(r store.Reader) (err error) {
		if _, err := s.findBus(ctx, r, name); err != nil {
			return err
		}
		last := ""
		req := page.Request{Scope: store.Key("ListRuleNamesByTarget", region, name, aws.ToString(in.TargetArn)), Token: in.NextToken, Max: page.Limit(in.Limit, maxPage)}
		out.RuleNames, out.NextToken, err = page.Of(r, targets, req, func(t *target) (string, bool, error) {
			if t.Rule == last || aws.ToString(t.Arn) != aws.ToString(in.TargetArn) {
				return "", false, nil
			}
			last = t.Rule
			return t.Rule, true, nil
		}, region, name)
		return badToken(err)
	})
	return out, err
}

// DeleteRule removes a rule without targets; a missing one is no error.
func (s *Service) DeleteRule(ctx context.Context, in *eventbridge.DeleteRuleInput, _ ...func(*eventbridge.Options)) (*eventbridge.DeleteRuleOutput, error) {
	err := s.Engine.Update(ctx, func(tx *engine.Tx) error {
		ru, err := s.findRule(ctx, tx, in.EventBusName, in.Name)
		var gone *types.ResourceNotFoundException
		if errors.As(err, &gone) && strings.HasPrefix(gone.ErrorMessage(), "Rule ") {
			return nil
		}
		if err != nil {
			return err
		}
		for _, err := range targets.All(tx, ru.Region, ru.Bus, ru.Name) {
			if err != nil {
				return err
			}
			return validation("Rule can't be deleted since it has targets.")
		}
		if err := tx.Cancel(jobSchedule, ru.timer()); err != nil {
			return err
		}
		return rules.Delete(tx, ru.Region, ru.Bus, ru.Name)
	})
	return &eventbridge.DeleteRuleOutput{}, err
}

// EnableRule lets a rule match and fire.
func (s *Service) EnableRule(ctx context.Context, in *eventbridge.EnableRuleInput, _ ...func(*eventbridge.Options)) (*eventbridge.EnableRuleOutput, error) {
	return &eventbridge.EnableRuleOutput{}, s.setState(ctx, in.EventBusName, in.Name, types.RuleStateEnabled)
}

// DisableRule stops a rule from matching and firing.
func (s *Service) DisableRule(ctx context.Context, in *eventbridge.DisableRuleInput, _ ...func(*eventbridge.Options)) (*eventbridge.DisableRuleOutput, error) {
	return &eventbridge.DisableRuleOutput{}, s.setState(ctx, in.EventBusName, in.Name, types.RuleStateDisabled)
}

func (s *Service) setState(ctx context.Context, bus, name *string, state types.RuleState) error {
	return s.Engine.Update(ctx, func(tx *engine.Tx) error {
		ru, err := s.findRule(ctx, tx, bus, name)
		if err != nil || ru.State == state {
			return err
		}
		ru.State, ru.Since = state, tx.Now()
		return s.keep(tx, ru)
	})
}

// TestEventPattern tells whether a pattern matches an event.
func (s *Service) TestEventPattern(_ context.Context, in *eventbridge.TestEventPatternInput, _ ...func(*eventbridge.Options)) (*eventbridge.TestEventPatternOutput, error) {
	p, err := pattern.Compile(aws.ToString(in.EventPattern))
	if err != nil {
		return nil, badPattern(err)
	}
	if err := checkEvent(aws.ToString(in.Event)); err != nil {
		return nil, err
	}
	return &eventbridge.TestEventPatternOutput{Result: p.Matches([]byte(*in.Event))}, nil
}
