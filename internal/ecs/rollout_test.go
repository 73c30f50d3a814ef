package ecs

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
	elbtypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
)

var epoch = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

const stableAfter = time.Second

// svc is a service with deployments, the primary first; "done" ones completed.
func svc(desired, min, max int32, ids ...string) service {
	s := service{Service: types.Service{
		ServiceName: aws.String("web"), Status: aws.String("ACTIVE"), DesiredCount: desired,
		DeploymentConfiguration: &types.DeploymentConfiguration{MinimumHealthyPercent: aws.Int32(min), MaximumPercent: aws.Int32(max)},
	}}
	for i, id := range ids {
		d := types.Deployment{Id: aws.String(id), TaskDefinition: aws.String("td-" + id), Status: aws.String("ACTIVE"), RolloutState: types.DeploymentRolloutStateCompleted}
		if i == 0 {
			d.Status, d.RolloutState = aws.String("PRIMARY"), types.DeploymentRolloutStateInProgress
		}
		s.Rollouts = append(s.Rollouts, rollout{Deployment: d})
	}
	return s
}

// views reads "new:R new:P old:R*2": deployment, state, number. States: P
// pending, R running and healthy, r running a moment ago, U unhealthy, H and N
// with a health check that is healthy or unknown, S stopping, X RUNNING but
// told to stop; behind a load balancer that finds it h healthy, i initial, u
// unhealthy; D deactivating.
func views(spec string) []view {
	var all []view
	for _, f := range strings.Fields(spec) {
		n := 1
		if i := strings.IndexByte(f, '*'); i > 0 {
			fmt.Sscanf(f[i+1:], "%d", &n)
			f = f[:i]
		}
		dep, state, _ := strings.Cut(f, ":")
		for range n {
			v := view{ID: fmt.Sprintf("%s%d", dep, len(all)), Deployment: dep, Status: statusRunning, StartedAt: epoch.Add(-time.Hour)}
			switch state {
			case "P":
				v.Status, v.StartedAt = statusPending, time.Time{}
			case "R":
				v.WasHealthy = true
			case "r":
				v.StartedAt = epoch
			case "U":
				v.Checked, v.Health = true, types.HealthStatusUnhealthy
			case "H":
				v.Checked, v.Health = true, types.HealthStatusHealthy
			case "N":
				v.Checked, v.Health = true, types.HealthStatusUnknown
			case "S":
				v.Status, v.Stopping = statusStopping, true
			case "X":
				v.Stopping = true
			case "h":
				v.Targets = at(elbtypes.TargetHealthStateEnumHealthy)
			case "i":
				v.Targets = at(elbtypes.TargetHealthStateEnumInitial)
			case "u":
				v.Targets = at(elbtypes.TargetHealthStateEnumUnhealthy)
			case "D":
				v.Status, v.Stopping, v.Targets = statusDeactivating, true, at("")
			}
			all = append(all, v)
		}
	}
	return all
}

func at(health elbtypes.TargetHealthStateEnum) []membership {
	return []membership{{Group: "g", Container: "app", Port: 8080, Stage: registered, Health: health, Why: "Request timed out"}}
}

func fixed(s service) service {
	s.Rollouts[0].FixedPorts = true
	return s
}

// The arithmetic of the percentages.
func TestScheduleMoves(t *testing.T) {
	for _, c := range []struct {
		name          string
		svc           service
		tasks         string
		start         int
		stopNew, stop int // of the new and of older deployments
	}{
		{"first start", svc(3, 100, 200, "new"), "", 3, 0, 0},
		{"nothing desired", svc(0, 100, 200, "new"), "", 0, 0, 0},
		{"doubling first", svc(2, 100, 200, "new", "old"), "old:R*2", 2, 0, 0},
		{"new ones pending", svc(2, 100, 200, "new", "old"), "old:R*2 new:P*2", 0, 0, 0},
		{"one new healthy", svc(2, 100, 200, "new", "old"), "old:R*2 new:R new:P", 0, 0, 1},
		{"all new healthy", svc(2, 100, 200, "new", "old"), "old:R*2 new:R*2", 0, 0, 2},
		{"running but not long enough", svc(2, 100, 200, "new", "old"), "old:R*2 new:r*2", 0, 0, 0},
		{"health check unknown", svc(1, 100, 200, "new", "old"), "old:R new:N", 0, 0, 0},
		{"health check healthy", svc(1, 100, 200, "new", "old"), "old:R new:H", 0, 0, 1},
		{"stop first", svc(1, 0, 100, "new", "old"), "old:R", 0, 0, 1},
		{"stopping", svc(1, 0, 100, "new", "old"), "old:S", 1, 0, 0},
		{"half by half", svc(4, 50, 100, "new", "old"), "old:R*4", 0, 0, 2},
		{"half of them stopping", svc(4, 50, 100, "new", "old"), "old:R*2 old:S*2", 2, 0, 0},
		{"room of a half", svc(4, 100, 150, "new", "old"), "old:R*4", 2, 0, 0},
		{"minimum is rounded up", svc(3, 50, 100, "new", "old"), "old:R*3", 0, 0, 1},
		{"maximum is rounded down", svc(3, 100, 150, "new", "old"), "old:R*3", 1, 0, 0},
		{"an old one that has just begun to run keeps serving", svc(1, 100, 200, "new", "old"), "old:r", 1, 0, 0},
		{"old ones that do not run yet go at once", svc(2, 100, 200, "new", "old"), "old:P*2", 2, 0, 2},
		{"stopping ones do not count", svc(1, 100, 100, "new"), "new:S", 1, 0, 0},
		{"told to stop but still RUNNING is not missed", svc(1, 100, 200, "new"), "new:X", 1, 0, 0},
		{"told to stop but still RUNNING takes room", svc(1, 100, 100, "new"), "new:X", 0, 0, 0},
		{"the ports of the machine", fixed(svc(2, 100, 200, "new")), "", 1, 0, 0},
		{"the ports of the machine are taken", fixed(svc(1, 100, 200, "new", "old")), "old:R", 0, 0, 0},
		{"the ports of the machine are being given back", fixed(svc(1, 0, 100, "new", "old")), "old:S", 0, 0, 0},
		{"the ports of the machine are free", fixed(svc(1, 0, 100, "new", "old")), "", 1, 0, 0},
		{"scale in takes pending ones first", svc(2, 100, 200, "new"), "new:R*2 new:P", 0, 1, 0},
		{"scale in", svc(1, 100, 200, "new"), "new:R*3", 0, 2, 0},
		{"replace a dead one", svc(3, 100, 200, "new"), "new:R*2", 1, 0, 0},
		{"unhealthy: replacement first", svc(1, 100, 200, "new"), "new:U", 1, 0, 0},
		{"unhealthy: replacement pending", svc(1, 100, 200, "new"), "new:U new:P", 0, 0, 0},
		{"unhealthy: replacement healthy", svc(1, 100, 200, "new"), "new:U new:H", 0, 1, 0},
		{"unhealthy: no room", svc(1, 0, 100, "new"), "new:U", 0, 1, 0},
		{"unhealthy during a deployment", svc(1, 100, 200, "new", "old"), "old:R new:U", 0, 1, 0},
		{"target initial", svc(2, 100, 200, "new", "old"), "old:h*2 new:i*2", 0, 0, 0},
		{"one target healthy", svc(2, 100, 200, "new", "old"), "old:h*2 new:h new:i", 0, 0, 1},
		{"targets healthy", svc(2, 100, 200, "new", "old"), "old:h*2 new:h*2", 0, 0, 2},
		{"old targets drain", svc(2, 100, 200, "new", "old"), "old:D*2 new:h*2", 0, 0, 0},
		{"draining takes room", svc(2, 50, 100, "new", "old"), "old:D old:h", 0, 0, 0},
		{"target unhealthy: replacement first", svc(1, 100, 200, "new"), "new:u", 1, 0, 0},
		{"target unhealthy: replacement healthy", svc(1, 100, 200, "new"), "new:u new:h", 0, 1, 0},
		{"target unhealthy: no room", svc(1, 0, 100, "new"), "new:u", 0, 1, 0},
		{"target unhealthy during a deployment", svc(1, 100, 200, "new", "old"), "old:h new:u", 0, 1, 0},
		{"stuck", svc(2, 75, 100, "new", "old"), "old:R*2", 0, 0, 0},
	} {
		p := schedule(c.svc, views(c.tasks), epoch, stableAfter)
		var stopNew, stopOld int
		for _, s := range p.Stop {
			if strings.HasPrefix(s.ID, "new") {
				stopNew++
			} else {
				stopOld++
			}
		}
		if p.starts() != c.start || stopNew != c.stopNew || stopOld != c.stop {
			t.Errorf("%s: start %d, stop %d new and %d old; want %d, %d, %d", c.name, p.starts(), stopNew, stopOld, c.start, c.stopNew, c.stop)
		}
	}
}

// starts is how many tasks a plan starts.
func (p plan) starts() (n int) {
	for _, one := range p.Start {
		n += one
	}
	return n
}

func names(p plan) string {
	var all []string
	for _, n := range p.Emit {
		all = append(all, n.Name)
	}
	return strings.Join(all, " ")
}

func TestScheduleCompletes(t *testing.T) {
	// The last old one is told to stop: not complete while it runs.
	p := schedule(svc(1, 100, 200, "new", "old"), views("old:R new:R"), epoch, stableAfter)
	if len(p.Service.Rollouts) != 2 || p.Service.Rollouts[0].RolloutState != types.DeploymentRolloutStateInProgress {
		t.Errorf("with the old one running: %+v", p.Service.Rollouts)
	}
	p = schedule(p.Service, views("old:X new:R"), epoch, stableAfter)
	if len(p.Service.Rollouts) != 2 {
		t.Error("the old deployment is gone before its task is")
	}
	p = schedule(p.Service, views("old:S new:R"), epoch, stableAfter)
	if len(p.Service.Rollouts) != 1 || p.Service.Rollouts[0].RolloutState != types.DeploymentRolloutStateCompleted || !p.Service.Steady {
		t.Errorf("complete: %+v", p.Service.Rollouts)
	}
	if got := names(p); got != "SERVICE_DEPLOYMENT_COMPLETED SERVICE_STEADY_STATE" {
		t.Errorf("emitted %s", got)
	}
	if got := strings.Join(p.Say, "|"); got != "(service web) (deployment new) deployment completed.|(service web) has reached a steady state." {
		t.Errorf("said %s", got)
	}
	// Said once, and again after it was lost.
	p = schedule(p.Service, views("new:R"), epoch, stableAfter)
	if len(p.Say)+len(p.Emit) != 0 {
		t.Errorf("again: %v %v", p.Say, p.Emit)
	}
	p = schedule(p.Service, views(""), epoch, stableAfter)
	if p.Service.Steady || p.starts() != 1 {
		t.Errorf("after a death: %+v", p)
	}
	p = schedule(p.Service, views("new:R"), epoch, stableAfter)
	if got := names(p); got != "SERVICE_STEADY_STATE" {
		t.Errorf("after the replacement: %s", got)
	}
}

func TestScheduleWaitsForStability(t *testing.T) {
	s := svc(1, 100, 200, "new")
	p := schedule(s, views("new:r"), epoch, stableAfter)
	if !p.Wake.Equal(epoch.Add(stableAfter)) || p.Service.Steady {
		t.Errorf("wake %v, steady %v", p.Wake, p.Service.Steady)
	}
	p = schedule(p.Service, views("new:r"), epoch.Add(stableAfter), stableAfter)
	if !p.Service.Steady || len(p.Healthy) != 1 {
		t.Errorf("steady %v, healthy %v", p.Service.Steady, p.Healthy)
	}
}

func breaker(s service, rollback bool) service {
	s.DeploymentConfiguration.DeploymentCircuitBreaker = &types.DeploymentCircuitBreaker{Enable: true, Rollback: rollback}
	return s
}

func TestCircuitBreaker(t *testing.T) {
	s := breaker(svc(1, 100, 200, "new", "old"), true)
	done := s.Rollouts[1]
	s.Completed = &done
	s.TaskDefinition = aws.String("td-new")
	for range 2 {
		s.Rollouts[0].fail(epoch, "")
		if p := schedule(s, views("old:R"), epoch, stableAfter); p.starts() != 1 || len(p.Emit) != 0 {
			t.Fatalf("below the threshold: %+v", p)
		}
	}
	s.Rollouts[0].fail(epoch, "")
	p := schedule(s, views("old:R new:P"), epoch, stableAfter)
	r := p.Service.Rollouts
	if r[0].id() != "old" || aws.ToString(r[0].Status) != "PRIMARY" || r[0].RolloutState != types.DeploymentRolloutStateInProgress {
		t.Errorf("primary %+v", r[0])
	}
	if r[1].id() != "new" || r[1].RolloutState != types.DeploymentRolloutStateFailed ||
		aws.ToString(r[1].RolloutStateReason) != "ECS deployment circuit breaker: rolling back to deploymentId old." {
		t.Errorf("failed %+v", r[1])
	}
	if aws.ToString(p.Service.TaskDefinition) != "td-old" {
		t.Errorf("the service shows %s", aws.ToString(p.Service.TaskDefinition))
	}
	if got := names(p); got != "SERVICE_DEPLOYMENT_FAILED SERVICE_DEPLOYMENT_IN_PROGRESS" {
		t.Errorf("emitted %s", got)
	}
	if len(p.Stop) != 1 || p.Stop[0].ID != "new1" || p.starts() != 0 {
		t.Errorf("stop %v, start %d", p.Stop, p.starts())
	}
	p = schedule(p.Service, views("old:R new:S"), epoch, stableAfter)
	if got := names(p); got != "SERVICE_DEPLOYMENT_COMPLETED SERVICE_STEADY_STATE" || len(p.Service.Rollouts) != 1 {
		t.Errorf("after the rollback: %s, %d deployments", got, len(p.Service.Rollouts))
	}
}

func TestCircuitBreakerWithoutWayBack(t *testing.T) {
	s := breaker(svc(1, 100, 200, "new", "old"), false)
	for range 3 {
		s.Rollouts[0].fail(epoch, "")
	}
	p := schedule(s, views("old:R"), epoch, stableAfter)
	if p.Service.Rollouts[0].RolloutState != types.DeploymentRolloutStateFailed || p.starts() != 0 || len(p.Stop) != 0 {
		t.Errorf("%+v", p)
	}
	p = schedule(p.Service, views("old:R"), epoch.Add(time.Hour), stableAfter)
	if p.starts() != 0 || len(p.Stop) != 0 || len(p.Emit) != 0 {
		t.Errorf("later: %+v", p)
	}
}

func TestThreshold(t *testing.T) {
	for desired, want := range map[int]int32{0: 3, 1: 3, 6: 3, 7: 4, 25: 13, 400: 200, 1000: 200} {
		if got := thresholdOf(nil, desired); got != want {
			t.Errorf("%d: %d, want %d", desired, got, want)
		}
	}
}

// Health checks that fail count for the circuit breaker; a healthy task sets
// the count back.
func TestFailureCount(t *testing.T) {
	s := breaker(svc(1, 100, 200, "new", "old"), false)
	p := schedule(s, views("old:R new:U"), epoch, stableAfter)
	if n := p.Service.Rollouts[0].FailedTasks; n != 1 {
		t.Errorf("failed %d", n)
	}
	p = schedule(p.Service, views("old:R new:H"), epoch, stableAfter)
	if n := p.Service.Rollouts[0].FailedTasks; n != 0 {
		t.Errorf("after a healthy one: %d", n)
	}
}

// Without circuit breaker, starts that fail come ever slower.
func TestBackOff(t *testing.T) {
	s := svc(1, 100, 200, "new")
	var last time.Duration
	for i := range 30 {
		s.Rollouts[0].fail(epoch, "")
		p := schedule(s, nil, epoch, stableAfter)
		if i < 2 {
			if p.starts() != 1 {
				t.Errorf("failure %d delays the start", i+1)
			}
			continue
		}
		delay := p.Wake.Sub(epoch)
		if p.starts() != 0 || delay < last || delay > maxDelay {
			t.Errorf("failure %d: start %d, delay %s", i+1, p.starts(), delay)
		}
		last = delay
	}
	if last != maxDelay {
		t.Errorf("last delay %s", last)
	}
	if p := schedule(s, nil, epoch.Add(maxDelay), stableAfter); p.starts() != 1 {
		t.Error("no start after the delay")
	}
}

func TestStuckIsSaidOnce(t *testing.T) {
	s := svc(2, 75, 100, "new", "old")
	p := schedule(s, views("old:R*2"), epoch, stableAfter)
	if len(p.Say) != 1 || !strings.Contains(p.Say[0], "was unable to stop or start tasks during a deployment because of the service deployment configuration") {
		t.Errorf("said %v", p.Say)
	}
	if p = schedule(p.Service, views("old:R*2"), epoch, stableAfter); len(p.Say) != 0 {
		t.Errorf("again %v", p.Say)
	}
}

// Failed health checks do not count before the grace period has passed.
func TestGracePeriod(t *testing.T) {
	s := svc(1, 100, 200, "new")
	s.HealthCheckGracePeriodSeconds = aws.Int32(60)
	all := views("new:U")
	all[0].StartedAt = epoch
	p := schedule(s, all, epoch.Add(59*time.Second), stableAfter)
	if p.starts() != 0 || len(p.Stop) != 0 || p.Service.Steady || !p.Wake.Equal(epoch.Add(time.Minute)) {
		t.Errorf("within the grace period: start %d, stop %v, steady %v, wake %v", p.starts(), p.Stop, p.Service.Steady, p.Wake)
	}
	if p = schedule(s, all, epoch.Add(time.Minute), stableAfter); p.starts() != 1 {
		t.Errorf("after it: start %d", p.starts())
	}
}

// What a load balancer finds is said once, counts after the grace period, and
// is why the task stops.
func TestUnhealthyTarget(t *testing.T) {
	s := svc(1, 0, 100, "new")
	s.HealthCheckGracePeriodSeconds = aws.Int32(60)
	all := views("new:u")
	all[0].StartedAt = epoch
	p := schedule(s, all, epoch.Add(59*time.Second), stableAfter)
	if len(p.Stop)+len(p.Say) != 0 || !p.Wake.Equal(epoch.Add(time.Minute)) {
		t.Errorf("within the grace period: stop %v, say %v, wake %v", p.Stop, p.Say, p.Wake)
	}
	p = schedule(s, all, epoch.Add(time.Minute), stableAfter)
	if len(p.Stop) != 1 || p.Stop[0].Reason != "Task failed ELB health checks in (target-group g)" || p.Service.Rollouts[0].FailedTasks != 1 {
		t.Errorf("after it: %+v", p)
	}
	if want := "(service web) (task new0) (port 8080) is unhealthy in (target-group g) due to (reason Request timed out)"; len(p.Say) == 0 || p.Say[0] != want || len(p.Blamed) != 1 {
		t.Errorf("said %v", p.Say)
	}
	all[0].Targets[0].Blamed = true
	if p = schedule(s, all, epoch.Add(time.Minute), stableAfter); len(p.Blamed) != 0 || strings.Contains(strings.Join(p.Say, ""), "unhealthy") {
		t.Errorf("again %v", p.Say)
	}
}

// A deployment is not over while its predecessor's tasks drain.
// A task whose containers wait for one that is unhealthy never runs; it is
// replaced all the same.
func TestUnhealthyBeforeItRuns(t *testing.T) {
	s := svc(1, 0, 100, "new")
	s.HealthCheckGracePeriodSeconds = aws.Int32(60)
	all := views("new:P")
	all[0].CreatedAt, all[0].Checked, all[0].Health = epoch, true, types.HealthStatusUnhealthy
	if p := schedule(s, all, epoch, stableAfter); len(p.Stop) != 0 || !p.Wake.Equal(epoch.Add(time.Minute)) {
		t.Errorf("within the grace period: %+v", p)
	}
	if p := schedule(s, all, epoch.Add(time.Minute), stableAfter); len(p.Stop) != 1 || p.Stop[0].Reason != "Task failed container health checks" {
		t.Errorf("after it: %+v", p)
	}
}

func TestDrainingIsNotOver(t *testing.T) {
	p := schedule(svc(1, 100, 200, "new", "old"), views("old:D new:h"), epoch, stableAfter)
	if len(p.Service.Rollouts) != 2 || p.Service.Steady {
		t.Errorf("%+v", p.Service.Rollouts)
	}
	s := svc(0, 100, 200, "new")
	s.Status = aws.String("DRAINING")
	if p = schedule(s, views("new:D"), epoch, stableAfter); aws.ToString(p.Service.Status) != "DRAINING" {
		t.Errorf("status %s", aws.ToString(p.Service.Status))
	}
}

func TestTakenPortsAreSaidOnce(t *testing.T) {
	p := schedule(fixed(svc(1, 100, 200, "new", "old")), views("old:R"), epoch, stableAfter)
	if got := names(p); got != "SERVICE_TASK_PLACEMENT_FAILURE" || len(p.Say) != 1 || !strings.Contains(p.Say[0], "already using a port") {
		t.Errorf("emitted %s, said %v", got, p.Say)
	}
	if p = schedule(p.Service, views("old:R"), epoch, stableAfter); len(p.Say)+len(p.Emit) != 0 {
		t.Errorf("again %v %v", p.Say, p.Emit)
	}
}

func TestDrain(t *testing.T) {
	s := svc(0, 100, 200, "new", "old")
	s.Status = aws.String("DRAINING")
	p := schedule(s, views("old:R new:P"), epoch, stableAfter)
	if len(p.Stop) != 2 || aws.ToString(p.Service.Status) != "DRAINING" {
		t.Errorf("%+v", p)
	}
	p = schedule(p.Service, views("old:S new:S"), epoch, stableAfter)
	if aws.ToString(p.Service.Status) != "INACTIVE" {
		t.Errorf("status %s", aws.ToString(p.Service.Status))
	}
}

// A plan does not change what it was made from.
func TestScheduleIsPure(t *testing.T) {
	s := breaker(svc(1, 100, 200, "new", "old"), true)
	done := s.Rollouts[1]
	s.Completed = &done
	for range 3 {
		s.Rollouts[0].fail(epoch, "")
	}
	before := fmt.Sprintf("%+v", s.Rollouts)
	schedule(s, views("old:R"), epoch, stableAfter)
	if after := fmt.Sprintf("%+v", s.Rollouts); after != before {
		t.Errorf("changed:\n%s\n%s", before, after)
	}
}
