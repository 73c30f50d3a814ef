package codedeploy

import (
	"context"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codedeploy"
	"github.com/aws/aws-sdk-go-v2/service/codedeploy/types"
)

// The operations that came before targets. They know Server, of which there are
// no instances here, and Lambda; not ECS.

func notECS(d *deployment) error {
	if d.ComputePlatform == types.ComputePlatformEcs {
		return &types.InvalidComputePlatformException{Message: text("Deployments to the compute platform ECS have no instances; use the operations for deployment targets.")}
	}
	return nil
}

// ListDeploymentInstances lists the function of a deployment to Lambda.
//
// Errors: those of findDeployment and target, InvalidComputePlatformException,
// InvalidInstanceStatusException, InvalidInstanceTypeException,
// InvalidNextTokenException.
func (s *Service) ListDeploymentInstances(ctx context.Context, in *codedeploy.ListDeploymentInstancesInput, _ ...func(*codedeploy.Options)) (*codedeploy.ListDeploymentInstancesOutput, error) {
	d, t, err := s.onTarget(ctx, in.DeploymentId, notECS)
	if err != nil {
		return nil, err
	}
	if aws.ToString(in.NextToken) != "" { // there is never a second page
		return nil, badToken()
	}
	for _, st := range in.InstanceStatusFilter {
		if !slices.Contains(st.Values(), st) {
			return nil, &types.InvalidInstanceStatusException{Message: text("The instance status %q is not valid.", st)}
		}
	}
	for _, kind := range in.InstanceTypeFilter {
		if !slices.Contains(kind.Values(), kind) {
			return nil, &types.InvalidInstanceTypeException{Message: text("The instance type %q is not valid.", kind)}
		}
	}
	out := &codedeploy.ListDeploymentInstancesOutput{InstancesList: []string{}}
	if t != nil && (len(in.InstanceStatusFilter) == 0 || slices.Contains(in.InstanceStatusFilter, types.InstanceStatus(d.targetStatus()))) {
		out.InstancesList = append(out.InstancesList, targetID(t))
	}
	return out, nil
}

// GetDeploymentInstance shows the function of a deployment to Lambda.
//
// Errors: those of findDeployment and target, InvalidComputePlatformException,
// InstanceIdRequiredException, InstanceDoesNotExistException.
func (s *Service) GetDeploymentInstance(ctx context.Context, in *codedeploy.GetDeploymentInstanceInput, _ ...func(*codedeploy.Options)) (*codedeploy.GetDeploymentInstanceOutput, error) {
	if aws.ToString(in.InstanceId) == "" {
		return nil, noInstanceID()
	}
	_, t, err := s.onTarget(ctx, in.DeploymentId, notECS)
	if err != nil {
		return nil, err
	}
	if t == nil || targetID(t) != *in.InstanceId {
		return nil, &types.InstanceDoesNotExistException{Message: text("The instance %s does not exist in the deployment.", *in.InstanceId)}
	}
	return &codedeploy.GetDeploymentInstanceOutput{InstanceSummary: summary(t.LambdaTarget)}, nil
}

func noInstanceID() error {
	return &types.InstanceIdRequiredException{Message: text("An instance ID must be specified.")}
}

func summary(t *types.LambdaTarget) *types.InstanceSummary {
	return &types.InstanceSummary{DeploymentId: t.DeploymentId, InstanceId: t.TargetId, Status: types.InstanceStatus(t.Status),
		LastUpdatedAt: t.LastUpdatedAt, LifecycleEvents: t.LifecycleEvents}
}

// BatchGetDeploymentInstances shows up to 25; those that do not exist are left
// out, and the error message names the first.
//
// Errors: those of GetDeploymentInstance, BatchLimitExceededException.
func (s *Service) BatchGetDeploymentInstances(ctx context.Context, in *codedeploy.BatchGetDeploymentInstancesInput, _ ...func(*codedeploy.Options)) (*codedeploy.BatchGetDeploymentInstancesOutput, error) {
	if err := checkSmallBatch(len(in.InstanceIds)); err != nil {
		return nil, err
	}
	if len(in.InstanceIds) == 0 {
		return nil, noInstanceID()
	}
	_, t, err := s.onTarget(ctx, in.DeploymentId, notECS)
	if err != nil {
		return nil, err
	}
	out := &codedeploy.BatchGetDeploymentInstancesOutput{InstancesSummary: []types.InstanceSummary{}}
	for _, id := range in.InstanceIds {
		switch {
		case t != nil && targetID(t) == id:
			out.InstancesSummary = append(out.InstancesSummary, *summary(t.LambdaTarget))
		case out.ErrorMessage == nil:
			out.ErrorMessage = text("The instance %s does not exist in the deployment.", id)
		}
	}
	return out, nil
}
