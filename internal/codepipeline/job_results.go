package codepipeline

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline/types"

	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/store"
)

// underWay reads a job that a worker has acknowledged.
//
// Errors: JobNotFoundException, InvalidJobStateException.
func underWay(r store.Reader, id *string) (*workerJob, error) {
	j, err := jobOf(r, id)
	if err == nil && j.Status != types.JobStatusInProgress {
		return nil, &types.InvalidJobStateException{Message: aws.String(fmt.Sprintf("The job %s is in the state %s: its result can be put while it is InProgress", j.ID, j.Status))}
	}
	return j, err
}

// PutJobSuccessResult ends an action, or, with a continuation token, the job
// only: then another one for the same action is queued.
//
// Errors: JobNotFoundException, InvalidJobStateException, ValidationException,
// OutputVariablesSizeExceededException.
func (s *Service) PutJobSuccessResult(ctx context.Context, in *codepipeline.PutJobSuccessResultInput, _ ...func(*codepipeline.Options)) (*codepipeline.PutJobSuccessResultOutput, error) {
	token := aws.ToString(in.ContinuationToken)
	if token != "" && len(in.OutputVariables) > 0 {
		return nil, invalid("Output variables can be put only without a continuation token")
	}
	if size(in.OutputVariables) > maxVariableBytes {
		return nil, &types.OutputVariablesSizeExceededException{Message: aws.String(fmt.Sprintf("The output variables are larger than %d bytes", maxVariableBytes))}
	}
	r := &Result{Done: token == "", Variables: in.OutputVariables}
	if d := in.ExecutionDetails; d != nil {
		r.Summary, r.ExternalID, r.Percent = aws.ToString(d.Summary), aws.ToString(d.ExternalExecutionId), d.PercentComplete
	}
	if c := in.CurrentRevision; c != nil {
		r.Revision = &types.ArtifactRevision{RevisionId: c.Revision, RevisionChangeIdentifier: c.ChangeIdentifier, Created: c.Created, RevisionSummary: c.RevisionSummary}
	}
	err := s.cfg.Engine.Update(ctx, func(tx *engine.Tx) error {
		j, err := underWay(tx, in.JobId)
		if err != nil {
			return err
		}
		if err := links(tx, j, r); err != nil {
			return err
		}
		if token == "" {
			return s.finish(tx, j.Action, r, "")
		}
		return s.goOn(tx, j, r, token)
	})
	if err != nil {
		return nil, err
	}
	return &codepipeline.PutJobSuccessResultOutput{}, nil
}

// links adds to a result the addresses that its action type makes of it.
func links(r store.Reader, j *workerJob, result *Result) error {
	if j.Type.Owner != types.ActionOwnerCustom {
		return nil
	}
	a, err := actions.Get(r, j.Action.key()...)
	if err != nil {
		return err
	}
	t, err := customTypes.Get(r, typeKey(j.Action.Region, &j.Type)...)
	if err != nil {
		return err
	}
	c := mask(a.Input.ResolvedConfiguration)
	result.ExternalURL = link(t.Settings.ExecutionUrlTemplate, c, "ExternalExecutionId", result.ExternalID)
	if v := result.Revision; v != nil {
		if u := link(t.Settings.RevisionUrlTemplate, c, "RevisionId", aws.ToString(v.RevisionId)); u != "" {
			v.RevisionUrl = aws.String(u)
		}
	}
	return nil
}

// goOn ends a job and queues the next one of its action.
func (s *Service) goOn(tx *engine.Tx, j *workerJob, r *Result, token string) error {
	a, _, err := unfinished(tx, j.Action)
	if err != nil || a == nil {
		return err
	}
	if err := s.endJob(tx, j.ID, types.JobStatusSucceeded); err != nil {
		return err
	}
	a.take(r)
	a.LastUpdateTime = aws.Time(tx.Now())
	if j.Type.Owner == types.ActionOwnerCustom {
		err = s.offer(tx, a, j.Action, token)
	} else {
		at := tx.Now().Add(continueAfter)
		if err = s.assign(tx, a, j.Action, token, at); err == nil {
			err = tx.Enqueue(engine.NewJob{Kind: stepJob, ID: j.Action.ID, Payload: stepPayload{actionRef: j.Action}, At: at})
		}
	}
	if err != nil {
		return err
	}
	return actions.Put(tx, a, j.Action.key()...)
}

// PutJobFailureResult fails an action.
//
// Errors: JobNotFoundException, InvalidJobStateException.
func (s *Service) PutJobFailureResult(ctx context.Context, in *codepipeline.PutJobFailureResultInput, _ ...func(*codepipeline.Options)) (*codepipeline.PutJobFailureResultOutput, error) {
	d := in.FailureDetails
	r := &Result{Failure: &Failure{Code: string(d.Type), Message: aws.ToString(d.Message)}, ExternalID: aws.ToString(d.ExternalExecutionId)}
	err := s.cfg.Engine.Update(ctx, func(tx *engine.Tx) error {
		j, err := underWay(tx, in.JobId)
		if err != nil {
			return err
		}
		if err := links(tx, j, r); err != nil {
			return err
		}
		return s.finish(tx, j.Action, r, "")
	})
	if err != nil {
		return nil, err
	}
	return &codepipeline.PutJobFailureResultOutput{}, nil
}
