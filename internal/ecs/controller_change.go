package ecs

import (
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"github.com/slipway-dev/slipway/internal/engine"
)

// takeOver lets ECS itself deploy a service that CodeDeploy has deployed, in
// place, as AWS's guide to the native strategies describes: the primary task set
// becomes the revision that has completed, with the tasks that it has. The other
// changes of controller are refused by name.
//
// Errors: InvalidParameterException while a deployment is in progress.
func (s *Service) takeOver(tx *engine.Tx, svc *service, in *ecs.UpdateServiceInput) error {
	from, to := controllerOf(svc.DeploymentController), controllerOf(in.DeploymentController)
	switch {
	case in.DeploymentController == nil || from == to:
		return nil
	case from != codeDeploy || to != rolling:
		return unsupported("Changing the deployment controller of a service from " + string(from) + " to " + string(to))
	case len(svc.Sets) != 1 || !svc.Sets[0].is(setPrimary):
		return invalidParameter("The deployment controller cannot be changed while a deployment of the service is in progress.")
	}
	r := svc.Sets[0].rollout
	d, err := findDefinition(tx, svc.Region, aws.ToString(r.TaskDefinition))
	if err != nil {
		return err
	}
	r.RolloutState = types.DeploymentRolloutStateCompleted
	r.RolloutStateReason = aws.String("ECS deployment " + r.id() + " completed.")
	if err := s.capture(tx, svc, &r, d); err != nil {
		return err
	}
	done := r
	svc.Rollouts, svc.Completed, svc.Sets = []rollout{r}, &done, nil
	svc.DeploymentController = &types.DeploymentController{Type: rolling}
	return nil
}
