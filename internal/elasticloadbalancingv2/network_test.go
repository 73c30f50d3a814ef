package elbv2_test

import (
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
)

// network is a network load balancer before a group of targets.
func (w *world) network(name string, group *elb.CreateTargetGroupInput, listener *elb.CreateListenerInput) (types.TargetGroup, types.Listener) {
	w.t.Helper()
	lb := must(w.CreateLoadBalancer(ctx, &elb.CreateLoadBalancerInput{Name: &name, Type: "network", Subnets: []string{zoneA}}))(w.t).LoadBalancers[0]
	group.Name, group.VpcId = &name, aws.String(vpc)
	g := must(w.CreateTargetGroup(ctx, group))(w.t).TargetGroups[0]
	listener.LoadBalancerArn, listener.DefaultActions = lb.LoadBalancerArn, forward(g.TargetGroupArn)
	return g, must(w.CreateListener(ctx, listener))(w.t).Listeners[0]
}

// A TLS listener ends TLS and passes on what comes.
func TestNetworkTLS(t *testing.T) {
	w := newWorld(t)
	b, port := newBackend(t, "b"), freePort(t)
	g, _ := w.network("tls", &elb.CreateTargetGroupInput{Protocol: "TCP", Port: aws.Int32(1), TargetType: "ip"},
		&elb.CreateListenerInput{Protocol: "TLS", Port: &port, Certificates: []types.Certificate{{CertificateArn: aws.String("arn:aws:acm:us-east-1:000000000000:certificate/x")}}})
	w.register(g, b)
	w.healthy(g)
	resp, err := client.Get(fmt.Sprintf("https://127.0.0.1:%d/", port))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, _ := io.ReadAll(resp.Body); string(body) != "b" || resp.TLS == nil {
		t.Errorf("%q", body)
	}
	if _, err := tls.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port), &tls.Config{ServerName: "x"}); err == nil {
		t.Error("a made up certificate is trusted")
	}
}

// An application load balancer is a network load balancer's target.
func TestApplicationBehindNetwork(t *testing.T) {
	w := newWorld(t)
	b, inner, outer := newBackend(t, "b"), freePort(t), freePort(t)
	w.register(w.group, b)
	w.listen(inner, forward(w.group.TargetGroupArn))
	w.healthy(w.group)
	g, _ := w.network("alb", &elb.CreateTargetGroupInput{Protocol: "TCP", Port: &inner, TargetType: "alb"}, &elb.CreateListenerInput{Protocol: "TCP", Port: &outer})
	must(w.RegisterTargets(ctx, &elb.RegisterTargetsInput{TargetGroupArn: g.TargetGroupArn, Targets: []types.TargetDescription{{Id: w.lb.LoadBalancerArn}}}))(t)
	w.healthy(g)
	if resp, body := get(t, outer, "/", ""); resp.StatusCode != 200 || body != "b" {
		t.Errorf("%d %q", resp.StatusCode, body)
	}
}

// A client of a network load balancer stays with its target if clients do.
func TestSourceAddress(t *testing.T) {
	w := newWorld(t)
	a, b, port := newBackend(t, "a"), newBackend(t, "b"), freePort(t)
	g, _ := w.network("stay", &elb.CreateTargetGroupInput{Protocol: "TCP", Port: aws.Int32(1), TargetType: "ip"}, &elb.CreateListenerInput{Protocol: "TCP", Port: &port})
	w.register(g, a, b)
	w.healthy(g)
	ask := func() string {
		t.Helper()
		c := http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 10 * time.Second}
		resp, err := c.Get(fmt.Sprintf("http://127.0.0.1:%d/", port))
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body, _ := io.ReadAll(resp.Body)
		return string(body)
	}
	if ask() == ask() {
		t.Error("connections take turns")
	}
	w.attributes(g, "stickiness.enabled", "true", "stickiness.type", "source_ip")
	first := ask()
	for range 5 {
		if got := ask(); got != first {
			t.Errorf("from %s to %s", first, got)
		}
	}
}

// UDP is refused by name.
func TestNoUDP(t *testing.T) {
	w := newWorld(t)
	lb := must(w.CreateLoadBalancer(ctx, &elb.CreateLoadBalancerInput{Name: aws.String("net"), Type: "network", Subnets: []string{zoneA}}))(t).LoadBalancers[0]
	for _, p := range []types.ProtocolEnum{"UDP", "TCP_UDP"} {
		_, err := w.CreateListener(ctx, &elb.CreateListenerInput{LoadBalancerArn: lb.LoadBalancerArn, Protocol: p, Port: aws.Int32(freePort(t)), DefaultActions: forward(w.group.TargetGroupArn)})
		refused(t, err, "InvalidConfigurationRequest", string(p))
	}
}

// Clients stay with a target for as long as the application's own cookie is
// there; and requests that break rules are refused as the mode says.
func TestApplicationCookieAndDesync(t *testing.T) {
	w := newWorld(t)
	a, b, port := newBackend(t, "a"), newBackend(t, "b"), freePort(t)
	for _, x := range []*backend{a, b} {
		x.handle = func(rw http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/login" {
				http.SetCookie(rw, &http.Cookie{Name: "session", Value: "1"})
			}
			_, _ = io.WriteString(rw, x.name)
		}
	}
	w.attributes(w.group, "stickiness.enabled", "true", "stickiness.type", "app_cookie", "stickiness.app_cookie.cookie_name", "session")
	w.register(w.group, a, b)
	w.listen(port, forward(w.group.TargetGroupArn))
	w.healthy(w.group)
	if resp, _ := get(t, port, "/", ""); len(resp.Cookies()) != 0 {
		t.Errorf("cookies without the application's: %v", resp.Cookies())
	}
	resp, first := get(t, port, "/login", "")
	cookie := ""
	for _, c := range resp.Cookies() {
		cookie += c.Name + "=" + c.Value + "; "
	}
	for range 6 {
		if _, body := get(t, port, "/", "", "Cookie", cookie); body != first {
			t.Errorf("from %s to %s with %s", first, body, cookie)
		}
	}

	raw := func(request string) (status int, closed bool) {
		t.Helper()
		c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		_ = c.SetDeadline(time.Now().Add(10 * time.Second))
		if _, err := io.WriteString(c, request); err != nil {
			t.Fatal(err)
		}
		buf := make([]byte, 4096)
		n, err := c.Read(buf)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = fmt.Sscanf(string(buf[:n]), "HTTP/1.1 %d ", &status)
		for err == nil {
			_ = c.SetDeadline(time.Now().Add(300 * time.Millisecond))
			_, err = c.Read(buf)
		}
		return status, err == io.EOF
	}
	const ambiguous, severe = "GET / HTTP/1.1\r\nHost: x\nX: y\r\n\r\n", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
	for _, c := range []struct {
		mode, request string
		status        int
		closed        bool
	}{
		{"defensive", ambiguous, 200, true}, {"defensive", severe, 400, true},
		{"strictest", ambiguous, 400, true}, {"strictest", severe, 400, true},
		{"monitor", ambiguous, 200, true}, {"monitor", severe, 200, true},
	} {
		must(w.ModifyLoadBalancerAttributes(ctx, &elb.ModifyLoadBalancerAttributesInput{LoadBalancerArn: w.lb.LoadBalancerArn, Attributes: []types.LoadBalancerAttribute{
			{Key: aws.String("routing.http.desync_mitigation_mode"), Value: &c.mode}}}))(t)
		if status, closed := raw(c.request); status != c.status || closed != c.closed {
			t.Errorf("%s: %q is answered with %d, closed %v", c.mode, c.request, status, closed)
		}
	}
}
