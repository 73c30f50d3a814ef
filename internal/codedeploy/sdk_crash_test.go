package codedeploy_test

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codedeploy"
	"github.com/aws/aws-sdk-go-v2/service/codedeploy/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/slipway-dev/slipway/cmd/slipway/apptest"
)

// note is a function that appends each event to a file.
const note = `#!/usr/bin/env python3
import http.client, os
api = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
root = "/2018-06-01/runtime/invocation/"
while True:
    api.request("GET", root + "next")
    answer = api.getresponse()
    event = answer.read().decode()
    with open(os.environ["NOTES"], "a") as f:
        f.write(event + "\n")
    api.request("POST", root + answer.headers["Lambda-Runtime-Aws-Request-Id"] + "/response", "null")
    api.getresponse().read()
`

// hook makes a function that notes the hooks it is called for, and returns the
// file in which it does.
func (s *stage) hook() string {
	s.Helper()
	ctx := s.Context()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	h := &zip.FileHeader{Name: "bootstrap"}
	h.SetMode(0o755)
	w := apptest.Must(z.CreateHeader(h))(s)
	_, _ = w.Write([]byte(note))
	_ = z.Close()
	s.role("function", "lambda.amazonaws.com")
	notes := filepath.Join(s.TempDir(), "notes")
	client := lambda.NewFromConfig(s.srv.Config())
	apptest.Must(client.CreateFunction(ctx, &lambda.CreateFunctionInput{FunctionName: aws.String("hook"), Runtime: lambdatypes.RuntimeProvidedal2023, Handler: aws.String("h"),
		Role: aws.String("arn:aws:iam::000000000000:role/function"), Code: &lambdatypes.FunctionCode{ZipFile: b.Bytes()},
		Environment: &lambdatypes.Environment{Variables: map[string]string{"NOTES": notes}}}))(s)
	if err := lambda.NewFunctionActiveV2Waiter(client).Wait(ctx, &lambda.GetFunctionInput{FunctionName: aws.String("hook")}, time.Minute); err != nil {
		s.Fatal(err)
	}
	return notes
}

// called waits for the hook's next call that is not yet known.
func (s *stage) called(notes string, known map[string]bool) (execution string) {
	s.Helper()
	// A function whose server died is an error of Lambda's, which calls it again
	// after a minute.
	for end := time.Now().Add(3 * time.Minute); time.Now().Before(end); time.Sleep(20 * time.Millisecond) { // the function's pace
		text, _ := os.ReadFile(notes)
		for _, line := range strings.Split(strings.TrimSpace(string(text)), "\n") {
			var call struct{ LifecycleEventHookExecutionId string }
			if id := &call.LifecycleEventHookExecutionId; json.Unmarshal([]byte(line), &call) == nil && !known[*id] {
				known[*id] = true
				return *id
			}
		}
	}
	s.Fatal("the hook was not called")
	return ""
}

// The server dies at each lifecycle event, before and after its hook has
// reported; the deployment goes on where it was.
func TestServerThatDies(t *testing.T) {
	s := newStage(t, 0)
	notes, known := s.hook(), map[string]bool{}
	var hooks []string
	for _, e := range []string{"BeforeInstall", "AfterInstall", "BeforeAllowTraffic", "AfterAllowTraffic"} {
		hooks = append(hooks, fmt.Sprintf(`{%q: "hook"}`, e))
	}
	spec := strings.Replace(stageSpec, `}}}}]`, `}}}}], "Hooks": [`+strings.Join(hooks, ",")+"]", 1)
	for _, last := range []types.LifecycleEventStatus{types.LifecycleEventStatusSucceeded, types.LifecycleEventStatusFailed} {
		id := *apptest.Must(s.CreateDeployment(t.Context(), &codedeploy.CreateDeploymentInput{ApplicationName: aws.String("app"), DeploymentGroupName: aws.String("g"), Revision: content(spec),
			AutoRollbackConfiguration: &types.AutoRollbackConfiguration{Enabled: true, Events: []types.AutoRollbackEvent{types.AutoRollbackEventDeploymentFailure}}}))(t).DeploymentId
		before := s.production()
		for i := range hooks {
			execution, status := s.called(notes, known), types.LifecycleEventStatusSucceeded
			if i == len(hooks)-1 {
				status = last
			}
			s.restart()
			apptest.Must(s.PutLifecycleEventHookExecutionStatus(t.Context(), &codedeploy.PutLifecycleEventHookExecutionStatusInput{DeploymentId: &id,
				LifecycleEventHookExecutionId: &execution, Status: status}))(t)
			time.Sleep(time.Duration(rand.IntN(20)) * time.Millisecond) // whenever it may be
			s.restart()
		}
		d := s.ended(id)
		switch after := s.production(); {
		case last == types.LifecycleEventStatusSucceeded && (d.Status != types.DeploymentStatusSucceeded || after == before):
			t.Errorf("%s %+v, traffic %s → %s", d.Status, d.ErrorInformation, before, after)
		case last == types.LifecycleEventStatusFailed && (d.Status != types.DeploymentStatusFailed || after != before):
			t.Errorf("%s, traffic %s → %s", d.Status, before, after)
		}
		if r := d.RollbackInfo; r != nil {
			if undo := s.ended(*r.RollbackDeploymentId); undo.Status != types.DeploymentStatusSucceeded {
				t.Errorf("the rollback is %s %+v", undo.Status, undo.ErrorInformation)
			}
		}
		s.alone()
	}
}

// Many deployments at once, with a server that dies again and again.
func TestManyAtOnce(t *testing.T) {
	s := newStage(t, 0)
	stages := []*stage{s}
	for i := range 19 {
		stages = append(stages, s.another(fmt.Sprintf("web%d", i)))
	}
	for round := range 2 {
		var ids []string
		for _, st := range stages {
			ids = append(ids, *apptest.Must(st.CreateDeployment(t.Context(), &codedeploy.CreateDeploymentInput{ApplicationName: aws.String("app"), DeploymentGroupName: &st.name, Revision: content(stageSpec)}))(t).DeploymentId)
		}
		for range 3 {
			time.Sleep(time.Duration(rand.IntN(50)) * time.Millisecond) // whenever it may be
			s.restart()
		}
		for i, st := range stages {
			st.Client, st.balancers, st.services = s.Client, s.balancers, s.services
			if d := st.ended(ids[i]); d.Status != types.DeploymentStatusSucceeded {
				t.Fatalf("%s: %s %+v", st.name, d.Status, d.ErrorInformation)
			}
			if want := []string{st.green, st.blue}[round]; st.production() != want {
				t.Errorf("%s: the traffic is at %s", st.name, st.production())
			}
			st.alone()
		}
	}
}
