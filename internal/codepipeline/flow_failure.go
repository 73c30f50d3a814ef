package codepipeline

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline/types"
)

// fail is what follows when actions of a stage have failed and the others have
// ended: one automatic retry, an automatic rollback, or the end of the
// execution.
func (f *flow) fail(ex *Execution) {
	stage := f.stage(ex)
	run := ex.Stages[aws.ToString(stage.Name)]
	on := stage.OnFailure
	if on != nil && on.Result == types.ResultRetry && run.AutoRetries == 0 {
		f.retryOnce(ex, on.RetryConfiguration)
		return
	}
	if v := f.evaluate(ex, onFailure); v != pending {
		f.failed(ex, v == met)
	}
}

// failed ends a failed stage whose condition for that is known.
func (f *flow) failed(ex *Execution, isMet bool) {
	if !isMet {
		f.refused(ex, onFailure)
		return
	}
	on := f.stage(ex).OnFailure
	if on == nil || on.Result != types.ResultRollback || !f.rollBackFrom(ex) {
		f.leave(ex, types.StageExecutionStatusFailed, types.PipelineExecutionStatusFailed, "FAILED")
	}
}

// retryOnce runs a failed stage again by itself. All actions do if the
// configuration does not say.
func (f *flow) retryOnce(ex *Execution, c *types.RetryConfiguration) {
	name := aws.ToString(f.stage(ex).Name)
	run := ex.Stages[name]
	f.emit(tellStage{ex, name, "FAILED"})
	mode := types.StageRetryModeAllActions
	if c != nil && c.RetryMode != "" {
		mode = c.RetryMode
	}
	runAgain(run, mode)
	run.AutoRetries++
	if !ex.parallel() {
		f.row(name).Retry = run.retryMetadata(types.RetryTriggerAutomatedStageRetry)
	}
	f.setStage(ex, types.StageExecutionStatusInProgress)
	f.emit(tellStage{ex, name, "RESUMED"})
	f.advance(ex)
}

// rollBackFrom ends a failed execution and begins its rollback, which gets the
// stage before anybody who waits for it. It does nothing and reports false for
// executions that are not rolled back, or if there is nothing to go back to.
func (f *flow) rollBackFrom(ex *Execution) bool {
	good := f.row(aws.ToString(f.stage(ex).Name)).Good
	if good == "" || ex.parallel() || ex.ExecutionType == types.ExecutionTypeRollback {
		return false
	}
	target := f.find(good)
	if target == nil || aws.ToInt32(target.PipelineVersion) != f.board.Version {
		return false
	}
	name := aws.ToString(f.stage(ex).Name)
	f.setStage(ex, types.StageExecutionStatusFailed)
	f.emit(tellStage{ex, name, "FAILED"})
	f.end(ex, types.PipelineExecutionStatusFailed, "FAILED")
	f.takeBack(target, ex.At, types.ExecutionTrigger{TriggerType: types.TriggerTypeAutomatedRollback,
		TriggerDetail: aws.String(`{"FailedPipelineExecutionId":"` + ex.ID() + `"}`)})
	return true
}

// rollback makes an execution that runs only one stage, with what another
// execution that succeeded there had.
//
// Errors: StageNotFoundException, UnableToRollbackStageException,
// PipelineExecutionOutdatedException, ConflictException.
func (f *flow) rollback(target *Execution, name string, trigger types.ExecutionTrigger) (*Execution, error) {
	_, i := findStage(f.definition(), name)
	unable := func(why string) error {
		return &types.UnableToRollbackStageException{Message: aws.String("Unable to roll back stage " + name + ": " + why)}
	}
	switch {
	case i < 0:
		return nil, stageNotFound(f.definition(), name)
	case f.definition().PipelineType == types.PipelineTypeV1:
		return nil, unable("rollback can only be used with V2 pipelines")
	case f.definition().ExecutionMode == types.ExecutionModeParallel:
		return nil, unable("the execution mode of the pipeline is PARALLEL")
	case i == 0:
		return nil, unable("the source stage cannot be rolled back")
	case aws.ToInt32(target.PipelineVersion) != f.board.Version:
		return nil, &types.PipelineExecutionOutdatedException{Message: aws.String("The pipeline structure has changed since the execution " + target.ID())}
	case target.ExecutionType == types.ExecutionTypeRollback:
		return nil, unable("the execution " + target.ID() + " is itself a rollback")
	case target.Stages[name] == nil || target.Stages[name].Status != types.StageExecutionStatusSucceeded:
		return nil, unable("the execution " + target.ID() + " did not succeed in it")
	case f.row(name).Holder != "":
		return nil, conflict("Stage " + name + " is in progress")
	}
	return f.takeBack(target, i, trigger), nil
}

// takeBack begins a rollback in a stage that is free. It goes past those who
// wait, and through a disabled transition: that is there to keep new revisions
// out.
func (f *flow) takeBack(target *Execution, at int, trigger types.ExecutionTrigger) *Execution {
	ex := f.newExecution(types.ExecutionTypeRollback, trigger)
	ex.RollbackMetadata = &types.PipelineRollbackMetadata{RollbackTargetPipelineExecutionId: target.PipelineExecutionId}
	ex.At, ex.OnlyStage = at, true
	ex.Variables, ex.ArtifactRevisions, ex.SourceRevisions = target.Variables, target.ArtifactRevisions, target.SourceRevisions
	ex.Artifacts, ex.Outputs = target.Artifacts, target.Outputs
	f.open(ex)
	f.row(aws.ToString(f.stage(ex).Name)).Holder = ex.ID()
	f.enter(ex)
	return ex
}
