package codedeploy

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codedeploy"
	"github.com/aws/aws-sdk-go-v2/service/codedeploy/types"
)

func ecsSpec(more string) *types.RevisionLocation {
	return inline(strings.Replace(spec, "%s", more, 1))
}

const allDone = "BeforeInstall=Succeeded Install=Succeeded AfterInstall=Succeeded AllowTestTraffic=Succeeded AfterAllowTestTraffic=Succeeded " +
	"BeforeAllowTraffic=Succeeded AllowTraffic=Succeeded AfterAllowTraffic=Succeeded "

func TestThereAndBack(t *testing.T) {
	b := newBench(t)
	b.group(types.ComputePlatformEcs)
	b.world.lazy = true
	first := b.deploy(ecsSpec(""))
	d := b.want(first, types.DeploymentStatusInProgress, "")
	if got := b.lifecycle(first); !strings.HasPrefix(got, "BeforeInstall=Succeeded Install=InProgress AfterInstall=Pending") {
		t.Errorf("while green starts: %s", got)
	}
	b.expect("a:100", "1/PRIMARY 101/ACTIVE")
	if d.Creator != "user" || d.StartTime == nil || *d.Revision.AppSpecContent.Sha256 == "" || d.Revision.AppSpecContent.Content != nil {
		t.Errorf("%+v", d)
	}
	if _, err := b.CreateDeployment(b.ctx, &codedeploy.CreateDeploymentInput{ApplicationName: aws.String("app"), DeploymentGroupName: aws.String("g"), Revision: ecsSpec("")}); err == nil ||
		!strings.Contains(err.Error(), "The Deployment Group 'g' already has an active Deployment '"+first+"'") {
		t.Errorf("a second one: %v", err)
	}
	b.steady()
	b.want(first, types.DeploymentStatusSucceeded, "")
	if got := b.lifecycle(first); got != allDone {
		t.Errorf("%s", got)
	}
	b.expect("b:100", "101/PRIMARY")
	if b.world.split(testing8) != "b:100" {
		t.Errorf("test listener: %s", b.world.split(testing8))
	}
	// At once in the other direction.
	second := b.deploy(ecsSpec(""))
	b.steady()
	b.want(second, types.DeploymentStatusSucceeded, "")
	if b.world.split(prod) != "a:100" || b.world.split(testing8) != "a:100" {
		t.Errorf("%s, test %s", b.world.split(prod), b.world.split(testing8))
	}
	if got := strings.Join(b.events, " "); got != "START SUCCESS START SUCCESS" {
		t.Errorf("events: %s", got)
	}
	out, err := b.GetDeploymentGroup(b.ctx, &codedeploy.GetDeploymentGroupInput{ApplicationName: aws.String("app"), DeploymentGroupName: aws.String("g")})
	b.must(err)
	if g := out.DeploymentGroupInfo; *g.LastSuccessfulDeployment.DeploymentId != second || *g.LastAttemptedDeployment.DeploymentId != second ||
		g.LastAttemptedDeployment.EndTime == nil || g.TargetRevision == nil {
		t.Errorf("%+v", g)
	}
	list, err := b.ListDeployments(b.ctx, &codedeploy.ListDeploymentsInput{ApplicationName: aws.String("app"), DeploymentGroupName: aws.String("g")})
	b.must(err)
	if !slices.Contains(list.Deployments, first) || len(list.Deployments) != 2 {
		t.Errorf("%v", list.Deployments)
	}
}

func TestCanaryAndLinear(t *testing.T) {
	b := newBench(t)
	b.group(types.ComputePlatformEcs)
	id := b.deploy(ecsSpec(""), config("ECSCanary10Percent5Minutes"))
	b.expect("a:90 b:10", "1/PRIMARY 101/ACTIVE")
	b.pass(4*time.Minute + 59*time.Second)
	b.expect("a:90 b:10", "1/PRIMARY 101/ACTIVE")
	target, err := b.GetDeploymentTarget(b.ctx, &codedeploy.GetDeploymentTargetInput{DeploymentId: &id, TargetId: aws.String("c:web")})
	b.must(err)
	for _, s := range target.DeploymentTarget.EcsTarget.TaskSetsInfo {
		if want := map[types.TargetLabel]float64{"Blue": 90, "Green": 10}[s.TaskSetLabel]; s.TrafficWeight != want || s.RunningCount != 1 || *s.Identifer == "" {
			t.Errorf("%+v", s)
		}
	}
	b.pass(2 * time.Second)
	b.want(id, types.DeploymentStatusSucceeded, "")
	b.expect("b:100", "101/PRIMARY")

	id = b.deploy(ecsSpec(""), config("ECSLinear10PercentEvery1Minutes"))
	for i := range 9 {
		if want := string("a:"+string(rune('1'+i))+"0 b:") + string(rune('9'-i)) + "0"; b.world.split(prod) != want {
			t.Errorf("step %d: %s, want %s", i, b.world.split(prod), want)
		}
		b.pass(time.Minute)
	}
	b.want(id, types.DeploymentStatusSucceeded, "")
	if b.world.split(prod) != "a:100" {
		t.Errorf("%s", b.world.split(prod))
	}
}

// rolledBack checks both sides of a rollback, and returns its id.
func (b *bench) rolledBack(id string) string {
	b.t.Helper()
	d := b.get(id)
	if d.RollbackInfo == nil || d.RollbackInfo.RollbackDeploymentId == nil {
		b.t.Fatalf("%s was not rolled back: %+v", id, d.RollbackInfo)
	}
	undo := *d.RollbackInfo.RollbackDeploymentId
	r := b.want(undo, types.DeploymentStatusSucceeded, "")
	if r.Creator != types.DeploymentCreatorCodeDeployRollback || *r.RollbackInfo.RollbackTriggeringDeploymentId != id || r.Revision == nil ||
		*r.RollbackInfo.RollbackMessage != "Deployment "+undo+" is triggered to roll back deployment "+id+"." ||
		!strings.HasPrefix(*d.RollbackInfo.RollbackMessage, "Deployment "+id+" terminated. Automatic rollback is triggered with a DeploymentId "+undo+".") {
		b.t.Errorf("%+v %+v", r, r.RollbackInfo)
	}
	return undo
}

func TestAlarm(t *testing.T) {
	b := newBench(t)
	b.group(types.ComputePlatformEcs, func(g *types.DeploymentGroupInfo) {
		g.AlarmConfiguration = &types.AlarmConfiguration{Enabled: true, Alarms: []types.Alarm{{Name: aws.String("errors")}}}
	})
	b.world.alarms["errors"] = "OK"
	id := b.deploy(ecsSpec(""), config("ECSCanary10Percent5Minutes"))
	b.expect("a:90 b:10", "1/PRIMARY 101/ACTIVE")
	b.alarm("errors")
	d := b.want(id, types.DeploymentStatusStopped, types.ErrorCodeAlarmActive)
	if !strings.HasSuffix(*d.ErrorInformation.Message, "Activated alarms: <errors>") {
		t.Error(*d.ErrorInformation.Message)
	}
	b.expect("a:100", "1/PRIMARY")
	if b.world.split(testing8) != "a:100" {
		t.Errorf("test listener: %s", b.world.split(testing8))
	}
	undo := b.rolledBack(id)
	if got := b.lifecycle(id); !strings.HasSuffix(got, "BeforeAllowTraffic=Succeeded AllowTraffic=Failed AfterAllowTraffic=Skipped ") {
		t.Error(got)
	}
	if got := strings.Join(b.events, " "); got != "START STOP START SUCCESS" {
		t.Errorf("events: %s", got)
	}
	// There was no success before: the revision says what ran.
	r, err := b.GetApplicationRevision(b.ctx, &codedeploy.GetApplicationRevisionInput{ApplicationName: aws.String("app"), Revision: b.get(undo).Revision})
	b.must(err)
	if !strings.Contains(*r.Revision.AppSpecContent.Content, `"TaskDefinition":"f:1"`) {
		t.Error(*r.Revision.AppSpecContent.Content)
	}
	// An alarm that is on from the start stops the next one, unless overridden.
	id = b.deploy(ecsSpec(""))
	b.want(id, types.DeploymentStatusStopped, types.ErrorCodeAlarmActive)
	if b.get(id).RollbackInfo.RollbackDeploymentId != nil {
		t.Error("nothing was changed, and it was rolled back")
	}
	id = b.deploy(ecsSpec(""), func(in *codedeploy.CreateDeploymentInput) {
		in.OverrideAlarmConfiguration = &types.AlarmConfiguration{Enabled: false}
	})
	b.want(id, types.DeploymentStatusSucceeded, "")
	// One that is not there cannot be read.
	delete(b.world.alarms, "errors")
	b.want(b.deploy(ecsSpec("")), types.DeploymentStatusStopped, types.ErrorCodeAlarmActive)
	id = b.deploy(ecsSpec(""), func(in *codedeploy.CreateDeploymentInput) {
		in.OverrideAlarmConfiguration = &types.AlarmConfiguration{Enabled: true, IgnorePollAlarmFailure: true, Alarms: []types.Alarm{{Name: aws.String("errors")}}}
	})
	b.want(id, types.DeploymentStatusSucceeded, "")
}

func TestStop(t *testing.T) {
	b := newBench(t)
	b.group(types.ComputePlatformEcs)
	stop := func(id string, rollback *bool) {
		t.Helper()
		_, err := b.StopDeployment(b.ctx, &codedeploy.StopDeploymentInput{DeploymentId: &id, AutoRollbackEnabled: rollback})
		b.must(err)
		b.settle()
	}
	id := b.deploy(ecsSpec(""), config("ECSCanary10Percent5Minutes"))
	stop(id, nil)
	b.want(id, types.DeploymentStatusStopped, types.ErrorCodeManualStop)
	b.rolledBack(id)
	b.expect("a:100", "1/PRIMARY")
	var done *types.DeploymentAlreadyCompletedException
	if _, err := b.StopDeployment(b.ctx, &codedeploy.StopDeploymentInput{DeploymentId: &id}); !errors.As(err, &done) {
		t.Errorf("twice: %v", err)
	}
	// Without rollback all stays where it is; the next deployment wants it repaired.
	id = b.deploy(ecsSpec(""), config("ECSCanary10Percent5Minutes"))
	stop(id, aws.Bool(false))
	if d := b.want(id, types.DeploymentStatusStopped, types.ErrorCodeManualStop); d.RollbackInfo != nil {
		t.Errorf("%+v", d.RollbackInfo)
	}
	if b.world.split(prod) != "a:90 b:10" {
		t.Error(b.world.split(prod))
	}
	id = b.deploy(ecsSpec(""))
	d := b.want(id, types.DeploymentStatusFailed, types.ErrorCodeElasticLoadBalancingInvalid)
	if !strings.Contains(*d.ErrorInformation.Message, "Green taskset target group cannot have non-zero weight prior to traffic shifting") {
		t.Error(*d.ErrorInformation.Message)
	}
	b.world.rules[prod][0].Actions = forward(tgA, 1)
	// What was left is removed first.
	id = b.deploy(ecsSpec(""))
	b.want(id, types.DeploymentStatusSucceeded, "")
	if got := b.world.running(); strings.Contains(got, " ") {
		t.Errorf("left: %s", got)
	}
}

func TestWaits(t *testing.T) {
	b := newBench(t)
	b.group(types.ComputePlatformEcs, func(g *types.DeploymentGroupInfo) {
		g.BlueGreenDeploymentConfiguration.DeploymentReadyOption = &types.DeploymentReadyOption{ActionOnTimeout: types.DeploymentReadyActionStopDeployment, WaitTimeInMinutes: 10}
		g.BlueGreenDeploymentConfiguration.TerminateBlueInstancesOnDeploymentSuccess.TerminationWaitTimeInMinutes = 5
	})
	goOn := func(id string, wait types.DeploymentWaitType) error {
		_, err := b.ContinueDeployment(b.ctx, &codedeploy.ContinueDeploymentInput{DeploymentId: &id, DeploymentWaitType: wait})
		b.settle()
		return err
	}
	id := b.deploy(ecsSpec(""))
	b.want(id, types.DeploymentStatusReady, "")
	b.expect("a:100", "1/PRIMARY 101/ACTIVE")
	if b.world.split(testing8) != "b:100" {
		t.Error("the test listener is not at green")
	}
	var not *types.DeploymentIsNotInReadyStateException
	if err := goOn(id, types.DeploymentWaitTypeTerminationWait); !errors.As(err, &not) {
		t.Error(err)
	}
	b.must(goOn(id, types.DeploymentWaitTypeReadyWait))
	if d := b.want(id, types.DeploymentStatusInProgress, ""); !d.InstanceTerminationWaitTimeStarted {
		t.Error("the wait is not shown")
	}
	b.expect("b:100", "1/ACTIVE 101/PRIMARY")
	if err := goOn(id, types.DeploymentWaitTypeReadyWait); !errors.As(err, &not) {
		t.Error(err)
	}
	b.must(goOn(id, types.DeploymentWaitTypeTerminationWait))
	if d := b.want(id, types.DeploymentStatusSucceeded, ""); !d.InstanceTerminationWaitTimeStarted {
		t.Error("the wait is not shown after the end")
	}
	b.expect("b:100", "101/PRIMARY")

	// In the wait before blue ends, a stop brings everything back.
	id = b.deploy(ecsSpec(""))
	b.must(goOn(id, ""))
	b.pass(time.Minute)
	if b.world.split(prod) != "a:100" {
		t.Error(b.world.split(prod))
	}
	_, err := b.StopDeployment(b.ctx, &codedeploy.StopDeploymentInput{DeploymentId: &id})
	b.must(err)
	b.settle()
	b.rolledBack(id)
	b.expect("b:100", "101/PRIMARY")

	// Time over: stopped, and rolled back.
	id = b.deploy(ecsSpec(""))
	b.pass(11 * time.Minute)
	d := b.want(id, types.DeploymentStatusStopped, types.ErrorCodeTimeout)
	if *d.ErrorInformation.Message != "The deployment timed out while waiting for a notification to continue. This time out period is 10 minutes." {
		t.Error(*d.ErrorInformation.Message)
	}
	b.rolledBack(id)
	b.expect("b:100", "101/PRIMARY")

	id = b.deploy(ecsSpec(""))
	b.must(goOn(id, ""))
	_, err = b.SkipWaitTimeForInstanceTermination(b.ctx, &codedeploy.SkipWaitTimeForInstanceTerminationInput{DeploymentId: &id})
	b.must(err)
	b.settle()
	b.want(id, types.DeploymentStatusSucceeded, "")
}

func TestHooks(t *testing.T) {
	b := newBench(t)
	b.group(types.ComputePlatformEcs)
	put := func(id string, execution string, status types.LifecycleEventStatus) error {
		_, err := b.PutLifecycleEventHookExecutionStatus(b.ctx, &codedeploy.PutLifecycleEventHookExecutionStatusInput{DeploymentId: &id, LifecycleEventHookExecutionId: &execution, Status: status})
		b.settle()
		return err
	}
	last := func() string { return b.world.invoked[len(b.world.invoked)-1]["LifecycleEventHookExecutionId"] }
	all := []string{"BeforeInstall", "AfterInstall", "AfterAllowTestTraffic", "BeforeAllowTraffic", "AfterAllowTraffic"}
	id := b.deploy(ecsSpec(hooks(all...)))
	var invalid *types.InvalidLifecycleEventHookExecutionIdException
	var wrong *types.InvalidLifecycleEventHookExecutionStatusException
	var done *types.LifecycleEventAlreadyCompletedException
	if err := put(id, "nobody", types.LifecycleEventStatusSucceeded); !errors.As(err, &invalid) {
		t.Error(err)
	}
	if err := put(id, last(), types.LifecycleEventStatusSkipped); !errors.As(err, &wrong) {
		t.Error(err)
	}
	for i := range all {
		if len(b.world.invoked) != i+1 {
			t.Fatalf("%d invocations at %s", len(b.world.invoked), all[i])
		}
		if got := b.world.invoked[i]; got["DeploymentId"] != id || got["function"] != "check" {
			t.Errorf("%v", got)
		}
		execution := last()
		b.must(put(id, execution, types.LifecycleEventStatusSucceeded))
		if err := put(id, execution, types.LifecycleEventStatusSucceeded); !errors.As(err, &done) {
			t.Error(err)
		}
	}
	b.want(id, types.DeploymentStatusSucceeded, "")

	for i, event := range all {
		before := b.world.split(prod)
		id := b.deploy(ecsSpec(hooks(event)))
		b.must(put(id, last(), types.LifecycleEventStatusFailed))
		d := b.want(id, types.DeploymentStatusFailed, types.ErrorCodeHookExecutionFailure)
		if !strings.HasPrefix(*d.ErrorInformation.Message, "The deployment failed because one or more of the lifecycle event validation functions failed.") {
			t.Error(*d.ErrorInformation.Message)
		}
		if !strings.Contains(b.lifecycle(id), event+"=Failed") {
			t.Error(b.lifecycle(id))
		}
		if b.world.split(prod) != before {
			t.Errorf("%s: production is %s, was %s", event, b.world.split(prod), before)
		}
		if i > 0 { // before Install there is nothing to roll back
			b.rolledBack(id)
		} else if d.RollbackInfo.RollbackDeploymentId != nil {
			t.Error("BeforeInstall was rolled back")
		}
	}

	id = b.deploy(ecsSpec(hooks("AfterInstall")))
	b.pass(time.Hour)
	d := b.want(id, types.DeploymentStatusFailed, types.ErrorCodeHookExecutionFailure)
	if !strings.Contains(*d.ErrorInformation.Message, "timed out while waiting for a status callback") {
		t.Error(*d.ErrorInformation.Message)
	}
	b.rolledBack(id)

	b.world.missing = true
	d = b.want(b.deploy(ecsSpec(hooks("AfterInstall"))), types.DeploymentStatusFailed, types.ErrorCodeHookExecutionFailure)
	if !strings.Contains(*d.ErrorInformation.Message, "Function not found") {
		t.Error(*d.ErrorInformation.Message)
	}
}
