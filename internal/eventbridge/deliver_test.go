package eventbridge

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	metrics "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	logstypes "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"

	"github.com/slipway-dev/slipway/internal/aws/identity"
	"github.com/slipway-dev/slipway/internal/aws/session"
	"github.com/slipway-dev/slipway/internal/aws/wire"
	"github.com/slipway-dev/slipway/internal/bus"
	"github.com/slipway-dev/slipway/internal/clock"
	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/engine/enginetest"
	"github.com/slipway-dev/slipway/internal/id"
	"github.com/slipway-dev/slipway/internal/site"
	"github.com/slipway-dev/slipway/internal/store"
)

const (
	account  = "123456789012"
	pipeline = "arn:aws:codepipeline:us-east-1:" + account + ":app"
	group    = "arn:aws:logs:us-east-1:" + account + ":log-group:/events"
)

// fixture is the service among what it calls: log groups, metrics, and an AWS
// that answers as the test says.
type fixture struct {
	*Service
	t       *testing.T
	engine  *engine.Engine
	clock   *clock.Fake
	ctx     context.Context
	said    bytes.Buffer // the log
	counts  map[string]int
	entries []logstypes.InputLogEvent
	calls   []string // bodies of requests
	texts   []string // of messages to topics, and to functions
	answer  func(call int) (status int, body string)
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	e, c := enginetest.New(t)
	f := &fixture{t: t, engine: e, clock: c, ctx: identity.WithRegion(t.Context(), "us-east-1"), counts: map[string]int{},
		answer: func(int) (int, string) { return 200, "{}" }}
	var err error
	f.Service, err = New(Config{Engine: e, Bus: bus.New(e, id.Random), Site: site.Site{Account: account}, IDs: id.Random,
		Log: slog.New(slog.NewTextHandler(&f.said, nil)), Sessions: f, Logs: f, Metrics: f, Topics: f, Functions: f})
	if err != nil {
		t.Fatal(err)
	}
	enginetest.Start(t, e)
	return f
}

func (f *fixture) HasGroup(_ store.Reader, _, name string) (bool, error) {
	return name == "/events", nil
}

func (f *fixture) Append(_ *engine.Tx, _, _, _ string, events []logstypes.InputLogEvent) error {
	f.entries = append(f.entries, events...)
	return nil
}

func (f *fixture) Notify(_ *engine.Tx, who, source, topic, subject, text string) error {
	if who != "events.amazonaws.com" || !strings.HasSuffix(source, ":rule/r") || !strings.HasSuffix(topic, ":deploys") || subject != "" {
		return &wire.Error{Code: "NotFound", Message: "Topic does not exist"}
	}
	f.texts = append(f.texts, text)
	return nil
}

func (f *fixture) Invoke(_ context.Context, who, source, function string, payload []byte) error {
	if who != "events.amazonaws.com" || !strings.HasSuffix(source, ":rule/r") || !strings.HasSuffix(function, ":function:f") {
		return &wire.Error{Code: "AccessDeniedException", Message: "not authorized", Status: http.StatusForbidden}
	}
	f.texts = append(f.texts, string(payload))
	return nil
}

func (f *fixture) Record(_ context.Context, _, namespace string, data []metrics.MetricDatum) error {
	f.counts[namespace+" "+*data[0].MetricName+" "+*data[0].Dimensions[0].Value]++
	return nil
}

func (f *fixture) Credentials(context.Context, session.Request) (aws.Credentials, error) {
	return aws.Credentials{}, errors.New("not asked for")
}

func (f *fixture) Config(_ context.Context, r session.Request) (aws.Config, error) {
	return aws.Config{Region: r.Region, HTTPClient: f, RetryMaxAttempts: 1, Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{AccessKeyID: r.RoleARN, SecretAccessKey: "s"}, nil
	})}, nil
}

// Do is the AWS that targets are called at.
func (f *fixture) Do(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	f.calls = append(f.calls, r.Header.Get("X-Amz-Target")+" "+string(body))
	status, text := f.answer(len(f.calls))
	return &http.Response{StatusCode: status, Header: http.Header{"Content-Type": {"application/x-amz-json-1.1"}}, Body: io.NopCloser(strings.NewReader(text)), Request: r}, nil
}

// rule puts a rule for the events of my.app, with targets.
func (f *fixture) rule(bus, name string, list ...types.Target) {
	f.t.Helper()
	if _, err := f.PutRule(f.ctx, &eventbridge.PutRuleInput{Name: &name, EventBusName: &bus, EventPattern: aws.String(`{"source":["my.app"]}`)}); err != nil {
		f.t.Fatal(err)
	}
	for i := range list {
		list[i].Id = aws.String(string(rune('a' + i)))
	}
	out, err := f.PutTargets(f.ctx, &eventbridge.PutTargetsInput{Rule: &name, EventBusName: &bus, Targets: list})
	if err != nil || out.FailedEntryCount > 0 {
		f.t.Fatal(out.FailedEntries, err)
	}
}

func (f *fixture) put(bus string) (event string) {
	f.t.Helper()
	out, err := f.PutEvents(f.ctx, &eventbridge.PutEventsInput{Entries: []types.PutEventsRequestEntry{{EventBusName: &bus, Source: aws.String("my.app"),
		DetailType: aws.String("t"), Detail: aws.String(`{"text":"a <b>"}`)}}})
	if err != nil || out.FailedEntryCount > 0 {
		f.t.Fatal(out, err)
	}
	enginetest.Settle(f.t, f.engine)
	return *out.Entries[0].EventId
}

func (f *fixture) pass(d time.Duration) {
	for ; d > 0; d -= 10 * time.Second {
		f.clock.Advance(min(d, 10*time.Second))
		enginetest.Settle(f.t, f.engine)
	}
}

func (f *fixture) expect(calls, invocations, failed int) {
	f.t.Helper()
	if len(f.calls) != calls || f.counts["AWS/Events Invocations r"] != invocations || f.counts["AWS/Events FailedInvocations r"] != failed {
		f.t.Errorf("%d calls, counted %v, want %d, %d and %d; log:\n%s", len(f.calls), f.counts, calls, invocations, failed, f.said.String())
	}
}

const busy, denied, conflict, broken = `{"__type":"ConcurrentPipelineExecutionsLimitExceededException","message":"m"}`, `{"__type":"AccessDeniedException","message":"no right"}`,
	`{"__type":"ConflictException","message":"m"}`, `{"__type":"InternalFailure","message":"m"}`

func TestDelivery(t *testing.T) {
	target := types.Target{Arn: aws.String(pipeline), RoleArn: aws.String("arn:aws:iam::" + account + ":role/r")}
	for name, tt := range map[string]struct {
		policy                     *types.RetryPolicy
		answers                    []string // then {}
		calls, invocations, failed int
		says                       string
	}{
		"at once":                     {calls: 1, invocations: 1},
		"what will be is tried again": {answers: []string{broken, busy, conflict}, calls: 4, invocations: 1},
		"what will not be is not":     {answers: []string{denied}, calls: 1, failed: 1, says: "no right"},
		"as often as the policy says": {policy: &types.RetryPolicy{MaximumRetryAttempts: aws.Int32(2)}, answers: slices.Repeat([]string{broken}, 9), calls: 3, failed: 1, says: "attempts=3"},
		"never again":                 {policy: &types.RetryPolicy{MaximumRetryAttempts: aws.Int32(0)}, answers: []string{broken}, calls: 1, failed: 1},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			f.answer = func(call int) (int, string) {
				switch {
				case call > len(tt.answers):
					return 200, "{}"
				case tt.answers[call-1] == broken:
					return 500, broken
				}
				return 400, tt.answers[call-1]
			}
			to := target
			to.RetryPolicy = tt.policy
			f.rule("default", "r", to)
			event := f.put("default")
			f.pass(5 * time.Minute)
			f.expect(tt.calls, tt.invocations, tt.failed)
			for _, c := range f.calls {
				if c != `CodePipeline_20150709.StartPipelineExecution {"clientRequestToken":"`+event+`","name":"app"}` {
					t.Error(c)
				}
			}
			if said := f.said.String(); !strings.Contains(said, tt.says) || (tt.failed > 0) != strings.Contains(said, "event was not delivered") {
				t.Error(said)
			}
		})
	}
}

// TestTooOld ends retries by the age of the event.
func TestTooOld(t *testing.T) {
	f := newFixture(t)
	f.answer = func(int) (int, string) { return 500, broken }
	f.rule("default", "r", types.Target{Arn: aws.String(pipeline), RoleArn: aws.String("arn:aws:iam::" + account + ":role/r"),
		RetryPolicy: &types.RetryPolicy{MaximumEventAgeInSeconds: aws.Int32(120)}})
	f.put("default")
	f.pass(100 * time.Second)
	if f.counts["AWS/Events FailedInvocations r"] != 0 {
		t.Error("it was given up too early")
	}
	f.pass(5 * time.Minute)
	calls := len(f.calls)
	f.expect(calls, 0, 1)
	f.pass(5 * time.Minute)
	f.expect(calls, 0, 1)
}

// TestNoSuchTarget fails by name what is not there, and does not hold up others.
func TestNoSuchTarget(t *testing.T) {
	f := newFixture(t)
	f.rule("default", "r",
		types.Target{Arn: aws.String("arn:aws:sqs:us-east-1:" + account + ":queue"), DeadLetterConfig: &types.DeadLetterConfig{Arn: aws.String("arn:aws:sqs:us-east-1:" + account + ":dead")}},
		types.Target{Arn: aws.String("arn:aws:logs:us-east-1:" + account + ":log-group:/none")},
		types.Target{Arn: aws.String("arn:aws:events:us-east-1:" + account + ":event-bus/none")},
		types.Target{Arn: aws.String(group)})
	f.put("default")
	f.expect(0, 1, 3)
	for _, want := range []string{"targets of the service sqs are not implemented", "log group /none does not exist", "event bus none does not exist", ":dead"} {
		if !strings.Contains(f.said.String(), want) {
			t.Errorf("%q is not in\n%s", want, f.said.String())
		}
	}
	if len(f.entries) != 1 {
		t.Error(f.entries)
	}
}

// TestLogGroup writes the event, or the time and text that a transformer makes.
func TestLogGroup(t *testing.T) {
	f := newFixture(t)
	transformed := func(template string) types.Target {
		return types.Target{Arn: aws.String(group + ":*"), InputTransformer: &types.InputTransformer{InputPathsMap: map[string]string{"time": "$.time", "text": "$.detail.text", "none": "$.detail.none"}, InputTemplate: &template}}
	}
	f.rule("default", "r", types.Target{Arn: aws.String(group), InputPath: aws.String("$.detail")},
		transformed(`{"timestamp":<time>,"message":"it says <text>"}`), transformed(`{"timestamp":1700000000000,"message":<text>}`), transformed(`{"timestamp":<none>,"message":<text>}`), transformed(`{"message":<text>}`))
	f.put("default")
	var got []string
	for _, e := range f.entries {
		got = append(got, *e.Message)
	}
	want := []string{`{"text":"a <b>"}`, "it says a <b>", "a <b>", `{"timestamp":"","message":"a <b>"}`, `{"message":"a <b>"}`}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
	for _, e := range f.entries {
		if at := time.UnixMilli(*e.Timestamp).UTC(); *e.Message == "a <b>" && at.Year() != 2023 || *e.Message != "a <b>" && !at.Equal(enginetest.Epoch) {
			t.Errorf("%s at %s", *e.Message, at)
		}
	}
}

// TestForwardedOnce ends circles of buses, and keeps the event as it was.
func TestForwardedOnce(t *testing.T) {
	f := newFixture(t)
	for _, name := range []string{"one", "two"} {
		if _, err := f.CreateEventBus(f.ctx, &eventbridge.CreateEventBusInput{Name: &name}); err != nil {
			t.Fatal(err)
		}
	}
	to := func(region, bus string) types.Target {
		return types.Target{Arn: aws.String("arn:aws:events:" + region + ":" + account + ":event-bus/" + bus)}
	}
	all := types.Target{Arn: aws.String(group), InputPath: aws.String("$.region")}
	f.rule("one", "r", to("us-east-1", "two"), to("us-east-1", "one"), to("eu-west-1", "default"))
	f.rule("two", "back", all, to("us-east-1", "one"), to("us-east-1", "default"))
	f.ctx = identity.WithRegion(f.ctx, "eu-west-1")
	f.rule("default", "far", all)
	f.ctx = identity.WithRegion(f.ctx, "us-east-1")
	f.put("one")
	f.pass(time.Minute)
	if len(f.entries) != 2 || *f.entries[0].Message != `"us-east-1"` || *f.entries[1].Message != `"us-east-1"` {
		t.Errorf("%d entries: %v", len(f.entries), f.entries)
	}
	f.expect(0, 2, 1)
	if n := f.counts["AWS/Events FailedInvocations back"]; n != 2 {
		t.Errorf("%d were refused", n)
	}
}

// A topic gets the event, or what the target makes of it, quotes and all.
func TestDeliverToTopics(t *testing.T) {
	f := newFixture(t)
	const topics = "arn:aws:sns:us-east-1:" + account + ":"
	f.rule("default", "r", types.Target{Arn: aws.String(topics + "deploys"), InputPath: aws.String("$.detail")},
		types.Target{Arn: aws.String(topics + "deploys"), InputTransformer: &types.InputTransformer{InputPathsMap: map[string]string{"text": "$.detail.text"},
			InputTemplate: aws.String("\"It says <text>\"\n\"and no more\"")}},
		types.Target{Arn: aws.String(topics + "missing")})
	f.put("default")
	slices.Sort(f.texts)
	if want := []string{"\"It says a <b>\"\n\"and no more\"", `{"text":"a <b>"}`}; !slices.Equal(f.texts, want) {
		t.Errorf("published %q, want %q", f.texts, want)
	}
	f.expect(0, 2, 1)
	if !strings.Contains(f.said.String(), "Topic does not exist") {
		t.Errorf("log %s", f.said.String())
	}
	// In a role, as anyone else in that role.
	f.answer = func(int) (int, string) { return 200, "<PublishResponse><PublishResult/></PublishResponse>" }
	f.rule("default", "r", types.Target{Arn: aws.String(topics + "deploys"), RoleArn: aws.String("arn:aws:iam::" + account + ":role/r"), Input: aws.String(`"hi"`)})
	f.put("default")
	if len(f.calls) != 1 || !strings.Contains(f.calls[0], "Action=Publish&Message=%22hi%22&TopicArn=arn") {
		t.Errorf("calls %q", f.calls)
	}
}

func TestDeliverToFunctions(t *testing.T) {
	f := newFixture(t)
	const functions = "arn:aws:lambda:us-east-1:" + account + ":function:"
	f.rule("default", "r", types.Target{Arn: aws.String(functions + "f"), InputPath: aws.String("$.detail")}, types.Target{Arn: aws.String(functions + "closed")})
	f.put("default")
	if want := []string{`{"text":"a <b>"}`}; !slices.Equal(f.texts, want) {
		t.Errorf("invoked with %q", f.texts)
	}
	f.expect(0, 1, 1)
}
