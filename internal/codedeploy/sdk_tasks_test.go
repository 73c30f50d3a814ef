package codedeploy_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codedeploy"
	"github.com/aws/aws-sdk-go-v2/service/codedeploy/types"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"

	"github.com/slipway-dev/slipway/cmd/slipway/apptest"
	"github.com/slipway-dev/slipway/internal/load"
)

// Twenty services with real tasks are deployed at once, each with a client that
// asks all the time: no request fails.
func TestTwentyWithTasks(t *testing.T) {
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
	first := newStage(t, 1, apptest.Docker, apptest.Executable(binary))
	stages := []*stage{first}
	for i := range 19 {
		stages = append(stages, first.another(fmt.Sprintf("web%d", i)))
	}
	t.Cleanup(func() {
		for _, s := range stages {
			s.gone()
		}
	})
	first.define("two")
	var loads []*load.Load
	for _, s := range stages {
		s.steady()
		l, err := load.Start(t.Context(), load.Config{URL: s.url(), Rate: 20, Kept: 1, Fresh: 1})
		if err != nil {
			t.Fatal(err)
		}
		loads = append(loads, l)
	}
	var ids []string
	for _, s := range stages {
		ids = append(ids, *apptest.Must(s.CreateDeployment(t.Context(), &codedeploy.CreateDeploymentInput{ApplicationName: aws.String("app"), DeploymentGroupName: &s.name,
			Revision: content(strings.Replace(stageSpec, "f:1", "f:2", 1))}))(t).DeploymentId)
	}
	for i, s := range stages {
		if d := s.ended(ids[i]); d.Status != types.DeploymentStatusSucceeded || s.production() != s.green {
			t.Errorf("%s: %s %+v", s.name, d.Status, d.ErrorInformation)
		}
	}
	requests := 0
	for i, l := range loads {
		if c, err := l.Next(t.Context(), 20); err != nil || c.Share("two") != 100 {
			t.Errorf("%s after the deployment: %s %v", stages[i].name, c, err)
		}
		c := l.Stop()
		if requests += c.Requests; c.Failed > 0 {
			t.Errorf("%s: %s", stages[i].name, c)
		}
	}
	t.Logf("%d requests", requests)
}

// steady waits until the service's task set is.
func (s *stage) steady() {
	s.Helper()
	for end := time.Now().Add(3 * time.Minute); ; time.Sleep(100 * time.Millisecond) { // a client's pace
		out := apptest.Must(s.services.DescribeServices(s.Context(), &ecs.DescribeServicesInput{Cluster: aws.String("c"), Services: []string{s.name}}))(s)
		if out.Services[0].TaskSets[0].StabilityStatus == "STEADY_STATE" {
			return
		}
		if time.Now().After(end) {
			for _, e := range out.Services[0].Events {
				s.Log(*e.Message)
			}
			s.Fatalf("%s is not steady", s.name)
		}
	}
}

// url is that of the load balancer.
func (s *stage) url() string {
	s.Helper()
	l := apptest.Must(s.balancers.DescribeListeners(s.Context(), &elb.DescribeListenersInput{ListenerArns: []string{s.prod}}))(s).Listeners[0]
	b := apptest.Must(s.balancers.DescribeLoadBalancers(s.Context(), &elb.DescribeLoadBalancersInput{LoadBalancerArns: []string{*l.LoadBalancerArn}}))(s).LoadBalancers[0]
	return fmt.Sprintf("http://%s:%d/", *b.DNSName, *l.Port)
}

// gone deletes the service and waits for the end of its tasks. It is for
// cleaning up, when the test's context has ended.
func (s *stage) gone() {
	ctx := context.Background()
	_, _ = s.services.DeleteService(ctx, &ecs.DeleteServiceInput{Cluster: aws.String("c"), Service: &s.name, Force: aws.Bool(true)})
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(100 * time.Millisecond) { // a client's pace
		list, err := s.services.ListTasks(ctx, &ecs.ListTasksInput{Cluster: aws.String("c"), ServiceName: &s.name})
		if err != nil || len(list.TaskArns) == 0 {
			return
		}
	}
	s.Errorf("%s still has tasks", s.name)
}
