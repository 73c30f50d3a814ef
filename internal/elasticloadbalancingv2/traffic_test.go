package elbv2_test

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"

	"github.com/slipway-dev/slipway/cmd/slipway/apptest"
	"github.com/slipway-dev/slipway/internal/clock"
	"github.com/slipway-dev/slipway/internal/load"
)

// backend is a target: it says its name, and what came.
type backend struct {
	*httptest.Server
	name string
	hits atomic.Int64
	port int32
	// handle, if set, answers instead, but for health checks.
	handle http.HandlerFunc
	sick   atomic.Bool
}

func newBackend(t *testing.T, name string) *backend {
	t.Helper()
	b := &backend{name: name}
	b.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.UserAgent(), "ELB-HealthChecker") {
			if b.sick.Load() {
				w.WriteHeader(http.StatusInternalServerError)
			}
			return
		}
		b.hits.Add(1)
		if b.handle != nil {
			b.handle(w, r)
			return
		}
		w.Header().Set("X-Backend", name)
		_, _ = io.WriteString(w, name)
	}))
	t.Cleanup(b.Close)
	b.port = portOf(t, b.Listener.Addr().String())
	return b
}

func portOf(t *testing.T, address string) int32 {
	t.Helper()
	_, p, _ := net.SplitHostPort(address)
	n, err := strconv.Atoi(p)
	if err != nil {
		t.Fatal(err)
	}
	return int32(n)
}

// freePort is one that nobody listens on.
func freePort(t *testing.T) int32 {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return portOf(t, l.Addr().String())
}

func (w *world) attributes(g types.TargetGroup, pairs ...string) {
	w.t.Helper()
	in := &elb.ModifyTargetGroupAttributesInput{TargetGroupArn: g.TargetGroupArn}
	for i := 0; i < len(pairs); i += 2 {
		in.Attributes = append(in.Attributes, types.TargetGroupAttribute{Key: &pairs[i], Value: &pairs[i+1]})
	}
	must(w.ModifyTargetGroupAttributes(ctx, in))(w.t)
}

func local(b *backend) types.TargetDescription {
	return types.TargetDescription{Id: aws.String("127.0.0.1"), Port: aws.Int32(b.port)}
}

func (w *world) register(g types.TargetGroup, bs ...*backend) {
	w.t.Helper()
	in := &elb.RegisterTargetsInput{TargetGroupArn: g.TargetGroupArn}
	for _, b := range bs {
		in.Targets = append(in.Targets, local(b))
	}
	must(w.RegisterTargets(ctx, in))(w.t)
}

func (w *world) health(g types.TargetGroup, b *backend) (state, reason string) {
	w.t.Helper()
	h := must(w.DescribeTargetHealth(ctx, &elb.DescribeTargetHealthInput{TargetGroupArn: g.TargetGroupArn, Targets: []types.TargetDescription{local(b)}}))(w.t)
	th := h.TargetHealthDescriptions[0].TargetHealth
	return string(th.State), string(th.Reason)
}

// healthy waits until all targets of a group are.
func (w *world) healthy(g types.TargetGroup) {
	w.t.Helper()
	wait := elb.NewTargetInServiceWaiter(w.Client, func(o *elb.TargetInServiceWaiterOptions) {
		o.MinDelay, o.MaxDelay = 5*time.Millisecond, 20*time.Millisecond
	})
	if err := wait.Wait(ctx, &elb.DescribeTargetHealthInput{TargetGroupArn: g.TargetGroupArn}, 20*time.Second); err != nil {
		w.t.Fatal(err)
	}
}

// until waits for a target's state.
func (w *world) until(g types.TargetGroup, b *backend, want string) {
	w.t.Helper()
	end := time.Now().Add(10 * time.Second)
	for time.Now().Before(end) {
		if s, _ := w.health(g, b); s == want {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	s, r := w.health(g, b)
	w.t.Fatalf("not %s but %s (%s)", want, s, r)
}

var client = &http.Client{
	Transport:     &http.Transport{MaxIdleConnsPerHost: 32, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, ForceAttemptHTTP2: true},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	Timeout:       20 * time.Second,
}

// get asks a listener. host is the Host header, "" for the address.
func get(t *testing.T, port int32, path, host string, header ...string) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequest("GET", fmt.Sprintf("http://127.0.0.1:%d%s", port, path), nil)
	if err != nil {
		t.Fatal(err)
	}
	if host != "" {
		r.Host = host
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	resp, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(body)
}

func split(a, b types.TargetGroup, wa, wb int32, sticky int32) []types.Action {
	f := &types.ForwardActionConfig{TargetGroups: []types.TargetGroupTuple{{TargetGroupArn: a.TargetGroupArn, Weight: &wa}, {TargetGroupArn: b.TargetGroupArn, Weight: &wb}}}
	if sticky > 0 {
		f.TargetGroupStickinessConfig = &types.TargetGroupStickinessConfig{Enabled: aws.Bool(true), DurationSeconds: &sticky}
	}
	return []types.Action{{Type: "forward", ForwardConfig: f}}
}

func TestWeightsAreExact(t *testing.T) {
	w := newWorld(t)
	blue, green := newBackend(t, "blue"), newBackend(t, "green")
	other := w.target("green")
	w.register(w.group, blue)
	w.register(other, green)
	port := freePort(t)
	l := w.listen(port, split(w.group, other, 90, 10, 0))
	w.healthy(w.group)
	w.healthy(other)
	count := func(n int) (b, g int64) {
		b, g = blue.hits.Load(), green.hits.Load()
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				for range n / 8 {
					if resp, _ := get(t, port, "/", ""); resp.StatusCode != 200 {
						t.Errorf("status %d", resp.StatusCode)
					}
				}
			})
		}
		wg.Wait()
		return blue.hits.Load() - b, green.hits.Load() - g
	}
	if b, g := count(2000); b != 1800 || g != 200 {
		t.Errorf("90 to 10 is %d to %d", b, g)
	}
	must(w.ModifyListener(ctx, &elb.ModifyListenerInput{ListenerArn: l.ListenerArn, DefaultActions: split(w.group, other, 0, 1, 0)}))(t)
	if b, g := count(200); b != 0 || g != 200 {
		t.Errorf("0 to 1 is %d to %d", b, g)
	}
	must(w.ModifyListener(ctx, &elb.ModifyListenerInput{ListenerArn: l.ListenerArn, DefaultActions: split(w.group, other, 0, 0, 0)}))(t)
	if resp, _ := get(t, port, "/", ""); resp.StatusCode != 503 {
		t.Errorf("all weights zero: %d", resp.StatusCode)
	}
}

func TestRulesRedirectsAndAnswers(t *testing.T) {
	w := newWorld(t)
	blue := newBackend(t, "blue")
	w.register(w.group, blue)
	port := freePort(t)
	l := w.listen(port, forward(w.group.TargetGroupArn))
	w.healthy(w.group)
	w.rule(l, 1, []types.Action{{Type: "fixed-response", FixedResponseConfig: &types.FixedResponseActionConfig{StatusCode: aws.String("418"), ContentType: aws.String("text/plain"), MessageBody: aws.String("tea")}}},
		types.RuleCondition{Field: aws.String("path-pattern"), Values: []string{"/tea*"}})
	w.rule(l, 2, []types.Action{{Type: "redirect", RedirectConfig: &types.RedirectActionConfig{StatusCode: "HTTP_302", Protocol: aws.String("HTTPS"), Port: aws.String("443"), Host: aws.String("www.#{host}"), Path: aws.String("/new/#{path}"), Query: aws.String("#{query}&a=b")}}},
		host("old.*")...)
	if resp, body := get(t, port, "/tea/pot", ""); resp.StatusCode != 418 || body != "tea" || resp.Header.Get("Server") != "awselb/2.0" {
		t.Errorf("fixed: %d %q", resp.StatusCode, body)
	}
	if resp, _ := get(t, port, "/x%2Fy?q=1", fmt.Sprintf("OLD.example.com:%d", port)); resp.StatusCode != 302 || resp.Header.Get("Location") != "https://www.old.example.com:443/new/x%2Fy?q=1&a=b" {
		t.Errorf("redirect: %d %q", resp.StatusCode, resp.Header.Get("Location"))
	}
	blue.handle = func(rw http.ResponseWriter, r *http.Request) {
		rw.Header().Set("Server", "mine")
		fmt.Fprintf(rw, "%s|%s|%s|%s|%s|%s", r.Host, r.Header.Get("X-Forwarded-For"), r.Header.Get("X-Forwarded-Proto"), r.Header.Get("X-Forwarded-Port"), r.Header.Get("X-Amzn-Trace-Id"), r.URL.RawQuery)
	}
	resp, body := get(t, port, "/?a;b", "app.example.com", "X-Forwarded-For", "1.2.3.4", "X-Forwarded-Proto", "gopher")
	got := strings.Split(body, "|")
	if got[0] != "app.example.com" || got[1] != "1.2.3.4, 127.0.0.1" || got[2] != "http" || got[3] != strconv.Itoa(int(port)) || !strings.HasPrefix(got[4], "Root=1-") || got[5] != "a;b" || resp.Header.Get("Server") != "mine" {
		t.Errorf("headers %q", body)
	}
	must(w.ModifyLoadBalancerAttributes(ctx, &elb.ModifyLoadBalancerAttributesInput{LoadBalancerArn: w.lb.LoadBalancerArn, Attributes: []types.LoadBalancerAttribute{
		{Key: aws.String("routing.http.xff_header_processing.mode"), Value: aws.String("remove")}}}))(t)
	if _, body := get(t, port, "/", "", "X-Forwarded-For", "1.2.3.4"); strings.Split(body, "|")[1] != "" {
		t.Errorf("removed: %q", body)
	}

	// Another load balancer on the same port is told apart by its name.
	second := must(w.CreateLoadBalancer(ctx, &elb.CreateLoadBalancerInput{Name: aws.String("second"), Subnets: []string{zoneA, zoneB}}))(t).LoadBalancers[0]
	must(w.CreateListener(ctx, &elb.CreateListenerInput{LoadBalancerArn: second.LoadBalancerArn, Port: &port, Protocol: "HTTP", DefaultActions: []types.Action{{Type: "fixed-response",
		FixedResponseConfig: &types.FixedResponseActionConfig{StatusCode: aws.String("200"), MessageBody: aws.String("second")}}}}))(t)
	if _, body := get(t, port, "/", fmt.Sprintf("%s:%d", *second.DNSName, port)); body != "second" {
		t.Errorf("by its name: %q", body)
	}
	if _, body := get(t, port, "/", *w.lb.DNSName); body == "second" {
		t.Errorf("the first one's name: %q", body)
	}
	if _, body := get(t, port, "/tea", "whoever"); body != "tea" {
		t.Errorf("by a rule: %q", body)
	}
	if resp, _ := get(t, port, "/", "whoever"); resp.StatusCode != http.StatusMisdirectedRequest {
		t.Errorf("nobody's: %d", resp.StatusCode)
	}
	raw, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprint(raw, "hello\r\n\r\n")
	if b, err := io.ReadAll(raw); !strings.HasPrefix(string(b), "HTTP/1.1 400 Bad Request\r\n") {
		t.Errorf("no request at all: %q %v", b, err)
	}
	_ = raw.Close()
	must(w.DeleteLoadBalancer(ctx, &elb.DeleteLoadBalancerInput{LoadBalancerArn: second.LoadBalancerArn}))(t)
	must(w.DeleteListener(ctx, &elb.DeleteListenerInput{ListenerArn: l.ListenerArn}))(t)
	if c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port)); err == nil {
		_ = c.Close()
		t.Error("the port is open after the listener is gone")
	}
}

func TestStickiness(t *testing.T) {
	w := newWorld(t)
	a, b := newBackend(t, "a"), newBackend(t, "b")
	c := newBackend(t, "c")
	other := w.target("other")
	w.register(w.group, a, b)
	w.register(other, c)
	w.attributes(w.group, "stickiness.enabled", "true", "stickiness.lb_cookie.duration_seconds", "60")
	port := freePort(t)
	l := w.listen(port, split(w.group, other, 1, 0, 60))
	w.healthy(w.group)
	w.healthy(other)
	resp, first := get(t, port, "/", "")
	jar := map[string]*http.Cookie{}
	cookies := []string{}
	for _, c := range resp.Cookies() {
		jar[c.Name] = c
		cookies = append(cookies, c.Name+"="+c.Value)
	}
	if jar["AWSALB"] == nil || jar["AWSALBCORS"] == nil || jar["AWSALBTG"] == nil || jar["AWSALBTGCORS"] == nil || !jar["AWSALBCORS"].Secure || jar["AWSALBCORS"].SameSite != http.SameSiteNoneMode {
		t.Fatalf("cookies %v", resp.Cookies())
	}
	must(w.ModifyListener(ctx, &elb.ModifyListenerInput{ListenerArn: l.ListenerArn, DefaultActions: split(w.group, other, 0, 1, 60)}))(t)
	for range 10 {
		if _, body := get(t, port, "/", "", "Cookie", strings.Join(cookies, "; ")); body != first {
			t.Fatalf("went from %s to %s", first, body)
		}
		if _, body := get(t, port, "/", ""); body != "c" {
			t.Fatalf("a new client went to %s", body)
		}
	}
	// Nobody is left to stay with.
	must(w.DeregisterTargets(ctx, &elb.DeregisterTargetsInput{TargetGroupArn: w.group.TargetGroupArn, Targets: []types.TargetDescription{local(a), local(b)}}))(t)
	if _, body := get(t, port, "/", "", "Cookie", strings.Join(cookies, "; ")); body != "c" {
		t.Errorf("a client whose targets drain went to %s", body)
	}
}

// A group that no rule sends to any more lets the requests end that it has.
func TestGroupThatLeft(t *testing.T) {
	w := newWorld(t)
	busy, still, next := newBackend(t, "busy"), newBackend(t, "still"), newBackend(t, "next")
	began, held := make(chan bool, 2), make(chan struct{})
	busy.handle = func(rw http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow" {
			began <- true
			<-held
		}
		_, _ = io.WriteString(rw, "busy")
	}
	w.register(w.group, busy)
	other := w.target("other")
	w.register(other, next)
	port := freePort(t)
	l := w.listen(port, forward(w.group.TargetGroupArn))
	w.healthy(w.group)
	answer := make(chan string)
	go func() {
		_, body := get(t, port, "/slow", "")
		answer <- body
	}()
	<-began
	w.register(w.group, still)
	must(w.ModifyListener(ctx, &elb.ModifyListenerInput{ListenerArn: l.ListenerArn, DefaultActions: forward(other.TargetGroupArn)}))(t)
	must(w.DeregisterTargets(ctx, &elb.DeregisterTargetsInput{TargetGroupArn: w.group.TargetGroupArn, Targets: []types.TargetDescription{local(busy), local(still)}}))(t)
	w.until(w.group, busy, "draining")
	w.until(w.group, still, "unused")
	close(held)
	if body := <-answer; body != "busy" {
		t.Errorf("the one on its way got %q", body)
	}
}

func TestFailures(t *testing.T) {
	w := newWorld(t)
	port := freePort(t)
	w.listen(port, forward(w.group.TargetGroupArn))
	if resp, body := get(t, port, "/", ""); resp.StatusCode != 503 || !strings.Contains(body, "503 Service Unavailable") {
		t.Errorf("no targets: %d %q", resp.StatusCode, body)
	}
	slow := newBackend(t, "slow")
	release := make(chan struct{})
	slow.handle = func(http.ResponseWriter, *http.Request) { <-release }
	defer close(release)
	w.register(w.group, slow)
	w.healthy(w.group)
	must(w.ModifyLoadBalancerAttributes(ctx, &elb.ModifyLoadBalancerAttributesInput{LoadBalancerArn: w.lb.LoadBalancerArn, Attributes: []types.LoadBalancerAttribute{
		{Key: aws.String("idle_timeout.timeout_seconds"), Value: aws.String("1")}}}))(t)
	if resp, _ := get(t, port, "/", ""); resp.StatusCode != 504 {
		t.Errorf("a silent target: %d", resp.StatusCode)
	}
	gone := newBackend(t, "gone")
	w.register(w.group, gone)
	w.until(w.group, gone, "healthy")
	must(w.DeregisterTargets(ctx, &elb.DeregisterTargetsInput{TargetGroupArn: w.group.TargetGroupArn, Targets: []types.TargetDescription{local(slow)}}))(t)
	gone.Close()
	if resp, _ := get(t, port, "/", ""); resp.StatusCode != 502 {
		t.Errorf("a refused connection: %d", resp.StatusCode)
	}
	// A port that another program has is refused, and nothing is left.
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	_, err = w.CreateListener(ctx, &elb.CreateListenerInput{LoadBalancerArn: w.lb.LoadBalancerArn, Port: aws.Int32(portOf(t, taken.Addr().String())), Protocol: "HTTP", DefaultActions: forward(w.group.TargetGroupArn)})
	refused(t, err, "InvalidConfigurationRequest", "another program listens on it")
	if n := len(must(w.DescribeListeners(ctx, &elb.DescribeListenersInput{LoadBalancerArn: w.lb.LoadBalancerArn}))(t).Listeners); n != 1 {
		t.Errorf("%d listeners", n)
	}
}

func TestProtocols(t *testing.T) {
	w := newWorld(t)
	b := newBackend(t, "b")
	w.register(w.group, b)
	plain, secure := freePort(t), freePort(t)
	w.listen(plain, forward(w.group.TargetGroupArn))
	must(w.CreateListener(ctx, &elb.CreateListenerInput{LoadBalancerArn: w.lb.LoadBalancerArn, Port: &secure, Protocol: "HTTPS", DefaultActions: forward(w.group.TargetGroupArn),
		Certificates: []types.Certificate{{CertificateArn: aws.String("arn:aws:acm:us-east-1:000000000000:certificate/x")}}}))(t)
	w.healthy(w.group)

	t.Run("HTTP/2", func(t *testing.T) {
		b.handle = func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprint(w, r.Proto, " ", r.Header.Get("X-Forwarded-Proto"))
		}
		resp, err := client.Get(fmt.Sprintf("https://127.0.0.1:%d/", secure))
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if body, _ := io.ReadAll(resp.Body); resp.ProtoMajor != 2 || string(body) != "HTTP/1.1 https" {
			t.Errorf("%s %q", resp.Proto, body)
		}
	})
	t.Run("streaming", func(t *testing.T) {
		next := make(chan string)
		b.handle = func(w http.ResponseWriter, _ *http.Request) {
			for s := range next {
				_, _ = io.WriteString(w, s)
				w.(http.Flusher).Flush()
			}
		}
		go func() { next <- "one\n" }()
		resp, err := client.Get(fmt.Sprintf("http://127.0.0.1:%d/", plain))
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		lines := bufio.NewReader(resp.Body)
		for _, want := range []string{"one\n", "two\n", "three\n"} {
			if got, err := lines.ReadString('\n'); got != want {
				t.Fatalf("%q, %v", got, err)
			}
			switch want {
			case "one\n":
				next <- "two\n"
			case "two\n":
				next <- "three\n"
			}
		}
		close(next)
	})
	t.Run("upload", func(t *testing.T) {
		b.handle = func(w http.ResponseWriter, r *http.Request) {
			n, _ := io.Copy(io.Discard, r.Body)
			fmt.Fprint(w, n)
		}
		resp, err := client.Post(fmt.Sprintf("http://127.0.0.1:%d/", plain), "", io.LimitReader(zeros{}, 20<<20))
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if body, _ := io.ReadAll(resp.Body); string(body) != "20971520" {
			t.Errorf("%q", body)
		}
	})
	t.Run("WebSocket", func(t *testing.T) {
		b.handle = func(w http.ResponseWriter, _ *http.Request) {
			c, rw, err := http.NewResponseController(w).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			defer c.Close()
			fmt.Fprint(c, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
			_, _ = io.Copy(c, rw)
		}
		c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", plain))
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		fmt.Fprint(c, "GET /ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
		r := bufio.NewReader(c)
		resp, err := http.ReadResponse(r, nil)
		if err != nil || resp.StatusCode != 101 {
			t.Fatalf("%v %v", resp, err)
		}
		for _, s := range []string{"hello\n", "again\n"} {
			fmt.Fprint(c, s)
			if got, err := r.ReadString('\n'); got != s {
				t.Fatalf("%q %v", got, err)
			}
		}
	})
	t.Run("TCP", func(t *testing.T) {
		lb := must(w.CreateLoadBalancer(ctx, &elb.CreateLoadBalancerInput{Name: aws.String("net"), Type: "network", Subnets: []string{zoneA}}))(t).LoadBalancers[0]
		g := must(w.CreateTargetGroup(ctx, &elb.CreateTargetGroupInput{Name: aws.String("tcp"), Protocol: "TCP", Port: aws.Int32(1), VpcId: aws.String(vpc), TargetType: "ip"}))(t).TargetGroups[0]
		w.register(g, b)
		port := freePort(t)
		must(w.CreateListener(ctx, &elb.CreateListenerInput{LoadBalancerArn: lb.LoadBalancerArn, Port: &port, Protocol: "TCP", DefaultActions: forward(g.TargetGroupArn)}))(t)
		w.healthy(g)
		b.handle = nil
		if _, body := get(t, port, "/", ""); body != "b" {
			t.Errorf("%q", body)
		}
		// The PROXY header comes first, then what the client says.
		raw, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer raw.Close()
		behind := must(w.CreateTargetGroup(ctx, &elb.CreateTargetGroupInput{Name: aws.String("behind"), Protocol: "TCP", Port: aws.Int32(portOf(t, raw.Addr().String())), VpcId: aws.String(vpc), TargetType: "ip"}))(t).TargetGroups[0]
		w.attributes(behind, "proxy_protocol_v2.enabled", "true")
		must(w.RegisterTargets(ctx, &elb.RegisterTargetsInput{TargetGroupArn: behind.TargetGroupArn, Targets: []types.TargetDescription{{Id: aws.String("127.0.0.1")}}}))(t)
		second := freePort(t)
		must(w.CreateListener(ctx, &elb.CreateListenerInput{LoadBalancerArn: lb.LoadBalancerArn, Port: &second, Protocol: "TCP", DefaultActions: forward(behind.TargetGroupArn)}))(t)
		check, err := raw.Accept()
		if err != nil {
			t.Fatal(err)
		}
		_ = check.Close()
		w.healthy(behind)
		c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", second))
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		fmt.Fprint(c, "hi")
		up, err := raw.Accept()
		if err != nil {
			t.Fatal(err)
		}
		defer up.Close()
		got := make([]byte, 30)
		if _, err := io.ReadFull(up, got); err != nil || string(got[:13]) != "\r\n\r\n\x00\r\nQUIT\n\x21" || string(got[16:24]) != "\x7f\x00\x00\x01\x7f\x00\x00\x01" || string(got[28:]) != "hi" {
			t.Errorf("%q %v", got, err)
		}
	})
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) { clear(b); return len(b), nil }

// Health changes by the clock: five seconds are the shortest interval.
func TestHealthByTheClock(t *testing.T) {
	now := clock.NewFake(time.Now())
	w := &world{Client: elb.NewFromConfig(apptest.Start(t, apptest.Clock(now)).Config()), t: t}
	w.lb = must(w.CreateLoadBalancer(ctx, &elb.CreateLoadBalancerInput{Name: aws.String("web"), Subnets: []string{zoneA, zoneB}}))(t).LoadBalancers[0]
	g := must(w.CreateTargetGroup(ctx, &elb.CreateTargetGroupInput{Name: aws.String("g"), Protocol: "HTTP", Port: aws.Int32(1), VpcId: aws.String(vpc), TargetType: "ip",
		HealthCheckIntervalSeconds: aws.Int32(10), HealthCheckTimeoutSeconds: aws.Int32(2), HealthyThresholdCount: aws.Int32(2), UnhealthyThresholdCount: aws.Int32(2)}))(t).TargetGroups[0]
	a, b := newBackend(t, "a"), newBackend(t, "b")
	w.register(g, a, b)
	if s, r := w.health(g, a); s != "unused" || r != "Target.NotInUse" {
		t.Errorf("%s %s", s, r)
	}
	port := freePort(t)
	w.listen(port, forward(g.TargetGroupArn))
	w.healthy(g)
	a.sick.Store(true)
	step := func() { // one round of checks
		t.Helper()
		now.Advance(10 * time.Second)
	}
	step()
	step()
	w.until(g, a, "unhealthy")
	if _, r := w.health(g, a); r != "Target.ResponseCodeMismatch" {
		t.Errorf("because of %s", r)
	}
	for range 10 {
		if _, body := get(t, port, "/", ""); body != "b" {
			t.Fatalf("a request went to %s", body)
		}
	}
	a.sick.Store(false)
	step()
	if s, _ := w.health(g, a); s != "unhealthy" {
		t.Errorf("after one success: %s", s)
	}
	step()
	w.until(g, a, "healthy")

	// All unhealthy: everyone gets requests again.
	a.sick.Store(true)
	b.sick.Store(true)
	step()
	step()
	w.until(g, a, "unhealthy")
	w.until(g, b, "unhealthy")
	if resp, _ := get(t, port, "/", ""); resp.StatusCode != 200 {
		t.Errorf("fail-open: %d", resp.StatusCode)
	}

	// Draining lasts as long as it was told, then the target is gone.
	must(w.DeregisterTargets(ctx, &elb.DeregisterTargetsInput{TargetGroupArn: g.TargetGroupArn, Targets: []types.TargetDescription{local(a)}}))(t)
	if s, r := w.health(g, a); s != "draining" || r != "Target.DeregistrationInProgress" {
		t.Errorf("%s %s", s, r)
	}
	now.Advance(299 * time.Second)
	if s, _ := w.health(g, a); s != "draining" {
		t.Errorf("before its time: %s", s)
	}
	now.Advance(2 * time.Second)
	w.until(g, a, "unused")
	if _, r := w.health(g, a); r != "Target.NotRegistered" {
		t.Errorf("because of %s", r)
	}
	// Registered while it drains, it is back.
	must(w.DeregisterTargets(ctx, &elb.DeregisterTargetsInput{TargetGroupArn: g.TargetGroupArn, Targets: []types.TargetDescription{local(b)}}))(t)
	b.sick.Store(false)
	w.register(g, b)
	w.until(g, b, "healthy")
	now.Advance(301 * time.Second)
	if s, _ := w.health(g, b); s != "healthy" {
		t.Errorf("the end of an old deregistration took it: %s", s)
	}
}

// A target that goes while clients ask without pause costs nobody a request,
// and who is with it gets the answer.
func TestDeregistrationLosesNothing(t *testing.T) {
	srv := apptest.Start(t)
	w := &world{Client: elb.NewFromConfig(srv.Config()), t: t}
	w.lb = must(w.CreateLoadBalancer(ctx, &elb.CreateLoadBalancerInput{Name: aws.String("web"), Subnets: []string{zoneA, zoneB}}))(t).LoadBalancers[0]
	w.group = w.target("blue")
	w.attributes(w.group, "deregistration_delay.timeout_seconds", "1")
	keep, leave := newBackend(t, "keep"), newBackend(t, "leave")
	held := make(chan struct{})
	leave.handle = func(rw http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow" {
			<-held
		}
		_, _ = io.WriteString(rw, "leave")
	}
	w.register(w.group, leave)
	port := freePort(t)
	w.listen(port, forward(w.group.TargetGroupArn))
	w.healthy(w.group)
	slow := make(chan string)
	go func() {
		_, body := get(t, port, "/slow", "")
		slow <- body
	}()
	for leave.hits.Load() == 0 {
		time.Sleep(time.Millisecond)
	}
	w.register(w.group, keep)
	w.healthy(w.group)

	var asked, failed atomic.Int64
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				resp, err := client.Post(fmt.Sprintf("http://127.0.0.1:%d/", port), "text/plain", io.LimitReader(zeros{}, 100))
				asked.Add(1)
				if err != nil || resp.StatusCode != 200 {
					failed.Add(1)
				}
				if err == nil {
					_, _ = io.Copy(io.Discard, resp.Body)
					_ = resp.Body.Close()
				}
			}
		})
	}
	must(w.DeregisterTargets(ctx, &elb.DeregisterTargetsInput{TargetGroupArn: w.group.TargetGroupArn, Targets: []types.TargetDescription{local(leave)}}))(t)
	before := leave.hits.Load()
	w.until(w.group, leave, "unused")
	if after := leave.hits.Load(); after > before+8 { // what was on its way
		t.Errorf("%d requests went to a target that drains", after-before)
	}
	close(held)
	if body := <-slow; body != "leave" {
		t.Errorf("the one on its way got %q", body)
	}
	leave.Close()
	close(stop)
	wg.Wait()
	if failed.Load() > 0 || asked.Load() < 100 {
		t.Errorf("%d of %d requests failed", failed.Load(), asked.Load())
	}

	// The next server goes on where this one was broken off, at once.
	srv.Restart()
	if resp, body := get(t, port, "/", ""); resp.StatusCode != 200 || body != "keep" {
		t.Errorf("after a crash: %d %q", resp.StatusCode, body)
	}
}

// 100,000 requests, on kept and on fresh connections, while weights change and
// targets come, drain and go: none fails, and between two changes the split is
// what it is to be.
func TestNothingIsLost(t *testing.T) {
	requests := 100_000
	if testing.Short() {
		requests = 10_000
	}
	w := newWorld(t)
	green := w.target("green")
	groups := map[string]types.TargetGroup{"blue": w.group, "green": green}
	for name, g := range groups {
		w.attributes(g, "deregistration_delay.timeout_seconds", "1")
		w.register(g, newBackend(t, name))
	}
	port := freePort(t)
	l := w.listen(port, split(w.group, green, 100, 0, 0))
	w.healthy(w.group)
	w.healthy(green)
	asking, err := load.Start(ctx, load.Config{URL: fmt.Sprintf("http://127.0.0.1:%d/", port), Header: "X-Backend"})
	if err != nil {
		t.Fatal(err)
	}
	defer asking.Stop()
	for round := 0; asking.Counts().Requests < requests; round++ {
		name := []string{"blue", "green"}[round%2]
		guest := newBackend(t, name)
		w.register(groups[name], guest)
		w.until(groups[name], guest, "healthy")
		percent := int32([]int{10, 50, 90, 100, 37, 0}[round%6])
		must(w.ModifyListener(ctx, &elb.ModifyListenerInput{ListenerArn: l.ListenerArn, DefaultActions: split(w.group, green, 100-percent, percent, 0)}))(t)
		if _, err := asking.Next(ctx, 20); err != nil { // those on their way
			t.Fatal(err)
		}
		c, err := asking.Next(ctx, requests/20)
		if err != nil || c.Failed > 0 || math.Abs(c.Share("green")-float64(percent)) > 1 {
			t.Errorf("at %d %%: %v\n%s", percent, err, c)
		}
		must(w.DeregisterTargets(ctx, &elb.DeregisterTargetsInput{TargetGroupArn: groups[name].TargetGroupArn, Targets: []types.TargetDescription{local(guest)}}))(t)
		w.until(groups[name], guest, "unused")
		guest.Close()
	}
	if c := asking.Stop(); c.Failed > 0 || c.Retried > 0 {
		t.Error(c)
	}
}

// Towards targets: TLS, HTTP/2 in clear, and gRPC, whose health is in a trailer.
func TestTargetProtocols(t *testing.T) {
	w := newWorld(t)
	port := freePort(t)
	say := http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/AWS.ALB/healthcheck" {
			rw.Header().Set("Trailer", "Grpc-Status")
			rw.Header().Set("Content-Type", "application/grpc")
			rw.WriteHeader(http.StatusOK)
			rw.Header().Set("Grpc-Status", "12")
			return
		}
		fmt.Fprint(rw, r.Proto, " ", r.TLS != nil)
	})
	secure := httptest.NewTLSServer(say)
	defer secure.Close()
	clear := httptest.NewUnstartedServer(say)
	clear.Config.Protocols = new(http.Protocols)
	clear.Config.Protocols.SetUnencryptedHTTP2(true)
	clear.Start()
	defer clear.Close()
	l := must(w.CreateListener(ctx, &elb.CreateListenerInput{LoadBalancerArn: w.lb.LoadBalancerArn, Port: &port, Protocol: "HTTPS", DefaultActions: forward(w.group.TargetGroupArn),
		Certificates: []types.Certificate{{CertificateArn: aws.String("arn:aws:acm:us-east-1:000000000000:certificate/x")}}}))(t).Listeners[0]
	plain := w.listen(freePort(t), forward(w.group.TargetGroupArn))
	ask := func(c *http.Client, host string) (int, string) {
		r, _ := http.NewRequest("POST", fmt.Sprintf("https://127.0.0.1:%d/", port), nil)
		r.Host = host
		resp, err := c.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body, _ := io.ReadAll(resp.Body)
		return resp.StatusCode, string(body)
	}
	old := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}} // of HTTP/1.1
	defer old.CloseIdleConnections()
	for i, c := range []struct {
		name, protocol, version, check string
		server                         *httptest.Server
		want                           string
	}{
		{"https", "HTTPS", "HTTP1", "HTTPS", secure, "HTTP/1.1 true"},
		{"h2c", "HTTP", "HTTP2", "HTTP", clear, "HTTP/2.0 false"},
		{"grpc", "HTTP", "GRPC", "HTTP", clear, "HTTP/2.0 false"},
	} {
		g := must(w.CreateTargetGroup(ctx, &elb.CreateTargetGroupInput{Name: &c.name, Protocol: types.ProtocolEnum(c.protocol), ProtocolVersion: &c.version, Port: aws.Int32(1),
			VpcId: aws.String(vpc), TargetType: "ip", HealthCheckProtocol: types.ProtocolEnum(c.check)}))(t).TargetGroups[0]
		must(w.RegisterTargets(ctx, &elb.RegisterTargetsInput{TargetGroupArn: g.TargetGroupArn, Targets: []types.TargetDescription{
			{Id: aws.String("127.0.0.1"), Port: aws.Int32(portOf(t, c.server.Listener.Addr().String()))}}}))(t)
		w.rule(l, int32(i+1), forward(g.TargetGroupArn), host(c.name)...)
		w.healthy(g)
		if status, body := ask(client, c.name); status != 200 || body != c.want {
			t.Errorf("%s: %d %q", c.name, status, body)
		}
		if c.version == "HTTP1" {
			continue
		}
		if status, _ := ask(old, c.name); status != 464 {
			t.Errorf("HTTP/1.1 to %s: %d", c.name, status)
		}
		_, err := w.ModifyListener(ctx, &elb.ModifyListenerInput{ListenerArn: l.ListenerArn, Protocol: "HTTP", DefaultActions: forward(g.TargetGroupArn)})
		refused(t, err, "InvalidLoadBalancerAction", "Listener protocol 'HTTP' is not supported")
		_, err = w.CreateRule(ctx, &elb.CreateRuleInput{ListenerArn: plain.ListenerArn, Priority: aws.Int32(int32(i + 1)), Actions: forward(g.TargetGroupArn), Conditions: host(c.name)})
		refused(t, err, "InvalidLoadBalancerAction", "Listener protocol 'HTTP' is not supported with a target group with the protocol-version '"+c.version+"'")
	}
}

// A request in clear to a port that only speaks TLS is told so.
func TestPlainToSecurePort(t *testing.T) {
	w := newWorld(t)
	port := freePort(t)
	must(w.CreateListener(ctx, &elb.CreateListenerInput{LoadBalancerArn: w.lb.LoadBalancerArn, Port: &port, Protocol: "HTTPS",
		DefaultActions: []types.Action{{Type: "fixed-response", FixedResponseConfig: &types.FixedResponseActionConfig{StatusCode: aws.String("200")}}},
		Certificates:   []types.Certificate{{CertificateArn: aws.String("arn:aws:acm:us-east-1:000000000000:certificate/x")}}}))(t)
	if resp, body := get(t, port, "/", ""); resp.StatusCode != 400 || !strings.Contains(body, "sent to HTTPS port") {
		t.Errorf("%s %q", resp.Status, body)
	}
}

// Plain requests and TLS may come to one port, if they mean different load
// balancers; listeners' header attributes are on every answer.
func TestMixedPort(t *testing.T) {
	w := newWorld(t)
	port := freePort(t)
	answer := func(text string) []types.Action {
		return []types.Action{{Type: "fixed-response", FixedResponseConfig: &types.FixedResponseActionConfig{StatusCode: aws.String("200"), MessageBody: &text}}}
	}
	w.listen(port, answer("plain"))
	second := must(w.CreateLoadBalancer(ctx, &elb.CreateLoadBalancerInput{Name: aws.String("second"), Subnets: []string{zoneA, zoneB}}))(t).LoadBalancers[0]
	l := must(w.CreateListener(ctx, &elb.CreateListenerInput{LoadBalancerArn: second.LoadBalancerArn, Port: &port, Protocol: "HTTPS", DefaultActions: answer("secure"),
		Certificates: []types.Certificate{{CertificateArn: aws.String("arn:aws:acm:us-east-1:000000000000:certificate/x")}}}))(t).Listeners[0]
	must(w.ModifyListenerAttributes(ctx, &elb.ModifyListenerAttributesInput{ListenerArn: l.ListenerArn, Attributes: []types.ListenerAttribute{
		{Key: aws.String("routing.http.response.strict_transport_security.header_value"), Value: aws.String("max-age=60")},
		{Key: aws.String("routing.http.response.server.enabled"), Value: aws.String("false")}}}))(t)
	if resp, body := get(t, port, "/", ""); body != "plain" || resp.Header.Get("Server") != "awselb/2.0" {
		t.Errorf("%q %v", body, resp.Header)
	}
	resp, err := client.Get(fmt.Sprintf("https://127.0.0.1:%d/", port))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, _ := io.ReadAll(resp.Body); string(body) != "secure" || resp.Header.Get("Strict-Transport-Security") != "max-age=60" || resp.Header.Get("Server") != "" {
		t.Errorf("%q %v", body, resp.Header)
	}
}
