package ecs_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
	elbtypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"github.com/slipway-dev/slipway/cmd/slipway/apptest"
)

func TestMain(m *testing.M) { apptest.Main(m) }

const cluster = "c"

// server is a Slipway with a cluster and an execution role.
func server(t *testing.T, opts ...apptest.Option) (*apptest.Server, *ecs.Client) {
	t.Helper()
	srv := apptest.Start(t, opts...)
	client := ecs.NewFromConfig(srv.Config())
	if _, err := client.CreateCluster(t.Context(), &ecs.CreateClusterInput{ClusterName: aws.String(cluster)}); err != nil {
		t.Fatal(err)
	}
	_, err := iam.NewFromConfig(srv.Config()).CreateRole(t.Context(), &iam.CreateRoleInput{
		RoleName: aws.String("exec"),
		AssumeRolePolicyDocument: aws.String(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow",
			"Principal":{"Service":"ecs-tasks.amazonaws.com"},"Action":"sts:AssumeRole"}]}`),
	})
	if err != nil {
		t.Fatal(err)
	}
	return srv, client
}

func register(t *testing.T, client *ecs.Client, image, page string, more ...func(*ecs.RegisterTaskDefinitionInput)) string {
	t.Helper()
	in := &ecs.RegisterTaskDefinitionInput{
		Family: aws.String("web"), Cpu: aws.String("256"), Memory: aws.String("512"), NetworkMode: types.NetworkModeAwsvpc,
		RequiresCompatibilities: []types.Compatibility{types.CompatibilityFargate},
		ExecutionRoleArn:        aws.String("arn:aws:iam::000000000000:role/exec"),
		ContainerDefinitions: []types.ContainerDefinition{{
			Name: aws.String("app"), Image: aws.String(image), StopTimeout: aws.Int32(1),
			PortMappings: []types.PortMapping{{ContainerPort: aws.Int32(8080)}},
			Environment:  []types.KeyValuePair{{Name: aws.String("PAGE"), Value: aws.String(page)}},
			Command:      []string{"sh", "-c", `mkdir /w && echo "$PAGE" >/w/index.html && exec httpd -f -p 8080 -h /w`},
		}},
	}
	for _, change := range more {
		change(in)
	}
	out, err := client.RegisterTaskDefinition(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	return aws.ToString(out.TaskDefinition.TaskDefinitionArn)
}

var network = &types.NetworkConfiguration{AwsvpcConfiguration: &types.AwsVpcConfiguration{Subnets: []string{apptest.Subnet}}}

func createService(t *testing.T, client *ecs.Client, definition string) {
	t.Helper()
	_, err := client.CreateService(t.Context(), &ecs.CreateServiceInput{
		Cluster: aws.String(cluster), ServiceName: aws.String("web"), TaskDefinition: aws.String(definition),
		DesiredCount: aws.Int32(1), LaunchType: types.LaunchTypeFargate, NetworkConfiguration: network,
		DeploymentConfiguration: &types.DeploymentConfiguration{DeploymentCircuitBreaker: &types.DeploymentCircuitBreaker{Enable: true, Rollback: true}},
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestClusters(t *testing.T) {
	_, client := server(t)
	ctx := t.Context()
	for _, name := range []string{"a b", "../../etc/passwd", "a\x00b", strings.Repeat("a", 256)} {
		var invalid *types.InvalidParameterException
		if _, err := client.CreateCluster(ctx, &ecs.CreateClusterInput{ClusterName: &name}); !errors.As(err, &invalid) {
			t.Errorf("cluster %.20q: %v", name, err)
		}
	}
	again, err := client.CreateCluster(ctx, &ecs.CreateClusterInput{ClusterName: aws.String(cluster)})
	if err != nil || aws.ToString(again.Cluster.ClusterArn) != "arn:aws:ecs:us-east-1:000000000000:cluster/c" {
		t.Errorf("%+v, %v", again, err)
	}
	for _, name := range []string{"a", "b", "d"} {
		if _, err := client.CreateCluster(ctx, &ecs.CreateClusterInput{ClusterName: aws.String(name)}); err != nil {
			t.Fatal(err)
		}
	}
	var arns []string
	for p := ecs.NewListClustersPaginator(client, &ecs.ListClustersInput{MaxResults: aws.Int32(3)}); p.HasMorePages(); {
		page, err := p.NextPage(ctx)
		if err != nil {
			t.Fatal(err)
		}
		arns = append(arns, page.ClusterArns...)
	}
	if len(arns) != 4 || !strings.HasSuffix(arns[3], "cluster/d") {
		t.Errorf("listed %v", arns)
	}
	var invalid *types.InvalidParameterException
	if _, err := client.ListClusters(ctx, &ecs.ListClustersInput{NextToken: aws.String("x")}); !errors.As(err, &invalid) {
		t.Errorf("token: %v", err)
	}
	out, err := client.DescribeClusters(ctx, &ecs.DescribeClustersInput{Clusters: []string{"a", "nobody"}})
	if err != nil || len(out.Clusters) != 1 || len(out.Failures) != 1 || aws.ToString(out.Failures[0].Reason) != "MISSING" {
		t.Errorf("%+v, %v", out, err)
	}
	var gone *types.ClusterNotFoundException
	if _, err := client.DeleteCluster(ctx, &ecs.DeleteClusterInput{Cluster: aws.String("nobody")}); !errors.As(err, &gone) {
		t.Errorf("delete: %v", err)
	}
}

func TestRevisions(t *testing.T) {
	_, client := server(t)
	ctx := t.Context()
	register(t, client, "x", "1")
	second := register(t, client, "x", "2")
	describe := func(ref string) string {
		out, err := client.DescribeTaskDefinition(ctx, &ecs.DescribeTaskDefinitionInput{TaskDefinition: aws.String(ref)})
		if err != nil {
			return err.Error()
		}
		return aws.ToString(out.TaskDefinition.TaskDefinitionArn)
	}
	if got := describe("web"); got != second {
		t.Errorf("latest is %s", got)
	}
	if _, err := client.DeregisterTaskDefinition(ctx, &ecs.DeregisterTaskDefinitionInput{TaskDefinition: aws.String(second)}); err != nil {
		t.Fatal(err)
	}
	if got := describe("web"); !strings.HasSuffix(got, "web:1") {
		t.Errorf("latest active is %s", got)
	}
	if third := register(t, client, "x", "3"); !strings.HasSuffix(third, "web:3") {
		t.Errorf("a number was used again: %s", third)
	}
	for _, ref := range []string{"nobody", strings.Replace(second, "us-east-1", "eu-west-1", 1)} {
		if got := describe(ref); !strings.Contains(got, "Unable to describe task definition.") {
			t.Errorf("%s: %s", ref, got)
		}
	}
	var client400 *types.ClientException
	_, err := client.RunTask(ctx, &ecs.RunTaskInput{Cluster: aws.String(cluster), TaskDefinition: aws.String(second), NetworkConfiguration: network})
	if !errors.As(err, &client400) {
		t.Errorf("run of an inactive one: %v", err)
	}
}

func TestServiceRules(t *testing.T) {
	srv, client := server(t)
	ctx := t.Context()
	group, _ := apptest.TargetGroup(t, srv, "web", elbtypes.TargetTypeEnumIp)
	definition := register(t, client, "x", "1")
	in := func(change func(*ecs.CreateServiceInput)) error {
		input := &ecs.CreateServiceInput{
			Cluster: aws.String(cluster), ServiceName: aws.String("s"), TaskDefinition: aws.String(definition),
			DesiredCount: aws.Int32(0), LaunchType: types.LaunchTypeFargate, NetworkConfiguration: network,
		}
		change(input)
		_, err := client.CreateService(ctx, input)
		return err
	}
	for want, change := range map[string]func(*ecs.CreateServiceInput){
		"Network Configuration must be provided": func(i *ecs.CreateServiceInput) { i.NetworkConfiguration = nil },
		"both a launch type and capacity provider strategy": func(i *ecs.CreateServiceInput) {
			i.CapacityProviderStrategy = []types.CapacityProviderStrategyItem{{CapacityProvider: aws.String("FARGATE")}}
		},
		"not associated with the cluster": func(i *ecs.CreateServiceInput) {
			i.LaunchType, i.CapacityProviderStrategy = "", []types.CapacityProviderStrategyItem{{CapacityProvider: aws.String("FARGATE")}}
		},
		"TaskDefinition not found": func(i *ecs.CreateServiceInput) { i.TaskDefinition = aws.String("nobody") },
		"Cluster not found":        func(i *ecs.CreateServiceInput) { i.Cluster = aws.String("nobody") },
		"The container nobody does not exist in the task definition.": func(i *ecs.CreateServiceInput) {
			i.LoadBalancers = []types.LoadBalancer{{TargetGroupArn: &group, ContainerName: aws.String("nobody"), ContainerPort: aws.Int32(80)}}
		},
		"The container app did not have a container port 80 defined.": func(i *ecs.CreateServiceInput) {
			i.LoadBalancers = []types.LoadBalancer{{TargetGroupArn: &group, ContainerName: aws.String("app"), ContainerPort: aws.Int32(80)}}
		},
		"load balancer with a target group is required": func(i *ecs.CreateServiceInput) {
			i.DeploymentController = &types.DeploymentController{Type: types.DeploymentControllerTypeCodeDeploy}
		},
		"belongs to the task sets": func(i *ecs.CreateServiceInput) {
			i.DeploymentController = &types.DeploymentController{Type: types.DeploymentControllerTypeExternal}
		},
		"advancedConfiguration field is required for all loadBalancers": func(i *ecs.CreateServiceInput) {
			i.DeploymentConfiguration = &types.DeploymentConfiguration{Strategy: types.DeploymentStrategyBlueGreen}
			i.LoadBalancers = []types.LoadBalancer{{TargetGroupArn: &group, ContainerName: aws.String("app"), ContainerPort: aws.Int32(8080)}}
		},
		"DAEMON is not supported with the launch type FARGATE": func(i *ecs.CreateServiceInput) {
			i.SchedulingStrategy = types.SchedulingStrategyDaemon
		},
		"block deployments": func(i *ecs.CreateServiceInput) {
			i.DeploymentConfiguration = &types.DeploymentConfiguration{MaximumPercent: aws.Int32(100)}
		},
		"DesiredCount cannot be greater than 5000": func(i *ecs.CreateServiceInput) { i.DesiredCount = aws.Int32(1 << 30) },
		"Unable to assume role and validate the specified targetGroupArn.": func(i *ecs.CreateServiceInput) {
			i.Role = aws.String("nobody")
			i.LoadBalancers = []types.LoadBalancer{{TargetGroupArn: &group, ContainerName: aws.String("app"), ContainerPort: aws.Int32(8080)}}
		},
		"DesiredCount cannot be null": func(i *ecs.CreateServiceInput) { i.DesiredCount = nil },
		"Health check grace period is only valid for services configured to use load balancers": func(i *ecs.CreateServiceInput) {
			i.HealthCheckGracePeriodSeconds = aws.Int32(1)
		},
		"Placement strategies are not supported with FARGATE launch type.": func(i *ecs.CreateServiceInput) {
			i.PlacementStrategy = []types.PlacementStrategy{{Type: types.PlacementStrategyTypeSpread, Field: aws.String("host")}}
		},
		"Placement constraints are not supported with FARGATE launch type.": func(i *ecs.CreateServiceInput) {
			i.PlacementConstraints = []types.PlacementConstraint{{Type: types.PlacementConstraintTypeDistinctInstance}}
		},
		"PlatformUnknownException": func(i *ecs.CreateServiceInput) { i.PlatformVersion = aws.String("9.9.9") },
	} {
		if err := in(change); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
	if err := in(func(i *ecs.CreateServiceInput) {
		i.HealthCheckGracePeriodSeconds = aws.Int32(0)
		i.DeploymentConfiguration = &types.DeploymentConfiguration{MaximumPercent: aws.Int32(300)}
	}); err != nil {
		t.Fatal(err)
	}
	if err := in(func(*ecs.CreateServiceInput) {}); err == nil || !strings.Contains(err.Error(), "not idempotent") {
		t.Errorf("again: %v", err)
	}
	stable(t, client, "s")
	if _, err := client.DeleteService(ctx, &ecs.DeleteServiceInput{Cluster: aws.String(cluster), Service: aws.String("s")}); err != nil {
		t.Error(err)
	}
	var inactive *types.ServiceNotActiveException
	if _, err := client.UpdateService(ctx, &ecs.UpdateServiceInput{Cluster: aws.String(cluster), Service: aws.String("s"), DesiredCount: aws.Int32(1)}); !errors.As(err, &inactive) {
		t.Errorf("update of a deleted one: %v", err)
	}
}

// Without a container engine a task says what it needs.
func TestProcessCompute(t *testing.T) {
	_, client := server(t)
	ctx := t.Context()
	run, err := client.RunTask(ctx, &ecs.RunTaskInput{
		Cluster: aws.String(cluster), TaskDefinition: aws.String(register(t, client, "x", "1")), LaunchType: types.LaunchTypeFargate,
		NetworkConfiguration: network, ClientToken: aws.String("once"),
	})
	if err != nil {
		t.Fatal(err)
	}
	task := stopped(t, client, aws.ToString(run.Tasks[0].TaskArn))
	if task.StopCode != types.TaskStopCodeTaskFailedToStart || !strings.Contains(aws.ToString(task.StoppedReason), "--compute docker") {
		t.Errorf("%s: %s", task.StopCode, aws.ToString(task.StoppedReason))
	}
	// A service says it, and the breaker goes by it.
	if _, err := client.CreateService(ctx, &ecs.CreateServiceInput{Cluster: aws.String(cluster), ServiceName: aws.String("s"), TaskDefinition: aws.String("web"),
		DesiredCount: aws.Int32(1), LaunchType: types.LaunchTypeFargate, NetworkConfiguration: network,
		DeploymentConfiguration: &types.DeploymentConfiguration{DeploymentCircuitBreaker: &types.DeploymentCircuitBreaker{Enable: true}}}); err != nil {
		t.Fatal(err)
	}
	deployment(t, client, "s", ended)
	services, err := client.DescribeServices(ctx, &ecs.DescribeServicesInput{Cluster: aws.String(cluster), Services: []string{"s"}})
	if err != nil {
		t.Fatal(err)
	}
	want := "(service s) was unable to place a task. Reason: " + aws.ToString(task.StoppedReason) + ". For more information,"
	if !slices.ContainsFunc(services.Services[0].Events, func(e types.ServiceEvent) bool { return strings.HasPrefix(aws.ToString(e.Message), want) }) {
		t.Errorf("nothing of %q in %+v", want, services.Services[0].Events)
	}
	var conflict *types.ConflictException
	_, err = client.RunTask(ctx, &ecs.RunTaskInput{
		Cluster: aws.String(cluster), TaskDefinition: aws.String("web"), NetworkConfiguration: network, Count: aws.Int32(2), ClientToken: aws.String("once"),
	})
	if !errors.As(err, &conflict) {
		t.Errorf("same token, other parameters: %v", err)
	}
}

func stopped(t *testing.T, client *ecs.Client, arn string) types.Task {
	t.Helper()
	in := &ecs.DescribeTasksInput{Cluster: aws.String(cluster), Tasks: []string{arn}}
	w := ecs.NewTasksStoppedWaiter(client, func(o *ecs.TasksStoppedWaiterOptions) { o.MinDelay, o.MaxDelay = 20*time.Millisecond, time.Second })
	out, err := w.WaitForOutput(t.Context(), in, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	return out.Tasks[0]
}

func stable(t *testing.T, client *ecs.Client, name string) types.Service {
	t.Helper()
	w := ecs.NewServicesStableWaiter(client, func(o *ecs.ServicesStableWaiterOptions) {
		o.MinDelay, o.MaxDelay = 50*time.Millisecond, time.Second
		// The waiter's own condition does not ask for the deployment's end.
		o.Retryable = func(_ context.Context, _ *ecs.DescribeServicesInput, out *ecs.DescribeServicesOutput, err error) (bool, error) {
			return err == nil && (len(out.Services) != 1 || len(out.Services[0].Deployments) != 1 ||
				out.Services[0].Deployments[0].RolloutState != types.DeploymentRolloutStateCompleted), err
		}
	})
	in := &ecs.DescribeServicesInput{Cluster: aws.String(cluster), Services: []string{name}}
	out, err := w.WaitForOutput(t.Context(), in, time.Minute)
	if err != nil {
		if out, _ := client.DescribeServices(t.Context(), in); out != nil && len(out.Services) == 1 {
			for _, e := range out.Services[0].Events {
				t.Log(aws.ToString(e.Message))
			}
		}
		t.Fatal(err)
	}
	return out.Services[0]
}

// page asks the service's running task for its page. Without a health check a
// task counts as healthy a second after its start; on a busy machine its
// program may listen a little later.
func page(t *testing.T, client *ecs.Client) string {
	t.Helper()
	list, err := client.ListTasks(t.Context(), &ecs.ListTasksInput{Cluster: aws.String(cluster), ServiceName: aws.String("web")})
	if err != nil || len(list.TaskArns) != 1 {
		t.Fatalf("tasks: %+v, %v", list, err)
	}
	out, err := client.DescribeTasks(t.Context(), &ecs.DescribeTasksInput{Cluster: aws.String(cluster), Tasks: list.TaskArns})
	if err != nil {
		t.Fatal(err)
	}
	ip := aws.ToString(out.Tasks[0].Containers[0].NetworkInterfaces[0].PrivateIpv4Address)
	res, err := http.Get("http://" + ip + ":8080/")
	for end := time.Now().Add(20 * time.Second); err != nil && time.Now().Before(end); {
		time.Sleep(100 * time.Millisecond) // a client's pace
		res, err = http.Get("http://" + ip + ":8080/")
	}
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, _ := io.ReadAll(res.Body)
	return strings.TrimSpace(string(b))
}

// containers is a server whose tasks are containers; its service web is gone at
// the end.
func containers(t *testing.T) (*apptest.Server, *ecs.Client) {
	t.Helper()
	binary, err := filepath.Abs("../../bin/slipway")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(binary); err != nil {
		t.Skip("the network of tasks is held by bin/slipway: run make build")
	}
	if out, err := exec.Command("docker", "image", "inspect", "slipway/busybox:latest").CombinedOutput(); err != nil {
		t.Skipf("no Docker Engine with slipway/busybox (images/busybox/build): %s", out)
	}
	srv, client := server(t, apptest.Docker, apptest.Executable(binary))
	t.Cleanup(func() {
		client := ecs.NewFromConfig(srv.Config())
		_, _ = client.DeleteService(context.Background(), &ecs.DeleteServiceInput{Cluster: aws.String(cluster), Service: aws.String("web"), Force: aws.Bool(true)})
		in := &ecs.DescribeServicesInput{Cluster: aws.String(cluster), Services: []string{"web"}}
		w := ecs.NewServicesInactiveWaiter(client, func(o *ecs.ServicesInactiveWaiterOptions) { o.MinDelay, o.MaxDelay = 50*time.Millisecond, time.Second })
		if err := w.Wait(context.Background(), in, time.Minute); err != nil {
			t.Error(err)
		}
		list, err := client.ListTasks(context.Background(), &ecs.ListTasksInput{Cluster: aws.String(cluster), DesiredStatus: types.DesiredStatusStopped})
		if err != nil {
			t.Error(err)
			return
		}
		gone := ecs.NewTasksStoppedWaiter(client, func(o *ecs.TasksStoppedWaiterOptions) { o.MinDelay, o.MaxDelay = 50*time.Millisecond, time.Second })
		if err := gone.Wait(context.Background(), &ecs.DescribeTasksInput{Cluster: aws.String(cluster), Tasks: list.TaskArns}, time.Minute); err != nil {
			t.Error(err)
		}
	})
	return srv, client
}

// A service is rolled to a new version while the server crashes, goes back
// from an image that does not exist, and leaves nothing behind.
func TestRollingDeployment(t *testing.T) {
	srv, client := containers(t)
	createService(t, client, register(t, client, "slipway/busybox:latest", "one"))
	stable(t, client, "web")
	if got := page(t, client); got != "one" {
		t.Fatalf("page %q", got)
	}

	two := register(t, client, "slipway/busybox:latest", "two")
	if _, err := client.UpdateService(t.Context(), &ecs.UpdateServiceInput{Cluster: aws.String(cluster), Service: aws.String("web"), TaskDefinition: aws.String(two)}); err != nil {
		t.Fatal(err)
	}
	srv.Restart()
	client = ecs.NewFromConfig(srv.Config())
	stable(t, client, "web")
	if got := page(t, client); got != "two" {
		t.Fatalf("page %q", got)
	}

	bad := register(t, client, "localhost:1/no/such:image", "three")
	if _, err := client.UpdateService(t.Context(), &ecs.UpdateServiceInput{Cluster: aws.String(cluster), Service: aws.String("web"), TaskDefinition: aws.String(bad)}); err != nil {
		t.Fatal(err)
	}
	svc := stable(t, client, "web")
	if aws.ToString(svc.TaskDefinition) != two || svc.Deployments[0].RolloutState != types.DeploymentRolloutStateCompleted {
		t.Errorf("after the rollback: %s %s", aws.ToString(svc.TaskDefinition), svc.Deployments[0].RolloutState)
	}
	if got := page(t, client); got != "two" {
		t.Fatalf("page %q", got)
	}
}
