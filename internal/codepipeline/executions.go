package codepipeline

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline/types"

	"github.com/slipway-dev/slipway/internal/aws/identity"
	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/store"
)

// change runs one event of the state machine about an execution ("" for none).
func (s *Service) change(ctx context.Context, pipeline, execution string, event func(p *Pipeline, f *flow, ex *Execution) error) error {
	return s.cfg.Engine.Update(ctx, func(tx *engine.Tx) error {
		p, err := s.pipelineOf(tx, identity.Region(ctx), pipeline)
		if err != nil {
			return err
		}
		f, err := s.load(tx, p, execution)
		if err != nil {
			return err
		}
		if err := event(p, f, f.executions[execution]); err != nil {
			return err
		}
		return s.save(tx, p, f)
	})
}

// StopPipelineExecution stops an execution, waiting for its running actions or
// abandoning them.
//
// Errors: PipelineNotFoundException, PipelineExecutionNotStoppableException,
// DuplicatedStopRequestException.
func (s *Service) StopPipelineExecution(ctx context.Context, in *codepipeline.StopPipelineExecutionInput, _ ...func(*codepipeline.Options)) (*codepipeline.StopPipelineExecutionOutput, error) {
	err := s.change(ctx, aws.ToString(in.PipelineName), aws.ToString(in.PipelineExecutionId), func(_ *Pipeline, f *flow, ex *Execution) error {
		return f.stop(ex, in.Abandon, aws.ToString(in.Reason))
	})
	var unknown *types.PipelineExecutionNotFoundException
	if errors.As(err, &unknown) { // not among the modelled errors of this operation
		return nil, &types.PipelineExecutionNotStoppableException{Message: unknown.Message}
	}
	if err != nil {
		return nil, err
	}
	return &codepipeline.StopPipelineExecutionOutput{PipelineExecutionId: in.PipelineExecutionId}, nil
}

// RetryStageExecution runs a failed or stopped stage again.
//
// Errors: PipelineNotFoundException and those of flow.retry.
func (s *Service) RetryStageExecution(ctx context.Context, in *codepipeline.RetryStageExecutionInput, _ ...func(*codepipeline.Options)) (*codepipeline.RetryStageExecutionOutput, error) {
	err := s.change(ctx, aws.ToString(in.PipelineName), aws.ToString(in.PipelineExecutionId), func(_ *Pipeline, f *flow, ex *Execution) error {
		return f.retry(ex, aws.ToString(in.StageName), in.RetryMode)
	})
	var unknown *types.PipelineExecutionNotFoundException
	if errors.As(err, &unknown) { // as above
		return nil, &types.StageNotRetryableException{Message: unknown.Message}
	}
	if err != nil {
		return nil, err
	}
	return &codepipeline.RetryStageExecutionOutput{PipelineExecutionId: in.PipelineExecutionId}, nil
}

// RollbackStage runs a stage again with what an earlier execution had there.
//
// Errors: PipelineNotFoundException, PipelineExecutionNotFoundException and
// those of flow.rollback.
func (s *Service) RollbackStage(ctx context.Context, in *codepipeline.RollbackStageInput, _ ...func(*codepipeline.Options)) (*codepipeline.RollbackStageOutput, error) {
	var ex *Execution
	err := s.change(ctx, aws.ToString(in.PipelineName), aws.ToString(in.TargetPipelineExecutionId), func(_ *Pipeline, f *flow, target *Execution) (err error) {
		ex, err = f.rollback(target, aws.ToString(in.StageName), types.ExecutionTrigger{
			TriggerType: types.TriggerTypeManualRollback, TriggerDetail: aws.String(identity.From(ctx).ARN)})
		return err
	})
	if err != nil {
		return nil, err
	}
	return &codepipeline.RollbackStageOutput{PipelineExecutionId: ex.PipelineExecutionId}, nil
}

// EnableStageTransition lets executions into a stage (Inbound) or on from it
// (Outbound: the way into the next one).
//
// Errors: PipelineNotFoundException, StageNotFoundException.
func (s *Service) EnableStageTransition(ctx context.Context, in *codepipeline.EnableStageTransitionInput, _ ...func(*codepipeline.Options)) (*codepipeline.EnableStageTransitionOutput, error) {
	err := s.setTransition(ctx, aws.ToString(in.PipelineName), aws.ToString(in.StageName), in.TransitionType, true, "")
	if err != nil {
		return nil, err
	}
	return &codepipeline.EnableStageTransitionOutput{}, nil
}

// DisableStageTransition keeps executions in front of a stage until it is
// enabled again. Errors are as for EnableStageTransition.
func (s *Service) DisableStageTransition(ctx context.Context, in *codepipeline.DisableStageTransitionInput, _ ...func(*codepipeline.Options)) (*codepipeline.DisableStageTransitionOutput, error) {
	err := s.setTransition(ctx, aws.ToString(in.PipelineName), aws.ToString(in.StageName), in.TransitionType, false, aws.ToString(in.Reason))
	if err != nil {
		return nil, err
	}
	return &codepipeline.DisableStageTransitionOutput{}, nil
}

func (s *Service) setTransition(ctx context.Context, pipeline, stage string, t types.StageTransitionType, enabled bool, reason string) error {
	return s.change(ctx, pipeline, "", func(p *Pipeline, f *flow, _ *Execution) error {
		_, i := findStage(f.definition(), stage)
		if i < 0 {
			return stageNotFound(f.definition(), stage)
		}
		if t == types.StageTransitionTypeOutbound {
			if i++; i == len(f.definition().Stages) {
				return invalid("The stage %s is the last one and has no outbound transition", stage)
			}
		}
		f.transition(aws.ToString(f.definition().Stages[i].Name), enabled, reason, identity.From(ctx).ARN)
		return nil
	})
}

// GetPipelineExecution shows one execution.
//
// Errors: PipelineNotFoundException, PipelineExecutionNotFoundException.
func (s *Service) GetPipelineExecution(ctx context.Context, in *codepipeline.GetPipelineExecutionInput, _ ...func(*codepipeline.Options)) (*codepipeline.GetPipelineExecutionOutput, error) {
	var ex *Execution
	err := s.cfg.Engine.View(ctx, func(r store.Reader) error {
		p, err := s.pipelineOf(r, identity.Region(ctx), aws.ToString(in.PipelineName))
		if err != nil {
			return err
		}
		ex, err = s.executionOf(r, p, aws.ToString(in.PipelineExecutionId))
		return err
	})
	if err != nil {
		return nil, err
	}
	if ex.ArtifactRevisions == nil {
		ex.ArtifactRevisions = []types.ArtifactRevision{}
	}
	return &codepipeline.GetPipelineExecutionOutput{PipelineExecution: &ex.PipelineExecution}, nil
}

// ListPipelineExecutions shows executions, newest first.
//
// Errors: PipelineNotFoundException, InvalidNextTokenException.
func (s *Service) ListPipelineExecutions(ctx context.Context, in *codepipeline.ListPipelineExecutionsInput, _ ...func(*codepipeline.Options)) (*codepipeline.ListPipelineExecutionsOutput, error) {
	out := &codepipeline.ListPipelineExecutionsOutput{PipelineExecutionSummaries: []types.PipelineExecutionSummary{}}
	stage := ""
	if in.Filter != nil && in.Filter.SucceededInStage != nil {
		stage = aws.ToString(in.Filter.SucceededInStage.StageName)
	}
	err := s.cfg.Engine.View(ctx, func(r store.Reader) error {
		p, err := s.pipelineOf(r, identity.Region(ctx), aws.ToString(in.PipelineName))
		if err != nil {
			return err
		}
		pg := page{scope: fmt.Sprint("ListPipelineExecutions/", p.key(stage)), max: limit(in.MaxResults, 100), token: in.NextToken}
		prefix := store.Prefix(append([]string{executionNumbers}, p.key()...)...)
		out.NextToken, err = pg.each(r, store.Range{Prefix: prefix, Reverse: true}, func(e store.Entry) (bool, error) {
			ex, err := s.executionOf(r, p, string(e.Value))
			if err != nil {
				return false, err
			}
			if stage != "" && (aws.ToInt32(ex.PipelineVersion) != p.version() || ex.Stages[stage] == nil ||
				ex.Stages[stage].Status != types.StageExecutionStatusSucceeded) {
				return false, nil
			}
			out.PipelineExecutionSummaries = append(out.PipelineExecutionSummaries, ex.summary())
			return true, nil
		})
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

func (ex *Execution) summary() types.PipelineExecutionSummary {
	sum := types.PipelineExecutionSummary{
		PipelineExecutionId: ex.PipelineExecutionId, Status: ex.Status, StatusSummary: ex.StatusSummary,
		StartTime: aws.Time(ex.StartTime), LastUpdateTime: aws.Time(ex.LastUpdate), SourceRevisions: ex.SourceRevisions,
		Trigger: ex.Trigger, StopTrigger: ex.StopReason, ExecutionMode: ex.ExecutionMode, ExecutionType: ex.ExecutionType,
		RollbackMetadata: ex.RollbackMetadata,
	}
	if sum.SourceRevisions == nil {
		sum.SourceRevisions = []types.SourceRevision{}
	}
	return sum
}
