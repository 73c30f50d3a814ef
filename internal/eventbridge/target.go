package eventbridge

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"

	"github.com/slipway-dev/slipway/internal/aws/arn"
	"github.com/slipway-dev/slipway/internal/aws/identity"
	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/page"
	"github.com/slipway-dev/slipway/internal/store"
)

// PutTargets adds targets to a rule, or replaces those with the same ids. The
// ones that are refused are in the answer; the others are kept.
//
// Errors: LimitExceededException, ResourceNotFoundException.
func (s *Service) PutTargets(ctx context.Context, in *eventbridge.PutTargetsInput, _ ...func(*eventbridge.Options)) (*eventbridge.PutTargetsOutput, error) {
	out := &eventbridge.PutTargetsOutput{FailedEntries: []types.PutTargetsResultEntry{}}
	err := s.Engine.Update(ctx, func(tx *engine.Tx) error {
		ru, err := s.findRule(ctx, tx, in.EventBusName, in.Rule)
		if err != nil {
			return err
		}
		out.FailedEntries = out.FailedEntries[:0]
		have := 0
		for _, err := range targets.All(tx, ru.Region, ru.Bus, ru.Name) {
			if err != nil {
				return err
			}
			have++
		}
		for _, t := range in.Targets {
			if problem := checkTarget(&t); problem != "" {
				out.FailedEntries = append(out.FailedEntries, types.PutTargetsResultEntry{TargetId: t.Id, ErrorCode: aws.String("ValidationException"), ErrorMessage: &problem})
				continue
			}
			_, err := targets.Get(tx, ru.Region, ru.Bus, ru.Name, *t.Id)
			if errors.Is(err, store.ErrNotFound) {
				if have++; have > maxTargets {
					return &types.LimitExceededException{Message: aws.String("The requested resource exceeds the maximum number allowed.")}
				}
			} else if err != nil {
				return err
			}
			if err := targets.Put(tx, &target{ru.Region, ru.Bus, ru.Name, t}, ru.Region, ru.Bus, ru.Name, *t.Id); err != nil {
				return err
			}
		}
		return nil
	})
	out.FailedEntryCount = int32(len(out.FailedEntries))
	return out, err
}

// checkTarget says what is wrong with a target, "" if nothing is.
func checkTarget(t *types.Target) string {
	a, ok := arn.Parse(aws.ToString(t.Arn))
	if !ok {
		return fmt.Sprintf("Parameter %s is not valid. Reason: Provided Arn is not in correct format.", aws.ToString(t.Arn))
	}
	given := 0
	for _, there := range []bool{t.Input != nil, t.InputPath != nil, t.InputTransformer != nil} {
		if there {
			given++
		}
	}
	switch {
	case given > 1:
		return fmt.Sprintf("Only one of Input, InputPath, or InputTransformer must be provided for target %s.", aws.ToString(t.Id))
	case t.Input != nil && !json.Valid([]byte(*t.Input)):
		return fmt.Sprintf("JSON syntax error in input for target %s", aws.ToString(t.Id))
	case t.InputPath != nil && !validPath(*t.InputPath):
		return fmt.Sprintf("Invalid InputPath for target %s.", aws.ToString(t.Id))
	case t.RoleArn == nil && needsRole(a):
		return fmt.Sprintf("RoleArn is required for target %s.", aws.ToString(t.Arn))
	case a.Service == "ecs" && (t.EcsParameters == nil || aws.ToString(t.EcsParameters.TaskDefinitionArn) == ""):
		return fmt.Sprintf("EcsParameters are required for target %s.", aws.ToString(t.Arn))
	}
	if t.InputTransformer != nil {
		if err := checkTransformer(t.InputTransformer); err != nil {
			return fmt.Sprintf("Invalid InputTransformer for target %s : %s", aws.ToString(t.Id), err)
		}
	}
	return ""
}

// needsRole tells which targets are called in a role of the target's.
func needsRole(a arn.ARN) bool {
	switch a.Service {
	case "codepipeline", "codebuild", "ecs", "states", "kinesis", "firehose", "ssm":
		return true
	}
	return false
}

// RemoveTargets removes targets; ids that are not there are no error.
func (s *Service) RemoveTargets(ctx context.Context, in *eventbridge.RemoveTargetsInput, _ ...func(*eventbridge.Options)) (*eventbridge.RemoveTargetsOutput, error) {
	out := &eventbridge.RemoveTargetsOutput{FailedEntries: []types.RemoveTargetsResultEntry{}}
	return out, s.Engine.Update(ctx, func(tx *engine.Tx) error {
		ru, err := s.findRule(ctx, tx, in.EventBusName, in.Rule)
		if err != nil {
			return err
		}
		for _, id := range in.Ids {
			if err := targets.Delete(tx, ru.Region, ru.Bus, ru.Name, id); err != nil {
				return err
			}
		}
		return nil
	})
}

// ListTargetsByRule lists the targets of a rule by their ids.
func (s *Service) ListTargetsByRule(ctx context.Context, in *eventbridge.ListTargetsByRuleInput, _ ...func(*eventbridge.Options)) (*eventbridge.ListTargetsByRuleOutput, error) {
	out := &eventbridge.ListTargetsByRuleOutput{}
	err := s.Engine.View(ctx, func(r store.Reader) error {
		ru, err := s.findRule(ctx, r, in.EventBusName, in.Rule)
		if err != nil {
			return err
		}
		req := page.Request{Scope: store.Key("ListTargetsByRule", identity.Region(ctx), ru.Bus, ru.Name), Token: in.NextToken, Max: page.Limit(in.Limit, maxPage)}
		out.Targets, out.NextToken, err = page.Of(r, targets, req, func(t *target) (types.Target, bool, error) { return t.Target, true, nil }, ru.Region, ru.Bus, ru.Name)
		return badToken(err)
	})
	return out, err
}
