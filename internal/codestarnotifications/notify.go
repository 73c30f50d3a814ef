package codestarnotifications

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codestarnotifications/types"

	"github.com/slipway-dev/slipway/internal/aws/wire"
	"github.com/slipway-dev/slipway/internal/bus"
	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/store"
)

// principal is who publishes for rules.
const principal = "codestar-notifications.amazonaws.com"

// Topics is SNS. An error that is a *wire.Error tells why the topic takes no
// message, and has changed nothing.
type Topics interface {
	Notify(tx *engine.Tx, principal, source, topicARN, subject, text string) error
}

// message is what a topic gets, with members in AWS's order. What AWS adds to
// some events of rules with full detail is not there.
type message struct {
	Account    string          `json:"account"`
	DetailType string          `json:"detailType"`
	Region     string          `json:"region"`
	Source     string          `json:"source"`
	Time       string          `json:"time"`
	Rule       string          `json:"notificationRuleArn"`
	Detail     json.RawMessage `json:"detail"`
	Resources  []string        `json:"resources"`
	Additional struct{}        `json:"additionalAttributes"`
}

// watching are the enabled rules of a region by the resources they are about.
type watching map[string][]*rule

func (s *Service) watching(ctx context.Context, region string) (watching, error) {
	return s.memo.View(ctx, s.Engine, region, func(r store.Reader) (watching, error) {
		all := watching{}
		for ru, err := range rules.All(r, region) {
			if err != nil {
				return nil, err
			}
			if ru.Status == types.NotificationRuleStatusEnabled {
				all[ru.Resource] = append(all[ru.Resource], ru)
			}
		}
		return all, nil
	})
}

// received tells the targets of the rules that are about an event.
func (s *Service) received(ctx context.Context, ev bus.Event) error {
	resource, ids := occurrences(&ev)
	if len(ids) == 0 {
		return nil
	}
	all, err := s.watching(ctx, ev.Region)
	if err != nil {
		return err
	}
	for _, ru := range all[resource] {
		if !slices.ContainsFunc(ids, func(id string) bool { return slices.Contains(ru.EventTypes, id) }) {
			continue
		}
		text, err := s.text(ru, &ev)
		if err != nil {
			return err
		}
		err = s.Engine.Update(ctx, func(tx *engine.Tx) error {
			for _, t := range ru.Targets {
				if err := s.tell(tx, ru, aws.ToString(t.TargetAddress), aws.ToString(t.TargetType), text); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *Service) text(ru *rule, ev *bus.Event) (string, error) {
	b, err := json.Marshal(message{Account: ev.Account, DetailType: ev.DetailType, Region: ev.Region, Source: ev.Source, Time: ev.Time.UTC().Format(time.RFC3339),
		Rule: s.arn(ru.Region, ru.ID), Detail: ev.Detail, Resources: ev.Resources})
	return string(b), err
}

// tell sends a message to one target, and notes whether that can be reached.
func (s *Service) tell(tx *engine.Tx, ru *rule, address, kind, text string) error {
	status, why := types.TargetStatusActive, ""
	if kind != "SNS" {
		status, why = types.TargetStatusUnreachable, "targets of the type "+kind+" are not implemented by Slipway"
	} else {
		err := s.Topics.Notify(tx, principal, s.arn(ru.Region, ru.ID), address, "", text)
		var told *wire.Error
		if errors.As(err, &told) {
			status, why = types.TargetStatusUnreachable, told.Message
		} else if err != nil {
			return err
		}
	}
	if why != "" {
		s.Log.Warn("the target of a notification rule was not notified", "rule", s.arn(ru.Region, ru.ID), "target", address, "reason", why)
	}
	t, err := targets.Get(tx, ru.Region, address)
	if errors.Is(err, store.ErrNotFound) || err == nil && t.Status == status {
		return nil
	}
	if err != nil {
		return err
	}
	t.Status = status
	return targets.Put(tx, t, ru.Region, address)
}
