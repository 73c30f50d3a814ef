package ecs

import (
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
)

// drain stops everything; the service is INACTIVE when nothing runs.
func (s *scheduler) drain() {
	for _, v := range s.all {
		if !v.Stopping {
			s.Stop = append(s.Stop, stop{v.ID, s.scaling()})
		}
	}
	s.sayStopped()
	if d := s.Service.Deploy; d.open() {
		d.end(types.ServiceDeploymentStatusStopped, "Service deployment stopped because the service is being deleted.", s.now)
	}
	if !slices.ContainsFunc(s.all, func(v view) bool { return isActive(v.Status) }) {
		s.Service.Status = aws.String("INACTIVE")
		s.Service.Rollouts = nil
	}
}

// replaceUnhealthy stops tasks that failed their health check: at once if
// enough others are healthy, or if there is no room for a replacement first.
func (s *scheduler) replaceUnhealthy() {
	for _, v := range slices.Clone(s.tasks) {
		if !s.bad(v) {
			continue
		}
		s.blame(v)
		if s.healthy >= s.minHealthy || len(s.good()) < s.desired && len(s.tasks) >= s.maxTotal {
			why := s.complain(v)
			s.stop(v, why)
			if v.Deployment == s.primary().id() {
				s.primary().fail(s.now, why)
			}
		}
	}
}

// blame says, once, what load balancers found.
func (s *scheduler) blame(v view) {
	for _, m := range v.Targets {
		if m.failed() && !m.Blamed {
			where := fmt.Sprintf("(task %s) (port %d)", v.ID, m.Port)
			if m.Machine != "" {
				where = fmt.Sprintf("(task %s) (instance %s) (port %d)", v.ID, m.Machine, m.HostPort)
			}
			s.say(fmt.Sprintf("%s is unhealthy in (target-group %s) due to (reason %s)", where, m.Group, m.Why))
			s.Blamed = append(s.Blamed, v.ID)
		}
	}
}

// complain is why a task that is unhealthy stops.
func (s *scheduler) complain(v view) string {
	if v.Health == types.HealthStatusUnhealthy {
		s.say("(task " + v.ID + ") failed container health checks.")
		return "Task failed container health checks"
	}
	i := slices.IndexFunc(v.Targets, func(m membership) bool { return m.failed() })
	return "Task failed ELB health checks in (target-group " + v.Targets[i].Group + ")"
}

func (s *scheduler) threshold() int32 {
	return thresholdOf(s.Service.DeploymentConfiguration.DeploymentCircuitBreaker, s.desired)
}

// breakCircuit fails a rolling deployment whose tasks keep failing, or that
// alarms or someone ends, and goes back to the newest one that completed if that
// is wanted.
func (s *scheduler) breakCircuit() {
	p := s.primary()
	if p.RolloutState != types.DeploymentRolloutStateInProgress {
		return
	}
	why, back, failed := s.failure(p)
	if !failed {
		if b := s.Service.DeploymentConfiguration.DeploymentCircuitBreaker; b == nil || !b.Enable {
			s.impair()
		}
		return
	}
	id, target, d := p.id(), s.Service.Completed, s.Service.Deploy
	wanted := back
	back = back && target != nil && target.id() != id
	reason := "Service deployment stopped because " + why
	if wanted {
		reason = "Service deployment rolled back because " + why
	}
	what := reason
	if why == circuitBroken { // the words of the deployments' own documents
		what = "ECS deployment circuit breaker: tasks failed to start."
		if back {
			what = fmt.Sprintf("ECS deployment circuit breaker: rolling back to deploymentId %s.", target.id())
		}
	}
	p.RolloutState, p.UpdatedAt, p.RolloutStateReason = types.DeploymentRolloutStateFailed, aws.Time(s.now), &what
	s.sayFailed(id, why, reason)
	s.Emit = append(s.Emit, notice{Deployment: true, Type: "ERROR", Name: "SERVICE_DEPLOYMENT_FAILED", Reason: what, ID: id})
	switch {
	case d.open() && d.Back:
		d.end(types.ServiceDeploymentStatusRollbackFailed, "Service deployment rollback failed because "+why, s.now)
	case d.open() && wanted:
		d.goBack(reason, s.now)
		if !back {
			d.end(types.ServiceDeploymentStatusRollbackFailed, noCandidate, s.now)
		}
	case d.open():
		d.end(types.ServiceDeploymentStatusStopped, reason, s.now)
	}
	if back {
		s.rollBack(*target)
	}
}

// troubleshooting is the end of some messages.
const troubleshooting = " For more information, see the Troubleshooting section of the Amazon ECS Developer Guide."

// sayFailed tells that a deployment failed, in the words that AWS has for the
// most frequent reasons.
func (s *scheduler) sayFailed(id, why, reason string) {
	switch why {
	case circuitBroken:
		reason = "tasks failed to start."
	case alarmed:
		reason = "alarm detected."
	}
	s.say(fmt.Sprintf("(deployment %s) deployment failed: %s", id, reason))
}

// impair announces, once, that tasks keep failing, and, which AWS does not, why.
func (s *scheduler) impair() {
	p := s.primary()
	impaired := p.FailedTasks >= freeFailures
	if impaired && !p.Impaired {
		last := ""
		if p.Trouble != "" {
			last = " The last one stopped: " + p.Trouble + "."
		}
		s.say("is unable to consistently start tasks successfully." + last + troubleshooting)
		s.Emit = append(s.Emit, notice{Type: "WARN", Name: "SERVICE_TASK_START_IMPAIRED", ID: p.id(), Set: s.Service.hasTaskSets()})
	}
	p.Impaired = impaired
}

// rollBack makes a former deployment the primary one again.
func (s *scheduler) rollBack(to rollout) {
	s.say("rolling back to deployment " + to.id() + ".")
	rest := slices.DeleteFunc(s.Service.Rollouts, func(r rollout) bool { return r.id() == to.id() })
	for i := range rest {
		rest[i].Status = aws.String("ACTIVE")
	}
	to.Status, to.FailedTasks, to.NotBefore = aws.String("PRIMARY"), 0, time.Time{}
	to.RolloutState, to.UpdatedAt = types.DeploymentRolloutStateInProgress, aws.Time(s.now)
	to.RolloutStateReason = aws.String("ECS deployment " + to.id() + " in progress.")
	s.Service.Rollouts = append([]rollout{to}, rest...)
	s.Service.Completed = nil // not for a second rollback
	s.Service.adopt(&to)
	s.Emit = append(s.Emit, notice{Deployment: true, Type: "INFO", Name: "SERVICE_DEPLOYMENT_IN_PROGRESS", Reason: *to.RolloutStateReason, ID: to.id()})
}

// good are the primary's tasks that are not known to be bad.
func (s *scheduler) good() []view {
	var all []view
	for _, v := range s.tasks {
		if v.Deployment == s.primary().id() && !s.bad(v) {
			all = append(all, v)
		}
	}
	return all
}

// scaleIn stops what is more than desired, the least useful first.
func (s *scheduler) scaleIn() {
	good := s.good()
	rank := func(v view) int {
		switch {
		case v.Status != statusRunning:
			return 0
		case !s.isHealthy(v):
			return 1
		}
		return 2
	}
	slices.SortStableFunc(good, func(a, b view) int {
		if d := rank(a) - rank(b); d != 0 {
			return d
		}
		return b.StartedAt.Compare(a.StartedAt) // youngest first
	})
	for i := 0; i < len(good)-s.desired; i++ {
		s.stop(good[i], s.scaling())
	}
}

// stopOld stops tasks of earlier deployments as far as enough stay healthy. A
// deployment that failed without a way back leaves them alone.
func (s *scheduler) stopOld() {
	if s.primary().RolloutState == types.DeploymentRolloutStateFailed {
		s.sayStopped()
		return
	}
	for _, v := range slices.Clone(s.tasks) {
		if v.Deployment == s.primary().id() {
			continue
		}
		enough := s.healthy >= s.minHealthy
		if s.isHealthy(v) {
			enough = s.healthy-1 >= s.minHealthy
		}
		// One that does not run yet is not missed; one that has just begun to
		// run may be all there is that answers.
		if enough || v.Status != statusRunning {
			s.stop(v, s.scaling())
		}
	}
	s.sayStopped()
}

func (s *scheduler) sayStopped() {
	if len(s.Stop) == 0 {
		return
	}
	ids := make([]string, len(s.Stop))
	for i, t := range s.Stop {
		ids[i] = t.ID
	}
	s.say("has stopped " + countTasks(len(ids), "running ") + ": " + taskList(ids) + ".")
}

// start fills up to the desired count, as far as the maximum leaves room. What
// RUNNING and PENDING tasks take is taken until they are neither, told to stop
// or not; the ports of the machine until the containers are gone.
func (s *scheduler) start() {
	p := s.primary()
	want := s.desired - len(s.good())
	room := s.maxTotal
	for _, v := range s.all {
		if p.FixedPorts || isActive(v.Status) {
			room--
		}
	}
	s.checkStuck(want, room)
	// A deployment that failed starts nothing more, unless its tasks are not to
	// blame and may have traffic.
	failed := p.RolloutState == types.DeploymentRolloutStateFailed && (s.own == nil || p.FailedTasks > 0)
	if want <= 0 || room <= 0 || failed {
		return
	}
	if s.now.Before(p.NotBefore) {
		s.wake(p.NotBefore)
		return
	}
	s.Start[p.id()] = min(want, room)
}

// checkStuck announces, once, a deployment that has no move left: all that run
// are healthy, none may be stopped, and none started.
func (s *scheduler) checkStuck(want, room int) {
	p := s.primary()
	stuck := want > 0 && room <= 0 && len(s.Stop) == 0 && s.healthy == len(s.tasks) && len(s.tasks) > 0 && len(s.tasks) == len(s.all) &&
		(p.FixedPorts || p.RolloutState == types.DeploymentRolloutStateInProgress)
	switch {
	case !stuck || p.Stuck:
	case p.FixedPorts:
		s.say("was unable to place a task because no container instance met all of its requirements. The closest matching container instance is already using a port required by your task.")
		s.Emit = append(s.Emit, notice{Type: "ERROR", Name: "SERVICE_TASK_PLACEMENT_FAILURE", Reason: "RESOURCE:PORTS"})
	default:
		s.say("was unable to stop or start tasks during a deployment because of the service deployment configuration. Update the minimumHealthyPercent or maximumPercent value and try again.")
	}
	p.Stuck = stuck
}

// forget drops earlier deployments of which nothing runs any more.
func (s *scheduler) forget() {
	kept := s.Service.Rollouts[:1]
	for _, r := range s.Service.Rollouts[1:] {
		if slices.ContainsFunc(s.all, func(v view) bool { return v.Deployment == r.id() && isActive(v.Status) }) {
			kept = append(kept, r)
		}
	}
	s.Service.Rollouts = kept
}

// complete ends a deployment and announces the steady state.
func (s *scheduler) complete() {
	p := s.primary()
	there := 0
	for _, v := range s.good() {
		if s.isHealthy(v) {
			there++
		}
	}
	active := 0
	for _, v := range s.all {
		if isActive(v.Status) {
			active++
		}
	}
	reached := there == s.desired && active == s.desired && len(s.Service.Rollouts) == 1 && len(s.Stop) == 0 && len(s.Start) == 0
	if reached && p.RolloutState == types.DeploymentRolloutStateInProgress && s.baked() {
		p.RolloutState, p.UpdatedAt = types.DeploymentRolloutStateCompleted, aws.Time(s.now)
		p.RolloutStateReason = aws.String("ECS deployment " + p.id() + " completed.")
		done := *p
		s.Service.Completed = &done
		s.say("(deployment " + p.id() + ") deployment completed.")
		s.Emit = append(s.Emit, notice{Deployment: true, Type: "INFO", Name: "SERVICE_DEPLOYMENT_COMPLETED", Reason: *p.RolloutStateReason, ID: p.id()})
		if d := s.Service.Deploy; d.open() && d.Back {
			d.end(types.ServiceDeploymentStatusRollbackSuccessful, d.Reason, s.now)
		} else if d.open() {
			d.end(types.ServiceDeploymentStatusSuccessful, "", s.now)
		}
	}
	s.announce(reached && p.RolloutState == types.DeploymentRolloutStateCompleted)
}

// baked tells whether a rolling deployment that has nothing left to do has been
// watched for as long as it was told.
func (s *scheduler) baked() bool {
	d := s.Service.Deploy
	if !d.open() || d.Back {
		return true
	}
	if e := d.Errand; e != nil && !e.Done && e.Failed == "" {
		return false // nobody has looked at its alarms yet
	}
	if aws.ToInt32(d.Config.BakeTimeInMinutes) == 0 {
		return true
	}
	if d.Stage != types.ServiceDeploymentLifecycleStageBakeTime {
		d.Stage, d.StageAt, d.UpdatedAt = types.ServiceDeploymentLifecycleStageBakeTime, s.now, s.now
	}
	until := d.StageAt.Add(d.minutes(d.Config.BakeTimeInMinutes))
	if s.now.Before(until) {
		s.wake(until)
		return false
	}
	return true
}
