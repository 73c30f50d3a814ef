package ecs

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
	elbtypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
)

// made is a task of containers "name", "name?" (not essential), each with
// dependencies "name>other:CONDITION".
func made(status string, specs ...string) *task {
	t := &task{}
	t.LastStatus, t.DesiredStatus = aws.String(status), aws.String(statusRunning)
	for _, spec := range specs {
		spec, deps, _ := strings.Cut(spec, ">")
		name, optional := strings.CutSuffix(spec, "?")
		c := types.ContainerDefinition{Name: aws.String(name), Essential: aws.Bool(!optional)}
		if deps != "" {
			on, condition, _ := strings.Cut(deps, ":")
			c.DependsOn = []types.ContainerDependency{{ContainerName: aws.String(on), Condition: types.ContainerCondition(condition)}}
		}
		t.Definition.ContainerDefinitions = append(t.Definition.ContainerDefinitions, c)
		t.Containers = append(t.Containers, types.Container{Name: aws.String(name), LastStatus: aws.String(statusPending)})
	}
	t.Boxes = make([]box, len(specs))
	return t
}

// started marks containers as running.
func (t *task) started(boxes ...int) *task {
	for _, i := range boxes {
		t.Boxes[i] = box{EngineID: "e", StartedAt: epoch}
		t.Containers[i].LastStatus = aws.String(statusRunning)
	}
	return t
}

func (t *task) exited(i int, code int32) *task {
	t.started(i).ended(i, aws.Int32(code), "", epoch)
	return t
}

func (t *task) told() *task {
	t.stop(types.TaskStopCodeUserInitiated, "x")
	return t
}

func TestNext(t *testing.T) {
	created := made(statusPending, "a")
	created.Boxes[0].EngineID = "e"
	healthy := made(statusPending, "db", "app>db:HEALTHY").started(0)
	healthy.Containers[0].HealthStatus = types.HealthStatusHealthy
	shipping := made(statusDeprovisioning, "a").started(0).told()
	shipping.Containers[0].LastStatus = aws.String(statusStopped)
	shipping.Definition.ContainerDefinitions[0].LogConfiguration = &types.LogConfiguration{}
	slow := made(statusPending, "db", "app>db:HEALTHY").started(0)
	slow.Definition.ContainerDefinitions[0].StartTimeout = aws.Int32(5)
	for _, c := range []struct {
		name  string
		task  *task
		at    time.Duration
		do    verb
		boxes []int
	}{
		{"new", made(statusProvisioning, "a"), 0, makeNetwork, nil},
		{"network is there", made(statusPending, "a"), 0, makeContainer, []int{0}},
		{"created", created, 0, startContainer, []int{0}},
		{"all started", made(statusPending, "a", "b").started(0, 1), 0, nowRunning, nil},
		{"one started", made(statusPending, "a", "b").started(0), 0, makeContainer, []int{1}},
		{"running", made(statusRunning, "a").started(0), 0, wait, nil},
		{"start: not yet", made(statusPending, "app>init:START", "init?"), 0, makeContainer, []int{1}},
		{"start: met", made(statusPending, "app>init:START", "init?").started(1), 0, makeContainer, []int{0}},
		{"success: not all have started", made(statusPending, "app>init:SUCCESS", "init?").started(1), 0, wait, nil},
		{"success: waiting", made(statusRunning, "app>init:SUCCESS", "init?").started(1), 0, wait, nil},
		{"success: met", made(statusRunning, "app>init:SUCCESS", "init?").exited(1, 0), 0, makeContainer, []int{0}},
		{"success: never", made(statusRunning, "app>init:SUCCESS", "init?").exited(1, 1), 0, giveUp, nil},
		{"complete: met by failure", made(statusRunning, "app>init:COMPLETE", "init?").exited(1, 1), 0, makeContainer, []int{0}},
		{"healthy: waiting", made(statusRunning, "db", "app>db:HEALTHY").started(0), 0, wait, nil},
		{"healthy: met", healthy, 0, makeContainer, []int{1}},
		{"start timeout: not yet", slow, 4 * time.Second, wait, nil},
		{"start timeout: over", slow, 5 * time.Second, giveUp, nil},
		{"stop before anything", made(statusProvisioning, "a").told(), 0, deprovision, nil},
		{"stop one that is only created", func() *task { c := *created; c.Boxes = []box{{EngineID: "e"}}; return c.told() }(), 0, beginStopping, nil},
		{"stop a running one", made(statusRunning, "a").started(0).told(), 0, beginStopping, nil},
		{"stop in reverse order", made(statusStopping, "db", "app>db:START").started(0, 1).told(), 0, stopContainers, []int{1}},
		{"stop together", made(statusStopping, "a", "b").started(0, 1).told(), 0, stopContainers, []int{0, 1}},
		{"stopped", made(statusStopping, "a").exited(0, 0).told(), 0, deprovision, nil},
		{"output is being shipped", shipping, 0, wait, nil},
		{"nothing left", made(statusDeprovisioning, "a").exited(0, 0).told(), 0, removeAll, nil},
	} {
		a := next(c.task, epoch.Add(c.at))
		if a.do != c.do || len(a.boxes) != len(c.boxes) {
			t.Errorf("%s: %+v, want %v %v", c.name, a, c.do, c.boxes)
			continue
		}
		for i := range a.boxes {
			if a.boxes[i] != c.boxes[i] {
				t.Errorf("%s: containers %v, want %v", c.name, a.boxes, c.boxes)
			}
		}
	}
	running := made(statusRunning, "db", "app>db:HEALTHY").started(0)
	running.Definition.ContainerDefinitions[0].StartTimeout = aws.Int32(5)
	if a := next(running, epoch); !a.at.Equal(epoch.Add(5 * time.Second)) {
		t.Errorf("looks again at %v", a.at)
	}
}

func TestEnded(t *testing.T) {
	x := made(statusRunning, "app", "side?").started(0, 1)
	x.ended(1, aws.Int32(1), "", epoch)
	if x.stopping() {
		t.Error("the end of one that is not essential stops the task")
	}
	x.ended(0, aws.Int32(0), "", epoch)
	if !x.stopping() || x.StopCode != types.TaskStopCodeEssentialContainerExited || *x.StoppedReason != "Essential container in task exited" {
		t.Errorf("%+v", x.Task)
	}
	if x.stop(types.TaskStopCodeUserInitiated, "later") || x.StopCode != types.TaskStopCodeEssentialContainerExited {
		t.Error("the first reason does not stay")
	}
}

func TestHealth(t *testing.T) {
	x := made(statusRunning, "app").started(0)
	x.Definition.ContainerDefinitions[0].HealthCheck = &types.HealthCheck{
		Command: []string{"CMD", "x"}, Interval: aws.Int32(10), Retries: aws.Int32(2), StartPeriod: aws.Int32(30),
	}
	x.Containers[0].HealthStatus, x.HealthStatus = types.HealthStatusUnknown, types.HealthStatusUnknown
	for i, step := range []struct {
		at   time.Duration
		ok   bool
		want types.HealthStatus
	}{
		{1, false, types.HealthStatusUnknown},
		{29, false, types.HealthStatusUnknown}, // start period
		{31, false, types.HealthStatusUnknown},
		{41, true, types.HealthStatusHealthy},
		{51, false, types.HealthStatusHealthy},
		{61, true, types.HealthStatusHealthy},
		{71, false, types.HealthStatusHealthy},
		{81, false, types.HealthStatusUnhealthy},
		{91, true, types.HealthStatusHealthy},
	} {
		x.checkedHealth(0, step.ok, epoch.Add(step.at*time.Second))
		if x.HealthStatus != step.want {
			t.Errorf("step %d: %s, want %s", i, x.HealthStatus, step.want)
		}
	}
}

// The task's health is the worst of its essential containers'.
func TestJudge(t *testing.T) {
	x := made(statusRunning, "a", "b", "c?", "d")
	for i := range 3 { // d has no check
		x.Definition.ContainerDefinitions[i].HealthCheck = &types.HealthCheck{Command: []string{"CMD", "x"}}
	}
	for _, c := range []struct{ a, b, c, want types.HealthStatus }{
		{"HEALTHY", "HEALTHY", "UNHEALTHY", "HEALTHY"},
		{"HEALTHY", "UNKNOWN", "HEALTHY", "UNKNOWN"},
		{"UNKNOWN", "HEALTHY", "HEALTHY", "UNKNOWN"},
		{"UNHEALTHY", "UNKNOWN", "HEALTHY", "UNHEALTHY"},
		{"UNKNOWN", "UNHEALTHY", "HEALTHY", "UNHEALTHY"},
	} {
		for i, h := range []types.HealthStatus{c.a, c.b, c.c} {
			x.Containers[i].HealthStatus = h
		}
		if x.judge(); x.HealthStatus != c.want {
			t.Errorf("%v: %s", c, x.HealthStatus)
		}
	}
}

func TestShipped(t *testing.T) {
	var b box
	for _, at := range []time.Duration{1, 1, 2, 3, 3, 3} {
		b.shipped(epoch.Add(at))
	}
	if !b.ShippedTo.Equal(epoch.Add(3)) || b.Shipped != 3 {
		t.Errorf("%+v", b)
	}
}

// behind makes a task a target, in a stage, of its container "a".
func (t *task) behind(at stage) *task {
	t.Targets = []membership{{Group: "g", Container: "a", Port: 80, Stage: at}}
	return t
}

// A task joins its target groups before it is RUNNING, and leaves them before
// its containers are stopped.
func TestNextWithTargets(t *testing.T) {
	for _, c := range []struct {
		name string
		task *task
		do   verb
	}{
		{"not started", made(statusPending, "a").behind(unregistered), makeContainer},
		{"started", made(statusPending, "a").started(0).behind(unregistered), activate},
		{"activating", made(statusActivating, "a").started(0).behind(registering), register},
		{"one of two is started", made(statusPending, "a", "b").started(0).behind(unregistered), makeContainer},
		{"registered", made(statusActivating, "a").started(0).behind(registered), nowRunning},
		{"running", made(statusRunning, "a").started(0).behind(registered), wait},
		{"taken out by someone", made(statusRunning, "a").started(0).behind(registering), register},
		{"stop before it joined", made(statusPending, "a").started(0).behind(unregistered).told(), beginStopping},
		{"stop before it was made", made(statusProvisioning, "a").behind(unregistered).told(), deprovision},
		{"stop while it joins", made(statusActivating, "a").started(0).behind(registering).told(), deactivate},
		{"stop", made(statusRunning, "a").started(0).behind(registered).told(), deactivate},
		{"deactivating", made(statusDeactivating, "a").started(0).behind(registered).told(), deregister},
		{"draining", made(statusDeactivating, "a").started(0).behind(draining).told(), wait},
		{"drained", made(statusDeactivating, "a").started(0).behind(left).told(), beginStopping},
		{"ended by itself", made(statusRunning, "a").exited(0, 1).behind(registered), deactivate},
		{"nothing to drain", made(statusDeactivating, "a").exited(0, 1).behind(draining), beginStopping},
	} {
		if a := next(c.task, epoch); a.do != c.do {
			t.Errorf("%s: %v, want %v", c.name, a.do, c.do)
		}
	}
}

func TestSee(t *testing.T) {
	why := aws.String("because")
	health := func(s elbtypes.TargetHealthStateEnum) elbtypes.TargetHealth {
		return elbtypes.TargetHealth{State: s, Description: why, Reason: elbtypes.TargetHealthReasonEnumInitialHealthChecking}
	}
	away := elbtypes.TargetHealth{State: elbtypes.TargetHealthStateEnumUnused, Reason: elbtypes.TargetHealthReasonEnumNotRegistered}
	unused := elbtypes.TargetHealth{State: elbtypes.TargetHealthStateEnumUnused, Reason: elbtypes.TargetHealthReasonEnumNotInUse}
	absent := elbtypes.TargetHealth{State: elbtypes.TargetHealthStateEnumUnused}
	for _, c := range []struct {
		name     string
		at       stage
		saw      elbtypes.TargetHealth
		stopping bool
		want     stage
	}{
		{"healthy", registered, health(elbtypes.TargetHealthStateEnumHealthy), false, registered},
		{"unhealthy", registered, health(elbtypes.TargetHealthStateEnumUnhealthy), false, registered},
		{"taken out", registered, away, false, registering},
		{"taken out while it stops", registered, away, true, registered},
		{"being taken out", registered, health(elbtypes.TargetHealthStateEnumDraining), false, registered},
		{"its group is unused", registered, unused, false, registered},
		{"its group is gone", registered, absent, false, registered},
		{"drains", draining, health(elbtypes.TargetHealthStateEnumDraining), true, draining},
		{"drained", draining, away, true, left},
		{"the group is gone while it drains", draining, absent, true, left},
		{"put back while it drains", draining, health(elbtypes.TargetHealthStateEnumInitial), true, registered},
	} {
		m := membership{Stage: c.at, Blamed: true}
		m.see(c.saw, c.stopping)
		if m.Stage != c.want {
			t.Errorf("%s: %q, want %q", c.name, m.Stage, c.want)
		}
		if m.Stage == registered && (m.Health != c.saw.State || m.Blamed != (c.saw.State == elbtypes.TargetHealthStateEnumUnhealthy)) {
			t.Errorf("%s: %+v", c.name, m)
		}
	}
}
