package ecs_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	elbtypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
	"github.com/aws/smithy-go"

	"github.com/slipway-dev/slipway/cmd/slipway/apptest"
)

// refused asserts the code of an error, and a part of its message.
func refused(t *testing.T, what string, err error, code, message string) {
	t.Helper()
	var api smithy.APIError
	if !errors.As(err, &api) || api.ErrorCode() != code || !strings.Contains(api.ErrorMessage(), message) {
		t.Errorf("%s: %v, want %s: %s", what, err, code, message)
	}
}

// An aws_ecs_task_set of a service with an external deployer, in the provider's
// calls.
func TestTaskSetStory(t *testing.T) {
	srv, client := server(t)
	ctx := t.Context()
	group, _ := apptest.TargetGroup(t, srv, "web", elbtypes.TargetTypeEnumIp)
	definition := register(t, client, "x", "1")
	service, err := client.CreateService(ctx, &ecs.CreateServiceInput{Cluster: aws.String(cluster), ServiceName: aws.String("app"), DesiredCount: aws.Int32(0),
		DeploymentController: &types.DeploymentController{Type: types.DeploymentControllerTypeExternal}})
	if err != nil {
		t.Fatal(err)
	}
	if s := service.Service; len(s.TaskSets) != 0 || len(s.Deployments) != 0 || s.TaskDefinition != nil {
		t.Errorf("a service that nobody has deployed to: %+v", s)
	}
	name := service.Service.ServiceArn
	in := &ecs.CreateTaskSetInput{Cluster: aws.String(cluster), Service: name, TaskDefinition: &definition, ExternalId: aws.String("v1"),
		LaunchType: types.LaunchTypeFargate, PlatformVersion: aws.String("1.4.0"), ClientToken: aws.String("once"),
		LoadBalancers:        []types.LoadBalancer{{TargetGroupArn: &group, ContainerName: aws.String("app"), ContainerPort: aws.Int32(8080)}},
		NetworkConfiguration: network, Scale: &types.Scale{Unit: types.ScaleUnitPercent, Value: 50.5}, Tags: []types.Tag{{Key: aws.String("k"), Value: aws.String("v")}}}
	made, err := client.CreateTaskSet(ctx, in)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := client.CreateTaskSet(ctx, in); err != nil || *again.TaskSet.Id != *made.TaskSet.Id {
		t.Errorf("the same request again: %v", err)
	}
	id := made.TaskSet.Id
	if !strings.HasPrefix(*id, "ecs-svc/") || *made.TaskSet.TaskSetArn != "arn:aws:ecs:us-east-1:000000000000:task-set/c/app/"+*id {
		t.Errorf("%s %s", *id, *made.TaskSet.TaskSetArn)
	}
	read := func(ref *string) (types.TaskSet, []types.Failure) {
		t.Helper()
		out, err := client.DescribeTaskSets(ctx, &ecs.DescribeTaskSetsInput{Cluster: aws.String(cluster), Service: name, TaskSets: []string{*ref}, Include: []types.TaskSetField{types.TaskSetFieldTags}})
		if err != nil {
			t.Fatal(err)
		}
		if len(out.TaskSets) == 0 {
			return types.TaskSet{}, out.Failures
		}
		return out.TaskSets[0], nil
	}
	await := func(what string, ok func(types.TaskSet, []types.Failure) bool) types.TaskSet {
		t.Helper()
		for end := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) { // a client's pace
			set, failures := read(id)
			if ok(set, failures) {
				return set
			}
			if time.Now().After(end) {
				t.Fatalf("%s: %+v %v", what, set, failures)
			}
		}
	}
	got := await("stable", func(set types.TaskSet, _ []types.Failure) bool {
		return set.StabilityStatus == types.StabilityStatusSteadyState
	})
	sent := *in
	sent.Cluster, sent.Service, sent.ClientToken = nil, nil, nil
	noDrift(t, "task set", sent, got)
	if *got.Status != "ACTIVE" || got.StartedBy != nil || got.ComputedDesiredCount != 0 || got.CreatedAt.IsZero() || got.StabilityStatusAt.IsZero() {
		t.Errorf("%+v", got)
	}

	if _, err := client.UpdateTaskSet(ctx, &ecs.UpdateTaskSetInput{Cluster: aws.String(cluster), Service: name, TaskSet: id, Scale: &types.Scale{Value: 25}}); err != nil {
		t.Fatal(err)
	}
	if set, _ := read(made.TaskSet.TaskSetArn); set.Scale.Value != 25 || set.Scale.Unit != types.ScaleUnitPercent {
		t.Errorf("scale %+v", set.Scale)
	}
	arn := made.TaskSet.TaskSetArn
	if _, err := client.TagResource(ctx, &ecs.TagResourceInput{ResourceArn: arn, Tags: []types.Tag{{Key: aws.String("l"), Value: aws.String("w")}}}); err != nil {
		t.Fatal(err)
	}
	if _, err := client.UntagResource(ctx, &ecs.UntagResourceInput{ResourceArn: arn, TagKeys: []string{"k"}}); err != nil {
		t.Fatal(err)
	}
	if set, _ := read(id); len(set.Tags) != 1 || *set.Tags[0].Key != "l" {
		t.Errorf("tags %v", set.Tags)
	}

	// The primary one lends the service its parameters.
	if _, err := client.UpdateServicePrimaryTaskSet(ctx, &ecs.UpdateServicePrimaryTaskSetInput{Cluster: aws.String(cluster), Service: name, PrimaryTaskSet: id}); err != nil {
		t.Fatal(err)
	}
	described := func() types.Service {
		t.Helper()
		out, err := client.DescribeServices(ctx, &ecs.DescribeServicesInput{Cluster: aws.String(cluster), Services: []string{*name}})
		if err != nil {
			t.Fatal(err)
		}
		return out.Services[0]
	}
	if s := described(); aws.ToString(s.TaskDefinition) != definition || len(s.LoadBalancers) != 1 || s.LaunchType != types.LaunchTypeFargate || len(s.TaskSets) != 1 || *s.TaskSets[0].Status != "PRIMARY" {
		t.Errorf("%+v", s)
	}

	_, err = client.DeleteTaskSet(ctx, &ecs.DeleteTaskSetInput{Cluster: aws.String(cluster), Service: name, TaskSet: id})
	refused(t, "delete of the primary one", err, "InvalidParameterException", "without force")
	_, err = client.DeleteService(ctx, &ecs.DeleteServiceInput{Cluster: aws.String(cluster), Service: name})
	refused(t, "delete of the service", err, "InvalidParameterException", "The service cannot be stopped while deployments are active.")
	gone, err := client.DeleteTaskSet(ctx, &ecs.DeleteTaskSetInput{Cluster: aws.String(cluster), Service: name, TaskSet: id, Force: aws.Bool(true)})
	if err != nil || *gone.TaskSet.Status != "DRAINING" {
		t.Fatalf("%+v, %v", gone, err)
	}
	await("gone", func(_ types.TaskSet, failures []types.Failure) bool {
		return len(failures) == 1 && *failures[0].Reason == "MISSING" && *failures[0].Arn == *arn
	})
	_, err = client.DeleteTaskSet(ctx, &ecs.DeleteTaskSetInput{Cluster: aws.String(cluster), Service: name, TaskSet: id})
	refused(t, "delete again", err, "TaskSetNotFoundException", "")
	if s := described(); s.TaskDefinition != nil || len(s.TaskSets) != 0 {
		t.Errorf("%+v", s)
	}
	if _, err := client.DeleteService(ctx, &ecs.DeleteServiceInput{Cluster: aws.String(cluster), Service: name}); err != nil {
		t.Error(err)
	}
}

func TestTaskSetRules(t *testing.T) {
	srv, client := server(t)
	ctx := t.Context()
	group, _ := apptest.TargetGroup(t, srv, "web", elbtypes.TargetTypeEnumIp)
	definition := register(t, client, "x", "1")
	loose, err := elb.NewFromConfig(srv.Config()).CreateTargetGroup(ctx, &elb.CreateTargetGroupInput{Name: aws.String("loose"), Protocol: elbtypes.ProtocolEnumHttp, Port: aws.Int32(80),
		VpcId: aws.String("vpc-00000000000000001"), TargetType: elbtypes.TargetTypeEnumIp})
	if err != nil {
		t.Fatal(err)
	}
	behind := func(group string) []types.LoadBalancer {
		return []types.LoadBalancer{{TargetGroupArn: &group, ContainerName: aws.String("app"), ContainerPort: aws.Int32(8080)}}
	}
	for name, controller := range map[string]types.DeploymentControllerType{"rolled": types.DeploymentControllerTypeEcs, "deployed": types.DeploymentControllerTypeCodeDeploy, "own": types.DeploymentControllerTypeExternal} {
		in := &ecs.CreateServiceInput{Cluster: aws.String(cluster), ServiceName: aws.String(name), DesiredCount: aws.Int32(0), DeploymentController: &types.DeploymentController{Type: controller}}
		if controller != types.DeploymentControllerTypeExternal {
			in.TaskDefinition, in.LaunchType, in.NetworkConfiguration, in.LoadBalancers = &definition, types.LaunchTypeFargate, network, behind(group)
		}
		if _, err := client.CreateService(ctx, in); err != nil {
			t.Fatal(err)
		}
	}
	create := func(service string, change func(*ecs.CreateTaskSetInput)) error {
		in := &ecs.CreateTaskSetInput{Cluster: aws.String(cluster), Service: &service, TaskDefinition: &definition, LaunchType: types.LaunchTypeFargate,
			NetworkConfiguration: network, LoadBalancers: behind(group)}
		change(in)
		_, err := client.CreateTaskSet(ctx, in)
		return err
	}
	nothing := func(*ecs.CreateTaskSetInput) {}
	for _, c := range []struct {
		service, code, message string
		change                 func(*ecs.CreateTaskSetInput)
	}{
		{"rolled", "InvalidParameterException", "Amazon ECS only supports task set management on services configured to use external deployment controllers.", nothing},
		{"nobody", "ServiceNotFoundException", "Service not found.", nothing},
		{"own", "ClusterNotFoundException", "Cluster not found.", func(in *ecs.CreateTaskSetInput) { in.Cluster = aws.String("nobody") }},
		{"own", "ClientException", "TaskDefinition not found.", func(in *ecs.CreateTaskSetInput) { in.TaskDefinition = aws.String("nobody") }},
		{"own", "InvalidParameterException", "Network Configuration must be provided", func(in *ecs.CreateTaskSetInput) { in.NetworkConfiguration = nil }},
		{"own", "InvalidParameterException", "The value of a scale must be between 0 and 100.", func(in *ecs.CreateTaskSetInput) { in.Scale = &types.Scale{Value: 100.5} }},
		{"own", "InvalidParameterException", "did not have a container port 81 defined.", func(in *ecs.CreateTaskSetInput) { in.LoadBalancers[0].ContainerPort = aws.Int32(81) }},
		{"own", "InvalidParameterException", "one target group in each task set", func(in *ecs.CreateTaskSetInput) { in.LoadBalancers = append(behind(group), behind(group)...) }},
		{"own", "InvalidParameterException", "does not have an associated load balancer.", func(in *ecs.CreateTaskSetInput) { in.LoadBalancers = behind(*loose.TargetGroups[0].TargetGroupArn) }},
		{"own", "InvalidParameterException", "does not exist.", func(in *ecs.CreateTaskSetInput) { in.LoadBalancers = behind(group + "0") }},
		{"deployed", "InvalidParameterException", "load balancer with a target group is required", func(in *ecs.CreateTaskSetInput) { in.LoadBalancers = nil }},
		{"own", "InvalidParameterException", "reserved", func(in *ecs.CreateTaskSetInput) {
			in.Tags = []types.Tag{{Key: aws.String("aws:k"), Value: aws.String("v")}}
		}},
	} {
		refused(t, c.message, create(c.service, c.change), c.code, c.message)
	}
	all, err := client.DescribeTaskSets(ctx, &ecs.DescribeTaskSetsInput{Cluster: aws.String(cluster), Service: aws.String("own")})
	if err != nil || len(all.TaskSets) != 0 {
		t.Errorf("what was refused left something: %+v, %v", all, err)
	}

	// CodeDeploy's services have a first set, and may have one that is behind no
	// listener yet.
	if err := create("deployed", func(in *ecs.CreateTaskSetInput) {
		in.LoadBalancers, in.ExternalId = behind(*loose.TargetGroups[0].TargetGroupArn), aws.String("d-1")
	}); err != nil {
		t.Error(err)
	}
	all, err = client.DescribeTaskSets(ctx, &ecs.DescribeTaskSetsInput{Cluster: aws.String(cluster), Service: aws.String("deployed")})
	if err != nil || len(all.TaskSets) != 2 || *all.TaskSets[0].Status != "PRIMARY" || all.TaskSets[0].ExternalId != nil || aws.ToString(all.TaskSets[1].StartedBy) != "CODE_DEPLOY" {
		t.Errorf("%+v, %v", all, err)
	}
	for range 3 {
		if err := create("deployed", nothing); err != nil {
			t.Error(err)
		}
	}
	refused(t, "a sixth", create("deployed", nothing), "InvalidParameterException", "5 deployments exist on the service. Unable to create new TaskSet since this exceeds the maximum limit.")

	update := func(in ecs.UpdateServiceInput) error {
		in.Cluster, in.Service = aws.String(cluster), aws.String("deployed")
		_, err := client.UpdateService(ctx, &in)
		return err
	}
	refused(t, "another definition", update(ecs.UpdateServiceInput{TaskDefinition: &definition}), "InvalidParameterException",
		"Unable to update task definition on services with a CODE_DEPLOY deployment controller. Use AWS CodeDeploy to trigger a new deployment.")
	if err := update(ecs.UpdateServiceInput{HealthCheckGracePeriodSeconds: aws.Int32(30), DeploymentConfiguration: &types.DeploymentConfiguration{MaximumPercent: aws.Int32(150)}}); err != nil {
		t.Error(err)
	}

	nobody := aws.String("ecs-svc/1")
	_, err = client.UpdateTaskSet(ctx, &ecs.UpdateTaskSetInput{Cluster: aws.String(cluster), Service: aws.String("own"), TaskSet: nobody, Scale: &types.Scale{}})
	refused(t, "update of an unknown one", err, "TaskSetNotFoundException", "")
	_, err = client.UpdateServicePrimaryTaskSet(ctx, &ecs.UpdateServicePrimaryTaskSetInput{Cluster: aws.String(cluster), Service: aws.String("own"), PrimaryTaskSet: nobody})
	refused(t, "an unknown primary one", err, "TaskSetNotFoundException", "")
	_, err = client.TagResource(ctx, &ecs.TagResourceInput{ResourceArn: aws.String("arn:aws:ecs:us-east-1:000000000000:task-set/c/own/ecs-svc/1"), Tags: []types.Tag{{Key: aws.String("k"), Value: aws.String("v")}}})
	refused(t, "tags of an unknown one", err, "ResourceNotFoundException", "")

	// A service goes with its sets only when that is said.
	_, err = client.DeleteService(ctx, &ecs.DeleteServiceInput{Cluster: aws.String(cluster), Service: aws.String("deployed")})
	refused(t, "delete while others are deployed", err, "InvalidParameterException", "The service cannot be stopped while deployments are active.")
	if _, err := client.DeleteService(ctx, &ecs.DeleteServiceInput{Cluster: aws.String(cluster), Service: aws.String("deployed"), Force: aws.Bool(true)}); err != nil {
		t.Fatal(err)
	}
	refused(t, "a set of a service that ends", create("deployed", nothing), "ServiceNotActiveException", "Service was not ACTIVE.")
	w := ecs.NewServicesInactiveWaiter(client, func(o *ecs.ServicesInactiveWaiterOptions) { o.MinDelay, o.MaxDelay = 20*time.Millisecond, time.Second })
	if err := w.Wait(ctx, &ecs.DescribeServicesInput{Cluster: aws.String(cluster), Services: []string{"deployed"}}, time.Minute); err != nil {
		t.Error(err)
	}
	_, err = client.DescribeTaskSets(ctx, &ecs.DescribeTaskSetsInput{Cluster: aws.String(cluster), Service: aws.String("deployed")})
	refused(t, "sets of a service that is gone", err, "ServiceNotActiveException", "")
}

// ECS takes over in place from CodeDeploy, with the tasks that there are.
func TestTakeOverFromCodeDeploy(t *testing.T) {
	srv, client := server(t)
	ctx := t.Context()
	load := newStagedLoad(t, srv)
	one, two := register(t, client, "x", "1"), register(t, client, "x", "2")
	bare := load.LoadBalancer
	bare.AdvancedConfiguration = nil
	apptest.Must(client.CreateService(ctx, &ecs.CreateServiceInput{Cluster: aws.String(cluster), ServiceName: aws.String("web"), TaskDefinition: &one, DesiredCount: aws.Int32(0),
		LaunchType: types.LaunchTypeFargate, NetworkConfiguration: network, LoadBalancers: []types.LoadBalancer{bare},
		DeploymentController: &types.DeploymentController{Type: types.DeploymentControllerTypeCodeDeploy}}))(t)
	update := func(in ecs.UpdateServiceInput) error {
		in.Cluster, in.Service = aws.String(cluster), aws.String("web")
		_, err := client.UpdateService(ctx, &in)
		return err
	}
	refused(t, "to EXTERNAL", update(ecs.UpdateServiceInput{DeploymentController: &types.DeploymentController{Type: types.DeploymentControllerTypeExternal}}),
		"UnsupportedFeatureException", "from CODE_DEPLOY to EXTERNAL")
	set := apptest.Must(client.CreateTaskSet(ctx, &ecs.CreateTaskSetInput{Cluster: aws.String(cluster), Service: aws.String("web"), TaskDefinition: &two,
		LaunchType: types.LaunchTypeFargate, NetworkConfiguration: network, LoadBalancers: []types.LoadBalancer{bare}}))(t)
	take := ecs.UpdateServiceInput{TaskDefinition: &two, DeploymentController: &types.DeploymentController{Type: types.DeploymentControllerTypeEcs},
		LoadBalancers: []types.LoadBalancer{load.LoadBalancer}, DeploymentConfiguration: &types.DeploymentConfiguration{Strategy: types.DeploymentStrategyBlueGreen}}
	refused(t, "amid a deployment", update(take), "InvalidParameterException", "in progress")
	apptest.Must(client.DeleteTaskSet(ctx, &ecs.DeleteTaskSetInput{Cluster: aws.String(cluster), Service: aws.String("web"), TaskSet: set.TaskSet.Id, Force: aws.Bool(true)}))(t)
	for end := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		err := update(take)
		if err == nil {
			break
		}
		if time.Now().After(end) {
			t.Fatal(err)
		}
	}
	d := deployment(t, client, "web", ended)
	if production, _ := load.weights(t); d.Status != types.ServiceDeploymentStatusSuccessful || len(d.SourceServiceRevisions) != 1 || production != "web 0, green 100" {
		t.Errorf("%s %s, production %s, sources %v", d.Status, aws.ToString(d.StatusReason), production, d.SourceServiceRevisions)
	}
	out := apptest.Must(client.DescribeServices(ctx, &ecs.DescribeServicesInput{Cluster: aws.String(cluster), Services: []string{"web"}}))(t).Services[0]
	if out.DeploymentController.Type != types.DeploymentControllerTypeEcs || len(out.TaskSets) != 0 || len(out.Deployments) != 1 || *out.TaskDefinition != two {
		t.Errorf("%+v", out)
	}
}
