package codepipeline

import (
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline/types"

	"github.com/slipway-dev/slipway/internal/engine"
)

// ruleOf says of which condition an ActionRecord is a rule. Rules that take their
// time are carried out as actions are, step by step: their records live while
// they are at work, and what stays is their history.
type ruleOf struct {
	Condition types.ConditionType
	Number    string // of its entry in the history
}

func (r *ruleOf) condition() types.ConditionType {
	if r == nil {
		return ""
	}
	return r.Condition
}

func ruleRegion(p *Pipeline, r *types.RuleDeclaration) string {
	if own := aws.ToString(r.Region); own != "" {
		return own
	}
	return p.Region
}

// beginRule records a rule's work and the job that carries it out.
func (s *Service) beginRule(tx *engine.Tx, p *Pipeline, f *flow, e ruleRan, at string) (*ActionRecord, error) {
	r, kind := e.rule, ruleKindOf(e.rule.RuleTypeId)
	limit := kind.timeout
	if r.TimeoutInMinutes != nil {
		limit = time.Duration(*r.TimeoutInMinutes) * time.Minute
	}
	region := ruleRegion(p, r)
	a := &ActionRecord{
		Rule:     &ruleOf{Condition: e.kind, Number: at},
		Deadline: f.now.Add(limit),
		Declaration: types.ActionDeclaration{Name: r.Name, Configuration: r.Configuration, RoleArn: r.RoleArn, Region: aws.String(region),
			InputArtifacts: r.InputArtifacts, TimeoutInMinutes: r.TimeoutInMinutes,
			ActionTypeId: &types.ActionTypeId{Category: types.ActionCategory(types.RuleCategoryRule), Owner: types.ActionOwnerAws, Provider: aws.String(kind.provider), Version: aws.String("1")}},
		ActionExecutionDetail: types.ActionExecutionDetail{
			ActionExecutionId: aws.String(e.run.ID), ActionName: r.Name, PipelineExecutionId: e.ex.PipelineExecutionId, PipelineVersion: e.ex.PipelineVersion,
			StageName: e.stage.Name, StartTime: aws.Time(f.now), LastUpdateTime: aws.Time(f.now), Status: types.ActionExecutionStatusInProgress,
			Input: &types.ActionExecutionInput{Configuration: r.Configuration, ResolvedConfiguration: e.resolved, Region: aws.String(region), RoleArn: r.RoleArn},
		},
	}
	a.Input.ActionTypeId = a.Declaration.ActionTypeId
	a.bring(r.InputArtifacts, e.ex)
	ref := actionRef{p.Region, p.name(), p.Generation, e.run.ID}
	if err := running.Put(tx, &ref, ref.ID); err != nil {
		return nil, err
	}
	if err := actions.Put(tx, a, ref.key()...); err != nil {
		return nil, err
	}
	if err := s.enqueueStep(tx, ref, false); err != nil {
		return nil, err
	}
	return a, tx.Enqueue(engine.NewJob{Kind: timeoutJob, ID: ref.ID, At: a.Deadline, Payload: ref})
}

// finishRule ends a rule with a result and lets the pipeline go on.
func (s *Service) finishRule(tx *engine.Tx, p *Pipeline, f *flow, ex *Execution, a *ActionRecord, r *Result) error {
	status := types.RuleExecutionStatusSucceeded
	if r.Failure != nil {
		status = types.RuleExecutionStatusFailed
	}
	if err := s.closeRule(tx, p, f, a, status, r); err != nil {
		return err
	}
	f.ruleDone(ex, a.id(), r.Failure)
	return s.save(tx, p, f)
}

// closeRule ends a rule's work, of which its history stays.
func (s *Service) closeRule(tx *engine.Tx, p *Pipeline, f *flow, a *ActionRecord, status types.RuleExecutionStatus, r *Result) error {
	if err := s.release(tx, a, status == types.RuleExecutionStatusSucceeded); err != nil {
		return err
	}
	d, err := ruleRuns.Get(tx, p.key(a.Rule.Number)...)
	if err != nil {
		return err
	}
	a.take(r)
	x := a.Output.ExecutionResult
	d.Status, d.LastUpdateTime = status, aws.Time(f.now)
	d.Output.ExecutionResult = &types.RuleExecutionResult{ExternalExecutionId: x.ExternalExecutionId, ExternalExecutionUrl: x.ExternalExecutionUrl,
		ExternalExecutionSummary: x.ExternalExecutionSummary, ErrorDetails: x.ErrorDetails}
	if e := x.ErrorDetails; e != nil && x.ExternalExecutionSummary == nil {
		d.Output.ExecutionResult.ExternalExecutionSummary = e.Message
	}
	if err := ruleRuns.Put(tx, d, p.key(a.Rule.Number)...); err != nil {
		return err
	}
	return actions.Delete(tx, p.key(a.id())...)
}
