package ecs_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	elbtypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
	"github.com/aws/aws-sdk-go/service/ec2"

	"github.com/slipway-dev/slipway/cmd/slipway/apptest"
)

// What tasks ask for and is not there, or does not fit, is refused in AWS's
// words by every operation that may ask for it.
func TestRefusals(t *testing.T) {
	srv, client := server(t)
	ctx := t.Context()
	networks := ec2.New(srv.Older())
	vpc := apptest.Must(networks.CreateVpc(&ec2.CreateVpcInput{CidrBlock: aws.String("10.9.0.0/16")}))(t).Vpc.VpcId
	far := apptest.Must(networks.CreateSubnet(&ec2.CreateSubnetInput{VpcId: vpc, CidrBlock: aws.String("10.9.1.0/24")}))(t).Subnet.SubnetId
	group := apptest.Must(networks.CreateSecurityGroup(&ec2.CreateSecurityGroupInput{VpcId: vpc, GroupName: aws.String("far"), Description: aws.String("far")}))(t).GroupId
	definition := register(t, client, "x", "1")
	apptest.Must(client.CreateService(ctx, &ecs.CreateServiceInput{Cluster: aws.String(cluster), ServiceName: aws.String("there"), TaskDefinition: &definition,
		DesiredCount: aws.Int32(0), LaunchType: types.LaunchTypeFargate, NetworkConfiguration: network}))(t)
	apptest.Must(client.CreateService(ctx, &ecs.CreateServiceInput{Cluster: aws.String(cluster), ServiceName: aws.String("external"), DesiredCount: aws.Int32(0),
		DeploymentController: &types.DeploymentController{Type: types.DeploymentControllerTypeExternal}}))(t)
	for want, c := range map[string]types.AwsVpcConfiguration{
		"Error retrieving subnet information for [subnet-00000000000000001, subnet-1]: The subnet ID 'subnet-1' does not exist (ErrorCode: InvalidSubnetID.NotFound)": {
			Subnets: []string{apptest.Subnet, "subnet-1"}},
		"Error retrieving security group information for [sg-1]: The security group 'sg-1' does not exist (ErrorCode: InvalidGroup.NotFound)": {
			Subnets: []string{apptest.Subnet}, SecurityGroups: []string{"sg-1"}},
		"Security group " + *group + " does not appear to belong to the same VPC as the input subnets.": {
			Subnets: []string{apptest.Subnet}, SecurityGroups: []string{*group}},
		"does not belong to the same VPC as the other subnets.": {Subnets: []string{apptest.Subnet, *far}},
	} {
		n := &types.NetworkConfiguration{AwsvpcConfiguration: &c}
		_, run := client.RunTask(ctx, &ecs.RunTaskInput{Cluster: aws.String(cluster), TaskDefinition: &definition, LaunchType: types.LaunchTypeFargate, NetworkConfiguration: n})
		_, create := client.CreateService(ctx, &ecs.CreateServiceInput{Cluster: aws.String(cluster), ServiceName: aws.String("new"), TaskDefinition: &definition,
			DesiredCount: aws.Int32(0), LaunchType: types.LaunchTypeFargate, NetworkConfiguration: n})
		_, update := client.UpdateService(ctx, &ecs.UpdateServiceInput{Cluster: aws.String(cluster), Service: aws.String("there"), NetworkConfiguration: n})
		_, set := client.CreateTaskSet(ctx, &ecs.CreateTaskSetInput{Cluster: aws.String(cluster), Service: aws.String("external"), TaskDefinition: &definition,
			LaunchType: types.LaunchTypeFargate, NetworkConfiguration: n})
		for operation, err := range map[string]error{"RunTask": run, "CreateService": create, "UpdateService": update, "CreateTaskSet": set} {
			if err == nil || !strings.Contains(err.Error(), want) || apptest.Code(err) != "InvalidParameterException" {
				t.Errorf("%s: %v\nwant %s", operation, err, want)
			}
		}
	}
	for want, change := range map[string]func(*ecs.RunTaskInput){
		"PlatformUnknownException":           func(in *ecs.RunTaskInput) { in.PlatformVersion = aws.String("9.9.9") },
		"the execute command failed":         func(in *ecs.RunTaskInput) { in.EnableExecuteCommand = true },
		"No Fargate configuration exists":    func(in *ecs.RunTaskInput) { in.Overrides = &types.TaskOverride{Cpu: aws.String("1 vCPU")} },
		"Invalid 'memory' setting for task.": func(in *ecs.RunTaskInput) { in.Overrides = &types.TaskOverride{Memory: aws.String("much")} },
		"Ephemeral storage must be between 21 and 200 GiB.": func(in *ecs.RunTaskInput) {
			in.Overrides = &types.TaskOverride{EphemeralStorage: &types.EphemeralStorage{SizeInGiB: 1}}
		},
		"Invalid 'memory' setting for container 'app'.": func(in *ecs.RunTaskInput) {
			in.Overrides = &types.TaskOverride{ContainerOverrides: []types.ContainerOverride{{Name: aws.String("app"), Memory: aws.Int32(-1)}}}
		},
		"Invalid environment variable name in container 'app'.": func(in *ecs.RunTaskInput) {
			in.Overrides = &types.TaskOverride{ContainerOverrides: []types.ContainerOverride{{Name: aws.String("app"), Environment: []types.KeyValuePair{{Value: aws.String("x")}}}}}
		},
		"Placement strategies are not supported with FARGATE": func(in *ecs.RunTaskInput) {
			in.PlacementStrategy = []types.PlacementStrategy{{Type: types.PlacementStrategyTypeRandom}}
		},
		"The placement constraint memberOf is not implemented": func(in *ecs.RunTaskInput) {
			in.LaunchType, in.PlacementConstraints = types.LaunchTypeEc2, []types.PlacementConstraint{{Type: types.PlacementConstraintTypeMemberOf, Expression: aws.String("x")}}
		},
	} {
		in := &ecs.RunTaskInput{Cluster: aws.String(cluster), TaskDefinition: &definition, LaunchType: types.LaunchTypeFargate, NetworkConfiguration: network}
		change(in)
		if _, err := client.RunTask(ctx, in); err == nil || !strings.Contains(strings.ToLower(err.Error()), strings.ToLower(want)) {
			t.Errorf("%s: %v", want, err)
		}
	}
	const noRole = "because a valid taskRoleArn is not being used. Specify a valid task role in your task definition and try again."
	_, err := client.UpdateService(ctx, &ecs.UpdateServiceInput{Cluster: aws.String(cluster), Service: aws.String("there"), EnableExecuteCommand: aws.Bool(true)})
	if err == nil || !strings.Contains(err.Error(), "The service couldn't be updated "+noRole) {
		t.Errorf("%v", err)
	}
	_, err = client.CreateService(ctx, &ecs.CreateServiceInput{Cluster: aws.String(cluster), ServiceName: aws.String("new"), TaskDefinition: &definition,
		DesiredCount: aws.Int32(0), LaunchType: types.LaunchTypeFargate, NetworkConfiguration: network, EnableExecuteCommand: true})
	if err == nil || !strings.Contains(err.Error(), "The service couldn't be created "+noRole) {
		t.Errorf("%v", err)
	}
}

// A deployment that would shift traffic of rules that do not fit is rolled back,
// saying what is wrong, and leaves the rules alone.
func TestRulesThatDoNotFit(t *testing.T) {
	srv, client := server(t)
	load := newStagedLoad(t, srv)
	definition := register(t, client, "x", "1")
	blue, green := load.TargetGroupArn, load.AdvancedConfiguration.AlternateTargetGroupArn
	apptest.Must(client.CreateService(t.Context(), &ecs.CreateServiceInput{Cluster: aws.String(cluster), ServiceName: aws.String("web"), TaskDefinition: &definition, DesiredCount: aws.Int32(0),
		LaunchType: types.LaunchTypeFargate, NetworkConfiguration: network, LoadBalancers: []types.LoadBalancer{load.LoadBalancer},
		DeploymentConfiguration: &types.DeploymentConfiguration{Strategy: types.DeploymentStrategyBlueGreen}}))(t)
	deployment(t, client, "web", ended)
	forward := func(rule *string, weights ...int32) {
		t.Helper()
		var to []elbtypes.TargetGroupTuple
		for i, g := range []*string{blue, green}[:len(weights)] {
			to = append(to, elbtypes.TargetGroupTuple{TargetGroupArn: g, Weight: &weights[i]})
		}
		actions := []elbtypes.Action{{Type: elbtypes.ActionTypeEnumForward, ForwardConfig: &elbtypes.ForwardActionConfig{TargetGroups: to}}}
		if rule == load.AdvancedConfiguration.ProductionListenerRule { // the listener's own
			apptest.Must(load.client.ModifyListener(t.Context(), &elb.ModifyListenerInput{ListenerArn: &load.listener, DefaultActions: actions}))(t)
			return
		}
		apptest.Must(load.client.ModifyRule(t.Context(), &elb.ModifyRuleInput{RuleArn: rule, Actions: actions}))(t)
	}
	fails := func(want string) {
		t.Helper()
		production, test := load.weights(t)
		apptest.Must(client.UpdateService(t.Context(), &ecs.UpdateServiceInput{Cluster: aws.String(cluster), Service: aws.String("web"), ForceNewDeployment: true}))(t)
		d := deployment(t, client, "web", ended)
		if got := aws.ToString(d.StatusReason); !strings.HasPrefix(got, "Service deployment rolled back because of invalid networking configuration. ") || !strings.Contains(got, want) {
			t.Errorf("%s\nwant %s", got, want)
		}
		if p, q := load.weights(t); d.Status != types.ServiceDeploymentStatusRollbackSuccessful || p != production || q != test {
			t.Errorf("%s, rules %s and %s, before %s and %s", d.Status, p, q, production, test)
		}
	}
	forward(load.AdvancedConfiguration.ProductionListenerRule, 50, 50)
	fails("should have exactly one target group serving traffic but found 2 target groups which are serving traffic")
	forward(load.AdvancedConfiguration.ProductionListenerRule, 1)
	forward(load.AdvancedConfiguration.TestListenerRule, 1)
	fails("Target group " + *green + " is not associated with either productionListenerRule or testListenerRule.")
}

// The tasks of a request take its subnets in turn, and are in their zones.
func TestSubnetsInTurn(t *testing.T) {
	_, client := server(t)
	definition := register(t, client, "x", "1")
	run := apptest.Must(client.RunTask(t.Context(), &ecs.RunTaskInput{Cluster: aws.String(cluster), TaskDefinition: &definition, Count: aws.Int32(3), LaunchType: types.LaunchTypeFargate,
		NetworkConfiguration: &types.NetworkConfiguration{AwsvpcConfiguration: &types.AwsVpcConfiguration{Subnets: []string{"subnet-00000000000000002", apptest.Subnet}}}}))(t)
	var got []string
	for _, task := range run.Tasks {
		got = append(got, *task.AvailabilityZone+" "+*task.Attachments[0].Details[0].Value)
	}
	if want := "us-east-1b subnet-00000000000000002, us-east-1a subnet-00000000000000001, us-east-1b subnet-00000000000000002"; strings.Join(got, ", ") != want {
		t.Errorf("%s, want %s", strings.Join(got, ", "), want)
	}
}
