package codepipeline

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline/types"

	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/id"
	"github.com/slipway-dev/slipway/internal/store"
)

// load reads the snapshot of a pipeline: its board, everything active on it,
// and one more execution if an event is about it ("" for none).
func (s *Service) load(r store.Reader, p *Pipeline, execution string) (*flow, error) {
	f := &flow{
		definitions: map[int32]*types.PipelineDeclaration{p.version(): &p.Declaration},
		executions:  map[string]*Execution{},
		now:         s.cfg.Engine.Now(),
		newID:       func() string { return id.UUID(s.cfg.IDs) },
	}
	var err error
	f.find = func(id string) *Execution {
		ex, ferr := executions.Get(r, p.key(id)...)
		if ferr != nil && !errors.Is(ferr, store.ErrNotFound) {
			f.trouble = ferr
		}
		return ex
	}
	if f.board, err = boards.Get(r, p.key()...); err != nil {
		return nil, fmt.Errorf("codepipeline: board of %s: %w", p.name(), err)
	}
	ids := f.board.Active
	if execution != "" {
		if _, err := s.executionOf(r, p, execution); err != nil {
			return nil, err
		}
		ids = append([]string{execution}, ids...)
	}
	for _, id := range ids {
		if f.executions[id] != nil {
			continue
		}
		ex, err := s.executionOf(r, p, id)
		if err != nil {
			return nil, err
		}
		f.executions[id] = ex
		v := aws.ToInt32(ex.PipelineVersion)
		if f.definitions[v] == nil {
			if f.definitions[v], err = versions.Get(r, p.key(number(uint64(v)))...); err != nil {
				return nil, fmt.Errorf("codepipeline: version %d of %s: %w", v, p.name(), err)
			}
		}
	}
	return f, nil
}

// save writes what a transition changed and records what follows from it.
func (s *Service) save(tx *engine.Tx, p *Pipeline, f *flow) error {
	if f.trouble != nil {
		return f.trouble
	}
	if len(f.begun) > 0 {
		if err := s.expire(tx, p, f); err != nil {
			return err
		}
	}
	for _, ex := range f.begun {
		key := store.Key(append([]string{executionNumbers}, p.key(number(ex.Number))...)...)
		if err := tx.Put(key, []byte(ex.ID())); err != nil {
			return err
		}
	}
	for _, e := range f.effects {
		if err := s.effect(tx, p, f, e); err != nil {
			return err
		}
	}
	for id := range f.changed {
		if err := executions.Put(tx, f.executions[id], p.key(id)...); err != nil {
			return err
		}
	}
	return boards.Put(tx, f.board, p.key()...)
}

func (s *Service) effect(tx *engine.Tx, p *Pipeline, f *flow, e effect) error {
	switch e := e.(type) {
	case startAction:
		return s.beginAction(tx, p, f, e)
	case abandonAction:
		a, err := actions.Get(tx, p.key(e.id)...)
		if err != nil {
			return err
		}
		return s.closeAction(tx, p, f, a, types.ActionExecutionStatusAbandoned, "ABANDONED")
	case ruleRan:
		return s.keepRule(tx, p, f, e)
	case abandonRule:
		a, err := actions.Get(tx, p.key(e.id)...)
		if err != nil {
			return err
		}
		return s.closeRule(tx, p, f, a, types.RuleExecutionStatusAbandoned, &Result{})
	case tellPipeline:
		return s.emitPipeline(tx, p, e)
	case tellStage:
		return s.emitStage(tx, p, e)
	}
	return fmt.Errorf("codepipeline: unknown effect %T", e)
}

// beginAction records a new action execution and the job that carries it out.
func (s *Service) beginAction(tx *engine.Tx, p *Pipeline, f *flow, e startAction) error {
	f.board.Actions++
	a := &ActionRecord{
		Number:      f.board.Actions,
		Declaration: *e.do,
		Deadline:    f.now.Add(timeout(e.do)),
		ActionExecutionDetail: types.ActionExecutionDetail{
			ActionExecutionId:   aws.String(e.id),
			ActionName:          e.do.Name,
			PipelineExecutionId: e.ex.PipelineExecutionId,
			PipelineVersion:     e.ex.PipelineVersion,
			StageName:           e.stage.Name,
			StartTime:           aws.Time(f.now),
			LastUpdateTime:      aws.Time(f.now),
			Status:              types.ActionExecutionStatusInProgress,
			Input: &types.ActionExecutionInput{
				ActionTypeId:  e.do.ActionTypeId,
				Configuration: e.do.Configuration,
				Namespace:     e.do.Namespace,
				Region:        aws.String(regionOf(p, e.do)),
				RoleArn:       e.do.RoleArn,
			},
		},
	}
	resolved, missing := resolve(e.do.Configuration, e.ex)
	a.Input.ResolvedConfiguration = resolved
	if missing != "" {
		a.Refused = &types.ErrorDetails{Code: aws.String("ConfigurationError"),
			Message: aws.String("The following variable reference could not be resolved because no action has set it: " + missing)}
	} else if size(resolved) > maxResolved {
		a.Refused = &types.ErrorDetails{Code: aws.String("ConfigurationError"),
			Message: aws.String("The resolved configuration of the action is larger than 100 KB")}
	}
	a.bring(e.do.InputArtifacts, e.ex)
	for _, out := range e.do.OutputArtifacts {
		a.Outputs = append(a.Outputs, s.place(p, e.do, aws.ToString(out.Name)))
	}
	for i := range e.ex.Overrides {
		if aws.ToString(e.ex.Overrides[i].ActionName) == aws.ToString(e.do.Name) {
			a.Override, a.Change = &e.ex.Overrides[i], e.ex.Change
		}
	}
	ref := actionRef{p.Region, p.name(), p.Generation, e.id}
	if err := running.Put(tx, &ref, e.id); err != nil {
		return err
	}
	for _, index := range []string{
		store.Key(append([]string{actionNumbers}, p.key(number(a.Number))...)...),
		store.Key(append([]string{executionActions}, p.key(e.ex.ID(), number(a.Number))...)...),
	} {
		if err := tx.Put(index, []byte(e.id)); err != nil {
			return err
		}
	}
	if err := actions.Put(tx, a, ref.key()...); err != nil {
		return err
	}
	if err := s.enqueueStep(tx, ref, false); err != nil {
		return err
	}
	if err := tx.Enqueue(engine.NewJob{Kind: timeoutJob, ID: e.id, At: a.Deadline, Payload: ref}); err != nil {
		return err
	}
	return s.emitAction(tx, p, a, "STARTED")
}

// bring notes where the inputs of an action are.
func (a *ActionRecord) bring(inputs []types.InputArtifact, ex *Execution) {
	for _, in := range inputs {
		art, ok := ex.Artifacts[aws.ToString(in.Name)]
		if !ok && a.Refused == nil {
			a.Refused = &types.ErrorDetails{Code: aws.String("ConfigurationError"),
				Message: aws.String("The input artifact " + aws.ToString(in.Name) + " was not made by the action that declares it")}
		}
		a.Inputs = append(a.Inputs, art)
	}
	a.Input.InputArtifacts = details(a.Inputs)
}

// closeAction ends an action execution with whatever result the record holds.
func (s *Service) closeAction(tx *engine.Tx, p *Pipeline, f *flow, a *ActionRecord, status types.ActionExecutionStatus, state string) error {
	a.Status = status
	a.LastUpdateTime = aws.Time(f.now)
	if err := s.release(tx, a, status == types.ActionExecutionStatusSucceeded); err != nil {
		return err
	}
	if err := actions.Put(tx, a, p.key(a.id())...); err != nil {
		return err
	}
	return s.emitAction(tx, p, a, state)
}

// release gives back what an action that ends has: jobs, and events to wait for.
func (s *Service) release(tx *engine.Tx, a *ActionRecord, succeeded bool) error {
	if err := s.unwatch(tx, a); err != nil {
		return err
	}
	if err := running.Delete(tx, a.id()); err != nil {
		return err
	}
	for _, kind := range []string{stepJob, timeoutJob} {
		if err := tx.Cancel(kind, a.id()); err != nil {
			return err
		}
	}
	if a.Job == "" {
		return nil
	}
	ended := types.JobStatusFailed
	if succeeded {
		ended = types.JobStatusSucceeded
	}
	return s.endJob(tx, a.Job, ended)
}

func (s *Service) unwatch(tx *engine.Tx, a *ActionRecord) error {
	for _, k := range a.Wake {
		if err := wakes.Delete(tx, k, a.id()); err != nil {
			return err
		}
	}
	a.Wake = nil
	return nil
}

// finish ends an action with a result and lets the pipeline go on. It does
// nothing if the action has ended already, or its pipeline is gone.
func (s *Service) finish(tx *engine.Tx, ref actionRef, r *Result, by string) error {
	a, p, err := unfinished(tx, ref)
	if err != nil || a == nil {
		return err
	}
	f, err := s.load(tx, p, aws.ToString(a.PipelineExecutionId))
	if err != nil {
		return err
	}
	ex := f.executions[aws.ToString(a.PipelineExecutionId)]
	if a.Rule != nil {
		return s.finishRule(tx, p, f, ex, a, r)
	}
	a.take(r)
	if by != "" {
		a.UpdatedBy = aws.String(by)
	}
	status, state := types.ActionExecutionStatusSucceeded, "SUCCEEDED"
	if r.Failure != nil {
		status, state = types.ActionExecutionStatusFailed, "FAILED"
	} else {
		ex.take(a, r)
	}
	if err := s.closeAction(tx, p, f, a, status, state); err != nil {
		return err
	}
	f.actionDone(ex, aws.ToString(a.ActionName), a.id(), status)
	return s.save(tx, p, f)
}

// take records what a provider reported.
func (a *ActionRecord) take(r *Result) {
	if a.Output == nil {
		a.Output = &types.ActionExecutionOutput{ExecutionResult: &types.ActionExecutionResult{}}
	}
	set := func(p **string, v string) {
		if v != "" {
			*p = aws.String(v)
		}
	}
	x := a.Output.ExecutionResult
	set(&x.ExternalExecutionId, r.ExternalID)
	set(&x.ExternalExecutionUrl, r.ExternalURL)
	set(&x.ExternalExecutionSummary, r.Summary)
	set(&x.LogStreamARN, r.LogStreamARN)
	if r.Summary != "" {
		a.Summary = r.Summary
	}
	if r.Token != "" {
		a.Token = r.Token
	}
	if r.Percent != nil {
		a.Percent = r.Percent
	}
	if r.Failure != nil {
		x.ErrorDetails = &types.ErrorDetails{Code: aws.String(r.Failure.Code), Message: aws.String(r.Failure.Message)}
		return
	}
	if !r.Done {
		return
	}
	a.Output.OutputVariables = r.Variables
	a.Output.OutputArtifacts = []types.ArtifactDetail{}
	for i := range a.Outputs {
		out := &a.Outputs[i]
		if v, ok := r.Versions[out.Name]; ok {
			out.VersionID = v
		}
		a.Output.OutputArtifacts = append(a.Output.OutputArtifacts, detail(*out))
	}
	if r.Revision != nil {
		a.Revision = &types.ActionRevision{RevisionId: r.Revision.RevisionId,
			RevisionChangeId: r.Revision.RevisionChangeIdentifier, Created: r.Revision.Created}
		a.RevisionURL = aws.ToString(r.Revision.RevisionUrl)
		for i := range a.Outputs {
			a.Outputs[i].Revision = aws.ToString(r.Revision.RevisionId)
		}
	}
}

// take hands an action's results on to the actions after it.
func (ex *Execution) take(a *ActionRecord, r *Result) {
	for _, out := range a.Outputs {
		if ex.Artifacts == nil {
			ex.Artifacts = map[string]Artifact{}
		}
		ex.Artifacts[out.Name] = out
	}
	if ns := aws.ToString(a.Declaration.Namespace); ns != "" {
		if ex.Outputs == nil {
			ex.Outputs = map[string]map[string]string{}
		}
		ex.Outputs[ns] = r.Variables
	}
	if r.Revision == nil || len(a.Outputs) == 0 {
		return
	}
	rev := *r.Revision
	rev.Name = aws.String(a.Outputs[0].Name)
	source := types.SourceRevision{ActionName: a.ActionName, RevisionId: rev.RevisionId,
		RevisionSummary: rev.RevisionSummary, RevisionUrl: rev.RevisionUrl}
	for i := range ex.ArtifactRevisions {
		if aws.ToString(ex.ArtifactRevisions[i].Name) == a.Outputs[0].Name {
			ex.ArtifactRevisions[i], ex.SourceRevisions[i] = rev, source
			return
		}
	}
	ex.ArtifactRevisions = append(ex.ArtifactRevisions, rev)
	ex.SourceRevisions = append(ex.SourceRevisions, source)
}

// timeout is how long an action may take.
func timeout(a *types.ActionDeclaration) time.Duration {
	if a.TimeoutInMinutes != nil {
		return time.Duration(*a.TimeoutInMinutes) * time.Minute
	}
	if n, err := strconv.Atoi(a.Configuration["DeploymentTimeout"]); err == nil && n > 0 {
		return time.Duration(n) * time.Minute
	}
	if a.ActionTypeId.Owner == types.ActionOwnerCustom {
		return customTimeout
	}
	if k := kindOf(a.ActionTypeId); k != nil {
		return k.timeout
	}
	return time.Hour
}

func size(m map[string]string) (n int) {
	for k, v := range m {
		n += len(k) + len(v)
	}
	return n
}
