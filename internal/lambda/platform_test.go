package lambda_test

import (
	"context"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/slipway-dev/slipway/cmd/slipway/apptest"
)

// In the log format JSON what Lambda says is objects, of the levels that the
// function wants.
func TestLogFormat(t *testing.T) {
	w := begin(t)
	ctx := t.Context()
	w.create("f", func(in *lambda.CreateFunctionInput) {
		in.LoggingConfig = &types.LoggingConfig{LogFormat: types.LogFormatJson}
	})
	got := apptest.Must(w.fn.GetFunctionConfiguration(ctx, &lambda.GetFunctionConfigurationInput{FunctionName: aws.String("f")}))(t)
	if l := got.LoggingConfig; l.ApplicationLogLevel != "INFO" || l.SystemLogLevel != "INFO" || *l.LogGroup != "/aws/lambda/f" {
		t.Errorf("%+v", l)
	}
	w.answer(w.invoke("f", `{"n": 1}`))
	w.invoke("f", `{"fail": 2}`)
	wait := func(text string) string {
		w.until(text, func(context.Context) bool { return strings.Contains(w.log("f"), text) })
		return w.log("f")
	}
	wait(`"status":"error"}}`)
	log := w.log("f")
	for _, part := range []string{`"type":"platform.initStart"`, `"runtimeVersion":"provided:al2023"`, `"type":"platform.start","record":{"requestId":"`, `event {"n": 1}`,
		`"type":"platform.report","record":{"requestId":"`, `"memorySizeMB":128`, `"initDurationMs":`, `"status":"success"`, `"type":"platform.runtimeDone"`} {
		if !strings.Contains(log, part) {
			t.Errorf("%s lacks %s", log, part)
		}
	}
	if strings.Contains(log, "START") || strings.Count(log, "platform.runtimeDone") != 1 { // of the error; the other is of the level DEBUG
		t.Errorf("%s", log)
	}

	apptest.Must(w.fn.UpdateFunctionConfiguration(ctx, &lambda.UpdateFunctionConfigurationInput{FunctionName: aws.String("f"),
		LoggingConfig: &types.LoggingConfig{LogFormat: types.LogFormatJson, SystemLogLevel: types.SystemLogLevelWarn, ApplicationLogLevel: types.ApplicationLogLevelError}}))(t)
	w.updated("f")
	w.answer(w.invoke("f", `{"n": 3}`))
	if more := strings.TrimPrefix(wait(`event {"n": 3}`), log); strings.Contains(more, "platform.") {
		t.Errorf("%s", more)
	}
	_, err := w.fn.UpdateFunctionConfiguration(ctx, &lambda.UpdateFunctionConfigurationInput{FunctionName: aws.String("f"),
		LoggingConfig: &types.LoggingConfig{LogFormat: types.LogFormatText, SystemLogLevel: types.SystemLogLevelWarn}})
	apptest.WantCode(t, err, "InvalidParameterValueException")
}
