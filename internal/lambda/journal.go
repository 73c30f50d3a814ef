package lambda

import (
	"context"
	"errors"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
)

// Bounds of a batch for PutLogEvents, which takes 10,000 events and 1 MiB with
// 26 bytes more for each; and of what may wait before the function does.
const (
	batchEvents = 5000
	batchBytes  = 900 << 10
	mostWaiting = 8 << 20
)

// journal brings an instance's lines to CloudWatch Logs, in the name of the
// execution role and while the function goes on: an answer does not wait for
// its log.
type journal struct {
	s             *Service
	target        *target
	group, stream string

	mu      sync.Mutex
	room    *sync.Cond
	waiting []types.InputLogEvent
	size    int
	last    int64 // the latest time: events must be in order
	busy    bool
	logs    *cloudwatchlogs.Client
	denied  bool // said once
}

func newJournal(s *Service, t *target, stream string) *journal {
	j := &journal{s: s, target: t, group: *t.LoggingConfig.LogGroup, stream: stream}
	j.room = sync.NewCond(&j.mu)
	return j
}

// add adds a line; lines end as AWS's do, with a newline.
func (j *journal) add(at int64, text string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for j.size > mostWaiting && j.busy {
		j.room.Wait()
	}
	j.last = max(j.last, at)
	j.waiting = append(j.waiting, types.InputLogEvent{Timestamp: aws.Int64(j.last), Message: aws.String(text + "\n")})
	j.size += len(text) + 27
	if !j.busy {
		j.busy = true
		j.s.busy.Go(j.ship)
	}
}

// ship sends until nothing waits.
func (j *journal) ship() {
	for {
		j.mu.Lock()
		batch := j.batch()
		if batch == nil {
			j.busy = false
			j.mu.Unlock()
			return
		}
		j.room.Broadcast()
		j.mu.Unlock()
		j.send(batch)
	}
}

// batch takes the next lines. The caller holds mu.
func (j *journal) batch() []types.InputLogEvent {
	n, size := 0, 0
	for n < len(j.waiting) && n < batchEvents && size < batchBytes {
		size += len(*j.waiting[n].Message) + 26
		n++
	}
	if n == 0 {
		return nil
	}
	batch := j.waiting[:n:n]
	if j.waiting = j.waiting[n:]; len(j.waiting) == 0 {
		j.waiting = nil
	}
	j.size -= size
	return batch
}

// send puts a batch into the stream, which is made when it is first needed.
// Lines are lost where the role must not write them, as at AWS.
func (j *journal) send(batch []types.InputLogEvent) {
	// What the last event said is still told when the server ends.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(j.s.ending), removal)
	defer cancel()
	err := j.put(ctx, batch)
	var missing *types.ResourceNotFoundException
	if errors.As(err, &missing) {
		_, _ = j.logs.CreateLogGroup(ctx, &cloudwatchlogs.CreateLogGroupInput{LogGroupName: &j.group})
		if _, err = j.logs.CreateLogStream(ctx, &cloudwatchlogs.CreateLogStreamInput{LogGroupName: &j.group, LogStreamName: &j.stream}); err == nil {
			err = j.put(ctx, batch)
		}
	}
	if err != nil && !j.denied {
		j.denied = true
		j.s.Log.Warn("a function's log lines are lost", "function", j.target.Function, "group", j.group, "err", err)
	}
}

func (j *journal) put(ctx context.Context, batch []types.InputLogEvent) error {
	if j.logs == nil {
		cfg, err := j.s.Sessions.Config(ctx, j.s.sessionOf(j.target.version))
		if err != nil {
			return err
		}
		j.logs = cloudwatchlogs.NewFromConfig(cfg)
	}
	_, err := j.logs.PutLogEvents(ctx, &cloudwatchlogs.PutLogEventsInput{LogGroupName: &j.group, LogStreamName: &j.stream, LogEvents: batch})
	return err
}
