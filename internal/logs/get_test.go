package logs_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"github.com/slipway-dev/slipway/cmd/slipway/apptest"
)

func TestGetPages(t *testing.T) {
	w := start(t)
	ctx := t.Context()
	w.make(t, "g", "s", "empty")
	var want []string
	for i := 0; i < 25; i += 5 { // five batches, late ones between, ties
		var batch []types.InputLogEvent
		for j := range 5 {
			batch = append(batch, line(time.Duration((i+j)/2)*400*time.Millisecond, fmt.Sprint(i+j)))
		}
		w.clock.Advance(time.Millisecond)
		w.put(t, "g", "s", batch...)
	}
	for i := range 25 {
		want = append(want, fmt.Sprint(i))
	}
	get := func(in cloudwatchlogs.GetLogEventsInput) *cloudwatchlogs.GetLogEventsOutput {
		t.Helper()
		in.LogGroupName = aws.String("g")
		if in.LogStreamName == nil {
			in.LogStreamName = aws.String("s")
		}
		return apptest.Must(w.GetLogEvents(ctx, &in))(t)
	}

	// From the head to the end by forward tokens.
	var all []string
	out := get(cloudwatchlogs.GetLogEventsInput{StartFromHead: aws.Bool(true), Limit: aws.Int32(4)})
	head := out
	for len(out.Events) > 0 {
		all = append(all, strings.Fields(messages(out.Events))...)
		out = get(cloudwatchlogs.GetLogEventsInput{NextToken: out.NextForwardToken, Limit: aws.Int32(4)})
	}
	if !slices.Equal(all, want) {
		t.Errorf("forward %q", all)
	}
	end := out
	again := get(cloudwatchlogs.GetLogEventsInput{NextToken: end.NextForwardToken})
	if len(again.Events) != 0 || *again.NextForwardToken != *end.NextForwardToken {
		t.Errorf("at the end: %q then %q", *end.NextForwardToken, *again.NextForwardToken)
	}
	// Back from the end, including the last event.
	back := get(cloudwatchlogs.GetLogEventsInput{NextToken: end.NextBackwardToken, Limit: aws.Int32(3)})
	if messages(back.Events) != "22 23 24" {
		t.Errorf("back %s", messages(back.Events))
	}
	// Before the head there is nothing, and the token stays.
	before := get(cloudwatchlogs.GetLogEventsInput{NextToken: head.NextBackwardToken})
	if len(before.Events) != 0 || *before.NextBackwardToken != *head.NextBackwardToken {
		t.Errorf("before the head: %s", messages(before.Events))
	}
	if out := get(cloudwatchlogs.GetLogEventsInput{NextToken: before.NextForwardToken, Limit: aws.Int32(2)}); messages(out.Events) != "0 1" {
		t.Errorf("forward again %s", messages(out.Events))
	}

	// The latest page by default; then pages back, each in ascending order.
	all = nil
	out = get(cloudwatchlogs.GetLogEventsInput{Limit: aws.Int32(7)})
	tail := out
	for len(out.Events) > 0 {
		all = append(strings.Fields(messages(out.Events)), all...)
		out = get(cloudwatchlogs.GetLogEventsInput{NextToken: out.NextBackwardToken, Limit: aws.Int32(7)})
	}
	if !slices.Equal(all, want) {
		t.Errorf("backward %q", all)
	}
	// Following: the same token until something new comes.
	out = get(cloudwatchlogs.GetLogEventsInput{NextToken: tail.NextForwardToken})
	if *out.NextForwardToken != *tail.NextForwardToken {
		t.Error("token changed without events")
	}
	w.put(t, "g", "s", line(time.Minute, "new"))
	out = get(cloudwatchlogs.GetLogEventsInput{NextToken: tail.NextForwardToken})
	if messages(out.Events) != "new" || *out.NextForwardToken == *tail.NextForwardToken {
		t.Errorf("followed %s", messages(out.Events))
	}

	// startTime is inclusive, endTime exclusive; both directions.
	for _, head := range []bool{true, false} {
		out = get(cloudwatchlogs.GetLogEventsInput{StartFromHead: &head, StartTime: aws.Int64(at(800 * time.Millisecond)), EndTime: aws.Int64(at(1600 * time.Millisecond))})
		if messages(out.Events) != "4 5 6 7" {
			t.Errorf("head %v: %s", head, messages(out.Events))
		}
	}
	if e := out.Events[0]; *e.Timestamp != at(800*time.Millisecond) || *e.IngestionTime != at(time.Millisecond) {
		t.Errorf("%+v", e)
	}
	// A stream without events has tokens too.
	for _, head := range []bool{true, false} {
		out = get(cloudwatchlogs.GetLogEventsInput{LogStreamName: aws.String("empty"), StartFromHead: &head})
		if out.NextForwardToken == nil || out.NextBackwardToken == nil || len(out.Events) != 0 {
			t.Errorf("empty: %+v", out)
		}
	}
	w.put(t, "g", "empty", line(0, "first"))
	if out = get(cloudwatchlogs.GetLogEventsInput{LogStreamName: aws.String("empty"), NextToken: out.NextForwardToken}); messages(out.Events) != "first" {
		t.Errorf("followed from nothing: %s", messages(out.Events))
	}
	for _, token := range []string{"x", "f/1/s", *out.NextForwardToken, "f/" + strings.Repeat("9", 56) + "/s"} {
		_, err := w.GetLogEvents(ctx, &cloudwatchlogs.GetLogEventsInput{LogGroupName: aws.String("g"), LogStreamName: aws.String("s"), NextToken: &token})
		refused(t, err, "InvalidParameterException", "The specified nextToken is invalid.")
	}
	_, err := w.GetLogEvents(ctx, &cloudwatchlogs.GetLogEventsInput{LogStreamName: aws.String("s")})
	refused(t, err, "InvalidParameterException", "must be provided")
	_, err = w.GetLogEvents(ctx, &cloudwatchlogs.GetLogEventsInput{LogGroupName: aws.String("g"), LogGroupIdentifier: aws.String("g"), LogStreamName: aws.String("s")})
	refused(t, err, "InvalidParameterException", "mutually exclusive")
}

// A page holds a megabyte at most.
func TestPageBytes(t *testing.T) {
	w := start(t)
	w.make(t, "g", "s")
	for i := range 5 {
		w.put(t, "g", "s", line(time.Duration(i)*time.Millisecond, strings.Repeat(fmt.Sprint(i), 400_000)))
	}
	n, pages := 0, 0
	var token *string
	for {
		out := apptest.Must(w.GetLogEvents(t.Context(), &cloudwatchlogs.GetLogEventsInput{
			LogGroupName: aws.String("g"), LogStreamName: aws.String("s"), StartFromHead: aws.Bool(true), NextToken: token}))(t)
		if len(out.Events) == 0 {
			break
		}
		n += len(out.Events)
		pages++
		token = out.NextForwardToken
	}
	filtered, filterPages := 0, 0
	p := cloudwatchlogs.NewFilterLogEventsPaginator(w, &cloudwatchlogs.FilterLogEventsInput{LogGroupName: aws.String("g")})
	for p.HasMorePages() {
		filtered += len(apptest.Must(p.NextPage(t.Context()))(t).Events)
		filterPages++
	}
	if n != 5 || pages != 3 || filtered != 5 || filterPages != 3 {
		t.Errorf("%d events in %d pages, filtered %d in %d", n, pages, filtered, filterPages)
	}
	out := apptest.Must(w.DescribeLogGroups(t.Context(), &cloudwatchlogs.DescribeLogGroupsInput{}))(t)
	if got := *out.LogGroups[0].StoredBytes; got != 5*400_026 {
		t.Errorf("stored bytes %d", got)
	}
}
