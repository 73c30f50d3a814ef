package ecs

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
)

// The states of a task set.
const (
	setPrimary  = "PRIMARY"  // the service shows its parameters
	setActive   = "ACTIVE"   // runs beside it
	setDraining = "DRAINING" // ends, and is gone when its targets and tasks are
)

// taskSet is a part of a service that someone else deploys. It has tasks of its
// own, made from its own parameters.
type taskSet struct {
	rollout
	// Scale is per cent of the service's desired count.
	Scale                 float64
	ExternalID, StartedBy string      `json:",omitempty"`
	Token                 string      `json:",omitempty"` // CreateTaskSet's clientToken
	Tags                  []types.Tag `json:",omitempty"`
	// Desired is the computed desired count that was announced.
	Desired int `json:",omitempty"`
	// Steady tells whether the steady state is reached, SteadyAt since when it is
	// or is not.
	Steady   bool
	SteadyAt time.Time
}

func (t *taskSet) is(status string) bool { return aws.ToString(t.Status) == status }

// desired is how many tasks a set has of a service's desired count: the next
// whole number, and none when it ends.
func (t *taskSet) desired(count int32) int {
	if t.is(setDraining) {
		return 0
	}
	const noise = 1e-9 // of the multiplication
	return int(math.Ceil(float64(count)*t.Scale/100 - noise))
}

// tendSets schedules every task set on its own, and forgets those that have
// ended.
func (s *scheduler) tendSets() {
	ending := aws.ToString(s.Service.Status) == "DRAINING"
	var kept []taskSet
	for i := range s.Service.Sets {
		t := &s.Service.Sets[i]
		if ending {
			t.Status = aws.String(setDraining)
		}
		p := s.pool(&t.rollout, t.desired(s.Service.DesiredCount))
		if t.Desired != p.desired {
			t.Desired = p.desired
			s.say(fmt.Sprintf("updated computedDesiredCount for taskSet %s to %d.", t.id(), p.desired))
		}
		p.keep()
		gone := t.is(setDraining) && p.active() == 0
		switch {
		case gone:
			p.tellSet("TASKS_STOPPED")
		case p.steady() != t.Steady:
			t.Steady, t.SteadyAt = !t.Steady, s.now
			if !t.Steady {
				p.tellSet(setUnsteady)
				break
			}
			p.say("updated state to STEADY_STATE.")
			p.tellSet("TASKSET_STEADY_STATE")
		}
		s.merge(p)
		if !gone {
			kept = append(kept, *t)
		}
	}
	s.Service.Sets = kept
	s.announce(len(kept) > 0 && !slices.ContainsFunc(kept, func(t taskSet) bool { return !t.Steady }))
	if ending && len(kept) == 0 {
		s.Service.Status = aws.String("INACTIVE")
	}
}

// setUnsteady names the event of a task set that leaves its steady state. AWS
// has none for it: there, those who wait for a set look again and again.
const setUnsteady = "TASKSET_STABILIZING"

// pool is the scheduler of tasks that neither replace others nor are replaced:
// those of own, so many as are desired.
func (s *scheduler) pool(own *rollout, desired int) *scheduler {
	p := &scheduler{plan: plan{Service: s.Service, Start: map[string]int{}}, now: s.now, stable: s.stable, own: own, desired: desired}
	for _, v := range s.all {
		if v.Deployment == own.id() {
			p.all = append(p.all, v)
		}
	}
	return p
}

// keep makes the number of healthy tasks what is desired.
func (s *scheduler) keep() {
	s.count()
	s.replaceUnhealthy()
	s.impair()
	s.scaleIn()
	s.sayStopped()
	s.start()
}

// active counts the tasks whose containers have not been told to end.
func (s *scheduler) active() (n int) {
	for _, v := range s.all {
		if isActive(v.Status) {
			n++
		}
	}
	return n
}

// steady tells whether exactly the desired tasks are there, and all of them
// healthy.
func (s *scheduler) steady() bool {
	return len(s.Start) == 0 && len(s.Stop) == 0 && s.healthy == s.desired && s.active() == s.desired
}

func (s *scheduler) tellSet(name string) {
	s.Emit = append(s.Emit, notice{Type: "INFO", Name: name, ID: s.own.id(), Set: true})
}

// merge adds what a pool's scheduler found to the plan.
func (s *scheduler) merge(p *scheduler) {
	maps.Copy(s.Start, p.Start)
	s.Stop = append(s.Stop, p.Stop...)
	s.Healthy = append(s.Healthy, p.Healthy...)
	s.Blamed = append(s.Blamed, p.Blamed...)
	s.Say = append(s.Say, p.Say...)
	s.Emit = append(s.Emit, p.Emit...)
	if !p.Wake.IsZero() {
		s.wake(p.Wake)
	}
}

func (s *Service) setARN(svc *service, id string) string {
	return s.arn(svc.Region, "task-set/"+svc.cluster()+"/"+svc.name()+"/"+id)
}

// describeSet is a task set as it is described.
func (s *Service) describeSet(svc *service, t *taskSet, running []*task, tags bool) types.TaskSet {
	out := types.TaskSet{
		Id: t.Id, TaskSetArn: aws.String(s.setARN(svc, t.id())), ServiceArn: svc.ServiceArn, ClusterArn: svc.ClusterArn,
		Status: t.Status, TaskDefinition: t.TaskDefinition, ComputedDesiredCount: int32(t.desired(svc.DesiredCount)),
		CreatedAt: t.CreatedAt, UpdatedAt: t.UpdatedAt, LaunchType: t.LaunchType, CapacityProviderStrategy: t.CapacityProviderStrategy,
		PlatformVersion: t.PlatformVersion, PlatformFamily: t.PlatformFamily, NetworkConfiguration: t.NetworkConfiguration,
		LoadBalancers: t.LoadBalancers, ServiceRegistries: t.ServiceRegistries, Scale: &types.Scale{Unit: types.ScaleUnitPercent, Value: t.Scale},
		StabilityStatus: types.StabilityStatusStabilizing, StabilityStatusAt: aws.Time(t.SteadyAt), Tags: []types.Tag{},
	}
	if t.ExternalID != "" {
		out.ExternalId = aws.String(t.ExternalID)
	}
	if t.StartedBy != "" {
		out.StartedBy = aws.String(t.StartedBy)
	}
	for _, r := range running {
		switch {
		case r.Deployment != t.id():
		case r.isRunning():
			out.RunningCount++
		case r.isPending():
			out.PendingCount++
		}
	}
	// The desired count may have changed a moment ago.
	if t.Steady && out.RunningCount == out.ComputedDesiredCount && out.PendingCount == 0 {
		out.StabilityStatus = types.StabilityStatusSteadyState
	}
	if out.LoadBalancers == nil {
		out.LoadBalancers = []types.LoadBalancer{}
	}
	if out.ServiceRegistries == nil {
		out.ServiceRegistries = []types.ServiceRegistry{}
	}
	if tags {
		out.Tags = tagList(slices.Clone(t.Tags))
	}
	return out
}
