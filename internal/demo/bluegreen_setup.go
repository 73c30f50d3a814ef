package demo

import (
	"context"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/codedeploy"
	cdtypes "github.com/aws/aws-sdk-go-v2/service/codedeploy/types"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	ecstypes "github.com/aws/aws-sdk-go-v2/service/ecs/types"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	elbtypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"

	"github.com/slipway-dev/slipway/examples"
	"github.com/slipway-dev/slipway/internal/load"
)

// blueGreen is production behind a load balancer, whose tasks CodeDeploy
// replaces.
type blueGreen struct {
	d *Demo

	balancers   *elb.Client
	deployments *codedeploy.Client
	alarms      *cloudwatch.Client

	balancer, listener string // ARNs
	groups             [2]string
	url                string // where production answers
	load               *load.Load
}

// What the demonstration uses of the default network, and its settings.
const (
	vpc         = "vpc-00000000000000001"
	shiftConfig = "CodeDeployDefault.ECSCanary10Percent5Minutes"
	tolerated   = 5 // failed requests within alarmPeriod
	alarmPeriod = 10
	// minute is how long a minute lasts for a server started here: the canary's
	// five are half one of ours.
	minute = "6s"
)

var subnets = []string{"subnet-00000000000000001", "subnet-00000000000000002"}

func (b *blueGreen) connect(cfg aws.Config) {
	b.balancers = elb.NewFromConfig(cfg)
	b.deployments = codedeploy.NewFromConfig(cfg)
	b.alarms = cloudwatch.NewFromConfig(cfg)
}

func (b *blueGreen) codeDeployRole() string { return b.d.app + "-codedeploy" }

func (b *blueGreen) alarm() string { return b.d.app + "-errors" }

// makeBalancer makes the load balancer with its two target groups. What an
// earlier demonstration left is used again, with the weights as they are.
func (b *blueGreen) makeBalancer(ctx context.Context) error {
	made, err := b.balancers.CreateLoadBalancer(ctx, &elb.CreateLoadBalancerInput{Name: &b.d.app, Subnets: subnets})
	if err != nil {
		return err
	}
	lb := made.LoadBalancers[0]
	b.balancer = aws.ToString(lb.LoadBalancerArn)
	for i, color := range []string{"blue", "green"} {
		g, err := b.balancers.CreateTargetGroup(ctx, &elb.CreateTargetGroupInput{
			Name: aws.String(b.d.app + "-" + color), Protocol: elbtypes.ProtocolEnumHttp, Port: aws.Int32(servicePort), VpcId: aws.String(vpc),
			TargetType: elbtypes.TargetTypeEnumIp, HealthCheckPath: aws.String("/healthz"), HealthCheckIntervalSeconds: aws.Int32(5), HealthCheckTimeoutSeconds: aws.Int32(2),
		})
		if err != nil {
			return err
		}
		b.groups[i] = aws.ToString(g.TargetGroups[0].TargetGroupArn)
		_, err = b.balancers.ModifyTargetGroupAttributes(ctx, &elb.ModifyTargetGroupAttributesInput{TargetGroupArn: &b.groups[i],
			Attributes: []elbtypes.TargetGroupAttribute{{Key: aws.String("deregistration_delay.timeout_seconds"), Value: aws.String("5")}}})
		if err != nil {
			return err
		}
	}
	found, err := b.balancers.DescribeListeners(ctx, &elb.DescribeListenersInput{LoadBalancerArn: &b.balancer})
	if err != nil {
		return err
	}
	if len(found.Listeners) == 0 {
		port, err := freePort()
		if err != nil {
			return err
		}
		_, err = b.balancers.CreateListener(ctx, &elb.CreateListenerInput{LoadBalancerArn: &b.balancer, Port: &port, Protocol: elbtypes.ProtocolEnumHttp,
			DefaultActions: []elbtypes.Action{{Type: elbtypes.ActionTypeEnumForward, TargetGroupArn: &b.groups[0]}}})
		if err != nil {
			return err
		}
		if found, err = b.balancers.DescribeListeners(ctx, &elb.DescribeListenersInput{LoadBalancerArn: &b.balancer}); err != nil {
			return err
		}
	}
	l := found.Listeners[0]
	b.listener, b.url = aws.ToString(l.ListenerArn), fmt.Sprintf("http://%s:%d/", aws.ToString(lb.DNSName), aws.ToInt32(l.Port))
	return nil
}

// freePort is one above those that services on a laptop like to have.
func freePort() (int32, error) {
	for port := int32(8480); port < 8580; port++ {
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err == nil {
			return port, l.Close()
		}
	}
	return 0, fmt.Errorf("no port from 8480 to 8579 is free for the load balancer's listener")
}

// serve gives a service of production its place behind the load balancer.
func (b *blueGreen) serve(in *ecs.CreateServiceInput) {
	in.DeploymentController = &ecstypes.DeploymentController{Type: ecstypes.DeploymentControllerTypeCodeDeploy}
	in.DeploymentConfiguration = nil // CodeDeploy's
	in.LoadBalancers = []ecstypes.LoadBalancer{{TargetGroupArn: &b.groups[0], ContainerName: aws.String(name), ContainerPort: aws.Int32(servicePort)}}
}

// makeAlarm watches the errors of production.
func (b *blueGreen) makeAlarm(ctx context.Context) error {
	_, dimension, _ := strings.Cut(b.balancer, ":loadbalancer/")
	_, err := b.alarms.PutMetricAlarm(ctx, &cloudwatch.PutMetricAlarmInput{
		AlarmName: aws.String(b.alarm()), AlarmDescription: aws.String("Users of production see errors"),
		Namespace: aws.String("AWS/ApplicationELB"), MetricName: aws.String("HTTPCode_Target_5XX_Count"), Statistic: cwtypes.StatisticSum,
		Dimensions: []cwtypes.Dimension{{Name: aws.String("LoadBalancer"), Value: &dimension}},
		Period:     aws.Int32(alarmPeriod), EvaluationPeriods: aws.Int32(1), Threshold: aws.Float64(tolerated),
		ComparisonOperator: cwtypes.ComparisonOperatorGreaterThanOrEqualToThreshold, TreatMissingData: aws.String("notBreaching"),
	})
	return err
}

// makeDeployments makes what watches production and what replaces it.
func (b *blueGreen) makeDeployments(ctx context.Context) error {
	if err := b.makeAlarm(ctx); err != nil {
		return err
	}
	return b.makeGroup(ctx)
}

// makeGroup makes CodeDeploy's application and deployment group.
func (b *blueGreen) makeGroup(ctx context.Context) error {
	_, err := b.d.iam.CreateRole(ctx, &iam.CreateRoleInput{RoleName: aws.String(b.codeDeployRole()),
		AssumeRolePolicyDocument: aws.String(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"codedeploy.amazonaws.com"},"Action":"sts:AssumeRole"}]}`)})
	if err != nil && !exists(err) {
		return err
	}
	_, err = b.d.iam.AttachRolePolicy(ctx, &iam.AttachRolePolicyInput{RoleName: aws.String(b.codeDeployRole()), PolicyArn: aws.String("arn:aws:iam::aws:policy/AWSCodeDeployRoleForECS")})
	if err != nil {
		return err
	}
	_, err = b.deployments.CreateApplication(ctx, &codedeploy.CreateApplicationInput{ApplicationName: &b.d.app, ComputePlatform: cdtypes.ComputePlatformEcs})
	if err != nil && !exists(err) {
		return err
	}
	_, err = b.deployments.CreateDeploymentGroup(ctx, &codedeploy.CreateDeploymentGroupInput{
		ApplicationName: &b.d.app, DeploymentGroupName: aws.String(production), ServiceRoleArn: aws.String(b.d.roleARN(b.codeDeployRole())),
		DeploymentConfigName: aws.String(shiftConfig),
		DeploymentStyle:      &cdtypes.DeploymentStyle{DeploymentType: cdtypes.DeploymentTypeBlueGreen, DeploymentOption: cdtypes.DeploymentOptionWithTrafficControl},
		EcsServices:          []cdtypes.ECSService{{ClusterName: aws.String(production), ServiceName: &b.d.app}},
		LoadBalancerInfo: &cdtypes.LoadBalancerInfo{TargetGroupPairInfoList: []cdtypes.TargetGroupPairInfo{{
			TargetGroups:     []cdtypes.TargetGroupInfo{{Name: aws.String(b.d.app + "-blue")}, {Name: aws.String(b.d.app + "-green")}},
			ProdTrafficRoute: &cdtypes.TrafficRoute{ListenerArns: []string{b.listener}},
		}}},
		BlueGreenDeploymentConfiguration: &cdtypes.BlueGreenDeploymentConfiguration{
			DeploymentReadyOption: &cdtypes.DeploymentReadyOption{ActionOnTimeout: cdtypes.DeploymentReadyActionContinueDeployment},
			TerminateBlueInstancesOnDeploymentSuccess: &cdtypes.BlueInstanceTerminationOption{
				Action: cdtypes.InstanceActionTerminate, TerminationWaitTimeInMinutes: 1},
		},
		AlarmConfiguration: &cdtypes.AlarmConfiguration{Enabled: true, Alarms: []cdtypes.Alarm{{Name: aws.String(b.alarm())}}},
		AutoRollbackConfiguration: &cdtypes.AutoRollbackConfiguration{Enabled: true,
			Events: []cdtypes.AutoRollbackEvent{cdtypes.AutoRollbackEventDeploymentFailure, cdtypes.AutoRollbackEventDeploymentStopOnAlarm}},
	})
	return err
}

// files writes what a blue/green deployment needs into the repository.
func (b *blueGreen) files() error {
	return fs.WalkDir(examples.BlueGreen, "blue-green", func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		content, err := examples.BlueGreen.ReadFile(path)
		if err != nil {
			return err
		}
		text := strings.NewReplacer("000000000000", b.d.account, "us-east-1", b.d.cfg.Region).Replace(string(content))
		return os.WriteFile(filepath.Join(b.d.clone(), e.Name()), []byte(text), 0o644)
	})
}
