package logs

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"github.com/slipway-dev/slipway/internal/store"
)

// Limits of a page.
const (
	pageEvents = 10_000
	pageBytes  = 1 << 20
)

// GetLogEvents reads one stream, a page in either direction. A token is
// "f/" or "b/" and an event's id: what comes after it, or before it. A page
// without events gives back the token that was passed in, which is how clients
// know that they have reached an end.
func (s *Service) GetLogEvents(ctx context.Context, in *cloudwatchlogs.GetLogEventsInput, _ ...func(*cloudwatchlogs.Options)) (*cloudwatchlogs.GetLogEventsOutput, error) {
	out := &cloudwatchlogs.GetLogEventsOutput{Events: []types.OutputLogEvent{}}
	err := s.cfg.Engine.View(ctx, func(r store.Reader) error {
		g, err := s.group(ctx, r, in.LogGroupName, in.LogGroupIdentifier)
		if err != nil {
			return err
		}
		st, err := getStream(r, g, aws.ToString(in.LogStreamName))
		if err != nil {
			return err
		}
		streamID, err := strconv.ParseUint(st.ID, 16, 64)
		if err != nil {
			return err
		}
		from, to := aws.ToInt64(in.StartTime), int64(-1)
		if in.EndTime != nil {
			to = *in.EndTime
		}
		w := reading{s: s, r: r, group: g, reverse: !aws.ToBool(in.StartFromHead), from: -1}
		var cursor *position
		if in.NextToken != nil {
			var backward bool
			if cursor, backward, err = parseCursor(*in.NextToken, streamID); err != nil {
				return err
			}
			w.reverse = backward
		}
		switch { // where the walk begins
		case w.reverse && to >= 0:
			w.from = bucketOf(to)
		case !w.reverse:
			w.from = bucketOf(from)
		}
		if cursor != nil {
			switch at := bucketOf(cursor.timestamp); {
			case w.reverse && (w.from < 0 || at < w.from), !w.reverse && at > w.from:
				w.from = at
			}
		}

		limit, size := intOr(in.Limit, pageEvents), 0
		var page []event
		for e, err := range w.events(w.ofStream(st)) {
			if err != nil {
				return err
			}
			tooEarly, tooLate := e.timestamp < from, to >= 0 && e.timestamp >= to
			if w.reverse && tooEarly || !w.reverse && tooLate {
				break
			}
			if tooEarly || tooLate || cursor != nil && !beyond(e.position, *cursor, w.reverse) {
				continue
			}
			size += len(e.message) + eventExtra
			if len(page) == limit || size > pageBytes && len(page) > 0 {
				break
			}
			page = append(page, e)
		}
		if w.reverse {
			slices.Reverse(page)
		}
		for _, e := range page {
			out.Events = append(out.Events, types.OutputLogEvent{
				Timestamp: aws.Int64(e.timestamp), IngestionTime: aws.Int64(e.ingestion), Message: aws.String(e.message)})
		}
		forward, backward := cursors(page, cursor, w.reverse, position{timestamp: from, streamID: streamID})
		out.NextForwardToken, out.NextBackwardToken = aws.String(forward), aws.String(backward)
		return nil
	})
	if err != nil {
		return nil, readable(err)
	}
	return out, nil
}

// beyond tells whether p comes after the cursor in the direction of reading.
// Within a stream, number and ingestion agree, so the number decides ties.
func beyond(p, cursor position, reverse bool) bool {
	if p.timestamp != cursor.timestamp {
		return (p.timestamp < cursor.timestamp) == reverse
	}
	return p.seq != cursor.seq && (p.seq < cursor.seq) == reverse
}

// cursors are the tokens of a page. The backward one excludes the event it
// names, the forward one too, so at an end the other direction's token must
// name a neighbour of the cursor's event to include it.
func cursors(page []event, cursor *position, reverse bool, origin position) (forward, backward string) {
	f, b := origin, origin
	switch {
	case len(page) > 0:
		f, b = page[len(page)-1].position, page[0].position
	case cursor != nil:
		f, b = *cursor, *cursor
		if reverse {
			f.seq = max(f.seq, 1) - 1
		} else {
			b.seq++
		}
	}
	return "f/" + f.eventID() + "/s", "b/" + b.eventID() + "/s"
}

func parseCursor(token string, streamID uint64) (cursor *position, backward bool, err error) {
	parts := strings.Split(token, "/")
	if len(parts) != 3 || parts[0] != "f" && parts[0] != "b" || parts[2] != "s" {
		return nil, false, badToken()
	}
	p, ok := parseEventID(parts[1])
	if !ok || p.streamID != streamID {
		return nil, false, badToken()
	}
	return &p, parts[0] == "b", nil
}
