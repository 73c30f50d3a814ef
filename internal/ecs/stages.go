package ecs

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
)

// stageMinutes is how long a stage may last, a day.
const stageMinutes = 24 * 60

// runStages is the state machine of a staged deployment: it goes on in the
// deployment's program as far as it can now, and then keeps the tasks of each
// revision what they shall be.
func (s *scheduler) runStages() {
	d := s.Service.Deploy
	if d.open() {
		s.begin()
		s.watch()
		for d.open() && s.advance() {
		}
	}
	for i := range s.Service.Rollouts {
		r := &s.Service.Rollouts[i]
		p := s.pool(r, s.wanted(r))
		p.keep()
		s.merge(p)
	}
	s.announceSteady()
}

// wanted is how many tasks a revision shall have.
func (s *scheduler) wanted(r *rollout) int {
	if r.Off {
		return 0
	}
	return int(s.Service.DesiredCount)
}

// gone tells whether no task of a deployment takes up room any more.
func (s *scheduler) gone(id string) bool {
	return !slices.ContainsFunc(s.all, func(v view) bool { return v.Deployment == id && isActive(v.Status) })
}

// settled tells whether a revision has exactly the tasks it shall have, all of
// them healthy.
func (s *scheduler) settled(r *rollout) bool {
	p := s.pool(r, s.wanted(r))
	p.count()
	return p.steady()
}

func (s *scheduler) announceSteady() {
	d := s.Service.Deploy
	s.announce(!d.open() && len(s.Service.Rollouts) == 1 && len(s.Start)+len(s.Stop) == 0 && s.settled(&s.Service.Rollouts[0]))
}

// announce tells when the service reaches its steady state.
func (s *scheduler) announce(steady bool) {
	if steady && !s.Service.Steady {
		s.say("has reached a steady state.")
		s.Emit = append(s.Emit, notice{Type: "INFO", Name: "SERVICE_STEADY_STATE"})
	}
	s.Service.Steady = steady
}

// begin notes that a deployment has left the state PENDING.
func (s *scheduler) begin() {
	if d := s.Service.Deploy; d != nil && d.Status == types.ServiceDeploymentStatusPending {
		d.Status, d.StartedAt, d.UpdatedAt = types.ServiceDeploymentStatusInProgress, s.now, s.now
		d.StepAt, d.StageAt = s.now, s.now
	}
}

// watch looks for what ends a staged deployment early.
func (s *scheduler) watch() {
	d := s.Service.Deploy
	if d.Back {
		return
	}
	// Once the source is being scaled in there is no way back.
	if steps := d.program(); d.Step < len(steps) && steps[d.Step].stage == types.ServiceDeploymentLifecycleStageCleanUp {
		return
	}
	if reason, back, failed := s.failure(s.Service.rollout(d.Target)); failed {
		s.abandon(reason, back)
	}
}

// Reasons why a deployment fails.
const (
	circuitBroken = "the circuit breaker threshold was exceeded."
	alarmed       = "of one or more active alarms."
)

// failure tells why a deployment must not go on, and whether it shall be taken
// back.
func (s *scheduler) failure(target *rollout) (reason string, back, failed bool) {
	d := s.Service.Deploy
	c := *s.Service.DeploymentConfiguration // as it is now
	if d.staged() {
		c = d.Config // as it was told
	}
	if b := c.DeploymentCircuitBreaker; target != nil {
		if d != nil {
			d.Failures = max(d.Failures, target.FailedTasks)
		}
		if b != nil && b.Enable && target.FailedTasks >= s.threshold() {
			return circuitBroken, b.Rollback, true
		}
	}
	switch {
	case !d.open() || d.Back:
	case d.Status == types.ServiceDeploymentStatusRollbackRequested:
		return "a rollback was requested.", true, true
	case d.Status == types.ServiceDeploymentStatusStopRequested:
		return "a stop was requested.", false, true
	case len(d.Triggered) > 0 && d.Config.Alarms != nil:
		return alarmed, d.Config.Alarms.Rollback, true
	}
	return "", false, false
}

// abandon ends a staged deployment: with all traffic back at the source, or
// where it is.
func (s *scheduler) abandon(why string, back bool) {
	d := s.Service.Deploy
	d.Errand, d.UpdatedAt = nil, s.now
	if n := len(d.Hooks); n > 0 && (d.Hooks[n-1].Status == hookRuns || d.Hooks[n-1].Status == hookWaits) {
		s.endHook(hookRefuses)
	}
	target, source := s.Service.rollout(d.Target), s.Service.rollout(d.Source)
	reason := "Service deployment stopped because " + why
	if back {
		reason = "Service deployment rolled back because " + why
	}
	target.RolloutState, target.UpdatedAt, target.RolloutStateReason = types.DeploymentRolloutStateFailed, aws.Time(s.now), &reason
	s.sayFailed(d.Target, why, reason)
	s.Emit = append(s.Emit, notice{Deployment: true, Type: "ERROR", Name: "SERVICE_DEPLOYMENT_FAILED", Reason: reason, ID: d.Target})
	if !back {
		d.end(types.ServiceDeploymentStatusStopped, reason, s.now)
		return
	}
	d.goBack(reason, s.now)
	if source == nil {
		d.end(types.ServiceDeploymentStatusRollbackFailed, noCandidate, s.now)
		return
	}
	d.Step, d.StepAt, d.StageAt = 0, s.now, s.now
	s.rollBack(*source)
}

// noCandidate is why a service's first deployment is not taken back.
const noCandidate = "No rollback candidate was found to run the rollback."

// goBack notes the beginning of a rollback.
func (d *deployment) goBack(reason string, now time.Time) {
	d.Status, d.Reason, d.Back, d.UpdatedAt = types.ServiceDeploymentStatusRollbackInProgress, reason, true, now
	d.Rollback = &types.Rollback{Reason: &reason, StartedAt: aws.Time(now)}
}

// advance does the current step, and tells whether there is a next one to look
// at.
func (s *scheduler) advance() bool {
	d := s.Service.Deploy
	steps := d.program()
	if d.Step >= len(steps) {
		s.finish()
		return false
	}
	at := steps[d.Step]
	if at.stage != d.Stage {
		d.Stage, d.StageAt, d.UpdatedAt = at.stage, s.now, s.now
	}
	if limit := d.StageAt.Add(stageMinutes * d.Minute); d.Back || at.do == retire || at.do == part || at.do == pause {
		// What is decided takes as long as it takes; pauses have limits of their own.
	} else if !s.now.Before(limit) {
		s.abandon(fmt.Sprintf("the stage %s took longer than 24 hours.", at.stage), true)
		return true
	} else {
		s.wake(limit)
	}
	done, back := false, d.Back
	switch at.do {
	case look:
		done = d.Config.Alarms == nil || !d.Config.Alarms.Enable || s.sent(at)
	case invoke, pause:
		done = s.hooked(at)
	case shift:
		done = s.shifted(at)
	case part:
		done = s.parted(at)
	case scale:
		s.Service.rollout(d.Target).Off = false
		done = true
	case settle:
		done = s.settled(s.Service.rollout(d.Target))
	case rest:
		until := d.StepAt.Add(d.minutes(at.minutes))
		if done = !s.now.Before(until); !done {
			s.wake(until)
		}
	case retire:
		id := d.Source
		if d.Back {
			id = d.Target
		}
		done = s.end(func(r *rollout) bool { return r.id() == id })
	case discard:
		done = s.end(func(r *rollout) bool { return r.id() != d.Source && r.id() != d.Target })
	}
	if done {
		d.Step, d.StepAt, d.Errand, d.UpdatedAt = d.Step+1, s.now, nil, s.now
	}
	return done || d.Back != back
}

// end scales some revisions to nothing, and tells whether they are gone.
func (s *scheduler) end(which func(*rollout) bool) bool {
	all := true
	s.Service.Rollouts = slices.DeleteFunc(s.Service.Rollouts, func(r rollout) bool { return which(&r) && s.gone(r.id()) })
	for i := range s.Service.Rollouts {
		if r := &s.Service.Rollouts[i]; which(r) {
			r.Off, all = true, false
		}
	}
	return all
}

// sent orders an errand once, and tells whether it is done. One that cannot be
// done ends the deployment.
func (s *scheduler) sent(at step) bool {
	d := s.Service.Deploy
	switch e := d.Errand; {
	case e == nil:
		s.order(at, nil)
		return false
	case e.Failed != "":
		s.fault("of invalid networking configuration. " + e.Failed)
		return false
	default:
		return e.Done
	}
}

func (s *scheduler) order(at step, details []byte) {
	d := s.Service.Deploy
	d.Errands++
	place := d.Step
	if d.Back {
		place = -1 - place
	}
	d.Errand = &errand{Number: d.Errands, Step: place, Do: at.do, Hook: at.hook, At: at.at, Production: at.production, Test: at.test, Details: details}
	s.Errand = d.Errand
}

// parted makes sure, before a revision ends, that no client stays with it by a
// cookie. A load balancer that refuses keeps its clients; the end does not wait
// for it.
func (s *scheduler) parted(at step) bool {
	e := s.Service.Deploy.Errand
	if e == nil {
		s.order(at, nil)
		return false
	}
	if e.Failed != "" {
		s.say("clients may stay with a target group that ends: " + e.Failed)
	}
	return e.Done || e.Failed != ""
}

// fault ends a deployment for what failed, or gives up its way back.
func (s *scheduler) fault(why string) {
	d := s.Service.Deploy
	if !d.Back {
		s.abandon(why, true)
		return
	}
	reason := "Service deployment rollback failed because " + why
	s.say("(deployment " + d.Target + ") rollback failed: " + strings.TrimPrefix(why, "of "))
	d.end(types.ServiceDeploymentStatusRollbackFailed, reason, s.now)
}

// shifted moves traffic. What was told to the load balancers is not told again;
// on the way back it is, because what was under way then may have been done.
func (s *scheduler) shifted(at step) bool {
	d := s.Service.Deploy
	if at.production > 0 {
		d.Shifted = true
	}
	if at.test > 0 {
		d.Tested = true
	}
	if !s.sent(at) {
		return false
	}
	if d.Production != at.production {
		s.say(fmt.Sprintf("(deployment %s) has %g%% of the production traffic.", d.Target, at.production))
	}
	d.Routed, d.Production, d.Test = true, at.production, at.test
	return true
}

// finish ends a deployment whose program is done.
func (s *scheduler) finish() {
	d := s.Service.Deploy
	r := &s.Service.Rollouts[0]
	r.RolloutState, r.UpdatedAt = types.DeploymentRolloutStateCompleted, aws.Time(s.now)
	r.RolloutStateReason = aws.String("ECS deployment " + r.id() + " completed.")
	done := *r
	s.Service.Completed = &done
	s.say("(deployment " + r.id() + ") deployment completed.")
	s.Emit = append(s.Emit, notice{Deployment: true, Type: "INFO", Name: "SERVICE_DEPLOYMENT_COMPLETED", Reason: *r.RolloutStateReason, ID: r.id()})
	if d.Back {
		d.end(types.ServiceDeploymentStatusRollbackSuccessful, d.Reason, s.now)
	} else {
		d.end(types.ServiceDeploymentStatusSuccessful, "", s.now)
	}
}
