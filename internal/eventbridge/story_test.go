package eventbridge_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"

	"github.com/slipway-dev/slipway/cmd/slipway/apptest"
	"github.com/slipway-dev/slipway/internal/clock"
)

var code = apptest.Code

const logGroup = "arn:aws:logs:us-east-1:000000000000:log-group:/events"

// makeGroup makes the log group of the tests.
func makeGroup(t *testing.T, cfg aws.Config) {
	t.Helper()
	if _, err := cloudwatchlogs.NewFromConfig(cfg).CreateLogGroup(t.Context(), &cloudwatchlogs.CreateLogGroupInput{LogGroupName: aws.String("/events")}); err != nil {
		t.Fatal(err)
	}
}

// messages waits, as a client does, until the log group has n events.
func messages(t *testing.T, cfg aws.Config, n int) []string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	c := cloudwatchlogs.NewFromConfig(cfg)
	for ; ; time.Sleep(20 * time.Millisecond) {
		out, err := c.FilterLogEvents(ctx, &cloudwatchlogs.FilterLogEventsInput{LogGroupName: aws.String("/events")})
		if err == nil && len(out.Events) >= n || ctx.Err() != nil {
			var all []string
			if out != nil {
				for _, e := range out.Events {
					all = append(all, *e.Message)
				}
			}
			return all
		}
	}
}

// TestRuleAsTheProviderDoes follows aws_cloudwatch_event_rule and _target.
func TestRuleAsTheProviderDoes(t *testing.T) {
	ctx := t.Context()
	srv := apptest.Start(t)
	makeGroup(t, srv.Config())
	c := eventbridge.NewFromConfig(srv.Config())
	pattern := `{"source": ["my.app"], "detail": {"n": [{"numeric": [">", 1]}]}}`
	put, err := c.PutRule(ctx, &eventbridge.PutRuleInput{Name: aws.String("r"), EventPattern: &pattern, Description: aws.String("d"),
		State: types.RuleStateEnabled, Tags: []types.Tag{{Key: aws.String("a"), Value: aws.String("1")}}})
	if err != nil || *put.RuleArn != "arn:aws:events:us-east-1:000000000000:rule/r" {
		t.Fatal(put, err)
	}
	got, err := c.DescribeRule(ctx, &eventbridge.DescribeRuleInput{Name: aws.String("r"), EventBusName: aws.String("default")})
	if err != nil || *got.EventPattern != pattern || *got.EventBusName != "default" || got.State != types.RuleStateEnabled || got.RoleArn != nil || got.ScheduleExpression != nil {
		t.Fatalf("%+v, %v", got, err)
	}
	tags, err := c.ListTagsForResource(ctx, &eventbridge.ListTagsForResourceInput{ResourceARN: put.RuleArn})
	if err != nil || len(tags.Tags) != 1 || *tags.Tags[0].Value != "1" {
		t.Errorf("tags %+v, %v", tags, err)
	}
	in := &eventbridge.PutTargetsInput{Rule: aws.String("r"), Targets: []types.Target{{Id: aws.String("log"), Arn: aws.String(logGroup),
		InputTransformer: &types.InputTransformer{InputPathsMap: map[string]string{"n": "$.detail.n", "who": "$.detail.who", "no": "$.detail.no"},
			InputTemplate: aws.String(`{"number": <n>, "text": "n is <n> by <who>", "none": "<no>", "rule": <aws.events.rule-name>}`)}}}}
	out, err := c.PutTargets(ctx, in)
	if err != nil || out.FailedEntryCount != 0 {
		t.Fatalf("%+v, %v", out, err)
	}
	list, err := c.ListTargetsByRule(ctx, &eventbridge.ListTargetsByRuleInput{Rule: aws.String("r")})
	if err != nil || len(list.Targets) != 1 || *list.Targets[0].InputTransformer.InputTemplate != *in.Targets[0].InputTransformer.InputTemplate {
		t.Errorf("targets %+v, %v", list, err)
	}
	sent, err := c.PutEvents(ctx, &eventbridge.PutEventsInput{Entries: []types.PutEventsRequestEntry{
		{Source: aws.String("my.app"), DetailType: aws.String("t"), Detail: aws.String(`{"n": 1}`)},
		{Source: aws.String("my.app"), DetailType: aws.String("t"), Detail: aws.String(`{"n": 2, "who": "a \"b\""}`)},
		{Source: aws.String("aws.s3"), DetailType: aws.String("t"), Detail: aws.String(`{}`)},
		{Source: aws.String("my.app"), DetailType: aws.String("t"), Detail: aws.String(`[]`)},
		{Source: aws.String("my.app"), DetailType: aws.String("t"), Detail: aws.String(`{}`), EventBusName: aws.String("nowhere")},
	}})
	if err != nil || sent.FailedEntryCount != 3 || sent.Entries[1].EventId == nil || *sent.Entries[2].ErrorCode != "NotAuthorizedForSourceException" || *sent.Entries[3].ErrorCode != "MalformedDetail" {
		t.Fatalf("%+v, %v", sent, err)
	}
	if got := messages(t, srv.Config(), 1); len(got) != 1 || got[0] != `{"number": 2, "text": "n is 2 by a \"b\"", "none": "", "rule": "r"}` {
		t.Errorf("delivered %q", got)
	}

	if _, err := c.DeleteRule(ctx, &eventbridge.DeleteRuleInput{Name: aws.String("r")}); code(err) != "ValidationException" {
		t.Errorf("rule with targets: %v", err)
	}
	if _, err := c.RemoveTargets(ctx, &eventbridge.RemoveTargetsInput{Rule: aws.String("r"), Ids: []string{"log", "none"}}); err != nil {
		t.Error(err)
	}
	for range 2 { // the second finds nothing, which is no error
		if _, err := c.DeleteRule(ctx, &eventbridge.DeleteRuleInput{Name: aws.String("r")}); err != nil {
			t.Error(err)
		}
	}
	if _, err := c.DescribeRule(ctx, &eventbridge.DescribeRuleInput{Name: aws.String("r")}); code(err) != "ResourceNotFoundException" {
		t.Errorf("after delete: %v", err)
	}
	if _, err := c.ListTargetsByRule(ctx, &eventbridge.ListTargetsByRuleInput{Rule: aws.String("r")}); code(err) != "ResourceNotFoundException" {
		t.Errorf("targets after delete: %v", err)
	}
}

func TestRefusals(t *testing.T) {
	ctx := t.Context()
	c := eventbridge.NewFromConfig(apptest.Start(t).Config())
	for name, tt := range map[string]struct {
		in   eventbridge.PutRuleInput
		code string
	}{
		"neither":       {eventbridge.PutRuleInput{}, "ValidationException"},
		"bad pattern":   {eventbridge.PutRuleInput{EventPattern: aws.String(`{"source": "x"}`)}, "InvalidEventPatternException"},
		"no JSON":       {eventbridge.PutRuleInput{EventPattern: aws.String(`{"source"`)}, "InvalidEventPatternException"},
		"bad schedule":  {eventbridge.PutRuleInput{ScheduleExpression: aws.String("rate(1 minutes)")}, "ValidationException"},
		"no such bus":   {eventbridge.PutRuleInput{EventPattern: aws.String(`{"source": ["x"]}`), EventBusName: aws.String("b")}, "ResourceNotFoundException"},
		"reserved tags": {eventbridge.PutRuleInput{EventPattern: aws.String(`{"source": ["x"]}`), Tags: []types.Tag{{Key: aws.String("aws:x"), Value: aws.String("")}}}, "ValidationException"},
	} {
		tt.in.Name = aws.String("r")
		if _, err := c.PutRule(ctx, &tt.in); code(err) != tt.code {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := c.PutRule(ctx, &eventbridge.PutRuleInput{Name: aws.String("r"), ScheduleExpression: aws.String("rate(5 minutes)")}); err != nil {
		t.Fatal(err)
	}
	out, err := c.PutTargets(ctx, &eventbridge.PutTargetsInput{Rule: aws.String("r"), Targets: []types.Target{
		{Id: aws.String("a"), Arn: aws.String("nothing")},
		{Id: aws.String("b"), Arn: aws.String("arn:aws:codepipeline:us-east-1:000000000000:p")},
		{Id: aws.String("c"), Arn: aws.String(logGroup), Input: aws.String("{")},
		{Id: aws.String("d"), Arn: aws.String(logGroup), Input: aws.String("{}"), InputPath: aws.String("$.detail")},
		{Id: aws.String("e"), Arn: aws.String(logGroup), InputPath: aws.String("detail")},
		{Id: aws.String("f"), Arn: aws.String(logGroup)},
	}})
	if err != nil || out.FailedEntryCount != 5 || !strings.Contains(*out.FailedEntries[1].ErrorMessage, "RoleArn is required") {
		t.Errorf("%+v, %v", out, err)
	}
	result, err := c.TestEventPattern(ctx, &eventbridge.TestEventPatternInput{EventPattern: aws.String(`{"source": [{"prefix": "aws."}]}`),
		Event: aws.String(`{"id": "1", "account": "0", "source": "aws.ecr", "time": "2026-01-01T00:00:00Z", "region": "us-east-1", "resources": [], "detail-type": "t", "detail": {}}`)})
	if err != nil || !result.Result {
		t.Errorf("%+v, %v", result, err)
	}
}

// TestBuses also forwards from the default bus to another, once.
func TestBuses(t *testing.T) {
	ctx := t.Context()
	srv := apptest.Start(t)
	makeGroup(t, srv.Config())
	c := eventbridge.NewFromConfig(srv.Config())
	made, err := c.CreateEventBus(ctx, &eventbridge.CreateEventBusInput{Name: aws.String("orders"), Description: aws.String("d")})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.CreateEventBus(ctx, &eventbridge.CreateEventBusInput{Name: aws.String("orders")}); code(err) != "ResourceAlreadyExistsException" {
		t.Error(err)
	}
	rule := func(bus, name string, targets ...types.Target) {
		t.Helper()
		if _, err := c.PutRule(ctx, &eventbridge.PutRuleInput{Name: &name, EventBusName: &bus, EventPattern: aws.String(`{"source": ["my.app"]}`)}); err != nil {
			t.Fatal(err)
		}
		if out, err := c.PutTargets(ctx, &eventbridge.PutTargetsInput{Rule: &name, EventBusName: &bus, Targets: targets}); err != nil || out.FailedEntryCount > 0 {
			t.Fatal(out, err)
		}
	}
	rule("default", "forward", types.Target{Id: aws.String("1"), Arn: made.EventBusArn})
	rule(*made.EventBusArn, "log", types.Target{Id: aws.String("1"), Arn: aws.String(logGroup), InputPath: aws.String("$.detail")})
	rule("orders", "back", types.Target{Id: aws.String("1"), Arn: aws.String("arn:aws:events:us-east-1:000000000000:event-bus/default")})
	if _, err := c.PutEvents(ctx, &eventbridge.PutEventsInput{Entries: []types.PutEventsRequestEntry{{Source: aws.String("my.app"), DetailType: aws.String("t"), Detail: aws.String(`{"a":[1]}`)}}}); err != nil {
		t.Fatal(err)
	}
	if got := messages(t, srv.Config(), 1); len(got) == 0 || got[0] != `{"a":[1]}` {
		t.Errorf("forwarded %q", got)
	}
	if _, err := c.PutPermission(ctx, &eventbridge.PutPermissionInput{EventBusName: aws.String("orders"), StatementId: aws.String("s"), Principal: aws.String("111122223333"), Action: aws.String("events:PutEvents")}); err != nil {
		t.Error(err)
	}
	got, err := c.DescribeEventBus(ctx, &eventbridge.DescribeEventBusInput{Name: aws.String("orders")})
	if err != nil || !strings.Contains(aws.ToString(got.Policy), "arn:aws:iam::111122223333:root") {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err := c.DeleteEventBus(ctx, &eventbridge.DeleteEventBusInput{Name: aws.String("orders")}); code(err) != "ValidationException" {
		t.Errorf("bus with rules: %v", err)
	}
	buses, err := c.ListEventBuses(ctx, &eventbridge.ListEventBusesInput{})
	if err != nil || len(buses.EventBuses) != 2 || *buses.EventBuses[0].Name != "default" {
		t.Errorf("%+v, %v", buses, err)
	}
}

// TestSchedule fires by the clock, and goes on after a crash.
func TestSchedule(t *testing.T) {
	ctx := t.Context()
	now := clock.NewFake(time.Now().Truncate(time.Second))
	srv := apptest.Start(t, apptest.Clock(now))
	makeGroup(t, srv.Config())
	c := eventbridge.NewFromConfig(srv.Config())
	if _, err := c.PutRule(ctx, &eventbridge.PutRuleInput{Name: aws.String("r"), ScheduleExpression: aws.String("rate(5 minutes)")}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.PutTargets(ctx, &eventbridge.PutTargetsInput{Rule: aws.String("r"), Targets: []types.Target{{Id: aws.String("1"), Arn: aws.String(logGroup), InputPath: aws.String("$.detail-type")}}}); err != nil {
		t.Fatal(err)
	}
	for i := 1; i <= 3; i++ {
		now.Advance(5 * time.Minute)
		c = eventbridge.NewFromConfig(srv.Config())
		if got := messages(t, srv.Config(), i); len(got) != i || got[i-1] != `"Scheduled Event"` {
			t.Fatalf("after %d times: %q", i, got)
		}
		srv.Restart()
	}
	if _, err := c.DisableRule(ctx, &eventbridge.DisableRuleInput{Name: aws.String("r")}); err != nil {
		t.Fatal(err)
	}
	now.Advance(time.Hour)
	if got := messages(t, srv.Config(), 3); len(got) != 3 {
		t.Errorf("a disabled rule fired: %q", got)
	}
}
