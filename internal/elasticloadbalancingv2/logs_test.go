package elbv2_test

import (
	"compress/gzip"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/slipway-dev/slipway/cmd/slipway/apptest"
	"github.com/slipway-dev/slipway/internal/clock"
)

// logged waits until a bucket has n log files below a prefix and returns their
// keys and all their lines.
func logged(t *testing.T, c *s3.Client, bucket, prefix string, n int) (keys, lines []string) {
	t.Helper()
	end := time.Now().Add(15 * time.Second)
	for {
		keys = nil
		for _, o := range must(c.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: &bucket, Prefix: &prefix}))(t).Contents {
			if strings.HasSuffix(*o.Key, ".log.gz") {
				keys = append(keys, *o.Key)
			}
		}
		if len(keys) >= n {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("%d log files", len(keys))
		}
		time.Sleep(10 * time.Millisecond)
	}
	for _, k := range keys {
		o := must(c.GetObject(ctx, &s3.GetObjectInput{Bucket: &bucket, Key: &k}))(t)
		z, err := gzip.NewReader(o.Body)
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(z)
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, strings.Split(strings.TrimSpace(string(b)), "\n")...)
	}
	return keys, lines
}

func TestLogs(t *testing.T) {
	now := clock.NewFake(time.Now())
	srv := apptest.Start(t, apptest.Clock(now))
	w := &world{Client: elb.NewFromConfig(srv.Config()), t: t}
	buckets := s3.NewFromConfig(srv.Config(), func(o *s3.Options) { o.UsePathStyle = true })
	w.lb = must(w.CreateLoadBalancer(ctx, &elb.CreateLoadBalancerInput{Name: aws.String("web"), Subnets: []string{zoneA, zoneB}}))(t).LoadBalancers[0]
	w.group = w.target("blue")
	set := func(pairs ...string) error {
		in := &elb.ModifyLoadBalancerAttributesInput{LoadBalancerArn: w.lb.LoadBalancerArn}
		for i := 0; i < len(pairs); i += 2 {
			in.Attributes = append(in.Attributes, types.LoadBalancerAttribute{Key: &pairs[i], Value: &pairs[i+1]})
		}
		_, err := w.ModifyLoadBalancerAttributes(ctx, in)
		return err
	}
	bucket := aws.String("balancer-logs")
	on := []string{"access_logs.s3.enabled", "true", "access_logs.s3.bucket", *bucket, "access_logs.s3.prefix", "web", "connection_logs.s3.enabled", "true", "connection_logs.s3.bucket", *bucket}
	refused(t, set(on...), "InvalidConfigurationRequest", "balancer-logs")
	must(buckets.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: bucket}))(t)
	refused(t, set(on...), "InvalidConfigurationRequest", "Access Denied for bucket: balancer-logs. Please check S3bucket permission")
	grant := func(principal, where string) {
		t.Helper()
		must(buckets.PutBucketPolicy(ctx, &s3.PutBucketPolicyInput{Bucket: bucket, Policy: aws.String(
			`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":` + principal + `,"Action":"s3:PutObject","Resource":"arn:aws:s3:::balancer-logs/` + where + `"}]}`)}))(t)
	}
	grant(`{"Service":"logdelivery.elasticloadbalancing.amazonaws.com"}`, "other/*")
	refused(t, set(on...), "InvalidConfigurationRequest", "Access Denied")
	grant(`{"Service":"delivery.logs.amazonaws.com"}`, "*")
	refused(t, set(on...), "InvalidConfigurationRequest", "Access Denied")
	grant(`{"Service":"logdelivery.elasticloadbalancing.amazonaws.com"}`, "*")
	if err := set(on...); err != nil {
		t.Fatal(err)
	}
	grant(`{"AWS":"arn:aws:iam::127311923021:root"}`, "*")
	if err := set("access_logs.s3.prefix", "/my/web/"); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"web/AWSLogs/000000000000/ELBAccessLogTestFile", "my/web/AWSLogs/000000000000/ELBAccessLogTestFile", "AWSLogs/000000000000/ELBConnectionLogTestFile"} {
		must(buckets.HeadObject(ctx, &s3.HeadObjectInput{Bucket: bucket, Key: &key}))(t)
	}
	refused(t, set("health_check_logs.s3.enabled", "true", "health_check_logs.s3.bucket", *bucket), "InvalidConfigurationRequest", "health_check_logs.s3.enabled")
	refused(t, set("access_logs.s3.prefix", "a/AWSLogs"), "InvalidConfigurationRequest", "AWSLogs")

	b := newBackend(t, "b")
	b.handle = func(rw http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Upgrade") != "" {
			c, _, _ := http.NewResponseController(rw).Hijack()
			fmt.Fprint(c, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n", strings.Repeat("x", 20_000))
			_ = c.Close()
			return
		}
		if r.URL.Path == "/bad" {
			rw.WriteHeader(http.StatusServiceUnavailable)
		}
		fmt.Fprint(rw, "hello")
	}
	w.register(w.group, b)
	port := freePort(t)
	l := w.listen(port, forward(w.group.TargetGroupArn))
	w.rule(l, 7, []types.Action{{Type: "redirect", RedirectConfig: &types.RedirectActionConfig{StatusCode: "HTTP_301", Host: aws.String("elsewhere"), Port: aws.String("80")}}},
		types.RuleCondition{Field: aws.String("path-pattern"), Values: []string{"/moved"}})
	w.healthy(w.group)
	get(t, port, "/a?b=c", "app.example.com", "User-Agent", `me "and" you`)
	get(t, port, "/bad", "")
	get(t, port, "/moved", "app.example.com")
	large := strings.NewReader(strings.Repeat("x", 50<<10)) // by net/http
	resp, err := client.Post(fmt.Sprintf("http://127.0.0.1:%d/large", port), "text/plain", large)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	for _, text := range []string{"GET /ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n", "PRI * HTTP/2.0\r\n\r\n"} {
		raw, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprint(raw, text)
		_, _ = io.Copy(io.Discard, raw)
		_ = raw.Close()
	}
	now.Advance(5 * time.Minute)
	keys, lines := logged(t, buckets, *bucket, "my/web/", 1)
	id := strings.SplitAfter(*w.lb.LoadBalancerArn, "loadbalancer/")[1]
	name := `^my/web/AWSLogs/000000000000/elasticloadbalancing/us-east-1/\d{4}/\d\d/\d\d/000000000000_elasticloadbalancing_us-east-1_` + strings.ReplaceAll(id, "/", `\.`) + `_\d{8}T\d{4}Z_127\.0\.0\.1_[0-9a-f]{8}\.log\.gz$`
	if !regexp.MustCompile(name).MatchString(keys[0]) {
		t.Errorf("key %s", keys[0])
	}
	const at, took, conn = `\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z`, `\d\.\d{3}`, `TID_[0-9a-f]{32}`
	group := regexp.QuoteMeta(*w.group.TargetGroupArn)
	target := fmt.Sprintf(`127\.0\.0\.1:%d`, b.port)
	timed := took + " " + took + " " + took
	for i, want := range []string{
		`^http ` + at + ` ` + id + ` 127\.0\.0\.1:\d+ ` + target + ` ` + timed + ` 200 200 \d{2,3} \d{2,3} "GET http://app\.example\.com:` + fmt.Sprint(port) + `/a\?b=c HTTP/1\.1" "me \\"and\\" you" - - ` + group + ` "Root=1-[0-9a-f]{8}-[0-9a-f]{24}" "-" "-" 0 ` + at + ` "forward" "-" "-" "` + target + `" "200" "-" "-" ` + conn + `$`,
		` 503 503 .*/bad HTTP/1\.1"`,
		`^http ` + at + ` ` + id + ` 127\.0\.0\.1:\d+ - -1 -1 -1 301 - \d+ \d+ "GET http://app\.example\.com:\d+/moved HTTP/1\.1" "[^"]+" - - - "Root=[^"]+" "-" "-" 7 ` + at + ` "redirect" "http://elsewhere:80/moved" "-" "-" "-" "-" "-" ` + conn + `$`,
		` ` + timed + ` 200 200 51\d{3} \d+ "POST .*/large HTTP/1\.1".* "forward" "-" "-" "` + target + `" "200" "-" "-" ` + conn + `$`,
		`^ws ` + at + ` .* ` + timed + ` 101 101 \d{2} 20\d{3} "GET http://x:\d+/ws HTTP/1\.1" "-" `,
		`^http ` + at + ` ` + id + ` 127\.0\.0\.1:\d+ - -1 -1 -1 400 - 0 \d+ "- http://[^ ]+:\d+- -" "-" .* -1 ` + at + ` "-" "-" "-" "-" "-" "-" "-" ` + conn + `$`,
	} {
		if i >= len(lines) || !regexp.MustCompile(want).MatchString(lines[i]) {
			t.Errorf("line %d does not match %s\n%s", i, want, strings.Join(lines, "\n"))
		}
	}
	if len(lines) != 6 {
		t.Errorf("%d lines", len(lines))
	}
	keys, lines = logged(t, buckets, *bucket, "AWSLogs/000000000000/elasticloadbalancing/", 1)
	if !strings.Contains(keys[0], "/conn_log.000000000000_elasticloadbalancing_us-east-1_app.web.") || !regexp.MustCompile(`^`+at+` 127\.0\.0\.1 \d+ `+fmt.Sprint(port)+` - - - "-" - - - `+conn+`$`).MatchString(lines[0]) {
		t.Errorf("connections %s\n%s", keys[0], lines[0])
	}

	// What a crash leaves is delivered by the next server.
	get(t, port, "/before-the-crash", "")
	now.Advance(time.Second)
	srv.Restart()
	now.Advance(5 * time.Minute)
	if _, lines = logged(t, buckets, *bucket, "my/web/", 2); !strings.Contains(strings.Join(lines, "\n"), "/before-the-crash ") {
		t.Errorf("after a crash\n%s", strings.Join(lines, "\n"))
	}
	if err := set("access_logs.s3.enabled", "false"); err != nil {
		t.Error(err)
	}
}
