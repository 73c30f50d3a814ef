package codedeploy

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codedeploy"
	"github.com/aws/aws-sdk-go-v2/service/codedeploy/types"

	"github.com/slipway-dev/slipway/internal/aws/identity"
	"github.com/slipway-dev/slipway/internal/engine"
)

// UpdateDeploymentGroup changes what the request has: a member that is absent
// stays, an empty list clears.
//
// Errors: those of findGroup and of CreateDeploymentGroup.
func (s *Service) UpdateDeploymentGroup(ctx context.Context, in *codedeploy.UpdateDeploymentGroupInput, _ ...func(*codedeploy.Options)) (*codedeploy.UpdateDeploymentGroupOutput, error) {
	region := identity.Region(ctx)
	if in.NewDeploymentGroupName != nil {
		if err := checkGroupName(in.NewDeploymentGroupName); err != nil {
			return nil, err
		}
	}
	role, err := s.roleOf(ctx, region, in)
	if err != nil {
		return nil, err
	}
	if in.ServiceRoleArn != nil {
		if err := s.checkRole(ctx, region, in.ServiceRoleArn); err != nil {
			return nil, err
		}
	}
	if err := s.checkService(ctx, region, role, in.EcsServices); err != nil {
		return nil, err
	}
	err = s.Engine.Update(ctx, func(tx *engine.Tx) error {
		a, g, err := findGroup(tx, region, in.ApplicationName, in.CurrentDeploymentGroupName)
		if err != nil {
			return err
		}
		if err := dropGroup(tx, region, a, g); err != nil {
			return err
		}
		if n := aws.ToString(in.NewDeploymentGroupName); n != "" && n != g.name() {
			if err := unusedGroup(tx, region, a, n); err != nil {
				return err
			}
			g.DeploymentGroupName = &n
		}
		g.change(in)
		return saveGroup(tx, region, a, g)
	})
	if err != nil {
		return nil, err
	}
	return &codedeploy.UpdateDeploymentGroupOutput{HooksNotCleanedUp: []types.AutoScalingGroup{}}, nil
}

// change sets what the request has.
func (g *group) change(in *codedeploy.UpdateDeploymentGroupInput) {
	set(&g.ServiceRoleArn, in.ServiceRoleArn)
	set(&g.DeploymentConfigName, in.DeploymentConfigName)
	set(&g.DeploymentStyle, in.DeploymentStyle)
	set(&g.LoadBalancerInfo, in.LoadBalancerInfo)
	set(&g.BlueGreenDeploymentConfiguration, in.BlueGreenDeploymentConfiguration)
	set(&g.AlarmConfiguration, in.AlarmConfiguration)
	set(&g.AutoRollbackConfiguration, in.AutoRollbackConfiguration)
	if in.EcsServices != nil {
		g.EcsServices = in.EcsServices
	}
	if in.TriggerConfigurations != nil {
		g.TriggerConfigurations = in.TriggerConfigurations
	}
	if in.AutoScalingGroups != nil {
		g.AutoScalingGroups = scaling(in.AutoScalingGroups)
	}
	if in.OutdatedInstancesStrategy != "" {
		g.OutdatedInstancesStrategy = in.OutdatedInstancesStrategy
	}
	if in.TerminationHookEnabled != nil {
		g.TerminationHookEnabled = *in.TerminationHookEnabled
	}
	// Of the two ways to select by tags, the one that is given now replaces the
	// other.
	if len(in.Ec2TagFilters) > 0 || in.Ec2TagSet != nil {
		g.Ec2TagSet = in.Ec2TagSet
	}
	if in.Ec2TagFilters != nil || in.Ec2TagSet != nil && len(in.Ec2TagSet.Ec2TagSetList) > 0 {
		g.Ec2TagFilters = in.Ec2TagFilters
	}
	if len(in.OnPremisesInstanceTagFilters) > 0 || in.OnPremisesTagSet != nil {
		g.OnPremisesTagSet = in.OnPremisesTagSet
	}
	if in.OnPremisesInstanceTagFilters != nil || in.OnPremisesTagSet != nil && len(in.OnPremisesTagSet.OnPremisesTagSetList) > 0 {
		g.OnPremisesInstanceTagFilters = in.OnPremisesInstanceTagFilters
	}
}

// set changes a member if there is something to change it to.
func set[T any](member **T, to *T) {
	if to != nil {
		*member = to
	}
}
