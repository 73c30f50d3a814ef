package lambda_test

import (
	"archive/zip"
	"bytes"
	"context"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/slipway-dev/slipway/cmd/slipway/apptest"
)

func TestMain(m *testing.M) { apptest.Main(m) }

const trust = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}`

// bootstrap is a custom runtime: a program of the function's own that asks the
// Runtime API. It needs no more than this machine's python3.
const bootstrap = `#!/usr/bin/env python3
import http.client, json, os, sys, time
api = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
root = "/2018-06-01/runtime/"
print("booting", flush=True)
if os.environ.get("MARK") == "broken":
    sys.exit(7)
while True:
    api.request("GET", root + "invocation/next")
    answer = api.getresponse()
    event, at = json.loads(answer.read()), root + "invocation/" + answer.headers["Lambda-Runtime-Aws-Request-Id"]
    print("event", json.dumps(event), flush=True)
    if event.get("sleep"):
        time.sleep(event["sleep"])
    if event.get("meet"):  # as many others in a directory, or the function's timeout
        open(os.path.join(event["meet"], str(os.getpid())), "w").close()
        while len(os.listdir(event["meet"])) < event["others"]:
            time.sleep(0.01)
    if event.get("exit"):
        os._exit(event["exit"])
    if event.get("count"):
        with open(event["count"], "a") as f:
            f.write("x")
    if event.get("fail"):
        api.request("POST", at + "/error", json.dumps({"errorType": "Wanted", "errorMessage": "as told"}), {"Lambda-Runtime-Function-Error-Type": "Wanted"})
    else:
        api.request("POST", at + "/response", json.dumps({"event": event, "version": os.environ["AWS_LAMBDA_FUNCTION_VERSION"],
            "mark": os.environ.get("MARK"), "pid": os.getpid(), "key": os.environ["AWS_ACCESS_KEY_ID"], "context": answer.headers.get("Lambda-Runtime-Client-Context")}))
    api.getresponse().read()
    if event.get("last"):  # it has answered, and ends
        time.sleep(event["last"])
        os._exit(1)
`

type world struct {
	*testing.T
	srv  *apptest.Server
	cfg  aws.Config
	fn   *lambda.Client
	role string
}

func begin(t *testing.T, opts ...apptest.Option) *world {
	t.Helper()
	srv := apptest.Start(t, opts...)
	w := &world{T: t, srv: srv, cfg: srv.Config()}
	w.fn = lambda.NewFromConfig(w.cfg)
	users := iam.NewFromConfig(w.cfg)
	out := apptest.Must(users.CreateRole(t.Context(), &iam.CreateRoleInput{RoleName: aws.String("fn"), AssumeRolePolicyDocument: aws.String(trust)}))(t)
	apptest.Must(users.AttachRolePolicy(t.Context(), &iam.AttachRolePolicyInput{RoleName: aws.String("fn"),
		PolicyArn: aws.String("arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole")}))(t)
	w.role = *out.Role.Arn
	return w
}

// packed is a deployment package of files that may be run.
func packed(t testing.TB, files map[string]string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for name, text := range files {
		h := &zip.FileHeader{Name: name, Method: zip.Deflate}
		h.SetMode(0o755)
		f, err := z.CreateHeader(h)
		if err == nil {
			_, err = f.Write([]byte(text))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// input makes a function of the custom runtime.
func (w *world) input(name string, change ...func(*lambda.CreateFunctionInput)) *lambda.CreateFunctionInput {
	in := &lambda.CreateFunctionInput{FunctionName: &name, Role: &w.role, Runtime: types.RuntimeProvidedal2023, Handler: aws.String("x"),
		Timeout: aws.Int32(20), Code: &types.FunctionCode{ZipFile: packed(w, map[string]string{"bootstrap": bootstrap})}}
	for _, c := range change {
		c(in)
	}
	return in
}

func (w *world) create(name string, change ...func(*lambda.CreateFunctionInput)) {
	w.Helper()
	if _, err := w.fn.CreateFunction(w.Context(), w.input(name, change...)); err != nil {
		w.Fatal(err)
	}
	w.active(name)
}

func (w *world) active(name string) {
	w.Helper()
	err := lambda.NewFunctionActiveV2Waiter(w.fn, func(o *lambda.FunctionActiveV2WaiterOptions) {
		o.MinDelay, o.MaxDelay = 10*time.Millisecond, time.Second
	}).
		Wait(w.Context(), &lambda.GetFunctionInput{FunctionName: &name}, time.Minute)
	if err != nil {
		w.Fatal(err)
	}
}

func (w *world) updated(name string) {
	w.Helper()
	err := lambda.NewFunctionUpdatedV2Waiter(w.fn, func(o *lambda.FunctionUpdatedV2WaiterOptions) {
		o.MinDelay, o.MaxDelay = 10*time.Millisecond, time.Second
	}).
		Wait(w.Context(), &lambda.GetFunctionInput{FunctionName: &name}, time.Minute)
	if err != nil {
		w.Fatal(err)
	}
}

func (w *world) invoke(name, payload string) *lambda.InvokeOutput {
	w.Helper()
	out, err := w.fn.Invoke(w.Context(), &lambda.InvokeInput{FunctionName: &name, Payload: []byte(payload), LogType: types.LogTypeTail})
	if err != nil {
		w.Fatal(err)
	}
	return out
}

func mark(value string) func(*lambda.CreateFunctionInput) {
	return func(in *lambda.CreateFunctionInput) {
		in.Environment = &types.Environment{Variables: map[string]string{"MARK": value}}
	}
}

// until asks again until it is so.
func (w *world) until(what string, ok func(context.Context) bool) {
	w.Helper()
	ctx, cancel := context.WithTimeout(w.Context(), time.Minute)
	defer cancel()
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	for !ok(ctx) {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			w.Fatal("never: " + what)
		}
	}
}

// log is all that a function has written.
func (w *world) log(function string) string {
	out, err := cloudwatchlogs.NewFromConfig(w.cfg).FilterLogEvents(w.Context(), &cloudwatchlogs.FilterLogEventsInput{LogGroupName: aws.String("/aws/lambda/" + function)})
	if err != nil {
		return ""
	}
	var all strings.Builder
	for _, e := range out.Events {
		all.WriteString(*e.Message)
	}
	return all.String()
}
