package lambda_test

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/slipway-dev/slipway/cmd/slipway/apptest"
	"github.com/slipway-dev/slipway/internal/clock"
)

// failing counts its events in a file, and fails.
func failing(t *testing.T, w *world, name string) (count func() int) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "count")
	payload, _ := json.Marshal(map[string]any{"count": file, "fail": true})
	apptest.Must(w.fn.Invoke(t.Context(), &lambda.InvokeInput{FunctionName: &name, InvocationType: types.InvocationTypeEvent, Payload: payload}))(t)
	return func() int { b, _ := os.ReadFile(file); return len(b) }
}

// An event that fails is tried again after one minute and after two more.
func TestRetries(t *testing.T) {
	now := clock.NewFake(time.Now())
	w := begin(t, apptest.Clock(now))
	w.create("f")
	count := failing(t, w, "f")
	w.until("the first attempt", func(context.Context) bool { return count() == 1 })
	for i, wait := range []time.Duration{time.Minute, 2 * time.Minute} {
		began := now.Now()
		w.until("another attempt", func(context.Context) bool { now.Advance(time.Second); return count() == i+2 })
		if took := now.Now().Sub(began); took < wait-time.Second || took > wait+30*time.Second {
			t.Errorf("attempt %d came after %v", i+2, took)
		}
	}
	apptest.Must(w.fn.PutFunctionEventInvokeConfig(t.Context(), &lambda.PutFunctionEventInvokeConfigInput{FunctionName: aws.String("f"), MaximumRetryAttempts: aws.Int32(0)}))(t)
	once := failing(t, w, "f")
	w.until("the attempt is counted", func(context.Context) bool { return once() == 1 })
	now.Advance(time.Minute)
	w.answer(w.invoke("f", "{}"))
	if count() != 3 || once() != 1 {
		t.Errorf("%d and %d attempts", count(), once())
	}
}

// An instance without events is ended after five minutes.
func TestIdle(t *testing.T) {
	now := clock.NewFake(time.Now())
	w := begin(t, apptest.Clock(now))
	w.create("f")
	pid := w.answer(w.invoke("f", "{}")).PID
	now.Advance(4 * time.Minute)
	if again := w.answer(w.invoke("f", "{}")).PID; again != pid {
		t.Error("it was ended too early")
	}
	now.Advance(5*time.Minute - time.Second)
	if again := w.answer(w.invoke("f", "{}")).PID; again != pid {
		t.Error("its last event does not count")
	}
	// It is idle when its runtime asks for another event, which the answer does
	// not wait for.
	w.until("it is ended", func(context.Context) bool {
		now.Advance(5 * time.Minute)
		return w.answer(w.invoke("f", "{}")).PID != pid
	})
}
