package ecs_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
)

// A deployment that pauses goes on, or back, when someone says so.
func TestPausedDeployment(t *testing.T) {
	srv, client := server(t)
	ctx := t.Context()
	load := newStagedLoad(t, srv)
	one, two := register(t, client, "x", "1"), register(t, client, "x", "2")
	config := &types.DeploymentConfiguration{Strategy: types.DeploymentStrategyBlueGreen, LifecycleHooks: []types.DeploymentLifecycleHook{{
		TargetType: types.DeploymentLifecycleHookTargetTypePause, LifecycleStages: []types.DeploymentLifecycleHookStage{types.DeploymentLifecycleHookStagePostProductionTrafficShift}}}}
	if _, err := client.CreateService(ctx, &ecs.CreateServiceInput{Cluster: aws.String(cluster), ServiceName: aws.String("web"), TaskDefinition: &one, DesiredCount: aws.Int32(0),
		LaunchType: types.LaunchTypeFargate, NetworkConfiguration: network, LoadBalancers: []types.LoadBalancer{load.LoadBalancer}, DeploymentConfiguration: config}); err != nil {
		t.Fatal(err)
	}
	pauses := func() (types.ServiceDeployment, *string) {
		t.Helper()
		d := deployment(t, client, "web", func(d types.ServiceDeployment) bool { return len(d.LifecycleHookDetails) > 0 })
		h := d.LifecycleHookDetails[0]
		if h.Status != types.DeploymentLifecycleHookStatusAwaitingAction || h.TargetType != types.DeploymentLifecycleHookTargetTypePause || h.ExpiresAt == nil ||
			h.TimeoutAction != types.DeploymentLifecycleHookActionRollback || d.LifecycleStage != types.ServiceDeploymentLifecycleStagePostProductionTrafficShift {
			t.Errorf("%+v", h)
		}
		return d, h.HookId
	}
	goOn := func(d types.ServiceDeployment, id *string, action types.DeploymentLifecycleHookAction) error {
		_, err := client.ContinueServiceDeployment(ctx, &ecs.ContinueServiceDeploymentInput{ServiceDeploymentArn: d.ServiceDeploymentArn, HookId: id, Action: action})
		return err
	}
	d, id := pauses()
	refused(t, "no hook", goOn(d, aws.String("x"), ""), "InvalidParameterException", "hookId must follow the format: ecs-{hookType}-{id}")
	refused(t, "another hook", goOn(d, aws.String("ecs-pause-x"), ""), "InvalidParameterException", "not associated with the given Resource ARN")
	if err := goOn(d, id, ""); err != nil {
		t.Fatal(err)
	}
	if d = deployment(t, client, "web", ended); d.Status != types.ServiceDeploymentStatusSuccessful || d.LifecycleHookDetails[0].Status != types.DeploymentLifecycleHookStatusSucceeded {
		t.Errorf("%s %+v", d.Status, d.LifecycleHookDetails)
	}
	refused(t, "again", goOn(d, id, ""), "InvalidParameterException", "is not allowed for service deployment in terminal states.")
	if _, err := client.UpdateService(ctx, &ecs.UpdateServiceInput{Cluster: aws.String(cluster), Service: aws.String("web"), TaskDefinition: &two}); err != nil {
		t.Fatal(err)
	}
	d, id = pauses()
	if production, _ := load.weights(t); production != "web 0, green 100" {
		t.Errorf("in the pause: %s", production)
	}
	srv.Restart()
	client = ecs.NewFromConfig(srv.Config())
	if err := goOn(d, id, types.DeploymentLifecycleHookActionRollback); err != nil {
		t.Fatal(err)
	}
	if d = deployment(t, client, "web", ended); d.Status != types.ServiceDeploymentStatusRollbackSuccessful || !strings.Contains(aws.ToString(d.StatusReason), "Service deployment rolled back because POST_PRODUCTION_TRAFFIC_SHIFT pause hook was rolled back.") {
		t.Errorf("%s %s", d.Status, aws.ToString(d.StatusReason))
	}
}

// An alarm brings a rolling deployment back while it is still watched. One that
// was in the state ALARM before is not.
func TestRollingAlarms(t *testing.T) {
	srv, client := server(t)
	ctx := t.Context()
	alarms := cloudwatch.NewFromConfig(srv.Config())
	for _, name := range []string{"old", "new"} {
		if _, err := alarms.PutMetricAlarm(ctx, &cloudwatch.PutMetricAlarmInput{AlarmName: &name, Namespace: aws.String("app"), MetricName: aws.String("errors"), Statistic: cwtypes.StatisticSum,
			Period: aws.Int32(60), EvaluationPeriods: aws.Int32(1), Threshold: aws.Float64(1), ComparisonOperator: cwtypes.ComparisonOperatorGreaterThanThreshold, TreatMissingData: aws.String("ignore")}); err != nil {
			t.Fatal(err)
		}
	}
	set := func(name string, state cwtypes.StateValue) {
		t.Helper()
		if _, err := alarms.SetAlarmState(ctx, &cloudwatch.SetAlarmStateInput{AlarmName: &name, StateValue: state, StateReason: aws.String("test")}); err != nil {
			t.Fatal(err)
		}
	}
	set("old", cwtypes.StateValueAlarm)
	one, two := register(t, client, "x", "1"), register(t, client, "x", "2")
	if _, err := client.CreateService(ctx, &ecs.CreateServiceInput{Cluster: aws.String(cluster), ServiceName: aws.String("web"), TaskDefinition: &one, DesiredCount: aws.Int32(0),
		LaunchType: types.LaunchTypeFargate, NetworkConfiguration: network}); err != nil {
		t.Fatal(err)
	}
	deployment(t, client, "web", ended)
	if _, err := client.UpdateService(ctx, &ecs.UpdateServiceInput{Cluster: aws.String(cluster), Service: aws.String("web"), TaskDefinition: &two,
		DeploymentConfiguration: &types.DeploymentConfiguration{BakeTimeInMinutes: aws.Int32(60), Alarms: &types.DeploymentAlarms{Enable: true, Rollback: true, AlarmNames: []string{"old", "new"}}}}); err != nil {
		t.Fatal(err)
	}
	d := deployment(t, client, "web", func(d types.ServiceDeployment) bool {
		return d.LifecycleStage == types.ServiceDeploymentLifecycleStageBakeTime
	})
	if d.Alarms.Status != types.ServiceDeploymentRollbackMonitorsStatusMonitoring || len(d.Alarms.TriggeredAlarmNames) != 0 {
		t.Errorf("%+v", d.Alarms)
	}
	set("old", cwtypes.StateValueOk)
	set("old", cwtypes.StateValueAlarm)
	set("new", cwtypes.StateValueAlarm)
	d = deployment(t, client, "web", ended)
	if d.Status != types.ServiceDeploymentStatusRollbackSuccessful || d.Alarms.Status != types.ServiceDeploymentRollbackMonitorsStatusTriggered || strings.Join(d.Alarms.TriggeredAlarmNames, " ") != "new" ||
		aws.ToString(d.StatusReason) != "Service deployment rolled back because of one or more active alarms." {
		t.Errorf("%s %s %+v", d.Status, aws.ToString(d.StatusReason), d.Alarms)
	}
	svc, err := client.DescribeServices(ctx, &ecs.DescribeServicesInput{Cluster: aws.String(cluster), Services: []string{"web"}})
	if err != nil || aws.ToString(svc.Services[0].TaskDefinition) != one {
		t.Errorf("%+v, %v", svc, err)
	}
}

// Whenever the server dies, a deployment goes on where it was, and its traffic
// ends where its tasks are.
func TestDeploymentsOutliveTheServer(t *testing.T) {
	srv, client := server(t)
	ctx := t.Context()
	load := newStagedLoad(t, srv)
	definitions := []string{register(t, client, "x", "1"), register(t, client, "x", "2")}
	if _, err := client.CreateService(ctx, &ecs.CreateServiceInput{Cluster: aws.String(cluster), ServiceName: aws.String("web"), TaskDefinition: &definitions[0], DesiredCount: aws.Int32(0),
		LaunchType: types.LaunchTypeFargate, NetworkConfiguration: network, LoadBalancers: []types.LoadBalancer{load.LoadBalancer},
		DeploymentConfiguration: &types.DeploymentConfiguration{Strategy: types.DeploymentStrategyLinear,
			LinearConfiguration: &types.LinearConfiguration{StepPercent: aws.Float64(10), StepBakeTimeInMinutes: aws.Int32(0)}}}); err != nil {
		t.Fatal(err)
	}
	deployment(t, client, "web", ended)
	for i := 1; i <= 8; i++ {
		if _, err := client.UpdateService(ctx, &ecs.UpdateServiceInput{Cluster: aws.String(cluster), Service: aws.String("web"), TaskDefinition: &definitions[i%2]}); err != nil {
			t.Fatal(err)
		}
		if i > 1 { // each time a little later
			deployment(t, client, "web", func(d types.ServiceDeployment) bool {
				return ended(d) || *d.TargetServiceRevision.RequestedProductionTrafficWeight >= float64(10*i)
			})
		}
		srv.Restart()
		client, load.client = ecs.NewFromConfig(srv.Config()), elb.NewFromConfig(srv.Config())
		if d := deployment(t, client, "web", ended); d.Status != types.ServiceDeploymentStatusSuccessful {
			t.Fatalf("%s %s", d.Status, aws.ToString(d.StatusReason))
		}
		want := "web 100, green 0"
		if i%2 == 1 {
			want = "web 0, green 100"
		}
		if production, test := load.weights(t); production != want || test != want {
			t.Errorf("after deployment %d: %s; %s", i, production, test)
		}
	}
}
