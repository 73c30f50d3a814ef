package ecs

import (
	"math"
	"regexp"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
)

// strategyOf fills in and checks what belongs to a deployment strategy, in a
// configuration that changes have been applied to.
func strategyOf(out *types.DeploymentConfiguration, have, change *types.DeploymentConfiguration) error {
	for _, c := range []*types.DeploymentConfiguration{have, change} {
		if c == nil {
			continue
		}
		if c.Strategy != "" {
			out.Strategy = c.Strategy
		}
		if c.BakeTimeInMinutes != nil {
			out.BakeTimeInMinutes = c.BakeTimeInMinutes
		}
		if c.LifecycleHooks != nil {
			out.LifecycleHooks = orNil(c.LifecycleHooks)
		}
		if c.LinearConfiguration != nil {
			out.LinearConfiguration = c.LinearConfiguration
		}
		if c.CanaryConfiguration != nil {
			out.CanaryConfiguration = c.CanaryConfiguration
		}
	}
	switch {
	case out.Strategy == types.DeploymentStrategyLinear:
		out.LinearConfiguration = &types.LinearConfiguration{StepPercent: or(out.LinearConfiguration, 10, func(c *types.LinearConfiguration) *float64 { return c.StepPercent }),
			StepBakeTimeInMinutes: or(out.LinearConfiguration, 6, func(c *types.LinearConfiguration) *int32 { return c.StepBakeTimeInMinutes })}
	case change != nil && change.LinearConfiguration != nil:
		return invalidParameter("linearConfiguration is only valid with the deployment strategy LINEAR.")
	default:
		out.LinearConfiguration = nil
	}
	switch {
	case out.Strategy == types.DeploymentStrategyCanary:
		out.CanaryConfiguration = &types.CanaryConfiguration{CanaryPercent: or(out.CanaryConfiguration, 5, func(c *types.CanaryConfiguration) *float64 { return c.CanaryPercent }),
			CanaryBakeTimeInMinutes: or(out.CanaryConfiguration, 10, func(c *types.CanaryConfiguration) *int32 { return c.CanaryBakeTimeInMinutes })}
	case change != nil && change.CanaryConfiguration != nil:
		return invalidParameter("canaryConfiguration is only valid with the deployment strategy CANARY.")
	default:
		out.CanaryConfiguration = nil
	}
	if c := out.LinearConfiguration; c != nil {
		if err := checkPercent("stepPercent", *c.StepPercent, 3); err != nil {
			return err
		}
		if err := checkMinutes("stepBakeTimeInMinutes", c.StepBakeTimeInMinutes); err != nil {
			return err
		}
	}
	if c := out.CanaryConfiguration; c != nil {
		if err := checkPercent("canaryPercent", *c.CanaryPercent, 0.1); err != nil {
			return err
		}
		if err := checkMinutes("canaryBakeTimeInMinutes", c.CanaryBakeTimeInMinutes); err != nil {
			return err
		}
	}
	if err := checkMinutes("bakeTimeInMinutes", out.BakeTimeInMinutes); err != nil {
		return err
	}
	if len(out.LifecycleHooks) > 0 && !isStaged(out.Strategy) {
		return invalidParameter("Lifecycle hooks need one of the deployment strategies BLUE_GREEN, LINEAR and CANARY.")
	}
	for _, h := range out.LifecycleHooks {
		if err := checkHook(&h); err != nil {
			return err
		}
	}
	return nil
}

// or is a member of what may be nothing, or a default.
func or[C, T any](c *C, otherwise T, member func(*C) *T) *T {
	if c != nil {
		if v := member(c); v != nil {
			return v
		}
	}
	return &otherwise
}

func checkPercent(name string, v, least float64) error {
	if tenth := v * 10; v < least || v > 100 || math.Abs(tenth-math.Round(tenth)) > 1e-6 {
		return invalidParameter("%s must be a multiple of 0.1 from %g to 100.", name, least)
	}
	return nil
}

func checkMinutes(name string, v *int32) error {
	if n := aws.ToInt32(v); n < 0 || n > stageMinutes {
		return invalidParameter("%s must be from 0 to %d.", name, stageMinutes)
	}
	return nil
}

var (
	functionForm = regexp.MustCompile(`^arn:[^:]+:lambda:[^:]*:\d{12}:function:[A-Za-z0-9_-]+(:[A-Za-z0-9_$-]+)?$`)
	roleForm     = regexp.MustCompile(`^arn:[^:]+:iam::\d{12}:role/.+$`)
)

// maxPause is how long a deployment may be told to pause, in minutes: 14 days.
const maxPause = 14 * 24 * 60

// unpaused are the stages at which no deployment pauses.
var unpaused = []types.DeploymentLifecycleHookStage{types.DeploymentLifecycleHookStageReconcileService,
	types.DeploymentLifecycleHookStageTestTrafficShift, types.DeploymentLifecycleHookStageProductionTrafficShift}

func checkHook(h *types.DeploymentLifecycleHook) error {
	most := int32(stageMinutes)
	if h.TargetType == types.DeploymentLifecycleHookTargetTypePause {
		most = maxPause
		switch {
		case h.HookTargetArn != nil:
			return invalidParameter("A lifecycle hook of the target type PAUSE has no hookTargetArn.")
		case slices.ContainsFunc(h.LifecycleStages, func(at types.DeploymentLifecycleHookStage) bool { return slices.Contains(unpaused, at) }):
			return invalidParameter("Invalid lifecycle stage provided for Pause Hook")
		}
	} else if !functionForm.MatchString(aws.ToString(h.HookTargetArn)) {
		return invalidParameter("The hookTargetArn of a lifecycle hook must be the ARN of a Lambda function.")
	} else if !roleForm.MatchString(aws.ToString(h.RoleArn)) {
		return invalidParameter("The roleArn of a lifecycle hook must be the ARN of a role.")
	}
	if len(h.LifecycleStages) == 0 {
		return invalidParameter("A lifecycle hook needs lifecycleStages.")
	}
	if t := h.TimeoutConfiguration; t != nil && t.TimeoutInMinutes != nil && (*t.TimeoutInMinutes < 1 || *t.TimeoutInMinutes > most) {
		return invalidParameter("timeoutInMinutes must be from 1 to %d.", most)
	}
	return nil
}

// checkStrategy checks a service's strategy against what it runs.
func checkStrategy(svc *service, c *types.DeploymentConfiguration, lbs []types.LoadBalancer) error {
	if !isStaged(c.Strategy) {
		return nil
	}
	if svc.daemon() {
		return invalidParameter("The deployment strategy %s is not supported with the scheduling strategy DAEMON.", c.Strategy)
	}
	if slices.ContainsFunc(lbs, func(lb types.LoadBalancer) bool { return lb.AdvancedConfiguration == nil }) {
		return invalidParameter("advancedConfiguration field is required for all loadBalancers when using a non-ROLLING deployment strategy")
	}
	if len(lbs) == 0 && c.Strategy != types.DeploymentStrategyBlueGreen {
		return invalidParameter("The deployment strategy %s needs a load balancer.", c.Strategy)
	}
	return nil
}

// thresholdOf is how many failed tasks the circuit breaker suffers: half the
// desired count, 3 to 200, or what it was told.
func thresholdOf(b *types.DeploymentCircuitBreaker, desired int) int32 {
	percent, bounded := 50, true
	if b != nil && b.ThresholdConfiguration != nil {
		t := b.ThresholdConfiguration
		if t.Type == types.ThresholdTypeCount {
			return t.Value
		}
		percent, bounded = int(t.Value), t.Type != types.ThresholdTypeUnboundedPercent
	}
	n := (desired*percent + 99) / 100
	if bounded {
		return int32(min(max(n, 3), 200))
	}
	return int32(max(n, 1))
}
