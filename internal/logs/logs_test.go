package logs_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/aws/smithy-go"

	"github.com/slipway-dev/slipway/cmd/slipway/apptest"
	"github.com/slipway-dev/slipway/internal/aws/identity"
	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/engine/enginetest"
	"github.com/slipway-dev/slipway/internal/store"
)

// at is d after the clock's begin.
func at(d time.Duration) int64 { return enginetest.Epoch.Add(d).UnixMilli() }

func line(d time.Duration, message string) types.InputLogEvent {
	return types.InputLogEvent{Timestamp: aws.Int64(at(d)), Message: aws.String(message)}
}

// refused checks the code and a part of the message of an error.
func refused(t *testing.T, err error, code, text string) {
	t.Helper()
	var api smithy.APIError
	if !errors.As(err, &api) || api.ErrorCode() != code || !strings.Contains(api.ErrorMessage(), text) {
		t.Errorf("error is %v, want %s %q", err, code, text)
	}
}

func (w world) make(t *testing.T, group string, streams ...string) {
	t.Helper()
	apptest.Must(w.CreateLogGroup(t.Context(), &cloudwatchlogs.CreateLogGroupInput{LogGroupName: &group}))(t)
	for _, s := range streams {
		apptest.Must(w.CreateLogStream(t.Context(), &cloudwatchlogs.CreateLogStreamInput{LogGroupName: &group, LogStreamName: &s}))(t)
	}
}

func (w world) put(t *testing.T, group, stream string, events ...types.InputLogEvent) *cloudwatchlogs.PutLogEventsOutput {
	t.Helper()
	return apptest.Must(w.PutLogEvents(t.Context(), &cloudwatchlogs.PutLogEventsInput{
		LogGroupName: &group, LogStreamName: &stream, LogEvents: events}))(t)
}

func messages(events []types.OutputLogEvent) string {
	var all []string
	for _, e := range events {
		all = append(all, *e.Message)
	}
	return strings.Join(all, " ")
}

func filtered(events []types.FilteredLogEvent) string {
	var all []string
	for _, e := range events {
		all = append(all, *e.Message)
	}
	return strings.Join(all, " ")
}

func TestGroups(t *testing.T) {
	w := start(t)
	ctx := t.Context()
	for _, name := range []string{"/aws/codebuild/b", "/aws/codebuild/a", "other"} {
		w.make(t, name)
	}
	_, err := w.CreateLogGroup(ctx, &cloudwatchlogs.CreateLogGroupInput{LogGroupName: aws.String("other")})
	refused(t, err, "ResourceAlreadyExistsException", "already exists")
	_, err = w.CreateLogGroup(ctx, &cloudwatchlogs.CreateLogGroupInput{LogGroupName: aws.String("bad name")})
	refused(t, err, "InvalidParameterException", "logGroupName")
	_, err = w.CreateLogGroup(ctx, &cloudwatchlogs.CreateLogGroupInput{LogGroupName: aws.String("aws/x")})
	refused(t, err, "InvalidParameterException", "reserved")

	var names []string
	pages := cloudwatchlogs.NewDescribeLogGroupsPaginator(w, &cloudwatchlogs.DescribeLogGroupsInput{Limit: aws.Int32(1)})
	for pages.HasMorePages() {
		page := apptest.Must(pages.NextPage(ctx))(t)
		for _, g := range page.LogGroups {
			names = append(names, *g.LogGroupName)
		}
	}
	if got := strings.Join(names, " "); got != "/aws/codebuild/a /aws/codebuild/b other" {
		t.Errorf("groups %s", got)
	}
	out := apptest.Must(w.DescribeLogGroups(ctx, &cloudwatchlogs.DescribeLogGroupsInput{
		LogGroupNamePrefix: aws.String("oth")}))(t)
	g := out.LogGroups[0]
	if len(out.LogGroups) != 1 || *g.Arn != "arn:aws:logs:us-east-1:000000000000:log-group:other:*" ||
		*g.LogGroupArn != "arn:aws:logs:us-east-1:000000000000:log-group:other" || *g.CreationTime != at(0) || g.RetentionInDays != nil {
		t.Errorf("%d groups, %+v", len(out.LogGroups), g)
	}
	out = apptest.Must(w.DescribeLogGroups(ctx, &cloudwatchlogs.DescribeLogGroupsInput{
		LogGroupNamePattern: aws.String("build/a")}))(t)
	if len(out.LogGroups) != 1 || *out.LogGroups[0].LogGroupName != "/aws/codebuild/a" {
		t.Errorf("by pattern: %d", len(out.LogGroups))
	}
	list := apptest.Must(w.ListLogGroups(ctx, &cloudwatchlogs.ListLogGroupsInput{
		LogGroupNamePattern: aws.String("^/aws|oth")}))(t)
	if len(list.LogGroups) != 3 {
		t.Errorf("listed: %d", len(list.LogGroups))
	}
	_, err = w.DescribeLogGroups(ctx, &cloudwatchlogs.DescribeLogGroupsInput{NextToken: aws.String("forged")})
	refused(t, err, "InvalidParameterException", "nextToken")

	_, err = w.PutLogGroupDeletionProtection(ctx, &cloudwatchlogs.PutLogGroupDeletionProtectionInput{
		LogGroupIdentifier: g.LogGroupArn, DeletionProtectionEnabled: aws.Bool(true)})
	if err != nil {
		t.Error(err)
	}
	_, err = w.DeleteLogGroup(ctx, &cloudwatchlogs.DeleteLogGroupInput{LogGroupName: aws.String("other")})
	refused(t, err, "ValidationException", "protection")
	_, err = w.DeleteLogGroup(ctx, &cloudwatchlogs.DeleteLogGroupInput{LogGroupName: aws.String("missing")})
	refused(t, err, "ResourceNotFoundException", "The specified log group does not exist.")
}

func TestTags(t *testing.T) {
	w := start(t)
	ctx := t.Context()
	w.make(t, "g")
	arn := aws.String("arn:aws:logs:us-east-1:000000000000:log-group:g")
	_, err := w.TagResource(ctx, &cloudwatchlogs.TagResourceInput{ResourceArn: arn, Tags: map[string]string{"a": "1", "b": "2"}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err = w.TagLogGroup(ctx, &cloudwatchlogs.TagLogGroupInput{LogGroupName: aws.String("g"), Tags: map[string]string{"a": "3"}}); err != nil {
		t.Fatal(err)
	}
	if _, err = w.UntagResource(ctx, &cloudwatchlogs.UntagResourceInput{ResourceArn: arn, TagKeys: []string{"b", "c"}}); err != nil {
		t.Fatal(err)
	}
	tags := apptest.Must(w.ListTagsForResource(ctx, &cloudwatchlogs.ListTagsForResourceInput{ResourceArn: arn}))(t)
	if fmt.Sprint(tags.Tags) != "map[a:3]" {
		t.Errorf("tags %v", tags.Tags)
	}
	old := apptest.Must(w.ListTagsLogGroup(ctx, &cloudwatchlogs.ListTagsLogGroupInput{LogGroupName: aws.String("g")}))(t)
	if fmt.Sprint(old.Tags) != "map[a:3]" {
		t.Errorf("tags %v", old.Tags)
	}
	many := map[string]string{}
	for i := range 50 {
		many[fmt.Sprint("k", i)] = ""
	}
	_, err = w.TagResource(ctx, &cloudwatchlogs.TagResourceInput{ResourceArn: arn, Tags: many})
	refused(t, err, "TooManyTagsException", "50")
	_, err = w.TagResource(ctx, &cloudwatchlogs.TagResourceInput{ResourceArn: arn, Tags: map[string]string{"aws:x": "1"}})
	refused(t, err, "InvalidParameterException", "aws:")
	_, err = w.ListTagsForResource(ctx, &cloudwatchlogs.ListTagsForResourceInput{ResourceArn: aws.String(*arn + ":x")})
	refused(t, err, "InvalidParameterException", "")
}

func TestStreams(t *testing.T) {
	w := start(t)
	ctx := t.Context()
	w.make(t, "g", "b", "a/1", "a/2")
	_, err := w.CreateLogStream(ctx, &cloudwatchlogs.CreateLogStreamInput{LogGroupName: aws.String("g"), LogStreamName: aws.String("b")})
	refused(t, err, "ResourceAlreadyExistsException", "stream")
	_, err = w.CreateLogStream(ctx, &cloudwatchlogs.CreateLogStreamInput{LogGroupName: aws.String("nope"), LogStreamName: aws.String("b")})
	refused(t, err, "ResourceNotFoundException", "log group does not exist")
	_, err = w.CreateLogStream(ctx, &cloudwatchlogs.CreateLogStreamInput{LogGroupName: aws.String("g"), LogStreamName: aws.String("a:b")})
	refused(t, err, "InvalidParameterException", "logStreamName")
	w.put(t, "g", "b", line(0, "x"))
	w.put(t, "g", "a/2", line(-time.Second, "x"), line(5*time.Second, "y"))
	w.put(t, "g", "b", line(time.Second, "x"))

	names := func(in cloudwatchlogs.DescribeLogStreamsInput) string {
		t.Helper()
		in.LogGroupName = aws.String("g")
		in.Limit = aws.Int32(2)
		var all []string
		pages := cloudwatchlogs.NewDescribeLogStreamsPaginator(w, &in)
		for pages.HasMorePages() {
			for _, s := range apptest.Must(pages.NextPage(ctx))(t).LogStreams {
				all = append(all, *s.LogStreamName)
			}
		}
		return strings.Join(all, " ")
	}
	for _, c := range []struct {
		in   cloudwatchlogs.DescribeLogStreamsInput
		want string
	}{
		{cloudwatchlogs.DescribeLogStreamsInput{}, "a/1 a/2 b"},
		{cloudwatchlogs.DescribeLogStreamsInput{Descending: aws.Bool(true)}, "b a/2 a/1"},
		{cloudwatchlogs.DescribeLogStreamsInput{LogStreamNamePrefix: aws.String("a/")}, "a/1 a/2"},
		{cloudwatchlogs.DescribeLogStreamsInput{OrderBy: types.OrderByLastEventTime}, "a/1 b a/2"},
		{cloudwatchlogs.DescribeLogStreamsInput{OrderBy: types.OrderByLastEventTime, Descending: aws.Bool(true)}, "a/2 b a/1"},
	} {
		if got := names(c.in); got != c.want {
			t.Errorf("%+v: %s", c.in, got)
		}
	}
	_, err = w.DescribeLogStreams(ctx, &cloudwatchlogs.DescribeLogStreamsInput{LogGroupName: aws.String("g"),
		OrderBy: types.OrderByLastEventTime, LogStreamNamePrefix: aws.String("a")})
	refused(t, err, "InvalidParameterException", "LastEventTime")
	out := apptest.Must(w.DescribeLogStreams(ctx, &cloudwatchlogs.DescribeLogStreamsInput{
		LogGroupIdentifier: aws.String("arn:aws:logs:us-east-1:000000000000:log-group:g")}))(t)
	if s := out.LogStreams[0]; s.FirstEventTimestamp != nil || s.LastEventTimestamp != nil || s.LastIngestionTime != nil || *s.StoredBytes != 0 {
		t.Errorf("without events: %+v", s)
	}
	if s := out.LogStreams[1]; *s.FirstEventTimestamp != at(-time.Second) || *s.LastEventTimestamp != at(5*time.Second) ||
		*s.LastIngestionTime != at(0) || *s.Arn != "arn:aws:logs:us-east-1:000000000000:log-group:g:log-stream:a/2" {
		t.Errorf("with events: %+v", s)
	}
}

func TestPutLimits(t *testing.T) {
	w := start(t)
	ctx := t.Context()
	w.make(t, "g", "s")
	put := func(events ...types.InputLogEvent) error {
		_, err := w.PutLogEvents(ctx, &cloudwatchlogs.PutLogEventsInput{LogGroupName: aws.String("g"), LogStreamName: aws.String("s"), LogEvents: events})
		return err
	}
	refused(t, put(line(1, "b"), line(-time.Second, "a")), "InvalidParameterException", "chronological order")
	refused(t, put(line(-25*time.Hour, "b"), line(0, "a")), "InvalidParameterException", "24 hours")
	refused(t, put(line(0, strings.Repeat("x", 1<<20))), "InvalidParameterException", "Upload too large: 1048602 bytes exceeds limit of 1048576")
	refused(t, put(line(0, "")), "InvalidParameterException", "message")
	_, err := w.PutLogEvents(ctx, &cloudwatchlogs.PutLogEventsInput{LogGroupName: aws.String("g"), LogStreamName: aws.String("x"), LogEvents: []types.InputLogEvent{line(0, "a")}})
	refused(t, err, "ResourceNotFoundException", "The specified log stream does not exist.")

	if out := w.put(t, "g", "s", line(0, "kept")); out.RejectedLogEventsInfo != nil || out.NextSequenceToken == nil {
		t.Errorf("%+v", out)
	}
	out := w.put(t, "g", "s", line(2*time.Hour, "at the limit"), line(2*time.Hour+time.Millisecond, "too new"), line(3*time.Hour, "too new"))
	if r := out.RejectedLogEventsInfo; r == nil || *r.TooNewLogEventStartIndex != 1 || r.TooOldLogEventEndIndex != nil {
		t.Errorf("%+v", r)
	}
	days := func(d float64) time.Duration { return time.Duration(d * 24 * float64(time.Hour)) }
	out = w.put(t, "g", "s", line(-days(14.5), "too old"), line(-days(14)-time.Millisecond, "too old"), line(-days(14), "kept"))
	if r := out.RejectedLogEventsInfo; r == nil || *r.TooOldLogEventEndIndex != 2 || r.ExpiredLogEventEndIndex != nil {
		t.Errorf("%+v", r)
	}
	_, err = w.PutRetentionPolicy(ctx, &cloudwatchlogs.PutRetentionPolicyInput{LogGroupName: aws.String("g"), RetentionInDays: aws.Int32(1)})
	if err != nil {
		t.Fatal(err)
	}
	out = w.put(t, "g", "s", line(-days(1.5), "expired"), line(-days(1), "kept"))
	if r := out.RejectedLogEventsInfo; r == nil || *r.ExpiredLogEventEndIndex != 1 || r.TooOldLogEventEndIndex != nil {
		t.Errorf("%+v", r)
	}
	if out = w.put(t, "g", "s", line(-days(20), "both")); *out.RejectedLogEventsInfo.TooOldLogEventEndIndex != 1 {
		t.Errorf("%+v", out.RejectedLogEventsInfo)
	}
}

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

func TestFilter(t *testing.T) {
	w := start(t)
	ctx := identity.WithRegion(t.Context(), "us-east-1")
	w.make(t, "g", "a", "b", "c/1", "gone")
	w.put(t, "g", "gone", line(0, "gone"))
	w.put(t, "g", "a", line(0, "a0"), line(2*time.Second, "a2"), line(4*time.Second, "a4"))
	w.clock.Advance(time.Millisecond)
	w.put(t, "g", "b", line(0, "b0"), line(2*time.Second, "b2"), line(2*time.Second, "b2again"), line(3*time.Second, "b3"))
	w.put(t, "g", "c/1", line(time.Second, "c1"))
	w.put(t, "g", "a", line(time.Second, "a1late"))
	if _, err := w.DeleteLogStream(ctx, &cloudwatchlogs.DeleteLogStreamInput{LogGroupName: aws.String("g"), LogStreamName: aws.String("gone")}); err != nil {
		t.Fatal(err)
	}

	for _, c := range []struct {
		in   cloudwatchlogs.FilterLogEventsInput
		want string
	}{
		{cloudwatchlogs.FilterLogEventsInput{}, "a0 b0 a1late c1 a2 b2 b2again b3 a4"},
		{cloudwatchlogs.FilterLogEventsInput{StartFromHead: aws.Bool(false)}, "a4 b3 b2again b2 a2 c1 a1late b0 a0"},
		{cloudwatchlogs.FilterLogEventsInput{FilterPattern: aws.String("%2%")}, "a2 b2 b2again"},
		{cloudwatchlogs.FilterLogEventsInput{FilterPattern: aws.String("a -again")}, "a0 a1late a2 a4"},
		{cloudwatchlogs.FilterLogEventsInput{LogStreamNamePrefix: aws.String("c/")}, "c1"},
		{cloudwatchlogs.FilterLogEventsInput{LogStreamNames: []string{"b"}}, "b0 b2 b2again b3"},
		{cloudwatchlogs.FilterLogEventsInput{LogStreamNames: []string{"c/1", "a", "a"}}, "a0 a1late c1 a2 a4"},
		{cloudwatchlogs.FilterLogEventsInput{LogStreamNames: []string{"c/1", "b"}, StartFromHead: aws.Bool(false)}, "b3 b2again b2 c1 b0"},
		{cloudwatchlogs.FilterLogEventsInput{StartTime: aws.Int64(at(time.Second)), EndTime: aws.Int64(at(2 * time.Second))}, "a1late c1 a2 b2 b2again"},
		{cloudwatchlogs.FilterLogEventsInput{StartTime: aws.Int64(at(time.Second)), EndTime: aws.Int64(at(2 * time.Second)), StartFromHead: aws.Bool(false)}, "b2again b2 a2 c1 a1late"},
		{cloudwatchlogs.FilterLogEventsInput{StartTime: aws.Int64(at(time.Hour))}, ""},
	} {
		var client cloudwatchlogs.FilterLogEventsAPIClient = w
		if c.in.StartFromHead != nil {
			client = w.service // the embedded model does not know the member yet
		}
		for _, limit := range []int32{0, 1, 2, 9} {
			in := c.in
			in.LogGroupName = aws.String("g")
			if limit > 0 {
				in.Limit = &limit
			}
			var all []types.FilteredLogEvent
			pages := cloudwatchlogs.NewFilterLogEventsPaginator(client, &in)
			for pages.HasMorePages() {
				all = append(all, apptest.Must(pages.NextPage(ctx))(t).Events...)
			}
			if got := filtered(all); got != c.want {
				t.Errorf("%+v limit %d: %s, want %s", c.in, limit, got, c.want)
			}
			ids := map[string]bool{}
			for _, e := range all {
				if len(*e.EventId) != 56 || ids[*e.EventId] {
					t.Errorf("event id %s", *e.EventId)
				}
				ids[*e.EventId] = true
			}
		}
	}
	filter := func(in cloudwatchlogs.FilterLogEventsInput) error {
		in.LogGroupName = aws.String("g")
		if in.StartFromHead != nil {
			_, err := w.service.FilterLogEvents(ctx, &in)
			return err
		}
		_, err := w.FilterLogEvents(ctx, &in)
		return err
	}
	refused(t, filter(cloudwatchlogs.FilterLogEventsInput{LogStreamNames: []string{"a"}, LogStreamNamePrefix: aws.String("a")}), "InvalidParameterException", "mutually exclusive")
	refused(t, filter(cloudwatchlogs.FilterLogEventsInput{LogStreamNames: []string{"gone"}}), "ResourceNotFoundException", "stream")
	refused(t, filter(cloudwatchlogs.FilterLogEventsInput{FilterPattern: aws.String("a-b")}), "InvalidParameterException", "Invalid character(s) in term 'a-b'")
	refused(t, filter(cloudwatchlogs.FilterLogEventsInput{NextToken: aws.String("forged")}), "InvalidParameterException", "nextToken")
	refused(t, filter(cloudwatchlogs.FilterLogEventsInput{StartFromHead: aws.Bool(false), StartTime: aws.Int64(1)}), "InvalidParameterException", "2024")
	out := apptest.Must(w.FilterLogEvents(ctx, &cloudwatchlogs.FilterLogEventsInput{LogGroupName: aws.String("g"), Limit: aws.Int32(1)}))(t)
	refused(t, filter(cloudwatchlogs.FilterLogEventsInput{NextToken: out.NextToken, LogStreamNames: []string{"a"}}), "InvalidParameterException", "nextToken")
	if out.SearchedLogStreams == nil || len(out.SearchedLogStreams) != 0 {
		t.Errorf("searched %v", out.SearchedLogStreams)
	}
}

func TestAppend(t *testing.T) {
	w := start(t)
	add := func(fail error, events ...types.InputLogEvent) {
		t.Helper()
		if err := w.engine.Update(t.Context(), func(tx *engine.Tx) error {
			if err := w.service.Append(tx, "us-east-1", "/aws/codebuild/p", "s", events); err != nil {
				return err
			}
			return fail
		}); !errors.Is(err, fail) {
			t.Fatal(err)
		}
	}
	add(nil, line(time.Second, "b"), line(0, "a"), line(time.Second, "c"), line(time.Second, ""), line(time.Second, "\xff"))
	add(errors.New("undone"), line(0, "never"))
	add(nil, line(2*time.Second, strings.Repeat("é", 200_000)))
	out := apptest.Must(w.GetLogEvents(t.Context(), &cloudwatchlogs.GetLogEventsInput{
		LogGroupName: aws.String("/aws/codebuild/p"), LogStreamName: aws.String("s")}))(t)
	var got []string
	long := ""
	for _, e := range out.Events {
		if len(*e.Message) > 100 {
			long += *e.Message
			got = append(got, "long")
		} else {
			got = append(got, *e.Message)
		}
	}
	if !slices.Equal(got, []string{"a", "b", "c", " ", "\uFFFD", "long", "long"}) || long != strings.Repeat("é", 200_000) {
		t.Errorf("events %q", got)
	}
}

func keys(t *testing.T, w world, prefix string) (n int) {
	t.Helper()
	_ = w.engine.View(t.Context(), func(r store.Reader) error {
		for range r.Scan(store.Range{Prefix: prefix}) {
			n++
		}
		return nil
	})
	return n
}

func TestRetention(t *testing.T) {
	w := start(t)
	ctx := t.Context()
	w.make(t, "g", "s")
	_, err := w.PutRetentionPolicy(ctx, &cloudwatchlogs.PutRetentionPolicyInput{LogGroupName: aws.String("g"), RetentionInDays: aws.Int32(2)})
	refused(t, err, "InvalidParameterException", "retentionInDays")
	for i := range 500 {
		w.put(t, "g", "s", line(time.Duration(i)*time.Minute, "x"))
		w.clock.Advance(time.Minute)
	}
	if _, err := w.PutRetentionPolicy(ctx, &cloudwatchlogs.PutRetentionPolicyInput{LogGroupName: aws.String("g"), RetentionInDays: aws.Int32(1)}); err != nil {
		t.Fatal(err)
	}
	left := func() string {
		enginetest.Settle(t, w.engine)
		return fmt.Sprint(keys(t, w, "logs.event"), keys(t, w, "logs.time"))
	}
	if got := left(); got != "500 500" {
		t.Errorf("left %s", got)
	}
	w.clock.Advance(24*time.Hour - 500*time.Minute)
	enginetest.Settle(t, w.engine)
	w.clock.Advance(4 * time.Hour) // 240 minutes have expired; a pass is hourly
	enginetest.Settle(t, w.engine)
	w.clock.Advance(time.Hour)
	if n := keys(t, w, "logs.event"); left() == "500 500" || n < 195 || n > 260 {
		t.Errorf("left %s", left())
	}
	w.clock.Advance(24 * time.Hour)
	enginetest.Settle(t, w.engine)
	w.clock.Advance(time.Hour)
	if got := left(); got != "0 0" {
		t.Errorf("left %s", got)
	}
	out := apptest.Must(w.DescribeLogGroups(ctx, &cloudwatchlogs.DescribeLogGroupsInput{}))(t)
	if g := out.LogGroups[0]; *g.StoredBytes != 0 || *g.RetentionInDays != 1 {
		t.Errorf("%+v", g)
	}
	if _, err := w.DeleteRetentionPolicy(ctx, &cloudwatchlogs.DeleteRetentionPolicyInput{LogGroupName: aws.String("g")}); err != nil {
		t.Fatal(err)
	}
	if n := keys(t, w, "engine.job"); n != 0 {
		t.Errorf("%d jobs left", n)
	}
}

func TestDeletionErases(t *testing.T) {
	w := start(t)
	ctx := t.Context()
	w.make(t, "g", "s", "t")
	for i := range 450 {
		w.put(t, "g", "s", line(time.Duration(i)*time.Second, "x"))
	}
	w.put(t, "g", "t", line(0, "t"))
	if _, err := w.DeleteLogStream(ctx, &cloudwatchlogs.DeleteLogStreamInput{LogGroupName: aws.String("g"), LogStreamName: aws.String("s")}); err != nil {
		t.Fatal(err)
	}
	enginetest.Settle(t, w.engine)
	if e, i := keys(t, w, "logs.event"), keys(t, w, "logs.time"); e != 1 || i != 1 {
		t.Errorf("%d chunks, %d index rows", e, i)
	}
	for range 2 {
		if _, err := w.DeleteLogGroup(ctx, &cloudwatchlogs.DeleteLogGroupInput{LogGroupName: aws.String("g")}); err != nil {
			t.Fatal(err)
		}
		w.make(t, "g") // a new one, at once, has nothing of the old
		out := apptest.Must(w.DescribeLogStreams(ctx, &cloudwatchlogs.DescribeLogStreamsInput{LogGroupName: aws.String("g")}))(t)
		if len(out.LogStreams) != 0 {
			t.Error("streams of the old group")
		}
	}
	enginetest.Settle(t, w.engine)
	if n := keys(t, w, "logs."); n != 1 {
		t.Errorf("%d entries left", n)
	}
}

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
