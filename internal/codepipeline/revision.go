package codepipeline

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline/types"

	"github.com/slipway-dev/slipway/internal/aws/identity"
	"github.com/slipway-dev/slipway/internal/engine"
)

// PutActionRevision tells of a new revision in a source that nobody here can
// look at, mostly a custom one, and starts the pipeline. A revision that was
// told of before starts nothing.
//
// Errors: PipelineNotFoundException, StageNotFoundException,
// ActionNotFoundException, ValidationException,
// ConcurrentPipelineExecutionsLimitExceededException.
func (s *Service) PutActionRevision(ctx context.Context, in *codepipeline.PutActionRevisionInput, _ ...func(*codepipeline.Options)) (*codepipeline.PutActionRevisionOutput, error) {
	out := &codepipeline.PutActionRevisionOutput{}
	err := s.cfg.Engine.Update(ctx, func(tx *engine.Tx) error {
		p, err := s.pipelineOf(tx, identity.Region(ctx), aws.ToString(in.PipelineName))
		if err != nil {
			return err
		}
		stage, i := findStage(&p.Declaration, aws.ToString(in.StageName))
		if stage == nil {
			return stageNotFound(&p.Declaration, aws.ToString(in.StageName))
		}
		a := sourceAction(&p.Declaration, aws.ToString(in.ActionName))
		if i > 0 || a == nil {
			return &types.ActionNotFoundException{Message: aws.String(fmt.Sprintf("Stage '%s' of pipeline '%s' does not have a source action with name '%s'",
				aws.ToString(in.StageName), p.name(), aws.ToString(in.ActionName)))}
		}
		how := starting{
			trigger: types.ExecutionTrigger{TriggerType: types.TriggerTypePutActionRevision, TriggerDetail: aws.String(identity.From(ctx).ARN)},
			token: fmt.Sprintf("revision:%s:%q:%q", aws.ToString(a.Name), aws.ToString(in.ActionRevision.RevisionChangeId),
				aws.ToString(in.ActionRevision.RevisionId)),
		}
		before, err := startedBy(tx, p, how.token)
		if err != nil {
			return err
		}
		id, err := s.start(tx, p, how)
		out.NewRevision, out.PipelineExecutionId = before == "", aws.String(id)
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}
