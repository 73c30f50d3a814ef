package ecs

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
)

// stagedService runs blue, and is told to run green.
func stagedService(c types.DeploymentConfiguration) service {
	c.MinimumHealthyPercent, c.MaximumPercent = aws.Int32(100), aws.Int32(200)
	s := svc(1, 100, 200, "green", "blue")
	s.Rollouts[0].Off = true
	blue := s.Rollouts[1]
	s.Completed, s.DeploymentConfiguration = &blue, &c
	s.Deploy = &deployment{ID: "d", Source: "blue", Target: "green", Config: c, Minute: time.Minute, Status: types.ServiceDeploymentStatusPending, CreatedAt: epoch}
	return s
}

// run is a deployment on a clock of its own.
type run struct {
	t     *testing.T
	svc   service
	now   time.Time
	tasks string // as they are
	did   []string
	sent  int // errands
}

func start(t *testing.T, c types.DeploymentConfiguration) *run {
	return &run{t: t, svc: stagedService(c), now: epoch, tasks: "blue:R"}
}

// look lets the machine look once, and notes what it does.
func (r *run) look() plan {
	r.t.Helper()
	before := fmt.Sprintf("%+v", r.svc)
	p := schedule(r.svc, views(r.tasks), r.now, stableAfter)
	if after := fmt.Sprintf("%+v", r.svc); after != before {
		r.t.Fatalf("changed what it was made from")
	}
	r.svc = p.Service
	if e := p.Errand; e != nil {
		switch e.Do {
		case shift:
			r.did = append(r.did, fmt.Sprintf("shift %g/%g", e.Production, e.Test))
		case invoke:
			r.did = append(r.did, fmt.Sprintf("%s %d", e.At, e.Hook))
		default:
			r.did = append(r.did, string(e.Do))
		}
	}
	for _, who := range []string{"blue", "green"} {
		if p.Start[who] > 0 {
			r.did = append(r.did, "start "+who)
		}
	}
	for _, s := range p.Stop {
		r.did = append(r.did, "stop "+strings.TrimRight(s.ID, "0123456789"))
	}
	return p
}

// answer notes the result of the errand that is out.
func (r *run) answer(failed string, again time.Time) {
	r.t.Helper()
	if r.svc.Deploy.Errand == nil {
		r.t.Fatal("no errand is out")
	}
	d := *r.svc.Deploy
	e := *d.Errand
	e.Done, e.Failed, e.Again = failed == "", failed, again
	d.Errand = &e
	r.svc.Deploy = &d
}

// goOn answers all errands, lets tasks come and go and time pass, until the
// deployment has ended or stop says so.
func (r *run) goOn(stop func() bool) {
	r.t.Helper()
	for range 200 {
		p := r.look()
		d := r.svc.Deploy
		switch {
		case !d.open() || stop != nil && stop():
			return
		case d.Errand != nil && !d.Errand.Done && d.Errand.Failed == "":
			r.answer("", time.Time{})
		case p.Start["green"] > 0:
			r.tasks += " green:R"
		case len(p.Stop) > 0:
			gone := strings.TrimRight(p.Stop[0].ID, "0123456789")
			r.tasks = strings.TrimSpace(strings.ReplaceAll(r.tasks, gone+":R", ""))
		case !p.Wake.IsZero():
			r.did = append(r.did, "wait "+p.Wake.Sub(r.now).String())
			r.now = p.Wake
		default:
			r.t.Fatalf("stuck at step %d of %v: %v", d.Step, d.program(), r.did)
		}
	}
	r.t.Fatalf("no end: %v", r.did)
}

func (r *run) want(did string, status types.ServiceDeploymentStatus, primary string) {
	r.t.Helper()
	if got := strings.Join(r.did, ", "); got != did {
		r.t.Errorf("did   %s\nwant  %s", got, did)
	}
	if r.svc.Deploy.Status != status || r.svc.Rollouts[0].id() != primary || aws.ToString(r.svc.Rollouts[0].Status) != "PRIMARY" {
		r.t.Errorf("%s: %s, primary %s", r.svc.Deploy.Status, r.svc.Deploy.Reason, r.svc.Rollouts[0].id())
	}
}

func TestStrategies(t *testing.T) {
	blueGreen := types.DeploymentConfiguration{Strategy: types.DeploymentStrategyBlueGreen, BakeTimeInMinutes: aws.Int32(5)}
	canary := types.DeploymentConfiguration{Strategy: types.DeploymentStrategyCanary, BakeTimeInMinutes: aws.Int32(0),
		CanaryConfiguration: &types.CanaryConfiguration{CanaryPercent: aws.Float64(5.5), CanaryBakeTimeInMinutes: aws.Int32(10)}}
	linear := types.DeploymentConfiguration{Strategy: types.DeploymentStrategyLinear, BakeTimeInMinutes: aws.Int32(1),
		LinearConfiguration: &types.LinearConfiguration{StepPercent: aws.Float64(33.3), StepBakeTimeInMinutes: aws.Int32(2)}}
	for _, c := range []struct {
		config types.DeploymentConfiguration
		did    string
	}{
		{blueGreen, "shift 0/0, start green, shift 0/100, shift 100/100, wait 5m0s, part, stop blue"},
		{canary, "shift 0/0, start green, shift 0/100, shift 5.5/100, wait 10m0s, shift 100/100, part, stop blue"},
		{linear, "shift 0/0, start green, shift 0/100, shift 33.3/100, wait 2m0s, shift 66.6/100, wait 2m0s, shift 99.9/100, wait 2m0s, shift 100/100, wait 1m0s, part, stop blue"},
	} {
		r := start(t, c.config)
		r.goOn(nil)
		r.want(c.did, types.ServiceDeploymentStatusSuccessful, "green")
		if len(r.svc.Rollouts) != 1 || r.svc.Rollouts[0].RolloutState != types.DeploymentRolloutStateCompleted || r.svc.Completed.id() != "green" {
			t.Errorf("%s: %+v", c.config.Strategy, r.svc.Rollouts)
		}
		if r.look(); !r.svc.Steady {
			t.Error("not steady at the end")
		}
	}
}

// hooked is a configuration with one hook at all stages.
func hooked(stages ...types.DeploymentLifecycleHookStage) types.DeploymentConfiguration {
	return types.DeploymentConfiguration{Strategy: types.DeploymentStrategyCanary, BakeTimeInMinutes: aws.Int32(0),
		CanaryConfiguration: &types.CanaryConfiguration{CanaryPercent: aws.Float64(10), CanaryBakeTimeInMinutes: aws.Int32(0)},
		LifecycleHooks:      []types.DeploymentLifecycleHook{{HookTargetArn: aws.String("f"), LifecycleStages: stages}}}
}

func TestHooksInOrder(t *testing.T) {
	r := start(t, hooked(types.DeploymentLifecycleHookStage("").Values()...))
	r.goOn(nil)
	r.want("PRE_SCALE_UP 0, shift 0/0, start green, POST_SCALE_UP 0, shift 0/100, TEST_TRAFFIC_SHIFT 0, POST_TEST_TRAFFIC_SHIFT 0, "+
		"PRE_PRODUCTION_TRAFFIC_SHIFT 0, shift 10/100, PRODUCTION_TRAFFIC_SHIFT 0, PRE_PRODUCTION_TRAFFIC_SHIFT 0, shift 100/100, PRODUCTION_TRAFFIC_SHIFT 0, "+
		"POST_PRODUCTION_TRAFFIC_SHIFT 0, part, stop blue", types.ServiceDeploymentStatusSuccessful, "green")
}

// A hook that fails takes all traffic back to blue, whatever it had; the hooks
// of the shifts are told.
func TestHookFails(t *testing.T) {
	for stage, want := range map[types.DeploymentLifecycleHookStage]string{
		types.DeploymentLifecycleHookStagePreScaleUp:                 "PRE_SCALE_UP 0",
		types.DeploymentLifecycleHookStagePostScaleUp:                "shift 0/0, start green, POST_SCALE_UP 0, shift 0/0, part, stop green",
		types.DeploymentLifecycleHookStagePostTestTrafficShift:       "shift 0/0, start green, shift 0/100, POST_TEST_TRAFFIC_SHIFT 0, shift 0/0, part, stop green",
		types.DeploymentLifecycleHookStageProductionTrafficShift:     "shift 0/0, start green, shift 0/100, shift 10/100, PRODUCTION_TRAFFIC_SHIFT 0, shift 0/0, PRODUCTION_TRAFFIC_SHIFT 0, part, stop green",
		types.DeploymentLifecycleHookStagePostProductionTrafficShift: "shift 0/0, start green, shift 0/100, shift 10/100, shift 100/100, POST_PRODUCTION_TRAFFIC_SHIFT 0, shift 0/0, part, stop green",
	} {
		r := start(t, hooked(stage))
		r.goOn(func() bool { e := r.svc.Deploy.Errand; return e != nil && e.Do == invoke })
		r.answer("it returned FAILED", time.Time{})
		r.goOn(nil)
		r.want(want, types.ServiceDeploymentStatusRollbackSuccessful, "blue")
		if d := r.svc.Deploy; !strings.Contains(d.Reason, string(stage)+" lifecycle hook(s) failed. it returned FAILED") || d.Production != 0 || d.Rollback == nil {
			t.Errorf("%s: %+v", stage, d)
		}
		if len(r.svc.Rollouts) != 1 || r.svc.Rollouts[0].RolloutState != types.DeploymentRolloutStateCompleted {
			t.Errorf("%s: %+v", stage, r.svc.Rollouts)
		}
	}
}

// No hook delays the way back.
func TestHookOfTheWayBack(t *testing.T) {
	r := start(t, hooked(types.DeploymentLifecycleHookStageProductionTrafficShift))
	asked := func() bool { e := r.svc.Deploy.Errand; return e != nil && e.Do == invoke }
	r.goOn(asked)
	r.answer("it returned FAILED", time.Time{})
	r.goOn(func() bool { return r.svc.Deploy.Back && asked() })
	if id := executionID(r.svc.Deploy.ID, r.svc.Deploy.Errand); !regexp.MustCompile("^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$").MatchString(id) {
		t.Errorf("execution %s", id)
	}
	r.answer("", r.now.Add(time.Hour))
	r.goOn(nil)
	if d := r.svc.Deploy; d.Status != types.ServiceDeploymentStatusRollbackSuccessful || d.Hooks[len(d.Hooks)-1].Status != hookIsLate {
		t.Errorf("%+v", d)
	}
}

// A hook that is not ready is asked again when it says; one that never is ends
// the deployment, or is passed over if that is wanted.
func TestHookInProgress(t *testing.T) {
	for _, action := range []types.DeploymentLifecycleHookAction{types.DeploymentLifecycleHookActionRollback, types.DeploymentLifecycleHookActionContinue} {
		c := hooked(types.DeploymentLifecycleHookStagePostScaleUp)
		c.LifecycleHooks[0].TimeoutConfiguration = &types.DeploymentLifecycleHookTimeoutConfiguration{TimeoutInMinutes: aws.Int32(2), Action: action}
		r := start(t, c)
		r.goOn(func() bool { e := r.svc.Deploy.Errand; return e != nil && e.Do == invoke })
		asked := 1
		for ; r.svc.Deploy.Errand != nil && r.svc.Deploy.Errand.Do == invoke; asked++ {
			if asked > 10 {
				t.Fatal("asked for ever")
			}
			again := r.now.Add(50 * time.Second)
			r.answer("", again)
			if p := r.look(); p.Errand != nil || p.Wake.IsZero() {
				t.Errorf("asked before it is time: %+v", p.Errand)
			}
			r.now = again
			if end := epoch.Add(2 * time.Minute); r.now.After(end) {
				r.now = end
			}
			r.look()
		}
		if asked != 4 {
			t.Errorf("%s: asked %d times", action, asked)
		}
		r.goOn(nil)
		want := types.ServiceDeploymentStatusRollbackSuccessful
		if action == types.DeploymentLifecycleHookActionContinue {
			want = types.ServiceDeploymentStatusSuccessful
		}
		if r.svc.Deploy.Status != want {
			t.Errorf("%s: %s %s", action, r.svc.Deploy.Status, r.svc.Deploy.Reason)
		}
	}
}

// canary is one that waits with a tenth of the traffic at green.
func canary(t *testing.T, change func(*types.DeploymentConfiguration)) *run {
	c := hooked()
	c.LifecycleHooks, c.CanaryConfiguration.CanaryBakeTimeInMinutes = nil, aws.Int32(10)
	change(&c)
	r := start(t, c)
	r.goOn(func() bool { return r.svc.Deploy.Production == 10 })
	r.did = nil
	return r
}

// What ends a canary: an alarm, failing tasks, someone.
func TestCanaryEnds(t *testing.T) {
	alarms := func(rollback bool) func(*types.DeploymentConfiguration) {
		return func(c *types.DeploymentConfiguration) {
			c.Alarms = &types.DeploymentAlarms{Enable: true, Rollback: rollback, AlarmNames: []string{"errors"}}
		}
	}
	breaker := func(c *types.DeploymentConfiguration) {
		c.DeploymentCircuitBreaker = &types.DeploymentCircuitBreaker{Enable: true, Rollback: true}
	}
	nothing := func(*types.DeploymentConfiguration) {}
	for _, c := range []struct {
		name   string
		config func(*types.DeploymentConfiguration)
		event  func(*service)
		did    string
		status types.ServiceDeploymentStatus
		at     string // who is the primary one
		reason string
	}{
		{"alarm", alarms(true), func(s *service) { s.Deploy.trigger("errors") }, "shift 0/0, part, stop green", types.ServiceDeploymentStatusRollbackSuccessful, "blue",
			"Service deployment rolled back because of one or more active alarms."},
		{"alarm without rollback", alarms(false), func(s *service) { s.Deploy.trigger("errors") }, "", types.ServiceDeploymentStatusStopped, "green",
			"Service deployment stopped because of one or more active alarms."},
		{"circuit breaker", breaker, func(s *service) { s.Rollouts[0].FailedTasks = 3 }, "shift 0/0, part, stop green", types.ServiceDeploymentStatusRollbackSuccessful, "blue",
			"Service deployment rolled back because the circuit breaker threshold was exceeded."},
		{"rollback", nothing, func(s *service) { s.Deploy.Status = types.ServiceDeploymentStatusRollbackRequested }, "shift 0/0, part, stop green", types.ServiceDeploymentStatusRollbackSuccessful, "blue",
			"Service deployment rolled back because a rollback was requested."},
		{"stop", nothing, func(s *service) { s.Deploy.Status = types.ServiceDeploymentStatusStopRequested }, "", types.ServiceDeploymentStatusStopped, "green",
			"Service deployment stopped because a stop was requested."},
	} {
		r := canary(t, c.config)
		d := *r.svc.Deploy
		r.svc.Deploy, r.svc.Rollouts = &d, slices.Clone(r.svc.Rollouts)
		c.event(&r.svc)
		r.goOn(nil)
		t.Log(c.name)
		r.want(c.did, c.status, c.at)
		if r.svc.Deploy.Reason != c.reason {
			t.Errorf("%s: %q", c.name, r.svc.Deploy.Reason)
		}
	}
	// An alarm that was in the state ALARM before says nothing.
	r := canary(t, alarms(true))
	d := *r.svc.Deploy
	d.Muted = []string{"errors"}
	if r.svc.Deploy = &d; d.trigger("errors") {
		t.Error("a muted alarm counts")
	}
	r.goOn(nil)
	r.want("wait 10m0s, shift 100/100, part, stop blue", types.ServiceDeploymentStatusSuccessful, "green")
}

// Tasks of a revision that keeps a part of the traffic are replaced, though its
// deployment was stopped.
func TestStoppedIsKept(t *testing.T) {
	r := canary(t, func(*types.DeploymentConfiguration) {})
	d := *r.svc.Deploy
	d.Status = types.ServiceDeploymentStatusStopRequested
	r.svc.Deploy = &d
	r.goOn(nil)
	r.tasks = "blue:R"
	if p := r.look(); p.Start["green"] != 1 {
		t.Errorf("start %v", p.Start)
	}
	r.svc.Rollouts[0].FailedTasks = 1
	if p := r.look(); p.Start["green"] != 0 {
		t.Errorf("of one that fails: start %v", p.Start)
	}
}

// A rollback whose traffic cannot be moved says so and touches nothing more.
func TestRollbackFails(t *testing.T) {
	r := canary(t, func(*types.DeploymentConfiguration) {})
	d := *r.svc.Deploy
	d.Status = types.ServiceDeploymentStatusRollbackRequested
	r.svc.Deploy = &d
	r.look()
	r.answer("AccessDenied: no", time.Time{})
	r.look()
	r.want("shift 0/0", types.ServiceDeploymentStatusRollbackFailed, "blue")
	if len(r.svc.Rollouts) != 2 {
		t.Error("a revision that may have traffic is gone")
	}
}

// Without earlier revision there is nothing to come back to, and nothing to
// shift from.
func TestFirstOfStages(t *testing.T) {
	c := hooked()
	c.LifecycleHooks = nil
	s := stagedService(c)
	s.Rollouts, s.Completed = s.Rollouts[:1], nil
	s.Deploy.Source = ""
	r := &run{t: t, svc: s, now: epoch}
	r.goOn(nil)
	r.want("shift 100/100, start green, shift 100/100", types.ServiceDeploymentStatusSuccessful, "green")
}

// What would be taken back and has nothing to go back to says so, and why.
func TestNoWayBack(t *testing.T) {
	s := stagedService(hooked(types.DeploymentLifecycleHookStagePreScaleUp))
	s.Rollouts, s.Completed = s.Rollouts[:1], nil
	s.Deploy.Source = ""
	r := &run{t: t, svc: s, now: epoch}
	r.look()
	r.answer("it returned FAILED", time.Time{})
	r.look()
	r.want("PRE_SCALE_UP 0", types.ServiceDeploymentStatusRollbackFailed, "green")
	if d := r.svc.Deploy; d.Reason != noCandidate || !strings.Contains(aws.ToString(d.Rollback.Reason), "PRE_SCALE_UP lifecycle hook(s) failed") {
		t.Errorf("%s; %+v", d.Reason, d.Rollback)
	}
	rolled := breaker(svc(1, 100, 200, "new"), true)
	rolled.Rollouts[0].FailedTasks = 3
	rolled.Deploy = &deployment{Target: "new", Status: types.ServiceDeploymentStatusInProgress}
	if d := schedule(rolled, nil, epoch, stableAfter).Service.Deploy; d.Status != types.ServiceDeploymentStatusRollbackFailed || d.Reason != noCandidate {
		t.Errorf("%s %s", d.Status, d.Reason)
	}
}

// A new deployment over one that has not ended: what has most of the traffic is
// what it comes from, and the rest goes first.
func TestReconcile(t *testing.T) {
	c := hooked()
	c.LifecycleHooks = nil
	s := stagedService(c)
	s.Rollouts = append(s.Rollouts, rollout{Deployment: types.Deployment{Id: aws.String("grey"), Status: aws.String("ACTIVE")}})
	s.Deploy.Reconcile = true
	r := &run{t: t, svc: s, now: epoch, tasks: "blue:R grey:R"}
	r.goOn(nil)
	r.want("shift 0/0, stop grey, shift 0/0, start green, shift 0/100, shift 10/100, shift 100/100, part, stop blue", types.ServiceDeploymentStatusSuccessful, "green")
}

// The source of a deployment is what serves.
func TestSource(t *testing.T) {
	s := stagedService(hooked())
	for percent, want := range map[float64]string{0: "blue", 10: "blue", 50: "green", 100: "green"} {
		s.Deploy.Production, s.Rollouts[0].Off = percent, false
		if got := s.source(); got.id() != want {
			t.Errorf("%g %%: %s", percent, got.id())
		}
	}
	s.Rollouts[0].Off = true
	if got := s.source(); got.id() != "blue" {
		t.Errorf("a revision that never ran: %s", got.id())
	}
}

// A stage that takes longer than a day ends the deployment.
func TestStageLimit(t *testing.T) {
	c := hooked()
	c.LifecycleHooks = nil
	r := start(t, c)
	r.goOn(func() bool {
		return r.svc.Deploy.Stage == types.ServiceDeploymentLifecycleStageScaleUp && r.svc.Deploy.Errand == nil
	})
	r.now = epoch.Add(24 * time.Hour)
	r.goOn(nil)
	if d := r.svc.Deploy; d.Status != types.ServiceDeploymentStatusRollbackSuccessful || !strings.Contains(d.Reason, "the stage SCALE_UP took longer than 24 hours") {
		t.Errorf("%s %s", d.Status, d.Reason)
	}
}

// A rolling deployment has a service deployment too.
func TestRollingDeploymentRecord(t *testing.T) {
	rolled := func() service {
		s := stagedService(types.DeploymentConfiguration{Strategy: types.DeploymentStrategyRolling})
		s.Rollouts[0].Off = false
		return s
	}
	p := schedule(rolled(), views("blue:R"), epoch, stableAfter)
	if d := p.Service.Deploy; d.Status != types.ServiceDeploymentStatusInProgress || d.StartedAt.IsZero() {
		t.Errorf("%+v", d)
	}
	p = schedule(p.Service, views("green:R"), epoch, stableAfter)
	if d := p.Service.Deploy; d.Status != types.ServiceDeploymentStatusSuccessful || d.FinishedAt.IsZero() {
		t.Errorf("%+v", d)
	}
	for status, want := range map[types.ServiceDeploymentStatus][2]types.ServiceDeploymentStatus{
		types.ServiceDeploymentStatusRollbackRequested: {types.ServiceDeploymentStatusRollbackInProgress, types.ServiceDeploymentStatusRollbackSuccessful},
		types.ServiceDeploymentStatusStopRequested:     {types.ServiceDeploymentStatusStopped, types.ServiceDeploymentStatusStopped},
	} {
		s := rolled()
		s.Deploy.Status = status
		p = schedule(s, views("blue:R green:P"), epoch, stableAfter)
		if d := p.Service.Deploy; d.Status != want[0] {
			t.Errorf("%s: %s", status, d.Status)
		}
		p = schedule(p.Service, views("blue:R"), epoch, stableAfter)
		if d := p.Service.Deploy; d.Status != want[1] {
			t.Errorf("%s: then %s", status, d.Status)
		}
	}
	baked := rolled()
	baked.Deploy.Config.BakeTimeInMinutes = aws.Int32(3)
	p = schedule(baked, views("green:R"), epoch, stableAfter)
	if d := p.Service.Deploy; !d.open() || !p.Wake.Equal(epoch.Add(3*time.Minute)) {
		t.Errorf("%+v, wake %v", d, p.Wake)
	}
	if p = schedule(p.Service, views("green:R"), epoch.Add(3*time.Minute), stableAfter); p.Service.Deploy.Status != types.ServiceDeploymentStatusSuccessful {
		t.Errorf("%+v", p.Service.Deploy)
	}
}
