package logs_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"

	"github.com/slipway-dev/slipway/cmd/slipway/apptest"
	"github.com/slipway-dev/slipway/internal/engine/enginetest"
	"github.com/slipway-dev/slipway/internal/store"
)

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
