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

// stage is a service without tasks that a group deploys, with the permissions
// of AWS's managed policy.
type stage struct {
	*testing.T
	*codedeploy.Client
	srv         *apptest.Server
	name        string // of service and group
	balancers   *elb.Client
	services    *ecs.Client
	users       *iam.Client
	blue, green string // target groups
	prod        string // listener
}

func newStage(t *testing.T) *stage {
	t.Helper()
	s := &stage{T: t, srv: apptest.Start(t, apptest.Enforce)}
	s.connect()
	ctx := t.Context()
	s.role("deploy", "codedeploy.amazonaws.com")
	apptest.Must(s.users.AttachRolePolicy(ctx, &iam.AttachRolePolicyInput{RoleName: aws.String("deploy"), PolicyArn: aws.String("arn:aws:iam::aws:policy/AWSCodeDeployRoleForECS")}))(t)
	apptest.Must(s.services.CreateCluster(ctx, &ecs.CreateClusterInput{ClusterName: aws.String("c")}))(t)
	apptest.Must(s.services.RegisterTaskDefinition(ctx, &ecs.RegisterTaskDefinitionInput{Family: aws.String("f"), NetworkMode: ecstypes.NetworkModeAwsvpc, Cpu: aws.String("256"), Memory: aws.String("512"),
		ContainerDefinitions: []ecstypes.ContainerDefinition{{Name: aws.String("web"), Image: aws.String("x"), PortMappings: []ecstypes.PortMapping{{ContainerPort: aws.Int32(80)}}}}}))(t)
	apptest.Must(s.CreateApplication(ctx, &codedeploy.CreateApplicationInput{ApplicationName: aws.String("app"), ComputePlatform: types.ComputePlatformEcs}))(t)
	return s.another("g")
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
	apptest.Must(s.services.CreateService(ctx, &ecs.CreateServiceInput{Cluster: aws.String("c"), ServiceName: &name, TaskDefinition: aws.String("f:1"), DesiredCount: aws.Int32(0),
		DeploymentController: &ecstypes.DeploymentController{Type: ecstypes.DeploymentControllerTypeCodeDeploy}, LaunchType: ecstypes.LaunchTypeFargate,
		NetworkConfiguration: &ecstypes.NetworkConfiguration{AwsvpcConfiguration: &ecstypes.AwsVpcConfiguration{Subnets: []string{apptest.Subnet}}},
		LoadBalancers:        []ecstypes.LoadBalancer{{TargetGroupArn: &n.blue, ContainerName: aws.String("web"), ContainerPort: aws.Int32(80)}}}))(s)
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
	"LoadBalancerInfo": {"ContainerName": "web", "ContainerPort": 80}}}}]}`

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
	for end := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) { // a client's pace
		d := apptest.Must(s.GetDeployment(s.Context(), &codedeploy.GetDeploymentInput{DeploymentId: &id}))(s).DeploymentInfo
		if d.CompleteTime != nil {
			return d
		}
		if time.Now().After(end) {
			s.Fatalf("%s is %s", id, d.Status)
		}
	}
}

// fails checks the code and the message of a deployment that fails.
func (s *stage) fails(r *types.RevisionLocation, code types.ErrorCode, says string) {
	s.Helper()
	d := s.deploy(r)
	if e := d.ErrorInformation; d.Status != types.DeploymentStatusFailed || e == nil {
		s.Errorf("%s, want %s: %s", d.Status, code, says)
	} else if e.Code != code || !strings.Contains(*e.Message, says) {
		s.Errorf("%s: %s, want %s: %s", e.Code, *e.Message, code, says)
	}
}

// What ECS, Elastic Load Balancing and IAM themselves refuse.
func TestRefusals(t *testing.T) {
	s := newStage(t)
	ctx := t.Context()
	with := func(old, now string) *types.RevisionLocation { return content(strings.Replace(stageSpec, old, now, 1)) }
	s.fails(with(`: 80`, `: 81`), types.ErrorCodeEcsUpdateError, "The container web did not have a container port 81 defined.")
	s.fails(with(`"web"`, `"nobody"`), types.ErrorCodeEcsUpdateError, "The container nobody does not exist in the task definition.")
	s.fails(with("f:1", "f:9"), types.ErrorCodeEcsUpdateError, "The ECS service cannot be updated due to the following error: ")
	s.fails(&types.RevisionLocation{RevisionType: types.RevisionLocationTypeS3, S3Location: &types.S3Location{Bucket: aws.String("nobody"), Key: aws.String("k"), BundleType: types.BundleTypeYaml}},
		types.ErrorCodeRevisionMissing, "s3://nobody/k")
	s.fails(with(`}}}}]`, `}}}}], "Hooks": [{"AfterInstall": "nobody"}]`), types.ErrorCodeHookExecutionFailure, "The function nobody of the hook AfterInstall could not be invoked: ")

	// Blue is alone, and has the traffic.
	if s.production() != s.blue {
		t.Error("blue has no traffic")
	}
	apptest.Must(s.users.DetachRolePolicy(ctx, &iam.DetachRolePolicyInput{RoleName: aws.String("deploy"), PolicyArn: aws.String("arn:aws:iam::aws:policy/AWSCodeDeployRoleForECS")}))(t)
	s.fails(content(stageSpec), types.ErrorCodeIamRolePermissions, "following AWS service: AmazonECS")
	apptest.Must(s.users.PutRolePolicy(ctx, &iam.PutRolePolicyInput{RoleName: aws.String("deploy"), PolicyName: aws.String("some"), PolicyDocument: aws.String(
		`{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ["ecs:DescribeServices", "elasticloadbalancing:Describe*"], "Resource": "*"}]}`)}))(t)
	s.fails(content(stageSpec), types.ErrorCodeIamRolePermissions, "ecs:DeleteTaskSet")
	apptest.Must(s.users.DeleteRolePolicy(ctx, &iam.DeleteRolePolicyInput{RoleName: aws.String("deploy"), PolicyName: aws.String("some")}))(t)
	apptest.Must(s.users.UpdateAssumeRolePolicy(ctx, &iam.UpdateAssumeRolePolicyInput{RoleName: aws.String("deploy"), PolicyDocument: aws.String(
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ecs.amazonaws.com"},"Action":"sts:AssumeRole"}]}`)}))(t)
	s.fails(content(stageSpec), types.ErrorCodeIamRolePermissions, "assume the role "+role)
	apptest.Must(s.users.DeleteRole(ctx, &iam.DeleteRoleInput{RoleName: aws.String("deploy")}))(t)
	s.fails(content(stageSpec), types.ErrorCodeIamRoleMissing, role)
}

// A whole run of a service without tasks, there and back.
func TestRun(t *testing.T) {
	s := newStage(t)
	for range 2 {
		if d := s.deploy(content(stageSpec)); d.Status != types.DeploymentStatusSucceeded {
			t.Fatalf("%s %+v", d.Status, d.ErrorInformation)
		}
	}
	if _, err := s.services.DeleteService(t.Context(), &ecs.DeleteServiceInput{Cluster: aws.String("c"), Service: aws.String("g"), Force: aws.Bool(true)}); err != nil {
		t.Fatal(err)
	}
	s.fails(content(stageSpec), types.ErrorCodeInvalidEcsService, "does not exist or is not ACTIVE")
}
