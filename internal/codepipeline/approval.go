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

// approval waits for PutApprovalResult, which ends the action itself.
type approval struct{ *dependencies }

// approvalMemo notes that the reviewers were told, so that a restart does not
// tell them again.
type approvalMemo struct{}

// Step shows the token that the answer must carry: the action execution's id,
// which is fresh for every attempt and the same if this step is repeated. In
// PARALLEL mode AWS shows it as the external execution id only, so it is set
// there in every mode.
func (a approval) Step(ctx context.Context, w *Work) (*Result, error) {
	r := &Result{Token: w.ActionExecutionID, ExternalID: w.ActionExecutionID, ExternalURL: w.Configuration["ExternalEntityLink"]}
	if w.Memo != nil {
		return r, nil
	}
	if err := a.notify(ctx, w); err != nil {
		return nil, err
	}
	r.Memo = approvalMemo{}
	return r, nil
}

// PutApprovalResult answers an approval that waits.
//
// Errors: PipelineNotFoundException, StageNotFoundException,
// ActionNotFoundException, InvalidApprovalTokenException,
// ApprovalAlreadyCompletedException.
func (s *Service) PutApprovalResult(ctx context.Context, in *codepipeline.PutApprovalResultInput, _ ...func(*codepipeline.Options)) (*codepipeline.PutApprovalResultOutput, error) {
	var out codepipeline.PutApprovalResultOutput
	err := s.cfg.Engine.Update(ctx, func(tx *engine.Tx) error {
		p, err := s.pipelineOf(tx, identity.Region(ctx), aws.ToString(in.PipelineName))
		if err != nil {
			return err
		}
		a, err := s.approvalOf(tx, p, in)
		if err != nil {
			return err
		}
		caller := identity.From(ctx).ARN
		summary := aws.ToString(in.Result.Summary)
		r := &Result{Done: true, Summary: summary}
		if in.Result.Status == types.ApprovalStatusRejected {
			r = &Result{Summary: summary, Failure: &Failure{Code: jobFailed, Message: rejected(summary, caller)}}
		}
		out.ApprovedAt = aws.Time(s.cfg.Engine.Now())
		return s.finish(tx, actionRef{p.Region, p.name(), p.Generation, a.id()}, r, caller)
	})
	if err != nil {
		return nil, err
	}
	return &out, nil
}

func rejected(summary, by string) string {
	if summary == "" {
		return "The approval was rejected by " + by
	}
	return fmt.Sprintf("The approval was rejected by %s: %s", by, summary)
}

// approvalOf finds the approval that a token belongs to.
func (s *Service) approvalOf(r store.Reader, p *Pipeline, in *codepipeline.PutApprovalResultInput) (*ActionRecord, error) {
	stage, _ := findStage(&p.Declaration, aws.ToString(in.StageName))
	if stage == nil {
		return nil, stageNotFound(&p.Declaration, aws.ToString(in.StageName))
	}
	var decl *types.ActionDeclaration
	for i := range stage.Actions {
		if aws.ToString(stage.Actions[i].Name) == aws.ToString(in.ActionName) {
			decl = &stage.Actions[i]
		}
	}
	if decl == nil || decl.ActionTypeId.Category != types.ActionCategoryApproval {
		return nil, &types.ActionNotFoundException{Message: aws.String(fmt.Sprintf("Stage '%s' of pipeline '%s' does not have an approval action with name '%s'",
			aws.ToString(in.StageName), p.name(), aws.ToString(in.ActionName)))}
	}
	a, err := actions.Get(r, p.key(aws.ToString(in.Token))...)
	if errors.Is(err, store.ErrNotFound) || err == nil &&
		(aws.ToString(a.StageName) != aws.ToString(in.StageName) || aws.ToString(a.ActionName) != aws.ToString(in.ActionName)) {
		return nil, &types.InvalidApprovalTokenException{Message: aws.String("The approval token is not valid: it may have expired, or belong to another request")}
	}
	if err != nil {
		return nil, err
	}
	switch {
	case a.Status == types.ActionExecutionStatusInProgress:
		return a, nil
	case a.UpdatedBy != nil:
		return nil, &types.ApprovalAlreadyCompletedException{Message: aws.String("The approval has already been answered")}
	}
	return nil, &types.InvalidApprovalTokenException{Message: aws.String("The approval token is not valid: the request has expired")}
}
