package codepipeline

import (
	"context"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline/types"

	"github.com/slipway-dev/slipway/internal/aws/identity"
	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/store"
)

// The history of rules. Keys are those of the pipeline and what is named here.
const (
	ruleRuns store.Table[types.RuleExecutionDetail] = "codepipeline.rule" // number
	// executionRules: execution id, number → number.
	executionRules = "codepipeline.execution-rule"
)

// keepRule records a rule's execution.
func (s *Service) keepRule(tx *engine.Tx, p *Pipeline, f *flow, e ruleRan) error {
	f.board.Rules++
	at := number(f.board.Rules)
	d := &types.RuleExecutionDetail{
		PipelineExecutionId: e.ex.PipelineExecutionId, PipelineVersion: e.ex.PipelineVersion, RuleExecutionId: aws.String(e.run.ID),
		RuleName: e.rule.Name, StageName: e.stage.Name, StartTime: aws.Time(f.now), LastUpdateTime: aws.Time(f.now), Status: e.run.Status,
		Input: &types.RuleExecutionInput{RuleTypeId: e.rule.RuleTypeId, Configuration: e.rule.Configuration, ResolvedConfiguration: e.resolved,
			RoleArn: e.rule.RoleArn, Region: aws.String(ruleRegion(p, e.rule)), InputArtifacts: []types.ArtifactDetail{}},
		Output: &types.RuleExecutionOutput{ExecutionResult: &types.RuleExecutionResult{}},
	}
	if why := e.run.Failure; why != nil {
		d.Output.ExecutionResult.ExternalExecutionSummary = aws.String(why.Message)
		d.Output.ExecutionResult.ErrorDetails = &types.ErrorDetails{Code: aws.String(why.Code), Message: aws.String(why.Message)}
	}
	if err := tx.Put(store.Key(append([]string{executionRules}, p.key(e.ex.ID(), at)...)...), []byte(at)); err != nil {
		return err
	}
	if e.run.Status == types.RuleExecutionStatusInProgress {
		a, err := s.beginRule(tx, p, f, e, at)
		if err != nil {
			return err
		}
		d.Input.InputArtifacts = a.Input.InputArtifacts
	}
	return ruleRuns.Put(tx, d, p.key(at)...)
}

// conditionState is how GetPipelineState shows a condition; nil if it was not
// evaluated.
func (r *StageRun) conditionState(kind types.ConditionType) *types.StageConditionState {
	c := r.Conditions[kind]
	if c == nil {
		return nil
	}
	state := types.ConditionState{LatestExecution: &types.ConditionExecution{Status: c.Status, LastStatusChange: aws.Time(c.At)}}
	for _, rule := range c.Rules {
		x := &types.RuleExecution{RuleExecutionId: aws.String(rule.ID), Status: rule.Status, LastStatusChange: aws.Time(c.At)}
		if why := rule.Failure; why != nil {
			x.Summary = aws.String(why.Message)
			x.ErrorDetails = &types.ErrorDetails{Code: aws.String(why.Code), Message: aws.String(why.Message)}
		}
		state.RuleStates = append(state.RuleStates, types.RuleState{RuleName: aws.String(rule.Name), LatestExecution: x})
	}
	return &types.StageConditionState{LatestExecution: &types.StageConditionsExecution{Status: c.Status}, ConditionStates: []types.ConditionState{state}}
}

// ListRuleExecutions shows rule executions, newest first.
//
// Errors: PipelineNotFoundException, PipelineExecutionNotFoundException,
// InvalidNextTokenException.
func (s *Service) ListRuleExecutions(ctx context.Context, in *codepipeline.ListRuleExecutionsInput, _ ...func(*codepipeline.Options)) (*codepipeline.ListRuleExecutionsOutput, error) {
	out := &codepipeline.ListRuleExecutionsOutput{RuleExecutionDetails: []types.RuleExecutionDetail{}}
	var filter executionFilter
	if in.Filter != nil {
		var err error
		if filter, err = filterOf(in.Filter.PipelineExecutionId, in.Filter.LatestInPipelineExecution); err != nil {
			return nil, err
		}
	}
	err := s.cfg.Engine.View(ctx, func(r store.Reader) error {
		p, err := s.pipelineOf(r, identity.Region(ctx), aws.ToString(in.PipelineName))
		if err != nil {
			return err
		}
		prefix := store.Prefix(append([]string{string(ruleRuns)}, p.key()...)...)
		var current []string
		if filter.execution != "" {
			ex, err := s.executionOf(r, p, filter.execution)
			if err != nil {
				return err
			}
			for _, stage := range ex.Stages {
				for _, c := range stage.Conditions {
					for _, rule := range c.Rules {
						current = append(current, rule.ID)
					}
				}
			}
			prefix = store.Prefix(append([]string{executionRules}, p.key(filter.execution)...)...)
		}
		pg := page{scope: fmt.Sprint("ListRuleExecutions/", p.key(filter.execution), filter.latest), max: limit(in.MaxResults, 100), token: in.NextToken}
		out.NextToken, err = pg.each(r, store.Range{Prefix: prefix, Reverse: true}, func(e store.Entry) (bool, error) {
			var d *types.RuleExecutionDetail
			var err error
			if filter.execution != "" {
				d, err = ruleRuns.Get(r, p.key(string(e.Value))...)
			} else {
				d, err = ruleRuns.Decode(e.Value)
			}
			if err != nil || filter.latest && !slices.Contains(current, aws.ToString(d.RuleExecutionId)) {
				return false, err
			}
			out.RuleExecutionDetails = append(out.RuleExecutionDetails, *d)
			return true, nil
		})
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// ListRuleTypes shows the rule types that conditions here can use.
func (s *Service) ListRuleTypes(_ context.Context, _ *codepipeline.ListRuleTypesInput, _ ...func(*codepipeline.Options)) (*codepipeline.ListRuleTypesOutput, error) {
	out := &codepipeline.ListRuleTypesOutput{}
	for i := range ruleKinds {
		out.RuleTypes = append(out.RuleTypes, ruleKinds[i].ruleType())
	}
	return out, nil
}

// OverrideStageCondition lets an execution pass a condition that it failed by.
//
// Errors: PipelineNotFoundException and those of flow.override; an execution
// that is not there is a ValidationException.
func (s *Service) OverrideStageCondition(ctx context.Context, in *codepipeline.OverrideStageConditionInput, _ ...func(*codepipeline.Options)) (*codepipeline.OverrideStageConditionOutput, error) {
	err := s.change(ctx, aws.ToString(in.PipelineName), aws.ToString(in.PipelineExecutionId), func(_ *Pipeline, f *flow, ex *Execution) error {
		return f.override(ex, aws.ToString(in.StageName), in.ConditionType)
	})
	if unknown, ok := err.(*types.PipelineExecutionNotFoundException); ok { // not among the modelled errors of this operation
		return nil, invalid("%s", aws.ToString(unknown.Message))
	}
	if err != nil {
		return nil, err
	}
	return &codepipeline.OverrideStageConditionOutput{}, nil
}
