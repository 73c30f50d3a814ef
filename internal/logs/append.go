package logs

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"github.com/slipway-dev/slipway/internal/aws/identity"
	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/store"
)

// Limits of PutLogEvents.
const (
	maxBatchBytes = 1 << 20
	maxBatchSpan  = 24 * time.Hour
	maxAhead      = 2 * time.Hour
	maxAge        = 14 * 24 * time.Hour
)

// maxMessage is where Append cuts messages: what the agents of AWS cut at.
const maxMessage = 256<<10 - eventExtra

// PutLogEvents appends a batch.
func (s *Service) PutLogEvents(ctx context.Context, in *cloudwatchlogs.PutLogEventsInput, _ ...func(*cloudwatchlogs.Options)) (*cloudwatchlogs.PutLogEventsOutput, error) {
	if err := checkBatch(in.LogEvents); err != nil {
		return nil, err
	}
	out := &cloudwatchlogs.PutLogEventsOutput{}
	err := s.cfg.Engine.Update(ctx, func(tx *engine.Tx) error {
		g, err := getGroup(tx, identity.Region(ctx), aws.ToString(in.LogGroupName))
		if err != nil {
			return err
		}
		st, err := getStream(tx, g, aws.ToString(in.LogStreamName))
		if err != nil {
			return err
		}
		accepted, rejected := sift(in.LogEvents, tx.Now(), g.RetentionInDays)
		if err := s.write(tx, g, st, accepted); err != nil {
			return err
		}
		out.RejectedLogEventsInfo = rejected
		out.NextSequenceToken = aws.String(st.sequenceToken())
		return nil
	})
	if err != nil {
		return nil, readable(err)
	}
	return out, nil
}

func checkBatch(events []types.InputLogEvent) error {
	size := 0
	for i, e := range events {
		size += len(aws.ToString(e.Message)) + eventExtra
		if i > 0 && *e.Timestamp < *events[i-1].Timestamp {
			return invalidParameter("Log events in a single PutLogEvents request must be in chronological order.")
		}
	}
	if size > maxBatchBytes {
		return invalidParameter(fmt.Sprintf("Upload too large: %d bytes exceeds limit of %d", size, maxBatchBytes))
	}
	if n := len(events); n > 0 && *events[n-1].Timestamp-*events[0].Timestamp > maxBatchSpan.Milliseconds() {
		return invalidParameter("The batch of log events in a single PutLogEvents request cannot span more than 24 hours.")
	}
	return nil
}

// sift leaves out the events of a batch, in order of time, that are too old,
// expired or too new.
func sift(events []types.InputLogEvent, now time.Time, retentionDays *int32) ([]types.InputLogEvent, *types.RejectedLogEventsInfo) {
	var info types.RejectedLogEventsInfo
	before := func(t time.Time) int { // how many are older than t
		n, _ := slices.BinarySearchFunc(events, t.UnixMilli(), func(e types.InputLogEvent, t int64) int {
			if *e.Timestamp < t {
				return -1
			}
			return 1
		})
		return n
	}
	from, to := 0, before(now.Add(maxAhead+time.Millisecond))
	if to < len(events) {
		info.TooNewLogEventStartIndex = aws.Int32(int32(to))
	}
	if n := before(now.Add(-maxAge)); n > 0 {
		info.TooOldLogEventEndIndex = aws.Int32(int32(n))
		from = n
	}
	if retentionDays != nil {
		if n := before(now.Add(-retention(*retentionDays))); n > 0 {
			info.ExpiredLogEventEndIndex = aws.Int32(int32(n))
			from = max(from, n)
		}
	}
	if info == (types.RejectedLogEventsInfo{}) {
		return events, nil
	}
	return events[from:max(from, to)], &info
}

// HasGroup tells whether a log group is there. The error is of the store.
func (s *Service) HasGroup(r store.Reader, region, name string) (bool, error) {
	_, err := groups.Get(r, region, name)
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// Append adds events to a stream within the caller's own transition, so that
// they are there exactly if its other effects are; the group and the stream
// are made if they are missing. Events are put into the order of their
// timestamps (ties keep theirs) and none is rejected: a message that is too
// long becomes several events, bytes that are not UTF-8 become U+FFFD, and an
// empty message, which CloudWatch Logs cannot hold, one space. Live followers
// see them after the commit. Only where the group has a KMS key that cannot be
// used are the events lost, as AWS loses them.
func (s *Service) Append(tx *engine.Tx, region, groupName, streamName string, events []types.InputLogEvent) error {
	g, err := groups.Get(tx, region, groupName)
	if errors.Is(err, store.ErrNotFound) {
		g = s.newGroup(region, groupName)
		err = g.put(tx)
	}
	if err != nil {
		return err
	}
	st, err := streams.Get(tx, g.ID, streamName)
	if errors.Is(err, store.ErrNotFound) {
		st, err = s.newStream(tx, g, streamName)
	}
	if err != nil {
		return err
	}
	var fit []types.InputLogEvent
	for _, e := range events {
		at := aws.Int64(max(0, aws.ToInt64(e.Timestamp)))
		for _, part := range cut(strings.ToValidUTF8(aws.ToString(e.Message), "\uFFFD")) {
			fit = append(fit, types.InputLogEvent{Timestamp: at, Message: aws.String(part)})
		}
	}
	slices.SortStableFunc(fit, func(a, b types.InputLogEvent) int { return int(*a.Timestamp - *b.Timestamp) })
	err = s.write(tx, g, st, fit)
	var unusable *keyError
	if errors.As(err, &unusable) {
		s.cfg.Log.Warn("log events are lost: KMS does not open the group's key", "group", groupName, "stream", streamName, "events", len(fit), "err", err)
		return nil
	}
	return err
}

// cut splits a message at maxMessage bytes, between characters.
func cut(message string) (parts []string) {
	if message == "" {
		return []string{" "}
	}
	for len(message) > maxMessage {
		at := maxMessage
		for !utf8.RuneStart(message[at]) {
			at--
		}
		parts = append(parts, message[:at])
		message = message[at:]
	}
	return append(parts, message)
}

// write stores events, which are in order of time, and moves the stream on.
func (s *Service) write(tx *engine.Tx, g *group, st *stream, in []types.InputLogEvent) error {
	if len(in) == 0 {
		return nil
	}
	streamID, err := strconv.ParseUint(st.ID, 16, 64)
	if err != nil {
		return fmt.Errorf("logs: stream id: %w", err)
	}
	seal, err := s.sealer(g)
	if err != nil {
		return err
	}
	// Ingestion never goes backwards in a stream, whatever the clock does.
	ingestion := max(tx.Now().UnixMilli(), aws.ToInt64(st.LastIngestionTime))
	events := make([]event, len(in))
	var size int64
	for i, e := range in {
		st.Seq++
		events[i] = event{position{*e.Timestamp, ingestion, streamID, st.Seq}, st.name(), *e.Message}
		size += int64(len(*e.Message)) + eventExtra
	}
	for rest := events; len(rest) > 0; {
		bucket := bucketOf(rest[0].timestamp)
		n, counts := 1, int64(len(rest[0].message))+eventExtra
		for n < len(rest) && bucketOf(rest[n].timestamp) == bucket {
			counts += int64(len(rest[n].message)) + eventExtra
			n++
		}
		if err := tx.Put(chunkKey(g.ID, st.ID, bucket, rest[0].seq), seal(encodeChunk(rest[:n]), counts)); err != nil {
			return err
		}
		if err := tx.Put(timeKey(g.ID, bucket, st.ID), []byte(st.name())); err != nil {
			return err
		}
		rest = rest[n:]
	}

	first, last := events[0].timestamp, events[len(events)-1].timestamp
	if st.FirstEventTimestamp == nil || first < *st.FirstEventTimestamp {
		st.FirstEventTimestamp = aws.Int64(first)
	}
	if st.LastEventTimestamp == nil || last > *st.LastEventTimestamp {
		if err := tx.Delete(st.lastKey(g)); err != nil {
			return err
		}
		st.LastEventTimestamp = aws.Int64(last)
		if err := tx.Put(st.lastKey(g), nil); err != nil {
			return err
		}
	}
	st.LastIngestionTime = aws.Int64(ingestion)
	if err := streams.Put(tx, st, g.ID, st.name()); err != nil {
		return err
	}
	if err := addBytes(tx, g.ID, size); err != nil {
		return err
	}
	if err := s.measure(tx, g, in); err != nil {
		return err
	}
	tx.AfterCommit(func() { s.followers.publish(g.ID, events) })
	return nil
}
