package codestarnotifications

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codestarnotifications"
	"github.com/aws/aws-sdk-go-v2/service/codestarnotifications/types"

	"github.com/slipway-dev/slipway/internal/aws/arn"
	"github.com/slipway-dev/slipway/internal/aws/identity"
	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/store"
)

// maxTargets is how many targets a rule may have.
const maxTargets = 10

// targetServices are the services that targets of a type are resources of.
var targetServices = map[string]struct{ service, resource string }{
	"SNS":                      {"sns", ""},
	"AWSChatbotSlack":          {"chatbot", "chat-configuration/slack-channel/"},
	"AWSChatbotMicrosoftTeams": {"chatbot", "chat-configuration/microsoft-teams-channel/"},
}

// checkTargets checks types and addresses.
//
// Errors: ValidationException.
func checkTargets(list []types.Target) error {
	for i := range list {
		t := &list[i]
		kind, address := aws.ToString(t.TargetType), aws.ToString(t.TargetAddress)
		want, ok := targetServices[kind]
		if !ok {
			return invalid("The target type %s is not valid: it must be SNS, AWSChatbotSlack or AWSChatbotMicrosoftTeams.", kind)
		}
		a, ok := arn.Parse(address)
		if !ok || a.Service != want.service || !strings.HasPrefix(a.Resource, want.resource) || a.Resource == want.resource {
			return invalid("The target address %s is not valid for the target type %s.", address, kind)
		}
		if slices.ContainsFunc(list[:i], func(o types.Target) bool { return aws.ToString(o.TargetAddress) == address }) {
			return invalid("The target %s is there twice.", address)
		}
	}
	if len(list) > maxTargets {
		return invalid("A notification rule can have at most %d targets.", maxTargets)
	}
	return nil
}

// setTargets gives a rule these targets and no others; the caller writes the
// rule. Targets that it had before go on existing.
func (s *Service) setTargets(tx *engine.Tx, ru *rule, list []types.Target) error {
	for _, t := range ru.Targets {
		if err := subscriptions.Delete(tx, ru.Region, aws.ToString(t.TargetAddress), ru.ID); err != nil {
			return err
		}
	}
	ru.Targets = list
	for _, t := range list {
		address := aws.ToString(t.TargetAddress)
		if _, err := targets.Get(tx, ru.Region, address); errors.Is(err, store.ErrNotFound) {
			err = targets.Put(tx, &target{Address: address, Type: aws.ToString(t.TargetType)}, ru.Region, address)
			if err != nil {
				return err
			}
		} else if err != nil {
			return err
		}
		if err := subscriptions.Put(tx, &ru.ID, ru.Region, address, ru.ID); err != nil {
			return err
		}
	}
	return nil
}

func (t *target) summary() types.TargetSummary {
	status := t.Status
	if status == "" {
		status = types.TargetStatusPending
	}
	return types.TargetSummary{TargetAddress: aws.String(t.Address), TargetType: aws.String(t.Type), TargetStatus: status}
}

func without(list []types.Target, address string) []types.Target {
	return slices.DeleteFunc(slices.Clone(list), func(t types.Target) bool { return aws.ToString(t.TargetAddress) == address })
}

// Subscribe adds a target to a rule; one that it has already is no error.
//
// Errors: ResourceNotFoundException, ValidationException.
func (s *Service) Subscribe(ctx context.Context, in *codestarnotifications.SubscribeInput, _ ...func(*codestarnotifications.Options)) (*codestarnotifications.SubscribeOutput, error) {
	err := s.change(ctx, in.Arn, func(tx *engine.Tx, ru *rule) error {
		list := append(without(ru.Targets, aws.ToString(in.Target.TargetAddress)), *in.Target)
		if err := checkTargets(list); err != nil {
			return err
		}
		return s.setTargets(tx, ru, list)
	})
	if err != nil {
		return nil, err
	}
	return &codestarnotifications.SubscribeOutput{Arn: in.Arn}, nil
}

// Unsubscribe removes a target from a rule; one that it has not is no error.
//
// Errors: ValidationException, also if there is no such rule: the API has no
// other code for it here.
func (s *Service) Unsubscribe(ctx context.Context, in *codestarnotifications.UnsubscribeInput, _ ...func(*codestarnotifications.Options)) (*codestarnotifications.UnsubscribeOutput, error) {
	err := s.change(ctx, in.Arn, func(tx *engine.Tx, ru *rule) error {
		return s.setTargets(tx, ru, without(ru.Targets, aws.ToString(in.TargetAddress)))
	})
	var missing *types.ResourceNotFoundException
	if errors.As(err, &missing) {
		return nil, invalid("%s", aws.ToString(missing.Message))
	}
	if err != nil {
		return nil, err
	}
	return &codestarnotifications.UnsubscribeOutput{Arn: in.Arn}, nil
}

// DeleteTarget forgets a target. One that rules still name is taken from them
// if that is asked for.
//
// Errors: ValidationException if a rule names it.
func (s *Service) DeleteTarget(ctx context.Context, in *codestarnotifications.DeleteTargetInput, _ ...func(*codestarnotifications.Options)) (*codestarnotifications.DeleteTargetOutput, error) {
	region, address := identity.Region(ctx), aws.ToString(in.TargetAddress)
	err := s.Engine.Update(ctx, func(tx *engine.Tx) error {
		var subscribed []string
		for id, err := range subscriptions.All(tx, region, address) {
			if err != nil {
				return err
			}
			subscribed = append(subscribed, *id)
		}
		if len(subscribed) > 0 && !in.ForceUnsubscribeAll {
			return invalid("The target cannot be deleted because it is subscribed to one or more notification rules.")
		}
		for _, id := range subscribed {
			ru, err := rules.Get(tx, region, id)
			if err != nil {
				return err
			}
			if err := s.setTargets(tx, ru, without(ru.Targets, address)); err != nil {
				return err
			}
			if err := rules.Put(tx, ru, region, id); err != nil {
				return err
			}
		}
		return targets.Delete(tx, region, address)
	})
	if err != nil {
		return nil, err
	}
	return &codestarnotifications.DeleteTargetOutput{}, nil
}

// ListTargets shows the targets that were ever subscribed and not deleted.
//
// Errors: InvalidNextTokenException.
func (s *Service) ListTargets(ctx context.Context, in *codestarnotifications.ListTargetsInput, _ ...func(*codestarnotifications.Options)) (*codestarnotifications.ListTargetsOutput, error) {
	want := filter{}
	for _, f := range in.Filters {
		want.add(string(f.Name), aws.ToString(f.Value))
	}
	out := &codestarnotifications.ListTargetsOutput{}
	err := s.Engine.View(ctx, func(r store.Reader) (err error) {
		out.Targets, out.NextToken, err = pageOf(r, targets, fmt.Sprint("ListTargets/", want), in.NextToken, in.MaxResults,
			func(t *target) (types.TargetSummary, bool, error) {
				sum := t.summary()
				return sum, want.has(string(types.ListTargetsFilterNameTargetType), t.Type) &&
					want.has(string(types.ListTargetsFilterNameTargetAddress), t.Address) &&
					want.has(string(types.ListTargetsFilterNameTargetStatus), string(sum.TargetStatus)), nil
			}, identity.Region(ctx))
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}
