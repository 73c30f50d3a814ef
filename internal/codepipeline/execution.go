package codepipeline

import (
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codepipeline/types"

	"github.com/slipway-dev/slipway/internal/bus/source"
)

// Execution is one run of a pipeline, as it is stored and as the state machine
// sees it. The embedded document is what GetPipelineExecution shows.
type Execution struct {
	types.PipelineExecution
	// Number counts the pipeline's executions; a higher one is newer.
	Number     uint64
	StartTime  time.Time
	LastUpdate time.Time
	// At is the index of the stage it is in, or waits for if Waiting.
	At      int
	Waiting bool `json:",omitempty"`
	// Rollback executions end after the stage they are for.
	OnlyStage bool `json:",omitempty"`
	// Outdated is set when the pipeline was updated under a running stage: the
	// execution ends Cancelled as soon as its actions are done.
	Outdated   bool                           `json:",omitempty"`
	StopReason *types.StopExecutionTrigger    `json:",omitempty"`
	Overrides  []types.SourceRevisionOverride `json:",omitempty"`
	// Change is what started it, if a connection's repository did.
	Change *source.Change `json:",omitempty"`
	// Stages holds those that were entered, by name.
	Stages map[string]*StageRun
	// Artifacts are those made so far, by name.
	Artifacts map[string]Artifact
	// Outputs are variables of actions, by namespace and key.
	Outputs map[string]map[string]string
	// SourceRevisions stand beside ArtifactRevisions, by the action that found them.
	SourceRevisions []types.SourceRevision
	// StartToken is what makes its start happen once, if anything.
	StartToken string `json:",omitempty"`
	// Attempt grows with every retry.
	Attempt int
}

// StageRun is what an execution did in one stage.
type StageRun struct {
	Status  types.StageExecutionStatus
	Started time.Time
	// Actions are the latest runs, by action name; none before its turn.
	Actions map[string]*ActionRun
	Retries int32 `json:",omitempty"`
	// Conditions are what came of the stage's conditions, by kind.
	Conditions map[types.ConditionType]*ConditionRun `json:",omitempty"`
	// Pending is the condition whose rules are at work, "" if none is.
	Pending types.ConditionType `json:",omitempty"`
	// AutoRetries counts those that the stage's onFailure made.
	AutoRetries int32 `json:",omitempty"`
}

// retryMetadata is how GetPipelineState shows the retries; latest is what made
// the last one.
func (r *StageRun) retryMetadata(latest types.RetryTrigger) *types.RetryStageMetadata {
	m := &types.RetryStageMetadata{LatestRetryTrigger: latest}
	if r.Retries > 0 {
		m.ManualStageRetryAttempt = aws.Int32(r.Retries)
	}
	if r.AutoRetries > 0 {
		m.AutoStageRetryAttempt = aws.Int32(r.AutoRetries)
	}
	return m
}

// ActionRun is one attempt at an action.
type ActionRun struct {
	ID     string // the action execution id
	Status types.ActionExecutionStatus
}

// Artifact is one object in an artifact store.
type Artifact struct {
	Name, Bucket, Key string
	// Revision is the commit or version of a source artifact, else "".
	Revision string `json:",omitempty"`
	// VersionID is the object's version if the bucket has versions.
	VersionID string `json:",omitempty"`
}

// ID is the pipeline execution id.
func (ex *Execution) ID() string { return aws.ToString(ex.PipelineExecutionId) }

// active reports whether the execution still takes part in the pipeline.
func (ex *Execution) active() bool {
	return ex.Status == types.PipelineExecutionStatusInProgress || ex.Status == types.PipelineExecutionStatusStopping
}

func (ex *Execution) parallel() bool { return ex.ExecutionMode == types.ExecutionModeParallel }

// atWork are the ids of the actions and rules that run.
func (r *StageRun) atWork() (ids []string) {
	for _, a := range r.Actions {
		if a.Status == types.ActionExecutionStatusInProgress {
			ids = append(ids, a.ID)
		}
	}
	if c := r.Conditions[r.Pending]; c != nil {
		for _, rule := range c.Rules {
			if rule.Status == types.RuleExecutionStatusInProgress {
				ids = append(ids, rule.ID)
			}
		}
	}
	return ids
}

func (r *StageRun) count(s types.ActionExecutionStatus) (n int) {
	for _, a := range r.Actions {
		if a.Status == s {
			n++
		}
	}
	return n
}

// Board is where a pipeline's executions stand: the locks of its stages, who
// waits in front of them, and the transitions.
type Board struct {
	// Version of the pipeline the board is for.
	Version int32
	// Executions, Actions and Rules count what was ever started.
	Executions, Actions uint64
	Rules               uint64 `json:",omitempty"`
	// Active are the ids of executions that run or wait, oldest first.
	Active []string
	// Stages by name.
	Stages map[string]*StageRow
}

// StageRow is one stage on the board.
type StageRow struct {
	// Holder is the execution that has the stage's lock, or "".
	Holder string `json:",omitempty"`
	// Latest is the execution that holds or last held the stage.
	Latest *types.StageExecution `json:",omitempty"`
	// Good is the last execution that succeeded in the stage with the current
	// structure and was no rollback itself: where a rollback goes to.
	Good string `json:",omitempty"`
	// Waiting are executions in front of the stage, in order of arrival.
	Waiting []string `json:",omitempty"`
	// Transition is nil if nobody ever touched it.
	Transition *types.TransitionState    `json:",omitempty"`
	Retry      *types.RetryStageMetadata `json:",omitempty"`
	// Actions are the last action execution ids by any execution, by name.
	Actions map[string]string `json:",omitempty"`
}

func (r *StageRow) open() bool { return r.Transition == nil || r.Transition.Enabled }
