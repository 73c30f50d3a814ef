package lambda_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	elb "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	elbtypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/slipway-dev/slipway/cmd/slipway/apptest"
)

// page is a runtime that answers as load balancers want it: with what it was
// asked, in the form that its path names.
var page = strings.Replace(bootstrap, `    print("event", json.dumps(event), flush=True)
`, `    multi = "multiValueHeaders" in event
    say = {"statusCode": 200, "statusDescription": "200 OK", "isBase64Encoded": False, "body": json.dumps(event)}
    say["multiValueHeaders" if multi else "headers"] = {"Content-Type": ["text/plain"], "Set-Cookie": ["a=1", "b=2"]} if multi else {"Content-Type": "text/plain", "X-Number": 7}
    if event["path"] == "/binary":
        say.update(isBase64Encoded=True, body="AAEC", statusCode=201)
    if event["path"] == "/broken":
        say = "no response"
    if event["path"] == "/fail":
        api.request("POST", at + "/error", "{}")
    else:
        api.request("POST", at + "/response", json.dumps(say))
    api.getresponse().read()
    continue
`, 1)

func TestBalancer(t *testing.T) {
	w := begin(t, apptest.Enforce)
	ctx := t.Context()
	w.create("page", func(in *lambda.CreateFunctionInput) {
		in.Code = &types.FunctionCode{ZipFile: packed(t, map[string]string{"bootstrap": page})}
	})
	c := elb.NewFromConfig(w.cfg)
	b := apptest.Must(c.CreateLoadBalancer(ctx, &elb.CreateLoadBalancerInput{Name: aws.String("lb"), Subnets: []string{apptest.Subnet, "subnet-00000000000000002"}}))(t)
	g := apptest.Must(c.CreateTargetGroup(ctx, &elb.CreateTargetGroupInput{Name: aws.String("fn"), TargetType: elbtypes.TargetTypeEnumLambda}))(t)
	group := g.TargetGroups[0].TargetGroupArn
	if *g.TargetGroups[0].HealthCheckEnabled {
		t.Error("health checks are on")
	}
	free := apptest.Must(net.Listen("tcp", "127.0.0.1:0"))(t)
	port := free.Addr().(*net.TCPAddr).Port
	_ = free.Close()
	apptest.Must(c.CreateListener(ctx, &elb.CreateListenerInput{LoadBalancerArn: b.LoadBalancers[0].LoadBalancerArn, Port: aws.Int32(int32(port)), Protocol: elbtypes.ProtocolEnumHttp,
		DefaultActions: []elbtypes.Action{{Type: elbtypes.ActionTypeEnumForward, TargetGroupArn: group}}}))(t)
	function := "arn:aws:lambda:us-east-1:000000000000:function:page"
	apptest.Must(c.RegisterTargets(ctx, &elb.RegisterTargetsInput{TargetGroupArn: group, Targets: []elbtypes.TargetDescription{{Id: &function}}}))(t)
	ask := func(method, path, kind, body string) (*http.Response, string) {
		t.Helper()
		r := apptest.Must(http.NewRequestWithContext(ctx, method, "http://127.0.0.1:"+strconv.Itoa(port)+path, strings.NewReader(body)))(t)
		if kind != "" {
			r.Header.Set("Content-Type", kind)
		}
		r.Header["X-Twice"] = []string{"1", "2"}
		resp := apptest.Must(http.DefaultClient.Do(r))(t)
		defer resp.Body.Close()
		text := apptest.Must(io.ReadAll(resp.Body))(t)
		return resp, string(text)
	}
	if resp, _ := ask("GET", "/", "", ""); resp.StatusCode != 502 {
		t.Errorf("without permission: %s", resp.Status)
	}
	apptest.Must(w.fn.AddPermission(ctx, &lambda.AddPermissionInput{FunctionName: aws.String("page"), StatementId: aws.String("lb"), Action: aws.String("lambda:InvokeFunction"),
		Principal: aws.String("elasticloadbalancing.amazonaws.com"), SourceArn: group}))(t)

	resp, text := ask("POST", "/a%20b?x=1&x=2%20", "application/json", `{"k":1}`)
	for _, part := range []string{`"targetGroupArn": "` + *group + `"`, `"httpMethod": "POST"`, `"path": "/a%20b"`, `"queryStringParameters": {"x": "2%20"}`, `"x-twice": "2"`,
		`"x-forwarded-port": "` + strconv.Itoa(port) + `"`, `"x-forwarded-proto": "http"`, `"x-forwarded-for": "127.0.0.1"`, `"host": "127.0.0.1:`, `"body": "{\"k\":1}"`, `"isBase64Encoded": false`} {
		if !strings.Contains(text, part) {
			t.Errorf("%s lacks %s", text, part)
		}
	}
	if resp.Header.Get("X-Number") != "7" || resp.Header.Get("Content-Type") != "text/plain" || resp.StatusCode != 200 {
		t.Errorf("%s %v", resp.Status, resp.Header)
	}
	if _, text := ask("POST", "/", "image/png", "\x00\x01"); !strings.Contains(text, `"body": "AAE="`) || !strings.Contains(text, `"isBase64Encoded": true`) {
		t.Errorf("binary: %s", text)
	}
	if resp, text := ask("GET", "/binary", "", ""); text != "\x00\x01\x02" || resp.StatusCode != 201 {
		t.Errorf("%s %q", resp.Status, text)
	}
	for _, path := range []string{"/broken", "/fail"} {
		if resp, _ := ask("GET", path, "", ""); resp.StatusCode != 502 {
			t.Errorf("%s: %s", path, resp.Status)
		}
	}
	if resp, _ := ask("POST", "/", "text/plain", strings.Repeat("x", 1<<20+1)); resp.StatusCode != 413 {
		t.Errorf("large: %s", resp.Status)
	}

	apptest.Must(c.ModifyTargetGroupAttributes(ctx, &elb.ModifyTargetGroupAttributesInput{TargetGroupArn: group, Attributes: []elbtypes.TargetGroupAttribute{
		{Key: aws.String("lambda.multi_value_headers.enabled"), Value: aws.String("true")}}}))(t)
	resp, text = ask("GET", "/?x=1&x=2", "", "")
	if !strings.Contains(text, `"x-twice": ["1", "2"]`) || !strings.Contains(text, `"multiValueQueryStringParameters": {"x": ["1", "2"]}`) || len(resp.Header["Set-Cookie"]) != 2 {
		t.Errorf("%v %s", resp.Header, text)
	}

	// Health checks are events too, where they are wanted.
	health := func(context.Context) string {
		out := apptest.Must(c.DescribeTargetHealth(ctx, &elb.DescribeTargetHealthInput{TargetGroupArn: group}))(t)
		return string(out.TargetHealthDescriptions[0].TargetHealth.State)
	}
	if got := health(ctx); got != "unavailable" {
		t.Errorf("without checks it is %s", got)
	}
	apptest.Must(c.ModifyTargetGroup(ctx, &elb.ModifyTargetGroupInput{TargetGroupArn: group, HealthCheckEnabled: aws.Bool(true), HealthCheckPath: aws.String("/health"),
		HealthCheckIntervalSeconds: aws.Int32(5), HealthCheckTimeoutSeconds: aws.Int32(4), HealthyThresholdCount: aws.Int32(2)}))(t)
	w.until("it is healthy", func(ctx context.Context) bool { return health(ctx) == "healthy" })
}
