package logs_test

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"github.com/slipway-dev/slipway/internal/aws/identity"
	"github.com/slipway-dev/slipway/internal/clock"
	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/engine/enginetest"
	"github.com/slipway-dev/slipway/internal/id"
	"github.com/slipway-dev/slipway/internal/logs"
	"github.com/slipway-dev/slipway/internal/site"
	"github.com/slipway-dev/slipway/internal/store/sqlite"
)

func onDisk(b *testing.B) (*logs.Service, *engine.Engine) {
	s, err := sqlite.Open(filepath.Join(b.TempDir(), "db"))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = s.Close() })
	e := enginetest.On(b, s, clock.System)
	return logs.New(logs.Config{Engine: e, Site: site.Site{Account: "000000000000"}, Clock: clock.System,
		IDs: id.Random, Log: enginetest.Log(b)}), e
}

func lines(n int, from time.Time) []types.InputLogEvent {
	events := make([]types.InputLogEvent, n)
	for i := range events {
		events[i] = types.InputLogEvent{Timestamp: aws.Int64(from.UnixMilli() + int64(i)/10),
			Message: aws.String(fmt.Sprintf("line %d: compiling some package or other of a build\n", i))}
	}
	return events
}

// BenchmarkAppend is a batch of a build's lines in one transition.
func BenchmarkAppend(b *testing.B) {
	for _, n := range []int{1, 100} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			s, e := onDisk(b)
			for b.Loop() {
				if err := e.Update(context.Background(), func(tx *engine.Tx) error {
					return s.Append(tx, "us-east-1", "g", "s", lines(n, time.Now()))
				}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkVisible is from a line's write to its being found, in a group with
// a hundred thousand others.
func BenchmarkVisible(b *testing.B) {
	s, e := onDisk(b)
	ctx := identity.WithRegion(context.Background(), "us-east-1")
	put := func(events []types.InputLogEvent) {
		if err := e.Update(ctx, func(tx *engine.Tx) error {
			return s.Append(tx, "us-east-1", "g", fmt.Sprint(time.Now().UnixNano()%100), events)
		}); err != nil {
			b.Fatal(err)
		}
	}
	begin := time.Now().Add(-time.Hour)
	for i := range 1000 {
		put(lines(100, begin.Add(time.Duration(i)*3*time.Second)))
	}
	for b.Loop() {
		now := time.Now()
		put([]types.InputLogEvent{{Timestamp: aws.Int64(now.UnixMilli()), Message: aws.String("needle")}})
		out, err := s.FilterLogEvents(ctx, &cloudwatchlogs.FilterLogEventsInput{LogGroupName: aws.String("g"),
			FilterPattern: aws.String("needle"), StartTime: aws.Int64(now.UnixMilli())})
		if err != nil || len(out.Events) == 0 {
			b.Fatal(err, len(out.Events))
		}
	}
}

// BenchmarkReadAll reads a hundred thousand lines, page by page.
func BenchmarkReadAll(b *testing.B) {
	s, e := onDisk(b)
	ctx := identity.WithRegion(context.Background(), "us-east-1")
	begin := time.Now().Add(-time.Hour)
	for i := range 1000 {
		if err := e.Update(ctx, func(tx *engine.Tx) error {
			return s.Append(tx, "us-east-1", "g", "s", lines(100, begin.Add(time.Duration(i)*50*time.Millisecond)))
		}); err != nil {
			b.Fatal(err)
		}
	}
	b.ResetTimer()
	for b.Loop() {
		n := 0
		var token *string
		for {
			out, err := s.GetLogEvents(ctx, &cloudwatchlogs.GetLogEventsInput{LogGroupName: aws.String("g"),
				LogStreamName: aws.String("s"), StartFromHead: aws.Bool(true), NextToken: token})
			if err != nil {
				b.Fatal(err)
			}
			if len(out.Events) == 0 {
				break
			}
			n += len(out.Events)
			token = out.NextForwardToken
		}
		if n != 100_000 {
			b.Fatal(n)
		}
	}
}
