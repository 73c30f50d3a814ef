package logs

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"github.com/slipway-dev/slipway/internal/aws/wire"
	"github.com/slipway-dev/slipway/internal/logs/filter"
	"github.com/slipway-dev/slipway/internal/store"
)

// A call looks at this much at most; then it answers what it has, perhaps
// nothing, with a token. It keeps one call from holding a snapshot for long.
const (
	maxExamined      = 100_000
	maxExaminedBytes = 16 << 20
)

// backwardsSince: AWS refuses to read backwards into times before 2024.
const backwardsSince = 1_704_067_200_000

// FilterLogEvents reads many streams in order of time.
func (s *Service) FilterLogEvents(ctx context.Context, in *cloudwatchlogs.FilterLogEventsInput, _ ...func(*cloudwatchlogs.Options)) (*cloudwatchlogs.FilterLogEventsOutput, error) {
	if len(in.LogStreamNames) > 0 && in.LogStreamNamePrefix != nil {
		return nil, invalidParameter("logStreamNames and logStreamNamePrefix are mutually exclusive parameters.")
	}
	pattern, err := filter.Parse(aws.ToString(in.FilterPattern))
	if err != nil {
		return nil, invalidParameter(err.Error())
	}
	reverse := in.StartFromHead != nil && !*in.StartFromHead
	if reverse && in.NextToken == nil && in.StartTime != nil && *in.StartTime < backwardsSince {
		return nil, invalidParameter("startFromHead can be false only if startTime is on or after Jan 1, 2024 00:00:00 UTC.")
	}
	from, to := aws.ToInt64(in.StartTime), int64(-1)
	if in.EndTime != nil {
		if to = *in.EndTime; to < from {
			return nil, invalidParameter("startTime cannot be later than endTime.")
		}
	}
	out := &cloudwatchlogs.FilterLogEventsOutput{
		Events:             []types.FilteredLogEvent{},
		SearchedLogStreams: []types.SearchedLogStream{}, // always empty since 2019
	}
	err = s.cfg.Engine.View(ctx, func(r store.Reader) error {
		g, err := s.group(ctx, r, in.LogGroupName, in.LogGroupIdentifier)
		if err != nil {
			return err
		}
		scope := store.Key(append([]string{"FilterLogEvents", g.ID, fmt.Sprint(from, to), aws.ToString(in.FilterPattern),
			aws.ToString(in.LogStreamNamePrefix)}, in.LogStreamNames...)...)
		var cursor *position
		if in.NextToken != nil {
			if cursor, reverse, err = parseFilterToken(scope, *in.NextToken); err != nil {
				return err
			}
		}
		w := reading{s: s, r: r, group: g, reverse: reverse, from: -1}
		switch {
		case cursor != nil:
			w.from = bucketOf(cursor.timestamp)
		case !reverse:
			w.from = bucketOf(from)
		case to >= 0:
			w.from = bucketOf(to)
		}
		all, err := s.selected(r, g, w, in.LogStreamNames, aws.ToString(in.LogStreamNamePrefix))
		if err != nil {
			return err
		}

		limit, size, examined, examinedBytes := intOr(in.Limit, pageEvents), 0, 0, 0
		var last position
		for e, err := range w.events(all) {
			if err != nil {
				return err
			}
			tooEarly, tooLate := e.timestamp < from, to >= 0 && e.timestamp > to
			if reverse && tooEarly || !reverse && tooLate {
				return nil
			}
			if tooEarly || tooLate || cursor != nil && (e.compare(*cursor) == 0 || (e.compare(*cursor) < 0) != reverse) {
				continue
			}
			match := pattern.Match(e.message)
			full := examined == maxExamined || examinedBytes > maxExaminedBytes ||
				match && len(out.Events) == limit ||
				match && len(out.Events) > 0 && size+len(e.message)+eventExtra > pageBytes
			if full {
				out.NextToken = aws.String(filterToken(scope, last, reverse))
				return nil
			}
			last = e.position
			examined++
			examinedBytes += len(e.message)
			if !match {
				continue
			}
			size += len(e.message) + eventExtra
			out.Events = append(out.Events, types.FilteredLogEvent{
				EventId:       aws.String(e.eventID()),
				LogStreamName: aws.String(e.stream),
				Timestamp:     aws.Int64(e.timestamp),
				IngestionTime: aws.Int64(e.ingestion),
				Message:       aws.String(e.message),
			})
		}
		return nil
	})
	if err != nil {
		return nil, readable(err)
	}
	return out, nil
}

// selected is the walk over the streams that were asked for.
func (s *Service) selected(r store.Reader, g *group, w reading, names []string, prefix string) (buckets, error) {
	if len(names) == 0 {
		return w.ofGroup(func(name string) bool { return strings.HasPrefix(name, prefix) }), nil
	}
	names = slices.Clone(names)
	slices.Sort(names)
	var list []*stream
	for _, name := range slices.Compact(names) {
		st, err := streams.Get(r, g.ID, name)
		if errors.Is(err, store.ErrNotFound) {
			return nil, noStream()
		}
		if err != nil {
			return nil, err
		}
		list = append(list, st)
	}
	return w.ofStreams(list), nil
}

// filterToken goes on after an event, in the direction of the first request.
func filterToken(scope string, after position, reverse bool) string {
	return wire.EncodeToken(scope, fmt.Sprintf("%t %d %d %d %d", reverse, after.timestamp, after.ingestion, after.streamID, after.seq))
}

func parseFilterToken(scope, token string) (*position, bool, error) {
	key, ok := wire.DecodeToken(scope, token)
	if !ok {
		return nil, false, badToken()
	}
	var p position
	var reverse bool
	if _, err := fmt.Sscanf(key, "%t %d %d %d %d", &reverse, &p.timestamp, &p.ingestion, &p.streamID, &p.seq); err != nil {
		return nil, false, badToken()
	}
	return &p, reverse, nil
}
