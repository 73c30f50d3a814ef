// Package eventbridge is EventBridge: buses, rules that match events or fire on
// a schedule, and their targets.
//
//	event of a service (bus) ─┐                 ┌─▶ deliver ─▶ StartPipelineExecution, StartBuild,
//	PutEvents ────────────────┼─▶ match ─▶ jobs ┤              RunTask, a function, a topic, a log group, another bus
//	schedule (timer) ─────────┘                 └─▶ deliver …  anything else: a failed invocation
//
// Each arrow is one transaction with the jobs that follow it, so an event is
// delivered at least once. A delivery that fails for want of a permission or of
// its target is not tried again, others are for 24 hours or as the target's
// RetryPolicy says; then the failure is logged with rule, target and reason.
// Target kinds that are not there fail by name.
package eventbridge
