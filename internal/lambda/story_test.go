package lambda_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/slipway-dev/slipway/cmd/slipway/apptest"
)

func TestTags(t *testing.T) {
	w := begin(t)
	ctx, arn := t.Context(), aws.String("arn:aws:lambda:us-east-1:000000000000:function:f")
	w.create("f", func(in *lambda.CreateFunctionInput) { in.Tags = map[string]string{"a": "1", "b": "2"} })
	apptest.Must(w.fn.TagResource(ctx, &lambda.TagResourceInput{Resource: arn, Tags: map[string]string{"b": "3", "c": "4"}}))(t)
	apptest.Must(w.fn.UntagResource(ctx, &lambda.UntagResourceInput{Resource: arn, TagKeys: []string{"a", "none"}}))(t)
	got := apptest.Must(w.fn.ListTags(ctx, &lambda.ListTagsInput{Resource: arn}))(t)
	if len(got.Tags) != 2 || got.Tags["b"] != "3" || got.Tags["c"] != "4" {
		t.Errorf("%v", got.Tags)
	}
	_, err := w.fn.ListTags(ctx, &lambda.ListTagsInput{Resource: aws.String(*arn + "x")})
	apptest.WantCode(t, err, "ResourceNotFoundException")
}

func TestConcurrency(t *testing.T) {
	w := begin(t)
	ctx, name := t.Context(), aws.String("f")
	w.create("f")
	apptest.Must(w.fn.PutFunctionConcurrency(ctx, &lambda.PutFunctionConcurrencyInput{FunctionName: name, ReservedConcurrentExecutions: aws.Int32(0)}))(t)
	once := lambda.NewFromConfig(w.cfg, func(o *lambda.Options) { o.RetryMaxAttempts = 1 })
	_, err := once.Invoke(ctx, &lambda.InvokeInput{FunctionName: name})
	apptest.WantCode(t, err, "TooManyRequestsException")
	got := apptest.Must(w.fn.GetFunction(ctx, &lambda.GetFunctionInput{FunctionName: name}))(t)
	if got.Concurrency == nil || *got.Concurrency.ReservedConcurrentExecutions != 0 {
		t.Errorf("%+v", got.Concurrency)
	}
	_, err = w.fn.PutFunctionConcurrency(ctx, &lambda.PutFunctionConcurrencyInput{FunctionName: name, ReservedConcurrentExecutions: aws.Int32(901)})
	apptest.WantCode(t, err, "InvalidParameterValueException")
	apptest.Must(w.fn.PutFunctionConcurrency(ctx, &lambda.PutFunctionConcurrencyInput{FunctionName: name, ReservedConcurrentExecutions: aws.Int32(100)}))(t)
	account := apptest.Must(w.fn.GetAccountSettings(ctx, &lambda.GetAccountSettingsInput{}))(t)
	if *account.AccountLimit.UnreservedConcurrentExecutions != 900 || account.AccountUsage.FunctionCount != 1 {
		t.Errorf("%+v %+v", account.AccountLimit, account.AccountUsage)
	}
	apptest.Must(w.fn.DeleteFunctionConcurrency(ctx, &lambda.DeleteFunctionConcurrencyInput{FunctionName: name}))(t)
	w.answer(w.invoke("f", "{}"))
}

// In the order of the calls of Terraform's aws_lambda_function_event_invoke_config.
func TestEventInvokeConfig(t *testing.T) {
	w := begin(t)
	ctx, name := t.Context(), aws.String("f")
	w.create("f")
	_, err := w.fn.GetFunctionEventInvokeConfig(ctx, &lambda.GetFunctionEventInvokeConfigInput{FunctionName: name})
	apptest.WantCode(t, err, "ResourceNotFoundException")
	put := apptest.Must(w.fn.PutFunctionEventInvokeConfig(ctx, &lambda.PutFunctionEventInvokeConfigInput{FunctionName: name, MaximumRetryAttempts: aws.Int32(0), MaximumEventAgeInSeconds: aws.Int32(60)}))(t)
	if *put.MaximumRetryAttempts != 0 || *put.FunctionArn != "arn:aws:lambda:us-east-1:000000000000:function:f:$LATEST" {
		t.Errorf("%+v", put)
	}
	apptest.Must(w.fn.UpdateFunctionEventInvokeConfig(ctx, &lambda.UpdateFunctionEventInvokeConfigInput{FunctionName: name, MaximumRetryAttempts: aws.Int32(1)}))(t)
	got := apptest.Must(w.fn.GetFunctionEventInvokeConfig(ctx, &lambda.GetFunctionEventInvokeConfigInput{FunctionName: name}))(t)
	if *got.MaximumRetryAttempts != 1 || *got.MaximumEventAgeInSeconds != 60 {
		t.Errorf("%+v", got)
	}
	list := apptest.Must(w.fn.ListFunctionEventInvokeConfigs(ctx, &lambda.ListFunctionEventInvokeConfigsInput{FunctionName: name}))(t)
	if len(list.FunctionEventInvokeConfigs) != 1 {
		t.Errorf("%+v", list)
	}
	_, err = w.fn.PutFunctionEventInvokeConfig(ctx, &lambda.PutFunctionEventInvokeConfigInput{FunctionName: name, DestinationConfig: &types.DestinationConfig{
		OnFailure: &types.OnFailure{Destination: aws.String("arn:aws:sqs:us-east-1:000000000000:t")}}})
	apptest.WantCode(t, err, "InvalidParameterValueException")
	apptest.Must(w.fn.DeleteFunctionEventInvokeConfig(ctx, &lambda.DeleteFunctionEventInvokeConfigInput{FunctionName: name}))(t)
	_, err = w.fn.DeleteFunctionEventInvokeConfig(ctx, &lambda.DeleteFunctionEventInvokeConfigInput{FunctionName: name})
	apptest.WantCode(t, err, "ResourceNotFoundException")
}
