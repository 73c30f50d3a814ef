package codestarnotifications

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codestarnotifications"
	"github.com/aws/aws-sdk-go-v2/service/codestarnotifications/types"

	"github.com/slipway-dev/slipway/internal/aws/identity"
	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/id"
	"github.com/slipway-dev/slipway/internal/store"
)

// CreateNotificationRule makes a rule. A client token that was used before
// gives the rule that it made.
//
// Errors: ResourceAlreadyExistsException, ValidationException,
// LimitExceededException for tags.
func (s *Service) CreateNotificationRule(ctx context.Context, in *codestarnotifications.CreateNotificationRuleInput, _ ...func(*codestarnotifications.Options)) (*codestarnotifications.CreateNotificationRuleOutput, error) {
	region := identity.Region(ctx)
	if err := s.checkEvents(region, aws.ToString(in.Resource), in.EventTypeIds); err != nil {
		return nil, err
	}
	if err := checkTargets(in.Targets); err != nil {
		return nil, err
	}
	tags, err := addTags(nil, in.Tags)
	if err != nil {
		return nil, err
	}
	request, err := digest(in)
	if err != nil {
		return nil, err
	}
	status := in.Status
	if status == "" {
		status = types.NotificationRuleStatusEnabled
	}
	now := s.Engine.Now()
	ru := &rule{ID: id.Hex(s.IDs, 40), Region: region, Name: aws.ToString(in.Name), Resource: aws.ToString(in.Resource), EventTypes: in.EventTypeIds,
		Detail: in.DetailType, Status: status, CreatedBy: identity.From(ctx).ARN, Created: now, Modified: now, Tags: tags,
		Token: aws.ToString(in.ClientRequestToken), Request: request}
	err = s.Engine.Update(ctx, func(tx *engine.Tx) error {
		if before, err := s.repeated(tx, ru); err != nil || before != "" {
			ru.ID = before
			return err
		}
		if err := s.name(tx, ru, ru.Name); err != nil {
			return err
		}
		if ru.Token != "" {
			if err := tokens.Put(tx, &ru.ID, region, ru.Token); err != nil {
				return err
			}
		}
		if err := s.setTargets(tx, ru, in.Targets); err != nil {
			return err
		}
		return rules.Put(tx, ru, region, ru.ID)
	})
	if err != nil {
		return nil, err
	}
	return &codestarnotifications.CreateNotificationRuleOutput{Arn: aws.String(s.arn(region, ru.ID))}, nil
}

// digest tells requests apart that carry the same token.
func digest(in *codestarnotifications.CreateNotificationRuleInput) (string, error) {
	b, err := json.Marshal(in)
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:]), err
}

// repeated is the id of the rule that the same request made before, or "".
func (s *Service) repeated(r store.Reader, ru *rule) (string, error) {
	if ru.Token == "" {
		return "", nil
	}
	before, err := tokens.Get(r, ru.Region, ru.Token)
	if errors.Is(err, store.ErrNotFound) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	old, err := rules.Get(r, ru.Region, *before)
	if err != nil {
		return "", err
	}
	if old.Request != ru.Request {
		return "", invalid("The client request token was used before in a request with other parameters.")
	}
	return old.ID, nil
}

// name gives a rule a name that is free.
func (s *Service) name(tx *engine.Tx, ru *rule, name string) error {
	taken, err := names.Get(tx, ru.Region, name)
	switch {
	case err == nil && *taken != ru.ID:
		return &types.ResourceAlreadyExistsException{Message: aws.String(fmt.Sprintf("A notification rule with the name %s already exists.", name))}
	case err != nil && !errors.Is(err, store.ErrNotFound):
		return err
	}
	if ru.Name != name {
		if err := names.Delete(tx, ru.Region, ru.Name); err != nil {
			return err
		}
		ru.Name = name
	}
	return names.Put(tx, &ru.ID, ru.Region, name)
}

// UpdateNotificationRule replaces the members that are given; lists whole.
//
// Errors: ResourceNotFoundException, ResourceAlreadyExistsException,
// ValidationException.
func (s *Service) UpdateNotificationRule(ctx context.Context, in *codestarnotifications.UpdateNotificationRuleInput, _ ...func(*codestarnotifications.Options)) (*codestarnotifications.UpdateNotificationRuleOutput, error) {
	if err := checkTargets(in.Targets); err != nil {
		return nil, err
	}
	err := s.change(ctx, in.Arn, func(tx *engine.Tx, ru *rule) error {
		if in.EventTypeIds != nil {
			if err := s.checkEvents(ru.Region, ru.Resource, in.EventTypeIds); err != nil {
				return err
			}
			ru.EventTypes = in.EventTypeIds
		}
		if in.Name != nil {
			if err := s.name(tx, ru, *in.Name); err != nil {
				return err
			}
		}
		if in.Status != "" {
			ru.Status = in.Status
		}
		if in.DetailType != "" {
			ru.Detail = in.DetailType
		}
		ru.Modified = s.Engine.Now()
		if in.Targets != nil {
			return s.setTargets(tx, ru, in.Targets)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &codestarnotifications.UpdateNotificationRuleOutput{}, nil
}

// change edits a rule in a transaction.
func (s *Service) change(ctx context.Context, name *string, edit func(tx *engine.Tx, ru *rule) error) error {
	return s.Engine.Update(ctx, func(tx *engine.Tx) error {
		ru, err := s.rule(tx, identity.Region(ctx), name)
		if err != nil {
			return err
		}
		if err := edit(tx, ru); err != nil {
			return err
		}
		return rules.Put(tx, ru, ru.Region, ru.ID)
	})
}

// DeleteNotificationRule removes a rule; one that is not there is no error.
func (s *Service) DeleteNotificationRule(ctx context.Context, in *codestarnotifications.DeleteNotificationRuleInput, _ ...func(*codestarnotifications.Options)) (*codestarnotifications.DeleteNotificationRuleOutput, error) {
	err := s.Engine.Update(ctx, func(tx *engine.Tx) error {
		ru, err := s.rule(tx, identity.Region(ctx), in.Arn)
		var missing *types.ResourceNotFoundException
		if errors.As(err, &missing) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := s.setTargets(tx, ru, nil); err != nil {
			return err
		}
		if ru.Token != "" {
			if err := tokens.Delete(tx, ru.Region, ru.Token); err != nil {
				return err
			}
		}
		if err := names.Delete(tx, ru.Region, ru.Name); err != nil {
			return err
		}
		return rules.Delete(tx, ru.Region, ru.ID)
	})
	if err != nil {
		return nil, err
	}
	return &codestarnotifications.DeleteNotificationRuleOutput{Arn: in.Arn}, nil
}

// DescribeNotificationRule shows a rule.
//
// Errors: ResourceNotFoundException.
func (s *Service) DescribeNotificationRule(ctx context.Context, in *codestarnotifications.DescribeNotificationRuleInput, _ ...func(*codestarnotifications.Options)) (*codestarnotifications.DescribeNotificationRuleOutput, error) {
	var ru *rule
	var list []types.TargetSummary
	err := s.Engine.View(ctx, func(r store.Reader) (err error) {
		if ru, err = s.rule(r, identity.Region(ctx), in.Arn); err != nil {
			return err
		}
		list = []types.TargetSummary{}
		for _, t := range ru.Targets {
			kept, err := targets.Get(r, ru.Region, aws.ToString(t.TargetAddress))
			if err != nil {
				return err
			}
			list = append(list, kept.summary())
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	out := &codestarnotifications.DescribeNotificationRuleOutput{
		Arn: in.Arn, Name: aws.String(ru.Name), Resource: aws.String(ru.Resource), DetailType: ru.Detail, Status: ru.Status,
		CreatedBy: aws.String(ru.CreatedBy), CreatedTimestamp: aws.Time(ru.Created), LastModifiedTimestamp: aws.Time(ru.Modified),
		EventTypes: []types.EventTypeSummary{}, Targets: list, Tags: ru.Tags,
	}
	for _, id := range ru.EventTypes {
		out.EventTypes = append(out.EventTypes, eventType[id])
	}
	return out, nil
}

// ListNotificationRules shows rules by id.
//
// Errors: InvalidNextTokenException.
func (s *Service) ListNotificationRules(ctx context.Context, in *codestarnotifications.ListNotificationRulesInput, _ ...func(*codestarnotifications.Options)) (*codestarnotifications.ListNotificationRulesOutput, error) {
	want := filter{}
	for _, f := range in.Filters {
		want.add(string(f.Name), aws.ToString(f.Value))
	}
	out := &codestarnotifications.ListNotificationRulesOutput{}
	err := s.Engine.View(ctx, func(r store.Reader) (err error) {
		out.NotificationRules, out.NextToken, err = pageOf(r, rules, fmt.Sprint("ListNotificationRules/", want), in.NextToken, in.MaxResults,
			func(ru *rule) (types.NotificationRuleSummary, bool, error) {
				return types.NotificationRuleSummary{Id: aws.String(ru.ID), Arn: aws.String(s.arn(ru.Region, ru.ID))}, ru.passes(want), nil
			}, identity.Region(ctx))
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

func (ru *rule) passes(want filter) bool {
	var addresses []string
	for _, t := range ru.Targets {
		addresses = append(addresses, aws.ToString(t.TargetAddress))
	}
	return want.has(string(types.ListNotificationRulesFilterNameResource), ru.Resource) &&
		want.has(string(types.ListNotificationRulesFilterNameCreatedBy), ru.CreatedBy) &&
		want.has(string(types.ListNotificationRulesFilterNameEventTypeId), ru.EventTypes...) &&
		want.has(string(types.ListNotificationRulesFilterNameTargetAddress), addresses...)
}
