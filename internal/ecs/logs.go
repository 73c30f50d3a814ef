package ecs

import (
	"context"
	"errors"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	logstypes "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"github.com/slipway-dev/slipway/internal/compute"
	"github.com/slipway-dev/slipway/internal/engine"
)

// A batch of lines is as many as have come while the last one was written, up
// to this. PutLogEvents takes 10,000 events and 1 MiB.
const (
	batchLines = 2000
	batchBytes = 512 << 10
)

// shipLogs carries the output of a container to its log group, until the
// container has ended and everything is there. What the group has is noted in
// the transaction that appends to it, so no line is lost or doubled however
// this process ends.
func (s *Service) shipLogs(ctx context.Context, job *engine.Job) error {
	ref, t, err := s.find(ctx, job)
	if err != nil || t == nil || t.Boxes[ref.Index].LogsDone {
		return err
	}
	b := t.Boxes[ref.Index]
	inner, cancel := context.WithCancel(ctx)
	lines, ended := make(chan compute.Line, 256), make(chan error, 1)
	go func() {
		skip := b.Shipped
		err := s.Compute.Logs(inner, b.EngineID, b.ShippedTo, true, func(l compute.Line) bool {
			if skip > 0 && l.Time.Equal(b.ShippedTo) {
				skip--
				return true
			}
			skip = 0
			select {
			case lines <- l:
				return true
			case <-inner.Done():
				return false
			}
		})
		close(lines)
		ended <- err
	}()
	err = s.ship(ctx, ref, lines)
	cancel()
	for range lines { // let the reader go
	}
	if readErr := <-ended; err == nil && !errors.Is(readErr, compute.ErrNotFound) {
		err = readErr
	}
	if err != nil {
		return err
	}
	return s.change(ctx, ref.Task, func(tx *engine.Tx, t *task) error {
		t.Boxes[ref.Index].LogsDone = true
		return tx.Enqueue(engine.NewJob{Kind: jobTask, ID: t.ID, Key: t.ID, Payload: t.key()})
	})
}

// ship appends lines until there are no more.
func (s *Service) ship(ctx context.Context, ref containerRef, lines <-chan compute.Line) error {
	for first := range lines {
		batch, size := []compute.Line{first}, len(first.Text)
	more:
		for len(batch) < batchLines && size < batchBytes {
			select {
			case l, ok := <-lines:
				if !ok {
					break more
				}
				batch, size = append(batch, l), size+len(l.Text)
			default:
				break more
			}
		}
		if err := s.appendBatch(ctx, ref, batch); err != nil {
			return err
		}
	}
	return nil
}

func (s *Service) appendBatch(ctx context.Context, ref containerRef, batch []compute.Line) error {
	events := make([]logstypes.InputLogEvent, 0, len(batch))
	for _, l := range batch {
		events = append(events, logstypes.InputLogEvent{Timestamp: aws.Int64(l.Time.UnixMilli()), Message: aws.String(l.Text)})
	}
	return s.change(ctx, ref.Task, func(tx *engine.Tx, t *task) error {
		b := &t.Boxes[ref.Index]
		region, group, stream := t.stream(&t.Definition.ContainerDefinitions[ref.Index], b.EngineID)
		if err := s.Logs.Append(tx, region, group, stream, events); err != nil {
			return err
		}
		for _, l := range batch {
			b.shipped(l.Time)
		}
		return nil
	})
}

// shipped counts a line in.
func (b *box) shipped(at time.Time) {
	if at.Equal(b.ShippedTo) {
		b.Shipped++
		return
	}
	b.ShippedTo, b.Shipped = at, 1
}
