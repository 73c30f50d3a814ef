package codedeploy

import (
	"context"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codedeploy"
	"github.com/aws/aws-sdk-go-v2/service/codedeploy/types"

	"github.com/slipway-dev/slipway/internal/aws/identity"
	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/id"
)

func (s *Service) newDeploymentID() string {
	return "d-" + id.Of(s.IDs, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", 9)
}

// CreateDeployment begins a deployment, in the state Created. A revision that
// is not known is registered; one that is may be named by its hash alone, as
// GetDeployment shows it. What is wrong with the revision's content, or with
// what it is deployed to, the deployment says, not this call.
//
// Errors: those of findGroup, findConfig, checkRevision, getRevision,
// checkReactions, checkGradual;
// DescriptionTooLongException, InvalidDeploymentConfigNameException,
// InvalidIgnoreApplicationStopFailuresValueException,
// InvalidUpdateOutdatedInstancesOnlyValueException,
// InvalidFileExistsBehaviorException, InvalidTargetInstancesException,
// DeploymentLimitExceededException.
func (s *Service) CreateDeployment(ctx context.Context, in *codedeploy.CreateDeploymentInput, _ ...func(*codedeploy.Options)) (*codedeploy.CreateDeploymentOutput, error) {
	region := identity.Region(ctx)
	if err := checkDescription(in.Description); err != nil {
		return nil, err
	}
	d := &deployment{Region: region}
	err := s.Engine.Update(ctx, func(tx *engine.Tx) error {
		a, g, err := findGroup(tx, region, in.ApplicationName, in.DeploymentGroupName)
		if err != nil {
			return err
		}
		if err := checkRequest(in, a.Platform); err != nil {
			return err
		}
		p, err := progressOf(tx, region, *g.DeploymentGroupId)
		if err != nil {
			return err
		}
		if p.Active != "" {
			return &types.DeploymentLimitExceededException{Message: text("The Deployment Group '%s' already has an active Deployment '%s'", g.name(), p.Active)}
		}
		config := g.DeploymentConfigName
		if aws.ToString(in.DeploymentConfigName) != "" {
			config = in.DeploymentConfigName
		}
		c, err := findConfig(tx, region, config)
		if err != nil {
			return err
		}
		if c.ComputePlatform != a.Platform {
			return &types.InvalidDeploymentConfigNameException{Message: text("The deployment configuration %s is for the compute platform %s, the application for %s.", *config, c.ComputePlatform, a.Platform)}
		}
		if err := checkGradual(g.LoadBalancerInfo, c); err != nil {
			return err
		}
		d.from(a, g, in)
		d.DeploymentConfigName = config
		if c.TrafficRoutingConfig != nil {
			d.Traffic = *c.TrafficRoutingConfig
		}
		d.DeploymentId, d.CreateTime = aws.String(s.newDeploymentID()), aws.Time(tx.Now())
		d.PreviousRevision = p.Target
		if byHash(in.Revision) {
			if _, err := getRevision(tx, region, a, in.Revision); err != nil {
				return err
			}
		}
		if d.Revision, err = register(tx, region, a.ID, in.Revision, nil, true); err != nil {
			return err
		}
		if err := s.begin(tx, d); err != nil {
			return err
		}
		return s.trigger(tx, d, types.TriggerEventTypeDeploymentStart)
	})
	if err != nil {
		return nil, err
	}
	return &codedeploy.CreateDeploymentOutput{DeploymentId: d.DeploymentId}, nil
}

// checkRequest has the rules of a request by itself.
func checkRequest(in *codedeploy.CreateDeploymentInput, p types.ComputePlatform) error {
	if err := checkRevision(in.Revision, p, false); err != nil {
		return err
	}
	server := p == types.ComputePlatformServer
	switch {
	case !server && in.IgnoreApplicationStopFailures:
		return &types.InvalidIgnoreApplicationStopFailuresValueException{Message: text("For deployments to the compute platform %s the value of ignoreApplicationStopFailures must be false.", p)}
	case !server && in.UpdateOutdatedInstancesOnly:
		return &types.InvalidUpdateOutdatedInstancesOnlyValueException{Message: text("For deployments to the compute platform %s the value of updateOutdatedInstancesOnly must be false.", p)}
	case !server && in.TargetInstances != nil:
		return &types.InvalidTargetInstancesException{Message: text("Target instances are for the compute platform Server only.")}
	case in.FileExistsBehavior != "" && !slices.Contains(in.FileExistsBehavior.Values(), in.FileExistsBehavior):
		return &types.InvalidFileExistsBehaviorException{Message: text("The file exists behavior %q is not one of %v.", in.FileExistsBehavior, in.FileExistsBehavior.Values())}
	}
	return checkReactions(&types.DeploymentGroupInfo{AutoRollbackConfiguration: in.AutoRollbackConfiguration, AlarmConfiguration: in.OverrideAlarmConfiguration})
}

// from takes what the group and the request say.
func (d *deployment) from(a *application, g *group, in *codedeploy.CreateDeploymentInput) {
	d.ApplicationID, d.GroupID, d.Role = a.ID, *g.DeploymentGroupId, aws.ToString(g.ServiceRoleArn)
	if len(g.EcsServices) > 0 {
		d.Service = &g.EcsServices[0]
	}
	d.Alarms, d.Triggers = g.AlarmConfiguration, g.TriggerConfigurations
	if in.OverrideAlarmConfiguration != nil {
		d.Alarms = in.OverrideAlarmConfiguration
	}
	rollback := g.AutoRollbackConfiguration
	if in.AutoRollbackConfiguration != nil {
		rollback = in.AutoRollbackConfiguration
	}
	if rollback == nil {
		rollback = &types.AutoRollbackConfiguration{}
	}
	behavior := in.FileExistsBehavior
	if behavior == "" {
		behavior = types.FileExistsBehaviorDisallow
	}
	d.DeploymentInfo = types.DeploymentInfo{
		ApplicationName: &a.Name, DeploymentGroupName: g.DeploymentGroupName, ComputePlatform: a.Platform, Status: types.DeploymentStatusCreated,
		Creator: types.DeploymentCreatorUser, Description: in.Description, AutoRollbackConfiguration: rollback,
		OverrideAlarmConfiguration: in.OverrideAlarmConfiguration, FileExistsBehavior: behavior,
		DeploymentStyle: g.DeploymentStyle, LoadBalancerInfo: g.LoadBalancerInfo, BlueGreenDeploymentConfiguration: g.BlueGreenDeploymentConfiguration,
		IgnoreApplicationStopFailures: in.IgnoreApplicationStopFailures, UpdateOutdatedInstancesOnly: in.UpdateOutdatedInstancesOnly,
		TargetInstances: in.TargetInstances,
	}
	if a.Platform == types.ComputePlatformServer {
		d.DeploymentOverview = &types.DeploymentOverview{}
	}
	d.Run.Steps = steps(a.Platform, a.Platform == types.ComputePlatformEcs && d.test() != "")
	d.Run.Events = lifecycle(d.Run.Steps)
}
