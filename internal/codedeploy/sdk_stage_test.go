package codedeploy_test

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codedeploy"
	"github.com/aws/aws-sdk-go-v2/service/codedeploy/types"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	ecstypes "github.com/aws/aws-sdk-go-v2/service/ecs/types"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	elbtypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"github.com/slipway-dev/slipway/cmd/slipway/apptest"
)

// stage is a service with count tasks that a group deploys, with the permissions
// of AWS's managed policy. Its listener answers on port.
type stage struct {
	*testing.T
	*codedeploy.Client
	srv         *apptest.Server
	name        string // of service and group
	count       int32
	balancers   *elb.Client
	services    *ecs.Client
	users       *iam.Client
	blue, green string // target groups
	prod        string // listener
}

func newStage(t *testing.T, count int32, opts ...apptest.Option) *stage {
	t.Helper()
	s := &stage{T: t, count: count, srv: apptest.Start(t, append(opts, apptest.Enforce)...)}
	s.connect()
	ctx := t.Context()
	s.role("deploy", "codedeploy.amazonaws.com")
	apptest.Must(s.users.AttachRolePolicy(ctx, &iam.AttachRolePolicyInput{RoleName: aws.String("deploy"), PolicyArn: aws.String("arn:aws:iam::aws:policy/AWSCodeDeployRoleForECS")}))(t)
	apptest.Must(s.services.CreateCluster(ctx, &ecs.CreateClusterInput{ClusterName: aws.String("c")}))(t)
	s.define("one")
	apptest.Must(s.CreateApplication(ctx, &codedeploy.CreateApplicationInput{ApplicationName: aws.String("app"), ComputePlatform: types.ComputePlatformEcs}))(t)
	return s.another("g")
}

// define registers the next revision of the task definition, which answers with
// a text.
func (s *stage) define(says string) {
	s.Helper()
	apptest.Must(s.services.RegisterTaskDefinition(s.Context(), &ecs.RegisterTaskDefinitionInput{Family: aws.String("f"), NetworkMode: ecstypes.NetworkModeAwsvpc, Cpu: aws.String("256"), Memory: aws.String("512"),
		ContainerDefinitions: []ecstypes.ContainerDefinition{{Name: aws.String("web"), Image: aws.String("slipway/busybox:latest"), PortMappings: []ecstypes.PortMapping{{ContainerPort: aws.Int32(8080)}},
			Command: []string{"sh", "-c", "mkdir -p /www && echo " + says + " > /www/index.html && exec httpd -f -p 8080 -h /www"}, StopTimeout: aws.Int32(2)}}}))(s)
}

// connect makes the clients.
func (s *stage) connect() {
	cfg := s.srv.Config()
	s.Client, s.balancers, s.services, s.users = codedeploy.NewFromConfig(cfg), elb.NewFromConfig(cfg), ecs.NewFromConfig(cfg), iam.NewFromConfig(cfg)
}

// restart kills the server and starts it again.
func (s *stage) restart() {
	s.srv.Restart()
	s.connect()
}

func (s *stage) role(name, service string) {
	s.Helper()
	apptest.Must(s.users.CreateRole(s.Context(), &iam.CreateRoleInput{RoleName: &name, AssumeRolePolicyDocument: aws.String(
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"` + service + `"},"Action":"sts:AssumeRole"}]}`)}))(s)
}

// another is one more service with a load balancer and a deployment group.
func (s *stage) another(name string) *stage {
	s.Helper()
	ctx, n := s.Context(), *s
	n.name = name
	n.blue, n.prod = apptest.TargetGroup(s, s.srv, name, elbtypes.TargetTypeEnumIp)
	n.green = n.group(name + "-green")
	apptest.Must(s.services.CreateService(ctx, &ecs.CreateServiceInput{Cluster: aws.String("c"), ServiceName: &name, TaskDefinition: aws.String("f:1"), DesiredCount: &s.count,
		DeploymentController: &ecstypes.DeploymentController{Type: ecstypes.DeploymentControllerTypeCodeDeploy}, LaunchType: ecstypes.LaunchTypeFargate,
		NetworkConfiguration: &ecstypes.NetworkConfiguration{AwsvpcConfiguration: &ecstypes.AwsVpcConfiguration{Subnets: []string{apptest.Subnet}}},
		LoadBalancers:        []ecstypes.LoadBalancer{{TargetGroupArn: &n.blue, ContainerName: aws.String("web"), ContainerPort: aws.Int32(8080)}}}))(s)
	apptest.Must(s.CreateDeploymentGroup(ctx, &codedeploy.CreateDeploymentGroupInput{ApplicationName: aws.String("app"), DeploymentGroupName: &name, ServiceRoleArn: aws.String(role),
		DeploymentStyle: &types.DeploymentStyle{DeploymentType: types.DeploymentTypeBlueGreen, DeploymentOption: types.DeploymentOptionWithTrafficControl},
		EcsServices:     []types.ECSService{{ClusterName: aws.String("c"), ServiceName: &name}},
		LoadBalancerInfo: &types.LoadBalancerInfo{TargetGroupPairInfoList: []types.TargetGroupPairInfo{{TargetGroups: []types.TargetGroupInfo{{Name: aws.String(name + "-green")}, {Name: &name}},
			ProdTrafficRoute: &types.TrafficRoute{ListenerArns: []string{n.prod}}}}},
		BlueGreenDeploymentConfiguration: &types.BlueGreenDeploymentConfiguration{
			DeploymentReadyOption:                     &types.DeploymentReadyOption{ActionOnTimeout: types.DeploymentReadyActionContinueDeployment},
			TerminateBlueInstancesOnDeploymentSuccess: &types.BlueInstanceTerminationOption{Action: types.InstanceActionTerminate}},
	}))(s)
	return &n
}

// production is the target group that has all the traffic; more than one is a
// failure.
func (s *stage) production() string {
	s.Helper()
	var all []string
	out := apptest.Must(s.balancers.DescribeListeners(s.Context(), &elb.DescribeListenersInput{ListenerArns: []string{s.prod}}))(s)
	for _, g := range out.Listeners[0].DefaultActions[0].ForwardConfig.TargetGroups {
		if *g.Weight > 0 {
			all = append(all, *g.TargetGroupArn)
		}
	}
	if len(all) != 1 {
		s.Errorf("the traffic is at %v", all)
	}
	return strings.Join(all, " ")
}

// alone checks that the service has one task set, that which has the traffic.
func (s *stage) alone() {
	s.Helper()
	out := apptest.Must(s.services.DescribeServices(s.Context(), &ecs.DescribeServicesInput{Cluster: aws.String("c"), Services: []string{s.name}}))(s)
	for _, t := range out.Services[0].TaskSets {
		if primary := *t.Status == "PRIMARY"; !primary && *t.Status != "DRAINING" || primary && *t.LoadBalancers[0].TargetGroupArn != s.production() {
			s.Errorf("the task set in %s is %s", *t.LoadBalancers[0].TargetGroupArn, *t.Status)
		}
	}
}

// group makes a target group.
func (s *stage) group(name string) string {
	s.Helper()
	g := apptest.Must(s.balancers.CreateTargetGroup(s.Context(), &elb.CreateTargetGroupInput{Name: &name, Protocol: elbtypes.ProtocolEnumHttp, Port: aws.Int32(8080),
		VpcId: aws.String("vpc-00000000000000001"), TargetType: elbtypes.TargetTypeEnumIp}))(s)
	return *g.TargetGroups[0].TargetGroupArn
}

const stageSpec = `{"version": 0.0, "Resources": [{"TargetService": {"Type": "AWS::ECS::Service", "Properties": {"TaskDefinition": "f:1",
	"LoadBalancerInfo": {"ContainerName": "web", "ContainerPort": 8080}}}}]}`

func content(text string) *types.RevisionLocation {
	return &types.RevisionLocation{RevisionType: types.RevisionLocationTypeAppSpecContent, AppSpecContent: &types.AppSpecContent{Content: &text}}
}

// deploy waits for the end of a deployment.
func (s *stage) deploy(r *types.RevisionLocation) *types.DeploymentInfo {
	s.Helper()
	out := apptest.Must(s.CreateDeployment(s.Context(), &codedeploy.CreateDeploymentInput{ApplicationName: aws.String("app"), DeploymentGroupName: &s.name, Revision: r}))(s)
	return s.ended(*out.DeploymentId)
}

func (s *stage) ended(id string) *types.DeploymentInfo {
	s.Helper()
	for end := time.Now().Add(3 * time.Minute); ; time.Sleep(10 * time.Millisecond) { // a client's pace
		d := apptest.Must(s.GetDeployment(s.Context(), &codedeploy.GetDeploymentInput{DeploymentId: &id}))(s).DeploymentInfo
		if d.CompleteTime != nil {
			return d
		}
		if time.Now().After(end) {
			s.Fatalf("%s is %s", id, d.Status)
		}
	}
}
