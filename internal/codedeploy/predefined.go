package codedeploy

import (
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codedeploy/types"
)

// ownPrefix is that of AWS's own configurations; nobody else's may have it.
const ownPrefix = "CodeDeployDefault."

// predefined are AWS's own configurations, by name. The names differ in more
// than the platform: Minutes for ECS, Minute for Lambda.
var predefined, predefinedNames = func() (map[string]*types.DeploymentConfigInfo, []string) {
	all, names := map[string]*types.DeploymentConfigInfo{}, []string{}
	add := func(name string, c types.DeploymentConfigInfo) {
		name = ownPrefix + name
		names = append(names, name)
		c.DeploymentConfigName = aws.String(name)
		c.DeploymentConfigId = aws.String(fmt.Sprintf("00000000-0000-0000-0000-%012d", len(names)))
		all[name] = &c
	}
	hosts := func(name string, kind types.MinimumHealthyHostsType, value int32) {
		add(name, types.DeploymentConfigInfo{ComputePlatform: types.ComputePlatformServer, MinimumHealthyHosts: &types.MinimumHealthyHosts{Type: kind, Value: value}})
	}
	traffic := func(p types.ComputePlatform, name string, c types.TrafficRoutingConfig) {
		add(name, types.DeploymentConfigInfo{ComputePlatform: p, TrafficRoutingConfig: &c})
	}
	// The type of OneAtATime is in no list of valid types, and what AWS answers.
	hosts("OneAtATime", "MOST_CONCURRENCY", 1)
	hosts("HalfAtATime", types.MinimumHealthyHostsTypeFleetPercent, 50)
	hosts("AllAtOnce", types.MinimumHealthyHostsTypeFleetPercent, 0)
	allAtOnce := types.TrafficRoutingConfig{Type: types.TrafficRoutingTypeAllAtOnce}
	traffic(types.ComputePlatformEcs, "ECSAllAtOnce", allAtOnce)
	for _, n := range []int32{1, 3} {
		traffic(types.ComputePlatformEcs, fmt.Sprintf("ECSLinear10PercentEvery%dMinutes", n), linear(10, n))
	}
	for _, n := range []int32{5, 15} {
		traffic(types.ComputePlatformEcs, fmt.Sprintf("ECSCanary10Percent%dMinutes", n), canary(10, n))
	}
	traffic(types.ComputePlatformLambda, "LambdaAllAtOnce", allAtOnce)
	for _, n := range []int32{1, 2, 3, 10} {
		unit := "Minutes"
		if n == 1 {
			unit = "Minute"
		}
		traffic(types.ComputePlatformLambda, fmt.Sprintf("LambdaLinear10PercentEvery%d%s", n, unit), linear(10, n))
	}
	for _, n := range []int32{5, 10, 15, 30} {
		traffic(types.ComputePlatformLambda, fmt.Sprintf("LambdaCanary10Percent%dMinutes", n), canary(10, n))
	}
	return all, names
}()

func linear(percent, minutes int32) types.TrafficRoutingConfig {
	return types.TrafficRoutingConfig{Type: types.TrafficRoutingTypeTimeBasedLinear, TimeBasedLinear: &types.TimeBasedLinear{LinearPercentage: percent, LinearInterval: minutes}}
}

func canary(percent, minutes int32) types.TrafficRoutingConfig {
	return types.TrafficRoutingConfig{Type: types.TrafficRoutingTypeTimeBasedCanary, TimeBasedCanary: &types.TimeBasedCanary{CanaryPercentage: percent, CanaryInterval: minutes}}
}

// defaultConfig is what a group has that names none.
func defaultConfig(p types.ComputePlatform) string {
	switch p {
	case types.ComputePlatformEcs:
		return ownPrefix + "ECSAllAtOnce"
	case types.ComputePlatformLambda:
		return ownPrefix + "LambdaAllAtOnce"
	}
	return ownPrefix + "OneAtATime"
}

func reserved(name string) bool { return strings.HasPrefix(name, ownPrefix) }
