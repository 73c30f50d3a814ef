package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
)

const (
	balanceClients = 32
	balanceTime    = 3 * time.Second
	balanceRuns    = 4
)

// balance measures a listener that forwards nine tenths to one target and one
// tenth to another against nginx before the same two, with connections kept on
// both sides.
func balance(ctx context.Context, e *environment) ([]row, error) {
	nginx := os.Getenv("NGINX")
	if nginx == "" {
		nginx = "nginx"
	}
	if _, err := exec.LookPath(nginx); err != nil {
		return nil, errSkip("nginx is not installed (Debian's package of that name)")
	}
	s, err := e.serve(ctx, "--compute", "process", "--warm", "0")
	if err != nil {
		return nil, err
	}
	defer s.stop()
	var targets [2]string
	for i := range targets {
		_, address, stop, err := e.bare(ctx, fmt.Appendf(nil, `{"version": %d, "text": "what a small service answers, which is not only a word"}`, i+1))
		if err != nil {
			return nil, err
		}
		defer stop()
		targets[i] = address
	}
	ours, err := balancer(ctx, s.cfg, targets)
	if err != nil {
		return nil, err
	}
	theirs, stop, err := e.nginx(ctx, nginx, targets)
	if err != nil {
		return nil, err
	}
	defer stop()
	sides := []string{ours, theirs}
	for _, address := range sides {
		if _, _, err := measured(address, 200*time.Millisecond); err != nil { // connections are made
			return nil, err
		}
	}
	var rates, tails [2][]float64
	var rateRatios, tailRatios []float64
	for run := range balanceRuns {
		var rate, tail [2]float64
		for i := range sides {
			i = (i + run) % 2 // they take turns in going first
			if rate[i], tail[i], err = measured(sides[i], balanceTime); err != nil {
				return nil, err
			}
			rates[i], tails[i] = append(rates[i], rate[i]), append(tails[i], tail[i])
		}
		rateRatios, tailRatios = append(rateRatios, rate[0]/rate[1]), append(tailRatios, tail[0]/tail[1])
	}
	ratio, tail := median(rateRatios), median(tailRatios)
	return []row{{
		what: "load balancer, 90 to 10, 32 clients", slipway: fmt.Sprintf("%.0f/s", median(rates[0])), baseline: fmt.Sprintf("%.0f/s", median(rates[1])),
		versus: "nginx before the same targets", ratio: ratio, aim: "≥ 0.8×", met: ratio >= 0.8,
	}, {
		what: "load balancer, 99 of 100 answered in", slipway: fmt.Sprintf("%.2f ms", median(tails[0])), baseline: fmt.Sprintf("%.2f ms", median(tails[1])),
		versus: "nginx", ratio: tail, aim: "≤ 1.5×", met: tail <= 1.5,
	}}, nil
}

// balancer makes a load balancer, in the default VPC, before two targets and
// returns its address.
func balancer(ctx context.Context, cfg aws.Config, targets [2]string) (string, error) {
	client := elb.NewFromConfig(cfg)
	lb, err := client.CreateLoadBalancer(ctx, &elb.CreateLoadBalancerInput{Name: aws.String("bench"), Subnets: []string{"subnet-00000000000000001", "subnet-00000000000000002"}})
	if err != nil {
		return "", err
	}
	forward := &types.ForwardActionConfig{}
	for i, address := range targets {
		host, port, _ := net.SplitHostPort(address)
		n, _ := strconv.Atoi(port)
		g, err := client.CreateTargetGroup(ctx, &elb.CreateTargetGroupInput{Name: aws.String(fmt.Sprint("bench-", i)), Protocol: types.ProtocolEnumHttp, Port: aws.Int32(int32(n)),
			VpcId: aws.String("vpc-00000000000000001"), TargetType: types.TargetTypeEnumIp})
		if err != nil {
			return "", err
		}
		group := g.TargetGroups[0].TargetGroupArn
		if _, err := client.RegisterTargets(ctx, &elb.RegisterTargetsInput{TargetGroupArn: group, Targets: []types.TargetDescription{{Id: &host}}}); err != nil {
			return "", err
		}
		forward.TargetGroups = append(forward.TargetGroups, types.TargetGroupTuple{TargetGroupArn: group, Weight: aws.Int32([]int32{90, 10}[i])})
	}
	port, err := freePort()
	if err != nil {
		return "", err
	}
	if _, err := client.CreateListener(ctx, &elb.CreateListenerInput{LoadBalancerArn: lb.LoadBalancers[0].LoadBalancerArn, Protocol: types.ProtocolEnumHttp, Port: aws.Int32(int32(port)),
		DefaultActions: []types.Action{{Type: types.ActionTypeEnumForward, ForwardConfig: forward}}}); err != nil {
		return "", err
	}
	for _, g := range forward.TargetGroups {
		err := await(ctx, 50*time.Millisecond, 20*time.Second, func() (bool, error) {
			h, err := client.DescribeTargetHealth(ctx, &elb.DescribeTargetHealthInput{TargetGroupArn: g.TargetGroupArn})
			return err == nil && h.TargetHealthDescriptions[0].TargetHealth.State == types.TargetHealthStateEnumHealthy, err
		})
		if err != nil {
			return "", err
		}
	}
	return fmt.Sprintf("127.0.0.1:%d", port), nil
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// nginx starts one before two targets, with the headers that a load balancer
// adds.
func (e *environment) nginx(ctx context.Context, program string, targets [2]string) (address string, stop func(), err error) {
	dir, err := os.MkdirTemp(e.dir, "nginx")
	if err != nil {
		return "", nil, err
	}
	port, err := freePort()
	if err != nil {
		return "", nil, err
	}
	address = fmt.Sprintf("127.0.0.1:%d", port)
	user := ""
	if os.Getuid() == 0 {
		user = "user root;" // its workers may then write below dir
	}
	config := filepath.Join(dir, "nginx.conf")
	text := fmt.Sprintf(`%[1]s
daemon off;
worker_processes auto;
pid %[2]s/pid;
error_log %[2]s/log;
events { worker_connections 1024; }
http {
	access_log off;
	client_body_temp_path %[2]s/body; proxy_temp_path %[2]s/proxy; fastcgi_temp_path %[2]s/fastcgi; uwsgi_temp_path %[2]s/uwsgi; scgi_temp_path %[2]s/scgi;
	keepalive_requests 100000000;
	upstream targets { server %[3]s weight=90; server %[4]s weight=10; keepalive 64; keepalive_requests 100000000; }
	server {
		listen %[5]s;
		location / {
			proxy_pass http://targets;
			proxy_http_version 1.1;
			proxy_set_header Connection "";
			proxy_set_header Host $host;
			proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
			proxy_set_header X-Forwarded-Proto $scheme;
			proxy_set_header X-Forwarded-Port $server_port;
			proxy_set_header X-Request-Id $request_id;
		}
	}
}
`, user, dir, targets[0], targets[1], address)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		return "", nil, err
	}
	cmd := exec.CommandContext(ctx, program, "-c", config, "-p", dir)
	if err := cmd.Start(); err != nil {
		return "", nil, err
	}
	err = await(ctx, 10*time.Millisecond, 5*time.Second, func() (bool, error) {
		c, err := net.Dial("tcp", address)
		if err != nil {
			return false, nil
		}
		return true, c.Close()
	})
	if err != nil {
		end(cmd)
		log, _ := os.ReadFile(filepath.Join(dir, "log"))
		return "", nil, fmt.Errorf("nginx does not answer: %w\n%s", err, log)
	}
	return address, func() { end(cmd) }, nil
}

// measured sends requests on kept connections for a while and returns how many
// were answered a second, and the milliseconds in which 99 of 100 were.
func measured(address string, d time.Duration) (rate, tail float64, err error) {
	request := fmt.Appendf(nil, "GET /items?page=1 HTTP/1.1\r\nHost: %s\r\nUser-Agent: bench\r\nAccept: */*\r\n\r\n", address)
	var mu sync.Mutex
	var all []time.Duration
	var wg sync.WaitGroup
	began := time.Now()
	for range balanceClients {
		wg.Go(func() {
			took, cerr := timed(address, request, began.Add(d))
			mu.Lock()
			defer mu.Unlock()
			all = append(all, took...)
			err = errors.Join(err, cerr)
		})
	}
	wg.Wait()
	took := time.Since(began)
	if err == nil && len(all) == 0 {
		err = errors.New("no request was answered")
	}
	if err != nil {
		return 0, 0, err
	}
	slices.Sort(all)
	return float64(len(all)) / took.Seconds(), float64(all[len(all)*99/100]) / float64(time.Millisecond), nil
}

// timed is drive with the time that each request took.
func timed(address string, request []byte, end time.Time) (took []time.Duration, err error) {
	c, err := net.Dial("tcp", address)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	if err := c.SetDeadline(end.Add(10 * time.Second)); err != nil {
		return nil, err
	}
	r := bufio.NewReaderSize(c, 16<<10)
	for now := time.Now(); now.Before(end); {
		if _, err := c.Write(request); err != nil {
			return took, err
		}
		if _, err := answer(r, nil); err != nil {
			return took, err
		}
		next := time.Now()
		took = append(took, next.Sub(now))
		now = next
	}
	return took, nil
}
