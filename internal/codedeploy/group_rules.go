package codedeploy

import (
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codedeploy/types"

	"github.com/slipway-dev/slipway/internal/aws/arn"
)

// AWS's limits of a deployment group.
const (
	maxAlarms    = 50
	maxTriggers  = 10
	maxBalancers = 10 // of a kind
	maxScaling   = 10 // Auto Scaling groups
	maxTagGroups = 3
	maxTags      = 10 // in all groups of tags
	maxWait      = 2880
)

// checkGroup checks a group as it will be stored.
//
// Errors: InvalidDeploymentStyleException, InvalidLoadBalancerInfoException,
// InvalidTargetGroupPairException, InvalidTrafficRoutingConfigurationException,
// InvalidECSServiceException,
// InvalidBlueGreenDeploymentConfigurationException, those of checkSelection,
// checkReactions, and InvalidAutoScalingGroupException.
func checkGroup(g *types.DeploymentGroupInfo) error {
	for _, check := range []func(*types.DeploymentGroupInfo) error{checkStyle, checkBalancers, checkServices, checkBlueGreen, checkSelection, checkReactions} {
		if err := check(g); err != nil {
			return err
		}
	}
	return nil
}

func isServer(g *types.DeploymentGroupInfo) bool {
	return g.ComputePlatform == types.ComputePlatformServer
}

func isECS(g *types.DeploymentGroupInfo) bool { return g.ComputePlatform == types.ComputePlatformEcs }

// checkStyle has the rules of deployment styles. The words are AWS's.
func checkStyle(g *types.DeploymentGroupInfo) error {
	s := g.DeploymentStyle
	blueGreen, control := s.DeploymentType == types.DeploymentTypeBlueGreen, s.DeploymentOption == types.DeploymentOptionWithTrafficControl
	switch {
	case !isServer(g) && !(blueGreen && control):
		return &types.InvalidDeploymentStyleException{Message: text("For %s deployment, the deployment type must be BLUE_GREEN, and deployment option must be WITH_TRAFFIC_CONTROL.", g.ComputePlatform)}
	case blueGreen && !control:
		return &types.InvalidDeploymentStyleException{Message: text("The deployment option of a BLUE_GREEN deployment must be WITH_TRAFFIC_CONTROL.")}
	}
	return nil
}

// badBalancers is for what is wrong with load balancers. Most words are AWS's.
func badBalancers(format string, args ...any) error {
	return &types.InvalidLoadBalancerInfoException{Message: text(format, args...)}
}

func checkBalancers(g *types.DeploymentGroupInfo) error {
	l := g.LoadBalancerInfo
	if l == nil {
		l = &types.LoadBalancerInfo{}
	}
	others := len(l.ElbInfoList) + len(l.TargetGroupInfoList)
	switch {
	case isECS(g) && g.LoadBalancerInfo == nil:
		return badBalancers("For ECS deployment group, loadBalancerInfo must be specified")
	case isECS(g) && len(l.ElbInfoList) > 0:
		return badBalancers("For ECS deployment group, loadBalancerInfo must not contain elbInfo list")
	case isECS(g) && len(l.TargetGroupInfoList) > 0:
		return badBalancers("For ECS deployment group, loadBalancerInfo must not contain targetGroupInfo list")
	case isECS(g) && len(l.TargetGroupPairInfoList) != 1:
		return badBalancers("For ECS deployment group, loadBalancerInfo must contain exactly one target group pair")
	case !isECS(g) && len(l.TargetGroupPairInfoList) > 0:
		return badBalancers("Target group pairs are for the compute platform ECS only.")
	case !isServer(g) && others > 0:
		return badBalancers("Load balancers and target groups are for the compute platform Server only.")
	case len(l.ElbInfoList) > maxBalancers || len(l.TargetGroupInfoList) > maxBalancers:
		return badBalancers("A deployment group can have at most %d load balancers and %d target groups.", maxBalancers, maxBalancers)
	case isServer(g) && others == 0 && g.DeploymentStyle.DeploymentOption == types.DeploymentOptionWithTrafficControl:
		return badBalancers("The specification for load balancing in the deployment group is invalid. The deploymentOption value is set to WITH_TRAFFIC_CONTROL, but either no load balancer was specified in elbInfoList or no target group was specified in targetGroupInfoList.")
	}
	for _, e := range l.ElbInfoList {
		if aws.ToString(e.Name) == "" {
			return badBalancers("The name of a load balancer must be specified.")
		}
	}
	for _, t := range l.TargetGroupInfoList {
		if aws.ToString(t.Name) == "" {
			return badBalancers("The name of a target group must be specified.")
		}
	}
	if isECS(g) {
		return checkPair(&l.TargetGroupPairInfoList[0])
	}
	return nil
}

// checkGradual refuses what network load balancers cannot do. The words are
// AWS's.
//
// Errors: InvalidTrafficRoutingConfigurationException.
func checkGradual(l *types.LoadBalancerInfo, c *types.DeploymentConfigInfo) error {
	if l == nil || len(l.TargetGroupPairInfoList) == 0 || c.TrafficRoutingConfig == nil || c.TrafficRoutingConfig.Type == types.TrafficRoutingTypeAllAtOnce {
		return nil
	}
	if strings.Contains(l.TargetGroupPairInfoList[0].ProdTrafficRoute.ListenerArns[0], ":listener/net/") {
		return &types.InvalidTrafficRoutingConfigurationException{Message: text("Only ALB supports gradual traffic routing, use AllAtOnce Traffic routing instead when you create/update Deployment group.")}
	}
	return nil
}

// checkPair has the rules of a pair. The words are AWS's, but for the names that
// are missing and the ARN.
//
// Errors: InvalidTargetGroupPairException,
// InvalidTrafficRoutingConfigurationException.
func checkPair(p *types.TargetGroupPairInfo) error {
	bad := func(message string) error {
		return &types.InvalidTargetGroupPairException{Message: text("%s", message)}
	}
	switch {
	case len(p.TargetGroups) != 2 || aws.ToString(p.TargetGroups[0].Name) == "" || aws.ToString(p.TargetGroups[1].Name) == "":
		return bad("A target group pair has the names of two target groups.")
	case *p.TargetGroups[0].Name == *p.TargetGroups[1].Name:
		return bad("Target group pair must have distinct target groups.")
	case p.ProdTrafficRoute == nil || len(p.ProdTrafficRoute.ListenerArns) != 1:
		return badTraffic("Production traffic route must have exactly one listener Arn")
	case p.TestTrafficRoute != nil && len(p.TestTrafficRoute.ListenerArns) != 1:
		return badTraffic("Test traffic route must have exactly one listener Arn")
	case p.TestTrafficRoute != nil && p.TestTrafficRoute.ListenerArns[0] == p.ProdTrafficRoute.ListenerArns[0]:
		return bad("The listeners of the production and the test traffic route of a target group pair must differ.")
	}
	for _, r := range []*types.TrafficRoute{p.ProdTrafficRoute, p.TestTrafficRoute} {
		if r == nil {
			continue
		}
		if a, ok := arn.Parse(r.ListenerArns[0]); !ok || a.Service != "elasticloadbalancing" || !strings.HasPrefix(a.Resource, "listener/") {
			return bad("The ARN of a listener is not valid: " + r.ListenerArns[0])
		}
	}
	return nil
}

func checkServices(g *types.DeploymentGroupInfo) error {
	bad := func(message string) error {
		return &types.InvalidECSServiceException{Message: text("%s", message)}
	}
	switch {
	case !isECS(g) && len(g.EcsServices) > 0:
		return bad("ECS services are for the compute platform ECS only.")
	case !isECS(g):
		return nil
	case len(g.EcsServices) != 1:
		return bad("A deployment group of the compute platform ECS must have exactly one ECS service.")
	case aws.ToString(g.EcsServices[0].ServiceName) == "" || aws.ToString(g.EcsServices[0].ClusterName) == "":
		return bad("The cluster and the name of the ECS service must be specified.")
	}
	return nil
}

func checkBlueGreen(g *types.DeploymentGroupInfo) error {
	bad := func(format string, args ...any) error {
		return &types.InvalidBlueGreenDeploymentConfigurationException{Message: text(format, args...)}
	}
	c := g.BlueGreenDeploymentConfiguration
	if c == nil {
		if isECS(g) {
			return bad("For ECS deployment group, blueGreenDeploymentConfiguration must be specified")
		}
		return nil
	}
	ready, end := c.DeploymentReadyOption, c.TerminateBlueInstancesOnDeploymentSuccess
	switch {
	case isECS(g) && (ready == nil || end == nil):
		return bad("For ECS deployment group, deploymentReadyOption and terminateBlueInstancesOnDeploymentSuccess must be specified")
	case isECS(g) && c.GreenFleetProvisioningOption != nil:
		return bad("For ECS deployment group, greenFleetProvisioningOption can not be specified")
	case isECS(g) && end.Action == types.InstanceActionKeepAlive:
		return bad("For ECS deployment group, the action of terminateBlueInstancesOnDeploymentSuccess can only be TERMINATE")
	case ready != nil && ready.WaitTimeInMinutes < 0:
		return bad("The wait time of the deployment ready option cannot be negative.")
	case ready != nil && ready.WaitTimeInMinutes > 0 && ready.ActionOnTimeout == types.DeploymentReadyActionContinueDeployment:
		return bad("Deployment ready action cannot be set to 'CONTINUE_DEPLOYMENT' when timeout is specified")
	case end != nil && (end.TerminationWaitTimeInMinutes < 0 || end.TerminationWaitTimeInMinutes > maxWait):
		return bad("The termination wait time is 0 to %d minutes.", maxWait)
	}
	return nil
}

// checkSelection checks how the instances of the platform Server are chosen.
//
// Errors: InvalidEC2TagException, InvalidTagException,
// InvalidEC2TagCombinationException, InvalidOnPremisesTagCombinationException,
// TagSetListLimitExceededException, InvalidAutoScalingGroupException.
func checkSelection(g *types.DeploymentGroupInfo) error {
	var ec2 []types.EC2TagFilter
	ec2Groups, premisesGroups := 0, 0
	if g.Ec2TagSet != nil {
		ec2Groups = len(g.Ec2TagSet.Ec2TagSetList)
		ec2 = slices.Concat(g.Ec2TagSet.Ec2TagSetList...)
	}
	var premises []types.TagFilter
	if g.OnPremisesTagSet != nil {
		premisesGroups = len(g.OnPremisesTagSet.OnPremisesTagSetList)
		premises = slices.Concat(g.OnPremisesTagSet.OnPremisesTagSetList...)
	}
	limit := max(len(ec2), len(premises)) > maxTags || max(ec2Groups, premisesGroups) > maxTagGroups
	switch {
	case len(g.Ec2TagFilters) > 0 && ec2Groups > 0:
		return &types.InvalidEC2TagCombinationException{Message: text("EC2 tag filters and EC2 tag sets cannot be specified together.")}
	case len(g.OnPremisesInstanceTagFilters) > 0 && premisesGroups > 0:
		return &types.InvalidOnPremisesTagCombinationException{Message: text("On-premises instance tag filters and tag sets cannot be specified together.")}
	case limit:
		return &types.TagSetListLimitExceededException{Message: text("A deployment group can have at most %d tag groups with %d tags.", maxTagGroups, maxTags)}
	case len(g.AutoScalingGroups) > maxScaling:
		return &types.InvalidAutoScalingGroupException{Message: text("A deployment group can have at most %d Auto Scaling groups.", maxScaling)}
	}
	ec2, premises = append(ec2, g.Ec2TagFilters...), append(premises, g.OnPremisesInstanceTagFilters...)
	if !isServer(g) && len(ec2) > 0 {
		return &types.InvalidEC2TagException{Message: text("EC2 tags are for the compute platform Server only.")}
	}
	if !isServer(g) && len(premises) > 0 {
		return &types.InvalidTagException{Message: text("Tags of on-premises instances are for the compute platform Server only.")}
	}
	if !isServer(g) && len(g.AutoScalingGroups) > 0 {
		return &types.InvalidAutoScalingGroupException{Message: text("For %s deployment group, autoScalingGroups can not be specified", g.ComputePlatform)}
	}
	for _, f := range ec2 {
		if !filters(string(f.Type), f.Key, f.Value) {
			return &types.InvalidEC2TagException{Message: text("An EC2 tag filter needs the key, the value, or both, as its type says.")}
		}
	}
	for _, f := range premises {
		if !filters(string(f.Type), f.Key, f.Value) {
			return &types.InvalidTagException{Message: text("A tag filter needs the key, the value, or both, as its type says.")}
		}
	}
	for _, a := range g.AutoScalingGroups {
		if aws.ToString(a.Name) == "" {
			return &types.InvalidAutoScalingGroupException{Message: text("The name of an Auto Scaling group must be specified.")}
		}
	}
	return nil
}

func filters(kind string, key, value *string) bool {
	switch kind {
	case "KEY_ONLY":
		return aws.ToString(key) != ""
	case "VALUE_ONLY":
		return aws.ToString(value) != ""
	}
	return aws.ToString(key) != ""
}

// checkReactions checks what a group does when something happens.
//
// Errors: InvalidAlarmConfigException, AlarmsLimitExceededException,
// InvalidAutoRollbackConfigException, TriggerTargetsLimitExceededException,
// InvalidTriggerConfigException.
func checkReactions(g *types.DeploymentGroupInfo) error {
	if r := g.AutoRollbackConfiguration; r != nil && r.Enabled && len(r.Events) == 0 {
		return &types.InvalidAutoRollbackConfigException{Message: text("Automatic rollback is enabled without an event.")}
	}
	if a := g.AlarmConfiguration; a != nil {
		bad := func(message string) error {
			return &types.InvalidAlarmConfigException{Message: text("%s", message)}
		}
		if a.Enabled && len(a.Alarms) == 0 {
			return bad("Alarms are enabled without an alarm.")
		}
		if len(a.Alarms) > maxAlarms {
			return &types.AlarmsLimitExceededException{Message: text("A deployment group can have at most %d alarms.", maxAlarms)}
		}
		seen := map[string]bool{}
		for _, alarm := range a.Alarms {
			name := aws.ToString(alarm.Name)
			if name == "" || len(name) > 255 {
				return bad("The name of an alarm has 1 to 255 characters.")
			}
			if seen[name] {
				return bad("The alarm " + name + " is there twice.")
			}
			seen[name] = true
		}
	}
	if len(g.TriggerConfigurations) > maxTriggers {
		return &types.TriggerTargetsLimitExceededException{Message: text("A deployment group can have at most %d triggers.", maxTriggers)}
	}
	bad := func(format string, args ...any) error {
		return &types.InvalidTriggerConfigException{Message: text(format, args...)}
	}
	seen := map[string]bool{}
	for _, t := range g.TriggerConfigurations {
		name := aws.ToString(t.TriggerName)
		switch a, ok := arn.Parse(aws.ToString(t.TriggerTargetArn)); {
		case name == "":
			return bad("The name of a trigger must be specified.")
		case seen[name]:
			return bad("The trigger %s is there twice.", name)
		case len(t.TriggerEvents) == 0:
			return bad("The trigger %s has no events.", name)
		case !ok || a.Service != "sns":
			return bad("The Topic ARN of the trigger %s is not valid: %s", name, aws.ToString(t.TriggerTargetArn))
		}
		seen[name] = true
	}
	return nil
}
