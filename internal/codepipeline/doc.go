// Package codepipeline is AWS CodePipeline: pipelines, their executions and
// the actions that do the work.
//
// # Where an execution stands
//
// A pipeline has a board: for each stage the lock's holder, the executions that
// wait in front, and whether the transition is enabled. In SUPERSEDED mode only
// the newest of those that wait stays; in QUEUED mode all do, in order; PARALLEL
// executions know no locks and wait for transitions only.
//
//	start, or the stage before has succeeded
//	      │ arrive
//	      ▼
//	  waiting ── a newer one arrives ──────▶ Superseded    (SUPERSEDED mode)
//	      │  └── stop ─────────────────────▶ Stopped
//	      │  └── the pipeline is updated ──▶ Cancelled
//	      │ transition enabled, stage free: takes the lock
//	      │  └── its entry condition is not met ─▶ Failed, or the stage is skipped
//	      ▼
//	  in the stage: groups of actions by run order, each group at once
//	      │  └── an action failed, its siblings have ended ─▶ Failed ───┐
//	      │  └── stop, its actions have ended or are abandoned          │
//	      │        Stopping ────────────────────────────────▶ Stopped ──┤
//	      │  └── the pipeline was updated, its actions have             │ retry of
//	      │      ended ─────────────────────────────────────▶ Cancelled │ the stage
//	      │  └── its success condition is not met ───────▶ Failed ──────┤
//	      │ all succeeded: gives back the lock                          │
//	      ▼                         back into the stage ◀───────────────┘
//	  the next stage, or Succeeded
//
// A condition has rules. What a variable says is known at once; an alarm, a
// function or a deployment window is waited for within the stage, and the rule
// carried out as actions are (rule_run.go).
//
// A stage that failed may be tried once more by itself, or a rollback execution
// may begin, which runs this stage only, with what worked there before.
//
// The state machine is in the files flow*.go, pure: a snapshot and an event give
// the new state and effects. transition.go loads and saves it and
// records the effects, all in one transaction.
//
// # Life of an action
//
// An action execution is a record and a job of the engine. The job asks the
// provider (one adapter per file: source_*.go, build.go, deploy_*.go, invoke_*.go) for one
// step and records what came out:
//
//	startAction ─▶ step ── done, failed ─────────────────▶ the machine goes on
//	                ▲  │
//	  the event     │  └── again ──▶ step                    (memo recorded)
//	  it waits for  │  └── waits for an event
//	  has come, or  └─────┘
//	  a restart
//
// A second job at the deadline fails whatever still runs. Nothing polls: builds
// and deployments announce themselves on the bus, approvals by PutApprovalResult,
// custom actions and functions by the results of their jobs (jobs.go), and after a
// restart every waiting action looks at its work once (Resume).
//
// # What starts a pipeline
//
// Creation, StartPipelineExecution, PutActionRevision, deliveries to webhooks,
// and changes of its sources: AWS polls sources unless PollForSourceChanges is
// false; here the change's event on the bus starts the execution at once, each
// event once. watch.go keeps the index by which an event finds pipelines,
// triggers.go has the filters of V2 pipelines.
package codepipeline
