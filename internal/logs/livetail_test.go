package logs_test

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"github.com/slipway-dev/slipway/cmd/slipway/apptest"
)

func TestLiveTail(t *testing.T) {
	w := start(t)
	ctx := t.Context()
	w.make(t, "g", "s", "other")
	arn := "arn:aws:logs:us-east-1:000000000000:log-group:g"
	_, err := w.StartLiveTail(ctx, &cloudwatchlogs.StartLiveTailInput{LogGroupIdentifiers: []string{arn + ":*"}}, noPrefix)
	refused(t, err, "InvalidParameterException", "")
	out := apptest.Must(w.StartLiveTail(ctx, &cloudwatchlogs.StartLiveTailInput{
		LogGroupIdentifiers: []string{arn}, LogStreamNames: []string{"s"}, LogEventFilterPattern: aws.String("-secret")}, noPrefix))(t)
	stream := out.GetStream()
	defer func() { _ = stream.Close() }()
	first, ok := (<-stream.Events()).(*types.StartLiveTailResponseStreamMemberSessionStart)
	if !ok || len(*first.Value.SessionId) != 36 || first.Value.LogGroupIdentifiers[0] != arn {
		t.Fatalf("first message %+v", first)
	}
	w.put(t, "g", "s", line(0, "hello"), line(0, "secret"))
	w.put(t, "g", "other", line(0, "not asked for"))
	update := func() types.LiveTailSessionUpdate {
		t.Helper()
		<-w.armed
		w.clock.Advance(time.Second)
		ev, ok := (<-stream.Events()).(*types.StartLiveTailResponseStreamMemberSessionUpdate)
		if !ok {
			t.Fatalf("%T, %v", ev, stream.Err())
		}
		return ev.Value
	}
	if u := update(); len(u.SessionResults) != 1 || *u.SessionResults[0].Message != "hello" ||
		*u.SessionResults[0].LogStreamName != "s" || *u.SessionResults[0].LogGroupIdentifier != arn || u.SessionMetadata.Sampled {
		t.Errorf("update %+v", u)
	}
	if u := update(); len(u.SessionResults) != 0 {
		t.Errorf("update %+v", u)
	}
	<-w.armed
	w.clock.Advance(3 * time.Hour)
	if ev, ok := <-stream.Events(); ok {
		t.Errorf("after 3 hours: %T", ev)
	}
	refused(t, stream.Err(), "SessionTimeoutException", "3 hours")
}

// noPrefix leaves the host name as it is: a test's server has no wildcard name.
func noPrefix(o *cloudwatchlogs.Options) {
	o.APIOptions = append(o.APIOptions, disableHostPrefix)
}
