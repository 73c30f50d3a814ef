package ecs

import (
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
)

// The states of hooks, short.
const (
	hookWaits   = types.DeploymentLifecycleHookStatusAwaitingAction
	hookRuns    = types.DeploymentLifecycleHookStatusInProgress
	hookAgrees  = types.DeploymentLifecycleHookStatusSucceeded
	hookRefuses = types.DeploymentLifecycleHookStatusFailed
	hookIsLate  = types.DeploymentLifecycleHookStatusTimedOut
)

// patience is how long a hook may take, and what follows then: a day, and the
// way back.
func patience(d *deployment, h *types.DeploymentLifecycleHook) (time.Duration, types.DeploymentLifecycleHookAction) {
	limit, action := int32(stageMinutes), types.DeploymentLifecycleHookActionRollback
	if t := h.TimeoutConfiguration; t != nil {
		if t.TimeoutInMinutes != nil {
			limit = *t.TimeoutInMinutes
		}
		if t.Action != "" {
			action = t.Action
		}
	}
	return d.minutes(&limit), action
}

// hooked asks a hook until it knows, and tells whether the deployment may go on.
func (s *scheduler) hooked(at step) bool {
	d := s.Service.Deploy
	h := &d.Config.LifecycleHooks[at.hook]
	limit, action := patience(d, h)
	end := d.StepAt.Add(limit)
	late := !s.now.Before(end)
	switch e := d.Errand; {
	case e == nil:
		s.order(at, nil)
		s.beginHook(at, h, end, action)
	case e.Failed != "":
		s.endHook(hookRefuses)
		if at.do == pause {
			return s.object(fmt.Sprintf("%s pause hook was rolled back.", at.at), false)
		}
		return s.object(fmt.Sprintf("%s lifecycle hook(s) failed. %s", at.at, e.Failed), false)
	case e.Done && e.Again.IsZero():
		s.endHook(hookAgrees)
		return true
	case e.Done && d.Back: // the source has the traffic already
		s.endHook(hookIsLate)
		return s.object(fmt.Sprintf("%s lifecycle hook(s) are not waited for in a rollback.", at.at), true)
	case late:
		s.endHook(hookIsLate)
		why := fmt.Sprintf("%s lifecycle hook(s) failed. Lifecycle hook target %s timed out.", at.at, aws.ToString(h.HookTargetArn))
		if at.do == pause {
			why = fmt.Sprintf("%s pause hook timed out.", at.at)
		}
		return s.object(why, action == types.DeploymentLifecycleHookActionContinue)
	case e.Done && !s.now.Before(e.Again):
		s.order(at, e.Details)
	case e.Done:
		s.wake(e.Again)
	}
	s.wake(end)
	return false
}

// object ends the deployment for a hook, unless it is to be passed over: on the
// way back nothing else would be better.
func (s *scheduler) object(why string, passed bool) bool {
	if passed || s.Service.Deploy.Back {
		s.say(why)
		return true
	}
	s.fault(why)
	return false
}

// beginHook notes for those who ask that a hook is being waited for.
func (s *scheduler) beginHook(at step, h *types.DeploymentLifecycleHook, end time.Time, action types.DeploymentLifecycleHookAction) {
	d := s.Service.Deploy
	detail := types.DeploymentLifecycleHookDetail{HookId: aws.String(hookID(d.ID, d.Errand)), TargetType: types.DeploymentLifecycleHookTargetTypeAwsLambda,
		TargetArn: h.HookTargetArn, Status: hookRuns, ExpiresAt: aws.Time(end), TimeoutAction: action}
	if at.do == pause {
		detail.TargetType, detail.Status = types.DeploymentLifecycleHookTargetTypePause, hookWaits
	}
	d.Hooks = append(slices.Clip(d.Hooks), detail)
}

// endHook notes what came of the hook that was waited for.
func (s *scheduler) endHook(status types.DeploymentLifecycleHookStatus) {
	d := s.Service.Deploy
	d.Hooks = slices.Clone(d.Hooks)
	if n := len(d.Hooks); n > 0 {
		d.Hooks[n-1].Status = status
	}
}
