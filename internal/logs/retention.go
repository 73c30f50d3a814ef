package logs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"

	"github.com/slipway-dev/slipway/internal/aws/identity"
	"github.com/slipway-dev/slipway/internal/engine"
	"github.com/slipway-dev/slipway/internal/store"
)

const (
	retentionJob = "logs.retention" // one per group with a policy
	eraseJob     = "logs.erase"     // one per deleted group or stream

	// deleteAtOnce is the entries that one transaction deletes, so that
	// others need not wait long.
	deleteAtOnce = 200
	// retentionPause is the least time between two passes over a group. AWS
	// takes up to 72 hours.
	retentionPause = time.Hour
)

var retentionDays = []int32{1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653}

func retention(days int32) time.Duration { return time.Duration(days) * 24 * time.Hour }

// PutRetentionPolicy makes events expire; what has expired is deleted at once.
func (s *Service) PutRetentionPolicy(ctx context.Context, in *cloudwatchlogs.PutRetentionPolicyInput, _ ...func(*cloudwatchlogs.Options)) (*cloudwatchlogs.PutRetentionPolicyOutput, error) {
	days := aws.ToInt32(in.RetentionInDays)
	if !slices.Contains(retentionDays, days) {
		valid := strings.Trim(strings.ReplaceAll(fmt.Sprint(retentionDays), " ", ", "), "[]")
		return nil, invalidParameter(fmt.Sprintf("1 validation error detected: Value '%d' at 'retentionInDays' failed to satisfy constraint: Member must satisfy enum value set: [%s]", days, valid))
	}
	err := s.cfg.Engine.Update(ctx, func(tx *engine.Tx) error {
		g, err := getGroup(tx, identity.Region(ctx), aws.ToString(in.LogGroupName))
		if err != nil {
			return err
		}
		g.RetentionInDays = aws.Int32(days)
		return errors.Join(g.put(tx), tx.Enqueue(engine.NewJob{
			Kind: retentionJob, ID: g.ID, Payload: retentionOf{Region: g.Region, Name: g.name(), ID: g.ID}}))
	})
	if err != nil {
		return nil, err
	}
	return &cloudwatchlogs.PutRetentionPolicyOutput{}, nil
}

// DeleteRetentionPolicy keeps events for ever.
func (s *Service) DeleteRetentionPolicy(ctx context.Context, in *cloudwatchlogs.DeleteRetentionPolicyInput, _ ...func(*cloudwatchlogs.Options)) (*cloudwatchlogs.DeleteRetentionPolicyOutput, error) {
	err := s.cfg.Engine.Update(ctx, func(tx *engine.Tx) error {
		g, err := getGroup(tx, identity.Region(ctx), aws.ToString(in.LogGroupName))
		if err != nil {
			return err
		}
		g.RetentionInDays = nil
		return errors.Join(g.put(tx), tx.Cancel(retentionJob, g.ID))
	})
	if err != nil {
		return nil, err
	}
	return &cloudwatchlogs.DeleteRetentionPolicyOutput{}, nil
}

type retentionOf struct{ Region, Name, ID string }

func (s *Service) handleRetention() {
	s.cfg.Engine.Handle(retentionJob, engine.Options{Concurrency: 1}, func(ctx context.Context, job *engine.Job) error {
		var of retentionOf
		if err := json.Unmarshal(job.Payload, &of); err != nil {
			return err
		}
		for {
			var next time.Time // when there is something to do again
			var gone bool
			err := s.cfg.Engine.Update(ctx, func(tx *engine.Tx) (err error) {
				next, gone, err = expire(tx, of)
				return err
			})
			switch {
			case err != nil:
				return err
			case gone:
				return nil
			case !next.IsZero():
				return engine.RetryAt(next)
			}
		}
	})
}

// expire deletes some of what has expired in a group. next is zero if there is
// more to delete now.
func expire(tx *engine.Tx, of retentionOf) (next time.Time, gone bool, err error) {
	g, err := groups.Get(tx, of.Region, of.Name)
	if errors.Is(err, store.ErrNotFound) || err == nil && (g.ID != of.ID || g.RetentionInDays == nil) {
		return next, true, nil
	}
	if err != nil {
		return next, false, err
	}
	keep := retention(*g.RetentionInDays)
	end := bucketOf(tx.Now().Add(-keep).UnixMilli()) // this bucket is partly alive
	prefix := store.Prefix("logs.time", g.ID)
	n := 0
	for e, err := range tx.Scan(store.Range{Prefix: prefix}) {
		if err != nil {
			return next, false, err
		}
		part, streamID, _ := strings.Cut(e.Key[len(prefix):], store.Separator)
		second, err := parseBucket(part)
		if err != nil {
			return next, false, err
		}
		if second >= end {
			due := time.UnixMilli((second + 1) * 1000).Add(keep)
			return latest(due, tx.Now().Add(retentionPause)), false, nil
		}
		if n >= deleteAtOnce {
			return time.Time{}, false, nil
		}
		deleted, err := eraseChunks(tx, g.ID, streamID, part, 0)
		if err != nil {
			return next, false, err
		}
		n += deleted
		if err := tx.Delete(e.Key); err != nil {
			return next, false, err
		}
	}
	return tx.Now().Add(latestDuration(keep/24, retentionPause)), false, nil
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func latestDuration(a, b time.Duration) time.Duration { return max(a, b) }

// eraseChunks deletes the chunks of a stream, all or those of one bucket, with
// their bytes; at most limit (0: all). It returns how many.
func eraseChunks(tx store.Tx, groupID, streamID, bucket string, limit int) (n int, err error) {
	prefix := store.Prefix("logs.event", groupID, streamID)
	if bucket != "" {
		prefix = store.Prefix("logs.event", groupID, streamID, bucket)
	}
	var size int64
	for e, err := range tx.Scan(store.Range{Prefix: prefix, Limit: limit}) {
		if err != nil {
			return n, err
		}
		counts, err := countedBytes(e.Value)
		if err != nil {
			return n, err
		}
		size += counts
		if bucket == "" {
			parts := strings.Split(e.Key, store.Separator)
			second, err := parseBucket(parts[3])
			if err != nil {
				return n, err
			}
			if err := tx.Delete(timeKey(groupID, second, streamID)); err != nil {
				return n, err
			}
		}
		if err := tx.Delete(e.Key); err != nil {
			return n, err
		}
		n++
	}
	if n == 0 {
		return 0, nil
	}
	return n, addBytes(tx, groupID, -size)
}

// erase names what was deleted: a stream, or a whole group.
type erase struct{ Group, Stream string }

func (s *Service) handleErase() {
	s.cfg.Engine.Handle(eraseJob, engine.Options{Concurrency: 1}, func(ctx context.Context, job *engine.Job) error {
		var what erase
		if err := json.Unmarshal(job.Payload, &what); err != nil {
			return err
		}
		for more := true; more; {
			err := s.cfg.Engine.Update(ctx, func(tx *engine.Tx) (err error) {
				more, err = eraseSome(tx, what)
				return err
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
}

func eraseSome(tx store.Tx, what erase) (more bool, err error) {
	if what.Stream != "" {
		n, err := eraseChunks(tx, what.Group, what.Stream, "", deleteAtOnce)
		return n == deleteAtOnce, err
	}
	n := 0
	for _, table := range []string{"logs.event", "logs.time", "logs.stream", "logs.last"} {
		for e, err := range tx.Scan(store.Range{Prefix: store.Prefix(table, what.Group), Limit: deleteAtOnce - n}) {
			if err != nil {
				return false, err
			}
			if err := tx.Delete(e.Key); err != nil {
				return false, err
			}
			n++
		}
		if n == deleteAtOnce {
			return true, nil
		}
	}
	return false, tx.Delete(bytesKey(what.Group))
}
