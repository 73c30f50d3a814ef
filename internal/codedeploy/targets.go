package codedeploy

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codedeploy"
	"github.com/aws/aws-sdk-go-v2/service/codedeploy/types"

	"github.com/slipway-dev/slipway/internal/aws/arn"
	"github.com/slipway-dev/slipway/internal/aws/identity"
	"github.com/slipway-dev/slipway/internal/store"
)

// target is the one target of a deployment to ECS or Lambda: the service, or
// the function. It is nil if there is none, as for a Lambda deployment whose
// revision could not be read.
//
// Errors: DeploymentNotStartedException.
func (d *deployment) target(account string) (*types.DeploymentTarget, error) {
	if d.Status == types.DeploymentStatusCreated || d.Status == types.DeploymentStatusQueued {
		return nil, &types.DeploymentNotStartedException{Message: text("The deployment %s has not started.", d.id())}
	}
	status, at := d.targetStatus(), d.touchedAt()
	switch r := &d.Run; {
	case d.ComputePlatform == types.ComputePlatformEcs:
		t := &types.ECSTarget{DeploymentId: d.DeploymentId, TargetId: aws.String(short(d.Service.ClusterName) + ":" + short(d.Service.ServiceName)),
			LifecycleEvents: r.Events, Status: status, LastUpdatedAt: at, TaskSetsInfo: []types.ECSTaskSet{}}
		if r.ECS != nil {
			t.TargetArn = aws.String(r.ECS.ServiceARN)
			for _, s := range r.ECS.Seen {
				if s.TrafficWeight = float64(r.Weight); s.TaskSetLabel == types.TargetLabelBlue {
					s.TrafficWeight = float64(100 - r.Weight)
				}
				t.TaskSetsInfo = append(t.TaskSetsInfo, s)
			}
		}
		return &types.DeploymentTarget{DeploymentTargetType: types.DeploymentTargetTypeEcsTarget, EcsTarget: t}, nil
	case d.ComputePlatform == types.ComputePlatformLambda && r.Lambda != nil:
		function := r.Lambda.Name
		if !strings.HasPrefix(function, "arn:") {
			function = arn.New("lambda", d.Region, account, "function:"+function)
		}
		return &types.DeploymentTarget{DeploymentTargetType: types.DeploymentTargetTypeLambdaTarget, LambdaTarget: &types.LambdaTarget{
			DeploymentId: d.DeploymentId, TargetId: &r.Lambda.Name, TargetArn: &function, LifecycleEvents: r.Events, Status: status, LastUpdatedAt: at,
			LambdaFunctionInfo: &types.LambdaFunctionInfo{FunctionName: &r.Lambda.Name, FunctionAlias: &r.Lambda.Alias, CurrentVersion: &r.Lambda.CurrentVersion,
				TargetVersion: &r.Lambda.TargetVersion, TargetVersionWeight: float64(r.Weight)},
		}}, nil
	}
	return nil, nil
}

func (d *deployment) targetStatus() types.TargetStatus {
	switch d.Status {
	case types.DeploymentStatusSucceeded:
		return types.TargetStatusSucceeded
	case types.DeploymentStatusFailed, types.DeploymentStatusStopped:
		return types.TargetStatusFailed
	case types.DeploymentStatusReady:
		return types.TargetStatusReady
	}
	return types.TargetStatusInProgress
}

// touchedAt is when something last happened.
func (d *deployment) touchedAt() *time.Time {
	if d.CompleteTime != nil {
		return d.CompleteTime
	}
	if d.Run.Shifted.After(d.Run.Since) {
		return &d.Run.Shifted
	}
	return &d.Run.Since
}

func targetID(t *types.DeploymentTarget) string {
	if t.EcsTarget != nil {
		return *t.EcsTarget.TargetId
	}
	return *t.LambdaTarget.TargetId
}

// onTarget reads the target of a deployment, nil if it has none.
func (s *Service) onTarget(ctx context.Context, id *string, check func(*deployment) error) (d *deployment, t *types.DeploymentTarget, err error) {
	err = s.Engine.View(ctx, func(r store.Reader) (err error) {
		if d, err = findDeployment(r, identity.Region(ctx), id); err != nil {
			return err
		}
		return check(d)
	})
	if err != nil {
		return nil, nil, err
	}
	if d.Run.ECS != nil && !d.ended() {
		// How many tasks there are now, if the role may still know.
		if c, err := s.open(ctx, d); err == nil {
			x := taskSets{c, d}
			if all, err := x.sets(ctx); err == nil {
				d.Run.ECS.Seen = seen(all, d.Run.ECS, x.external())
			}
		}
	}
	t, err = d.target(s.Site.Account)
	return d, t, err
}

func anyPlatform(*deployment) error { return nil }

// ListDeploymentTargets lists the ids of a deployment's targets.
//
// Errors: those of findDeployment and target, InvalidNextTokenException,
// InvalidTargetFilterNameException, InvalidInstanceStatusException,
// InvalidDeploymentInstanceTypeException.
func (s *Service) ListDeploymentTargets(ctx context.Context, in *codedeploy.ListDeploymentTargetsInput, _ ...func(*codedeploy.Options)) (*codedeploy.ListDeploymentTargetsOutput, error) {
	d, t, err := s.onTarget(ctx, in.DeploymentId, anyPlatform)
	if err != nil {
		return nil, err
	}
	if aws.ToString(in.NextToken) != "" { // there is never a second page
		return nil, badToken()
	}
	out := &codedeploy.ListDeploymentTargetsOutput{TargetIds: []string{}}
	match := true
	for name, values := range in.TargetFilters {
		switch types.TargetFilterName(name) {
		case types.TargetFilterNameTargetStatus:
			for _, v := range values {
				if !slices.Contains(types.TargetStatus("").Values(), types.TargetStatus(v)) {
					return nil, &types.InvalidInstanceStatusException{Message: text("The target status %q is not valid.", v)}
				}
			}
			match = match && slices.Contains(values, string(d.targetStatus()))
		case types.TargetFilterNameServerInstanceLabel:
			if d.ComputePlatform != types.ComputePlatformServer {
				return nil, &types.InvalidDeploymentInstanceTypeException{Message: text("The filter ServerInstanceLabel is for the compute platform Server only.")}
			}
		default:
			return nil, &types.InvalidTargetFilterNameException{Message: text("The target filter name %q is not valid.", name)}
		}
	}
	if t != nil && match {
		out.TargetIds = append(out.TargetIds, targetID(t))
	}
	return out, nil
}

// GetDeploymentTarget shows a target with its lifecycle events.
//
// Errors: those of findDeployment and target,
// DeploymentTargetIdRequiredException, DeploymentTargetDoesNotExistException.
func (s *Service) GetDeploymentTarget(ctx context.Context, in *codedeploy.GetDeploymentTargetInput, _ ...func(*codedeploy.Options)) (*codedeploy.GetDeploymentTargetOutput, error) {
	if aws.ToString(in.TargetId) == "" {
		return nil, noTargetID()
	}
	_, t, err := s.onTarget(ctx, in.DeploymentId, anyPlatform)
	if err != nil {
		return nil, err
	}
	if t == nil || targetID(t) != *in.TargetId {
		return nil, noTarget(*in.TargetId)
	}
	return &codedeploy.GetDeploymentTargetOutput{DeploymentTarget: t}, nil
}

func noTargetID() error {
	return &types.DeploymentTargetIdRequiredException{Message: text("A deployment target ID must be specified.")}
}

func noTarget(id string) error {
	return &types.DeploymentTargetDoesNotExistException{Message: text("The deployment target %s does not exist.", id)}
}

// BatchGetDeploymentTargets shows targets, all of which must exist. Deployments to
// ECS and Lambda have one.
//
// Errors: those of GetDeploymentTarget,
// DeploymentTargetListSizeExceededException.
func (s *Service) BatchGetDeploymentTargets(ctx context.Context, in *codedeploy.BatchGetDeploymentTargetsInput, _ ...func(*codedeploy.Options)) (*codedeploy.BatchGetDeploymentTargetsOutput, error) {
	switch {
	case len(in.TargetIds) == 0:
		return nil, noTargetID()
	case len(in.TargetIds) > 25:
		return nil, &types.DeploymentTargetListSizeExceededException{Message: text("The maximum number of targets that can be associated with this request (25) was exceeded.")}
	}
	d, t, err := s.onTarget(ctx, in.DeploymentId, anyPlatform)
	if err != nil {
		return nil, err
	}
	if d.ComputePlatform != types.ComputePlatformServer && len(in.TargetIds) > 1 {
		return nil, &types.DeploymentTargetListSizeExceededException{Message: text("The target list of deployments to the compute platform %s must have exactly one item.", d.ComputePlatform)}
	}
	out := &codedeploy.BatchGetDeploymentTargetsOutput{DeploymentTargets: []types.DeploymentTarget{}}
	for _, id := range in.TargetIds {
		if t == nil || targetID(t) != id {
			return nil, noTarget(id)
		}
		out.DeploymentTargets = append(out.DeploymentTargets, *t)
	}
	return out, nil
}
