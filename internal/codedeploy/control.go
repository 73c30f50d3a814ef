package codedeploy

import (
	"context"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codedeploy"
	"github.com/aws/aws-sdk-go-v2/service/codedeploy/types"

	"github.com/slipway-dev/slipway/internal/aws/identity"
	"github.com/slipway-dev/slipway/internal/engine"
)

// change is a transition that a person asks for.
func (s *Service) change(ctx context.Context, id *string, fn func(*flow) error) error {
	region := identity.Region(ctx)
	return s.Engine.Update(ctx, func(tx *engine.Tx) error {
		if _, err := findDeployment(tx, region, id); err != nil {
			return err
		}
		return s.transition(tx, region, *id, fn)
	})
}

func completed(d *deployment) error {
	return &types.DeploymentAlreadyCompletedException{Message: text("The deployment %s has already completed.", d.id())}
}

func unsupported(d *deployment, what string) error {
	return &types.UnsupportedActionForDeploymentTypeException{Message: text("%s is not supported for deployments to the compute platform %s.", what, d.ComputePlatform)}
}

// StopDeployment ends a deployment. With autoRollbackEnabled the traffic goes
// back to the old version; without, everything stays where it is; if nothing is
// said, the deployment's own configuration decides. Once the old version is
// being removed, nothing can be stopped any more.
//
// Errors: those of findDeployment, DeploymentAlreadyCompletedException.
func (s *Service) StopDeployment(ctx context.Context, in *codedeploy.StopDeploymentInput, _ ...func(*codedeploy.Options)) (*codedeploy.StopDeploymentOutput, error) {
	out := &codedeploy.StopDeploymentOutput{}
	return out, s.change(ctx, in.DeploymentId, func(f *flow) error {
		if !f.stop(in.AutoRollbackEnabled) {
			return completed(f.d)
		}
		out.Status, out.StatusMessage = types.StopStatusPending, aws.String("The traffic goes back to the original version.")
		if f.d.ended() {
			out.Status = types.StopStatusSucceeded
			out.StatusMessage = aws.String("No more commands will be scheduled for execution in the deployment instances")
		}
		return nil
	})
}

// ContinueDeployment ends a wait: for the traffic (READY_WAIT, unless told
// otherwise) or for the end of the old version (TERMINATION_WAIT).
//
// Errors: those of findDeployment, InvalidDeploymentWaitTypeException,
// DeploymentAlreadyCompletedException, DeploymentIsNotInReadyStateException,
// UnsupportedActionForDeploymentTypeException.
func (s *Service) ContinueDeployment(ctx context.Context, in *codedeploy.ContinueDeploymentInput, _ ...func(*codedeploy.Options)) (*codedeploy.ContinueDeploymentOutput, error) {
	step, ok := map[types.DeploymentWaitType]string{"": stepReady, types.DeploymentWaitTypeReadyWait: stepReady, types.DeploymentWaitTypeTerminationWait: stepWait}[in.DeploymentWaitType]
	if !ok {
		return nil, &types.InvalidDeploymentWaitTypeException{Message: text("The wait type %q is neither READY_WAIT nor TERMINATION_WAIT.", in.DeploymentWaitType)}
	}
	return &codedeploy.ContinueDeploymentOutput{}, s.change(ctx, in.DeploymentId, func(f *flow) error {
		switch {
		case f.d.ended():
			return completed(f.d)
		case f.d.ComputePlatform != types.ComputePlatformEcs:
			return unsupported(f.d, "ContinueDeployment")
		case !f.proceed(step):
			return &types.DeploymentIsNotInReadyStateException{Message: text("The deployment %s is not waiting to be continued.", f.d.id())}
		}
		return nil
	})
}

// SkipWaitTimeForInstanceTermination ends the old version at once.
//
// Errors: those of findDeployment, DeploymentAlreadyCompletedException,
// DeploymentNotStartedException, UnsupportedActionForDeploymentTypeException.
func (s *Service) SkipWaitTimeForInstanceTermination(ctx context.Context, in *codedeploy.SkipWaitTimeForInstanceTerminationInput, _ ...func(*codedeploy.Options)) (*codedeploy.SkipWaitTimeForInstanceTerminationOutput, error) {
	return &codedeploy.SkipWaitTimeForInstanceTerminationOutput{}, s.change(ctx, in.DeploymentId, func(f *flow) error {
		switch {
		case f.d.ended():
			return completed(f.d)
		case f.d.ComputePlatform != types.ComputePlatformEcs:
			return unsupported(f.d, "SkipWaitTimeForInstanceTermination")
		case !f.proceed(stepWait):
			return &types.DeploymentNotStartedException{Message: text("The deployment %s does not wait for the end of its original task set.", f.d.id())}
		}
		return nil
	})
}

// PutLifecycleEventHookExecutionStatus takes what a hook's function found.
//
// Errors: those of findDeployment,
// InvalidLifecycleEventHookExecutionStatusException,
// InvalidLifecycleEventHookExecutionIdException,
// LifecycleEventAlreadyCompletedException,
// UnsupportedActionForDeploymentTypeException.
func (s *Service) PutLifecycleEventHookExecutionStatus(ctx context.Context, in *codedeploy.PutLifecycleEventHookExecutionStatusInput, _ ...func(*codedeploy.Options)) (*codedeploy.PutLifecycleEventHookExecutionStatusOutput, error) {
	if in.Status != types.LifecycleEventStatusSucceeded && in.Status != types.LifecycleEventStatusFailed {
		return nil, &types.InvalidLifecycleEventHookExecutionStatusException{Message: text("The status of a lifecycle event hook is Succeeded or Failed, not %q.", in.Status)}
	}
	out := &codedeploy.PutLifecycleEventHookExecutionStatusOutput{LifecycleEventHookExecutionId: in.LifecycleEventHookExecutionId}
	return out, s.change(ctx, in.DeploymentId, func(f *flow) error {
		id, r := aws.ToString(in.LifecycleEventHookExecutionId), &f.d.Run
		mine := r.Call != nil && r.Call.ID == id
		switch {
		case f.d.ComputePlatform == types.ComputePlatformServer:
			return unsupported(f.d, "PutLifecycleEventHookExecutionStatus")
		case slices.Contains(r.Calls, id), mine && (f.d.ended() || r.Ending != nil):
			return &types.LifecycleEventAlreadyCompletedException{Message: text("The lifecycle event of the hook execution has already completed.")}
		case !mine:
			return &types.InvalidLifecycleEventHookExecutionIdException{Message: text("The lifecycle event hook execution ID is not one of the deployment %s.", f.d.id())}
		}
		f.report(in.Status)
		return nil
	})
}
