package apptest

import (
	"net"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
)

// Subnet is one of the default VPC's.
const Subnet = "subnet-00000000000000001"

// TargetGroup makes a target group of that name for targets of a kind, behind
// a load balancer of its own, and returns its ARN and its listener's.
func TargetGroup(t testing.TB, s *Server, name string, kind types.TargetTypeEnum) (group, listener string) {
	t.Helper()
	client, ctx := elb.NewFromConfig(s.Config()), t.Context()
	b, err := client.CreateLoadBalancer(ctx, &elb.CreateLoadBalancerInput{Name: &name, Subnets: []string{Subnet, "subnet-00000000000000002"}})
	if err != nil {
		t.Fatal(err)
	}
	g, err := client.CreateTargetGroup(ctx, &elb.CreateTargetGroupInput{Name: &name, Protocol: types.ProtocolEnumHttp, Port: aws.Int32(8080),
		VpcId: aws.String("vpc-00000000000000001"), TargetType: kind})
	if err != nil {
		t.Fatal(err)
	}
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := int32(free.Addr().(*net.TCPAddr).Port)
	_ = free.Close()
	l, err := client.CreateListener(ctx, &elb.CreateListenerInput{LoadBalancerArn: b.LoadBalancers[0].LoadBalancerArn, Port: &port, Protocol: types.ProtocolEnumHttp,
		DefaultActions: []types.Action{{Type: types.ActionTypeEnumForward, TargetGroupArn: g.TargetGroups[0].TargetGroupArn}}})
	if err != nil {
		t.Fatal(err)
	}
	return *g.TargetGroups[0].TargetGroupArn, *l.Listeners[0].ListenerArn
}
