// Package codedeploy is AWS CodeDeploy: applications, revisions, deployment
// configurations and groups, and the deployments themselves, for services of
// ECS and functions of Lambda. There are no instances here, so a deployment to
// the platform Server is made and fails with NO_INSTANCES; the operations on
// on-premises instances are not in the table of operations.
//
// # Life of a deployment
//
// One job of the engine per deployment (step.go) looks at it, asks the pure
// machine (flow.go) what is next, does that in the group's service role, and
// writes down what came of it, one transaction each:
//
//	Created
//	   │ start: read the revision, look at service, target groups, listeners
//	   ▼
//	InProgress
//	   BeforeInstall           hook
//	   Install                 green's target group joins the listener with
//	   │                       weight 0, the task set starts, is steady
//	   AfterInstall            hook
//	   AllowTestTraffic        test listener to green      (with a test listener)
//	   AfterAllowTestTraffic   hook
//	   │
//	   ├── STOP_DEPLOYMENT ──▶ Ready ── ContinueDeployment ──┐
//	   │                         └── time over ──▶ Stopped   │
//	   ▼                                                     │
//	   BeforeAllowTraffic      hook ◀────────────────────────┘
//	   AllowTraffic            weights, shift after shift; green becomes PRIMARY
//	   AfterAllowTraffic       hook
//	   │ termination wait, ContinueDeployment or SkipWaitTime… ends it
//	   ▼
//	   blue is deleted ──▶ Succeeded
//
// A deployment to Lambda has the hooks around AllowTraffic, whose weights are
// the alias's, and no waits.
//
//	anywhere before blue is deleted:
//	   failure ──────┐
//	   alarm ────────┤── without rollback ──▶ Failed or Stopped, all stays
//	   StopDeployment┘                        where it is
//	        │ with rollback
//	        ▼
//	   restore: production and test traffic to blue, blue PRIMARY
//	        │                                      │ cannot be done
//	        ▼                                      ▼
//	   Failed or Stopped, and in the same       Failed or Stopped, green stays,
//	   transaction a deployment by              rollbackMessage says why
//	   codeDeployRollback, which deletes green
//
// Everything may be done twice: green is found again by its external id, the
// deployment's; weights and PRIMARY are set, not changed. A hook's execution id
// is written down before the function is invoked, so a call that is repeated
// after a crash reports under the same id. What a job did in a turn that is over
// (the deployment was stopped meanwhile) is void, and the next look makes up for
// it.
//
// # What wakes it
//
// Events of the bus: of ECS about the service, of CloudWatch about an alarm that
// goes to ALARM. The engine's timer: the next shift, the end of a wait. The
// operations. After a restart each deployment looks once. Nothing polls; the
// alarms are read at each look.
//
// # Where this differs from AWS
//
// A group without a successful deployment is rolled back to what ran before,
// under a revision that says what that was. The limits of an hour for hooks and
// for Install are in minutes of Site.Minutes, and never below leastHook and
// leastInstall. Triggers on events of instances never fire. The test listener may
// forward to either group of the pair before a deployment. A deployment whose
// group or application is deleted gives the traffic back to blue.
package codedeploy
