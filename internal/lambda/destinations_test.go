package lambda_test

import (
	"context"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	bridge "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"github.com/slipway-dev/slipway/cmd/slipway/apptest"
)

// The end of an asynchronous invocation is told to a topic, a bus, a function
// and a bucket, in the function's role; here another function hears all of it.
func TestDestinations(t *testing.T) {
	w := begin(t)
	ctx, name := t.Context(), aws.String("f")
	const lambdas = "arn:aws:lambda:us-east-1:000000000000:function:"
	w.create("hear")
	w.create("f")
	allow := func(actions string) {
		t.Helper()
		apptest.Must(iam.NewFromConfig(w.cfg).PutRolePolicy(ctx, &iam.PutRolePolicyInput{RoleName: aws.String("fn"), PolicyName: aws.String("tell"),
			PolicyDocument: aws.String(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":[` + actions + `],"Resource":"*"}]}`)}))(t)
	}
	allow(`"sns:Publish","events:PutEvents","lambda:InvokeFunction","s3:PutObject"`)
	topics, bus, buckets := sns.NewFromConfig(w.cfg), eventbridge.NewFromConfig(w.cfg), s3.NewFromConfig(w.cfg, func(o *s3.Options) { o.UsePathStyle = true })
	topic := apptest.Must(topics.CreateTopic(ctx, &sns.CreateTopicInput{Name: aws.String("ends")}))(t)
	apptest.Must(topics.Subscribe(ctx, &sns.SubscribeInput{TopicArn: topic.TopicArn, Protocol: aws.String("lambda"), Endpoint: aws.String(lambdas + "hear")}))(t)
	apptest.Must(bus.PutRule(ctx, &eventbridge.PutRuleInput{Name: aws.String("ends"), EventPattern: aws.String(`{"source":["lambda"]}`)}))(t)
	apptest.Must(bus.PutTargets(ctx, &eventbridge.PutTargetsInput{Rule: aws.String("ends"), Targets: []bridge.Target{{Id: aws.String("hear"), Arn: aws.String(lambdas + "hear")}}}))(t)
	apptest.Must(buckets.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: aws.String("ends")}))(t)
	for _, service := range []string{"sns", "events"} {
		apptest.Must(w.fn.AddPermission(ctx, &lambda.AddPermissionInput{FunctionName: aws.String("hear"), StatementId: &service, Action: aws.String("lambda:InvokeFunction"), Principal: aws.String(service + ".amazonaws.com")}))(t)
	}
	configure := func(success, failure string) {
		t.Helper()
		d := &types.DestinationConfig{}
		if success != "" {
			d.OnSuccess = &types.OnSuccess{Destination: &success}
		}
		if failure != "" {
			d.OnFailure = &types.OnFailure{Destination: &failure}
		}
		out := apptest.Must(w.fn.PutFunctionEventInvokeConfig(ctx, &lambda.PutFunctionEventInvokeConfigInput{FunctionName: name, MaximumRetryAttempts: aws.Int32(0), DestinationConfig: d}))(t)
		if aws.ToString(out.DestinationConfig.OnFailure.Destination) != failure || aws.ToString(out.DestinationConfig.OnSuccess.Destination) != success {
			t.Errorf("%+v", out.DestinationConfig)
		}
	}
	send := func(payload string) {
		t.Helper()
		apptest.Must(w.fn.Invoke(ctx, &lambda.InvokeInput{FunctionName: name, InvocationType: types.InvocationTypeEvent, Payload: []byte(payload)}))(t)
	}
	heard := func(parts ...string) {
		t.Helper()
		w.until(strings.Join(parts, " "), func(context.Context) bool {
			for line := range strings.Lines(w.log("hear")) {
				all := true
				for _, p := range parts {
					all = all && strings.Contains(line, p)
				}
				if all {
					return true
				}
			}
			return false
		})
	}

	configure("arn:aws:events:us-east-1:000000000000:event-bus/default", lambdas+"hear")
	send(`{"n": 1}`)
	heard(`"detail-type": "Lambda Function Invocation Result - Success"`, `"requestPayload": {"n": 1}`, `"condition": "Success"`, `"approximateInvokeCount": 1`, `"executedVersion": "$LATEST"`, `"functionArn": "`+lambdas+`f:$LATEST"`)
	send(`{"fail": 2}`)
	heard(`{"version": "1.0"`, `"requestPayload": {"fail": 2}`, `"condition": "RetriesExhausted"`, `"functionError": "Unhandled"`, `"errorMessage": "as told"`)

	configure(*topic.TopicArn, "arn:aws:s3:::ends")
	apptest.Must(w.fn.UpdateFunctionConfiguration(ctx, &lambda.UpdateFunctionConfigurationInput{FunctionName: name, DeadLetterConfig: &types.DeadLetterConfig{TargetArn: topic.TopicArn}}))(t)
	w.updated("f")
	send(`{"n": 3}`)
	heard(`"Sns"`, `\"requestPayload\":{\"n\":3}`)
	send(`{"fail": 4}`)
	heard(`"Sns"`, `"Message": "{\"fail\": 4}"`, `"ErrorCode": {"Type": "Number", "Value": "200"}`, `"ErrorMessage": {"Type": "String", "Value": "as told"}`)
	w.until("the record is in the bucket", func(ctx context.Context) bool {
		out, err := buckets.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: aws.String("ends"), Prefix: aws.String("aws/lambda/async/f/")})
		return err == nil && len(out.Contents) == 1
	})

	// With a reservation of nothing nothing is tried.
	apptest.Must(w.fn.PutFunctionConcurrency(ctx, &lambda.PutFunctionConcurrencyInput{FunctionName: name, ReservedConcurrentExecutions: aws.Int32(0)}))(t)
	send(`{"n": 5}`)
	heard(`"Message": "{\"n\": 5}"`, `"ErrorCode": {"Type": "Number", "Value": "429"}`)

	for _, target := range []string{"arn:aws:sqs:us-east-1:000000000000:q", "arn:aws:s3:::ends", "arn:aws:dynamodb:us-east-1:000000000000:table/t"} {
		_, err := w.fn.PutFunctionEventInvokeConfig(ctx, &lambda.PutFunctionEventInvokeConfigInput{FunctionName: name, DestinationConfig: &types.DestinationConfig{OnSuccess: &types.OnSuccess{Destination: &target}}})
		apptest.WantCode(t, err, "InvalidParameterValueException")
	}
}
