package ecs

import (
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"github.com/slipway-dev/slipway/internal/aws/arn"
)

// checkCluster applies the rules that the model does not have. A cluster's
// configuration is about ExecuteCommand and about the disks of Fargate; it is
// kept for whom it concerns.
func checkCluster(c *types.ClusterConfiguration, d *types.ClusterServiceConnectDefaultsRequest, settings []types.ClusterSetting) error {
	for _, s := range settings {
		if v := aws.ToString(s.Value); s.Name == types.ClusterSettingNameContainerInsights && v != "enabled" && v != "disabled" && v != "enhanced" {
			return invalidParameter("Invalid value for containerInsights: %s. Valid values are enabled, enhanced and disabled.", v)
		}
	}
	if d != nil {
		if n := aws.ToString(d.Namespace); n != "" && !isNamespace(n) {
			// AWS would make a Cloud Map namespace of that name.
			return unsupported("Making an AWS Cloud Map namespace: give the ARN of one in serviceConnectDefaults; a namespace by name")
		}
	}
	if c == nil || c.ExecuteCommandConfiguration == nil {
		return nil
	}
	e := c.ExecuteCommandConfiguration
	switch override := e.Logging == types.ExecuteCommandLoggingOverride; {
	case override && e.LogConfiguration == nil:
		return invalidParameter("Log configuration must be specified when logging is OVERRIDE.")
	case !override && e.LogConfiguration != nil:
		return invalidParameter("Log configuration can only be specified when logging is OVERRIDE.")
	}
	return nil
}

func isNamespace(s string) bool {
	a, ok := arn.Parse(s)
	return ok && a.Service == "servicediscovery" && strings.HasPrefix(a.Resource, "namespace/")
}

// connectDefaults is the described form; an empty namespace removes it.
func connectDefaults(d *types.ClusterServiceConnectDefaultsRequest) *types.ClusterServiceConnectDefaults {
	if d == nil || aws.ToString(d.Namespace) == "" {
		return nil
	}
	return &types.ClusterServiceConnectDefaults{Namespace: d.Namespace}
}

func clusterSettings(have, changes []types.ClusterSetting) []types.ClusterSetting {
	if have == nil {
		have = []types.ClusterSetting{{Name: types.ClusterSettingNameContainerInsights, Value: aws.String("disabled")}}
	}
	have = slices.Clone(have)
	for _, c := range changes {
		i := slices.IndexFunc(have, func(h types.ClusterSetting) bool { return h.Name == c.Name })
		if i < 0 {
			have = append(have, c)
		} else {
			have[i] = c
		}
	}
	return have
}
