package codedeploy

import (
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codedeploy/types"

	"github.com/slipway-dev/slipway/internal/appspec"
)

// Steps of a run. Those with the name of a lifecycle event are shown as one.
const (
	stepBegin     = "begin"
	stepInstall   = "Install"
	stepTest      = "AllowTestTraffic"
	stepReady     = "ready"
	stepTraffic   = "AllowTraffic"
	stepWait      = "wait"      // before blue ends
	stepTerminate = "terminate" // blue ends
	stepRemove    = "remove"    // green ends, of a rollback
)

// steps are those of a deployment to a platform.
func steps(p types.ComputePlatform, test bool) []string {
	switch p {
	case types.ComputePlatformEcs:
		all := []string{stepBegin, "BeforeInstall", stepInstall, "AfterInstall"}
		if test {
			all = append(all, stepTest, "AfterAllowTestTraffic")
		}
		return append(all, stepReady, "BeforeAllowTraffic", stepTraffic, "AfterAllowTraffic", stepWait, stepTerminate)
	case types.ComputePlatformLambda:
		return []string{stepBegin, "BeforeAllowTraffic", stepTraffic, "AfterAllowTraffic"}
	}
	return []string{stepBegin}
}

// lifecycle are the steps that are shown as lifecycle events, all pending.
func lifecycle(steps []string) []types.LifecycleEvent {
	hidden := []string{stepBegin, stepReady, stepWait, stepTerminate, stepRemove}
	all := []types.LifecycleEvent{}
	for _, s := range steps {
		if !slices.Contains(hidden, s) {
			all = append(all, types.LifecycleEvent{LifecycleEventName: aws.String(s), Status: types.LifecycleEventStatusPending})
		}
	}
	return all
}

// AWS's limits of time. Limits of what people and functions do are in minutes
// of deployments; that of starting a task set is for real work, so it is never
// shorter than leastInstall.
const (
	hookMinutes    = 60
	installMinutes = 60
	leastInstall   = 5 * time.Minute
	// leastHook is for a function that must first be started.
	leastHook = 30 * time.Second
)

// doing is what a deployment does next.
type doing string

const (
	nothing   doing = "nothing" // it waits
	start     doing = "start"   // reads the revision and looks at everything
	invoke    doing = "invoke"  // a hook
	install   doing = "install"
	test      doing = "test"
	shiftTo   doing = "shift"
	promote   doing = "promote"
	terminate doing = "terminate"
	restore   doing = "restore"
	remove    doing = "remove"
	goOn      doing = "go on" // a wait is over
	runOut    doing = "run out"
)

// action is what to do, as decided in a turn.
type action struct {
	do      doing
	turn    int
	percent int32     // of shiftTo
	until   time.Time // of nothing; zero if only an event wakes it
}

// outcome is what came of an action.
type outcome struct {
	failure *failure
	begun   *begun // of start
	green   string // ARN of the new task set
	seen    []types.ECSTaskSet
	// pending tells that the action looks again when an event comes, and note
	// what people should know meanwhile.
	pending bool
	note    string
}

// begun is what start found out.
type begun struct {
	Hooks  map[string]string
	Lambda *appspec.Function
	ECS    *sets
	Notes  []string // for the deployment's status messages
}

// failure is why a deployment cannot go on.
type failure struct {
	Code    types.ErrorCode
	Message string
	Event   types.LifecycleErrorCode // of the lifecycle event; "" is UnknownError
	cause   error                    // what an API answered, if it was that
}

func (f *failure) Error() string { return string(f.Code) + ": " + f.Message }

func (f *failure) Unwrap() error { return f.cause }

func failed(code types.ErrorCode, format string, args ...any) *failure {
	return &failure{Code: code, Message: fmt.Sprintf(format, args...)}
}

// effects are what a transition asks for beside the new state.
type effects struct {
	announce []string // states of the event on the bus
	began    bool
	ended    bool
	rollback bool // a rollback deployment begins
	again    bool // there is something to do now
}

// flow is one transition of a deployment.
type flow struct {
	d       *deployment
	now     time.Time
	minutes func(int32) time.Duration
	newID   func() string // of hooks' executions
	effects
}

func (r *run) step() string { return r.Steps[r.At] }

func (r *run) event(name string) *types.LifecycleEvent {
	for i := range r.Events {
		if *r.Events[i].LifecycleEventName == name {
			return &r.Events[i]
		}
	}
	return nil
}

// reached tells whether the run is at a step or behind it.
func (r *run) reached(step string) bool {
	i := slices.Index(r.Steps, step)
	return i >= 0 && r.At >= i
}

// next decides what to do. It changes nothing.
func (f *flow) next() action {
	r := &f.d.Run
	a := action{turn: r.Turn}
	deadline := func(late doing, after time.Duration) action {
		if a.until = r.Since.Add(after); f.now.Before(a.until) {
			a.do = nothing
		} else {
			a.do = late
		}
		return a
	}
	switch {
	case f.d.ended():
		a.do = nothing
		return a
	case r.Ending != nil && !r.Ending.Restored:
		a.do = restore
		return a
	case r.Ending != nil:
		a.do = remove
		return a
	}
	switch step := r.step(); step {
	case stepBegin:
		a.do = start
	case stepInstall:
		if a = deadline(runOut, max(f.minutes(installMinutes), leastInstall)); a.do == nothing {
			a.do = install
		}
	case stepTest:
		a.do = test
	case stepReady:
		return deadline(runOut, f.minutes(f.ready().WaitTimeInMinutes))
	case stepTraffic:
		return f.nextShift(a)
	case stepWait:
		return deadline(goOn, f.minutes(f.end().TerminationWaitTimeInMinutes))
	case stepTerminate:
		a.do = terminate
	case stepRemove:
		a.do = remove
	default: // a hook
		if !r.Call.Invoked {
			a.do = invoke
			return a
		}
		return deadline(runOut, max(f.minutes(hookMinutes), leastHook))
	}
	return a
}

func (f *flow) nextShift(a action) action {
	r := &f.d.Run
	if f.d.undoing() {
		a.do = restore
		return a
	}
	plan := shifts(f.d.Traffic)
	if r.Shifts == len(plan) {
		a.do = promote
		return a
	}
	next := plan[r.Shifts]
	if a.until = r.Shifted.Add(f.minutes(next.Minutes)); r.Shifts > 0 && f.now.Before(a.until) {
		a.do = nothing
		return a
	}
	a.do, a.percent = shiftTo, next.Percent
	return a
}

func (f *flow) ready() *types.DeploymentReadyOption {
	if c := f.d.BlueGreenDeploymentConfiguration; c != nil && c.DeploymentReadyOption != nil {
		return c.DeploymentReadyOption
	}
	return &types.DeploymentReadyOption{}
}

func (f *flow) end() *types.BlueInstanceTerminationOption {
	if c := f.d.BlueGreenDeploymentConfiguration; c != nil && c.TerminateBlueInstancesOnDeploymentSuccess != nil {
		return c.TerminateBlueInstancesOnDeploymentSuccess
	}
	return &types.BlueInstanceTerminationOption{}
}

// apply takes what came of an action. A result of an earlier turn is void: the
// deployment was stopped meanwhile, say, and will look anew.
func (f *flow) apply(a action, o outcome) {
	r := &f.d.Run
	if f.d.ended() {
		return
	}
	if o.seen != nil && r.ECS != nil {
		r.ECS.Seen = o.seen
	}
	if a.turn != r.Turn {
		f.again = true
		return
	}
	if o.green != "" && r.ECS != nil {
		r.ECS.Green = o.green
	}
	switch {
	case o.failure == nil && (a.do == nothing || o.pending):
		f.remark(o.note)
		return
	case o.failure != nil && r.Ending != nil:
		f.notUndone(o.failure)
		return
	case o.failure != nil:
		f.fail(types.DeploymentStatusFailed, o.failure, f.wants(types.AutoRollbackEventDeploymentFailure))
		return
	}
	r.Turn++
	f.again = true
	switch a.do {
	case start:
		f.started(o.begun)
	case invoke:
		r.Call.Invoked, r.Since = true, f.now
	case shiftTo:
		r.Weight, r.Shifted = a.percent, f.now
		r.Shifts++
	case runOut:
		f.late()
	case restore:
		f.restored()
	case remove:
		if r.Ending != nil {
			f.close(r.Ending.Status)
			return
		}
		f.advance()
	default:
		f.advance()
	}
}

// remark shows the latest note of a step that waits, in place of the one before.
func (f *flow) remark(note string) {
	r, all := &f.d.Run, f.d.DeploymentStatusMessages
	if note == "" || note == r.Note {
		return
	}
	if i := slices.Index(all, r.Note); r.Note != "" && i >= 0 {
		all = slices.Delete(all, i, i+1)
	}
	f.d.DeploymentStatusMessages, r.Note = append(all, note), note
}

// started goes on after everything was looked at.
func (f *flow) started(b *begun) {
	r := &f.d.Run
	r.Hooks, r.Lambda, r.ECS = b.Hooks, b.Lambda, b.ECS
	f.d.Status, f.d.StartTime = types.DeploymentStatusInProgress, aws.Time(f.now)
	f.d.DeploymentStatusMessages = append(f.d.DeploymentStatusMessages, b.Notes...)
	f.began, f.announce = true, append(f.announce, "START")
	f.advance()
}

// advance ends the step that was done and enters the next one.
func (f *flow) advance() {
	r := &f.d.Run
	if e := r.event(r.step()); e != nil {
		e.Status, e.EndTime = types.LifecycleEventStatusSucceeded, aws.Time(f.now)
		e.Diagnostics = &types.Diagnostics{ErrorCode: types.LifecycleErrorCodeSuccess, ScriptName: aws.String(r.Hooks[r.step()]),
			Message: aws.String("Succeeded"), LogTail: aws.String("")}
	}
	r.Call = nil
	if r.At++; r.At == len(r.Steps) {
		r.At--
		f.close(types.DeploymentStatusSucceeded)
		return
	}
	r.Since, f.again = f.now, true
	step := r.step()
	e := r.event(step)
	if e != nil {
		e.Status, e.StartTime = types.LifecycleEventStatusInProgress, aws.Time(f.now)
	}
	switch step {
	case stepReady:
		if f.ready().ActionOnTimeout != types.DeploymentReadyActionStopDeployment {
			f.advance()
			return
		}
		f.d.Status = types.DeploymentStatusReady
		f.announce = append(f.announce, "READY")
	case stepWait, stepTerminate:
		if f.end().Action == types.InstanceActionKeepAlive {
			f.advance()
			return
		}
		f.d.InstanceTerminationWaitTimeStarted = true
	case stepInstall, stepTest, stepTraffic, stepRemove:
	default:
		if r.Hooks[step] == "" {
			f.advance()
			return
		}
		r.Call = &call{ID: f.newID()}
	}
}
