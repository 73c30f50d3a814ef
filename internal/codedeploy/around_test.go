package codedeploy

import (
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codedeploy"
	"github.com/aws/aws-sdk-go-v2/service/codedeploy/types"
	elbtypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
)

// Other rules of the listener, and other actions, stay as they are.
func TestRules(t *testing.T) {
	b := newBench(t)
	b.group(types.ComputePlatformEcs)
	mine, other := forward(tgA, 1), forward(tgC, 1)
	mine[0].ForwardConfig.TargetGroupStickinessConfig = &elbtypes.TargetGroupStickinessConfig{Enabled: aws.Bool(true), DurationSeconds: aws.Int32(60)}
	sign := elbtypes.Action{Type: elbtypes.ActionTypeEnumAuthenticateOidc, Order: aws.Int32(1)}
	b.world.rules[prod] = []elbtypes.Rule{
		{RuleArn: aws.String(prod + "/default"), IsDefault: aws.Bool(true), Actions: []elbtypes.Action{{Type: elbtypes.ActionTypeEnumFixedResponse}}},
		{RuleArn: aws.String(prodRule), Actions: append([]elbtypes.Action{sign}, mine...)},
		{RuleArn: aws.String(otherRule), Actions: other},
	}
	b.want(b.deploy(ecsSpec("")), types.DeploymentStatusSucceeded, "")
	rules := b.world.rules[prod]
	if rules[0].Actions[0].Type != elbtypes.ActionTypeEnumFixedResponse || *rules[2].Actions[0].ForwardConfig.TargetGroups[0].TargetGroupArn != tgC {
		t.Errorf("%+v", rules)
	}
	a := rules[1].Actions
	// Nobody can stay with blue, which is gone.
	if _, ok := weight(a, tgA); ok {
		t.Errorf("%+v", a[1].ForwardConfig)
	}
	if w, _ := weight(a, tgB); w != 100 || a[0].Type != elbtypes.ActionTypeEnumAuthenticateOidc || !*a[1].ForwardConfig.TargetGroupStickinessConfig.Enabled {
		t.Errorf("%+v", a)
	}
	// Listeners cannot go on with rules that disagree.
	b.world.rules[prod][0].Actions = forward(tgA, 1)
	d := b.want(b.deploy(ecsSpec("")), types.DeploymentStatusFailed, types.ErrorCodeElasticLoadBalancingInvalid)
	if !strings.Contains(*d.ErrorInformation.Message, "Primary taskset target group must be behind listener "+prod) {
		t.Error(*d.ErrorInformation.Message)
	}
}

func TestDeletedGroup(t *testing.T) {
	for _, code := range []types.ErrorCode{types.ErrorCodeDeploymentGroupMissing, types.ErrorCodeApplicationMissing} {
		b := newBench(t)
		b.group(types.ComputePlatformEcs, func(g *types.DeploymentGroupInfo) { g.AutoRollbackConfiguration = nil })
		id := b.deploy(ecsSpec(""), config("ECSCanary10Percent5Minutes"))
		var err error
		if code == types.ErrorCodeApplicationMissing {
			_, err = b.DeleteApplication(b.ctx, &codedeploy.DeleteApplicationInput{ApplicationName: aws.String("app")})
		} else {
			_, err = b.DeleteDeploymentGroup(b.ctx, &codedeploy.DeleteDeploymentGroupInput{ApplicationName: aws.String("app"), DeploymentGroupName: aws.String("g")})
		}
		b.must(err)
		b.settle()
		b.want(id, types.DeploymentStatusFailed, code)
		b.expect("a:100", "1/PRIMARY")
	}
}

func TestTriggers(t *testing.T) {
	b := newBench(t)
	b.group(types.ComputePlatformEcs, func(g *types.DeploymentGroupInfo) {
		g.TriggerConfigurations = []types.TriggerConfig{{TriggerName: aws.String("t"), TriggerTargetArn: aws.String("arn:aws:sns:us-east-1:000000000000:topic"), TriggerEvents: types.TriggerEventType("").Values()}}
	})
	b.deploy(ecsSpec(""))
	id := b.deploy(ecsSpec(""), config("ECSCanary10Percent5Minutes"))
	_, err := b.StopDeployment(b.ctx, &codedeploy.StopDeploymentInput{DeploymentId: &id})
	b.must(err)
	b.settle()
	var subjects []string
	for _, p := range b.world.published {
		status, _, _ := strings.Cut(*p.Subject, ":")
		subjects = append(subjects, status)
		if strings.Contains(*p.Message, id) && status == "STOPPED" && !strings.Contains(*p.Message, `\"ErrorCode\":\"MANUAL_STOP\"`) {
			t.Error(*p.Message)
		}
	}
	slices.Sort(subjects)
	if got := strings.Join(subjects, " "); got != "CREATED CREATED CREATED STOPPED SUCCEEDED SUCCEEDED" {
		t.Error(got)
	}
	b.world.denied = "sns:Publish"
	id = b.deploy(ecsSpec(""))
	if d := b.want(id, types.DeploymentStatusSucceeded, ""); len(d.DeploymentStatusMessages) != 2 || !strings.Contains(d.DeploymentStatusMessages[0], "The trigger t was not notified of Deployment") {
		t.Errorf("%q", d.DeploymentStatusMessages)
	}
}

// What somebody else does to the task sets meanwhile.
func TestMeddling(t *testing.T) {
	b := newBench(t)
	b.group(types.ComputePlatformEcs, func(g *types.DeploymentGroupInfo) {
		g.BlueGreenDeploymentConfiguration.DeploymentReadyOption = &types.DeploymentReadyOption{ActionOnTimeout: types.DeploymentReadyActionStopDeployment, WaitTimeInMinutes: 10}
		g.BlueGreenDeploymentConfiguration.TerminateBlueInstancesOnDeploymentSuccess.TerminationWaitTimeInMinutes = 10
		g.LoadBalancerInfo.TargetGroupPairInfoList[0].TestTrafficRoute = nil
	})
	goOn := func(id string) {
		_, err := b.ContinueDeployment(b.ctx, &codedeploy.ContinueDeploymentInput{DeploymentId: &id})
		b.must(err)
		b.settle()
	}
	id := b.deploy(ecsSpec(hooks("AfterAllowTestTraffic")))
	if d := b.want(id, types.DeploymentStatusReady, ""); len(d.DeploymentStatusMessages) != 1 || !strings.Contains(d.DeploymentStatusMessages[0], "AfterAllowTestTraffic is not called") {
		t.Errorf("%q", d.DeploymentStatusMessages)
	}
	if got := b.lifecycle(id); strings.Contains(got, "Test") {
		t.Error(got)
	}
	b.world.mu.Lock()
	b.world.sets = b.world.sets[:1] // green
	b.world.mu.Unlock()
	goOn(id)
	b.want(id, types.DeploymentStatusFailed, types.ErrorCodeEcsUpdateError)
	b.rolledBack(id)
	b.expect("a:100", "1/PRIMARY")

	// With traffic at green, its end is seen at once, not at the next shift; and
	// before blue ends, blue takes over again.
	for _, name := range []string{"ECSCanary10Percent5Minutes", "ECSAllAtOnce"} {
		id = b.deploy(ecsSpec(""), config(name))
		goOn(id)
		b.world.mu.Lock()
		b.world.sets = b.world.sets[:1] // green
		b.world.mu.Unlock()
		b.emit("aws.ecs", "ECS Service Action", serviceARN, map[string]string{"eventName": "TASKS_STOPPED"})
		b.want(id, types.DeploymentStatusFailed, types.ErrorCodeEcsUpdateError)
		b.rolledBack(id)
		b.expect("a:100", "1/PRIMARY")
	}

	id = b.deploy(ecsSpec(""), config("ECSCanary10Percent5Minutes"))
	goOn(id)
	b.world.mu.Lock()
	b.world.sets = b.world.sets[1:] // blue
	b.world.mu.Unlock()
	_, err := b.StopDeployment(b.ctx, &codedeploy.StopDeploymentInput{DeploymentId: &id})
	b.must(err)
	b.settle()
	d := b.want(id, types.DeploymentStatusStopped, types.ErrorCodeManualStop)
	if d.RollbackInfo.RollbackDeploymentId != nil || !strings.Contains(*d.RollbackInfo.RollbackMessage, "Automatic rollback failed: The original task set set/1 is gone.") {
		t.Errorf("%s", *d.RollbackInfo.RollbackMessage)
	}
}

// A network load balancer takes all traffic at once only.
func TestNetworkBalancer(t *testing.T) {
	b := newBench(t)
	listener := strings.Replace(prod, "/app/", "/net/", 1)
	b.world.rules[listener] = b.world.rules[prod]
	b.group(types.ComputePlatformEcs, func(g *types.DeploymentGroupInfo) {
		p := &g.LoadBalancerInfo.TargetGroupPairInfoList[0]
		p.ProdTrafficRoute.ListenerArns, p.TestTrafficRoute = []string{listener}, nil
	})
	_, err := b.CreateDeployment(b.ctx, &codedeploy.CreateDeploymentInput{ApplicationName: aws.String("app"), DeploymentGroupName: aws.String("g"), Revision: ecsSpec(""),
		DeploymentConfigName: aws.String("CodeDeployDefault.ECSCanary10Percent5Minutes")})
	wantCode(t, err, "InvalidTrafficRoutingConfigurationException")
	b.want(b.deploy(ecsSpec("")), types.DeploymentStatusSucceeded, "")
	if b.world.split(listener) != "b:100" {
		t.Error(b.world.split(listener))
	}
}
