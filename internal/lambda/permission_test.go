package lambda_test

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	eventtypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"github.com/slipway-dev/slipway/cmd/slipway/apptest"
)

func TestPermissions(t *testing.T) {
	w := begin(t)
	ctx, name := t.Context(), aws.String("f")
	w.create("f")
	_, err := w.fn.GetPolicy(ctx, &lambda.GetPolicyInput{FunctionName: name})
	apptest.WantCode(t, err, "ResourceNotFoundException")
	for _, tt := range []struct {
		in   lambda.AddPermissionInput
		want string
	}{
		{lambda.AddPermissionInput{Principal: aws.String("events.amazonaws.com"), SourceArn: aws.String("arn:aws:events:us-east-1:000000000000:rule/r")},
			`{"Sid":"a","Effect":"Allow","Principal":{"Service":"events.amazonaws.com"},"Action":"lambda:InvokeFunction","Resource":"arn:aws:lambda:us-east-1:000000000000:function:f","Condition":{"ArnLike":{"AWS:SourceArn":"arn:aws:events:us-east-1:000000000000:rule/r"}}}`},
		{lambda.AddPermissionInput{Principal: aws.String("123456789012"), SourceAccount: aws.String("123456789012")},
			`{"Sid":"b","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::123456789012:root"},"Action":"lambda:InvokeFunction","Resource":"arn:aws:lambda:us-east-1:000000000000:function:f","Condition":{"StringEquals":{"AWS:SourceAccount":"123456789012"}}}`},
		{lambda.AddPermissionInput{Principal: aws.String("*")},
			`{"Sid":"c","Effect":"Allow","Principal":"*","Action":"lambda:InvokeFunction","Resource":"arn:aws:lambda:us-east-1:000000000000:function:f"}`},
	} {
		sid := tt.want[8:9]
		tt.in.FunctionName, tt.in.Action, tt.in.StatementId = name, aws.String("lambda:InvokeFunction"), &sid
		out := apptest.Must(w.fn.AddPermission(ctx, &tt.in))(t)
		if *out.Statement != tt.want {
			t.Errorf("got  %s\nwant %s", *out.Statement, tt.want)
		}
	}
	add := func(sid, principal string) error {
		_, err := w.fn.AddPermission(ctx, &lambda.AddPermissionInput{FunctionName: name, Action: aws.String("lambda:InvokeFunction"), StatementId: &sid, Principal: &principal})
		return err
	}
	apptest.WantCode(t, add("a", "sns.amazonaws.com"), "ResourceConflictException")
	apptest.WantCode(t, add("d", "somebody"), "InvalidParameterValueException")
	got := apptest.Must(w.fn.GetPolicy(ctx, &lambda.GetPolicyInput{FunctionName: name}))(t)
	var doc struct{ Statement []map[string]any }
	if err := json.Unmarshal([]byte(*got.Policy), &doc); err != nil || len(doc.Statement) != 3 || *got.RevisionId == "" {
		t.Errorf("%s", *got.Policy)
	}
	// The policy's revision is the function's, and another with each change.
	read := func() *string {
		return apptest.Must(w.fn.GetFunctionConfiguration(ctx, &lambda.GetFunctionConfigurationInput{FunctionName: name}))(t).RevisionId
	}
	if is := read(); *is != *got.RevisionId {
		t.Errorf("the policy is of %s, the function of %s", *got.RevisionId, *is)
	}
	again := func(revision *string) error {
		_, err := w.fn.AddPermission(ctx, &lambda.AddPermissionInput{FunctionName: name, Action: aws.String("lambda:InvokeFunction"), StatementId: aws.String("d"), Principal: aws.String("*"), RevisionId: revision})
		return err
	}
	apptest.WantCode(t, again(aws.String("other")), "PreconditionFailedException")
	if err := again(got.RevisionId); err != nil {
		t.Error(err)
	}
	_, err = w.fn.RemovePermission(ctx, &lambda.RemovePermissionInput{FunctionName: name, StatementId: aws.String("d"), RevisionId: got.RevisionId})
	apptest.WantCode(t, err, "PreconditionFailedException")
	apptest.Must(w.fn.RemovePermission(ctx, &lambda.RemovePermissionInput{FunctionName: name, StatementId: aws.String("d"), RevisionId: read()}))(t)

	remove := func(sid string) error {
		_, err := w.fn.RemovePermission(ctx, &lambda.RemovePermissionInput{FunctionName: name, StatementId: &sid})
		return err
	}
	apptest.WantCode(t, remove("x"), "ResourceNotFoundException")
	for _, sid := range []string{"a", "b", "c"} {
		if err := remove(sid); err != nil {
			t.Error(err)
		}
	}
	_, err = w.fn.GetPolicy(ctx, &lambda.GetPolicyInput{FunctionName: name})
	apptest.WantCode(t, err, "ResourceNotFoundException")
}

// Under --iam enforce a rule and a topic invoke a function if its policy lets
// them, and a user whom only the policy names does.
func TestPolicyDecides(t *testing.T) {
	w := begin(t, apptest.Enforce)
	ctx, name := t.Context(), aws.String("f")
	w.create("f")
	function := "arn:aws:lambda:us-east-1:000000000000:function:f"
	file := filepath.Join(t.TempDir(), "count")
	payload, _ := json.Marshal(map[string]any{"count": file})
	events := eventbridge.NewFromConfig(w.cfg)
	rule := apptest.Must(events.PutRule(ctx, &eventbridge.PutRuleInput{Name: aws.String("r"), EventPattern: aws.String(`{"source":["my.app"]}`)}))(t)
	apptest.Must(events.PutTargets(ctx, &eventbridge.PutTargetsInput{Rule: aws.String("r"), Targets: []eventtypes.Target{{Id: aws.String("f"), Arn: &function, Input: aws.String(string(payload))}}}))(t)
	topics := sns.NewFromConfig(w.cfg)
	topic := apptest.Must(topics.CreateTopic(ctx, &sns.CreateTopicInput{Name: aws.String("t")}))(t)
	apptest.Must(topics.Subscribe(ctx, &sns.SubscribeInput{TopicArn: topic.TopicArn, Protocol: aws.String("lambda"), Endpoint: &function}))(t)
	tell := func() {
		apptest.Must(events.PutEvents(ctx, &eventbridge.PutEventsInput{Entries: []eventtypes.PutEventsRequestEntry{{Source: aws.String("my.app"), DetailType: aws.String("x"), Detail: aws.String("{}")}}}))(t)
	}
	tell()
	w.until("the rule is refused", func(ctx context.Context) bool {
		out, err := cloudwatch.NewFromConfig(w.cfg).ListMetrics(ctx, &cloudwatch.ListMetricsInput{Namespace: aws.String("AWS/Events"), MetricName: aws.String("FailedInvocations")})
		return err == nil && len(out.Metrics) > 0
	})
	allow := func(sid, principal string, source *string) {
		t.Helper()
		apptest.Must(w.fn.AddPermission(ctx, &lambda.AddPermissionInput{FunctionName: name, Action: aws.String("lambda:InvokeFunction"), StatementId: &sid, Principal: &principal, SourceArn: source}))(t)
	}
	allow("rule", "events.amazonaws.com", rule.RuleArn)
	tell()
	w.until("the rule's event arrived", func(context.Context) bool { b, _ := os.ReadFile(file); return len(b) > 0 })
	allow("topic", "sns.amazonaws.com", topic.TopicArn)
	apptest.Must(topics.Publish(ctx, &sns.PublishInput{TopicArn: topic.TopicArn, Message: aws.String("news for all")}))(t)
	w.until("the topic's message arrived", func(ctx context.Context) bool { return strings.Contains(w.log("f"), "news for all") })
	if b, _ := os.ReadFile(file); len(b) != 1 {
		t.Errorf("%d events of the rule", len(b))
	}

	users := iam.NewFromConfig(w.cfg)
	user := apptest.Must(users.CreateUser(ctx, &iam.CreateUserInput{UserName: aws.String("dev")}))(t)
	key := apptest.Must(users.CreateAccessKey(ctx, &iam.CreateAccessKeyInput{UserName: aws.String("dev")}))(t)
	dev := lambda.NewFromConfig(w.srv.ConfigFor(aws.Credentials{AccessKeyID: *key.AccessKey.AccessKeyId, SecretAccessKey: *key.AccessKey.SecretAccessKey}))
	_, err := dev.Invoke(ctx, &lambda.InvokeInput{FunctionName: name})
	apptest.WantCode(t, err, "AccessDeniedException")
	allow("user", *user.User.Arn, nil)
	if _, err := dev.Invoke(ctx, &lambda.InvokeInput{FunctionName: name}); err != nil {
		t.Error(err)
	}
}
