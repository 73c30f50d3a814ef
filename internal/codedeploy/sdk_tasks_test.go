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
	ecstypes "github.com/aws/aws-sdk-go-v2/service/ecs/types"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	elbtypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"

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
	t.Cleanup(func() { empty(stages) })
	for _, s := range stages {
		s.drain("5")
	}
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

// drain sets for how many seconds the targets of both groups drain; without it
// tasks take five minutes to end.
func (s *stage) drain(seconds string) {
	s.Helper()
	for _, group := range []string{s.blue, s.green} {
		apptest.Must(s.balancers.ModifyTargetGroupAttributes(s.Context(), &elb.ModifyTargetGroupAttributesInput{TargetGroupArn: &group,
			Attributes: []elbtypes.TargetGroupAttribute{{Key: aws.String("deregistration_delay.timeout_seconds"), Value: &seconds}}}))(s)
	}
}

// empty deletes the services of stages and waits for the end of all tasks in
// their cluster, so that no container outlives the server. It is for cleaning up,
// when the test's context has ended.
func empty(stages []*stage) {
	s, ctx := stages[0], context.Background()
	for _, s := range stages {
		if _, err := s.services.DeleteService(ctx, &ecs.DeleteServiceInput{Cluster: aws.String("c"), Service: &s.name, Force: aws.Bool(true)}); err != nil {
			s.Error(err)
		}
	}
	for end := time.Now().Add(3 * time.Minute); ; time.Sleep(100 * time.Millisecond) { // a client's pace
		left := 0
		for _, status := range []ecstypes.DesiredStatus{ecstypes.DesiredStatusRunning, ecstypes.DesiredStatusStopped} {
			list := apptest.Must(s.services.ListTasks(ctx, &ecs.ListTasksInput{Cluster: aws.String("c"), DesiredStatus: status}))(s)
			if len(list.TaskArns) == 0 {
				continue
			}
			for _, task := range apptest.Must(s.services.DescribeTasks(ctx, &ecs.DescribeTasksInput{Cluster: aws.String("c"), Tasks: list.TaskArns}))(s).Tasks {
				if aws.ToString(task.LastStatus) != "STOPPED" {
					left++
				}
			}
		}
		switch {
		case left == 0:
			return
		case time.Now().After(end):
			s.Fatalf("%d tasks have not ended", left)
		}
	}
}
