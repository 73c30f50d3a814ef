package ecs

import (
	"encoding/json"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
	elbtypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
)

// service is what the store keeps. Deployments, counts and events of the
// embedded document are filled in when it is described.
type service struct {
	types.Service
	Region string
	// Rollouts are the deployments, the PRIMARY first.
	Rollouts []rollout
	// Sets are the task sets of a service that someone else deploys, in the order
	// of their creation.
	Sets []taskSet `json:",omitempty"`
	// Deploy is the current service deployment, or the last one.
	Deploy *deployment `json:",omitempty"`
	// HookDetails are those of the lifecycle hooks, by the hook's place.
	HookDetails []json.RawMessage `json:",omitempty"`
	// Completed is the newest deployment that completed: what a rollback goes
	// back to.
	Completed *rollout `json:",omitempty"`
	// Steady tells that the steady state was announced.
	Steady bool
	// Messages counts the events ever written.
	Messages int64
	// Token is the clientToken of CreateService.
	Token string `json:",omitempty"`
}

// rollout is a deployment with what the scheduler must remember of it.
type rollout struct {
	types.Deployment
	// What the documents of deployments do not have.
	LoadBalancers     []types.LoadBalancer    `json:",omitempty"`
	ServiceRegistries []types.ServiceRegistry `json:",omitempty"`
	// Platform is the platform version that was asked for, LATEST if it was not.
	Platform string `json:",omitempty"`
	// FixedPorts tells that the tasks publish ports of the machine, of which
	// there is one: only one task can have them.
	FixedPorts bool `json:",omitempty"`
	// Images are the images by their digests that its tasks run, by container.
	Images map[string]string `json:",omitempty"`
	// Revision is the id of the service revision that it runs. Alternate tells
	// that its tasks join the alternate target groups, and Off that it shall have
	// no tasks.
	Revision       string `json:",omitempty"`
	Alternate, Off bool   `json:",omitempty"`
	// NotBefore delays the next start after failures.
	NotBefore time.Time `json:",omitzero"`
	// Trouble is why the last task that failed did.
	Trouble string `json:",omitempty"`
	// Impaired tells that repeated failures were announced, Stuck that the
	// deployment cannot move.
	Impaired, Stuck bool `json:",omitempty"`
}

func (r *rollout) id() string { return aws.ToString(r.Id) }

// rollouts are all that have tasks of their own: deployments or task sets.
func (s *service) rollouts() iter.Seq[*rollout] {
	return func(yield func(*rollout) bool) {
		for i := range s.Rollouts {
			if !yield(&s.Rollouts[i]) {
				return
			}
		}
		for i := range s.Sets {
			if !yield(&s.Sets[i].rollout) {
				return
			}
		}
	}
}

// rollout is the deployment or task set of an id; nil if there is none.
func (s *service) rollout(id string) *rollout {
	for r := range s.rollouts() {
		if r.id() == id {
			return r
		}
	}
	return nil
}

func (s *service) name() string { return aws.ToString(s.ServiceName) }

func (s *service) cluster() string { return lastPart(aws.ToString(s.ClusterArn)) }

func (s *service) daemon() bool { return s.SchedulingStrategy == types.SchedulingStrategyDaemon }

// who is whom a message is about: the service, and the task set of its tasks.
func (s *service) who(taskSet string) string {
	if s.hasTaskSets() && taskSet != "" {
		return "(service " + s.name() + ", taskSet " + taskSet + ") "
	}
	return "(service " + s.name() + ") "
}

// hasTaskSets tells whether what runs is described as task sets, which someone
// else deploys.
func (s *service) hasTaskSets() bool { return controllerOf(s.DeploymentController) != rolling }

// view is a task as the scheduler sees it.
type view struct {
	ID, Deployment string
	Status         string // lastStatus
	Stopping       bool   // desiredStatus is STOPPED
	CreatedAt      time.Time
	StartedAt      time.Time
	Checked        bool // an essential container has a health check
	Health         types.HealthStatus
	WasHealthy     bool // has counted as healthy before
	Targets        []membership
}

// plan is what follows from a snapshot.
type plan struct {
	Service service
	Start   map[string]int // how many tasks, by deployment or task set
	Stop    []stop         // tasks
	Healthy []string       // tasks that count as healthy for the first time
	Blamed  []string       // tasks whose targets' failures are said for the first time
	Say     []string       // messages for the service's events
	Emit    []notice
	Errand  *errand   // that the service's deployment has ordered
	Wake    time.Time // look again then; zero if nothing depends on time
}

type stop struct{ ID, Reason string }

// notice is an event for the bus.
type notice struct {
	Deployment bool   // a deployment's, else a service action
	Type       string // INFO, WARN, ERROR
	Name       string
	Reason     string
	ID         string // of the deployment or task set
	Set        bool   // a task set's service action
}

// Limits of the delay between starts that keep failing: AWS's grows to 15
// minutes too.
const (
	freeFailures = 3
	maxDelay     = 15 * time.Minute
)

// fail counts a task that never was healthy, and remembers why it ended.
func (r *rollout) fail(now time.Time, why string) {
	r.FailedTasks++
	r.Trouble = why
	if n := int(r.FailedTasks) - freeFailures; n >= 0 {
		r.NotBefore = now.Add(min(time.Second<<min(n, 20), maxDelay))
	}
}

// scheduler makes one plan.
type scheduler struct {
	plan
	now    time.Time
	stable time.Duration
	// own are the parameters of the tasks that shall run; nil for those of the
	// primary deployment, which replaces others.
	own                           *rollout
	tasks                         []view // those that shall run
	all                           []view
	healthy, minHealthy, maxTotal int
	desired                       int
}

// schedule is the service's state machine: from the service, its tasks that
// are not STOPPED, and the time to what must happen.
func schedule(svc service, tasks []view, now time.Time, stable time.Duration) plan {
	s := &scheduler{plan: plan{Service: svc, Start: map[string]int{}}, now: now, stable: stable, all: tasks, desired: int(svc.DesiredCount)}
	s.Service.Rollouts, s.Service.Sets = slices.Clone(svc.Rollouts), slices.Clone(svc.Sets)
	if svc.Deploy != nil {
		d := *svc.Deploy
		s.Service.Deploy = &d
	}
	switch {
	case aws.ToString(svc.Status) == "INACTIVE":
		return s.plan
	case svc.hasTaskSets():
		s.tendSets()
		return s.plan
	case aws.ToString(svc.Status) == "DRAINING":
		s.drain()
		return s.plan
	case svc.Deploy.staged():
		s.runStages()
		return s.plan
	}
	if len(svc.Rollouts) == 0 {
		return s.plan
	}
	s.begin()
	s.count()
	s.replaceUnhealthy()
	s.breakCircuit()
	s.scaleIn()
	s.stopOld()
	s.start()
	s.forget()
	s.complete()
	return s.plan
}

func (s *scheduler) primary() *rollout {
	if s.own != nil {
		return s.own
	}
	return &s.Service.Rollouts[0]
}

// isHealthy: what the health check and the load balancers say, all of them;
// without any, RUNNING for a while.
func (s *scheduler) isHealthy(v view) bool {
	if v.Status != statusRunning || v.Stopping {
		return false
	}
	for _, m := range v.Targets {
		if m.Health != elbtypes.TargetHealthStateEnumHealthy && !s.unused(m) {
			return false
		}
	}
	if v.Checked {
		return v.Health == types.HealthStatusHealthy
	}
	return len(v.Targets) > 0 || !s.now.Before(v.StartedAt.Add(s.stable))
}

// unused tells whether a target is in a group that no listener forwards to yet:
// CodeDeploy's replacement group before the traffic is shifted. Load balancers
// check no health there.
func (s *scheduler) unused(m membership) bool {
	return controllerOf(s.Service.DeploymentController) == codeDeploy && m.Stage == registered && m.Health == elbtypes.TargetHealthStateEnumUnused
}

// graceOf is when a task's failed health checks begin to count. One that does
// not run yet may wait for a container that never becomes healthy.
func (s *scheduler) graceOf(v view) time.Time {
	since := v.StartedAt
	if since.IsZero() {
		since = v.CreatedAt
	}
	return since.Add(seconds(s.Service.HealthCheckGracePeriodSeconds))
}

// sick tells whether a health check or a load balancer finds the task unhealthy.
func (v view) sick() bool {
	if v.Status != statusRunning && v.Status != statusPending {
		return false
	}
	return v.Health == types.HealthStatusUnhealthy || slices.ContainsFunc(v.Targets, func(m membership) bool { return m.failed() })
}

// bad tells whether a task is to be replaced for its health.
func (s *scheduler) bad(v view) bool {
	return v.sick() && !s.now.Before(s.graceOf(v))
}

func (s *scheduler) count() {
	c := s.Service.DeploymentConfiguration
	s.minHealthy = (s.desired*int(aws.ToInt32(c.MinimumHealthyPercent)) + 99) / 100
	s.maxTotal = s.desired * int(aws.ToInt32(c.MaximumPercent)) / 100
	if s.primary().FixedPorts {
		s.maxTotal = min(s.maxTotal, 1)
	}
	for _, v := range s.all {
		if v.Stopping {
			continue
		}
		s.tasks = append(s.tasks, v)
		if s.isHealthy(v) {
			s.healthy++
			if !v.WasHealthy {
				s.Healthy = append(s.Healthy, v.ID)
				if v.Deployment == s.primary().id() && s.resets() {
					s.primary().FailedTasks, s.primary().NotBefore = 0, time.Time{}
				}
			}
		} else if v.Status == statusRunning && !v.Checked && len(v.Targets) == 0 {
			s.wake(v.StartedAt.Add(s.stable))
		} else if v.sick() && !s.bad(v) {
			s.wake(s.graceOf(v))
		}
	}
}

// resets tells whether a healthy task sets the count of failed ones back.
func (s *scheduler) resets() bool {
	b := s.Service.DeploymentConfiguration.DeploymentCircuitBreaker
	return b == nil || b.ResetOnHealthyTask == nil || *b.ResetOnHealthyTask
}

func (s *scheduler) wake(at time.Time) {
	if s.Wake.IsZero() || at.Before(s.Wake) {
		s.Wake = at
	}
}

func (s *scheduler) stop(v view, reason string) {
	s.Stop = append(s.Stop, stop{v.ID, reason})
	if s.isHealthy(v) {
		s.healthy--
	}
	s.tasks = slices.DeleteFunc(s.tasks, func(o view) bool { return o.ID == v.ID })
}

func (s *scheduler) scaling() string {
	return fmt.Sprintf("Scaling activity initiated by (deployment %s)", s.primary().id())
}

// adopt shows a deployment's parameters on the service itself.
func (s *service) adopt(r *rollout) {
	s.TaskDefinition, s.NetworkConfiguration = r.TaskDefinition, r.NetworkConfiguration
	s.LaunchType = r.LaunchType
	s.CapacityProviderStrategy = r.CapacityProviderStrategy
	s.PlatformVersion, s.PlatformFamily = nil, r.PlatformFamily
	if r.Platform != "" {
		s.PlatformVersion = aws.String(r.Platform)
	}
	s.LoadBalancers, s.ServiceRegistries = r.LoadBalancers, r.ServiceRegistries
	if len(r.LoadBalancers) > 0 && s.HealthCheckGracePeriodSeconds == nil {
		s.HealthCheckGracePeriodSeconds = aws.Int32(0)
	}
}

func (s *scheduler) say(message string) {
	id := ""
	if s.own != nil {
		id = s.own.id()
	}
	s.Say = append(s.Say, s.Service.who(id)+message)
}

// countTasks has the plural even for one task, as AWS writes it.
func countTasks(n int, kind string) string {
	return fmt.Sprintf("%d %stasks", n, kind)
}

func taskList(ids []string) string {
	named := make([]string, len(ids))
	for i, id := range ids {
		named[i] = "(task " + id + ")"
	}
	return strings.Join(named, " ")
}
