package codedeploy

import (
	"context"
	"errors"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codedeploy"
	"github.com/aws/aws-sdk-go-v2/service/codedeploy/types"

	"github.com/slipway-dev/slipway/internal/aws/identity"
	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/id"
	"github.com/slipway-dev/slipway/internal/page"
	"github.com/slipway-dev/slipway/internal/store"
)

// findConfig reads a configuration, AWS's own ones included.
//
// Errors: DeploymentConfigNameRequiredException,
// InvalidDeploymentConfigNameException, DeploymentConfigDoesNotExistException.
func findConfig(r store.Reader, region string, name *string) (*types.DeploymentConfigInfo, error) {
	if err := checkConfigName(name); err != nil {
		return nil, err
	}
	if c := predefined[*name]; c != nil {
		return c, nil
	}
	c, err := configs.Get(r, region, *name)
	if errors.Is(err, store.ErrNotFound) {
		return nil, &types.DeploymentConfigDoesNotExistException{Message: text("No Deployment Configuration found for name: %s", *name)}
	}
	return c, err
}

// CreateDeploymentConfig makes a configuration; there is no way to change one.
//
// Errors: DeploymentConfigNameRequiredException,
// InvalidDeploymentConfigNameException, DeploymentConfigAlreadyExistsException,
// DeploymentConfigLimitExceededException, and those of checkConfig.
func (s *Service) CreateDeploymentConfig(ctx context.Context, in *codedeploy.CreateDeploymentConfigInput, _ ...func(*codedeploy.Options)) (*codedeploy.CreateDeploymentConfigOutput, error) {
	region := identity.Region(ctx)
	if err := checkConfigName(in.DeploymentConfigName); err != nil {
		return nil, err
	}
	if reserved(*in.DeploymentConfigName) {
		return nil, &types.InvalidDeploymentConfigNameException{Message: text("Names that begin with %s are reserved for the predefined deployment configurations.", ownPrefix)}
	}
	c := &types.DeploymentConfigInfo{
		DeploymentConfigId: aws.String(id.UUID(s.IDs)), DeploymentConfigName: in.DeploymentConfigName, ComputePlatform: platform(in.ComputePlatform),
		CreateTime: aws.Time(s.Engine.Now()), MinimumHealthyHosts: in.MinimumHealthyHosts, TrafficRoutingConfig: in.TrafficRoutingConfig, ZonalConfig: in.ZonalConfig,
	}
	if err := checkConfig(c); err != nil {
		return nil, err
	}
	err := s.Engine.Update(ctx, func(tx *engine.Tx) error {
		if _, err := configs.Get(tx, region, *c.DeploymentConfigName); err == nil {
			return &types.DeploymentConfigAlreadyExistsException{Message: text("Deployment configuration with name: %s already exists", *c.DeploymentConfigName)}
		} else if !errors.Is(err, store.ErrNotFound) {
			return err
		}
		n, err := count(tx, configs, region)
		if err != nil {
			return err
		}
		if n >= maxConfigs {
			return &types.DeploymentConfigLimitExceededException{Message: text("The limit of %d custom deployment configurations is reached.", maxConfigs)}
		}
		return configs.Put(tx, c, region, *c.DeploymentConfigName)
	})
	if err != nil {
		return nil, err
	}
	return &codedeploy.CreateDeploymentConfigOutput{DeploymentConfigId: c.DeploymentConfigId}, nil
}

// longest is the time from the first to the last shift of traffic, in minutes.
const longest = 2880

// checkConfig has the rules of the three platforms.
//
// Errors: InvalidMinimumHealthyHostValueException,
// InvalidTrafficRoutingConfigurationException,
// InvalidZonalDeploymentConfigurationException.
func checkConfig(c *types.DeploymentConfigInfo) error {
	server := c.ComputePlatform == types.ComputePlatformServer
	switch {
	case server && c.TrafficRoutingConfig != nil:
		return badTraffic("The compute platform Server takes no traffic routing configuration.")
	case server:
		if err := checkHosts(c.MinimumHealthyHosts); err != nil {
			return err
		}
		return checkZones(c.ZonalConfig)
	case c.MinimumHealthyHosts != nil:
		return badHosts("Minimum healthy hosts are for the compute platform Server only.")
	case c.ZonalConfig != nil:
		return badZones("A zonal configuration is for the compute platform Server only.")
	}
	return checkTraffic(c.TrafficRoutingConfig)
}

func badHosts(message string) error {
	return &types.InvalidMinimumHealthyHostValueException{Message: text("%s", message)}
}

func badZones(message string) error {
	return &types.InvalidZonalDeploymentConfigurationException{Message: text("%s", message)}
}

func badTraffic(message string) error {
	return &types.InvalidTrafficRoutingConfigurationException{Message: text("%s", message)}
}

func checkHosts(h *types.MinimumHealthyHosts) error {
	switch {
	case h == nil || h.Type == "":
		return badHosts("The type and value of the minimum healthy hosts must be specified.")
	case h.Value < 0:
		return badHosts("The minimum healthy hosts value cannot be negative.")
	case h.Type == types.MinimumHealthyHostsTypeFleetPercent && h.Value > 99:
		return badHosts("The minimum healthy hosts value of the type FLEET_PERCENT is 0 to 99.")
	}
	return nil
}

func checkZones(z *types.ZonalConfig) error {
	if z == nil {
		return nil
	}
	for _, seconds := range []*int64{z.FirstZoneMonitorDurationInSeconds, z.MonitorDurationInSeconds} {
		if seconds != nil && *seconds < 0 {
			return badZones("A monitor duration cannot be negative.")
		}
	}
	if h := z.MinimumHealthyHostsPerZone; h != nil {
		switch {
		case h.Type == "" || h.Value < 0:
			return badZones("The minimum healthy hosts per zone need a type and a value that is not negative.")
		case h.Type == types.MinimumHealthyHostsPerZoneTypeFleetPercent && h.Value > 99:
			return badZones("The minimum healthy hosts per zone of the type FLEET_PERCENT are 0 to 99.")
		}
	}
	return nil
}

func checkTraffic(t *types.TrafficRoutingConfig) error {
	if t == nil {
		return badTraffic("A traffic routing configuration must be specified for the compute platforms ECS and Lambda.")
	}
	isCanary, isLinear := t.Type == types.TrafficRoutingTypeTimeBasedCanary, t.Type == types.TrafficRoutingTypeTimeBasedLinear
	if (t.TimeBasedCanary != nil) != isCanary || (t.TimeBasedLinear != nil) != isLinear {
		return badTraffic("The traffic routing configuration must have the member of its type, and no other.")
	}
	percent, interval, steps := int32(1), int32(1), int32(1)
	switch {
	case isCanary:
		percent, interval = t.TimeBasedCanary.CanaryPercentage, t.TimeBasedCanary.CanaryInterval
	case isLinear:
		percent, interval = t.TimeBasedLinear.LinearPercentage, t.TimeBasedLinear.LinearInterval
	}
	if percent < 1 || percent > 99 {
		return badTraffic("The percentage of a traffic routing configuration is 1 to 99.")
	}
	if isLinear {
		steps = (100+percent-1)/percent - 1 // shifts after the first
	}
	if interval < 1 || interval > longest || interval*steps > longest {
		return badTraffic("The interval of a traffic routing configuration is at least 1 minute, and all shifts take at most 2880 minutes.")
	}
	return nil
}

// GetDeploymentConfig shows a configuration.
//
// Errors: those of findConfig.
func (s *Service) GetDeploymentConfig(ctx context.Context, in *codedeploy.GetDeploymentConfigInput, _ ...func(*codedeploy.Options)) (*codedeploy.GetDeploymentConfigOutput, error) {
	out := &codedeploy.GetDeploymentConfigOutput{}
	err := s.Engine.View(ctx, func(r store.Reader) (err error) {
		out.DeploymentConfigInfo, err = findConfig(r, identity.Region(ctx), in.DeploymentConfigName)
		return err
	})
	return out, err
}

// DeleteDeploymentConfig deletes a configuration that no group has; one that
// does not exist is no error.
//
// Errors: DeploymentConfigNameRequiredException,
// InvalidDeploymentConfigNameException, InvalidOperationException,
// DeploymentConfigInUseException.
func (s *Service) DeleteDeploymentConfig(ctx context.Context, in *codedeploy.DeleteDeploymentConfigInput, _ ...func(*codedeploy.Options)) (*codedeploy.DeleteDeploymentConfigOutput, error) {
	region := identity.Region(ctx)
	if err := checkConfigName(in.DeploymentConfigName); err != nil {
		return nil, err
	}
	if reserved(*in.DeploymentConfigName) {
		return nil, &types.InvalidOperationException{Message: text("The predefined deployment configuration %s cannot be deleted.", *in.DeploymentConfigName)}
	}
	err := s.Engine.Update(ctx, func(tx *engine.Tx) error {
		for g, err := range groups.All(tx, region) {
			if err != nil {
				return err
			}
			if aws.ToString(g.DeploymentConfigName) == *in.DeploymentConfigName {
				return &types.DeploymentConfigInUseException{Message: text("Deployment configuration %s is in use by the deployment group %s.", *in.DeploymentConfigName, aws.ToString(g.DeploymentGroupName))}
			}
		}
		return configs.Delete(tx, region, *in.DeploymentConfigName)
	})
	return &codedeploy.DeleteDeploymentConfigOutput{}, err
}

// ListDeploymentConfigs lists names, AWS's own ones first.
//
// Errors: InvalidNextTokenException.
func (s *Service) ListDeploymentConfigs(ctx context.Context, in *codedeploy.ListDeploymentConfigsInput, _ ...func(*codedeploy.Options)) (*codedeploy.ListDeploymentConfigsOutput, error) {
	region := identity.Region(ctx)
	out := &codedeploy.ListDeploymentConfigsOutput{}
	err := s.Engine.View(ctx, func(r store.Reader) error {
		req := page.Request{Scope: "ListDeploymentConfigs/" + region, Token: in.NextToken, Max: pageSize}
		if aws.ToString(in.NextToken) == "" {
			req.Max -= len(predefinedNames)
		}
		own, next, err := page.Of(r, configs, req, func(c *types.DeploymentConfigInfo) (string, bool, error) { return *c.DeploymentConfigName, true, nil }, region)
		if errors.Is(err, page.ErrToken) {
			err = badToken()
		}
		if aws.ToString(in.NextToken) == "" {
			own = slices.Concat(predefinedNames, own)
		}
		out.DeploymentConfigsList, out.NextToken = own, next
		return err
	})
	return out, err
}
