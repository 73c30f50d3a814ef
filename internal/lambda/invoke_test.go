package lambda_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/slipway-dev/slipway/cmd/slipway/apptest"
)

// answer is what the bootstrap says.
type answer struct {
	Event              map[string]any
	Version, Mark, Key string
	Context            string
	PID                int
}

func (w *world) answer(out *lambda.InvokeOutput) (a answer) {
	w.Helper()
	if out.FunctionError != nil || json.Unmarshal(out.Payload, &a) != nil {
		w.Fatalf("%v: %s", aws.ToString(out.FunctionError), out.Payload)
	}
	return a
}

func TestInvoke(t *testing.T) {
	w := begin(t)
	w.create("f", mark("one"))
	first := w.answer(w.invoke("f", `{"n": 1}`))
	if first.Event["n"] != 1.0 || first.Version != "$LATEST" || first.Mark != "one" || !strings.HasPrefix(first.Key, "ASIA") {
		t.Errorf("%+v", first)
	}
	out := w.invoke("arn:aws:lambda:us-east-1:000000000000:function:f", "")
	if second := w.answer(out); second.PID != first.PID {
		t.Errorf("a second instance: %+v", second)
	}
	if aws.ToString(out.ExecutedVersion) != "$LATEST" || out.StatusCode != 200 {
		t.Errorf("%+v", out)
	}
	log, _ := base64.StdEncoding.DecodeString(aws.ToString(out.LogResult))
	for _, part := range []string{"START RequestId: ", "event {}\n", "END RequestId: ", "REPORT RequestId: ", "Memory Size: 128 MB"} {
		if !strings.Contains(string(log), part) {
			t.Errorf("%q lacks %q", log, part)
		}
	}

	for name, tt := range map[string]struct{ payload, kind, message string }{
		"error": {`{"fail": true}`, "Wanted", "as told"},
		"exit":  {`{"exit": 3}`, "Runtime.ExitError", "Runtime exited with error: exit status 3"},
		"quiet": {`{"exit": 0, "sleep": 0, "fail": true}`, "Wanted", "as told"},
	} {
		out := w.invoke("f", tt.payload)
		var problem struct{ ErrorType, ErrorMessage string }
		if err := json.Unmarshal(out.Payload, &problem); err != nil || aws.ToString(out.FunctionError) != "Unhandled" || problem.ErrorType != tt.kind || !strings.Contains(problem.ErrorMessage, tt.message) {
			t.Errorf("%s: %v %s", name, aws.ToString(out.FunctionError), out.Payload)
		}
	}
	// A runtime that ended is replaced.
	if third := w.answer(w.invoke("f", `{}`)); third.PID == first.PID {
		t.Error("the ended runtime answers")
	}

	_, err := w.fn.Invoke(t.Context(), &lambda.InvokeInput{FunctionName: aws.String("f"), Payload: []byte("{")})
	apptest.WantCode(t, err, "InvalidRequestContentException")
	_, err = w.fn.Invoke(t.Context(), &lambda.InvokeInput{FunctionName: aws.String("none")})
	apptest.WantCode(t, err, "ResourceNotFoundException")
	dry := apptest.Must(w.fn.Invoke(t.Context(), &lambda.InvokeInput{FunctionName: aws.String("f"), InvocationType: types.InvocationTypeDryRun}))(t)
	if dry.StatusCode != 204 {
		t.Errorf("dry run: %d", dry.StatusCode)
	}
	w.until("the log has it", func(ctx context.Context) bool {
		out, err := cloudwatchlogs.NewFromConfig(w.cfg).FilterLogEvents(ctx, &cloudwatchlogs.FilterLogEventsInput{LogGroupName: aws.String("/aws/lambda/f"), FilterPattern: aws.String(`"\"exit\": 3"`)})
		return err == nil && len(out.Events) == 1 && strings.Contains(*out.Events[0].LogStreamName, "/[$LATEST]")
	})
}

// A runtime that ends after its answer takes no other event with it, however
// long it takes to end.
func TestEndAfterAnswer(t *testing.T) {
	w := begin(t)
	w.create("f", func(in *lambda.CreateFunctionInput) { in.Timeout = aws.Int32(5) })
	apptest.Must(w.fn.PutFunctionConcurrency(t.Context(), &lambda.PutFunctionConcurrencyInput{FunctionName: aws.String("f"), ReservedConcurrentExecutions: aws.Int32(1)}))(t)
	pids := map[int]bool{}
	for _, payload := range []string{`{"last": 0.01}`, `{"last": 0.5}`, `{}`} {
		pids[w.answer(w.invoke("f", payload)).PID] = true
	}
	if len(pids) != 3 {
		t.Errorf("%d instances", len(pids))
	}
}

func TestTimeout(t *testing.T) {
	w := begin(t)
	w.create("slow", func(in *lambda.CreateFunctionInput) { in.Timeout = aws.Int32(1) })
	pid := w.answer(w.invoke("slow", `{}`)).PID
	out := w.invoke("slow", `{"sleep": 30}`)
	if !strings.Contains(string(out.Payload), "Task timed out after 1.00 seconds") || aws.ToString(out.FunctionError) != "Unhandled" {
		t.Errorf("%s", out.Payload)
	}
	if w.answer(w.invoke("slow", `{}`)).PID == pid {
		t.Error("the runtime goes on after its time")
	}
}

func TestInitFailure(t *testing.T) {
	w := begin(t)
	w.create("broken", mark("broken"))
	out := w.invoke("broken", `{}`)
	if !strings.Contains(string(out.Payload), "Runtime exited with error: exit status 7") || aws.ToString(out.FunctionError) != "Unhandled" {
		t.Errorf("%s", out.Payload)
	}
	if log, _ := base64.StdEncoding.DecodeString(aws.ToString(out.LogResult)); !strings.HasPrefix(string(log), "booting\nSTART") {
		t.Errorf("what it said before it ended is missing: %q", log)
	}
	w.create("missing", func(in *lambda.CreateFunctionInput) {
		in.Code.ZipFile = packed(t, map[string]string{"other": "x"})
	})
	if out := w.invoke("missing", `{}`); !strings.Contains(string(out.Payload), "Runtime.InvalidEntrypoint") {
		t.Errorf("%s", out.Payload)
	}
}

func TestConcurrentEvents(t *testing.T) {
	w := begin(t)
	w.create("f", func(in *lambda.CreateFunctionInput) { in.Timeout = aws.Int32(60) })
	payload, _ := json.Marshal(map[string]any{"meet": t.TempDir(), "others": 3})
	pids := make(chan int, 3)
	for range 3 {
		go func() { pids <- w.answer(w.invoke("f", string(payload))).PID }()
	}
	seen := map[int]bool{}
	for range 3 {
		seen[<-pids] = true
	}
	if len(seen) != 3 {
		t.Errorf("%d instances for 3 events at once", len(seen))
	}
}

func TestEvent(t *testing.T) {
	w := begin(t)
	w.create("f")
	file := filepath.Join(t.TempDir(), "count")
	payload, _ := json.Marshal(map[string]any{"count": file})
	out := apptest.Must(w.fn.Invoke(t.Context(), &lambda.InvokeInput{FunctionName: aws.String("f"), InvocationType: types.InvocationTypeEvent, Payload: payload}))(t)
	if out.StatusCode != 202 || len(out.Payload) != 0 {
		t.Errorf("%+v", out)
	}
	w.until("the event arrived", func(context.Context) bool { b, _ := os.ReadFile(file); return len(b) == 1 })
	//nolint:staticcheck // what old scripts call
	old := apptest.Must(w.fn.InvokeAsync(t.Context(), &lambda.InvokeAsyncInput{FunctionName: aws.String("f"), InvokeArgs: bytes.NewReader(payload)}))(t)
	if old.Status != 202 {
		t.Errorf("%+v", old)
	}
	w.until("the older event arrived", func(context.Context) bool { b, _ := os.ReadFile(file); return len(b) == 2 })
	_, err := w.fn.Invoke(t.Context(), &lambda.InvokeInput{FunctionName: aws.String("f:none"), InvocationType: types.InvocationTypeEvent})
	apptest.WantCode(t, err, "ResourceNotFoundException")
}

// An accepted event survives the server; it may come twice.
func TestEventSurvives(t *testing.T) {
	w := begin(t)
	w.create("f")
	file := filepath.Join(t.TempDir(), "count")
	payload, _ := json.Marshal(map[string]any{"count": file, "sleep": 1})
	for range 3 {
		apptest.Must(w.fn.Invoke(t.Context(), &lambda.InvokeInput{FunctionName: aws.String("f"), InvocationType: types.InvocationTypeEvent, Payload: payload}))(t)
	}
	w.srv.Restart()
	w.until("the events arrived", func(context.Context) bool { b, _ := os.ReadFile(file); return len(b) >= 3 })
}
