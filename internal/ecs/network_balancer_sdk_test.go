package ecs_test

import (
	"net"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	elbtypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"

	"github.com/slipway-dev/slipway/cmd/slipway/apptest"
)

// A network load balancer has no rules: the listener itself is the production
// rule.
func TestNetworkBalancer(t *testing.T) {
	srv, client := server(t)
	ctx := t.Context()
	balancers := elb.NewFromConfig(srv.Config())
	b, err := balancers.CreateLoadBalancer(ctx, &elb.CreateLoadBalancerInput{Name: aws.String("nlb"), Type: elbtypes.LoadBalancerTypeEnumNetwork, Subnets: []string{apptest.Subnet}})
	if err != nil {
		t.Fatal(err)
	}
	var groups []string
	for _, name := range []string{"blue", "green"} {
		g, err := balancers.CreateTargetGroup(ctx, &elb.CreateTargetGroupInput{Name: &name, Protocol: elbtypes.ProtocolEnumTcp, Port: aws.Int32(8080),
			VpcId: aws.String("vpc-00000000000000001"), TargetType: elbtypes.TargetTypeEnumIp})
		if err != nil {
			t.Fatal(err)
		}
		groups = append(groups, *g.TargetGroups[0].TargetGroupArn)
	}
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := int32(free.Addr().(*net.TCPAddr).Port)
	_ = free.Close()
	l, err := balancers.CreateListener(ctx, &elb.CreateListenerInput{LoadBalancerArn: b.LoadBalancers[0].LoadBalancerArn, Port: &port, Protocol: elbtypes.ProtocolEnumTcp,
		DefaultActions: []elbtypes.Action{{Type: elbtypes.ActionTypeEnumForward, TargetGroupArn: &groups[0]}}})
	if err != nil {
		t.Fatal(err)
	}
	definitions := []string{register(t, client, "x", "1"), register(t, client, "x", "2")}
	if _, err := client.CreateService(ctx, &ecs.CreateServiceInput{Cluster: aws.String(cluster), ServiceName: aws.String("web"), TaskDefinition: &definitions[0], DesiredCount: aws.Int32(0),
		LaunchType: types.LaunchTypeFargate, NetworkConfiguration: network, DeploymentConfiguration: &types.DeploymentConfiguration{Strategy: types.DeploymentStrategyBlueGreen},
		LoadBalancers: []types.LoadBalancer{{TargetGroupArn: &groups[0], ContainerName: aws.String("app"), ContainerPort: aws.Int32(8080), AdvancedConfiguration: &types.AdvancedConfiguration{
			AlternateTargetGroupArn: &groups[1], ProductionListenerRule: l.Listeners[0].ListenerArn, RoleArn: trafficRole(t, srv)}}}}); err != nil {
		t.Fatal(err)
	}
	deployment(t, client, "web", ended)
	if _, err := client.UpdateService(ctx, &ecs.UpdateServiceInput{Cluster: aws.String(cluster), Service: aws.String("web"), TaskDefinition: &definitions[1]}); err != nil {
		t.Fatal(err)
	}
	if d := deployment(t, client, "web", ended); d.Status != types.ServiceDeploymentStatusSuccessful {
		t.Errorf("%s %s", d.Status, aws.ToString(d.StatusReason))
	}
	out, err := balancers.DescribeListeners(ctx, &elb.DescribeListenersInput{ListenerArns: []string{*l.Listeners[0].ListenerArn}})
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range out.Listeners[0].DefaultActions[0].ForwardConfig.TargetGroups {
		if want := map[string]int32{groups[0]: 0, groups[1]: 100}[*g.TargetGroupArn]; *g.Weight != want {
			t.Errorf("%s: %d, want %d", *g.TargetGroupArn, *g.Weight, want)
		}
	}
}
