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
