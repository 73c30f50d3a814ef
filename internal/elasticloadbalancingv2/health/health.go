// Package health is the state machine of a target's health, which knows no
// network, no store and no clock.
//
//	          registered, or its group comes into use
//	                         │
//	                         ▼       UnhealthyThreshold failures
//	   1 success ┌──────── initial ────────────────┐
//	             ▼                                 ▼
//	          healthy ──UnhealthyThreshold──▶ unhealthy
//	             ▲       failures in a row         │
//	             └────HealthyThreshold─────────────┘
//	                  successes in a row
//
//	any, deregistered ──▶ draining ──delay over──▶ gone (unused when asked for)
//	any, its group is in no rule ──▶ unused
package health

import "time"

// State of a target, spelled as AWS does.
type State string

// The states.
const (
	Initial   State = "initial"
	Healthy   State = "healthy"
	Unhealthy State = "unhealthy"
	Draining  State = "draining"
)

// Health is a target's state with AWS's reason for it and a sentence.
type Health struct {
	State  State
	Reason string    `json:",omitempty"`
	Why    string    `json:",omitempty"`
	Since  time.Time // of the state
}

// New is the health of a target whose checks begin.
func New(now time.Time) Health {
	return Health{Initial, "Elb.InitialHealthChecking", "Initial health checks in progress", now}
}

// Drain is the health of a target that takes no new requests.
func Drain(now time.Time) Health {
	return Health{Draining, "Target.DeregistrationInProgress", "Target deregistration is in progress", now}
}

// Run counts the results that were alike, one after another.
type Run struct{ Successes, Failures int }

// Result is one health check's.
type Result struct {
	OK bool
	// Reason and Why of a failure: Target.Timeout, "Request timed out".
	Reason, Why string
}

// Thresholds are how many results in a row change the state.
type Thresholds struct{ Healthy, Unhealthy int }

// Step is what a result makes of a target. A draining target stays so.
func Step(h Health, run Run, r Result, t Thresholds, now time.Time) (Health, Run) {
	if r.OK {
		run = Run{Successes: run.Successes + 1}
	} else {
		run = Run{Failures: run.Failures + 1}
	}
	switch {
	case h.State == Draining:
	case r.OK && (h.State == Initial || h.State == Unhealthy && run.Successes >= t.Healthy):
		h = Health{State: Healthy, Since: now}
	case r.OK || run.Failures < t.Unhealthy && h.State != Unhealthy:
	case h.State == Unhealthy:
		h.Reason, h.Why = r.Reason, r.Why // the last failure's
	default:
		h = Health{Unhealthy, r.Reason, r.Why, now}
	}
	return h, run
}
