package logs

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"

	"github.com/slipway-dev/slipway/internal/store"
)

// event is a log event with its place in the order of all events of a group.
type event struct {
	position
	stream  string // name
	message string
}

// position orders events: by timestamp, ingestion, stream and number. Seq 0 is
// before all events of its timestamp's and stream's.
type position struct {
	timestamp, ingestion int64 // ms
	streamID             uint64
	seq                  uint64
}

func (p position) compare(q position) int {
	return cmp.Or(cmp.Compare(p.timestamp, q.timestamp), cmp.Compare(p.ingestion, q.ingestion),
		cmp.Compare(p.streamID, q.streamID), cmp.Compare(p.seq, q.seq))
}

// eventID is unique and stable: 14 digits of time, 20 of stream, 22 of number.
func (p position) eventID() string {
	return fmt.Sprintf("%014d%020d%022d", p.timestamp, p.streamID, p.seq)
}

// parseEventID reverses eventID (without ingestion, which an id leaves out).
func parseEventID(s string) (p position, ok bool) {
	if len(s) != 56 {
		return p, false
	}
	var errs [3]error
	p.timestamp, errs[0] = strconv.ParseInt(s[:14], 10, 64)
	p.streamID, errs[1] = strconv.ParseUint(s[14:34], 10, 64)
	p.seq, errs[2] = strconv.ParseUint(s[34:], 10, 64)
	return p, errors.Join(errs[:]...) == nil && p.eventID() == s
}

// bucketOf is the second that a timestamp lies in.
func bucketOf(timestamp int64) int64 { return timestamp / 1000 }

func bucketPart(bucket int64) string { return fmt.Sprintf("%012d", bucket) }

func chunkKey(groupID, streamID string, bucket int64, seq uint64) string {
	return store.Key("logs.event", groupID, streamID, bucketPart(bucket), fmt.Sprintf("%016x", seq))
}

func timeKey(groupID string, bucket int64, streamID string) string {
	return store.Key("logs.time", groupID, bucketPart(bucket), streamID)
}

// parseBucket reads the bucket part of a key: the nth part.
func parseBucket(part string) (int64, error) {
	b, err := strconv.ParseInt(part, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("logs: bucket in key: %w", err)
	}
	return b, nil
}

const (
	chunkVersion = 1
	eventExtra   = 26 // bytes that each event counts besides its message
)

// encodeChunk writes events of one bucket, stream and ingestion, whose numbers
// follow each other; the first number is in the key.
func encodeChunk(events []event) []byte {
	size := 24
	for _, e := range events {
		size += len(e.message) + 6
	}
	b := append(make([]byte, 0, size), chunkVersion)
	b = binary.AppendUvarint(b, uint64(events[0].ingestion))
	b = binary.AppendUvarint(b, uint64(len(events)))
	for _, e := range events {
		b = binary.AppendUvarint(b, uint64(e.timestamp%1000))
		b = binary.AppendUvarint(b, uint64(len(e.message)))
		b = append(b, e.message...)
	}
	return b
}

// countedBytes is what a chunk counts as stored bytes.
func countedBytes(chunk []byte) (n int64, err error) {
	if len(chunk) > 0 && chunk[0] == sealedVersion {
		_, n, _, err = sealedHead(chunk)
		return n, err
	}
	events, err := decodeChunk(nil, chunk, 0, "", 0, 0)
	for _, e := range events {
		n += int64(len(e.message)) + eventExtra
	}
	return n, err
}

var errChunk = errors.New("logs: broken chunk")

// decodeChunk appends the events of a chunk.
func decodeChunk(to []event, chunk []byte, bucket int64, stream string, streamID, seq uint64) ([]event, error) {
	if len(chunk) == 0 || chunk[0] != chunkVersion {
		return nil, errChunk
	}
	chunk = chunk[1:]
	number := func() (uint64, error) {
		n, k := binary.Uvarint(chunk)
		if k <= 0 {
			return 0, errChunk
		}
		chunk = chunk[k:]
		return n, nil
	}
	ingestion, err := number()
	if err != nil {
		return nil, err
	}
	count, err := number()
	if err != nil {
		return nil, err
	}
	text := string(chunk) // one copy; messages are parts of it
	all := len(chunk)
	for i := range count {
		ms, err := number()
		if err != nil {
			return nil, err
		}
		length, err := number()
		if err != nil || length > uint64(len(chunk)) {
			return nil, errChunk
		}
		at := all - len(chunk)
		to = append(to, event{
			position: position{bucket*1000 + int64(ms), int64(ingestion), streamID, seq + i},
			stream:   stream,
			message:  text[at : at+int(length)],
		})
		chunk = chunk[length:]
	}
	return to, nil
}
