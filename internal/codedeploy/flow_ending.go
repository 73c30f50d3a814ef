package codedeploy

import (
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codedeploy/types"
)

// wants tells whether the deployment is to be rolled back when something
// happens.
func (f *flow) wants(event types.AutoRollbackEvent) bool {
	c := f.d.AutoRollbackConfiguration
	return c != nil && c.Enabled && slices.Contains(c.Events, event)
}

// touched tells whether there is something to roll back: a task set, or traffic.
func (f *flow) touched() bool {
	if f.d.ComputePlatform == types.ComputePlatformLambda {
		return f.d.Run.reached("BeforeAllowTraffic")
	}
	return f.d.Run.reached(stepInstall)
}

// fail ends the deployment. With rollback, the traffic goes back to the old
// version before anything else; without, everything stays where it is.
func (f *flow) fail(status types.DeploymentStatus, why *failure, rollback bool) {
	d, r := f.d, &f.d.Run
	r.Turn++
	d.ErrorInformation = &types.ErrorInformation{Code: why.Code, Message: aws.String(why.Message)}
	for i := range r.Events {
		e := &r.Events[i]
		switch e.Status {
		case types.LifecycleEventStatusInProgress:
			e.Status, e.EndTime = types.LifecycleEventStatusFailed, aws.Time(f.now)
			code := why.Event
			if code == "" {
				code = types.LifecycleErrorCodeUnknownError
			}
			e.Diagnostics = &types.Diagnostics{ErrorCode: code, ScriptName: aws.String(r.Hooks[*e.LifecycleEventName]), Message: aws.String(why.Message), LogTail: aws.String("")}
		case types.LifecycleEventStatusPending:
			e.Status = types.LifecycleEventStatusSkipped
		}
	}
	switch {
	case !rollback || d.undoing() || r.step() == stepTerminate:
		f.close(status)
	case !f.touched():
		d.RollbackInfo = &types.RollbackInfo{RollbackMessage: text("Deployment %s is not rolled back: it ended before it had changed anything.", d.id())}
		f.close(status)
	default:
		d.Status = types.DeploymentStatusInProgress
		r.Ending, f.again = &ending{Status: status, Rollback: true}, true
	}
}

// restored goes on after the traffic is back at the old version.
func (f *flow) restored() {
	r := &f.d.Run
	r.Weight = 0
	if f.d.undoing() {
		f.advance()
		return
	}
	if r.Ending.Restored = true; !r.Ending.Remove {
		f.close(r.Ending.Status)
	}
}

// notUndone ends a deployment whose rollback did not work. The new task set
// stays: it may have traffic.
func (f *flow) notUndone(why *failure) {
	f.d.RollbackInfo = &types.RollbackInfo{RollbackMessage: text("Deployment %s terminated. Automatic rollback failed: %s", f.d.id(), why.Message)}
	f.d.Run.Turn++
	f.d.Run.Ending.Rollback = false
	f.close(f.d.Run.Ending.Status)
}

// close writes the end.
func (f *flow) close(status types.DeploymentStatus) {
	d := f.d
	d.Status, d.CompleteTime = status, aws.Time(f.now)
	f.ended, f.again = true, false
	f.rollback = d.Run.Ending != nil && d.Run.Ending.Rollback
	f.announce = append(f.announce, map[types.DeploymentStatus]string{types.DeploymentStatusSucceeded: "SUCCESS",
		types.DeploymentStatusFailed: "FAILURE", types.DeploymentStatusStopped: "STOP"}[status])
}

// late is when a wait took too long.
func (f *flow) late() {
	r := &f.d.Run
	rollback := f.wants(types.AutoRollbackEventDeploymentFailure)
	switch step := r.step(); step {
	case stepInstall:
		f.fail(types.DeploymentStatusFailed, failed(types.ErrorCodeTimeout,
			"The deployment timed out while waiting for the replacement task set to become healthy. This time out period is %d minutes.", installMinutes), rollback)
	case stepReady:
		f.fail(types.DeploymentStatusStopped, failed(types.ErrorCodeTimeout,
			"The deployment timed out while waiting for a notification to continue. This time out period is %d minutes.", f.ready().WaitTimeInMinutes), rollback)
	default:
		why := failed(types.ErrorCodeHookExecutionFailure, "The deployment timed out while waiting for a status callback. "+
			"CodeDeploy expects a status callback within one hour after a deployment hook is invoked. The function %s did not report for %s.", r.Hooks[step], step)
		why.Event = types.LifecycleErrorCodeScriptTimedOut
		f.fail(types.DeploymentStatusFailed, why, rollback)
	}
}

// stop is StopDeployment. It reports false when there is nothing to stop.
func (f *flow) stop(rollback *bool) bool {
	switch {
	case f.d.ended() || f.d.Run.step() == stepTerminate:
		return false
	case f.d.Run.Ending != nil: // is under way
		return true
	}
	undo := f.wants(types.AutoRollbackEventDeploymentStopOnRequest)
	if rollback != nil {
		undo = *rollback
	}
	f.fail(types.DeploymentStatusStopped, failed(types.ErrorCodeManualStop, "The deployment was stopped by a user."), undo)
	return true
}

// alarmed stops the deployment because of alarms.
func (f *flow) alarmed(why *failure) {
	f.fail(types.DeploymentStatusStopped, why, f.wants(types.AutoRollbackEventDeploymentStopOnAlarm))
}

// guarded tells whether alarms stop the deployment where it stands. Those of a
// rollback do not: the alarm that began it is still active.
func (f *flow) guarded() bool {
	c, r := f.d.Alarms, &f.d.Run
	return c != nil && c.Enabled && len(c.Alarms) > 0 && !f.d.ended() && r.Ending == nil && !f.d.undoing() && r.step() != stepTerminate && f.d.ComputePlatform != types.ComputePlatformServer
}

// abandon is when the application or the group of a deployment is deleted. The
// old version gets its traffic back, whatever the group said of rollbacks:
// nobody could do it later.
func (f *flow) abandon(why *failure) {
	if f.d.ended() || f.d.undoing() || f.d.Run.step() == stepTerminate {
		return // what is left to do leads to a good end
	}
	rollback := f.d.Run.Ending == nil
	if rollback {
		f.fail(types.DeploymentStatusFailed, why, true)
	}
	if e := f.d.Run.Ending; e != nil {
		e.Rollback, e.Remove = false, true
		f.d.RollbackInfo = &types.RollbackInfo{RollbackMessage: text("Deployment %s terminated. The original version has its traffic back.", f.d.id())}
	}
}

// report takes what a hook's function says.
func (f *flow) report(status types.LifecycleEventStatus) {
	r := &f.d.Run
	step := r.step()
	r.Calls = append(r.Calls, r.Call.ID)
	if status == types.LifecycleEventStatusSucceeded {
		r.Turn++
		f.advance()
		return
	}
	why := failed(types.ErrorCodeHookExecutionFailure, "The deployment failed because one or more of the lifecycle event validation functions failed. "+
		"The function %s reported that %s failed.", r.Hooks[step], step)
	why.Event = types.LifecycleErrorCodeScriptFailed
	f.fail(types.DeploymentStatusFailed, why, f.wants(types.AutoRollbackEventDeploymentFailure))
}

// proceed ends a wait before its time. It reports false outside of the wait.
func (f *flow) proceed(step string) bool {
	if r := &f.d.Run; f.d.ended() || r.Ending != nil || r.step() != step {
		return false
	}
	f.d.Status = types.DeploymentStatusInProgress
	f.d.Run.Turn++
	f.advance()
	return true
}

// undo is the rollback of a deployment: a deployment of its own, which has no
// task set to make, only to remove.
func (f *flow) undo(id string, to *types.RevisionLocation, previous string) *deployment {
	d := f.d
	next := &deployment{Region: d.Region, ApplicationID: d.ApplicationID, GroupID: d.GroupID, Role: d.Role, Service: d.Service, Triggers: d.Triggers,
		Traffic: types.TrafficRoutingConfig{Type: types.TrafficRoutingTypeAllAtOnce}}
	next.DeploymentInfo = types.DeploymentInfo{
		DeploymentId: aws.String(id), ApplicationName: d.ApplicationName, DeploymentGroupName: d.DeploymentGroupName, ComputePlatform: d.ComputePlatform,
		DeploymentConfigName: aws.String(ownPrefix + "ECSAllAtOnce"), DeploymentStyle: d.DeploymentStyle, LoadBalancerInfo: d.LoadBalancerInfo,
		BlueGreenDeploymentConfiguration: d.BlueGreenDeploymentConfiguration, FileExistsBehavior: d.FileExistsBehavior,
		AutoRollbackConfiguration: &types.AutoRollbackConfiguration{Enabled: false},
		Creator:                   types.DeploymentCreatorCodeDeployRollback, CreateTime: aws.Time(f.now), StartTime: aws.Time(f.now),
		Status: types.DeploymentStatusInProgress, Revision: to, PreviousRevision: d.Revision,
		RollbackInfo: &types.RollbackInfo{RollbackTriggeringDeploymentId: d.DeploymentId,
			RollbackMessage: text("Deployment %s is triggered to roll back deployment %s.", id, d.id())},
	}
	next.Run = run{Undoes: d.id(), ECS: d.Run.ECS, Lambda: d.Run.Lambda, Steps: []string{stepTraffic}, Since: f.now}
	if d.ComputePlatform == types.ComputePlatformEcs {
		next.Run.Steps = append(next.Run.Steps, stepRemove)
	} else {
		next.DeploymentConfigName = aws.String(ownPrefix + "LambdaAllAtOnce")
	}
	// The events of an ordinary deployment, of which a rollback does one.
	next.Run.Events = lifecycle(d.Run.Steps)
	for i := range next.Run.Events {
		if e := &next.Run.Events[i]; *e.LifecycleEventName == stepTraffic {
			e.Status, e.StartTime = types.LifecycleEventStatusInProgress, aws.Time(f.now)
		} else {
			e.Status = types.LifecycleEventStatusSkipped
		}
	}
	d.RollbackInfo = &types.RollbackInfo{RollbackDeploymentId: aws.String(id),
		RollbackMessage: text("Deployment %s terminated. Automatic rollback is triggered with a DeploymentId %s.", d.id(), id)}
	if previous == "" {
		d.RollbackInfo.RollbackMessage = aws.String(fmt.Sprintf("%s The deployment group has no successful deployment yet, so the rollback is to what ran before.", *d.RollbackInfo.RollbackMessage))
	}
	return next
}
