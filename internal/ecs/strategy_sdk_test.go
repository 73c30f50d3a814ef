package ecs_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	ecsdoc "github.com/aws/aws-sdk-go-v2/service/ecs/document"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	elbtypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"github.com/slipway-dev/slipway/cmd/slipway/apptest"
)

// stagedLoad is the load balancer of a service with two target groups, whose
// production rule is the listener's default one and whose test rule is not.
type stagedLoad struct {
	types.LoadBalancer
	client   *elb.Client
	listener string
}

func newStagedLoad(t *testing.T, srv *apptest.Server) *stagedLoad {
	t.Helper()
	ctx := t.Context()
	blue, listener := apptest.TargetGroup(t, srv, "web", elbtypes.TargetTypeEnumIp)
	client := elb.NewFromConfig(srv.Config())
	green, err := client.CreateTargetGroup(ctx, &elb.CreateTargetGroupInput{Name: aws.String("green"), Protocol: elbtypes.ProtocolEnumHttp, Port: aws.Int32(8080),
		VpcId: aws.String("vpc-00000000000000001"), TargetType: elbtypes.TargetTypeEnumIp})
	if err != nil {
		t.Fatal(err)
	}
	rules, err := client.DescribeRules(ctx, &elb.DescribeRulesInput{ListenerArn: &listener})
	if err != nil {
		t.Fatal(err)
	}
	test, err := client.CreateRule(ctx, &elb.CreateRuleInput{ListenerArn: &listener, Priority: aws.Int32(1),
		Conditions: []elbtypes.RuleCondition{{Field: aws.String("path-pattern"), Values: []string{"/test"}}},
		Actions:    []elbtypes.Action{{Type: elbtypes.ActionTypeEnumForward, TargetGroupArn: green.TargetGroups[0].TargetGroupArn}}})
	if err != nil {
		t.Fatal(err)
	}
	return &stagedLoad{client: client, listener: listener, LoadBalancer: types.LoadBalancer{
		TargetGroupArn: &blue, ContainerName: aws.String("app"), ContainerPort: aws.Int32(8080),
		AdvancedConfiguration: &types.AdvancedConfiguration{AlternateTargetGroupArn: green.TargetGroups[0].TargetGroupArn,
			ProductionListenerRule: rules.Rules[0].RuleArn, TestListenerRule: test.Rules[0].RuleArn, RoleArn: trafficRole(t, srv)}}}
}

// trafficRole is one in which ECS moves traffic.
func trafficRole(t *testing.T, srv *apptest.Server) *string {
	t.Helper()
	out, err := iam.NewFromConfig(srv.Config()).CreateRole(t.Context(), &iam.CreateRoleInput{RoleName: aws.String("ecs"),
		AssumeRolePolicyDocument: aws.String(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ecs.amazonaws.com"},"Action":"sts:AssumeRole"}]}`)})
	if err != nil {
		t.Fatal(err)
	}
	return out.Role.Arn
}

// weights are what the rules forward, by the target group's name.
func (l *stagedLoad) weights(t *testing.T) (production, test string) {
	t.Helper()
	read := func(rule *string) string {
		out, err := l.client.DescribeRules(t.Context(), &elb.DescribeRulesInput{RuleArns: []string{*rule}})
		if err != nil {
			t.Fatal(err)
		}
		var all []string
		for _, g := range out.Rules[0].Actions[0].ForwardConfig.TargetGroups {
			all = append(all, fmt.Sprintf("%s %d", strings.Split(*g.TargetGroupArn, "/")[1], *g.Weight))
		}
		return strings.Join(all, ", ")
	}
	return read(l.AdvancedConfiguration.ProductionListenerRule), read(l.AdvancedConfiguration.TestListenerRule)
}

// deployment waits until the service's current deployment is as wanted.
func deployment(t *testing.T, client *ecs.Client, service string, ok func(types.ServiceDeployment) bool) types.ServiceDeployment {
	t.Helper()
	for end := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) { // a client's pace
		svc, err := client.DescribeServices(t.Context(), &ecs.DescribeServicesInput{Cluster: aws.String(cluster), Services: []string{service}})
		if err != nil {
			t.Fatal(err)
		}
		out, err := client.DescribeServiceDeployments(t.Context(), &ecs.DescribeServiceDeploymentsInput{ServiceDeploymentArns: []string{*svc.Services[0].CurrentServiceDeployment}})
		if err != nil || len(out.ServiceDeployments) != 1 {
			t.Fatalf("%+v, %v", out, err)
		}
		d := out.ServiceDeployments[0]
		if ok(d) {
			return d
		}
		if time.Now().After(end) {
			t.Fatalf("%s %s %s", d.Status, d.LifecycleStage, aws.ToString(d.StatusReason))
		}
	}
}

func ended(d types.ServiceDeployment) bool { return d.FinishedAt != nil }

// Deployments with strategies, of a service that wants no tasks: the stages, the
// traffic, what is told of them, and what is kept.
func TestStrategyStory(t *testing.T) {
	srv, client := server(t)
	ctx := t.Context()
	load := newStagedLoad(t, srv)
	one, two := register(t, client, "x", "1"), register(t, client, "x", "2")
	config := &types.DeploymentConfiguration{Strategy: types.DeploymentStrategyBlueGreen, BakeTimeInMinutes: aws.Int32(0), MaximumPercent: aws.Int32(200), MinimumHealthyPercent: aws.Int32(100),
		LifecycleHooks: []types.DeploymentLifecycleHook{}}
	in := &ecs.CreateServiceInput{Cluster: aws.String(cluster), ServiceName: aws.String("web"), TaskDefinition: &one, DesiredCount: aws.Int32(0),
		LaunchType: types.LaunchTypeFargate, NetworkConfiguration: network, LoadBalancers: []types.LoadBalancer{load.LoadBalancer}, DeploymentConfiguration: config}
	if _, err := client.CreateService(ctx, in); err != nil {
		t.Fatal(err)
	}
	first := deployment(t, client, "web", ended)
	if first.Status != types.ServiceDeploymentStatusSuccessful || len(first.SourceServiceRevisions) != 0 || first.DeploymentConfiguration.Strategy != types.DeploymentStrategyBlueGreen {
		t.Errorf("%+v", first)
	}
	if production, test := load.weights(t); production != "web 100, green 0" || test != "web 100, green 0" {
		t.Errorf("at first: %s; %s", production, test)
	}

	update := func(in ecs.UpdateServiceInput) {
		t.Helper()
		in.Cluster, in.Service = aws.String(cluster), aws.String("web")
		if _, err := client.UpdateService(ctx, &in); err != nil {
			t.Fatal(err)
		}
	}
	update(ecs.UpdateServiceInput{TaskDefinition: &two})
	second := deployment(t, client, "web", ended)
	if second.Status != types.ServiceDeploymentStatusSuccessful || second.LifecycleStage != types.ServiceDeploymentLifecycleStageCleanUp || second.StartedAt == nil ||
		aws.ToString(second.SourceServiceRevisions[0].Arn) != *first.TargetServiceRevision.Arn ||
		*second.TargetServiceRevision.RequestedProductionTrafficWeight != 100 || *second.SourceServiceRevisions[0].RequestedProductionTrafficWeight != 0 {
		t.Errorf("%+v", second)
	}
	if production, test := load.weights(t); production != "web 0, green 100" || test != "web 0, green 100" {
		t.Errorf("then: %s; %s", production, test)
	}
	revision, err := client.DescribeServiceRevisions(ctx, &ecs.DescribeServiceRevisionsInput{ServiceRevisionArns: []string{*second.TargetServiceRevision.Arn, *second.TargetServiceRevision.Arn + "0"}})
	if err != nil || len(revision.Failures) != 1 || *revision.ServiceRevisions[0].TaskDefinition != two ||
		*revision.ServiceRevisions[0].ResolvedConfiguration.LoadBalancers[0].TargetGroupArn != *load.AdvancedConfiguration.AlternateTargetGroupArn {
		t.Errorf("%+v, %v", revision, err)
	}

	// A hook whose function does not exist takes the next one back.
	update(ecs.UpdateServiceInput{TaskDefinition: &one, DeploymentConfiguration: &types.DeploymentConfiguration{LifecycleHooks: []types.DeploymentLifecycleHook{{
		HookTargetArn: aws.String("arn:aws:lambda:us-east-1:000000000000:function:nobody"), RoleArn: load.AdvancedConfiguration.RoleArn,
		LifecycleStages: []types.DeploymentLifecycleHookStage{types.DeploymentLifecycleHookStagePostTestTrafficShift},
		HookDetails:     ecsdoc.NewLazyDocument(map[string]any{"team": "web"})}}}})
	third := deployment(t, client, "web", ended)
	if third.Status != types.ServiceDeploymentStatusRollbackSuccessful || !strings.Contains(aws.ToString(third.StatusReason), "Service deployment rolled back because POST_TEST_TRAFFIC_SHIFT lifecycle hook(s) failed. ECS was unable to invoke hook target arn:aws:lambda:us-east-1:000000000000:function:nobody due to ResourceNotFoundException") ||
		third.Rollback == nil || aws.ToString(third.Rollback.ServiceRevisionArn) != *second.TargetServiceRevision.Arn {
		t.Errorf("%+v %s", third, aws.ToString(third.StatusReason))
	}
	if production, test := load.weights(t); production != "web 0, green 100" || test != "web 0, green 100" {
		t.Errorf("after the rollback: %s; %s", production, test)
	}
	svc, err := client.DescribeServices(ctx, &ecs.DescribeServicesInput{Cluster: aws.String(cluster), Services: []string{"web"}})
	if err != nil {
		t.Fatal(err)
	}
	var details struct{ Team string }
	if h := svc.Services[0].DeploymentConfiguration.LifecycleHooks; len(h) != 1 || h[0].HookDetails.UnmarshalSmithyDocument(&details) != nil || details.Team != "web" {
		t.Errorf("hooks %+v, details %+v", h, details)
	}
	if s := svc.Services[0]; *s.TaskDefinition != two || len(s.Deployments) != 1 || s.Deployments[0].RolloutState != types.DeploymentRolloutStateCompleted || len(s.CurrentServiceRevisions) != 1 {
		t.Errorf("%+v", s)
	}

	// A canary that waits is stopped by hand, and later another one replaced.
	update(ecs.UpdateServiceInput{TaskDefinition: &one, DeploymentConfiguration: &types.DeploymentConfiguration{Strategy: types.DeploymentStrategyCanary, LifecycleHooks: []types.DeploymentLifecycleHook{},
		CanaryConfiguration: &types.CanaryConfiguration{CanaryPercent: aws.Float64(12.5)}}})
	waits := func(d types.ServiceDeployment) bool {
		return *d.TargetServiceRevision.RequestedProductionTrafficWeight == 12.5
	}
	fourth := deployment(t, client, "web", waits)
	if production, test := load.weights(t); production != "web 125, green 875" || test != "web 100, green 0" {
		t.Errorf("in the canary: %s; %s", production, test)
	}
	stop := func(kind types.StopServiceDeploymentStopType) error {
		_, err := client.StopServiceDeployment(ctx, &ecs.StopServiceDeploymentInput{ServiceDeploymentArn: fourth.ServiceDeploymentArn, StopType: kind})
		return err
	}
	if err := stop(""); err != nil {
		t.Fatal(err)
	}
	if d := deployment(t, client, "web", ended); d.Status != types.ServiceDeploymentStatusRollbackSuccessful || aws.ToString(d.StatusReason) != "Service deployment rolled back because a rollback was requested." {
		t.Errorf("%s %s", d.Status, aws.ToString(d.StatusReason))
	}
	refused(t, "stop again", stop(""), "ConflictException", "")
	if production, test := load.weights(t); production != "web 0, green 100" || test != "web 0, green 100" {
		t.Errorf("after the stop: %s; %s", production, test)
	}
	update(ecs.UpdateServiceInput{TaskDefinition: &one, ForceNewDeployment: true})
	fourth = deployment(t, client, "web", waits)
	if err := stop(types.StopServiceDeploymentStopTypeAbort); err != nil {
		t.Fatal(err)
	}
	if d := deployment(t, client, "web", ended); d.Status != types.ServiceDeploymentStatusStopped {
		t.Errorf("%s", d.Status)
	}
	if production, _ := load.weights(t); production != "web 125, green 875" {
		t.Errorf("a stop moved traffic: %s", production)
	}
	update(ecs.UpdateServiceInput{TaskDefinition: &one, ForceNewDeployment: true, DeploymentConfiguration: &types.DeploymentConfiguration{
		Strategy: types.DeploymentStrategyLinear, LinearConfiguration: &types.LinearConfiguration{StepPercent: aws.Float64(50), StepBakeTimeInMinutes: aws.Int32(0)}}})
	if d := deployment(t, client, "web", ended); d.Status != types.ServiceDeploymentStatusSuccessful {
		t.Errorf("%s %s", d.Status, aws.ToString(d.StatusReason))
	}
	if production, _ := load.weights(t); production != "web 100, green 0" {
		t.Errorf("at last: %s", production)
	}

	// No client stays by its cookie with a group that ends.
	groups := []elbtypes.TargetGroupTuple{{TargetGroupArn: load.TargetGroupArn, Weight: aws.Int32(100)}, {TargetGroupArn: load.AdvancedConfiguration.AlternateTargetGroupArn, Weight: aws.Int32(0)}}
	if _, err := load.client.ModifyListener(ctx, &elb.ModifyListenerInput{ListenerArn: &load.listener, DefaultActions: []elbtypes.Action{{Type: elbtypes.ActionTypeEnumForward,
		ForwardConfig: &elbtypes.ForwardActionConfig{TargetGroups: groups, TargetGroupStickinessConfig: &elbtypes.TargetGroupStickinessConfig{Enabled: aws.Bool(true), DurationSeconds: aws.Int32(600)}}}}}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"green 100", "web 100"} {
		update(ecs.UpdateServiceInput{ForceNewDeployment: true})
		deployment(t, client, "web", ended)
		if production, test := load.weights(t); production != want || !strings.Contains(test, want) {
			t.Errorf("with cookies: %s; %s", production, test)
		}
	}

	// Traffic that goes somewhere else is nobody's to move.
	other, err := load.client.CreateTargetGroup(ctx, &elb.CreateTargetGroupInput{Name: aws.String("other"), Protocol: elbtypes.ProtocolEnumHttp, Port: aws.Int32(8080),
		VpcId: aws.String("vpc-00000000000000001"), TargetType: elbtypes.TargetTypeEnumIp})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := load.client.ModifyListener(ctx, &elb.ModifyListenerInput{ListenerArn: &load.listener, DefaultActions: []elbtypes.Action{{
		Type: elbtypes.ActionTypeEnumForward, TargetGroupArn: other.TargetGroups[0].TargetGroupArn}}}); err != nil {
		t.Fatal(err)
	}
	update(ecs.UpdateServiceInput{TaskDefinition: &two})
	if d := deployment(t, client, "web", ended); d.Status != types.ServiceDeploymentStatusRollbackSuccessful || d.Rollback == nil ||
		!strings.Contains(aws.ToString(d.Rollback.Reason), "because of invalid networking configuration.") || !strings.Contains(aws.ToString(d.Rollback.Reason), "unexpected target group "+*other.TargetGroups[0].TargetGroupArn) {
		t.Errorf("%s %s %+v", d.Status, aws.ToString(d.StatusReason), d.Rollback)
	}
	if production, _ := load.weights(t); production != "other 1" {
		t.Errorf("someone else's traffic was moved: %s", production)
	}

	// All of them are kept.
	var all []string
	list := &ecs.ListServiceDeploymentsInput{Cluster: aws.String(cluster), Service: aws.String("web"), MaxResults: aws.Int32(2)}
	for {
		page, err := client.ListServiceDeployments(ctx, list)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range page.ServiceDeployments {
			all = append(all, string(d.Status))
		}
		if list.NextToken = page.NextToken; list.NextToken == nil {
			break
		}
	}
	if got := strings.Join(all, " "); got != "ROLLBACK_SUCCESSFUL SUCCESSFUL SUCCESSFUL SUCCESSFUL STOPPED ROLLBACK_SUCCESSFUL ROLLBACK_SUCCESSFUL SUCCESSFUL SUCCESSFUL" {
		t.Errorf("listed %s", got)
	}
	some, err := client.ListServiceDeployments(ctx, &ecs.ListServiceDeploymentsInput{Service: aws.String("arn:aws:ecs:us-east-1:000000000000:service/c/web"), Status: []types.ServiceDeploymentStatus{types.ServiceDeploymentStatusStopped}})
	if err != nil || len(some.ServiceDeployments) != 1 {
		t.Errorf("%+v, %v", some, err)
	}
	old, err := client.DescribeServiceDeployments(ctx, &ecs.DescribeServiceDeploymentsInput{ServiceDeploymentArns: []string{*first.ServiceDeploymentArn, *first.ServiceDeploymentArn + "0"}})
	if err != nil || len(old.ServiceDeployments) != 1 || len(old.Failures) != 1 || old.ServiceDeployments[0].Status != types.ServiceDeploymentStatusSuccessful {
		t.Errorf("%+v, %v", old, err)
	}
}

func TestStrategyRules(t *testing.T) {
	srv, client := server(t)
	load := newStagedLoad(t, srv)
	definition := register(t, client, "x", "1")
	hook := types.DeploymentLifecycleHook{HookTargetArn: aws.String("arn:aws:lambda:us-east-1:000000000000:function:f"), RoleArn: load.AdvancedConfiguration.RoleArn,
		LifecycleStages: []types.DeploymentLifecycleHookStage{types.DeploymentLifecycleHookStagePreScaleUp}}
	for want, change := range map[string]func(*ecs.CreateServiceInput, *types.AdvancedConfiguration){
		"canaryPercent must be a multiple of 0.1 from 0.1 to 100.": func(in *ecs.CreateServiceInput, _ *types.AdvancedConfiguration) {
			in.DeploymentConfiguration = &types.DeploymentConfiguration{Strategy: types.DeploymentStrategyCanary, CanaryConfiguration: &types.CanaryConfiguration{CanaryPercent: aws.Float64(0.15)}}
		},
		"stepPercent must be a multiple of 0.1 from 3 to 100.": func(in *ecs.CreateServiceInput, _ *types.AdvancedConfiguration) {
			in.DeploymentConfiguration = &types.DeploymentConfiguration{Strategy: types.DeploymentStrategyLinear, LinearConfiguration: &types.LinearConfiguration{StepPercent: aws.Float64(2)}}
		},
		"stepBakeTimeInMinutes must be from 0 to 1440.": func(in *ecs.CreateServiceInput, _ *types.AdvancedConfiguration) {
			in.DeploymentConfiguration = &types.DeploymentConfiguration{Strategy: types.DeploymentStrategyLinear, LinearConfiguration: &types.LinearConfiguration{StepBakeTimeInMinutes: aws.Int32(1441)}}
		},
		"linearConfiguration is only valid with the deployment strategy LINEAR.": func(in *ecs.CreateServiceInput, _ *types.AdvancedConfiguration) {
			in.DeploymentConfiguration.LinearConfiguration = &types.LinearConfiguration{}
		},
		"bakeTimeInMinutes must be from 0 to 1440.": func(in *ecs.CreateServiceInput, _ *types.AdvancedConfiguration) {
			in.DeploymentConfiguration.BakeTimeInMinutes = aws.Int32(-1)
		},
		"must be the ARN of a Lambda function.": func(in *ecs.CreateServiceInput, _ *types.AdvancedConfiguration) {
			h := hook
			h.HookTargetArn = aws.String("f")
			in.DeploymentConfiguration.LifecycleHooks = []types.DeploymentLifecycleHook{h}
		},
		"A lifecycle hook needs lifecycleStages.": func(in *ecs.CreateServiceInput, _ *types.AdvancedConfiguration) {
			h := hook
			h.LifecycleStages = nil
			in.DeploymentConfiguration.LifecycleHooks = []types.DeploymentLifecycleHook{h}
		},
		"Invalid lifecycle stage provided for Pause Hook": func(in *ecs.CreateServiceInput, _ *types.AdvancedConfiguration) {
			h := types.DeploymentLifecycleHook{TargetType: types.DeploymentLifecycleHookTargetTypePause,
				LifecycleStages: []types.DeploymentLifecycleHookStage{types.DeploymentLifecycleHookStageTestTrafficShift}}
			in.DeploymentConfiguration.LifecycleHooks = []types.DeploymentLifecycleHook{h}
		},
		"Lifecycle hooks need one of the deployment strategies": func(in *ecs.CreateServiceInput, _ *types.AdvancedConfiguration) {
			in.DeploymentConfiguration = &types.DeploymentConfiguration{LifecycleHooks: []types.DeploymentLifecycleHook{hook}}
		},
		"only supported with ECS deployment controller": func(in *ecs.CreateServiceInput, _ *types.AdvancedConfiguration) {
			in.DeploymentController = &types.DeploymentController{Type: types.DeploymentControllerTypeCodeDeploy}
		},
		"needs productionListenerRule.": func(_ *ecs.CreateServiceInput, a *types.AdvancedConfiguration) { a.ProductionListenerRule = nil },
		"productionListenerRule has an invalid ARN format. Must be RuleArn for ALB or ListenerArn for NLB. Got: arn": func(_ *ecs.CreateServiceInput, a *types.AdvancedConfiguration) {
			a.ProductionListenerRule = &load.listener
		},
		"cannot be used as both production and test listener rules": func(_ *ecs.CreateServiceInput, a *types.AdvancedConfiguration) {
			a.TestListenerRule = a.ProductionListenerRule
		},
		"testListenerRule is required when": func(_ *ecs.CreateServiceInput, a *types.AdvancedConfiguration) { a.TestListenerRule = nil },
		"must be strictly either ELBv1": func(in *ecs.CreateServiceInput, _ *types.AdvancedConfiguration) {
			in.LoadBalancers[0].LoadBalancerName = aws.String("classic")
		},
		"Either all or none of the provided loadBalancers": func(in *ecs.CreateServiceInput, _ *types.AdvancedConfiguration) {
			bare := in.LoadBalancers[0]
			bare.AdvancedConfiguration = nil
			in.LoadBalancers = append(in.LoadBalancers, bare)
		},
		"Duplicate targetGroupArn found": func(in *ecs.CreateServiceInput, _ *types.AdvancedConfiguration) {
			in.LoadBalancers = append(in.LoadBalancers, in.LoadBalancers[0])
		},
		"must not be the same.": func(in *ecs.CreateServiceInput, a *types.AdvancedConfiguration) {
			a.AlternateTargetGroupArn = in.LoadBalancers[0].TargetGroupArn
		},
		"does not exist.": func(_ *ecs.CreateServiceInput, a *types.AdvancedConfiguration) {
			a.AlternateTargetGroupArn = aws.String(*a.AlternateTargetGroupArn + "0")
		},
		"Unable to assume the role": func(_ *ecs.CreateServiceInput, a *types.AdvancedConfiguration) {
			a.RoleArn = aws.String("arn:aws:iam::000000000000:role/nobody")
		},
		"cannot be used: RuleNotFound": func(_ *ecs.CreateServiceInput, a *types.AdvancedConfiguration) {
			a.TestListenerRule = aws.String(*a.TestListenerRule + "0")
		},
		"The deployment strategy LINEAR needs a load balancer.": func(in *ecs.CreateServiceInput, _ *types.AdvancedConfiguration) {
			in.DeploymentConfiguration.Strategy, in.LoadBalancers = types.DeploymentStrategyLinear, nil
		},
	} {
		a := *load.AdvancedConfiguration
		lb := load.LoadBalancer
		lb.AdvancedConfiguration = &a
		in := &ecs.CreateServiceInput{Cluster: aws.String(cluster), ServiceName: aws.String("web"), TaskDefinition: &definition, DesiredCount: aws.Int32(0),
			LaunchType: types.LaunchTypeFargate, NetworkConfiguration: network, LoadBalancers: []types.LoadBalancer{lb},
			DeploymentConfiguration: &types.DeploymentConfiguration{Strategy: types.DeploymentStrategyBlueGreen, BakeTimeInMinutes: aws.Int32(1)}}
		change(in, &a)
		_, err := client.CreateService(t.Context(), in)
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "StatusCode: 400") {
			t.Errorf("%s: %v", want, err)
		}
	}
	list, err := client.ListServices(t.Context(), &ecs.ListServicesInput{Cluster: aws.String(cluster)})
	if err != nil || len(list.ServiceArns) != 0 {
		t.Errorf("what was refused left something: %+v, %v", list, err)
	}
	_, err = client.DescribeServiceDeployments(t.Context(), &ecs.DescribeServiceDeploymentsInput{ServiceDeploymentArns: []string{"nobody"}})
	refused(t, "no ARN", err, "InvalidParameterException", "")
	_, err = client.StopServiceDeployment(t.Context(), &ecs.StopServiceDeploymentInput{ServiceDeploymentArn: aws.String("arn:aws:ecs:us-east-1:000000000000:service-deployment/c/web/x")})
	refused(t, "an unknown one", err, "ServiceDeploymentNotFoundException", "")
}
