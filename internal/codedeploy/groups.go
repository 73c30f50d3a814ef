package codedeploy

import (
	"context"
	"errors"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codedeploy"
	"github.com/aws/aws-sdk-go-v2/service/codedeploy/types"

	"github.com/slipway-dev/slipway/internal/aws/identity"
	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/id"
	"github.com/slipway-dev/slipway/internal/store"
)

// shown is the group as it is described, with its latest deployments.
func (g *group) shown(r store.Reader, region string, a *application) (*types.DeploymentGroupInfo, error) {
	info := g.DeploymentGroupInfo
	info.ApplicationName, info.ComputePlatform = &a.Name, a.Platform
	p, err := progressOf(r, region, *g.DeploymentGroupId)
	if err != nil {
		return nil, err
	}
	info.TargetRevision = p.Target
	if info.LastSuccessfulDeployment, err = latest(r, region, p.LastSuccessful); err != nil {
		return nil, err
	}
	info.LastAttemptedDeployment, err = latest(r, region, p.LastAttempted)
	return &info, err
}

// latest is what a group shows of a deployment, nil if there is none.
func latest(r store.Reader, region, id string) (*types.LastDeploymentInfo, error) {
	if id == "" {
		return nil, nil
	}
	d, err := deployments.Get(r, region, id)
	if err != nil {
		return nil, err
	}
	return &types.LastDeploymentInfo{DeploymentId: d.DeploymentId, Status: d.Status, CreateTime: d.CreateTime, EndTime: d.CompleteTime}, nil
}

func (g *group) name() string { return *g.DeploymentGroupName }

// complete writes the defaults that AWS writes.
func complete(g *types.DeploymentGroupInfo) {
	if aws.ToString(g.DeploymentConfigName) == "" {
		g.DeploymentConfigName = aws.String(defaultConfig(g.ComputePlatform))
	}
	style := types.DeploymentStyle{DeploymentType: types.DeploymentTypeInPlace, DeploymentOption: types.DeploymentOptionWithoutTrafficControl}
	if s := g.DeploymentStyle; s != nil {
		if s.DeploymentType != "" {
			style.DeploymentType = s.DeploymentType
		}
		if s.DeploymentOption != "" {
			style.DeploymentOption = s.DeploymentOption
		}
	}
	g.DeploymentStyle = &style
	if g.OutdatedInstancesStrategy == "" {
		g.OutdatedInstancesStrategy = types.OutdatedInstancesStrategyUpdate
	}
	if l := g.LoadBalancerInfo; l != nil && len(l.ElbInfoList)+len(l.TargetGroupInfoList)+len(l.TargetGroupPairInfoList) == 0 {
		g.LoadBalancerInfo = nil
	}
	if t := g.Ec2TagSet; t != nil && len(t.Ec2TagSetList) == 0 {
		g.Ec2TagSet = nil
	}
	if t := g.OnPremisesTagSet; t != nil && len(t.OnPremisesTagSetList) == 0 {
		g.OnPremisesTagSet = nil
	}
}

// scaling are Auto Scaling groups as they are described. There is no Auto
// Scaling, so no lifecycle hook to name.
func scaling(names []string) []types.AutoScalingGroup {
	all := make([]types.AutoScalingGroup, len(names))
	for i := range names {
		all[i].Name = &names[i]
	}
	return all
}

// CreateDeploymentGroup makes a deployment group.
//
// Errors: those of findApplication, findConfig, checkGroup, checkRole and
// checkService; DeploymentGroupNameRequiredException,
// InvalidDeploymentGroupNameException, DeploymentGroupAlreadyExistsException,
// DeploymentGroupLimitExceededException, InvalidComputePlatformException,
// ECSServiceMappingLimitExceededException, InvalidTagsToAddException.
func (s *Service) CreateDeploymentGroup(ctx context.Context, in *codedeploy.CreateDeploymentGroupInput, _ ...func(*codedeploy.Options)) (*codedeploy.CreateDeploymentGroupOutput, error) {
	region := identity.Region(ctx)
	if err := checkGroupName(in.DeploymentGroupName); err != nil {
		return nil, err
	}
	tags, err := newTags(in.Tags)
	if err != nil {
		return nil, err
	}
	g := &group{Tags: tags, Created: s.Engine.Now(), DeploymentGroupInfo: types.DeploymentGroupInfo{
		DeploymentGroupId: aws.String(id.UUID(s.IDs)), DeploymentGroupName: in.DeploymentGroupName, ServiceRoleArn: in.ServiceRoleArn,
		DeploymentConfigName: in.DeploymentConfigName, DeploymentStyle: in.DeploymentStyle, LoadBalancerInfo: in.LoadBalancerInfo,
		BlueGreenDeploymentConfiguration: in.BlueGreenDeploymentConfiguration, EcsServices: in.EcsServices,
		AlarmConfiguration: in.AlarmConfiguration, AutoRollbackConfiguration: in.AutoRollbackConfiguration, TriggerConfigurations: in.TriggerConfigurations,
		AutoScalingGroups: scaling(in.AutoScalingGroups), Ec2TagFilters: in.Ec2TagFilters, Ec2TagSet: in.Ec2TagSet,
		OnPremisesInstanceTagFilters: in.OnPremisesInstanceTagFilters, OnPremisesTagSet: in.OnPremisesTagSet,
		OutdatedInstancesStrategy: in.OutdatedInstancesStrategy, TerminationHookEnabled: aws.ToBool(in.TerminationHookEnabled),
	}}
	if err := s.checkRole(ctx, region, in.ServiceRoleArn); err != nil {
		return nil, err
	}
	if err := s.checkService(ctx, region, in.ServiceRoleArn, in.EcsServices); err != nil {
		return nil, err
	}
	err = s.Engine.Update(ctx, func(tx *engine.Tx) error {
		a, err := findApplication(tx, region, in.ApplicationName)
		if err != nil {
			return err
		}
		if err := unusedGroup(tx, region, a, g.name()); err != nil {
			return err
		}
		n, err := count(tx, groups, region, a.ID)
		if err != nil {
			return err
		}
		if n >= maxGroups {
			return &types.DeploymentGroupLimitExceededException{Message: text("The limit of %d deployment groups of an application is reached.", maxGroups)}
		}
		return saveGroup(tx, region, a, g)
	})
	if err != nil {
		return nil, err
	}
	return &codedeploy.CreateDeploymentGroupOutput{DeploymentGroupId: g.DeploymentGroupId}, nil
}

func unusedGroup(r store.Reader, region string, a *application, name string) error {
	_, err := groups.Get(r, region, a.ID, name)
	switch {
	case err == nil:
		return &types.DeploymentGroupAlreadyExistsException{Message: text("Deployment group name already exists")}
	case errors.Is(err, store.ErrNotFound):
		return nil
	}
	return err
}

// saveGroup checks a group and writes it, and whose service of ECS it deploys.
func saveGroup(tx *engine.Tx, region string, a *application, g *group) error {
	g.ComputePlatform = a.Platform
	complete(&g.DeploymentGroupInfo)
	c, err := findConfig(tx, region, g.DeploymentConfigName)
	if err != nil {
		return err
	}
	if c.ComputePlatform != a.Platform {
		return &types.InvalidDeploymentConfigNameException{Message: text("The deployment configuration %s is for the compute platform %s, the application for %s.", *g.DeploymentConfigName, c.ComputePlatform, a.Platform)}
	}
	if err := checkGroup(&g.DeploymentGroupInfo); err != nil {
		return err
	}
	if err := checkGradual(g.LoadBalancerInfo, c); err != nil {
		return err
	}
	for _, e := range g.EcsServices {
		owner, err := mapped.Get(tx, region, short(e.ClusterName), short(e.ServiceName))
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
		if err == nil && *owner != *g.DeploymentGroupId {
			return &types.ECSServiceMappingLimitExceededException{Message: text("The ECS service %s in the cluster %s belongs to another deployment group.", *e.ServiceName, *e.ClusterName)}
		}
		if err := mapped.Put(tx, g.DeploymentGroupId, region, short(e.ClusterName), short(e.ServiceName)); err != nil {
			return err
		}
	}
	if err := names.Put(tx, g.DeploymentGroupName, region, *g.DeploymentGroupId); err != nil {
		return err
	}
	return groups.Put(tx, g, region, a.ID, g.name())
}

// short is the name of a cluster or a service that may be given by its ARN.
func short(name *string) string { return (*name)[strings.LastIndexByte(*name, '/')+1:] }

// dropGroup deletes what saveGroup wrote.
func dropGroup(tx *engine.Tx, region string, a *application, g *group) error {
	for _, e := range g.EcsServices {
		if err := mapped.Delete(tx, region, short(e.ClusterName), short(e.ServiceName)); err != nil {
			return err
		}
	}
	return groups.Delete(tx, region, a.ID, g.name())
}

// GetDeploymentGroup shows a group.
//
// Errors: those of findGroup.
func (s *Service) GetDeploymentGroup(ctx context.Context, in *codedeploy.GetDeploymentGroupInput, _ ...func(*codedeploy.Options)) (*codedeploy.GetDeploymentGroupOutput, error) {
	out := &codedeploy.GetDeploymentGroupOutput{}
	err := s.Engine.View(ctx, func(r store.Reader) error {
		a, g, err := findGroup(r, identity.Region(ctx), in.ApplicationName, in.DeploymentGroupName)
		if err != nil {
			return err
		}
		out.DeploymentGroupInfo, err = g.shown(r, identity.Region(ctx), a)
		return err
	})
	return out, err
}

// DeleteDeploymentGroup deletes a group; one that does not exist is no error.
//
// Errors: ApplicationNameRequiredException, InvalidApplicationNameException,
// DeploymentGroupNameRequiredException, InvalidDeploymentGroupNameException.
func (s *Service) DeleteDeploymentGroup(ctx context.Context, in *codedeploy.DeleteDeploymentGroupInput, _ ...func(*codedeploy.Options)) (*codedeploy.DeleteDeploymentGroupOutput, error) {
	region := identity.Region(ctx)
	err := s.Engine.Update(ctx, func(tx *engine.Tx) error {
		a, g, err := findGroup(tx, region, in.ApplicationName, in.DeploymentGroupName)
		var noApp *types.ApplicationDoesNotExistException
		var noGroup *types.DeploymentGroupDoesNotExistException
		if errors.As(err, &noApp) || errors.As(err, &noGroup) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := s.abandon(tx, region, g, failed(types.ErrorCodeDeploymentGroupMissing, "The deployment failed because its deployment group %s was deleted.", g.name())); err != nil {
			return err
		}
		return dropGroup(tx, region, a, g)
	})
	return &codedeploy.DeleteDeploymentGroupOutput{HooksNotCleanedUp: []types.AutoScalingGroup{}}, err
}

// abandon ends the deployment that is under way when its group is deleted, and
// forgets how far the group had come.
func (s *Service) abandon(tx *engine.Tx, region string, g *group, why *failure) error {
	p, err := progressOf(tx, region, *g.DeploymentGroupId)
	if err != nil {
		return err
	}
	if p.Active != "" {
		err := s.transition(tx, region, p.Active, func(f *flow) error {
			f.abandon(why)
			return nil
		})
		if err != nil {
			return err
		}
	}
	return progresses.Delete(tx, region, *g.DeploymentGroupId)
}

// ListDeploymentGroups lists the names of an application's groups.
//
// Errors: those of findApplication, InvalidNextTokenException.
func (s *Service) ListDeploymentGroups(ctx context.Context, in *codedeploy.ListDeploymentGroupsInput, _ ...func(*codedeploy.Options)) (*codedeploy.ListDeploymentGroupsOutput, error) {
	region := identity.Region(ctx)
	var a *application
	err := s.Engine.View(ctx, func(r store.Reader) (err error) {
		a, err = findApplication(r, region, in.ApplicationName)
		return err
	})
	if err != nil {
		return nil, err
	}
	names, next, err := list(ctx, s, groups, "ListDeploymentGroups/"+region+"/"+a.ID, in.NextToken, (*group).name, region, a.ID)
	return &codedeploy.ListDeploymentGroupsOutput{ApplicationName: &a.Name, DeploymentGroups: names, NextToken: next}, err
}

// BatchGetDeploymentGroups shows up to 100 groups; those that do not exist are
// left out, and the error message names them.
//
// Errors: those of findApplication, BatchLimitExceededException,
// DeploymentGroupNameRequiredException, InvalidDeploymentGroupNameException.
func (s *Service) BatchGetDeploymentGroups(ctx context.Context, in *codedeploy.BatchGetDeploymentGroupsInput, _ ...func(*codedeploy.Options)) (*codedeploy.BatchGetDeploymentGroupsOutput, error) {
	if err := checkBatch(len(in.DeploymentGroupNames)); err != nil {
		return nil, err
	}
	if len(in.DeploymentGroupNames) == 0 {
		return nil, checkGroupName(nil)
	}
	out := &codedeploy.BatchGetDeploymentGroupsOutput{DeploymentGroupsInfo: []types.DeploymentGroupInfo{}}
	err := s.Engine.View(ctx, func(r store.Reader) error {
		for _, name := range in.DeploymentGroupNames {
			a, g, err := findGroup(r, identity.Region(ctx), in.ApplicationName, &name)
			var missing *types.DeploymentGroupDoesNotExistException
			if errors.As(err, &missing) {
				if out.ErrorMessage == nil {
					out.ErrorMessage = missing.Message
				}
				continue
			}
			if err != nil {
				return err
			}
			info, err := g.shown(r, identity.Region(ctx), a)
			if err != nil {
				return err
			}
			out.DeploymentGroupsInfo = append(out.DeploymentGroupsInfo, *info)
		}
		return nil
	})
	return out, err
}
