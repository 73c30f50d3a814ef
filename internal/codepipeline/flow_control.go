package codepipeline

import (
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline/types"
)

// stop ends an execution: at once if it waits, else when its running actions
// are done, or right away if they are abandoned.
//
// Errors: PipelineExecutionNotStoppableException if it does not run,
// DuplicatedStopRequestException if it is stopping and is not to be abandoned.
func (f *flow) stop(ex *Execution, abandon bool, reason string) error {
	if !ex.active() {
		return &types.PipelineExecutionNotStoppableException{Message: aws.String(fmt.Sprintf(
			"The pipeline execution %s is not in progress: its status is %s", ex.ID(), ex.Status))}
	}
	stopping := ex.Status == types.PipelineExecutionStatusStopping
	if stopping && !abandon {
		return &types.DuplicatedStopRequestException{Message: aws.String("The pipeline execution " + ex.ID() + " is already stopping")}
	}
	if !stopping {
		ex.Status = types.PipelineExecutionStatusStopping
		ex.StopReason = &types.StopExecutionTrigger{}
		if reason != "" {
			ex.StopReason.Reason = aws.String(reason)
		}
		f.touch(ex)
		f.emit(tellPipeline{ex, "STOPPING"})
	}
	if ex.Waiting {
		f.end(ex, types.PipelineExecutionStatusStopped, "STOPPED")
		return nil
	}
	name := aws.ToString(f.stage(ex).Name)
	if !stopping {
		f.setStage(ex, types.StageExecutionStatusStopping)
		f.emit(tellStage{ex, name, "STOPPING"})
	}
	if abandon {
		for _, a := range inOrder(f.stage(ex), ex.Stages[name]) {
			if a.Status == types.ActionExecutionStatusInProgress {
				a.Status = types.ActionExecutionStatusAbandoned
				f.emit(abandonAction{a.ID})
			}
		}
	}
	f.advance(ex)
	return nil
}

// inOrder are the runs of a stage in the order of the declaration.
func inOrder(stage *types.StageDeclaration, run *StageRun) (runs []*ActionRun) {
	for i := range stage.Actions {
		if r := run.Actions[aws.ToString(stage.Actions[i].Name)]; r != nil {
			runs = append(runs, r)
		}
	}
	return runs
}

// retry runs a failed or stopped stage again, from its failed actions or from
// the first.
//
// Errors: StageNotFoundException, StageNotRetryableException,
// NotLatestPipelineExecutionException, ConflictException,
// ConcurrentPipelineExecutionsLimitExceededException.
func (f *flow) retry(ex *Execution, name string, mode types.StageRetryMode) error {
	_, i := findStage(f.definition(), name)
	if i < 0 {
		return stageNotFound(f.definition(), name)
	}
	notRetryable := func(why string) error {
		return &types.StageNotRetryableException{Message: aws.String("Unable to retry stage " + name + ": " + why)}
	}
	if aws.ToInt32(ex.PipelineVersion) != f.board.Version {
		return notRetryable("the pipeline structure has changed since the execution " + ex.ID())
	}
	run := ex.Stages[name]
	if run == nil || ex.At != i || ex.Waiting {
		return notRetryable("it has no failed actions in the execution " + ex.ID())
	}
	if err := f.latest(ex, name); err != nil {
		return err
	}
	failed := run.count(types.ActionExecutionStatusFailed) + run.count(types.ActionExecutionStatusAbandoned)
	switch {
	case ex.Status == types.PipelineExecutionStatusStopping:
		return conflict("The pipeline execution " + ex.ID() + " is stopping")
	case ex.Outdated || ex.Status == types.PipelineExecutionStatusSucceeded:
		return notRetryable("the status of the execution " + ex.ID() + " is " + string(ex.Status))
	case ex.active() && run.Pending != "":
		return conflict("A condition of stage " + name + " is in progress")
	case ex.active() && failed == 0:
		return notRetryable("it has no failed actions in the execution " + ex.ID())
	case ex.active() && mode == types.StageRetryModeAllActions:
		return conflict("Actions of stage " + name + " are still in progress")
	case !ex.active() && f.full():
		return tooMany(f.definition())
	}
	runAgain(run, mode)
	run.Retries++
	f.comeBack(ex)
	if !ex.parallel() {
		f.row(name).Retry = run.retryMetadata(types.RetryTriggerManualStageRetry)
	}
	v := met
	if c := run.Conditions[beforeEntry]; c != nil && (c.Status == types.ConditionExecutionStatusFailed || c.Status == types.ConditionExecutionStatusAbandoned) {
		v = f.evaluate(ex, beforeEntry)
	}
	switch v {
	case unmet:
		f.refused(ex, beforeEntry)
	case met:
		f.advance(ex)
	}
	return nil
}

// latest refuses what is about a stage that another execution has entered.
//
// Errors: NotLatestPipelineExecutionException.
func (f *flow) latest(ex *Execution, name string) error {
	row := f.row(name)
	if !ex.parallel() && (row.Latest == nil || aws.ToString(row.Latest.PipelineExecutionId) != ex.ID()) {
		return &types.NotLatestPipelineExecutionException{Message: aws.String("The pipeline execution " + ex.ID() + " is not the latest one in stage " + name)}
	}
	return nil
}

// comeBack puts an execution that ended in a stage, or goes on in it, to work
// there again.
func (f *flow) comeBack(ex *Execution) {
	name := aws.ToString(f.stage(ex).Name)
	if !ex.active() {
		ex.Status, ex.StatusSummary = types.PipelineExecutionStatusInProgress, nil
		ex.Attempt++
		f.board.Active = append(f.board.Active, ex.ID())
		slices.SortFunc(f.board.Active, func(a, b string) int {
			return int(int64(f.executions[a].Number) - int64(f.executions[b].Number))
		})
		f.emit(tellPipeline{ex, "RESUMED"})
	}
	if !ex.parallel() {
		f.row(name).Holder = ex.ID()
	}
	f.setStage(ex, types.StageExecutionStatusInProgress)
	f.emit(tellStage{ex, name, "RESUMED"})
}

// runAgain forgets the runs of a stage whose actions are to run once more.
func runAgain(run *StageRun, mode types.StageRetryMode) {
	for action, r := range run.Actions {
		if mode == types.StageRetryModeAllActions || r.Status != types.ActionExecutionStatusSucceeded && r.Status != types.ActionExecutionStatusInProgress {
			delete(run.Actions, action)
		}
	}
}

// transition opens or closes the way into a stage. Repeating it is no error.
func (f *flow) transition(stage string, enabled bool, reason, by string) {
	row := f.row(stage)
	row.Transition = &types.TransitionState{Enabled: enabled, LastChangedAt: aws.Time(f.now), LastChangedBy: aws.String(by)}
	if !enabled {
		row.Transition.DisabledReason = aws.String(reason)
	}
	f.admit(stage)
}

// full reports whether no further execution may become active.
func (f *flow) full() bool {
	return f.definition().ExecutionMode != types.ExecutionModeSuperseded && len(f.board.Active) >= maxConcurrent
}

func tooMany(p *types.PipelineDeclaration) error {
	return &types.ConcurrentPipelineExecutionsLimitExceededException{Message: aws.String(fmt.Sprintf(
		"The pipeline '%s' has reached the limit of %d concurrent executions", aws.ToString(p.Name), maxConcurrent))}
}

func conflict(message string) error {
	return &types.ConflictException{Message: aws.String(message)}
}

func stageNotFound(p *types.PipelineDeclaration, name string) error {
	return &types.StageNotFoundException{Message: aws.String(fmt.Sprintf("Pipeline '%s' does not have a stage with name '%s'", aws.ToString(p.Name), name))}
}
