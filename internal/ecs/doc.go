// Package ecs is Amazon ECS: clusters, task definitions, services with rolling
// deployments or task sets, and tasks that are containers of the compute
// adapter.
//
// A task (task.go, function next) goes
//
//	                                        ┌─(in target groups)─ ACTIVATING
//	                                        │                        │ registered
//	PROVISIONING ──network──▶ PENDING ──all started──▶ RUNNING ◀─────┘
//	      │                      │                        │
//	      │    StopTask · scheduler · essential container ended · cannot start
//	      │                      │                        ▼
//	      │                      │                   DEACTIVATING (in target groups)
//	      ▼                      ▼                        │ deregistered, drained
//	DEPROVISIONING ◀──all ended── STOPPING ◀──────────────┘
//	      │ output shipped, containers removed
//	      ▼
//	   STOPPED
//
// One engine job per task looks at the task, does the next action and notes
// the result, until there is nothing to do. The end of a container, a health
// check, the last line of a log, an operation: each enqueues that job again.
// Containers have names that follow from the task's id, so an action that was
// cut off is found done, or is done again.
//
// A task is a target of the target groups that its service names (targets.go): by
// its address, or without one of its own by this machine, as the only instance
// that there is, and the machine's port that leads to it. It is written down as one before it is
// registered, and registering and deregistering may be repeated, so the targets
// are the tasks whatever is cut off. The load balancer's findings come as events
// that make the task's job look at its targets; the containers of a task are
// told to stop when the load balancer says that its targets are drained.
//
// A service (rollout.go, function schedule; moves.go) is a pure function from the
// service, its tasks and the time to a plan: tasks to start and stop,
// deployments that complete, fail or roll back, messages and events. The plan
// is carried out in the transaction that made it. A deployment goes
//
//	IN_PROGRESS ──desired count healthy, older tasks gone──▶ COMPLETED
//	     │
//	     └──circuit breaker──▶ FAILED ──rollback──▶ the newest COMPLETED one IN_PROGRESS
//
// Every change of what a service runs is a service deployment (deployment.go) of
// a service revision. With the strategies BLUE_GREEN, LINEAR and CANARY
// (stages.go) the tasks of the source and the target revision run side by side,
// each in one of the load balancer's two target groups, and the deployment goes
// through a program that follows from its configuration:
//
//	RECONCILE_SERVICE ─▶ PRE_SCALE_UP ─▶ SCALE_UP ─▶ POST_SCALE_UP
//	  others than the      hooks           target's     hooks
//	  source end                           tasks healthy  │
//	                                                      ▼
//	PRODUCTION_TRAFFIC_SHIFT ◀─ POST_TEST_TRAFFIC_SHIFT ◀─ TEST_TRAFFIC_SHIFT
//	  per step: hooks, weights,   hooks                      weights, hooks
//	  hooks, wait
//	      │
//	      ▼
//	POST_PRODUCTION_TRAFFIC_SHIFT ─▶ BAKE_TIME ─▶ CLEAN_UP ─▶ SUCCESSFUL
//	  hooks                            wait         source ends
//
//	any of them ──hook · alarm · circuit breaker · a person──▶ weights back to the
//	source, hooks of the shifts, target ends ─▶ ROLLBACK_SUCCESSFUL
//
// What needs another service (weights, hooks, the state of alarms) is an errand
// (errand.go): ordered in the transaction of the step, done by a job that may run
// twice, noted in another transaction. Shifts of a service are done one after
// another, so the last one ordered is the last one done.
//
// A service that someone else deploys, CodeDeploy or an external deployer, has
// task sets (taskset.go, tasksets.go), each scheduled on its own to its part of
// the service's desired count:
//
//	CreateTaskSet ──▶ ACTIVE ◀──UpdateServicePrimaryTaskSet──▶ PRIMARY
//	                    └──DeleteTaskSet──▶ DRAINING ◀──force────┘
//	                                           │ targets drained, tasks stopping
//	                                           ▼
//	                                         gone
//
// Whether one is in its steady state (all that are desired run, are healthy and
// have healthy targets) is told by events of the type ECS Service Action, whose
// detail has taskSetArns: TASKSET_STEADY_STATE, SERVICE_TASK_START_IMPAIRED,
// TASKS_STOPPED when a set is gone, and, which AWS has not, TASKSET_STABILIZING
// when one leaves its steady state. Who deploys waits for these. Of CodeDeploy's
// services ECS makes the first set; no operation on sets moves traffic. UpdateService
// can take such a service over, in place (controller_change.go).
//
// What a task definition or a service asks for and Slipway does not do is kept
// and shown: RunTask refuses it by name (lacking.go), a service's tasks fail to
// start saying so, and a service's events tell what is not done around its tasks
// (service_rules.go, undone): service discovery, Service Connect, VPC Lattice,
// placement constraints, images for another CPU architecture, fault injection,
// the agent of ExecuteCommand, which every task shows as STOPPED. On the one
// machine that there is, strategies of placement and the rebalancing of zones
// are kept whatever they say. The size of Fargate's ephemeral storage, CPU beyond
// a container's share and security groups limit nothing.
//
// Subnets, security groups, target groups, listener rules and the roles that
// move their traffic must exist and fit (subnets.go, balancers.go, traffic.go).
// What a lifecycle hook names is looked at when it is asked, as AWS's words for
// a refusal show; whether AWS looks earlier, too, is not known. Roles of tasks
// are looked at when a task starts.
//
// All tasks of a deployment run the image that its first one pulled (digest.go).
//
// Where this differs from AWS: a service's first deployment has all traffic from
// the start and no bake time; a hook of a shift is asked when its weights are in
// force, and one that fails, or wants to be asked again, on the way back is passed
// over; targets are registered and asked about in ECS's own role, not in the one of
// an advancedConfiguration; a task without health check counts as healthy after
// Config.StableAfter instead of 40 seconds; a task that ends before
// it ever counted as healthy is a failed one for the circuit breaker; the first
// health check comes after a second instead of a whole interval; a task whose
// container ended by itself is deregistered and not drained; launch type EC2
// needs no container instances, and means this machine, on which a DAEMON has
// one task and a port of the machine one holder; in the network mode bridge the
// containers of a task share one address.
package ecs
